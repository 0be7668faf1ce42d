//! `/saml/start/{party}`: a sign-in that begins here, without an application's request (saml-profiles §4.1.5).
//!
//! An application can't tell such an answer from one that somebody else's browser was given, so it is off unless an administrator allows it
//! for this application. A link on another site leads to a question, so that nobody is signed in anywhere by loading a picture; so does
//! whatever brings a browser that doesn't say where it comes from. What the application is told beside is fixed in its settings, and never
//! taken from the address.

use super::sign_on::{self, Pending, Stage, settings};
use crate::{door::Call, error::Refused};
use auth::account::Session;
use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;
use sso::Leaf;

/// What the question's link carries beside the application.
const YES: &str = "yes=";

/// The endpoint.
pub(crate) async fn start(
    call: &Call,
    ikey: &str,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Response, Refused> {
    let found = call.door.sso.party_of(call.visit.tenant, ikey).await.map_err(|error| call.ours(&error))?;
    let party = sign_on::current(call, found.ok_or(Refused::UnknownParty)?).await?;
    let settings = settings(&party)?;
    if !settings.allow_idp_initiated {
        return Err(Refused::NotAllowed);
    }
    let acs = settings.default_acs().ok_or(Refused::Acs)?.url.clone();
    let asks = match coming(headers) {
        Coming::FromHere => false,
        Coming::FromElsewhere => true,
        Coming::Unsaid => !may_go_on(call, party.ikey(), query).await?,
    };
    if asks {
        let path = format!("/saml/start/{}", party.ikey());
        let next = match token(call, party.ikey()).await? {
            Some(token) => format!("{path}?{YES}{token}"),
            None => path,
        };
        return Ok(Leaf::Open { app: party.app.name.clone(), next }.into_response());
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

/// The session in this browser.
async fn session(call: &Call) -> Result<Option<(Session, &str)>, Refused> {
    let Some(cookie) = &call.visit.session else { return Ok(None) };
    let session = call.door.sso.auth().session(call.visit.tenant, cookie.expose()).await;
    Ok(session.map_err(|error| call.ours(&error))?.map(|session| (session, cookie.expose())))
}

fn purpose(ikey: &str) -> String {
    format!("saml start {ikey}")
}

/// What no page of another site can put into a link: it has read the question's page of this session.
async fn token(call: &Call, ikey: &str) -> Result<Option<String>, Refused> {
    let Some((session, secret)) = session(call).await? else { return Ok(None) };
    let token = call.door.sso.auth().page_token(&session, secret, &purpose(ikey)).await;
    token.map(Some).map_err(|error| call.ours(&error))
}

/// Whether somebody has answered the question, or nobody can be signed in unseen because nobody is signed in.
async fn may_go_on(call: &Call, ikey: &str, query: Option<&str>) -> Result<bool, Refused> {
    let Some((session, secret)) = session(call).await? else { return Ok(true) };
    let Some(given) = query.and_then(|query| query.split('&').find_map(|part| part.strip_prefix(YES))) else {
        return Ok(false);
    };
    let right = call.door.sso.auth().is_page_token(&session, secret, &purpose(ikey), given).await;
    right.map_err(|error| call.ours(&error))
}

/// From where a browser comes, as it says itself (Fetch Metadata): no page can write these headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coming {
    /// From a page of ours, or somebody has opened the address.
    FromHere,
    /// From a page of another site, or it is something that isn't somebody who opens a page.
    FromElsewhere,
    /// It doesn't say: old browsers, and windows inside of programs.
    Unsaid,
}

fn coming(headers: &HeaderMap) -> Coming {
    let says = |name: &str| {
        let mut lines = headers.get_all(name).iter();
        match (lines.next(), lines.next()) {
            (None, _) => Some(""),
            (Some(line), None) => line.to_str().ok(),
            _ => None,
        }
    };
    let mode = says("sec-fetch-mode").is_some_and(|mode| matches!(mode, "" | "navigate"));
    let whole = says("sec-fetch-dest").is_some_and(|what| matches!(what, "" | "document"));
    match says("sec-fetch-site") {
        Some("same-origin" | "none") if mode && whole => Coming::FromHere,
        Some("") if mode && whole => Coming::Unsaid,
        _ => Coming::FromElsewhere,
    }
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
            coming(&headers)
        };
        for site in ["same-origin", "none"] {
            assert_eq!(of(&[("sec-fetch-site", site)]), Coming::FromHere);
        }
        assert_eq!(of(&[]), Coming::Unsaid);
        for lines in [
            [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")],
            [("sec-fetch-site", "same-site"), ("sec-fetch-mode", "navigate")],
            [("sec-fetch-site", "none"), ("sec-fetch-site", "none")],
            [("sec-fetch-site", "same-origin"), ("sec-fetch-dest", "iframe")],
            [("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")],
        ] {
            assert_eq!(of(&lines), Coming::FromElsewhere, "{lines:?}");
        }
    }
}
