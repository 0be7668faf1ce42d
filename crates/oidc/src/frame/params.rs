//! A request's parameters, read once and with limits.
//!
//! A parameter stands once (RFC 6749 §3.1), wherever it stands: who reads the first and who reads the last must read the same. An empty
//! one counts as absent. What may stand more than once says so (`resource`, RFC 8707).

use super::error::OAuthError;
use axum::body::{Body, to_bytes};
use http::{Method, Request, header, request::Parts};

/// Bytes of all parameters together, as they were sent.
pub(crate) const MOST_BYTES: usize = 8 * 1024;
/// More parameters than this has no request.
const MOST: usize = 48;

/// The parameters of a request, with all else that it says.
pub(crate) struct Form {
    pub(crate) parts: Parts,
    pairs: Vec<(String, String)>,
}

/// Where parameters may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// In the query of a GET, in the body of a POST: what a browser brings.
    Either,
    /// In a POST's body only: secrets in an address end in logs (RFC 6749 §2.3.1).
    Body,
}

const TOO_LONG: OAuthError = OAuthError::invalid_request("The parameters are longer than 8 KB.");
const UNREADABLE: OAuthError = OAuthError::invalid_request("The parameters can not be read.");
const TWICE: OAuthError = OAuthError::invalid_request("A parameter is there twice.");

impl Form {
    /// Takes a request in. With the error comes what was read of the request, for those who answer browsers.
    pub(crate) async fn read(request: Request<Body>, from: Source) -> Result<Self, (Parts, OAuthError)> {
        Self::read_up_to(request, from, MOST_BYTES).await
    }

    /// As [`read`](Self::read), for an endpoint whose parameters are signed objects and so longer.
    pub(crate) async fn read_up_to(
        request: Request<Body>,
        from: Source,
        most: usize,
    ) -> Result<Self, (Parts, OAuthError)> {
        let (parts, body) = request.into_parts();
        let pairs = match (&parts.method, from) {
            (&Method::POST, _) => of_body(&parts, body, most).await,
            (_, Source::Either) => of_text(parts.uri.query().unwrap_or_default().as_bytes(), most),
            (_, Source::Body) => Err(UNREADABLE),
        };
        match pairs {
            Ok(pairs) => Ok(Self { parts, pairs }),
            Err(error) => Err((parts, error)),
        }
    }

    /// From pairs that somebody else has read: of a request object, or as they were pushed.
    pub(crate) const fn of(parts: Parts, pairs: Vec<(String, String)>) -> Self {
        Self { parts, pairs }
    }

    /// A parameter; an error where it is there twice.
    pub(crate) fn get(&self, name: &str) -> Result<Option<&str>, OAuthError> {
        let mut found = self.pairs.iter().filter(|(known, _)| known == name);
        match (found.next(), found.next()) {
            (None, _) => Ok(None),
            (Some((_, value)), None) => Ok(Some(value.as_str()).filter(|value| !value.is_empty())),
            _ => Err(TWICE),
        }
    }

    /// A parameter that may be there more than once.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let named = self.pairs.iter().filter(|(known, value)| known == name && !value.is_empty());
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// A parameter that must be there, or `missing`.
    pub(crate) fn required(&self, name: &str, missing: &'static str) -> Result<&str, OAuthError> {
        self.get(name)?.ok_or(OAuthError::invalid_request(missing))
    }

    /// Everything, in order.
    pub(crate) fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }
}

async fn of_body(parts: &Parts, body: Body, most: usize) -> Result<Vec<(String, String)>, OAuthError> {
    // A POST with a query has two places where one parameter can stand.
    if parts.uri.query().is_some_and(|query| !query.is_empty()) {
        return Err(OAuthError::invalid_request("Parameters of a POST belong into its body."));
    }
    let mut kinds = parts.headers.get_all(header::CONTENT_TYPE).iter();
    let kind = kinds.next().and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kinds.next().is_some() || !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(OAuthError::invalid_request("The body must be application/x-www-form-urlencoded."));
    }
    let body = to_bytes(body, most).await.map_err(|_| TOO_LONG)?;
    of_text(&body, most)
}

pub(crate) fn of_text(text: &[u8], most: usize) -> Result<Vec<(String, String)>, OAuthError> {
    if text.len() > most {
        return Err(TOO_LONG);
    }
    let mut pairs = Vec::new();
    for piece in text.split(|byte| *byte == b'&').filter(|piece| !piece.is_empty()) {
        if pairs.len() >= MOST {
            return Err(UNREADABLE);
        }
        let at = piece.iter().position(|byte| *byte == b'=').unwrap_or(piece.len());
        let (name, value) = piece.split_at(at);
        pairs.push((decoded(name)?, decoded(value.get(1..).unwrap_or_default())?));
    }
    Ok(pairs)
}

/// One name or value (WHATWG URL §5.1), strictly: what isn't UTF-8, or isn't encoded, is refused and not mended.
pub(crate) fn decoded(text: &[u8]) -> Result<String, OAuthError> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
                let (high, low) = (digit(bytes.next()), digit(bytes.next()));
                let value = high.zip(low).map(|(high, low)| high * 16 + low).and_then(|value| u8::try_from(value).ok());
                value.ok_or(UNREADABLE)?
            }
            byte => byte,
        });
    }
    // A zero ends a text for some readers and not for others.
    String::from_utf8(out).ok().filter(|text| !text.contains('\0')).ok_or(UNREADABLE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    async fn read(method: Method, target: &str, kind: &str, body: &str, from: Source) -> Result<Form, OAuthError> {
        let request = Request::builder().method(method).uri(target).header(header::CONTENT_TYPE, kind);
        Form::read(request.body(Body::from(body.to_owned())).unwrap(), from).await.map_err(|(_, error)| error)
    }

    const FORM: &str = "application/x-www-form-urlencoded";

    #[tokio::test]
    async fn a_parameter_stands_once_and_in_its_place() {
        let form = read(Method::GET, "/a?state=a+b%26&empty=", FORM, "state=x", Source::Either).await.unwrap();
        assert_eq!(form.get("state"), Ok(Some("a b&")));
        assert_eq!((form.get("empty"), form.get("none")), (Ok(None), Ok(None)));
        let form =
            read(Method::POST, "/a", "application/x-www-form-urlencoded; charset=UTF-8", "state=1", Source::Body);
        assert_eq!(form.await.unwrap().get("state"), Ok(Some("1")));
        let twice = read(Method::GET, "/a?state=1&state=1", FORM, "", Source::Either).await.unwrap();
        assert_eq!(twice.get("state"), Err(TWICE));
        assert_eq!(twice.all("state"), ["1", "1"]);
        for (method, target, kind, from) in [
            (Method::GET, "/a?code=1", FORM, Source::Body),
            (Method::POST, "/a?code=1", FORM, Source::Body),
            (Method::POST, "/a?code=1", FORM, Source::Either),
            (Method::POST, "/a", "application/json", Source::Body),
            (Method::GET, "/a?code=%zz", FORM, Source::Either),
            (Method::GET, "/a?code=%f", FORM, Source::Either),
            (Method::GET, "/a?code=%ff", FORM, Source::Either),
            (Method::GET, "/a?code=%00", FORM, Source::Either),
        ] {
            assert!(read(method.clone(), target, kind, "a=1", from).await.is_err(), "{method} {target} {kind}");
        }
    }

    #[tokio::test]
    async fn more_than_eight_kilobytes_are_not_read() {
        let long = "a".repeat(MOST_BYTES);
        assert!(read(Method::GET, &format!("/a?a={long}"), FORM, "", Source::Either).await.is_err());
        assert!(read(Method::POST, "/a", FORM, &format!("a={long}"), Source::Body).await.is_err());
        let many = "a=1&".repeat(MOST + 1);
        assert!(read(Method::POST, "/a", FORM, &many, Source::Body).await.is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_what_was_encoded_is_what_is_read(bytes in proptest::collection::vec(any::<u8>(), 0..200), value in "\\PC{0,40}") {
            let _ = of_text(&bytes, MOST_BYTES);
            let encoded: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let read = of_text(format!("v={encoded}").as_bytes(), MOST_BYTES).unwrap();
            prop_assert_eq!(read, [("v".to_owned(), value)]);
        }
    }
}
