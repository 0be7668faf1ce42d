//! A passkey's ceremony, for the page's script: options, and the answer to them.

use super::{end, held::Held, said};
use crate::frame::{
    trouble::Trouble,
    visit::{Visit, json},
};
use auth::sign_in::Step;
use axum::{body::Body, extract::Path, response::Response};
use http::{Request, StatusCode};
use serde_json::json;

/// `POST /sign-in/{id}/passkey/options`: `PublicKeyCredentialRequestOptionsJSON`.
pub(super) async fn options(visit: Visit, Path(id): Path<String>, request: Request<Body>) -> Result<Response, Trouble> {
    let held = Held::find_open(visit, &id).await?;
    held.posted(request).await?;
    let options = held.visit.web.auth.passkey_options(&held.sign_in, &held.browser).await?;
    Ok(json(StatusCode::OK, &options))
}

/// `POST /sign-in/{id}/passkey`: takes `AuthenticationResponseJSON`; gives where to go, or why not.
pub(super) async fn answer(visit: Visit, Path(id): Path<String>, request: Request<Body>) -> Result<Response, Trouble> {
    let held = Held::find_open(visit, &id).await?;
    let posted = held.posted(request).await?;
    Ok(match held.visit.web.auth.passkey_answer(&held.sign_in, &held.browser, &posted.body).await? {
        Step::Allowed => json(StatusCode::OK, &json!({ "next": end::after(&held).await? })),
        Step::Refused(outcome) => {
            let key = match said::key_of(&outcome) {
                // The engine says of every passkey that isn't taken the same.
                "said-unknown" => "passkey-refused",
                key => key,
            };
            let text = held.visit.words.say(key);
            json(StatusCode::FORBIDDEN, &json!({ "error": text, "kind": outcome.status }))
        }
        Step::Waiting { .. } | Step::Sent { .. } | Step::Proved => return Err(Trouble::Ours),
    })
}
