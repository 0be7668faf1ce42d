//! SMPP 3.4, the client's side: binds to an SMSC, submits short messages, hears receipts and what people write back.
//!
//! - A [`Client`] keeps its binds up ([`Config`] says where and how) and carries texts: [`Client::submit`]. It waits its turn within the
//!   window, slows down when the carrier says that it is too fast, and tells apart what was never sent, what was refused, and what may
//!   or may not have been taken ([`SubmitError`]).
//! - A [`Handler`] is told what the carrier says by itself: [`Receipt`]s, and texts from people.
//! - [`split`] makes short messages of a text, [`gsm`] is their alphabet, [`receipt`] reads what becomes of them, [`pdu`] is the wire.
//!
//! It knows nothing of tenants, routes or codes, and it stores nothing. It never logs, and has no `Debug` for, a number, a text or a
//! password; buffers that held them are erased. It never takes a carrier's word for a length, and no answer, garbage or silence of
//! an SMSC does more than end one session, after which it connects again.
//!
//! To add a command: a variant of [`pdu::Pdu`] with its lines in `pdu/decode.rs` and `pdu/encode.rs`, and what is done with it in
//! `session.rs`. To add a shape of receipt: a line in the table of `receipt/tests.rs`, and what makes it pass. To add a status: a
//! line in `status.rs`, which also says what it means for a message.

mod backoff;
mod binds;
mod client;
mod config;
mod desk;
pub mod gsm;
mod join;
mod pace;
pub mod pdu;
pub mod receipt;
mod session;
pub mod split;
mod status;
#[cfg(test)]
mod testing;
mod tls;
mod track;
mod validity;

pub use client::{Client, Handler, Standing, Submit, SubmitError, Submitted};
pub use config::{Config, Mode, Numbering};
pub use receipt::{ReceiptIds, State};
pub use split::{Alphabet, Concatenation, TooLong};
pub use status::{Class, Status};
pub use tls::{InvalidTls, Tls};
pub use track::Receipt;
pub use validity::Validity;
