//! What is said in a call, and what follows from the keys that are pressed.
//!
//! - [`Speech`] makes sound of text: by a synthesiser that runs as a program of its own (`espeak-ng`), or from recorded digits
//!   where the synthesiser doesn't know the language.
//! - A [`Line`] is an answered call: it plays, hears keys, hangs up. [`SipLine`] is one over a SIP trunk, [`testing::Wire`] one
//!   without a network.
//! - A [`Dialogue`] is the conversation of this house's own calls: a code that is spoken after a key, an approval by the keys that
//!   the screen shows.
//! - [`twiml`] reads and runs the documents of programs that speak Twilio's Calls API.
//!
//! It never decides who may sign in, and it knows no tenants and no numbers. It never speaks a code before a key was pressed: a
//! voice mail presses none. It never gives a code to another program: each of its characters is a sound that was made before, and the
//! sounds are put together here. No text that is spoken stands in a log line, on a command line or in an error.
//!
//! To add a language: its line in `speech/language.rs`, if the synthesiser has a voice for it; else a directory with recorded digits. To
//! add a verb of TwiML: a variant of [`twiml::Verb`], its arm in `twiml/read.rs` and in `twiml/run.rs`.

mod dialogue;
mod line;
mod player;
mod sip_line;
pub mod speech;
pub mod testing;
pub mod twiml;

pub use dialogue::{Dialogue, Outcome};
pub use line::{Heard, Line, Sound};
pub use sip_line::SipLine;
pub use speech::{Speech, SpeechError, SpeechSettings};

/// Samples a second, of everything that goes over a line.
pub const RATE: u32 = 8_000;

/// What the fuzzers call.
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::speech::wav::fuzz_wav;
    pub use crate::twiml::fuzz_document;
}
