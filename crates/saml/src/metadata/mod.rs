//! Metadata (saml-metadata-2.0-os): our own, which applications read, and theirs, from which they are registered.

mod own;
mod party;
pub(crate) mod refresh;

pub use party::{MetadataError, PartyMetadata};

use crate::{door::Call, error::Refused, flow::answer::sign, message::new_id};
use data_encoding::BASE64;
use quick_cache::sync::Cache;
use std::{sync::Arc, time::Duration};
use types::TenantId;

/// For so long the same octets are given: whoever asks again makes no new signature.
const KEPT: Duration = Duration::from_secs(60);
/// Organisations whose own is kept.
const MOST: usize = 1_000;

/// Our own, as it was signed last.
pub(crate) struct Signed(Cache<Key, Arc<str>>);

/// What is the same as long as the octets are.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    tenant: TenantId,
    entity_id: String,
    certificates: Vec<String>,
    /// Which minute.
    at: i64,
}

impl Default for Signed {
    fn default() -> Self {
        Self(Cache::new(MOST))
    }
}

/// Our own, signed.
pub(crate) async fn answer(call: &Call) -> Result<Arc<str>, Refused> {
    let (signing, tenant) = (call.door.sso.signing(), call.visit.tenant);
    let certificates = signing.saml_certificates(tenant).await.map_err(|error| call.ours(&error))?;
    let certificates: Vec<String> = certificates.iter().map(|der| BASE64.encode(der)).collect();
    let minute = i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX);
    let at = call.now().0.div_euclid(minute);
    let key = Key { tenant, entity_id: call.entity_id.clone(), certificates, at };
    // Of a hundred who ask at once one has it signed.
    call.door.metadata.0.get_or_insert_async(&key, made(call, &key)).await
}

async fn made(call: &Call, of: &Key) -> Result<Arc<str>, Refused> {
    let key = call.door.sso.signing().saml_signer(of.tenant).await.map_err(|error| call.ours(&error))?;
    let id = new_id(call.world());
    let own =
        own::Own { id: &id, entity_id: &call.entity_id, origin: &call.visit.issuer, certificates: &of.certificates };
    let signed = sign(&own::own(&own), &id, &key).map_err(|error| call.ours(error.as_ref()))?;
    Ok(signed.into_document().into())
}
