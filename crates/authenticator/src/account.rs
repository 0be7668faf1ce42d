//! What a device asks and changes about itself.

use crate::{error::Failure, proof};
use auth::Auth;
use axum::{Json, body::Body, extract::State};
use http::Request;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// `GET /authenticator/v1/account`.
pub(crate) async fn show(State(auth): State<Arc<Auth>>, request: Request<Body>) -> Result<Json<Value>, Failure> {
    let (device, _, _) = proof::verify(&auth, request).await?;
    let account = auth.device_account(&device).await?;
    Ok(Json(json!({
        "organisation": account.organisation,
        "brand": account.brand,
        "host": account.api_host,
        "username": account.username,
        "name": account.name,
        "created": account.created,
        "totp": account.passcodes,
        "push": account.push,
    })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Renamed {
    name: String,
}

/// `POST /authenticator/v1/account`.
pub(crate) async fn rename(State(auth): State<Arc<Auth>>, request: Request<Body>) -> Result<Json<Value>, Failure> {
    let (device, _, body) = proof::verify(&auth, request).await?;
    let renamed: Renamed =
        serde_json::from_slice(&body).map_err(|_| Failure::Malformed("the body is not an object of name"))?;
    auth.rename_device(&device, &renamed.name).await?;
    Ok(Json(json!({})))
}

/// `DELETE /authenticator/v1/account`.
pub(crate) async fn remove(State(auth): State<Arc<Auth>>, request: Request<Body>) -> Result<Json<Value>, Failure> {
    let (device, _, _) = proof::verify(&auth, request).await?;
    auth.remove_device(&device).await?;
    Ok(Json(json!({})))
}

/// `POST /authenticator/v1/move`.
pub(crate) async fn make_room(State(auth): State<Arc<Auth>>, request: Request<Body>) -> Result<Json<Value>, Failure> {
    let (device, _, _) = proof::verify(&auth, request).await?;
    let moving = auth.move_device(&device).await?;
    Ok(Json(json!({ "link": moving.link.expose(), "expires": moving.expires })))
}
