//! Dynamic registration: off, by leave, and never more than was given.

use crate::support::{Answer, CALLBACK, HOST, House, OTHER_HOST};
use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use keys::Token;
use serde_json::{Value, json};
use sso::{GrantType, Kind, manage};
use std::time::Duration;
use store::{RegistrationLeaveRow, fields};

async fn send(house: &House, method: Method, path: &str, token: &str, body: &Value) -> Answer {
    send_to(house, HOST, method, path, token, body).await
}

async fn send_to(house: &House, host: &str, method: Method, path: &str, token: &str, body: &Value) -> Answer {
    let mut request = Request::builder().method(method).uri(path).header(header::HOST, host);
    if !token.is_empty() {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = request.header(header::CONTENT_TYPE, "application/json");
    house.ask(request.body(Body::from(body.to_string())).unwrap()).await
}

async fn leave(house: &House, count: i64) -> String {
    let token = Token::generate("csia", house.world.random.as_ref());
    let scope = house.store.tenant(house.tenant);
    let digest = scope.keys().await.unwrap().digest(fields::REGISTRATION, &[token.expose().as_bytes()]).to_vec();
    let now = house.world.now();
    let row = RegistrationLeaveRow {
        digest,
        left_over: count,
        made_by: "ana".to_owned(),
        created: now,
        expires: now + Duration::from_secs(3600),
    };
    let mut tx = scope.begin().await.unwrap();
    tx.insert_registration_leave(&row).await.unwrap();
    tx.commit().await.unwrap();
    token.expose().to_owned()
}

fn metadata() -> Value {
    json!({ "client_name": "An app", "redirect_uris": [CALLBACK], "first_party": true, "claims": [], "level": "single" })
}

#[tokio::test]
async fn it_is_off_until_an_administrator_gives_leave() {
    let house = House::new().await;
    for token in ["", "x", "csia_000000000000000000000000000000000000"] {
        let refused = send(&house, Method::POST, "/oidc/register", token, &metadata()).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{token}");
    }
    let open = house.browser().get("/.well-known/openid-configuration").await.json();
    assert!(open.get("registration_endpoint").is_none());
    leave(&house, 1).await;
    let open = house.browser().get("/.well-known/openid-configuration").await.json();
    assert!(open["registration_endpoint"].is_string());
}

#[tokio::test]
async fn a_program_registers_itself_changes_itself_and_goes() {
    let house = House::new().await;
    let leave = leave(&house, 1).await;
    let made = send(&house, Method::POST, "/oidc/register", &leave, &metadata()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let made = made.json();
    assert!(made["client_secret"].is_string() && made["client_secret_expires_at"] == 0);
    let (id, token) = (made["client_id"].as_str().unwrap(), made["registration_access_token"].as_str().unwrap());
    let path = format!("/oidc/register/{id}");
    assert_eq!(made["registration_client_uri"], format!("https://{HOST}{path}"));
    // It works, and its people are asked, whatever it said of itself.
    let user = house.user("alice").await;
    let (browser, _) = house.signed_in(user).await;
    let made_party = sso::manage::MadeParty { ikey: id.to_owned(), key: id.to_owned(), secret: None };
    assert!(!browser.authorize(&made_party, &[]).await.header("location").starts_with(&format!("{CALLBACK}?code")));
    // With the address that the answer goes to.
    let asked = browser.authorize(&made_party, &[]).await;
    let id_held = asked.location().strip_prefix("/consent/").unwrap();
    let cookies: Vec<String> =
        browser.cookies.lock().unwrap().iter().map(|(name, value)| format!("{name}={value}")).collect();
    let request = Request::get("/").header(header::HOST, HOST).header(header::COOKIE, cookies.join("; "));
    let visit = house.sso.visit(&request.body(()).unwrap().into_parts().0).await.unwrap().unwrap();
    assert_eq!(house.sso.held(&visit, id_held).await.unwrap().unwrap().goes_to, CALLBACK);
    // Changed.
    let mut wanted = metadata();
    wanted["client_id"] = id.into();
    wanted["redirect_uris"] = json!(["https://app.example/new"]);
    let changed = send(&house, Method::PUT, &path, token, &wanted).await;
    assert_eq!(changed.json()["redirect_uris"], json!(["https://app.example/new"]));
    // Here at once; every other node hears of the change.
    browser.authorize(&made_party, &[]).await.is_page();
    let read = send(&house, Method::GET, &path, token, &Value::Null).await.json();
    assert_eq!(read["redirect_uris"], json!(["https://app.example/new"]));
    assert!(read.get("client_secret").is_none());
    // Another's token, another's id, another tenant: one answer.
    for (host, path, token) in [
        (HOST, path.as_str(), "csra_000000000000000000000000000000000000"),
        (HOST, "/oidc/register/DIXXXXXXXXXXXXXXXXXX", token),
        (OTHER_HOST, path.as_str(), token),
        (HOST, path.as_str(), leave.as_str()),
    ] {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let refused = send_to(&house, host, method, path, token, &wanted).await;
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{host} {path}");
        }
    }
    assert_eq!(send(&house, Method::DELETE, &path, token, &Value::Null).await.status, StatusCode::NO_CONTENT);
    assert_eq!(send(&house, Method::GET, &path, token, &Value::Null).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_program_does_not_undo_what_an_administrator_has_tightened() {
    let house = House::new().await;
    let leave = leave(&house, 1).await;
    let mut first = metadata();
    first["grant_types"] = json!(["authorization_code", "refresh_token"]);
    let made = send(&house, Method::POST, "/oidc/register", &leave, &first).await.json();
    let (id, token) = (made["client_id"].as_str().unwrap(), made["registration_access_token"].as_str().unwrap());
    let scope = house.directory.tenant(house.tenant, "admin");
    let (_, mut settings) = manage::read(&scope, id).await.unwrap();
    let Kind::Oidc(client) = &mut settings.kind else { panic!("another protocol") };
    (client.scopes, client.dpop_required) = (vec!["openid".to_owned()], true);
    client.grant_types = vec![GrantType::AuthorizationCode];
    (client.userinfo_alg, client.request_object_alg) = (Some("RS256".to_owned()), Some("ES256".to_owned()));
    manage::change(&scope, id, None, &settings, Vec::new()).await.unwrap();
    // Its first metadata again, at once, whatever this node has heard of the change.
    let mut again = first;
    again["client_id"] = id.into();
    again["scope"] = "openid profile email offline_access".into();
    let changed = send(&house, Method::PUT, &format!("/oidc/register/{id}"), token, &again).await;
    assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
    let told = changed.json();
    assert_eq!((&told["scope"], &told["dpop_bound_access_tokens"]), (&json!("openid"), &json!(true)));
    assert_eq!(told["grant_types"], json!(["authorization_code"]));
    assert_eq!(
        (&told["userinfo_signed_response_alg"], &told["request_object_signing_alg"]),
        (&json!("RS256"), &json!("ES256"))
    );
    // Asked for by name, what is weaker is refused.
    let mut weaker = again.clone();
    weaker["request_object_signing_alg"] = "RS256".into();
    let refused = send(&house, Method::PUT, &format!("/oidc/register/{id}"), token, &weaker).await;
    assert_eq!(
        (refused.status, &refused.json()["error"]),
        (StatusCode::BAD_REQUEST, &json!("invalid_client_metadata"))
    );
    let (_, settings) = manage::read(&scope, id).await.unwrap();
    let Kind::Oidc(client) = &settings.kind else { panic!("another protocol") };
    assert!(client.scopes == ["openid"] && client.dpop_required && !client.first_party);
    assert_eq!(client.grant_types, [GrantType::AuthorizationCode]);
    assert_eq!((client.userinfo_alg.as_deref(), client.request_object_alg.as_deref()), (Some("RS256"), Some("ES256")));
}

#[tokio::test]
async fn of_a_hundred_with_leave_for_three_three_are_registered() {
    let house = House::new().await;
    let leave = leave(&house, 3).await;
    let body = metadata();
    let all =
        futures_util::future::join_all((0..100).map(|_| send(&house, Method::POST, "/oidc/register", &leave, &body)))
            .await;
    assert_eq!(all.iter().filter(|answer| answer.status == StatusCode::CREATED).count(), 3);
    // What can't be taken costs nothing of it.
    let leave = self::leave(&house, 1).await;
    let bad = json!({ "redirect_uris": ["javascript:alert(1)"] });
    let refused = send(&house, Method::POST, "/oidc/register", &leave, &bad).await;
    assert_eq!(refused.json()["error"], "invalid_redirect_uri");
    let bad = json!({ "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "private_key_jwt" });
    assert_eq!(
        send(&house, Method::POST, "/oidc/register", &leave, &bad).await.json()["error"],
        "invalid_client_metadata"
    );
    assert_eq!(send(&house, Method::POST, "/oidc/register", &leave, &metadata()).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn leave_ends_and_is_of_one_tenant() {
    let house = House::new().await;
    let leave = leave(&house, 9).await;
    let there = send_to(&house, OTHER_HOST, Method::POST, "/oidc/register", &leave, &metadata()).await;
    assert_eq!(there.status, StatusCode::UNAUTHORIZED);
    house.clock.advance(Duration::from_secs(3601));
    assert_eq!(
        send(&house, Method::POST, "/oidc/register", &leave, &metadata()).await.status,
        StatusCode::UNAUTHORIZED
    );
}
