//! Who isn't heard: other organisations' devices, replays, wrong clocks, what was changed on the way, what can't be read.

use crate::house::{Device, House, NOW};
use futures_util::future::join_all;
use http::{Request, StatusCode};
use serde_json::json;
use types::TenantId;

/// Every request that a device signs, with a body that is understood.
const SIGNED: &[(&str, &str, &str)] = &[
    ("GET", "/authenticator/v1/requests", ""),
    ("GET", "/authenticator/v1/requests?wait=0", ""),
    ("POST", "/authenticator/v1/requests/019ab3c0-0000-7000-8000-000000000000", r#"{"answer":"deny"}"#),
    ("GET", "/authenticator/v1/account", ""),
    ("POST", "/authenticator/v1/account", r#"{"name":"x"}"#),
    ("DELETE", "/authenticator/v1/account", ""),
    ("POST", "/authenticator/v1/move", "{}"),
    ("POST", "/authenticator/v1/subscription", r#"{"subscription":null}"#),
];

async fn two() -> (House, Device, Device) {
    let house = House::new().await;
    let other = TenantId::new(NOW, house.world.random.as_ref());
    house.add_tenant(other, "Other").await;
    let mine = house.device(house.tenant, house.user(house.tenant, "alice").await).await;
    let theirs = house.device(other, house.user(other, "mallory").await).await;
    (house, mine, theirs)
}

#[tokio::test]
async fn no_other_key_speaks_for_a_device() {
    let (house, mine, mut theirs) = two().await;
    let own = (theirs.tenant.clone(), theirs.phone.clone());
    for (method, path, body) in SIGNED {
        for (tenant, phone) in [(&mine.tenant, &mine.phone), (&own.0, &mine.phone), (&mine.tenant, &own.1)] {
            (theirs.tenant, theirs.phone) = (tenant.clone(), phone.clone());
            let said = house.signed(&theirs, method, path, body).await;
            assert_eq!(said.status, StatusCode::UNAUTHORIZED, "{method} {path}: {}", said.body);
        }
        let said = house.ask(Request::builder().method(*method).uri(*path), body).await;
        assert_eq!(said.status, StatusCode::UNAUTHORIZED, "{method} {path} without a signature");
    }
}

#[tokio::test]
async fn what_was_changed_on_the_way_is_refused() {
    let (house, mine, _) = two().await;
    for (method, path, body) in SIGNED {
        let proof = mine.proof(method, path, body, house.world.now().0);
        let other_method = if *method == "GET" { "POST" } else { "GET" };
        for (method, path, body, proof) in [
            (*method, *path, format!("{body} "), proof.clone()),
            (
                *method,
                &*format!("{path}{}x=1", if path.contains('?') { "&" } else { "?" }),
                (*body).to_owned(),
                proof.clone(),
            ),
            (
                *method,
                *path,
                (*body).to_owned(),
                proof.replace(&house.world.now().0.to_string(), &(house.world.now().0 + 1).to_string()),
            ),
            (*method, *path, (*body).to_owned(), proof[..proof.len() - 2].to_owned()),
        ] {
            let said = house.send(method, path, &body, &proof).await;
            assert_eq!(said.status, StatusCode::UNAUTHORIZED, "{method} {path}: {}", said.body);
        }
        let said = house.send(other_method, path, body, &proof).await;
        assert!(matches!(said.status, StatusCode::UNAUTHORIZED | StatusCode::METHOD_NOT_ALLOWED), "{method} {path}");
    }
}

#[tokio::test]
async fn a_wrong_clock_is_told_the_right_time() {
    let (house, mine, _) = two().await;
    let now = house.world.now().0;
    for off in [-121_000, 121_000, -1_000_000_000_000] {
        let proof = mine.proof("GET", "/authenticator/v1/account", "", now + off);
        let said = house.send("GET", "/authenticator/v1/account", "", &proof).await;
        assert_eq!(said.status, StatusCode::UNAUTHORIZED);
        assert_eq!((&said.body["error"], &said.body["now"]), (&json!("clock"), &json!(now)));
    }
    let proof = mine.proof("GET", "/authenticator/v1/account", "", now - 119_000);
    assert_eq!(house.send("GET", "/authenticator/v1/account", "", &proof).await.status, StatusCode::OK);
}

#[tokio::test]
async fn of_a_hundred_replays_none_changes_anything() {
    let (house, mine, _) = two().await;
    for (method, path, body) in [
        ("POST", "/authenticator/v1/account", r#"{"name":"x"}"#),
        ("POST", "/authenticator/v1/move", "{}"),
        ("POST", "/authenticator/v1/subscription", r#"{"subscription":null}"#),
    ] {
        let proof = mine.proof(method, path, body, house.world.now().0);
        let said = join_all((0..100).map(|_| house.send(method, path, body, &proof))).await;
        let taken = said.iter().filter(|said| said.status == StatusCode::OK).count();
        assert_eq!(taken, 1, "{method} {path}");
        assert!(said.iter().all(|said| matches!(said.status, StatusCode::OK | StatusCode::UNAUTHORIZED)));
        // Another signature over the same words is the same request.
        let again = mine.proof(method, path, body, house.world.now().0);
        assert_eq!(house.send(method, path, body, &again).await.status, StatusCode::UNAUTHORIZED, "{method} {path}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_said_to_be() {
    let (house, mine, _) = two().await;
    for (method, path, bodies) in [
        (
            "POST",
            "/authenticator/v1/account",
            &["", "{}", "[]", r#"{"name":1}"#, r#"{"name":"x","user":"y"}"#] as &[&str],
        ),
        (
            "POST",
            "/authenticator/v1/subscription",
            &["", "[]", r#"{"subscription":5}"#, r#"{"subscription":null,"phone":"x"}"#],
        ),
        ("POST", "/authenticator/v1/requests/x", &[r#"{"answer":"deny"}"#]),
        ("POST", "/authenticator/v1/requests/019ab3c0-0000-7000-8000-000000000000", &["", "{}", r#"{"answer":"yes"}"#]),
        ("GET", "/authenticator/v1/requests?wait=51", &[""]),
        ("GET", "/authenticator/v1/requests?wait=-1", &[""]),
    ] {
        for body in bodies {
            let said = house.signed(&mine, method, path, body).await;
            assert_eq!(said.status, StatusCode::BAD_REQUEST, "{method} {path} {body}: {}", said.body);
        }
    }
    let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(9_000));
    assert_eq!(house.signed(&mine, "POST", "/authenticator/v1/account", &long).await.status, StatusCode::BAD_REQUEST);
    for query in ["", "?tenant=", "?tenant=x", "?tenant=DAAAAAAAAAAAAAAAAAAA", "?tenant=DU"] {
        let said = house.ask(Request::get(format!("/authenticator/v1/push_key{query}")), "").await;
        assert_eq!(said.status, StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test]
async fn any_origin_may_ask_and_no_cookie_comes_along() {
    let (house, mine, _) = two().await;
    for (method, path, _) in SIGNED {
        let asked = Request::options(*path)
            .header("origin", "https://api-other.example.test")
            .header("access-control-request-method", *method)
            .header("access-control-request-headers", "authorization,content-type");
        let said = house.ask(asked, "").await;
        assert_eq!(said.status, StatusCode::NO_CONTENT, "{path}");
        assert_eq!(said.headers["access-control-allow-origin"], "*");
        assert!(said.headers["access-control-allow-methods"].to_str().unwrap().contains(method));
        assert_eq!(said.headers["access-control-allow-headers"], "authorization, content-type");
    }
    let said = house.signed(&mine, "GET", "/authenticator/v1/account", "").await;
    assert_eq!(said.headers["access-control-allow-origin"], "*");
    // With the star, browsers refuse answers to requests that carry cookies.
    assert!(!said.headers.contains_key("access-control-allow-credentials"));
    assert_eq!(said.headers["cache-control"], "no-store");
    assert!(!said.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn a_key_for_pushes_is_made_once_also_in_a_race() {
    let (house, _, theirs) = two().await;
    let path = format!("/authenticator/v1/push_key?tenant={}", house.tenant);
    let said = join_all((0..100).map(|_| house.ask(Request::get(&path), ""))).await;
    let keys: std::collections::BTreeSet<_> =
        said.iter().map(|said| said.body["public_key"].as_str().unwrap().to_owned()).collect();
    assert_eq!(keys.len(), 1);
    let other = house.ask(Request::get(format!("/authenticator/v1/push_key?tenant={}", theirs.tenant)), "").await;
    assert!(!keys.contains(other.body["public_key"].as_str().unwrap()));
}
