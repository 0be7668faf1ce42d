//! What attackers try on every page.

use crate::{
    support::{BACK, Browser, HOST, House, ORIGIN, OTHER_HOST},
    tour::tour,
};
use axum::body::Body;
use http::{Method, header};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

/// Every path that acts, under a sign-in.
const ACTS: [&str; 11] = [
    "name",
    "other",
    "passkey",
    "passkey/options",
    "push",
    "call",
    "sms",
    "passcode",
    "recovery",
    "remember",
    "cancel",
];
const ENROLL: &str = "enroll";

#[tokio::test]
async fn every_page_has_the_headers() {
    for stop in tour("{}", "en").await {
        let (name, answer) = (stop.name, &stop.answer);
        let policy = answer.header("content-security-policy");
        for directive in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "trusted-types 'none'",
        ] {
            assert!(policy.contains(directive), "{name}: {directive} in {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{name}: {policy}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{name}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{name}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{name}");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "{name}");
        assert_eq!(answer.header("cache-control"), "no-store", "{name}");
        assert!(answer.header("permissions-policy").contains("publickey-credentials-get=(self)"), "{name}");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{name}");
    }
}

#[tokio::test]
async fn a_form_leads_to_ourselves_and_to_its_application_only() {
    let house = House::new().await;
    let user = house.user("ana").await;
    house.token(user).await;
    let (browser, base) = house.at_application("ana").await;
    let policy = browser.get(&base).await.header("content-security-policy").to_owned();
    assert!(policy.contains("form-action 'self' https://app.example;"), "{policy}");
    let portal = browser.go("/account/sign-in").await;
    assert!(portal.header("content-security-policy").contains("form-action 'self';"));
}

#[tokio::test]
async fn nothing_is_done_for_a_foreign_page() {
    let house = House::new().await;
    let user = house.user("ana").await;
    house.token(user).await;
    let (browser, base) = house.at_application("ana").await;
    let token = browser.get(&base).await.token();
    let body = format!("token={token}&code={}&username=ana&remember=yes&device=", house.totp());
    let origins = [
        (Some("cross-site"), Some("https://evil.example")),
        (Some("cross-site"), None),
        (Some("same-site"), Some("https://beacon.example.test")),
        (Some("same-origin"), Some("https://evil.example")),
        (Some("none"), None),
        (None, Some("null")),
        (None, Some("https://evil.example")),
        (None, Some("http://api-acme.example.test")),
        (None, None),
    ];
    for path in ACTS.iter().chain([&ENROLL]) {
        for (site, from) in origins {
            let mut request = browser.request(Method::POST, &format!("{base}/{path}"));
            let headers = request.headers_mut().unwrap();
            headers.remove("sec-fetch-site");
            headers.remove(header::ORIGIN);
            headers.insert(header::CONTENT_TYPE, "application/x-www-form-urlencoded".parse().unwrap());
            if let Some(site) = site {
                headers.insert("sec-fetch-site", site.parse().unwrap());
            }
            if let Some(from) = from {
                headers.insert(header::ORIGIN, from.parse().unwrap());
            }
            let answer = browser.send(request.body(Body::from(body.clone())).unwrap()).await;
            assert_eq!(answer.status, 403, "{path} {site:?} {from:?}");
            assert!(answer.text().contains("didn’t come from our page"), "{path}");
        }
    }
    // The right page of the right origin, with the token of no page, of another sign-in, or two of them.
    let (other_browser, other) = house.at_application("ana").await;
    let foreign = other_browser.get(&other).await.token();
    for path in ACTS.iter().chain([&ENROLL]) {
        for tokens in
            [vec![], vec![("token", "")], vec![("token", foreign.as_str())], vec![("token", &token), ("token", &token)]]
        {
            let mut fields = tokens.clone();
            fields.extend([("code", "000000"), ("username", "ana")]);
            let answer = browser.post(&format!("{base}/{path}"), &fields).await;
            assert!(answer.status == 403 || answer.status == 400, "{path} {tokens:?}: {}", answer.status);
        }
    }
    // Nothing of all this did anything: the sign-in is as open as before.
    assert_eq!(browser.get(&base).await.status, 200);
}

#[tokio::test]
async fn a_sign_in_of_another_browser_can_not_be_fixed_on_a_person() {
    let house = House::new().await;
    let user = house.user("ana").await;
    house.token(user).await;
    let (attacker, base) = house.at_application("ana").await;
    let token = attacker.get(&base).await.token();
    let victim = house.browser();
    for path in
        ["", "/push", "/call", "/sms", "/passcode", "/recovery", "/remember", "/done", "/events", "/events?once"]
    {
        let answer = victim.get(&format!("{base}{path}")).await;
        assert_eq!(answer.status, 403, "{path}");
        assert!(answer.text().contains("belongs to another browser"), "{path}");
        assert_eq!(answer.header("set-cookie"), "", "{path}");
    }
    for path in ACTS {
        let answer = victim
            .post(&format!("{base}/{path}"), &[("token", &token), ("code", &house.totp()), ("username", "ana")])
            .await;
        assert_eq!(answer.status, 403, "{path}");
    }
    // A cookie that is somebody's own doesn't open another's either.
    let (other, own) = house.at_application("ana").await;
    let mine = other.jar.lock().unwrap().values().next().unwrap().clone();
    let name = attacker.jar.lock().unwrap().keys().next().unwrap().clone();
    other.jar.lock().unwrap().insert(name, mine);
    let answer = other.get(&base).await;
    assert_eq!(answer.status, 410);
    assert_eq!(other.get(&own).await.status, 200);
}

#[tokio::test]
async fn a_sign_in_is_its_tenants() {
    let house = House::new().await;
    let user = house.user("ana").await;
    house.token(user).await;
    let (browser, base) = house.at_application("ana").await;
    let elsewhere = Browser {
        host: OTHER_HOST,
        jar: std::sync::Mutex::new(browser.jar.lock().unwrap().clone()),
        ..house.browser()
    };
    for path in ["", "/done", "/passcode", "/events?once"] {
        assert_eq!(elsewhere.get(&format!("{base}{path}")).await.status, 410, "{path}");
    }
    // Whoever is nobody's host gets a page that says so, in their language.
    let nowhere = Browser { host: "nobody.example.test", language: "fr", ..house.browser() };
    let answer = nowhere.get(&base).await;
    assert_eq!(answer.status, 404);
    assert!(answer.text().contains("Rien n’est proposé ici") && answer.text().contains("lang=\"fr\""));
    assert!(answer.header("content-security-policy").contains("default-src 'none'"));
}

#[tokio::test]
async fn no_header_moves_a_page_to_another_host() {
    let house = House::new().await;
    let user = house.user("ana").await;
    house.token(user).await;
    let (browser, base) = house.at_application("ana").await;
    for (name, value) in [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "http"),
        ("forwarded", "host=evil.example;proto=http"),
        ("x-original-url", "/account"),
        ("x-rewrite-url", "/account"),
        ("x-http-method-override", "POST"),
        ("x-host", "evil.example"),
    ] {
        let request = browser.request(Method::GET, &base).header(name, value).body(Body::empty()).unwrap();
        let answer = browser.send(request).await;
        assert!(answer.status == 200 && !answer.text().contains("evil.example"), "{name}");
    }
    for host in [
        "",
        "evil.example",
        "api-acme.example.test.evil.example",
        "api-acme.example.test@evil.example",
        "api-acme.example.test:x",
        "evilapi-acme.example.test",
        "api-acme.example.test/",
        "API-ACME.example.test evil",
    ] {
        let mut request = browser.request(Method::GET, &base).body(Body::empty()).unwrap();
        request.headers_mut().insert(header::HOST, host.parse().unwrap());
        assert_eq!(browser.send(request).await.status, 404, "{host}");
    }
    // Two hosts, none, or another one in the request's target.
    let mut request = browser.request(Method::GET, &base).body(Body::empty()).unwrap();
    request.headers_mut().append(header::HOST, "evil.example".parse().unwrap());
    assert_eq!(browser.send(request).await.status, 404);
    let mut request = browser.request(Method::GET, &base).body(Body::empty()).unwrap();
    request.headers_mut().remove(header::HOST);
    assert_eq!(browser.send(request).await.status, 404);
    let request = browser.request(Method::GET, &format!("https://evil.example{base}")).body(Body::empty()).unwrap();
    assert_eq!(browser.send(request).await.status, 404);
    let mut request = browser.request(Method::GET, &base).body(Body::empty()).unwrap();
    request.headers_mut().insert(header::HOST, format!("{}:8443", HOST.to_uppercase()).parse().unwrap());
    assert_eq!(browser.send(request).await.status, 200);
}

#[tokio::test]
async fn no_address_leads_a_browser_elsewhere() {
    let house = House::new().await;
    let user = house.user("ana").await;
    house.token(user).await;
    for evil in
        ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/%5cevil.example"]
    {
        let (browser, base) = house.at_application("ana").await;
        for name in ["return_to", "next", "redirect_uri", "url", "lang", "way", "state"] {
            let query: String = form_urlencoded::Serializer::new(String::new()).append_pair(name, evil).finish();
            for path in ["", "/done", "/push", "/remember", "/passcode"] {
                let answer = browser.get(&format!("{base}{path}?{query}")).await;
                let to = answer.location();
                assert!(to.is_empty() || to.starts_with(&base) || to.starts_with(BACK), "{name}={evil}: {to}");
                assert!(!answer.text().contains("evil.example"), "{name}={evil}");
            }
        }
        let fields = [("return_to", evil), ("next", evil), ("redirect_uri", evil), ("code", &house.totp())];
        let answer = browser.submit(&base, &format!("{base}/passcode"), &fields).await;
        assert!(answer.location().is_empty() || answer.location().starts_with(&base));
        house.clock.advance(std::time::Duration::from_secs(30));
    }
}

#[tokio::test]
async fn a_name_that_nobody_has_looks_like_one_that_somebody_has() {
    let house = House::new().await;
    let ana = house.user("xqa1").await;
    house.passkey(ana).await;
    let ben = house.user("xqa2").await;
    house.phone(ben, "+12025550143", "").await;
    house.authenticator(ben, "phone").await;
    let cleo = house.user("xqa3").await;
    house.token(cleo).await;
    let locked = house.user("xqa4").await;
    let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
    assert!(tx.set_user_status(locked, "disabled").await.unwrap());
    tx.commit().await.unwrap();
    let mut seen: Option<Vec<(u16, String)>> = None;
    for name in ["xqa1", "xqa2", "xqa3", "xqa4", "xqa5"] {
        let browser = house.browser();
        let base = browser.get("/account/sign-in").await.location().to_owned();
        browser.submit(&base, &format!("{base}/name"), &[("username", name)]).await;
        let mut shown = Vec::new();
        let id = base.trim_start_matches("/sign-in/").to_owned();
        let token = browser.get(&base).await.token();
        let plain = |text: String| text.replace(&id, "ID").replace(&token, "TOKEN").replace(name, "NAME");
        for path in ["", "/passcode", "/recovery", "/sms", "/push", "/call"] {
            let answer = browser.get(&format!("{base}{path}")).await;
            shown.push((answer.status.as_u16(), plain(answer.text())));
        }
        for (path, fields) in [
            ("passcode", vec![("code", "000000")]),
            ("recovery", vec![("code", "000000")]),
            ("sms", vec![("device", "")]),
            ("push", vec![("device", "")]),
            ("call", vec![("device", "")]),
        ] {
            let mut all = vec![("token", token.as_str())];
            all.extend(fields);
            let answer = browser.post(&format!("{base}/{path}"), &all).await;
            shown.push((answer.status.as_u16(), plain(answer.text()) + &answer.location().replace(&id, "ID")));
        }
        match &seen {
            None => seen = Some(shown),
            Some(first) => {
                for (number, (one, other)) in first.iter().zip(&shown).enumerate() {
                    assert_eq!(one, other, "{name}, answer {number}");
                }
            }
        }
    }
}

#[tokio::test]
async fn no_path_is_unknown_to_the_methods_that_it_has_not() {
    let house = House::new().await;
    let (browser, base) = {
        house.user("ana").await;
        house.at_application("ana").await
    };
    for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        for path in ["", "/passcode", "/done", "/events"] {
            let request =
                browser.request(method.clone(), &format!("{base}{path}")).header("sec-fetch-site", "same-origin");
            let answer = browser.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, 405, "{method} {path}");
            assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"));
        }
    }
}

/// Garbage in every place that a request has, never a failure of ours and never more than before.
#[test]
fn garbage_is_refused_everywhere() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let house = runtime.block_on(async {
        let house = House::new().await;
        let user = house.user("ana").await;
        house.token(user).await;
        house
    });
    let (browser, base) = runtime.block_on(house.at_application("ana"));
    let token = runtime.block_on(browser.get(&base)).token();
    let bytes = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..300),
        "[a-z=&%+0-9]{0,200}".prop_map(String::into_bytes),
        "\\{\"[a-z]{1,9}\":[\\[{\"0-9]{0,50}".prop_map(String::into_bytes),
        Just(vec![b'x'; 70_000]),
        Just(vec![b'['; 60_000]),
    ];
    let text = prop_oneof!["[ -~]{0,100}", Just("x".repeat(5000)), "(\\.\\./|%00|%ff|;|,|=){0,20}"];
    let paths = [
        "",
        "/name",
        "/passkey",
        "/passkey/options",
        "/push",
        "/call",
        "/sms",
        "/passcode",
        "/recovery",
        "/remember",
        "/enroll",
    ];
    let kinds =
        ["application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=x", "text/plain", ""];
    let strategy = (bytes, text, 0..paths.len(), 0..kinds.len(), any::<bool>(), any::<bool>());
    let mut runner = TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
    let result = runner.run(&strategy, |(body, text, path, kind, with_token, post)| {
        let path = format!("{base}{}", paths[path]);
        let target: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let method = if post { Method::POST } else { Method::GET };
        let mut request = browser
            .request(method, &format!("{path}?way={target}&lang={target}&{target}"))
            .body(Body::empty())
            .unwrap();
        let headers = request.headers_mut();
        for name in ["accept-language", "accept-encoding", "user-agent", "x-form-token", "accept"] {
            if let Ok(value) = http::HeaderValue::from_str(&text) {
                headers.insert(name, value);
            }
        }
        headers.insert("content-type", kinds[kind].parse().unwrap());
        if with_token {
            headers.insert("x-form-token", token.parse().unwrap());
        } else if let Ok(value) = http::HeaderValue::from_str(&text) {
            headers.append("cookie", value);
        }
        *request.body_mut() = Body::from(body);
        let answer = runtime.block_on(browser.send(request));
        prop_assert!(!answer.status.is_server_error(), "{} at {path}", answer.status);
        prop_assert!(!answer.location().contains("code="), "{}", answer.location());
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(ORIGIN, format!("https://{HOST}"));
}
