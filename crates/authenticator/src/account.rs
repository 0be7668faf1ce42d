//! What a device asks and changes about itself.

use crate::{error::Failure, proof};
use auth::Auth;
use axum::{Json, body::Body, extract::State};
use http::Request;
use qrcode::{Color, EcLevel, QrCode};
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
    let link = moving.link.expose();
    Ok(Json(json!({ "link": link, "expires": moving.expires, "qr": qr(link) })))
}

/// The rows of a QR code, `1` for dark: a device without a library can draw it for the next one to scan.
fn qr(text: &str) -> Vec<String> {
    let Ok(code) = QrCode::with_error_correction_level(text, EcLevel::M) else { return Vec::new() };
    let dark = |color: &Color| if *color == Color::Dark { '1' } else { '0' };
    code.to_colors().chunks(code.width()).map(|row| row.iter().map(dark).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_becomes_a_square_with_three_corners() {
        let rows = qr("https://api-1a2b3c4d.example.com/activate/DAAAAAAAAAAAAAAAAAAA/ABCDEFGHJKMNPQRSTVWX");
        assert!(rows.len() > 21 && rows.iter().all(|row| row.len() == rows.len()));
        // The finder pattern's edge (ISO/IEC 18004 §6.3.3), at three corners and not at the fourth.
        assert!(rows[0].starts_with("11111110") && rows[0].ends_with("01111111"));
        assert!(rows[rows.len() - 1].starts_with("11111110"));
    }
}
