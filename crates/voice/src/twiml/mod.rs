//! The documents of programs that speak Twilio's Calls API (TwiML, <https://www.twilio.com/docs/voice/twiml>).
//!
//! [`Document::read`] takes what it understands and nothing else: a verb that isn't one of [`Verb`] refuses the whole document, because
//! a call that leaves out a step does something that nobody meant. [`run`](Run::call) executes it on a [`Line`](crate::Line), within
//! limits of time, of verbs and of documents, whatever stands in them.

mod fetch;
mod read;
mod run;

pub use fetch::{Fetch, FetchError, Fetched, Method, Request};
pub use read::{MAX_BYTES, MAX_DEPTH, MAX_VERBS, TwimlError};
pub use run::{Ended, Limits, Run};

#[doc(hidden)]
pub use read::fuzz_document;

use std::time::Duration;
use types::SecretString;

/// A document: what is done, one after the other.
pub struct Document {
    /// The verbs.
    pub verbs: Vec<Verb>,
}

/// One step of a call.
pub enum Verb {
    /// `<Say>`, `<Play>`, `<Pause>`.
    Sound(Sounding),
    /// `<Gather>`.
    Gather(Gather),
    /// `<Redirect>`: goes on with another document.
    Redirect {
        /// Where it is, relative to this one.
        url: String,
        /// How it is asked for.
        method: Method,
    },
    /// `<Hangup>`.
    Hangup,
    /// `<Reject>`. Of a call that we placed, it is a hang-up.
    Reject {
        /// `busy` rather than `rejected`.
        busy: bool,
    },
}

/// What can be heard, or isn't.
pub enum Sounding {
    /// `<Say>`.
    Say {
        /// What. It may hold a code.
        text: SecretString,
        /// In which language (BCP 47); where the document says nothing, English.
        language: String,
        /// How often; 0 for without end.
        times: u32,
    },
    /// `<Play>` of a file.
    Play {
        /// Where it is, relative to the document.
        url: String,
        /// How often; 0 for without end.
        times: u32,
    },
    /// `<Play digits="…">`: keys, and `w` for half a second.
    Digits(String),
    /// `<Pause>`.
    Pause(Duration),
}

/// `<Gather>`: waits for keys, while something is heard.
pub struct Gather {
    /// What is heard, until a key is pressed.
    pub prompts: Vec<Sounding>,
    /// So many keys are enough; `None` for any number.
    pub digits: Option<usize>,
    /// So long the next key is waited for, after the last word or the last key.
    pub timeout: Duration,
    /// The key that ends the input; it isn't counted among the keys.
    pub finish: Option<char>,
    /// Who is told the keys, relative to the document; empty for the document's own address.
    pub action: String,
    /// How.
    pub method: Method,
    /// They are also told that there were none.
    pub empty: bool,
}
