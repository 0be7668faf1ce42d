//! The requirements of the defence that the log must meet, each by its name. M1 and M12 are `tests/messaging/theft`, M4 is in [`super::tests`],
//! M8 in [`super::watch`].

use super::*;
use crate::{
    Channel, Courier,
    testing::{Fixture, Scripted},
};
use keys::{KeyError, TenantPrivateKey};
use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};
use store::{GUARD, Span};
use types::{TenantId, World, world::SeededRandom};

const DAY: Duration = Duration::from_secs(86_400);
const ALWAYS: (Millis, Millis) = (Millis(0), Millis(i64::MAX));
/// So many lengths and numbers of messages are not limited by anything.
const SETTINGS: &str = r#"{"messages":{"per_day":1000000,"calling_codes":["49"]}}"#;

fn courier(fixture: &Fixture) -> Courier {
    Courier::new(Arc::clone(&fixture.store), vec![Arc::new(Scripted::default()) as Arc<dyn Channel>])
}

fn number(place: u32) -> String {
    format!("+49151{:08}", 10_000_000 + (u64::from(place) * 37_000_003) % 90_000_000)
}

async fn send(fixture: &Fixture, courier: &Courier, tenant: TenantId, many: u32) -> Vec<UserId> {
    let mut users = Vec::new();
    for place in 0..many {
        let message = fixture.text(tenant, &number(place), "x");
        users.extend(message.user);
        courier.deliver(message).await.unwrap();
    }
    users
}

/// What lies behind the values of a histogram over 256 places, if each is as likely as the other: about 255, and above 340 once in five
/// thousand.
fn chi_squared(histogram: &[u32; 256]) -> f64 {
    let expected = f64::from(histogram.iter().sum::<u32>()) / 256.0;
    histogram.iter().map(|seen| (f64::from(*seen) - expected).powi(2) / expected).sum()
}

#[tokio::test]
async fn m2_marks_of_different_days_have_nothing_in_common() {
    let fixture = Fixture::new().await;
    let (tenant, _) = fixture.tenant("{}", false).await;
    let keys = fixture.store.tenant(tenant).keys().await.unwrap();
    let (marks, today) = (fixture.store.mark_keys().map(Arc::as_ref), fixture.store.world().now().day());
    let users: Vec<_> = (0..200).map(|_| fixture.user_id()).collect();
    let message = day_id(fixture.message_id());
    let (mut seen, mut bytes, mut steps) = (HashSet::new(), [0_u32; 256], [0_u32; 256]);
    for day in today..today + 60 {
        for user in &users {
            let mark = user_mark(&keys, marks, day, Some(*user), message);
            let next = user_mark(&keys, marks, day + 1, Some(*user), message);
            assert!(seen.insert(mark), "one mark on two days, or of two people");
            bytes[usize::from(mark[0])] += 1;
            // From one day to the next each difference is as likely as the other.
            steps[usize::from(mark[1] ^ next[1])] += 1;
        }
    }
    for histogram in [bytes, steps] {
        assert!(chi_squared(&histogram) < 340.0, "{}", chi_squared(&histogram));
    }
    // The same with what isn't random: the test can fail.
    let mut flat = [0_u32; 256];
    users.iter().for_each(|user| flat[usize::from(user.as_bytes()[0])] += 60);
    assert!(chi_squared(&flat) > 340.0);
}

#[tokio::test]
async fn m3_who_has_the_process_on_a_day_can_make_no_mark_of_a_day_before() {
    let fixture = Fixture::new().await;
    let (tenant, _) = fixture.tenant(SETTINGS, true).await;
    let (store, courier) = (&fixture.store, courier(&fixture));
    let keys = store.tenant(tenant).keys().await.unwrap();
    let users = send(&fixture, &courier, tenant, 20).await;
    let yesterday = store.world().now().day();
    let find = async |user| {
        let asked = Asked { user: Some(user), marked_only: true, ..Asked::default() };
        page_of(store, tenant, &Span::new(ALWAYS.0, ALWAYS.1, 100), &asked).await.unwrap().rows.len()
    };
    for user in &users {
        assert_eq!(find(*user).await, 1, "while the day lasts, a user's messages are found");
    }
    // Midnight, and what the housekeeping does then.
    fixture.clock.advance(DAY);
    let marks = store.mark_keys().unwrap();
    assert!(marks.advance(yesterday + 1, store.world()).unwrap());
    // Everything that the process has: the tenant's keys, the ratchet, its file. No known user leads to a mark of yesterday.
    let span = Span::new(ALWAYS.0, ALWAYS.1, 1000);
    let stored: HashSet<Vec<u8>> =
        store.tenant(tenant).messages(&span).await.unwrap().into_iter().map(|row| row.user_mark).collect();
    assert!(matches!(marks.mark_key(yesterday), Err(KeyError::Shredded)));
    let file = keys::DayKeys::open(&fixture.path().join("log-marks.key"), store.ring()).unwrap();
    let candidates = |marks: &keys::DayKeys, user: UserId| {
        let days = yesterday..yesterday + 40;
        // Also what lies under yesterday's name, and another day's key.
        let crossed = days.clone().filter_map(|day| marks.mark_key(day).ok()).map(|key| {
            let parts: [&[u8]; 3] = [key.expose(), &yesterday.to_be_bytes(), user.as_bytes()];
            keys.digest("message-user-of-day/2", &parts)
        });
        let right = days.filter_map(|day| user_marks(&keys, Some(marks), day, user)).flatten();
        right.chain(crossed).collect::<Vec<_>>()
    };
    for marks in [marks.as_ref(), &file] {
        for user in &users {
            assert!(candidates(marks, *user).iter().all(|mark| !stored.contains(mark.as_slice())));
        }
    }
    for user in &users {
        assert_eq!(find(*user).await, 0);
    }
    // Of the day on which he is there, and of those after it, he can: docs/message-log.md says so.
    let today = fixture.text(tenant, &number(77), "x");
    let user = today.user.unwrap();
    courier.deliver(today).await.unwrap();
    let mark = user_marks(&keys, Some(marks), yesterday + 1, user).unwrap()[0];
    let rows = store.tenant(tenant).messages(&span).await.unwrap();
    assert!(rows.iter().any(|row| row.user_mark == mark));
}

#[tokio::test]
async fn m3_of_days_before_the_tenants_own_key_says_whose_a_message_was() {
    let fixture = Fixture::new().await;
    let (tenant, private) = fixture.tenant(SETTINGS, true).await;
    let (store, courier) = (&fixture.store, courier(&fixture));
    let users = send(&fixture, &courier, tenant, 30).await;
    fixture.clock.advance(DAY);
    let today = store.world().now().day();
    store.mark_keys().unwrap().advance(today, store.world()).unwrap();
    let mut again = fixture.text(tenant, &number(500), "x");
    again.user = Some(users[3]);
    courier.deliver(again).await.unwrap();
    send(&fixture, &courier, tenant, 5).await;
    let page = page(store, tenant, &Span::new(ALWAYS.0, ALWAYS.1, 1000), Some(users[3])).await.unwrap();
    // Of today this user's, of yesterday everybody's: the reader has the key to say whose they are.
    assert_eq!(page.rows.iter().filter(|row| row.day == today).count(), 1);
    assert_eq!(page.rows.len(), 31);
    let reader = fixture.reader(tenant, vec![private.unwrap()]).await;
    let theirs = reader.open_rows(&page.rows).into_iter().map(Result::unwrap);
    let theirs: HashSet<_> =
        theirs.filter(|opened| opened.user() == Some(users[3])).map(|opened| opened.to().to_owned()).collect();
    assert_eq!(theirs, HashSet::from([number(3), number(500)]));
}

#[tokio::test]
async fn m6_what_an_operator_can_export_is_ciphertext() {
    let fixture = Fixture::new().await;
    let (tenant, _) = fixture.tenant(SETTINGS, true).await;
    let courier = courier(&fixture);
    send(&fixture, &courier, tenant, 20).await;
    // All that any operator's way leads to: rows and headers.
    let page = page(&fixture.store, tenant, &Span::new(ALWAYS.0, ALWAYS.1, 1000), None).await.unwrap();
    assert_eq!(page.rows.len(), 20);
    let exported = format!("{:?}{:?}", page.rows, page.segments);
    let raw: Vec<u8> = page.rows.iter().filter_map(|row| row.sealed.clone()).flatten().collect();
    for place in 0..20 {
        let number = number(place);
        assert!(!exported.contains(&number[3..]), "in clear");
        assert!(!raw.windows(number.len() - 1).any(|window| window == &number.as_bytes()[1..]));
    }
    // And a key of his own opens none of it.
    let mut thief = LogReader::new(tenant, vec![TenantPrivateKey::generate(&SeededRandom::new(5))]);
    for segment in &page.segments {
        thief.add_segment(segment.id, segment.day, segment.header.as_deref());
    }
    assert!(thief.open_rows(&page.rows).iter().all(|opened| matches!(opened, Err(Unreadable::OtherKey))));
}

#[test]
fn m7_a_pull_of_two_thousand_rows_meets_a_canary() {
    let (book, world) = (book::LogBook::new(), World::made(crate::testing::NOW, 11).0);
    let random = world.random.as_ref();
    let (mut gap, mut widest) = (0, 0);
    for round in 0..20_u32 {
        let tenant = TenantId::new(world.now(), random);
        // A day of ten thousand messages: rows of one day stand in the order of their chance.
        let mut day: BTreeMap<MessageId, bool> = BTreeMap::new();
        for _ in 0..10_000 {
            day.insert(day_id(MessageId::new(world.now(), random)), false);
            gap += 1;
            if book.wants_canary(tenant, &world) {
                day.insert(day_id(MessageId::new(world.now(), random)), true);
                widest = widest.max(gap);
                gap = 0;
            }
        }
        gap = 0;
        let rows: Vec<bool> = day.into_values().collect();
        let pulls = rows.windows(2_000);
        let (all, missed) = (pulls.len(), pulls.filter(|pull| !pull.contains(&true)).count());
        assert!(missed * 100 <= all, "round {round}: {missed} of {all} pulls of 2,000 rows met none");
        let canaries = rows.iter().filter(|canary| **canary).count();
        assert!(canaries * 500 >= rows.len(), "at least one in five hundred");
        assert!(canaries * 100 <= rows.len(), "and not so many that the log grows by them");
    }
    assert!(widest <= 250, "{widest}");
}

#[tokio::test]
async fn m7_a_thief_who_pages_meets_a_canary_and_the_tenants_reader_never_does() {
    let fixture = Fixture::new().await;
    let (tenant, private) = fixture.tenant(SETTINGS, true).await;
    let (store, courier) = (&fixture.store, courier(&fixture));
    let scope = store.tenant(tenant);
    send(&fixture, &courier, tenant, 520).await;
    let read = async |asked: Asked| {
        let (mut rows, mut canaries) = (Vec::new(), 0);
        let mut span = Some(Span::new(ALWAYS.0, ALWAYS.1, 100));
        while let Some(at) = span {
            let page = page_of(store, tenant, &at, &asked).await.unwrap();
            assert!(page.rows.len() <= 100);
            canaries += page.canaries;
            rows.extend(page.rows);
            span = page.next;
        }
        (rows, canaries)
    };
    // The thief: nothing in clear tells a canary from a message that a limit refused.
    let (stolen, canaries) = read(Asked::default()).await;
    assert!((2..=4).contains(&canaries), "{canaries}");
    assert_eq!(stolen.len(), 520 + canaries);
    let of_canaries: Vec<_> = stolen.iter().filter(|row| row.billing_class == "none").collect();
    assert_eq!(of_canaries.len(), canaries);
    for row in of_canaries {
        assert_eq!(
            (row.state.as_str(), row.error_class.as_str(), row.supplier.as_str()),
            ("failed", "limit-pause", "")
        );
        assert_eq!((row.sealed.as_ref().map(Vec::len), row.user_mark.len()), (Some(SEALED_LEN), 32));
    }
    // The tenant, who shows that it has the key, is given none; and who reads them anyway passes over them.
    let reader = fixture.reader(tenant, vec![private.clone().unwrap()]).await;
    let (rows, none) = read(Asked { without_canaries: true, ..Asked::default() }).await;
    assert_eq!((rows.len(), none), (520, 0));
    let opened = reader.open_rows(&stolen).into_iter().map(Result::unwrap);
    assert_eq!(opened.filter(|opened| !opened.is_canary()).count(), 520);
    assert_eq!(without_canaries(store, tenant, stolen).await.unwrap().len(), 520);
    // Nobody is billed for them.
    let billed = scope.billing(ALWAYS.0, ALWAYS.1, 1).await.unwrap();
    let billed: i64 = billed.iter().filter(|count| count.billing_class != "none").map(|count| count.count).sum();
    assert_eq!(billed, 520);
}

#[tokio::test]
async fn m7_only_who_has_the_key_opens_the_challenge() {
    let fixture = Fixture::new().await;
    let (tenant, private) = fixture.tenant("{}", true).await;
    let (other, others) = fixture.tenant("{}", true).await;
    let (keyless, _) = fixture.tenant("{}", false).await;
    let store = &fixture.store;
    let keys = store.tenant(tenant).keys().await.unwrap();
    let open = |challenge: &Challenge, of: TenantId, key: &TenantPrivateKey| {
        let mut reader = LogReader::new(of, vec![key.clone()]);
        reader.add_segment(challenge.segment.id, challenge.segment.day, challenge.segment.header.as_deref());
        reader.open(challenge.id, &challenge.sealed).map(|opened| opened.to().to_owned())
    };
    let (private, others) = (private.unwrap(), others.unwrap());
    let made = challenge(store, tenant, "one").await.unwrap().unwrap();
    let proof = open(&made, tenant, &private).unwrap();
    let now = store.world().now();
    assert!(is_proof(&keys, "one", now, &proof));
    // Neither another reader's, nor another tenant's, nor too old, nor made up.
    assert!(!is_proof(&keys, "two", now, &proof));
    assert!(!is_proof(&store.tenant(other).keys().await.unwrap(), "one", now, &proof));
    assert!(is_proof(&keys, "one", now + PROOF_LIFE, &proof));
    assert!(!is_proof(&keys, "one", now + PROOF_LIFE * 2, &proof));
    for bad in ["", "00", "x", &proof[1..], &"0".repeat(64)] {
        assert!(!is_proof(&keys, "one", now, bad), "{bad}");
    }
    assert!(open(&made, tenant, &others).is_err() && open(&made, other, &private).is_err());
    assert!(challenge(store, keyless, "one").await.unwrap().is_none());
}

#[tokio::test]
async fn m7_a_message_to_a_number_that_is_nobodys_ends_here_with_an_alarm() {
    let fixture = Fixture::new().await;
    let (tenant, _) = fixture.tenant(SETTINGS, true).await;
    let (store, scripted) = (&fixture.store, Arc::new(Scripted::default()));
    let courier = Courier::new(Arc::clone(store), vec![Arc::clone(&scripted) as Arc<dyn Channel>]);
    let scope = store.tenant(tenant);
    let mark = scope.canary_mark(&number(9).parse().unwrap()).await.unwrap();
    scope.set_canary_number("admin", &mark, true).await.unwrap();
    let mut heard = store.alarms();
    courier.deliver(fixture.text(tenant, &number(8), "x")).await.unwrap();
    assert!(heard.try_recv().is_err());
    assert!(courier.deliver(fixture.text(tenant, &number(9), "x")).await.is_err());
    assert_eq!(heard.try_recv().unwrap().what, "number_canary_written_to");
    assert_eq!(scripted.sent.load(std::sync::atomic::Ordering::SeqCst), 1, "no carrier saw it");
    let acts = scope.admin_log(&Span::new(ALWAYS.0, ALWAYS.1, 10)).await.unwrap();
    assert!(acts.iter().any(|act| act.actor == GUARD && act.action == "number_canary_written_to"));
    assert!(acts.iter().all(|act| !act.detail.contains(&number(9)[4..])), "and no line has the number");
}

#[tokio::test]
async fn m11_what_became_of_a_users_message_is_known_without_the_number() {
    let fixture = Fixture::new().await;
    let (tenant, _) = fixture.tenant(SETTINGS, true).await;
    let scripted = Arc::new(Scripted::default());
    let courier = Courier::new(Arc::clone(&fixture.store), vec![Arc::clone(&scripted) as Arc<dyn Channel>]);
    send(&fixture, &courier, tenant, 5).await;
    // The ticket: "I got no code this morning".
    scripted.answers.lock().unwrap().push_back(Err(crate::SendError::Refused(crate::ErrorClass::BadAddress)));
    let message = fixture.text(tenant, &number(100), "x");
    let user = message.user;
    assert!(courier.deliver(message).await.is_err());
    let asked = Asked { user, marked_only: true, ..Asked::default() };
    let found = page_of(&fixture.store, tenant, &Span::new(ALWAYS.0, ALWAYS.1, 10), &asked).await.unwrap();
    let [row] = found.rows.as_slice() else { panic!("{} rows", found.rows.len()) };
    assert_eq!(
        (row.state.as_str(), row.error_class.as_str(), row.supplier.as_str()),
        ("failed", "bad-address", "scripted")
    );
}
