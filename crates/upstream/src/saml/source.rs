//! A provider's metadata by its address, fetched again in time.

use std::{sync::Arc, time::Duration};

use outbound::{FetchError, Request};
use types::Millis;
use xmlsig::{Limits, PublicKey};

use super::{Provider, SamlError};
use crate::{Fetch, Kept, Loaded, check_address};

/// How long metadata is fresh that doesn't say so, and at most.
const FRESH: Duration = Duration::from_secs(24 * 3_600);
/// It is never fetched more often.
const SHORTEST: Duration = Duration::from_secs(300);
/// How long it is used while it can't be fetched, unless it says less.
const USABLE: Duration = Duration::from_secs(7 * 24 * 3_600);

/// A provider whose metadata stands at an address.
pub struct Source {
    address: String,
    entity_id: Option<String>,
    signers: Option<Vec<PublicKey>>,
    kept: Kept<Provider>,
}

impl Source {
    /// Metadata at `address`; of `entity_id`, where there are several; signed by one of `signers`, where they are known.
    ///
    /// # Errors
    /// [`SamlError::Fetch`] if the address isn't `https`.
    pub fn new(address: &str, entity_id: Option<String>, signers: Option<Vec<PublicKey>>) -> Result<Self, SamlError> {
        check_address(address)?;
        Ok(Self { address: address.to_owned(), entity_id, signers, kept: Kept::default() })
    }

    /// The provider: as it was, while that is fresh.
    ///
    /// # Errors
    /// [`SamlError`] if there is none that can be used.
    pub async fn provider(&self, fetch: &dyn Fetch, now: Millis) -> Result<Arc<Provider>, SamlError> {
        self.kept.get(now, SamlError::Paused, || self.load(fetch, now)).await
    }

    async fn load(&self, fetch: &dyn Fetch, now: Millis) -> Result<Loaded<Provider>, SamlError> {
        let fetched = fetch.fetch(Request::get(&self.address).up_to(Limits::METADATA.bytes)).await?;
        if fetched.status != 200 {
            return Err(FetchError::Unreachable.into());
        }
        let value = Provider::from_metadata(&fetched.body, self.entity_id.as_deref(), self.signers.as_deref(), now)?;
        let fresh = value.cache_for.unwrap_or(FRESH).clamp(SHORTEST, FRESH);
        let end = value.valid_until.unwrap_or(Millis(i64::MAX));
        let (fresh_until, usable_until) = ((now + fresh).min(end), (now + USABLE).min(end));
        Ok(Loaded { value, fresh_until, usable_until })
    }
}
