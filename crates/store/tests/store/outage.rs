//! The database goes away in the middle, and comes back.

use crate::support::{Site, block_on, user_name};
use countersign_e2e::{
    engines::{Engine as Kind, wanted},
    postgres::Postgres,
};
use countersign_store::StoreError;
use std::time::Duration;

fn unavailable<T>(done: Result<T, StoreError>) -> bool {
    match done {
        Err(StoreError::Unavailable(_)) => true,
        Err(error) => panic!("{error:?}"),
        Ok(_) => false,
    }
}

/// Every connection of the pool in use at once, then all of them free again.
async fn warmed(site: &Site) {
    futures_util::future::join_all((0..8).map(async |_| {
        let mut tx = site.a().begin().await.unwrap();
        tx.unlock_user(site.id()).await.unwrap();
        tx.commit().await.unwrap();
    }))
    .await;
}

#[test]
fn a_killed_server_is_unavailable_and_the_pool_recovers() {
    if !wanted().unwrap().contains(&Kind::Postgres) {
        return;
    }
    let server = Postgres::start().unwrap();
    block_on(async {
        let url = server.fresh_database().unwrap();
        let site = Site::new(tempfile::tempdir().unwrap(), url).await;
        let kept = site.user("kept").await;
        for round in 0..2 {
            warmed(&site).await;
            let mut open = site.a().begin().await.unwrap();
            let lost = site.new_user("lost");
            open.insert_user(&lost, &user_name("lost"), &[]).await.unwrap();
            // An acknowledged commit just before.
            let acknowledged = site.user(&format!("acknowledged {round}")).await;
            server.kill9().unwrap();

            assert!(unavailable(open.insert_group(&site.new_group("late")).await));
            assert!(open.commit().await.is_err());
            // More than the pool has connections: every one is broken, none may come back as if it were whole.
            for _ in 0..10 {
                assert!(unavailable(site.a().user(kept).await), "a read");
                match site.a().begin().await {
                    Err(error) => assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}"),
                    Ok(mut tx) => assert!(unavailable(tx.unlock_user(kept).await), "a write"),
                }
            }

            server.restart().unwrap();
            assert!(site.a().user(kept).await.unwrap().is_some(), "at the first try");
            assert!(site.a().user(acknowledged).await.unwrap().is_some());
            assert!(site.a().user(lost.id).await.unwrap().is_none());
            warmed(&site).await;
        }
        // Notices come again too: the listener connects anew within a second or two.
        let mut notices = site.store.engine().notices();
        for n in 0..100 {
            site.write(async |tx| tx.notify(format!("ping {n}")).await).await;
            if tokio::time::timeout(Duration::from_millis(100), notices.recv()).await.is_ok() {
                return;
            }
        }
        panic!("no notice after the restart");
    });
}
