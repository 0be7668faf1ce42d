//! What a browser leaves behind: passkeys, sign-ins, sessions, and what undoes and outlives them.

use crate::{
    rows::{CODE, IKEY, LATER, allowed},
    support::{ALL, NOW, Site, each_engine},
};
use countersign_store::{
    SignInEnd, StoreError,
    login::{Authentication, Login, Proof, Recorded, Who},
};
use std::time::Duration;
use types::{Millis, UserId};

const SEALED: &[u8] = &[6; 40];
const OVER: Millis = Millis(LATER.0 + 1);

async fn passkeys(site: &Site, user: UserId) -> i64 {
    site.a().user(user).await.unwrap().unwrap().passkeys
}

#[test]
fn a_user_knows_how_many_passkeys_can_be_used() {
    each_engine(async |site| {
        let user = site.user("narroway").await;
        let (one, two) = (site.new_passkey(user, 1), site.new_passkey(user, 2));
        for passkey in [&one, &two] {
            assert!(site.write(async |tx| tx.insert_passkey(passkey).await).await);
        }
        assert_eq!(passkeys(site, user).await, 2);
        // Once only: what is suspended is not suspended again.
        for (changed, left) in [(true, 1), (false, 1)] {
            assert_eq!(site.write(async |tx| tx.suspend_passkey(one.id, "copied", NOW).await).await, changed);
            assert_eq!(passkeys(site, user).await, left);
        }
        let kept = site.a().passkey_by_credential(&one.credential_id).await.unwrap().unwrap();
        assert_eq!((kept.suspended_at, kept.suspended_reason.as_str()), (Some(NOW), "copied"));
        for (changed, left) in [(true, 2), (false, 2)] {
            assert_eq!(site.write(async |tx| tx.restore_passkey(one.id).await).await, changed);
            assert_eq!(passkeys(site, user).await, left);
        }
        assert_eq!(site.a().passkey(one.id).await.unwrap().unwrap(), one);
        site.write(async |tx| tx.suspend_passkey(one.id, "copied", NOW).await).await;
        // Restored from its own reason only, and found by a walk.
        for (reason, changed, left) in [("reported", false, 1), ("copied", true, 2), ("copied", false, 2)] {
            assert_eq!(site.write(async |tx| tx.restore_passkey_from(one.id, reason).await).await, changed);
            assert_eq!(passkeys(site, user).await, left);
        }
        site.write(async |tx| tx.suspend_passkey(one.id, "copied", NOW).await).await;
        let mut walked = Vec::new();
        while let [next] = site.a().passkeys_after(walked.last().copied(), 1).await.unwrap().as_slice() {
            walked.push(next.id);
        }
        // Both were made in one instant, so either may be the first.
        let mut both = [one.id, two.id];
        both.sort();
        assert_eq!(walked, both);
        let models = site.a().passkey_models().await.unwrap();
        assert_eq!((models.len(), models[0].total, models[0].suspended), (1, 2, 1));
        // The suspended one is not counted, so its going is not either.
        for (passkey, left) in [(&one, 1), (&two, 0)] {
            assert!(site.write(async |tx| tx.delete_passkey(user, passkey.id).await).await);
            assert!(!site.write(async |tx| tx.delete_passkey(user, passkey.id).await).await);
            assert_eq!(passkeys(site, user).await, left);
        }
        // The login path sees the same number.
        site.write(async |tx| tx.insert_passkey(&two).await).await;
        let login = Login::start(&site.store.shared_engine());
        let name = crate::support::user_name("narroway");
        for who in [Who::Id(user), Who::Name(name)] {
            assert_eq!(login.find(site.a, who).await.unwrap().unwrap().user.passkeys, 1);
        }
    });
}

#[test]
fn a_credential_is_registered_once_and_renamed_by_its_owner() {
    each_engine(async |site| {
        let (user, other) = (site.user("narroway").await, site.user("other").await);
        let passkey = site.new_passkey(user, 1);
        site.write(async |tx| tx.insert_passkey(&passkey).await).await;
        let mut tx = site.a().begin().await.unwrap();
        let taken = tx.insert_passkey(&site.new_passkey(other, 1)).await;
        assert!(matches!(taken, Err(StoreError::Duplicate)));
        drop(tx);
        assert_eq!(passkeys(site, other).await, 0);
        assert!(!site.write(async |tx| tx.rename_passkey(passkey.id, other, "theirs").await).await);
        assert!(!site.write(async |tx| tx.delete_passkey(other, passkey.id).await).await);
        assert!(site.write(async |tx| tx.rename_passkey(passkey.id, user, "key ring").await).await);
        assert_eq!(site.a().passkeys_of_user(user).await.unwrap()[0].name, "key ring");
        assert_eq!(site.a().passkeys(ALL).await.unwrap().total, 1);
    });
}

#[test]
fn a_passkey_without_a_counter_signs_in_again_and_a_suspended_one_does_not() {
    each_engine(async |site| {
        let user = site.user("narroway").await;
        let passkey = site.new_passkey(user, 1);
        site.write(async |tx| tx.insert_passkey(&passkey).await).await;
        let login = Login::start(&site.store.shared_engine());
        let sign = async |counter| {
            let entry = site.new_auth_log(NOW, "success");
            let proof = Proof::Passkey { passkey: passkey.id, counter, backed_up: false };
            let (tenant, log) = (site.a, Box::new(move |_| entry));
            let one = Authentication { tenant, user, proof, failures_seen: 0, threshold: 10, now: NOW, log };
            login.record(one).await.unwrap()
        };
        assert_eq!((sign(0).await, sign(0).await), (Recorded::Won, Recorded::Won));
        site.write(async |tx| tx.suspend_passkey(passkey.id, "copied", NOW).await).await;
        assert_eq!(sign(0).await, Recorded::Spent);
        site.write(async |tx| tx.restore_passkey(passkey.id).await).await;
        // Once it counts, it can't go back to not counting.
        assert_eq!((sign(3).await, sign(0).await, sign(4).await), (Recorded::Won, Recorded::Spent, Recorded::Won));
        site.write(async |tx| tx.delete_passkey(user, passkey.id).await).await;
        assert_eq!(sign(5).await, Recorded::Spent);
    });
}

#[test]
fn a_sign_in_is_of_one_user_and_one_ceremony_and_ends_in_time() {
    each_engine(async |site| {
        let (user, other) = (site.user("narroway").await, site.user("other").await);
        let sign_in = site.new_sign_in();
        let id = sign_in.id;
        site.write(async |tx| tx.insert_sign_in(&sign_in).await).await;
        assert_eq!(site.a().sign_in(id).await.unwrap().unwrap(), sign_in);
        site.write(async |tx| {
            assert!(!tx.name_sign_in(id, b"of another", SEALED, Some(other)).await?);
            assert!(tx.name_sign_in(id, &sign_in.request, SEALED, Some(user)).await?);
            assert!(!tx.name_sign_in(id, SEALED, SEALED, Some(other)).await?);
            // A ceremony is taken as it was read: one that was begun since is another.
            assert!(tx.begin_ceremony(id, b"first").await? && tx.begin_ceremony(id, SEALED).await?);
            assert!(!tx.take_ceremony(id, b"first").await?);
            assert!(tx.take_ceremony(id, SEALED).await? && !tx.take_ceremony(id, SEALED).await?);
            assert!(tx.begin_ceremony(id, SEALED).await?);
            let attempt = site.id();
            assert!(tx.set_sign_in_attempt(id, Some(attempt)).await?);
            // Not another's, not too late.
            assert!(!tx.decide_sign_in(id, allowed(other), NOW).await?);
            assert!(!tx.decide_sign_in(id, allowed(user), LATER).await?);
            assert!(tx.decide_sign_in(id, allowed(user), NOW).await?);
            // Nothing moves any more.
            assert!(!tx.begin_ceremony(id, SEALED).await?);
            assert!(!tx.take_ceremony(id, SEALED).await? && !tx.set_sign_in_attempt(id, None).await?);
            Ok(())
        })
        .await;
        let kept = site.a().sign_in(id).await.unwrap().unwrap();
        assert_eq!((kept.state.as_str(), kept.user_id, kept.ceremony), ("allowed", Some(user), None));
        assert_eq!((kept.decided_at, kept.code.as_deref()), (Some(NOW), Some(CODE.as_slice())));
    });
}

#[test]
fn a_code_is_redeemed_by_its_application_in_time_and_once() {
    each_engine(async |site| {
        let user = site.user("narroway").await;
        let sign_in = site.new_sign_in();
        site.write(async |tx| {
            tx.insert_sign_in(&sign_in).await?;
            assert!(tx.redeem_sign_in(&CODE, IKEY, NOW).await?.is_none());
            assert!(tx.decide_sign_in(sign_in.id, allowed(user), NOW).await?);
            assert!(tx.redeem_sign_in(&CODE, "DIBBBBBBBBBBBBBBBBBB", NOW).await?.is_none());
            assert!(tx.redeem_sign_in(&[8; 32], IKEY, NOW).await?.is_none());
            assert!(tx.redeem_sign_in(&CODE, IKEY, LATER).await?.is_none());
            // The page can't take what the application has a code for.
            assert!(!tx.finish_sign_in(sign_in.id, NOW).await?);
            let redeemed = tx.redeem_sign_in(&CODE, IKEY, NOW).await?.unwrap();
            assert_eq!((redeemed.id, redeemed.user_id, redeemed.result), (sign_in.id, Some(user), Some(vec![8])));
            assert_eq!((redeemed.state.as_str(), redeemed.redeemed_at), ("redeemed", Some(NOW)));
            assert!(tx.redeem_sign_in(&CODE, IKEY, NOW).await?.is_none());
            Ok(())
        })
        .await;
    });
}

#[test]
fn a_denied_sign_in_gives_nothing() {
    each_engine(async |site| {
        let user = site.user("narroway").await;
        let sign_in = site.new_sign_in();
        site.write(async |tx| {
            tx.insert_sign_in(&sign_in).await?;
            assert!(!tx.finish_sign_in(sign_in.id, NOW).await?);
            assert!(tx.decide_sign_in(sign_in.id, SignInEnd { state: "denied", ..allowed(user) }, NOW).await?);
            assert!(tx.redeem_sign_in(&CODE, IKEY, NOW).await?.is_none());
            assert!(!tx.finish_sign_in(sign_in.id, NOW).await?);
            Ok(())
        })
        .await;
    });
}

#[test]
fn nothing_takes_an_alarm_back() {
    each_engine(async |site| {
        let sign_in = site.new_sign_in();
        site.write(async |tx| {
            tx.insert_sign_in(&sign_in).await?;
            assert!(tx.mark_canary(sign_in.id, "missing", "").await?);
            assert!(!tx.mark_canary(sign_in.id, "missing", "").await?);
            assert!(tx.mark_canary(sign_in.id, "unclear", "").await?);
            assert!(!tx.mark_canary(sign_in.id, "missing", "").await?);
            assert!(tx.mark_canary(sign_in.id, "ok", "").await?);
            assert!(!tx.mark_canary(sign_in.id, "unclear", "").await?);
            assert!(tx.mark_canary(sign_in.id, "alert", "unknown").await?);
            assert!(!tx.mark_canary(sign_in.id, "alert", "unknown").await?);
            assert!(tx.mark_canary(sign_in.id, "alert", "evil.example").await?);
            assert!(!tx.mark_canary(sign_in.id, "alert", "unknown").await?);
            assert!(!tx.mark_canary(sign_in.id, "ok", "").await?);
            assert!(!tx.mark_canary(sign_in.id, "alert", "harmless.example").await?);
            Ok(())
        })
        .await;
        let kept = site.a().sign_in(sign_in.id).await.unwrap().unwrap();
        assert_eq!((kept.canary.as_str(), kept.canary_host.as_str()), ("alert", "evil.example"));
    });
}

#[test]
fn sessions_end_one_by_one_or_all_but_one() {
    each_engine(async |site| {
        let (user, other) = (site.user("narroway").await, site.user("other").await);
        let sessions = [user, user, user, other].map(|user| site.new_session(user));
        let [first, second, _, theirs] = sessions.each_ref().map(|session| session.id);
        site.write(async |tx| {
            for session in &sessions {
                tx.insert_session(session).await?;
            }
            let soon = NOW + Duration::from_secs(1);
            assert!(tx.session_seen(first, soon).await? && !tx.session_seen(first, soon).await?);
            assert!(!tx.session_seen(first, LATER).await?);
            assert!(!tx.end_session(theirs, user, NOW).await?);
            assert!(tx.end_session(second, user, NOW).await? && !tx.end_session(second, user, NOW).await?);
            assert!(!tx.session_seen(second, soon).await?);
            Ok(())
        })
        .await;
        assert_eq!(site.a().sessions_of_user(user, NOW).await.unwrap().len(), 2);
        assert!(site.a().sessions_of_user(user, LATER).await.unwrap().is_empty());
        assert_eq!(site.write(async |tx| tx.sign_out_everywhere(user, Some(first), NOW).await).await, 1);
        assert_eq!(site.a().sessions_of_user(user, NOW).await.unwrap()[0].id, first);
        assert_eq!(site.write(async |tx| tx.sign_out_everywhere(user, None, NOW).await).await, 1);
        assert!(site.a().session(first).await.unwrap().unwrap().ended_at.is_some());
        assert_eq!(site.a().sessions_of_user(other, NOW).await.unwrap().len(), 1);
    });
}

#[test]
fn a_grant_is_for_one_session_one_action_and_one_use() {
    each_engine(async |site| {
        let (user, other) = (site.user("narroway").await, site.user("other").await);
        let (session, second, theirs) = (site.new_session(user), site.new_session(user), site.new_session(other));
        site.write(async |tx| {
            for session in [&session, &second, &theirs] {
                tx.insert_session(session).await?;
            }
            for digest in [1, 2] {
                tx.insert_grant(&site.new_grant(user, session.id, digest)).await?;
            }
            // The grant's user must be the session's.
            tx.insert_grant(&site.new_grant(user, theirs.id, 3)).await?;
            assert!(!tx.spend_grant(&[3; 32], theirs.id, "add", NOW).await?);
            assert!(!tx.spend_grant(&[1; 32], second.id, "add", NOW).await?);
            assert!(!tx.spend_grant(&[1; 32], session.id, "remove", NOW).await?);
            assert!(!tx.spend_grant(&[1; 32], session.id, "add", LATER).await?);
            assert!(tx.spend_grant(&[1; 32], session.id, "add", NOW).await?);
            assert!(!tx.spend_grant(&[1; 32], session.id, "add", NOW).await?);
            // It is worth nothing once its session has ended.
            assert!(tx.end_session(session.id, user, NOW).await?);
            assert!(!tx.spend_grant(&[2; 32], session.id, "add", NOW).await?);
            Ok(())
        })
        .await;
        assert_eq!(site.a().grant(&[1; 32]).await.unwrap().unwrap().used_at, Some(NOW));
        assert_eq!(site.a().grant(&[2; 32]).await.unwrap().unwrap().used_at, None);
    });
}

#[test]
fn a_browser_is_known_to_its_user_for_a_while() {
    each_engine(async |site| {
        let (user, other) = (site.user("narroway").await, site.user("other").await);
        let known = async |user, now| site.a().browser_known(user, &[1; 32], now).await.unwrap();
        site.write(async |tx| tx.know_browser(user, [1; 32], NOW, LATER).await).await;
        assert!(known(user, NOW).await && !known(user, LATER).await && !known(other, NOW).await);
        site.write(async |tx| tx.know_browser(user, [1; 32], NOW, OVER).await).await;
        assert!(known(user, LATER).await);
        site.write(async |tx| tx.forget_browsers(user).await).await;
        assert!(!known(user, NOW).await);
    });
}

#[test]
fn recovery_secrets_are_listed_while_they_can_be_used() {
    each_engine(async |site| {
        let user = site.user("narroway").await;
        let (code, pass) = (site.new_recovery(user, "code"), site.new_recovery(user, "pass"));
        site.write(async |tx| {
            tx.insert_recovery(&code).await?;
            tx.insert_recovery(&pass).await
        })
        .await;
        let usable = async |kind, now| site.a().recovery_secrets(user, kind, now).await.unwrap();
        assert_eq!(usable("code", LATER).await, std::slice::from_ref(&code));
        assert_eq!(usable("pass", NOW).await, [pass]);
        assert!(usable("pass", LATER).await.is_empty());
        site.write(async |tx| tx.delete_recovery(user, "pass").await).await;
        assert!(usable("pass", NOW).await.is_empty());
    });
}

#[test]
fn a_change_is_undone_in_time_and_once() {
    each_engine(async |site| {
        let user = site.user("narroway").await;
        let (one, two) = (site.new_change(user, 1), site.new_change(user, 2));
        site.write(async |tx| {
            tx.insert_change(&one).await?;
            tx.insert_change(&two).await?;
            assert!(!tx.undo_change(one.id, LATER).await?);
            assert!(tx.undo_change(one.id, NOW).await? && !tx.undo_change(one.id, NOW).await?);
            Ok(())
        })
        .await;
        assert_eq!(site.a().change_by_undo(&[1; 32]).await.unwrap().unwrap().undone_at, Some(NOW));
        assert_eq!(site.a().changes_of_user(user, NOW).await.unwrap(), [two]);
        assert!(site.a().changes_of_user(user, LATER).await.unwrap().is_empty());
    });
}

#[test]
fn a_subscription_lives_and_dies_with_its_phones_key() {
    each_engine(async |site| {
        let (phone, gone) = (site.phone().await, site.phone().await);
        site.write(async |tx| {
            for phone in [phone, gone] {
                assert!(tx.set_push_subscription(phone, b"first", NOW).await?);
            }
            assert_eq!(tx.push_failed(phone, b"first").await?, Some(1));
            assert_eq!(tx.push_failed(phone, b"first").await?, Some(2));
            assert!(tx.push_worked(phone).await? && !tx.push_worked(phone).await?);
            assert!(tx.set_push_subscription(phone, SEALED, LATER).await?);
            // What was learnt of the one before says nothing of this one.
            assert_eq!(tx.push_failed(phone, b"first").await?, None);
            assert!(!tx.drop_push_subscription(phone, b"first").await?);
            Ok(())
        })
        .await;
        let kept = site.a().push_subscription(phone).await.unwrap().unwrap();
        assert_eq!((kept.sealed.as_slice(), kept.failures, kept.created), (SEALED, 0, LATER));
        site.write(async |tx| {
            assert!(tx.clear_phone_key(phone).await? && tx.delete_phone(gone).await?);
            assert!(!tx.set_push_subscription(gone, SEALED, NOW).await?);
            Ok(())
        })
        .await;
        assert_eq!(site.a().push_subscriptions(ALL).await.unwrap().total, 0);
    });
}

#[test]
fn a_telephone_without_its_authenticator_stays_if_it_has_a_number() {
    each_engine(async |site| {
        let (user, other) = (site.user("narroway").await, site.user("other").await);
        let (numbered, mut bare) = (site.phone().await, site.new_phone());
        (bare.number, bare.tail) = (None, None);
        site.write(async |tx| {
            tx.insert_phone(&bare).await?;
            for phone in [numbered, bare.id] {
                assert!(tx.attach_phone(user, phone).await? && tx.set_phone_key(phone, &[1; 65], "pixel", NOW).await?);
            }
            assert!(!tx.disarm_phone(other, numbered).await? && !tx.disarm_phone(other, bare.id).await?);
            assert_eq!(tx.authenticators_of(user).await?, 2);
            assert!(tx.disarm_phone(user, numbered).await? && tx.disarm_phone(user, bare.id).await?);
            assert_eq!(tx.authenticators_of(user).await?, 1);
            Ok(())
        })
        .await;
        assert_eq!(site.a().phone(numbered).await.unwrap().unwrap().public_key, None);
        assert!(site.a().phone(bare.id).await.unwrap().is_none());
    });
}

#[test]
fn a_secret_is_made_once_and_sealed_anew_by_who_read_it() {
    each_engine(async |site| {
        site.write(async |tx| {
            assert!(tx.insert_secret("vapid", SEALED, NOW).await?);
            assert!(!tx.insert_secret("vapid", b"other", NOW).await?);
            assert!(!tx.reseal_secret("vapid", b"other", b"new").await?);
            assert!(tx.reseal_secret("vapid", SEALED, b"new").await?);
            Ok(())
        })
        .await;
        assert_eq!(site.a().secret("vapid").await.unwrap().as_deref(), Some(b"new".as_slice()));
        assert_eq!(site.a().secret("other").await.unwrap(), None);
    });
}

#[test]
fn the_issue_of_the_metadata_never_falls() {
    each_engine(async |site| {
        assert_eq!(site.store.metadata_serial("mds3").await.unwrap(), None);
        for (serial, accepted) in [(7, true), (6, false), (7, true), (9, true), (8, false)] {
            assert_eq!(site.store.raise_metadata_serial("mds3", serial, Millis(serial)).await.unwrap(), accepted);
        }
        let last = site.store.metadata_serial("mds3").await.unwrap().unwrap();
        assert_eq!((last.serial, last.next_update), (9, Millis(9)));
        assert!(site.store.raise_metadata_serial("another", 1, NOW).await.unwrap());
    });
}
