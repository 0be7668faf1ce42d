use super::{carry::claims, note::billing_class, *};
use crate::{
    Address, Content, EmailAddress, ErrorClass, Print, Purpose,
    log::{SEALED_LEN, day_id},
    testing::{Fixture, NOW, Scripted},
};
use std::sync::atomic::Ordering;
use types::SecretString;

const NUMBER: &str = "+4915112345678";

struct Desks {
    fixture: Fixture,
    channel: Arc<Scripted>,
    courier: Arc<Courier>,
}

async fn desks() -> Desks {
    let fixture = Fixture::new().await;
    let channel = Arc::new(Scripted::default());
    let courier = Arc::new(Courier::new(Arc::clone(&fixture.store), vec![channel.clone()]));
    Desks { fixture, channel, courier }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn a_message_leaves_a_row_that_only_its_tenant_can_read() {
    let Desks { fixture, courier, .. } = desks().await;
    let (tenant, private) = fixture.tenant("{}", true).await;
    let mut message = fixture.text(tenant, NUMBER, "hello");
    message.txid = Some(types::AttemptId::new(NOW, fixture.store.world().random.as_ref()));
    let id = message.id;
    courier.deliver(message).await.unwrap();
    assert!(fixture.store.tenant(tenant).message(id).await.unwrap().is_none(), "an id with the time stands in the log");
    let row = fixture.store.tenant(tenant).message(day_id(id)).await.unwrap().unwrap();
    assert_eq!((row.day, row.channel.as_str(), row.supplier.as_str()), (NOW.day(), "sms", "scripted"));
    assert_eq!((row.purpose.as_str(), row.state.as_str(), row.error_class.as_str()), ("authentication", "sent", ""));
    assert_eq!(row.billing_class, "sms-2");
    assert_eq!(row.txid, None, "an attempt's id tells the time");
    assert_eq!(row.sealed.as_ref().map(Vec::len), Some(SEALED_LEN));
    let opened = fixture.opened(tenant, &private.unwrap(), &row).await;
    assert_eq!((opened.to(), opened.at()), (NUMBER, NOW));
    assert_eq!((opened.calling_code(), opened.country()), ("49", "DE"));
    assert!(opened.user().is_some());
    assert_eq!(opened.receipt_id(), "id-0");
}

#[tokio::test]
async fn without_a_key_nothing_is_kept() {
    let Desks { fixture, courier, .. } = desks().await;
    let (tenant, _) = fixture.tenant("{}", false).await;
    let message = fixture.text(tenant, NUMBER, "hello");
    let id = day_id(message.id);
    courier.deliver(message).await.unwrap();
    let report = report("id-0", Delivery::Delivered);
    assert_eq!(courier.report("scripted", &report).await.unwrap(), Reported::Applied);
    let row = fixture.store.tenant(tenant).message(id).await.unwrap().unwrap();
    assert_eq!((row.state.as_str(), row.sealed), ("delivered", None));
}

#[tokio::test]
async fn half_a_minute_ten_minutes_and_a_day() {
    let Desks { fixture, courier, channel } = desks().await;
    let (tenant, _) = fixture.tenant("{}", false).await;
    let send = async || courier.deliver(fixture.text(tenant, NUMBER, "x")).await;
    // It is 10:20:30.405: the slots of 15 seconds end at :45, :00, :15, and the ten minutes at 10:30.
    send().await.unwrap();
    let patience = send().await.unwrap_err().retry_after();
    assert_eq!(patience, Some(seconds(45)));
    for early in [14, 15, 15] {
        fixture.clock.advance(seconds(early));
        assert!(matches!(send().await, Err(SendError::Limited { .. })), "half a minute is not over");
    }
    fixture.clock.advance(seconds(1));
    send().await.unwrap();
    fixture.clock.advance(seconds(45));
    send().await.unwrap();
    fixture.clock.advance(seconds(45));
    // 10:22:45.405, three messages since 10:20.
    assert_eq!(send().await.unwrap_err().retry_after(), Some(seconds(435)));
    fixture.clock.advance(seconds(435));
    send().await.unwrap();
    let mut sent = 4;
    for _ in 0..10 {
        fixture.clock.advance(seconds(600));
        sent += usize::from(send().await.is_ok());
    }
    assert_eq!(sent, 10, "ten on a day");
    assert_eq!(channel.sent.load(Ordering::SeqCst), 10);
    fixture.clock.advance(seconds(600));
    let patience = send().await.unwrap_err().retry_after().unwrap();
    fixture.clock.advance(patience);
    assert_eq!(fixture.store.world().now().day(), NOW.day() + 1);
    send().await.unwrap();
}

#[tokio::test]
async fn limits_are_of_the_number_and_of_the_tenant() {
    let Desks { fixture, courier, .. } = desks().await;
    let (a, _) = fixture.tenant(r#"{"messages":{"per_day":3}}"#, false).await;
    let (b, _) = fixture.tenant("{}", false).await;
    courier.deliver(fixture.text(a, NUMBER, "x")).await.unwrap();
    courier.deliver(fixture.text(b, NUMBER, "x")).await.unwrap();
    // Who gets no SMS may ask for a call at once.
    let call = CallScriptOf { keys: "42" }.to(&fixture, a);
    courier.deliver(call).await.unwrap();
    courier.deliver(fixture.text(a, "+4915112345679", "x")).await.unwrap();
    let error = courier.deliver(fixture.text(a, "+4915112345670", "x")).await.unwrap_err();
    assert!(error.retry_after().unwrap() > seconds(3600), "{error}");
    courier.deliver(fixture.text(b, "+4915112345670", "x")).await.unwrap();
}

struct CallScriptOf {
    keys: &'static str,
}

impl CallScriptOf {
    fn to(&self, fixture: &Fixture, tenant: TenantId) -> Outgoing {
        let mut message = fixture.text(tenant, NUMBER, "");
        message.txid = Some(types::AttemptId::new(NOW, fixture.store.world().random.as_ref()));
        message.content = Content::Call(crate::CallScript {
            lines: vec![SecretString::new("This is Acme.".to_owned())],
            keys: Some(SecretString::new(self.keys.to_owned())),
            fraud_key: Some('9'),
            code: None,
        });
        message
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_at_once_one_leaves() {
    let Desks { fixture, courier, channel } = desks().await;
    let (tenant, _) = fixture.tenant("{}", false).await;
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let (courier, message) = (Arc::clone(&courier), fixture.text(tenant, NUMBER, "x"));
            tokio::spawn(async move { courier.deliver(message).await })
        })
        .collect();
    let mut sent = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => sent += 1,
            Err(error) => assert!(matches!(error, SendError::Limited { .. }), "{error}"),
        }
    }
    assert_eq!((sent, channel.sent.load(Ordering::SeqCst)), (1, 1));
}

#[tokio::test]
async fn what_is_refused_leaves_a_row_that_says_why_and_spends_nothing() {
    let Desks { fixture, courier, channel } = desks().await;
    let (tenant, _) = fixture.tenant(r#"{"messages":{"calling_codes":["49"],"per_day":1}}"#, true).await;
    let abroad = fixture.text(tenant, "+15035550100", "x");
    let id = day_id(abroad.id);
    let refused = courier.deliver(abroad).await.unwrap_err();
    assert!(matches!(refused, SendError::Fraud { rule: "fraud-country", retry_after: None }), "{refused}");
    assert!(!refused.to_string().contains("country"), "whoever asked is not told why");
    let row = fixture.store.tenant(tenant).message(id).await.unwrap().unwrap();
    assert_eq!((row.state.as_str(), row.error_class.as_str()), ("failed", "fraud-country"));
    assert_eq!((row.billing_class.as_str(), row.supplier.as_str()), ("none", ""));
    courier.deliver(fixture.text(tenant, NUMBER, "x")).await.unwrap();
    let (broken, _) = fixture.tenant(r#"{"messages":7}"#, true).await;
    assert!(matches!(courier.deliver(fixture.text(broken, NUMBER, "x")).await, Err(SendError::Settings)));
    let nobody = TenantId::new(NOW, fixture.store.world().random.as_ref());
    assert!(matches!(courier.deliver(fixture.text(nobody, NUMBER, "x")).await, Err(SendError::Settings)));
    assert_eq!(channel.sent.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_message_handed_in_twice_leaves_once() {
    let Desks { fixture, courier, channel } = desks().await;
    let (tenant, _) = fixture.tenant("{}", false).await;
    let first = fixture.text(tenant, NUMBER, "x");
    let mut again = fixture.text(tenant, "+4915112345679", "x");
    again.id = first.id;
    courier.deliver(first).await.unwrap();
    assert!(matches!(courier.deliver(again).await, Err(SendError::Repeated)));
    assert_eq!(channel.sent.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_the_supplier_refuses_is_in_the_log() {
    let Desks { fixture, courier, channel } = desks().await;
    let (tenant, _) = fixture.tenant("{}", true).await;
    for (number, error, state, class) in [
        ("+4915112345671", SendError::Refused(ErrorClass::BadAddress), "failed", "bad-address"),
        ("+4915112345672", SendError::Throttled { retry_after: seconds(7) }, "failed", "throttled"),
        // It may still arrive.
        ("+4915112345673", SendError::Unavailable, "queued", "supplier"),
    ] {
        let text = error.to_string();
        channel.answers.lock().unwrap().push_back(Err(error));
        let message = fixture.text(tenant, number, "x");
        let id = day_id(message.id);
        assert_eq!(courier.deliver(message).await.unwrap_err().to_string(), text);
        let row = fixture.store.tenant(tenant).message(id).await.unwrap().unwrap();
        assert_eq!((row.state.as_str(), row.error_class.as_str()), (state, class));
    }
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_stop_a_message() {
    let fixture = Fixture::new().await;
    let channel = Arc::new(Scripted { pause: Duration::from_millis(50), ..Scripted::default() });
    let courier = Courier::new(Arc::clone(&fixture.store), vec![channel.clone()]);
    let (tenant, _) = fixture.tenant("{}", false).await;
    let message = fixture.text(tenant, NUMBER, "x");
    let id = day_id(message.id);
    assert!(tokio::time::timeout(Duration::from_millis(5), courier.deliver(message)).await.is_err());
    let deadline = tokio::time::Instant::now() + seconds(10);
    loop {
        let row = fixture.store.tenant(tenant).message(id).await.unwrap();
        if row.is_some_and(|row| row.state == "sent") {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "the message was dropped with its caller");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn kinds_and_channels() {
    let Desks { fixture, courier, .. } = desks().await;
    let (tenant, _) = fixture.tenant("{}", false).await;
    assert!(courier.carries(ChannelKind::Sms) && !courier.carries(ChannelKind::Email));
    let mail = |subject: &str| {
        let mut message = fixture.text(tenant, NUMBER, "");
        message.to = Address::Mail("anna@example.org".parse::<EmailAddress>().unwrap());
        message.content = Content::Mail { subject: subject.to_owned(), text: SecretString::new("text".to_owned()) };
        message
    };
    assert!(matches!(courier.deliver(mail("x")).await, Err(SendError::NoChannel(ChannelKind::Email))));
    let mut mixed = fixture.text(tenant, NUMBER, "x");
    mixed.to = mail("x").to;
    assert!(matches!(courier.deliver(mixed).await, Err(SendError::Mismatch)));

    // A mailbox has limits of its own; a notice has none.
    let print = Arc::new(Print::quiet());
    let courier = Courier::new(Arc::clone(&fixture.store), vec![print.clone()]);
    for _ in 0..5 {
        courier.deliver(mail("x")).await.unwrap();
    }
    assert!(courier.deliver(mail("x")).await.unwrap_err().retry_after().is_some());
    let mut notice = mail("x");
    notice.purpose = Purpose::Notice;
    courier.deliver(notice).await.unwrap();
    assert_eq!(print.outbox().take().len(), 6);
}

fn report(id: &str, delivery: Delivery) -> Report {
    let class = if delivery == Delivery::Undelivered { ErrorClass::Unreachable } else { ErrorClass::None };
    Report { id: id.to_owned(), delivery, class, raw: format!("status={}", delivery.as_str()) }
}

#[tokio::test]
async fn a_message_moves_forward_only() {
    let Desks { fixture, courier, .. } = desks().await;
    let (tenant, private) = fixture.tenant("{}", true).await;
    let message = fixture.text(tenant, NUMBER, "x");
    let id = day_id(message.id);
    courier.deliver(message).await.unwrap();
    for (delivery, became, state) in [
        (Delivery::Sent, Reported::Stale, "sent"),
        (Delivery::Queued, Reported::Stale, "sent"),
        (Delivery::Undelivered, Reported::Applied, "undelivered"),
        (Delivery::Undelivered, Reported::Stale, "undelivered"),
        (Delivery::Delivered, Reported::Stale, "undelivered"),
        (Delivery::Sent, Reported::Stale, "undelivered"),
    ] {
        assert_eq!(courier.report("scripted", &report("id-0", delivery)).await.unwrap(), became);
        let row = fixture.store.tenant(tenant).message(id).await.unwrap().unwrap();
        assert_eq!(row.state, state);
        assert_eq!(row.sealed.as_ref().map(Vec::len), Some(SEALED_LEN));
    }
    let row = fixture.store.tenant(tenant).message(id).await.unwrap().unwrap();
    assert_eq!(row.error_class, "unreachable");
    let opened = fixture.opened(tenant, &private.unwrap(), &row).await;
    assert_eq!((opened.to(), opened.receipt_words()), (NUMBER, "status=undelivered"));
    for (supplier, receipt) in [("scripted", "id-1"), ("other", "id-0")] {
        let unknown = courier.report(supplier, &report(receipt, Delivery::Sent)).await.unwrap();
        assert_eq!(unknown, Reported::Unknown);
    }
    fixture.clock.set(receipt_expiry(NOW));
    assert_eq!(courier.report("scripted", &report("id-0", Delivery::Sent)).await.unwrap(), Reported::Unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_receipts_at_once_one_counts() {
    let Desks { fixture, courier, .. } = desks().await;
    let (tenant, _) = fixture.tenant("{}", true).await;
    let message = fixture.text(tenant, NUMBER, "x");
    let id = day_id(message.id);
    courier.deliver(message).await.unwrap();
    let ends = [Delivery::Delivered, Delivery::Undelivered, Delivery::Failed];
    let tasks: Vec<_> = (0..100)
        .map(|turn| {
            let courier = Arc::clone(&courier);
            let delivery = ends[turn % 3];
            tokio::spawn(
                async move { (delivery, courier.report("scripted", &report("id-0", delivery)).await.unwrap()) },
            )
        })
        .collect();
    let mut applied = Vec::new();
    for task in tasks {
        let (delivery, became) = task.await.unwrap();
        if became == Reported::Applied {
            applied.push(delivery);
        }
    }
    assert_eq!(applied.len(), 1);
    let row = fixture.store.tenant(tenant).message(id).await.unwrap().unwrap();
    assert_eq!(row.state, applied[0].as_str());
}

#[tokio::test]
async fn a_receipt_may_come_before_the_suppliers_answer() {
    let fixture = Fixture::new().await;
    let channel = Arc::new(Scripted { pause: Duration::from_millis(100), ..Scripted::default() });
    let courier = Arc::new(Courier::new(Arc::clone(&fixture.store), vec![channel.clone()]));
    let (tenant, private) = fixture.tenant("{}", true).await;
    let message = fixture.text(tenant, NUMBER, "x");
    let (id, claims) = (day_id(message.id), {
        let mut claims = claims(&message, NOW);
        claims.message = day_id(message.id);
        claims
    });
    let sending = tokio::spawn({
        let courier = Arc::clone(&courier);
        async move { courier.deliver(message).await }
    });
    let early = loop {
        let said = courier.desk().report_on(&claims, "scripted", &report("id-0", Delivery::Delivered)).await.unwrap();
        if said != Reported::Unknown {
            break said;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    };
    assert_eq!(early, Reported::Applied);
    assert!(!sending.is_finished(), "this test must be earlier than the supplier");
    sending.await.unwrap().unwrap();
    let row = fixture.store.tenant(tenant).message(id).await.unwrap().unwrap();
    assert_eq!(row.state, "delivered", "the supplier's answer took the message back");
    let opened = fixture.opened(tenant, &private.unwrap(), &row).await;
    assert_eq!(opened.receipt_words(), "status=delivered");
    // From now on the supplier's id is known, and another's receipt under this ticket is refused.
    let other = courier.desk().report_on(&claims, "scripted", &report("id-9", Delivery::Failed)).await.unwrap();
    assert_eq!(other, Reported::Unknown);
}

#[tokio::test]
async fn a_tenant_that_changed_its_key_keeps_what_it_can_read() {
    let Desks { fixture, courier, .. } = desks().await;
    let (tenant, private) = fixture.tenant("{}", true).await;
    let message = fixture.text(tenant, NUMBER, "x");
    let id = day_id(message.id);
    courier.deliver(message).await.unwrap();
    let other = keys::TenantPrivateKey::generate(fixture.store.world().random.as_ref());
    let mut tx = fixture.store.tenant(tenant).begin().await.unwrap();
    tx.set_tenant("Acme", "{}", Some(&other.public().to_text())).await.unwrap();
    tx.commit().await.unwrap();
    courier.report("scripted", &report("id-0", Delivery::Delivered)).await.unwrap();
    let row = fixture.store.tenant(tenant).message(id).await.unwrap().unwrap();
    assert_eq!(row.state, "delivered");
    assert_eq!(fixture.opened(tenant, &private.unwrap(), &row).await.to(), NUMBER);
}

#[test]
fn billing_classes() {
    assert_eq!(billing_class("sms", 0), "sms-1");
    assert_eq!(billing_class("sms", 3), "sms-3");
    assert_eq!(billing_class("sms", 77), "sms-10+");
    assert_eq!(billing_class("voice", 1), "voice");
}
