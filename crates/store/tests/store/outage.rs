//! The database goes away in the middle, and comes back.

use crate::support::{ALL, Site, block_on, on_engine, user_name};
use countersign_e2e::{
    engines::{Engine as Kind, wanted},
    postgres::Postgres,
};
use countersign_store::{StoreError, engine::Statement};
use std::{collections::HashSet, time::Duration};

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

#[test]
fn a_full_disk_refuses_and_loses_nothing_that_was_acknowledged() {
    on_engine(Kind::Sqlite, async |site| {
        let before = site.group("before").await;
        let engine = site.store.engine();
        // The statement's answer is the count of pages; 60 more are left, and each group below takes a few.
        let pages: i64 = {
            static PAGES: Statement = Statement::new("test_pages", "SELECT page_count FROM pragma_page_count", &[]);
            let rows = engine.read(vec![(&PAGES, Vec::new())]).await.unwrap();
            rows.into_iter().flatten().next().unwrap().read().take().unwrap()
        };
        engine.execute(format!("PRAGMA max_page_count = {}", pages + 60)).await.unwrap();
        let write = async |n: usize| {
            let mut group = site.new_group(&format!("group {n}"));
            group.description = "x".repeat(10_000);
            let mut tx = site.a().begin().await?;
            tx.insert_group(&group).await?;
            tx.commit().await?;
            Ok::<_, StoreError>(group.id)
        };
        // In waves, so that some are committed together before the space is gone.
        let mut done = Vec::new();
        for wave in 0..12 {
            done.extend(futures_util::future::join_all((0..8).map(|n| write(wave * 8 + n))).await);
        }
        let mut acknowledged = vec![before];
        let mut refused = 0;
        for done in done {
            match done {
                Ok(id) => acknowledged.push(id),
                Err(StoreError::Unavailable(_)) => refused += 1,
                Err(error) => panic!("{error:?}"),
            }
        }
        assert!(refused > 0 && acknowledged.len() > 1, "{refused} refused, {} acknowledged", acknowledged.len());
        engine.execute("PRAGMA max_page_count = 1000000".to_owned()).await.unwrap();
        acknowledged.push(site.group("after").await);
        let there: HashSet<_> = site.a().groups(ALL).await.unwrap().rows.into_iter().map(|group| group.id).collect();
        assert_eq!(there, acknowledged.into_iter().collect());
    });
}
