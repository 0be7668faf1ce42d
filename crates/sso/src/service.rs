//! Who a tenant is to SAML providers that its people come from: a service provider, with keys of its own.

use crate::{Sso, SsoError};
use types::TenantId;
use upstream::saml::Service;

/// Under `https://{host}`: what the tenant's metadata as a service provider is found at, which is its name, too.
pub const SERVICE_METADATA: &str = "/upstream/saml/metadata";
/// Under `https://{host}`: where providers have browsers post their answers.
pub const SERVICE_ANSWERS: &str = "/upstream/saml/acs";

impl Sso {
    /// The tenant as a service provider, at `origin`. Its key is made when it is first needed; one that was turned over opens what was
    /// encrypted for it for as long as it is published.
    pub async fn saml_service(&self, tenant: TenantId, origin: &str) -> Result<Service, SsoError> {
        let keys = self.signing().service_keys(tenant).await?;
        Ok(Service {
            entity_id: format!("{origin}{SERVICE_METADATA}"),
            acs: format!("{origin}{SERVICE_ANSWERS}"),
            encryption_certificate: Some(keys.signing.certificate().to_vec()),
            signing: Some(keys.signing),
            decryption: keys.decryption,
        })
    }
}
