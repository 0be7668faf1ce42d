//! What ends when a provider's word counts for nothing any more, and what its owner hears of a link.

use crate::{
    abroad::query_of,
    account_house::{SOON, client, undo_code},
    providers::{at_app, link, linked, multi, oidc, outside, person, proved, set, sso},
    support::{Device, House, each_engine},
    visit::{Visit, allowed, code, new_browser},
};
use countersign_auth::{
    AuthError,
    account::{Action, ChangeKind, Held, Strength},
    providers::{LinkBy, ProviderSettings},
    sign_in::{Done, Level, Purpose, Returned},
};
use futures_util::future::join;
use serde_json::json;
use std::time::Duration;
use store::{Addition, NewChange};
use types::{SecretString, UserId};

const KEY: &str = "corp";

/// How the word comes to count for nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Unlinked,
    Disabled,
    Removed,
}

const ENDS: [End; 3] = [End::Unlinked, End::Disabled, End::Removed];

async fn end(house: &House, user: UserId, how: End) {
    let now = house.world.now();
    let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
    assert!(match how {
        End::Unlinked => tx.unlink_provider(user, KEY, now).await.unwrap(),
        End::Disabled => tx.enable_provider(KEY, false, now, "operator").await.unwrap(),
        End::Removed => tx.delete_provider(KEY).await.unwrap(),
    });
    tx.commit().await.unwrap();
}

/// As it was before.
async fn mend(house: &House, user: UserId, how: End) {
    match how {
        End::Unlinked => link(house, user, KEY, "u1").await,
        End::Disabled => {
            let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
            assert!(tx.enable_provider(KEY, true, house.world.now(), "operator").await.unwrap());
            tx.commit().await.unwrap();
        }
        End::Removed => {
            set(house, KEY, &oidc(KEY)).await;
            link(house, user, KEY, "u1").await;
        }
    }
}

/// Whether a session came of it, and is open.
async fn gives_a_session(house: &House, finished: Result<Done, AuthError>) -> bool {
    match finished {
        Ok(Done::Session { cookie, .. }) => house.is_open(&cookie).await,
        Ok(_) => panic!("no session"),
        Err(AuthError::NoSignIn) => false,
        Err(error) => panic!("{error}"),
    }
}

/// A sign-in that is decided by the provider's word and a passcode, and not taken yet.
async fn decided(house: &House, purpose: Purpose) -> Visit<'_> {
    let visit = Visit::open(house, None, purpose, new_browser()).await;
    assert!(proved(&visit.by(KEY, &json!({"sub": "u1"})).await));
    house.clock.advance(Duration::from_secs(30));
    assert!(allowed(&visit.attempt(code(&house.totp())).await));
    visit
}

#[test]
fn what_was_decided_and_not_taken_ends_with_the_word() {
    each_engine("{}", async |house| {
        let user = person(house, "ana").await;
        set(house, KEY, &oidc(KEY)).await;
        link(house, user, KEY, "u1").await;
        for how in ENDS {
            for purpose in [Purpose::Portal, sso(Level::Multi, false)] {
                let visit = decided(house, purpose).await;
                let read_before = visit.sign_in().await;
                end(house, user, how).await;
                let late = house.auth.finish_sign_in(&read_before, &visit.browser).await;
                assert!(matches!(late, Err(AuthError::NoSignIn)), "{how:?}");
                mend(house, user, how).await;
                let later = house.auth.finish_sign_in(&read_before, &visit.browser).await;
                assert!(matches!(later, Err(AuthError::NoSignIn)), "{how:?}: it doesn't come back");
            }
        }
        assert!(decided(house, Purpose::Portal).await.finish().await.is_ok());
    });
}

#[test]
fn a_decided_sign_in_asks_again_whether_its_first_proof_counts() {
    each_engine("{}", async |house| {
        let user = person(house, "ana").await;
        set(house, KEY, &oidc(KEY)).await;
        link(house, user, KEY, "u1").await;
        let visit = decided(house, Purpose::Portal).await;
        let read_before = visit.sign_in().await;
        // The link alone, so that it is asked for and not only swept away.
        let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
        assert!(tx.delete_provider_link(user, KEY).await.unwrap());
        tx.commit().await.unwrap();
        assert!(matches!(visit.find().await, Err(AuthError::NoSignIn)));
        let late = house.auth.finish_sign_in(&read_before, &visit.browser).await;
        assert!(matches!(late, Err(AuthError::NoSignIn)));
        // Nobody's provider matters to who came without one.
        let visit = Visit::portal(house, Some("ana")).await;
        house.clock.advance(Duration::from_secs(30));
        assert!(allowed(&visit.attempt(code(&house.totp())).await));
        assert!(visit.finish().await.is_ok());
    });
}

async fn take(visit: &Visit<'_>) -> Result<Done, AuthError> {
    let sign_in = visit.find().await?;
    Ok(visit.house.auth.finish_sign_in(&sign_in, &visit.browser).await?.kind)
}

#[test]
fn somebody_sees_where_they_count_as_themselves_and_takes_it_away() {
    each_engine("{}", async |house| {
        let (ana, (bob, _, of_bob)) = (person(house, "ana").await, house.settled("bob").await);
        let (_, session) = house.session(ana, Strength::Passkey).await;
        set(house, KEY, &ProviderSettings { name: "Corp".to_owned(), ..oidc(KEY) }).await;
        link(house, ana, KEY, "u1").await;
        link(house, bob, KEY, "u2").await;
        let listed = async |session| {
            let held = house.auth.authenticators(session).await.unwrap();
            held.providers.into_iter().map(|view| (view.key, view.name)).collect::<Vec<_>>()
        };
        assert_eq!(listed(&session).await, [(KEY.to_owned(), "Corp".to_owned())]);
        let corp = Held::Provider(KEY.to_owned());
        assert!(matches!(house.auth.rename(&session, &corp, "Mine").await, Err(AuthError::Refused(_))));
        let waits = decided(house, Purpose::Portal).await;
        let (other, _) = house.session(ana, Strength::Passkey).await;
        let permit = house.permit(&session, Action::Remove).await;
        house.auth.remove(&permit, &corp, &client()).await.unwrap();
        assert!(linked(house, KEY, "u1").await.is_none() && !house.is_open(&other).await);
        assert!(!gives_a_session(house, take(&waits).await).await);
        assert!(house.outbox.wait_for("ana@acme.example", SOON).await.unwrap().text.expose().contains("(Corp)"));
        // This one goes on, others' links stay, and it is done once.
        assert!(listed(&session).await.is_empty());
        assert_eq!(listed(&of_bob).await.len(), 1);
        let permit = house.permit(&session, Action::Remove).await;
        assert!(matches!(house.auth.remove(&permit, &corp, &client()).await, Err(AuthError::NoDevice)));
    });
}

/// Whoever takes a sign-in in the moment of the unlinking has a session that ends, or none.
#[test]
fn of_a_sign_in_and_an_unlinking_at_once_no_session_is_left() {
    each_engine("{}", async |house| {
        let user = person(house, "ana").await;
        let trusted = ProviderSettings { trust: multi("mfa", Level::Multi), ..oidc(KEY) };
        set(house, KEY, &trusted).await;
        for _ in 0..20 {
            link(house, user, KEY, "u1").await;
            // One that is decided, and one whose answer comes in this moment and is enough.
            let (waits, comes) = (decided(house, sso(Level::Multi, false)).await, at_app(house).await);
            let sign_in = comes.sign_in().await;
            let started = house.auth.start_provider(&sign_in, &comes.browser, KEY, &outside()).await.unwrap();
            let Ok(address) = started else { panic!("no way to the provider") };
            let claims = json!({"sub": "u1", "acr": "mfa"});
            let query = house.abroad.back(&address, house.world.now(), &claims);
            let state = query_of(&format!("?{query}"))["state"].clone();
            let brought = async {
                let returned = Returned::Query { key: KEY, query: &query };
                house.auth.finish_provider(&sign_in, &comes.browser, &state, returned, &outside()).await?;
                take(&comes).await
            };
            let ((one, other), ()) = join(join(take(&waits), brought), end(house, user, End::Unlinked)).await;
            assert!(!gives_a_session(house, one).await);
            assert!(!gives_a_session(house, other).await);
        }
        // Without an end there is one.
        link(house, user, KEY, "u1").await;
        let visit = at_app(house).await;
        assert!(allowed(&visit.by(KEY, &json!({"sub": "u1", "acr": "mfa"})).await));
        assert!(gives_a_session(house, take(&visit).await).await);
    });
}

#[test]
fn a_code_to_enrol_by_that_came_of_the_word_ends_with_it() {
    each_engine("{}", async |house| {
        let user = house.person("ana").await;
        set(house, KEY, &oidc(KEY)).await;
        link(house, user, KEY, "u1").await;
        house.clock.advance(Duration::from_secs(1));
        let shown = async || {
            let visit = at_app(house).await;
            assert!(proved(&visit.by(KEY, &json!({"sub": "u1"})).await));
            let code = house.auth.enroll_here(&visit.sign_in().await, &visit.browser).await.unwrap();
            house.clock.advance(Duration::from_secs(1));
            code.unwrap()
        };
        let refused = async |code: &SecretString| {
            matches!(Device::activate(house, code.expose()).await, Err(AuthError::Refused(_)))
        };
        for how in ENDS {
            let code = shown().await;
            end(house, user, how).await;
            assert!(refused(&code).await, "{how:?}");
            house.clock.advance(Duration::from_secs(1));
            mend(house, user, how).await;
            house.clock.advance(Duration::from_secs(1));
            assert!(refused(&code).await, "{how:?}: it doesn't come back");
        }
        // What an administrator has handed out doesn't hang on the provider.
        let (given, _) = house.auth.activation(house.tenant, user, None, Duration::from_secs(600)).await.unwrap();
        end(house, user, End::Disabled).await;
        mend(house, user, End::Disabled).await;
        house.clock.advance(Duration::from_secs(1));
        let code = shown().await;
        Device::activate(house, code.expose()).await.unwrap();
        assert!(refused(&given).await, "as ever, one code is enough");
    });
}

#[test]
fn the_owner_hears_of_a_link_that_a_sign_in_has_made_and_undoes_it() {
    each_engine("{}", async |house| {
        let user = person(house, "ana").await;
        set(house, KEY, &ProviderSettings { link_by: LinkBy::UserName, ..oidc(KEY) }).await;
        let claims = json!({"sub": "u1", "preferred_username": "ana"});
        let visit = Visit::open(house, None, Purpose::Portal, new_browser()).await;
        assert!(proved(&visit.by(KEY, &claims).await));
        assert!(house.outbox.take().is_empty(), "nothing has changed yet");
        assert!(allowed(&visit.attempt(code(&house.totp())).await));
        let notice = house.outbox.wait_for("ana@acme.example", SOON).await.unwrap();
        assert!(notice.text.expose().contains("(corp)"), "{}", notice.text.expose());
        let undo = undo_code(notice.text.expose());
        let change = house.auth.change(house.tenant, &undo).await.unwrap();
        assert_eq!((change.kind, change.label.as_str()), (ChangeKind::Provider, KEY));
        // A session, and a sign-in that is decided and not taken.
        let Done::Session { cookie, .. } = visit.finish().await.unwrap().kind else { panic!("a session") };
        let waits = decided(house, Purpose::Portal).await;
        let read_before = waits.sign_in().await;
        house.auth.undo(house.tenant, &undo, &client()).await.unwrap();
        assert_eq!(linked(house, KEY, "u1").await, None);
        assert!(!house.is_open(&cookie).await);
        assert!(house.auth.finish_sign_in(&read_before, &waits.browser).await.is_err());
        let row = house.store.tenant(house.tenant).user(user).await.unwrap().unwrap();
        assert!(row.locked_at.is_none(), "the token stays");
        assert!(house.acts().await.iter().any(|act| act.action == "authenticator_undo"));
    });
}

#[test]
fn the_owner_hears_of_a_link_that_an_administrator_has_made_and_undoes_it() {
    each_engine("{}", async |house| {
        let user = person(house, "ana").await;
        set(house, KEY, &oidc(KEY)).await;
        link(house, user, KEY, "u1").await;
        let scope = house.store.tenant(house.tenant);
        let keys = scope.keys().await.unwrap();
        let change = NewChange { user, kind: "provider", object: KEY, label: KEY, made_by: "helpdesk" };
        let mut tx = scope.begin().await.unwrap();
        let undo = tx.note_change(house.auth.world(), &keys, change).await.unwrap();
        tx.commit().await.unwrap();
        let by = "helpdesk".to_owned();
        let added = Addition { user, kind: "provider", name: KEY.to_owned(), by, undo };
        house.auth.announce_addition(house.tenant, added).await.unwrap();
        let notice = house.outbox.wait_for("ana@acme.example", SOON).await.unwrap();
        assert!(notice.text.expose().contains("elpdesk gave your account"), "{}", notice.text.expose());
        let undone = house.auth.undo(house.tenant, &undo_code(notice.text.expose()), &client()).await.unwrap();
        assert_eq!(undone.kind, ChangeKind::Provider);
        assert_eq!(linked(house, KEY, "u1").await, None);
    });
}
