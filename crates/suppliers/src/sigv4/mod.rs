//! AWS Signature Version 4 (AWS General Reference, "Create a signed AWS API request"), for requests with headers.
//!
//! What SNS needs and no more: one try, no chunks, no presigned addresses. Tested with the vectors that AWS publishes with its own
//! signer (aws-c-auth, `tests/aws-signing-test-suite/v4`).

use crate::{secret::Secret, template::utc};
use aws_lc_rs::{digest, hmac};
use data_encoding::HEXLOWER;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::Deserialize;
use types::Millis;

/// All but the characters that AWS leaves as they are.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// As above, for a path.
const PATH: &AsciiSet = &ENCODED.remove(b'/');

/// Whose requests, and for which service.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The access key's id.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: Secret,
    /// Of temporary credentials.
    #[serde(default)]
    pub session_token: Option<Secret>,
    /// `eu-central-1`.
    pub region: String,
    /// `sns`.
    pub service: String,
}

/// A request that is to be signed.
pub struct Request<'a> {
    /// `POST`.
    pub method: &'a str,
    /// Where to.
    pub url: &'a url::Url,
    /// The headers that are signed, beside those that the signature adds: name in lower case, value.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
    /// Whether the body's hash goes into a header too.
    pub hash_header: bool,
}

/// The headers that a request needs to be believed, `host` not among them.
#[must_use]
pub fn sign(credentials: &Credentials, request: &Request<'_>, now: Millis) -> Vec<(&'static str, String)> {
    let time = utc(now, "%Y%m%dT%H%M%SZ");
    let date = time.get(..8).unwrap_or_default();
    let hash = HEXLOWER.encode(digest::digest(&digest::SHA256, request.body).as_ref());
    let mut added = vec![("x-amz-date", time.clone())];
    if request.hash_header {
        added.push(("x-amz-content-sha256", hash.clone()));
    }
    if let Some(token) = &credentials.session_token {
        added.push(("x-amz-security-token", token.expose().to_owned()));
    }
    let host = host(request.url);
    let mut headers: Vec<(String, String)> = vec![("host".to_owned(), host)];
    headers.extend(request.headers.iter().map(|(name, value)| ((*name).to_owned(), trimmed(value))));
    headers.extend(added.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    headers.sort();
    let names = headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";");
    let canonical = canonical(request, &headers, &names, &hash);
    let scope = format!("{date}/{}/{}/aws4_request", credentials.region, credentials.service);
    let canonical_hash = HEXLOWER.encode(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{canonical_hash}");
    let first = format!("AWS4{}", credentials.secret_access_key.expose());
    let key = [date, &credentials.region, &credentials.service, "aws4_request"]
        .iter()
        .fold(first.into_bytes(), |key, part| mac(&key, part.as_bytes()));
    let signature = HEXLOWER.encode(&mac(&key, to_sign.as_bytes()));
    added.push((
        "authorization",
        format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            credentials.access_key_id
        ),
    ));
    added
}

fn mac(key: &[u8], data: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data).as_ref().to_vec()
}

fn host(url: &url::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Spaces at the ends go, and several become one.
fn trimmed(value: &str) -> String {
    value.split(' ').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn canonical(request: &Request<'_>, headers: &[(String, String)], names: &str, hash: &str) -> String {
    let path: Vec<u8> = percent_decode_str(request.url.path()).collect();
    let path = percent_encoding::percent_encode(&path, PATH);
    let mut query: Vec<(String, String)> = request
        .url
        .query_pairs()
        .map(|(name, value)| {
            (utf8_percent_encode(&name, ENCODED).to_string(), utf8_percent_encode(&value, ENCODED).to_string())
        })
        .collect();
    query.sort();
    let query = query.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    format!("{}\n{path}\n{query}\n{lines}\n{names}\n{hash}", request.method)
}

#[cfg(test)]
mod tests;
