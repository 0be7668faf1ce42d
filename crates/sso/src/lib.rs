//! Single sign-on: what every door that signs people in to applications shares.
//!
//! A door parses its protocol, finds the [relying party](RelyingParty) and checks the whole request against what is set for it. Then:
//!
//! 1. [`Sso::stand`] says how this browser stands there. It is the one decision; no door makes one of its own.
//! 2. Where something is missing, [`Sso::hold`] keeps the request for this browser alone, and the browser goes to a page:
//!    [`Sso::send_to_sign_in`], `/session/prove`, `/consent/{id}`. It comes back to the door's `continue/{id}`.
//! 3. There [`Sso::held`] finds the request, `stand` is asked again (a proof that was asked for is younger than the request), and
//!    [`Sso::release`] takes the request out: of a hundred one wins, and only that one answers.
//! 4. [`Sso::participate`] notes where the session is signed in, so that [`Sso::end_session`] can tell everybody of its end.
//! 5. [`Sso::subject`], [`Sso::claims`] and [`Sso::attributes`] say what the relying party is told.
//!
//! It never speaks a protocol, and never trusts what a request says of host, person or level. Whether somebody may go anywhere is asked of
//! the engine with each request, so who is disabled gets nothing from anything that was granted before ([`Sso::still`]).
//!
//! To add a protocol: a variant of [`Protocol`] with its settings in `party/`, their check in `party/check.rs`, and a door.

pub mod claims;
mod consent;
pub mod cookies;
pub mod delivery;
mod error;
pub mod farewell;
pub mod forward;
pub mod headers;
mod held;
pub mod host;
mod launcher;
mod leaf;
pub mod logouts;
pub mod manage;
mod participants;
pub mod party;
mod people;
pub mod presets;
pub mod redirect_uri;
mod secrets;
mod service;
pub mod signing;
mod stand;
pub mod tokens;
mod visit;

pub use claims::{ClaimsMap, Person, Wanted};
pub use consent::Consent;
pub use error::{SsoError, causes};
pub use farewell::{FAREWELL, Farewell, Goodbye, InFront, Left};
pub use held::{HELD_LIFE, Held, LONGEST_HELD, Pending, ToAgree};
pub use launcher::Tile;
pub use leaf::{DeviceEnd, DeviceQuestion, Leaf};
pub use logouts::{Logouts, Messenger};
pub use participants::{Participant, Participation};
pub use party::{ClientAuth, GrantType, Kind, OidcClient, Protocol, RelyingParty, SamlParty, Settings, TokenFormat};
pub use service::{SERVICE_ANSWERS, SERVICE_METADATA};
pub use signing::SigningKeys;
pub use stand::{Ask, SignedIn, Stand};
pub use tokens::Grants;
pub use visit::{Place, Visit};

use auth::Auth;
use aws_lc_rs::hmac;
use quick_cache::sync::Cache;
use std::sync::Arc;
use store::Store;
use types::{TenantId, World};

/// The floor itself.
pub struct Sso {
    auth: Arc<Auth>,
    options: Options,
    parties: party::Parties,
    places: Cache<String, Arc<Place>>,
    pairwise: Cache<TenantId, hmac::Key>,
    signing: Arc<SigningKeys>,
    grants: Arc<Grants>,
}

/// What it needs to know of the server.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port in public addresses.
    pub public_port: u16,
    /// Whether browsers come by https. Only a test and a demonstration on one machine say no.
    pub secure_origin: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { public_port: 443, secure_origin: true }
    }
}

impl Sso {
    /// Starts it over the engine; needs a Tokio runtime.
    #[must_use]
    pub fn start(auth: Arc<Auth>, options: Options) -> Arc<Self> {
        let signing = SigningKeys::start(Arc::clone(auth.store()));
        let grants = Grants::start(Arc::clone(&auth), Arc::clone(&signing));
        Arc::new(Self {
            auth,
            signing,
            grants,
            options,
            parties: party::Parties::default(),
            places: Cache::new(10_000),
            pairwise: Cache::new(10_000),
        })
    }

    /// The engine.
    #[must_use]
    pub const fn auth(&self) -> &Arc<Auth> {
        &self.auth
    }

    /// The tenants' keys that sign.
    #[must_use]
    pub const fn signing(&self) -> &Arc<SigningKeys> {
        &self.signing
    }

    /// What was granted to applications: codes and tokens.
    #[must_use]
    pub const fn grants(&self) -> &Arc<Grants> {
        &self.grants
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<Store> {
        self.auth.store()
    }

    /// Time and chance.
    #[must_use]
    pub fn world(&self) -> &World {
        self.auth.world()
    }
}
