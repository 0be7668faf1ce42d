//! SIP, the caller's side: places calls over an organisation's trunk, sends their sound and hears the keys that are pressed.
//!
//! - [`Trunk`] is one trunk (a provider, an exchange): its address, its transport and its password. It never registers: a trunk
//!   takes calls, and nobody calls us.
//! - [`Call`] is one call. What becomes of it comes as [`Event`]s; what is to be done is said by [`Call::play`],
//!   [`Call::send_digits`] and [`Call::hang_up`], none of which waits.
//!
//! ```text
//! trunk ── transport (UDP, TCP, TLS) ── by Call-ID ──► call's task ── dialog (no I/O, no clock: messages and times in, actions out)
//!                                                          │
//!                                                          ├── receiver: SRTP, RTP, RFC 4733 keys in, from the one peer that may
//!                                                          └── pacer: one thread for the sound of all calls, a packet each 20 ms
//! ```
//!
//! It never writes a number, a credential, a key that was pressed or a sample into a log line or an error; never sends sound
//! anywhere but to the address that the signalling named or to the peer of that signalling; never answers a stranger; never reads
//! the clock for anything but a deadline.
//!
//! To add a codec: a variant of [`Codec`], its payload type in `sdp/local.rs`, its samples beside `g711.rs`. To add a SIP method that the other
//! side may send: an arm in `dialog/request.rs`. To add a crypto suite: a row in `sdes.rs` and its sizes in `srtp/keys.rs`.

mod call;
mod config;
mod dialog;
pub mod digest;
mod event;
pub mod g711;
pub mod key_events;
mod line;
mod link;
mod media;
pub mod message;
mod pacer;
pub mod rtp;
pub mod sdes;
pub mod sdp;
pub mod srtp;
mod trunk;

pub use call::{Call, Hand};
pub use config::{Codec, Config, Srtp, Transport};
pub use event::{CallError, Cause, DigitsError, Event, StartError};
pub use trunk::Trunk;
