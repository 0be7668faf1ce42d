//! Marks that phishing kits leave in what they pass on.

use crate::frame::{trouble::Trouble, visit::Visit};
use auth::sign_in::{Sighting, SignIn};
use http::HeaderMap;

/// Headers of which no browser knows, with the foreign host as their value. Evilginx 3 puts its own name and host into each request.
const MARKS: [&str; 1] = ["x-evilginx"];

/// The foreign host, where a request carries such a mark.
pub(crate) fn mark_of(headers: &HeaderMap) -> Option<String> {
    let value = MARKS.iter().find_map(|name| headers.get(*name))?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// Raises the alarm about a sign-in whose page was asked for by a kit.
pub(crate) async fn look(visit: &Visit, sign_in: &SignIn) -> Result<(), Trouble> {
    match &visit.kit {
        Some(host) => Ok(visit.web.auth.mark_canary(sign_in.tenant(), sign_in.id(), Sighting::Alert, host).await?),
        None => Ok(()),
    }
}
