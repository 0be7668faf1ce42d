//! A request's parameters, in every form in which the clients send them (duo-wire.md §0, constraint 5).
//!
//! - an urlencoded body: npm, Go, Java, C#, Ruby, and Python at the health check;
//! - the query, with an empty body: Python at the token endpoint, and every browser at the authorization endpoint;
//! - `multipart/form-data`: PHP;
//! - a JSON object, which no client was seen to send: the same parameters by the same names.
//!
//! Wherever a parameter stands, it stands once: who reads the first and who reads the last must read the same.

use super::error::OAuthError;
use crate::wire::{ApiError, Limits, Params, collect, multipart};
use axum::body::Body;
use http::{
    HeaderMap,
    header::CONTENT_TYPE,
    request::{Parts, Request},
};

/// 32 KiB, 32 parameters: the longest request of a real client has six parameters and 4 KiB.
const LIMITS: Limits = Limits { body: 32 * 1024, params: 32, name: 64, depth: 2 };

/// The parameters, and what else the request says.
pub(super) struct Form {
    pub(super) parts: Parts,
    params: Params,
}

impl Form {
    /// Takes a request in.
    pub(super) async fn read(request: Request<Body>) -> Result<Self, (Parts, OAuthError)> {
        let (parts, body) = request.into_parts();
        let params = match collect(body, LIMITS.body).await {
            Ok(body) => params(&parts, &body),
            Err(error) => Err(error),
        };
        match params {
            Ok(params) => Ok(Self { parts, params }),
            Err(_) => Err((parts, OAuthError::InvalidRequest("The parameters can not be read."))),
        }
    }

    /// A parameter, where an empty one counts as absent (RFC 6749 §3.1).
    pub(super) fn get(&self, name: &'static str) -> Result<Option<&str>, OAuthError> {
        self.params.filled(name).map_err(|_| OAuthError::InvalidRequest("A parameter is there twice or is no text."))
    }

    /// A parameter that must be there, or `missing`.
    pub(super) fn required(&self, name: &'static str, missing: &'static str) -> Result<&str, OAuthError> {
        self.get(name)?.ok_or(OAuthError::InvalidRequest(missing))
    }

    /// The headers.
    pub(super) const fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }
}

fn params(parts: &Parts, body: &[u8]) -> Result<Params, ApiError> {
    let query = parts.uri.query().unwrap_or_default();
    let mut params = Params::from_urlencoded(query.as_bytes(), &LIMITS)?;
    if body.is_empty() {
        return Ok(params);
    }
    let kinds: Vec<&str> = parts.headers.get_all(CONTENT_TYPE).iter().filter_map(|kind| kind.to_str().ok()).collect();
    let [kind] = kinds.as_slice() else { return Err(ApiError::invalid_parameter("content-type")) };
    let plain = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    params.append(match (plain.as_str(), multipart::boundary(kind)) {
        ("application/x-www-form-urlencoded", _) => Params::from_urlencoded(body, &LIMITS)?,
        ("multipart/form-data", Some(boundary)) => multipart::parse(body, boundary, &LIMITS)?,
        ("application/json", _) => Params::from_json(body, &LIMITS)?,
        _ => return Err(ApiError::invalid_parameter("content-type")),
    });
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(target: &str, kind: &str, body: &str) -> Result<Form, OAuthError> {
        let mut request = Request::post(target);
        if !kind.is_empty() {
            request = request.header(CONTENT_TYPE, kind);
        }
        Form::read(request.body(Body::from(body.to_owned())).unwrap()).await.map_err(|(_, error)| error)
    }

    #[tokio::test]
    async fn all_four_forms_say_the_same() {
        let parts = "--b\r\nContent-Disposition: form-data; name=\"code\"\r\n\r\na b\r\n--b--\r\n";
        for (target, kind, body) in [
            ("/oauth/v1/token", "application/x-www-form-urlencoded", "code=a+b"),
            ("/oauth/v1/token", "application/x-www-form-urlencoded;charset=UTF-8", "code=a%20b"),
            ("/oauth/v1/token?code=a%20b", "", ""),
            ("/oauth/v1/token?code=a+b", "application/x-www-form-urlencoded", ""),
            ("/oauth/v1/token", "multipart/form-data; boundary=b", parts),
            ("/oauth/v1/token", "application/json", r#"{"code":"a b"}"#),
        ] {
            let form = read(target, kind, body).await.unwrap_or_else(|error| panic!("{kind}: {error:?}"));
            assert_eq!(form.get("code"), Ok(Some("a b")), "{kind} {body}");
            assert_eq!(form.get("state"), Ok(None));
        }
    }

    #[tokio::test]
    async fn a_parameter_that_stands_twice_is_none() {
        let form = "application/x-www-form-urlencoded";
        for (target, body) in [("/t?code=1", "code=1"), ("/t", "code=1&code=2"), ("/t?code=1&code=1", "")] {
            let form = read(target, form, body).await.unwrap();
            assert!(form.get("code").is_err(), "{target} {body}");
        }
        for (kind, body) in [
            ("application/json", r#"{"code":"1","code":"2"}"#),
            ("application/json", r#"["code"]"#),
            ("text/plain", "code=1"),
            ("", "code=1"),
            ("multipart/form-data", "--b\r\n"),
            ("application/x-www-form-urlencoded", "code=%zz"),
        ] {
            assert!(read("/t", kind, body).await.is_err(), "{kind} {body}");
        }
        let long = format!("code={}", "x".repeat(LIMITS.body));
        assert!(read("/t", form, &long).await.is_err());
        let many = "a=1&".repeat(LIMITS.params + 1);
        assert!(read("/t", form, &many).await.is_err());
    }
}
