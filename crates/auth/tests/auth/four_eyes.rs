//! What an administrator adds: announced, undone, and never by one alone where there is a passkey.

use crate::{
    account_house::{SOON, client, is_refused, undo_code},
    support::each_engine,
};
use countersign_auth::{AuthError, account::ChangeKind};
use std::time::Duration;
use store::NewChange;
use types::UserId;

fn is_guarded<T>(done: &Result<T, AuthError>) -> bool {
    matches!(done, Err(AuthError::Guarded))
}

const LIFE: Duration = Duration::from_secs(600);

#[test]
fn a_stolen_session_of_an_operator_adds_nothing_and_the_owner_stops_the_request() {
    each_engine("{}", async |house| {
        let (user, ..) = house.settled("ana").await;
        let thief = "DI of a thief";
        let tries = async || {
            let link = house.auth.activation_by(house.tenant, user, None, LIFE, thief).await;
            let pass = house.auth.issue_access_pass(house.tenant, user, 20, thief).await;
            let mail = house.auth.mail_enrolment(house.tenant, user, LIFE, thief).await;
            [is_guarded(&link), is_guarded(&pass), is_guarded(&mail)]
        };
        assert_eq!(tries().await, [true; 3]);
        house.auth.ask_addition(house.tenant, user, thief).await.unwrap();
        assert!(is_refused(&house.auth.allow_addition(house.tenant, user, thief, thief).await), "by the same");
        assert_eq!(tries().await, [true; 3], "asked for");
        let notice = house.outbox.wait_for("ana@acme.example", SOON).await.unwrap();
        assert!(notice.text.expose().contains("DI of a thief asks to add something"), "{}", notice.text.expose());
        house.auth.undo(house.tenant, &undo_code(notice.text.expose()), &client()).await.unwrap();
        house.clock.advance(Duration::from_secs(24 * 3600));
        assert_eq!(tries().await, [true; 3], "stopped, and the delay is over");
        assert!(is_refused(&house.auth.allow_addition(house.tenant, user, thief, "second").await), "nothing is left");
        assert_eq!(house.passkeys(user).await, 1);
    });
}

#[test]
fn two_administrators_or_a_day_are_enough() {
    each_engine("{}", async |house| {
        let (user, ..) = house.settled("ana").await;
        house.two_agree(user).await;
        for actor in ["helpdesk", "second"] {
            house.auth.activation_by(house.tenant, user, None, LIFE, actor).await.unwrap();
        }
        assert!(is_guarded(&house.auth.activation_by(house.tenant, user, None, LIFE, "third").await));
        house.clock.advance(Duration::from_secs(86_400));
        assert!(is_guarded(&house.auth.activation_by(house.tenant, user, None, LIFE, "helpdesk").await), "over");
        house.auth.ask_addition(house.tenant, user, "helpdesk").await.unwrap();
        house.clock.advance(Duration::from_secs(86_399));
        assert!(is_guarded(&house.auth.activation_by(house.tenant, user, None, LIFE, "helpdesk").await));
        house.clock.advance(Duration::from_secs(1));
        house.auth.activation_by(house.tenant, user, None, LIFE, "helpdesk").await.unwrap();
        // Another tenant's administrators see nobody.
        let elsewhere = house.other_tenant().await;
        assert!(house.auth.ask_addition(elsewhere, user, "helpdesk").await.is_err());
        assert!(house.auth.allow_addition(elsewhere, user, "helpdesk", "second").await.is_err());
    });
}

#[test]
fn of_a_hundred_who_allow_one_does() {
    each_engine("{}", async |house| {
        let (user, ..) = house.settled("ana").await;
        house.auth.ask_addition(house.tenant, user, "helpdesk").await.unwrap();
        let actors: Vec<String> = (0..100).map(|n| format!("second {n}")).collect();
        let all = actors.iter().map(|actor| house.auth.allow_addition(house.tenant, user, "helpdesk", actor));
        let allowed = futures_util::future::join_all(all).await.into_iter().filter(Result::is_ok).count();
        assert_eq!(allowed, 1);
    });
}

#[test]
fn what_an_administrator_gave_is_announced_and_taken_back_by_the_link() {
    each_engine("{}", async |house| {
        let user: UserId = house.person("ana").await;
        let phone = house.phone(user, "+15035550100").await;
        let token = house.token(user, "t6", b"12345678901234567890").await;
        let scope = house.store.tenant(house.tenant);
        let keys = scope.keys().await.unwrap();
        for (kind, object, name) in [
            ("token", token.to_string(), "serial 7"),
            ("phone", phone.to_string(), ""),
            ("bypass_codes", String::new(), ""),
        ] {
            house.clock.advance(Duration::from_secs(31));
            house.auth.settle(SOON).await;
            drop(house.outbox.take());
            let mut tx = scope.begin().await.unwrap();
            let new = NewChange { user, kind, object: &object, label: name, made_by: "helpdesk" };
            let undo = tx.note_change(house.auth.world(), &keys, new).await.unwrap();
            tx.commit().await.unwrap();
            let kind = ["token", "phone", "bypass_codes"].into_iter().find(|one| *one == kind).unwrap();
            let given = store::Addition { user, kind, name: name.to_owned(), by: "helpdesk".to_owned(), undo };
            house.auth.announce_addition(house.tenant, given).await.unwrap();
            let notice = house.outbox.wait_for("ana@acme.example", SOON).await.unwrap();
            assert!(notice.text.expose().contains("gave your account"), "{}", notice.text.expose());
            let undone = house.auth.undo(house.tenant, &undo_code(notice.text.expose()), &client()).await.unwrap();
            assert_eq!(undone.kind.as_str(), kind);
            assert_ne!(undone.kind, ChangeKind::Passkey);
        }
        assert!(scope.tokens_of_users(&[user]).await.unwrap().is_empty());
        assert!(scope.phones_of_users(&[user]).await.unwrap().is_empty());
    });
}
