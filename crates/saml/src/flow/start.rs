//! `/saml/start/{party}`: a sign-in that begins here, without an application's request (saml-profiles §4.1.5).
//!
//! An application can't tell such an answer from one that somebody else's browser was given, so it is off unless an administrator allows it
//! for this application. A link on another site leads to a question, so that nobody is signed in anywhere by loading a picture; what the
//! application is told beside is fixed in its settings, and never taken from the address.

use super::sign_on::{self, Pending, Stage, settings};
use crate::{door::Call, error::Refused, page};
use axum::response::Response;
use http::{HeaderMap, StatusCode};

/// The endpoint.
pub(crate) async fn start(call: &Call, ikey: &str, headers: &HeaderMap) -> Result<Response, Refused> {
    let found = call.door.sso.party_of(call.visit.tenant, ikey).await.map_err(|error| call.ours(&error))?;
    let party = sign_on::current(call, found.ok_or(Refused::UnknownParty)?).await?;
    let settings = settings(&party)?;
    if !settings.allow_idp_initiated {
        return Err(Refused::NotAllowed);
    }
    let acs = settings.default_acs().ok_or(Refused::Acs)?.url.clone();
    if is_foreign(headers) {
        let name = page::escaped(&party.app.name);
        let text = [
            format!("Another site sent you here. Do you want to open <strong>{name}</strong>?"),
            format!("<a href=\"/saml/start/{}\">Open {name}</a>", page::escaped(party.ikey())),
        ];
        return Ok(page::show(StatusCode::OK, "Open an application", &text));
    }
    let pending = Pending {
        request: None,
        acs,
        relay: settings.default_relay_state.clone(),
        context: None,
        format: None,
        subject: None,
        force: false,
        passive: false,
        since: call.now().0,
    };
    sign_on::decide(call, &party, &pending, Stage::First).await
}

/// Whether a page of another site sent the browser here, or something that isn't somebody who opens a page.
fn is_foreign(headers: &HeaderMap) -> bool {
    let says = |name: &str| {
        let mut lines = headers.get_all(name).iter();
        match (lines.next(), lines.next()) {
            (None, _) => Some(""),
            (Some(line), None) => line.to_str().ok(),
            _ => None,
        }
    };
    let site = says("sec-fetch-site").is_some_and(|site| matches!(site, "" | "same-origin" | "none"));
    let mode = says("sec-fetch-mode").is_some_and(|mode| matches!(mode, "" | "navigate"));
    let whole = says("sec-fetch-dest").is_some_and(|what| matches!(what, "" | "document"));
    !(site && mode && whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn another_sites_link_is_asked_about() {
        let of = |lines: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(*name, HeaderValue::from_static(value));
            }
            is_foreign(&headers)
        };
        assert!(!of(&[]) && !of(&[("sec-fetch-site", "same-origin")]) && !of(&[("sec-fetch-site", "none")]));
        assert!(of(&[("sec-fetch-site", "cross-site")]) && of(&[("sec-fetch-site", "same-site")]));
        assert!(of(&[("sec-fetch-site", "none"), ("sec-fetch-site", "none")]));
        assert!(of(&[("sec-fetch-site", "same-origin"), ("sec-fetch-dest", "iframe")]));
    }
}
