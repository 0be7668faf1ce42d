//! The same for what browsers leave behind: tenant B, with the ids of tenant A's things in hand, is given nothing and changes nothing.

use crate::{
    rows::{CODE, IKEY, LATER, allowed},
    support::{ALL, NOW, Site, each_engine},
};
use countersign_store::{SessionDeviceRow, SignInEnd, StoreError, Tenant, Tx};
use std::fmt::Write as _;
use types::{ChangeId, PasskeyId, PhoneId, SessionId, SignInId, UserId};

const DIGEST: [u8; 32] = [9; 32];
const SEALED: &[u8] = &[6; 40];
const NAME: &str = "vapid";

/// One of each thing, all of tenant A.
struct Things {
    user: UserId,
    phone: PhoneId,
    passkey: PasskeyId,
    suspended: PasskeyId,
    open: SignInId,
    waiting: SignInId,
    decided: SignInId,
    session: SessionId,
    change: ChangeId,
}

async fn things(site: &Site) -> Things {
    let (user, phone) = (site.user("narroway").await, site.phone().await);
    let (passkey, suspended) = (site.new_passkey(user, 1), site.new_passkey(user, 2));
    let (open, waiting, decided) = (site.new_sign_in(), site.new_sign_in(), site.new_sign_in());
    let (session, recovery, change) =
        (site.new_session(user), site.new_recovery(user, "code"), site.new_change(user, 9));
    site.write(async |tx| {
        assert!(tx.insert_passkey(&passkey).await? && tx.insert_passkey(&suspended).await?);
        assert!(tx.suspend_passkey(suspended.id, "copied", NOW).await?);
        for sign_in in [&open, &waiting, &decided] {
            tx.insert_sign_in(sign_in).await?;
        }
        assert!(tx.begin_ceremony(open.id, SEALED).await?);
        assert!(tx.decide_sign_in(waiting.id, SignInEnd { code: None, ..allowed(user) }, NOW).await?);
        assert!(tx.decide_sign_in(decided.id, allowed(user), NOW).await?);
        assert!(tx.attach_phone(user, phone).await?);
        tx.insert_session(&session).await?;
        tx.insert_session(&site.new_session(user)).await?;
        tx.put_session_device(&device(user, session.id)).await?;
        tx.insert_grant(&site.new_grant(user, session.id, 9)).await?;
        tx.know_browser(user, DIGEST, NOW, LATER).await?;
        tx.insert_recovery(&recovery).await?;
        tx.insert_change(&change).await?;
        tx.ask_addition(user, "one", NOW).await?;
        assert!(tx.set_push_subscription(phone, SEALED, NOW).await?);
        assert_eq!(tx.push_failed(phone, SEALED).await?, Some(1));
        assert!(tx.insert_secret(NAME, SEALED, NOW).await?);
        Ok(())
    })
    .await;
    Things {
        user,
        phone,
        passkey: passkey.id,
        suspended: suspended.id,
        open: open.id,
        waiting: waiting.id,
        decided: decided.id,
        session: session.id,
        change: change.id,
    }
}

fn device(user: UserId, session: SessionId) -> SessionDeviceRow {
    SessionDeviceRow { session_id: session, user_id: user, key: "{}".to_owned(), created: NOW, expires: LATER }
}

/// Each reading method, and whether it found something.
async fn reads(tenant: Tenant<'_>, of: &Things) -> Result<Vec<(&'static str, bool)>, StoreError> {
    let user = of.user;
    Ok(vec![
        ("passkey", tenant.passkey(of.passkey).await?.is_some()),
        ("passkey_by_credential", tenant.passkey_by_credential(&[1; 32]).await?.is_some()),
        ("passkeys_of_user", !tenant.passkeys_of_user(user).await?.is_empty()),
        ("passkeys_of_users", !tenant.passkeys_of_users(&[user]).await?.is_empty()),
        ("passkeys", tenant.passkeys(ALL).await?.total > 0),
        ("passkeys' rows", !tenant.passkeys(ALL).await?.rows.is_empty()),
        ("passkeys_after", !tenant.passkeys_after(None, 5).await?.is_empty()),
        ("passkey_models", !tenant.passkey_models().await?.is_empty()),
        ("sign_in", tenant.sign_in(of.open).await?.is_some()),
        ("session", tenant.session(of.session).await?.is_some()),
        ("session_device", tenant.session_device(of.session).await?.is_some()),
        ("sessions_of_user", !tenant.sessions_of_user(user, NOW).await?.is_empty()),
        ("sessions", tenant.sessions(ALL).await?.total > 0),
        ("sessions' rows", !tenant.sessions(ALL).await?.rows.is_empty()),
        ("grant", tenant.grant(&DIGEST).await?.is_some()),
        ("browser_known", tenant.browser_known(user, &DIGEST, NOW).await?),
        ("recovery_secrets", !tenant.recovery_secrets(user, "code", NOW).await?.is_empty()),
        ("change_by_undo", tenant.change_by_undo(&DIGEST).await?.is_some()),
        ("addition_request", tenant.addition_request(user).await?.is_some()),
        ("is_guarded", tenant.is_guarded(user).await?),
        ("may_add, kept from it", !tenant.may_add(user, "one", std::time::Duration::from_secs(9), NOW).await?),
        ("changes_of_user", !tenant.changes_of_user(user, NOW).await?.is_empty()),
        ("push_subscription", tenant.push_subscription(of.phone).await?.is_some()),
        ("push_subscriptions", tenant.push_subscriptions(ALL).await?.total > 0),
        ("push_subscriptions' rows", !tenant.push_subscriptions(ALL).await?.rows.is_empty()),
        ("secret", tenant.secret(NAME).await?.is_some()),
        ("secrets", tenant.secrets(ALL).await?.total > 0),
        ("secrets' rows", !tenant.secrets(ALL).await?.rows.is_empty()),
    ])
}

#[test]
fn what_is_read_with_anothers_id_is_not_there() {
    each_engine(async |site| {
        let of = things(site).await;
        for (tenant, there) in [(site.a(), true), (site.b(), false)] {
            for (what, found) in reads(tenant, &of).await.unwrap() {
                assert_eq!(found, there, "{what}");
            }
        }
    });
}

/// All that tenant A has, as text.
async fn snapshot(site: &Site, of: &Things) -> Result<String, StoreError> {
    let mut text = String::new();
    let mut add = |part: &dyn std::fmt::Debug| writeln!(text, "{part:?}").unwrap();
    let (a, user) = (site.a(), of.user);
    add(&a.user(user).await?);
    add(&a.passkeys(ALL).await?);
    for sign_in in [of.open, of.waiting, of.decided] {
        add(&a.sign_in(sign_in).await?);
    }
    add(&a.sessions(ALL).await?);
    add(&a.session_device(of.session).await?);
    add(&a.grant(&DIGEST).await?);
    add(&a.browser_known(user, &DIGEST, NOW).await?);
    add(&a.recovery_secrets(user, "code", NOW).await?);
    add(&a.change_by_undo(&DIGEST).await?);
    add(&a.addition_request(user).await?);
    add(&a.push_subscriptions(ALL).await?);
    add(&a.secrets(ALL).await?);
    Ok(text)
}

/// Each writing method that takes an id or a digest, and whether it says that it changed something.
async fn changes(tx: &mut Tx, of: &Things) -> Result<Vec<(&'static str, bool)>, StoreError> {
    let user = of.user;
    Ok(vec![
        ("hold_user", tx.hold_user(user).await?),
        ("authenticators_of", tx.authenticators_of(user).await? > 0),
        ("passkeys_in_use", tx.passkeys_in_use(user).await? > 0),
        ("rename_passkey", tx.rename_passkey(of.passkey, user, "theirs").await?),
        ("suspend_passkey", tx.suspend_passkey(of.passkey, "theirs", NOW).await?),
        ("restore_passkey_from", tx.restore_passkey_from(of.suspended, "copied").await?),
        ("suspend_passkey, again", tx.suspend_passkey(of.suspended, "copied", NOW).await?),
        ("restore_passkey", tx.restore_passkey(of.suspended).await?),
        ("delete_passkey", tx.delete_passkey(user, of.passkey).await?),
        ("name_sign_in", tx.name_sign_in(of.open, &[2; 100], b"theirs", None).await?),
        ("take_ceremony", tx.take_ceremony(of.open, SEALED).await?),
        ("begin_ceremony", tx.begin_ceremony(of.open, b"theirs").await?),
        ("set_sign_in_attempt", tx.set_sign_in_attempt(of.open, None).await?),
        ("mark_canary", tx.mark_canary(of.open, "ok", "").await?),
        ("decide_sign_in", tx.decide_sign_in(of.open, SignInEnd { code: None, ..allowed(user) }, NOW).await?),
        ("finish_sign_in", tx.finish_sign_in(of.waiting, NOW).await?),
        ("redeem_sign_in", tx.redeem_sign_in(&CODE, IKEY, NOW).await?.is_some()),
        ("session_seen", tx.session_seen(of.session, LATER - std::time::Duration::from_secs(1)).await?),
        ("bind_session", tx.bind_session(of.session, b"theirs", NOW).await?),
        ("session_proved", tx.session_proved(of.session, NOW).await?),
        ("reseal_session", tx.reseal_session(of.session, &[4; 60], b"theirs").await?),
        ("spend_grant", tx.spend_grant(&DIGEST, of.session, "add", NOW).await?),
        ("end_session", tx.end_session(of.session, user, NOW).await?),
        ("sign_out_everywhere", tx.sign_out_everywhere(user, None, NOW).await? > 0),
        ("changes_of_user", !tx.changes_of_user(user, NOW).await?.is_empty()),
        ("undo_change", tx.undo_change(of.change, NOW).await?),
        ("allow_addition", tx.allow_addition(user, "one", "two", NOW).await?),
        ("drop_addition_request", tx.drop_addition_request(user).await?),
        ("push_failed", tx.push_failed(of.phone, SEALED).await?.is_some()),
        ("push_worked", tx.push_worked(of.phone).await?),
        ("reseal_push_subscription", tx.reseal_push_subscription(of.phone, SEALED, b"theirs").await?),
        ("set_push_subscription", tx.set_push_subscription(of.phone, SEALED, NOW).await?),
        ("drop_push_subscription", tx.drop_push_subscription(of.phone, SEALED).await?),
        ("delete_push_subscription", tx.delete_push_subscription(of.phone).await?),
        ("disarm_phone", tx.disarm_phone(user, of.phone).await?),
        ("clear_phone_key", tx.clear_phone_key(of.phone).await?),
        ("delete_phone", tx.delete_phone(of.phone).await?),
        ("delete_user", tx.delete_user(user).await?),
        ("reseal_secret", tx.reseal_secret(NAME, SEALED, b"theirs").await?),
    ])
}

#[test]
fn what_is_written_with_anothers_id_changes_nothing() {
    each_engine(async |site| {
        let of = things(site).await;
        let before = snapshot(site, &of).await.unwrap();
        let changed = site
            .write_as(site.b, async |tx| {
                // These say nothing of what they did.
                tx.forget_browsers(of.user).await?;
                tx.delete_recovery(of.user, "code").await?;
                tx.void_after_restore(NOW).await?;
                changes(tx, &of).await
            })
            .await;
        for (what, changed) in changed {
            assert!(!changed, "{what}");
        }
        assert_eq!(before, snapshot(site, &of).await.unwrap());
        // Each of them would have changed something for its owner.
        for (what, changed) in site.write(async |tx| changes(tx, &of).await).await {
            let gone = what == "delete_push_subscription";
            assert!(changed != gone, "{what}");
        }
    });
}

#[test]
fn what_is_made_with_anothers_id_reaches_nothing_of_theirs() {
    each_engine(async |site| {
        let of = things(site).await;
        let before = snapshot(site, &of).await.unwrap();
        site.write_as(site.b, async |tx| {
            // A passkey belongs to a user of the same tenant.
            assert!(!tx.insert_passkey(&site.new_passkey(of.user, 1)).await?);
            // The same credential, digest, code and name may be there once in every tenant.
            let sign_in = site.new_sign_in();
            tx.insert_sign_in(&sign_in).await?;
            assert!(tx.decide_sign_in(sign_in.id, allowed(of.user), NOW).await?);
            tx.insert_session(&site.new_session(of.user)).await?;
            tx.put_session_device(&device(of.user, of.session)).await?;
            tx.insert_grant(&site.new_grant(of.user, of.session, 9)).await?;
            // A grant for a session of another tenant opens nothing there.
            assert!(!tx.spend_grant(&DIGEST, of.session, "add", NOW).await?);
            tx.know_browser(of.user, DIGEST, NOW, LATER).await?;
            tx.insert_recovery(&site.new_recovery(of.user, "code")).await?;
            tx.insert_change(&site.new_change(of.user, 9)).await?;
            assert!(tx.insert_secret(NAME, b"theirs", NOW).await?);
            Ok(())
        })
        .await;
        assert_eq!(before, snapshot(site, &of).await.unwrap());
        assert!(site.b().passkeys_of_user(of.user).await.unwrap().is_empty());
        assert_eq!(site.b().secret(NAME).await.unwrap().as_deref(), Some(b"theirs".as_slice()));
    });
}
