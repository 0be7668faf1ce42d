//! A hundred at once, and one wins.

use crate::support::{NOW, Site, each_engine, new_tenant, user_name};
use countersign_store::{
    Store, StoreError,
    attempts::{AttemptRow, Ending},
    codes::{BypassRow, SmsCodeRow},
    login::{Authentication, Login, Proof, Recorded},
};
use std::time::Duration;
use types::{Millis, PhoneId, UserId};

pub(crate) const MANY: usize = 100;

/// Runs the same write a hundred times in parallel, each in its transaction, and counts those that say they won.
pub(crate) async fn winners(
    store: &Store,
    site: &Site,
    write: impl AsyncFn(&mut countersign_store::Tx) -> Result<bool, StoreError>,
) -> usize {
    let all = (0..MANY).map(async |_| {
        let mut tx = store.tenant(site.a).begin().await?;
        let won = write(&mut tx).await?;
        tx.commit().await?;
        Ok::<_, StoreError>(won)
    });
    let mut won = 0;
    for done in futures_util::future::join_all(all).await {
        match done {
            Ok(true) => won += 1,
            Ok(false) | Err(StoreError::Duplicate) => {}
            Err(error) => panic!("{error}"),
        }
    }
    won
}

#[test]
fn one_of_a_hundred_moves_a_counter() {
    each_engine(async |site| {
        let token = site.token("1").await;
        let won = winners(&site.store, site, async |tx| tx.resync_token(token, 7, 8, 0).await).await;
        assert_eq!(won, 1);
        assert_eq!(site.a().token(token).await.unwrap().unwrap().counter, 8);
    });
}

#[test]
fn one_of_a_hundred_spends_an_activation() {
    each_engine(async |site| {
        let user = site.user("narroway").await;
        let later = Millis(NOW.0 + 1000);
        site.write(async |tx| tx.insert_activation([1; 32], user, None, later, NOW).await).await;
        let won = winners(&site.store, site, async |tx| Ok(tx.spend_activation(&[1; 32], NOW).await?.is_some())).await;
        assert_eq!(won, 1);
    });
}

#[test]
fn one_of_a_hundred_decides_an_attempt_and_it_stays_decided() {
    each_engine(async |site| {
        let attempt = AttemptRow {
            id: site.id(),
            user_id: site.user("narroway").await,
            ikey: "DI".to_owned(),
            factor: "push".to_owned(),
            phone_id: None,
            result: 0,
            status: "pushed".to_owned(),
            reason: String::new(),
            sequence: 0,
            code_digest: None,
            context: Vec::new(),
            request_digest: None,
            created: NOW,
            expires: Millis(NOW.0 + 60_000),
            decided_at: None,
        };
        site.write(async |tx| tx.insert_attempt(&attempt).await).await;
        let ending = |result| Ending { result, status: "x", reason: "y" };
        let won = winners(&site.store, site, async |tx| tx.decide_attempt(attempt.id, ending(1), NOW).await).await;
        assert_eq!(won, 1);
        site.write(async |tx| {
            assert!(!tx.decide_attempt(attempt.id, ending(2), NOW).await?);
            assert!(!tx.expire_attempt(attempt.id, ending(2), Millis(NOW.0 + 90_000)).await?);
            Ok(())
        })
        .await;
        assert_eq!(site.a().attempt(attempt.id).await.unwrap().unwrap().result, 1);
    });
}

#[test]
fn one_of_a_hundred_gets_a_name() {
    each_engine(async |site| {
        let won = winners(&site.store, site, async |tx| {
            tx.insert_user(&site.new_user("narroway"), &user_name("narroway"), &[]).await?;
            Ok(true)
        })
        .await;
        assert_eq!(won, 1);
        assert_eq!(site.a().user_count().await.unwrap(), 1);
    });
}

#[test]
fn two_nodes_share_one_counter() {
    each_engine(async |site| {
        let token = site.token("1").await;
        // A second program on the same database: another node on PostgreSQL, an administrator's command on SQLite.
        let other = site.second_store(Duration::from_secs(5)).await;
        let (here, there) = tokio::join!(
            winners(&site.store, site, async |tx| tx.resync_token(token, 7, 8, 0).await),
            winners(&other, site, async |tx| tx.resync_token(token, 7, 8, 0).await),
        );
        assert_eq!(here + there, 1);
        // Keys that one made the other opens.
        let made = new_tenant(&other, &site.world, "c").await;
        site.store.tenant(made).keys().await.unwrap();
    });
}

struct Case {
    proof: Proof,
    /// How many of the hundred win.
    wins: usize,
}

fn authentication(site: &Site, user: UserId, proof: Proof) -> Authentication {
    let entry = site.new_auth_log(NOW, "success");
    Authentication {
        tenant: site.a,
        user,
        proof,
        failures_seen: 0,
        threshold: 1000,
        now: NOW,
        log: Box::new(move |_| entry),
    }
}

async fn holder(site: &Site) -> (UserId, PhoneId, Vec<Case>) {
    let (user, phone, token) = (site.user("narroway").await, site.phone().await, site.token("1").await);
    let bypass = |uses_left| BypassRow {
        id: site.id(),
        user_id: user,
        digest: vec![0; 32],
        uses_left: Some(uses_left),
        expires: None,
        created: NOW,
        created_by: String::new(),
    };
    let (once, thrice) = (bypass(1), bypass(3));
    let sms = SmsCodeRow {
        id: site.id(),
        phone_id: phone,
        digest: vec![0; 32],
        first_digit: "1".to_owned(),
        expires: None,
        used_at: None,
        created: NOW,
    };
    site.write(async |tx| {
        tx.attach_phone(user, phone).await?;
        tx.attach_token(user, token).await?;
        tx.insert_bypass_code(&once).await?;
        tx.insert_bypass_code(&thrice).await?;
        tx.replace_sms_codes(phone, std::slice::from_ref(&sms)).await
    })
    .await;
    let cases = vec![
        Case { proof: Proof::Counter { token, counter: 8, drift: 0 }, wins: 1 },
        Case { proof: Proof::Bypass(once.id), wins: 1 },
        Case { proof: Proof::Bypass(thrice.id), wins: 3 },
        Case { proof: Proof::Sms(phone, sms.id), wins: 1 },
    ];
    (user, phone, cases)
}

#[test]
fn a_hundred_parallel_logins_spend_a_proof_as_often_as_it_may_be() {
    each_engine(async |site| {
        let (user, _, cases) = holder(site).await;
        // Two lanes' worth of processes, as on two nodes.
        let (one, two) = (Login::start(&site.store.shared_engine()), Login::start(&site.second_node().await));
        for Case { proof, wins } in cases {
            let all = (0..MANY).map(|n| {
                let login = if n % 2 == 0 { &one } else { &two };
                login.record(authentication(site, user, proof))
            });
            let done = futures_util::future::join_all(all).await;
            let won = done.iter().filter(|done| matches!(done, Ok(Recorded::Won))).count();
            assert_eq!(won, wins, "{proof:?}");
            assert!(done.iter().all(|done| matches!(done, Ok(Recorded::Won | Recorded::Spent))), "{proof:?} {done:?}");
        }
    });
}

#[test]
fn two_users_of_one_phone_do_not_both_spend_its_passcode() {
    each_engine(async |site| {
        let (user, phone, cases) = holder(site).await;
        let other = site.user("other").await;
        site.write(async |tx| tx.attach_phone(other, phone).await).await;
        let proof = cases.into_iter().map(|case| case.proof).find(|proof| matches!(proof, Proof::Sms(..))).unwrap();
        let login = Login::start(&site.store.shared_engine());
        let all = (0..MANY).map(|n| login.record(authentication(site, if n % 2 == 0 { user } else { other }, proof)));
        let done = futures_util::future::join_all(all).await;
        assert_eq!(done.iter().filter(|done| matches!(done, Ok(Recorded::Won))).count(), 1, "{done:?}");
    });
}
