//! Introspection, revocation, exchange, devices, and clients' own tokens.

use crate::{
    programs::{Program, disable, introspected, redeeming, refreshed, text, tokens},
    support::{CALLBACK, House, ISSUER, NAME, OTHER_HOST, claims},
};
use auth::account::{Action, Strength};
use directory::{Status, UserPatch};
use http::{Method, Request, header};
use jose::{Algorithms, Audience, Expect, JwkSet, KeySet, verify_jwt};
use serde_json::{Value, json};
use sso::{
    GrantType, Kind, Leaf, OidcClient, Settings, TokenFormat,
    manage::{self, MadeParty, NewParty, NewSecret},
    signing::{PUBLISHED, TURN, Turn, Usage},
    tokens::{Ended, Typist},
};
use std::time::Duration;

#[tokio::test]
async fn introspection_across_tenants_and_of_others_tokens_tells_nothing() {
    for format in [TokenFormat::Opaque, TokenFormat::Jwt] {
        let house = House::new().await;
        let client = house.client(|client| client.access_token_format = format).await;
        let neighbour = house.client(|_| {}).await;
        let resource = house.client(|client| client.grant_types = Vec::new()).await;
        let stranger = house.client_at(house.other, |client| client.grant_types = Vec::new()).await;
        let access = text(&tokens(&house, &client, house.user("alice").await).await, "access_token");
        let own = introspected(&house, &client, &access).await;
        assert_eq!((&own["active"], &own["username"], &own["iss"]), (&json!(true), &json!("alice"), &json!(ISSUER)));
        assert_eq!(introspected(&house, &resource, &access).await["active"], true);
        assert_eq!(introspected(&house, &neighbour, &access).await, json!({"active": false}));
        let there = Program { client: Some(&stranger), host: Some(OTHER_HOST), ..Program::default() };
        let answer = there.post(&house, "/oidc/introspect", &[("token", &access)]).await;
        assert_eq!(answer.json(), json!({"active": false}));
        // Nor does another tenant's client take it away.
        assert_eq!(there.post(&house, "/oidc/revoke", &[("token", &access)]).await.status, 200);
        assert_eq!(house.post("/oidc/revoke", &[("token", &access)], Some(&neighbour)).await.status, 200);
        assert_eq!(introspected(&house, &client, &access).await["active"], true);
    }
}

#[tokio::test]
async fn introspection_is_signed_for_who_asks_for_that() {
    let house = House::new().await;
    let client = house.client(|_| {}).await;
    let access = text(&tokens(&house, &client, house.user("alice").await).await, "access_token");
    let pair = format!("{}:{}", client.key, client.secret.as_ref().unwrap().expose());
    let request = Request::post("/oidc/introspect")
        .header(header::HOST, crate::support::HOST)
        .header(header::ACCEPT, "application/token-introspection+jwt")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::AUTHORIZATION, format!("Basic {}", data_encoding::BASE64.encode(pair.as_bytes())));
    let answer = house.ask(request.body(axum::body::Body::from(format!("token={access}"))).unwrap()).await;
    assert_eq!(answer.header("content-type"), "application/token-introspection+jwt");
    let mut expect = Expect::new(ISSUER, Audience::Unchecked, house.world.now()).of_type(&["token-introspection+jwt"]);
    expect.needs_expiry = false;
    let said = verify_jwt::<Value>(&answer.body, &keys(&house).await, Algorithms::ASYMMETRIC, &expect).unwrap();
    assert_eq!(said.claims()["aud"], client.key);
    assert_eq!(said.claims()["token_introspection"]["active"], true);
}

async fn keys(house: &House) -> KeySet {
    let jwks = house.browser().get("/oidc/jwks").await;
    KeySet::from_jwks(&JwkSet::parse(jwks.body.as_bytes()).unwrap())
}

/// Ends grants: as an administrator does, and in the ways of who ends more than those; how many.
async fn end(house: &House, which: Ended<'_>) -> usize {
    let scope = house.directory.tenant(house.tenant, "helpdesk");
    match which {
        Ended::Client(ikey) => sso::tokens::revoke(&scope, Some(ikey)).await.unwrap(),
        Ended::Everything => sso::tokens::revoke(&scope, None).await.unwrap(),
        which => {
            let mut tx = scope.rows().begin().await.unwrap();
            let ended = tx.revoke_grants(which, house.world.now()).await.unwrap();
            tx.commit().await.unwrap();
            ended
        }
    }
}

#[tokio::test]
async fn each_way_to_end_what_was_granted_takes_one_call() {
    for format in [TokenFormat::Opaque, TokenFormat::Jwt] {
        for what in ["access", "refresh", "user", "client", "user at client", "tenant"] {
            let house = House::new().await;
            let client = house.client(|client| client.access_token_format = format).await;
            let user = house.user("alice").await;
            let first = tokens(&house, &client, user).await;
            let (access, refresh) = (text(&first, "access_token"), text(&first, "refresh_token"));
            let ikey = client.ikey.as_str();
            match what {
                "access" => drop(house.post("/oidc/revoke", &[("token", &access)], Some(&client)).await),
                "refresh" => drop(house.post("/oidc/revoke", &[("token", &refresh)], Some(&client)).await),
                "user" => drop(end(&house, Ended::User(user)).await),
                "client" => drop(end(&house, Ended::Client(ikey)).await),
                "user at client" => drop(end(&house, Ended::UserAt(user, ikey)).await),
                _ => drop(end(&house, Ended::Everything).await),
            }
            assert_eq!(introspected(&house, &client, &access).await["active"], false, "{what}");
            let refreshes = refreshed(&house, &client, &refresh).await.status == 200;
            assert_eq!(refreshes, what == "access", "{what}");
        }
    }
}

#[tokio::test]
async fn a_clients_own_tokens_tell_of_nobody_and_end_with_the_client() {
    for format in [TokenFormat::Opaque, TokenFormat::Jwt] {
        let house = House::new().await;
        let client = house
            .client(|client| {
                (client.access_token_format, client.grant_types) = (format, vec![GrantType::ClientCredentials]);
                client.scopes = vec!["openid".to_owned(), "reports".to_owned()];
                client.resources = vec!["https://api.example".to_owned()];
            })
            .await;
        let own = async |more: &[(&str, &str)]| {
            let form = [&[("grant_type", "client_credentials")], more].concat();
            house.post("/oidc/token", &form, Some(&client)).await
        };
        let answer = own(&[]).await.json();
        assert_eq!(
            (&answer["scope"], answer.get("refresh_token"), answer.get("id_token")),
            (&json!("reports"), None, None)
        );
        let access = text(&answer, "access_token");
        let told = introspected(&house, &client, &access).await;
        assert_eq!((&told["active"], &told["sub"], told.get("username")), (&json!(true), &json!(client.key), None));
        assert_eq!(house.get("/oidc/userinfo", &access).await.status, 403);
        assert_eq!(own(&[("scope", "openid")]).await.json()["error"], "invalid_scope");
        assert_eq!(own(&[("resource", "https://evil.example")]).await.json()["error"], "invalid_target");
        let bound = text(&own(&[("resource", "https://api.example")]).await.json(), "access_token");
        assert_eq!(introspected(&house, &client, &bound).await["aud"], "https://api.example");
        house.minute();
        end(&house, Ended::Client(&client.ikey)).await;
        assert_eq!(introspected(&house, &client, &access).await["active"], false);
        house.clock.advance(Duration::from_secs(1));
        let next = text(&own(&[]).await.json(), "access_token");
        assert_eq!(introspected(&house, &client, &next).await["active"], true);
        house.clock.advance(Duration::from_secs(600));
        assert_eq!(introspected(&house, &client, &next).await["active"], false);
    }
}

#[tokio::test]
async fn an_exchanged_token_names_who_acts_and_is_never_more() {
    const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
    const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";
    let house = House::new().await;
    let user = house.user("alice").await;
    let service = house
        .client(|client| {
            client.grant_types = vec![GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::TokenExchange];
            client.exchange_audiences = vec!["https://next.example".to_owned()];
            client.access_token_format = TokenFormat::Jwt;
        })
        .await;
    let other = house.client(|_| {}).await;
    let subject = text(&tokens(&house, &service, user).await, "access_token");
    let foreign = text(&tokens(&house, &other, user).await, "access_token");
    let ask = async |token: &str, more: &[(&str, &str)]| {
        let form =
            [&[("grant_type", EXCHANGE), ("subject_token", token), ("subject_token_type", ACCESS)], more].concat();
        house.post("/oidc/token", &form, Some(&service)).await
    };
    let audience = ("audience", "https://next.example");
    let answer = ask(&subject, &[audience]).await;
    assert_eq!(answer.json()["issued_token_type"], ACCESS, "{answer:?}");
    let said = claims(&text(&answer.json(), "access_token"));
    assert_eq!((&said["aud"], &said["act"]["sub"]), (&json!("https://next.example"), &json!(service.key)));
    assert_eq!((said["sub"].as_str().unwrap(), said.get("refresh_token")), (user.to_string().as_str(), None));
    let twice = ask(&text(&answer.json(), "access_token"), &[audience]).await.json();
    assert_eq!(claims(&text(&twice, "access_token"))["act"]["act"]["sub"], service.key);
    for (token, more, error) in [
        (&foreign, vec![audience], "invalid_request"),
        (&"x".to_owned(), vec![audience], "invalid_request"),
        (&subject, vec![], "invalid_target"),
        (&subject, vec![("audience", "https://evil.example")], "invalid_target"),
        (&subject, vec![audience, ("scope", "groups")], "invalid_scope"),
        (&subject, vec![audience, ("actor_token", &foreign), ("actor_token_type", ACCESS)], "invalid_request"),
        (
            &subject,
            vec![audience, ("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token")],
            "invalid_request",
        ),
    ] {
        assert_eq!(ask(token, &more).await.json()["error"], error, "{more:?}");
    }
    let form = [("grant_type", EXCHANGE), ("subject_token", &foreign), ("subject_token_type", ACCESS), audience];
    assert_eq!(house.post("/oidc/token", &form, Some(&other)).await.json()["error"], "unauthorized_client");
    disable(&house, user, "disabled").await;
    assert_eq!(ask(&subject, &[audience]).await.json()["error"], "invalid_request");
}

#[tokio::test]
async fn an_exchanged_token_ends_with_the_sign_in_that_it_comes_from() {
    const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
    const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";
    for format in [TokenFormat::Opaque, TokenFormat::Jwt] {
        for act in ["reuse", "revocation", "withdrawal", "the service between", "time"] {
            let house = House::new().await;
            let user = house.user("alice").await;
            // A page's own service, one that it calls, and one that this calls.
            let names = ["https://first.example", "https://second.example", "https://third.example"];
            let mut services = Vec::new();
            for (at, name) in names.into_iter().enumerate() {
                let client = OidcClient {
                    redirect_uris: vec![CALLBACK.to_owned()],
                    grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::TokenExchange],
                    resources: vec![names[1].to_owned()],
                    exchange_audiences: vec![names[2].to_owned()],
                    access_token_format: format,
                    access_token_seconds: if at == 0 { 600 } else { 86_400 },
                    level: auth::sign_in::Level::Single,
                    ..OidcClient::default()
                };
                let mut new = NewParty::new(name, Settings::of(Kind::Oidc(Box::new(client))));
                (new.key, new.secret) = (Some(name.to_owned()), NewSecret::Made);
                services.push(manage::create(&house.directory.tenant(house.tenant, "test"), new).await.unwrap());
            }
            let asked = [("scope", "openid email offline_access"), ("resource", names[1])];
            let code = crate::programs::code(&house, &services[0], user, &asked).await;
            let first = house.post("/oidc/token", &redeeming(&code), Some(&services[0])).await.json();
            let (subject, refresh) = (text(&first, "access_token"), text(&first, "refresh_token"));
            house.minute();
            let exchange = async |token: &str, by: &MadeParty| {
                let form = [
                    ("grant_type", EXCHANGE),
                    ("subject_token", token),
                    ("subject_token_type", ACCESS),
                    ("audience", names[2]),
                ];
                let answer = house.post("/oidc/token", &form, Some(by)).await;
                assert_eq!(answer.status, 200, "{answer:?}");
                let answer = answer.json();
                assert!(answer["expires_in"].as_i64().unwrap() <= 540, "no longer than the first one: {answer}");
                text(&answer, "access_token")
            };
            let second = exchange(&subject, &services[1]).await;
            let third = exchange(&second, &services[2]).await;
            let active = async |token: &str, by: &MadeParty| introspected(&house, by, token).await["active"] == true;
            assert!(active(&second, &services[1]).await && active(&third, &services[2]).await, "{act}");
            match act {
                "reuse" => {
                    assert_eq!(refreshed(&house, &services[0], &refresh).await.status, 200);
                    assert!(active(&second, &services[1]).await && active(&third, &services[2]).await);
                    assert_eq!(refreshed(&house, &services[0], &refresh).await.status, 400);
                }
                "revocation" => drop(house.post("/oidc/revoke", &[("token", &refresh)], Some(&services[0])).await),
                "withdrawal" => {
                    let which = Ended::UserAt(user, &services[0].ikey);
                    assert_eq!(end(&house, which).await, 1);
                }
                "the service between" => {
                    assert_eq!(end(&house, Ended::Client(&services[1].ikey)).await, 1);
                    assert!(active(&subject, &services[0]).await, "what was before it goes on");
                }
                _ => house.clock.advance(Duration::from_secs(540)),
            }
            assert!(!active(&second, &services[1]).await && !active(&third, &services[2]).await, "{act}");
        }
    }
}

async fn device(house: &House) -> (MadeParty, Value) {
    let client = house
        .client(|client| {
            client.grant_types = vec![GrantType::DeviceCode, GrantType::RefreshToken];
        })
        .await;
    let answer = house.post("/oidc/device_authorization", &[("scope", "openid email")], Some(&client)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    (client, answer.json())
}

async fn poll(house: &House, client: &MadeParty, code: &str) -> Value {
    let form = [("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", code)];
    house.post("/oidc/token", &form, Some(client)).await.json()
}

#[tokio::test]
async fn a_device_waits_until_its_person_has_signed_in_anew_and_said_yes() {
    for (decision, outcome) in [("allow", ""), ("deny", "access_denied"), ("", "access_denied")] {
        let house = House::new().await;
        let (client, asked) = device(&house).await;
        let user = house.user("alice").await;
        let (code, typed) = (text(&asked, "device_code"), text(&asked, "user_code"));
        assert_eq!(poll(&house, &client, &code).await["error"], "authorization_pending");
        assert_eq!(poll(&house, &client, &code).await["error"], "slow_down");
        let (browser, _) = house.signed_in(user).await;
        // A link with the code in it does nothing but fill the field.
        let page = browser.get(&format!("/oidc/device?user_code={typed}")).await;
        let asks = Leaf::DeviceCode { action: "/oidc/device", typed: typed.clone(), wrong: false };
        assert_eq!(page.leaf, Some(asks));
        house.minute();
        let typed = typed.to_lowercase().replace('-', " ");
        let on = browser.post("/oidc/device", &[("user_code", &typed)]).await;
        let confirm = on.location().to_owned();
        assert!(confirm.starts_with("/oidc/device/"));
        // The session is older than the code: it agrees to nothing.
        assert!(browser.get(&confirm).await.location().starts_with("/sign-in/"));
        house.minute();
        let (fresh, _) = house.signed_in(user).await;
        for (name, value) in browser.cookies.lock().unwrap().iter().filter(|(name, _)| !name.contains("session")) {
            fresh.put(name, value);
        }
        let page = fresh.get(&confirm).await;
        assert_eq!(page.status, 200, "{page:?}");
        let Some(Leaf::Device(asked)) = &page.leaf else { panic!("{page:?}") };
        assert_eq!((asked.username.as_str(), asked.app.as_str()), ("alice", NAME));
        assert_eq!((asked.scopes.join(" ").as_str(), asked.minutes), ("openid email", 2));
        // What the page's form sends back, which no cookie can make.
        let token = page.token().to_owned();
        assert!(fresh.post(&confirm, &[("decision", decision)]).await.status.is_client_error());
        // From another site, and from a browser that didn't type the code.
        let evil = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
        let forged = Some(format!("decision=allow&token={token}"));
        let forged = fresh.send(Method::POST, &confirm, forged, &evil).await;
        assert!(forged.status.is_client_error());
        let (elsewhere, _) = house.signed_in(user).await;
        let form = [("decision", "allow"), ("token", token.as_str())];
        assert!(elsewhere.post(&confirm, &form).await.status.is_client_error());
        assert_eq!(poll(&house, &client, &code).await["error"], "authorization_pending");
        assert_eq!(fresh.post(&confirm, &[("decision", decision), ("token", &token)]).await.status, 200);
        assert!(fresh.post(&confirm, &form).await.status.is_client_error(), "once");
        let got = poll(&house, &client, &code).await;
        if outcome.is_empty() {
            assert_eq!(claims(&text(&got, "id_token"))["sub"], user.to_string());
            assert_eq!(poll(&house, &client, &code).await["error"], "expired_token", "once");
        } else {
            assert_eq!(got["error"], outcome);
        }
    }
}

#[tokio::test]
async fn a_devices_codes_end_and_are_not_found_by_trying() {
    let house = House::new().await;
    let (client, asked) = device(&house).await;
    let other = house.client(|client| client.grant_types = vec![GrantType::DeviceCode]).await;
    let code = text(&asked, "device_code");
    assert_eq!(poll(&house, &other, &code).await["error"], "expired_token");
    let (browser, _) = house.signed_in(house.user("alice").await).await;
    for wrong in ["", "AEIOUAEI", "BCDF-GHJ", "BCDF-GHJKL", &"B".repeat(100)] {
        let page = browser.post("/oidc/device", &[("user_code", wrong)]).await;
        assert!(matches!(page.leaf, Some(Leaf::DeviceCode { wrong: true, .. })), "{wrong}");
    }
    house.clock.advance(Duration::from_secs(600));
    assert_eq!(poll(&house, &client, &code).await["error"], "expired_token");
    let page = browser.post("/oidc/device", &[("user_code", &text(&asked, "user_code"))]).await;
    assert!(matches!(page.leaf, Some(Leaf::DeviceCode { wrong: true, .. })));
}

#[tokio::test]
async fn codes_that_are_tried_are_counted_by_network() {
    let house = House::new().await;
    let typed = async |from: &str| {
        let from: std::net::SocketAddr = from.parse().unwrap();
        let request = Request::post("/oidc/device")
            .header(header::HOST, crate::support::HOST)
            .header(header::ORIGIN, ISSUER)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .extension(axum::extract::ConnectInfo(from));
        house.ask(request.body(axum::body::Body::from("user_code=BCDF-GHJK")).unwrap()).await.status.as_u16()
    };
    for n in 0..20 {
        assert_eq!(typed(&format!("[2001:4860:1:2::{n:x}]:443")).await, 200, "{n}");
    }
    assert_eq!(typed("[2001:4860:1:2:3::1]:443").await, 503);
    assert_eq!((typed("[2001:4860:1:3::1]:443").await, typed("192.0.2.1:443").await), (200, 200));
    // Strangers from everywhere shut nobody out who is signed in, and those are counted one by one.
    let mut refused = 0;
    for n in 0..2000 {
        refused += usize::from(typed(&format!("[2001:4860:2:{n:x}::1]:443")).await == 503);
    }
    assert_eq!((refused, typed("[2001:4860:3:1::1]:443").await), (22, 503));
    let (browser, _) = house.signed_in(house.user("alice").await).await;
    for _ in 0..20 {
        assert_eq!(browser.post("/oidc/device", &[("user_code", "BCDF-GHJK")]).await.status, 200);
    }
    assert_eq!(browser.post("/oidc/device", &[("user_code", "BCDF-GHJK")]).await.status, 503);
}

#[tokio::test]
async fn a_device_of_somebody_who_is_disabled_revoked_or_takes_it_back_gets_nothing() {
    for (act, error) in [("disable", "invalid_grant"), ("revoke", "access_denied"), ("withdraw", "access_denied")] {
        let house = House::new().await;
        let (client, asked) = device(&house).await;
        let user = house.user("alice").await;
        let grants = house.sso.grants();
        let request =
            grants.device_request(house.tenant, &text(&asked, "user_code"), Typist::Counted).await.unwrap().unwrap();
        let party = house.sso.party_of(house.tenant, &client.ikey).await.unwrap().unwrap();
        let (_, session) = house.signed_in(user).await;
        let scopes = vec!["email".to_owned(), "offline_access".to_owned()];
        let granted = sso::tokens::Granted { client_id: client.key.clone(), scopes, ..Default::default() };
        assert!(grants.allow_device(&party, &request, (user, session), granted).await.unwrap());
        match act {
            "disable" => disable(&house, user, "disabled").await,
            "revoke" => drop(house.auth.revoke_user(house.tenant, user, "helpdesk", "").await.unwrap()),
            _ => drop(end(&house, Ended::UserAt(user, &client.ikey)).await),
        }
        assert_eq!(poll(&house, &client, &text(&asked, "device_code")).await["error"], error, "{act}");
    }
}

#[tokio::test]
async fn no_token_outlives_a_report_a_new_password_or_a_while_in_which_its_person_was_shut_out() {
    for act in ["report", "password", "disable and enable", "trash and restore", "revoke", "sign out"] {
        let house = House::new().await;
        let client = house.client(|_| {}).await;
        let user = house.user("alice").await;
        let first = tokens(&house, &client, user).await;
        let (access, refresh) = (text(&first, "access_token"), text(&first, "refresh_token"));
        let (browser, _) = house.signed_in(user).await;
        let cookie = browser.cookies.lock().unwrap()["__Host-countersign-session"].clone();
        let session = house.auth.session(house.tenant, &cookie).await.unwrap().unwrap();
        let scope = house.directory.tenant(house.tenant, "helpdesk");
        match act {
            "report" => house.auth.report(&session, &auth::Client::default()).await.unwrap(),
            "password" => {
                let (action, strength) = (Action::Password, Strength::Passkey);
                let grant = house.auth.open_grant(house.tenant, session.id(), user, action.as_str(), strength).await;
                let permit = house.auth.permit(&session, action, Some(grant.unwrap().expose())).await.unwrap();
                let new = types::SecretString::new("a lamp in the green hall".to_owned());
                house.auth.change_password(&permit, &new, &auth::Client::default()).await.unwrap();
            }
            "disable and enable" => {
                for status in [Status::Disabled, Status::Active] {
                    let patch = UserPatch { status: Some(status), ..UserPatch::default() };
                    scope.change_user(user, &patch).await.unwrap();
                }
            }
            "trash and restore" => {
                assert!(scope.trash_user(user).await.unwrap() && scope.restore_user(user).await.unwrap());
            }
            "revoke" => drop(house.auth.revoke_user(house.tenant, user, "helpdesk", "").await.unwrap()),
            // Who only signs out leaves what was granted to go on.
            _ => assert_eq!(scope.end_sessions(user).await.unwrap(), 2),
        }
        let goes_on = act == "sign out";
        assert_eq!(introspected(&house, &client, &access).await["active"], goes_on, "{act}");
        let answer = refreshed(&house, &client, &refresh).await;
        assert_eq!(answer.status == 200, goes_on, "{act}");
        assert!(goes_on || answer.json()["error"] == "invalid_grant", "{act}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_is_granted_while_a_person_is_revoked_survives_it() {
    let house = House::new().await;
    let client = house.client(|client| client.grant_types.push(GrantType::DeviceCode)).await;
    let party = house.sso.party_of(house.tenant, &client.ikey).await.unwrap().unwrap();
    let offline = [("scope", "openid offline_access")];
    let pair = async |at: usize| {
        let user = house.user(&format!("alice{at}")).await;
        let (browser, session) = house.signed_in(user).await;
        // One half by a code, one by a device.
        let asked = if at.is_multiple_of(2) {
            None
        } else {
            let asked = house.post("/oidc/device_authorization", &offline, Some(&client)).await.json();
            let typed = text(&asked, "user_code");
            let request =
                house.sso.grants().device_request(house.tenant, &typed, Typist::Counted).await.unwrap().unwrap();
            Some((text(&asked, "device_code"), request))
        };
        let granting = async {
            match &asked {
                None => {
                    let answer = browser.authorize(&client, &offline).await;
                    if !answer.header("location").starts_with(CALLBACK) {
                        return Value::Null;
                    }
                    let back = answer.back(CALLBACK);
                    let Some(code) = back.get("code") else { return Value::Null };
                    house.post("/oidc/token", &redeeming(code), Some(&client)).await.json()
                }
                Some((code, request)) => {
                    let scopes = vec!["offline_access".to_owned()];
                    let granted = sso::tokens::Granted { client_id: client.key.clone(), scopes, ..Default::default() };
                    // Over before it was said: nothing is granted.
                    drop(house.sso.grants().allow_device(&party, request, (user, session), granted).await);
                    poll(&house, &client, code).await
                }
            }
        };
        let revoking = house.auth.revoke_user(house.tenant, user, "helpdesk", "");
        let (got, revoked) = tokio::join!(granting, revoking);
        revoked.unwrap();
        if let Some(token) = got["refresh_token"].as_str() {
            assert_eq!(refreshed(&house, &client, token).await.json()["error"], "invalid_grant", "{at}");
        }
    };
    futures_util::future::join_all((0..100).map(pair)).await;
}

/// Relying parties keep what they have read for as long as they were told; every token that they are given must verify by that.
#[tokio::test]
async fn every_token_verifies_by_what_its_reader_has_kept_while_keys_turn() {
    let house = House::new().await;
    let client = house
        .client(|client| {
            (client.access_token_format, client.grant_types) = (TokenFormat::Jwt, vec![GrantType::ClientCredentials]);
            client.id_token_alg = "ES256".to_owned();
        })
        .await;
    let mut kept = keys(&house).await;
    let mut read = house.world.now();
    let mut last: Option<(String, types::Millis)> = None;
    let mut used = std::collections::BTreeSet::new();
    let check = |token: &str, keys: &KeySet, now| {
        let expect = Expect::new(ISSUER, Audience::Unchecked, now).of_type(&["at+jwt"]);
        verify_jwt::<Value>(token, keys, Algorithms::ASYMMETRIC, &expect).unwrap_or_else(|error| panic!("{error}"));
    };
    let steps = 2 * (TURN.as_secs() + 3 * PUBLISHED.as_secs()) / 3600 / 7;
    for step in 0..steps {
        house.clock.advance(Duration::from_secs(7 * 3600));
        let now = house.world.now();
        if step == steps / 2 {
            let made =
                house.sso.signing().rotate(house.tenant, Usage::Jwt, jose::Algorithm::Es256, Turn::After(PUBLISHED));
            made.await.unwrap();
        }
        // The worst relying party: it reads only when it must, which is long after what it is told.
        if now.since(read) >= Duration::from_secs(20 * 3600) {
            (kept, read) = (keys(&house).await, now);
        }
        let answer = house.post("/oidc/token", &[("grant_type", "client_credentials")], Some(&client)).await.json();
        let token = text(&answer, "access_token");
        check(&token, &kept, now);
        if let Some((token, made)) = &last {
            // One of before, read by who reads the keys now.
            check(token, &keys(&house).await, *made);
        }
        used.insert(jose::Unverified::parse(&token).unwrap().kid().unwrap().to_owned());
        last = Some((token, now));
    }
    assert!(used.len() >= 3, "{used:?}");
    // A key that is in a thief's hands is gone at once.
    let (token, _) = last.unwrap();
    house.sso.signing().rotate(house.tenant, Usage::Jwt, jose::Algorithm::Es256, Turn::Now).await.unwrap();
    assert_eq!(introspected(&house, &client, &token).await["active"], false);
}
