//! One call after which nothing that a person was given is of any use.

use crate::{
    account_house::{SOON, client, is_refused},
    support::{SEED, approve, each_engine},
    visit::{BACK, Visit, allowed, code, code_in, to_application},
};
use countersign_auth::{AuthError, account::Strength, sign_in::Done};
use futures_util::future::join_all;
use store::StreamRow;
use types::{Millis, StreamId};

#[test]
fn r5_whatever_a_person_was_given_is_refused_from_then_on() {
    each_engine("{}", async |house| {
        let user = house.person("ana").await;
        let device = house.authenticator(user).await;
        let (cookie, _) = house.session(user, Strength::Passkey).await;
        house.token(user, "t6", SEED).await;
        let known = house.known_browser("ana", user).await;
        let pass = house.access_pass(user).await;
        // One sign-in waits for an answer, another was won and its code not taken yet.
        let waiting = Visit::open(house, Some("ana"), to_application(), known.clone()).await;
        let (attempt, digits) = waiting.push().await.unwrap_or_else(|_| panic!("a push"));
        let won = Visit::application(house, "ana").await;
        assert!(allowed(&won.attempt(code(&house.totp())).await));
        let Done::Application { location } = won.finish().await.unwrap().kind else { panic!("an application") };

        let done = house.auth.revoke_user(house.tenant, user, "helpdesk", "a stolen laptop").await.unwrap();
        assert!(done.sessions >= 1 && done.sign_ins >= 2 && done.prompts == 1, "{done:?}");

        assert!(!house.is_open(&cookie).await, "a session");
        assert!(!allowed(&waiting.answer(&device, attempt, approve(&digits)).await), "a prompt");
        assert!(waiting.finish().await.is_err());
        let app = house.app().await;
        assert!(is_refused(&house.auth.redeem(&app, &code_in(&location), BACK).await), "a code");
        let again = Visit::open(house, Some("ana"), countersign_auth::sign_in::Purpose::Portal, known).await;
        assert!(!again.choices().await.push, "a known browser");
        let by_pass = Visit::portal(house, Some("ana")).await;
        assert!(!allowed(&by_pass.attempt(code(&pass)).await), "an access pass");
        let acts = house.acts().await;
        let act = acts.iter().find(|act| act.action == "user_revoke").unwrap();
        assert_eq!((act.actor.as_str(), act.object.as_str()), ("helpdesk", "ana"));
        // The pass was announced before.
        let mut told = String::new();
        while !told.contains("signed out everywhere") {
            told = house.outbox.wait_for("ana@acme.example", SOON).await.unwrap().text.expose().to_owned();
        }
        // What the person signs in with stays.
        let fresh = Visit::application(house, "ana").await;
        house.next_step();
        assert!(allowed(&fresh.attempt(code(&house.totp())).await));
    });
}

#[test]
fn receivers_are_told_once_whether_there_was_a_session_or_not() {
    each_engine("{}", async |house| {
        let user = house.person("ana").await;
        let scope = house.store.tenant(house.tenant);
        let stream = StreamRow {
            id: StreamId::new(house.auth.world().now(), house.auth.world().random.as_ref()),
            ikey: "DIRECEIVER0000000000".to_owned(),
            method: "poll".to_owned(),
            endpoint: String::new(),
            credential: None,
            events: " session-revoked ".to_owned(),
            subject: "iss_sub".to_owned(),
            description: String::new(),
            status: "enabled".to_owned(),
            created: Millis(1),
            updated: Millis(1),
        };
        let mut tx = scope.begin().await.unwrap();
        assert!(tx.insert_signal_stream(&stream, 10).await.unwrap());
        tx.commit().await.unwrap();
        let waiting = async || scope.waiting_signals(stream.id, 10).await.unwrap().len();
        house.auth.revoke_user(house.tenant, user, "helpdesk", "").await.unwrap();
        assert_eq!(waiting().await, 1);
        house.session(user, Strength::Passkey).await;
        house.session(user, Strength::Push).await;
        house.auth.revoke_user(house.tenant, user, "helpdesk", "").await.unwrap();
        assert_eq!(waiting().await, 2, "two sessions, one event");
    });
}

#[test]
fn another_tenants_user_is_nobodys_and_a_hundred_at_once_do_no_harm() {
    each_engine("{}", async |house| {
        let user = house.person("ana").await;
        let (cookie, session) = house.session(user, Strength::Passkey).await;
        let foreign = house.another_tenant().await;
        let refused = house.auth.revoke_user(foreign, user, "helpdesk", "").await;
        assert!(matches!(refused, Err(AuthError::NoUser)));
        assert!(house.is_open(&cookie).await);
        let all = join_all((0..100).map(|_| house.auth.revoke_user(house.tenant, user, "helpdesk", ""))).await;
        let ended: usize = all.into_iter().map(|done| done.unwrap().sessions).sum();
        assert_eq!(ended, 1);
        assert!(is_refused(&house.auth.report(&session, &client()).await) || !house.is_open(&cookie).await);
    });
}
