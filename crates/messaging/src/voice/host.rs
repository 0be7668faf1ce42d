//! Who stands behind a call that a program has described: asks its documents, and tells it how the call goes.

use crate::BoxFuture;
use std::time::Duration;
use types::{E164, MessageId, TenantId};
use voice::twiml::{FetchError, Fetched, Request};

/// A call, as its program knows it.
#[derive(Clone)]
pub struct CallFacts {
    /// Whose.
    pub tenant: TenantId,
    /// Which message it is.
    pub message: MessageId,
    /// The trunk's id of the call.
    pub call: String,
    /// The caller that it shows; empty where the trunk says it.
    pub from: String,
    /// Who is called.
    pub to: E164,
}

/// What became of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CallEvent {
    /// It rings.
    Ringing,
    /// Somebody, or something, has answered.
    Answered,
    /// It was answered, and is over after so long.
    Completed(Duration),
    /// The line was busy, or the call was declined.
    Busy,
    /// Nobody answered.
    NoAnswer,
    /// It could not be made.
    Failed,
    /// It was taken back before anybody answered.
    Canceled,
}

/// Stands behind calls that programs have described.
pub trait CallHost: Send + Sync {
    /// Asks for a document or a sound of a call: with the call's parameters, signed for its program, never at an address that only this
    /// house should reach.
    fn fetch<'a>(&'a self, call: &'a CallFacts, request: Request) -> BoxFuture<'a, Result<Fetched, FetchError>>;

    /// Hears how a call goes. It must not wait.
    fn heard(&self, call: &CallFacts, event: CallEvent);
}
