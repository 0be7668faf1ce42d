//! WhatsApp and Telegram: codes only, and what goes before and after.

use crate::forgetting::Book;
use crate::mock::{Answer, Supplier, code, driver, hasty, text};
use countersign_suppliers::{Class, Driver, Refusal};
use serde_json::{Value, json};
use std::time::Duration;

fn whatsapp(url: &str) -> Driver {
    let table = json!({"phone_number_id": "106", "access_token": "t", "app_secret": "a", "verify_token": "v",
        "template": "login_code", "languages": ["en_US", "de"], "base_url": url});
    driver("whatsapp", table, hasty())
}

fn telegram(url: &str) -> Driver {
    driver("telegram", json!({"token": "t", "base_url": url}), hasty())
}

fn language(body: &str) -> Value {
    let body: Value = serde_json::from_str(body).unwrap();
    body["template"]["language"]["code"].clone()
}

fn error(status: u16, code: u32) -> Answer {
    Answer::json(
        status,
        &json!({"error": {"message": "(#132001) …", "type": "OAuthException", "code": code, "fbtrace_id": "A"}}),
    )
}

#[tokio::test]
async fn a_template_in_the_persons_language_or_the_first_one() {
    let supplier = Supplier::start().await;
    let taken = || {
        Answer::json(
            200,
            &json!({"messaging_product": "whatsapp", "contacts": [{"input": "+15035550100", "wa_id": "15035550100"}],
        "messages": [{"id": "wamid.HBgLMTY1MA=="}]}),
        )
    };
    let whatsapp = whatsapp(&supplier.url);
    supplier.answer([taken()]);
    assert_eq!(whatsapp.send(&code("778899")).await.unwrap().id, "wamid.HBgLMTY1MA==");
    supplier.answer([error(404, 132_001), taken()]);
    whatsapp.send(&code("778899")).await.unwrap();
    let requests = supplier.requests();
    assert_eq!(requests.iter().map(|request| language(&request.body)).collect::<Vec<_>>(), ["de", "de", "en_US"]);
    assert_eq!(requests[2].body.matches("778899").count(), 2, "in the text and behind the button");
    // Refused in the last one, too, and for something else: not tried again.
    supplier.answer([error(404, 132_001), error(404, 132_001), error(400, 131_026)]);
    assert_eq!(whatsapp.send(&code("778899")).await, Err(Refusal::Refused(Class::Account)));
    assert_eq!(whatsapp.send(&code("778899")).await, Err(Refusal::Refused(Class::BadAddress)));
    assert_eq!(supplier.requests().len(), 6);
}

#[tokio::test]
async fn metas_error_codes() {
    let supplier = Supplier::start().await;
    let whatsapp = whatsapp(&supplier.url);
    let soon = Refusal::Throttled(Duration::from_secs(5));
    for (status, number, wanted) in [
        (400, 131_047, Refusal::Refused(Class::Account)),
        (400, 131_026, Refusal::Refused(Class::BadAddress)),
        (400, 130_429, soon),
        (400, 131_056, soon),
        (401, 190, Refusal::Refused(Class::Account)),
        (400, 130_472, Refusal::Refused(Class::Blocked)),
        (500, 131_016, Refusal::Refused(Class::Supplier)),
        (400, 999_999, Refusal::Refused(Class::Other)),
    ] {
        supplier.answer([error(status, number)]);
        assert_eq!(whatsapp.send(&code("778899")).await, Err(wanted), "{number}");
    }
}

#[tokio::test]
async fn no_texts_and_no_code_that_doesnt_fit() {
    let supplier = Supplier::start().await;
    let (whatsapp, telegram) = (whatsapp(&supplier.url), telegram(&supplier.url));
    assert_eq!(whatsapp.send(&text()).await, Err(Refusal::Unfit));
    assert_eq!(telegram.send(&text()).await, Err(Refusal::Unfit));
    for bad in ["", "1234567890123456", "12 34", "http://x"] {
        assert_eq!(whatsapp.send(&code(bad)).await, Err(Refusal::Unfit), "{bad}");
    }
    for bad in ["123", "123456789", "12a456"] {
        assert_eq!(telegram.send(&code(bad)).await, Err(Refusal::Unfit), "{bad}");
    }
    assert!(supplier.requests().is_empty(), "nothing was shown to anybody");
}

#[tokio::test]
async fn telegram_is_asked_before_it_sees_a_code() {
    let supplier = Supplier::start().await;
    let telegram = telegram(&supplier.url);
    let status = |id: &str| json!({"ok": true, "result": {"request_id": id, "phone_number": "+15035550100", "request_cost": 0.01}});
    supplier.answer([Answer::json(200, &status("r-1")), Answer::json(200, &status("r-1"))]);
    assert_eq!(telegram.send(&code("778899")).await.unwrap().id, "r-1");
    let requests = supplier.requests();
    assert_eq!(requests[0].line, "POST /checkSendAbility");
    assert!(!requests[0].body.contains("778899"));
    assert_eq!(requests[1].line, "POST /sendVerificationMessage");
    assert!(requests[1].body.contains(r#""request_id":"r-1""#) && requests[1].body.contains(r#""code":"778899""#));

    supplier.answer([Answer::json(200, &json!({"ok": false, "error": "PHONE_NUMBER_NOT_FOUND"}))]);
    assert_eq!(telegram.send(&code("778899")).await, Err(Refusal::Refused(Class::BadAddress)));
    supplier.answer([Answer::json(200, &json!({"ok": false, "error": "ACCESS_TOKEN_INVALID"}))]);
    assert_eq!(telegram.send(&code("778899")).await, Err(Refusal::Refused(Class::Account)));
    // The question breaks off: the code was shown to nobody.
    supplier.answer([Answer::Close]);
    assert_eq!(telegram.send(&code("778899")).await, Err(Refusal::Down));
    // The message breaks off: nobody knows.
    supplier.answer([Answer::json(200, &status("r-2")), Answer::Close]);
    assert_eq!(telegram.send(&code("778899")).await, Err(Refusal::Unknown));
    assert_eq!(supplier.requests().iter().filter(|request| request.body.contains("778899")).count(), 2);
}

#[tokio::test]
async fn a_code_on_telegram_is_revoked_when_it_has_had_its_time_and_no_sooner() {
    let supplier = Supplier::start().await;
    let status = json!({"ok": true, "result": {"request_id": "r-1", "phone_number": "+15035550100"}});
    supplier.answer([
        Answer::json(200, &status),
        Answer::json(200, &status),
        Answer::json(200, &json!({"ok": true, "result": true})),
    ]);
    let telegram = driver("telegram", json!({"token": "t", "base_url": supplier.url}), hasty());
    let book = Book::of(&telegram);
    telegram.send(&code("778899")).await.unwrap();
    telegram.forget("r-1");
    assert_eq!((book.len(), supplier.requests().len()), (1, 2), "it has arrived, but may not have been read");
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(2 * 3600)).await;
    tokio::time::resume();
    let requests = supplier.wait_for(3).await;
    assert_eq!(requests[2].line, "POST /revokeVerificationMessage");
    assert_eq!(requests[2].body, r#"{"request_id":"r-1"}"#);
}
