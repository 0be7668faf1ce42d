//! No number, no text and no credential stands in an error or in the log, whatever happens.

use crate::forgetting::Book;
use crate::mock::{Answer, NUMBER, Supplier, hasty, plivo, text, vonage};
use countersign_suppliers::{Callback, Settings};
use http::HeaderMap;
use serde_json::json;
use std::{
    io::Write,
    sync::{Arc, Mutex},
};
use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter};

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn nothing_of_a_message_is_in_a_log_or_an_error() {
    let captured = Captured::default();
    // Our own crate at every level; the HTTP client's are the server's to silence.
    let subscriber =
        tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(captured.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let supplier = Supplier::start().await;
    // As the real ones do, refusals repeat what was sent.
    let echo = json!({"error": format!("{NUMBER} 'Your code is 778899' the-token-of-plivo"), "messages": [{"status": NUMBER}]});
    let mut said = String::new();
    for status in [200, 400, 401, 404, 429, 500, 302] {
        supplier.answer([Answer::json(status, &echo), Answer::json(status, &echo)]);
        for outcome in [plivo(&supplier.url).send(&text()).await, vonage(&supplier.url, hasty()).send(&text()).await] {
            let refusal = outcome.unwrap_err();
            said.push_str(&format!("{refusal} {refusal:?}\n"));
        }
    }
    said.push_str(&format!("{:?}\n", plivo("http://127.0.0.1:1").send(&text()).await));
    // A deletion that is given up.
    let driver = vonage(&supplier.url, hasty());
    let book = Book::of(&driver);
    let before = supplier.requests().len();
    driver.forget("m-1");
    supplier.wait_for(before + 4).await;
    book.is_empty().await;
    // Callbacks, good and bad.
    for body in [
        json!({"MessageUUID": "u", "Status": "delivered", "ErrorCode": NUMBER, "To": NUMBER}).to_string(),
        format!("To={NUMBER}&Status=failed"),
        "{".to_owned(),
    ] {
        let callback = Callback { url: "https://x.example/", headers: &HeaderMap::new(), body: body.as_bytes() };
        if let Err(rejected) = plivo(&supplier.url).hear(&callback) {
            said.push_str(&rejected.to_string());
        }
    }
    let wrong = Settings::read("plivo", json!({"auth_id": "MA1", "auth_token": ["the-token-of-plivo"], "from": "x"}));
    said.push_str(&wrong.unwrap().err().unwrap().to_string());
    drop(guard);
    let logged = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    let ours: String = logged.lines().filter(|line| line.contains("countersign")).collect();
    assert!(ours.contains("did not forget a message"), "it is heard at all: {logged}");
    for secret in [NUMBER, "5035550100", "778899", "the-token", "the-secret", "TICKET"] {
        assert!(!said.contains(secret), "{secret} in {said}");
        assert!(!logged.contains(secret), "{secret} in {logged}");
    }
}
