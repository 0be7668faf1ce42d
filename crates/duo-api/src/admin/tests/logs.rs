//! The three logs in their two versions.

use super::house::{House, NOW};
use crate::door::Verb;
use directory::NewGroup;
use serde_json::{Value, json};
use std::{collections::HashSet, time::Duration};
use store::{AuthLogRow, MessageRow};
use types::{LogId, MessageId, Millis, UserId};

/// Attempts of Alice and of nobody in turn, one a second; every third denied.
async fn attempts(house: &House, alice: UserId, number: usize) {
    let mut tx = house.scope().rows().begin().await.unwrap();
    for n in 0..number {
        let at = NOW - Duration::from_secs((number - n) as u64);
        let known = n % 2 == 0;
        tx.insert_auth_log(&AuthLogRow {
            id: LogId::new(at, house.door.auth.world().random.as_ref()),
            at,
            user_id: known.then_some(alice),
            username: if known { "alice" } else { "nobody" }.to_owned(),
            ikey: house.ikey.clone(),
            factor: "duo_push".to_owned(),
            result: if n % 3 == 0 { "denied" } else { "success" }.to_owned(),
            reason: "user_approved".to_owned(),
            ip: "192.0.2.1".to_owned(),
            device: String::new(),
            detail: json!({ "application": "VPN", "txid": format!("t{n}") }).to_string(),
        })
        .await
        .unwrap();
    }
    tx.commit().await.unwrap();
}

/// All pages of a v2 log from the first to the last.
async fn all(house: &House, path: &str, rows: &str, params: Value) -> Vec<Value> {
    let (mut got, mut params) = (Vec::new(), params);
    for _ in 0..100 {
        let response = house.get(path, params.clone()).await;
        got.extend(response[rows].as_array().unwrap().clone());
        match &response["metadata"]["next_offset"] {
            Value::Null => return got,
            next => params["next_offset"] = next.clone(),
        }
    }
    panic!("the pages never end");
}

#[tokio::test]
async fn pages_by_cursor_give_every_attempt_once_in_both_orders() {
    let house = House::new().await;
    let alice = house.user("alice").await.id;
    attempts(&house, alice, 25).await;
    let path = "/admin/v2/logs/authentication";
    for (sort, first) in [("ts:asc", "t0"), ("ts:desc", "t24")] {
        let params = json!({ "mintime": 0, "maxtime": NOW.0, "limit": "10", "sort": sort });
        let got = all(&house, path, "authlogs", params).await;
        let ids: HashSet<_> = got.iter().map(|row| row["txid"].as_str().unwrap()).collect();
        assert_eq!((got.len(), ids.len(), got[0]["txid"].as_str()), (25, 25, Some(first)), "{sort}");
    }
    // A page that ends with the last row is the last page.
    let page = house.get(path, json!({ "mintime": 0, "maxtime": NOW.0, "limit": "25" })).await;
    assert_eq!(page["metadata"], json!({ "next_offset": null, "total_objects": 25 }));
    assert_eq!(house.refused(Verb::Get, path, json!({ "mintime": 0 })).await, (40_001, "maxtime".to_owned()));
    let wrong = json!({ "mintime": 0, "maxtime": NOW.0, "next_offset": ["1", "x"] });
    assert_eq!(house.refused(Verb::Get, path, wrong).await, (40_002, "next_offset".to_owned()));
}

#[tokio::test]
async fn filters_hold_on_every_page() {
    let house = House::new().await;
    let alice = house.user("alice").await.id;
    let group = NewGroup { name: "g".to_owned(), ..NewGroup::default() };
    let group = house.scope().create_group(&group).await.unwrap().id;
    house.scope().add_to_group(alice, group).await.unwrap();
    attempts(&house, alice, 30).await;
    for (filter, wanted) in [
        (json!({ "users": [alice.to_string()] }), 15),
        (json!({ "users": alice.to_string(), "results": "denied" }), 5),
        (json!({ "groups": [group.to_string()] }), 15),
        (json!({ "applications": [house.ikey] }), 30),
        (json!({ "applications": ["DIAAAAAAAAAAAAAAAAAA"] }), 0),
        (json!({ "factors": ["duo_push", "passcode"] }), 30),
        (json!({ "factors": ["passcode"] }), 0),
        (json!({ "event_types": ["enrollment"] }), 0),
        (json!({ "phone_numbers": ["+15035550100"] }), 0),
        (json!({ "webauthnkey": ["WAX"] }), 0),
    ] {
        let mut params = json!({ "mintime": 0, "maxtime": NOW.0, "limit": "4", "sort": "ts:asc" });
        for (name, value) in filter.as_object().unwrap() {
            params[name] = value.clone();
        }
        let got = all(&house, "/admin/v2/logs/authentication", "authlogs", params).await;
        let ids: HashSet<_> = got.iter().map(|row| row["txid"].as_str().unwrap()).collect();
        assert_eq!((got.len(), ids.len()), (wanted, wanted), "{filter}");
    }
    let shown = house
        .get("/admin/v2/logs/authentication", json!({ "mintime": 0, "maxtime": NOW.0, "users": alice.to_string() }))
        .await;
    assert_eq!(shown["authlogs"][0]["user"], json!({ "groups": ["g"], "key": alice.to_string(), "name": "alice" }));
    assert_eq!(shown["authlogs"][0]["application"], json!({ "key": house.ikey, "name": "VPN" }));
}

#[tokio::test]
async fn counts_are_of_attempts_and_of_people() {
    let house = House::new().await;
    let alice = house.user("alice").await.id;
    attempts(&house, alice, 30).await;
    let counts = house.get("/admin/v1/info/authentication_attempts", json!({})).await;
    assert_eq!(counts, json!({ "ERROR": 0, "FAILURE": 10, "FRAUD": 0, "SUCCESS": 20 }));
    let people = house.get("/admin/v1/info/user_authentication_attempts", json!({})).await;
    assert_eq!(people, json!({ "ERROR": 0, "FAILURE": 1, "FRAUD": 0, "SUCCESS": 1 }));
    let later = house
        .get(
            "/admin/v1/info/authentication_attempts",
            json!({ "mintime": NOW.seconds() + 1, "maxtime": NOW.seconds() + 9 }),
        )
        .await;
    assert_eq!(later["SUCCESS"], 0);
}

#[tokio::test]
async fn the_first_version_starts_at_its_mintime() {
    let house = House::new().await;
    attempts(&house, house.user("alice").await.id, 10).await;
    let all = house.get("/admin/v1/logs/authentication", json!({})).await;
    assert_eq!(all.as_array().unwrap().len(), 10);
    assert_eq!((all[0]["result"].as_str(), all[0]["factor"].as_str()), (Some("FAILURE"), Some("Duo Push")));
    let late = house.get("/admin/v1/logs/authentication", json!({ "mintime": all[7]["timestamp"] })).await;
    assert_eq!(late.as_array().unwrap().len(), 3);
    let acts = house.get("/admin/v1/logs/administrator", json!({})).await;
    let actions: HashSet<_> = acts.as_array().unwrap().iter().map(|act| act["action"].as_str().unwrap()).collect();
    assert_eq!(actions, HashSet::from(["customer_create", "integration_create", "user_create"]));
    let items = all_items(&house).await;
    assert_eq!(items.len(), 3);
}

async fn all_items(house: &House) -> Vec<Value> {
    all(house, "/admin/v2/logs/activity", "items", json!({ "limit": "2", "maxtime": NOW.0 + 1 })).await
}

#[tokio::test]
async fn messages_tell_their_day_and_no_number() {
    let house = House::new().await;
    let day = NOW.day();
    let midnight = Millis(day * 86_400_000);
    let mut tx = house.scope().rows().begin().await.unwrap();
    for (place, channel) in ["sms", "voice", "email"].into_iter().enumerate() {
        tx.insert_message(&MessageRow {
            id: MessageId::new(midnight, house.door.auth.world().random.as_ref()),
            day,
            channel: channel.to_owned(),
            supplier: "s".to_owned(),
            purpose: "authentication".to_owned(),
            state: "delivered".to_owned(),
            billing_class: String::new(),
            error_class: String::new(),
            user_mark: vec![place as u8],
            receipt: None,
            sealed: Some(vec![1, 2, 3]),
            txid: None,
        })
        .await
        .unwrap();
    }
    tx.commit().await.unwrap();
    // A reader that asks for the last minutes still gets the day's rows.
    let soon = NOW - Duration::from_secs(60);
    let old = house.get("/admin/v1/logs/telephony", json!({ "mintime": soon.seconds() })).await;
    let new = house.get("/admin/v2/logs/telephony", json!({ "mintime": soon.0 })).await;
    for rows in [&old, &new["items"]] {
        let rows = rows.as_array().unwrap();
        let kinds: HashSet<_> = rows.iter().map(|row| row["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, HashSet::from(["sms", "phone"]));
        assert!(
            rows.iter().all(|row| row["phone"] == "" && row["sealed"] == "AQID" && row["context"] == "authentication")
        );
    }
    assert_eq!(old[0]["timestamp"], midnight.seconds());
    assert_eq!(new["items"][0]["ts"], super::super::logs_v1::iso_micros(midnight));
    // The log's own page gives every row of the day as it is kept, and where to go on.
    let path = "/admin/v1/logs/messages";
    let mut params = json!({ "mintime": soon.0, "limit": 1 });
    let mut kinds = Vec::new();
    loop {
        let page = house.get(path, params.clone()).await;
        for row in page["items"].as_array().unwrap() {
            assert_eq!((row["sealed"].as_str(), row["day"].as_i64()), (Some("AQID"), Some(day)));
            kinds.push(row["channel"].as_str().unwrap().to_owned());
        }
        match &page["metadata"]["next_offset"] {
            Value::Null => break,
            next => params["next_offset"] = next.clone(),
        }
    }
    assert_eq!(kinds.len(), 3, "{kinds:?}");
    // Each page is a line, also one that somebody begins at in the middle.
    let span = store::Span::new(Millis(0), Millis(i64::MAX), 100);
    let acts = house.scope().rows().admin_log(&span).await.unwrap();
    let lines: Vec<_> = acts.iter().filter(|act| act.action == "message_log_read").collect();
    assert_eq!(lines.iter().filter(|line| line.detail.contains(r#""rows":1"#)).count(), 3);
    assert_eq!(lines.iter().filter(|line| line.detail.contains(r#""continued":false"#)).count(), 1);
    // Somebody who isn't here is nobody to ask for, and nothing to write down.
    let foreign = types::UserId::from_bytes([7; 16]).to_string();
    assert_eq!(house.refused(Verb::Get, path, json!({ "user": foreign })).await, (40_002, "user".to_owned()));
    let acts = house.scope().rows().admin_log(&span).await.unwrap();
    assert!(acts.iter().all(|act| !act.detail.contains(&foreign)));
    let none = house.get(path, json!({ "mintime": soon.0, "user": house.user("alice").await.id.to_string() })).await;
    assert_eq!(none["items"], json!([]));
}
