//! Defence M5: the directory's numbers can't be opened in bulk.

use crate::support::{NOW, Site, each_engine};
use countersign_store::{
    GUARD, PhoneRow, Span, fields,
    numbers::{A_MINUTE, Asker, BULK, NumberError},
};
use std::time::Duration;
use types::{E164, Millis, PhoneId, UserId};

const PROGRAM: &str = "DIAAAAAAAAAAAAAAAAAA";
const MINUTE: Duration = Duration::from_secs(60);

fn number(place: u32) -> E164 {
    format!("+49151{:08}", 10_000_000 + place).parse().unwrap()
}

/// A phone of tenant A; it stands in the database.
async fn phone(site: &Site, place: u32) -> PhoneRow {
    let empty = site.new_phone();
    let id: PhoneId = empty.id;
    let (keys, random, number) = (site.a().keys().await.unwrap(), site.world.random.as_ref(), number(place));
    let row = PhoneRow {
        number: Some(keys.seal(fields::phone_number(&id), number.expose().as_bytes(), random).unwrap()),
        tail: Some(keys.seal(fields::phone_tail(&id), number.tail().as_bytes(), random).unwrap()),
        ..empty
    };
    site.write(async |tx| tx.insert_phone(&row).await).await;
    row
}

async fn phones(site: &Site, many: u32) -> Vec<PhoneRow> {
    let mut all = Vec::new();
    for place in 0..many {
        all.push(phone(site, place).await);
    }
    all
}

async fn acts(site: &Site, by: &str) -> Vec<String> {
    let span = Span::new(Millis(0), Millis(i64::MAX), 100_000);
    let rows = site.a().admin_log(&span).await.unwrap();
    let mut acts: Vec<_> = rows.into_iter().filter(|row| row.actor == by).map(|row| row.action).collect();
    // Those of one moment stand in no order.
    acts.sort();
    acts
}

#[test]
fn m5_ten_thousand_attempts_open_twenty_numbers_and_end_the_attacker() {
    each_engine(async |site| {
        let rows = phones(site, 40).await;
        let mut heard = site.store.alarms();
        let thief = Asker { who: PROGRAM, in_bulk: false };
        let (mut opened, mut refused) = (0, 0);
        for attempt in 0..10_000 {
            let one = std::slice::from_ref(&rows[attempt % rows.len()]);
            match site.a().numbers_to_show(thief, one).await {
                Ok(_) => opened += 1,
                Err(NumberError::TooMany { retry_after }) => {
                    refused += 1;
                    assert!(retry_after <= MINUTE);
                }
                Err(error) => panic!("{error}"),
            }
            if site.a().watched(PROGRAM).await.unwrap().is_some_and(|row| row.frozen_at.is_some()) {
                // From here on the door lets this key do nothing: `auth::Application::enabled`.
                break;
            }
        }
        assert_eq!(opened, A_MINUTE);
        assert_eq!(refused, 10, "so many until it is stopped");
        // Each refusal stands in the administrator log, and the alarms were heard without any time between.
        assert_eq!(acts(site, PROGRAM).await, vec!["numbers_refused"; 10]);
        assert_eq!(acts(site, GUARD).await, ["numbers_refused", "reader_frozen"]);
        assert_eq!(heard.try_recv().unwrap().what, "numbers_refused");
        let frozen = heard.try_recv().unwrap();
        assert_eq!((frozen.what, frozen.who.as_str(), frozen.tenant), ("reader_frozen", PROGRAM, site.a));
        // An administrator lets it go on.
        site.clock.advance(MINUTE);
        site.a().release_reader("admin", PROGRAM, 0, NOW).await.unwrap();
        assert!(site.a().watched(PROGRAM).await.unwrap().unwrap().frozen_at.is_none());
        assert!(site.a().numbers_to_show(thief, &rows[..1]).await.is_ok());
    });
}

#[test]
fn m5_a_hundred_at_once_open_no_more_than_one_after_the_other() {
    each_engine(async |site| {
        let rows = phones(site, 1).await;
        let thief = Asker { who: PROGRAM, in_bulk: false };
        let tries = (0..100).map(|_| async { site.a().numbers_to_show(thief, &rows).await.is_ok() });
        let opened = futures_util::future::join_all(tries).await.into_iter().filter(|opened| *opened).count();
        assert_eq!(opened, 20);
    });
}

#[test]
fn m5_a_client_that_waits_as_it_is_told_is_never_stopped() {
    each_engine(async |site| {
        let rows = phones(site, 1).await;
        let patient = Asker { who: PROGRAM, in_bulk: false };
        let mut shown = 0;
        // Duo's client: one second, then twice as long each time, up to 32.
        let mut wait = 1;
        for _ in 0..200 {
            match site.a().numbers_to_show(patient, &rows).await {
                Ok(_) => (shown, wait) = (shown + 1, 1),
                Err(_) => {
                    site.clock.advance(Duration::from_secs(wait));
                    wait = (wait * 2).min(32);
                }
            }
        }
        assert!(shown > 100, "{shown}");
        assert!(site.a().watched(PROGRAM).await.unwrap().is_none());
    });
}

#[test]
fn m5_in_bulk_so_many_a_day_with_an_alarm_that_says_so() {
    each_engine(async |site| {
        let rows = phones(site, 30).await;
        let sync = Asker { who: PROGRAM, in_bulk: true };
        for _ in 0..BULK / 30 {
            let shown = site.a().numbers_to_show(sync, &rows).await.unwrap();
            assert_eq!(shown[7], Some(number(7)));
        }
        assert_eq!(acts(site, GUARD).await, ["numbers_in_bulk"]);
        assert!(matches!(site.a().numbers_to_show(sync, &rows).await, Err(NumberError::TooMany { .. })));
        site.clock.advance(Duration::from_secs(86_400));
        assert!(site.a().numbers_to_show(sync, &rows).await.is_ok());
    });
}

#[test]
fn m5_a_live_sign_in_opens_one_number_of_that_person() {
    each_engine(async |site| {
        let (rows, user): (_, UserId) = (phones(site, 60).await, site.id());
        let now = || site.world.now();
        let send = async |phone: &PhoneRow, user| site.a().number_to_send(phone, Some(user)).await;
        // Nobody's sign-in is live: the tenant's few, and no more.
        for phone in &rows[..20] {
            assert!(send(phone, user).await.is_ok());
        }
        assert!(matches!(send(&rows[20], user).await, Err(NumberError::TooMany { .. })));
        assert_eq!(acts(site, GUARD).await, ["numbers_without_a_sign_in"]);
        // Each live sign-in opens one, of a phone of that person.
        site.store.numbers().live(site.a, user, &rows[30..32], now());
        assert!(send(&rows[33], user).await.is_err(), "somebody else's phone");
        assert!(send(&rows[30], site.id()).await.is_err(), "somebody else's sign-in");
        assert_eq!(send(&rows[31], user).await.unwrap(), number(31));
        assert!(send(&rows[30], user).await.is_err(), "a second number of one sign-in");
        // Another tenant's sign-in counts for nothing here.
        site.store.numbers().live(site.b, user, &rows[30..31], now());
        assert!(send(&rows[30], user).await.is_err());
        // What was live a minute ago isn't.
        site.store.numbers().live(site.a, user, &rows[30..31], now());
        site.clock.advance(MINUTE);
        for phone in &rows[..20] {
            assert!(send(phone, site.id()).await.is_ok(), "a new minute");
        }
        assert!(send(&rows[30], user).await.is_err());
        // A notice opens each of a person's numbers.
        site.store.numbers().notice(site.a, user, &rows[..5], now());
        for phone in &rows[..5] {
            assert!(send(phone, user).await.is_ok());
        }
        assert!(send(&rows[5], user).await.is_err());
    });
}

#[test]
fn m5_four_thousand_sign_ins_a_second_wait_for_nothing() {
    each_engine(async |site| {
        let phone = phone(site, 1).await;
        for _ in 0..4_000 {
            let user: UserId = site.id();
            site.store.numbers().live(site.a, user, [&phone], site.world.now());
            assert!(site.a().number_to_send(&phone, Some(user)).await.is_ok());
        }
        assert_eq!(acts(site, GUARD).await, Vec::<String>::new());
    });
}

#[test]
fn m5_no_other_call_opens_a_number_and_no_other_tenant() {
    each_engine(async |site| {
        let row = phone(site, 1).await;
        let sealed = row.number.as_ref().unwrap();
        assert!(site.a().open(fields::phone_number(&row.id), sealed).await.is_err());
        let keys = site.a().keys().await.unwrap();
        assert!(matches!(keys.open(fields::phone_number(&row.id), sealed), Err(keys::KeyError::Guarded)));
        // Another tenant with the whole row in its hands.
        let asker = Asker { who: PROGRAM, in_bulk: false };
        assert!(site.b().numbers_to_show(asker, std::slice::from_ref(&row)).await.is_err());
        assert!(site.b().number_to_send(&row, Some(site.id())).await.is_err());
        assert!(site.b().has_number(&row, &number(1)).await.is_err());
        assert!(site.a().has_number(&row, &number(1)).await.unwrap());
        assert!(!site.a().has_number(&row, &number(2)).await.unwrap());
    });
}

#[test]
fn m7_a_number_that_is_nobodys_is_an_alarm_when_it_is_read() {
    each_engine(async |site| {
        let rows = phones(site, 3).await;
        let mark = site.a().canary_mark(&number(1)).await.unwrap();
        assert!(site.a().set_canary_number("admin", &mark, true).await.unwrap());
        assert!(!site.a().set_canary_number("admin", &mark, true).await.unwrap());
        let asker = Asker { who: PROGRAM, in_bulk: false };
        for (place, row) in rows.iter().enumerate() {
            site.a().numbers_to_show(asker, std::slice::from_ref(row)).await.unwrap();
            assert_eq!(acts(site, GUARD).await.len(), usize::from(place >= 1));
        }
        assert_eq!(acts(site, GUARD).await, ["number_canary_read"]);
        // It is this tenant's canary and no other's.
        assert!(site.a().is_canary_number(&number(1)).await.unwrap());
        assert!(!site.b().is_canary_number(&number(1)).await.unwrap());
        assert!(site.a().set_canary_number("admin", &mark, false).await.unwrap());
        assert!(!site.a().is_canary_number(&number(1)).await.unwrap());
    });
}

#[test]
fn what_is_kept_of_a_reader_goes_with_the_user() {
    each_engine(async |site| {
        let user = site.user("narroway").await;
        let who = user.to_string();
        site.write(async |tx| {
            assert_eq!(tx.count_reading(&who, 10, 500, 0).await?, 500);
            assert_eq!(tx.count_reading(&who, 10, 7, 0).await?, 507);
            assert!(tx.add_reading_place(&who, &[1; 32], NOW).await?);
            assert!(!tx.add_reading_place(&who, &[1; 32], NOW).await?);
            assert!(tx.freeze(&who, "log", NOW).await?);
            assert!(!tx.freeze(&who, "log", NOW).await?);
            Ok(())
        })
        .await;
        assert_eq!(site.a().readings(&who, 10, 11).await.unwrap(), [507]);
        assert_eq!(site.b().readings(&who, 10, 11).await.unwrap(), [] as [i64; 0]);
        assert_eq!(site.a().all_watched("", 10).await.unwrap().len(), 1);
        site.write(async |tx| tx.delete_user(user).await).await;
        assert_eq!(site.a().readings(&who, 10, 11).await.unwrap(), [] as [i64; 0]);
        assert!(
            site.a().reading_places(&who).await.unwrap().is_empty() && site.a().watched(&who).await.unwrap().is_none()
        );
    });
}
