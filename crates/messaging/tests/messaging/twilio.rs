//! The client of the supplier, over HTTP.

use crate::{
    supplier::{Answer, Supplier},
    support::Fixture,
};
use messaging::{Carrier, Courier, ErrorClass, Options, Retry, SendError, Twilio, TwilioConfig};
use std::{sync::Arc, time::Duration};
use store::engine::Statement;
use types::{SecretString, TenantId};

pub(crate) const ACCOUNT: &str = "AC00000000000000000000000000000001";
pub(crate) const TOKEN: &str = "the-token-of-the-account";
pub(crate) const PUBLIC: &str = "https://mfa.example.com";
const NUMBER: &str = "+4915112345678";

pub(crate) fn config(supplier: &Supplier) -> TwilioConfig {
    config_at(&supplier.url)
}

pub(crate) fn config_at(url: &str) -> TwilioConfig {
    TwilioConfig {
        base_url: url.to_owned(),
        account_sid: ACCOUNT.to_owned(),
        token: SecretString::new(TOKEN.to_owned()),
        from: "+15005550006".to_owned(),
        voice_from: None,
        public_url: Some(format!("{PUBLIC}/")),
        validity: Duration::from_secs(300),
        retry: Retry {
            tries: 3,
            pause: Duration::from_millis(2),
            request: Duration::from_millis(500),
            deletion: vec![Duration::ZERO, Duration::from_millis(5), Duration::from_millis(5)],
        },
    }
}

pub(crate) struct House {
    pub(crate) fixture: Fixture,
    pub(crate) supplier: Supplier,
    pub(crate) courier: Arc<Courier>,
    pub(crate) tenant: TenantId,
    pub(crate) private: keys::TenantPrivateKey,
}

pub(crate) async fn house(change: impl FnOnce(&mut TwilioConfig)) -> House {
    let fixture = Fixture::new().await;
    let supplier = Supplier::start().await;
    let mut config = config(&supplier);
    change(&mut config);
    let twilio = Arc::new(Twilio::new(config, fixture.store.world().clone()).unwrap());
    let courier = Arc::new(Courier::new(Arc::clone(&fixture.store), vec![twilio]));
    let (tenant, private) = fixture.tenant("{}", true).await;
    House { fixture, supplier, courier, tenant, private: private.unwrap() }
}

impl House {
    async fn text(&self, number: &str) -> Result<(), SendError> {
        self.courier.deliver(self.fixture.text(self.tenant, number, "Acme: sign-in. Your code is 778899")).await
    }
}

#[tokio::test]
async fn every_parameter_of_a_text() {
    let house = house(|_| {}).await;
    house.text(NUMBER).await.unwrap();
    let [request] = &house.supplier.requests()[..] else { panic!("one request") };
    assert_eq!(request.method, "POST");
    assert_eq!(request.path, format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json"));
    let signed_in = data_encoding::BASE64.encode(format!("{ACCOUNT}:{TOKEN}").as_bytes());
    assert_eq!(request.authorization, format!("Basic {signed_in}"));
    assert_eq!(
        request.names(),
        ["AddressRetention", "Body", "ContentRetention", "From", "StatusCallback", "To", "ValidityPeriod"]
    );
    for (name, value) in [
        ("To", NUMBER),
        ("From", "+15005550006"),
        ("Body", "Acme: sign-in. Your code is 778899"),
        ("ValidityPeriod", "300"),
        ("ContentRetention", "discard"),
        ("AddressRetention", "obfuscate"),
    ] {
        assert_eq!(request.value(name), Some(value));
    }
    let callback = request.value("StatusCallback").unwrap();
    let ticket = callback.strip_prefix(&format!("{PUBLIC}/telephony/twilio/status/")).unwrap();
    assert!(ticket.len() >= 43, "a ticket of at least 256 bits");
    assert!(ticket.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
    for part in [NUMBER, &NUMBER[1..], &NUMBER[NUMBER.len() - 7..]] {
        assert!(!callback.contains(part));
    }
    house.text("+4915112345679").await.unwrap();
    let second = house.supplier.requests()[1].value("StatusCallback").unwrap().to_owned();
    assert_ne!(second, callback, "each message has a ticket of its own");
}

#[tokio::test]
async fn a_messaging_service_stands_in_for_the_sender() {
    let service = "MG00000000000000000000000000000001";
    let house = house(|config| config.from = service.to_owned()).await;
    house.text(NUMBER).await.unwrap();
    let request = &house.supplier.requests()[0];
    assert_eq!((request.value("MessagingServiceSid"), request.value("From")), (Some(service), None));
    assert!(!house.courier.carries(messaging::ChannelKind::Voice), "a service can't call");
}

#[tokio::test]
async fn every_parameter_of_a_call() {
    let house = house(|_| {}).await;
    let (call, _) = house.fixture.call(house.tenant, NUMBER, ",,77#");
    house.courier.deliver(call).await.unwrap();
    let [request] = &house.supplier.requests()[..] else { panic!("one request") };
    assert_eq!(request.path, format!("/2010-04-01/Accounts/{ACCOUNT}/Calls.json"));
    assert_eq!(
        request.names(),
        [
            "From",
            "SendDigits",
            "StatusCallback",
            "StatusCallbackEvent",
            "StatusCallbackMethod",
            "TimeLimit",
            "Timeout",
            "To",
            "Twiml"
        ]
    );
    for (name, value) in [
        ("To", NUMBER),
        ("From", "+15005550006"),
        ("SendDigits", "ww77#"),
        ("StatusCallbackEvent", "completed"),
        ("TimeLimit", "60"),
        ("Timeout", "30"),
    ] {
        assert_eq!(request.value(name), Some(value));
    }
    let twiml = request.value("Twiml").unwrap();
    assert!(twiml.contains("<Say>This is Acme &amp; Sons.</Say>") && twiml.contains("numDigits=\"2\""), "{twiml}");
    assert!(twiml.contains(&format!("action=\"{PUBLIC}/telephony/twilio/keys/")), "{twiml}");
    assert!(!twiml.contains("42"), "the pair that approves is nobody's but the page's");
}

#[tokio::test]
async fn redaction_that_the_account_lacks_is_asked_for_once() {
    let house = house(|_| {}).await;
    house.supplier.refuse(400, 30_029);
    house.text(NUMBER).await.unwrap();
    house.text("+4915112345679").await.unwrap();
    let asked: Vec<bool> =
        house.supplier.requests().iter().map(|request| request.value("ContentRetention").is_some()).collect();
    assert_eq!(asked, [true, false, false]);
    assert_eq!(house.supplier.requests()[1].value("AddressRetention"), None);
}

#[tokio::test]
async fn what_was_certainly_not_taken_is_tried_again() {
    let house = house(|_| {}).await;
    house.supplier.answer([Answer::Json(503, "busy".to_owned()), Answer::Throttled(0)]);
    house.text(NUMBER).await.unwrap();
    assert_eq!(house.supplier.requests().len(), 3);
    house.supplier.answer([500, 502, 504].map(|status| Answer::Json(status, String::new())));
    assert!(matches!(house.text("+4915112345679").await, Err(SendError::Unavailable)));
    assert_eq!(house.supplier.requests().len(), 6, "three tries and no more");
}

#[tokio::test]
async fn what_may_have_been_taken_is_not_sent_twice() {
    let house = house(|_| {}).await;
    house.supplier.answer([Answer::Silence]);
    assert!(matches!(house.text(NUMBER).await, Err(SendError::Unavailable)));
    house.supplier.answer([Answer::Close]);
    assert!(matches!(house.text("+4915112345679").await, Err(SendError::Unavailable)));
    house.supplier.answer([Answer::Json(201, "{\"sid\":".to_owned())]);
    assert!(matches!(house.text("+4915112345670").await, Err(SendError::Unavailable)));
    assert_eq!(house.supplier.requests().len(), 3);
}

#[tokio::test]
async fn nobody_at_the_address_is_tried_again_and_then_said() {
    let house = house(|config| config.base_url = "http://127.0.0.1:1".to_owned()).await;
    assert!(matches!(house.text(NUMBER).await, Err(SendError::Down)));
}

#[tokio::test]
async fn a_long_wait_is_handed_on() {
    let house = house(|_| {}).await;
    house.supplier.answer([Answer::Throttled(77)]);
    let error = house.text(NUMBER).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(77)));
    assert_eq!(house.supplier.requests().len(), 1);
}

#[tokio::test]
async fn refusals_have_a_class_and_no_number() {
    let house = house(|_| {}).await;
    for (turn, (status, code, class)) in [
        (400, 21_211, ErrorClass::BadAddress),
        (400, 21_614, ErrorClass::BadAddress),
        (400, 21_408, ErrorClass::Region),
        (400, 21_610, ErrorClass::OptedOut),
        (400, 30_003, ErrorClass::Unreachable),
        (400, 30_450, ErrorClass::Blocked),
        (401, 20_003, ErrorClass::Account),
        (400, 99_999, ErrorClass::Other),
    ]
    .into_iter()
    .enumerate()
    {
        house.supplier.refuse(status, code);
        let error = house.text(&format!("+49151123456{turn:02}")).await.unwrap_err();
        assert!(matches!(&error, SendError::Refused(found) if *found == class), "{code}: {error}");
        let text = format!("{error} {error:?}");
        assert!(!text.contains("555") && !text.contains("778899") && !text.contains("4915"), "{text}");
    }
    assert_eq!(house.supplier.requests().len(), 8, "a refusal is not tried again");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let house = house(|_| {}).await;
    house.supplier.answer([Answer::Json(307, String::new())]);
    assert!(house.text(NUMBER).await.is_err());
    assert_eq!(house.supplier.requests().len(), 1);
}

#[tokio::test]
async fn without_callbacks_a_message_is_deleted_when_its_time_is_over() {
    let house = house(|config| {
        config.public_url = None;
        config.validity = Duration::from_millis(20);
    })
    .await;
    assert!(!house.courier.carries(messaging::ChannelKind::Voice), "nobody would hear the keys");
    // Too fresh at first, as the real one says of a new message.
    house.supplier.answer([
        Answer::Json(201, r#"{"sid":"SM0000000000000000000000000000000a","num_segments":"1"}"#.to_owned()),
        Answer::Json(400, r#"{"code":20009,"status":400}"#.to_owned()),
    ]);
    house.text(NUMBER).await.unwrap();
    let requests = house.supplier.wait_for(3).await;
    assert_eq!(requests[0].value("StatusCallback"), None);
    for request in &requests[1..] {
        let path = format!("/2010-04-01/Accounts/{ACCOUNT}/Messages/SM0000000000000000000000000000000a.json");
        assert_eq!((request.method.as_str(), request.path.as_str()), ("DELETE", path.as_str()));
        assert!(request.authorization.starts_with("Basic "));
    }
    until_kept(&house.fixture, 0).await;
    assert_eq!(house.supplier.requests().len(), 3, "what is gone is not deleted again");
}

/// Waits until so many messages are noted as still to be forgotten.
async fn until_kept(fixture: &Fixture, wanted: i64) {
    static COUNT: Statement = Statement::new("test_count", "SELECT COUNT(*) FROM supplier_deletion", &[]);
    let kept = async || {
        let rows = fixture.store.engine().read(vec![(&COUNT, Vec::new())]).await.unwrap();
        rows.into_iter().flatten().next().unwrap().read().take::<i64>().unwrap()
    };
    while kept().await != wanted {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_supplier_is_to_forget_outlives_the_process() {
    let (fixture, supplier) = (Fixture::new().await, Supplier::start().await);
    let (tenant, _) = fixture.tenant("{}", false).await;
    let id = "SM0000000000000000000000000000000b";
    supplier.answer([Answer::Json(201, format!(r#"{{"sid":"{id}"}}"#)), Answer::Json(503, String::new())]);
    let open = |deletion: &[u64], store: &Arc<store::Store>| {
        let mut config = config(&supplier);
        config.public_url = None;
        config.validity = Duration::ZERO;
        config.retry.deletion = deletion.iter().copied().map(Duration::from_secs).collect();
        let twilio = Arc::new(Twilio::new(config, store.world().clone()).unwrap());
        let queue_keys = Some(fixture.path().join("queue-keys"));
        let options = Options { queue_keys, ..Options::default() };
        Courier::open(Arc::clone(store), vec![Carrier::new(twilio)], options).unwrap()
    };
    // A process of its own, as far as its tasks go: they end with its runtime. Its supplier says no, and would be asked in an hour.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let courier = open(&[0, 3_600], &fixture.store);
                courier.deliver(fixture.text(tenant, NUMBER, "x")).await.unwrap();
                supplier.wait_for(2).await;
                until_kept(&fixture, 1).await;
            });
        });
    });
    for entry in std::fs::read_dir(fixture.path()).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_file() {
            let bytes = std::fs::read(&entry).unwrap();
            assert!(!bytes.windows(id.len()).any(|window| window == id.as_bytes()), "{}", entry.display());
        }
    }
    let _second = open(&[0], &fixture.store);
    let requests = supplier.wait_for(3).await;
    assert_eq!(requests[2].method, "DELETE");
    assert!(requests[2].path.ends_with(&format!("Messages/{id}.json")), "{}", requests[2].path);
    until_kept(&fixture, 0).await;
    assert_eq!(supplier.requests().len(), 3);
}
