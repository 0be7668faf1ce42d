//! A password is the first of two proofs, and opens nothing by itself.

use crate::{
    account_house::is_refused,
    soft_passkey::SoftPasskey,
    support::{House, SEED, each_engine},
    visit::{Visit, allowed, code, new_browser, refusal},
};
use countersign_auth::{
    AuthError, Factor,
    account::Action,
    sign_in::{ChoiceKind, Done, Level, Purpose, Step},
};
use futures_util::future::join_all;
use std::time::Duration;
use types::{SecretString, UserId};

const ON: &str = r#"{"passwords": true}"#;
const RIGHT: &str = "vexed otter climbs 42";

fn password(text: &str) -> Factor {
    Factor::Password(SecretString::new(text.to_owned()))
}

fn sso(level: Level) -> Purpose {
    Purpose::SingleSignOn { return_to: "/oidc/continue/x".to_owned(), level, fresh: false }
}

async fn at_app<'h>(house: &'h House, name: &str, level: Level) -> Visit<'h> {
    Visit::open(house, Some(name), sso(level), new_browser()).await
}

/// Somebody with a password and a token.
async fn person(house: &House, name: &str) -> UserId {
    let user = house.person(name).await;
    house.token(user, "t6", SEED).await;
    give(house, user, RIGHT).await.unwrap();
    user
}

async fn give(house: &House, user: UserId, text: &str) -> Result<(), AuthError> {
    let text = SecretString::new(text.to_owned());
    let row = house.auth.hash_password(house.tenant, user, &text).await?.row("helpdesk", house.world.now());
    let mut tx = house.store.tenant(house.tenant).begin().await?;
    tx.set_password(&row).await?;
    Ok(tx.commit().await?)
}

#[test]
fn a_password_and_a_passcode_are_two_and_each_alone_is_nothing() {
    each_engine(ON, async |house| {
        person(house, "ana").await;
        let visit = at_app(house, "ana", Level::Multi).await;
        let choices = visit.choices().await;
        assert!(choices.password && !choices.passcode, "a passcode alone isn't enough here");
        assert_eq!(refusal(&visit.attempt(code(&house.totp())).await), "not_offered");
        assert_eq!(refusal(&visit.attempt(password("wrong otter climbs 42")).await), "deny");
        assert!(visit.finish().await.is_err());
        assert!(matches!(visit.attempt(password(RIGHT)).await, Step::Proved));
        assert!(visit.finish().await.is_err(), "a password opens nothing");
        let choices = visit.choices().await;
        assert!(!choices.password && choices.passcode);
        assert_eq!(choices.best, ChoiceKind::Passcode);
        assert!(allowed(&visit.attempt(code(&house.totp())).await));
        let Done::Session { cookie, return_to, .. } = visit.finish().await.unwrap().kind else { panic!("a session") };
        assert_eq!(return_to, "/oidc/continue/x");
        let session = house.auth.session(house.tenant, cookie.expose()).await.unwrap().unwrap();
        assert_eq!(session.level(), Level::Multi);
        let amr: Vec<_> = session.amr().iter().map(ToString::to_string).collect();
        assert!(["otp", "pwd", "mfa"].iter().all(|word| amr.iter().any(|has| has == word)), "{amr:?}");
    });
}

#[test]
fn nobody_with_a_passkey_is_talked_down_to_a_password() {
    each_engine(ON, async |house| {
        let user = person(house, "ana").await;
        let passkey = SoftPasskey::register(house, user, &["internal"]).await;
        let visit = at_app(house, "ana", Level::Multi).await;
        assert!(!matches!(visit.attempt(password(RIGHT)).await, Step::Proved));
        assert!(allowed(&visit.passkey(&passkey).await));
    });
}

#[test]
fn a_password_is_taken_only_where_two_proofs_are_enough() {
    each_engine(ON, async |house| {
        person(house, "ana").await;
        for purpose in [sso(Level::Single), sso(Level::PhishingResistant), sso(Level::Hardware), Purpose::Portal] {
            let visit = Visit::open(house, Some("ana"), purpose, new_browser()).await;
            assert!(!visit.choices().await.password);
            assert_eq!(refusal(&visit.attempt(password(RIGHT)).await), "not_offered");
        }
        for settings in ["{}", r#"{"passwords": true, "passkey_only": true}"#] {
            house.settings(settings).await;
            let visit = at_app(house, "ana", Level::Multi).await;
            assert_eq!(refusal(&visit.attempt(password(RIGHT)).await), "not_offered", "{settings}");
        }
        house.settings(ON).await;
        let app = Visit::application(house, "ana").await;
        assert_eq!(refusal(&app.attempt(password(RIGHT)).await), "not_offered");
        assert!(house.begin("ana", password(RIGHT), false).await.is_err(), "and at no other door");
    });
}

#[test]
fn nobody_learns_who_has_an_account_or_a_password() {
    each_engine(ON, async |house| {
        person(house, "ana").await;
        house.person("bob").await;
        let disabled = person(house, "carla").await;
        house.set_status(disabled, "disabled").await;
        for name in ["ana", "bob", "carla", "nobody"] {
            let visit = at_app(house, name, Level::Multi).await;
            let choices = visit.choices().await;
            assert!(choices.password && choices.devices.is_empty(), "{name}");
            let text = if name == "carla" { RIGHT } else { "wrong otter climbs 42" };
            let Step::Refused(outcome) = visit.attempt(password(text)).await else { panic!("{name} was let in") };
            assert_eq!(outcome.message, "Incorrect password. Please try again.", "{name}");
        }
    });
}

#[test]
fn guesses_by_strangers_end_and_lock_nobody_out() {
    each_engine(ON, async |house| {
        let user = person(house, "ana").await;
        let known = house.known_browser("ana", user).await;
        let guesses = join_all((0..60).map(async |_| {
            let visit = at_app(house, "ana", Level::Multi).await;
            visit.attempt(password("wrong otter climbs 42")).await
        }));
        let guesses = guesses.await;
        assert!(guesses.iter().all(|step| !matches!(step, Step::Proved | Step::Allowed)));
        let right = at_app(house, "ana", Level::Multi).await.attempt(password(RIGHT)).await;
        assert!(!matches!(right, Step::Proved), "strangers are listened to no more");
        let own = Visit::open(house, Some("ana"), sso(Level::Multi), known).await;
        assert!(matches!(own.attempt(password(RIGHT)).await, Step::Proved));
        let row = house.store.tenant(house.tenant).user(user).await.unwrap().unwrap();
        assert!(row.locked_at.is_none());
        house.clock.advance(Duration::from_secs(86_401));
        let right = at_app(house, "ana", Level::Multi).await.attempt(password(RIGHT)).await;
        assert!(matches!(right, Step::Proved));
    });
}

#[test]
fn who_changes_it_needs_a_fresh_proof_and_is_told() {
    each_engine(ON, async |house| {
        let (user, cookie, session) = house.settled("ana").await;
        give(house, user, RIGHT).await.unwrap();
        let permit = house.permit(&session, Action::Password).await;
        let new = SecretString::new("a lamp in the green hall".to_owned());
        let client = crate::account_house::client();
        house.auth.change_password(&permit, &new, &client).await.unwrap();
        assert!(is_refused(&house.auth.change_password(&permit, &new, &client).await), "a permit counts once");
        let other = house.permit(&session, Action::Remove).await;
        assert!(is_refused(&house.auth.change_password(&other, &new, &client).await), "a permit for something else");
        assert!(house.is_open(&cookie).await);
        let told = house.outbox.wait_for("ana@acme.example", crate::account_house::SOON).await.unwrap();
        assert!(told.text.expose().contains("your password was changed"));
        for weak in ["short", "password1234", "ana@acme.example"] {
            assert!(is_refused(&give(house, user, weak).await), "{weak}");
        }
        let row = house.store.tenant(house.tenant).password(user).await.unwrap().unwrap();
        assert!(!String::from_utf8_lossy(&row.hash).contains("argon2"), "the hash is sealed");
    });
}
