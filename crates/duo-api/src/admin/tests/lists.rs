//! Pages, filters and limits.

use super::house::{House, NOW};
use crate::door::Verb;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn pages_by_offset_give_everybody_once() {
    let house = House::new().await;
    let mut wanted = Vec::new();
    for n in 0..25 {
        wanted.push(house.user(&format!("u{n}")).await.id.to_string());
    }
    let (mut got, mut offset) = (Vec::new(), json!(0));
    loop {
        let page = house.call(Verb::Get, "/admin/v1/users", json!({ "limit": "10", "offset": offset })).await.unwrap();
        let metadata = page.metadata().unwrap();
        assert_eq!(metadata["total_objects"], 25);
        got.extend(page.response().as_array().unwrap().iter().map(|user| user["user_id"].as_str().unwrap().to_owned()));
        match metadata.get("next_offset") {
            Some(next) => offset = next.clone(),
            None => break,
        }
    }
    got.sort();
    wanted.sort();
    assert_eq!(got, wanted);
}

#[tokio::test]
async fn users_are_found_by_name_alias_mail_and_id() {
    let house = House::new().await;
    let alice = json!({ "username": "Alice", "alias1": "asmith", "email": "a@example.org" });
    let id = house.post("/admin/v1/users", alice).await["user_id"].clone();
    house.user("bob").await;
    for params in [
        json!({ "username": "ALICE" }),
        json!({ "username": "asmith" }),
        json!({ "email": "a@example.org" }),
        json!({ "username_list": "[\"alice\",\"asmith\",\"nobody\"]" }),
        json!({ "user_id_list": format!("[{id}]") }),
    ] {
        let found = house.get("/admin/v1/users", params.clone()).await;
        assert_eq!(found.as_array().unwrap().len(), 1, "{params}");
        assert_eq!(found[0]["user_id"], id, "{params}");
    }
    let many: Vec<String> = (0..101).map(|n| format!("u{n}")).collect();
    let refusal = house.refused(Verb::Get, "/admin/v1/users", json!({ "username_list": many })).await;
    assert_eq!(refusal, (40_002, "username_list".to_owned()));
}

#[tokio::test]
async fn calls_are_counted_by_key_and_class_and_a_minute_later_anew() {
    let house = House::new().await;
    let log = "/admin/v1/logs/administrator";
    for _ in 0..50 {
        house.call(Verb::Get, log, json!({})).await.unwrap();
    }
    let error = house.call(Verb::Get, log, json!({})).await.unwrap_err();
    assert_eq!((error.code(), error.retry_after()), (42_901, Some(60)));
    house.call(Verb::Get, "/admin/v1/users", json!({})).await.unwrap();
    let other = house.key(&["read_log"]).await;
    house.call_by(&other, Verb::Get, log, json!({})).await.unwrap();
    house.clock.advance(Duration::from_secs(60));
    house.call(Verb::Get, log, json!({})).await.unwrap();
    assert!(house.door.auth.world().now() > NOW);
}

#[tokio::test]
async fn an_id_of_another_kind_or_of_nothing_is_not_found() {
    let house = House::new().await;
    let alice = house.user("alice").await.id.to_string();
    for (path, id) in [
        ("users", "DUAAAAAAAAAAAAAAAAAA".to_owned()),
        ("users", "DPAAAAAAAAAAAAAAAAAA".to_owned()),
        ("users", "x".to_owned()),
        ("phones", alice.clone()),
        ("tokens", alice.clone()),
        ("groups", alice.clone()),
        ("bypass_codes", alice),
        ("integrations", "DIAAAAAAAAAAAAAAAAAA".to_owned()),
    ] {
        let refusal = house.refused(Verb::Get, &format!("/admin/v1/{path}/{id}"), json!({})).await;
        assert_eq!(refusal.0, 40_401, "{path} {id}");
    }
    // In a parameter a malformed id is a wrong parameter; a well-formed one of nothing is nothing.
    let user = house.user("bob").await.id;
    let path = format!("/admin/v1/users/{user}/phones");
    assert_eq!(house.refused(Verb::Post, &path, json!({ "phone_id": "x" })).await, (40_002, "phone_id".to_owned()));
    assert_eq!(house.refused(Verb::Post, &path, json!({ "phone_id": "DPAAAAAAAAAAAAAAAAAA" })).await.0, 40_401);
    assert_eq!(house.refused(Verb::Post, &path, json!({})).await, (40_001, "phone_id".to_owned()));
}
