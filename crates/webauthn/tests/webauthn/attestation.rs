//! Proof of make: makers' chains, the metadata's reports, a tenant's policy. W6 is the reference's number.

use crate::{
    forge::*,
    service::{Batch, Model, Service, authority},
};
use countersign_webauthn::*;
use data_encoding::{BASE64, HEXLOWER};
use rcgen::{CertifiedIssuer, KeyPair};
use serde_json::json;

const MODEL: [u8; 16] = [0x11; 16];
const STRICT: AttestationPolicy =
    AttestationPolicy { allow_aaguids: None, require_verified: true, refuse_compromised: true };

struct Scene {
    service: Service,
    maker: CertifiedIssuer<'static, KeyPair>,
    batch: Batch,
    forge: Forge,
}

impl Scene {
    fn new() -> Self {
        let maker = authority("Maker");
        let batch = Batch::new(&maker, Some(MODEL));
        Self { service: Service::new(), maker, batch, forge: Forge { aaguid: MODEL, ..Forge::new() } }
    }

    fn model(&self) -> Model {
        Model::new(Aaguid(MODEL), "Example Key 5", &[self.maker.der()])
    }

    fn metadata(&self, model: Model) -> Metadata {
        self.service.metadata(1, &[model])
    }

    fn register(
        &self,
        batch: &Batch,
        policy: &AttestationPolicy,
        metadata: Option<&Metadata>,
        now: types::Millis,
    ) -> Result<RegisteredPasskey, WebauthnError> {
        let world = world();
        let ask = RegistrationAsk { attestation: AttestationAsk::Direct, ..RegistrationAsk::second_factor(Vec::new()) };
        let (options, state) = rp().start_registration(&person(), ask, &*world.random)?;
        assert_eq!(options["attestation"], "direct");
        let answer = self.forge.register_with(&options, |_| {}, |signed| batch.packed(signed));
        rp().finish_registration(state, &answer, policy, metadata, now)
    }
}

fn code<T>(result: Result<T, WebauthnError>) -> &'static str {
    result.err().map_or("taken", |error| error.code())
}

#[test]
fn a_chain_to_the_models_root_is_verified() {
    let scene = Scene::new();
    let metadata = scene.metadata(scene.model());
    let passkey = scene.register(&scene.batch, &STRICT, Some(&metadata), NOW).unwrap();
    assert_eq!(passkey.attestation, Attestation::Verified);
    assert_eq!(passkey.attestation.as_str(), "verified");
    assert_eq!(passkey.aaguid, Aaguid(MODEL));
    assert_eq!(passkey.name_by_aaguid.as_deref(), Some("Example Key 5"));
    // A passkey with a chain signs in like any other.
    signed_in(&scene.forge, &kept(&passkey), Verification::Required, |_| {}).unwrap();
}

#[test]
fn without_the_models_root_nothing_is_proven() {
    let scene = Scene::new();
    let lax = AttestationPolicy::default();
    // No metadata, or none of this model: unproven. Policy decides.
    assert_eq!(scene.register(&scene.batch, &lax, None, NOW).unwrap().attestation, Attestation::None);
    assert_eq!(code(scene.register(&scene.batch, &STRICT, None, NOW)), "metadata_overdue");
    let others = scene.metadata(Model::new(Aaguid([2; 16]), "Other", &[scene.maker.der()]));
    assert_eq!(scene.register(&scene.batch, &lax, Some(&others), NOW).unwrap().attestation, Attestation::None);
    assert_eq!(code(scene.register(&scene.batch, &STRICT, Some(&others), NOW)), "attestation_required");
    // The model is known, and somebody else signed for it: a lie, whatever the policy.
    let metadata = scene.metadata(scene.model());
    let forged = Batch::new(&authority("Maker"), Some(MODEL));
    assert_eq!(code(scene.register(&forged, &lax, Some(&metadata), NOW)), "attestation_untrusted");
    // The maker's certificate for another model.
    let other = Batch::new(&scene.maker, Some([2; 16]));
    assert_eq!(code(scene.register(&other, &lax, Some(&metadata), NOW)), "attestation_invalid");
    // A certificate that is over by then.
    let later = types::Millis::from_seconds(2_300_000_000);
    assert_eq!(code(scene.register(&scene.batch, &lax, Some(&metadata), later)), "attestation_untrusted");
}

#[test]
fn self_and_none_are_not_enough_where_proof_is_asked_for() {
    let scene = Scene::new();
    let metadata = scene.metadata(scene.model());
    let world = world();
    let ask = || RegistrationAsk::second_factor(Vec::new());
    let (options, state) = rp().start_registration(&person(), ask(), &*world.random).unwrap();
    let bare = scene.forge.register(&options, |_| {});
    assert_eq!(code(rp().finish_registration(state, &bare, &STRICT, Some(&metadata), NOW)), "attestation_required");
    let (options, state) = rp().start_registration(&person(), ask(), &*world.random).unwrap();
    let own = scene.forge.register_with(
        &options,
        |_| {},
        |signed| {
            let signature = scene.forge.sign(signed);
            ("packed", [vec![0xa2], text("alg"), vec![0x26], text("sig"), bytes(&signature)].concat())
        },
    );
    assert_eq!(code(rp().finish_registration(state, &own, &STRICT, Some(&metadata), NOW)), "attestation_required");
}

#[test]
fn a_statement_of_an_unknown_kind_counts_as_none() {
    let scene = Scene::new();
    let metadata = scene.metadata(scene.model());
    for format in ["android-key", "android-safetynet", "compound", "x"] {
        let register = |policy: &AttestationPolicy| {
            let world = world();
            let ask = RegistrationAsk::second_factor(Vec::new());
            let (options, state) = rp().start_registration(&person(), ask, &*world.random).unwrap();
            let answer = scene.forge.register_with(&options, |_| {}, |_| (format, vec![0xa1, 0x61, b'x', 0x01]));
            rp().finish_registration(state, &answer, policy, Some(&metadata), NOW)
        };
        let passkey = register(&AttestationPolicy::default()).unwrap();
        assert_eq!(passkey.attestation, Attestation::None, "{format}");
        signed_in(&scene.forge, &kept(&passkey), Verification::Required, |_| {}).unwrap();
        assert_eq!(code(register(&STRICT)), "attestation_required", "{format}");
    }
}

#[test]
fn only_allowed_models() {
    let scene = Scene::new();
    let metadata = scene.metadata(scene.model());
    let policy = |allowed: &[[u8; 16]]| AttestationPolicy {
        allow_aaguids: Some(allowed.iter().copied().map(Aaguid).collect()),
        ..STRICT
    };
    scene.register(&scene.batch, &policy(&[[2; 16], MODEL]), Some(&metadata), NOW).unwrap();
    for allowed in [&[][..], &[[2; 16]][..]] {
        let refused = scene.register(&scene.batch, &policy(allowed), Some(&metadata), NOW);
        assert!(matches!(refused, Err(WebauthnError::ModelRefused(aaguid)) if aaguid == Aaguid(MODEL)));
    }
}

#[test]
fn w6_a_report_refuses_new_passkeys_and_suspends_the_kept() {
    let scene = Scene::new();
    let before = scene.metadata(scene.model());
    let passkey = scene.register(&scene.batch, &STRICT, Some(&before), NOW).unwrap();
    assert_eq!(before.suspension_of(passkey.aaguid, &passkey.credential, NOW), None);
    for word in [
        "REVOKED",
        "USER_KEY_REMOTE_COMPROMISE",
        "USER_KEY_PHYSICAL_COMPROMISE",
        "ATTESTATION_KEY_COMPROMISE",
        "USER_VERIFICATION_BYPASS",
    ] {
        // No version, no link, no date: it holds all the same.
        let after = scene.metadata(scene.model().reported(json!({ "status": word })));
        let suspension = after.suspension_of(passkey.aaguid, &passkey.credential, NOW).unwrap();
        assert_eq!((suspension.status.as_str(), suspension.since), (word, None));
        assert_eq!(code(scene.register(&scene.batch, &STRICT, Some(&after), NOW)), "model_unsafe");
        let indifferent = AttestationPolicy { refuse_compromised: false, ..STRICT };
        scene.register(&scene.batch, &indifferent, Some(&after), NOW).unwrap();
        // Other models aren't touched.
        assert_eq!(after.suspension_of(Aaguid([2; 16]), &passkey.credential, NOW), None);
    }
    for harmless in ["UPDATE_AVAILABLE", "NOT_FIDO_CERTIFIED", "FIDO_CERTIFIED_L3plus", "A_WORD_OF_LATER_VERSIONS"] {
        let after = scene.metadata(scene.model().reported(json!({ "status": harmless })));
        assert_eq!(after.suspension_of(passkey.aaguid, &passkey.credential, NOW), None);
    }
}

#[test]
fn a_report_holds_from_its_day() {
    let scene = Scene::new();
    let report = json!({ "status": "REVOKED", "effectiveDate": "2026-11-22" });
    let metadata = scene.metadata(scene.model().reported(report));
    let at = |hours: u64| {
        metadata
            .suspension_of(Aaguid(MODEL), b"", NOW + std::time::Duration::from_hours(hours))
            .map(|found| found.since)
    };
    assert_eq!(at(0), None);
    assert_eq!(at(11), None);
    let day = types::Millis::from_seconds(1_795_305_600);
    assert_eq!(at(12), Some(Some(day)));
}

#[test]
fn a_report_about_one_certificate_concerns_those_that_it_attested() {
    let scene = Scene::new();
    let metadata = scene.metadata(scene.model());
    let other_batch = Batch::new(&scene.maker, Some(MODEL));
    let lost = scene.register(&scene.batch, &STRICT, Some(&metadata), NOW).unwrap();
    let safe = scene.register(&other_batch, &STRICT, Some(&metadata), NOW).unwrap();
    let report = |der: &[u8]| json!({ "status": "ATTESTATION_KEY_COMPROMISE", "certificate": BASE64.encode(der) });
    let after = scene.metadata(scene.model().reported(report(&scene.batch.der)));
    assert!(after.suspension_of(lost.aaguid, &lost.credential, NOW).is_some());
    assert_eq!(after.suspension_of(safe.aaguid, &safe.credential, NOW), None);
    assert_eq!(code(scene.register(&scene.batch, &STRICT, Some(&after), NOW)), "model_unsafe");
    scene.register(&other_batch, &STRICT, Some(&after), NOW).unwrap();
    // A row that can't be read gets no benefit of the doubt.
    assert!(after.suspension_of(safe.aaguid, b"?", NOW).is_some());
    // The maker's root: everybody's.
    let after = scene.metadata(scene.model().reported(report(scene.maker.der())));
    assert!(after.suspension_of(safe.aaguid, &safe.credential, NOW).is_some());
}

#[test]
fn metadata_that_is_overdue_proves_nothing_and_still_warns() {
    let scene = Scene::new();
    let metadata = scene.metadata(scene.model().reported(json!({ "status": "REVOKED" })));
    // The next update is due on the first of December; that day still counts.
    let first = types::Millis::from_seconds(1_796_083_200);
    assert!(!metadata.is_overdue(first + std::time::Duration::from_hours(23)));
    let late = first + std::time::Duration::from_hours(24);
    assert!(metadata.is_overdue(late));
    assert_eq!(code(scene.register(&scene.batch, &STRICT, Some(&metadata), late)), "metadata_overdue");
    let lax = AttestationPolicy { require_verified: false, ..STRICT };
    assert_eq!(code(scene.register(&scene.batch, &lax, Some(&metadata), late)), "model_unsafe");
    assert!(metadata.suspension_of(Aaguid(MODEL), b"", late).is_some());
}

#[test]
fn keys_of_before_fido2_are_found_by_their_attestation_key() {
    let scene = Scene::new();
    let batch = Batch::new(&scene.maker, None);
    let point = batch.key.public_key_raw();
    let identifier = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, point);
    let mut model = Model::new(Aaguid::default(), "Old Key", &[scene.maker.der()]);
    model.keys = vec![HEXLOWER.encode(identifier.as_ref())];
    let metadata = scene.metadata(model);
    let forge = Forge::new();
    let world = world();
    let ask = RegistrationAsk::second_factor(Vec::new());
    let (options, state) = rp().start_registration(&person(), ask, &*world.random).unwrap();
    let answer = forge.register_with(&options, |_| {}, |signed| batch.packed(signed));
    let passkey = rp().finish_registration(state, &answer, &STRICT, Some(&metadata), NOW).unwrap();
    assert_eq!(passkey.attestation, Attestation::Verified);
}
