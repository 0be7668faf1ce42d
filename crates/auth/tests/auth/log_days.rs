//! M4: at the end of the longest retention that any tenant has, the message log's days are forgotten.

use countersign_auth::Auth;
use keys::{DayKeys, FileRoot, KeyRing};
use messaging::{Courier, Print};
use std::{sync::Arc, time::Duration};
use store::{MessageRow, Options, Span, Store, TenantRow};
use types::{MessageId, Millis, SegmentId, TenantId, World};

/// 14 November 2026.
const NOW: Millis = Millis(1_794_651_630_405);
const DAY: i64 = 86_400_000;

async fn tenant(store: &Store, name: &str, days: i64) -> TenantId {
    let id = TenantId::new(NOW, store.world().random.as_ref());
    let row = TenantRow {
        id,
        name: name.to_owned(),
        api_host: format!("{name}.example"),
        created: NOW,
        settings: format!("{{\"log_retention_days\": {days}}}"),
        log_key: None,
    };
    store.create_tenant(&row).await.unwrap();
    let random = store.world().random.as_ref();
    let midnight = Millis(NOW.day() * DAY);
    let segment = SegmentId::new(midnight, random);
    store.tenant(id).add_log_segment(segment, NOW.day(), b"header").await.unwrap();
    let mut tx = store.tenant(id).begin().await.unwrap();
    let row = MessageRow {
        id: MessageId::new(midnight, random),
        day: NOW.day(),
        channel: "sms".to_owned(),
        supplier: "print".to_owned(),
        purpose: "authentication".to_owned(),
        state: "sent".to_owned(),
        billing_class: "sms-1".to_owned(),
        error_class: String::new(),
        user_mark: vec![0; 32],
        receipt: None,
        sealed: None,
        txid: None,
    };
    tx.insert_message(&row).await.unwrap();
    tx.commit().await.unwrap();
    id
}

/// How many rows and headers a tenant still has.
async fn kept(store: &Store, tenant: TenantId) -> (usize, usize) {
    let span = Span::new(Millis(0), Millis(i64::MAX), 100);
    let scope = store.tenant(tenant);
    (scope.messages(&span).await.unwrap().len(), scope.log_segments(&span).await.unwrap().len())
}

async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let waited = async {
        while !done().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waited).await.unwrap_or_else(|_| panic!("{what}"));
}

#[tokio::test]
async fn rows_go_with_their_tenants_retention_and_the_days_with_the_longest() {
    let directory = tempfile::tempdir().unwrap();
    let (world, clock) = World::made(NOW, 7);
    let root = FileRoot::open_or_create(&directory.path().join("root.key"), &world).unwrap();
    let ring = KeyRing::new(Arc::new(root));
    let days = DayKeys::open_or_create(&directory.path().join("log-days.key"), &ring, &world).unwrap();
    let url = format!("sqlite:{}", directory.path().join("store.db").display());
    let engine = store::open(&url, &Options::default()).await.unwrap();
    let store = Arc::new(Store::new(engine, ring, world.clone()).with_day_keys(Arc::new(days)));
    assert!(store.agree_on_log_days(store.day_keys().unwrap()).await.unwrap());
    let (short, long) = (tenant(&store, "short", 30).await, tenant(&store, "long", 90).await);
    clock.advance(Duration::from_secs(60 * 86_400));
    let courier = Arc::new(Courier::new(Arc::clone(&store), vec![Arc::new(Print::quiet())]));
    let auth = Auth::start(Arc::clone(&store), courier);
    let days = Arc::clone(store.day_keys().unwrap());
    // The first round of the housekeeping: the shorter retention is over, but the other's rows must still be readable.
    until("the shorter retention", async || kept(&store, short).await == (0, 0)).await;
    assert_eq!(kept(&store, long).await, (1, 1));
    assert!(days.oldest() <= NOW.day());
    assert!(
        store.tenant(long).log_segments(&Span::new(Millis(0), Millis(i64::MAX), 9)).await.unwrap()[0].header.is_some()
    );
    auth.stop();
    drop(auth);

    clock.advance(Duration::from_secs(60 * 86_400));
    let courier = Arc::new(Courier::new(Arc::clone(&store), vec![Arc::new(Print::quiet())]));
    let auth = Auth::start(Arc::clone(&store), courier);
    until("the longer retention", async || kept(&store, long).await == (0, 0)).await;
    let oldest = (world.now() - Duration::from_secs(90 * 86_400)).day();
    until("the ratchet", async || days.oldest() == oldest).await;
    auth.stop();
}
