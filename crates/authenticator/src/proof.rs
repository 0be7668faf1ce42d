//! How a device signs a request.
//!
//! `Authorization: Countersign-Device TENANT.PHONE.AT.SIGNATURE`, where `AT` is the device's clock in Unix milliseconds and
//! `SIGNATURE` is ECDSA P-256 with SHA-256 in DER, base64url without padding, over these lines joined by `\n`:
//! `countersign-device-v1`, the method, the path with its query, `AT`, and the SHA-256 of the body in lower-case hex.

use crate::error::Failure;
use auth::{Auth, AuthError, DeviceProof, VerifiedDevice};
use axum::body::Body;
use bytes::Bytes;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use http::{Request, header, request::Parts};
use http_body_util::{BodyExt, Limited};
use types::Millis;

/// No body of this API is longer.
const LONGEST: usize = 8 * 1024;

/// Takes a body in, within the limit.
pub(crate) async fn body(body: Body) -> Result<Bytes, Failure> {
    let collected = Limited::new(body, LONGEST).collect().await;
    collected
        .map(|collected| collected.to_bytes())
        .map_err(|_| Failure::Malformed("the body is longer than 8 KiB or broke off"))
}

/// The lines that are signed.
fn lines(parts: &Parts, at: i64, body: &[u8]) -> String {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body);
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    format!("countersign-device-v1\n{}\n{path}\n{at}\n{}", parts.method, HEXLOWER.encode(hash.as_ref()))
}

/// A request's device, verified, with its body.
pub(crate) async fn verify(auth: &Auth, request: Request<Body>) -> Result<(VerifiedDevice, Parts, Bytes), Failure> {
    const MALFORMED: Failure =
        Failure::Unauthorized("the Authorization header is not Countersign-Device TENANT.PHONE.AT.SIGNATURE");
    let (parts, sent) = request.into_parts();
    let body = body(sent).await?;
    let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or(MALFORMED)?;
    let mut fields = header.strip_prefix("Countersign-Device ").ok_or(MALFORMED)?.split('.');
    let (Some(tenant), Some(phone), Some(at), Some(signature), None) =
        (fields.next(), fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return Err(MALFORMED);
    };
    let at: i64 = at.parse().map_err(|_| MALFORMED)?;
    let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).map_err(|_| MALFORMED)?;
    let signed = lines(&parts, at, &body);
    let proof = DeviceProof {
        tenant: tenant.parse().map_err(|_| MALFORMED)?,
        phone: phone.parse().map_err(|_| MALFORMED)?,
        at: Millis(at),
        signed: signed.as_bytes(),
        signature: &signature,
    };
    let device = auth.verify_device(&proof).await.map_err(|error| match error {
        AuthError::Refused(why) => Failure::Unauthorized(why),
        other => Failure::Engine(other),
    })?;
    Ok((device, parts, body))
}
