//! What strangers send: each class of mistake that others have made, at this door.

use super::support::*;
use auth::account::Strength;
use http::{Method, Request, StatusCode};
use proptest::prelude::*;
use sso::party::SamlParty;
use std::{sync::OnceLock, time::Duration};
use xmlsig::{Fragment, Xml, ns};

/// An application whose requests must be signed.
fn signing() -> SamlParty {
    SamlParty { want_signed_requests: true, ..party() }
}

fn signed(id: &str) -> Fragment {
    xmlsig::sign(&plain(id), id, &own().signing).unwrap()
}

async fn posted(browser: &Browser, xml: &str) -> Answer {
    browser.post("/saml/sso", &[("SAMLRequest", &xmlsig::post::encode(xml))]).await
}

/// Sends a form, and goes on to what is kept: what the application would be told.
async fn answered(browser: &Browser, xml: &str) -> Answer {
    let answer = posted(browser, xml).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    browser.get(&answer.location).await
}

#[tokio::test]
async fn unsigned_where_signed_is_wanted() {
    let house = House::with(signing()).await;
    let (browser, ..) = house.signed_in("alice", Strength::Passkey).await;
    assert_eq!(browser.get(&carried(&plain("_r1"))).await.refusal(), "unsigned");
    assert_eq!(posted(&browser, plain("_r1").as_str()).await.refusal(), "unsigned");
    let path = by_redirect(&plain("_r1"), "/saml/sso", None, Some(&own().signing));
    assert_eq!(browser.get(&path).await.codes().0, "Success");
    assert_eq!(answered(&browser, signed("_r2").as_str()).await.codes().0, "Success");
}

#[tokio::test]
async fn a_signature_by_somebody_else_is_refused_also_where_none_is_wanted() {
    for settings in [party(), signing()] {
        let house = House::with(settings).await;
        let (browser, ..) = house.signed_in("alice", Strength::Passkey).await;
        let path = by_redirect(&plain("_r1"), "/saml/sso", None, Some(&strangers().signing));
        assert_eq!(browser.get(&path).await.refusal(), "signature");
        let foreign = xmlsig::sign(&plain("_r1"), "_r1", &strangers().signing).unwrap();
        assert_eq!(posted(&browser, foreign.as_str()).await.refusal(), "signature");
    }
}

#[tokio::test]
async fn a_certificate_that_cannot_be_read_takes_nothing_from_the_others() {
    let house = House::new().await;
    let (browser, ..) = house.signed_in("alice", Strength::Passkey).await;
    let signed_by = |id: &str, keys: &Keys| by_redirect(&plain(id), "/saml/sso", None, Some(&keys.signing));
    house.had(IKEY, |party| party.certificates.insert(0, "MAA=".to_owned())).await;
    assert_eq!(browser.get(&carried(&plain("_r1"))).await.codes().0, "Success");
    assert_eq!(browser.get(&signed_by("_r2", own())).await.codes().0, "Success");
    assert_eq!(browser.get(&signed_by("_r3", strangers())).await.refusal(), "signature");
    house.had(IKEY, |party| party.certificates.truncate(1)).await;
    assert_eq!(browser.get(&carried(&plain("_r4"))).await.codes().0, "Success");
    // Not as at an application that has no keys, where nobody can say whose a signature is.
    assert_eq!(browser.get(&signed_by("_r5", strangers())).await.refusal(), "ours");
    let foreign = xmlsig::sign(&plain("_r6"), "_r6", &strangers().signing).unwrap();
    assert_eq!(posted(&browser, foreign.as_str()).await.refusal(), "ours");
}

#[tokio::test]
async fn signature_stripped_or_cut() {
    let house = House::with(signing()).await;
    let browser = house.browser();
    let path = by_redirect(&plain("_r1"), "/saml/sso", Some("x"), Some(&own().signing));
    let (without, _) = path.split_once("&Signature=").unwrap();
    let (bare, _) = path.split_once("&SigAlg=").unwrap();
    assert_eq!(browser.get(without).await.refusal(), "signature");
    assert_eq!(browser.get(bare).await.refusal(), "unsigned");
    // The RelayState is covered, too.
    assert_eq!(browser.get(&path.replace("RelayState=x", "RelayState=y")).await.refusal(), "signature");
    assert_eq!(browser.get(&path.replace("&RelayState=x", "")).await.refusal(), "signature");
    for empty in ["", "AA%3D%3D"] {
        assert_eq!(browser.get(&format!("{without}&Signature={empty}")).await.refusal(), "signature");
    }
}

#[tokio::test]
async fn sha1_none_and_unknown_algorithms() {
    let house = House::new().await;
    let browser = house.browser();
    let path = by_redirect(&plain("_r1"), "/saml/sso", None, Some(&own().signing));
    for algorithm in [
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
        "none",
        "",
    ] {
        let escaped: String = form_urlencoded::byte_serialize(algorithm.as_bytes()).collect();
        let (before, rest) = path.split_once("&SigAlg=").unwrap();
        let (_, after) = rest.split_once('&').unwrap();
        let changed = format!("{before}&SigAlg={escaped}&{after}");
        assert_eq!(browser.get(&changed).await.refusal(), "signature", "{algorithm}");
        let right = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
        let xml = signed("_r1").as_str().replace(right, algorithm);
        assert_eq!(posted(&browser, &xml).await.refusal(), "signature", "{algorithm}");
    }
    let digest = signed("_r1").as_str().replace("xmlenc#sha256", "xmldsig#sha1");
    assert_eq!(posted(&browser, &digest).await.refusal(), "signature");
}

/// A request that its author changed after the application signed another one: the eight places where the signed one can be put
/// (Somorovsky et al., "On Breaking SAML", §4).
#[tokio::test]
async fn wrapped_requests_are_read_as_what_was_signed_or_not_at_all() {
    let house = House::with(signing()).await;
    let (browser, ..) = house.signed_in("alice", Strength::Passkey).await;
    let good = signed("_good").as_str().to_owned();
    let start = good.find("<ds:Signature").unwrap();
    let end = good.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let signature = &good[start..end];
    let unsigned = format!("{}{}", &good[..start], &good[end..]);
    let open = |id: &str| {
        format!(
            "<samlp:AuthnRequest xmlns:samlp=\"{}\" xmlns:saml=\"{}\" ID=\"{id}\" Version=\"2.0\" IssueInstant=\"{}\" \
             Destination=\"{ORIGIN}/saml/sso\" AssertionConsumerServiceIndex=\"7\">",
            ns::SAMLP,
            ns::SAML,
            at(NOW)
        )
    };
    let issuer = format!("<saml:Issuer>{APP}</saml:Issuer>");
    let close = "</samlp:AuthnRequest>";
    let extensions = |inner: &str| format!("<samlp:Extensions>{inner}</samlp:Extensions>");
    let object =
        |inner: &str| signature.replace("</ds:Signature>", &format!("<ds:Object>{inner}</ds:Object></ds:Signature>"));
    for (name, evil) in [
        ("1: the signed one in the signature", format!("{}{issuer}{}{close}", open("_evil"), object(&unsigned))),
        (
            "2: the signed one before the signature's place",
            format!("{}{issuer}{unsigned}{signature}{close}", open("_evil")),
        ),
        ("3: beside it", format!("{}{issuer}{signature}{unsigned}{close}", open("_evil"))),
        (
            "4: in an extension, its signature outside",
            format!("{}{issuer}{signature}{}{close}", open("_evil"), extensions(&unsigned)),
        ),
        ("5: in an extension, with its signature", format!("{}{issuer}{}{close}", open("_evil"), extensions(&good))),
        ("6: the same ID twice", format!("{}{issuer}{signature}{}{close}", open("_good"), extensions(&unsigned))),
        (
            "7: the evil one inside the good one",
            good.replace(close, &format!("{}{issuer}{close}{close}", open("_evil"))),
        ),
        (
            "8: the evil one in the good one's signature",
            good.replace(
                "</ds:Signature>",
                &format!("<ds:Object>{}{issuer}{close}</ds:Object></ds:Signature>", open("_evil")),
            ),
        ),
    ] {
        let answer = posted(&browser, &evil).await;
        if answer.status == StatusCode::SEE_OTHER {
            // What was signed is all that counts.
            let told = browser.get(&answer.location).await;
            assert_eq!(told.action(), ACS, "{name}");
            assert_eq!(told.response().root().attribute("InResponseTo"), Some("_good"), "{name}");
        } else {
            assert!(
                matches!(answer.refusal(), "signature" | "unsigned" | "xml" | "element"),
                "{name}: {}",
                answer.refusal()
            );
        }
    }
    // By the address, an inner signature was moved there from a form.
    assert_eq!(browser.get(&raw(good.as_bytes())).await.refusal(), "signature");
}

#[tokio::test]
async fn an_address_that_is_not_registered_gets_nothing() {
    let house = House::new().await;
    let (browser, ..) = house.signed_in("alice", Strength::Passkey).await;
    for look_alike in [
        "https://app.example/acs/",
        "https://app.example/acs?x",
        "https://app.example/acs/../evil",
        "https://app.example/ac",
        "https://app.example/acsx",
        "https://app.example.evil.example/acs",
        "https://evil.example/acs",
        "https://app.example@evil.example/acs",
        "https://APP.example/acs",
        "http://app.example/acs",
        "https://app.example:443/acs",
        "https://app.example/%61cs",
        "//app.example/acs",
        "javascript:alert(1)",
        " https://app.example/acs",
        "https://second.example/acs",
    ] {
        let path = carried(&request("_r1", |xml| xml.with("AssertionConsumerServiceURL", look_alike)));
        assert_eq!(browser.get(&path).await.refusal(), "acs", "{look_alike}");
    }
    for index in ["0", "2", "65535"] {
        let path = carried(&request("_r1", |xml| xml.with("AssertionConsumerServiceIndex", index)));
        assert_eq!(browser.get(&path).await.refusal(), "acs");
    }
    for index in ["-1", "65536", "1 ", "+1", "x", "000001"] {
        let path = carried(&request("_r1", |xml| xml.with("AssertionConsumerServiceIndex", index)));
        assert_eq!(browser.get(&path).await.refusal(), "AssertionConsumerServiceIndex", "{index}");
    }
    let both =
        request("_r1", |xml| xml.with("AssertionConsumerServiceURL", ACS).with("AssertionConsumerServiceIndex", "1"));
    assert_eq!(browser.get(&carried(&both)).await.refusal(), "AssertionConsumerServiceIndex");
}

fn to(destination: Option<&str>) -> Fragment {
    Xml::new("samlp:AuthnRequest")
        .with("xmlns:samlp", ns::SAMLP)
        .with("xmlns:saml", ns::SAML)
        .with("ID", "_r1")
        .with("Version", "2.0")
        .with("IssueInstant", at(NOW))
        .with_some("Destination", destination)
        .child(Xml::new("saml:Issuer").text(APP))
        .render()
        .unwrap()
}

#[tokio::test]
async fn a_message_for_somebody_else_is_refused() {
    let house = House::new().await;
    let (browser, ..) = house.signed_in("alice", Strength::Passkey).await;
    for wrong in [
        "https://other-idp.example/saml/sso",
        "https://api-other.example.test/saml/sso",
        "https://api-acme.example.test/saml/sso/",
        "https://api-acme.example.test/saml/slo",
        "http://api-acme.example.test/saml/sso",
        "https://api-acme.example.test:8443/saml/sso",
    ] {
        assert_eq!(browser.get(&carried(&to(Some(wrong)))).await.refusal(), "destination", "{wrong}");
    }
    // One that was signed must say for whom: else it could be shown elsewhere.
    let path = by_redirect(&to(None), "/saml/sso", None, Some(&own().signing));
    assert_eq!(browser.get(&path).await.refusal(), "destination");
    assert_eq!(browser.get(&carried(&to(None))).await.codes().0, "Success");
}

#[tokio::test]
async fn a_request_is_answered_once_in_whichever_browser() {
    let house = House::new().await;
    let (browser, ..) = house.signed_in("alice", Strength::Passkey).await;
    let (other, ..) = house.signed_in("bob", Strength::Passkey).await;
    let path = carried(&plain("_r1"));
    assert_eq!(browser.get(&path).await.codes().0, "Success");
    assert_eq!(browser.get(&path).await.refusal(), "replayed");
    assert_eq!(other.get(&path).await.refusal(), "replayed");
    // Another application may happen to use the same ID.
    let xml = plain("_r1").as_str().replace(APP, SECOND);
    assert_eq!(browser.get(&raw(xml.as_bytes())).await.codes().0, "Success");
}

#[tokio::test]
async fn of_a_hundred_who_bring_one_request_one_is_answered() {
    let house = House::new().await;
    let (browser, ..) = house.signed_in("alice", Strength::Passkey).await;
    let path = carried(&plain("_r1"));
    let all = futures_util::future::join_all((0..100).map(|_| browser.get(&path))).await;
    let won = all.iter().filter(|answer| answer.status == StatusCode::OK && answer.codes().0 == "Success").count();
    assert_eq!(won, 1);
}

#[tokio::test]
async fn dtd_entities_comments_and_cdata() {
    let house = House::new().await;
    let (browser, ..) = house.signed_in("alice", Strength::Passkey).await;
    let good = plain("_r1").as_str().to_owned();
    let body = |inner: &str| good.replace(&format!(">{APP}<"), &format!(">{inner}<"));
    for (evil, word) in [
        (format!("<!DOCTYPE x [<!ENTITY e \"{APP}\">]>{}", body("&e;")), "dtd"),
        (format!("<!DOCTYPE x SYSTEM \"file:///etc/passwd\">{good}"), "dtd"),
        (
            format!(
                "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;\">]>{}",
                body("&c;")
            ),
            "dtd",
        ),
        (body("&nbsp;"), "dtd"),
        (body(&format!("{APP}<!-- -->.evil.example")), "text"),
        (body(&format!("{APP}<?x y?>")), "xml"),
        (body(&format!("<![CDATA[{APP}]]>")), "xml"),
        (body(&format!("{APP}<b/>")), "text"),
        (good.replace("samlp:AuthnRequest", "AuthnRequest"), "AuthnRequest"),
        (good.replace("2.0\" IssueInstant", "1.1\" IssueInstant"), "Version"),
        (format!("{good}{good}"), "xml"),
        ("<a>".repeat(2000), "too_large"),
        (String::new(), "xml"),
        ("\u{0}".to_owned(), "xml"),
    ] {
        assert_eq!(browser.get(&raw(evil.as_bytes())).await.refusal(), word, "{evil}");
        let encoded = xmlsig::post::encode(&evil);
        assert_eq!(browser.post("/saml/sso", &[("SAMLRequest", &encoded)]).await.refusal(), word, "{evil}");
    }
}

#[tokio::test]
async fn bombs_and_what_is_too_large() {
    let house = House::new().await;
    let browser = house.browser();
    let blanks = vec![b' '; 8 * 1024 * 1024];
    let bomb = raw(&blanks);
    // What is read of it, is read no further than to the limit.
    assert!(matches!(browser.get(&bomb).await.refusal(), "too_large"), "{}", bomb.len());
    let long = format!("/saml/sso?SAMLRequest={}", "A".repeat(20 * 1024));
    assert_eq!(browser.get(&long).await.refusal(), "too_large");
    let huge = "A".repeat(300 * 1024);
    assert_eq!(browser.post("/saml/sso", &[("SAMLRequest", &huge)]).await.refusal(), "too_large");
    let wide = request("_r1", |xml| {
        let class = || Xml::new("saml:AuthnContextClassRef").text("urn:x");
        xml.child(Xml::new("samlp:RequestedAuthnContext").children((0..21).map(|_| class())))
    });
    assert_eq!(browser.get(&carried(&wide)).await.refusal(), "too_large");
    for wrong in ["/saml/sso", "/saml/sso?SAMLRequest=", "/saml/sso?SAMLRequest=!", "/saml/sso?SAMLResponse=AAAA"] {
        let answer = browser.get(wrong).await;
        assert!(matches!(answer.refusal(), "no_message" | "encoding" | "xml"), "{wrong}: {}", answer.refusal());
    }
    let path = carried(&plain("_r1"));
    assert_eq!(browser.get(&format!("{path}&SAMLRequest=AAAA")).await.refusal(), "no_message");
    assert_eq!(browser.get(&format!("{path}&SAMLResponse=AAAA")).await.refusal(), "no_message");
}

#[tokio::test]
async fn relay_states_are_given_back_as_they_are_and_open_nothing() {
    let house = House::new().await;
    let (browser, ..) = house.signed_in("alice", Strength::Passkey).await;
    for (place, hostile) in [
        "\"><script>alert(1)</script>",
        "'><img src=x onerror=alert(1)>",
        "https://evil.example/",
        "javascript:alert(1)",
        "</form><form action=https://evil.example>",
        "a\u{202e}b",
    ]
    .into_iter()
    .enumerate()
    {
        let path = by_redirect(&plain(&format!("_r{place}")), "/saml/sso", Some(hostile), None);
        let answer = browser.get(&path).await;
        assert_eq!((answer.action(), answer.field("RelayState").as_deref()), (ACS, Some(hostile)));
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    }
    let long = "x".repeat(1025);
    assert_eq!(browser.get(&by_redirect(&plain("_l1"), "/saml/sso", Some(&long), None)).await.refusal(), "relay_state");
    let answer = browser.get(&by_redirect(&plain("_l2"), "/saml/sso", Some(&long[1..]), None)).await;
    assert_eq!(answer.field("RelayState").as_deref(), Some(&long[1..]));
}

#[tokio::test]
async fn another_tenants_application_is_nobody_here() {
    let house = House::new().await;
    house.application(house.other, "DIOOOOOOOOOOOOOOOOOO", "https://other.example/saml", party()).await;
    let (browser, ..) = house.signed_in("alice", Strength::Passkey).await;
    let foreign = plain("_r1").as_str().replace(APP, "https://other.example/saml");
    assert_eq!(browser.get(&raw(foreign.as_bytes())).await.refusal(), "unknown_party");
    assert_eq!(browser.get("/saml/start/DIOOOOOOOOOOOOOOOOOO").await.refusal(), "unknown_party");
    // A session of this tenant is none at the other, and what is kept here isn't kept there.
    let mut there = house.browser();
    there.host = OTHER_HOST.to_owned();
    for (name, value) in browser.cookies() {
        there.put(&name, &value);
    }
    let elsewhere = foreign.replace(HOST, OTHER_HOST);
    let answer = there.get(&raw(elsewhere.as_bytes())).await;
    assert!(answer.location.starts_with("/sign-in/"), "{} {}", answer.status, answer.text);
    let kept = posted(&browser, plain("_r2").as_str()).await.location;
    for (name, value) in browser.cookies() {
        there.put(&name, &value);
    }
    assert_eq!(there.get(&kept).await.refusal(), "nobody_asked");
    there.host = "unknown.example.test".to_owned();
    assert_eq!(there.get(&carried(&plain("_r3"))).await.refusal(), "unknown_host");
    assert_eq!(there.get("/saml/metadata").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_kept_request_is_its_browsers_alone() {
    let house = House::new().await;
    // Somebody begins a sign-in and sends the address to another, who is signed in: fixation, and login CSRF.
    let attacker = house.browser();
    let path = posted(&attacker, plain("_r1").as_str()).await.location;
    let (victim, ..) = house.signed_in("alice", Strength::Passkey).await;
    assert_eq!(victim.get(&path).await.refusal(), "nobody_asked");
    assert_eq!(victim.get(&format!("{path}?tried")).await.refusal(), "nobody_asked");
    // Nor is one of another door's, or of another kind, read as this one.
    for wrong in ["/saml/continue/x", "/saml/continue/01890a5d-ac96-774b-bcce-b302099a8057", "/saml/farewell/x"] {
        assert_eq!(victim.get(wrong).await.refusal(), "nobody_asked", "{wrong}");
    }
    let farewell = path.replace("continue", "farewell");
    assert_eq!(attacker.get(&farewell).await.refusal(), "nobody_asked");
}

#[tokio::test]
async fn the_host_header_names_a_tenant_and_nothing_else() {
    let house = House::new().await;
    let (mut browser, ..) = house.signed_in("alice", Strength::Passkey).await;
    browser.host = format!("{}.:8443", HOST.to_uppercase());
    let answer = browser.get("/saml/metadata").await;
    assert!(answer.text.contains(&format!("entityID=\"{ORIGIN}/saml/metadata\"")), "{}", answer.text);
    let answer = browser.get(&carried(&plain("_r1"))).await;
    assert!(answer.response().root().only(ns::SAML, "Issuer").unwrap().text().unwrap().starts_with(ORIGIN));
}

#[tokio::test]
async fn other_methods_and_bodies_are_refused() {
    use tower::ServiceExt as _;
    let house = House::new().await;
    for (method, kind, body) in [
        (Method::PUT, "application/x-www-form-urlencoded", "SAMLRequest=AAAA"),
        (Method::POST, "text/xml", "<a/>"),
        (Method::POST, "", ""),
        (Method::POST, "multipart/form-data; boundary=x", "--x--"),
    ] {
        let request = Request::builder()
            .method(method)
            .uri("/saml/sso")
            .header("host", HOST)
            .header("content-type", kind)
            .body(axum::body::Body::from(body))
            .unwrap();
        let response = house.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    }
    let fields = [("SAMLRequest", "AAAA"), ("SAMLRequest", "AAAA")];
    assert_eq!(house.browser().post("/saml/sso", &fields).await.refusal(), "no_message");
}

#[tokio::test]
async fn what_strangers_are_told_is_limited_and_leaves_no_more_behind() {
    let house = House::with(SamlParty { want_signed_logout: false, ..party() }).await;
    let browser = house.browser();
    let silent = |id: &str| carried(&request(id, |xml| xml.with("IsPassive", "true")));
    for n in 0..300 {
        assert_eq!(browser.get(&silent(&format!("_r{n}"))).await.codes().1, "NoPassive", "{n}");
    }
    let logout = Xml::new("samlp:LogoutRequest")
        .with("xmlns:samlp", ns::SAMLP)
        .with("xmlns:saml", ns::SAML)
        .with("ID", "_l1")
        .with("Version", "2.0")
        .with("IssueInstant", at(NOW))
        .with("Destination", format!("{ORIGIN}/saml/slo"))
        .child(Xml::new("saml:Issuer").text(APP))
        .child(Xml::new("saml:NameID").text("alice"));
    let logout = by_redirect(&logout.render().unwrap(), "/saml/slo", None, None);
    for path in [silent("_late"), logout.clone()] {
        let refused = browser.get(&path).await;
        assert_eq!((refused.status, refused.refusal()), (StatusCode::TOO_MANY_REQUESTS, "limited"));
    }
    // Who is signed in isn't a stranger.
    let (alice, ..) = house.signed_in("alice", Strength::Passkey).await;
    assert_eq!(alice.get(&silent("_in")).await.codes().0, "Success");
    // Nothing of these was written down: they are answered a minute later.
    house.clock.advance(Duration::from_secs(60));
    assert_eq!(browser.get(&silent("_late")).await.codes().1, "NoPassive");
    assert_eq!(browser.get(&silent("_late")).await.refusal(), "replayed");
    assert_ne!(browser.get(&logout).await.status, StatusCode::TOO_MANY_REQUESTS);
}

/// One house for all cases: making it takes longer than they do.
fn shared() -> &'static (tokio::runtime::Runtime, House) {
    static SHARED: OnceLock<(tokio::runtime::Runtime, House)> = OnceLock::new();
    SHARED.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let house = runtime.block_on(House::new());
        (runtime, house)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_that_is_sent_signs_anybody_in(octets in prop::collection::vec(any::<u8>(), 0..200), cut in 0_usize..900) {
        let (runtime, house) = shared();
        let good = plain("_r1").as_str().as_bytes().to_vec();
        let cut = cut.min(good.len());
        let mixed: Vec<u8> = good[..cut].iter().chain(&octets).chain(&good[cut..]).copied().collect();
        for message in [octets.as_slice(), &mixed] {
            let answer = runtime.block_on(house.browser().get(&raw(message)));
            prop_assert!(answer.status != StatusCode::OK || answer.codes().0 != "Success");
            prop_assert!(!answer.status.is_server_error(), "{}", answer.text);
        }
    }
}
