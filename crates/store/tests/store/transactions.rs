//! What a transaction promises, the same on every engine.

use crate::support::{ALL, Site, each_engine, on_engine, user_name};
use countersign_e2e::engines::Engine as Kind;
use countersign_store::{
    StoreError,
    engine::{Statement, Type},
    values,
};
use std::time::Duration;

static SET_SETTINGS: Statement = Statement::new(
    "test_set_settings",
    "UPDATE tenant SET settings = $2 WHERE id = $1 RETURNING id",
    &[Type::Id, Type::Text],
);
static NONSENSE: Statement = Statement::new("test_nonsense", "INSERT INTO tenant (id) VALUES ($1)", &[Type::Id]);

async fn settings(site: &Site) -> String {
    site.a().row().await.unwrap().unwrap().settings
}

#[test]
fn what_is_dropped_is_rolled_back() {
    each_engine(async |site| {
        let user = site.new_user("narroway");
        let mut tx = site.a().begin().await.unwrap();
        tx.insert_user(&user, &user_name("narroway"), &[]).await.unwrap();
        drop(tx);
        assert!(site.a().user(user.id).await.unwrap().is_none());
        // Nothing is held: the next writer goes ahead, with the same name.
        let again = site.user("narroway").await;
        assert_eq!(site.a().user_by_name(&user_name("narroway")).await.unwrap().unwrap().id, again);
    });
}

#[test]
fn nothing_is_seen_before_the_commit() {
    each_engine(async |site| {
        let mut tx = site.a().begin().await.unwrap();
        let group = site.new_group("admins");
        tx.insert_group(&group).await.unwrap();
        assert!(site.a().group(group.id).await.unwrap().is_none());
        tx.commit().await.unwrap();
        assert_eq!(site.a().group(group.id).await.unwrap(), Some(group));
    });
}

#[test]
fn a_commit_after_an_error_is_an_error_and_writes_nothing() {
    each_engine(async |site| {
        let mut inner = site.store.engine().begin().await.unwrap();
        inner.run(&SET_SETTINGS, values![site.a, "changed"]).await.unwrap();
        let error = inner.run(&NONSENSE, values![site.a]).await.unwrap_err();
        assert!(matches!(error, StoreError::Statement { statement: "test_nonsense", .. }), "{error}");
        // Not even what would have been right is done afterwards.
        inner.run(&SET_SETTINGS, values![site.a, "changed again"]).await.unwrap_err();
        inner.commit().await.unwrap_err();
        assert_eq!(settings(site).await, "{}");
    });
}

#[test]
fn a_duplicate_fails_its_transaction_alone() {
    each_engine(async |site| {
        site.user("narroway").await;
        let second = site.new_user("Narroway");
        let mut tx = site.a().begin().await.unwrap();
        let error = tx.insert_user(&second, &user_name("narroway"), &[]).await.unwrap_err();
        assert!(matches!(error, StoreError::Duplicate), "{error}");
        assert!(tx.commit().await.is_err());
        assert!(site.a().user(second.id).await.unwrap().is_none());
        // The same name is free at another tenant.
        site.user_of(site.b, "narroway").await;
    });
}

#[test]
fn failures_in_a_group_spoil_no_other_and_take_nothing_back() {
    each_engine(async |site| {
        site.group("taken").await;
        // All are asked for at once, so on SQLite they share groups, each in its savepoint.
        let done = futures_util::future::join_all((0..60).map(async |n: usize| {
            let name = if n.is_multiple_of(3) { "taken".to_owned() } else { format!("group {n}") };
            let group = site.new_group(&name);
            let mut tx = site.a().begin().await?;
            if n.is_multiple_of(3) {
                let before = site.new_group(&format!("before the failure {n}"));
                tx.insert_group(&before).await?;
            }
            tx.insert_group(&group).await?;
            if n.is_multiple_of(5) {
                return Ok(());
            }
            tx.commit().await
        }))
        .await;
        let mut expected = 1;
        for (n, done) in done.into_iter().enumerate() {
            assert_eq!(matches!(done, Err(StoreError::Duplicate)), n.is_multiple_of(3), "{n}: {done:?}");
            expected += usize::from(!n.is_multiple_of(3) && !n.is_multiple_of(5));
        }
        let groups = site.a().groups(ALL).await.unwrap();
        assert_eq!(groups.rows.len(), expected);
        assert!(!groups.rows.iter().any(|group| group.name.starts_with("before")));
    });
}

const PATIENCE: Duration = Duration::from_millis(300);

#[test]
fn a_transaction_that_goes_silent_is_rolled_back_and_holds_nobody() {
    each_engine(async |site| {
        let store = site.second_store(PATIENCE).await;
        let mut silent = store.tenant(site.a).begin().await.unwrap();
        silent.insert_group(&site.new_group("admins")).await.unwrap();
        tokio::time::sleep(PATIENCE * 3).await;
        // The name is free again and the writer too, so nothing is held.
        let mine = site.new_group("admins");
        let mut tx = store.tenant(site.a).begin().await.unwrap();
        tx.insert_group(&mine).await.unwrap();
        tx.commit().await.unwrap();
        let late = silent.insert_group(&site.new_group("late")).await.unwrap_err();
        assert!(matches!(late, StoreError::Unavailable(_)), "{late}");
        assert!(silent.commit().await.is_err());
        let groups = site.a().groups(ALL).await.unwrap();
        assert_eq!(groups.rows.iter().map(|group| group.id).collect::<Vec<_>>(), [mine.id]);
    });
}

#[test]
fn silent_to_the_end_a_transaction_can_not_be_committed_either() {
    each_engine(async |site| {
        let store = site.second_store(PATIENCE).await;
        let mut silent = store.tenant(site.a).begin().await.unwrap();
        silent.insert_group(&site.new_group("admins")).await.unwrap();
        tokio::time::sleep(PATIENCE * 3).await;
        assert!(matches!(silent.commit().await, Err(StoreError::Unavailable(_))));
        assert_eq!(site.a().groups(ALL).await.unwrap().total, 0);
    });
}

#[test]
fn a_cancelled_statement_leaves_no_half_transaction() {
    each_engine(async |site| {
        for n in 0..20 {
            let mut tx = site.a().begin().await.unwrap();
            let group = site.new_group(&format!("group {n}"));
            // Dropped in the middle of its first statement, as when a client hangs up.
            let _ = tokio::time::timeout(Duration::from_micros(50 * n), tx.insert_group(&group)).await;
            drop(tx);
        }
        assert_eq!(site.a().groups(ALL).await.unwrap().total, 0);
        site.group("group 0").await;
    });
}

#[test]
fn an_empty_transaction_commits() {
    each_engine(async |site| site.a().begin().await.unwrap().commit().await.unwrap());
}

#[test]
fn more_transactions_than_connections_wait_for_their_turn() {
    each_engine(async |site| {
        futures_util::future::join_all((0..40).map(|n| site.group_owned(format!("group {n}")))).await;
        assert_eq!(site.a().groups(ALL).await.unwrap().total, 40);
    });
}

impl Site {
    async fn group_owned(&self, name: String) {
        self.group(&name).await;
    }
}

async fn hears(notices: &mut tokio::sync::broadcast::Receiver<String>, wanted: &str) -> bool {
    let found = async {
        while let Ok(notice) = notices.recv().await {
            if notice == wanted {
                return true;
            }
        }
        false
    };
    tokio::time::timeout(Duration::from_millis(1500), found).await.unwrap_or(false)
}

async fn say(site: &Site, notice: &str) {
    site.write(async |tx| tx.notify(notice.to_owned()).await).await;
}

/// Listening begins a moment after the engine is open.
async fn until_heard(site: &Site, notices: &mut tokio::sync::broadcast::Receiver<String>) {
    for n in 0..100 {
        say(site, &format!("ping {n}")).await;
        if tokio::time::timeout(Duration::from_millis(100), notices.recv()).await.is_ok() {
            return;
        }
    }
    panic!("no notice was ever heard");
}

#[test]
fn notices_arrive_after_the_commit_and_not_before() {
    each_engine(async |site| {
        let mut notices = site.store.engine().notices();
        until_heard(site, &mut notices).await;
        let mut tx = site.a().begin().await.unwrap();
        tx.notify("held back".to_owned()).await.unwrap();
        tx.insert_group(&site.new_group("admins")).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        while let Ok(notice) = notices.try_recv() {
            assert_ne!(notice, "held back");
        }
        tx.commit().await.unwrap();
        assert!(hears(&mut notices, "held back").await);
    });
}

#[test]
fn a_transaction_that_fails_or_is_dropped_says_nothing() {
    each_engine(async |site| {
        let mut notices = site.store.engine().notices();
        until_heard(site, &mut notices).await;
        let mut dropped = site.a().begin().await.unwrap();
        dropped.notify("dropped".to_owned()).await.unwrap();
        drop(dropped);
        let mut failed = site.a().begin().await.unwrap();
        failed.notify("failed".to_owned()).await.unwrap();
        let user = site.new_user("narroway");
        failed.insert_user(&user, &user_name("narroway"), &[user_name("narroway")]).await.unwrap_err();
        failed.commit().await.unwrap_err();
        say(site, "the last").await;
        loop {
            let notice = tokio::time::timeout(Duration::from_secs(5), notices.recv()).await.unwrap().unwrap();
            assert!(notice != "dropped" && notice != "failed", "{notice}");
            if notice == "the last" {
                break;
            }
        }
    });
}

#[test]
fn another_node_hears_notices() {
    on_engine(Kind::Postgres, async |site| {
        let other = site.second_node().await;
        let mut notices = other.notices();
        until_heard(site, &mut notices).await;
        say(site, "attempt decided").await;
        assert!(hears(&mut notices, "attempt decided").await);
    });
}
