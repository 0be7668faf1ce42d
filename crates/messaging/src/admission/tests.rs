use super::*;
use crate::{
    Content, Courier, EmailAddress, Inbound, Print,
    log::day_id,
    testing::{Fixture, NOW},
};
use fraud::Rule;
use std::{net::IpAddr, sync::Arc, time::Duration};
use types::SecretString;

mod replays;

const NUMBER: &str = "+4915112345678";

struct House {
    fixture: Fixture,
    print: Arc<Print>,
    courier: Courier,
}

async fn house() -> House {
    let fixture = Fixture::new().await;
    let print = Arc::new(Print::quiet());
    let courier = Courier::new(Arc::clone(&fixture.store), vec![print.clone()]);
    House { fixture, print, courier }
}

impl House {
    /// A code to a number that nobody knows.
    fn code(&self, tenant: TenantId, number: &str) -> Outgoing {
        let mut message = self.fixture.text(tenant, number, "code");
        message.user = None;
        message.purpose = Purpose::Verify;
        message.terms.checked = true;
        message
    }

    async fn send(&self, tenant: TenantId, number: &str) -> Result<MessageId, &'static str> {
        let message = self.code(tenant, number);
        let id = day_id(message.id);
        match self.courier.deliver(message).await {
            Ok(()) => Ok(id),
            Err(SendError::Fraud { rule, .. }) => Err(rule),
            Err(SendError::Limited { .. }) => Err("limited"),
            Err(SendError::Refused(ErrorClass::OptedOut)) => Err("opted-out"),
            Err(error) => panic!("{error}"),
        }
    }

    async fn class(&self, tenant: TenantId, id: MessageId) -> String {
        self.fixture.store.tenant(tenant).message(id).await.unwrap().unwrap().error_class
    }
}

#[tokio::test]
async fn a_fresh_tenant_is_open_to_one_country() {
    let house = house().await;
    let (tenant, _) = house.fixture.tenant("{}", false).await;
    assert_eq!(house.send(tenant, "+4970012345678").await, Err("fraud-kind"), "such a number opens nothing");
    house.send(tenant, NUMBER).await.unwrap();
    assert_eq!(house.send(tenant, "+15035550100").await, Err("fraud-country"));
    house.send(tenant, "+4917212345678").await.unwrap();
    // What the directory holds goes, and opens its country.
    let mut known = house.fixture.text(tenant, "+15035550101", "x");
    known.purpose = Purpose::Authentication;
    house.courier.deliver(known).await.unwrap();
    house.send(tenant, "+15035550100").await.unwrap();
    assert_eq!(house.send(tenant, "+33612345678").await, Err("fraud-country"));
    // Another node knows as much.
    let other = Courier::new(house.fixture.other_node(), vec![Arc::new(Print::quiet())]);
    other.deliver(house.code(tenant, "+15035550102")).await.unwrap();
    assert!(other.deliver(house.code(tenant, "+33612345678")).await.is_err());
    // And another tenant begins for itself.
    let (another, _) = house.fixture.tenant("{}", false).await;
    house.send(another, "+33612345678").await.unwrap();
    assert_eq!(house.send(another, NUMBER).await, Err("fraud-country"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_first_countries_one_is_the_first() {
    let house = Arc::new(house().await);
    let (tenant, _) = house.fixture.tenant("{}", false).await;
    let begins = ["+49151", "+33612", "+34612", "+31612", "+43664", "+41791", "+46701", "+47401", "+48601", "+45201"];
    let tasks: Vec<_> = (0..100)
        .map(|turn: usize| {
            let house = Arc::clone(&house);
            let number = format!("{}{:06}", begins[turn % 10], turn * 7_919 % 1_000_000);
            tokio::spawn(async move { (turn % 10, house.send(tenant, &number).await) })
        })
        .collect();
    let mut open = HashSet::new();
    for task in tasks {
        if let (country, Ok(_)) = task.await.unwrap() {
            open.insert(country);
        }
    }
    assert_eq!(open.len(), 1, "{open:?}");
}

#[tokio::test]
async fn a_list_is_the_whole_truth() {
    let house = house().await;
    let settings = r#"{"messages":{"countries":["de"],"calling_codes":["4474"]}}"#;
    let (tenant, _) = house.fixture.tenant(settings, false).await;
    house.send(tenant, NUMBER).await.unwrap();
    house.send(tenant, "+447400123456").await.unwrap();
    assert_eq!(house.send(tenant, "+447500123456").await, Err("fraud-country"));
    let known = house.fixture.text(tenant, "+15035550101", "x");
    assert!(matches!(house.courier.deliver(known).await, Err(SendError::Fraud { rule: "fraud-country", .. })));
}

#[tokio::test]
async fn every_refusal_says_why_to_the_tenant_only() {
    let house = house().await;
    let (tenant, _) = house.fixture.tenant(r#"{"messages":{"countries":["DE"]}}"#, false).await;
    for (number, class) in
        [("+33612345678", "fraud-country"), ("+1503555010", "fraud-number"), ("+4970012345678", "fraud-kind")]
    {
        let message = house.code(tenant, number);
        let id = day_id(message.id);
        let error = house.courier.deliver(message).await.unwrap_err();
        assert!(!Rule::ALL.iter().any(|rule| error.to_string().contains(rule.name())), "{error}");
        assert_eq!(house.class(tenant, id).await, class, "{number}");
    }
    // A limit is no rule, but it is there as well.
    house.send(tenant, NUMBER).await.unwrap();
    let mut again = house.code(tenant, NUMBER);
    again.terms.checked = false;
    let id = day_id(again.id);
    assert!(matches!(house.courier.deliver(again).await, Err(SendError::Limited { .. })));
    assert_eq!(house.class(tenant, id).await, "limit-pause");
}

#[tokio::test]
async fn what_messages_may_cost() {
    use crate::routing::{Route, Table};
    let fixture = Fixture::new().await;
    let print = Arc::new(Print::quiet());
    let route = |prefix: &str, cost| Route {
        kind: ChannelKind::Sms,
        prefixes: vec![prefix.to_owned()],
        carriers: vec!["print".to_owned()],
        cost,
        per_second: None,
        then: None,
    };
    let table = Table { routes: vec![route("49", 7.0), route("1", 1.0)] };
    let courier = Courier::new(Arc::clone(&fixture.store), vec![print.clone()]);
    courier.set_routes(courier.carriers(), table);
    let house = House { fixture, print, courier };
    let settings = r#"{"messages":{"countries":["DE","US"],"spend_per_day":30,"spend_per_country":21}}"#;
    let (tenant, _) = house.fixture.tenant(settings, false).await;
    for last in 0..3 {
        house.send(tenant, &format!("+4915{last}12345678")).await.unwrap();
    }
    assert_eq!(house.send(tenant, "+4917212345678").await, Err("fraud-country-spend"));
    for last in 0..9 {
        house.send(tenant, &format!("+1503{}55010{last}", last % 8 + 2)).await.unwrap();
    }
    assert_eq!(house.send(tenant, "+12125550199").await, Err("fraud-spend"));
    // The next day there is money again.
    house.fixture.clock.advance(Duration::from_secs(86_400));
    house.send(tenant, "+4917212345678").await.unwrap();
}

#[tokio::test]
async fn a_code_that_was_entered_counts_and_one_that_did_not_leave_does_not() {
    let house = house().await;
    let (tenant, _) = house.fixture.tenant(r#"{"messages":{"countries":["DE"],"per_day":30}}"#, false).await;
    for turn in 0..30 {
        let id = house.send(tenant, &format!("+49151123456{turn:02}")).await.unwrap();
        house.courier.verified(tenant, None, Some(id));
    }
    // The tenant's day is over: what the limits keep here is no reason to block anything.
    for turn in 30..60 {
        assert_eq!(house.send(tenant, &format!("+49151123456{turn:02}")).await, Err("limited"));
    }
    assert_eq!(house.courier.blocks(tenant), []);
}

#[tokio::test]
async fn who_says_stop_gets_no_texts() {
    let house = house().await;
    let list = r#"{"messages":{"countries":["DE"]}}"#;
    let (a, _) = house.fixture.tenant(list, false).await;
    let (b, _) = house.fixture.tenant(list, false).await;
    let store = &house.fixture.store;
    let number: E164 = NUMBER.parse().unwrap();
    let write = async |text: &str| {
        opt_out::heed(store, &number, &SecretString::new(text.to_owned()), store.world().now()).await.unwrap()
    };
    house.send(a, NUMBER).await.unwrap();
    assert_eq!(write("please stop").await, None);
    assert_eq!(write("Stop").await, Some(words::Word::Stop));
    house.fixture.clock.advance(Duration::from_secs(600));
    assert_eq!(house.send(a, NUMBER).await, Err("opted-out"));
    let refused = house.code(a, NUMBER);
    let id = day_id(refused.id);
    house.courier.deliver(refused).await.unwrap_err();
    assert_eq!(house.class(a, id).await, "opted-out");
    // Who didn't write to them isn't meant, others' numbers neither; calls and mail go.
    house.send(b, NUMBER).await.unwrap();
    house.send(a, "+4917212345678").await.unwrap();
    let mut mail = house.fixture.text(a, NUMBER, "");
    mail.to = Address::Mail("anna@example.org".parse::<EmailAddress>().unwrap());
    mail.content = Content::Mail { subject: "x".to_owned(), text: SecretString::new("x".to_owned()) };
    house.courier.deliver(mail).await.unwrap();
    // Now both wrote, so both are meant; START takes all of it back.
    assert_eq!(write("STOP").await, Some(words::Word::Stop));
    house.fixture.clock.advance(Duration::from_secs(600));
    assert_eq!(house.send(b, NUMBER).await, Err("opted-out"));
    assert_eq!(write("start").await, Some(words::Word::Start));
    house.send(b, NUMBER).await.unwrap();
    house.send(a, NUMBER).await.unwrap();
    // Long after the last message everybody is meant.
    house.fixture.clock.advance(Duration::from_secs(5 * 86_400));
    let other: E164 = "+4917212345679".parse().unwrap();
    let text = SecretString::new("unsubscribe".to_owned());
    opt_out::heed(store, &other, &text, store.world().now()).await.unwrap();
    assert_eq!(house.send(a, other.expose()).await, Err("opted-out"));
    assert_eq!(house.send(b, other.expose()).await, Err("opted-out"));
    assert!(house.courier.set_opted_out(a, &other, false).await.unwrap());
    assert!(!house.courier.set_opted_out(a, &other, false).await.unwrap());
    house.send(a, other.expose()).await.unwrap();
    assert_eq!(store.tenant(b).opt_outs(&[], 10).await.unwrap().len(), 1);
    assert!(store.tenant(a).opt_outs(&[], 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_stop_that_a_carrier_brings_is_heeded() {
    let house = house().await;
    let (tenant, _) = house.fixture.tenant(r#"{"messages":{"countries":["DE"]}}"#, false).await;
    house.send(tenant, NUMBER).await.unwrap();
    let inbound =
        Inbound { from: NUMBER.parse().unwrap(), to: "12345".to_owned(), text: SecretString::new("STOP".to_owned()) };
    assert!(house.courier.desk().links().inbound("print", inbound));
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while house.fixture.store.tenant(tenant).opt_outs(&[], 1).await.unwrap().is_empty() {
        assert!(tokio::time::Instant::now() < deadline, "nobody heeded it");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
