//! The relying party of a tenant's pages.

use crate::{Application, AuthError};
use webauthn::RelyingParty;

/// The relying party that a page's passkeys belong to: the tenant's host, with the page's own origin and the tenant's related ones.
///
/// [`AuthError::Refused`] for a page under another name: its passkeys would be another site's.
pub(crate) fn relying_party(app: &Application, origin: &str) -> Result<RelyingParty, AuthError> {
    let id = super::code::host(&app.api_host);
    let (scheme, authority) = origin.split_once("://").unwrap_or_default();
    let name = match authority.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => authority,
    };
    // Browsers let a page without TLS use passkeys on the machine itself only.
    let secure = scheme == "https" || (scheme == "http" && (name == "localhost" || name.ends_with(".localhost")));
    if name != id || !secure {
        return Err(AuthError::Refused("this page has another name than the organisation's"));
    }
    let mut origins = vec![origin.to_owned()];
    origins.extend(app.settings.related_origins.iter().cloned());
    Ok(RelyingParty { id: id.to_owned(), name: app.settings.brand.clone(), origins })
}
