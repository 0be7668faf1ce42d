//! Lies, each of which must be refused for what it is. A1 is the reference's number for a passkey behind a phishing proxy.

use crate::forge::*;
use countersign_webauthn::*;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

fn code<T>(result: Result<T, WebauthnError>) -> &'static str {
    match result {
        Ok(_) => "taken",
        Err(error) => error.code(),
    }
}

#[test]
fn honest_answers_are_taken() {
    let forge = Forge::new();
    let passkey = registered(&forge, |_| {}).unwrap();
    assert_eq!(passkey.credential_id, forge.id);
    assert_eq!(passkey.transports, "usb,nfc");
    assert!(passkey.user_verified && !passkey.backup_eligible && !passkey.backed_up);
    assert_eq!(passkey.attestation, Attestation::None);
    let signed = signed_in(&forge, &kept(&passkey), Verification::Required, |draft| draft.counter = 9).unwrap();
    assert_eq!(
        signed,
        VerifiedAssertion {
            credential_id: forge.id.clone(),
            counter: 9,
            backed_up: false,
            user_verified: true,
            user_handle: None
        }
    );
}

#[test]
fn a1_a_passkey_behind_a_phishing_proxy_gives_nothing() {
    let forge = Forge::new();
    let kept = kept(&registered(&forge, |_| {}).unwrap());
    for phish in ["https://id.example-test.test", "https://id.example.test.evil.test", "https://id.example.test:8443"] {
        let refused = signed_in(&forge, &kept, Verification::Preferred, |draft| draft.origin = phish.to_owned());
        // The proxy's host is told, for the alert.
        assert!(matches!(refused, Err(WebauthnError::Origin { found }) if found == phish), "{phish}");
        let refused = registered(&forge, |draft| draft.origin = phish.to_owned());
        assert!(matches!(refused, Err(WebauthnError::Origin { found }) if found == phish), "{phish}");
    }
    // A browser that lets a page claim somebody else's id would still sign for the page's own.
    let refused = signed_in(&forge, &kept, Verification::Preferred, |draft| draft.rp_id = "evil.test".to_owned());
    assert_eq!(code(refused), "relying_party_id");
    assert_eq!(code(registered(&forge, |draft| draft.rp_id = "evil.test".to_owned())), "relying_party_id");
}

#[test]
fn a_related_origin_keeps_the_relying_party_id() {
    let forge = Forge::new();
    let related = |draft: &mut Draft| draft.origin = RELATED.to_owned();
    let kept = kept(&registered(&forge, related).unwrap());
    signed_in(&forge, &kept, Verification::Required, related).unwrap();
    // The id of the related host is not ours.
    let theirs = |draft: &mut Draft| {
        related(draft);
        draft.rp_id = "login.example-group.test".to_owned();
    };
    assert_eq!(code(signed_in(&forge, &kept, Verification::Required, theirs)), "relying_party_id");
}

#[test]
fn another_sites_frame_is_refused() {
    let forge = Forge::new();
    let kept = kept(&registered(&forge, |_| {}).unwrap());
    for more in [
        r#","crossOrigin":true"#,
        r#","crossOrigin":true,"topOrigin":"https://id.example.test""#,
        r#","crossOrigin":false,"topOrigin":"https://evil.test""#,
    ] {
        let framed = |draft: &mut Draft| draft.more = more.to_owned();
        assert_eq!(code(signed_in(&forge, &kept, Verification::Required, framed)), "cross_origin");
        assert_eq!(code(registered(&forge, framed)), "cross_origin");
    }
}

#[test]
fn an_answer_serves_its_own_ceremony_only() {
    let forge = Forge::new();
    let passkey = registered(&forge, |_| {}).unwrap();
    let kept = kept(&passkey);
    let world = world();
    let start = || rp().start_assertion(std::slice::from_ref(&kept), Verification::Required, &*world.random).unwrap();
    let (first, first_state) = start();
    let (_, second_state) = start();
    let answer = forge.assert(&first, |draft| draft.counter = 1);
    assert_eq!(code(rp().finish_assertion(second_state, &answer, &kept)), "challenge");
    // Once more, with its own: the counter has moved meanwhile, as the row will say.
    rp().finish_assertion(first_state, &answer, &kept).unwrap();

    let (ask, state) =
        rp().start_registration(&person(), RegistrationAsk::second_factor(Vec::new()), &*world.random).unwrap();
    let (_, other) =
        rp().start_registration(&person(), RegistrationAsk::second_factor(Vec::new()), &*world.random).unwrap();
    let answer = forge.register(&ask, |_| {});
    let policy = AttestationPolicy::default();
    assert_eq!(code(rp().finish_registration(other, &answer, &policy, None, NOW)), "challenge");
    // A sign-in's signature passed off as a registration, and the reverse.
    let wrong = forge.register(&ask, |draft| draft.kind = "webauthn.get");
    assert_eq!(code(rp().finish_registration(state, &wrong, &policy, None, NOW)), "wrong_ceremony");
    let wrong = |draft: &mut Draft| draft.kind = "webauthn.create";
    assert_eq!(code(signed_in(&forge, &kept, Verification::Required, wrong)), "wrong_ceremony");
}

#[test]
fn a_state_serves_its_own_tenant_and_its_own_ceremony() {
    let forge = Forge::new();
    let kept = kept(&registered(&forge, |_| {}).unwrap());
    let world = world();
    let (options, state) = rp().start_assertion(&[], Verification::Required, &*world.random).unwrap();
    let bytes = state.to_bytes().unwrap();
    assert!(RegistrationState::from_bytes(&bytes).is_err());
    // Another tenant whose host would take the same origin.
    let other = RelyingParty { id: "id.other.test".to_owned(), ..rp() };
    let answer = forge.assert(&options, |draft| draft.user_handle = Some(person().id));
    let state = AssertionState::from_bytes(&bytes).unwrap();
    assert_eq!(code(other.finish_assertion(state, &answer, &kept)), "state");
    let state = AssertionState::from_bytes(&bytes).unwrap();
    rp().finish_assertion(state, &answer, &kept).unwrap();
}

#[test]
fn user_verification_is_read_from_the_signed_flags() {
    let forge = Forge::new();
    let without = |draft: &mut Draft| draft.flags &= !UV;
    let with = |_: &mut Draft| {};
    let verified = kept(&registered(&forge, with).unwrap());
    let unverified = kept(&registered(&forge, without).unwrap());
    let sign_in = |passkey: &PasskeyForSignIn, verification, flags: fn(&mut Draft)| {
        code(signed_in(&forge, passkey, verification, flags))
    };
    assert_eq!(sign_in(&verified, Verification::Required, without), "user_not_verified");
    assert_eq!(sign_in(&unverified, Verification::Required, without), "user_not_verified");
    assert_eq!(sign_in(&unverified, Verification::Required, with), "taken");
    // Preferred: who was verified once can't be talked out of it, who never was may go on.
    assert_eq!(sign_in(&verified, Verification::Preferred, without), "user_not_verified");
    assert_eq!(sign_in(&unverified, Verification::Preferred, without), "taken");
    assert_eq!(sign_in(&verified, Verification::Discouraged, without), "taken");
    assert!(!signed_in(&forge, &verified, Verification::Discouraged, without).unwrap().user_verified);
    // Nobody there at all.
    let absent = |draft: &mut Draft| draft.flags &= !UP;
    assert_eq!(sign_in(&verified, Verification::Discouraged, absent), "user_absent");
    assert_eq!(code(registered(&forge, absent)), "user_absent");

    let world = world();
    let ask = RegistrationAsk::only_factor(Vec::new());
    let (options, state) = rp().start_registration(&person(), ask, &*world.random).unwrap();
    let answer = forge.register(&options, without);
    let policy = AttestationPolicy::default();
    assert_eq!(code(rp().finish_registration(state, &answer, &policy, None, NOW)), "user_not_verified");
}

#[test]
fn a_counter_that_goes_back_is_a_clone() {
    let forge = Forge::new();
    let mut kept = kept(&registered(&forge, |draft| draft.counter = 5).unwrap());
    let at = |kept: &PasskeyForSignIn, counter: u32| {
        signed_in(&forge, kept, Verification::Required, |draft| draft.counter = counter)
    };
    kept.counter = 10;
    assert_eq!(at(&kept, 11).unwrap().counter, 11);
    for back in [10, 9, 0] {
        let refused = at(&kept, back);
        assert!(matches!(refused, Err(WebauthnError::CloneSuspected { stored: 10, given }) if given == back), "{back}");
    }
    assert_eq!(at(&kept, u32::MAX).unwrap().counter, u32::MAX);
    // Those that don't count stay at nought.
    kept.counter = 0;
    assert_eq!(at(&kept, 0).unwrap().counter, 0);
    // Whoever can't sign can't have a passkey suspended for a clone.
    kept.counter = 10;
    let thief = Forge { id: forge.id.clone(), ..Forge::new() };
    assert_eq!(code(signed_in(&thief, &kept, Verification::Required, |draft| draft.counter = 3)), "signature");
}

#[test]
fn backup_eligibility_never_changes() {
    let forge = Forge::new();
    let bound = kept(&registered(&forge, |_| {}).unwrap());
    let synced = registered(&forge, |draft| draft.flags |= BE).unwrap();
    assert!(synced.backup_eligible && !synced.backed_up);
    let synced = kept(&synced);
    let sign_in = |passkey: &PasskeyForSignIn, flags: u8| {
        signed_in(&forge, passkey, Verification::Required, |draft| draft.flags |= flags)
    };
    assert_eq!(code(sign_in(&bound, BE)), "backup_eligibility");
    assert_eq!(code(sign_in(&bound, BE | BS)), "backup_eligibility");
    assert_eq!(code(sign_in(&synced, 0)), "backup_eligibility");
    assert!(!sign_in(&synced, BE).unwrap().backed_up);
    assert!(sign_in(&synced, BE | BS).unwrap().backed_up);
    // Backed up and not eligible for it.
    assert_eq!(code(sign_in(&bound, BS)), "backup_state");
    assert_eq!(code(registered(&forge, |draft| draft.flags |= BS)), "backup_state");
    // Whoever can't sign can't have a passkey suspended for it.
    let thief = Forge { id: forge.id.clone(), ..Forge::new() };
    assert_eq!(code(signed_in(&thief, &bound, Verification::Required, |draft| draft.flags |= BE)), "signature");
}

#[test]
fn only_the_passkey_that_was_asked_for_and_looked_up() {
    let forge = Forge::new();
    let kept = kept(&registered(&forge, |_| {}).unwrap());
    let other = Forge { id: vec![9; 24], ..Forge::new() };
    let world = world();
    let start = || rp().start_assertion(std::slice::from_ref(&kept), Verification::Required, &*world.random).unwrap();
    // Another passkey answers, and is looked up: it wasn't asked for.
    let (options, state) = start();
    let mut others = kept.clone();
    others.credential_id = other.id.clone();
    let answer = other.assert(&options, |_| {});
    assert_eq!(code(rp().finish_assertion(state, &answer, &others)), "other_passkey");
    // Another passkey answers, and the asked-for one is looked up.
    let (options, state) = start();
    let answer = other.assert(&options, |_| {});
    assert_eq!(code(rp().finish_assertion(state, &answer, &kept)), "other_passkey");
    // Another key answers under the asked-for id.
    let (options, state) = start();
    let thief = Forge { id: forge.id.clone(), ..Forge::new() };
    let answer = thief.assert(&options, |_| {});
    assert_eq!(code(rp().finish_assertion(state, &answer, &kept)), "signature");
}

#[test]
fn a_discoverable_passkey_says_whose_it_is_and_says_the_truth() {
    let forge = Forge::new();
    let kept = kept(&registered(&forge, |_| {}).unwrap());
    let world = world();
    let sign_in = |handle: Option<Vec<u8>>| {
        let (options, state) = rp().start_assertion(&[], Verification::Required, &*world.random).unwrap();
        assert!(state.is_discoverable());
        assert_eq!(options["allowCredentials"], json!([]));
        let answer = forge.assert(&options, |draft| draft.user_handle = handle.clone());
        let identified = RelyingParty::identify(&answer).unwrap();
        assert_eq!(identified, Identified { credential_id: forge.id.clone(), user_handle: handle });
        code(rp().finish_assertion(state, &answer, &kept))
    };
    assert_eq!(sign_in(Some(person().id)), "taken");
    assert_eq!(sign_in(None), "other_user");
    assert_eq!(sign_in(Some(vec![0xbb; 16])), "other_user");
    // With a list the handle may be missing, and may not be another's.
    let named = |handle: Vec<u8>| {
        code(signed_in(&forge, &kept, Verification::Required, |draft| draft.user_handle = Some(handle)))
    };
    assert_eq!(named(person().id), "taken");
    assert_eq!(named(vec![0xbb; 16]), "other_user");
}

#[test]
fn every_part_of_a_sign_in_is_bound() {
    let forge = Forge::new();
    let kept = kept(&registered(&forge, |_| {}).unwrap());
    let world = world();
    let (options, state) =
        rp().start_assertion(std::slice::from_ref(&kept), Verification::Required, &*world.random).unwrap();
    let state = state.to_bytes().unwrap();
    let finish = |answer: &[u8]| rp().finish_assertion(AssertionState::from_bytes(&state).unwrap(), answer, &kept);
    let answer = forge.assert(&options, |draft| {
        draft.counter = 1;
        draft.user_handle = Some(person().id);
    });
    finish(&answer).unwrap();
    flip_everywhere(
        &answer,
        &[
            "rawId",
            "response/authenticatorData",
            "response/clientDataJSON",
            "response/signature",
            "response/userHandle",
        ],
        |changed| finish(changed).is_ok(),
    );
    without_each(&answer, &["id", "rawId", "type", "response"], |changed| finish(changed).is_ok());
    for member in ["authenticatorData", "clientDataJSON", "signature"] {
        without_each(&answer, &[&format!("response/{member}")], |changed| finish(changed).is_ok());
    }
}

#[test]
fn every_part_of_a_registration_is_bound() {
    // Self-attested: a signature covers all of it. Without attestation nothing but the browser vouches for the flags.
    let forge = Forge::new();
    let world = world();
    let (options, state) =
        rp().start_registration(&person(), RegistrationAsk::second_factor(Vec::new()), &*world.random).unwrap();
    let state = state.to_bytes().unwrap();
    let policy = AttestationPolicy::default();
    let finish = |answer: &[u8]| {
        rp().finish_registration(RegistrationState::from_bytes(&state).unwrap(), answer, &policy, None, NOW)
    };
    let answer = forge.register_with(&options, |_| {}, |signed| ("packed", self_attested(&forge, signed)));
    assert_eq!(finish(&answer).unwrap().attestation, Attestation::Itself);
    // The statement's kind itself isn't signed: whoever changes it, or takes the statement away, makes it no attestation.
    flip_everywhere(&answer, &["rawId", "response/attestationObject", "response/clientDataJSON"], |changed| {
        finish(changed).is_ok_and(|passkey| passkey.attestation != Attestation::None)
    });
    let unattested = |changed: &[u8]| finish(changed).is_ok_and(|passkey| passkey.attestation == Attestation::None);
    let taken = std::cell::Cell::new(0);
    flip_everywhere(&answer, &["response/attestationObject"], |changed| {
        taken.set(taken.get() + usize::from(unattested(changed)));
        false
    });
    // Six letters, of which the flip turns one into no text at all.
    assert_eq!(taken.get(), "packed".len() - 1);
    without_each(&answer, &["id", "rawId", "type", "response"], |changed| finish(changed).is_ok());
    for member in ["attestationObject", "clientDataJSON"] {
        without_each(&answer, &[&format!("response/{member}")], |changed| finish(changed).is_ok());
    }
}

fn self_attested(forge: &Forge, signed: &[u8]) -> Vec<u8> {
    let signature = forge.sign(signed);
    [vec![0xa2], text("alg"), vec![0x26], text("sig"), bytes(&signature)].concat()
}

/// Changes one bit of each byte of each member, one at a time; `taken` must say no to all.
fn flip_everywhere(answer: &[u8], members: &[&str], taken: impl Fn(&[u8]) -> bool) {
    let answer: Value = serde_json::from_slice(answer).unwrap();
    for member in members {
        let pointer = format!("/{member}");
        let original = BASE64URL_NOPAD.decode(answer.pointer(&pointer).unwrap().as_str().unwrap().as_bytes()).unwrap();
        for place in 0..original.len() {
            let mut changed = original.clone();
            changed[place] ^= 1 << (place % 8);
            let mut answer = answer.clone();
            *answer.pointer_mut(&pointer).unwrap() = json!(BASE64URL_NOPAD.encode(&changed));
            if *member == "rawId" {
                answer["id"] = answer["rawId"].clone();
            }
            assert!(!taken(answer.to_string().as_bytes()), "{member}, byte {place}");
        }
    }
}

/// Leaves out one member at a time, and puts other kinds of value into it.
fn without_each(answer: &[u8], members: &[&str], taken: impl Fn(&[u8]) -> bool) {
    let answer: Value = serde_json::from_slice(answer).unwrap();
    for member in members {
        let (parent, name) = member.rsplit_once('/').map_or(("", *member), |(parent, name)| (parent, name));
        let pointer = if parent.is_empty() { String::new() } else { format!("/{parent}") };
        for other in [None, Some(Value::Null), Some(json!("")), Some(json!(1)), Some(json!([])), Some(json!({}))] {
            let mut answer = answer.clone();
            let parent = answer.pointer_mut(&pointer).unwrap().as_object_mut().unwrap();
            match other {
                None => drop(parent.remove(name)),
                Some(other) => drop(parent.insert(name.to_owned(), other)),
            }
            assert!(!taken(answer.to_string().as_bytes()), "{member}: {answer}");
        }
    }
}

#[test]
fn what_is_registered_already_is_refused() {
    let forge = Forge::new();
    let world = world();
    let ask = RegistrationAsk::second_factor(vec![vec![1; 20], forge.id.clone()]);
    let (options, state) = rp().start_registration(&person(), ask, &*world.random).unwrap();
    assert_eq!(options["excludeCredentials"][1]["id"], json!(BASE64URL_NOPAD.encode(&forge.id)));
    let answer = forge.register(&options, |_| {});
    let policy = AttestationPolicy::default();
    assert_eq!(code(rp().finish_registration(state, &answer, &policy, None, NOW)), "already_registered");
}

#[test]
fn the_only_factor_must_be_discoverable() {
    let forge = Forge::new();
    let world = world();
    let finish = |extensions: Value| {
        let ask = RegistrationAsk::only_factor(Vec::new());
        let (options, state) = rp().start_registration(&person(), ask, &*world.random).unwrap();
        let answer = forge.register(&options, |draft| draft.extensions = extensions);
        rp().finish_registration(state, &answer, &AttestationPolicy::default(), None, NOW)
    };
    assert_eq!(finish(json!({ "credProps": { "rk": true } })).unwrap().discoverable, Some(true));
    assert_eq!(code(finish(json!({ "credProps": { "rk": false } }))), "not_discoverable");
    // Some browsers say nothing of it.
    assert_eq!(finish(json!({})).unwrap().discoverable, None);
}

#[test]
fn only_keys_that_were_offered() {
    // A key on a point that isn't on the curve.
    let forge = Forge::new();
    let world = world();
    let (options, state) =
        rp().start_registration(&person(), RegistrationAsk::second_factor(Vec::new()), &*world.random).unwrap();
    let answer = forge.register(&options, |_| {});
    let mut answer: Value = serde_json::from_slice(&answer).unwrap();
    let mut object =
        BASE64URL_NOPAD.decode(answer["response"]["attestationObject"].as_str().unwrap().as_bytes()).unwrap();
    let last = object.len() - 1;
    object[last] ^= 1;
    answer["response"]["attestationObject"] = json!(BASE64URL_NOPAD.encode(&object));
    let policy = AttestationPolicy::default();
    let refused = rp().finish_registration(state, answer.to_string().as_bytes(), &policy, None, NOW);
    assert_eq!(code(refused), "key");
}

#[test]
fn a_stored_passkey_that_was_tampered_with_signs_nobody_in() {
    let forge = Forge::new();
    let mut kept = kept(&registered(&forge, |_| {}).unwrap());
    let whole = kept.credential.clone();
    for cut in [0, 1, whole.len() / 2, whole.len() - 1] {
        kept.credential = whole[..cut].to_vec();
        assert_eq!(code(signed_in(&forge, &kept, Verification::Required, |_| {})), "stored_credential");
    }
    kept.credential = String::from_utf8(whole).unwrap().replace(r#""v":1"#, r#""v":2"#).into_bytes();
    assert_eq!(code(signed_in(&forge, &kept, Verification::Required, |_| {})), "stored_credential");
}

#[test]
fn a_relying_party_that_isnt_set_up_asks_for_nothing() {
    let world = world();
    for broken in [
        RelyingParty { id: String::new(), ..rp() },
        RelyingParty { origins: Vec::new(), ..rp() },
        RelyingParty { origins: vec!["id.example.test".to_owned()], ..rp() },
    ] {
        assert_eq!(code(broken.start_assertion(&[], Verification::Required, &*world.random)), "configuration");
    }
    for person in [
        PersonHandle { id: Vec::new(), ..person() },
        PersonHandle { id: vec![1; 65], ..person() },
        PersonHandle { name: String::new(), ..person() },
    ] {
        let ask = RegistrationAsk::second_factor(Vec::new());
        assert_eq!(code(rp().start_registration(&person, ask, &*world.random)), "configuration");
    }
}

#[test]
fn challenges_are_the_worlds() {
    let (first, _) = rp().start_assertion(&[], Verification::Required, &*world().random).unwrap();
    let (again, _) = rp().start_assertion(&[], Verification::Required, &*world().random).unwrap();
    assert_eq!(first["challenge"], again["challenge"]);
    let one = world();
    let (first, _) = rp().start_assertion(&[], Verification::Required, &*one.random).unwrap();
    let (second, _) = rp().start_assertion(&[], Verification::Required, &*one.random).unwrap();
    assert_ne!(first["challenge"], second["challenge"]);
}
