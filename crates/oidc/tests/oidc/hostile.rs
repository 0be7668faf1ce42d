//! What attackers make of the authorisation endpoint: RFC 9700, and the flaw classes of those who did the same before.

use crate::support::{CALLBACK, House, ISSUER, OTHER_HOST, VERIFIER, authorize, query};
use http::{Method, Request, StatusCode, header};
use sso::{ClientAuth, Leaf, OidcClient};

#[tokio::test]
async fn a_redirect_leads_to_a_registered_address_byte_for_byte_or_nowhere() {
    let house = House::new().await;
    let (client, user) = (house.client(|_| {}).await, house.user("alice").await);
    let (browser, _) = house.signed_in(user).await;
    for bad in [
        // Prefix, suffix, regular expression, look-alike.
        "https://app.example/cb/more",
        "https://app.example/cb?x=1",
        "https://app.example.evil.example/cb",
        "https://evilapp.example/cb",
        "https://evil.example/?https://app.example/cb",
        "https://appxexample/cb",
        "https://\u{430}pp.example/cb",
        // Somebody's name, case, slashes, ports, fragments.
        "https://app.example@evil.example/cb",
        "https://evil.example\\@app.example/cb",
        "HTTPS://app.example/cb",
        "https://app.example/CB",
        "https://app.example/cb/",
        "https://app.example//cb",
        "https://app.example:443/cb",
        "https://app.example:8443/cb",
        "https://app.example/cb#",
        "https://app.example/cb%23",
        "https://app.example/cb/../cb",
        "http://app.example/cb",
        "//app.example/cb",
        "/cb",
        "javascript:alert(document.domain)",
        "data:text/html,<script>alert(1)</script>",
        "https://app.example/cb\r\nSet-Cookie: a=b",
        "",
    ] {
        let asked = browser.authorize(&client, &[("redirect_uri", bad)]).await;
        asked.is_page();
        // Errors that come after go there neither.
        browser.authorize(&client, &[("redirect_uri", bad), ("scope", "")]).await.is_page();
        browser.authorize(&client, &[("redirect_uri", bad), ("prompt", "none")]).await.is_page();
    }
}

#[tokio::test]
async fn nothing_leads_anywhere_before_the_client_and_its_address_are_known() {
    let house = House::new().await;
    let (client, user) = (house.client(|_| {}).await, house.user("alice").await);
    let elsewhere = house.client_at(house.other, |_| {}).await;
    let (browser, _) = house.signed_in(user).await;
    for more in [
        vec![("client_id", "")],
        vec![("client_id", "DIXXXXXXXXXXXXXXXXXX")],
        // Another tenant's client is none here.
        vec![("client_id", elsewhere.key.as_str())],
        vec![("redirect_uri", CALLBACK), ("redirect_uri", CALLBACK)],
        vec![("client_id", client.key.as_str()), ("client_id", client.key.as_str())],
    ] {
        let mut path = authorize(&client, &more);
        if more.len() == 2 {
            path = format!("{path}&{}", query(&more[..1]));
        }
        browser.get(&path).await.is_page();
    }
    // A host that is nobody's has no endpoint at all.
    let request = Request::get(authorize(&client, &[])).header(header::HOST, "evil.example");
    assert_eq!(house.ask(request.body(axum::body::Body::empty()).unwrap()).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_error_after_that_is_told_with_the_issuer_and_the_state() {
    let house = House::new().await;
    let (client, user) = (house.client(|_| {}).await, house.user("alice").await);
    let (browser, _) = house.signed_in(user).await;
    for (more, error) in [
        (vec![("response_type", "token")], "unsupported_response_type"),
        (vec![("response_type", "code id_token")], "unsupported_response_type"),
        (vec![("response_type", "")], "invalid_request"),
        (vec![("scope", "")], "invalid_scope"),
        (vec![("scope", "unknown")], "invalid_scope"),
        (vec![("prompt", "none login")], "invalid_request"),
        (vec![("max_age", "x")], "invalid_request"),
        (vec![("claims", "{")], "invalid_request"),
        (vec![("registration", "{}")], "registration_not_supported"),
        (vec![("resource", "https://api.example/")], "invalid_target"),
        (vec![("id_token_hint", "a.b.c")], "invalid_request"),
    ] {
        let back = browser.authorize(&client, &more).await.back(CALLBACK);
        assert_eq!(back["error"], error, "{more:?}");
        assert_eq!((back["state"].as_str(), back["iss"].as_str()), ("the state", ISSUER));
        assert!(!back.contains_key("code"));
    }
    // Twice the same parameter: whoever reads the first and whoever reads the last would read different things.
    for name in ["state", "scope", "nonce", "code_challenge", "response_type", "prompt"] {
        let path = format!("{}&{name}=x", authorize(&client, &[]));
        let path = if path.matches(&format!("{name}=")).count() > 1 { path } else { format!("{path}&{name}=y") };
        let answer = browser.get(&path).await;
        assert!(!answer.header("location").contains("code="), "{name}: {answer:?}");
    }
}

#[tokio::test]
async fn pkce_is_not_talked_down_in_either_direction() {
    let house = House::new().await;
    let (client, user) = (house.client(|_| {}).await, house.user("alice").await);
    let excused = house.client(|client| client.pkce_required = false).await;
    let (browser, _) = house.signed_in(user).await;
    for more in [
        vec![("code_challenge", ""), ("code_challenge_method", "")],
        vec![("code_challenge_method", "plain")],
        vec![("code_challenge_method", "")],
        vec![("code_challenge", "")],
    ] {
        assert_eq!(browser.authorize(&client, &more).await.back(CALLBACK)["error"], "invalid_request", "{more:?}");
    }
    // A client that is excused: without a challenge there must be a nonce, and then a verifier is somebody else's.
    let none = [("code_challenge", ""), ("code_challenge_method", ""), ("nonce", "")];
    assert_eq!(browser.authorize(&excused, &none).await.back(CALLBACK)["error"], "invalid_request");
    let back = browser.authorize(&excused, &none[..2]).await.back(CALLBACK);
    let mut form = vec![("grant_type", "authorization_code"), ("code", &back["code"]), ("redirect_uri", CALLBACK)];
    form.push(("code_verifier", VERIFIER));
    assert_eq!(house.post("/oidc/token", &form, Some(&excused)).await.json()["error"], "invalid_grant");
    // And with one, no verifier is none.
    let back = browser.authorize(&excused, &[]).await.back(CALLBACK);
    let form = [("grant_type", "authorization_code"), ("code", &back["code"]), ("redirect_uri", CALLBACK)];
    assert_eq!(house.post("/oidc/token", &form, Some(&excused)).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn a_code_is_worth_nothing_to_another_client_or_at_another_address() {
    let house = House::new().await;
    let (client, user) = (
        house.client(|client| client.redirect_uris.push("https://app.example/other".to_owned())).await,
        house.user("alice").await,
    );
    let thief = house.client(|_| {}).await;
    let (browser, _) = house.signed_in(user).await;
    let back = browser.authorize(&client, &[]).await.back(CALLBACK);
    let form = |uri| {
        [
            ("grant_type", "authorization_code"),
            ("code", back["code"].as_str()),
            ("redirect_uri", uri),
            ("code_verifier", VERIFIER),
        ]
    };
    assert_eq!(house.post("/oidc/token", &form(CALLBACK), Some(&thief)).await.json()["error"], "invalid_grant");
    // Its own client still gets tokens for it: a stranger must not be able to end it.
    assert!(house.post("/oidc/token", &form(CALLBACK), Some(&client)).await.json()["id_token"].is_string());
    let back = browser.authorize(&client, &[]).await.back(CALLBACK);
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &back["code"]),
        ("redirect_uri", "https://app.example/other"),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(house.post("/oidc/token", &form, Some(&client)).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn hostile_texts_stay_texts_wherever_they_come_out() {
    let house = House::new().await;
    let (client, user) = (house.client(|_| {}).await, house.user("alice").await);
    let (browser, _) = house.signed_in(user).await;
    for hostile in [
        "\"><script>alert(1)</script>",
        "javascript:alert(1)",
        "' onfocus=alert(1) autofocus='",
        "&code=stolen&iss=https://evil.example",
        "#fragment",
        "%0d%0aSet-Cookie: a=b",
        "</textarea><svg/onload=alert(1)>",
        "{{7*7}}${7*7}<%= 7*7 %>",
        "\u{202e}gpj.exe",
    ] {
        let back = browser.authorize(&client, &[("state", hostile)]).await.back(CALLBACK);
        assert_eq!(back["state"], hostile);
        assert_eq!(back["iss"], ISSUER);
        let posted = browser.authorize(&client, &[("state", hostile), ("response_mode", "form_post")]).await;
        let Some(Leaf::Carry { fields, .. }) = &posted.leaf else { panic!("{posted:?}") };
        assert!(fields.contains(&("state", hostile.to_owned())), "{hostile}");
        for field in [
            "scope",
            "nonce",
            "prompt",
            "acr_values",
            "login_hint",
            "ui_locales",
            "client_id",
            "redirect_uri",
            "claims",
        ] {
            let answer = browser.authorize(&client, &[(field, hostile)]).await;
            // Nothing of it is repeated on a page.
            assert!(answer.leaf.is_none() || matches!(answer.leaf, Some(Leaf::Refused { .. })), "{field} {hostile}");
            assert!(!answer.header("location").contains(['<', '"', '\r', '\n', ' ']), "{field} {hostile}");
            assert!(!answer.header("location").starts_with("https://evil"), "{field} {hostile}");
        }
    }
    for control in ["a\nb", "a\rb", "a\u{0}b", "a\u{1b}b"] {
        let answer = browser.authorize(&client, &[("state", control)]).await;
        assert!(!answer.header("location").contains("code="), "{control:?}");
    }
}

#[tokio::test]
async fn more_than_eight_kilobytes_or_deep_json_are_not_read() {
    let house = House::new().await;
    let (client, user) = (house.client(|_| {}).await, house.user("alice").await);
    let (browser, _) = house.signed_in(user).await;
    let long = "a".repeat(9 * 1024);
    browser.authorize(&client, &[("state", &long)]).await.is_page();
    browser.send(Method::POST, "/oidc/authorize", Some(format!("state={long}")), &[]).await.is_page();
    let scopes = (0..100).map(|n| format!("s{n}")).collect::<Vec<_>>().join(" ");
    assert_eq!(browser.authorize(&client, &[("scope", &scopes)]).await.back(CALLBACK)["error"], "invalid_request");
    let deep = "[".repeat(400);
    assert_eq!(browser.authorize(&client, &[("claims", &deep)]).await.back(CALLBACK)["error"], "invalid_request");
}

#[tokio::test]
async fn a_request_that_an_attacker_began_is_worth_nothing_in_a_victims_browser() {
    // Session fixation and login CSRF: the flow's id is in an address that anybody can send to anybody.
    let house = House::new().await;
    let (client, user) = (house.client(|_| {}).await, house.user("alice").await);
    let attacker = house.browser();
    let form = authorize(&client, &[]).split_once('?').unwrap().1.to_owned();
    let kept = attacker.send(Method::POST, "/oidc/authorize", Some(form), &[]).await;
    let (victim, _) = house.signed_in(user).await;
    for query in ["", "?tried"] {
        victim.get(&format!("{}{query}", kept.location())).await.is_page();
    }
    // The attacker's cookie under a name that isn't the host's own is none.
    let stolen = attacker.cookies.lock().unwrap().clone();
    for (name, value) in stolen {
        victim.put(name.strip_prefix("__Host-").unwrap_or(&name), &value);
    }
    victim.get(kept.location()).await.is_page();
}

#[tokio::test]
async fn an_id_token_of_another_tenant_or_client_is_no_hint() {
    let house = House::new().await;
    let (client, user) = (house.client(|_| {}).await, house.user("alice").await);
    let second = house.client(|_| {}).await;
    let (browser, _) = house.signed_in(user).await;
    let id_token = |client: &sso::manage::MadeParty, back: std::collections::BTreeMap<String, String>| {
        let form = [
            ("grant_type".to_owned(), "authorization_code".to_owned()),
            ("code".to_owned(), back["code"].clone()),
            ("redirect_uri".to_owned(), CALLBACK.to_owned()),
            ("code_verifier".to_owned(), VERIFIER.to_owned()),
        ];
        let (house, key, secret) = (&house, client.key.clone(), client.secret.clone());
        async move {
            let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let made = sso::manage::MadeParty { ikey: key.clone(), key, secret };
            let tokens = house.post("/oidc/token", &form, Some(&made)).await.json();
            (tokens["id_token"].as_str().unwrap().to_owned(), tokens["access_token"].as_str().unwrap().to_owned())
        }
    };
    let (own, access) = id_token(&client, browser.authorize(&client, &[]).await.back(CALLBACK)).await;
    let (foreign, _) = id_token(&second, browser.authorize(&second, &[]).await.back(CALLBACK)).await;
    assert!(
        browser
            .authorize(&client, &[("id_token_hint", &own), ("prompt", "none")])
            .await
            .back(CALLBACK)
            .contains_key("code")
    );
    let broken = format!("{}x", &own[..own.len() - 1]);
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", own.split('.').nth(1).unwrap());
    for hint in [foreign.as_str(), &access, &broken, &unsigned, "x"] {
        let back = browser.authorize(&client, &[("id_token_hint", hint), ("prompt", "none")]).await.back(CALLBACK);
        assert_eq!(back["error"], "invalid_request", "{hint}");
    }
    // Old ones count: that a token is over changes nothing of whom it names.
    house.clock.advance(std::time::Duration::from_secs(3600));
    let back = browser.authorize(&client, &[("id_token_hint", &own), ("prompt", "none")]).await.back(CALLBACK);
    assert_ne!(back.get("error").map(String::as_str), Some("invalid_request"));
    // Somebody else than the hint means is signed in: the application isn't told who.
    let bob = house.user("bob").await;
    let (other, _) = house.signed_in(bob).await;
    let back = other.authorize(&client, &[("id_token_hint", &own), ("prompt", "none")]).await.back(CALLBACK);
    assert_eq!((back["error"].as_str(), back.contains_key("error_description")), ("login_required", false));
    assert!(other.authorize(&client, &[("id_token_hint", &own)]).await.location().starts_with("/sign-in/"));
}

#[tokio::test]
async fn a_client_of_one_tenant_is_nobody_at_another_and_a_session_neither() {
    let house = House::new().await;
    let (client, user) = (house.client(|_| {}).await, house.user("alice").await);
    let (mut browser, _) = house.signed_in(user).await;
    browser.host = OTHER_HOST;
    browser.authorize(&client, &[]).await.is_page();
    let theirs = house.client_at(house.other, |_| {}).await;
    // The same cookie at another tenant's host signs nobody in.
    assert!(browser.authorize(&theirs, &[]).await.location().starts_with("/sign-in/"));
    assert_eq!(browser.authorize(&theirs, &[("prompt", "none")]).await.back(CALLBACK)["error"], "login_required");
}

#[tokio::test]
async fn garbage_in_headers_and_bodies_is_never_more_privilege() {
    let house = House::new().await;
    let client = house.client(|client: &mut OidcClient| client.auth_method = ClientAuth::None).await;
    let browser = house.browser();
    for cookie in ["", "a", "..", "%00", "\u{7f}", "x.y", &"z".repeat(5000)] {
        if cookie.is_ascii() && !cookie.contains('\u{7f}') {
            browser.put("__Host-countersign-session", cookie);
        }
        let answer = browser.authorize(&client, &[("prompt", "none")]).await;
        assert_eq!(answer.back(CALLBACK)["error"], "login_required");
    }
    for token in ["", "x", "csat_x", "a.b.c", &"y".repeat(9000)] {
        assert_eq!(house.get("/oidc/userinfo", token).await.status, StatusCode::UNAUTHORIZED, "{token}");
    }
}
