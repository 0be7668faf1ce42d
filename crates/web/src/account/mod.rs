//! A person's own pages: what they can sign in with, where they are signed in, and the links that enrol and undo.
//!
//! A session shows. Whatever changes what somebody can sign in with asks the engine for a permit first; where it wants a fresh sign-in,
//! the person is sent through one ([`step_up`]) and comes back to the page that asked.
//!
//! To add a page of it: a file with its handlers, which begin with [`Owner::in_person`](owner::Owner::in_person); a link on the overview; texts in
//! `account.ftl`.

mod activate;
mod add;
mod messages;
mod overview;
pub(crate) mod owner;
mod passkey;
mod password;
mod recovery_codes;
mod remove;
mod report;
mod routes;
mod sessions;
mod step_up;
mod undo;
mod when;

use crate::Web;
use axum::{
    Router,
    routing::{get, post},
};
use std::sync::Arc;

pub(crate) fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/account", get(overview::show))
        .route("/account/rename", get(overview::show).post(overview::rename))
        .route("/account/add", get(add::show))
        .route("/account/add/passkey", get(passkey::show).post(passkey::register))
        .route("/account/add/passkey/options", post(passkey::options))
        .route("/account/add/authenticator", get(add::show_authenticator).post(add::authenticator))
        .route("/account/remove", get(remove::ask).post(remove::remove))
        .route("/account/recovery-codes", get(recovery_codes::ask).post(recovery_codes::make))
        .route("/account/password", get(password::show).post(password::change))
        .route("/account/sessions", get(sessions::show).post(sessions::end))
        .route("/account/report", get(report::ask).post(report::report))
        .route("/account/messages", get(messages::show))
        .route("/account/messages/rows", post(messages::rows))
        .route("/account/messages/names", post(messages::names))
        .route("/account/routes", get(routes::show))
        .route("/account/step-up", post(step_up::begin))
        .route("/account/sign-out", get(overview::show).post(sessions::sign_out))
        .route("/activate/{tenant}/{code}", get(activate::show))
        .route("/activate/{tenant}/{code}/options", post(activate::options))
        .route("/activate/{tenant}/{code}/passkey", get(activate::show).post(activate::register))
        .route("/activate/{tenant}/{code}/follow", get(activate::show).post(activate::follow))
        .route("/undo/{code}", get(undo::ask).post(undo::act))
}
