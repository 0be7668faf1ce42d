//! A web application's side of the Universal Prompt, written from the description of the wire and not with the door's own code.

use super::signing::{Keys, quote};
use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use types::Millis;

/// An application of type `websdk` with its library.
#[derive(Clone, Debug)]
pub(crate) struct WebClient {
    pub(crate) keys: Keys,
    /// How the library calls the server.
    pub(crate) host: String,
    pub(crate) redirect_uri: String,
}

/// Where a library puts its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormOf {
    /// npm, Go, Java, C#, Ruby.
    Body,
    /// Python at the token endpoint.
    Query,
    /// PHP.
    Multipart,
    /// Nobody's so far.
    Json,
}

pub(crate) const FORMS: [FormOf; 4] = [FormOf::Body, FormOf::Query, FormOf::Multipart, FormOf::Json];

/// A request before it is HTTP.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) host: String,
    pub(crate) kind: Option<&'static str>,
    pub(crate) body: String,
}

const BOUNDARY: &str = "------------------------d74496d66958873e";

pub(crate) fn encode(params: &[(String, String)]) -> String {
    params.iter().map(|(name, value)| format!("{}={}", quote(name), quote(value))).collect::<Vec<_>>().join("&")
}

/// The parameters in one of the forms.
pub(crate) fn post(host: &str, path: &str, form: FormOf, params: &[(String, String)]) -> Sent {
    let (target, kind, body) = match form {
        FormOf::Body => (path.to_owned(), Some("application/x-www-form-urlencoded"), encode(params)),
        FormOf::Query => (format!("{path}?{}", encode(params)), None, String::new()),
        FormOf::Json => {
            let object: serde_json::Map<_, _> =
                params.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
            (path.to_owned(), Some("application/json"), Value::Object(object).to_string())
        }
        FormOf::Multipart => {
            let part = |(name, value): &(String, String)| {
                format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
            };
            let body = params.iter().map(part).collect::<String>() + &format!("--{BOUNDARY}--\r\n");
            (path.to_owned(), Some("multipart/form-data; boundary=------------------------d74496d66958873e"), body)
        }
    };
    Sent { method: "POST", target, host: host.to_owned(), kind, body }
}

/// A JWT with any header, signed with any key by the algorithm that the header names (HS512 where it names none of the three).
pub(crate) fn jwt(header: &Value, claims: &Value, key: &str) -> String {
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let signed = format!("{}.{}", part(header), part(claims));
    let algorithm = match header["alg"].as_str() {
        Some("HS256") => hmac::HMAC_SHA256,
        Some("HS384") => hmac::HMAC_SHA384,
        _ => hmac::HMAC_SHA512,
    };
    let tag = hmac::sign(&hmac::Key::new(algorithm, key.as_bytes()), signed.as_bytes());
    format!("{signed}.{}", BASE64URL_NOPAD.encode(tag.as_ref()))
}

/// The claims of a JWT that HS512 and `key` vouch for; none otherwise.
pub(crate) fn claims_of(token: &str, key: &str) -> Option<Value> {
    let (signed, tag) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let decode = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).ok();
    let header: Value = serde_json::from_slice(&decode(header)?).ok()?;
    if header["alg"] != "HS512" {
        return None;
    }
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA512, key.as_bytes()), signed.as_bytes(), &decode(tag)?).ok()?;
    serde_json::from_slice(&decode(claims)?).ok()
}

impl WebClient {
    pub(crate) fn new(keys: Keys) -> Self {
        Self {
            host: keys.host.clone(),
            keys,
            redirect_uri: "https://wiki.example.test/duo-callback?from=login".to_owned(),
        }
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        jwt(&json!({ "alg": "HS512", "typ": "JWT" }), claims, &self.keys.skey)
    }

    /// What proves the client at an endpoint.
    pub(crate) fn assertion(&self, path: &str, jti: &str, now: Millis) -> Value {
        json!({
            "iss": self.keys.ikey,
            "sub": self.keys.ikey,
            "aud": format!("https://{}{path}", self.host),
            "exp": now.0 as f64 / 1000.0 + 300.0,
            "jti": jti,
        })
    }

    /// The request for a sign-in.
    pub(crate) fn request(&self, username: &str, state: &str, now: Millis) -> Value {
        json!({
            "scope": "openid",
            "redirect_uri": self.redirect_uri,
            "client_id": self.keys.ikey,
            "iss": self.keys.ikey,
            "aud": format!("https://{}", self.host),
            "exp": now.0 as f64 / 1000.0 + 300.0,
            "state": state,
            "response_type": "code",
            "duo_uname": username,
            "use_duo_code_attribute": true,
        })
    }

    /// The address that the user's browser is sent to.
    pub(crate) fn authorize(&self, request: &str, more: &[(&str, &str)]) -> Sent {
        let mut params = super::signing::pairs(&[
            ("response_type", "code"),
            ("client_id", self.keys.ikey.as_str()),
            ("request", request),
        ]);
        params.extend(super::signing::pairs(more));
        let target = format!("/oauth/v1/authorize?{}", encode(&params));
        Sent { method: "GET", target, host: self.host.clone(), kind: None, body: String::new() }
    }

    /// The parameters by which a code becomes a token.
    pub(crate) fn redemption(&self, code: &str, assertion: &str) -> Vec<(String, String)> {
        super::signing::pairs(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.redirect_uri.as_str()),
            ("client_id", self.keys.ikey.as_str()),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion),
        ])
    }
}
