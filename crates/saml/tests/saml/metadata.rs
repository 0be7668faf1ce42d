//! Metadata: ours, and what is read of an application's.

use super::support::*;
use auth::sign_in::Level;
use countersign_saml::metadata::{MetadataError, PartyMetadata};
use http::StatusCode;
use proptest::prelude::*;
use sso::{
    Kind, Settings,
    party::{BackLogout, Binding, SamlParty},
    signing::{Turn, Usage},
};
use std::{
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use types::Millis;
use xmlsig::{Document, Limits, Xml, ns};

const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
const SOAP: &str = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP";
const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";

#[tokio::test]
async fn ours_is_signed_and_names_every_way() {
    let house = House::new().await;
    let answer = house.browser().get("/saml/metadata").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["content-type"], "application/samlmetadata+xml");
    let document = Document::parse(answer.text.as_bytes(), &Limits::METADATA).unwrap();
    assert_eq!(document.root().attribute("entityID"), Some(format!("{ORIGIN}/saml/metadata").as_str()));
    let role = document.root().only(ns::MD, "IDPSSODescriptor").unwrap();
    for (service, path, ways) in
        [("SingleSignOnService", "sso", &[REDIRECT, POST][..]), ("SingleLogoutService", "slo", &[REDIRECT, POST, SOAP])]
    {
        let found: Vec<_> = role
            .children_of(ns::MD, service)
            .map(|at| (at.attribute("Binding").unwrap(), at.attribute("Location").unwrap().to_owned()))
            .collect();
        let location = format!("{ORIGIN}/saml/{path}");
        assert_eq!(found, ways.iter().map(|way| (*way, location.clone())).collect::<Vec<_>>());
    }
    assert_eq!(role.children_of(ns::MD, "NameIDFormat").count(), 4);
    house.keys().await;
}

#[tokio::test]
async fn whoever_asks_again_within_a_minute_gets_the_same_octets() {
    let house = House::new().await;
    let browser = house.browser();
    let all = futures_util::future::join_all((0..20).map(|_| browser.get("/saml/metadata"))).await;
    let first = &all[0].text;
    assert!(all.iter().all(|answer| answer.text == *first));
    let mut other = house.browser();
    other.host = OTHER_HOST.to_owned();
    assert_ne!(other.get("/saml/metadata").await.text, *first);
    house.clock.advance(Duration::from_secs(60));
    assert_ne!(browser.get("/saml/metadata").await.text, *first);
    house.keys().await;
}

#[tokio::test]
async fn a_new_key_is_published_before_it_signs() {
    let house = House::new().await;
    let before = house.keys().await;
    assert_eq!(before.len(), 1);
    let signing = house.sso.signing();
    signing
        .rotate(house.tenant, Usage::Saml, jose::Algorithm::Rs256, Turn::After(Duration::from_secs(86_400)))
        .await
        .unwrap();
    // `keys` verifies by any of them; the first is the one that signs.
    let between = house.keys().await;
    assert_eq!((between.len(), between[0] == before[0]), (2, true));
    house.clock.advance(Duration::from_secs(86_401));
    let after = house.keys().await;
    assert_eq!(after.len(), 2);
    let document = house.browser().get("/saml/metadata").await.text;
    let document = Document::parse(document.as_bytes(), &Limits::METADATA).unwrap();
    let new = between.iter().find(|key| **key != before[0]).unwrap().clone();
    xmlsig::verify(document.root(), &[new], xmlsig::Accept::default()).unwrap();
}

fn key(usage: Option<&str>, certificate: &str) -> Xml {
    let data = Xml::new("ds:X509Data").child(Xml::new("ds:X509Certificate").text(certificate));
    Xml::new("md:KeyDescriptor")
        .with_some("use", usage)
        .child(Xml::new("ds:KeyInfo").with("xmlns:ds", ns::DS).child(data))
}

fn consumer(binding: &str, location: &str, index: &str, default: Option<&str>) -> Xml {
    Xml::new("md:AssertionConsumerService")
        .with("Binding", binding)
        .with("Location", location)
        .with("index", index)
        .with_some("isDefault", default)
}

fn described(change: impl FnOnce(Xml) -> Xml, more: impl FnOnce(Xml) -> Xml) -> Xml {
    let role = Xml::new("md:SPSSODescriptor")
        .with("AuthnRequestsSigned", "true")
        .with("protocolSupportEnumeration", ns::SAMLP)
        .child(key(Some("signing"), &own().certificate))
        .child(key(Some("encryption"), &strangers().certificate))
        .child(Xml::new("md:SingleLogoutService").with("Binding", POST).with("Location", "https://a.example/slo-post"))
        .child(
            Xml::new("md:SingleLogoutService")
                .with("Binding", REDIRECT)
                .with("Location", SLO)
                .with("ResponseLocation", "https://app.example/slo-answer"),
        )
        .child(Xml::new("md:SingleLogoutService").with("Binding", SOAP).with("Location", "no address"))
        .child(Xml::new("md:SingleLogoutService").with("Binding", SOAP).with("Location", "https://app.example/soap"))
        .child(Xml::new("md:NameIDFormat").text("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"))
        .child(consumer("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact", "https://app.example/art", "0", None))
        .child(consumer(POST, "https://app.example/acs2", "2", None))
        .child(consumer(POST, ACS, "1", Some("true")));
    let entity = Xml::new("md:EntityDescriptor").with("xmlns:md", ns::MD).with("ID", "_m").with("entityID", APP);
    change(entity).child(more(role))
}

fn read(xml: &Xml) -> Result<PartyMetadata, MetadataError> {
    PartyMetadata::read(xml.render().unwrap().as_str().as_bytes(), None, None, NOW)
}

#[test]
fn an_applications_is_read() {
    let read = read(&described(|xml| xml, |role| role)).unwrap();
    assert_eq!(read.entity_id, APP);
    let urls: Vec<_> = read.consumers.iter().map(|one| (one.url.as_str(), one.index, one.default)).collect();
    assert_eq!(urls, [(ACS, 1, true), ("https://app.example/acs2", 2, false)]);
    assert_eq!(read.logout[0].binding, Binding::Redirect);
    assert_eq!(read.logout[0].response_url.as_deref(), Some("https://app.example/slo-answer"));
    assert_eq!((read.logout.len(), read.logout_soap.as_deref()), (2, Some("https://app.example/soap")));
    assert_eq!(
        (&read.signing, &read.encryption),
        (&vec![own().certificate.clone()], &vec![strangers().certificate.clone()])
    );
    assert!(read.requests_signed);
    let mut settings = SamlParty::default();
    read.apply(&mut settings);
    assert_eq!(settings.back_logout(), Some(BackLogout::Soap("https://app.example/soap")));
    // Who says that it hears what a browser would bring is told so, and by a form.
    settings.direct_logout = true;
    assert!(matches!(settings.back_logout(), Some(BackLogout::Direct(endpoint)) if endpoint.binding == Binding::Post));
    let settings = sso::Settings::of(sso::Kind::Saml(Box::new(settings)));
    settings.check(APP).unwrap();
}

#[test]
fn what_is_missing_or_wrong_is_said() {
    let hostile = |location: &str| described(|xml| xml, |role| role.child(consumer(POST, location, "9", None)));
    for location in
        ["javascript:alert(1)", "", "/acs", "https://a.example/\"><x", "https://a.example/#x", "https://a b/"]
    {
        assert_eq!(read(&hostile(location)).unwrap_err(), MetadataError::Value("Location"), "{location}");
    }
    let until = |moment: Millis| described(|xml| xml.with("validUntil", at(moment)), |role| role);
    assert_eq!(read(&until(NOW)).unwrap_err(), MetadataError::Expired);
    assert_eq!(read(&until(NOW - Duration::from_secs(1))).unwrap_err(), MetadataError::Expired);
    assert_eq!(read(&until(NOW + Duration::from_secs(1))).unwrap().valid_until, Some(NOW + Duration::from_secs(1)));
    let text = described(|xml| xml, |role| role).render().unwrap().as_str().to_owned();
    let of = |text: &str, entity| PartyMetadata::read(text.as_bytes(), entity, None, NOW);
    assert_eq!(of(&text, Some("https://other.example")).unwrap_err(), MetadataError::Entity);
    assert_eq!(of(&text.replace("SPSSO", "IDPSSO"), None).unwrap_err(), MetadataError::Role);
    assert_eq!(of(&text.replace("HTTP-POST", "PAOS"), None).unwrap_err(), MetadataError::Consumer);
    assert!(matches!(of(&format!("<!DOCTYPE x>{text}"), None), Err(MetadataError::Xml(_))));
    // Of several, the one that was named.
    let both = format!(
        "<md:EntitiesDescriptor xmlns:md=\"{}\">{text}{}</md:EntitiesDescriptor>",
        ns::MD,
        text.replace(APP, SECOND).replace("\"_m\"", "\"_n\"")
    );
    assert_eq!(of(&both, None).unwrap_err(), MetadataError::Entity);
    assert_eq!(of(&both, Some(SECOND)).unwrap().entity_id, SECOND);
}

/// Metadata whose keys are these: their use, and the certificate.
fn with_keys(keys: &[(Option<&str>, &str)]) -> Result<PartyMetadata, MetadataError> {
    let role = Xml::new("md:SPSSODescriptor")
        .with("protocolSupportEnumeration", ns::SAMLP)
        .children(keys.iter().map(|(usage, certificate)| key(*usage, certificate)))
        .child(consumer(POST, ACS, "1", None));
    let entity = Xml::new("md:EntityDescriptor").with("xmlns:md", ns::MD).with("entityID", APP);
    read(&entity.child(role))
}

#[test]
fn keys_that_cannot_be_used_are_passed_over_while_one_is_left() {
    let (ec, ed) = (certificate(&rcgen::PKCS_ECDSA_P256_SHA256), certificate(&rcgen::PKCS_ED25519));
    let (rsa, other) = (own().certificate.as_str(), strangers().certificate.as_str());
    let (signing, encryption) = (Some("signing"), Some("encryption"));
    for strange in [SHORT, &ed, "MAA=", "not base64"] {
        let read = with_keys(&[
            (signing, strange),
            (signing, rsa),
            (encryption, strange),
            (encryption, &ec),
            (encryption, other),
            (None, strange),
            (None, &ec),
        ])
        .unwrap();
        assert_eq!((read.signing, read.encryption), (vec![rsa.to_owned(), ec.clone()], vec![other.to_owned()]));
        assert!(!read.encryption_unusable);
        for only in [None, signing] {
            assert_eq!(with_keys(&[(only, strange), (encryption, rsa)]).unwrap_err(), MetadataError::Keys, "{strange}");
        }
    }
    // A key for both that nothing can be encrypted to.
    let read = with_keys(&[(None, &ec)]).unwrap();
    assert_eq!((&read.signing, read.encryption.len(), read.encryption_unusable), (&vec![ec.clone()], 0, true));
    // That is no reason to send in clear text what an administrator wants encrypted.
    let checked = |read: &PartyMetadata, encrypt: bool| {
        let mut party = SamlParty { encrypt, encryption_certificate: Some(rsa.to_owned()), ..party() };
        read.apply(&mut party);
        let encrypts = party.encrypt;
        Settings::of(Kind::Saml(Box::new(party))).check(APP).map(|()| encrypts).map_err(|error| error.to_string())
    };
    assert_eq!(checked(&read, false), Ok(false));
    assert_eq!(
        checked(&read, true).unwrap_err(),
        "saml.encryption_certificate: is needed where assertions are encrypted"
    );
    assert_eq!(checked(&with_keys(&[(None, rsa)]).unwrap(), true), Ok(true));
    assert_eq!(checked(&with_keys(&[(signing, rsa)]).unwrap(), true), Ok(false), "it has none any more");
}

#[test]
fn a_publishers_signature_covers_what_is_read() {
    use aws_lc_rs::digest::{SHA256, digest};
    let of = |certificate: &str| {
        let der = data_encoding::BASE64.decode(certificate.as_bytes()).unwrap();
        data_encoding::HEXLOWER.encode(digest(&SHA256, &der).as_ref())
    };
    let (right, wrong) = (of(&own().certificate), of(&strangers().certificate));
    let plain = described(|xml| xml, |role| role).render().unwrap();
    let signed = xmlsig::sign(&plain, "_m", &own().signing).unwrap();
    let read = |text: &str, by: &str| PartyMetadata::read(text.as_bytes(), None, Some(by), NOW);
    assert_eq!(read(signed.as_str(), &right).unwrap().entity_id, APP);
    assert_eq!(read(signed.as_str(), &wrong).unwrap_err(), MetadataError::Signature);
    assert_eq!(read(plain.as_str(), &right).unwrap_err(), MetadataError::Signature);
    let changed = signed.as_str().replace(SLO, "https://evil.example/slo");
    assert_eq!(read(&changed, &right).unwrap_err(), MetadataError::Signature);
}

/// Answers each request with what is put there, and counts them.
async fn publisher(text: Arc<Mutex<String>>) -> (String, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let answer = move || {
        count.fetch_add(1, Ordering::SeqCst);
        std::future::ready(text.lock().unwrap().clone())
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/metadata", listener.local_addr().unwrap());
    let app = axum::Router::new().route("/metadata", axum::routing::get(answer));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (url, asked)
}

async fn acs_of(house: &House) -> String {
    let found = house.sso.party(house.tenant, sso::Protocol::Saml, APP).await.unwrap().unwrap();
    found.saml().unwrap().acs[0].url.clone()
}

#[tokio::test]
async fn what_is_over_is_read_again_before_anybody_signs_in_by_it() {
    let moved = described(|xml| xml.with("validUntil", at(NOW + Duration::from_secs(60))), |role| role);
    // What signs is held to it from then on; this one doesn't.
    let moved = moved.render().unwrap().as_str().replace("AuthnRequestsSigned=\"true\"", "");
    let moved = moved.replace(ACS, "https://app.example/new");
    let text = Arc::new(Mutex::new("nothing".to_owned()));
    let (url, asked) = publisher(Arc::clone(&text)).await;
    let settings = SamlParty { metadata_url: Some(url), metadata_until: Some(NOW.0), ..party() };
    let house = House::with(settings).await;
    let (browser, ..) = house.signed_in("alice", auth::account::Strength::Passkey).await;
    assert_eq!(browser.get(&carried(&plain("_r1"))).await.refusal(), "expired");
    // A publisher that fails isn't asked at each request.
    assert_eq!(browser.get(&carried(&plain("_r1"))).await.refusal(), "expired");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    // One whose copy is over, or another's, is no better.
    house.clock.advance(Duration::from_secs(301));
    *text.lock().unwrap() = moved.clone();
    assert_eq!(browser.get(&carried(&plain("_r1"))).await.refusal(), "expired");
    house.clock.advance(Duration::from_secs(301));
    let now = NOW + Duration::from_secs(602);
    *text.lock().unwrap() = moved.replace(&at(NOW + Duration::from_secs(60)), &at(now + Duration::from_secs(3600)));
    let request = plain("_r2").as_str().replace(&at(NOW), &at(now));
    let answer = browser.get(&raw(request.as_bytes())).await;
    assert_eq!(answer.action(), "https://app.example/new", "{}", answer.text);
    assert_eq!((asked.load(Ordering::SeqCst), acs_of(&house).await.as_str()), (3, "https://app.example/new"));
    // Administrators see that it was so, and by whom.
    let span = store::Span::new(Millis(0), now + Duration::from_secs(60), 100);
    let log = house.store.tenant(house.tenant).admin_log(&span).await.unwrap();
    let entry = log.iter().find(|entry| entry.action == "relying_party_update").unwrap();
    assert_eq!(entry.actor, "system");
    assert!(entry.detail.contains("https://app.example/new") && entry.detail.contains(IKEY), "{}", entry.detail);
    // What an administrator has decided stays.
    let found = house.sso.party(house.tenant, sso::Protocol::Saml, APP).await.unwrap().unwrap();
    assert!(found.saml().unwrap().attributes == party().attributes && found.settings.level() == party().level);
}

/// An application's metadata that is over then, without a promise to sign.
fn lasting(until: Millis) -> String {
    let text = described(|xml| xml.with("validUntil", at(until)), |role| role).render().unwrap();
    text.as_str().replace("AuthnRequestsSigned=\"true\"", "")
}

/// What somebody who isn't signed in gets for a request of this moment: the way to the sign-in, or the word of a refusal.
async fn asked_now(house: &House, id: &str) -> Result<(), &'static str> {
    let request = plain(id).as_str().replace(&at(NOW), &at(house.world.now()));
    let answer = house.browser().get(&raw(request.as_bytes())).await;
    if answer.location.starts_with("/sign-in/") { Ok(()) } else { Err(answer.refusal()) }
}

#[tokio::test]
async fn a_copy_that_is_over_soon_is_followed_by_the_next_one() {
    const HOUR: Duration = Duration::from_secs(3600);
    let text = Arc::new(Mutex::new(lasting(NOW + HOUR)));
    let (url, asked) = publisher(Arc::clone(&text)).await;
    let house = House::with(SamlParty { metadata_url: Some(url), metadata_until: Some(NOW.0), ..party() }).await;
    let count = || asked.load(Ordering::SeqCst);
    assert_eq!((asked_now(&house, "_r1").await, count()), (Ok(()), 1));
    house.clock.advance(Duration::from_secs(3599));
    *text.lock().unwrap() = lasting(NOW + 2 * HOUR);
    // In its last minutes it still holds, and is read again beside what goes on.
    assert_eq!(asked_now(&house, "_r2").await, Ok(()));
    let until_read = async {
        while metadata_until(&house).await != Some((NOW + 2 * HOUR).0) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), until_read).await.unwrap();
    assert_eq!(count(), 2);
    // Nobody came in its last minutes: whoever comes then waits.
    house.clock.advance(HOUR + Duration::from_secs(1));
    *text.lock().unwrap() = lasting(NOW + 3 * HOUR);
    assert_eq!((asked_now(&house, "_r3").await, count()), (Ok(()), 3));
    // One of a few seconds is asked for no sooner than it is over.
    house.clock.advance(HOUR);
    let now = house.world.now();
    *text.lock().unwrap() = lasting(now + Duration::from_secs(10));
    for id in ["_r4", "_r5"] {
        assert_eq!((asked_now(&house, id).await, count()), (Ok(()), 4));
    }
    house.clock.advance(Duration::from_secs(10));
    *text.lock().unwrap() = lasting(now + HOUR);
    assert_eq!((asked_now(&house, "_r6").await, count()), (Ok(()), 5));
}

async fn metadata_until(house: &House) -> Option<i64> {
    let found = house.sso.party(house.tenant, sso::Protocol::Saml, APP).await.unwrap().unwrap();
    found.saml().unwrap().metadata_until
}

#[tokio::test]
async fn of_many_who_come_when_it_is_over_one_asks_and_all_go_on() {
    let text = Arc::new(Mutex::new(lasting(NOW + Duration::from_secs(3600))));
    let (url, asked) = publisher(Arc::clone(&text)).await;
    let house = House::with(SamlParty { metadata_url: Some(url), metadata_until: Some(NOW.0), ..party() }).await;
    let ids: Vec<_> = (0..20).map(|place| format!("_r{place}")).collect();
    let all = async || futures_util::future::join_all(ids.iter().map(|id| asked_now(&house, id))).await;
    assert_eq!(all().await, [Ok(()); 20]);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    // A publisher that fails is asked once, too.
    house.clock.advance(Duration::from_secs(3600));
    "nothing".clone_into(&mut text.lock().unwrap());
    assert_eq!(all().await, [Err("expired"); 20]);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn who_hangs_up_while_a_publisher_is_asked_keeps_nobody_out() {
    let asked = Arc::new(AtomicUsize::new(0));
    let (count, answers) = (Arc::clone(&asked), Arc::new(tokio::sync::Notify::new()));
    let answer = Arc::clone(&answers);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/metadata", listener.local_addr().unwrap());
    let get = move || {
        let (count, answer) = (Arc::clone(&count), Arc::clone(&answer));
        async move {
            count.fetch_add(1, Ordering::SeqCst);
            answer.notified().await;
            lasting(NOW + Duration::from_secs(3600))
        }
    };
    let app = axum::Router::new().route("/metadata", axum::routing::get(get));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let house = House::with(SamlParty { metadata_url: Some(url), metadata_until: Some(NOW.0), ..party() }).await;
    let is_asked = async {
        while asked.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answered = asked_now(&house, "_r1") => panic!("{answered:?}"),
        () = is_asked => {}
    }
    answers.notify_one();
    assert_eq!(asked_now(&house, "_r2").await, Ok(()));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

/// An administrator tightens what a publisher's answer is on its way for.
#[tokio::test]
async fn what_is_decided_while_a_publisher_answers_stays() {
    let until = at(NOW + Duration::from_secs(3600));
    let text = described(|xml| xml.with("validUntil", until), |role| role).render().unwrap().as_str().to_owned();
    let text = text.replace("AuthnRequestsSigned=\"true\"", "").replace(ACS, "https://app.example/new");
    let house: Arc<OnceLock<(Arc<store::Store>, types::TenantId)>> = Arc::default();
    let decides = Arc::clone(&house);
    let answer = move || {
        let (decides, text) = (Arc::clone(&decides), text.clone());
        async move {
            let (store, tenant) = decides.get().unwrap();
            let scope = store.tenant(*tenant);
            let row = scope.relying_party(IKEY).await.unwrap().unwrap();
            let mut settings: Settings = serde_json::from_str(&row.settings).unwrap();
            let Kind::Saml(saml) = &mut settings.kind else { panic!("no SAML") };
            (saml.level, saml.assertion_seconds) = (Level::Hardware, 77);
            let settings = Some(serde_json::to_string(&settings).unwrap());
            let mut tx = scope.begin().await.unwrap();
            let change = store::RelyingPartyChange { settings, ..Default::default() };
            assert!(tx.change_relying_party(IKEY, &change, NOW).await.unwrap());
            tx.notify(format!("application:{IKEY}")).await.unwrap();
            tx.commit().await.unwrap();
            text
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/metadata", listener.local_addr().unwrap());
    let app = axum::Router::new().route("/metadata", axum::routing::get(answer));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let made = House::with(SamlParty { metadata_url: Some(url), metadata_until: Some(NOW.0), ..party() }).await;
    assert!(house.set((Arc::clone(&made.store), made.tenant)).is_ok());
    made.browser().get(&carried(&plain("_r1"))).await;
    let row = made.store.tenant(made.tenant).relying_party(IKEY).await.unwrap().unwrap();
    let settings: Settings = serde_json::from_str(&row.settings).unwrap();
    let Kind::Saml(saml) = &settings.kind else { panic!("no SAML") };
    assert_eq!((saml.level, saml.assertion_seconds), (Level::Hardware, 77));
    assert_eq!(saml.acs[0].url, "https://app.example/new");
}

#[tokio::test]
async fn an_address_that_only_this_machine_can_reach_is_not_asked() {
    let text = described(|xml| xml, |role| role).render().unwrap().as_str().replace(ACS, "https://app.example/new");
    let (url, asked) = publisher(Arc::new(Mutex::new(text))).await;
    let settings = SamlParty { metadata_url: Some(url), metadata_until: Some(NOW.0), ..party() };
    let mut house = House::with(settings).await;
    // No operator has allowed networks of his own here.
    let outbound = outbound::Outbound::new(Vec::new(), "test").unwrap();
    house.router = countersign_saml::router(&Arc::new(countersign_saml::Door::new(&house.sso, outbound)));
    let (browser, ..) = house.signed_in("alice", auth::account::Strength::Passkey).await;
    assert_eq!(browser.get(&carried(&plain("_r1"))).await.refusal(), "expired");
    assert_eq!((asked.load(Ordering::SeqCst), acs_of(&house).await.as_str()), (0, ACS));
}

proptest! {
    #[test]
    fn any_octets_are_judged(octets in prop::collection::vec(any::<u8>(), 0..300), at in 0_usize..2000) {
        let good = described(|xml| xml, |role| role).render().unwrap().as_str().as_bytes().to_vec();
        let at = at.min(good.len());
        let mixed: Vec<u8> = good[..at].iter().chain(&octets).chain(&good[at..]).copied().collect();
        for text in [&octets, &mixed] {
            if let Ok(read) = PartyMetadata::read(text, None, None, NOW) {
                prop_assert!(!read.consumers.is_empty());
            }
        }
    }
}
