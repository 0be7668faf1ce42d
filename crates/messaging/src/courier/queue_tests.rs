//! What waits: until it is due, until a carrier is there, until another process takes it over.

use super::{
    carry::KeyUse,
    ways_tests::{NUMBER, SOON, Told, house},
    *,
};
use crate::{
    Purpose,
    log::day_id,
    testing::{Fixture, NOW},
};
use std::sync::atomic::{AtomicBool, Ordering};
use types::World;

#[tokio::test]
async fn what_is_queued_is_sent_and_its_key_is_not_needed_any_more() {
    let house = house(vec![Told::new("a")], SOON).await;
    let mut changes = house.courier.changes();
    for n in 0..50 {
        let message = house.fixture.text(house.tenant, &format!("+49151123456{n:02}"), "x");
        house.courier.enqueue(message).await.unwrap();
    }
    house.told[0].saw(50).await;
    let mut sent = 0;
    while sent < 50 {
        let changed = tokio::time::timeout(SOON, changes.recv()).await.unwrap().unwrap();
        sent += usize::from(changed.standing.state == State::Sent && changed.standing.carrier == "a");
    }
    assert_eq!(house.held().await, 0);
    house.fixture.clock.advance(Duration::from_secs(1200));
    house.courier.desk.shelf.shred(house.fixture.store.world().now());
    assert_eq!(house.courier.desk.shelf.len(), 0);
}

#[tokio::test]
async fn what_waits_can_be_taken_back_and_goes_when_it_is_due() {
    let house = house(vec![Told::new("a")], SOON).await;
    let at = |number: &str, minutes: u64| {
        let mut message = house.fixture.text(house.tenant, number, number);
        message.terms.not_before = Some(NOW + Duration::from_secs(60 * minutes));
        message
    };
    let first = house.courier.enqueue(at("+4915112345671", 30)).await.unwrap();
    let second = house.courier.enqueue(at("+4915112345672", 30)).await.unwrap();
    let standing = house.courier.standing(house.tenant, first).await.unwrap().unwrap();
    assert_eq!(standing.state, State::Scheduled);
    assert!(house.courier.cancel(house.tenant, first).await.unwrap());
    assert!(!house.courier.cancel(house.tenant, first).await.unwrap(), "it is gone already");
    let (stranger, _) = house.fixture.tenant("{}", false).await;
    assert!(!house.courier.cancel(stranger, second).await.unwrap(), "it is another tenant's");
    house.fixture.clock.advance(Duration::from_secs(1801));
    house.told[0].saw(1).await;
    assert_eq!(house.told[0].seen(), ["+4915112345672"]);
    assert_eq!(house.courier.standing(house.tenant, first).await.unwrap().unwrap().state, State::Canceled);
    house.until_rows(&[("", "canceled", ""), ("a", "sent", "")]).await;
    assert!(!house.courier.cancel(house.tenant, second).await.unwrap(), "a carrier has it");
}

#[tokio::test]
async fn what_is_too_old_is_not_sent() {
    let house = house(vec![Told { ready: AtomicBool::new(false), ..Told::new("a") }], SOON).await;
    let mut message = house.fixture.text(house.tenant, NUMBER, "x");
    message.valid_for = Duration::from_secs(120);
    house.courier.enqueue(message).await.unwrap();
    house.fixture.clock.advance(Duration::from_secs(121));
    house.until_rows(&[("", "failed", "expired")]).await;
    house.told[0].ready.store(true, Ordering::SeqCst);
    assert_eq!((house.told[0].seen(), house.held().await), (Vec::new(), 0));
}

/// The keys of a process that ends: everything in it is dropped, as at its death.
async fn die(courier: Courier) {
    let shelf = Arc::downgrade(&courier.desk.shelf);
    drop(courier);
    let deadline = tokio::time::Instant::now() + SOON;
    while shelf.strong_count() > 0 {
        assert!(tokio::time::Instant::now() < deadline, "a courier outlives its end");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_a_process_leaves_behind_another_sends() {
    let fixture = Fixture::new().await;
    let (tenant, _) = fixture.tenant("{}", false).await;
    let directory = tempfile::tempdir().unwrap();
    let options = Options { queue_keys: Some(directory.path().join("queue-keys")), ..Options::default() };
    let idle = Options { is_idle: true, ..options.clone() };
    let first = Courier::open(Arc::clone(&fixture.store), vec![Carrier::new(Arc::new(Told::new("a")))], idle).unwrap();
    for n in 0..20 {
        first.enqueue(fixture.text(tenant, &format!("+49151123456{n:02}"), &n.to_string())).await.unwrap();
    }
    // One is with a carrier that has said nothing: it goes once more through that one, although another is preferred.
    let mut handed = fixture.text(tenant, "+4915112345699", "handed");
    handed.id = day_id(handed.id);
    let until = fixture.store.world().now() + handed.valid_for;
    let (key, queued) = first.desk.sealed_for_queue(&handed, until, Some("b")).await.unwrap();
    let admission = Admission { kind: ChannelKind::Sms, carrier: "b", state: State::Queued, queued: &queued };
    first.desk.admit(&handed, admission).await.unwrap();
    drop::<KeyUse>(key);
    let (a, b) = (Arc::new(Told::new("a")), Arc::new(Told::new("b")));
    let carriers = || vec![Carrier::new(a.clone()), Carrier::new(b.clone())];
    let second = Courier::open(fixture.other_node(), carriers(), options.clone()).unwrap();
    let third = Courier::open(fixture.other_node(), carriers(), options).unwrap();
    for node in [&second, &third] {
        worker::inherit(&node.desk).await.unwrap();
        assert_eq!(node.desk.waiting.load(Ordering::SeqCst), 0);
    }
    assert!(a.seen().is_empty(), "its owner is alive");
    die(first).await;
    a.saw(20).await;
    b.saw(1).await;
    assert_eq!(b.seen(), ["handed"]);
    let mut seen = a.seen();
    seen.sort_by_key(|text| text.parse::<u32>().unwrap());
    assert_eq!(seen, (0..20).map(|n: u32| n.to_string()).collect::<Vec<_>>(), "each once, although two take over");
    drop((second, third));
}

#[tokio::test]
async fn what_nobody_can_read_any_more_is_reported() {
    let fixture = Fixture::new().await;
    let (tenant, _) = fixture.tenant("{}", false).await;
    let (world, _) = World::made(NOW, 9);
    let gone = Courier::start(
        Arc::clone(&fixture.store),
        vec![Carrier::new(Arc::new(Told::new("a")))],
        Table::default(),
        [Shelf::in_memory(world.clone()), Shelf::in_memory(world)],
        true,
    );
    let id = gone.enqueue(fixture.text(tenant, NUMBER, "x")).await.unwrap();
    die(gone).await;
    let courier = Courier::new(Arc::clone(&fixture.store), Vec::new());
    courier.desk.end_left().await.unwrap();
    let state = async || courier.standing(tenant, id).await.unwrap().unwrap();
    assert_eq!(state().await.state, State::Queued, "its holder may be alive");
    fixture.clock.advance(Duration::from_secs(1800));
    courier.desk.end_left().await.unwrap();
    let standing = state().await;
    assert_eq!((standing.state, standing.error_class.as_str()), (State::Failed, "lost"));
}

#[tokio::test]
async fn neither_the_rows_nor_the_root_key_open_a_queued_message() {
    let house = house(vec![Told { ready: AtomicBool::new(false), ..Told::new("a") }], SOON).await;
    house.courier.enqueue(house.fixture.text(house.tenant, NUMBER, "the code is 74190358")).await.unwrap();
    let thief = house.fixture.other_node();
    let rows = thief.take_over_messages(house.courier.desk.shelf.holder(), &[7; 16]).await.unwrap();
    assert_eq!(rows.len(), 1);
    let keys = thief.tenant(house.tenant).keys().await.unwrap();
    let field = keys::Field { table: "message_queue", column: "sealed", row: rows[0].id.as_bytes() };
    assert!(keys.open(field, &rows[0].sealed).is_err());
    for needle in [b"15112345678".as_slice(), b"74190358"] {
        assert!(!rows[0].sealed.windows(needle.len()).any(|window| window == needle));
    }
    assert!(house.courier.desk.reopened(&rows[0]).await.unwrap().is_some(), "only this process has the key");
    let purpose = house.fixture.text(house.tenant, NUMBER, "").purpose;
    assert_eq!(purpose, Purpose::Authentication);
}
