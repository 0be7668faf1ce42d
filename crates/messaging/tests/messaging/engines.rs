//! What must hold on every engine: limits and receipts under a hundred at once, and that the house's keys are made once.

use crate::support::Fixture;
use countersign_e2e::{
    engines::{Engine, wanted},
    postgres::Postgres,
};
use messaging::{
    Accepted, BoxFuture, Carrier, Channel, ChannelKind, Courier, Delivery, ErrorClass, Options, Outgoing, Report,
    Reported, SendError, Ticket, log,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

#[derive(Default)]
struct Counting(AtomicUsize);

impl Channel for Counting {
    fn name(&self) -> &str {
        "counting"
    }

    fn carries(&self, _: ChannelKind) -> bool {
        true
    }

    fn send<'a>(&'a self, _: &'a Outgoing, _: &'a Ticket) -> BoxFuture<'a, Result<Accepted, SendError>> {
        let number = self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move { Ok(Accepted { receipt: format!("id-{number}"), segments: 1 }) })
    }
}

async fn fixtures() -> Vec<Fixture> {
    let mut all = Vec::new();
    for engine in wanted().unwrap() {
        all.push(match engine {
            Engine::Sqlite => Fixture::new().await,
            Engine::Postgres => {
                let url = tokio::task::spawn_blocking(|| Postgres::shared().fresh_database()).await.unwrap().unwrap();
                Fixture::on(&url, tempfile::tempdir().unwrap()).await
            }
        });
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_texts_to_one_number_one_leaves_on_every_engine() {
    for fixture in fixtures().await {
        let (tenant, _) = fixture.tenant("{}", true).await;
        let channel = Arc::new(Counting::default());
        // Two nodes, which share the database and nothing else.
        let nodes: Vec<_> =
            (0..2).map(|_| Arc::new(Courier::new(Arc::clone(&fixture.store), vec![channel.clone()]))).collect();
        let tasks: Vec<_> = (0..100)
            .map(|turn| {
                let (courier, message) = (Arc::clone(&nodes[turn % 2]), fixture.text(tenant, "+4915112345678", "x"));
                tokio::spawn(async move { courier.deliver(message).await })
            })
            .collect();
        let mut sent = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(()) => sent += 1,
                Err(SendError::Limited { .. }) => {}
                Err(error) => panic!("{}: {error}", fixture.store.engine().name()),
            }
        }
        assert_eq!((sent, channel.0.load(Ordering::SeqCst)), (1, 1), "{}", fixture.store.engine().name());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_receipts_one_counts_on_every_engine() {
    for fixture in fixtures().await {
        let name = fixture.store.engine().name();
        let (tenant, private) = fixture.tenant("{}", true).await;
        let courier = Arc::new(Courier::new(Arc::clone(&fixture.store), vec![Arc::new(Counting::default())]));
        let message = fixture.text(tenant, "+4915112345678", "x");
        let id = log::day_id(message.id);
        courier.deliver(message).await.unwrap();
        let ends = [Delivery::Sent, Delivery::Delivered, Delivery::Undelivered, Delivery::Failed];
        let tasks: Vec<_> = (0..100)
            .map(|turn| {
                let (courier, delivery) = (Arc::clone(&courier), ends[turn % ends.len()]);
                tokio::spawn(async move {
                    let report = Report {
                        id: "id-0".to_owned(),
                        delivery,
                        class: ErrorClass::None,
                        raw: delivery.as_str().to_owned(),
                    };
                    (delivery, courier.report("counting", &report).await.unwrap())
                })
            })
            .collect();
        let mut applied = Vec::new();
        for task in tasks {
            let (delivery, became) = task.await.unwrap();
            if became == Reported::Applied {
                applied.push(delivery);
            }
        }
        assert_eq!(applied.len(), 1, "{name}: {applied:?}");
        let row = fixture.store.tenant(tenant).message(id).await.unwrap().unwrap();
        assert_eq!(row.state, applied[0].as_str(), "{name}");
        let opened = fixture.opened(tenant, &private.unwrap(), &row).await;
        assert_eq!((opened.to(), opened.receipt_words()), ("+4915112345678", applied[0].as_str()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_that_died_has_left_is_sent_once_on_every_engine() {
    for fixture in fixtures().await {
        let name = fixture.store.engine().name();
        let (tenant, _) = fixture.tenant("{}", true).await;
        let directory = tempfile::tempdir().unwrap();
        let options =
            |is_idle| Options { queue_keys: Some(directory.path().to_owned()), is_idle, ..Options::default() };
        let channel = Arc::new(Counting::default());
        let open = |is_idle| {
            let carriers = vec![Carrier::new(channel.clone())];
            Courier::open(Arc::clone(&fixture.store), carriers, options(is_idle)).unwrap()
        };
        let dead = open(true);
        for n in 0..40 {
            dead.enqueue(fixture.text(tenant, &format!("+49151123456{n:02}"), "x")).await.unwrap();
        }
        let nodes: Vec<Courier> = (0..3).map(|_| open(false)).collect();
        drop(dead);
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        let count = async || {
            let span = store::Span::new(types::Millis(0), types::Millis(i64::MAX), 100);
            let rows = fixture.store.tenant(tenant).messages(&span).await.unwrap();
            rows.iter().filter(|row| row.state == "sent").count()
        };
        while count().await < 40 {
            assert!(tokio::time::Instant::now() < deadline, "{name}: {} of 40", count().await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(channel.0.load(Ordering::SeqCst), 40, "{name}: one was sent twice");
        drop(nodes);
    }
}
