//! `/consent/{id}`: whether an application that isn't the organisation's own may know what it asks for.
//!
//! The request waits in `sso`, for this browser alone; the answer leads back to the door that asked, which looks at everything again.

use crate::{
    Web,
    account::owner::{Away, Owner},
    frame::{
        headers::{Policy, origin_of},
        page::Page,
        trouble::Trouble,
        visit::Visit,
    },
    session::onward,
};
use askama::Template;
use axum::{Router, body::Body, extract::Path, response::Response, routing::get};
use http::{Request, StatusCode};
use sso::{Pending, SignedIn};
use std::sync::Arc;

pub(crate) fn routes() -> Router<Arc<Web>> {
    Router::new().route("/consent/{id}", get(show).post(answer))
}

/// What is asked for: the key of its text, or the application's own word for it.
pub(crate) struct Wish {
    pub(crate) key: &'static str,
    pub(crate) word: String,
}

impl Wish {
    pub(crate) fn of(scope: &str) -> Self {
        let key = match scope {
            "openid" => "consent-scope-openid",
            "profile" => "consent-scope-profile",
            "email" => "consent-scope-email",
            "phone" => "consent-scope-phone",
            "address" => "consent-scope-address",
            "groups" => "consent-scope-groups",
            "offline_access" => "consent-scope-offline_access",
            _ => "consent-scope-other",
        };
        Self { key, word: scope.to_owned() }
    }
}

#[derive(Template)]
#[template(path = "apps/consent.html")]
struct Consent {
    p: Page,
    token: String,
    action: String,
    app: String,
    username: String,
    /// Where its answer goes.
    place: String,
    wishes: Vec<Wish>,
    policy: Option<String>,
    terms: Option<String>,
}

/// What waits, and who is there. Whoever isn't signed in goes back to the door, which knows what to do.
async fn find(visit: Visit, id: &str) -> Result<(Pending, Owner), Away> {
    let pending = visit.web.sso.held(&visit.for_sso(), id).await?.ok_or(Trouble::OtherBrowser)?;
    let back = || Away::To(pending.return_to.clone());
    let owner = match Owner::find(visit).await {
        Err(Away::To(to)) if !to.starts_with("/session/prove") => return Err(back()),
        owner => owner?,
    };
    if pending.scopes.is_empty() || !owner.session.may_sign_on() {
        return Err(back());
    }
    Ok((pending, owner))
}

async fn show(visit: Visit, Path(id): Path<String>) -> Result<Response, Away> {
    let (pending, owner) = find(visit, &id).await?;
    let visit = &owner.visit;
    let client = pending.party.oidc();
    let link = |url: Option<&String>| url.filter(|url| origin_of(url).is_some()).cloned();
    let name = pending.party.app.name.clone();
    let page = Consent {
        p: visit.page("consent-title").at(&visit.path).script("forms.js"),
        token: owner.token(),
        action: format!("/consent/{}", pending.id),
        app: name,
        username: owner.session.username().to_owned(),
        place: place(&pending.goes_to),
        wishes: pending.scopes.iter().map(|scope| Wish::of(scope)).collect(),
        policy: link(client.and_then(|client| client.policy_uri.as_ref())),
        terms: link(client.and_then(|client| client.tos_uri.as_ref())),
    };
    Ok(visit.show(StatusCode::OK, &page, Policy::default()))
}

/// The part of an address that says whose it is. Of a program's own scheme (RFC 8252 §7.1) that is the scheme.
fn place(address: &str) -> String {
    let scheme = || address.split_once(':').map(|(scheme, _)| format!("{scheme}:"));
    origin_of(address).or_else(scheme).unwrap_or_default()
}

async fn answer(visit: Visit, Path(id): Path<String>, request: Request<Body>) -> Result<Response, Away> {
    let (pending, owner) = find(visit, &id).await?;
    let posted = owner.posted(request).await?;
    let visit = &owner.visit;
    match posted.need("answer", 8)? {
        "allow" => {
            let signed = SignedIn::of(&owner.session);
            visit.web.sso.agree(&signed, &pending.party, &pending.scopes).await?;
        }
        // The door sees that nothing was agreed to, and says so.
        "deny" => {}
        _ => return Err(Trouble::Malformed.into()),
    }
    Ok(onward(visit, &pending.return_to))
}
