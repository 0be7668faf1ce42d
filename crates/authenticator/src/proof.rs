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
use types::{Millis, PhoneId, TenantId};

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

/// What a device claims in its `Authorization` header: nothing of it is verified.
#[derive(Debug, PartialEq, Eq)]
pub struct Claim {
    tenant: TenantId,
    phone: PhoneId,
    at: Millis,
    signature: Vec<u8>,
}

/// Reads `Countersign-Device TENANT.PHONE.AT.SIGNATURE`.
#[must_use]
pub fn claim(header: &str) -> Option<Claim> {
    // A P-256 signature in DER has at most 72 bytes, so nothing longer is worth reading.
    let mut fields = header.strip_prefix("Countersign-Device ").filter(|rest| rest.len() <= 256)?.split('.');
    let claim = Claim {
        tenant: fields.next()?.parse().ok()?,
        phone: fields.next()?.parse().ok()?,
        at: Millis(fields.next()?.parse().ok()?),
        signature: BASE64URL_NOPAD.decode(fields.next()?.as_bytes()).ok()?,
    };
    fields.next().is_none().then_some(claim)
}

/// A request's device, verified, with its body.
pub(crate) async fn verify(auth: &Auth, request: Request<Body>) -> Result<(VerifiedDevice, Parts, Bytes), Failure> {
    let (parts, sent) = request.into_parts();
    let body = body(sent).await?;
    let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let claim = header
        .and_then(claim)
        .ok_or(Failure::Unauthorized("the Authorization header is not Countersign-Device TENANT.PHONE.AT.SIGNATURE"))?;
    let signed = lines(&parts, claim.at.0, &body);
    let proof = DeviceProof {
        tenant: claim.tenant,
        phone: claim.phone,
        at: claim.at,
        signed: signed.as_bytes(),
        signature: &claim.signature,
    };
    let device = auth.verify_device(&proof).await.map_err(|error| match error {
        AuthError::Refused(auth::WRONG_CLOCK) => Failure::Clock(auth.world().now()),
        AuthError::Refused(why) => Failure::Unauthorized(why),
        other => Failure::Engine(other),
    })?;
    Ok((device, parts, body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = "Countersign-Device DAAAAAAAAAAAAAAAAAAA.DPAAAAAAAAAAAAAAAAAA.1795280601805.MEUC";

    #[test]
    fn four_fields_and_no_more() {
        assert!(claim(GOOD).is_some());
        for bad in [
            "",
            "Countersign-Device ",
            "Basic x",
            &format!("{GOOD}.x"),
            &GOOD.replace("DP", "DU"),
            &GOOD.replace("MEUC", "M="),
        ] {
            assert_eq!(claim(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_claim_or_nothing(text in "(Countersign-Device )?[A-Za-z0-9._=-]{0,120}") {
            let _ = claim(&text);
        }

        #[test]
        fn a_claim_that_lost_a_character_is_another_or_none(cut in 0_usize..70) {
            let mut text = GOOD.to_owned();
            if cut < text.len() {
                text.remove(cut);
                prop_assert_ne!(claim(&text), claim(GOOD));
            }
        }
    }
}
