//! What a supplier is made to forget, and when.

use crate::mock::{Answer, Supplier, driver, hasty, text, vonage};
use countersign_suppliers::{Driver, Ledger, Patience};
use serde_json::json;
use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

fn taken(id: &str) -> Answer {
    Answer::json(200, &json!({"message-count": "1", "messages": [{"message-id": id, "status": "0"}]}))
}

fn says(status: u16) -> Answer {
    Answer::Say(status, "", String::new())
}

/// What is still to be forgotten.
#[derive(Default)]
pub(crate) struct Book {
    open: Mutex<HashSet<String>>,
    /// How often something was given a time.
    kept: AtomicUsize,
}

impl Ledger for Book {
    fn keep(&self, id: &str, _: Duration) {
        self.open.lock().unwrap().insert(id.to_owned());
        self.kept.fetch_add(1, Ordering::SeqCst);
    }

    fn done(&self, id: &str) {
        assert!(self.open.lock().unwrap().remove(id), "it is done once, and was kept before");
    }
}

impl Book {
    pub(crate) fn of(driver: &Driver) -> Arc<Self> {
        let book = Arc::new(Self::default());
        driver.keep_in(Arc::clone(&book) as Arc<dyn Ledger>);
        book
    }

    pub(crate) fn len(&self) -> usize {
        self.open.lock().unwrap().len()
    }

    fn kept(&self) -> usize {
        self.kept.load(Ordering::SeqCst)
    }

    pub(crate) async fn is_empty(&self) {
        while self.len() > 0 {
            tokio::task::yield_now().await;
        }
    }
}

/// Lets the clock of the runtime jump.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn after_the_last_receipt_and_until_it_is_done() {
    let supplier = Supplier::start().await;
    supplier.answer([taken("m-1"), says(500), Answer::Close, says(202)]);
    let driver = vonage(&supplier.url, hasty());
    let book = Book::of(&driver);
    driver.send(&text()).await.unwrap();
    assert_eq!(book.len(), 1, "also if no receipt ever comes");
    driver.forget("m-1");
    let requests = supplier.wait_for(4).await;
    for request in &requests[1..] {
        assert_eq!(request.line, "POST /v1/redact/transaction");
        assert_eq!(request.body, r#"{"id":"m-1","product":"sms","type":"outbound"}"#);
    }
    book.is_empty().await;
    assert_eq!(supplier.requests().len(), 4);
}

#[tokio::test]
async fn without_a_receipt_when_none_can_come() {
    let supplier = Supplier::start().await;
    supplier.answer([taken("m-1"), says(200)]);
    let driver = vonage(&supplier.url, Patience { grace: Duration::from_secs(60), ..hasty() });
    driver.send(&text()).await.unwrap();
    pass(Duration::from_secs(355)).await;
    assert_eq!(supplier.requests().len(), 1);
    pass(Duration::from_secs(10)).await;
    supplier.wait_for(2).await;
}

/// A supplier that is down nearly all day: within 24 hours it is told often enough.
#[tokio::test]
async fn over_a_whole_day() {
    let supplier = Supplier::start().await;
    supplier.answer([taken("m-1")]);
    supplier.answer((0..6).map(|_| says(503)));
    supplier.answer([says(200)]);
    let patience = Patience { request: Duration::from_secs(5), ..Patience::default() };
    let mut day = Duration::ZERO;
    let pauses = patience.deletion.clone();
    let driver = vonage(&supplier.url, patience);
    let book = Book::of(&driver);
    driver.send(&text()).await.unwrap();
    driver.forget("m-1");
    for (turn, pause) in pauses.iter().enumerate() {
        day += *pause;
        // The task puts the next try on its list when the last one was answered.
        while book.kept() < turn + 2 {
            tokio::task::yield_now().await;
        }
        pass(*pause + Duration::from_millis(5)).await;
        supplier.wait_for(turn + 2).await;
        // A receipt that comes again begins nothing anew.
        while turn < 6 && book.kept() < turn + 3 {
            tokio::task::yield_now().await;
        }
        driver.forget("m-1");
    }
    assert!(day <= Duration::from_secs(24 * 3600), "{day:?}");
}

#[tokio::test]
async fn gone_is_gone_and_too_much_is_refused() {
    let supplier = Supplier::start().await;
    supplier.answer([says(404), says(410), says(409), says(409), says(409), says(409)]);
    let table = json!({
        "request": {"url": format!("{}/send", supplier.url), "form": {"to": "{to}"}},
        "answer": {"id": "/id"},
        "forget": {"request": {"method": "DELETE", "url": format!("{}/messages/{{id}}", supplier.url)}},
    });
    let driver = driver("http", table, hasty());
    let book = Book::of(&driver);
    driver.forget("a/../b");
    let requests = supplier.wait_for(1).await;
    assert_eq!(requests[0].line, "DELETE /messages/a%2F..%2Fb");
    driver.forget("m-2");
    supplier.wait_for(2).await;
    // Four tries, then it is given up.
    driver.forget("m-3");
    supplier.wait_for(6).await;
    book.is_empty().await;
    for bad in ["", "a b", "ä", "..", &"x".repeat(300)] {
        driver.forget(bad);
    }
    book.is_empty().await;
    assert_eq!(supplier.requests().len(), 6, "nothing that climbs is asked for");
}
