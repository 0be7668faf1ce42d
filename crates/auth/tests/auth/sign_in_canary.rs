//! The canary: what a beacon has seen, and what follows from it in each mode.

use crate::{
    soft_passkey::SoftPasskey,
    support::{House, SEED, each_engine},
    visit::{Visit, allowed, code, refusal},
};
use countersign_auth::{Factor, sign_in::Sighting};
use std::time::Duration;
use types::Millis;

const PHISH: &str = "login.acme-sso.test";

async fn mark(house: &House, visit: &Visit<'_>, sighting: Sighting, host: &str) {
    house.auth.mark_canary(house.tenant, visit.id, sighting, host).await.unwrap();
}

async fn alerts(house: &House) -> Vec<(Millis, String, String)> {
    let acts = house.acts().await.into_iter().filter(|act| act.action == "aitm_detected");
    acts.map(|act| (act.at, act.object, act.detail)).collect()
}

#[test]
fn observed_the_foreign_host_is_named_before_a_code_is_taken() {
    const SETTINGS: &str = r#"{"fraud_email_enabled": true, "fraud_email": "soc@acme.example"}"#;
    each_engine(SETTINGS, async |house| {
        let user = house.user("ana").await;
        house.token(user, "t6", SEED).await;
        let visit = Visit::application(house, "ana").await;
        mark(house, &visit, Sighting::Alert, PHISH).await;
        assert_eq!(visit.sign_in().await.canary(), Sighting::Alert);
        assert_eq!(visit.sign_in().await.canary_host(), PHISH);
        let told = alerts(house).await;
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].1, user.to_string());
        assert!(told[0].2.contains(PHISH));
        assert!(house.logged().await.is_empty(), "no code was taken yet");
        let mail = house.outbox.wait_for("soc@acme.example", Duration::from_secs(20)).await.unwrap();
        assert!(mail.text.expose().contains(PHISH) && mail.text.expose().contains("ana"));
        // Nothing takes an alert back, and one is enough.
        mark(house, &visit, Sighting::Ok, "").await;
        mark(house, &visit, Sighting::Alert, "another.test").await;
        assert_eq!(visit.sign_in().await.canary_host(), PHISH);
        assert_eq!(alerts(house).await.len(), 1);
        assert!(allowed(&visit.attempt(code(&house.totp())).await), "observed only");
    });
}

#[test]
fn enforced_codes_need_a_page_that_was_seen_under_its_own_name() {
    const SETTINGS: &str = r#"{"canary": "enforce", "push_in_new_browsers": true, "weaker_with_passkey": true}"#;
    each_engine(SETTINGS, async |house| {
        let user = house.user("ana").await;
        house.token(user, "t6", SEED).await;
        house.authenticator(user).await;
        house.phone(user, "+15035550100").await;
        let key = SoftPasskey::register(house, user, &["internal"]).await;
        let blind = Visit::application(house, "ana").await;
        let foreign = Visit::application(house, "ana").await;
        mark(house, &foreign, Sighting::Ok, "").await;
        mark(house, &foreign, Sighting::Alert, PHISH).await;
        for visit in [&blind, &foreign] {
            for factor in [Factor::Push, Factor::Phone, Factor::Sms, code(&house.totp())] {
                assert_eq!(refusal(&visit.attempt(factor).await), "canary");
            }
        }
        assert!(house.outbox.take().is_empty(), "nothing was sent");
        // The code was not looked at: it is good for the real page.
        let real = Visit::application(house, "ana").await;
        mark(house, &real, Sighting::Ok, "").await;
        assert!(allowed(&real.attempt(code(&house.totp())).await));
        // A passkey needs no canary.
        assert!(allowed(&blind.passkey(&key).await));
    });
}

#[test]
fn off_it_says_nothing() {
    each_engine(r#"{"canary": "off"}"#, async |house| {
        let user = house.user("ana").await;
        house.token(user, "t6", SEED).await;
        let visit = Visit::application(house, "ana").await;
        mark(house, &visit, Sighting::Alert, PHISH).await;
        assert_eq!(visit.sign_in().await.canary(), Sighting::None);
        assert!(alerts(house).await.is_empty());
        assert!(allowed(&visit.attempt(code(&house.totp())).await));
    });
}

#[test]
fn beacons_of_others_and_hostile_hosts() {
    each_engine("{}", async |house| {
        house.user("ana").await;
        let visit = Visit::application(house, "ana").await;
        let stranger = house.another_tenant().await;
        house.auth.mark_canary(stranger, visit.id, Sighting::Alert, PHISH).await.unwrap();
        assert_eq!(visit.sign_in().await.canary(), Sighting::None, "another tenant");
        let unknown = "0196c3a1-0000-7000-8000-000000000000".parse().unwrap();
        house.auth.mark_canary(house.tenant, unknown, Sighting::Alert, PHISH).await.unwrap();
        assert!(alerts(house).await.is_empty());
        let hostile = format!("<script>\"'\r\nX: y\u{202e}{}", "a".repeat(1000));
        mark(house, &visit, Sighting::Alert, &hostile).await;
        let sign_in = visit.sign_in().await;
        let host = sign_in.canary_host();
        assert!(host.len() < 300 && host.bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(!host.contains(['<', '>', '"', '\'']));
    });
}
