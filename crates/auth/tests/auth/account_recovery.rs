//! Recovery codes and access passes.

use crate::{
    account_house::{SOON, SoftKey, client, is_refused, undo_code},
    support::{House, each_engine},
};
use countersign_auth::{
    AuthError,
    account::{Action, Session, Strength},
    sign_in::SignIn,
};
use futures_util::future::join_all;
use std::{collections::HashSet, time::Duration};
use types::SecretString;

const PATIENT: &str = r#"{"lockout_threshold": 9999}"#;

async fn codes(house: &House, session: &Session) -> Vec<SecretString> {
    let permit = house.permit(session, Action::RecoveryCodes).await;
    house.auth.make_recovery_codes(&permit, &client()).await.unwrap()
}

async fn tried(house: &House, sign_in: &SignIn, code: &str) -> Option<&'static str> {
    house.auth.try_recovery(sign_in, &SecretString::new(code.to_owned())).await.unwrap()
}

#[test]
fn ten_codes_each_once_and_new_ones_void_the_old() {
    each_engine(PATIENT, async |house| {
        let (user, _, session) = house.settled("ana").await;
        let old = codes(house, &session).await;
        assert_eq!(old.iter().map(|code| code.expose().to_owned()).collect::<HashSet<_>>().len(), 10);
        assert!(old.iter().all(|code| code.expose().len() == 19 && code.expose().split('-').count() == 4));
        // What is stored says nothing of them.
        let rows = house.store.tenant(house.tenant).recovery_secrets(user, "code", house.world.now()).await.unwrap();
        assert!(rows.iter().all(|row| row.digest.len() == 32 && row.expires.is_none()));
        let sign_in = house.sign_in_as("ana").await;
        assert_eq!(tried(house, &sign_in, &old[0].expose().to_lowercase().replace('-', " ")).await, Some("recovery"));
        assert_eq!(tried(house, &sign_in, old[0].expose()).await, None, "used");
        assert_eq!(house.auth.authenticators(&session).await.unwrap().recovery_codes, 9);
        let new = codes(house, &session).await;
        assert_eq!(tried(house, &sign_in, old[1].expose()).await, None, "void");
        assert_eq!(tried(house, &sign_in, new[0].expose()).await, Some("recovery"));
        assert_eq!(tried(house, &sign_in, "0000-0000-0000-0000").await, None);
        assert_eq!(tried(house, &sign_in, "").await, None);
    });
}

#[test]
fn a_code_is_its_owners_in_their_own_house() {
    each_engine(PATIENT, async |house| {
        let (_, _, session) = house.settled("ana").await;
        house.settled("bob").await;
        let codes = codes(house, &session).await;
        let of_bob = house.sign_in_as("bob").await;
        assert_eq!(tried(house, &of_bob, codes[0].expose()).await, None);
        let nobody = house.sign_in_as("nobody").await;
        assert_eq!(tried(house, &nobody, codes[0].expose()).await, None);
        let own = house.sign_in_as("ana").await;
        assert_eq!(tried(house, &own, codes[0].expose()).await, Some("recovery"));
    });
}

#[test]
fn a_hundred_use_one_code_and_one_gets_in() {
    each_engine(PATIENT, async |house| {
        let (_, _, session) = house.settled("ana").await;
        let codes = codes(house, &session).await;
        let sign_in = house.sign_in_as("ana").await;
        let done = join_all((0..100).map(|_| house.auth.try_recovery(&sign_in, &codes[0]))).await;
        assert_eq!(done.iter().filter(|done| matches!(done, Ok(Some("recovery")))).count(), 1);
        assert!(done.iter().any(|done| matches!(done, Err(AuthError::Limited { .. }))), "and not a hundred are tried");
    });
}

#[test]
fn guesses_are_limited_and_lock_nobody_out() {
    each_engine(r#"{"lockout_threshold": 3}"#, async |house| {
        let (_, _, session) = house.settled("ana").await;
        let codes = codes(house, &session).await;
        let sign_in = house.sign_in_as("ana").await;
        for _ in 0..19 {
            assert_eq!(tried(house, &sign_in, "0000-0000-0000-0000").await, None);
        }
        assert_eq!(tried(house, &sign_in, codes[0].expose()).await, Some("recovery"));
        let limited = house.auth.try_recovery(&sign_in, &codes[1]).await;
        assert!(matches!(limited, Err(AuthError::Limited { .. })));
    });
}

#[test]
fn a_session_of_a_code_adds_one_authenticator_and_then_needs_a_step_up() {
    each_engine("{}", async |house| {
        let (user, ..) = house.settled("ana").await;
        let (_, session) = house.session(user, Strength::Recovery).await;
        let permit = house.auth.permit(&session, Action::AddPasskey, None).await.unwrap();
        let race = house.auth.permit(&session, Action::AddAuthenticator, None).await.unwrap();
        house.register(&permit, &SoftKey::new()).await.unwrap();
        assert!(is_refused(&house.register(&permit, &SoftKey::new()).await), "one");
        assert!(is_refused(&house.auth.begin_authenticator(&race).await), "of either kind");
        for action in Action::ALL.into_iter().filter(|action| *action != Action::AddAuthenticator) {
            assert!(is_refused(&house.auth.permit(&session, action, None).await), "{action:?}");
        }
        let permit = house.permit(&session, Action::AddPasskey).await;
        house.register(&permit, &SoftKey::new()).await.unwrap();
        assert_eq!(house.passkeys(user).await, 3);
    });
}

#[test]
fn a_code_for_a_session_s_one_authenticator_is_shown_again_until_it_is_used() {
    each_engine("{}", async |house| {
        let user = house.person("ana").await;
        let (_, session) = house.session(user, Strength::Recovery).await;
        let ask = async || {
            let permit = house.auth.permit(&session, Action::AddAuthenticator, None).await.unwrap();
            house.auth.begin_authenticator(&permit).await.map(|new| new.link.expose().to_owned())
        };
        let link = ask().await.unwrap();
        assert_eq!(ask().await.unwrap(), link);
        assert!(is_refused(&house.auth.permit(&session, Action::AddPasskey, None).await), "it was spent on that");
        crate::support::Device::activate(house, crate::account_additions::code_in(&link)).await.unwrap();
        assert!(is_refused(&ask().await));
    });
}

#[test]
fn a_pass_is_announced_and_registers_one_passkey_and_nothing_else() {
    each_engine("{}", async |house| {
        let (user, ..) = house.settled("ana").await;
        house.phone(user, "+15035550100").await;
        let alone = house.auth.issue_access_pass(house.tenant, user, 20, "helpdesk").await;
        assert!(matches!(alone, Err(AuthError::Guarded)), "one administrator, and a passkey");
        house.two_agree(user).await;
        for minutes in [-1, 0, 9, 61, i64::MAX] {
            assert!(is_refused(&house.auth.issue_access_pass(house.tenant, user, minutes, "helpdesk").await));
        }
        let pass = house.auth.issue_access_pass(house.tenant, user, 20, "helpdesk").await.unwrap();
        for to in ["ana@acme.example", "+15035550100"] {
            let notice = house.outbox.wait_for(to, SOON).await.unwrap();
            assert!(
                notice
                    .text
                    .expose()
                    .to_lowercase()
                    .contains("helpdesk made an access pass for your account, valid for 20 minutes")
            );
        }
        // At an application it is worth nothing, and isn't spent.
        let application = house.sign_in_at_application("ana").await;
        assert_eq!(tried(house, &application, pass.code.expose()).await, None);
        let sign_in = house.sign_in_as("ana").await;
        assert_eq!(tried(house, &sign_in, pass.code.expose()).await, Some("access_pass"));
        assert_eq!(tried(house, &sign_in, pass.code.expose()).await, None, "once");
        let (_, session) = house.session(user, Strength::AccessPass).await;
        for action in [Action::AddAuthenticator, Action::Remove, Action::RecoveryCodes] {
            assert!(is_refused(&house.auth.permit(&session, action, None).await));
        }
        let permit = house.auth.permit(&session, Action::AddPasskey, None).await.unwrap();
        assert!(is_refused(&house.auth.begin_authenticator(&permit).await));
        assert!(is_refused(&house.auth.make_recovery_codes(&permit, &client()).await));
        house.register(&permit, &SoftKey::new()).await.unwrap();
        assert!(is_refused(&house.register(&permit, &SoftKey::new()).await));
        assert!(is_refused(&house.auth.permit(&session, Action::AddPasskey, None).await));
        assert_eq!(house.passkeys(user).await, 2);
    });
}

#[test]
fn a_pass_ends_by_time_by_a_new_one_and_by_its_owner() {
    each_engine(PATIENT, async |house| {
        let (user, ..) = house.settled("ana").await;
        house.two_agree(user).await;
        let sign_in = house.sign_in_as("ana").await;
        let issue = async || house.auth.issue_access_pass(house.tenant, user, 10, "helpdesk").await.unwrap();
        let first = issue().await;
        let second = issue().await;
        assert_eq!(tried(house, &sign_in, first.code.expose()).await, None, "in its place is another");
        house.clock.advance(Duration::from_secs(601));
        assert_eq!(tried(house, &sign_in, second.code.expose()).await, None, "over");
        drop(house.outbox.take());
        let third = issue().await;
        let undo = undo_code(house.outbox.wait_for("ana@acme.example", SOON).await.unwrap().text.expose());
        house.auth.undo(house.tenant, &undo, &client()).await.unwrap();
        assert_eq!(tried(house, &sign_in, third.code.expose()).await, None, "undone");
        assert_eq!(house.passkeys(user).await, 1);
    });
}

#[test]
fn undoing_a_pass_takes_the_passkey_that_came_by_it() {
    each_engine("{}", async |house| {
        let (user, ..) = house.settled("ana").await;
        house.two_agree(user).await;
        house.auth.issue_access_pass(house.tenant, user, 10, "helpdesk").await.unwrap();
        let undo = undo_code(house.outbox.wait_for("ana@acme.example", SOON).await.unwrap().text.expose());
        let (cookie, session) = house.session(user, Strength::AccessPass).await;
        let permit = house.auth.permit(&session, Action::AddPasskey, None).await.unwrap();
        house.clock.advance(Duration::from_secs(1));
        house.register(&permit, &SoftKey::new()).await.unwrap();
        house.auth.undo(house.tenant, &undo, &client()).await.unwrap();
        assert_eq!(house.passkeys(user).await, 1);
        assert!(!house.is_open(&cookie).await);
    });
}

#[test]
fn undoing_a_pass_of_somebody_who_had_nothing_locks_nobody_out() {
    each_engine("{}", async |house| {
        let user = house.person("ana").await;
        house.auth.issue_access_pass(house.tenant, user, 10, "helpdesk").await.unwrap();
        let undo = undo_code(house.outbox.wait_for("ana@acme.example", SOON).await.unwrap().text.expose());
        house.auth.undo(house.tenant, &undo, &client()).await.unwrap();
        assert!(house.store.tenant(house.tenant).user(user).await.unwrap().unwrap().locked_at.is_none());
        // Under another name of the house it is unknown.
        let elsewhere = house.other_tenant().await;
        assert!(house.auth.issue_access_pass(elsewhere, user, 10, "helpdesk").await.is_err());
    });
}

#[test]
fn where_only_passkeys_count_a_code_opens_the_portal_and_no_application() {
    each_engine(r#"{"passkey_only": true, "lockout_threshold": 9999}"#, async |house| {
        let (_, _, session) = house.settled("ana").await;
        let codes = codes(house, &session).await;
        let application = house.sign_in_at_application("ana").await;
        assert_eq!(tried(house, &application, codes[0].expose()).await, None);
        let portal = house.sign_in_as("ana").await;
        assert_eq!(tried(house, &portal, codes[0].expose()).await, Some("recovery"));
    });
}
