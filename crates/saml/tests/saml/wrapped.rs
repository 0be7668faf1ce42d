//! Signature wrapping of logouts: a signed message moved to wherever it can still stand, and a forged one in its place.

use super::{
    logout::{SECOND_SLO, answer_of, by, carried_to, lives, logout, sign_in},
    support::*,
};
use auth::account::Strength;

/// So many ways there are.
pub(crate) const WRAPPED: usize = 11;

/// A signed message and a forged one in its place, in all ways in which the signed one can still stand somewhere (Somorovsky et al., "On
/// Breaking SAML", §4), and what each is refused for by a form.
pub(crate) fn wrapped(good: &str, forge: impl Fn(&str) -> String) -> [(&'static str, String, &'static str); WRAPPED] {
    let start = good.find("<ds:Signature").unwrap();
    let end = good.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let (signature, unsigned) = (&good[start..end], format!("{}{}", &good[..start], &good[end..]));
    let evil = forge(&unsigned);
    assert_ne!(evil, unsigned);
    let id = |text: &str| text.split_once(" ID=\"").unwrap().1.split_once('"').unwrap().0.to_owned();
    let (good_id, evil_id) = (id(good), id(&evil));
    let after_issuer =
        |outer: &str, inner: &str| outer.replacen("</saml:Issuer>", &format!("</saml:Issuer>{inner}"), 1);
    let last = |outer: &str, inner: &str| {
        let at = outer.rfind("</").unwrap();
        format!("{}{inner}{}", &outer[..at], &outer[at..])
    };
    let extensions = |inner: &str| format!("<samlp:Extensions>{inner}</samlp:Extensions>");
    let object = |inner: &str| last(signature, &format!("<ds:Object>{inner}</ds:Object>"));
    let same = evil.replace(&evil_id, &good_id);
    [
        ("in an object of the signature", after_issuer(&evil, &object(&unsigned)), "signature"),
        ("before the signature", after_issuer(&evil, &format!("{unsigned}{signature}")), "signature"),
        ("behind the signature", after_issuer(&evil, &format!("{signature}{unsigned}")), "signature"),
        (
            "in an extension, its signature outside",
            after_issuer(&evil, &format!("{signature}{}", extensions(&unsigned))),
            "signature",
        ),
        ("in an extension, with its signature", after_issuer(&evil, &extensions(good)), "signature"),
        ("with the same ID", after_issuer(&same, &format!("{signature}{}", extensions(&unsigned))), "xml"),
        ("nowhere", after_issuer(&evil, signature), "signature"),
        ("nowhere, by its ID", after_issuer(&same, signature), "signature"),
        ("around the forged one", last(good, &evil), "signature"),
        ("with the forged one in its extension", after_issuer(good, &extensions(&evil)), "signature"),
        ("with the forged one in its signature", after_issuer(&unsigned, &object(&evil)), "signature"),
    ]
}

#[tokio::test]
async fn a_wrapped_request_ends_nothing() {
    let house = House::new().await;
    let (browser, _, session) = house.signed_in("alice", Strength::Passkey).await;
    let alice = sign_in(&house, &browser, "_a", APP).await;
    let (others, _, foreign) = house.signed_in("bob", Strength::Passkey).await;
    let bob = sign_in(&house, &others, "_b", APP).await;
    let post = async |xml: &str| browser.post("/saml/slo", &[("SAMLRequest", &xmlsig::post::encode(xml))]).await;
    // The application signed alice out, and somebody makes bob of it.
    let good = logout("_good", APP, &alice.name, Some(&alice.session), NOW);
    let good = xmlsig::sign(&good, "_good", &own().signing).unwrap();
    let forge = |text: &str| {
        let text = text.replace("_good", "_evil").replace(&alice.session, &bob.session);
        text.replace(&format!(">{}<", alice.name), &format!(">{}<", bob.name))
    };
    for (place, evil, word) in wrapped(good.as_str(), forge) {
        assert!(evil.contains(&bob.session), "{place}");
        assert_eq!(post(&evil).await.refusal(), word, "{place}");
        // By the address, an inner signature was moved there from a form.
        let query = raw(evil.as_bytes()).replace("/saml/sso", "/saml/slo");
        assert_eq!(browser.get(&query).await.refusal(), word, "{place}");
        assert!(lives(&house, session).await && lives(&house, foreign).await, "{place}");
    }
    let taken = post(good.as_str()).await;
    assert!(browser.get(&taken.location).await.location.starts_with(SLO), "{} {}", taken.status, taken.text);
    assert!(!lives(&house, session).await && lives(&house, foreign).await);
}

#[tokio::test]
async fn a_wrapped_answer_is_none() {
    let house = House::new().await;
    let (browser, ..) = house.signed_in("alice", Strength::Passkey).await;
    let here = sign_in(&house, &browser, "_a", APP).await;
    sign_in(&house, &browser, "_b", SECOND).await;
    let keys = house.keys().await;
    let path = by(&logout("_l1", APP, &here.name, Some(&here.session), NOW), Some(&own().signing));
    let (message, round) = carried_to(&browser.get(&path).await.location, SECOND_SLO, &keys);
    let (asked, round) = (message.root().attribute("ID").unwrap(), round.unwrap());
    let post = async |xml: &str| {
        let fields = [("SAMLResponse", &*xmlsig::post::encode(xml)), ("RelayState", &*round)];
        browser.post("/saml/slo", &fields).await
    };
    // It said that it didn't, and somebody makes a yes of it.
    let id = format!("_answer-{asked}");
    let good = xmlsig::sign(&answer_of(SECOND, asked, "Responder"), &id, &strangers().signing).unwrap();
    let forge = |text: &str| text.replace(&id, "_evil").replace("status:Responder", "status:Success");
    for (place, evil, word) in wrapped(good.as_str(), forge) {
        assert!(evil.contains("status:Success"), "{place}");
        assert_eq!(post(&evil).await.refusal(), word, "{place}");
    }
    let taken = post(good.as_str()).await;
    let (message, _) = carried_to(&browser.get(&taken.location).await.location, SLO, &keys);
    assert_eq!(codes(message.root()), ("Success".to_owned(), "PartialLogout".to_owned()), "the right answer counts");
}
