//! Proofs of possession (RFC 9449): a client shows with each request that it has the key to which its tokens are bound.

use crate::{Algorithms, JoseError, Unverified, VerifyKey, base64, jwk::sha256, jwt};
use serde_json::{Map, Value};
use std::time::Duration;
use types::Millis;
use url::Url;

/// Characters of a proof's `jti`.
const MAX_JTI: usize = 256;
/// Characters of a proof's `nonce`.
const MAX_NONCE: usize = 512;

/// What a proof must be for.
#[derive(Clone, Copy)]
pub struct Expect<'a> {
    /// The request's method.
    pub method: &'a str,
    /// The request's address, as the client knows it: by the public name of the host.
    pub uri: &'a str,
    /// Now.
    pub now: Millis,
    /// How old a proof may be.
    pub max_age: Duration,
    /// How far a client's clock may be ahead.
    pub leeway: Duration,
    /// The access token that comes with the request, if one does.
    pub access_token: Option<&'a str>,
    /// Which algorithms count.
    pub allowed: Algorithms,
    /// Judges the proof's `nonce`, or that it has none.
    pub nonce: &'a (dyn Fn(Option<&str>) -> bool + Sync),
}

/// What a verified proof says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The key's thumbprint: `jkt` (RFC 9449 §6.1).
    pub thumbprint: String,
    /// Unique for this key: whoever accepts the proof must remember it until [`expires`](Self::expires).
    pub jti: String,
    /// Until when it would be accepted.
    pub expires: Millis,
    /// The nonce that was in it.
    pub nonce: Option<String>,
}

/// Why a proof is refused.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum DpopError {
    /// `invalid_dpop_proof`.
    #[error("the DPoP proof is refused: {0}")]
    Refused(#[from] JoseError),
    /// `use_dpop_nonce`: all else is right.
    #[error("the DPoP proof needs a nonce of this server")]
    Nonce,
}

/// Verifies a proof (RFC 9449 §4.3), all but whether its `jti` was seen before.
pub fn verify(text: &str, expect: &Expect<'_>) -> Result<Proof, DpopError> {
    let unverified = Unverified::parse_with(text, true)?;
    if unverified.typ() != Some("dpop+jwt") {
        return Err(JoseError::Header("typ").into());
    }
    let jwk = unverified.jwk().ok_or(JoseError::Header("jwk"))?.clone();
    let key = VerifyKey::new(&jwk)?;
    let verified = unverified.verify_by(&key, expect.allowed.and(Algorithms::ASYMMETRIC))?;
    let claims = verified.into_claims();
    let jti = text_claim(&claims, "jti", MAX_JTI)?.filter(|jti| !jti.is_empty()).ok_or(JoseError::Claim("jti"))?;
    if text_claim(&claims, "htm", 16)?.as_deref() != Some(expect.method) {
        return Err(JoseError::Claim("htm").into());
    }
    let uri = text_claim(&claims, "htu", 2048)?.ok_or(JoseError::Claim("htu"))?;
    if !same_uri(&uri, expect.uri) {
        return Err(JoseError::Claim("htu").into());
    }
    let issued = jwt::time(&claims, "iat")?.ok_or(JoseError::Claim("iat"))?;
    if issued > expect.now + expect.leeway {
        return Err(JoseError::Early.into());
    }
    let expires = issued + expect.max_age;
    if expires <= expect.now {
        return Err(JoseError::Expired.into());
    }
    let bound_to = text_claim(&claims, "ath", 64)?;
    if let Some(token) = expect.access_token {
        let hash = base64::encode(&sha256(token.as_bytes()));
        if !bound_to.is_some_and(|ath| types::ct_eq(ath.as_bytes(), hash.as_bytes())) {
            return Err(JoseError::Claim("ath").into());
        }
    }
    let nonce = text_claim(&claims, "nonce", MAX_NONCE)?;
    if !(expect.nonce)(nonce.as_deref()) {
        return Err(DpopError::Nonce);
    }
    Ok(Proof { thumbprint: jwk.thumbprint(), jti, expires, nonce })
}

fn text_claim(claims: &Map<String, Value>, name: &'static str, max: usize) -> Result<Option<String>, JoseError> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if text.len() <= max => Ok(Some(text.clone())),
        Some(_) => Err(JoseError::Claim(name)),
    }
}

/// Whether both name the same resource, without query and fragment, after the normalisation of RFC 3986 §6.2.2 and §6.2.3.
#[must_use]
pub fn same_uri(a: &str, b: &str) -> bool {
    match (normal(a), normal(b)) {
        (Some(a), Some(b)) => a == b,
        _ => false,
    }
}

fn normal(uri: &str) -> Option<String> {
    let url = Url::parse(uri).ok().filter(|url| matches!(url.scheme(), "https" | "http"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    let (host, port) = (url.host_str()?, url.port_or_known_default()?);
    Some(format!("{}://{host}:{port}{}", url.scheme(), plain_path(url.path())))
}

/// With escapes of letters that need none undone, and the others in capitals.
fn plain_path(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let value = after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok().filter(|_| !hex.starts_with('+')));
        match value {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                out.push(char::from(byte));
                rest = after.get(2..).unwrap_or_default();
            }
            Some(byte) => {
                out.push_str(&format!("%{byte:02X}"));
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push('%');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}
