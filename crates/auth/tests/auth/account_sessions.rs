//! Sessions of a person's own pages.

use crate::{
    account_house::{browser, is_refused},
    support::each_engine,
};
use countersign_auth::{
    DeviceId,
    account::{Action, Held, Strength},
};
use std::time::Duration;
use store::ParticipantRow;
use types::{Millis, PhoneId};

const MINUTE: Duration = Duration::from_secs(60);
const HALF_AN_HOUR: &str = r#"{"session_idle_minutes": 30}"#;

#[test]
fn a_session_ends_by_idleness_and_by_age() {
    each_engine(HALF_AN_HOUR, async |house| {
        let user = house.person("ana").await;
        let (cookie, _) = house.session(user, Strength::Passkey).await;
        house.clock.advance(29 * MINUTE);
        assert!(house.opens_page(&cookie).await);
        house.clock.advance(29 * MINUTE);
        assert!(house.is_open(&cookie).await, "the page was use; this look isn't");
        house.clock.advance(2 * MINUTE);
        assert!(!house.is_open(&cookie).await, "idle");
        let (cookie, session) = house.session(user, Strength::Push).await;
        assert_eq!(session.strength(), Strength::Push);
        for _ in 0..35 {
            house.clock.advance(20 * MINUTE);
            assert!(house.opens_page(&cookie).await);
        }
        house.clock.advance(21 * MINUTE);
        assert!(!house.is_open(&cookie).await, "twelve hours");
    });
}

#[test]
fn what_nobody_uses_any_more_is_ended_and_its_applications_are_owed_word() {
    each_engine(HALF_AN_HOUR, async |house| {
        let user = house.person("ana").await;
        let (unused, one) = house.session(user, Strength::Passkey).await;
        let (used, two) = house.session(user, Strength::Passkey).await;
        let scope = house.store.tenant(house.tenant);
        for session in [&one, &two] {
            let mut tx = scope.begin().await.unwrap();
            let row = ParticipantRow {
                session_id: session.id(),
                ikey: "DICLIENT000000000000".to_owned(),
                sid: session.id().to_string(),
                user_id: user,
                detail: vec![1; 40],
                created: house.world.now(),
                expires: house.world.now() + 1440 * MINUTE,
                ended_at: None,
            };
            tx.put_participant(&row).await.unwrap();
            tx.commit().await.unwrap();
        }
        let owed = async || {
            let far = Millis(i64::MAX);
            let rows = house.store.logouts_in_turn(far, 10, 10).await.unwrap();
            rows.into_iter().map(|row| row.sid).collect::<Vec<_>>()
        };
        house.clock.advance(29 * MINUTE);
        assert!(house.opens_page(&used).await);
        house.auth.end_unused_sessions().await.unwrap();
        assert!(house.is_open(&unused).await && owed().await.is_empty());
        house.clock.advance(2 * MINUTE);
        house.auth.end_unused_sessions().await.unwrap();
        assert!(scope.session(one.id()).await.unwrap().unwrap().ended_at.is_some());
        assert!(scope.session(two.id()).await.unwrap().unwrap().ended_at.is_none());
        assert_eq!(owed().await, [one.id().to_string()]);
        // At the end of the longest time, too, however it was used.
        for _ in 0..35 {
            house.clock.advance(20 * MINUTE);
            house.opens_page(&used).await;
        }
        house.auth.end_unused_sessions().await.unwrap();
        assert!(scope.session(two.id()).await.unwrap().unwrap().ended_at.is_some());
        assert_eq!(owed().await.len(), 2);
        assert_eq!(house.auth.end_unused_sessions().await.unwrap(), 0);
    });
}

#[test]
fn a_cookie_that_was_not_given_is_nothing() {
    each_engine("{}", async |house| {
        let (ana, bob) = (house.person("ana").await, house.person("bob").await);
        let (of_ana, _) = house.session(ana, Strength::Passkey).await;
        let (of_bob, _) = house.session(bob, Strength::Passkey).await;
        let (id, secret) = of_ana.expose().split_once('.').unwrap();
        let (other, _) = of_bob.expose().split_once('.').unwrap();
        let wrong = format!("{}{}", &secret[..secret.len() - 1], if secret.ends_with('0') { '1' } else { '0' });
        for text in [
            String::new(),
            id.to_owned(),
            format!("{id}."),
            format!("{other}.{secret}"),
            format!("{id}.{wrong}"),
            format!("{id} .{secret}"),
            "x".repeat(100_000),
            format!("{id}.\u{0}"),
        ] {
            assert!(house.auth.session(house.tenant, &text).await.unwrap().is_none());
        }
        let elsewhere = house.other_tenant().await;
        assert!(house.auth.session(elsewhere, of_ana.expose()).await.unwrap().is_none(), "another tenant");
        assert!(house.is_open(&of_ana).await);
    });
}

#[test]
fn whoever_is_disabled_is_out_at_once() {
    each_engine(r#"{"lockout_threshold": 1}"#, async |house| {
        let user = house.person("ana").await;
        let (cookie, _) = house.session(user, Strength::Passkey).await;
        let set = async |status: &str| {
            let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
            tx.set_user_status(user, status).await.unwrap();
            tx.commit().await.unwrap();
        };
        set("disabled").await;
        assert!(!house.is_open(&cookie).await);
        set("active").await;
        assert!(house.is_open(&cookie).await);
        // Somebody who guesses codes must not throw the person out.
        house.token(user, "t6", crate::support::SEED).await;
        assert_eq!(house.passcode("ana", "000000").await.status, "locked_out");
        assert!(house.is_open(&cookie).await);
        let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
        tx.mark_user_deleted(user, Millis(1)).await.unwrap();
        tx.commit().await.unwrap();
        assert!(!house.is_open(&cookie).await, "in the trash");
    });
}

#[test]
fn the_owner_sees_and_ends_sessions_and_nobody_elses() {
    each_engine("{}", async |house| {
        let (ana, bob) = (house.person("ana").await, house.person("bob").await);
        let (first, one) = house.session(ana, Strength::Passkey).await;
        let (second, two) = house.session(ana, Strength::Push).await;
        let (third, three) = house.session(ana, Strength::Otp).await;
        let (of_bob, bobs) = house.session(bob, Strength::Passkey).await;
        let seen = house.auth.sessions(&one).await.unwrap();
        assert_eq!(seen.len(), 3);
        assert!(seen.iter().all(|view| view.ip == "192.0.2.7" && view.user_agent == browser().user_agent));
        assert_eq!(seen.iter().filter(|view| view.current).map(|view| view.id).collect::<Vec<_>>(), [one.id()]);
        assert!(!house.auth.end_session(&one, bobs.id()).await.unwrap(), "another user's");
        assert!(house.auth.end_session(&one, two.id()).await.unwrap());
        assert!(!house.is_open(&second).await);
        assert_eq!(house.auth.end_other_sessions(&one).await.unwrap(), 1);
        assert!(!house.is_open(&third).await);
        assert!(!house.auth.end_session(&one, three.id()).await.unwrap(), "it has ended");
        house.auth.sign_out(&one).await.unwrap();
        assert!(!house.is_open(&first).await);
        assert!(house.is_open(&of_bob).await);
    });
}

#[test]
fn a_session_for_one_addition_shows_and_changes_nothing_else() {
    each_engine("{}", async |house| {
        let user = house.person("ana").await;
        for strength in [Strength::AccessPass, Strength::Enrollment] {
            let (_, session) = house.session(user, strength).await;
            let held = Held::Device(DeviceId::Phone(PhoneId::new(house.world.now(), house.world.random.as_ref())));
            assert!(is_refused(&house.auth.sessions(&session).await));
            assert!(is_refused(&house.auth.end_other_sessions(&session).await));
            assert!(is_refused(&house.auth.rename(&session, &held, "mine").await));
            assert!(is_refused(&house.auth.report(&session, &crate::account_house::client()).await));
            for action in [Action::Remove, Action::RecoveryCodes] {
                let opened =
                    house.auth.open_grant(house.tenant, session.id(), user, action.as_str(), Strength::Passkey).await;
                assert!(is_refused(&opened), "no step-up inside it");
                assert!(is_refused(&house.auth.permit(&session, action, None).await));
            }
        }
    });
}
