//! What a request may have been signed over: its host's spellings, its dates, its body and its headers.

use super::{ApiError, Limits, Params, Version, date};
use aws_lc_rs::digest;
use data_encoding::HEXLOWER;
use http::{
    HeaderMap, HeaderName,
    header::{CONTENT_TYPE, DATE, HOST},
    request::Parts,
};
use std::borrow::Cow;
use types::Millis;

const X_DUO_DATE: HeaderName = HeaderName::from_static("x-duo-date");
const X_DUO: &str = "x-duo-";

/// SHA-512 of nothing: the body hash of a GET, and the header hash of a request without `x-duo-*` headers.
const HASH_OF_NOTHING: &str = "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce\
47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e";

/// Longest host name that is tried (RFC 1035's 253 and a port).
const LONGEST_HOST: usize = 260;

/// What the body is, by its content type and, without one, by its look.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyKind {
    Empty,
    Form,
    Json,
    Other,
}

impl BodyKind {
    pub(super) fn of(headers: &HeaderMap, body: &[u8]) -> Self {
        if body.is_empty() {
            return Self::Empty;
        }
        let Some(value) = headers.get(CONTENT_TYPE) else {
            return if body.trim_ascii_start().starts_with(b"{") { Self::Json } else { Self::Form };
        };
        // duo_client_java adds `; charset=utf-8`.
        let kind = value.as_bytes().split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
        if kind.eq_ignore_ascii_case(b"application/json") {
            Self::Json
        } else if kind.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
            Self::Form
        } else {
            Self::Other
        }
    }

    pub(super) fn params(self, body: &[u8], limits: &Limits) -> Result<Params, ApiError> {
        match self {
            Self::Empty => Ok(Params::default()),
            Self::Form => Params::from_urlencoded(body, limits),
            Self::Json => Params::from_json(body, limits),
            Self::Other => Err(ApiError::invalid_parameter("The body's content type is not JSON or a form.")),
        }
    }
}

/// The dates that may have been signed: `X-Duo-Date` (duo_unix, C#, duo_hmac) and `Date`, which some proxies rewrite.
pub(super) struct Dates<'r> {
    usable: Vec<(&'r str, Option<Millis>)>,
    /// Why there is no usable date; `None` when there is one.
    pub(super) problem: Option<ApiError>,
    /// There is no date at all, as version 1 has it.
    pub(super) absent: bool,
}

const NO_DATE: (&str, Option<Millis>) = ("", None);

impl<'r> Dates<'r> {
    pub(super) fn of(headers: &'r HeaderMap, now: Millis) -> Self {
        let mut usable = Vec::with_capacity(1);
        let (mut problem, mut absent) = (None, true);
        for name in [X_DUO_DATE, DATE] {
            let Some(text) = headers.get(name).and_then(|value| value.to_str().ok()) else { continue };
            absent = false;
            match date::within_window(text, now) {
                Ok(at) if usable.iter().all(|&(other, _)| other != text) => usable.push((text, Some(at))),
                Ok(_) => {}
                Err(error) => problem = Some(error),
            }
        }
        if usable.is_empty() {
            let missing =
                "There is no Date or X-Duo-Date header, and this integration does not accept signature version 1.";
            problem = Some(problem.unwrap_or_else(|| ApiError::bad_timestamp(missing)));
        } else {
            problem = None;
        }
        Self { usable, problem, absent }
    }

    pub(super) fn for_version(
        &self,
        version: Version,
    ) -> impl Iterator<Item = (&'r str, Option<Millis>)> + use<'_, 'r> {
        let (dated, undated) = match version {
            Version::V1 => (&[][..], Some(NO_DATE)),
            Version::V2 | Version::V4 | Version::V5 => (self.usable.as_slice(), None),
        };
        dated.iter().copied().chain(undated)
    }
}

/// The spellings of the host that a client may have signed, likeliest first: the `Host` header without its port
/// (duo_client, duo_unix) and with it (duo_hmac, Go, Vaultwarden, Elastic), in lower case and as sent (duo_unix signs
/// what its configuration says); then the names that this server is configured with.
pub(super) fn candidate_hosts<'r>(parts: &'r Parts, configured: &'r [impl AsRef<str>]) -> Vec<Cow<'r, str>> {
    let sent = parts.headers.get(HOST).and_then(|value| value.to_str().ok());
    let sent = sent.or_else(|| parts.uri.authority().map(http::uri::Authority::as_str));
    let mut hosts: Vec<Cow<'r, str>> = Vec::with_capacity(4 + configured.len());
    let mut add = |host: Cow<'r, str>| {
        if !host.is_empty() && host.len() <= LONGEST_HOST && !hosts.contains(&host) {
            hosts.push(host);
        }
    };
    for lower in [true, false] {
        if let Some(sent) = sent {
            for host in [without_port(sent), sent] {
                add(if lower { lower_case(host) } else { Cow::Borrowed(host) });
            }
        }
    }
    for host in configured {
        add(lower_case(host.as_ref()));
    }
    hosts
}

fn lower_case(host: &str) -> Cow<'_, str> {
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(host.to_ascii_lowercase())
    } else {
        Cow::Borrowed(host)
    }
}

fn without_port(host: &str) -> &str {
    match host.split_once(']') {
        Some((address, _)) => host.get(..=address.len()).unwrap_or(host),
        None => host.split(':').next().unwrap_or(host),
    }
}

pub(super) fn hash(bytes: &[u8]) -> Cow<'static, str> {
    if bytes.is_empty() {
        return Cow::Borrowed(HASH_OF_NOTHING);
    }
    Cow::Owned(HEXLOWER.encode(digest::digest(&digest::SHA512, bytes).as_ref()))
}

/// The hash of names and values of all `x-duo-*` headers, sorted by lower-case name and joined by NULs. `None` when one
/// is there twice: the clients refuse to sign that.
pub(super) fn hash_of_headers(headers: &HeaderMap) -> Option<Cow<'static, str>> {
    let mut ours: Vec<(&str, &[u8])> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .filter(|(name, _)| name.starts_with(X_DUO))
        .collect();
    ours.sort_unstable();
    let twice = ours.iter().zip(ours.iter().skip(1)).any(|((one, _), (other, _))| one == other);
    if twice {
        return None;
    }
    let mut joined = Vec::with_capacity(64);
    for (name, value) in ours {
        if !joined.is_empty() {
            joined.push(0);
        }
        joined.extend_from_slice(name.as_bytes());
        joined.push(0);
        joined.extend_from_slice(value);
    }
    Some(hash(&joined))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    const NOW: Millis = Millis(1_795_291_200_000);
    const AT_EIGHT: &str = "Sat, 21 Nov 2026 20:00:00 GMT";

    fn parts(headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().uri("/auth/v2/check");
        for &(name, value) in headers {
            request = request.header(name, value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn the_hash_of_nothing_is_sha_512_of_nothing() {
        assert_eq!(HEXLOWER.encode(digest::digest(&digest::SHA512, b"").as_ref()), HASH_OF_NOTHING);
    }

    #[test]
    fn constraint_8_hosts_are_tried_with_and_without_port_as_sent_and_as_configured() {
        let parts = parts(&[("host", "Api-X.Example.test:8443")]);
        assert_eq!(
            candidate_hosts(&parts, &["api-x.public.test", "api-x.example.test"]),
            [
                "api-x.example.test",
                "api-x.example.test:8443",
                "Api-X.Example.test",
                "Api-X.Example.test:8443",
                "api-x.public.test"
            ]
        );
    }

    #[test]
    fn an_ordinary_host_is_one_candidate_and_no_host_is_none() {
        assert_eq!(
            candidate_hosts(&parts(&[("host", "api-x.example.test")]), &["api-x.example.test"]),
            ["api-x.example.test"]
        );
        assert!(candidate_hosts(&parts(&[]), &[""; 0]).is_empty());
        assert!(candidate_hosts(&parts(&[("host", &"a".repeat(300))]), &[""; 0]).is_empty());
        assert_eq!(candidate_hosts(&parts(&[("host", "[::1]:443")]), &[""; 0]), ["[::1]", "[::1]:443"]);
    }

    #[test]
    fn either_date_header_serves_and_a_stale_one_is_explained() {
        let dates = |headers: &[(&str, &str)]| {
            let parts = parts(headers);
            let dates = Dates::of(&parts.headers, NOW);
            (dates.for_version(Version::V5).count(), dates.problem.map(|error| error.code()))
        };
        assert_eq!(dates(&[("date", AT_EIGHT)]), (1, None));
        assert_eq!(dates(&[("x-duo-date", AT_EIGHT)]), (1, None));
        assert_eq!(dates(&[("x-duo-date", AT_EIGHT), ("date", AT_EIGHT)]), (1, None));
        assert_eq!(dates(&[("x-duo-date", AT_EIGHT), ("date", "Sat, 21 Nov 2026 20:00:01 GMT")]), (2, None));
        assert_eq!(dates(&[("x-duo-date", AT_EIGHT), ("date", "Sat, 21 Nov 2026 21:00:00 GMT")]), (1, None));
        assert_eq!(dates(&[("date", "Sat, 21 Nov 2026 21:00:00 GMT")]), (0, Some(40_105)));
        assert_eq!(dates(&[]), (0, Some(40_105)));
    }

    #[test]
    fn duo_headers_are_hashed_sorted_and_never_twice() {
        let hash_of = |headers: &[(&str, &str)]| hash_of_headers(&parts(headers).headers);
        assert_eq!(hash_of(&[("date", AT_EIGHT)]).as_deref(), Some(HASH_OF_NOTHING));
        let wanted = hash(b"x-duo-a\x001\0x-duo-b\x002");
        assert_eq!(hash_of(&[("X-Duo-B", "2"), ("x-other", "3"), ("x-duo-a", "1")]), Some(wanted));
        assert_eq!(hash_of(&[("x-duo-a", "1"), ("X-Duo-A", "2")]), None);
    }

    #[test]
    fn the_body_is_what_its_content_type_says_or_else_what_it_looks_like() {
        let kind = |headers: &[(&str, &str)], body: &str| BodyKind::of(&parts(headers).headers, body.as_bytes());
        assert!(kind(&[("content-type", "application/json")], "") == BodyKind::Empty);
        assert!(kind(&[("content-type", "Application/JSON; charset=utf-8")], "{}") == BodyKind::Json);
        assert!(kind(&[("content-type", "application/x-www-form-urlencoded")], "{}") == BodyKind::Form);
        assert!(kind(&[("content-type", "multipart/form-data; boundary=x")], "--x") == BodyKind::Other);
        assert!(kind(&[], " {}") == BodyKind::Json);
        assert!(kind(&[], "a=1") == BodyKind::Form);
    }
}
