//! Requests that real clients signed, checked by the door. Which clients, and how, stands in `wire/vectors.json`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use bytes::Bytes;
use countersign_duo_api::wire::{
    AcceptedVersions, ApiError, Digest, Limits, UnverifiedRequest, VerifiedRequest, Version,
};
use http::{Request, request::Parts};
use serde::Deserialize;
use types::Millis;

#[derive(Deserialize)]
struct File {
    integration_key: String,
    secret_key: String,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    client: String,
    signature: u8,
    digest: String,
    method: String,
    target: String,
    host: String,
    now: i64,
    headers: Vec<(String, String)>,
    body: String,
}

impl Vector {
    fn request(&self) -> (Parts, Bytes) {
        let mut request = Request::builder().method(self.method.as_str()).uri(&self.target).header("host", &self.host);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        (request.body(()).unwrap().into_parts().0, Bytes::from(self.body.clone()))
    }

    fn version(&self) -> Version {
        match self.signature {
            1 => Version::V1,
            2 => Version::V2,
            4 => Version::V4,
            5 => Version::V5,
            other => panic!("version {other}"),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.name.split(' ').collect::<Vec<_>>().windows(name.split(' ').count()).any(|words| words.join(" ") == name)
    }
}

fn file() -> File {
    serde_json::from_str(include_str!("wire/vectors.json")).unwrap()
}

fn verify(file: &File, (parts, body): &(Parts, Bytes), now: i64) -> Result<VerifiedRequest, ApiError> {
    let request = UnverifiedRequest::read(parts, body, Limits::DEFAULT)?;
    assert_eq!(request.integration_key(), file.integration_key);
    request.verify(file.secret_key.as_bytes(), AcceptedVersions::ALL, &[""; 0], Millis::from_seconds(now))
}

#[test]
fn every_request_of_a_real_client_is_verified_as_what_it_is() {
    let file = file();
    let mut failed = Vec::new();
    for vector in &file.vectors {
        match verify(&file, &vector.request(), vector.now) {
            Ok(found) => {
                let digest = if vector.digest == "sha1" { Digest::Sha1 } else { Digest::Sha512 };
                assert_eq!(
                    (found.proof().version, found.proof().digest),
                    (vector.version(), digest),
                    "{}",
                    vector.name
                );
                assert_eq!(found.proof().signed_at.is_some(), vector.signature != 1, "{}", vector.name);
            }
            Err(error) => failed.push(format!("{} [{}]: {error}", vector.name, vector.client)),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(file.vectors.len() >= 190, "the file is whole");
}

#[test]
fn all_clients_send_the_same_values() {
    let file = file();
    let hard = "r\u{e9}al n\u{e4}me ~-._*!'()+&=/?#%25 \u{65e5}\u{672c} \u{1f600}";
    let (mut hard_seen, mut logins) = (0, 0);
    for vector in &file.vectors {
        let found = verify(&file, &vector.request(), vector.now).unwrap();
        let params = found.params();
        if vector.has("hard characters") || vector.has("hard body") {
            assert_eq!(params.required("username"), Ok(hard), "{} [{}]", vector.name, vector.client);
            hard_seen += 1;
        }
        if vector.has("login") {
            assert_eq!(params.required("username"), Ok("anna"));
            assert_eq!(params.required("passcode"), Ok("123456"));
            if params.is_present("pushinfo") {
                let info = params.pairs("pushinfo", countersign_duo_api::wire::PUSHINFO_MAX).unwrap().unwrap();
                assert_eq!(info, [("Server IP".into(), "10.0.0.1".into()), ("Command".into(), "ls -l".into())]);
            }
            logins += 1;
        }
    }
    assert!(hard_seen > 30 && logins > 20, "{hard_seen} {logins}");
}

#[test]
fn the_same_requests_changed_are_refused() {
    let file = file();
    for vector in &file.vectors {
        let (mut parts, body) = vector.request();
        parts.uri = format!("{}x", parts.uri.path()).parse().unwrap();
        assert!(verify(&file, &(parts, body), vector.now).is_err(), "{}", vector.name);
        if !vector.body.is_empty() {
            let (parts, _) = vector.request();
            let body = Bytes::from(vector.body.replacen('a', "b", 1));
            assert_eq!(
                verify(&file, &(parts, body), vector.now).map_err(|error| error.code()).err(),
                Some(40_103),
                "{}",
                vector.name
            );
        }
        let late = verify(&file, &vector.request(), vector.now + 301);
        assert_eq!(
            late.map_err(|error| error.code()).err(),
            (vector.signature != 1).then_some(40_105),
            "{}",
            vector.name
        );
    }
}

#[test]
fn constraint_8_hosts_with_and_without_a_port_are_both_among_the_vectors() {
    let file = file();
    let hosts = |client: &str| -> std::collections::BTreeSet<String> {
        file.vectors
            .iter()
            .filter(|vector| vector.client.starts_with(client) && vector.host.contains(':'))
            .map(|vector| verify(&file, &vector.request(), vector.now).unwrap().proof().host.clone())
            .collect()
    };
    assert_eq!(Vec::from_iter(hosts("duo_client")), ["api-example.countersign.test"], "without the port");
    assert_eq!(Vec::from_iter(hosts("duo_hmac")), ["api-example.countersign.test:8443"], "with it");
    assert_eq!(Vec::from_iter(hosts("duo_api_golang")), ["api-example.countersign.test:8443"], "with it");
    assert_eq!(Vec::from_iter(hosts("duo_unix")), ["api-Example.countersign.test"], "in the case of its configuration");
}
