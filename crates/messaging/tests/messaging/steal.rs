//! Defence M1 and M2: what a thief of the database, its journal and the logs finds of the people who got messages. Nothing.
//!
//! A positive control keeps the scan honest: the same numbers, put into the same database in each of the forms that are looked for,
//! are found.

use crate::{supplier::Supplier, support::Fixture, twilio};
use countersign_e2e::loot::{self, Loot};
use messaging::{
    Accepted, Address, BoxFuture, Channel, ChannelKind, Content, Courier, Delivery, ErrorClass, Outgoing, Report,
    SendError, Ticket, Twilio,
};
use std::{
    collections::BTreeMap,
    io::Write,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use types::{SecretString, TenantId};

const CODE: &str = "74190358";

/// A supplier whose ids and words hold the number, as receipts do, and whose errors would.
#[derive(Default)]
struct Chatty {
    turns: Mutex<u32>,
    /// Whether every seventh message is refused.
    refuses: bool,
}

impl Channel for Chatty {
    fn name(&self) -> &str {
        "chatty"
    }

    fn carries(&self, _: ChannelKind) -> bool {
        true
    }

    fn send<'a>(&'a self, message: &'a Outgoing, _: &'a Ticket) -> BoxFuture<'a, Result<Accepted, SendError>> {
        Box::pin(async move {
            let mut turn = self.turns.lock().unwrap();
            *turn += 1;
            if self.refuses && turn.is_multiple_of(7) {
                return Err(SendError::Refused(ErrorClass::BadAddress));
            }
            Ok(Accepted { receipt: address(&message.to), segments: 1 })
        })
    }
}

fn address(to: &Address) -> String {
    match to {
        Address::Number(number, _) => number.expose().to_owned(),
        Address::Mail(address) => address.expose().to_owned(),
    }
}

/// Everything that `tracing` says, at its most talkative.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn numbers(from: u64, count: u64) -> Vec<String> {
    // Spread, so that no two share their last seven digits, and no seven digits that stand elsewhere by chance: zeros or runs.
    (0..count).map(|n| format!("+49151{:08}", (from + n * 7_919_317) % 89_999_999 + 10_000_000)).collect()
}

/// Which forms of the numbers stand in the bytes. Seven digits alone are looked for of a few: a run of them is one by chance now and then.
fn hits(bytes: &[u8], numbers: &[String]) -> BTreeMap<&'static str, usize> {
    let subscribers = numbers.iter().map(|number| number[6..].parse().unwrap());
    let mut found = BTreeMap::new();
    for hit in Loot::new(subscribers, 100).hits(bytes) {
        *found.entry(hit.form).or_default() += 1;
    }
    found
}

/// All files of the directory, the journal among them.
fn dump(directory: &Path) -> Vec<u8> {
    let files = loot::files(directory).unwrap();
    assert!(files.iter().any(|(name, _)| name.ends_with("-wal")), "the journal is missing");
    files.into_iter().flat_map(|(_, bytes)| bytes).collect()
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// Sends a text, or a mail, to each number, and lets a receipt follow.
async fn seed(courier: &Courier, fixture: &Fixture, tenant: TenantId, numbers: &[String], supplier: &str) {
    for (turn, number) in numbers.iter().enumerate() {
        let mut message = fixture.text(tenant, number, &format!("Acme: sign-in to VPN. Your code is {CODE}"));
        if turn % 5 == 4 {
            message.to = Address::Mail(format!("p{}@example.org", &number[1..]).parse().unwrap());
            let text = SecretString::new(format!("Code {CODE}"));
            message.content = Content::Mail { subject: "Sign-in".to_owned(), text };
        }
        let to = address(&message.to);
        let _ = courier.deliver(message).await;
        let report = Report {
            id: to.clone(),
            delivery: Delivery::Undelivered,
            class: ErrorClass::Unreachable,
            raw: format!("to={to} text=Your code is {CODE}"),
        };
        courier.report(supplier, &report).await.unwrap();
    }
}

#[tokio::test]
async fn a_thief_of_database_journal_and_logs_finds_no_number() {
    let said = Said::default();
    let writer = said.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // For the whole process: what the other tests cause to be said is looked through as well.
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let fixture = Fixture::new().await;
    let (sealed, private) = fixture.tenant("{}", true).await;
    let (keyless, _) = fixture.tenant("{}", false).await;
    let with_key = numbers(1_234_567, 100);
    let without = numbers(4_242_424, 100);
    let through_twilio = numbers(7_777_777, 20);
    let all: Vec<String> = [&with_key[..], &without[..], &through_twilio[..]].concat();

    let chatty = Chatty { refuses: true, ..Chatty::default() };
    let courier = Courier::new(Arc::clone(&fixture.store), vec![Arc::new(chatty)]);
    seed(&courier, &fixture, sealed, &with_key, "chatty").await;
    seed(&courier, &fixture, keyless, &without, "chatty").await;
    // The HTTP client's own words are among what is captured; the supplier refuses every other message, repeating numbers.
    let supplier = Supplier::start().await;
    let twilio = Twilio::new(twilio::config(&supplier), fixture.store.world().clone()).unwrap();
    let courier = Courier::new(Arc::clone(&fixture.store), vec![Arc::new(twilio)]);
    for number in &through_twilio {
        supplier.refuse(400, 21_211);
        assert!(courier.deliver(fixture.text(sealed, number, &format!("Your code is {CODE}"))).await.is_err());
        fixture.clock.advance(Duration::from_secs(60));
        courier.deliver(fixture.text(sealed, number, &format!("Your code is {CODE}"))).await.unwrap();
    }

    let stored = dump(fixture.path());
    let logged = said.0.lock().unwrap().clone();
    assert!(contains(&logged, b"a message was not taken"), "nothing was captured of the log");
    for (what, bytes) in [("the database", &stored), ("the log", &logged)] {
        assert_eq!(hits(bytes, &all), BTreeMap::new(), "in {what}");
        assert!(!contains(bytes, CODE.as_bytes()), "a code stands in {what}");
        assert!(!contains(bytes, b"sign-in to VPN"), "a text stands in {what}");
    }
    // A careless line would have been found.
    let careless = numbers(1, 1);
    tracing::debug!(to = %careless[0], "sent");
    let logged = said.0.lock().unwrap().clone();
    assert!(hits(&logged, &careless).contains_key("digits"));

    // What the tenant can read is all there.
    let span = store::Span::new(types::Millis(0), types::Millis(i64::MAX), 1_000);
    let rows = fixture.store.tenant(sealed).messages(&span).await.unwrap();
    let private = private.unwrap();
    let reader = fixture.reader(sealed, vec![private]).await;
    let mut read: Vec<String> =
        rows.iter().map(|row| reader.open(row.id, row.sealed.as_ref().unwrap()).unwrap().to().to_owned()).collect();
    read.sort_unstable();
    read.dedup();
    assert_eq!(read.len(), with_key.len() + through_twilio.len());
    assert!(rows.iter().all(|row| row.sealed.as_ref().map(Vec::len) == Some(messaging::log::SEALED_LEN)));
    assert!(rows.iter().all(|row| row.txid.is_none() && row.id.made_at().0 % 86_400_000 == 0));
    let rows = fixture.store.tenant(keyless).messages(&span).await.unwrap();
    assert!(rows.len() == without.len() && rows.iter().all(|row| row.sealed.is_none()));
}

#[tokio::test]
async fn the_exact_time_of_a_message_is_stored_nowhere() {
    let fixture = Fixture::new().await;
    let (tenant, _) = fixture.tenant("{}", true).await;
    let made = fixture.store.world().now();
    fixture.clock.advance(Duration::from_millis(7_654_321));
    let sent = fixture.store.world().now();
    let courier = Courier::new(Arc::clone(&fixture.store), vec![Arc::new(Chatty::default())]);
    // With a ticket's lifetime, a receipt by the supplier's id, counters of limits, and the house's own key.
    seed(&courier, &fixture, tenant, &numbers(1_234_567, 20), "chatty").await;
    let stored = dump(fixture.path());
    // As SQLite stores an integer of that size, and as a UUIDv7 begins.
    assert!(contains(&stored, &made.0.to_be_bytes()[2..]), "the scan doesn't find the time that a tenant was made at");
    assert!(!contains(&stored, &sent.0.to_be_bytes()[2..]));
    assert!(!contains(&stored, sent.0.to_string().as_bytes()));
    assert!(!contains(&stored, &u32::try_from(sent.0 / 1000).unwrap().to_be_bytes()));
}

#[tokio::test]
async fn the_scan_finds_what_is_there() {
    let fixture = Fixture::new().await;
    let all = numbers(1_234_567, 100);
    // A tenant's settings are kept in clear: here with the numbers in every form, as if they had not been sealed.
    let (tenant, _) = fixture.tenant("{}", false).await;
    let mut tx = fixture.store.tenant(tenant).begin().await.unwrap();
    tx.set_tenant("Acme", &format!("{{\"x\":\"{}\"}}", all.join(" ")), None).await.unwrap();
    tx.commit().await.unwrap();
    let stored = dump(fixture.path());
    let found = hits(&stored, &all);
    assert!(found.get("digits").copied().unwrap_or(0) >= all.len(), "{found:?}");
}

#[tokio::test]
async fn two_days_of_one_person_have_nothing_in_common() {
    let fixture = Fixture::new().await;
    let (tenant, _) = fixture.tenant("{}", true).await;
    let courier = Courier::new(Arc::clone(&fixture.store), vec![Arc::new(Chatty::default())]);
    let user = fixture.text(tenant, "+4915112345678", "x").user;
    for _ in 0..4 {
        for _ in 0..2 {
            let mut message = fixture.text(tenant, "+4915112345678", "x");
            message.user = user;
            courier.deliver(message).await.unwrap();
            fixture.clock.advance(Duration::from_secs(60));
        }
        fixture.clock.advance(Duration::from_secs(86_400));
    }
    let span = store::Span::new(types::Millis(0), types::Millis(i64::MAX), 1_000);
    let rows = fixture.store.tenant(tenant).messages(&span).await.unwrap();
    assert_eq!(rows.len(), 8);
    let mut marks = BTreeMap::new();
    for row in &rows {
        *marks.entry(row.user_mark.clone()).or_insert(0) += 1;
        assert!(marks.len() <= 4);
    }
    assert!(marks.values().all(|count| *count == 2), "one mark a day, and no mark on two days");
    // The sealed parts share the format byte and the segment's id, seventeen bytes at the head of each, and no other.
    let mut seen = std::collections::HashSet::new();
    for row in &rows {
        let (sent, receipt) = row.sealed.as_ref().unwrap().split_at(keys::Part::Sent.sealed_len());
        for part in [sent, receipt] {
            for window in part[17..].windows(8) {
                assert!(seen.insert(window.to_vec()), "eight bytes of two sealed rows are the same");
            }
        }
    }
}
