//! Another process on the same SQLite file: it gives no notices, and is heard all the same. And keys that it has rotated.

use crate::support::{NOW, on_engine};
use countersign_e2e::engines::Engine;
use countersign_store::{StoreError, engine::GAP, fields};
use keys::KeyError;
use std::time::Duration;
use types::TokenId;

const PATIENCE: Duration = Duration::from_secs(5);

#[test]
fn a_change_by_another_process_is_heard_and_ones_own_are_not_taken_for_one() {
    on_engine(Engine::Sqlite, async |site| {
        let other = site.second_store(PATIENCE).await;
        // The other's start wrote.
        let mut notices = site.store.engine().notices();
        let _ = tokio::time::timeout(Duration::from_millis(2500), notices.recv()).await;
        // Enough of one's own for the log to be written back several times.
        for _ in 0..100 {
            site.write(async |tx| {
                for _ in 0..40 {
                    tx.log_act(&site.world, "me", &"x".repeat(200), "", &"y".repeat(4000)).await?;
                }
                Ok(())
            })
            .await;
        }
        let mine = tokio::time::timeout(Duration::from_millis(2500), notices.recv()).await;
        assert!(mine.is_err(), "one's own writing was taken for another's: {mine:?}");
        let mut tx = other.tenant(site.a).begin().await.unwrap();
        tx.log_act(&site.world, "another", "x", "", "{}").await.unwrap();
        tx.commit().await.unwrap();
        let theirs = tokio::time::timeout(PATIENCE, notices.recv()).await;
        assert_eq!(theirs.unwrap().unwrap(), GAP);
    });
}

#[test]
fn what_was_sealed_under_a_key_that_came_after_the_cache_was_filled_is_opened() {
    on_engine(Engine::Sqlite, async |site| {
        let (other, random) = (site.second_store(PATIENCE).await, site.world.random.as_ref());
        assert_eq!(site.a().keys().await.unwrap().newest(), 1);
        let key = other.ring().create_tenant_key(site.a, 2, &site.world).unwrap();
        let mut tx = other.tenant(site.a).begin().await.unwrap();
        tx.add_tenant_key(&key, NOW).await.unwrap();
        tx.commit().await.unwrap();
        let token = TokenId::new(NOW, random);
        let sealed =
            other.tenant(site.a).keys().await.unwrap().seal(fields::token_seed(&token), b"seed", random).unwrap();
        let kept = site.a().keys().await.unwrap();
        // Whoever holds keys from before is told; whoever asks the tenant is served.
        if kept.newest() == 1 {
            assert!(matches!(kept.open(fields::token_seed(&token), &sealed), Err(KeyError::UnknownVersion(2))));
        }
        assert!(site.a().open(fields::token_seed(&token), &sealed).await.unwrap().ct_eq(b"seed"));
        assert_eq!(site.a().keys().await.unwrap().newest(), 2);
        // A version that is nowhere stays an error.
        let mut wrong = sealed.clone();
        wrong[4] = 9;
        let refused = site.a().open(fields::token_seed(&token), &wrong).await;
        assert!(matches!(refused, Err(StoreError::Key(KeyError::UnknownVersion(9)))));
    });
}
