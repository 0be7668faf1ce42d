//! The sign-in prompt: `/sign-in/{id}` and what is under it, for every door that opens a sign-in.
//!
//! Everything but a passkey works by plain forms: a POST acts and leads on to a page that a GET shows. Each page asks the engine anew what
//! may be done; nothing is remembered here.

mod code;
mod end;
mod events;
mod followers;
mod held;
mod passkey;
mod password;
mod portal;
mod prompt;
pub(crate) mod provider;
pub(crate) mod qr;
mod said;
mod waiting;

pub(crate) use followers::Followers;
pub(crate) use portal::begin;

use crate::Web;
use axum::{
    Router,
    routing::{get, post},
};
use std::sync::Arc;

pub(crate) fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/account/sign-in", get(portal::open))
        .route("/sign-in/{id}", get(prompt::show))
        .route("/sign-in/{id}/name", get(prompt::show).post(prompt::name))
        .route("/sign-in/{id}/passkey", get(prompt::show).post(passkey::answer))
        .route("/sign-in/{id}/passkey/options", post(passkey::options))
        .route("/sign-in/{id}/push", get(waiting::show_push).post(waiting::send_push))
        .route("/sign-in/{id}/call", get(waiting::show_call).post(waiting::send_call))
        .route("/sign-in/{id}/events", get(events::follow))
        .route("/sign-in/{id}/sms", get(code::show_sms).post(code::send_sms))
        .route("/sign-in/{id}/passcode", get(code::show_passcode).post(code::take_passcode))
        .route("/sign-in/{id}/password", get(password::show).post(password::take))
        .route("/sign-in/{id}/provider/{key}", get(provider::again).post(provider::start))
        .route("/upstream/oidc/{key}", get(provider::back))
        .route("/upstream/saml/acs", post(provider::brought))
        .route("/upstream/saml/finish", get(provider::finish))
        .route("/upstream/saml/metadata", get(provider::metadata))
        .route("/sign-in/{id}/recovery", get(code::show_recovery).post(code::take_recovery))
        .route("/sign-in/{id}/enroll", get(prompt::show).post(end::enroll))
        .route("/sign-in/{id}/remember", get(end::ask_to_remember).post(end::remember))
        .route("/sign-in/{id}/other", get(prompt::show).post(end::other))
        .route("/sign-in/{id}/cancel", get(prompt::show).post(end::cancel))
        .route("/sign-in/{id}/done", get(end::done))
}
