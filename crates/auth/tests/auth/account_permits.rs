//! A stolen session adds nothing: every change of what somebody can sign in with needs proof that was given for just that.

use crate::{
    account_house::{SoftKey, is_refused},
    support::{House, each_engine},
};
use countersign_auth::{
    AuthError,
    account::{Action, Permit, STEP_UP_NEEDED, Session, Strength},
};
use futures_util::future::join_all;
use std::time::Duration;

async fn refused_without(house: &House, session: &Session, action: Action, grant: Option<&str>) {
    let done = house.auth.permit(session, action, grant).await;
    assert!(matches!(done, Err(AuthError::Refused(STEP_UP_NEEDED))), "{action:?}");
}

#[test]
fn a_stolen_session_can_add_remove_and_make_nothing() {
    each_engine("{}", async |house| {
        let (_, _, session) = house.settled("ana").await;
        // The thief's own account is in order, and gives grants: of another session, user and browser.
        let (_, _, of_thief) = house.settled("mallory").await;
        for action in Action::ALL {
            refused_without(house, &session, action, None).await;
            refused_without(house, &session, action, Some("")).await;
            refused_without(house, &session, action, Some("csgr_000000000000000000000000000000000000")).await;
            let foreign = house.grant(&of_thief, action).await;
            refused_without(house, &session, action, Some(foreign.expose())).await;
        }
        // Nor does a session open a grant for another user's session.
        let opened =
            house.auth.open_grant(house.tenant, session.id(), of_thief.user(), "add-passkey", Strength::Passkey).await;
        assert!(is_refused(&opened));
    });
}

#[test]
fn a_grant_is_for_one_session_one_action_and_five_minutes() {
    each_engine("{}", async |house| {
        let (user, _, session) = house.settled("ana").await;
        let (_, other) = house.session(user, Strength::Passkey).await;
        let grant = house.grant(&session, Action::RecoveryCodes).await;
        for action in [Action::AddPasskey, Action::AddAuthenticator, Action::Remove] {
            refused_without(house, &session, action, Some(grant.expose())).await;
        }
        refused_without(house, &other, Action::RecoveryCodes, Some(grant.expose())).await;
        // The right one, and once.
        let permit = house.auth.permit(&session, Action::RecoveryCodes, Some(grant.expose())).await.unwrap();
        let client = crate::account_house::client();
        house.auth.make_recovery_codes(&permit, &client).await.unwrap();
        assert!(is_refused(&house.auth.make_recovery_codes(&permit, &client).await), "spent");
        refused_without(house, &session, Action::RecoveryCodes, Some(grant.expose())).await;
        // Held and not used, it grows old.
        let grant = house.grant(&session, Action::AddPasskey).await;
        let held = house.auth.permit(&session, Action::AddPasskey, Some(grant.expose())).await.unwrap();
        house.clock.advance(Duration::from_secs(301));
        refused_without(house, &session, Action::AddPasskey, Some(grant.expose())).await;
        assert!(is_refused(&house.register(&held, &SoftKey::new()).await));
        assert_eq!(house.passkeys(user).await, 1);
    });
}

#[test]
fn a_permit_for_one_action_serves_no_other() {
    each_engine("{}", async |house| {
        let (user, _, session) = house.settled("ana").await;
        let client = crate::account_house::client();
        let add = house.permit(&session, Action::AddPasskey).await;
        assert!(is_refused(&house.auth.make_recovery_codes(&add, &client).await));
        assert!(is_refused(&house.auth.begin_authenticator(&add).await));
        let held = house.auth.authenticators(&session).await.unwrap();
        let passkey = countersign_auth::account::Held::Passkey(held.passkeys[0].id);
        assert!(is_refused(&house.auth.remove(&add, &passkey, &client).await));
        let codes = house.permit(&session, Action::RecoveryCodes).await;
        assert!(is_refused(&house.register(&codes, &SoftKey::new()).await));
        assert_eq!(house.passkeys(user).await, 1);
        // It was not spent by the refusals.
        house.register(&add, &SoftKey::new()).await.unwrap();
    });
}

#[test]
fn a_grant_dies_with_its_session() {
    each_engine("{}", async |house| {
        let (user, _, session) = house.settled("ana").await;
        let permit = house.permit(&session, Action::AddPasskey).await;
        house.auth.sign_out(&session).await.unwrap();
        assert!(is_refused(&house.register(&permit, &SoftKey::new()).await));
        let opened = house.auth.open_grant(house.tenant, session.id(), user, "add-passkey", Strength::Passkey).await;
        assert!(is_refused(&opened));
        assert_eq!(house.passkeys(user).await, 1);
    });
}

#[test]
fn a_step_up_is_as_strong_as_the_account() {
    each_engine("{}", async |house| {
        let user = house.person("ana").await;
        let (_, session) = house.session(user, Strength::Sms).await;
        let may = async |strength| {
            house.auth.open_grant(house.tenant, session.id(), user, "add-passkey", strength).await.is_ok()
        };
        house.phone(user, "+15035550100").await;
        assert!(may(Strength::Sms).await, "there is nothing better");
        for weak in [Strength::Bypass, Strength::Enrollment, Strength::AccessPass] {
            assert!(!may(weak).await, "{weak:?}");
        }
        house.authenticator(user).await;
        assert!(may(Strength::Push).await && may(Strength::Otp).await && !may(Strength::Sms).await);
        let permit = house.permit(&session, Action::AddPasskey).await;
        house.register(&permit, &SoftKey::new()).await.unwrap();
        assert!(!may(Strength::Push).await && !may(Strength::Otp).await, "who has a passkey uses it");
        assert!(may(Strength::Passkey).await && may(Strength::Recovery).await);
    });
}

#[test]
fn a_hundred_spend_one_grant_and_one_gets_through() {
    each_engine("{}", async |house| {
        let (user, _, session) = house.settled("ana").await;
        let grant = house.grant(&session, Action::AddPasskey).await;
        let mut begun: Vec<(Permit, _, Vec<u8>)> = Vec::new();
        for _ in 0..100 {
            let permit = house.auth.permit(&session, Action::AddPasskey, Some(grant.expose())).await.unwrap();
            let begin = house.auth.begin_passkey(&permit, &crate::account_house::browser(), None).await.unwrap();
            let answer = SoftKey::new().create(&begin.options, crate::account_house::ORIGIN);
            begun.push((permit, begin.id, answer));
        }
        let browser = crate::account_house::browser();
        let done = join_all(
            begun.iter().map(|(permit, id, answer)| house.auth.finish_passkey(permit, &browser, *id, answer, None)),
        )
        .await;
        assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 1);
        assert!(done.iter().all(|done| done.is_ok() || is_refused(done)));
        assert_eq!(house.passkeys(user).await, 2);
    });
}
