//! Passkeys, as the Admin API shows them and takes them away.

use super::house::{House, NOW};
use crate::door::Verb;
use serde_json::{Value, json};
use std::time::Duration;
use store::{AuthLogRow, PasskeyRow};
use types::{LogId, PasskeyId, UserId};

const DAY: Duration = Duration::from_secs(86_400);

/// A passkey as a registration leaves it.
async fn passkey(house: &House, user: UserId, name: &str, transports: &str) -> PasskeyId {
    house.clock.advance(Duration::from_secs(1));
    let now = house.door.auth.world().now();
    let random = house.door.auth.world().random.as_ref();
    let row = PasskeyRow {
        id: PasskeyId::new(now, random),
        user_id: user,
        credential_id: name.as_bytes().to_vec(),
        credential: b"public".to_vec(),
        name: name.to_owned(),
        aaguid: "00000000-0000-0000-0000-000000000000".to_owned(),
        transports: transports.to_owned(),
        counter: 0,
        backup_eligible: false,
        backed_up: false,
        user_verified: true,
        attestation: "none".to_owned(),
        suspended_at: None,
        suspended_reason: String::new(),
        last_used: None,
        created: now,
    };
    let mut tx = house.scope().rows().begin().await.unwrap();
    assert!(tx.insert_passkey(&row).await.unwrap());
    tx.insert_auth_log(&AuthLogRow {
        id: LogId::new(now, random),
        at: now,
        user_id: Some(user),
        username: "alice".to_owned(),
        ikey: house.ikey.clone(),
        factor: "webauthn_credential".to_owned(),
        result: "success".to_owned(),
        reason: "user_approved".to_owned(),
        ip: "192.0.2.1".to_owned(),
        device: row.id.to_string(),
        detail: "{}".to_owned(),
    })
    .await
    .unwrap();
    tx.commit().await.unwrap();
    row.id
}

#[tokio::test]
async fn a_passkey_is_listed_shown_and_taken_away() {
    let house = House::new().await;
    let (alice, bob) = (house.user("alice").await.id, house.user("bob").await.id);
    let key = passkey(&house, alice, "laptop", "internal,hybrid").await;
    let other = passkey(&house, bob, "stick", "usb,nfc").await;

    let alone = json!({
        "webauthnkey": key.to_string(), "credential_name": "laptop", "label": "Platform authenticator",
        "date_added": NOW.seconds() + 1,
    });
    let all = house.get("/admin/v1/webauthncredentials", json!({})).await;
    assert_eq!(all.as_array().unwrap().len(), 2);
    assert_eq!(all[1]["label"], "Security key");
    let path = format!("/admin/v1/webauthncredentials/{key}");
    let shown = house.get(&path, json!({})).await;
    assert_eq!(shown, all[0]);
    assert_eq!((&shown["user"]["username"], &shown["admin"]), (&json!("alice"), &Value::Null));
    let of_user = house.get(&format!("/admin/v1/users/{alice}/webauthncredentials"), json!({})).await;
    assert_eq!(of_user, json!([alone]));
    let user = house.get(&format!("/admin/v1/users/{alice}"), json!({})).await;
    assert_eq!((&user["webauthncredentials"], &user["is_enrolled"]), (&json!([alone]), &json!(true)));

    let span = json!({ "mintime": 0, "maxtime": NOW.0 + 1000, "webauthnkey": [key.to_string()] });
    let logged = house.get("/admin/v2/logs/authentication", span).await;
    assert_eq!(logged["authlogs"].as_array().unwrap().len(), 1);

    assert_eq!(house.refused(Verb::Delete, &path, json!({})).await.0, 40_301, "the last one, by one administrator");
    two_agree(&house, alice).await;
    house.call(Verb::Delete, &path, json!({})).await.unwrap();
    assert_eq!(house.refused(Verb::Get, &path, json!({})).await.0, 40_401);
    assert_eq!(house.refused(Verb::Delete, &path, json!({})).await.0, 40_401);
    let user = house.get(&format!("/admin/v1/users/{alice}"), json!({})).await;
    assert_eq!((&user["webauthncredentials"], &user["is_enrolled"]), (&json!([]), &json!(false)));
    let row = house.scope().rows().user(alice).await.unwrap().unwrap();
    assert_eq!(row.passkeys, 0);
    let left = house.get("/admin/v1/webauthncredentials", json!({})).await;
    assert_eq!(left[0]["webauthnkey"], other.to_string());
    let log = house.get("/admin/v1/logs/administrator", json!({ "mintime": 0 })).await;
    let entry = log.as_array().unwrap().iter().find(|entry| entry["action"] == "webauthn_credential_delete").unwrap();
    assert!(entry["description"].as_str().unwrap().contains(&key.to_string()));
}

/// The house's key asks, and another that is old enough allows it.
async fn two_agree(house: &House, user: UserId) {
    let path = format!("/admin/v1/users/{user}/addition_request");
    assert_eq!(house.get(&path, json!({})).await, json!({ "state": "none" }));
    let second = house.key(&["write_resource"]).await;
    house.clock.advance(DAY);
    let asked = house.post(&path, json!({})).await;
    assert_eq!((&asked["state"], &asked["asked_by"]), (&json!("waiting"), &json!(house.ikey)));
    let asked_by = json!({ "asked_by": house.ikey });
    let allow = format!("{path}/allow");
    assert_eq!(house.refused(Verb::Post, &allow, asked_by.clone()).await.0, 40_002, "by the same key");
    let third = house.key(&["write_resource"]).await;
    assert_eq!(
        house.call_by(&third, Verb::Post, &allow, asked_by.clone()).await.unwrap_err().code(),
        40_301,
        "too new"
    );
    let allowed = house.call_by(&second, Verb::Post, &allow, asked_by).await.unwrap();
    assert_eq!(allowed.response()["state"], "open");
}

#[tokio::test]
async fn an_administrator_who_is_alone_waits_a_day_and_has_a_day() {
    let house = House::new().await;
    let alice = house.user("alice").await.id;
    passkey(&house, alice, "laptop", "internal").await;
    let path = format!("/admin/v1/users/{alice}/addition_request");
    let add = format!("/admin/v1/users/{alice}/bypass_codes");
    assert_eq!(house.refused(Verb::Post, &add, json!({ "count": "1" })).await.0, 40_301);
    house.post(&path, json!({})).await;
    house.clock.advance(DAY - Duration::from_secs(1));
    assert_eq!(house.refused(Verb::Post, &add, json!({ "count": "1" })).await.0, 40_301);
    house.clock.advance(Duration::from_secs(1));
    assert_eq!(house.post(&add, json!({ "count": "1" })).await.as_array().unwrap().len(), 1);
    house.clock.advance(DAY);
    assert_eq!(house.refused(Verb::Post, &add, json!({ "count": "1" })).await.0, 40_301, "the day is over");
    assert_eq!(house.get(&path, json!({})).await["state"], "over");
    house.call(Verb::Delete, &path, json!({})).await.unwrap();
    assert_eq!(house.get(&path, json!({})).await["state"], "none");
}
