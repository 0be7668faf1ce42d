//! The picture of an activation code: `/frame/qr?value=…`, which `activation_barcode` of `enroll` points to.

use crate::wire::{ApiError, Encoding, Limits, Params};
use axum::{
    extract::RawQuery,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use qrcode::{QrCode, render::svg};

/// The longest text that is drawn.
const LONGEST: usize = 512;

/// Draws `value`. Only activation texts are drawn: the service is no generator of others' pictures.
pub(crate) async fn serve(RawQuery(query): RawQuery) -> Response {
    match draw(query.unwrap_or_default().as_bytes()) {
        Ok(picture) => (
            [
                (header::CONTENT_TYPE, HeaderValue::from_static("image/svg+xml")),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
                (
                    header::CONTENT_SECURITY_POLICY,
                    HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'"),
                ),
            ],
            picture,
        )
            .into_response(),
        Err(error) => Encoding::Json.reply(Err(error)).into_response(),
    }
}

fn draw(query: &[u8]) -> Result<String, ApiError> {
    let params = Params::from_urlencoded(query, &Limits::DEFAULT)?;
    let value = params.required("value")?;
    if value.len() > LONGEST || !(value.starts_with("duo://") || value.starts_with("https://")) {
        return Err(ApiError::invalid_parameter("value"));
    }
    let code = QrCode::new(value).map_err(|_| ApiError::invalid_parameter("value"))?;
    Ok(code.render::<svg::Color<'_>>().min_dimensions(240, 240).build())
}
