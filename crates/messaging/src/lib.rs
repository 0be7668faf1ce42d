//! Delivery: what leaves the house for a person's telephone or mailbox, and what is remembered of it.
//!
//! - A [`Channel`] is one way out: [`Print`] for the demo and for tests, [`Twilio`] for SMS and calls, [`Smtp`] for mail.
//! - The [`Courier`] takes an [`Outgoing`], refuses what is over the limits, picks the channel and writes the message log.
//! - [`Hooks`] hear what suppliers call back: receipts, the keys that were pressed in a call, messages to us.
//! - [`Sip`] places calls over a trunk of the organisation's own, and has the conversation by itself.
//! - [`fetch`] asks addresses that a tenant's program named, and none that only this machine can reach.
//! - [`web_push`] wakes authenticators; it is no channel, because it carries nothing but "look".
//! - [`text`] words the messages, so that a telephone can bind a code to the site that asked for it.
//!
//! It never decides who may sign in: a call's keys are handed up as they were pressed. It never stores or logs a number, a mail
//! address, a text or a code in clear; what the tenant may read later is sealed to the tenant's key, or not kept ([`log`]).
//!
//! To add a channel: implement [`Channel`] in a file of its own and give it to [`Courier::new`] in the binary. If its supplier
//! sends receipts, hand them to [`Courier::report`].

mod admission;
mod answer;
mod calling;
mod channel;
mod courier;
mod error;
pub mod fetch;
pub mod gateway;
mod hooks;
mod house;
mod links;
pub mod log;
mod outgoing;
mod print;
mod queue;
pub mod routing;
mod smpp;
mod smtp;
mod standing;
mod suppliers;
#[cfg(test)]
mod testing;
pub mod text;
mod twilio;
mod voice;
pub mod web_push;

pub use crate::voice::{CallEvent, CallFacts, CallHost, Sip};
pub use admission::MessageSettings;
pub use answer::{Answer, CallAnswer, CallAnswers};
pub use channel::{Accepted, BoxFuture, Channel, ChannelKind, Ticket};
pub use courier::{CarrierState, Courier, Delivery, Options, Report, Reported, RouteHealth};
pub use error::{ErrorClass, SendError};
pub use fraud::{Blocked, InvalidRules, Rule};
pub use gateway::{Carrier, Gateway, GatewayError, Surroundings};
pub use hooks::{HOOKS_PATH, Hook, HookError, HookReply, Hooks, Receiver, Reception, What};
pub use house::house;
pub use links::{Inbound, Links};
pub use outgoing::{Address, CallScript, Content, EmailAddress, Gate, InvalidEmail, Outgoing, Purpose, Renewal, Terms};
pub use print::{CallBehavior, Outbox, Print, Printed};
pub use smtp::{InvalidSmtpConfig, Smtp, SmtpConfig, SmtpSecurity};
pub use standing::{Changed, Standing, State};
pub use twilio::{InvalidTwilioConfig, Retry, Twilio, TwilioConfig, signature};
pub use web_push::WebPush;

#[doc(hidden)]
pub use queue::measuring as queue_measuring;

/// What the fuzzers call.
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::twilio::fuzz_form;
    pub use crate::web_push::fuzz_subscription;
}
