//! Passkeys and authenticators are added, renamed and removed.

use crate::{
    account_house::{ORIGIN, SOON, SoftKey, browser, client, is_refused, undo_code},
    support::{Device, each_engine},
};
use countersign_auth::{
    AuthError, DeviceId,
    account::{Action, ChangeKind, Held, Strength},
    sign_in::Browser,
};
use data_encoding::BASE64URL_NOPAD;
use store::PhoneChange;

/// The code in a link for an authenticator.
pub(crate) fn code_in(link: &str) -> &str {
    link.rsplit_once('/').unwrap().1
}

#[test]
fn a_passkey_is_added_and_every_channel_hears_of_it() {
    each_engine("{}", async |house| {
        let user = house.person("ana").await;
        house.phone(user, "+15035550100").await;
        house.phone(user, "+15035550101").await;
        let (_, session) = house.session(user, Strength::Sms).await;
        let permit = house.permit(&session, Action::AddPasskey).await;
        let key = SoftKey::new();
        let added = house.register(&permit, &key).await.unwrap();
        assert_eq!((added.name.as_str(), added.wants_second, added.session.is_none()), ("My key", false, true));
        assert_eq!(added.accepted.rp_id, "api-acme.example.test");
        assert_eq!(added.accepted.user_id, BASE64URL_NOPAD.encode(user.as_bytes()));
        assert_eq!(added.accepted.credential_ids, [key.credential_id()]);
        let mut codes = Vec::new();
        for to in ["ana@acme.example", "+15035550100", "+15035550101"] {
            let notice = house.outbox.wait_for(to, SOON).await.unwrap();
            assert!(notice.text.expose().contains("passkey (My key) was added to your account"));
            codes.push(undo_code(notice.text.expose()));
        }
        assert!(codes.iter().all(|code| *code == codes[0]));
        let change = house.auth.change(house.tenant, &codes[0]).await.unwrap();
        assert_eq!((change.kind, change.label.as_str(), change.undone_at), (ChangeKind::Passkey, "My key", None));
        let row = &house.store.tenant(house.tenant).passkeys_of_user(user).await.unwrap()[0];
        assert!(row.user_verified && row.attestation == "none" && row.transports == "internal");
        assert_eq!(house.auth.authenticators(&session).await.unwrap().changes.len(), 1);
    });
}

#[test]
fn an_answer_counts_once_for_its_own_permit_on_the_right_page() {
    each_engine("{}", async |house| {
        let (ana, _, session) = house.settled("ana").await;
        let (bob, _, of_bob) = house.settled("bob").await;
        let permit = house.permit(&session, Action::AddPasskey).await;
        let theirs = house.permit(&of_bob, Action::AddPasskey).await;
        let key = SoftKey::new();
        let begun = house.auth.begin_passkey(&permit, &browser(), None).await.unwrap();
        let answer = key.create(&begun.options, ORIGIN);
        let finish = async |permit, browser: &Browser, answer: &[u8]| {
            house.auth.finish_passkey(permit, browser, begun.id, answer, None).await
        };
        assert!(is_refused(&finish(&theirs, &browser(), &answer).await), "another's ceremony");
        let phish = Browser { origin: "https://api-acme.example.evil".to_owned(), ..browser() };
        assert!(is_refused(&finish(&permit, &phish, &answer).await));
        let relayed = key.create(&begun.options, "https://api-acme.example.evil");
        assert!(is_refused(&finish(&permit, &browser(), &relayed).await));
        for garbage in [&b""[..], b"{}", b"[]", b"\xff", &vec![b'['; 100_000]] {
            assert!(is_refused(&finish(&permit, &browser(), garbage).await));
        }
        let elsewhere = house.other_tenant().await;
        assert!(house.store.tenant(elsewhere).sign_in(begun.id).await.unwrap().is_none());
        finish(&permit, &browser(), &answer).await.unwrap();
        let again = house.permit(&session, Action::AddPasskey).await;
        assert!(is_refused(&finish(&again, &browser(), &answer).await), "replayed");
        // The same key for somebody else, and the same key twice.
        let begun = house.auth.begin_passkey(&theirs, &browser(), None).await.unwrap();
        let taken = key.create(&begun.options, ORIGIN);
        let done = house.auth.finish_passkey(&theirs, &browser(), begun.id, &taken, None).await;
        assert!(matches!(done, Err(AuthError::Refused("already_registered"))));
        assert_eq!((house.passkeys(ana).await, house.passkeys(bob).await), (2, 1));
        // Too late.
        let begun = house.auth.begin_passkey(&again, &browser(), None).await.unwrap();
        house.clock.advance(std::time::Duration::from_secs(601));
        let late = SoftKey::new().create(&begun.options, ORIGIN);
        assert!(is_refused(&house.auth.finish_passkey(&again, &browser(), begun.id, &late, None).await));
    });
}

#[test]
fn what_was_registered_is_not_offered_again() {
    each_engine("{}", async |house| {
        let (_, _, session) = house.settled("ana").await;
        let permit = house.permit(&session, Action::AddPasskey).await;
        let key = SoftKey::new();
        house.register(&permit, &key).await.unwrap();
        let permit = house.permit(&session, Action::AddPasskey).await;
        let begun = house.auth.begin_passkey(&permit, &browser(), None).await.unwrap();
        let excluded = begun.options["excludeCredentials"].as_array().unwrap();
        assert!(excluded.iter().any(|one| one["id"] == key.credential_id()));
        assert_eq!(excluded.len(), 2);
    });
}

#[test]
fn an_attestation_policy_that_cannot_be_met_refuses() {
    let settings = r#"{"passkey_attestation": {"require_verified": true}}"#;
    each_engine(settings, async |house| {
        let user = house.person("ana").await;
        let (_, session) = house.session(user, Strength::Otp).await;
        let permit = house.permit(&session, Action::AddPasskey).await;
        assert!(is_refused(&house.register(&permit, &SoftKey::new()).await));
        assert_eq!(house.passkeys(user).await, 0);
    });
}

#[test]
fn an_authenticator_is_added_inside_a_session_and_its_code_does_nothing_else() {
    each_engine("{}", async |house| {
        let (user, _, session) = house.settled("ana").await;
        let permit = house.permit(&session, Action::AddAuthenticator).await;
        let new = house.auth.begin_authenticator(&permit).await.unwrap();
        assert!(is_refused(&house.auth.begin_authenticator(&permit).await), "spent");
        assert!(new.link.expose().starts_with("https://api-acme.example.test/activate/"));
        let code = code_in(new.link.expose()).to_owned();
        // On the page of an enrolment it registers no passkey, and nobody goes on after it.
        let page = house.auth.enrolment(house.tenant, &code).await.unwrap();
        assert!(!page.takes_passkey());
        assert!(is_refused(&house.register(&page.permit(), &SoftKey::new()).await));
        let device = Device::activate(house, &code).await.unwrap();
        assert!(Device::activate(house, &code).await.is_err(), "used");
        let followed = house.auth.follow_enrolment(house.tenant, &code, page.watch.expose(), &browser()).await;
        assert!(is_refused(&followed));
        assert_eq!((device.activated.user, house.passkeys(user).await), (user, 1));
        let notice = house.outbox.wait_for("ana@acme.example", SOON).await.unwrap();
        assert!(notice.text.expose().contains("authenticator (test device) was added to your account"));
        let held = house.auth.authenticators(&session).await.unwrap();
        assert!(held.phones[0].authenticator && held.phones[0].device == "test device" && !held.wants_second);
    });
}

#[test]
fn names_change_by_their_owner_only() {
    each_engine("{}", async |house| {
        let (ana, _, session) = house.settled("ana").await;
        let (_, _, of_bob) = house.settled("bob").await;
        let phone = house.phone(ana, "+15035550100").await;
        let passkey = house.auth.authenticators(&session).await.unwrap().passkeys[0].id;
        for what in [Held::Passkey(passkey), Held::Device(DeviceId::Phone(phone))] {
            house.auth.rename(&session, &what, " Blue one ").await.unwrap();
            assert!(matches!(house.auth.rename(&of_bob, &what, "mine now").await, Err(AuthError::NoDevice)));
            for bad in ["", " ", "a\nb", &"x".repeat(101)] {
                assert!(is_refused(&house.auth.rename(&session, &what, bad).await));
            }
        }
        let held = house.auth.authenticators(&session).await.unwrap();
        assert_eq!((held.passkeys[0].name.as_str(), held.phones[0].name.as_str()), ("Blue one", "Blue one"));
        assert!(held.phones[0].masked_number.ends_with("0100"));
    });
}

#[test]
fn a_removal_needs_its_permit_leaves_one_and_ends_the_other_sessions() {
    each_engine("{}", async |house| {
        let (ana, _, session) = house.settled("ana").await;
        let (_, _, of_bob) = house.settled("bob").await;
        let (other, _) = house.session(ana, Strength::Passkey).await;
        let phone = house.phone(ana, "+15035550100").await;
        let passkey = Held::Passkey(house.auth.authenticators(&session).await.unwrap().passkeys[0].id);
        let theirs = house.permit(&of_bob, Action::Remove).await;
        for what in [&passkey, &Held::Device(DeviceId::Phone(phone))] {
            assert!(matches!(house.auth.remove(&theirs, what, &client()).await, Err(AuthError::NoDevice)));
        }
        let permit = house.permit(&session, Action::Remove).await;
        let accepted = house.auth.remove(&permit, &passkey, &client()).await.unwrap();
        assert!(accepted.credential_ids.is_empty());
        assert!(!house.is_open(&other).await);
        let notice = house.outbox.wait_for("ana@acme.example", SOON).await.unwrap();
        assert!(notice.text.expose().contains("was removed (My key)"));
        // The last one stays, until there are recovery codes.
        let last = Held::Device(DeviceId::Phone(phone));
        let permit = house.permit(&session, Action::Remove).await;
        assert!(is_refused(&house.auth.remove(&permit, &last, &client()).await));
        let codes = house.permit(&session, Action::RecoveryCodes).await;
        house.auth.make_recovery_codes(&codes, &client()).await.unwrap();
        house.auth.remove(&permit, &last, &client()).await.unwrap();
        assert!(house.store.tenant(house.tenant).phone(phone).await.unwrap().is_none());
    });
}

#[test]
fn a_telephone_that_others_use_stays_theirs() {
    each_engine("{}", async |house| {
        let (ana, _, session) = house.settled("ana").await;
        let (bob, _, _) = house.settled("bob").await;
        let phone = house.phone(bob, "+15035550100").await;
        let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
        assert!(tx.attach_phone(ana, phone).await.unwrap());
        let change = PhoneChange { name: Some("Desk".to_owned()), ..PhoneChange::default() };
        assert!(tx.change_phone(phone, &change).await.unwrap());
        tx.commit().await.unwrap();
        let permit = house.permit(&session, Action::Remove).await;
        house.auth.remove(&permit, &Held::Device(DeviceId::Phone(phone)), &client()).await.unwrap();
        assert!(house.auth.authenticators(&session).await.unwrap().phones.is_empty());
        assert_eq!(house.store.tenant(house.tenant).phones_of_users(&[bob]).await.unwrap().len(), 1);
    });
}

#[test]
fn where_only_passkeys_count_no_authenticator_is_attached() {
    each_engine(r#"{"passkey_only": true}"#, async |house| {
        let (user, _, session) = house.settled("ana").await;
        let permit = house.permit(&session, Action::AddAuthenticator).await;
        assert!(is_refused(&house.auth.begin_authenticator(&permit).await));
        let life = std::time::Duration::from_secs(600);
        let (code, _) = house.auth.activation(house.tenant, user, None, life).await.unwrap();
        assert!(!house.auth.enrolment(house.tenant, code.expose()).await.unwrap().takes_authenticator);
        assert!(Device::activate(house, code.expose()).await.is_err());
        assert!(house.store.tenant(house.tenant).phones_of_users(&[user]).await.unwrap().is_empty());
    });
}
