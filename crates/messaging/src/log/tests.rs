//! What only the tenant opens, and what a day's mark joins.

use super::*;
use crate::testing::Fixture;
use keys::{DayKeys, TenantPrivateKey, segment};
use proptest::prelude::*;
use std::{sync::Arc, time::Duration};
use types::world::SeededRandom;

async fn seal(
    book: &book::LogBook,
    fixture: &Fixture,
    tenant: types::TenantId,
    message: MessageId,
    to: &str,
) -> Vec<u8> {
    let store = &fixture.store;
    let log_key = store.tenant(tenant).row().await.unwrap().unwrap().log_key.unwrap();
    let key = book.key(store, tenant, message.made_at().day(), &log_key).await.unwrap().unwrap();
    let sent = Sent { at: store.world().now(), to, ..Sent::default() };
    let mut sealed = key.seal(message, Part::Sent, &sent.encode()).unwrap();
    sealed.extend(segment::blank(Part::Receipt));
    sealed
}

#[tokio::test]
async fn only_the_tenant_opens_and_only_for_this_message() {
    let fixture = Fixture::new().await;
    let (tenant, private) = fixture.tenant("{}", true).await;
    let private = private.unwrap();
    let (book, message) = (book::LogBook::new(), day_id(fixture.message_id()));
    let row = seal(&book, &fixture, tenant, message, "+15035550100").await;
    assert_eq!(row.len(), SEALED_LEN);
    let reader = LogReader::new(tenant, vec![private.clone()]);
    assert_eq!(reader.open(message, &row).err(), Some(Unreadable::NoSegment));
    let reader = fixture.reader(tenant, vec![private.clone()]).await;
    let opened = reader.open(message, &row).unwrap();
    assert_eq!((opened.to(), opened.at(), opened.receipt_at()), ("+15035550100", fixture.store.world().now(), None));
    assert_eq!(reader.open(day_id(fixture.message_id()), &row).err(), Some(Unreadable::Damaged));
    assert!(reader.open(message, &row[1..]).is_err());
    let other = fixture.reader(tenant, vec![TenantPrivateKey::generate(&SeededRandom::new(99))]).await;
    assert_eq!(other.open(message, &row).err(), Some(Unreadable::OtherKey));
    // With the right key among several.
    let mut both = fixture.reader(tenant, vec![TenantPrivateKey::generate(&SeededRandom::new(98)), private]).await;
    assert!(both.open(message, &row).is_ok());
    both.forget_before(message.made_at().day() + 1);
    assert_eq!(both.open(message, &row).err(), Some(Unreadable::NoSegment));
}

#[tokio::test]
async fn a_hundred_first_messages_begin_one_segment() {
    let fixture = Arc::new(Fixture::new().await);
    let (tenant, _) = fixture.tenant("{}", true).await;
    let book = Arc::new(book::LogBook::new());
    let mut running = Vec::new();
    for _ in 0..100 {
        let (book, fixture) = (Arc::clone(&book), Arc::clone(&fixture));
        let message = day_id(fixture.message_id());
        running.push(tokio::spawn(async move { seal(&book, &fixture, tenant, message, "+15035550100").await }));
    }
    let mut segments = std::collections::HashSet::new();
    for one in running {
        segments.insert(segments_of(&one.await.unwrap())[0].unwrap());
    }
    assert_eq!(segments.len(), 1);
}

#[tokio::test]
async fn m4_a_day_that_was_forgotten_opens_for_nobody_not_even_from_a_copy() {
    let fixture = Fixture::new().await;
    let (tenant, private) = fixture.tenant("{}", true).await;
    let private = private.unwrap();
    let (book, message) = (book::LogBook::new(), day_id(fixture.message_id()));
    let row = seal(&book, &fixture, tenant, message, "+15035550100").await;
    let today = message.made_at().day();
    fixture.clock.advance(Duration::from_secs(5 * 86_400));
    let days: &DayKeys = fixture.store.day_keys().unwrap();
    assert!(days.advance(today, fixture.store.world()).unwrap());
    let read = async || fixture.reader(tenant, vec![private.clone()]).await.open(message, &row).err();
    assert_eq!(read().await, None, "the oldest day that is kept");
    assert!(days.advance(today + 1, fixture.store.world()).unwrap());
    // The row and the header still stand: as in a backup that was made before.
    assert_eq!(read().await, Some(Unreadable::Shredded));
}

#[tokio::test]
async fn another_log_key_begins_another_segment_and_a_damaged_one_none() {
    let fixture = Fixture::new().await;
    let (tenant, _) = fixture.tenant("{}", true).await;
    let book = book::LogBook::new();
    let day = fixture.store.world().now().day();
    let text = |seed| TenantPrivateKey::generate(&SeededRandom::new(seed)).public().to_text();
    let (one, two) = (text(1), format!("{} {}", text(1), text(2)));
    let key = async |text: &str| book.key(&fixture.store, tenant, day, text).await.unwrap();
    for text in [&one, &two] {
        assert!(key(text).await.is_some());
        assert!(book.open_key(tenant, day).unwrap().is_some());
    }
    assert!(key("cspub1nonsense").await.is_none());
    assert!(key(&one).await.is_some());
    let span = store::Span::new(Millis(0), Millis(i64::MAX), 100);
    assert_eq!(fixture.store.tenant(tenant).log_segments(&span).await.unwrap().len(), 3);
    // And a day before all days has no key.
    assert!(book.key(&fixture.store, tenant, day - 100, &one).await.unwrap().is_none());
}

#[tokio::test]
async fn a_mark_joins_a_day_and_nothing_else() {
    let fixture = Fixture::new().await;
    let (tenant, _) = fixture.tenant("{}", false).await;
    let (other, _) = fixture.tenant("{}", false).await;
    let (mine, others) =
        (fixture.store.tenant(tenant).keys().await.unwrap(), fixture.store.tenant(other).keys().await.unwrap());
    let (user, message) = (Some(fixture.user_id()), day_id(fixture.message_id()));
    let (marks, today) = (fixture.store.mark_keys().map(Arc::as_ref), fixture.store.world().now().day());
    let mark = user_mark(&mine, marks, today, user, message);
    assert_eq!(mark, user_mark(&mine, marks, today, user, day_id(fixture.message_id())));
    assert_ne!(mark, user_mark(&mine, marks, today + 1, user, message));
    assert_ne!(mark, user_mark(&others, marks, today, user, message));
    let nobodys = |message| user_mark(&mine, marks, today, None, message);
    assert_ne!(nobodys(message), nobodys(day_id(fixture.message_id())));
    // Without the day's key it is nobody's.
    assert_eq!(user_mark(&mine, None, today, user, message), nobodys(message));
}

proptest! {
    #[test]
    fn a_day_id_tells_the_day_and_no_more(now in 0_i64..(1 << 46), seed: u64) {
        let id = MessageId::new(Millis(now), &SeededRandom::new(seed));
        let made = day_id(id).made_at();
        prop_assert_eq!(made.day(), Millis(now).day());
        prop_assert_eq!(made.0 % 86_400_000, 0);
        prop_assert_eq!(day_id(id).uuid().get_version_num(), 7);
        prop_assert_eq!(day_id(day_id(id)), day_id(id));
    }
}
