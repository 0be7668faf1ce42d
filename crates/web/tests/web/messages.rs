//! The message log's page: who gets it, after what, and what it gives.

use crate::{
    account::{signed_in, stepped_up},
    support::{Answer, Browser, House},
};
use axum::body::Body;
use data_encoding::{BASE64, HEXLOWER};
use http::{Method, StatusCode, header};
use keys::{Part, Recipients, Segment, TenantPrivateKey};
use messaging::log::LogReader;
use serde_json::{Value, json};
use store::{MessageRow, Span};
use types::{MessageId, Millis, SegmentId, TenantId};

const READER: &str = r#"{"log_readers":["ANA","somebody.else"]}"#;

async fn house(settings: &str) -> House {
    let house = House::with(settings, "VPN").await;
    let ana = house.user("ana").await;
    house.token(ana).await;
    house
}

/// Rows of two messages, sealed to a new key, which is given.
async fn messages(house: &House, tenant: TenantId, count: usize) -> TenantPrivateKey {
    let random = house.world.random.as_ref();
    let private = TenantPrivateKey::generate(random);
    let day = house.world.now().day();
    let recipients = Recipients::new(vec![private.public()]).unwrap();
    let (mut segment, header) = Segment::begin(tenant, day, &recipients, random).unwrap();
    let scope = house.store.tenant(tenant);
    scope.add_log_segment(segment.id(), day, &header).await.unwrap();
    let of_tenant = scope.row().await.unwrap().unwrap();
    let mut tx = scope.begin().await.unwrap();
    tx.set_tenant(&of_tenant.name, &of_tenant.settings, Some(&private.public().to_text())).await.unwrap();
    for _ in 0..count {
        let id = MessageId::new(Millis(day * 86_400_000), random);
        let mut plain = house.world.now().0.to_be_bytes().to_vec();
        plain.extend_from_slice(b"\x01\x0d+491511234567");
        let key = segment.next_key().unwrap().unwrap();
        let mut sealed = key.seal(id, Part::Sent, &plain).unwrap();
        sealed.extend(keys::segment::blank(Part::Receipt));
        let row = MessageRow {
            id,
            day,
            channel: "sms".to_owned(),
            supplier: "print".to_owned(),
            purpose: "authentication".to_owned(),
            state: "sent".to_owned(),
            billing_class: "sms-1".to_owned(),
            error_class: String::new(),
            user_mark: vec![0; 32],
            receipt: None,
            sealed: Some(sealed),
            txid: None,
        };
        tx.insert_message(&row).await.unwrap();
    }
    tx.commit().await.unwrap();
    private
}

async fn ask(browser: &Browser<'_>, path: &str, token: &str, body: &Value) -> Answer {
    let request = browser
        .request(Method::POST, path)
        .header(header::CONTENT_TYPE, "application/json")
        .header("x-form-token", token);
    browser.send(request.body(Body::from(body.to_string())).unwrap()).await
}

fn period(house: &House) -> Value {
    let now = house.world.now().0;
    json!({ "from": now - 86_400_000, "to": now + 86_400_000 })
}

#[tokio::test]
async fn a_reader_gets_the_rows_sealed_after_a_step_up_and_each_reading_is_noted() {
    let house = house(READER).await;
    let private = messages(&house, house.tenant, 3).await;
    let browser = house.browser();
    signed_in(&browser).await;
    assert!(browser.get("/account").await.text().contains("href=\"/account/messages\""));
    // A session alone shows nothing.
    let before = browser.get("/account/messages").await;
    let refused = ask(&browser, "/account/messages/rows", &before.token(), &period(&house)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text());
    assert_eq!(stepped_up(&browser, "/account/messages").await, "/account/messages");
    let page = browser.get("/account/messages").await;
    let tenant = HEXLOWER.encode(house.tenant.as_bytes());
    assert!(page.text().contains(&tenant) && page.text().contains("data-messages"));
    let token = page.token();
    let answer = ask(&browser, "/account/messages/rows", &token, &period(&house)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert!(!answer.text().contains("1511234567"));
    let answer: Value = serde_json::from_str(&answer.text()).unwrap();
    let mut reader = LogReader::new(house.tenant, vec![private]);
    for segment in answer["segments"].as_array().unwrap() {
        let id = HEXLOWER.decode(segment["id"].as_str().unwrap().as_bytes()).unwrap();
        let header = BASE64.decode(segment["header"].as_str().unwrap().as_bytes()).unwrap();
        let id = SegmentId::from_bytes(id.try_into().unwrap());
        reader.add_segment(id, segment["day"].as_i64().unwrap(), Some(&header));
    }
    let rows = answer["rows"].as_array().unwrap();
    assert_eq!((rows.len(), &answer["next"]), (3, &Value::Null));
    for row in rows {
        let id = HEXLOWER.decode(row["id"].as_str().unwrap().as_bytes()).unwrap();
        let sealed = BASE64.decode(row["sealed"].as_str().unwrap().as_bytes()).unwrap();
        assert_eq!(reader.open(MessageId::from_bytes(id.try_into().unwrap()), &sealed).unwrap().to(), "+491511234567");
    }
    // Who opens the challenge has the key, and the log says so.
    let mut proved = period(&house);
    proved["prove"] = true.into();
    let challenge: Value =
        serde_json::from_str(&ask(&browser, "/account/messages/rows", &token, &proved).await.text()).unwrap();
    let challenge = &challenge["challenge"];
    let bytes = |value: &Value| BASE64.decode(value.as_str().unwrap().as_bytes()).unwrap();
    let id = |value: &Value| HEXLOWER.decode(value.as_str().unwrap().as_bytes()).unwrap();
    let segment = SegmentId::from_bytes(id(&challenge["segment"]["id"]).try_into().unwrap());
    let day = challenge["segment"]["day"].as_i64().unwrap();
    reader.add_segment(segment, day, Some(&bytes(&challenge["segment"]["header"])));
    let row = MessageId::from_bytes(id(&challenge["id"]).try_into().unwrap());
    let mut with_proof = period(&house);
    with_proof["proof"] = reader.open(row, &bytes(&challenge["sealed"])).unwrap().to().into();
    let again = ask(&browser, "/account/messages/rows", &token, &with_proof).await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.text());
    // Once for each page; the one before it and the refusal left nothing.
    let span = Span::new(Millis(0), Millis(i64::MAX), 100);
    let log = house.store.tenant(house.tenant).admin_log(&span).await.unwrap();
    let noted: Vec<_> = log.iter().filter(|row| row.action == "message_log_read").collect();
    assert_eq!((noted.len(), noted[0].actor.as_str()), (2, "ana"));
    assert_eq!(noted.iter().filter(|row| row.detail.contains(r#""has_key":true"#)).count(), 1);
    // Somebody who isn't there is no empty answer.
    let mut of_nobody = period(&house);
    of_nobody["user"] = "nobody".into();
    let unknown = ask(&browser, "/account/messages/rows", &token, &of_nobody).await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
    of_nobody["user"] = "ana".into();
    let none = ask(&browser, "/account/messages/rows", &token, &of_nobody).await;
    assert!(none.text().contains("\"rows\":[]"), "{}", none.text());
    // Names of ids that were found in rows, and of nothing else.
    let ana = house.store.tenant(house.tenant).users(None, store::Slice { offset: 0, limit: 10 }).await.unwrap().rows;
    let id = HEXLOWER.encode(ana[0].id.as_bytes());
    let names = ask(&browser, "/account/messages/names", &token, &json!({ "ids": [id, "00".repeat(16)] })).await;
    assert!(names.text().contains(&format!("{{\"{id}\":\"ana\"}}")), "{}", names.text());
    for bad in [json!({ "ids": ["x"] }), json!({}), json!([])] {
        assert_eq!(ask(&browser, "/account/messages/names", &token, &bad).await.status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn nobody_else_learns_that_there_is_a_log() {
    for settings in ["{}", r#"{"log_readers":["anna"]}"#] {
        let house = house(settings).await;
        messages(&house, house.tenant, 1).await;
        let browser = house.browser();
        signed_in(&browser).await;
        assert!(!browser.get("/account").await.text().contains("/account/messages"));
        assert_eq!(browser.get("/account/messages").await.location(), "/account");
        let token = browser.get("/account").await.token();
        for path in ["/account/messages/rows", "/account/messages/names"] {
            let answer = ask(&browser, path, &token, &period(&house)).await;
            assert!(!answer.status.is_success(), "{path}: {}", answer.text());
        }
        // And whoever has no session signs in first.
        assert_eq!(house.browser().get("/account/messages").await.location(), "/account/sign-in");
    }
}

#[tokio::test]
async fn a_step_up_for_something_else_reads_nothing() {
    let house = house(READER).await;
    let browser = house.browser();
    signed_in(&browser).await;
    stepped_up(&browser, "/account/recovery-codes").await;
    let page = browser.get("/account/messages").await;
    assert!(page.text().contains("value=\"read-messages\""));
    let refused = ask(&browser, "/account/messages/rows", &page.token(), &period(&house)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_reader_sees_how_the_carriers_do_and_nobody_else_does() {
    let house = house(READER).await;
    messages(&house, house.tenant, 3).await;
    let tenants = house.store.tenants(None, 10).await.unwrap();
    let neighbour = tenants.iter().find(|row| row.id != house.tenant).unwrap().id;
    messages(&house, neighbour, 5).await;
    let browser = house.browser();
    signed_in(&browser).await;
    assert!(browser.get("/account").await.text().contains("href=\"/account/routes\""));
    for (language, carrier, taken) in
        [("en", "Carriers", "Taken by the carrier"), ("fr", "Opérateurs", "Pris par l’opérateur")]
    {
        let page = browser.get(&format!("/account/routes?lang={language}")).await;
        assert_eq!(page.status, StatusCode::OK);
        let text = page.text();
        assert!(text.contains(carrier) && text.contains("data-state=\"routes-ready\""), "{text}");
        let outcomes = text.split("data-outcomes").nth(1).unwrap();
        assert!(outcomes.contains(taken) && outcomes.contains("<td>3</td>"), "its own three: {outcomes}");
        assert!(
            !outcomes.contains("<td>5</td>") && !outcomes.contains("<td>8</td>"),
            "not the neighbour's: {outcomes}"
        );
    }
    let other = self::house("{}").await;
    let browser = other.browser();
    signed_in(&browser).await;
    assert!(!browser.get("/account").await.text().contains("/account/routes"));
    assert_eq!(browser.get("/account/routes").await.location(), "/account");
    assert_eq!(other.browser().get("/account/routes").await.location(), "/account/sign-in");
}
