//! Defence M8: the trace of an operator who reads as ever, and of one who has their session.

use super::*;
use crate::testing::Fixture;
use store::{GUARD, Span, Tenant};
use types::UserId;

const OFFICE: [u8; 32] = [1; 32];
const ELSEWHERE: [u8; 32] = [2; 32];

fn person(place: [u8; 32], has_passkey: bool, signed_in: Millis) -> Option<Person> {
    Some(Person { place, has_passkey, signed_in })
}

async fn alarms(scope: &Tenant<'_>) -> Vec<String> {
    let rows = scope.admin_log(&Span::new(Millis(0), Millis(i64::MAX), 10_000)).await.unwrap();
    let mut alarms: Vec<_> = rows.into_iter().filter(|row| row.actor == GUARD).map(|row| row.action).collect();
    alarms.sort();
    alarms
}

#[test]
fn m8_a_measure_is_three_times_the_ninety_ninth_percentile_and_never_below_the_floor() {
    assert_eq!(measure(&[], false, 0), FLOOR);
    assert_eq!(measure(&[], true, 0), FLOOR_WITH_KEY);
    assert_eq!(measure(&[100; 50], false, 0), FLOOR);
    assert_eq!(measure(&[4_000; 50], false, 0), 12_000);
    // One wild hour of a hundred is the hundredth, not the ninety-ninth.
    let mut hours = vec![2_000; 99];
    hours.push(1_000_000);
    assert_eq!(measure(&hours, false, 0), 6_000);
    assert_eq!(measure(&[2_000; 10], false, 50_000), 50_000, "what an administrator allows");
}

#[tokio::test]
async fn m8_who_reads_as_ever_is_never_asked() {
    let fixture = Fixture::new().await;
    let (tenant, _) = fixture.tenant("{}", true).await;
    let who = fixture.user_id().to_string();
    // Thirty days of an operator who looks something up: eight hours a day, some pages of five hundred in each.
    for hour in 0..30 * 8 {
        for _ in 0..1 + hour % 7 {
            let reader = Reader { who: &who, has_key: true, person: person(OFFICE, true, fixture.store.world().now()) };
            assert_eq!(weigh(&fixture.store, tenant, &reader, 500).await.unwrap(), Verdict::Calm);
        }
        fixture.clock.advance(HOUR * if hour % 8 == 7 { 17 } else { 1 });
    }
    assert_eq!(alarms(&fixture.store.tenant(tenant)).await, Vec::<String>::new());
}

#[tokio::test]
async fn m8_a_thief_in_the_operators_session_is_asked_for_a_passkey_and_then_stopped() {
    let fixture = Fixture::new().await;
    let (tenant, _) = fixture.tenant("{}", true).await;
    let (store, scope) = (&fixture.store, fixture.store.tenant(tenant));
    let who = fixture.user_id().to_string();
    let signed_in = store.world().now();
    let read = async |rows, signed_in| {
        let reader = Reader { who: &who, has_key: false, person: person(OFFICE, true, signed_in) };
        weigh(store, tenant, &reader, rows).await.unwrap()
    };
    // Ten pages go; the eleventh doesn't, however often it is asked for, and what isn't given doesn't count.
    for _ in 0..10 {
        assert_eq!(read(500, signed_in).await, Verdict::Calm);
    }
    for _ in 0..50 {
        assert_eq!(read(500, signed_in).await, Verdict::SignInAfresh);
    }
    assert_eq!(alarms(&scope).await, ["log_read_too_much"]);
    assert_eq!(scope.readings(&who, 0, i64::MAX).await.unwrap(), [5_000]);
    // Who has the passkey goes on, up to twice as much …
    fixture.clock.advance(Duration::from_secs(10));
    let afresh = store.world().now();
    for _ in 0..10 {
        assert_eq!(read(500, afresh).await, Verdict::Calm);
    }
    // … and then nobody does, not with a passkey, and not in the next hour.
    assert_eq!(read(500, afresh).await, Verdict::Stopped);
    assert!(is_stopped(store, tenant, &who).await.unwrap());
    fixture.clock.advance(HOUR);
    assert_eq!(read(1, store.world().now()).await, Verdict::Stopped);
    assert_eq!(alarms(&scope).await, ["log_read_too_much", "log_read_too_much", "reader_frozen"]);
    // An administrator lets them go on, for a large export that is meant.
    scope.release_reader("admin", &who, 40_000, store.world().now() + HOUR).await.unwrap();
    assert_eq!(read(40_000, store.world().now()).await, Verdict::Calm);
    assert_eq!(read(1, signed_in).await, Verdict::SignInAfresh);
}

#[tokio::test]
async fn m8_another_network_or_browser_takes_a_passkey() {
    let fixture = Fixture::new().await;
    let (tenant, _) = fixture.tenant("{}", true).await;
    let (store, scope) = (&fixture.store, fixture.store.tenant(tenant));
    let first = store.world().now();
    let read = async |who: UserId, place, has_passkey, signed_in| {
        let who = who.to_string();
        let reader = Reader { who: &who, has_key: true, person: person(place, has_passkey, signed_in) };
        weigh(store, tenant, &reader, 10).await.unwrap()
    };
    let (with, without) = (fixture.user_id(), fixture.user_id());
    for user in [with, without] {
        assert_eq!(read(user, OFFICE, true, first).await, Verdict::Calm, "the first place is theirs");
    }
    assert_eq!(read(with, ELSEWHERE, true, first).await, Verdict::SignInAfresh);
    fixture.clock.advance(Duration::from_secs(30));
    let afresh = store.world().now();
    assert_eq!(read(with, ELSEWHERE, true, afresh).await, Verdict::Calm);
    // From now on it is known, with any sign-in.
    fixture.clock.advance(HOUR * 5);
    assert_eq!(read(with, ELSEWHERE, true, first).await, Verdict::Calm);
    assert_eq!(alarms(&scope).await, ["log_read_from_elsewhere"]);
    // Who has no passkey can't be asked for it.
    assert_eq!(read(without, ELSEWHERE, false, afresh).await, Verdict::Stopped);
    assert_eq!(alarms(&scope).await, ["log_read_from_elsewhere", "log_read_from_elsewhere", "reader_frozen"]);
}

#[tokio::test]
async fn m8_a_program_is_stopped_at_once_and_a_hundred_at_once_get_no_more() {
    let fixture = Fixture::new().await;
    let (tenant, _) = fixture.tenant("{}", true).await;
    let (other, _) = fixture.tenant("{}", true).await;
    let store = &fixture.store;
    let reader = Reader { who: "DIAAAAAAAAAAAAAAAAAA", has_key: false, person: None };
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let store = std::sync::Arc::clone(store);
        all.spawn(async move { weigh(&store, tenant, &reader, 1_000).await.unwrap() });
    }
    let calm = all.join_all().await.into_iter().filter(|verdict| *verdict == Verdict::Calm).count();
    assert_eq!(calm, 5);
    assert!(is_stopped(store, tenant, reader.who).await.unwrap());
    // Another tenant's reader of the same name is somebody else.
    assert_eq!(weigh(store, other, &reader, 1_000).await.unwrap(), Verdict::Calm);
    assert_eq!(alarms(&store.tenant(other)).await, Vec::<String>::new());
}
