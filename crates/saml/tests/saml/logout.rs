//! Signing out: whose session a request may end, and how everybody is told.

use super::support::*;
use auth::account::Strength;
use data_encoding::BASE64;
use flate2::read::DeflateDecoder;
use http::StatusCode;
use sso::party::{Binding, Endpoint, LogoutEndpoint, NameIdFormat, SamlParty};
use std::{io::Read as _, time::Duration};
use types::{Millis, SessionId};
use xmlsig::{Accept, Document, Fragment, Limits, PublicKey, SigningKey, Xml, ns, redirect};

pub(crate) const SECOND_SLO: &str = "https://second.example/slo";

/// What an application was told of a session.
pub(crate) struct Told {
    pub(crate) name: String,
    pub(crate) session: String,
}

pub(crate) async fn sign_in(house: &House, browser: &Browser, id: &str, issuer: &str) -> Told {
    let xml = plain(id).as_str().replace(APP, issuer);
    let answer = browser.get(&raw(xml.as_bytes())).await;
    let verified = assertion(&answer.response(), &house.keys().await);
    let root = verified.root();
    let name = root.only(ns::SAML, "Subject").unwrap().only(ns::SAML, "NameID").unwrap().text().unwrap();
    let session = root.only(ns::SAML, "AuthnStatement").unwrap().attribute("SessionIndex").unwrap();
    Told { name: name.to_owned(), session: session.to_owned() }
}

pub(crate) fn logout(id: &str, issuer: &str, name: &str, session: Option<&str>, issued: Millis) -> Fragment {
    Xml::new("samlp:LogoutRequest")
        .with("xmlns:samlp", ns::SAMLP)
        .with("xmlns:saml", ns::SAML)
        .with("ID", id)
        .with("Version", "2.0")
        .with("IssueInstant", at(issued))
        .with("Destination", format!("{ORIGIN}/saml/slo"))
        .child(Xml::new("saml:Issuer").text(issuer))
        .child(Xml::new("saml:NameID").text(name))
        .children(session.map(|session| Xml::new("samlp:SessionIndex").text(session)))
        .render()
        .unwrap()
}

/// A request's text as a fragment again.
pub(crate) fn again(text: &str) -> Fragment {
    let document = Document::parse(text.as_bytes(), &Limits::MESSAGE).unwrap();
    let root = document.root();
    let mut xml = Xml::new("samlp:LogoutRequest").with("xmlns:samlp", ns::SAMLP).with("xmlns:saml", ns::SAML);
    for name in ["ID", "Version", "IssueInstant", "NotOnOrAfter", "Destination"] {
        xml = xml.with_some(name, root.attribute(name).filter(|value| !value.is_empty()));
    }
    let issuer = root.only(ns::SAML, "Issuer").unwrap().text().unwrap();
    let name = root.only(ns::SAML, "NameID").unwrap().text().unwrap();
    xml.child(Xml::new("saml:Issuer").text(issuer))
        .child(Xml::new("saml:NameID").text(name))
        .children(
            root.children_of(ns::SAMLP, "SessionIndex")
                .map(|index| Xml::new("samlp:SessionIndex").text(index.text().unwrap())),
        )
        .render()
        .unwrap()
}

pub(crate) fn by(message: &Fragment, key: Option<&SigningKey>) -> String {
    by_redirect(message, "/saml/slo", Some("back"), key)
}

/// A message of ours that a redirect carries, verified: its document, and the RelayState.
pub(crate) fn carried_to(location: &str, to: &str, keys: &[PublicKey]) -> (xmlsig::Verified, Option<String>) {
    let (address, query) = location.split_once('?').unwrap();
    assert_eq!(address, to);
    redirect::Message::parse(query, &Limits::MESSAGE).unwrap().verify(keys, Accept::default()).unwrap()
}

pub(crate) async fn lives(house: &House, session: SessionId) -> bool {
    house.auth.session_by_id(house.tenant, session).await.unwrap().is_some()
}

#[tokio::test]
async fn an_application_signs_its_person_out_everywhere() {
    let house = House::new().await;
    let (browser, _, session) = house.signed_in("alice", Strength::Passkey).await;
    let here = sign_in(&house, &browser, "_a", APP).await;
    let there = sign_in(&house, &browser, "_b", SECOND).await;
    let keys = house.keys().await;
    let path = by(&logout("_l1", APP, &here.name, Some(&here.session), NOW), Some(&own().signing));
    let answer = browser.get(&path).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    assert!(!lives(&house, session).await, "it is over before anybody is told");
    assert!(!browser.cookies().contains_key("__Host-countersign-session"));
    // The other one is told, by name and session.
    let (message, round) = carried_to(&answer.location, SECOND_SLO, &keys);
    let root = message.root();
    assert!(root.is(ns::SAMLP, "LogoutRequest"));
    assert_eq!(root.only(ns::SAML, "NameID").unwrap().text().unwrap(), there.name);
    assert_eq!(root.only(ns::SAMLP, "SessionIndex").unwrap().text().unwrap(), there.session);
    let asked = root.attribute("ID").unwrap().to_owned();
    // Its answer goes on to the one who began.
    let reply = answer_of(SECOND, &asked, "Success");
    let path = reply_by(&reply, round.as_deref(), Some(&strangers().signing));
    let answer = browser.get(&path).await;
    let (message, relay) = carried_to(&answer.location, SLO, &keys);
    assert_eq!((relay.as_deref(), codes(message.root())), (Some("back"), ("Success".to_owned(), String::new())));
    assert_eq!(message.root().attribute("InResponseTo"), Some("_l1"));
    // Nobody goes that way twice.
    assert_eq!(browser.get(&path).await.refusal(), "nobody_asked");
}

pub(crate) fn answer_of(issuer: &str, asked: &str, status: &str) -> Fragment {
    let code = Xml::new("samlp:StatusCode").with("Value", format!("urn:oasis:names:tc:SAML:2.0:status:{status}"));
    Xml::new("samlp:LogoutResponse")
        .with("xmlns:samlp", ns::SAMLP)
        .with("xmlns:saml", ns::SAML)
        .with("ID", format!("_answer-{asked}"))
        .with("Version", "2.0")
        .with("IssueInstant", at(NOW))
        .with("Destination", format!("{ORIGIN}/saml/slo"))
        .with("InResponseTo", asked)
        .child(Xml::new("saml:Issuer").text(issuer))
        .child(Xml::new("samlp:Status").child(code))
        .render()
        .unwrap()
}

pub(crate) fn reply_by(message: &Fragment, round: Option<&str>, key: Option<&SigningKey>) -> String {
    format!("/saml/slo?{}", redirect::encode(redirect::Parameter::Response, message, round, key).unwrap())
}

#[tokio::test]
async fn who_says_no_or_cannot_be_told_makes_it_partial() {
    for status in ["Responder", "Requester"] {
        let house = House::new().await;
        let (browser, ..) = house.signed_in("alice", Strength::Passkey).await;
        let here = sign_in(&house, &browser, "_a", APP).await;
        sign_in(&house, &browser, "_b", SECOND).await;
        let keys = house.keys().await;
        let path = by(&logout("_l1", APP, &here.name, Some(&here.session), NOW), Some(&own().signing));
        let (message, round) = carried_to(&browser.get(&path).await.location, SECOND_SLO, &keys);
        let reply = answer_of(SECOND, message.root().attribute("ID").unwrap(), status);
        let answer = browser.get(&reply_by(&reply, round.as_deref(), Some(&strangers().signing))).await;
        let (message, _) = carried_to(&answer.location, SLO, &keys);
        assert_eq!(codes(message.root()), ("Success".to_owned(), "PartialLogout".to_owned()));
    }
    let house = House::new().await;
    let mute = SamlParty {
        acs: vec![Endpoint { url: "https://mute.example/acs".to_owned(), index: 0, default: true }],
        slo: Vec::new(),
        ..party()
    };
    house.application(house.tenant, "DIMMMMMMMMMMMMMMMMMM", "https://mute.example/saml", mute).await;
    let (browser, ..) = house.signed_in("alice", Strength::Passkey).await;
    let here = sign_in(&house, &browser, "_a", APP).await;
    sign_in(&house, &browser, "_b", "https://mute.example/saml").await;
    let path = by(&logout("_l1", APP, &here.name, Some(&here.session), NOW), Some(&own().signing));
    let (message, _) = carried_to(&browser.get(&path).await.location, SLO, &house.keys().await);
    assert_eq!(codes(message.root()).1, "PartialLogout");
}

/// Follows a round of applications that all say yes; gives where it ends, and how many were told.
async fn all_say_yes(browser: &Browser, mut answer: Answer, keys: &[PublicKey]) -> (Answer, usize) {
    let mut told = 0;
    while let Some((name, _)) = answer.location.split_once(".example/slo?").filter(|(name, _)| name.contains("app-")) {
        let issuer = format!("{name}.example/saml");
        let (message, round) = carried_to(&answer.location, &format!("{name}.example/slo"), keys);
        let reply = answer_of(&issuer, message.root().attribute("ID").unwrap(), "Success");
        answer = browser.get(&reply_by(&reply, round.as_deref(), Some(&own().signing))).await;
        told += 1;
    }
    (answer, told)
}

#[tokio::test]
async fn who_is_beyond_what_a_browser_gets_to_is_missed() {
    let house = House::new().await;
    let entity = |place: usize| format!("https://app-{place}.example/saml");
    for place in 0..51 {
        let url = |path: &str| format!("https://app-{place}.example/{path}");
        let acs = vec![Endpoint { url: url("acs"), index: 0, default: true }];
        let slo = vec![LogoutEndpoint { url: url("slo"), response_url: None, binding: Binding::Redirect }];
        let settings = SamlParty { acs, slo, ..party() };
        house.application(house.tenant, &format!("DIZZ{place:016}"), &entity(place), settings).await;
    }
    let keys = house.keys().await;
    let signed_in = async |name: &str, others: usize| {
        let (browser, user, session) = house.signed_in(name, Strength::Passkey).await;
        for place in 0..others {
            sign_in(&house, &browser, &format!("_{name}-{place}"), &entity(place)).await;
        }
        (browser, user, session)
    };
    for (name, others, second) in [("alice", 50, ""), ("bob", 51, "PartialLogout")] {
        let (browser, ..) = signed_in(name, others).await;
        let here = sign_in(&house, &browser, &format!("_{name}"), APP).await;
        let message = logout(&format!("_out-{name}"), APP, &here.name, Some(&here.session), NOW);
        let answer = browser.get(&by(&message, Some(&own().signing))).await;
        let (answer, told) = all_say_yes(&browser, answer, &keys).await;
        let (message, _) = carried_to(&answer.location, SLO, &keys);
        assert_eq!((told, codes(message.root())), (50, ("Success".to_owned(), second.to_owned())));
    }
    // After an end at another door the person reads it.
    let (browser, user, session) = signed_in("carol", 51).await;
    let parts = http::Request::get("/").header("host", HOST).body(()).unwrap().into_parts().0;
    let visit = house.sso.visit(&parts).await.unwrap().unwrap();
    let ended = house.sso.end_session(house.tenant, session, user, None).await.unwrap();
    let (path, held) = house.sso.farewell(&visit, &ended, "/account").await.unwrap().unwrap();
    browser.put(&held.cookie_name, held.secret.expose());
    let answer = browser.get(&format!("{path}?go")).await;
    let (answer, told) = all_say_yes(&browser, answer, &keys).await;
    let (missed, next) = (vec!["App ZZ".to_owned()], Some("/account".to_owned()));
    assert_eq!(told, 50);
    assert_eq!(answer.leaf, Some(sso::Leaf::SignedOut { frames: Vec::new(), missed, next, goes_on: false }));
}

#[tokio::test]
async fn forms_take_the_way_that_brings_the_cookies() {
    let house = House::new().await;
    let (browser, _, session) = house.signed_in("alice", Strength::Passkey).await;
    let here = sign_in(&house, &browser, "_a", APP).await;
    sign_in(&house, &browser, "_b", SECOND).await;
    let message = logout("_l1", APP, &here.name, Some(&here.session), NOW);
    let signed = xmlsig::sign(&message, "_l1", &own().signing).unwrap();
    let encoded = xmlsig::post::encode(signed.as_str());
    let answer = browser.post("/saml/slo", &[("SAMLRequest", &encoded), ("RelayState", "back")]).await;
    assert!(answer.location.starts_with("/saml/continue/") && lives(&house, session).await);
    let keys = house.keys().await;
    let (message, round) = carried_to(&browser.get(&answer.location).await.location, SECOND_SLO, &keys);
    assert!(!lives(&house, session).await);
    let asked = message.root().attribute("ID").unwrap();
    let reply = answer_of(SECOND, asked, "Success");
    let reply = xmlsig::sign(&reply, &format!("_answer-{asked}"), &strangers().signing).unwrap();
    let encoded = xmlsig::post::encode(reply.as_str());
    let answer =
        browser.post("/saml/slo", &[("SAMLResponse", &encoded), ("RelayState", round.as_deref().unwrap())]).await;
    let (message, _) = carried_to(&browser.get(&answer.location).await.location, SLO, &keys);
    assert_eq!(codes(message.root()).0, "Success");
}

#[tokio::test]
async fn unsigned_strangers_and_other_applications_end_nothing() {
    let house = House::new().await;
    let (browser, _, session) = house.signed_in("alice", Strength::Passkey).await;
    let here = sign_in(&house, &browser, "_a", APP).await;
    let message = logout("_l1", APP, &here.name, Some(&here.session), NOW);
    assert_eq!(browser.get(&by(&message, None)).await.refusal(), "unsigned");
    assert_eq!(browser.get(&by(&message, Some(&strangers().signing))).await.refusal(), "signature");
    let nobody = logout("_l2", "https://nobody.example", &here.name, Some(&here.session), NOW);
    assert_eq!(browser.get(&by(&nobody, Some(&own().signing))).await.refusal(), "unknown_party");
    // Another application's, with the right name and session of this one's.
    let other = logout("_l3", SECOND, &here.name, Some(&here.session), NOW);
    let answer = browser.get(&by(&other, Some(&strangers().signing))).await;
    assert!(answer.location.starts_with(SECOND_SLO));
    assert!(lives(&house, session).await);
}

#[tokio::test]
async fn a_foreign_name_or_session_ends_nothing() {
    let house = House::new().await;
    let (browser, _, session) = house.signed_in("alice", Strength::Passkey).await;
    let alice = sign_in(&house, &browser, "_a", APP).await;
    let (others, _, other_session) = house.signed_in("bob", Strength::Passkey).await;
    let bob = sign_in(&house, &others, "_b", APP).await;
    let keys = house.keys().await;
    for (place, (name, index)) in [
        ("bob", Some(alice.session.as_str())),
        ("alice", Some(bob.session.as_str())),
        ("bob", Some(bob.session.as_str())),
        ("bob", None),
        ("Alice", Some(alice.session.as_str())),
        ("alic", Some(alice.session.as_str())),
    ]
    .into_iter()
    .enumerate()
    {
        let message = logout(&format!("_l{place}"), APP, name, index, NOW);
        let answer = browser.get(&by(&message, Some(&own().signing))).await;
        let (message, _) = carried_to(&answer.location, SLO, &keys);
        assert_eq!(codes(message.root()), ("Requester".to_owned(), "UnknownPrincipal".to_owned()), "{name} {index:?}");
        assert!(lives(&house, session).await && lives(&house, other_session).await, "{name} {index:?}");
    }
}

#[tokio::test]
async fn a_browser_that_forgot_its_session_still_signs_out() {
    let house = House::new().await;
    let (browser, _, session) = house.signed_in("alice", Strength::Passkey).await;
    let alice = sign_in(&house, &browser, "_a", APP).await;
    let message = logout("_l1", APP, &alice.name, Some(&alice.session), NOW);
    let (answer, keys) = (house.browser().get(&by(&message, Some(&own().signing))).await, house.keys().await);
    assert_eq!(codes(carried_to(&answer.location, SLO, &keys).0.root()).0, "Success");
    assert!(!lives(&house, session).await);
    // What is over already is no failure.
    let message = logout("_l2", APP, &alice.name, Some(&alice.session), NOW);
    let answer = house.browser().get(&by(&message, Some(&own().signing))).await;
    assert_eq!(codes(carried_to(&answer.location, SLO, &keys).0.root()), ("Success".to_owned(), String::new()));
}

#[tokio::test]
async fn who_cannot_sign_ends_only_what_is_in_this_browser() {
    let mute = SamlParty { certificates: Vec::new(), want_signed_logout: false, ..party() };
    let house = House::with(mute).await;
    let (browser, _, session) = house.signed_in("alice", Strength::Passkey).await;
    let alice = sign_in(&house, &browser, "_a", APP).await;
    let message = logout("_l1", APP, &alice.name, Some(&alice.session), NOW);
    let keys = house.keys().await;
    let answer = house.browser().get(&by(&message, None)).await;
    assert_eq!(codes(carried_to(&answer.location, SLO, &keys).0.root()).1, "UnknownPrincipal");
    assert!(lives(&house, session).await);
    let message = logout("_l2", APP, &alice.name, Some(&alice.session), NOW);
    browser.get(&by(&message, None)).await;
    assert!(!lives(&house, session).await);
}

#[tokio::test]
async fn logouts_are_fresh_and_come_once() {
    let house = House::new().await;
    let (browser, ..) = house.signed_in("alice", Strength::Passkey).await;
    let alice = sign_in(&house, &browser, "_a", APP).await;
    let issued = async |issued: Millis| {
        let message = logout(&format!("_at-{}", issued.0), APP, &alice.name, Some(&alice.session), issued);
        browser.get(&by(&message, Some(&own().signing))).await
    };
    let (old, early) = (NOW - Duration::from_secs(360), NOW + Duration::from_secs(60));
    let least = Duration::from_millis(1);
    for wrong in [old, early + least] {
        assert_eq!(issued(wrong).await.refusal(), "expired");
    }
    for right in [old + least, early] {
        assert_eq!(issued(right).await.status, StatusCode::SEE_OTHER);
    }
    let path = by(&logout("_l1", APP, &alice.name, Some(&alice.session), NOW), Some(&own().signing));
    assert_eq!(browser.get(&path).await.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.get(&path).await.refusal(), "replayed");
}

/// A request that counts until then, signed by the application.
pub(crate) fn lasting(id: &str, told: &Told, until: Millis) -> Fragment {
    let message = logout(id, APP, &told.name, Some(&told.session), NOW);
    let text = message.as_str().replacen(" Version=", &format!(" NotOnOrAfter=\"{}\" Version=", at(until)), 1);
    xmlsig::sign(&again(&text), id, &own().signing).unwrap()
}

/// Where the time of a request is over: a clock may be behind by a minute.
pub(crate) const ENDS: [(Duration, bool); 5] = [
    (Duration::from_secs(0), true),
    (Duration::from_secs(59), true),
    (Duration::from_millis(59_999), true),
    (Duration::from_secs(60), false),
    (Duration::from_secs(61), false),
];

#[tokio::test]
async fn a_request_is_over_when_it_says_so() {
    let house = House::new().await;
    let (browser, _, session) = house.signed_in("alice", Strength::Passkey).await;
    let alice = sign_in(&house, &browser, "_a", APP).await;
    for (ago, counts) in ENDS.into_iter().rev() {
        let message = lasting(&format!("_l{}", ago.as_millis()), &alice, NOW - ago);
        let answer = browser.post("/saml/slo", &[("SAMLRequest", &xmlsig::post::encode(message.as_str()))]).await;
        if counts {
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{ago:?} {}", answer.text);
            assert!(browser.get(&answer.location).await.location.starts_with(SLO), "{ago:?}");
        } else {
            assert_eq!(answer.refusal(), "expired", "{ago:?}");
        }
        assert_eq!(lives(&house, session).await, !counts, "{ago:?}");
    }
}

#[tokio::test]
async fn answers_that_nobody_waits_for_lead_nowhere() {
    let house = House::new().await;
    let (browser, ..) = house.signed_in("alice", Strength::Passkey).await;
    let here = sign_in(&house, &browser, "_a", APP).await;
    sign_in(&house, &browser, "_b", SECOND).await;
    let path = by(&logout("_l1", APP, &here.name, Some(&here.session), NOW), Some(&own().signing));
    let (message, round) = carried_to(&browser.get(&path).await.location, SECOND_SLO, &house.keys().await);
    let (asked, round) = (message.root().attribute("ID").unwrap(), round.unwrap());
    let right = answer_of(SECOND, asked, "Success");
    let key = Some(&strangers().signing);
    for (browser, message, round, key, word) in [
        (&browser, answer_of(SECOND, "_other", "Success"), Some(round.as_str()), key, "nobody_asked"),
        (&browser, answer_of(APP, asked, "Success"), Some(round.as_str()), Some(&own().signing), "nobody_asked"),
        (&browser, answer_of(SECOND, asked, "Success"), Some("x"), key, "nobody_asked"),
        (&browser, answer_of(SECOND, asked, "Success"), None, key, "nobody_asked"),
        (&browser, answer_of(SECOND, asked, "Success"), Some(round.as_str()), None, "unsigned"),
        (&house.browser(), answer_of(SECOND, asked, "Success"), Some(round.as_str()), key, "nobody_asked"),
    ] {
        assert_eq!(browser.get(&reply_by(&message, round, key)).await.refusal(), word);
    }
    assert_eq!(browser.get(&format!("/saml/continue/{round}")).await.refusal(), "nobody_asked");
    let answer = browser.get(&reply_by(&right, Some(&round), key)).await;
    assert!(answer.location.starts_with(SLO), "{} {}", answer.status, answer.text);
}

#[tokio::test]
async fn a_session_that_another_door_ends_is_told_here() {
    let house = House::new().await;
    let (browser, user, session) = house.signed_in("alice", Strength::Passkey).await;
    sign_in(&house, &browser, "_a", APP).await;
    let parts = http::Request::get("/").header("host", HOST).body(()).unwrap().into_parts().0;
    let visit = house.sso.visit(&parts).await.unwrap().unwrap();
    let ended = house.sso.end_session(house.tenant, session, user, None).await.unwrap();
    let (path, held) = house.sso.farewell(&visit, &ended, "/account").await.unwrap().unwrap();
    browser.put(&held.cookie_name, held.secret.expose());
    assert_eq!(house.browser().get(&path).await.refusal(), "nobody_asked");
    // A page of its own: what a form of ours leads to is held against that form's policy.
    let answer = browser.get(&path).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.leaf, Some(sso::Leaf::SigningOut { next: format!("{path}?go") }));
    let answer = browser.get(&format!("{path}?go")).await;
    let (message, round) = carried_to(&answer.location, SLO, &house.keys().await);
    let reply = answer_of(APP, message.root().attribute("ID").unwrap(), "Success");
    let answer = browser.get(&reply_by(&reply, round.as_deref(), Some(&own().signing))).await;
    assert_eq!(answer.location, "/account");
    assert!(house.sso.farewell(&visit, &[], "/account").await.unwrap().is_none());
}

#[tokio::test]
async fn the_transient_name_of_the_session_is_the_one_that_ends_it() {
    let house = House::new().await;
    let (browser, _, session) = house.signed_in("alice", Strength::Passkey).await;
    let policy = Xml::new("samlp:NameIDPolicy").with("Format", NameIdFormat::Transient.uri());
    let answer = browser.get(&carried(&request("_a", |xml| xml.child(policy)))).await;
    let verified = assertion(&answer.response(), &house.keys().await);
    let name = verified.root().only(ns::SAML, "Subject").unwrap().only(ns::SAML, "NameID").unwrap();
    let name = name.text().unwrap().to_owned();
    let foreign = by(&logout("_l1", APP, "alice", None, NOW), Some(&own().signing));
    browser.get(&foreign).await;
    assert!(lives(&house, session).await);
    browser.get(&by(&logout("_l2", APP, &name, None, NOW), Some(&own().signing))).await;
    assert!(!lives(&house, session).await);
}

/// What goes out by redirect is packed as the binding says.
#[tokio::test]
async fn our_messages_are_packed_as_anybody_unpacks_them() {
    let house = House::new().await;
    let (browser, ..) = house.signed_in("alice", Strength::Passkey).await;
    let here = sign_in(&house, &browser, "_a", APP).await;
    let path = by(&logout("_l1", APP, &here.name, Some(&here.session), NOW), Some(&own().signing));
    let location = browser.get(&path).await.location;
    let query: Vec<_> = form_urlencoded::parse(location.split_once('?').unwrap().1.as_bytes()).collect();
    let packed = BASE64.decode(query[0].1.as_bytes()).unwrap();
    let mut text = String::new();
    DeflateDecoder::new(packed.as_slice()).read_to_string(&mut text).unwrap();
    Document::parse(text.as_bytes(), &Limits::MESSAGE).unwrap();
    let names: Vec<_> = query.iter().map(|(name, _)| name.as_ref()).collect();
    assert_eq!(names, ["SAMLResponse", "RelayState", "SigAlg", "Signature"]);
}
