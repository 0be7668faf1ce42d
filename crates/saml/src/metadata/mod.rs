//! Metadata (saml-metadata-2.0-os): our own, which applications read, and theirs, from which they are registered.

mod own;
mod party;
pub(crate) mod refresh;

pub use party::{MetadataError, PartyMetadata};

use crate::{door::Call, error::Refused, flow::answer::sign, message::new_id};
use data_encoding::BASE64;

/// Our own, signed.
pub(crate) async fn answer(call: &Call) -> Result<String, Refused> {
    let (signing, tenant) = (call.door.sso.signing(), call.visit.tenant);
    let key = signing.saml_signer(tenant).await.map_err(|error| call.ours(&error))?;
    let certificates = signing.saml_certificates(tenant).await.map_err(|error| call.ours(&error))?;
    let certificates: Vec<String> = certificates.iter().map(|der| BASE64.encode(der)).collect();
    let id = new_id(call.world());
    let own = own::Own { id: &id, entity_id: &call.entity_id, origin: &call.visit.issuer, certificates: &certificates };
    let signed = sign(&own::own(&own), &id, &key).map_err(|error| call.ours(error.as_ref()))?;
    Ok(signed.into_document())
}
