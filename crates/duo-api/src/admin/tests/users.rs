//! A user's object through its states, and what makes one enrol.

use super::house::{House, NOW};
use crate::door::Verb;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_state_is_what_holds_now() {
    let house = House::new().await;
    let id = house.user("alice").await.id;
    let path = format!("/admin/v1/users/{id}");
    let status = async || house.get(&path, json!({})).await["status"].as_str().unwrap().to_owned();
    assert_eq!(status().await, "active");
    house.post("/admin/v1/settings", json!({ "lockout_expire_duration": 10 })).await;
    house.scope().lock_user(id).await.unwrap();
    assert_eq!(status().await, "locked out");
    assert_eq!(house.get(&path, json!({})).await["lockout_reason"], "Failed Attempts");
    house.clock.advance(Duration::from_secs(601));
    assert_eq!(status().await, "active", "the lock-out has expired");
    house.clock.set(NOW);
    assert_eq!(house.post(&path, json!({ "status": "active" })).await["status"], "active", "an administrator ends it");
    assert_eq!(house.post(&path, json!({ "status": "disabled" })).await["status"], "disabled");
    house.post("/admin/v1/users/bulk_send_to_trash", json!({ "user_id_list": [id.to_string()] })).await;
    assert_eq!(status().await, "pending deletion");
    house.post("/admin/v1/users/bulk_restore", json!({ "user_id_list": [id.to_string()] })).await;
    assert_eq!(status().await, "disabled");
    assert_eq!(
        house.refused(Verb::Post, &path, json!({ "status": "locked out" })).await,
        (40_002, "status".to_owned())
    );
}

#[tokio::test]
async fn attributes_are_set_one_by_one() {
    let house = House::new().await;
    let new = json!({ "username": "a", "custom_attributes.town": "Ulm", "custom_attributes.room": "1" });
    let user = house.post("/admin/v1/users", new).await;
    assert_eq!(user["custom_attributes"], json!({ "town": "Ulm", "room": "1" }));
    let path = format!("/admin/v1/users/{}", user["user_id"].as_str().unwrap());
    let user = house.post(&path, json!({ "custom_attributes.room": "", "custom_attributes.desk": "2" })).await;
    assert_eq!(user["custom_attributes"], json!({ "town": "Ulm", "desk": "2" }));
}

#[tokio::test]
async fn all_users_of_a_list_are_made_or_none() {
    let house = House::new().await;
    let users = json!({ "users": [{ "username": "a", "alias1": "x" }, { "username": "b", "email": "b@example.org" }] });
    assert_eq!(house.post("/admin/v1/users/bulk_create", users).await.as_array().unwrap().len(), 2);
    let again = json!({ "users": "[{\"username\":\"c\"},{\"username\":\"X\"}]" });
    let refusal = house.refused(Verb::Post, "/admin/v1/users/bulk_create", again).await;
    assert_eq!(refusal, (40_002, "username already exists".to_owned()));
    assert_eq!(house.get("/admin/v1/users", json!({})).await.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn without_a_mail_channel_the_enrolment_link_goes_to_the_caller() {
    let house = House::new().await;
    let ask = json!({ "username": "newbie", "email": "newbie@example.org", "valid_secs": 600 });
    let link = house.post("/admin/v1/users/enroll", ask.clone()).await;
    assert!(link.as_str().unwrap().starts_with(&format!("https://api-t.example.org/activate/{}/", house.tenant)));
    let again = house.post("/admin/v1/users/enroll", ask).await;
    assert_ne!(again, link, "each has a code of its own");
    let users = house.get("/admin/v1/users", json!({ "username": "newbie" })).await;
    assert_eq!((users.as_array().unwrap().len(), users[0]["email"].as_str()), (1, Some("newbie@example.org")));
    let wrong = json!({ "username": "x", "email": "nobody" });
    assert_eq!(house.refused(Verb::Post, "/admin/v1/users/enroll", wrong).await, (40_002, "email".to_owned()));
}

#[tokio::test]
async fn a_number_is_shown_to_the_tenants_own_key_and_a_phone_is_activated_for_its_owner() {
    let house = House::new().await;
    let id = house.user("alice").await.id;
    let phone = house.post("/admin/v1/phones", json!({ "number": "+1 503 555 0100", "type": "mobile" })).await;
    assert_eq!((phone["number"].as_str(), phone["type"].as_str()), (Some("+15035550100"), Some("Mobile")));
    assert_eq!(phone["capabilities"], json!(["auto", "sms", "phone"]));
    let phone = phone["phone_id"].as_str().unwrap();
    let activate = format!("/admin/v1/phones/{phone}/activation_url");
    let refusal = house.refused(Verb::Post, &activate, json!({})).await;
    assert_eq!(refusal, (40_002, "the phone has no user".to_owned()));
    house.post(&format!("/admin/v1/users/{id}/phones"), json!({ "phone_id": phone })).await;
    let made = house.post(&activate, json!({ "valid_secs": "600" })).await;
    assert!(made["activation_url"].as_str().unwrap().contains("/activate/") && made["valid_secs"] == 600);
    let user = house.get(&format!("/admin/v1/users/{id}"), json!({})).await;
    assert_eq!(
        (user["phones"][0]["number"].as_str(), user["is_enrolled"].as_bool()),
        (Some("+15035550100"), Some(true))
    );
    let wrong = house.refused(Verb::Post, "/admin/v1/phones", json!({ "number": "5035550100" })).await;
    assert_eq!(wrong, (40_002, "number".to_owned()));
}

#[tokio::test]
async fn a_token_finds_its_counter_by_codes_in_a_row() {
    let house = House::new().await;
    let seed = "3132333435363738393031323334353637383930";
    let token = house.post("/admin/v1/tokens", json!({ "type": "h6", "serial": "1", "secret": seed })).await;
    let path = format!("/admin/v1/tokens/{}/resync", token["token_id"].as_str().unwrap());
    // RFC 4226 appendix D: counters 7, 8 and 9.
    let right = json!({ "code1": "162583", "code2": "399871", "code3": "520489" });
    let wrong = json!({ "code1": "162583", "code2": "520489" });
    assert_eq!(house.refused(Verb::Post, &path, wrong).await.0, 40_002);
    house.post(&path, right.clone()).await;
    assert_eq!(house.refused(Verb::Post, &path, right).await.0, 40_002, "codes that were used say nothing any more");
    for (name, params) in [
        ("type", json!({ "type": "x9", "serial": "1", "secret": seed })),
        ("secret", json!({ "type": "t6", "serial": "1", "secret": "00" })),
        ("totp_step", json!({ "type": "t6", "serial": "1", "secret": seed, "totp_step": 7 })),
    ] {
        assert_eq!(house.refused(Verb::Post, "/admin/v1/tokens", params).await, (40_002, name.to_owned()));
    }
}

#[tokio::test]
async fn bypass_codes_are_shown_once() {
    let house = House::new().await;
    let id = house.user("alice").await.id;
    let path = format!("/admin/v1/users/{id}/bypass_codes");
    let codes = house.post(&path, json!({ "count": "2", "reuse_count": "0", "valid_secs": "60" })).await;
    assert_eq!(codes.as_array().unwrap().len(), 2);
    house.post(&path, json!({ "codes": "407176182,016931781", "preserve_existing": "true" })).await;
    let listed = house.get("/admin/v1/bypass_codes", json!({})).await;
    assert_eq!(listed.as_array().unwrap().len(), 4);
    assert!(codes.as_array().unwrap().iter().all(|code| !listed.to_string().contains(code.as_str().unwrap())));
    let limits: Vec<_> = listed.as_array().unwrap().iter().map(|code| code["reuse_count"].clone()).collect();
    assert_eq!(limits.iter().filter(|limit| limit.is_null()).count(), 2);
    assert_eq!(
        house.refused(Verb::Post, &path, json!({ "count": 1, "codes": "123456" })).await,
        (40_002, "codes".to_owned())
    );
}
