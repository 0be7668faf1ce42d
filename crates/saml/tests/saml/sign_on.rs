//! Signing in: what an application is told, and when it is told that nobody is there.

use super::support::{self, *};
use auth::account::Strength;
use http::StatusCode;
use sso::party::{NameIdFormat, SamlParty};
use std::time::Duration;
use types::Millis;
use xmlsig::{Xml, ns};

#[tokio::test]
async fn an_assertion_says_who_and_how_and_for_whom() {
    let house = House::new().await;
    let (browser, _, session) = house.signed_in("alice", Strength::Passkey).await;
    house.clock.advance(Duration::from_secs(30));
    let path = by_redirect(&plain("_r1"), "/saml/sso", Some("the relay"), None);
    let answer = browser.get(&path).await;
    assert_eq!((answer.status, answer.action()), (StatusCode::OK, ACS), "{}", answer.text);
    assert_eq!(answer.field("RelayState").as_deref(), Some("the relay"));
    assert_eq!(answer.codes(), ("Success".to_owned(), String::new()));
    let document = answer.response();
    let root = document.root();
    assert_eq!((root.attribute("InResponseTo"), root.attribute("Destination")), (Some("_r1"), Some(ACS)));
    let entity_id = format!("{ORIGIN}/saml/metadata");
    assert_eq!(root.only(ns::SAML, "Issuer").unwrap().text().unwrap(), entity_id);
    let verified = assertion(&document, &house.keys().await);
    let assertion = verified.root();
    let now = NOW + Duration::from_secs(30);
    assert_eq!(assertion.only(ns::SAML, "Issuer").unwrap().text().unwrap(), entity_id);
    assert_eq!(assertion.attribute("IssueInstant"), Some(at(now).as_str()));
    let subject = assertion.only(ns::SAML, "Subject").unwrap();
    assert_eq!(subject.only(ns::SAML, "NameID").unwrap().text().unwrap(), "alice");
    let confirmation = subject.only(ns::SAML, "SubjectConfirmation").unwrap();
    assert_eq!(confirmation.attribute("Method"), Some("urn:oasis:names:tc:SAML:2.0:cm:bearer"));
    let data = confirmation.only(ns::SAML, "SubjectConfirmationData").unwrap();
    let until = at(now + Duration::from_secs(300));
    assert_eq!(
        (data.attribute("Recipient"), data.attribute("InResponseTo"), data.attribute("NotOnOrAfter")),
        (Some(ACS), Some("_r1"), Some(until.as_str()))
    );
    assert_eq!(data.attribute("NotBefore"), None);
    let conditions = assertion.only(ns::SAML, "Conditions").unwrap();
    let from = at(now - Duration::from_secs(60));
    assert_eq!(
        (conditions.attribute("NotBefore"), conditions.attribute("NotOnOrAfter")),
        (Some(from.as_str()), Some(until.as_str()))
    );
    let audience = conditions.only(ns::SAML, "AudienceRestriction").unwrap().only(ns::SAML, "Audience").unwrap();
    assert_eq!(audience.text().unwrap(), APP);
    let statement = assertion.only(ns::SAML, "AuthnStatement").unwrap();
    assert_eq!(statement.attribute("AuthnInstant"), Some(at(NOW).as_str()));
    assert!(statement.attribute("SessionIndex").is_some_and(|index| index.len() >= 20));
    let ends = house.auth.session_by_id(house.tenant, session).await.unwrap().unwrap().expires();
    assert_eq!(statement.attribute("SessionNotOnOrAfter"), Some(at(ends).as_str()));
    let class = statement.only(ns::SAML, "AuthnContext").unwrap().only(ns::SAML, "AuthnContextClassRef").unwrap();
    assert_eq!(class.text().unwrap(), "phr");
    let attributes: Vec<_> = assertion
        .only(ns::SAML, "AttributeStatement")
        .unwrap()
        .children()
        .map(|attribute| {
            let value = attribute.only(ns::SAML, "AttributeValue").unwrap().text().unwrap();
            (attribute.attribute("Name").unwrap(), attribute.attribute("NameFormat").unwrap(), value)
        })
        .collect();
    assert_eq!(
        attributes,
        [
            ("uid", "urn:oasis:names:tc:SAML:2.0:attrname-format:basic", "alice"),
            (
                "urn:oid:0.9.2342.19200300.100.1.3",
                "urn:oasis:names:tc:SAML:2.0:attrname-format:uri",
                "alice@example.org"
            ),
        ]
    );
}

#[tokio::test]
async fn an_applications_session_ends_when_it_is_set_to_and_never_after_ours() {
    for (seconds, shorter) in [(600, true), (30 * 86_400, false)] {
        let house = House::with(SamlParty { session_seconds: Some(seconds), ..support::party() }).await;
        let (browser, _, session) = house.signed_in("alice", Strength::Passkey).await;
        let verified = assertion(&browser.get(&carried(&plain("_r1"))).await.response(), &house.keys().await);
        let statement = verified.root().only(ns::SAML, "AuthnStatement").unwrap();
        let ends = house.auth.session_by_id(house.tenant, session).await.unwrap().unwrap().expires();
        let wanted = if shorter { NOW + Duration::from_secs(seconds.into()) } else { ends };
        assert_eq!(statement.attribute("SessionNotOnOrAfter"), Some(at(wanted).as_str()));
    }
}

#[tokio::test]
async fn a_request_in_a_form_comes_back_by_a_get_with_the_cookies() {
    let house = House::new().await;
    let (browser, ..) = house.signed_in("alice", Strength::Passkey).await;
    let encoded = xmlsig::post::encode(plain("_r1").as_str());
    let answer = browser.post("/saml/sso", &[("SAMLRequest", &encoded), ("RelayState", "x & y")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let answer = browser.get(&answer.location).await;
    assert_eq!(answer.codes().0, "Success");
    assert_eq!(answer.field("RelayState").as_deref(), Some("x & y"));
    assert_eq!(answer.response().root().attribute("InResponseTo"), Some("_r1"));
}

#[tokio::test]
async fn nobody_signed_in_goes_to_the_page_and_who_gives_up_is_told_of() {
    let house = House::new().await;
    let browser = house.browser();
    let answer = browser.get(&carried(&plain("_r1"))).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(answer.location.starts_with("/sign-in/"), "{}", answer.location);
    let id = browser.cookies().into_keys().find(|name| name.contains("countersign-so-")).unwrap();
    assert!(id.starts_with("__Host-"));
    // The page leads back here; who comes so without a session gave up.
    let path = held(&browser).await;
    let answer = browser.get(&format!("{path}?tried")).await;
    assert_eq!(answer.codes(), ("Responder".to_owned(), "AuthnFailed".to_owned()));
    let answer = browser.get(&format!("{path}?tried")).await;
    assert_eq!(answer.refusal(), "nobody_asked");
}

/// Where the only kept request of this browser goes on: asked for anew, because only the sign-in knows it.
async fn held(browser: &Browser) -> String {
    // A form shows it in its redirect.
    let encoded = xmlsig::post::encode(plain("_r2").as_str());
    let answer = browser.post("/saml/sso", &[("SAMLRequest", &encoded)]).await;
    answer.location
}

#[tokio::test]
async fn after_the_sign_in_the_same_request_is_answered_once() {
    let house = House::new().await;
    let browser = house.browser();
    let path = held(&browser).await;
    let user = house.user(house.tenant, "alice").await;
    house.session(&browser, user, Strength::Passkey).await;
    let answer = browser.get(&format!("{path}?tried")).await;
    assert_eq!(answer.codes().0, "Success");
    assert_eq!(browser.get(&path).await.refusal(), "nobody_asked");
}

#[tokio::test]
async fn force_authn_wants_a_proof_that_is_younger_than_the_request() {
    let house = House::new().await;
    let (browser, user, _) = house.signed_in("alice", Strength::Passkey).await;
    house.clock.advance(Duration::from_secs(5));
    let forced = request("_r1", |xml| xml.with("ForceAuthn", "true"));
    let answer = browser.get(&carried(&forced)).await;
    assert!(answer.location.starts_with("/sign-in/"), "{} {}", answer.status, answer.text);
    let encoded = xmlsig::post::encode(request("_r2", |xml| xml.with("ForceAuthn", "1")).as_str());
    let path = browser.post("/saml/sso", &[("SAMLRequest", &encoded)]).await.location;
    // Giving up keeps the session, and isn't a proof.
    assert_eq!(browser.get(&format!("{path}?tried")).await.codes().1, "AuthnFailed");
    let encoded = xmlsig::post::encode(request("_r3", |xml| xml.with("ForceAuthn", "1")).as_str());
    let path = browser.post("/saml/sso", &[("SAMLRequest", &encoded)]).await.location;
    house.clock.advance(Duration::from_secs(5));
    house.session(&browser, user, Strength::Passkey).await;
    assert_eq!(browser.get(&format!("{path}?tried")).await.codes().0, "Success");
}

#[tokio::test]
async fn is_passive_shows_no_page() {
    let house = House::new().await;
    let passive = |id| request(id, |xml| xml.with("IsPassive", "true"));
    let answer = house.browser().get(&carried(&passive("_r1"))).await;
    assert_eq!(answer.codes(), ("Responder".to_owned(), "NoPassive".to_owned()));
    let (browser, ..) = house.signed_in("alice", Strength::Passkey).await;
    assert_eq!(browser.get(&carried(&passive("_r2"))).await.codes().0, "Success");
    // Nor where more is wanted than there is.
    house.clock.advance(Duration::from_secs(1));
    let forced = request("_r3", |xml| xml.with("IsPassive", "true").with("ForceAuthn", "true"));
    assert_eq!(browser.get(&carried(&forced)).await.codes().1, "NoPassive");
}

fn asks(comparison: &str, class: &str) -> Xml {
    Xml::new("samlp:RequestedAuthnContext")
        .with("Comparison", comparison)
        .child(Xml::new("saml:AuthnContextClassRef").text(class))
}

#[tokio::test]
async fn a_requested_context_raises_what_is_needed_and_never_lowers_it() {
    // The application's own level is two factors.
    let house = House::new().await;
    let (weak, ..) = house.signed_in("alice", Strength::Otp).await;
    let password = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
    for (place, comparison) in ["exact", "minimum", "maximum"].into_iter().enumerate() {
        let request =
            request(&format!("_weak{place}"), |xml| xml.with("IsPassive", "true").child(asks(comparison, password)));
        // One factor isn't enough, whatever the request says.
        assert_eq!(weak.get(&carried(&request)).await.codes().1, "NoPassive", "{comparison}");
    }
    let (strong, ..) = house.signed_in("bob", Strength::Passkey).await;
    let answer = strong.get(&carried(&request("_r1", |xml| xml.child(asks("exact", password))))).await;
    assert!(answer.response().root().descendants().any(|at| at.text() == Ok(password)), "{}", answer.text);
    for (id, comparison, class) in [("_r2", "exact", "phrh"), ("_r3", "better", "phr"), ("_r4", "minimum", "phrh")] {
        let request = request(id, |xml| xml.with("IsPassive", "true").child(asks(comparison, class)));
        assert_eq!(strong.get(&carried(&request)).await.codes().1, "NoPassive", "{class}");
    }
    for (id, comparison, class) in [("_r5", "better", "phrh"), ("_r6", "exact", "urn:example:unknown")] {
        let answer = strong.get(&carried(&request(id, |xml| xml.child(asks(comparison, class))))).await;
        assert_eq!(answer.codes(), ("Responder".to_owned(), "NoAuthnContext".to_owned()));
    }
    let declared = Xml::new("samlp:RequestedAuthnContext").child(Xml::new("saml:AuthnContextDeclRef").text("urn:x"));
    let answer = strong.get(&carried(&request("_r7", |xml| xml.child(declared)))).await;
    assert_eq!(answer.codes().1, "RequestUnsupported");
}

async fn named(house: &House, browser: &Browser, id: &str, format: &str) -> Result<(String, String), String> {
    let policy = Xml::new("samlp:NameIDPolicy").with("Format", format).with("AllowCreate", "true");
    let answer = browser.get(&carried(&request(id, |xml| xml.child(policy)))).await;
    if answer.codes().0 != "Success" {
        return Err(answer.codes().1);
    }
    let verified = assertion(&answer.response(), &house.keys().await);
    let name = verified.root().only(ns::SAML, "Subject").unwrap().only(ns::SAML, "NameID").unwrap();
    assert_eq!(name.attribute("SPNameQualifier").is_some(), name.attribute("NameQualifier").is_some());
    Ok((name.text().unwrap().to_owned(), name.attribute("Format").unwrap().to_owned()))
}

#[tokio::test]
async fn names_are_of_the_kind_that_was_asked_for() {
    let house = House::new().await;
    let (browser, user, _) = house.signed_in("alice", Strength::Passkey).await;
    let of = |format: NameIdFormat| format.uri();
    let persistent = named(&house, &browser, "_p1", of(NameIdFormat::Persistent)).await.unwrap();
    assert_eq!(named(&house, &browser, "_p2", of(NameIdFormat::Persistent)).await.unwrap(), persistent);
    assert!(!persistent.0.contains("alice") && !persistent.0.contains(&user.to_string()));
    let transient = named(&house, &browser, "_t1", of(NameIdFormat::Transient)).await.unwrap();
    assert_ne!(named(&house, &browser, "_t2", of(NameIdFormat::Transient)).await.unwrap().0, transient.0);
    let (mail, said) = named(&house, &browser, "_e1", of(NameIdFormat::EmailAddress)).await.unwrap();
    assert_eq!((mail.as_str(), said.as_str()), ("alice@example.org", of(NameIdFormat::EmailAddress)));
    // As some libraries write it.
    let other = "urn:oasis:names:tc:SAML:2.0:nameid-format:emailAddress";
    assert_eq!(named(&house, &browser, "_e2", other).await.unwrap().0, "alice@example.org");
    assert_eq!(named(&house, &browser, "_u1", of(NameIdFormat::Unspecified)).await.unwrap().0, "alice");
    for (id, wrong) in [
        ("_x1", "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"),
        ("_x2", "urn:oasis:names:tc:SAML:2.0:nameid-format:encrypted"),
        ("_x3", "urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName"),
    ] {
        assert_eq!(named(&house, &browser, id, wrong).await.unwrap_err(), "InvalidNameIDPolicy");
    }
    let foreign = Xml::new("samlp:NameIDPolicy").with("SPNameQualifier", SECOND);
    let answer = browser.get(&carried(&request("_x4", |xml| xml.child(foreign)))).await;
    assert_eq!(answer.codes(), ("Requester".to_owned(), "InvalidNameIDPolicy".to_owned()));
}

#[tokio::test]
async fn two_applications_cannot_compare_persistent_names() {
    let house = House::new().await;
    let (browser, ..) = house.signed_in("alice", Strength::Passkey).await;
    let policy = || Xml::new("samlp:NameIDPolicy").with("Format", NameIdFormat::Persistent.uri());
    let keys = house.keys().await;
    let mut names = Vec::new();
    for (id, issuer) in [("_a", APP), ("_b", SECOND)] {
        let xml = Xml::new("samlp:AuthnRequest")
            .with("xmlns:samlp", ns::SAMLP)
            .with("xmlns:saml", ns::SAML)
            .with("ID", id)
            .with("Version", "2.0")
            .with("IssueInstant", at(NOW))
            .child(Xml::new("saml:Issuer").text(issuer))
            .child(policy());
        let answer = browser.get(&carried(&xml.render().unwrap())).await;
        let verified = assertion(&answer.response(), &keys);
        let name = verified.root().only(ns::SAML, "Subject").unwrap().only(ns::SAML, "NameID").unwrap();
        names.push(name.text().unwrap().to_owned());
    }
    assert_ne!(names[0], names[1]);
}

#[tokio::test]
async fn a_requested_subject_is_that_person_or_nobody() {
    let house = House::new().await;
    let (browser, ..) = house.signed_in("alice", Strength::Passkey).await;
    let subject = |name: &str| Xml::new("saml:Subject").child(Xml::new("saml:NameID").text(name));
    let answer = browser.get(&carried(&request("_r1", |xml| xml.child(subject("alice"))))).await;
    assert_eq!(answer.codes().0, "Success");
    let answer = browser.get(&carried(&request("_r2", |xml| xml.child(subject("bob"))))).await;
    assert_eq!(answer.codes(), ("Requester".to_owned(), "UnknownPrincipal".to_owned()));
}

#[tokio::test]
async fn whoever_may_not_use_the_application_gets_nothing() {
    let house = House::new().await;
    let (browser, user, _) = house.signed_in("alice", Strength::Passkey).await;
    let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
    assert!(tx.lock_user(user, house.world.now()).await.unwrap());
    tx.commit().await.unwrap();
    let answer = browser.get(&carried(&plain("_r1"))).await;
    assert_eq!(answer.codes(), ("Responder".to_owned(), "RequestDenied".to_owned()));
    assert!(answer.response().root().child(ns::SAML, "Assertion").unwrap().is_none(), "{}", answer.text);
    // Whoever is disabled has no session any more.
    let (browser, user, _) = house.signed_in("bob", Strength::Passkey).await;
    let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
    assert!(tx.set_user_status(user, "disabled").await.unwrap());
    tx.commit().await.unwrap();
    let answer = browser.get(&carried(&plain("_r2"))).await;
    assert!(answer.status == StatusCode::SEE_OTHER && answer.location.starts_with("/sign-in/"), "{}", answer.text);
}

#[tokio::test]
async fn a_start_from_here_is_off_unless_it_is_allowed() {
    let house = House::new().await;
    let (browser, ..) = house.signed_in("alice", Strength::Passkey).await;
    assert_eq!(browser.get(&format!("/saml/start/{IKEY}")).await.refusal(), "not_allowed");
    assert_eq!(browser.get("/saml/start/DICCCCCCCCCCCCCCCCCC").await.refusal(), "unknown_party");
    let allowed =
        SamlParty { allow_idp_initiated: true, default_relay_state: Some("/inside".to_owned()), ..support::party() };
    let house = House::with(allowed).await;
    let (browser, ..) = house.signed_in("alice", Strength::Passkey).await;
    let path = format!("/saml/start/{IKEY}?RelayState=https://evil.example/");
    let answer = browser.get_from(&path, "none").await;
    assert_eq!((answer.action(), answer.field("RelayState").as_deref()), (ACS, Some("/inside")));
    let document = answer.response();
    assert_eq!(document.root().attribute("InResponseTo"), None);
    let verified = assertion(&document, &house.keys().await);
    assert!(verified.root().descendants().all(|at| at.attribute("InResponseTo").is_none()));
}

#[tokio::test]
async fn a_start_asks_whoever_may_come_from_elsewhere() {
    let house = House::with(SamlParty { allow_idp_initiated: true, ..support::party() }).await;
    let (browser, ..) = house.signed_in("alice", Strength::Passkey).await;
    let path = format!("/saml/start/{IKEY}");
    let link = |page: &Answer| {
        let Some(sso::Leaf::Open { next, .. }) = &page.leaf else { panic!("{page:?}") };
        next.clone()
    };
    for site in ["cross-site", "same-site"] {
        let asked = link(&browser.get_from(&path, site).await);
        // Not even with the question's answer in it.
        link(&browser.get_from(&asked, site).await);
        assert_eq!(browser.get_from(&asked, "same-origin").await.codes().0, "Success");
    }
    // A browser that says nothing of where it comes from is asked, and its yes is taken.
    let asked = link(&browser.get(&path).await);
    assert!(asked.starts_with(&format!("{path}?yes=")));
    assert_eq!(browser.get(&asked).await.codes().0, "Success");
    // It is this session's yes to this application.
    let (other, ..) = house.signed_in("bob", Strength::Passkey).await;
    link(&other.get(&asked).await);
    link(&browser.get(&format!("{path}?yes=AAAA")).await);
    // Where nobody is signed in, whoever goes on sees it.
    assert!(house.browser().get(&path).await.location.starts_with("/sign-in/"));
}

#[tokio::test]
async fn a_named_address_is_the_one_that_is_answered() {
    let house = House::new().await;
    let (browser, ..) = house.signed_in("alice", Strength::Passkey).await;
    let to = |id: &str, name: &'static str, value: &str| carried(&request(id, |xml| xml.with(name, value)));
    let second = "https://app.example/acs2";
    let by_url = browser.get(&to("_r1", "AssertionConsumerServiceURL", second)).await;
    let by_index = browser.get(&to("_r2", "AssertionConsumerServiceIndex", "7")).await;
    assert_eq!((by_url.action(), by_index.action()), (second, second));
    let answer = browser.get(&to("_r3", "ProtocolBinding", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact")).await;
    assert_eq!(answer.codes(), ("Responder".to_owned(), "UnsupportedBinding".to_owned()));
}

#[tokio::test]
async fn a_message_is_fresh_to_the_second() {
    let house = House::new().await;
    let (browser, ..) = house.signed_in("alice", Strength::Passkey).await;
    let issued = |id: &str, at_: Millis| {
        let xml = Xml::new("samlp:AuthnRequest")
            .with("xmlns:samlp", ns::SAMLP)
            .with("xmlns:saml", ns::SAML)
            .with("ID", id)
            .with("Version", "2.0")
            .with("IssueInstant", at(at_))
            .child(Xml::new("saml:Issuer").text(APP));
        carried(&xml.render().unwrap())
    };
    let second = Duration::from_secs(1);
    let (oldest, youngest) = (NOW - Duration::from_secs(360), NOW + Duration::from_secs(60));
    assert_eq!(browser.get(&issued("_r1", oldest)).await.refusal(), "expired");
    assert_eq!(browser.get(&issued("_r2", oldest - second)).await.refusal(), "expired");
    assert_eq!(browser.get(&issued("_r3", oldest + second)).await.codes().0, "Success");
    assert_eq!(browser.get(&issued("_r4", youngest)).await.codes().0, "Success");
    assert_eq!(browser.get(&issued("_r5", youngest + second)).await.refusal(), "expired");
}
