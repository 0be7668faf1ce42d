//! What a page sends back, and that it was one of ours that sent it.
//!
//! Three things hold for every request that changes something: the browser says that it comes from a page of this origin
//! (`Sec-Fetch-Site`, `Origin`), the cookie that it acts by isn't sent along from elsewhere (`SameSite`), and it carries a token that
//! only a page shown to this very browser had in it.

use super::trouble::Trouble;
use aws_lc_rs::hmac;
use axum::body::Body;
use data_encoding::BASE64URL_NOPAD;
use http::{HeaderMap, Method, Request, header};
use http_body_util::{BodyExt as _, Limited};

/// The field of a form that holds the token.
pub(crate) const TOKEN_FIELD: &str = "token";
/// The header that a script sends it in.
pub(crate) const TOKEN_HEADER: &str = "x-form-token";
/// The largest body of a request to a page: a passkey's answer with its attestation fits well.
pub(crate) const LARGEST_BODY: usize = 65_536;
/// A form of ours has no more fields than this.
const MOST_FIELDS: usize = 40;

/// Refuses what isn't sent by a page of this origin. A browser that says nothing at all is refused too.
pub(crate) fn same_origin(method: &Method, headers: &HeaderMap, origin: &str) -> Result<(), Trouble> {
    if matches!(*method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    let site = only(headers, "sec-fetch-site")?;
    let from = only(headers, header::ORIGIN.as_str())?;
    match (site, from) {
        (None, None) => Err(Trouble::Foreign),
        (site, from) => {
            let same_site = site.is_none_or(|site| site == "same-origin");
            let same_origin = from.is_none_or(|from| from == origin);
            if same_site && same_origin { Ok(()) } else { Err(Trouble::Foreign) }
        }
    }
}

/// The header's value; one that comes twice or isn't text is somebody's trick.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Trouble> {
    let mut lines = headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (None, _) => Ok(None),
        (Some(line), None) => line.to_str().map(Some).map_err(|_| Trouble::Foreign),
        _ => Err(Trouble::Foreign),
    }
}

/// The token of a page's forms: made from the secret of the cookie that the form acts by, so no page that was shown to another
/// browser has it, and no server needs to remember it. `scope` says what it is for: a sign-in's or a session's id.
#[must_use]
pub(crate) fn token(secret: &str, scope: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("countersign form v1\n{scope}").as_bytes());
    BASE64URL_NOPAD.encode(tag.as_ref())
}

/// What was sent.
pub(crate) struct Posted {
    fields: Vec<(String, String)>,
    /// The body as it came, where it isn't a form.
    pub(crate) body: bytes::Bytes,
    header: Option<String>,
}

impl Posted {
    /// Takes a request's body in.
    pub(crate) async fn read(request: Request<Body>) -> Result<Self, Trouble> {
        let (parts, body) = request.into_parts();
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let body = Limited::new(body, LARGEST_BODY).collect().await.map_err(|_| Trouble::TooLarge)?.to_bytes();
        let header = only(&parts.headers, TOKEN_HEADER)?.map(str::to_owned);
        match kind.as_str() {
            "application/x-www-form-urlencoded" => {
                let fields: Vec<_> = form_urlencoded::parse(&body)
                    .take(MOST_FIELDS + 1)
                    .map(|(k, v)| (k.into_owned(), v.into_owned()))
                    .collect();
                if fields.len() > MOST_FIELDS {
                    return Err(Trouble::Malformed);
                }
                Ok(Self { fields, body: bytes::Bytes::new(), header })
            }
            "application/json" => Ok(Self { fields: Vec::new(), body, header }),
            _ => Err(Trouble::Malformed),
        }
    }

    /// A field's value; one that comes twice is ambiguous, and so it is an error.
    pub(crate) fn get(&self, name: &str) -> Result<Option<&str>, Trouble> {
        let mut found = self.fields.iter().filter(|(known, _)| known == name);
        match (found.next(), found.next()) {
            (None, _) => Ok(None),
            (Some((_, value)), None) => Ok(Some(value)),
            _ => Err(Trouble::Malformed),
        }
    }

    /// A field that must be there, of at most `longest` bytes.
    pub(crate) fn need(&self, name: &str, longest: usize) -> Result<&str, Trouble> {
        self.get(name)?.filter(|value| value.len() <= longest).ok_or(Trouble::Malformed)
    }

    /// The token that it carries, in a field or in the header.
    pub(crate) fn token(&self) -> Result<Option<&str>, Trouble> {
        Ok(match self.get(TOKEN_FIELD)? {
            Some(given) => Some(given),
            None => self.header.as_deref(),
        })
    }

    /// Refuses what carries another token than `token(secret, scope)`.
    pub(crate) fn check(&self, secret: &str, scope: &str) -> Result<(), Trouble> {
        let right = self.token()?.is_some_and(|given| types::ct_eq(given.as_bytes(), token(secret, scope).as_bytes()));
        if right { Ok(()) } else { Err(Trouble::Foreign) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    const ORIGIN: &str = "https://login.example.com";

    fn comes(site: Option<&str>, from: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in [("sec-fetch-site", site), ("origin", from)] {
            if let Some(value) = value {
                headers.insert(name, HeaderValue::from_str(value).unwrap());
            }
        }
        assert!(same_origin(&Method::GET, &headers, ORIGIN).is_ok());
        same_origin(&Method::POST, &headers, ORIGIN).is_ok()
    }

    #[test]
    fn only_a_page_of_this_origin_may_post() {
        assert!(comes(Some("same-origin"), Some(ORIGIN)));
        assert!(comes(Some("same-origin"), None));
        assert!(comes(None, Some(ORIGIN)));
        assert!(!comes(None, None));
        for site in ["cross-site", "same-site", "none", "Same-Origin", "", "same-origin, cross-site"] {
            assert!(!comes(Some(site), Some(ORIGIN)), "{site}");
        }
        for from in [
            "null",
            "",
            "https://login.example.com.evil.example",
            "http://login.example.com",
            "https://login.example.com:8443",
            "https://LOGIN.example.com",
            "https://login.example.com/",
        ] {
            assert!(!comes(Some("same-origin"), Some(from)) && !comes(None, Some(from)), "{from}");
        }
    }

    #[test]
    fn a_header_that_comes_twice_is_refused() {
        let mut headers = HeaderMap::new();
        headers.append("origin", HeaderValue::from_static(ORIGIN));
        headers.append("origin", HeaderValue::from_static("https://evil.example"));
        assert!(same_origin(&Method::POST, &headers, ORIGIN).is_err());
    }

    fn posted(kind: &str, body: &str) -> Result<Posted, Trouble> {
        let request = Request::post("/").header("content-type", kind).body(Body::from(body.to_owned())).unwrap();
        futures_util::FutureExt::now_or_never(Posted::read(request)).unwrap()
    }

    #[test]
    fn a_token_is_good_for_its_browser_and_its_purpose() {
        let form = |token: &str| posted("application/x-www-form-urlencoded", &format!("token={token}")).unwrap();
        let right = token("secret", "sign-in 1");
        assert!(form(&right).check("secret", "sign-in 1").is_ok());
        assert!(form(&right).check("secret", "sign-in 2").is_err());
        assert!(form(&right).check("other", "sign-in 1").is_err());
        for wrong in ["", "x", &right[1..], &format!("{right}x"), &format!("{right}&token={right}")] {
            assert!(form(wrong).check("secret", "sign-in 1").is_err(), "{wrong}");
        }
        assert!(posted("application/x-www-form-urlencoded", "").unwrap().check("secret", "sign-in 1").is_err());
    }

    #[test]
    fn what_is_no_form_is_refused() {
        for kind in ["text/plain", "", "multipart/form-data; boundary=x"] {
            assert!(posted(kind, "a=1").is_err(), "{kind}");
        }
        assert!(posted("application/json; charset=utf-8", "{}").is_ok());
        assert!(posted("application/json", &"x".repeat(LARGEST_BODY + 1)).is_err());
        assert!(posted("application/x-www-form-urlencoded", &"a=1&".repeat(50)).is_err());
        let twice = posted("application/x-www-form-urlencoded", "a=1&a=2&b=%ff%00").unwrap();
        assert!(twice.get("a").is_err() && twice.get("b").unwrap().is_some() && twice.get("c").unwrap().is_none());
    }
}
