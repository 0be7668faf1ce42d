//! Whatever a supplier does, it is known whether the message may have gone out, and nothing is sent twice.

use crate::mock::{Answer, Supplier, driver, hasty, plivo, text, vonage};
use countersign_suppliers::{Class, Refusal, Taken};
use serde_json::json;
use std::time::Duration;

async fn refused(answer: Answer) -> (Refusal, usize) {
    let supplier = Supplier::start().await;
    supplier.answer([answer]);
    let refusal = plivo(&supplier.url).send(&text()).await.unwrap_err();
    (refusal, supplier.requests().len())
}

#[tokio::test]
async fn a_message_is_taken() {
    let supplier = Supplier::start().await;
    supplier
        .answer([Answer::json(202, &json!({"api_id": "x", "message": "message(s) queued", "message_uuid": ["u-1"]}))]);
    let taken = plivo(&supplier.url).send(&text()).await.unwrap();
    assert_eq!(taken, Taken { id: "u-1".to_owned(), segments: 1 });
    let requests = supplier.requests();
    assert_eq!(requests[0].line, "POST /v1/Account/MA1/Message/");
    assert!(requests[0].body.contains(r#""log":"false""#), "the supplier is asked to keep nothing");

    supplier.answer([Answer::json(200, &json!({"message-count": "2", "messages": [
        {"to": "15035550100", "message-id": "m-1", "status": "0"}, {"to": "15035550100", "message-id": "m-2", "status": "0"}]}))]);
    let taken = vonage(&supplier.url, hasty()).send(&text()).await.unwrap();
    assert_eq!(taken, Taken { id: "m-1".to_owned(), segments: 2 });
}

#[tokio::test]
async fn what_statuses_mean() {
    let say = |status, headers| Answer::Say(status, headers, r#"{"error": "no"}"#.to_owned());
    for (answer, wanted) in [
        (say(429, "Retry-After: 7\r\n"), Refusal::Throttled(Duration::from_secs(7))),
        (say(429, ""), Refusal::Throttled(Duration::from_secs(5))),
        (say(429, "Retry-After: 99999999\r\n"), Refusal::Throttled(Duration::from_secs(3600))),
        (say(429, "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n"), Refusal::Throttled(Duration::from_secs(5))),
        (say(503, "Retry-After: 2\r\n"), Refusal::Throttled(Duration::from_secs(2))),
        (say(503, ""), Refusal::Unknown),
        (say(500, ""), Refusal::Unknown),
        (say(400, ""), Refusal::Refused(Class::Other)),
        (say(401, ""), Refusal::Refused(Class::Account)),
        (say(402, ""), Refusal::Refused(Class::Account)),
        (say(404, ""), Refusal::Refused(Class::Other)),
        // It says yes and nothing else that can be understood: it may have gone out.
        (Answer::Say(200, "", String::new()), Refusal::Unknown),
        (Answer::Say(200, "", "<html>\u{7}".to_owned()), Refusal::Unknown),
        (Answer::Say(200, "", r#"{"message_uuid": ["a b"]}"#.to_owned()), Refusal::Unknown),
        (Answer::Say(200, "", r#"{"message_uuid": [""]}"#.to_owned()), Refusal::Unknown),
        (Answer::Flood(10_000_000), Refusal::Unknown),
        (Answer::Close, Refusal::Unknown),
        (Answer::Silence, Refusal::Unknown),
    ] {
        let (refusal, requests) = refused(answer).await;
        assert_eq!((refusal, requests), (wanted, 1), "what was shown to a supplier isn't shown again");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (elsewhere, supplier) = (Supplier::start().await, Supplier::start().await);
    for status in [301, 302, 303, 307, 308] {
        let headers: &'static str = Box::leak(format!("Location: {}/stolen\r\n", elsewhere.url).into_boxed_str());
        supplier.answer([Answer::Say(status, headers, String::new())]);
        let refusal = plivo(&supplier.url).send(&text()).await.unwrap_err();
        assert_eq!(refusal, Refusal::Refused(Class::Account), "{status}");
    }
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn nobody_there_means_that_nothing_was_shown() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(plivo(&format!("http://{free}")).send(&text()).await, Err(Refusal::Down));
}

#[tokio::test]
async fn codes_of_errors_that_come_with_200() {
    let supplier = Supplier::start().await;
    for (status, wanted) in [
        ("1", Refusal::Throttled(Duration::from_secs(5))),
        ("4", Refusal::Refused(Class::Account)),
        ("6", Refusal::Refused(Class::BadAddress)),
        ("7", Refusal::Refused(Class::Blocked)),
        ("99", Refusal::Refused(Class::Other)),
    ] {
        supplier.answer([Answer::json(
            200,
            &json!({"message-count": "1", "messages": [{"status": status, "error-text": "x"}]}),
        )]);
        assert_eq!(vonage(&supplier.url, hasty()).send(&text()).await, Err(wanted), "{status}");
    }
}

#[tokio::test]
async fn xml_and_plain_text() {
    let supplier = Supplier::start().await;
    let sns =
        json!({"region": "eu-central-1", "access_key_id": "A", "secret_access_key": "s", "base_url": supplier.url});
    let sns = driver("sns", sns, hasty());
    let response =
        "<PublishResponse><PublishResult><MessageId>94f20ce6-13c5</MessageId></PublishResult></PublishResponse>";
    supplier.answer([Answer::Say(200, "", response.to_owned())]);
    assert_eq!(sns.send(&text()).await.unwrap().id, "94f20ce6-13c5");
    for (status, code, wanted) in [
        (400, "Throttling", Refusal::Throttled(Duration::from_secs(5))),
        (400, "OptedOut", Refusal::Refused(Class::OptedOut)),
        (400, "InvalidParameter", Refusal::Refused(Class::BadAddress)),
        (403, "SignatureDoesNotMatch", Refusal::Refused(Class::Account)),
        (403, "SomethingNew", Refusal::Refused(Class::Account)),
        (500, "InternalError", Refusal::Refused(Class::Supplier)),
        (500, "SomethingNew", Refusal::Unknown),
    ] {
        let error = format!("<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code></Error></ErrorResponse>");
        supplier.answer([Answer::Say(status, "", error)]);
        assert_eq!(sns.send(&text()).await, Err(wanted), "{code}");
    }
    assert!(!sns.has_receipts(), "they are in CloudWatch only");

    let kannel = json!({"request": {"method": "GET", "url": format!("{}/cgi-bin/sendsms", supplier.url), "query": {"to": "{to}"}},
        "answer": {"success": [{"begins": "0: "}]}});
    let kannel = driver("http", kannel, hasty());
    supplier.answer([Answer::Say(202, "", "0: Accepted for delivery".to_owned())]);
    assert_eq!(kannel.send(&text()).await, Ok(Taken { id: String::new(), segments: 1 }));
    supplier.answer([Answer::Say(202, "", "3: Temporal failure, try again later.".to_owned())]);
    assert_eq!(kannel.send(&text()).await, Err(Refusal::Refused(Class::Other)));
}

#[tokio::test]
async fn the_sender_may_be_anothers_and_a_gap_is_no_request() {
    let supplier = Supplier::start().await;
    let taken = || Answer::json(202, &json!({"message_uuid": ["u-1"]}));
    supplier.answer([taken()]);
    let mut letter = text();
    letter.from = Some("+4930901820".to_owned());
    letter.callback = None;
    plivo(&supplier.url).send(&letter).await.unwrap();
    let body: serde_json::Value = serde_json::from_str(&supplier.requests()[0].body).unwrap();
    assert_eq!(body["src"], "4930901820");
    assert!(body.get("url").is_none());
    // An address that needs what isn't there.
    let other = json!({"request": {"url": format!("{}/{{code}}", supplier.url)}});
    assert_eq!(driver("http", other, hasty()).send(&text()).await, Err(Refusal::Unfit));
    assert_eq!(supplier.requests().len(), 1);
}
