//! Additions are undone, requests are reported.

use crate::{
    account_additions::code_in,
    account_house::{FRAUD, ORIGIN, SOON, SoftKey, browser, client, is_refused, undo_code},
    support::{Device, House, each_engine},
};
use countersign_auth::{
    AuthError,
    account::{Action, Permit, Strength},
};
use futures_util::future::join_all;
use std::time::Duration;
use types::SignInId;

/// The code of the newest notice to the user's mailbox.
async fn notice(house: &House, to: &str) -> String {
    undo_code(house.outbox.wait_for(to, SOON).await.unwrap().text.expose())
}

#[test]
fn an_undo_takes_the_passkey_all_sessions_and_what_came_after_it() {
    each_engine(FRAUD, async |house| {
        let (user, _, session) = house.settled("ana").await;
        // The thief has phished one step-up: adds a key, and with it a session, an authenticator and recovery codes.
        let permit = house.permit(&session, Action::AddPasskey).await;
        house.register(&permit, &SoftKey::new()).await.unwrap();
        let code = notice(house, "ana@acme.example").await;
        let (of_thief, stolen) = house.session(user, Strength::Passkey).await;
        let known = house.auth.open_session(house.tenant, user, Strength::Passkey, &browser()).await.unwrap().0;
        let permit = house.permit(&stolen, Action::AddAuthenticator).await;
        let new = house.auth.begin_authenticator(&permit).await.unwrap();
        Device::activate(house, code_in(new.link.expose())).await.unwrap();
        let permit = house.permit(&stolen, Action::RecoveryCodes).await;
        house.auth.make_recovery_codes(&permit, &client()).await.unwrap();
        let held = house.permit(&stolen, Action::AddPasskey).await;

        assert!(house.auth.change(house.tenant, &code).await.unwrap().undone_at.is_none());
        assert_eq!(house.passkeys(user).await, 2, "looking undoes nothing");
        house.auth.undo(house.tenant, &code, &client()).await.unwrap();
        assert_eq!(house.passkeys(user).await, 1, "the owner's own stays");
        assert!(!house.is_open(&of_thief).await && !house.is_open(&known).await);
        assert!(is_refused(&house.register(&held, &SoftKey::new()).await), "a grant that was held");
        let scope = house.store.tenant(house.tenant);
        assert!(scope.phones_of_users(&[user]).await.unwrap().is_empty());
        assert!(scope.recovery_secrets(user, "code", house.world.now()).await.unwrap().is_empty());
        assert!(scope.user(user).await.unwrap().unwrap().locked_at.is_none());
        let told = house.outbox.wait_for("soc@acme.example", SOON).await.unwrap();
        assert!(told.text.expose().contains("ana says that an addition to their account (passkey) was not theirs"));
        assert!(house.auth.change(house.tenant, &code).await.unwrap().undone_at.is_some());
        assert!(is_refused(&house.auth.undo(house.tenant, &code, &client()).await), "once");
    });
}

#[test]
fn a_hundred_undo_and_one_does() {
    each_engine("{}", async |house| {
        let (user, _, session) = house.settled("ana").await;
        let permit = house.permit(&session, Action::AddPasskey).await;
        house.register(&permit, &SoftKey::new()).await.unwrap();
        let code = notice(house, "ana@acme.example").await;
        let client = client();
        let done = join_all((0..100).map(|_| house.auth.undo(house.tenant, &code, &client))).await;
        assert_eq!(
            done.iter().filter(|done| done.is_ok()).count(),
            1,
            "{:?}",
            done.iter().find(|done| !is_refused(done))
        );
        assert_eq!(house.passkeys(user).await, 1);
    });
}

#[test]
fn an_undo_serves_for_72_hours_in_its_own_house() {
    each_engine("{}", async |house| {
        let (user, _, session) = house.settled("ana").await;
        let permit = house.permit(&session, Action::AddPasskey).await;
        house.register(&permit, &SoftKey::new()).await.unwrap();
        let code = notice(house, "ana@acme.example").await;
        let elsewhere = house.other_tenant().await;
        for (tenant, code) in
            [(elsewhere, code.as_str()), (house.tenant, ""), (house.tenant, "csun_x"), (house.tenant, &code[1..])]
        {
            assert!(is_refused(&house.auth.change(tenant, code).await));
            assert!(is_refused(&house.auth.undo(tenant, code, &client()).await));
            assert!(is_refused(&house.auth.report_by_link(tenant, code, &client()).await));
        }
        house.clock.advance(Duration::from_secs(72 * 3600 + 1));
        assert!(is_refused(&house.auth.change(house.tenant, &code).await));
        assert!(is_refused(&house.auth.undo(house.tenant, &code, &client()).await));
        assert_eq!(house.passkeys(user).await, 2);
    });
}

#[test]
fn who_is_left_with_nothing_is_locked_out_and_not_open_to_the_first_comer() {
    each_engine(FRAUD, async |house| {
        let user = house.person("ana").await;
        let device = house.authenticator(user).await;
        let code = notice(house, "ana@acme.example").await;
        house.auth.undo(house.tenant, &code, &client()).await.unwrap();
        let scope = house.store.tenant(house.tenant);
        assert!(scope.phone(device.activated.phone).await.unwrap().is_none());
        assert!(scope.user(user).await.unwrap().unwrap().locked_at.is_some());
        let told = house.outbox.wait_for("soc@acme.example", SOON).await.unwrap();
        assert!(told.text.expose().contains("the account is locked out"));
    });
}

#[test]
fn an_authenticator_on_a_telephone_with_a_number_goes_and_the_number_stays() {
    each_engine("{}", async |house| {
        let user = house.person("ana").await;
        let phone = house.phone(user, "+15035550100").await;
        let (code, _) = house.auth.activation(house.tenant, user, Some(phone), Duration::from_secs(600)).await.unwrap();
        Device::activate(house, code.expose()).await.unwrap();
        let undo = notice(house, "+15035550100").await;
        house.auth.undo(house.tenant, &undo, &client()).await.unwrap();
        let row = house.store.tenant(house.tenant).phone(phone).await.unwrap().unwrap();
        assert!(row.public_key.is_none() && row.number.is_some());
    });
}

#[test]
fn a_report_stops_prompts_and_ends_the_other_sessions() {
    each_engine(FRAUD, async |house| {
        let (user, cookie, session) = house.settled("ana").await;
        let (other, _) = house.session(user, Strength::Push).await;
        house.auth.report(&session, &client()).await.unwrap();
        let prompting = house.store.tenant(house.tenant).prompting(user).await.unwrap().unwrap();
        assert!(prompting.suspended_at.is_some(), "also for who was never prompted");
        assert!(house.is_open(&cookie).await && !house.is_open(&other).await);
        let told = house.outbox.wait_for("soc@acme.example", SOON).await.unwrap();
        assert!(told.text.expose().contains("ana reported a request as not theirs"));
        let own = house.outbox.wait_for("ana@acme.example", SOON).await.unwrap();
        assert!(own.text.expose().contains("no prompts are sent to you"));
        // Each writes to two people.
        for _ in 0..4 {
            house.auth.report(&session, &client()).await.unwrap();
        }
        assert!(matches!(house.auth.report(&session, &client()).await, Err(AuthError::Limited { .. })));
    });
}

#[test]
fn a_report_by_a_link_ends_every_session_and_leaves_the_addition() {
    each_engine("{}", async |house| {
        let (user, cookie, session) = house.settled("ana").await;
        let permit = house.permit(&session, Action::AddPasskey).await;
        house.register(&permit, &SoftKey::new()).await.unwrap();
        let code = notice(house, "ana@acme.example").await;
        house.auth.report_by_link(house.tenant, &code, &client()).await.unwrap();
        assert!(!house.is_open(&cookie).await);
        assert_eq!(house.passkeys(user).await, 2);
        house.auth.undo(house.tenant, &code, &client()).await.unwrap();
    });
}

#[test]
fn a_hundred_undo_the_only_authenticator_and_one_does() {
    each_engine("{}", async |house| {
        let user = house.person("ana").await;
        house.authenticator(user).await;
        let code = notice(house, "ana@acme.example").await;
        let client = client();
        let done = join_all((0..100).map(|_| house.auth.undo(house.tenant, &code, &client))).await;
        let strange: Vec<_> = done.iter().filter(|done| !is_refused(done)).collect();
        assert!(strange.len() == 1 && strange[0].is_ok(), "{strange:?}");
        let row = house.store.tenant(house.tenant).user(user).await.unwrap().unwrap();
        assert!(row.locked_at.is_some());
    });
}

#[test]
fn nothing_that_is_added_meanwhile_outlives_an_undo() {
    each_engine("{}", async |house| {
        let (user, _, session) = house.settled("ana").await;
        let permit = house.permit(&session, Action::AddPasskey).await;
        house.register(&permit, &SoftKey::new()).await.unwrap();
        let code = notice(house, "ana@acme.example").await;
        let (_, stolen) = house.session(user, Strength::Passkey).await;
        let mut begun = Vec::new();
        for _ in 0..16 {
            let permit = house.permit(&stolen, Action::AddPasskey).await;
            let begin = house.auth.begin_passkey(&permit, &browser(), None).await.unwrap();
            let answer = SoftKey::new().create(&begin.options, ORIGIN);
            begun.push((permit, begin.id, answer));
        }
        let (client, browser) = (client(), browser());
        let undo = house.auth.undo(house.tenant, &code, &client);
        let (first, last) = begun.split_at(8);
        let add = async |part: &[(Permit, SignInId, Vec<u8>)]| {
            let one = async |(permit, id, answer): &(Permit, SignInId, Vec<u8>)| {
                house.auth.finish_passkey(permit, &browser, *id, answer, None).await
            };
            join_all(part.iter().map(one)).await
        };
        let (_, undone, _) = futures_util::future::join3(add(first), undo, add(last)).await;
        undone.unwrap();
        assert_eq!(house.passkeys(user).await, 1, "the owner's own");
        assert!(house.store.tenant(house.tenant).sessions_of_user(user, house.world.now()).await.unwrap().is_empty());
    });
}

/// What could still be used by whoever was there first, or has what was lost, goes with it.
#[test]
fn links_and_remembered_browsers_that_somebody_else_may_have_end() {
    each_engine(FRAUD, async |house| {
        const LIFE: Duration = Duration::from_secs(3600);
        let (user, _, session) = house.settled("ana").await;
        let link = || async { house.auth.activation(house.tenant, user, None, LIFE).await.unwrap().0 };

        // A reported request.
        let shown = link().await;
        house.auth.report(&session, &client()).await.unwrap();
        assert!(is_refused(&Device::activate(house, shown.expose()).await), "after a report");

        // A passkey by an access pass, while somebody had the password.
        let shown = link().await;
        let (_, pass) = house.session(user, Strength::AccessPass).await;
        let permit = house.auth.permit(&pass, Action::AddPasskey, None).await.unwrap();
        house.register(&permit, &SoftKey::new()).await.unwrap();
        assert!(is_refused(&Device::activate(house, shown.expose()).await), "after an access pass");

        // A telephone that moved on.
        let device = Device::activate(house, link().await.expose()).await.unwrap();
        let phone = device.activated.phone;
        let [first, second] = [(); 2].map(|()| house.auth.activation(house.tenant, user, Some(phone), LIFE));
        let ((first, _), (second, _)) = (first.await.unwrap(), second.await.unwrap());
        Device::activate(house, first.expose()).await.unwrap();
        assert!(is_refused(&Device::activate(house, second.expose()).await), "another code for the same telephone");

        // A telephone that was lost.
        let (scope, now) = (house.store.tenant(house.tenant), house.world.now());
        let mut tx = scope.begin().await.unwrap();
        tx.trust_device([7; 32], user, "DIXXXXXXXXXXXXXXXXXX", now, now + LIFE).await.unwrap();
        tx.commit().await.unwrap();
        let (_, own) = house.session(user, Strength::Passkey).await;
        let permit = house.permit(&own, Action::Remove).await;
        let what = countersign_auth::account::Held::Device(countersign_auth::DeviceId::Phone(phone));
        house.auth.remove(&permit, &what, &client()).await.unwrap();
        let since = scope.trusted_since(&[7; 32], user, "DIXXXXXXXXXXXXXXXXXX", now).await.unwrap();
        assert!(since.is_none(), "a remembered browser");
    });
}
