//! `/apps`: the applications that somebody may open, as the engine says, with their pictures.
//!
//! Works without script: a search is a form that asks again. Pictures are served from here, so that no application learns who looked.

mod icons;

use crate::{
    Web,
    account::owner::{Away, Owner},
    frame::{
        cookies,
        headers::Policy,
        page::Page,
        trouble::Trouble,
        visit::{Visit, redirect},
    },
    sign_in,
};
use askama::Template;
use auth::{
    account::Strength,
    sign_in::{Level, Purpose},
};
use axum::{Router, body::Body, response::Response, routing::get};
use http::{Request, StatusCode};
use sso::Tile;
use std::sync::Arc;

/// What is searched for is cut here, in characters.
const LONGEST: usize = 60;

pub(crate) fn routes() -> Router<Arc<Web>> {
    Router::new().route("/apps", get(show).post(withdraw)).route("/apps/icon/{ikey}/{hash}", get(icons::serve))
}

struct Row {
    name: String,
    about: String,
    url: String,
    /// The picture's address; none: the initial.
    icon: Option<String>,
    letter: String,
    /// What a search looks in, in small letters.
    words: String,
}

impl Row {
    fn of(tile: Tile, issuer: &str) -> Self {
        let letter = tile.name.chars().find(|c| c.is_alphanumeric()).map(|c| c.to_uppercase().to_string());
        Self {
            icon: tile.icon.as_deref().and_then(icons::Icon::read).map(|icon| icon.address(&tile.ikey)),
            letter: letter.unwrap_or_default(),
            words: format!("{} {}", tile.name, tile.about).to_lowercase(),
            url: if tile.initiates { initiated(&tile.url, issuer) } else { tile.url },
            name: tile.name,
            about: tile.about,
        }
    }
}

/// Asks an OpenID client to begin a sign-in (OpenID Connect Core §4).
fn initiated(url: &str, issuer: &str) -> String {
    let issuer: String = form_urlencoded::byte_serialize(issuer.as_bytes()).collect();
    let between = if url.contains('?') { '&' } else { '?' };
    format!("{url}{between}iss={issuer}")
}

#[derive(Template)]
#[template(path = "apps/apps.html")]
struct Apps {
    p: Page,
    token: String,
    username: String,
    rows: Vec<Row>,
    sought: String,
    /// Whether there are any, found or not.
    any: bool,
    /// Applications that aren't the organisation's own, and may know something by this person's leave.
    allowed: Vec<Allowed>,
}

struct Allowed {
    ikey: String,
    name: String,
    scopes: String,
}

/// `GET /apps?q=…`.
async fn show(visit: Visit) -> Result<Response, Away> {
    if visit.cookies.get(&visit.cookie_name(cookies::SESSION)).is_none() {
        return Ok(begin(&visit).await?);
    }
    let again = visit.clone();
    let owner = match Owner::of_applications(visit).await {
        Err(Away::To(to)) if to == "/account/sign-in" => return Ok(begin(&again).await?),
        owner => owner?,
    };
    let visit = &owner.visit;
    let sought: String = visit.asked("q").unwrap_or_default().trim().chars().take(LONGEST).collect();
    let tiles = visit.web.sso.launcher(visit.tenant.id, owner.session.user(), &visit.client()).await?;
    let issuer = visit.web.public_origin(&visit.tenant.api_host);
    let rows: Vec<Row> = tiles.into_iter().map(|tile| Row::of(tile, &issuer)).collect();
    let any = !rows.is_empty();
    let word = sought.to_lowercase();
    let rows = rows.into_iter().filter(|row| row.words.contains(&word)).collect();
    let page = visit.page("apps-title").at("/apps").script("forms.js").script("apps.js").widened();
    // What the person has allowed is theirs to see, and not a provider's.
    let consents = match owner.session.strength() {
        Strength::Provider => Vec::new(),
        _ => visit.web.sso.consents(visit.tenant.id, owner.session.user()).await?,
    };
    let allowed = consents.into_iter();
    let allowed =
        allowed.map(|one| Allowed { ikey: one.ikey, name: one.name, scopes: one.scopes.join(", ") }).collect();
    let username = owner.session.username().to_owned();
    let template = Apps { p: page, token: owner.token(), username, rows, sought, any, allowed };
    Ok(visit.show(StatusCode::OK, &template, Policy::default()))
}

/// `POST /apps`: takes back what an application was allowed (`ikey`), and all that it was given by that.
async fn withdraw(visit: Visit, request: Request<Body>) -> Result<Response, Away> {
    let owner = Owner::of_account(visit).await?;
    let posted = owner.posted(request).await?;
    let ikey = posted.need("ikey", 20)?;
    owner.visit.web.sso.withdraw(owner.visit.tenant.id, owner.session.user(), ikey).await?;
    Ok(redirect("/apps"))
}

/// A sign-in that comes back here.
async fn begin(visit: &Visit) -> Result<Response, Trouble> {
    let purpose = Purpose::SingleSignOn { return_to: "/apps".to_owned(), level: Level::Single, fresh: false };
    sign_in::begin(visit, None, purpose).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_is_told_who_asks_it_to_begin() {
        let issuer = "https://login.example:8443";
        assert_eq!(
            initiated("https://a.example/l", issuer),
            "https://a.example/l?iss=https%3A%2F%2Flogin.example%3A8443"
        );
        assert_eq!(initiated("https://a.example/l?x=1", "https://b"), "https://a.example/l?x=1&iss=https%3A%2F%2Fb");
    }
}
