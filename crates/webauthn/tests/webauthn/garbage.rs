//! Whatever is sent, no reader panics, and none takes it.

use crate::{
    forge::*,
    service::{Model, Service, payload},
};
use countersign_webauthn::*;
use data_encoding::BASE64URL_NOPAD;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicUsize, Ordering},
};

fn register(answer: &[u8]) -> Result<RegisteredPasskey, WebauthnError> {
    let ask = RegistrationAsk::second_factor(Vec::new());
    let (_, state) = rp().start_registration(&person(), ask, &*world().random).unwrap();
    rp().finish_registration(state, answer, &AttestationPolicy::default(), None, NOW)
}

/// Any statement, any authenticator data, around client data that is right: what stands behind the first checks.
fn register_object(object: &[u8]) -> Result<RegisteredPasskey, WebauthnError> {
    let ask = RegistrationAsk::second_factor(Vec::new());
    let (options, _) = rp().start_registration(&person(), ask, &*world().random).unwrap();
    let mut answer: Value = serde_json::from_slice(&Forge::new().register(&options, |_| {})).unwrap();
    answer["response"]["attestationObject"] = json!(BASE64URL_NOPAD.encode(object));
    register(answer.to_string().as_bytes())
}

fn object(format: &str, statement: &[u8], data: &[u8]) -> Vec<u8> {
    [&[0xa3], &*text("fmt"), &*text(format), &*text("attStmt"), statement, &*text("authData"), &*bytes(data)].concat()
}

static SERVICE: LazyLock<Service> = LazyLock::new(Service::new);
static ROOTS: LazyLock<MetadataRoots> = LazyLock::new(|| SERVICE.roots());

/// CBOR of any shape, small.
fn cbor() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40).prop_map(|value| bytes(&value)),
        "[a-z]{0,9}".prop_map(|value| text(&value)),
        Just(text("sig")),
        Just(text("alg")),
        Just(text("x5c")),
        Just(vec![0x26]),
        any::<u8>().prop_map(|value| vec![value]),
        any::<u64>().prop_map(|value| [&[0x1b], value.to_be_bytes().as_slice()].concat()),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(|items| [
                vec![0x80 | items.len() as u8],
                items.concat()
            ]
            .concat()),
            prop::collection::vec((inner.clone(), inner), 0..6).prop_map(|items| {
                let count = vec![0xa0 | items.len() as u8];
                items.into_iter().fold(count, |map, (key, value)| [map, key, value].concat())
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(register(&bytes).is_err());
        prop_assert!(RelyingParty::identify(&bytes).is_err());
        prop_assert!(Metadata::parse(&bytes, &ROOTS, NOW).is_err());
        prop_assert!(RegistrationState::from_bytes(&bytes).is_err());
        prop_assert!(AssertionState::from_bytes(&bytes).is_err());
    }

    #[test]
    fn any_attestation_object(object in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(register_object(&object).is_err());
    }

    #[test]
    fn any_statement(
        format in "packed|fido-u2f|apple|android-key|tpm|none|[a-z-]{0,12}",
        statement in cbor(),
        data in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        prop_assert!(register_object(&object(&format, &statement, &data)).is_err());
    }

    /// A statement of any shape around authenticator data that is right as far as the key.
    #[test]
    fn any_key(key in cbor(), extensions in cbor(), format in prop_oneof![Just("none"), Just("packed"), Just("apple")]) {
        let forge = Forge::new();
        let mut data = sha256(b"id.example.test");
        data.push(UP | UV | AT | 0x80);
        data.extend([0; 4]);
        data.extend(forge.aaguid);
        data.extend([0, 24]);
        data.extend(&forge.id);
        data.extend(key);
        data.extend(extensions);
        prop_assert!(register_object(&object(format, &[0xa0], &data)).is_err());
    }

    #[test]
    fn any_sign_in(
        data in prop::collection::vec(any::<u8>(), 0..200),
        signature in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        static KEPT: LazyLock<(Forge, PasskeyForSignIn)> = LazyLock::new(|| {
            let forge = Forge::new();
            let kept = kept(&registered(&forge, |_| {}).unwrap());
            (forge, kept)
        });
        let (forge, kept) = &*KEPT;
        let allow = std::slice::from_ref(kept);
        let (options, state) = rp().start_assertion(allow, Verification::Discouraged, &*world().random).unwrap();
        let mut answer: Value = serde_json::from_slice(&forge.assert(&options, |_| {})).unwrap();
        answer["response"]["signature"] = json!(BASE64URL_NOPAD.encode(&signature));
        let bytes = state.to_bytes().unwrap();
        prop_assert!(rp().finish_assertion(state, answer.to_string().as_bytes(), kept).is_err());
        answer["response"]["authenticatorData"] = json!(BASE64URL_NOPAD.encode(&data));
        let state = AssertionState::from_bytes(&bytes).unwrap();
        prop_assert!(rp().finish_assertion(state, answer.to_string().as_bytes(), kept).is_err());
    }

    /// Payloads of any shape, well signed: read or refused.
    #[test]
    fn any_payload(member in "[a-zA-Z]{1,20}", value in json_value(), place in 0_usize..4) {
        let model = Model::new(Aaguid([1; 16]), "Key", &[b"x"]).reported(json!({ "status": "REVOKED" }));
        let mut payload = payload(1, &[model]);
        let entry = &mut payload["entries"][0];
        match place {
            0 => entry["metadataStatement"] = value,
            1 => entry["statusReports"] = json!([value]),
            2 => entry[member.as_str()] = value,
            _ => payload[member.as_str()] = value,
        }
        let blob = SERVICE.sign(&SERVICE.header(), &payload);
        if let Ok(metadata) = Metadata::parse(blob.as_bytes(), &ROOTS, NOW) {
            let _ = (metadata.name(Aaguid([1; 16])), metadata.suspension_of(Aaguid([1; 16]), b"", NOW));
        }
    }

    #[test]
    fn any_aaguid(text in "\\PC{0,40}") {
        if let Ok(aaguid) = text.parse::<Aaguid>() {
            prop_assert_eq!(aaguid.to_string(), text.to_lowercase());
        }
    }

    #[test]
    fn aaguids_return(bytes in any::<[u8; 16]>()) {
        prop_assert_eq!(Aaguid(bytes).to_string().parse(), Ok(Aaguid(bytes)));
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(|value| json!(value)),
        any::<i64>().prop_map(|value| json!(value)),
        "\\PC{0,30}".prop_map(|value| json!(value)),
        Just(json!("REVOKED")),
        Just(json!("2026-02-30")),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|items| json!(items)),
            prop::collection::hash_map(
                prop_oneof![
                    Just("status".to_owned()),
                    Just("effectiveDate".to_owned()),
                    Just("certificate".to_owned()),
                    Just("description".to_owned()),
                    Just("attestationRootCertificates".to_owned()),
                    "[a-z]{1,6}",
                ],
                inner,
                0..5,
            )
            .prop_map(|items| json!(items)),
        ]
    })
}

/// Counts what is said to it.
#[derive(Clone, Default)]
struct Listener(Arc<AtomicUsize>);

impl tracing::Subscriber for Listener {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, _: &tracing::Event<'_>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[test]
fn nobody_writes_the_log_by_sending_garbage() {
    let forge = Forge::new();
    let listener = Listener::default();
    tracing::subscriber::with_default(listener.clone(), || {
        tracing::error!("heard");
        assert!(register_object(&object("none", &[0xa0], &[0xff; 400])).is_err());
        let kept = kept(&registered(&forge, |_| {}).unwrap());
        assert!(signed_in(&forge, &kept, Verification::Required, |draft| draft.flags = 0xff).is_err());
        signed_in(&forge, &kept, Verification::Required, |_| {}).unwrap();
    });
    assert_eq!(listener.0.load(Ordering::SeqCst), 1);
}

#[test]
fn deep_cbor_is_refused() {
    // Arrays in arrays, and maps in maps, to the limit of an answer's size.
    for deep in [vec![0x81; 40_000], [0xa1, 0x00].repeat(20_000), vec![0xc0; 40_000], vec![0x9f; 40_000]] {
        assert!(register_object(&deep).is_err());
        assert!(register_object(&object("packed", &deep, &[0; 37])).is_err());
    }
    // A length that isn't there.
    for length in [&[0x9a, 0xff, 0xff, 0xff, 0xff][..], &[0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]] {
        assert!(register_object(length).is_err());
        assert!(register_object(&object("packed", length, &[0; 37])).is_err());
    }
}
