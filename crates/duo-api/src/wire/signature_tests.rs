use super::*;
use data_encoding::{BASE64, HEXLOWER};
use http::Request;
use proptest::prelude::*;

const KEY: &[u8] = b"deadbeefdeadbeefdeadbeefdeadbeefdeadbeef";
const HOST: &str = "api-x.example.test";
const DATE: &str = "Sat, 21 Nov 2026 20:00:00 -0000";
const NOW: Millis = Millis(1_795_291_200_000);

/// A client that signs as it is told.
struct Client {
    version: Version,
    digest: Digest,
    signed_host: &'static str,
    sent_host: &'static str,
    headers: Vec<(&'static str, &'static str)>,
}

impl Client {
    fn new(version: Version) -> Self {
        Self { version, digest: Digest::Sha512, signed_host: HOST, sent_host: HOST, headers: vec![("date", DATE)] }
    }

    fn send(&self, method: &str, target: &str, kind: Option<&str>, body: &str) -> (Parts, Bytes) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let date = self.headers.iter().find(|(name, _)| name.ends_with("date")).map_or("", |&(_, date)| date);
        let form = if matches!(self.version, Version::V1 | Version::V2) { body } else { "" };
        let mut params: Vec<&str> = query.split('&').chain(form.split('&')).filter(|part| !part.is_empty()).collect();
        params.sort_unstable();
        let params = params.join("&");
        let body_hash = hash(body.as_bytes());
        let mut request = Request::builder().method(method).uri(target).header("host", self.sent_host);
        for &(name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        let headers_hash = hash_of_headers(request.headers_ref().unwrap()).unwrap_or_default();
        let mut text = Vec::new();
        Lines {
            date,
            method,
            host: self.signed_host,
            path,
            params: &params,
            body_hash: &body_hash,
            headers_hash: &headers_hash,
        }
        .write(self.version, &mut text);
        let tag = hmac::sign(&hmac::Key::new(self.digest.algorithm(), KEY), &text);
        let credentials = BASE64.encode(format!("DIXXXXXXXXXXXXXXXXXX:{}", HEXLOWER.encode(tag.as_ref())).as_bytes());
        let request = request.header("authorization", format!("Basic {credentials}")).body(()).unwrap();
        (request.into_parts().0, Bytes::copy_from_slice(body.as_bytes()))
    }
}

fn verify_with(sent: &(Parts, Bytes), accepted: AcceptedVersions, hosts: &[&str]) -> Result<VerifiedRequest, ApiError> {
    let request = UnverifiedRequest::read(&sent.0, &sent.1, Limits::DEFAULT)?;
    assert_eq!(request.integration_key(), "DIXXXXXXXXXXXXXXXXXX");
    request.verify(KEY, accepted, hosts, NOW)
}

fn verify(sent: &(Parts, Bytes)) -> Result<VerifiedRequest, ApiError> {
    verify_with(sent, AcceptedVersions::ALL, &[])
}

fn code<T>(result: Result<T, ApiError>) -> Option<u32> {
    result.err().map(|error| error.code())
}

const FORM: Option<&str> = Some("application/x-www-form-urlencoded");
const JSON: Option<&str> = Some("application/json");
const ALL: [Version; 4] = [Version::V1, Version::V2, Version::V4, Version::V5];

#[test]
fn each_version_verifies_as_itself_and_gives_its_parameters() {
    for version in ALL {
        let (kind, body) = match version {
            Version::V1 | Version::V2 => (FORM, "factor=push&username=anna"),
            Version::V4 | Version::V5 => (JSON, r#"{"factor":"push","username":"anna"}"#),
        };
        let found = verify(&Client::new(version).send("POST", "/auth/v2/auth", kind, body)).unwrap();
        assert_eq!((found.proof().version, found.proof().host.as_str()), (version, HOST));
        assert_eq!(found.proof().signed_at, (version != Version::V1).then_some(NOW));
        assert_eq!(found.params().required("username"), Ok("anna"));
        assert_eq!(found.integration_key(), "DIXXXXXXXXXXXXXXXXXX");
    }
}

#[test]
fn an_integration_accepts_only_its_versions() {
    for version in ALL {
        let sent = Client::new(version).send("GET", "/auth/v2/check?a=1", None, "");
        let mut accepted = AcceptedVersions { v1: false, v2: false, v4: false, v5: false };
        assert_eq!(code(verify_with(&sent, accepted, &[])), Some(40_103));
        match version {
            Version::V1 => accepted.v1 = true,
            Version::V2 => accepted.v2 = true,
            Version::V4 => accepted.v4 = true,
            Version::V5 => accepted.v5 = true,
        }
        assert_eq!(verify_with(&sent, accepted, &[]).unwrap().proof().version, version);
    }
}

#[test]
fn sha_1_is_for_versions_1_and_2_alone() {
    for (version, fits) in [(Version::V1, true), (Version::V2, true), (Version::V4, false), (Version::V5, false)] {
        let client = Client { digest: Digest::Sha1, ..Client::new(version) };
        assert_eq!(verify(&client.send("GET", "/auth/v2/check", None, "")).is_ok(), fits, "{version:?}");
    }
}

#[test]
fn constraint_8_the_host_is_accepted_as_each_client_spells_it() {
    for version in ALL {
        for (signed_host, sent_host) in [
            ("api-x.example.test", "api-x.example.test:8443"),
            ("api-x.example.test:8443", "api-x.example.test:8443"),
            ("API-x.example.test", "API-x.example.test:8443"),
            ("api-x.example.test", "API-X.example.test"),
            ("api-x.public.test", "internal:8080"),
            ("api-x.public.test:443", "internal:8080"),
        ] {
            let client = Client { signed_host, sent_host, ..Client::new(version) };
            let sent = client.send("GET", "/auth/v2/check", None, "");
            let found = verify_with(&sent, AcceptedVersions::ALL, &["api-x.public.test", "api-x.public.test:443"]);
            assert_eq!(found.unwrap().proof().host, signed_host);
        }
        let client = Client { signed_host: "elsewhere.test", ..Client::new(version) };
        assert_eq!(code(verify(&client.send("GET", "/auth/v2/check", None, ""))), Some(40_103));
    }
}

#[test]
fn a_date_outside_the_window_is_40105_unless_version_1_fits() {
    for version in ALL {
        let client = Client { headers: vec![("date", "Sat, 21 Nov 2026 20:05:01 +0000")], ..Client::new(version) };
        let sent = client.send("GET", "/auth/v2/check", None, "");
        assert_eq!(code(verify(&sent)), (version != Version::V1).then_some(40_105));
        assert_eq!(code(verify_with(&sent, AcceptedVersions::DATED, &[])), Some(40_105));
    }
    let none = Client { headers: vec![], ..Client::new(Version::V2) };
    let sent = none.send("GET", "/auth/v2/check", None, "");
    assert_eq!(code(verify_with(&sent, AcceptedVersions::DATED, &[])), Some(40_105));
    assert_eq!(code(verify(&sent)), Some(40_103), "for all that is known, version 1 with a wrong key");
}

#[test]
fn the_date_of_duo_unix_is_used_when_a_proxy_adds_its_own() {
    let client = Client {
        headers: vec![("x-duo-date", DATE), ("date", "Sat, 21 Nov 2026 20:00:03 GMT")],
        ..Client::new(Version::V2)
    };
    assert!(verify(&client.send("GET", "/auth/v2/check", None, "")).is_ok());
}

#[test]
fn nothing_that_is_signed_can_be_changed() {
    for version in ALL {
        let (kind, body) = match version {
            Version::V1 | Version::V2 => (FORM, "username=anna"),
            Version::V4 | Version::V5 => (JSON, r#"{"username":"anna"}"#),
        };
        let send = || Client::new(version).send("POST", "/auth/v2/auth", kind, body);
        assert!(verify(&send()).is_ok());
        let changed = |change: fn(&mut (Parts, Bytes))| {
            let mut sent = send();
            change(&mut sent);
            code(verify(&sent))
        };
        assert_eq!(changed(|(parts, _)| parts.method = http::Method::PUT), Some(40_103));
        assert_eq!(changed(|(parts, _)| parts.uri = "/auth/v2/enroll".parse().unwrap()), Some(40_103));
        assert_eq!(changed(|(parts, _)| parts.uri = "/auth/v2/auth?username=bob".parse().unwrap()), Some(40_103));
        assert_eq!(
            changed(|(_, body)| *body = Bytes::from(String::from_utf8_lossy(body).replace("anna", "bob"))),
            Some(40_103)
        );
        assert_eq!(changed(|(_, body)| *body = Bytes::new()), Some(40_103));
        if version != Version::V1 {
            let one_second_on = |(parts, _): &mut (Parts, Bytes)| {
                parts.headers.insert("date", "Sat, 21 Nov 2026 20:00:01 -0000".parse().unwrap());
            };
            assert_eq!(changed(one_second_on), Some(40_103));
        }
        if version == Version::V5 {
            let add = |(parts, _): &mut (Parts, Bytes)| drop(parts.headers.insert("x-duo-more", "1".parse().unwrap()));
            assert_eq!(changed(add), Some(40_103));
        }
    }
}

#[test]
fn a_body_that_versions_1_and_2_do_not_sign_is_refused() {
    for version in [Version::V1, Version::V2] {
        let (parts, _) = Client::new(version).send("POST", "/auth/v2/auth", JSON, "");
        let sent = (parts, Bytes::from_static(br#"{"username":"mallory"}"#));
        assert_eq!(code(verify(&sent)), Some(40_103));
    }
}

#[test]
fn a_form_under_version_5_is_read_from_the_signed_body() {
    let found = verify(&Client::new(Version::V5).send("POST", "/auth/v2/auth?b=2", FORM, "username=anna+b")).unwrap();
    assert_eq!(found.params().required("username"), Ok("anna b"));
    assert_eq!(found.params().required("b"), Ok("2"));
    let other = Client::new(Version::V5).send("POST", "/auth/v2/auth", Some("text/xml"), "<a/>");
    assert_eq!(code(verify(&other)), Some(40_002));
}

#[test]
fn constraint_3_a_name_that_is_not_utf_8_is_not_answered_by_401() {
    // As duo_unix 1.11.3 encodes a login name in Latin-1.
    let client = Client { digest: Digest::Sha1, ..Client::new(Version::V1) };
    let sent = client.send("POST", "/rest/v1/preauth.bson", FORM, "user=jos%E9");
    assert_eq!(verify(&sent).map_err(|error| error.status().as_u16()).err(), Some(400));
}

#[test]
fn a_wrong_key_is_40103() {
    let sent = Client::new(Version::V5).send("GET", "/auth/v2/check", None, "");
    let request = UnverifiedRequest::read(&sent.0, &sent.1, Limits::DEFAULT).unwrap();
    assert_eq!(code(request.verify(b"another", AcceptedVersions::ALL, &[""; 0], NOW)), Some(40_103));
}

#[test]
fn a_body_past_the_limit_is_refused_before_anything_is_hashed() {
    let sent = Client::new(Version::V5).send("POST", "/auth/v2/auth", JSON, &" ".repeat(64 * 1024 + 1));
    assert_eq!(code(UnverifiedRequest::read(&sent.0, &sent.1, Limits::DEFAULT)), Some(40_002));
}

#[test]
fn a_forged_form_made_to_be_hashed_often_is_given_up() {
    // Every value is escaped threefold and every sorting differs, under five spellings of the host.
    let body: String = (0..511).map(|n| format!("a{}={}&", n % 7, "%FF".replace("FF", "C3%A9").repeat(10))).collect();
    let body = format!("{body}a-b=/&a-b=-");
    let client = Client { sent_host: "API-x.example.test:1", signed_host: "no", ..Client::new(Version::V2) };
    let sent = client.send("POST", "/auth/v2/auth", FORM, &body);
    let hosts: Vec<String> = (0..40).map(|n| format!("api-{n}.example.test")).collect();
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    assert_eq!(code(verify_with(&sent, AcceptedVersions::ALL, &hosts)), Some(40_002));
}

#[test]
fn an_unsigned_request_is_told_apart() {
    let (mut parts, body) = Client::new(Version::V5).send("GET", "/auth/v2/ping", None, "");
    assert!(is_signed(&parts.headers));
    parts.headers.remove(AUTHORIZATION);
    assert!(!is_signed(&parts.headers));
    assert_eq!(code(UnverifiedRequest::read(&parts, &body, Limits::DEFAULT)), Some(40_101));
}

#[test]
fn a_debug_print_shows_neither_signature_nor_values() {
    let found = verify(&Client::new(Version::V2).send("POST", "/auth/v2/auth", FORM, "passcode=123456")).unwrap();
    let signature = HEXLOWER.encode(found.proof().signature());
    let shown = format!("{found:?}");
    assert!(!shown.contains("123456") && !shown.contains(signature.get(..16).unwrap()), "{shown}");
}

proptest! {
    #[test]
    fn one_flipped_bit_of_the_signature_is_enough(version in prop::sample::select(&ALL[..]), bit in 0_usize..512) {
        let (mut parts, body) = Client::new(version).send("GET", "/auth/v2/check?a=1", None, "");
        let mut signature = verify(&(parts.clone(), body.clone())).unwrap().proof().signature().to_vec();
        signature[bit / 8] ^= 1 << (bit % 8);
        let credentials = BASE64.encode(format!("DIXXXXXXXXXXXXXXXXXX:{}", HEXLOWER.encode(&signature)).as_bytes());
        parts.headers.insert(AUTHORIZATION, format!("Basic {credentials}").parse().unwrap());
        prop_assert_eq!(code(verify(&(parts, body))), Some(40_103));
    }
}
