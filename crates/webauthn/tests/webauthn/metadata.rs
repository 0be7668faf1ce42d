//! The metadata blob: who signed it, when, and what nobody may change in it.

use crate::{
    forge::NOW,
    service::{Model, Service, Signer, payload},
};
use countersign_webauthn::*;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use rcgen::ExtendedKeyUsagePurpose;
use serde_json::{Value, json};
use std::time::Duration;

fn models() -> Vec<Model> {
    vec![
        Model::new(Aaguid([1; 16]), "Example Key\u{7} 5", &[b"no certificate"])
            .reported(json!({ "status": "REVOKED" })),
    ]
}

fn kind(result: Result<Metadata, MetadataError>) -> &'static str {
    match result {
        Ok(_) => "taken",
        Err(MetadataError::TooLarge) => "too_large",
        Err(MetadataError::Malformed(_)) => "malformed",
        Err(MetadataError::Algorithm) => "algorithm",
        Err(MetadataError::Untrusted(_)) => "untrusted",
        Err(MetadataError::Signature) => "signature",
        Err(MetadataError::Payload(_)) => "payload",
        Err(_) => "other",
    }
}

fn parse(service: &Service, blob: &str) -> &'static str {
    kind(Metadata::parse(blob.as_bytes(), &service.roots(), NOW))
}

#[test]
fn a_signed_blob_is_read() {
    let service = Service::new();
    let metadata = service.metadata(42, &models());
    assert_eq!(metadata.serial(), 42);
    // 1 December 2026, 00:00 UTC.
    assert_eq!(metadata.next_update(), types::Millis::from_seconds(1_796_083_200));
    assert_eq!(metadata.len(), 1);
    assert_eq!(metadata.name(Aaguid([1; 16])), Some("Example Key 5"));
    assert_eq!(metadata.name(Aaguid([2; 16])), None);
    let blob = service.blob(42, &models());
    assert_eq!(parse(&service, &format!("\n{blob}\r\n")), "taken");
}

#[test]
fn a_blob_signed_by_rsa_is_read() {
    // FIDO's own is RS256.
    let service = Service::with(&Signer { rsa: true, ..Signer::default() });
    assert_eq!(service.header()["alg"], "RS256");
    assert_eq!(service.metadata(1, &models()).serial(), 1);
    let mut header = service.header();
    header["alg"] = json!("ES256");
    assert_eq!(parse(&service, &service.sign(&header, &payload(1, &[]))), "algorithm");
}

#[test]
fn w6_a_tampered_blob_is_refused() {
    let service = Service::new();
    let blob = service.blob(1, &models());
    let [header, payload, signature]: [&str; 3] = blob.split('.').collect::<Vec<_>>().try_into().unwrap();
    // One letter of each part in turn: nothing of it passes.
    for (part, text) in [header, payload, signature].into_iter().enumerate() {
        for place in (0..text.len()).step_by(7) {
            let mut parts = [header, payload, signature].map(str::to_owned);
            let letter = if text.as_bytes()[place] == b'A' { "B" } else { "A" };
            parts[part].replace_range(place..=place, letter);
            assert_ne!(parse(&service, &parts.join(".")), "taken", "part {part}, letter {place}");
        }
    }
    // The report is gone, the rest as it was.
    let mut changed: Value = serde_json::from_slice(&BASE64URL_NOPAD.decode(payload.as_bytes()).unwrap()).unwrap();
    changed["entries"][0]["statusReports"] = json!([]);
    let changed = BASE64URL_NOPAD.encode(changed.to_string().as_bytes());
    assert_eq!(parse(&service, &format!("{header}.{changed}.{signature}")), "signature");
    for cut in ["", ".", "..", "a.b", "a.b.c.d", &blob[..blob.len() / 2], &format!("{blob}.")] {
        assert_ne!(parse(&service, cut), "taken");
    }
}

#[test]
fn a_blob_under_another_root_is_refused() {
    let (service, other) = (Service::new(), Service::new());
    let blob = other.blob(1, &models());
    assert_eq!(parse(&service, &blob), "untrusted");
    // Their chain, our certificate between.
    let mut header = other.header();
    header["x5c"][1] = service.header()["x5c"][1].clone();
    assert_eq!(parse(&service, &other.sign(&header, &payload(1, &[]))), "untrusted");
    // Their signature under our chain.
    assert_eq!(parse(&service, &other.sign(&service.header(), &payload(1, &[]))), "signature");
    // No certificate between.
    let mut header = service.header();
    header["x5c"].as_array_mut().unwrap().pop();
    assert_eq!(parse(&service, &service.sign(&header, &payload(1, &[]))), "untrusted");
    // The root itself signs nothing.
    let mut header = service.header();
    header["x5c"] = json!([BASE64.encode(&service.root_der())]);
    assert_eq!(parse(&service, &service.sign(&header, &payload(1, &[]))), "untrusted");
}

#[test]
fn only_the_services_own_certificate_signs() {
    // Under a root of the web's anybody has a certificate.
    let anybody = Service::with(&Signer { host: "evil.test", ..Signer::default() });
    let blob = anybody.blob(1, &models());
    assert_eq!(parse(&anybody, &blob), "untrusted");
    let roots = anybody.roots().signed_by("evil.test").unwrap();
    assert_eq!(kind(Metadata::parse(blob.as_bytes(), &roots, NOW)), "taken");
    // The right name in a certificate for mail.
    let mail = Service::with(&Signer { purpose: ExtendedKeyUsagePurpose::EmailProtection, ..Signer::default() });
    assert_eq!(parse(&mail, &mail.blob(1, &models())), "untrusted");
}

#[test]
fn a_signer_whose_time_is_over_is_refused() {
    let over = Service::with(&Signer { until: 2026, ..Signer::default() });
    let blob = over.blob(1, &models());
    assert_eq!(parse(&over, &blob), "untrusted");
    let before = NOW - Duration::from_hours(24 * 365);
    assert_eq!(kind(Metadata::parse(blob.as_bytes(), &over.roots(), before)), "taken");
    let long_before = NOW - Duration::from_hours(24 * 365 * 10);
    assert_eq!(kind(Metadata::parse(blob.as_bytes(), &over.roots(), long_before)), "untrusted");
}

#[test]
fn a_blob_of_last_year_shows_by_its_serial() {
    // It is as well signed as it was: the caller keeps the highest serial, and refuses a lower one.
    let service = Service::new();
    let (old, new) = (service.metadata(41, &[]), service.metadata(42, &models()));
    assert!(old.serial() < new.serial());
}

#[test]
fn no_algorithm_but_those_named() {
    let service = Service::new();
    for name in ["none", "HS256", "PS256", "EdDSA", "ES512", "es256", ""] {
        let mut header = service.header();
        header["alg"] = json!(name);
        assert_eq!(parse(&service, &service.sign(&header, &payload(1, &[]))), "algorithm", "{name}");
    }
    let mut header = service.header();
    header["crit"] = json!(["exp"]);
    assert_eq!(parse(&service, &service.sign(&header, &payload(1, &[]))), "malformed");
    for chain in [json!([]), json!(vec!["AAAA"; 9]), json!("AAAA"), json!(["?"])] {
        let mut header = service.header();
        header["x5c"] = chain;
        assert_eq!(parse(&service, &service.sign(&header, &payload(1, &[]))), "malformed");
    }
    let mut header = service.header();
    header["x5c"][0] = json!("AAAA");
    assert_eq!(parse(&service, &service.sign(&header, &payload(1, &[]))), "untrusted");
}

#[test]
fn a_payload_needs_its_serial_and_its_date() {
    let service = Service::new();
    for (member, value) in [
        ("no", json!(-1)),
        ("no", json!("1")),
        ("no", Value::Null),
        ("nextUpdate", json!("2026-13-01")),
        ("nextUpdate", Value::Null),
        ("entries", json!({})),
    ] {
        let mut payload = payload(1, &[]);
        payload[member] = value.clone();
        assert_eq!(parse(&service, &service.sign(&service.header(), &payload)), "payload", "{member} {value}");
    }
}

#[test]
fn roots_are_certificates() {
    for pem in [
        "",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    ] {
        assert!(matches!(MetadataRoots::from_pem(pem.as_bytes()), Err(MetadataError::Roots)));
    }
    assert!(Service::new().roots().signed_by("not a host").is_err());
}
