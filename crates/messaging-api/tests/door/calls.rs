//! Calls that programs describe: what is taken, what is refused with which code, and what is told later.

use crate::house::{Account, House};
use data_encoding::BASE64;
use http::StatusCode;

const NUMBER: &str = "+15035550142";
const HELLO: &str = "<Response><Say>hello</Say></Response>";

fn calls(who: &Account) -> String {
    format!("/2010-04-01/Accounts/{}/Calls.json", who.sid)
}

fn one(who: &Account, sid: &str) -> String {
    format!("/2010-04-01/Accounts/{}/Calls/{sid}.json", who.sid)
}

#[tokio::test]
async fn a_call_is_taken_and_its_number_is_not_kept() {
    let house = House::new().await;
    let call = [("To", NUMBER), ("From", "+15005550006"), ("Twiml", HELLO)];
    let placed = house.make(&house.a, &calls(&house.a), &call).await;
    assert!(placed.text("sid").starts_with("CA"));
    assert_eq!(
        (placed.text("status"), placed.text("to"), placed.text("direction")),
        ("queued", NUMBER, "outbound-api")
    );
    let later = house.ask(&house.a, "GET", &one(&house.a, placed.text("sid")), &[]).await;
    assert_eq!((later.status, later.text("sid")), (StatusCode::OK, placed.text("sid")));
    // As long as this process knows it.
    assert_eq!(later.text("to"), NUMBER);
    let rows = house.ask(&house.a, "GET", &calls(&house.a), &[]).await;
    assert_eq!(rows.body["calls"].as_array().unwrap().len(), 1);
    for (filter, found) in [
        ("To=%2B15035550142", 1),
        ("To=%2B15035550143", 0),
        ("StartTime%3E=2026-01-01", 1),
        ("StartTime%3C=2026-01-01", 0),
    ] {
        let path = format!("{}?{filter}", calls(&house.a));
        let rows = house.ask(&house.a, "GET", &path, &[]).await;
        assert_eq!(rows.body["calls"].as_array().unwrap().len(), found, "{filter}");
    }
    let ignored = house.ask(&house.a, "GET", &format!("{}?Status=busy", calls(&house.a)), &[]).await;
    assert_eq!((ignored.status, ignored.code()), (StatusCode::BAD_REQUEST, 20001));
    // A call is no message, and the other way round.
    let message = one(&house.a, placed.text("sid")).replace("/Calls/CA", "/Messages/SM");
    assert_eq!(house.ask(&house.a, "GET", &message, &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn refusals_have_twilios_codes() {
    let house = House::new().await;
    for (form, code) in [
        (&[("Twiml", HELLO)][..], 21201),
        (&[("To", "5550142"), ("Twiml", HELLO)], 21211),
        (&[("To", NUMBER), ("From", "Acme"), ("Twiml", HELLO)], 21212),
        (&[("To", NUMBER)], 21205),
        (&[("To", NUMBER), ("Url", "ftp://a.example/")], 21205),
        (&[("To", NUMBER), ("Url", "http://169.254.169.254/latest/meta-data")], 21205),
        (&[("To", NUMBER), ("Url", "https://a.example/x"), ("Method", "PUT")], 20001),
        (&[("To", NUMBER), ("Twiml", "<Response><Dial>1</Dial></Response>")], 12100),
        (&[("To", NUMBER), ("Twiml", "<!DOCTYPE x><Response/>")], 12100),
        (&[("To", NUMBER), ("Twiml", HELLO), ("SendDigits", "1,2")], 21206),
        (&[("To", NUMBER), ("Twiml", HELLO), ("StatusCallback", "http://10.0.0.1/")], 21609),
        (
            &[
                ("To", NUMBER),
                ("Twiml", HELLO),
                ("StatusCallback", "https://a.example/"),
                ("StatusCallbackEvent", "hung"),
            ],
            21626,
        ),
        (&[("To", NUMBER), ("Twiml", HELLO), ("Record", "true")], 20001),
        (&[("To", NUMBER), ("Twiml", HELLO), ("MachineDetection", "Enable")], 20001),
        (&[("To", NUMBER), ("Twiml", HELLO), ("Timeout", "soon")], 20001),
    ] {
        let reply = house.ask(&house.a, "POST", &calls(&house.a), form).await;
        assert_eq!((reply.status, reply.code()), (StatusCode::BAD_REQUEST, code), "{form:?}: {}", reply.body);
    }
    let rows = house.ask(&house.a, "GET", &calls(&house.a), &[]).await;
    assert!(rows.body["calls"].as_array().unwrap().is_empty(), "a refused call leaves nothing");
}

#[tokio::test]
async fn the_same_request_twice_is_one_call() {
    let house = House::new().await;
    let basic = format!("Basic {}", BASE64.encode(format!("{}:{}", house.a.sid, house.a.token).as_bytes()));
    let headers = [
        ("authorization", basic.as_str()),
        ("content-type", "application/x-www-form-urlencoded"),
        ("host", "localhost"),
        ("i-twilio-idempotency-token", "once"),
    ];
    let body = b"To=%2B15035550142&Twiml=%3CResponse%2F%3E".to_vec();
    let first = house.raw("POST", &calls(&house.a), &headers, body.clone()).await;
    let again = house.raw("POST", &calls(&house.a), &headers, body).await;
    assert_eq!((first.status, again.status), (StatusCode::CREATED, StatusCode::CREATED));
    assert_eq!(first.text("sid"), again.text("sid"));
}

#[tokio::test]
async fn what_may_be_changed() {
    let house = House::new().await;
    let sid = house.make(&house.a, &calls(&house.a), &[("To", NUMBER), ("Twiml", HELLO)]).await.text("sid").to_owned();
    for form in [&[("Status", "busy")][..], &[], &[("Twiml", HELLO)], &[("Url", "https://a.example/")]] {
        let reply = house.ask(&house.a, "POST", &one(&house.a, &sid), form).await;
        assert_eq!((reply.status, reply.code()), (StatusCode::BAD_REQUEST, 20001), "{form:?}");
    }
    let ended = house.ask(&house.a, "POST", &one(&house.a, &sid), &[("Status", "completed")]).await;
    assert_eq!(ended.status, StatusCode::OK, "{}", ended.body);
}
