//! Enrolment by a link, in the browser.

use crate::{
    account_additions::code_in,
    account_house::{ORIGIN, SOON, SoftKey, browser, is_refused},
    support::{Device, House, each_engine},
};
use countersign_auth::account::{Action, Enrolment, Strength};
use futures_util::future::join_all;
use std::time::Duration;
use types::{SecretString, UserId};

async fn link(house: &House, user: UserId) -> (SecretString, Enrolment) {
    let (code, _) = house.auth.activation(house.tenant, user, None, Duration::from_secs(3600)).await.unwrap();
    let page = house.auth.enrolment(house.tenant, code.expose()).await.unwrap();
    (code, page)
}

#[test]
fn a_link_enrols_one_passkey_and_then_one_more_authenticator() {
    each_engine("{}", async |house| {
        let user = house.person("ana").await;
        let (code, page) = link(house, user).await;
        assert_eq!((page.username.as_str(), page.user(), page.takes_passkey()), ("ana", user, true));
        assert!(page.link.expose().ends_with(code.expose()));
        let added = house.register(&page.permit(), &SoftKey::new()).await.unwrap();
        assert!(added.wants_second);
        assert!(house.outbox.wait_for("ana@acme.example", SOON).await.is_some());
        assert!(is_refused(&house.auth.enrolment(house.tenant, code.expose()).await), "used");
        assert!(is_refused(&house.register(&page.permit(), &SoftKey::new()).await));
        assert!(Device::activate(house, code.expose()).await.is_err());
        // One more, in the session that was opened, and no third.
        let opened = added.session.unwrap();
        let session = house.auth.session(house.tenant, opened.cookie.expose()).await.unwrap().unwrap();
        assert_eq!(session.strength(), Strength::Enrollment);
        let permit = house.auth.permit(&session, Action::AddAuthenticator, None).await.unwrap();
        let new = house.auth.begin_authenticator(&permit).await.unwrap();
        Device::activate(house, code_in(new.link.expose())).await.unwrap();
        assert!(is_refused(&house.auth.permit(&session, Action::AddPasskey, None).await));
        let again = house.auth.permit(&session, Action::AddAuthenticator, None).await.unwrap();
        assert!(is_refused(&house.auth.begin_authenticator(&again).await));
        let scope = house.store.tenant(house.tenant);
        assert_eq!((house.passkeys(user).await, scope.phones_of_users(&[user]).await.unwrap().len()), (1, 1));
    });
}

#[test]
fn a_hundred_use_one_link_and_one_enrols() {
    each_engine("{}", async |house| {
        let user = house.person("ana").await;
        let (code, page) = link(house, user).await;
        let mut answers = Vec::new();
        for _ in 0..90 {
            let begun = house.auth.begin_passkey(&page.permit(), &browser(), None).await.unwrap();
            answers.push((begun.id, SoftKey::new().create(&begun.options, ORIGIN)));
        }
        let (permit, browser) = (page.permit(), browser());
        let passkeys = join_all(
            answers.iter().map(|(id, answer)| house.auth.finish_passkey(&permit, &browser, *id, answer, None)),
        );
        let devices = join_all((0..10).map(|_| Device::activate(house, code.expose())));
        let (passkeys, devices) = futures_util::future::join(passkeys, devices).await;
        let won =
            passkeys.iter().filter(|done| done.is_ok()).count() + devices.iter().filter(|done| done.is_ok()).count();
        assert_eq!(won, 1);
        let phones = house.store.tenant(house.tenant).phones_of_users(&[user]).await.unwrap().len();
        assert_eq!(house.passkeys(user).await + phones, 1);
    });
}

#[test]
fn a_page_goes_on_once_after_its_code_was_used_on_a_telephone() {
    each_engine("{}", async |house| {
        let user = house.person("ana").await;
        let (shown, page) = link(house, user).await;
        let (other, voided) = link(house, user).await;
        let follow = async |code: &SecretString, watch: &str| {
            house.auth.follow_enrolment(house.tenant, code.expose(), watch, &browser()).await
        };
        assert!(follow(&shown, page.watch.expose()).await.unwrap().is_none(), "not yet");
        Device::activate(house, shown.expose()).await.unwrap();
        assert!(is_refused(&follow(&other, voided.watch.expose()).await), "voided is not used");
        assert!(is_refused(&follow(&shown, "").await));
        assert!(is_refused(&follow(&shown, voided.watch.expose()).await), "this page never showed it");
        let followed = join_all((0..20).map(|_| follow(&shown, page.watch.expose()))).await;
        let mut opened: Vec<_> = followed.into_iter().filter_map(|done| done.ok().flatten()).collect();
        assert_eq!(opened.len(), 1);
        let cookie = opened.remove(0).cookie;
        let session = house.auth.session(house.tenant, cookie.expose()).await.unwrap().unwrap();
        let permit = house.auth.permit(&session, Action::AddPasskey, None).await.unwrap();
        house.register(&permit, &SoftKey::new()).await.unwrap();
        assert!(is_refused(&house.auth.permit(&session, Action::AddPasskey, None).await));
    });
}

#[test]
fn a_page_that_comes_late_does_not_go_on() {
    each_engine("{}", async |house| {
        let user = house.person("ana").await;
        let (shown, page) = link(house, user).await;
        Device::activate(house, shown.expose()).await.unwrap();
        house.clock.advance(Duration::from_secs(901));
        let late = house.auth.follow_enrolment(house.tenant, shown.expose(), page.watch.expose(), &browser()).await;
        assert!(is_refused(&late));
    });
}

#[test]
fn codes_that_are_unknown_old_or_anothers_look_the_same() {
    each_engine("{}", async |house| {
        let user = house.person("ana").await;
        let (code, page) = link(house, user).await;
        let elsewhere = house.other_tenant().await;
        let phone = house.phone(user, "+15035550100").await;
        let (bound, _) = house.auth.activation(house.tenant, user, Some(phone), Duration::from_secs(60)).await.unwrap();
        let for_phone = house.auth.enrolment(house.tenant, bound.expose()).await.unwrap();
        assert!(!for_phone.takes_passkey(), "it is for one telephone");
        assert!(is_refused(&house.register(&for_phone.permit(), &SoftKey::new()).await));
        assert!(is_refused(&house.auth.enrolment(elsewhere, code.expose()).await));
        for wrong in ["", "A", "ABCDEFGHJKMNPQRSTVWX", &"A".repeat(1000), "abcdefghjkmnpqrstvwx"] {
            assert!(is_refused(&house.auth.enrolment(house.tenant, wrong).await));
        }
        house.clock.advance(Duration::from_secs(3601));
        assert!(is_refused(&house.auth.enrolment(house.tenant, code.expose()).await));
        assert!(is_refused(&house.register(&page.permit(), &SoftKey::new()).await));
        assert_eq!(house.passkeys(user).await, 0);
    });
}

#[test]
fn who_must_enrol_does_so_inside_an_applications_sign_in_and_not_in_the_portal() {
    each_engine("{}", async |house| {
        let user = house.person("ana").await;
        let portal = house.sign_in_as("ana").await;
        assert!(house.auth.enroll_here(&portal, &browser()).await.unwrap().is_none(), "anybody can type a name");
        let sign_in = house.sign_in_at_application("ana").await;
        let code = house.auth.enroll_here(&sign_in, &browser()).await.unwrap().unwrap();
        let page = house.auth.enrolment(house.tenant, code.expose()).await.unwrap();
        assert_eq!(page.user(), user);
        house.register(&page.permit(), &SoftKey::new()).await.unwrap();
        let again = house.auth.enroll_here(&sign_in, &browser()).await.unwrap();
        assert!(again.is_none(), "who has something enrols nothing on top");
    });
}
