//! Whatever is wrong with a web client's request: the refusal that its library understands, no redirect, no token.

use crate::{
    house::{House, Reply, each_engine, on_engine, patient},
    oauth::{HEALTH_CHECK, STATE, TOKEN, at_page, code, code_in, jti, pass, redeem, refused, send, token, web_client},
    support::{
        organisation::application,
        signing::{Keys, Version, pairs},
        web_client::{FORMS, FormOf, Sent, WebClient, encode, post},
    },
};
use countersign_e2e::engines::Engine;
use directory::{IntegrationFields, IntegrationPatch, Status, UserPatch};
use http::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;

/// Sends a browser to the sign-in with this request.
pub(crate) async fn authorize(house: &House, client: &WebClient, request: &Value) -> Reply {
    send(house, &client.authorize(&client.sign(request), &[])).await
}

/// Asserts that a browser was sent nowhere and got no cookie.
pub(crate) fn assert_nowhere(reply: &Reply, what: &str) {
    assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{what}: {reply:?}");
    assert!(!reply.headers.contains_key("location"), "{what}: {reply:?}");
    assert!(!reply.headers.contains_key("set-cookie"), "{what}: {reply:?}");
    assert_eq!(reply.headers["content-type"], "text/html; charset=utf-8", "{what}");
    assert!(reply.text().contains("Sign-in not possible"), "{what}");
}

/// Asserts that the health check failed as the libraries read it.
pub(crate) fn assert_unhealthy(reply: &Reply, what: &str) {
    reply.assert_refused(what);
    assert!(reply.value["timestamp"].is_i64(), "{what}: {reply:?}");
}

pub(crate) async fn health(house: &House, client: &WebClient, assertion: &str) -> Reply {
    let params = pairs(&[("client_id", client.keys.ikey.as_str()), ("client_assertion", assertion)]);
    send(house, &post(&client.host, HEALTH_CHECK, FormOf::Body, &params)).await
}

pub(crate) fn edited(claims: &Value, name: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value,
    }
    claims
}

#[test]
fn a_request_for_a_sign_in_is_whole_or_leads_nowhere() {
    each_engine(patient(), async |house| {
        let client = web_client(house, &house.a).await;
        let now = house.world.now();
        let good = client.request(&house.a.username, STATE, now);
        let seconds = now.0 as f64 / 1000.0;
        let long = format!("https://wiki.example.test/{}", "x".repeat(2048));
        let mut bad: Vec<(&str, Value)> =
            ["response_type", "scope", "client_id", "redirect_uri", "state", "duo_uname", "exp"]
                .map(|name| (name, Value::Null))
                .to_vec();
        bad.extend([
            ("response_type", json!("token")),
            ("scope", json!("profile")),
            ("scope", json!("openid2")),
            ("client_id", json!(house.a.app.ikey)),
            ("iss", json!(house.a.app.ikey)),
            ("iss", json!("")),
            ("aud", json!(format!("https://{}", house.b.host))),
            ("aud", json!(format!("http://{}", house.a.host))),
            ("aud", json!(format!("https://{}{TOKEN}", house.a.host))),
            ("aud", json!("")),
            ("aud", json!([])),
            ("aud", json!([format!("https://{}", house.b.host)])),
            ("aud", json!(1)),
            ("exp", json!(seconds - 61.0)),
            ("exp", json!(seconds + 400.0)),
            ("exp", json!("1795280901")),
            ("exp", json!(true)),
            ("iat", json!(seconds + 100.0)),
            ("nbf", json!(seconds + 100.0)),
            ("state", json!("x".repeat(15))),
            ("state", json!("x".repeat(1025))),
            ("state", json!("x".repeat(20) + "\n")),
            ("state", json!("x".repeat(20) + "\u{e9}")),
            ("state", json!(["x".repeat(20)])),
            ("nonce", json!("short")),
            ("nonce", json!("x".repeat(1025))),
            ("duo_uname", json!("")),
            ("duo_uname", json!("  ")),
            ("duo_uname", json!("a\u{0}b")),
            ("duo_uname", json!("x".repeat(2000))),
            ("duo_uname", json!({})),
            ("use_duo_code_attribute", json!("perhaps")),
            ("use_duo_code_attribute", json!(7)),
            ("redirect_uri", json!("")),
            ("redirect_uri", json!("/back")),
            ("redirect_uri", json!("//wiki.example.test/")),
            ("redirect_uri", json!("http://wiki.example.test/back")),
            ("redirect_uri", json!("javascript:alert(1)")),
            ("redirect_uri", json!("https://wiki.example.test/#fragment")),
            ("redirect_uri", json!("https://user@wiki.example.test/")),
            ("redirect_uri", json!("https://wiki.example.test\\@evil.test/")),
            ("redirect_uri", json!("https://wiki.example.test/\r\nset-cookie: a=b")),
            ("redirect_uri", json!(long)),
        ]);
        let before = house.database.query("SELECT COUNT(*) FROM sign_in");
        for (name, value) in bad {
            let what = format!("{name} {value}");
            assert_nowhere(&authorize(house, &client, &edited(&good, name, value)).await, &what);
        }
        assert_eq!(house.database.query("SELECT COUNT(*) FROM sign_in"), before, "nothing was opened");
        for (name, value) in [
            ("state", json!("x".repeat(16))),
            ("state", json!("x".repeat(1024))),
            ("state", json!("~!@ #$%^&*()_+ 20 \"quoted\" <b>")),
            ("nonce", json!("n".repeat(16))),
            ("aud", json!([format!("https://{}", house.b.host), format!("https://{}", house.a.host)])),
            ("redirect_uri", json!("http://localhost:3000/redirect")),
            ("exp", json!(seconds as i64)),
        ] {
            let reply = authorize(house, &client, &edited(&good, name, value.clone())).await;
            let page = at_page(&reply).unwrap_or_else(|| panic!("{name} {value}: {reply:?}"));
            let back = pass(house, &house.a, &page).await;
            assert!(
                back.starts_with("https://wiki.example.test/") || back.starts_with("http://localhost:3000/"),
                "{back}"
            );
            assert!(back.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>".contains(&byte)), "{back}");
        }
    });
}

#[test]
fn what_stands_beside_the_signed_request_says_the_same_or_the_request_leads_nowhere() {
    each_engine(patient(), async |house| {
        let client = web_client(house, &house.a).await;
        let mut claims = client.request(&house.a.username, STATE, house.world.now());
        claims["nonce"] = "n".repeat(20).into();
        let request = client.sign(&claims);
        for (name, value) in [
            ("redirect_uri", "https://evil.example.test/"),
            ("scope", "openid profile"),
            ("state", "another state that is long enough"),
            ("duo_uname", "bravo.person"),
            ("nonce", "another nonce that is long enough"),
            ("response_type", "code"),
            ("client_id", client.keys.ikey.as_str()),
            ("request", request.as_str()),
            ("redirect_uri", "https://wiki.example.test/duo-callback?from=login&"),
        ] {
            let reply = send(house, &client.authorize(&request, &[(name, value)])).await;
            assert_nowhere(&reply, &format!("{name}={value}"));
        }
        let same = [
            ("redirect_uri", client.redirect_uri.as_str()),
            ("scope", "openid"),
            ("state", STATE),
            ("nonce", "nnnnnnnnnnnnnnnnnnnn"),
            ("unknown", "x"),
        ];
        assert!(at_page(&send(house, &client.authorize(&request, &same)).await).is_some());
        // Once in the query and once in the body is twice.
        let mut both =
            post(&client.host, &client.authorize(&request, &[]).target, FormOf::Body, &pairs(&[("request", &request)]));
        assert_nowhere(&send(house, &both).await, "query and body");
        both.body = String::new();
        both.kind = None;
        assert_eq!(send(house, &both).await.status, StatusCode::SEE_OTHER);
        for missing in ["client_id", "request"] {
            let mut params = pairs(&[("client_id", client.keys.ikey.as_str()), ("request", request.as_str())]);
            params.retain(|(name, _)| name != missing);
            assert_nowhere(
                &send(house, &post(&client.host, "/oauth/v1/authorize", FormOf::Query, &params)).await,
                missing,
            );
        }
    });
}

#[test]
fn a_code_is_used_once_by_its_own_client_at_its_own_address_in_its_time() {
    each_engine(patient(), async |house| {
        let (client, other) = (web_client(house, &house.a).await, web_client(house, &house.a).await);
        let first = code(house, &house.a, &client).await;
        assert_eq!(refused(&redeem(house, &other, FormOf::Body, &first).await), "invalid_grant", "another client");
        token(&redeem(house, &client, FormOf::Query, &first).await, &client);
        for form in FORMS {
            assert_eq!(refused(&redeem(house, &client, form, &first).await), "invalid_grant", "again");
        }
        for wrong in [
            "https://evil.example.test/",
            "https://wiki.example.test/duo-callback",
            "",
            "HTTPS://wiki.example.test/duo-callback?from=login",
        ] {
            let code = code(house, &house.a, &client).await;
            let astray = WebClient { redirect_uri: wrong.to_owned(), ..client.clone() };
            let reply = redeem(house, &astray, FormOf::Body, &code).await;
            assert!(matches!(refused(&reply), "invalid_grant" | "invalid_request"), "{wrong}");
        }
        let late = code(house, &house.a, &client).await;
        house.clock.advance(auth::sign_in::CODE_LIFE + Duration::from_secs(1));
        assert_eq!(refused(&redeem(house, &client, FormOf::Body, &late).await), "invalid_grant", "too late");
        let cut = code(house, &house.a, &client).await;
        for wrong in [&cut[1..], &cut[..cut.len() - 1], &format!("{cut}x"), &cut.to_uppercase(), "x", &"x".repeat(3000)]
        {
            assert_eq!(refused(&redeem(house, &client, FormOf::Body, wrong).await), "invalid_grant", "{wrong}");
        }
        assert_eq!(refused(&redeem(house, &client, FormOf::Body, "").await), "invalid_request");
        token(&redeem(house, &client, FormOf::Body, &cut).await, &client);
        // Whoever is disabled while the code is under way stays out.
        let code = code(house, &house.a, &client).await;
        let patch = UserPatch { status: Some(Status::Disabled), ..UserPatch::default() };
        house.directory.tenant(house.a.id, "setup").change_user(house.a.user, &patch).await.unwrap();
        assert_eq!(refused(&redeem(house, &client, FormOf::Body, &code).await), "invalid_grant", "disabled");
    });
}

#[test]
fn the_name_in_the_token_is_the_one_that_was_asked_for_and_no_other() {
    each_engine(patient(), async |house| {
        let client = web_client(house, &house.a).await;
        for name in ["ALFA.PERSON", "alfa.person@example.test", "EXAMPLE\\Alfa.Person"] {
            let request = client.sign(&client.request(name, STATE, house.world.now()));
            let page = at_page(&send(house, &client.authorize(&request, &[])).await).unwrap();
            let code = code_in(&pass(house, &house.a, &page).await, "duo_code");
            let claims = token(&redeem(house, &client, FormOf::Body, &code).await, &client);
            assert_eq!(claims["preferred_username"], name);
            assert_eq!(claims["auth_context"]["user"]["name"], "alfa.person");
        }
    });
}

#[test]
fn what_is_missing_or_there_twice_at_the_token_endpoint_gives_none() {
    each_engine(patient(), async |house| {
        let client = web_client(house, &house.a).await;
        let code = code(house, &house.a, &client).await;
        let fresh = || client.sign(&client.assertion(TOKEN, &jti(), house.world.now()));
        let names = ["grant_type", "code", "redirect_uri", "client_assertion_type", "client_assertion"];
        for form in FORMS {
            for name in names {
                let mut params = client.redemption(&code, &fresh());
                params.retain(|(n, _)| n != name);
                let reply = send(house, &post(&client.host, TOKEN, form, &params)).await;
                assert_eq!(refused(&reply), "invalid_request", "{form:?} without {name}");
                if form != FormOf::Json {
                    let mut params = client.redemption(&code, &fresh());
                    let twice = params.iter().find(|(n, _)| n == name).unwrap().clone();
                    params.push(twice);
                    let reply = send(house, &post(&client.host, TOKEN, form, &params)).await;
                    assert_eq!(refused(&reply), "invalid_request", "{form:?} with {name} twice");
                }
            }
            for (name, value, word) in [
                ("grant_type", "client_credentials", "unsupported_grant_type"),
                ("grant_type", "AUTHORIZATION_CODE", "unsupported_grant_type"),
                (
                    "client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
                    "invalid_request",
                ),
                ("client_id", house.a.app.ikey.as_str(), "invalid_client"),
                ("client_id", "x", "invalid_client"),
            ] {
                let mut params = client.redemption(&code, &fresh());
                params.iter_mut().find(|(n, _)| n == name).unwrap().1 = value.to_owned();
                let reply = send(house, &post(&client.host, TOKEN, form, &params)).await;
                assert_eq!(refused(&reply), word, "{form:?} {name}={value}");
            }
        }
        // Half in the query and half in the body is whole; the same in both is not.
        let params = client.redemption(&code, &fresh());
        let (query, body) = params.split_at(3);
        let mut split = post(&client.host, TOKEN, FormOf::Body, body);
        split.target = format!("{TOKEN}?{}&code={code}", encode(query));
        assert_eq!(refused(&send(house, &split).await), "invalid_request");
        split.target = format!("{TOKEN}?{}", encode(query));
        token(&send(house, &split).await, &client);
    });
}

#[test]
fn bodies_that_are_no_form_or_too_much_of_one_are_refused() {
    on_engine(Engine::Sqlite, patient(), async |house| {
        let client = web_client(house, &house.a).await;
        let whole = client.redemption("x", &client.sign(&client.assertion(TOKEN, &jti(), house.world.now())));
        let good = post(&client.host, TOKEN, FormOf::Multipart, &whole);
        let with = |kind: Option<&'static str>, body: String| Sent { kind, body, ..good.clone() };
        let parts = good.body.clone();
        let mut bad = vec![
            with(good.kind, String::new()),
            with(Some("multipart/form-data"), parts.clone()),
            with(Some("multipart/form-data; boundary=another"), parts.clone()),
            with(Some("multipart/mixed; boundary=------------------------d74496d66958873e"), parts.clone()),
            with(Some("text/plain"), encode(&whole)),
            with(None, encode(&whole)),
            with(good.kind, parts.replace("\r\n", "\n")),
            with(good.kind, parts.trim_end().trim_end_matches("--").to_owned()),
            with(good.kind, format!("x{parts}")),
            with(good.kind, format!("{parts}x")),
            with(good.kind, parts.replace("name=\"code\"", "name=\"code\"; filename=\"a.txt\"")),
            with(good.kind, parts.replacen("\r\n\r\nx\r\n", &format!("\r\n\r\n{}\r\n", "x".repeat(40_000)), 1)),
            with(Some("application/json"), "[]".to_owned()),
            with(Some("application/json"), "{\"code\":".to_owned()),
            with(Some("application/json"), "[".repeat(20_000)),
            with(Some("application/x-www-form-urlencoded"), "code=%zz".to_owned()),
            with(Some("application/x-www-form-urlencoded"), "code=%ff".to_owned()),
            with(Some("application/x-www-form-urlencoded"), format!("code={}", "x".repeat(40_000))),
            with(Some("application/x-www-form-urlencoded"), "a=1&".repeat(40)),
        ];
        bad.push(with(good.kind, parts.split_inclusive("\r\n--").next().unwrap().repeat(50)));
        for sent in bad {
            let reply = send(house, &sent).await;
            assert_eq!(refused(&reply), "invalid_request", "{sent:?}");
            let reply = send(house, &Sent { target: HEALTH_CHECK.to_owned(), ..sent.clone() }).await;
            assert_unhealthy(&reply, &format!("{sent:?}"));
            let reply = send(house, &Sent { target: "/oauth/v1/authorize".to_owned(), ..sent.clone() }).await;
            assert_nowhere(&reply, &format!("{sent:?}"));
        }
        assert_eq!(refused(&send(house, &good).await), "invalid_grant", "the control: a form, and no such code");
    });
}

#[test]
fn one_signed_request_opens_only_so_many_sign_ins() {
    on_engine(Engine::Sqlite, patient(), async |house| {
        let client = web_client(house, &house.a).await;
        let request = client.sign(&client.request(&house.a.username, STATE, house.world.now()));
        let sent = client.authorize(&request, &[]);
        for n in 0..20 {
            assert!(at_page(&send(house, &sent).await).is_some(), "{n}");
        }
        let reply = send(house, &sent).await;
        assert_eq!(reply.status, StatusCode::TOO_MANY_REQUESTS);
        assert!(reply.headers.contains_key("retry-after") && !reply.headers.contains_key("set-cookie"));
        let another = client.sign(&client.request(&house.a.username, &STATE[1..], house.world.now()));
        assert!(at_page(&send(house, &client.authorize(&another, &[])).await).is_some());
        assert_eq!(house.database.query("SELECT COUNT(*) FROM sign_in"), ["21"]);
    });
}

#[test]
fn the_organisations_own_pages_are_no_client_and_nobody_is_told_their_secret() {
    each_engine(patient(), async |house| {
        let portal = house.auth.portal(house.a.id).await.unwrap();
        let keys =
            Keys { ikey: portal.ikey.clone(), skey: portal.secret.expose().to_owned(), host: house.a.host.clone() };
        let client = WebClient::new(keys.clone());
        let assertion = client.sign(&client.assertion(HEALTH_CHECK, &jti(), house.world.now()));
        assert_eq!(health(house, &client, &assertion).await.code(), 40_301);
        let request = client.request(&house.a.username, STATE, house.world.now());
        assert_nowhere(&authorize(house, &client, &request).await, "portal");
        let params = pairs(&[("username", &house.a.username)]);
        let reply = house.call(&keys, Version::V5, ("POST", "/auth/v2/preauth"), &params).await;
        assert_eq!(reply.code(), 40_301, "{reply:?}");
        let admin = &house.a.admin;
        let path = format!("/admin/v1/integrations/{}", portal.ikey);
        let reply = house.call(admin, Version::V5, ("GET", &format!("{path}/skey")), &[]).await;
        assert_eq!(reply.code(), 40_301, "{reply:?}");
        let reply = house.call(admin, Version::V5, ("POST", &path), &pairs(&[("reset_secret_key", "1")])).await;
        assert_eq!(reply.code(), 40_301, "{reply:?}");
        let new = pairs(&[("name", "n"), ("type", "Portal")]);
        let reply = house.call(admin, Version::V5, ("POST", "/admin/v3/integrations"), &new).await;
        assert_eq!(reply.code(), 40_002, "{reply:?}");
        let reply = house.call(admin, Version::V5, ("GET", &path), &[]).await;
        assert_eq!(reply.said("type"), "portal", "the control: {reply:?}");
    });
}

#[test]
fn other_methods_are_refused_and_open_nothing() {
    on_engine(Engine::Sqlite, patient(), async |house| {
        let client = web_client(house, &house.a).await;
        let request = client.sign(&client.request(&house.a.username, STATE, house.world.now()));
        for (target, methods) in [
            (client.authorize(&request, &[]).target, &["HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"][..]),
            (TOKEN.to_owned(), &["GET", "HEAD", "PUT"]),
            (HEALTH_CHECK.to_owned(), &["GET", "PUT"]),
        ] {
            for method in methods {
                let sent =
                    Sent { method, target: target.clone(), host: client.host.clone(), kind: None, body: String::new() };
                let reply = send(house, &sent).await;
                assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {target}");
                assert!(!reply.headers.contains_key("set-cookie"));
            }
        }
        assert_eq!(house.database.query("SELECT COUNT(*) FROM sign_in"), ["0"]);
    });
}

#[test]
fn an_application_is_held_to_its_listed_addresses_and_to_its_kind() {
    each_engine(patient(), async |house| {
        let scope = house.directory.tenant(house.a.id, "setup");
        let client = web_client(house, &house.a).await;
        let listed = ["https://wiki.example.test/one", "https://wiki.example.test/two"];
        let fields = IntegrationFields::default().with("redirect_uris", listed.to_vec()).unwrap();
        scope
            .change_integration(&client.keys.ikey, &IntegrationPatch { fields, ..IntegrationPatch::default() })
            .await
            .unwrap();
        house.auth.applications().forget(&client.keys.ikey);
        for (uri, fits) in [
            (listed[0], true),
            (listed[1], true),
            ("https://wiki.example.test/one/", false),
            ("https://wiki.example.test/one?x", false),
            ("https://wiki.example.test/On", false),
            ("https://wiki.example.test:443/one", false),
        ] {
            let client = WebClient { redirect_uri: uri.to_owned(), ..client.clone() };
            let request = client.request(&house.a.username, STATE, house.world.now());
            let reply = authorize(house, &client, &request).await;
            if fits { drop(at_page(&reply).unwrap()) } else { assert_nowhere(&reply, uri) }
        }

        // The Admin API's secret opens no sign-in.
        let admin = WebClient::new(house.a.admin.clone());
        let reply = health(house, &admin, &admin.sign(&admin.assertion(HEALTH_CHECK, &jti(), house.world.now()))).await;
        assert_unhealthy(&reply, "adminapi");
        assert_eq!(reply.code(), 40_301);
        let request = admin.request(&house.a.username, STATE, house.world.now());
        assert_nowhere(&authorize(house, &admin, &request).await, "adminapi");

        // An application that is off is healthy, so that nobody takes it for an outage; its users get no further than the page.
        let fields = IntegrationFields::default().with("enabled", false).unwrap();
        let off = application(&house.directory, (house.a.id, "alfa"), &house.a.host, "websdk", fields).await;
        let off = WebClient::new(off);
        let reply = health(house, &off, &off.sign(&off.assertion(HEALTH_CHECK, &jti(), house.world.now()))).await;
        assert_eq!(reply.value["stat"], "OK", "{reply:?}");
        let page =
            at_page(&authorize(house, &off, &off.request(&house.a.username, STATE, house.world.now())).await).unwrap();
        let sign_in = house.auth.sign_in(house.a.id, page.id, &page.cookie).await.unwrap();
        let browser = auth::sign_in::Browser::default();
        let choices = house.auth.choices(&sign_in, &browser).await.unwrap();
        assert_eq!(choices.verdict, auth::Verdict::Deny);
        assert!(house.auth.finish_sign_in(&sign_in, &browser).await.is_err());
    });
}

#[test]
fn an_outage_gives_no_token_and_opens_nothing() {
    on_engine(Engine::Sqlite, patient(), async |house| {
        let client = web_client(house, &house.a).await;
        let code = code(house, &house.a, &client).await;
        house.database.execute("DROP TABLE sign_in");
        assert_eq!(refused(&redeem(house, &client, FormOf::Body, &code).await), "server_error");
        let request = client.request(&house.a.username, STATE, house.world.now());
        let reply = authorize(house, &client, &request).await;
        assert_nowhere(&reply, "without a table");
        assert!(reply.text().contains("server_error"), "{reply:?}");
        house.database.execute("DROP TABLE integration_key");
        house.auth.applications().forget_all();
        assert_eq!(refused(&redeem(house, &client, FormOf::Body, &code).await), "server_error");
        let reply =
            health(house, &client, &client.sign(&client.assertion(HEALTH_CHECK, &jti(), house.world.now()))).await;
        assert_eq!((reply.status, reply.code()), (StatusCode::INTERNAL_SERVER_ERROR, 50_000), "{reply:?}");
    });
}
