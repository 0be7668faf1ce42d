//! `/account/add/passkey`: a passkey of this browser's, its device's, or a key's.

use super::owner::{Away, Owner};
use crate::frame::{
    headers::Policy,
    page::Page,
    trouble::Trouble,
    visit::{Visit, json},
};
use crate::session::bind_at;
use askama::Template;
use auth::{
    AuthError,
    account::{Action, Added, Permit},
};
use axum::{body::Body, response::Response};
use http::{Request, StatusCode};
use serde::Deserialize;
use serde_json::{json, value::RawValue};

/// What the page's script sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent<'a> {
    /// Of the registration that the options came with.
    id: &'a str,
    /// `RegistrationResponseJSON`.
    #[serde(borrow)]
    credential: &'a RawValue,
    /// The sign-in that goes on afterwards, where an enrolment belongs to one.
    back: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "account/passkey.html")]
struct Register {
    p: Page,
    token: String,
    /// The path under which `/options` and the answer's address stand.
    base: String,
    /// The sign-in that goes on afterwards; empty for none.
    back: String,
    step_up: &'static str,
}

/// `GET /account/add/passkey`.
pub(super) async fn show(visit: Visit) -> Result<Response, Away> {
    let owner = Owner::in_person(visit).await?;
    let ready = owner.permit(Action::AddPasskey).await?.is_some();
    let page = owner.visit.page("add-passkey-title").script("forms.js").script("register.js");
    let template = Register {
        p: page,
        token: owner.token(),
        base: "/account/add/passkey".to_owned(),
        back: String::new(),
        step_up: if ready { "" } else { Action::AddPasskey.as_str() },
    };
    Ok(owner.visit.show(StatusCode::OK, &template, Policy::default()))
}

/// `POST /account/add/passkey/options`: `{ id, options }`, the second `PublicKeyCredentialCreationOptionsJSON`.
pub(super) async fn options(visit: Visit, request: Request<Body>) -> Result<Response, Away> {
    let owner = Owner::in_person(visit).await?;
    owner.posted(request).await?;
    let permit = owner.permit(Action::AddPasskey).await?.ok_or(Trouble::Refused)?;
    begin(&owner.visit, &permit).await
}

/// The options of a registration.
pub(super) async fn begin(visit: &Visit, permit: &Permit) -> Result<Response, Away> {
    let begun = visit.web.auth.begin_passkey(permit, &visit.browser(), None).await?;
    Ok(json(StatusCode::OK, &json!({ "id": begun.id.to_string(), "options": begun.options })))
}

/// `POST /account/add/passkey`: gives where to go on, or why not.
pub(super) async fn register(visit: Visit, request: Request<Body>) -> Result<Response, Away> {
    let owner = Owner::in_person(visit).await?;
    let posted = owner.posted(request).await?;
    let permit = owner.permit(Action::AddPasskey).await?.ok_or(Trouble::Refused)?;
    let narrow = owner.session.strength().is_narrow();
    finish(&owner.visit, &permit, &posted.body, |added| {
        let next = match (narrow, added.wants_second) {
            (true, _) => "/account/sign-in",
            (false, true) => "/account/add",
            (false, false) => "/account?done=added",
        };
        next.to_owned()
    })
    .await
}

/// Takes the browser's answer; `otherwise` says where a page goes that has a passkey now and belongs to no sign-in.
pub(super) async fn finish(
    visit: &Visit,
    permit: &Permit,
    body: &[u8],
    otherwise: impl FnOnce(&Added) -> String,
) -> Result<Response, Away> {
    let sent: Sent<'_> = serde_json::from_slice(body).map_err(|_| Trouble::Malformed)?;
    let next = sent.back.map(sign_in_page).transpose()?;
    let id = sent.id.parse().map_err(|_| Trouble::Malformed)?;
    let added =
        match visit.web.auth.finish_passkey(permit, &visit.browser(), id, sent.credential.get().as_bytes(), None).await
        {
            Ok(added) => added,
            Err(AuthError::Refused(why)) => {
                let key = match why {
                    "already_registered" => "passkey-registered",
                    "attestation_required"
                    | "attestation_untrusted"
                    | "attestation_invalid"
                    | "model_refused"
                    | "model_unsafe"
                    | "metadata_overdue" => "passkey-not-permitted",
                    _ => "passkey-not-made",
                };
                return Ok(json(StatusCode::FORBIDDEN, &json!({ "error": visit.words.say(key), "kind": why })));
            }
            Err(error) => return Err(error.into()),
        };
    let next = next.unwrap_or_else(|| otherwise(&added));
    let next = match &added.session {
        Some(session) => bind_at(visit, session.id, &next).await?,
        None => next,
    };
    let told = json!({
        "next": next,
        "rpId": added.accepted.rp_id,
        "userId": added.accepted.user_id,
        "credentials": added.accepted.credential_ids,
    });
    let response = json(StatusCode::OK, &told);
    Ok(match added.session {
        Some(session) => super::activate::signed_in(visit, response, &session),
        None => response,
    })
}

/// The page of a sign-in that goes on; it asks for its own proof of the browser.
pub(super) fn sign_in_page(id: &str) -> Result<String, Trouble> {
    let id: types::SignInId = id.parse().map_err(|_| Trouble::Malformed)?;
    Ok(format!("/sign-in/{id}"))
}
