//! The door for programs that speak Twilio's API: messages, verifications of numbers, factors, look-ups.
//!
//! It translates and nothing else. Whether a message may go, which way it goes and what becomes of it is the courier's; TOTP is checked
//! by the engine's own code; that a code, a step of time or a challenge is used once is a condition of the statement that uses it.
//! `docs/messaging-api.md` tells programs what is here, what isn't, and what differs from Twilio.
//!
//! - An *account* is a tenant: `AC` and the 32 hexadecimal digits of its id. Who may ask stands in [`caller`].
//! - One table of [`routes`] serves all hosts; a path never means two things.
//! - What was sent is not kept: an answer holds a number or a text only where this request brought it, or while a verification lives.
//!
//! It never tells why a rule against fraud refused, never keeps a number or a text in clear, and never asks an address that is not of
//! the public Internet ([`messaging::fetch`]).
//!
//! To add a request: a function in the file of what it is about, and its line in that part's `ROUTES`; the test of tenant crossing
//! walks all of them.

mod account;
mod callback;
mod caller;
mod calls;
mod lookup;
mod messages;
mod pipeline;
mod routes;
mod verify;
mod wire;

pub use lookup::{SimSwap, SimSwapConfig, SimSwapError};
pub use routes::{Surface, surface};

use auth::Auth;
use axum::Router;
use callback::Callbacks;
use ipnet::IpNet;
use messaging::{
    Courier,
    fetch::{FetchError, Fetcher},
};
use std::sync::Arc;
use store::Store;
use types::{TenantId, World};

/// The integration type whose secret is an account's token.
pub const TOKEN_TYPE: &str = "messaging";

/// The name of a tenant's account: `AC` and the 32 hexadecimal digits of its id.
#[must_use]
pub fn account_sid(tenant: TenantId) -> String {
    wire::sid(wire::Prefix::ACCOUNT, tenant.uuid())
}

/// How the door is opened.
#[derive(Default)]
pub struct Options {
    /// Networks beside the public Internet that callbacks may be sent to.
    pub callback_networks: Vec<IpNet>,
    /// Who is asked whether a number's card was exchanged.
    pub sim_swap: Option<SimSwapConfig>,
}

/// The door.
pub struct Api {
    auth: Arc<Auth>,
    fetcher: Fetcher,
    callbacks: Callbacks,
    calls: calls::Calls,
    sim_swap: Option<Arc<SimSwap>>,
}

impl Api {
    /// Opens the door over an engine; needs a Tokio runtime. What it does by itself ends when it is dropped.
    ///
    /// # Errors
    /// When TLS can't be set up.
    pub fn start(auth: &Arc<Auth>, options: Options) -> Result<Arc<Self>, FetchError> {
        let api = Arc::new(Self {
            auth: Arc::clone(auth),
            fetcher: Fetcher::new(options.callback_networks)?,
            callbacks: Callbacks::new(),
            calls: calls::Calls::default(),
            sim_swap: options.sim_swap.map(SimSwap::new).transpose()?.map(Arc::new),
        });
        callback::start(&api);
        calls::start(&api);
        Ok(api)
    }

    fn courier(&self) -> &Courier {
        self.auth.courier()
    }

    fn store(&self) -> &Store {
        self.auth.store()
    }

    fn world(&self) -> &World {
        self.auth.world()
    }
}

/// The door's routes.
pub fn router(api: &Arc<Api>) -> Router {
    pipeline::router(api)
}

/// What the fuzzers call.
#[doc(hidden)]
pub mod fuzzing {
    /// A form, and what is asked of its parameters.
    pub fn form(bytes: &[u8]) {
        if let Ok(form) = crate::wire::Form::parse(bytes) {
            for name in ["To", "PageSize", "RateLimits"] {
                let _ = (form.get(name), form.number(name, 0, 10), form.flag(name), form.line(name, 16));
            }
            let _ = crate::wire::Paging::read("/", &form, &["To"]);
        }
    }

    /// JSON of short texts.
    pub fn words(bytes: &[u8]) {
        if let Ok(text) = std::str::from_utf8(bytes) {
            let _ = crate::wire::words(text, 10);
        }
    }

    /// A signed answer to a challenge.
    pub fn signed(bytes: &[u8]) {
        if let Ok(text) = std::str::from_utf8(bytes) {
            crate::verify::fuzz_signed(text);
        }
    }
}
