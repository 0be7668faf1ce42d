//! The schema: made by whoever comes first, understood by who knows it.

use crate::support::{ALL, block_on, each_engine, sqlite_url};
use countersign_e2e::{
    engines::{Engine as Kind, wanted},
    postgres::Postgres,
};
use countersign_store::{Options, StoreError};

#[test]
fn nodes_that_start_at_once_make_the_schema_once() {
    for engine in wanted().unwrap() {
        for _ in 0..4 {
            block_on(async {
                let directory = tempfile::tempdir().unwrap();
                let url = match engine {
                    Kind::Sqlite => sqlite_url(&directory),
                    Kind::Postgres => Postgres::shared().fresh_database().unwrap(),
                };
                let nodes: Vec<_> = (0..3)
                    .map(|_| {
                        let url = url.clone();
                        tokio::spawn(async move { countersign_store::open(&url, &Options::default()).await.map(drop) })
                    })
                    .collect();
                for node in nodes {
                    node.await.unwrap().unwrap();
                }
                countersign_store::open(&url, &Options::default()).await.unwrap();
            });
        }
    }
}

#[test]
fn opening_again_changes_nothing() {
    each_engine(async |site| {
        site.user("narroway").await;
        drop(site.second_node().await);
        assert_eq!(site.a().users(None, ALL).await.unwrap().total, 1);
    });
}

#[test]
fn a_newer_schema_is_refused() {
    each_engine(async |site| {
        let newer = "INSERT INTO schema_version (version) VALUES (100000)".to_owned();
        site.store.engine().execute(newer).await.unwrap();
        let refused = countersign_store::open(&site.url, &Options::default()).await.map(drop).unwrap_err();
        assert!(matches!(refused, StoreError::Migration(_)), "{refused}");
        assert!(refused.to_string().contains("100000"), "{refused}");
    });
}

#[test]
fn a_batch_that_fails_is_rolled_back_whole() {
    each_engine(async |site| {
        let engine = site.store.engine();
        let batch = "BEGIN; CREATE TABLE half (a BIGINT); INSERT INTO nowhere (a) VALUES (1); COMMIT;".to_owned();
        engine.execute(batch).await.unwrap_err();
        // Neither the table nor an open transaction is left behind.
        engine.execute("CREATE TABLE half (a BIGINT)".to_owned()).await.unwrap();
        site.user("narroway").await;
    });
}

#[test]
fn an_address_without_an_engine_is_refused() {
    block_on(async {
        for url in ["", "mysql://x", "store.db", "sqlite:/no/such/directory/x.db"] {
            assert!(countersign_store::open(url, &Options::default()).await.is_err(), "{url}");
        }
    });
}
