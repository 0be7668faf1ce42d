//! A code is on another way within ten seconds, whatever its first carrier does, by what stands without any setting.
//!
//! The clock is turned by hand: what needs more time than the test gives it doesn't happen.

use super::ways_tests::{House, Told, house_waiting};
use super::*;
use crate::{
    ErrorClass, SendError,
    routing::{
        Route, Tally,
        arrivals::{LONGEST, SHORTEST},
    },
};
use std::{
    sync::{atomic::AtomicBool, mpsc as channel},
    time::Duration,
};

/// What stands between a wait's end and the next carrier is work and no wait.
const TEN: Duration = Duration::from_secs(10);
const MOMENT: Duration = Duration::from_millis(2);

/// A clock that stands while nobody turns it; after three minutes that really go by it runs again, so that nobody waits for ever.
struct Clock {
    _held: channel::Sender<()>,
    turned: Duration,
}

impl Clock {
    fn held() -> Self {
        tokio::time::pause();
        let (held, released) = channel::channel::<()>();
        // The runtime's clock doesn't run ahead while a thread is at work.
        tokio::task::spawn_blocking(move || released.recv_timeout(Duration::from_secs(180)));
        Self { _held: held, turned: Duration::ZERO }
    }

    async fn turn(&mut self, by: Duration) {
        self.turned += by;
        tokio::time::advance(by).await;
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        tokio::time::resume();
    }
}

/// The other way: a second carrier of texts, or a call.
fn other(kind: ChannelKind) -> Told {
    Told { kinds: vec![kind], ..Told::new("other") }
}

async fn two_ways(first: Told, then: ChannelKind) -> House {
    let house = house_waiting(vec![first, other(then)], None).await;
    let route = |kind, carriers: &[&str], then| Route {
        kind,
        prefixes: vec!["49".to_owned()],
        carriers: carriers.iter().map(|&it| it.to_owned()).collect(),
        cost: 0.0,
        per_second: None,
        then,
    };
    let routes = match then {
        ChannelKind::Sms => vec![route(ChannelKind::Sms, &["first", "other"], None)],
        _ => vec![route(ChannelKind::Sms, &["first"], Some(then)), route(then, &["other"], None)],
    };
    house.courier.set_routes(house.courier.carriers(), Table { routes });
    house
}

const WAYS: [ChannelKind; 2] = [ChannelKind::Sms, ChannelKind::Voice];

#[tokio::test]
async fn a_dead_bind() {
    for then in WAYS {
        for first in [
            Told { ready: AtomicBool::new(false), ..Told::new("first") },
            Told::new("first").answering(SendError::Down),
        ] {
            let _clock = Clock::held();
            let house = two_ways(first, then).await;
            let (message, _) = house.code();
            house.courier.deliver(message).await.unwrap();
            house.told[1].saw(1).await;
        }
    }
}

#[tokio::test]
async fn a_bind_that_says_nothing() {
    for then in WAYS {
        let mut clock = Clock::held();
        let house = two_ways(Told { silent: AtomicBool::new(true), ..Told::new("first") }, then).await;
        let (message, _) = house.code();
        let courier = Arc::clone(&house.courier);
        let delivering = tokio::spawn(async move { courier.deliver(message).await });
        house.told[0].saw(1).await;
        clock.turn(Duration::from_secs(7)).await;
        assert_eq!(house.told[1].seen(), [""; 0], "it may still answer");
        clock.turn(Duration::from_secs(1) + MOMENT).await;
        delivering.await.unwrap().unwrap();
        assert_eq!(house.told[1].seen(), ["code 1"], "another wording: the first has seen the former");
        assert!(clock.turned <= TEN);
    }
}

#[tokio::test]
async fn a_permanent_error() {
    for then in WAYS {
        let _clock = Clock::held();
        let refusing = Told::new("first").answering(SendError::Refused(ErrorClass::Blocked));
        let house = two_ways(refusing, then).await;
        let (message, _) = house.code();
        house.courier.deliver(message).await.unwrap();
        assert_eq!(
            (house.told[0].seen(), house.told[1].seen()),
            (vec!["code 0".to_owned()], vec!["code 1".to_owned()])
        );
    }
}

#[tokio::test]
async fn a_receipt_that_says_the_message_is_lost() {
    for then in WAYS {
        let _clock = Clock::held();
        let house = two_ways(Told::new("first"), then).await;
        let (message, _) = house.code();
        house.courier.deliver(message).await.unwrap();
        house.report("first", "first-1", Delivery::Undelivered).await;
        house.told[1].saw(1).await;
        assert_eq!(house.told[1].seen(), ["code 1"]);
    }
}

#[tokio::test]
async fn a_missing_receipt() {
    for then in WAYS {
        let mut clock = Clock::held();
        let house = two_ways(Told::new("first"), then).await;
        let (message, codes) = house.code();
        house.courier.deliver(message).await.unwrap();
        clock.turn(LONGEST.saturating_sub(MOMENT)).await;
        assert_eq!(house.told[1].seen(), [""; 0], "it may still come");
        clock.turn(MOMENT * 2).await;
        house.told[1].saw(1).await;
        assert_eq!(house.told[1].seen(), ["code 1"]);
        assert_eq!(codes.newest(), 1);
        assert!(clock.turned <= TEN);
        assert_eq!(house.told[0].seen().len(), 1);
    }
}

#[tokio::test]
async fn an_answer_that_takes_long_and_then_no_receipt() {
    let mut clock = Clock::held();
    let house = two_ways(Told { pause: Duration::from_secs(6), ..Told::new("first") }, ChannelKind::Sms).await;
    let (message, _) = house.code();
    let courier = Arc::clone(&house.courier);
    let delivering = tokio::spawn(async move { courier.deliver(message).await });
    house.told[0].saw(1).await;
    clock.turn(Duration::from_secs(6) + MOMENT).await;
    delivering.await.unwrap().unwrap();
    clock.turn(LONGEST.saturating_sub(Duration::from_secs(6))).await;
    house.told[1].saw(1).await;
    assert!(clock.turned <= TEN, "from when the carrier was shown it");
}

#[tokio::test]
async fn where_receipts_come_soon_none_is_waited_for_long() {
    let mut clock = Clock::held();
    let house = two_ways(Told::new("first"), ChannelKind::Sms).await;
    for _ in 0..20 {
        house.courier.desk.health().note_arrival("first", "49", Some(Duration::from_secs(1)));
    }
    let (message, _) = house.code();
    house.courier.deliver(message).await.unwrap();
    clock.turn(SHORTEST + MOMENT).await;
    house.told[1].saw(1).await;
    let health = &house.courier.carrier_states()[0].health[0];
    assert_eq!((health.prefix.as_str(), health.delivered), ("49", Tally { good: 0, all: 1 }));
    assert_eq!(health.latency.unwrap().median, Duration::from_secs(1));
}

#[tokio::test]
async fn a_telephone_may_ring_longer_than_that() {
    let mut clock = Clock::held();
    let first = Told { kinds: vec![ChannelKind::Voice], ..Told::new("first") };
    let house = house_waiting(vec![first, other(ChannelKind::Voice)], None).await;
    let (mut message, _) = house.code();
    message.content = crate::Content::Call(crate::CallScript {
        code: Some(types::SecretString::new("code 0".to_owned())),
        ..crate::CallScript::default()
    });
    house.courier.deliver(message).await.unwrap();
    clock.turn(Duration::from_secs(44)).await;
    house.report("first", "first-1", Delivery::Delivered).await;
    house.at_rest().await;
    assert_eq!(house.told[1].seen(), [""; 0]);
}
