//! A hundred at once at what a browser brings, and one wins.

use crate::{
    races::{MANY, winners},
    rows::{CODE, IKEY, LATER, allowed},
    support::{NOW, Site, each_engine},
};
use countersign_store::{
    SignInEnd, StoreError,
    login::{Authentication, Login, Proof, Recorded},
};
use types::UserId;

const SEALED: &[u8] = &[6; 40];

/// A hundred do the same on two nodes; how many won.
async fn on_two_nodes(
    site: &Site,
    write: impl AsyncFn(&mut countersign_store::Tx) -> Result<bool, StoreError>,
) -> usize {
    let other = site.second_store(std::time::Duration::from_secs(30)).await;
    let (here, there) = tokio::join!(winners(&site.store, site, &write), winners(&other, site, &write));
    here + there
}

#[test]
fn one_of_a_hundred_takes_a_ceremony() {
    each_engine(async |site| {
        let sign_in = site.new_sign_in();
        site.write(async |tx| {
            tx.insert_sign_in(&sign_in).await?;
            tx.begin_ceremony(sign_in.id, SEALED).await
        })
        .await;
        assert_eq!(on_two_nodes(site, async |tx| tx.take_ceremony(sign_in.id, SEALED).await).await, 1);
        assert_eq!(site.a().sign_in(sign_in.id).await.unwrap().unwrap().ceremony, None);
    });
}

#[test]
fn one_of_a_hundred_decides_a_sign_in_and_it_stays_decided() {
    each_engine(async |site| {
        let (sign_in, user) = (site.new_sign_in(), site.user("narroway").await);
        site.write(async |tx| tx.insert_sign_in(&sign_in).await).await;
        assert_eq!(on_two_nodes(site, async |tx| tx.decide_sign_in(sign_in.id, allowed(user), NOW).await).await, 1);
        let denied = SignInEnd { state: "denied", user: None, result: None, code: None, expires: LATER };
        assert!(!site.write(async |tx| tx.decide_sign_in(sign_in.id, denied, NOW).await).await);
        assert_eq!(site.a().sign_in(sign_in.id).await.unwrap().unwrap().state, "allowed");
    });
}

#[test]
fn one_of_a_hundred_redeems_a_code() {
    each_engine(async |site| {
        let (sign_in, user) = (site.new_sign_in(), site.user("narroway").await);
        site.write(async |tx| {
            tx.insert_sign_in(&sign_in).await?;
            tx.decide_sign_in(sign_in.id, allowed(user), NOW).await
        })
        .await;
        let redeem = async |tx: &mut countersign_store::Tx| Ok(tx.redeem_sign_in(&CODE, IKEY, NOW).await?.is_some());
        assert_eq!(on_two_nodes(site, redeem).await, 1);
    });
}

#[test]
fn one_of_a_hundred_finishes_a_sign_in() {
    each_engine(async |site| {
        let (sign_in, user) = (site.new_sign_in(), site.user("narroway").await);
        site.write(async |tx| {
            tx.insert_sign_in(&sign_in).await?;
            tx.decide_sign_in(sign_in.id, SignInEnd { code: None, ..allowed(user) }, NOW).await
        })
        .await;
        assert_eq!(on_two_nodes(site, async |tx| tx.finish_sign_in(sign_in.id, NOW).await).await, 1);
    });
}

#[test]
fn one_of_a_hundred_spends_a_grant() {
    each_engine(async |site| {
        let user = site.user("narroway").await;
        let session = site.new_session(user);
        site.write(async |tx| {
            tx.insert_session(&session).await?;
            tx.insert_grant(&site.new_grant(user, session.id, 9)).await
        })
        .await;
        assert_eq!(on_two_nodes(site, async |tx| tx.spend_grant(&[9; 32], session.id, "add", NOW).await).await, 1);
    });
}

#[test]
fn one_of_a_hundred_undoes_a_change() {
    each_engine(async |site| {
        let change = site.new_change(site.user("narroway").await, 9);
        site.write(async |tx| tx.insert_change(&change).await).await;
        assert_eq!(on_two_nodes(site, async |tx| tx.undo_change(change.id, NOW).await).await, 1);
    });
}

#[test]
fn one_of_a_hundred_keeps_its_secret() {
    each_engine(async |site| {
        assert_eq!(on_two_nodes(site, async |tx| tx.insert_secret("vapid", SEALED, NOW).await).await, 1);
    });
}

#[test]
fn one_of_a_hundred_registers_a_credential() {
    each_engine(async |site| {
        let user = site.user("narroway").await;
        assert_eq!(on_two_nodes(site, async |tx| tx.insert_passkey(&site.new_passkey(user, 1)).await).await, 1);
        assert_eq!(site.a().user(user).await.unwrap().unwrap().passkeys, 1);
    });
}

#[test]
fn passkeys_that_come_and_go_at_once_are_counted_right() {
    each_engine(async |site| {
        let user = site.user("narroway").await;
        let old: Vec<_> = (100..120).map(|n| site.new_passkey(user, n)).collect();
        site.write(async |tx| {
            for passkey in &old {
                tx.insert_passkey(passkey).await?;
            }
            Ok(())
        })
        .await;
        let all = (0..60_usize).map(async |n| {
            let mut tx = site.a().begin().await.unwrap();
            match (n % 3, old.get(n / 3)) {
                (0, Some(passkey)) => assert!(tx.delete_passkey(user, passkey.id).await.unwrap()),
                (1, _) => assert!(tx.insert_passkey(&site.new_passkey(user, n as u8)).await.unwrap()),
                // Whether it comes before or after the deletion of the same passkey is open.
                (_, Some(passkey)) => {
                    tx.suspend_passkey(passkey.id, "copied", NOW).await.unwrap();
                }
                _ => {}
            }
            tx.commit().await.unwrap();
        });
        futures_util::future::join_all(all).await;
        assert_eq!(site.a().passkeys_of_user(user).await.unwrap().len(), 20);
        assert_eq!(site.a().user(user).await.unwrap().unwrap().passkeys, 20);
    });
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

#[test]
fn a_hundred_parallel_sign_ins_spend_a_passkeys_counter_and_a_recovery_code_once() {
    each_engine(async |site| {
        let (user, other) = (site.user("narroway").await, site.user("other").await);
        let (passkey, code, pass) =
            (site.new_passkey(user, 1), site.new_recovery(user, "code"), site.new_recovery(user, "pass"));
        site.write(async |tx| {
            assert!(tx.insert_passkey(&passkey).await?);
            tx.insert_recovery(&code).await?;
            tx.insert_recovery(&pass).await
        })
        .await;
        let (one, two) = (Login::start(&site.store.shared_engine()), Login::start(&site.second_node().await));
        let signed = |counter| Proof::Passkey { passkey: passkey.id, counter, backed_up: true };
        let cases = [
            (user, signed(5), 1),
            (user, Proof::Recovery(code.id), 1),
            (user, Proof::Recovery(pass.id), 1),
            // An older counter, and somebody else's passkey and code.
            (user, signed(4), 0),
            (user, signed(0), 0),
            (other, signed(9), 0),
            (other, Proof::Recovery(code.id), 0),
        ];
        for (user, proof, wins) in cases {
            let all = (0..MANY).map(|n| {
                let login = if n % 2 == 0 { &one } else { &two };
                login.record(authentication(site, user, proof))
            });
            let done = futures_util::future::join_all(all).await;
            let won = done.iter().filter(|done| matches!(done, Ok(Recorded::Won))).count();
            assert_eq!(won, wins, "{proof:?}");
            assert!(done.iter().all(|done| matches!(done, Ok(Recorded::Won | Recorded::Spent))), "{proof:?} {done:?}");
        }
        let kept = site.a().passkey(passkey.id).await.unwrap().unwrap();
        assert_eq!((kept.counter, kept.backed_up, kept.last_used), (5, true, Some(NOW)));
    });
}

#[test]
fn a_hundred_who_remove_all_but_the_last_leave_the_last() {
    each_engine(async |site| {
        let user = site.user("narroway").await;
        let passkeys: Vec<_> = (0..8).map(|n| site.new_passkey(user, n)).collect();
        site.write(async |tx| {
            for passkey in &passkeys {
                tx.insert_passkey(passkey).await?;
            }
            Ok(())
        })
        .await;
        let next = std::sync::atomic::AtomicUsize::new(0);
        let remove = async |tx: &mut countersign_store::Tx| {
            // Each looks first, with the user held, and takes another one.
            if !tx.hold_user(user).await? || tx.authenticators_of(user).await? <= 1 {
                return Ok(false);
            }
            let place = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % passkeys.len();
            tx.delete_passkey(user, passkeys[place].id).await
        };
        assert_eq!(on_two_nodes(site, remove).await, passkeys.len() - 1);
        assert_eq!(site.a().passkeys_of_user(user).await.unwrap().len(), 1);
        assert_eq!(site.a().user(user).await.unwrap().unwrap().passkeys, 1);
    });
}
