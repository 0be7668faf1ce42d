//! Suppliers of messages that are spoken to over HTTP: one driver, and a preset for each supplier.
//!
//! - A [`Recipe`](recipe::Recipe) is data: which request carries a message, what its answer means, what a receipt looks like and who
//!   signed it, and how the supplier is made to forget. [`presets`] has one for each supplier; an administrator writes his own for any
//!   other gateway (`kind = "http"`).
//! - The [`Driver`] follows a recipe: it sends a [`Letter`], hears a [`Callback`], and has a message deleted or redacted when nothing
//!   more is to come.
//! - [`template`] puts a number and a text into a request so that neither can become anything else than a value.
//!
//! It knows no tenant, no database and no queue; it never decides where a message goes, never sends one twice, and never follows an
//! address that came from outside the configuration: no redirect, no URL out of an answer. No number, no text and no credential of it
//! stands in an error or in the log.
//!
//! Twilio has no recipe: `messaging` makes its requests, texts and calls alike, because a call is a conversation. They are asked
//! ([`Asker`]) and forgotten ([`Forgetter`]) as all others are, and [`presets::twilio`] says what the answers mean.
//!
//! To add a supplier: a file in `presets/` with its settings and its recipe, a line in [`Settings::read`], and a mock that behaves as
//! the supplier's documentation says. Whatever its request or receipt needs that no recipe can say becomes a variant of
//! [`recipe::Auth`] or of [`signature::Signature`].

mod asking;
mod client;
mod driver;
mod forget;
mod hearing;
pub mod letter;
pub mod place;
pub mod presets;
pub mod recipe;
mod secret;
pub mod settings;
pub mod signature;
pub mod sigv4;
pub mod template;

pub use asking::{Asker, No, fuzz_answer};
pub use driver::{Driver, InvalidDriver, Patience};
pub use forget::{Erase, Forgetter, Ledger};
pub use hearing::fuzz_hearing;
pub use letter::{Callback, Class, Content, Heard, Inbound, Kind, Letter, Progress, Refusal, Rejected, Status, Taken};
pub use secret::Secret;
pub use settings::Settings;
