//! Messages: what is kept of them, and what their sender is told.

use crate::house::House;
use data_encoding::BASE64;
use std::time::Duration;

fn messages(house: &House) -> String {
    format!("/2010-04-01/Accounts/{}/Messages.json", house.a.sid)
}

/// Everything that the tables of this door hold, as bytes.
async fn stored(house: &House) -> Vec<u8> {
    let path = house.directory().join("store.db");
    let mut all = std::fs::read(&path).unwrap();
    if let Ok(wal) = std::fs::read(path.with_extension("db-wal")) {
        all.extend(wal);
    }
    all
}

#[tokio::test]
async fn no_number_no_text_no_code_and_no_secret_is_kept_in_clear() {
    let house = House::new().await;
    let body = "the quick brown fox jumps";
    house.make(&house.a, &messages(&house), &[("To", "+15035550120"), ("Body", body)]).await;
    let service = house.make(&house.a, "/v2/Services", &[("FriendlyName", "Example")]).await.text("sid").to_owned();
    let begin = format!("/v2/Services/{service}/Verifications");
    drop(house.outbox.take());
    house.make(&house.a, &begin, &[("To", "+15035550121"), ("Channel", "sms")]).await;
    house.make(&house.a, &begin, &[("To", "somebody@example.org"), ("Channel", "email")]).await;
    let keys = format!("/2010-04-01/Accounts/{}/Keys.json", house.a.sid);
    let secret = house.make(&house.a, &keys, &[]).await.text("secret").to_owned();
    let factors = format!("/v2/Services/{service}/Entities/alice/Factors");
    let factor = house.make(&house.a, &factors, &[("FactorType", "totp"), ("FriendlyName", "f")]).await;
    let seed = factor.body["binding"]["secret"].as_str().unwrap().to_owned();
    let all = stored(&house).await;
    let holds = |text: &str| all.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("alice") && holds("Example"), "the search can find what is there");
    for text in ["5035550120", "5035550121", body, "somebody@example.org", &secret, &seed, &house.a.token] {
        assert!(!holds(text), "{} bytes are kept in clear", text.len());
    }
}

#[tokio::test]
async fn an_answer_has_a_number_only_where_the_request_brought_it() {
    let house = House::new().await;
    let made = house.make(&house.a, &messages(&house), &[("To", "+1 503 555 0122"), ("Body", "hi")]).await;
    assert_eq!((made.text("to"), made.text("body"), made.text("status")), ("+15035550122", "hi", "queued"));
    let path = format!("/2010-04-01/Accounts/{}/Messages/{}.json", house.a.sid, made.text("sid"));
    let later = house.ask(&house.a, "GET", &path, &[]).await;
    assert!(later.body["to"].is_null() && later.body["from"].is_null());
    assert_eq!(later.text("body"), "");
    // To the day, and no more.
    assert!(later.text("date_created").ends_with("00:00:00 +0000"), "{}", later.text("date_created"));
    for (query, found) in [("To=%2B15035550122", 1), ("To=%2B15035550123", 0)] {
        let list = house.ask(&house.a, "GET", &format!("{}?{query}", messages(&house)), &[]).await;
        assert_eq!(list.body["messages"].as_array().unwrap().len(), found, "{query}");
    }
}

#[tokio::test]
async fn what_is_over_a_limit_is_said_with_a_time_and_without_a_rule() {
    let house = House::new().await;
    let form = [("To", "+15035550124"), ("Body", "hi")];
    let mut replies = Vec::new();
    for _ in 0..30 {
        replies.push(house.ask(&house.a, "POST", &messages(&house), &form).await);
        house.clock.advance(Duration::from_secs(1));
    }
    let refused: Vec<_> = replies.iter().filter(|reply| reply.status != 201).collect();
    assert!(!refused.is_empty());
    for reply in refused {
        assert!(matches!(reply.code(), 20429 | 30450), "{}", reply.body);
        assert!(!reply.body.to_string().contains("fraud"), "{}", reply.body);
    }
    // What was refused is not in the list.
    let sent = replies.iter().filter(|reply| reply.status == 201).count();
    let list = house.ask(&house.a, "GET", &messages(&house), &[]).await;
    assert_eq!(list.body["messages"].as_array().unwrap().len(), sent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_request_that_is_repeated_a_hundred_times_is_one_message() {
    let house = House::new().await;
    let basic = BASE64.encode(format!("{}:{}", house.a.sid, house.a.token).as_bytes());
    let (basic, path) = (format!("Basic {basic}"), messages(&house));
    let ask = async |token: &str, body: &str| {
        let headers = [
            ("authorization", basic.as_str()),
            ("content-type", "application/x-www-form-urlencoded"),
            ("i-twilio-idempotency-token", token),
        ];
        house.raw("POST", &path, &headers, body.as_bytes().to_vec()).await
    };
    let all = (0..100).map(|_| ask("one", "To=%2B15035550127&Body=once"));
    let replies = futures_util::future::join_all(all).await;
    let sids: std::collections::HashSet<_> = replies.iter().map(|reply| reply.text("sid").to_owned()).collect();
    assert_eq!(sids.len(), 1);
    assert!(replies.iter().all(|reply| reply.status == 201));
    // Another token is another message.
    assert_ne!(ask("two", "To=%2B12025550127&Body=once").await.text("sid"), sids.into_iter().next().unwrap());
    let list = house.ask(&house.a, "GET", &messages(&house), &[]).await;
    assert_eq!(list.body["messages"].as_array().unwrap().len(), 2);
}
