//! What FIDO's metadata service says of authenticators' models (FIDO MDS v3.0): who made them, and which can't be trusted.
//!
//! The blob is a file that an operator fetches (`https://mds3.fidoalliance.org/`, once a month); this server fetches nothing.
//! It is believed when its signature and its signer's chain lead to the given root and to the service's name. Whether it is
//! newer than the last one is the caller's to ask: a signed blob of last year is as well signed, so the caller keeps
//! [`Metadata::serial`] and refuses a lower one. Revocation lists of the web's authorities aren't asked for (no I/O).

mod blob;
mod chain;
mod payload;

pub use blob::MetadataRoots;

use crate::{Aaguid, MetadataError, passkey::StoredCredential};
use aws_lc_rs::digest as hash;
use payload::{Model, Report};
use std::{collections::HashMap, fmt};
use types::Millis;

/// What is known of authenticators' models, as verified.
#[derive(Debug)]
pub struct Metadata {
    serial: u64,
    next_update: Millis,
    models: HashMap<Aaguid, Model>,
    /// Keys of before FIDO2 name no model: they are found by their attestation key.
    by_key: HashMap<[u8; 20], Model>,
}

/// A report for which passkeys of a model aren't taken (MDS v3.0 §3.1.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// The model's certificate was withdrawn.
    Revoked,
    /// Its users' keys can be had from afar.
    UserKeyRemoteCompromise,
    /// Its users' keys can be had by who holds it.
    UserKeyPhysicalCompromise,
    /// Its attestation key is known: anybody can pass for this model.
    AttestationKeyCompromise,
    /// It says that it verified its user when it didn't.
    UserVerificationBypass,
}

impl Status {
    /// The metadata's own word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Revoked => "REVOKED",
            Self::UserKeyRemoteCompromise => "USER_KEY_REMOTE_COMPROMISE",
            Self::UserKeyPhysicalCompromise => "USER_KEY_PHYSICAL_COMPROMISE",
            Self::AttestationKeyCompromise => "ATTESTATION_KEY_COMPROMISE",
            Self::UserVerificationBypass => "USER_VERIFICATION_BYPASS",
        }
    }

    /// The others (`FIDO_CERTIFIED…`, `UPDATE_AVAILABLE`, words of later versions) take nothing away.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [
            Self::Revoked,
            Self::UserKeyRemoteCompromise,
            Self::UserKeyPhysicalCompromise,
            Self::AttestationKeyCompromise,
            Self::UserVerificationBypass,
        ]
        .into_iter()
        .find(|status| status.as_str() == word)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a passkey of this model must not sign in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Suspension {
    /// What was reported. For the row's reason: [`Status::as_str`].
    pub status: Status,
    /// The day from which it holds, at 00:00 UTC; `None`: always.
    pub since: Option<Millis>,
}

impl Metadata {
    /// Verifies and reads a metadata blob: a JWS in compact form, at most 64 MiB.
    ///
    /// `now` is when the signer's certificates must be valid. A blob past its next update is read all the same (what it
    /// reports as compromised stays so): see [`Self::is_overdue`].
    ///
    /// # Errors
    /// Any of [`MetadataError`]; nothing of a blob that isn't verified is ever looked at.
    pub fn parse(blob: &[u8], roots: &MetadataRoots, now: Millis) -> Result<Self, MetadataError> {
        let payload = blob::verify(blob, roots, now)?;
        payload::read(&payload)
    }

    /// Rises by one with each blob (`no`). A blob with a lower one than was seen before is a roll-back.
    #[must_use]
    pub const fn serial(&self) -> u64 {
        self.serial
    }

    /// The day by which there is a newer one, 00:00 UTC.
    #[must_use]
    pub const fn next_update(&self) -> Millis {
        self.next_update
    }

    /// Whether the day of the next update is over: then this blob proves no make any more
    /// ([`crate::WebauthnError::MetadataOverdue`]).
    #[must_use]
    pub fn is_overdue(&self, now: Millis) -> bool {
        now.day() > self.next_update.day()
    }

    /// How many models are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.models.len() + self.by_key.len()
    }

    /// Whether no model is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the maker calls the model.
    #[must_use]
    pub fn name(&self, aaguid: Aaguid) -> Option<&str> {
        self.models.get(&aaguid).map(|model| model.name.as_str()).filter(|name| !name.is_empty())
    }

    /// Whether a kept passkey must not sign in (any more). To be asked for every passkey when a new blob has come, and for the
    /// suspended ones too: a report can be taken back.
    ///
    /// `credential` is as [`crate::RegisteredPasskey::credential`]: it says which certificates attested to it, and a report
    /// about one certificate concerns nobody else. If it can't be read, the report concerns it.
    #[must_use]
    pub fn suspension_of(&self, aaguid: Aaguid, credential: &[u8], now: Millis) -> Option<Suspension> {
        let stored = StoredCredential::from_bytes(credential).ok();
        self.reported(aaguid, now, |digest| stored.as_ref().is_none_or(|stored| stored.attested_by(digest)))
    }

    /// The same for a new passkey, whose chain is at hand.
    pub(crate) fn suspension(&self, aaguid: Aaguid, chain: &[[u8; 32]], now: Millis) -> Option<Suspension> {
        self.reported(aaguid, now, |digest| chain.contains(digest))
    }

    fn reported(&self, aaguid: Aaguid, now: Millis, attested_by: impl Fn(&[u8; 32]) -> bool) -> Option<Suspension> {
        let concerns = |report: &&Report| {
            report.since.is_none_or(|since| since <= now) && report.certificate.as_ref().is_none_or(&attested_by)
        };
        let report = self.models.get(&aaguid)?.reports.iter().find(concerns)?;
        Some(Suspension { status: report.status, since: report.since })
    }

    /// Whether the chain leads to one of the model's roots; `None` when the model, or a root of it, isn't known.
    pub(crate) fn vouch(&self, aaguid: Aaguid, chain: &[Vec<u8>], now: Millis) -> Option<bool> {
        let (leaf, rest) = chain.split_first()?;
        let model = match aaguid.is_unknown() {
            true => self.by_key.get(&chain::key_identifier(leaf)?)?,
            false => self.models.get(&aaguid)?,
        };
        if model.roots.is_empty() {
            return None;
        }
        Some(chain::leads_to(leaf, rest, &model.roots, now))
    }
}

/// SHA-256.
pub(crate) fn digest(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(hash::digest(&hash::SHA256, bytes).as_ref()) {
        *to = *from;
    }
    out
}
