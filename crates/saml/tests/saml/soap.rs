//! A sign-out that an application's server begins, by SOAP: whose session it may end, and what it is answered.

use super::{
    back_channel::{envelope, opened},
    ear::Ear,
    logout::{ENDS, Told, again, lasting, lives, logout, sign_in},
    support::*,
    wrapped::wrapped,
};
use auth::{account::Strength, sign_in::Level};
use axum::body::Body;
use http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use sso::{Kind, OidcClient, Participant, Settings, SignedIn, party::SamlParty};
use std::time::Duration;
use tower::ServiceExt as _;
use types::{Millis, SessionId};
use xmlsig::{Fragment, SigningKey, ns};

/// What came back, with what it says where it is a message.
struct Said {
    status: StatusCode,
    text: String,
}

async fn send(house: &House, host: &str, body: String) -> Said {
    let request = Request::post("/saml/slo")
        .header(header::HOST, host)
        .header(header::CONTENT_TYPE, "text/xml; charset=utf-8")
        .header("SOAPAction", "\"http://www.oasis-open.org/committees/security\"");
    let response = house.router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/xml; charset=utf-8");
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    let status = response.status();
    let text = String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap();
    Said { status, text }
}

fn signed(message: &Fragment, id: &str, key: &SigningKey) -> String {
    envelope(xmlsig::sign(message, id, key).unwrap())
}

/// Asks as the usual application, and gives the codes of the answer.
async fn ask(house: &House, id: &str, name: &str, session: Option<&str>) -> (String, String) {
    let message = logout(id, APP, name, session, house.world.now());
    let said = send(house, HOST, signed(&message, id, &own().signing)).await;
    assert_eq!(said.status, StatusCode::OK, "{}", said.text);
    let verified = opened(house, &said.text).await;
    let root = verified.root();
    assert!(root.is(ns::SAMLP, "LogoutResponse"));
    assert_eq!((root.attribute("InResponseTo"), root.attribute("Destination")), (Some(id), None));
    codes(root)
}

/// Alice, signed in to the usual application.
async fn alice(house: &House) -> (Browser, Told, SessionId) {
    let (browser, _, session) = house.signed_in("alice", Strength::Passkey).await;
    let told = sign_in(house, &browser, "_a", APP).await;
    (browser, told, session)
}

fn success() -> (String, String) {
    ("Success".to_owned(), String::new())
}

#[tokio::test]
async fn a_server_signs_its_person_out_and_hears_no_echo() {
    let mut ear = Ear::listen(|_| Vec::new()).await;
    let house = House::with(SamlParty { slo_soap: Some(ear.url("/soap")), ..party() }).await;
    let (_, told, session) = alice(&house).await;
    assert_eq!(ask(&house, "_l1", &told.name, Some(&told.session)).await, success());
    assert!(!lives(&house, session).await);
    assert!(!house.store.logouts_due(Millis(i64::MAX)).await.unwrap(), "it asked, and needs no word of it");
    assert!(ear.is_silent());
    // What is over already is no failure.
    assert_eq!(ask(&house, "_l2", &told.name, Some(&told.session)).await, success());
}

#[tokio::test]
async fn others_are_told_and_those_that_cannot_be_make_it_partial() {
    let mut ear = Ear::listen(|_| Vec::new()).await;
    let house = House::new().await;
    let (browser, told, _) = alice(&house).await;
    sign_in(&house, &browser, "_b", SECOND).await;
    let partial = ("Success".to_owned(), "PartialLogout".to_owned());
    assert_eq!(ask(&house, "_l1", &told.name, Some(&told.session)).await, partial);
    house.logouts.wake();
    house.nothing_is_owed().await;
    house.change(SECOND_IKEY, |party| party.slo_soap = Some(ear.url("/soap"))).await;
    let (browser, ..) = house.signed_in("bob", Strength::Passkey).await;
    let told = sign_in(&house, &browser, "_c", APP).await;
    let there = sign_in(&house, &browser, "_d", SECOND).await;
    assert_eq!(ask(&house, "_l2", &told.name, Some(&told.session)).await, success());
    house.logouts.wake();
    assert!(ear.hear().await.body.contains(&there.session));
}

/// An OpenID client that is loaded in a frame of the person's browser hears nothing of an end that no browser sees.
#[tokio::test]
async fn clients_that_hear_in_frames_alone_make_it_partial() {
    let house = House::new().await;
    for (place, behind, second) in [(1, None, "PartialLogout"), (2, Some("https://client.example/back"), "")] {
        let client = OidcClient {
            redirect_uris: vec!["https://client.example/callback".to_owned()],
            frontchannel_logout_uri: Some("https://client.example/front".to_owned()),
            backchannel_logout_uri: behind.map(str::to_owned),
            ..OidcClient::default()
        };
        let (ikey, name) = (format!("DIC{place:017}"), format!("person-{place}"));
        house.registered(house.tenant, &ikey, &ikey, Settings::of(Kind::Oidc(Box::new(client)))).await;
        let (browser, user, session) = house.signed_in(&name, Strength::Passkey).await;
        let told = sign_in(&house, &browser, &format!("_a{place}"), APP).await;
        let signed = SignedIn {
            tenant: house.tenant,
            user,
            username: name.clone(),
            session,
            auth_time: NOW,
            level: Level::Multi,
            amr: Vec::new(),
            strength: Strength::Passkey,
        };
        let client = house.sso.party_of(house.tenant, &ikey).await.unwrap().unwrap();
        house.sso.participate(&signed, &client, &Participant::Oidc { subject: name }).await.unwrap();
        let codes = ask(&house, &format!("_l{place}"), &told.name, Some(&told.session)).await;
        assert_eq!(codes, ("Success".to_owned(), second.to_owned()));
        assert!(!lives(&house, session).await);
    }
}

#[tokio::test]
async fn several_sessions_end_together_or_none_does() {
    let house = House::new().await;
    let (_, first, one) = alice(&house).await;
    let browser = house.browser();
    let user = house.auth.session_by_id(house.tenant, one).await.unwrap().unwrap().user();
    let two = house.session(&browser, user, Strength::Passkey).await;
    let second = sign_in(&house, &browser, "_b", APP).await;
    let (others, _, third) = house.signed_in("bob", Strength::Passkey).await;
    let bob = sign_in(&house, &others, "_c", APP).await;
    let both = |id: &str, last: &str| {
        let session = format!("{}</samlp:SessionIndex><samlp:SessionIndex>{last}", first.session);
        let text = logout(id, APP, &first.name, Some("_sessions"), NOW).as_str().replace("_sessions", &session);
        again(&text)
    };
    let said = send(&house, HOST, signed(&both("_l1", &bob.session), "_l1", &own().signing)).await;
    let verified = opened(&house, &said.text).await;
    assert_eq!(codes(verified.root()).1, "UnknownPrincipal");
    assert!(lives(&house, one).await && lives(&house, two).await && lives(&house, third).await);
    let said = send(&house, HOST, signed(&both("_l2", &second.session), "_l2", &own().signing)).await;
    let verified = opened(&house, &said.text).await;
    assert_eq!(codes(verified.root()), success());
    assert!(!lives(&house, one).await && !lives(&house, two).await && lives(&house, third).await);
}

#[tokio::test]
async fn only_who_signs_for_us_now_and_once_ends_anything() {
    let house = House::new().await;
    let (_, told, session) = alice(&house).await;
    let now = house.world.now();
    let of = |id: &str, issued: Millis| logout(id, APP, &told.name, Some(&told.session), issued);
    let key = &own().signing;
    for (body, word) in [
        (envelope(of("_1", now)), "unsigned"),
        (signed(&of("_2", now), "_2", &strangers().signing), "signature"),
        (signed(&of("_3", now - Duration::from_secs(360)), "_3", key), "expired"),
        (signed(&of("_4", now + Duration::from_secs(61)), "_4", key), "expired"),
        (
            signed(&logout("_5", "https://nobody.example", &told.name, Some(&told.session), now), "_5", key),
            "unknown_party",
        ),
    ] {
        let said = send(&house, HOST, body).await;
        assert_eq!((said.status, said.text.contains(word)), (StatusCode::FORBIDDEN, true), "{word} {}", said.text);
    }
    // Neither is one for another address, nor one that says none.
    for change in ["/saml/other", ""] {
        let text = of("_6", now).as_str().replace(&format!("{ORIGIN}/saml/slo"), change);
        let body = signed(&again(&text), "_6", key);
        assert_eq!(send(&house, HOST, body).await.status, StatusCode::FORBIDDEN);
    }
    assert!(lives(&house, session).await);
    let body = signed(&of("_7", now), "_7", key);
    assert_eq!(send(&house, HOST, body.clone()).await.status, StatusCode::OK);
    let again = send(&house, HOST, body).await;
    assert_eq!((again.status, again.text.contains("replayed")), (StatusCode::FORBIDDEN, true));
}

#[tokio::test]
async fn a_request_is_over_when_it_says_so() {
    let house = House::new().await;
    let (_, told, session) = alice(&house).await;
    for (ago, counts) in ENDS.into_iter().rev() {
        let message = lasting(&format!("_l{}", ago.as_millis()), &told, NOW - ago);
        let said = send(&house, HOST, envelope(message)).await;
        let status = if counts { StatusCode::OK } else { StatusCode::FORBIDDEN };
        assert_eq!((said.status, said.text.contains(">expired<")), (status, !counts), "{ago:?} {}", said.text);
        assert_eq!(lives(&house, session).await, !counts, "{ago:?}");
    }
}

#[tokio::test]
async fn a_wrapped_request_ends_nothing() {
    let house = House::new().await;
    let (_, told, session) = alice(&house).await;
    let (others, _, foreign) = house.signed_in("bob", Strength::Passkey).await;
    let bob = sign_in(&house, &others, "_b", APP).await;
    let message = logout("_good", APP, &told.name, Some(&told.session), NOW);
    let good = xmlsig::sign(&message, "_good", &own().signing).unwrap();
    let forge = |text: &str| {
        let text = text.replace("_good", "_evil").replace(&told.session, &bob.session);
        text.replace(&format!(">{}<", told.name), &format!(">{}<", bob.name))
    };
    let whole = envelope(good.clone());
    let inside = |header: &str, body: &str| {
        let whole = whole.replace(good.as_str(), body);
        whole.replacen("<S:Body>", &format!("{header}<S:Body>"), 1)
    };
    let header = |inner: &str| format!("<S:Header>{inner}</S:Header>");
    let mut cases: Vec<_> = wrapped(good.as_str(), forge)
        .into_iter()
        .map(|(place, evil, word)| match place {
            // Its own is all that is looked for, as none comes without.
            "in an extension, with its signature" => (place, inside("", &evil), "unsigned"),
            _ => (place, inside("", &evil), word),
        })
        .collect();
    let start = good.as_str().find("<ds:Signature").unwrap();
    let end = good.as_str().find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let (signature, unsigned) =
        (&good.as_str()[start..end], format!("{}{}", &good.as_str()[..start], &good.as_str()[end..]));
    let evil = forge(&unsigned);
    let with_signature = evil.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1);
    cases.extend([
        ("in the header, with its signature", inside(&header(good.as_str()), &evil), "unsigned"),
        ("in the header, its signature outside", inside(&header(&unsigned), &with_signature), "signature"),
        ("in the header, by the same ID", inside(&header(&unsigned), &with_signature.replace("_evil", "_good")), "xml"),
        ("beside it in the body", inside("", &format!("{}{evil}", good.as_str())), "Body"),
        ("in a body before it", inside(&format!("<S:Body>{}</S:Body>", good.as_str()), &evil), "Body"),
    ]);
    for (place, body, word) in cases {
        assert!(body.contains(&bob.session), "{place}");
        let said = send(&house, HOST, body).await;
        // What is no message is a fault of another status.
        let status = if matches!(word, "xml" | "Body") { 500 } else { 403 };
        assert_eq!(said.status.as_u16(), status, "{place} {}", said.text);
        assert!(said.text.contains(&format!(">{word}<")), "{place} {}", said.text);
        assert!(lives(&house, session).await && lives(&house, foreign).await, "{place}");
    }
    let said = send(&house, HOST, whole.clone()).await;
    assert_eq!((said.status, codes(opened(&house, &said.text).await.root())), (StatusCode::OK, success()));
    assert!(!lives(&house, session).await && lives(&house, foreign).await);
}

#[tokio::test]
async fn of_a_hundred_that_are_the_same_one_is_answered() {
    let house = House::new().await;
    let (_, told, session) = alice(&house).await;
    let body = signed(&logout("_1", APP, &told.name, Some(&told.session), house.world.now()), "_1", &own().signing);
    let all = futures_util::future::join_all((0..100).map(|_| send(&house, HOST, body.clone()))).await;
    assert_eq!(all.iter().filter(|said| said.status == StatusCode::OK).count(), 1);
    assert!(!lives(&house, session).await);
}

#[tokio::test]
async fn foreign_names_sessions_and_organisations_are_nobodys_to_end() {
    let house = House::new().await;
    let (_, told, session) = alice(&house).await;
    let (others, _, other_session) = house.signed_in("bob", Strength::Passkey).await;
    let bob = sign_in(&house, &others, "_b", APP).await;
    let unknown = ("Requester".to_owned(), "UnknownPrincipal".to_owned());
    assert_eq!(ask(&house, "_1", &bob.name, Some(&told.session)).await, unknown);
    assert_eq!(ask(&house, "_2", &told.name, Some(&bob.session)).await, unknown);
    // A name alone leads to no session.
    assert_eq!(ask(&house, "_3", &told.name, None).await.1, "RequestUnsupported");
    // Another application's session is none that this one knows.
    let there = sign_in(&house, &others, "_c", SECOND).await;
    assert_eq!(ask(&house, "_4", &there.name, Some(&there.session)).await, success());
    // The same application of another organisation.
    house.application(house.other, "DIOOOOOOOOOOOOOOOOOO", APP, party()).await;
    let message = logout("_5", APP, &told.name, Some(&told.session), house.world.now());
    let said = send(&house, OTHER_HOST, signed(&message, "_5", &own().signing)).await;
    assert_eq!(said.status, StatusCode::FORBIDDEN, "for another address");
    let text = message.as_str().replace(HOST, OTHER_HOST);
    let said = send(&house, OTHER_HOST, signed(&again(&text), "_5", &own().signing)).await;
    assert_eq!(said.status, StatusCode::OK, "it knows no such session");
    assert!(lives(&house, session).await && lives(&house, other_session).await);
}

#[tokio::test]
async fn what_is_no_envelope_is_a_fault() {
    let house = House::new().await;
    let message = logout("_1", APP, "alice", Some("x"), house.world.now());
    let signed = xmlsig::sign(&message, "_1", &own().signing).unwrap();
    for body in [
        String::new(),
        "hello".to_owned(),
        signed.as_str().to_owned(),
        envelope(signed.clone()).replace("schemas.xmlsoap.org/soap/envelope", "www.w3.org/2003/05/soap-envelope"),
        format!("<!DOCTYPE x [<!ENTITY a 'b'>]>{}", signed.as_str()),
        format!("<x>{}</x>", "y".repeat(100_000)),
    ] {
        let said = send(&house, HOST, body).await;
        assert_eq!(said.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(said.text.contains("Fault>"), "{}", said.text);
    }
    let nowhere = send(&house, "api-nobody.example.test", envelope(signed)).await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
}
