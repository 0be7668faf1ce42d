//! What a device does about itself.

use crate::house::{Device, House, Said};
use futures_util::future::join_all;
use http::StatusCode;
use serde_json::json;
use std::time::Duration;
use types::PhoneId;

const ACCOUNT: &str = "/authenticator/v1/account";
const MOVE: &str = "/authenticator/v1/move";
const SUBSCRIPTION: &str = "/authenticator/v1/subscription";

fn code(said: &Said) -> String {
    assert_eq!(said.status, StatusCode::OK, "{}", said.body);
    said.body["link"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

fn subscription() -> String {
    json!({ "subscription": {
        "endpoint": "https://updates.push.services.mozilla.com/wpush/v2/x",
        "keys": {
            "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
            "auth": "BTBZMqHH6r4Tts7J_aSIgg",
        },
    }})
    .to_string()
}

#[tokio::test]
async fn a_device_tells_whose_it_is_and_takes_a_name() {
    let house = House::new().await;
    let device = house.device(house.tenant, house.user(house.tenant, "alice").await).await;
    let said = house.signed(&device, "GET", ACCOUNT, "").await;
    assert_eq!(said.status, StatusCode::OK);
    assert_eq!(
        said.body,
        json!({
            "organisation": "Acme", "brand": "Countersign", "host": "api-acme.example.test", "username": "alice",
            "name": "a tablet", "created": 1_795_280_601, "totp": true, "push": false,
        })
    );
    assert_eq!(
        house.signed(&device, "POST", ACCOUNT, r#"{"name":" The <b>red</b> one "}"#).await.status,
        StatusCode::OK
    );
    assert_eq!(house.signed(&device, "GET", ACCOUNT, "").await.body["name"], "The <b>red</b> one");
    for name in ["x".repeat(101), "a\nb".to_owned(), "\u{7f}".to_owned()] {
        let said = house.signed(&device, "POST", ACCOUNT, &json!({ "name": name }).to_string()).await;
        assert_eq!(said.status, StatusCode::BAD_REQUEST, "{name:?}");
    }
}

#[tokio::test]
async fn a_seed_is_told_once_and_only_to_who_asks() {
    let house = House::new().await;
    let user = house.user(house.tenant, "alice").await;
    let device = house.device(house.tenant, user).await;
    assert_eq!(device.totp["secret"].as_str().unwrap().len(), 32);
    assert_eq!((&device.totp["digits"], &device.totp["period"]), (&json!(6), &json!(30)));
    let tokens = house.store.tenant(house.tenant).tokens_of_users(&[user]).await.unwrap();
    let seed = device.totp["secret"].as_str().unwrap();
    assert_eq!(tokens.len(), 1);
    assert!(!String::from_utf8_lossy(&tokens[0].1.seed).contains(seed));
    let (code, _) = house.auth.activation(house.tenant, user, None, Duration::from_secs(600)).await.unwrap();
    let plain = house.auth.activate(house.tenant, code.expose(), &[4; 65], "x").await.unwrap();
    assert!(plain.seed.is_none());
}

#[tokio::test]
async fn a_device_that_goes_takes_its_passcodes_and_its_pushes_with_it() {
    let house = House::new().await;
    let user = house.user(house.tenant, "alice").await;
    let (device, other) = (house.device(house.tenant, user).await, house.device(house.tenant, user).await);
    assert_eq!(house.signed(&device, "POST", SUBSCRIPTION, &subscription()).await.status, StatusCode::OK);
    let phone: PhoneId = device.phone.parse().unwrap();
    let scope = house.store.tenant(house.tenant);
    assert!(scope.push_subscription(phone).await.unwrap().is_some());
    assert_eq!(house.signed(&device, "DELETE", ACCOUNT, "").await.status, StatusCode::OK);
    assert!(scope.push_subscription(phone).await.unwrap().is_none());
    assert!(scope.phone(phone).await.unwrap().is_none());
    let left = scope.tokens_of_users(&[user]).await.unwrap();
    assert_eq!(
        left.iter().map(|(_, token)| token.serial.as_str()).collect::<Vec<_>>(),
        [format!("authenticator {}", other.phone)]
    );
    assert_eq!(house.signed(&device, "GET", ACCOUNT, "").await.status, StatusCode::UNAUTHORIZED);
    // The last one stays: its owner could not sign in any more.
    let said = house.signed(&other, "DELETE", ACCOUNT, "").await;
    assert_eq!((said.status, &said.body["error"]), (StatusCode::BAD_REQUEST, &json!("last")));
    assert_eq!(house.signed(&other, "GET", ACCOUNT, "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn of_a_hundred_who_take_a_devices_place_one_does() {
    let house = House::new().await;
    let user = house.user(house.tenant, "alice").await;
    let old = house.device(house.tenant, user).await;
    assert_eq!(house.signed(&old, "POST", SUBSCRIPTION, &subscription()).await.status, StatusCode::OK);
    let said = house.signed(&old, "POST", MOVE, "{}").await;
    assert!(said.body["qr"].as_array().unwrap().len() > 21);
    let code = code(&said);
    let racers: Vec<_> = (0..100).map(|_| Device::new(house.tenant)).collect();
    let said = join_all(racers.iter().map(|racer| house.activate(racer, &code))).await;
    let mut winners = racers.into_iter().zip(said).filter(|(_, said)| said.status == StatusCode::OK);
    let (winner, said) = winners.next().unwrap();
    assert!(winners.next().is_none());
    let new = winner.named(&said.body);
    assert_eq!(new.phone, old.phone, "the place is the same");
    assert_ne!(new.totp["secret"], old.totp["secret"]);
    assert_eq!(house.signed(&old, "GET", ACCOUNT, "").await.status, StatusCode::UNAUTHORIZED);
    let account = house.signed(&new, "GET", ACCOUNT, "").await.body;
    assert_eq!(
        (&account["username"], &account["totp"], &account["push"]),
        (&json!("alice"), &json!(true), &json!(false))
    );
    assert_eq!(house.store.tenant(house.tenant).tokens_of_users(&[user]).await.unwrap().len(), 1);
    // It is a change like any addition: the owner hears of it and can undo it.
    let changes = house.store.tenant(house.tenant).changes_of_user(user, house.world.now()).await.unwrap();
    assert!(changes.iter().filter(|change| change.object == new.phone).count() >= 2, "{changes:?}");
}

#[tokio::test]
async fn a_place_is_offered_for_ten_minutes_and_five_times_in_an_hour() {
    let house = House::new().await;
    let user = house.user(house.tenant, "alice").await;
    let device = house.device(house.tenant, user).await;
    let late = code(&house.signed(&device, "POST", MOVE, "{}").await);
    house.clock.advance(Duration::from_secs(601));
    let said = house.activate(&Device::new(house.tenant), &late).await;
    assert_eq!(said.status, StatusCode::BAD_REQUEST);
    for _ in 0..4 {
        house.clock.advance(Duration::from_secs(1));
        assert_eq!(house.signed(&device, "POST", MOVE, "{}").await.status, StatusCode::OK);
    }
    house.clock.advance(Duration::from_secs(1));
    let said = house.signed(&device, "POST", MOVE, "{}").await;
    assert_eq!((said.status, &said.body["error"]), (StatusCode::TOO_MANY_REQUESTS, &json!("limited")));
}

#[tokio::test]
async fn a_telephone_that_was_taken_away_gives_its_place_to_nobody() {
    let house = House::new().await;
    let user = house.user(house.tenant, "alice").await;
    for taken in ["detached", "cleared", "deleted"] {
        let stolen = house.device(house.tenant, user).await;
        house.clock.advance(Duration::from_secs(1));
        let code = code(&house.signed(&stolen, "POST", MOVE, "{}").await);
        let phone: PhoneId = stolen.phone.parse().unwrap();
        let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
        let done = match taken {
            "detached" => tx.detach_phone(user, phone).await,
            "cleared" => tx.clear_phone_key(phone).await,
            _ => tx.delete_phone(phone).await,
        };
        assert!(done.unwrap());
        tx.commit().await.unwrap();
        let said = house.activate(&Device::new(house.tenant), &code).await;
        assert_eq!(said.status, StatusCode::BAD_REQUEST, "{taken}");
        let tokens = house.store.tenant(house.tenant).tokens_of_users(&[user]).await.unwrap();
        assert!(tokens.is_empty(), "{taken}: its passcodes are gone, too");
    }
}
