//! A hundred redeem at once, and exactly one wins.

use crate::support::{Device, House, SEED, approve, each_engine};
use countersign_auth::otp::hotp;
use futures_util::future::join_all;
use std::time::Duration;

const MANY: usize = 100;

async fn winners(house: &House, name: &str, code: &str) -> usize {
    let tries = join_all((0..MANY).map(|_| house.passcode(name, code))).await;
    tries.iter().filter(|outcome| outcome.allow).count()
}

/// High enough that losing a race locks nobody out.
const PATIENT: &str = r#"{"lockout_threshold": 9999}"#;

#[test]
fn a_hundred_redeem_one_totp_step_and_one_wins() {
    each_engine(PATIENT, async |house| {
        let user = house.user("ana").await;
        house.token(user, "t6", SEED).await;
        assert_eq!(winners(house, "ana", &house.totp()).await, 1);
    });
}

#[test]
fn a_hundred_redeem_one_hotp_counter_and_one_wins() {
    each_engine(PATIENT, async |house| {
        let user = house.user("ana").await;
        house.token(user, "h6", SEED).await;
        assert_eq!(winners(house, "ana", &hotp(SEED, 3, 6)).await, 1);
        assert_eq!(winners(house, "ana", &hotp(SEED, 4, 6)).await, 1);
    });
}

#[test]
fn a_hundred_redeem_one_bypass_code_and_as_many_win_as_it_has_uses() {
    each_engine(PATIENT, async |house| {
        let user = house.user("ana").await;
        house.token(user, "t6", SEED).await;
        house.bypass(user, "123456789", Some(1)).await;
        assert_eq!(winners(house, "ana", "123456789").await, 1);
        house.bypass(user, "987654321", Some(3)).await;
        assert_eq!(winners(house, "ana", "987654321").await, 3);
    });
}

#[test]
fn a_hundred_redeem_one_sms_code_and_one_wins() {
    each_engine(PATIENT, async |house| {
        let user = house.user("ana").await;
        house.phone(user, "+15035550100").await;
        let sent = match house.begin("ana", countersign_auth::Factor::Sms, false).await.unwrap() {
            countersign_auth::Begun::Finished(outcome) => outcome,
            countersign_auth::Begun::Pending(_) => panic!("a message waits for nobody"),
        };
        assert_eq!((sent.allow, sent.status.as_str()), (false, "sent"));
        let message = house.outbox.wait_for("+15035550100", Duration::from_secs(5)).await.unwrap();
        let code = sms_code(message.text.expose());
        assert_eq!(winners(house, "ana", &code).await, 1);
    });
}

#[test]
fn a_message_that_is_not_sent_costs_no_codes() {
    each_engine(PATIENT, async |house| {
        let user = house.user("ana").await;
        house.phone(user, "+15035550100").await;
        let ask = async || match house.begin("ana", countersign_auth::Factor::Sms, false).await.unwrap() {
            countersign_auth::Begun::Finished(outcome) => outcome.status,
            countersign_auth::Begun::Pending(_) => panic!("a message waits for nobody"),
        };
        assert_eq!(ask().await, "sent");
        let message = house.outbox.wait_for("+15035550100", Duration::from_secs(5)).await.unwrap();
        assert_eq!(ask().await, "sms_limited", "half a minute is not over");
        assert_eq!(winners(house, "ana", &sms_code(message.text.expose())).await, 1);
    });
}

/// The seven digits in a message.
fn sms_code(text: &str) -> String {
    let found = text.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 7);
    found.unwrap_or_else(|| panic!("no passcode in the message")).to_owned()
}

#[test]
fn a_hundred_approve_one_attempt_and_one_counts() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        let device = house.authenticator(user).await;
        let (id, code) = house.push("ana").await.unwrap_or_else(|_| panic!("no push"));
        let answers = join_all((0..MANY).map(|_| device.answer(house, id, approve(&code)))).await;
        assert_eq!(answers.into_iter().filter(|counted| *counted.as_ref().unwrap()).count(), 1);
        assert!(house.finish(id).await.allow);
    });
}

#[test]
fn a_hundred_use_one_enrolment_code_and_one_device_is_attached() {
    each_engine("{}", async |house| {
        let enrolled = house.auth.enroll(&*house.app().await, Some("ana"), 600).await.unwrap();
        let devices = join_all((0..MANY).map(|_| Device::activate(house, enrolled.code.expose()))).await;
        assert_eq!(devices.iter().filter(|device| device.is_ok()).count(), 1);
        let phones = house.store.tenant(house.tenant).phones_of_users(&[enrolled.user]).await.unwrap();
        assert_eq!(phones.len(), 1);
    });
}

/// Two hundred wrong codes at once: no more of them are looked at than the threshold says, and a right code among them
/// that comes after doesn't count.
#[test]
fn parallel_guesses_are_counted_before_they_count() {
    each_engine(r#"{"lockout_threshold": 10}"#, async |house| {
        let user = house.user("ana").await;
        house.token(user, "t6", SEED).await;
        let right = house.totp();
        let guesses: Vec<String> =
            (0..200).map(|n| format!("{:06}", (n * 37) % 1_000_000)).filter(|g| *g != right).collect();
        let outcomes = join_all(guesses.iter().map(|guess| house.passcode("ana", guess))).await;
        let looked_at = outcomes.iter().filter(|outcome| outcome.message.starts_with("Incorrect")).count();
        assert_eq!(looked_at, 10);
        assert!(!house.passcode("ana", &right).await.allow);
    });
}
