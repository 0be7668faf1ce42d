//! Relying parties, requests that wait, participants and consents: used once, and not by another tenant.

use crate::support::{NOW, Site, each_engine};
use countersign_store::{ConsentRow, ParticipantRow, RelyingPartyChange, RelyingPartyRow, SsoRequestRow, sealed};
use std::time::Duration;
use types::{Millis, SessionId, UserId};

const IKEY: &str = "DIPPPPPPPPPPPPPPPPPP";
const LATER: Millis = Millis(NOW.0 + 900_000);

fn party() -> RelyingPartyRow {
    RelyingPartyRow {
        ikey: IKEY.to_owned(),
        protocol: "oidc".to_owned(),
        key: "wiki".to_owned(),
        settings: "{}".to_owned(),
        secret: Some(vec![1; 60]),
        created: NOW,
        updated: NOW,
    }
}

fn participant(session_id: SessionId, user_id: UserId) -> ParticipantRow {
    ParticipantRow {
        session_id,
        ikey: IKEY.to_owned(),
        sid: "sid-1".to_owned(),
        user_id,
        detail: vec![2; 60],
        created: NOW,
        expires: LATER,
        ended_at: None,
    }
}

/// A user with a session that is signed in to an application, and has agreed to something.
async fn fill(site: &Site) -> (UserId, SessionId) {
    site.integration(IKEY).await;
    let user = site.user("narroway").await;
    let session = site.new_session(user);
    let consent = ConsentRow { user_id: user, ikey: IKEY.to_owned(), scopes: "openid".to_owned(), created: NOW };
    site.write(async |tx| {
        tx.insert_relying_party(&party()).await?;
        tx.insert_session(&session).await?;
        assert_eq!(tx.hold_session(session.id, user, NOW).await?, Some(session.expires));
        tx.put_participant(&participant(session.id, user)).await?;
        tx.put_consent(&consent).await
    })
    .await;
    (user, session.id)
}

#[test]
fn another_tenant_finds_nothing_and_changes_nothing() {
    each_engine(async |site| {
        let (user, session) = fill(site).await;
        let request = SsoRequestRow {
            id: site.id(),
            ikey: IKEY.to_owned(),
            browser: vec![3; 32],
            sealed: vec![4; 60],
            created: NOW,
            expires: LATER,
            released_at: None,
        };
        site.write(async |tx| tx.insert_sso_request(&request).await).await;
        let b = site.b();
        assert!(b.relying_party(IKEY).await.unwrap().is_none());
        assert!(b.relying_party_by_key("oidc", "wiki").await.unwrap().is_none());
        assert!(b.relying_parties("", 10).await.unwrap().is_empty());
        assert!(b.sso_request(request.id).await.unwrap().is_none());
        assert!(b.participants(session).await.unwrap().is_empty());
        assert!(b.participant_by_sid("sid-1").await.unwrap().is_none());
        assert!(b.participants_of_user(user, NOW).await.unwrap().is_empty());
        assert!(b.consent(user, IKEY).await.unwrap().is_none());
        assert!(b.consents(user).await.unwrap().is_empty());
        assert!(!site.made(site.b, |it| it.hold_consent(user, IKEY)).await);
        assert!(site.made(site.a, |it| it.hold_consent(user, IKEY)).await);
        site.write_as(site.b, async |tx| {
            let change = RelyingPartyChange { key: Some("x".to_owned()), ..RelyingPartyChange::default() };
            assert!(!tx.change_relying_party(IKEY, &change, NOW).await?);
            assert!(!tx.reset_relying_party(IKEY, &party().settings, "{}", NOW).await?);
            assert!(!tx.reseal_relying_party(IKEY, &[1; 60], &[9; 60]).await?);
            assert!(!tx.release_sso_request(request.id, NOW).await?);
            assert_eq!(tx.hold_session(session, user, NOW).await?, None);
            assert!(tx.end_participants(session, NOW).await?.is_empty());
            assert!(!tx.hold_consent(user, IKEY).await? && !tx.withdraw_consent(user, IKEY).await?);
            // Rows of its own that name another's things are its own, and reach nothing.
            let theirs = ParticipantRow { sid: "sid-b".to_owned(), ..participant(session, user) };
            tx.put_participant(&theirs).await?;
            let agreed = ConsentRow { user_id: user, ikey: IKEY.to_owned(), scopes: "all".to_owned(), created: NOW };
            tx.put_consent(&agreed).await?;
            assert!(!tx.delete_integration(IKEY).await?);
            let rise = countersign_store::SessionRise {
                old_digest: vec![3; 32],
                digest: vec![5; 32],
                strength: "passkey".to_owned(),
                level: 4,
                amr: String::new(),
                expires: LATER,
            };
            assert!(!tx.raise_session(session, user, &rise, NOW).await?);
            Ok(())
        })
        .await;
        let a = site.a();
        assert_eq!(a.relying_party(IKEY).await.unwrap().unwrap(), party());
        assert_eq!(a.participants(session).await.unwrap(), [participant(session, user)]);
        assert_eq!(a.consent(user, IKEY).await.unwrap().unwrap().scopes, "openid");
        assert_eq!(a.session(session).await.unwrap().unwrap().digest, vec![3; 32]);
        // And the owner releases once.
        site.write(async |tx| {
            assert!(tx.release_sso_request(request.id, NOW).await?);
            assert!(!tx.release_sso_request(request.id, NOW).await?);
            Ok(())
        })
        .await;
    });
}

#[test]
fn what_hangs_on_an_application_and_on_a_person_goes_with_them() {
    each_engine(async |site| {
        let (user, session) = fill(site).await;
        assert!(site.write(async |tx| tx.delete_integration(IKEY).await).await);
        assert!(site.a().relying_party(IKEY).await.unwrap().is_none());
        assert!(site.a().participants(session).await.unwrap().is_empty());
        assert!(site.a().consents(user).await.unwrap().is_empty());
        site.write(async |tx| {
            tx.put_participant(&participant(session, user)).await?;
            let agreed = ConsentRow { user_id: user, ikey: IKEY.to_owned(), scopes: "x".to_owned(), created: NOW };
            tx.put_consent(&agreed).await?;
            tx.delete_user(user).await
        })
        .await;
        assert!(site.a().participants_of_user(user, NOW).await.unwrap().is_empty());
        assert!(site.a().consents(user).await.unwrap().is_empty());
    });
}

#[test]
fn word_of_an_end_outlives_the_person_and_is_one_nodes() {
    each_engine(async |site| {
        let (user, session) = fill(site).await;
        site.write(async |tx| {
            tx.sign_out_everywhere(user, None, NOW).await?;
            tx.delete_user(user).await
        })
        .await;
        assert!(site.a().participants(session).await.unwrap().is_empty());
        assert!(site.store.logouts_due(NOW).await.unwrap());
        let owed = site.store.logouts_in_turn(NOW, 10, 10).await.unwrap();
        let [owed] = owed.as_slice() else { panic!("{owed:?}") };
        assert_eq!((owed.sid.as_str(), owed.ikey.as_str(), owed.user_id), ("sid-1", IKEY, user));
        assert_eq!((owed.tries, owed.detail.as_ref()), (0, Some(&participant(session, user).detail)));
        assert!(!site.write_as(site.b, async |tx| tx.take_logout("sid-1", NOW, LATER).await).await);
        site.write(async |tx| {
            assert!(tx.take_logout("sid-1", NOW, LATER).await?);
            assert!(!tx.take_logout("sid-1", NOW, LATER).await?, "another has it");
            Ok(())
        })
        .await;
        assert!(!site.store.logouts_due(NOW).await.unwrap());
        assert_eq!(site.store.logouts_in_turn(LATER, 10, 10).await.unwrap()[0].tries, 1);
        assert!(site.write(async |tx| tx.give_logout_back("sid-1", NOW).await).await);
        assert_eq!(site.store.logouts_in_turn(NOW, 10, 10).await.unwrap(), std::slice::from_ref(owed));
        // What is sealed in it is sealed anew as anything else.
        let sealed = site.a().sealed(sealed::Kind::Delivery, None, 10).await.unwrap();
        assert_eq!(sealed, [(sealed::Place::Delivery("sid-1".to_owned()), vec![2; 60])]);
        assert!(site.b().sealed(sealed::Kind::Delivery, None, 10).await.unwrap().is_empty());
        site.write_as(site.b, async |tx| tx.logout_delivered("sid-1").await).await;
        assert!(site.store.logouts_due(LATER).await.unwrap(), "another tenant's");
        assert!(site.write(async |tx| tx.logout_delivered("sid-1").await).await);
        assert!(!site.store.logouts_due(LATER).await.unwrap());
    });
}

#[test]
fn each_relying_party_has_its_turn() {
    each_engine(async |site| {
        const THERE: &str = "DITTTTTTTTTTTTTTTTTT";
        let user = site.user("narroway").await;
        let sessions: Vec<_> = (0..40).map(|_| site.new_session(user)).collect();
        let last = sessions[39].id;
        site.write(async |tx| {
            for (at, session) in sessions.iter().enumerate() {
                tx.insert_session(session).await?;
                let ikey = if session.id == last { THERE } else { IKEY }.to_owned();
                let sid = format!("sid-{at}");
                tx.put_participant(&ParticipantRow { ikey, sid, ..participant(session.id, user) }).await?;
            }
            for (at, session) in (0_u64..).zip(&sessions) {
                assert!(tx.end_session(session.id, user, NOW + Duration::from_secs(at)).await?);
            }
            Ok(())
        })
        .await;
        let rows = site.store.logouts_in_turn(LATER, 16, 100).await.unwrap();
        let sids: Vec<_> = rows.iter().map(|row| row.sid.as_str()).collect();
        assert_eq!((rows.len(), &sids[..3]), (17, ["sid-0", "sid-39", "sid-1"].as_slice()));
    });
}

#[test]
fn what_is_over_is_swept() {
    each_engine(async |site| {
        let (user, session) = fill(site).await;
        let request = SsoRequestRow {
            id: site.id(),
            ikey: IKEY.to_owned(),
            browser: vec![3; 32],
            sealed: vec![4; 60],
            created: NOW,
            expires: LATER,
            released_at: None,
        };
        site.write(async |tx| tx.insert_sso_request(&request).await).await;
        let after = LATER + Duration::from_millis(1);
        assert_eq!(site.store.purge_sso_requests(LATER, 10).await.unwrap(), 0);
        assert_eq!(site.store.purge_sso_requests(after, 10).await.unwrap(), 1);
        assert_eq!(site.store.purge_participants(LATER, 10).await.unwrap(), 0);
        assert_eq!(site.store.purge_participants(after, 10).await.unwrap(), 1);
        assert!(site.a().participants(session).await.unwrap().is_empty());
        assert!(site.a().participants_of_user(user, NOW).await.unwrap().is_empty());
    });
}
