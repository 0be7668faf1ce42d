//! The keys with which a tenant's tokens and assertions are signed.
//!
//! A key is *pending* (published and not used), then *active*, then *retired* (published and not used), then gone. All of that is told by
//! times in its row, so no task has to turn anything over, and nodes agree without asking each other:
//!
//! ```text
//!            created     active_from                 retire_at            expires
//! key n        │ pending     │ active                    │ retired           │ gone
//! key n + 1                                  │ pending   │ active …
//!                                            └ PUBLISHED ┘ └    KEPT        ┘
//! ```
//!
//! [`PUBLISHED`] is longer than any relying party or node keeps what it has read ([`JWKS_MAX_AGE`], [`FRESH`]), so whoever sees the first token
//! under a new key can know it; [`KEPT`] is longer than any signed token lives, so the last one under the old key can be verified. Keys are
//! made when they are first needed, and turned over when they are older than [`TURN`], at a look that happens anyway: an installation of a
//! hundred thousand tenants has no task for each. Of nodes that do it at once the primary key lets one win.
//!
//! A SAML key has a certificate that people copy into applications by hand. It never turns over by itself: only an administrator does that.

mod certificate;
mod keep;
mod make;
#[cfg(test)]
mod tests;

pub use keep::{ServiceKeys, SigningKeys};
pub use make::KeyState;

use jose::Algorithm;
use std::time::Duration;

/// How long relying parties may keep the list of keys: what its answer says in `Cache-Control`.
pub const JWKS_MAX_AGE: Duration = Duration::from_secs(900);
/// How long a node keeps a tenant's keys in memory before it looks again. A change is heard at once; this is for changes that weren't.
pub const FRESH: Duration = Duration::from_secs(300);
/// How long a new key is published before it is used.
pub const PUBLISHED: Duration = Duration::from_secs(86_400);
/// How long an old key is published after it was last used. No token that is signed lives longer (see [`LONGEST_TOKEN`]).
pub const KEPT: Duration = Duration::from_secs(2 * 86_400);
/// The longest life of a signed token.
pub const LONGEST_TOKEN: Duration = Duration::from_secs(86_400);
/// How old a key gets before the next one takes its place.
pub const TURN: Duration = Duration::from_secs(90 * 86_400);
/// How long a SAML certificate is valid.
const CERTIFICATE_YEARS: i16 = 10;

/// What tokens can be signed with.
pub const ALGORITHMS: [Algorithm; 3] = [Algorithm::Es256, Algorithm::Rs256, Algorithm::EdDsa];

/// What a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Usage {
    /// Id tokens, access tokens, logout tokens, security events.
    Jwt,
    /// SAML responses, assertions, requests and metadata: RSA, with a certificate.
    Saml,
    /// The same to providers that people come from: signs our requests there, and opens what is encrypted for us.
    Service,
}

impl Usage {
    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Saml => "saml",
            Self::Service => "saml-service",
        }
    }
}

/// When a new key takes the old one's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// After it was published for so long.
    After(Duration),
    /// At once, and the old one is gone at once, with everything it has signed: it may be in a thief's hands.
    Now,
}
