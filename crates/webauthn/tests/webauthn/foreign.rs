//! An authenticator and a client that we did not write: 1Password's `passkey`.

use crate::forge::{NOW, ORIGIN, RELATED, person, rp, world};
use countersign_webauthn::*;
use data_encoding::BASE64URL_NOPAD;
use passkey::{
    authenticator::{Authenticator, UiHint, UserCheck, UserValidationMethod},
    client::{Client, DefaultClientData},
    crypto::rust_crypto::RustCryptoBackend,
    types::{
        Passkey,
        ctap2::{self, Ctap2Error},
        webauthn::{CredentialCreationOptions, CredentialRequestOptions},
    },
};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use url::Url;

/// A user who is there, and can be verified when `able`.
struct User {
    able: AtomicBool,
}

#[async_trait::async_trait]
impl UserValidationMethod for User {
    type PasskeyItem = Passkey;

    async fn check_user<'a>(
        &self,
        _hint: UiHint<'a, Passkey>,
        presence: bool,
        verification: bool,
    ) -> Result<UserCheck, Ctap2Error> {
        Ok(UserCheck { presence, verification: verification && self.able.load(Ordering::SeqCst) })
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        Some(true)
    }
}

type Browser = Client<Option<Passkey>, User, RustCryptoBackend, public_suffix::PublicSuffixList, ()>;

fn browser(counts: bool) -> Browser {
    let aaguid = ctap2::Aaguid::from(0xbada5566_a7aa_401f_bd96_45619a55120d_u128.to_be_bytes());
    let mut authenticator = Authenticator::new(aaguid, None, User { able: AtomicBool::new(true) }, RustCryptoBackend);
    authenticator.set_make_credentials_with_signature_counter(counts);
    Client::new(authenticator)
}

fn base64(bytes: &[u8]) -> Value {
    json!(BASE64URL_NOPAD.encode(bytes))
}

/// `navigator.credentials.create(PublicKeyCredential.parseCreationOptionsFromJSON(options))`, then `toJSON()`.
async fn create(browser: &mut Browser, origin: &str, options: &Value) -> Vec<u8> {
    let request: CredentialCreationOptions = serde_json::from_value(json!({ "publicKey": options })).unwrap();
    let made = browser.register(&Url::parse(origin).unwrap(), request, DefaultClientData).await.unwrap();
    json!({
        "id": made.id,
        "rawId": base64(&made.raw_id),
        "type": "public-key",
        "clientExtensionResults": { "credProps": { "rk": true } },
        "response": {
            "attestationObject": base64(&made.response.attestation_object),
            "clientDataJSON": base64(&made.response.client_data_json),
            "authenticatorData": base64(&made.response.authenticator_data),
            "publicKeyAlgorithm": made.response.public_key_algorithm,
            "transports": ["internal", "hybrid"],
        },
    })
    .to_string()
    .into_bytes()
}

/// `navigator.credentials.get(PublicKeyCredential.parseRequestOptionsFromJSON(options))`, then `toJSON()`.
async fn get(browser: &mut Browser, origin: &str, options: &Value) -> Vec<u8> {
    let request: CredentialRequestOptions = serde_json::from_value(json!({ "publicKey": options })).unwrap();
    let made = browser.authenticate(&Url::parse(origin).unwrap(), request, DefaultClientData).await.unwrap();
    json!({
        "id": made.id,
        "rawId": base64(&made.raw_id),
        "type": "public-key",
        "clientExtensionResults": {},
        "response": {
            "authenticatorData": base64(&made.response.authenticator_data),
            "clientDataJSON": base64(&made.response.client_data_json),
            "signature": base64(&made.response.signature),
            "userHandle": made.response.user_handle.map(|handle| base64(&handle)),
        },
    })
    .to_string()
    .into_bytes()
}

async fn registered(browser: &mut Browser, ask: RegistrationAsk) -> (RegisteredPasskey, PasskeyForSignIn) {
    let (options, state) = rp().start_registration(&person(), ask, &*world().random).unwrap();
    let answer = create(browser, ORIGIN, &options).await;
    let state = RegistrationState::from_bytes(&state.to_bytes().unwrap()).unwrap();
    let passkey = rp().finish_registration(state, &answer, &AttestationPolicy::default(), None, NOW).unwrap();
    let kept = PasskeyForSignIn {
        credential_id: passkey.credential_id.clone(),
        credential: passkey.credential.clone(),
        transports: passkey.transports.clone(),
        counter: passkey.counter,
        user_handle: person().id,
    };
    (passkey, kept)
}

#[tokio::test]
async fn the_only_factor_registers_and_signs_in_without_a_name() {
    let mut browser = browser(false);
    let (passkey, kept) = registered(&mut browser, RegistrationAsk::only_factor(Vec::new())).await;
    assert!(passkey.user_verified && passkey.backup_eligible && passkey.backed_up);
    assert_eq!(passkey.discoverable, Some(true));
    assert_eq!(passkey.name_by_aaguid.as_deref(), Some("1Password"));
    assert_eq!(passkey.transports, "internal,hybrid");
    assert_eq!(passkey.counter, 0);
    for _ in 0..2 {
        let (options, state) = rp().start_assertion(&[], Verification::Required, &*world().random).unwrap();
        let answer = get(&mut browser, ORIGIN, &options).await;
        let identified = RelyingParty::identify(&answer).unwrap();
        assert_eq!(identified.credential_id, kept.credential_id);
        assert_eq!(identified.user_handle, Some(person().id));
        let state = AssertionState::from_bytes(&state.to_bytes().unwrap()).unwrap();
        let signed = rp().finish_assertion(state, &answer, &kept).unwrap();
        assert!(signed.user_verified && signed.backed_up);
        assert_eq!((signed.counter, signed.user_handle), (0, Some(person().id)));
    }
}

#[tokio::test]
async fn a_second_factor_counts() {
    let mut browser = browser(true);
    let (passkey, mut kept) = registered(&mut browser, RegistrationAsk::second_factor(Vec::new())).await;
    kept.counter = passkey.counter;
    let mut answers = Vec::new();
    for _ in 0..3 {
        let allow = std::slice::from_ref(&kept);
        let (options, state) = rp().start_assertion(allow, Verification::Preferred, &*world().random).unwrap();
        assert_eq!(options["allowCredentials"][0]["transports"], json!(["internal", "hybrid"]));
        let answer = get(&mut browser, ORIGIN, &options).await;
        let signed = rp().finish_assertion(state, &answer, &kept).unwrap();
        assert!(signed.counter > kept.counter);
        kept.counter = signed.counter;
        answers.push((answer, options));
    }
    // The first answer once more, and with the first challenge: its counter has passed.
    let first = answers.remove(0).0;
    let (_, state) =
        rp().start_assertion(std::slice::from_ref(&kept), Verification::Preferred, &*world().random).unwrap();
    assert!(matches!(
        rp().finish_assertion(state, &first, &kept),
        Err(WebauthnError::CloneSuspected { stored: 3, given: 1 })
    ));
}

#[tokio::test]
async fn a_user_who_cant_be_verified_doesnt_pass_where_it_is_required() {
    let mut browser = browser(false);
    let (_, kept) = registered(&mut browser, RegistrationAsk::only_factor(Vec::new())).await;
    let (mut options, state) =
        rp().start_assertion(std::slice::from_ref(&kept), Verification::Required, &*world().random).unwrap();
    // The page asks the authenticator for less than the server asked for.
    options["userVerification"] = json!("discouraged");
    let answer = get(&mut browser, ORIGIN, &options).await;
    assert!(matches!(rp().finish_assertion(state, &answer, &kept), Err(WebauthnError::UserNotVerified)));
}

#[tokio::test]
async fn a1_the_proxys_page_gets_an_answer_for_itself() {
    let mut browser = browser(false);
    let (_, kept) = registered(&mut browser, RegistrationAsk::only_factor(Vec::new())).await;
    let (mut options, state) =
        rp().start_assertion(std::slice::from_ref(&kept), Verification::Required, &*world().random).unwrap();
    // The client refuses our id on the proxy's page …
    let request: CredentialRequestOptions = serde_json::from_value(json!({ "publicKey": options })).unwrap();
    let phish = Url::parse("https://id.example-test.test").unwrap();
    assert!(browser.authenticate(&phish, request, DefaultClientData).await.is_err());
    // … and where it stands under our own domain, signs what we refuse.
    let phish = "https://evil.id.example.test";
    options["rpId"] = json!("id.example.test");
    let answer = get(&mut browser, phish, &options).await;
    let refused = rp().finish_assertion(state, &answer, &kept);
    assert!(matches!(refused, Err(WebauthnError::Origin { found }) if found == phish));
}

#[tokio::test]
async fn an_origin_with_a_port_is_its_own() {
    let mut browser = browser(false);
    let with_port = "https://id.example.test:8443";
    let (options, state) =
        rp().start_registration(&person(), RegistrationAsk::only_factor(Vec::new()), &*world().random).unwrap();
    let answer = create(&mut browser, with_port, &options).await;
    let refused = rp().finish_registration(state, &answer, &AttestationPolicy::default(), None, NOW);
    assert!(matches!(refused, Err(WebauthnError::Origin { .. })));
    let rp = RelyingParty { origins: vec![with_port.to_owned(), RELATED.to_owned()], ..rp() };
    let (options, state) =
        rp.start_registration(&person(), RegistrationAsk::only_factor(Vec::new()), &*world().random).unwrap();
    let answer = create(&mut browser, with_port, &options).await;
    rp.finish_registration(state, &answer, &AttestationPolicy::default(), None, NOW).unwrap();
}
