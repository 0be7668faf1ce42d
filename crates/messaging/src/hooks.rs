//! Where suppliers call back, for every carrier in the same way: `/telephony/{carrier}/status/{ticket}` for receipts of one message,
//! `/telephony/{carrier}/keys/{ticket}` for the keys pressed in a call, `/telephony/{carrier}/inbound` for messages to us and for the
//! receipts of suppliers that have one address for all. No HTTP framework stands here; a door hands over the request, and answers what
//! it is given.
//!
//! What is believed is for the carrier to say: by the supplier's signature, by our own ticket in the address, mostly by both. A
//! carrier that hears nothing this way has no such address.

use crate::{BoxFuture, Courier, courier::Desk, house::Claims};
use http::HeaderMap;
use std::{borrow::Cow, fmt, sync::Arc, time::Duration};
use store::StoreError;

/// The beginning of every such address. Route `/telephony/{carrier}/{what}` and `/telephony/{carrier}/{what}/{ticket}`.
pub const HOOKS_PATH: &str = "/telephony/";

/// What a callback is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// A message's receipt.
    Status,
    /// The keys that were pressed in a call.
    Keys,
    /// A message to us, or receipts of any messages.
    Inbound,
}

impl What {
    /// As it stands in the address.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Keys => "keys",
            Self::Inbound => "inbound",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        [Self::Status, Self::Keys, Self::Inbound].into_iter().find(|what| what.as_str() == name)
    }

    /// The address that a supplier is given. `base` is this server's own, without a `/` at its end.
    #[must_use]
    pub fn address(self, base: &str, carrier: &str, ticket: &str) -> String {
        let part = if ticket.is_empty() { "" } else { "/" };
        format!("{base}{HOOKS_PATH}{carrier}/{}{part}{ticket}", self.as_str())
    }
}

/// A supplier's request.
pub struct Hook<'a> {
    /// What it is about.
    pub what: What,
    /// The ticket at the end of its address; empty for none.
    pub ticket: &'a str,
    /// Whether it is a GET.
    pub is_get: bool,
    /// Path and query as they were asked for.
    pub target: &'a str,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body.
    pub body: &'a [u8],
}

impl Hook<'_> {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// What a callback is answered.
#[derive(Clone, PartialEq, Eq)]
pub struct HookReply {
    /// HTTP status.
    pub status: u16,
    /// The body's type; empty without a body.
    pub content_type: &'static str,
    /// The body. It may hold a code.
    pub body: Cow<'static, str>,
}

impl fmt::Debug for HookReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookReply").field("status", &self.status).finish_non_exhaustive()
    }
}

impl HookReply {
    /// It was heard.
    pub(crate) const NOTED: Self = Self { status: 204, content_type: "", body: Cow::Borrowed("") };
    /// As above, for suppliers that take nothing but `200`.
    pub(crate) const OK: Self = Self { status: 200, content_type: "text/plain", body: Cow::Borrowed("") };

    pub(crate) const fn xml(body: &'static str) -> Self {
        Self { status: 200, content_type: "text/xml; charset=utf-8", body: Cow::Borrowed(body) }
    }

    pub(crate) const fn said(body: String) -> Self {
        Self { status: 200, content_type: "text/xml; charset=utf-8", body: Cow::Owned(body) }
    }

    pub(crate) const fn text(body: String) -> Self {
        Self { status: 200, content_type: "text/plain; charset=utf-8", body: Cow::Owned(body) }
    }
}

/// Why a callback is not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HookError {
    /// The signature is missing or wrong, or no public address is configured to check it over.
    #[error("the callback's signature is missing or wrong")]
    Forbidden,
    /// No such carrier; or the ticket is not of this house, too old, or of no message.
    #[error("there is nothing here")]
    NotFound,
    /// It can't be read.
    #[error("the callback is malformed")]
    Malformed,
    /// More was heard than can be worked on now.
    #[error("there is no room for another receipt")]
    Busy,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl HookError {
    /// The HTTP status to answer.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Malformed => 400,
            Self::Busy | Self::Store(_) => 503,
        }
    }
}

/// A carrier that is called back.
pub trait Receiver: Send + Sync {
    /// Takes a request that came to this carrier's address.
    fn take<'a>(&'a self, hook: &'a Hook<'a>, desk: &'a Reception) -> BoxFuture<'a, Result<HookReply, HookError>>;
}

/// What a carrier needs of the house to take a callback: to read tickets, to write receipts down.
pub struct Reception(Arc<Desk>);

impl Reception {
    pub(crate) const fn desk(&self) -> &Arc<Desk> {
        &self.0
    }

    /// What a ticket says that isn't older than `life`.
    pub(crate) async fn claims(&self, ticket: &str, life: Duration) -> Result<Claims, HookError> {
        let claims = self.0.house().await?.claims(ticket).ok_or(HookError::NotFound)?;
        if self.0.now() > claims.at + life {
            return Err(HookError::NotFound);
        }
        Ok(claims)
    }
}

/// Hears what suppliers call back, and hands it to the carrier that it came to.
pub struct Hooks(Reception);

impl Hooks {
    /// The hooks of a courier's carriers.
    #[must_use]
    pub fn new(courier: &Courier) -> Self {
        Self(Reception(Arc::clone(courier.desk())))
    }

    /// Takes a request.
    ///
    /// # Errors
    /// What the supplier is answered instead, see [`HookError::status`].
    pub async fn take(&self, carrier: &str, hook: &Hook<'_>) -> Result<HookReply, HookError> {
        let channel = self.0.desk().named(carrier).ok_or(HookError::NotFound)?;
        channel.receiver().ok_or(HookError::NotFound)?.take(hook, &self.0).await
    }
}
