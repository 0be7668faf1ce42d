//! The door's parts: what every call is given, and how a route says what it is.

use crate::wire::{ApiError, Envelope, Params, ReplayLedger};
use auth::{Application, Auth, AuthError};
use http::Method;
use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

/// What the door stands on.
pub struct Door {
    /// The engine.
    pub auth: Arc<Auth>,
    /// Host names that clients may sign, beside the one in the request: those of this server behind a proxy.
    pub api_hosts: Vec<String>,
    /// How long a question about an attempt may wait. Below the shortest time-out of the clients.
    pub long_poll: Duration,
    pub(crate) ledger: ReplayLedger,
    /// Names of client assertions that were used.
    pub(crate) assertions: ReplayLedger,
}

/// Signatures that are remembered at once: ten minutes of the planned peak of guarded requests.
const LEDGER: usize = 3_000_000;
/// Client assertions that are remembered at once: ten minutes of eight hundred sign-ins a second, each with two.
const ASSERTIONS: usize = 1_000_000;

impl Door {
    /// A door to `auth`.
    #[must_use]
    pub fn new(auth: Arc<Auth>, api_hosts: Vec<String>, long_poll: Duration) -> Self {
        Self {
            auth,
            api_hosts,
            long_poll,
            ledger: ReplayLedger::new(LEDGER),
            assertions: ReplayLedger::new(ASSERTIONS),
        }
    }
}

/// One verified call.
pub struct Call {
    /// The door.
    pub door: Arc<Door>,
    /// Who calls.
    pub app: Arc<Application>,
    /// What the signature covers.
    pub params: Params,
    /// The parts of the path that the route names, in order.
    pub path: Vec<String>,
    /// Hash of the signature of a dated request that changes something: names the request once and for all.
    pub request_digest: Option<[u8; 32]>,
}

impl Call {
    /// The engine.
    #[must_use]
    pub fn auth(&self) -> &Auth {
        &self.door.auth
    }

    /// The `n`-th named part of the path, from 0.
    #[must_use]
    pub fn part(&self, n: usize) -> &str {
        self.path.get(n).map(String::as_str).unwrap_or_default()
    }
}

/// What a handler gives back.
pub type Handled = Pin<Box<dyn Future<Output = Result<Envelope, ApiError>> + Send>>;

/// A handler.
pub type Handler = fn(Call) -> Handled;

/// Which of Duo's APIs a route belongs to, and what an integration needs to call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// Auth API v2 and REST v1: any integration but those of the Admin and Accounts APIs.
    Auth,
    /// Admin API: an integration of type `adminapi` that was given this grant.
    Admin(&'static str),
}

/// One route.
#[derive(Clone, Copy)]
pub struct Route {
    /// Its method.
    pub method: Verb,
    /// Its path, as axum writes it: `/admin/v1/users/{user}`.
    pub path: &'static str,
    /// Who may call it.
    pub surface: Surface,
    /// What an internal error is answered with, so that no client takes it for leave to let somebody in.
    pub closed: Closed,
    /// What it does.
    pub handler: Handler,
}

/// A method that can stand in a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// GET.
    Get,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// DELETE.
    Delete,
}

impl Verb {
    /// As `http` has it.
    #[must_use]
    pub const fn http(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Post => Method::POST,
            Self::Put => Method::PUT,
            Self::Delete => Method::DELETE,
        }
    }
}

/// What an internal error becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// 50000: nothing depends on it.
    Error,
    /// `result: deny` with the reason under this name. duo_unix lets people in on a 5xx at preauth (duo-wire.md §0, 3).
    Deny(&'static str),
}

impl Closed {
    /// The answer to an internal error.
    pub(crate) fn answer(self) -> Result<Envelope, ApiError> {
        match self {
            Self::Error => Err(ApiError::internal()),
            Self::Deny(words) => {
                let mut response = serde_json::Map::new();
                response.insert("result".to_owned(), "deny".into());
                if words == "status_msg" {
                    response.insert("status".to_owned(), "deny".into());
                }
                response.insert(words.to_owned(), "The service is temporarily unavailable. Access is denied.".into());
                Ok(Envelope::ok(serde_json::Value::Object(response)))
            }
        }
    }
}

/// What the engine's refusals are called on the wire. What is an internal error stays one: its cause is for our log.
#[must_use]
pub fn refusal(error: AuthError) -> ApiError {
    match error {
        AuthError::NoUser => ApiError::invalid_parameter("user_id"),
        AuthError::NoDevice => ApiError::invalid_parameter("device"),
        AuthError::NotCapable => ApiError::invalid_parameter("no capable device"),
        AuthError::UserName(_) => ApiError::invalid_parameter("username"),
        AuthError::Replayed => ApiError::replayed(),
        AuthError::NoSignIn => ApiError::invalid_parameter("sign-in"),
        AuthError::Refused(why) => ApiError::invalid_parameter(why),
        AuthError::Guarded => ApiError::forbidden(AuthError::Guarded.to_string()),
        AuthError::Limited { retry_after } => {
            ApiError::too_many_requests(u32::try_from(retry_after.as_secs()).unwrap_or(60).max(1))
        }
        AuthError::Store(store::StoreError::Duplicate) => ApiError::invalid_parameter("username already exists"),
        AuthError::Store(_)
        | AuthError::Damaged(_)
        | AuthError::Policy(_)
        | AuthError::Directory(_)
        | AuthError::Provider(_) => {
            tracing::error!(%error, "the engine failed");
            ApiError::internal()
        }
    }
}
