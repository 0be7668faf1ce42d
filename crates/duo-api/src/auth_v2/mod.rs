//! Auth API v2.

mod auth;
mod auth_status;
mod enroll;
mod enroll_status;
mod logo;
mod ping;
mod preauth;

use crate::{
    door::{Closed, Door, Route, Surface, Verb},
    wire::{ApiError, Params},
};
use ::auth::{Client, Outcome, Subject};
use axum::Router;
use serde_json::{Map, Value};
use std::sync::Arc;

const fn route(method: Verb, path: &'static str, closed: Closed, handler: crate::Handler) -> Route {
    Route { method, path, surface: Surface::Auth, closed, handler }
}

const DENY: Closed = Closed::Deny("status_msg");

pub(crate) static ROUTES: &[Route] = &[
    route(Verb::Get, "/auth/v2/check", Closed::Error, |call| Box::pin(ping::check(call))),
    route(Verb::Post, "/auth/v2/enroll", Closed::Error, |call| Box::pin(enroll::enroll(call))),
    route(Verb::Post, "/auth/v2/enroll_status", Closed::Error, |call| Box::pin(enroll_status::enroll_status(call))),
    route(Verb::Post, "/auth/v2/preauth", DENY, |call| Box::pin(preauth::preauth(call))),
    route(Verb::Post, "/auth/v2/auth", DENY, |call| Box::pin(auth::auth(call))),
    route(Verb::Get, "/auth/v2/auth_status", DENY, |call| Box::pin(auth_status::auth_status(call))),
];

/// Routes that answer without a signature too.
pub(crate) fn unsigned(door: &Arc<Door>) -> Router {
    ping::router(door).merge(logo::router(door))
}

/// `user_id` or `username`, exactly one.
fn subject(params: &Params) -> Result<Subject, ApiError> {
    match (params.filled("user_id")?, params.text("username")?) {
        (Some(id), None) => id.parse().map(Subject::Id).map_err(|_| ApiError::invalid_parameter("user_id")),
        (None, Some(name)) => Ok(Subject::Name(name.to_owned())),
        (None, None) => Err(ApiError::missing_parameter("username")),
        (Some(_), Some(_)) => Err(ApiError::invalid_parameter("username")),
    }
}

/// Where the person is, as far as the client says. A text that is no address is no address.
pub(crate) fn client(params: &Params) -> Result<Client, ApiError> {
    let hostname = params.text("hostname")?.unwrap_or_default();
    let given = params.filled("ipaddr")?;
    let ip = given.and_then(|ip| ip.trim().parse().ok());
    Ok(Client {
        ip,
        unreadable_ip: given.is_some() && ip.is_none(),
        hostname: hostname.chars().filter(|c| !c.is_control()).take(255).collect(),
        ..Client::default()
    })
}

/// An ended attempt.
fn outcome(outcome: &Outcome) -> Value {
    let mut response = Map::new();
    response.insert("result".to_owned(), if outcome.allow { "allow" } else { "deny" }.into());
    response.insert("status".to_owned(), outcome.status.as_str().into());
    response.insert("status_msg".to_owned(), outcome.message.as_str().into());
    if let Some(token) = &outcome.trusted_token {
        response.insert("trusted_device_token".to_owned(), token.expose().into());
    }
    Value::Object(response)
}
