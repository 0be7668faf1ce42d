//! What is granted to applications: used once whoever asks at the same moment, ended together, and each tenant's own.

use crate::{
    races::winners,
    support::{NOW, Site, each_engine},
};
use countersign_store::{
    DeviceGrantRow, Ended, EndedOfUser, GrantFamilyRow, GrantTokenRow, PushedRequestRow, SessionTimes, SigningKeyRow,
    StoreError,
};
use futures_util::future::join_all;
use std::time::Duration;
use types::{GrantId, Millis, SessionId, UserId};

const LATER: Millis = Millis(NOW.0 + 60_000);
/// Whatever was used or proved at any time lasts.
const AT: SessionTimes = SessionTimes { now: NOW, seen_after: Millis(0), proved_after: Millis(0) };
const IKEY: &str = "DICLIENT000000000000";

fn family(site: &Site, user: Option<UserId>, session: Option<SessionId>) -> GrantFamilyRow {
    GrantFamilyRow {
        id: site.id(),
        user_id: user,
        ikey: IKEY.to_owned(),
        session_id: session,
        detail: vec![1; 40],
        created: NOW,
        expires: LATER,
        revoked_at: None,
    }
}

fn token(family: GrantId, kind: &str, digest: u8) -> GrantTokenRow {
    GrantTokenRow {
        digest: vec![digest; 32],
        kind: kind.to_owned(),
        family,
        generation: 0,
        detail: None,
        expires: LATER,
        used_at: None,
    }
}

async fn granted(site: &Site, user: Option<UserId>, session: Option<SessionId>, digest: u8) -> GrantId {
    let row = family(site, user, session);
    let mut plan = site.a().plan();
    plan.insert_grant_family(&row);
    plan.insert_grant_token(&token(row.id, "refresh", digest));
    plan.commit().await.unwrap();
    row.id
}

fn device(digest: u8, state: &str) -> DeviceGrantRow {
    DeviceGrantRow {
        digest: vec![digest; 32],
        user_code: vec![digest; 32],
        ikey: IKEY.to_owned(),
        state: state.to_owned(),
        sealed: vec![2; 40],
        user_id: None,
        session_id: None,
        next_poll: NOW,
        pause: 5,
        created: NOW,
        expires: LATER,
    }
}

fn signing_key(generation: i64) -> SigningKeyRow {
    SigningKeyRow {
        usage: "jwt".to_owned(),
        alg: "ES256".to_owned(),
        generation,
        kid: format!("key {generation}"),
        private: vec![3; 80],
        public: "{}".to_owned(),
        certificate: None,
        created: NOW,
        active_from: NOW,
        retire_at: None,
        expires: None,
    }
}

#[test]
fn one_of_a_hundred_uses_a_code_a_proof_a_pushed_request_and_a_devices_code() {
    each_engine(async |site| {
        granted(site, None, None, 1).await;
        let won = winners(&site.store, site, async |tx| tx.spend_grant_token(&[1; 32], "refresh", NOW).await).await;
        assert_eq!(won, 1);
        let won = winners(&site.store, site, async |tx| tx.spend_once(&[2; 32], LATER).await).await;
        assert_eq!(won, 1);
        let pushed =
            PushedRequestRow { digest: vec![3; 32], ikey: IKEY.to_owned(), sealed: vec![4; 40], expires: LATER };
        site.write(async |tx| tx.insert_pushed_request(&pushed).await).await;
        let taken =
            async |tx: &mut countersign_store::Tx| Ok(tx.take_pushed_request(&[3; 32], IKEY, NOW).await?.is_some());
        assert_eq!(winners(&site.store, site, taken).await, 1);
        site.write(async |tx| tx.insert_device_grant(&device(5, "pending")).await).await;
        let allow = async |tx: &mut countersign_store::Tx| {
            tx.decide_device_grant(&[5; 32], "allowed", None, &[6; 40], NOW).await
        };
        assert_eq!(winners(&site.store, site, allow).await, 1);
        let fetched =
            join_all((0..100).map(async |_| site.made(site.a, |it| it.redeem_device_grant(&[5; 32], NOW)).await));
        assert_eq!(fetched.await.into_iter().filter(|won| *won).count(), 1);
        // Two nodes that make the first key, or the next.
        let won = winners(&site.store, site, async |tx| tx.insert_signing_key(&signing_key(1)).await).await;
        assert_eq!(won, 1);
    });
}

#[test]
fn what_is_used_or_over_is_not_used() {
    each_engine(async |site| {
        granted(site, None, None, 1).await;
        site.write(async |tx| {
            assert!(!tx.spend_grant_token(&[1; 32], "code", NOW).await?, "another kind");
            assert!(!tx.spend_grant_token(&[1; 32], "refresh", LATER).await?, "over");
            Ok(())
        })
        .await;
        let prolonged =
            async |expires| site.made(site.a, |it| it.prolong_grant_token(&[1; 32], "refresh", expires, NOW)).await;
        assert!(!prolonged(LATER).await, "not longer");
        assert!(prolonged(LATER + Duration::from_secs(9)).await);
        assert!(site.made(site.a, |it| it.spend_grant_token(&[1; 32], "refresh", LATER)).await);
        assert!(!prolonged(LATER + Duration::from_secs(99)).await, "used");
        site.write(async |tx| tx.insert_device_grant(&device(5, "pending")).await).await;
        assert!(!site.made(site.a, |it| it.redeem_device_grant(&[5; 32], NOW)).await, "nobody has said yes");
        site.write(async |tx| {
            assert!(!tx.decide_device_grant(&[5; 32], "allowed", None, &[6; 40], LATER).await?, "over");
            assert!(tx.poll_device_grant(&[5; 32], LATER, 10).await?);
            assert!(tx.decide_device_grant(&[5; 32], "denied", None, &[6; 40], NOW).await?);
            assert!(!tx.poll_device_grant(&[5; 32], LATER, 10).await?);
            Ok(())
        })
        .await;
        let twice = site.store.tenant(site.a).begin().await.unwrap().insert_device_grant(&device(5, "pending")).await;
        assert!(matches!(twice, Err(StoreError::Duplicate)));
    });
}

#[test]
fn grants_end_one_by_one_by_session_by_person_by_client_and_all_together() {
    each_engine(async |site| {
        let (user, other) = (site.user("narroway").await, site.user("other").await);
        let session = site.new_session(user);
        site.write(async |tx| tx.insert_session(&session).await).await;
        let one = granted(site, Some(user), Some(session.id), 1).await;
        let two = granted(site, Some(user), None, 2).await;
        let three = granted(site, Some(other), None, 3).await;
        let four = granted(site, None, None, 4).await;
        let ended = async |which: Ended<'_>| site.write(async |tx| tx.revoke_grants(which, NOW).await).await;
        let lives = async |id: GrantId| {
            let found = site.a().grant_family(id, AT).await.unwrap().unwrap();
            found.family.revoked_at.is_none() && found.session_lasts
        };
        // A session's end is seen at once, before anybody writes it down here.
        assert!(lives(one).await);
        site.write(async |tx| tx.end_session(session.id, user, NOW).await).await;
        assert!(!lives(one).await && lives(two).await);
        assert_eq!(ended(Ended::Session(session.id)).await, 1);
        assert_eq!(ended(Ended::UserAt(other, "DIOTHER")).await, 0);
        assert_eq!(ended(Ended::User(user)).await, 1);
        assert!(!lives(two).await && lives(three).await);
        assert_eq!(ended(Ended::UserAt(other, IKEY)).await, 1);
        assert_eq!(ended(Ended::Family(four)).await, 1);
        assert_eq!(ended(Ended::Family(four)).await, 0);
        let five = granted(site, None, None, 5).await;
        assert_eq!(ended(Ended::Client(IKEY)).await, 1);
        let six = granted(site, None, None, 6).await;
        assert_eq!(ended(Ended::Everything).await, 1);
        assert!(!lives(five).await && !lives(six).await);
        let settled = site.made(site.a, |it| it.settle_grant_family(six, &[9; 40], LATER)).await;
        assert!(!settled, "what has ended isn't written anew");
    });
}

#[test]
fn all_that_was_granted_ends_with_what_devices_were_allowed() {
    each_engine(async |site| {
        let (user, other) = (site.user("narroway").await, site.user("other").await);
        let allow = async |digest: u8, user: UserId, session: Option<SessionId>| {
            site.write(async |tx| {
                tx.insert_device_grant(&device(digest, "pending")).await?;
                assert!(tx.decide_device_grant(&[digest; 32], "allowed", Some((user, session)), &[6; 40], NOW).await?);
                Ok(())
            })
            .await;
        };
        let state = async |digest: u8| site.a().device_grant(&[digest; 32]).await.unwrap().unwrap().state;
        let (here, there) = (site.new_session(user), site.new_session(user));
        site.write(async |tx| {
            tx.insert_session(&here).await?;
            tx.insert_session(&there).await
        })
        .await;
        let families = [
            granted(site, Some(user), Some(here.id), 1).await,
            granted(site, Some(user), Some(there.id), 2).await,
            granted(site, Some(user), None, 3).await,
            granted(site, Some(other), None, 4).await,
        ];
        for (digest, session) in [(11, Some(here.id)), (12, Some(there.id)), (13, None)] {
            allow(digest, user, session).await;
        }
        allow(14, other, None).await;
        let lives = async || {
            let mut lives = Vec::new();
            for id in families {
                let found = site.a().grant_family(id, AT).await.unwrap().unwrap();
                lives.push(found.family.revoked_at.is_none() && found.session_lasts);
            }
            for digest in 11..15 {
                lives.push(state(digest).await == "allowed");
            }
            lives
        };
        // Another tenant's transaction reaches nothing of it.
        let none = site.write_as(site.b, async |tx| tx.end_everything_granted(user, None, NOW).await).await;
        assert_eq!(none, EndedOfUser { sessions: 0, grants: 0 });
        assert_eq!(lives().await, [true; 8]);
        let but = site.write(async |tx| tx.end_everything_granted(user, Some(here.id), NOW).await).await;
        assert_eq!(but, EndedOfUser { sessions: 1, grants: 2 });
        assert_eq!(lives().await, [true, false, false, true, true, false, false, true]);
        let all = site.write(async |tx| tx.end_everything_granted(user, None, NOW).await).await;
        assert_eq!(all, EndedOfUser { sessions: 1, grants: 1 });
        assert_eq!(lives().await, [false, false, false, true, false, false, false, true]);
        let won = site.made(site.a, |it| it.redeem_device_grant(&[13; 32], NOW)).await;
        assert!(!won, "it was taken back before the device fetched it");
        // By the application, and by the whole tenant.
        for (digest, which) in [(21, Ended::UserAt(user, IKEY)), (22, Ended::Client(IKEY)), (23, Ended::Everything)] {
            allow(digest, user, None).await;
            site.write(async |tx| tx.revoke_grants(Ended::UserAt(user, "DIOTHER"), NOW).await).await;
            site.write(async |tx| tx.revoke_grants(Ended::Client("DIOTHER"), NOW).await).await;
            assert_eq!(state(digest).await, "allowed");
            site.write(async |tx| tx.revoke_grants(which, NOW).await).await;
            assert_eq!(state(digest).await, "denied", "{which:?}");
        }
    });
}

#[test]
fn a_grant_goes_on_no_longer_than_its_session_is_used_and_proved() {
    each_engine(async |site| {
        let user = site.user("narroway").await;
        let session = site.new_session(user);
        site.write(async |tx| tx.insert_session(&session).await).await;
        let within = granted(site, Some(user), Some(session.id), 1).await;
        let beyond = granted(site, Some(user), None, 2).await;
        let proved = session.auth_time.max(session.created);
        for (seen_after, proved_after, now, lasts) in [
            (session.last_seen.0 - 1, proved.0 - 1, NOW, true),
            (session.last_seen.0, proved.0 - 1, NOW, false),
            (session.last_seen.0 - 1, proved.0, NOW, false),
            (session.last_seen.0 - 1, proved.0 - 1, session.expires, false),
        ] {
            let times = SessionTimes { now, seen_after: Millis(seen_after), proved_after: Millis(proved_after) };
            let found = async |id| site.a().grant_family(id, times).await.unwrap().unwrap().session_lasts;
            assert_eq!((found(within).await, found(beyond).await), (lasts, true), "{times:?}");
            let by_token = site.a().grant_by_token(&[1; 32], times).await.unwrap().unwrap();
            let (by_id, _) = site.a().grant_family_and_marks(Some(within), &[], times).await.unwrap();
            assert_eq!((by_token.session_lasts, by_id.unwrap().session_lasts), (lasts, lasts));
            let row = times.reach(session.last_seen, session.auth_time, session.created, session.expires);
            assert_eq!(row, lasts, "the same by whoever has the row");
        }
    });
}

#[test]
fn a_session_is_looked_at_when_it_is_worth_it_and_ended_as_it_was_seen() {
    each_engine(async |site| {
        let user = site.user("narroway").await;
        let (one, two) = (site.new_session(user), site.new_session(user));
        site.write(async |tx| {
            tx.insert_session(&one).await?;
            tx.insert_session(&two).await
        })
        .await;
        let due = async |now| site.store.sessions_to_look_at(now, 10).await.unwrap();
        let looks = due(NOW).await;
        assert_eq!(looks.len(), 2);
        let look = looks.iter().find(|look| look.id == one.id).unwrap();
        assert_eq!((look.tenant, look.user_id, look.expires), (site.a, user, one.expires));
        let foreign = site.write_as(site.b, async |tx| tx.end_unused_session(look, NOW).await).await;
        assert!(!foreign, "another tenant's");
        assert!(site.write(async |tx| tx.look_at_session(two.id, LATER).await).await);
        assert_eq!(due(NOW).await.len(), 1);
        // Used in the meantime: it goes on.
        let used = Millis(one.last_seen.0 + 1);
        assert!(site.write(async |tx| tx.session_seen(one.id, used).await).await);
        assert!(!site.write(async |tx| tx.end_unused_session(look, NOW).await).await);
        let again = due(NOW).await;
        let ends = async |tx: &mut countersign_store::Tx| tx.end_unused_session(&again[0], NOW).await;
        assert_eq!(winners(&site.store, site, ends).await, 1);
        assert!(due(NOW).await.is_empty(), "what has ended isn't looked at");
        assert_eq!(due(LATER).await[0].id, two.id);
        assert!(!site.write(async |tx| tx.look_at_session(one.id, LATER).await).await);
    });
}

#[test]
fn marks_are_read_with_the_family_in_one_question() {
    each_engine(async |site| {
        let id = granted(site, None, None, 1).await;
        site.write(async |tx| {
            tx.set_mark(&[2; 32], LATER).await?;
            tx.set_mark(&[2; 32], LATER + Duration::from_secs(1)).await
        })
        .await;
        let (found, marks) = site.a().grant_family_and_marks(Some(id), &[[1; 32], [2; 32]], AT).await.unwrap();
        assert_eq!(found.unwrap().family.id, id);
        assert_eq!(marks, [None, Some(LATER + Duration::from_secs(1))]);
        let (found, marks) = site.a().grant_family_and_marks(None, &[[2; 32]], AT).await.unwrap();
        assert!(found.is_none() && marks.len() == 1);
    });
}

#[test]
fn another_tenant_sees_and_ends_nothing_of_it() {
    each_engine(async |site| {
        let user = site.user("narroway").await;
        let id = granted(site, Some(user), None, 1).await;
        let pushed =
            PushedRequestRow { digest: vec![3; 32], ikey: IKEY.to_owned(), sealed: vec![4; 40], expires: LATER };
        site.write(async |tx| {
            tx.insert_pushed_request(&pushed).await?;
            tx.insert_device_grant(&device(5, "allowed")).await?;
            tx.insert_signing_key(&signing_key(1)).await?;
            tx.spend_once(&[2; 32], LATER).await
        })
        .await;
        let other = site.store.tenant(site.b);
        assert!(other.grant_by_token(&[1; 32], AT).await.unwrap().is_none());
        assert!(other.grant_family(id, AT).await.unwrap().is_none());
        assert!(other.signing_keys("jwt", NOW).await.unwrap().is_empty());
        assert!(other.device_grant(&[5; 32]).await.unwrap().is_none());
        assert!(other.device_grant_by_user_code(&[5; 32]).await.unwrap().is_none());
        let (found, marks) = other.grant_family_and_marks(Some(id), &[[2; 32]], AT).await.unwrap();
        assert!(found.is_none() && marks == [None]);
        site.write_as(site.b, async |tx| {
            assert!(!tx.spend_grant_token(&[1; 32], "refresh", NOW).await?);
            for which in [
                Ended::Family(id),
                Ended::User(user),
                Ended::Client(IKEY),
                Ended::UserAt(user, IKEY),
                Ended::Everything,
            ] {
                assert_eq!(tx.revoke_grants(which, NOW).await?, 0);
            }
            assert!(tx.take_pushed_request(&[3; 32], IKEY, NOW).await?.is_none());
            assert!(!tx.poll_device_grant(&[5; 32], LATER, 9).await?);
            assert!(!tx.retire_signing_keys(("jwt", "ES256"), 2, NOW, LATER).await?);
            // What one tenant has seen, another may see.
            assert!(tx.spend_once(&[2; 32], LATER).await?);
            Ok(())
        })
        .await;
        assert!(site.a().grant_by_token(&[1; 32], AT).await.unwrap().unwrap().family.revoked_at.is_none());
    });
}

#[test]
fn keys_are_listed_until_they_are_gone_and_the_next_ones_time_ends_the_one_before() {
    each_engine(async |site| {
        site.write(async |tx| {
            tx.insert_signing_key(&signing_key(1)).await?;
            tx.insert_signing_key(&SigningKeyRow { active_from: LATER, ..signing_key(2) }).await?;
            assert!(tx.retire_signing_keys(("jwt", "ES256"), 2, LATER, LATER + Duration::from_secs(60)).await?);
            assert!(!tx.retire_signing_keys(("jwt", "ES256"), 2, LATER, LATER + Duration::from_secs(60)).await?);
            Ok(())
        })
        .await;
        let listed = async |now: Millis| site.a().signing_keys("jwt", now).await.unwrap().len();
        assert_eq!((listed(NOW).await, listed(LATER + Duration::from_secs(60)).await), (2, 1));
        assert!(site.a().signing_keys("saml", NOW).await.unwrap().is_empty());
        assert_eq!(site.store.purge_signing_keys(LATER + Duration::from_secs(61), 10).await.unwrap(), 1);
    });
}

#[test]
fn rows_go_with_their_time_and_with_their_person() {
    each_engine(async |site| {
        let user = site.user("narroway").await;
        granted(site, Some(user), None, 1).await;
        site.write(async |tx| {
            tx.insert_device_grant(&device(5, "pending")).await?;
            tx.decide_device_grant(&[5; 32], "allowed", Some((user, None)), &[6; 40], NOW).await?;
            tx.spend_once(&[2; 32], LATER).await
        })
        .await;
        assert_eq!(site.store.purge_grant_tokens(LATER, 10).await.unwrap(), 0);
        site.write(async |tx| tx.delete_user(user).await).await;
        assert!(site.a().grant_by_token(&[1; 32], AT).await.unwrap().is_none());
        assert!(site.a().device_grant(&[5; 32]).await.unwrap().is_none());
        let after = LATER + Duration::from_millis(1);
        assert_eq!(site.store.purge_grant_tokens(after, 10).await.unwrap(), 1);
        granted(site, None, None, 7).await;
        assert_eq!(site.store.purge_grant_families(after, 10).await.unwrap(), 1);
        assert_eq!(site.store.purge_grant_requests(after, 10).await.unwrap(), 1);
    });
}

#[test]
fn after_a_restore_nothing_that_was_granted_is_left_in_that_tenant() {
    each_engine(async |site| {
        let lasting = granted(site, Some(site.id()), None, 1).await;
        let elsewhere = family(site, Some(site.id()), None);
        let mut plan = site.b().plan();
        plan.insert_grant_family(&elsewhere);
        plan.commit().await.unwrap();
        site.write(async |tx| tx.void_after_restore(NOW).await).await;
        let a = site.store.tenant(site.a).grant_family(lasting, AT).await.unwrap();
        assert!(a.is_none_or(|grant| grant.family.revoked_at.is_some()));
        let b = site.store.tenant(site.b).grant_family(elsewhere.id, AT).await.unwrap().unwrap();
        assert!(b.family.revoked_at.is_none());
    });
}
