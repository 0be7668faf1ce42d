//! From one carrier to the next.

use super::*;
use crate::{
    Accepted, Address, BoxFuture, CallScript, Content, ErrorClass, Renewal, Ticket, routing::Route, testing::Fixture,
};
use std::{
    collections::VecDeque,
    sync::{PoisonError, atomic::AtomicBool, atomic::Ordering},
};
use tokio::sync::Notify;
use types::SecretString;

pub(super) const NUMBER: &str = "+4915112345678";
pub(super) const SOON: Duration = Duration::from_secs(20);

/// A carrier that does what it is told.
pub(super) struct Told {
    pub(super) name: &'static str,
    pub(super) kinds: Vec<ChannelKind>,
    pub(super) ready: AtomicBool,
    pub(super) reports: bool,
    pub(super) answers: Mutex<VecDeque<Result<Accepted, SendError>>>,
    pub(super) seen: Mutex<Vec<String>>,
    pub(super) came: Notify,
    /// While it is set, nothing is answered.
    pub(super) silent: AtomicBool,
    /// So long it takes to answer.
    pub(super) pause: Duration,
}

impl Told {
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            kinds: vec![ChannelKind::Sms],
            ready: AtomicBool::new(true),
            reports: true,
            answers: Mutex::default(),
            seen: Mutex::default(),
            came: Notify::new(),
            silent: AtomicBool::new(false),
            pause: Duration::ZERO,
        }
    }

    pub(super) fn answering(self, answer: SendError) -> Self {
        self.answers.lock().unwrap().push_back(Err(answer));
        self
    }

    pub(super) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) async fn saw(&self, count: usize) {
        let wait = async {
            loop {
                let came = self.came.notified();
                if self.seen().len() >= count {
                    return;
                }
                came.await;
            }
        };
        let done = tokio::time::timeout(SOON, wait).await;
        assert!(done.is_ok(), "{} saw {} messages and not {count}", self.name, self.seen().len());
    }
}

impl Channel for Told {
    fn name(&self) -> &str {
        self.name
    }

    fn carries(&self, kind: ChannelKind) -> bool {
        self.kinds.contains(&kind)
    }

    fn is_ready(&self) -> bool {
        self.ready.load(Ordering::SeqCst)
    }

    fn reports(&self, _: ChannelKind) -> bool {
        self.reports
    }

    fn send<'a>(&'a self, message: &'a Outgoing, _: &'a Ticket) -> BoxFuture<'a, Result<Accepted, SendError>> {
        Box::pin(async move {
            let said = match &message.content {
                Content::Text(text) => text.expose().to_owned(),
                Content::Call(script) => script.code.as_ref().unwrap().expose().to_owned(),
                _ => String::new(),
            };
            let turn = {
                let mut seen = self.seen.lock().unwrap();
                seen.push(said);
                seen.len()
            };
            self.came.notify_one();
            if self.silent.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            if !self.pause.is_zero() {
                tokio::time::sleep(self.pause).await;
            }
            let answer = self.answers.lock().unwrap().pop_front();
            answer.unwrap_or_else(|| Ok(Accepted { receipt: format!("{}-{turn}", self.name), segments: 1 }))
        })
    }
}

/// Codes 0, 1, 2 …: only the newest counts, and none after a revocation.
#[derive(Default)]
pub(super) struct Codes {
    newest: AtomicUsize,
    is_over: AtomicBool,
    revoked: Notify,
}

impl Codes {
    /// So many were worded after the first.
    pub(super) fn newest(&self) -> usize {
        self.newest.load(Ordering::SeqCst)
    }
}

impl Renewal for Codes {
    fn renew<'a>(&'a self, kind: ChannelKind) -> BoxFuture<'a, Option<Content>> {
        Box::pin(async move {
            if self.is_over.load(Ordering::SeqCst) {
                return None;
            }
            let code = SecretString::new(format!("code {}", self.newest.fetch_add(1, Ordering::SeqCst) + 1));
            match kind {
                ChannelKind::Sms => Some(Content::Text(code)),
                ChannelKind::Voice => Some(Content::Call(CallScript { code: Some(code), ..CallScript::default() })),
                _ => None,
            }
        })
    }

    fn revoke(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.is_over.store(true, Ordering::SeqCst);
            self.revoked.notify_one();
        })
    }
}

pub(super) struct House {
    pub(super) fixture: Fixture,
    pub(super) tenant: TenantId,
    pub(super) courier: Arc<Courier>,
    pub(super) told: Vec<Arc<Told>>,
}

pub(super) async fn house(told: Vec<Told>, receipt: Duration) -> House {
    house_waiting(told, Some(receipt)).await
}

pub(super) async fn house_waiting(told: Vec<Told>, receipt: Option<Duration>) -> House {
    let fixture = Fixture::new().await;
    let (tenant, _) = fixture.tenant("{}", false).await;
    let told: Vec<Arc<Told>> = told.into_iter().map(Arc::new).collect();
    let carrier = |it: &Arc<Told>| {
        let carrier = Carrier::new(it.clone() as Arc<dyn Channel>);
        receipt.map_or(carrier.clone(), |receipt| carrier.waiting(receipt))
    };
    let carriers = told.iter().map(carrier).collect();
    let courier = Courier::open(Arc::clone(&fixture.store), carriers, Options::default()).unwrap();
    House { fixture, tenant, courier: Arc::new(courier), told }
}

impl House {
    pub(super) fn code(&self) -> (Outgoing, Arc<Codes>) {
        let codes = Arc::new(Codes::default());
        let mut message = self.fixture.text(self.tenant, NUMBER, "code 0");
        message.renewal = Some(codes.clone());
        (message, codes)
    }

    pub(super) async fn rows(&self) -> Vec<(String, String, String)> {
        let span = store::Span::new(Millis(0), Millis(i64::MAX), 100);
        let rows = self.fixture.store.tenant(self.tenant).messages(&span).await.unwrap();
        let mut rows: Vec<_> = rows.into_iter().map(|row| (row.supplier, row.state, row.error_class)).collect();
        rows.sort();
        rows
    }

    /// Waits until the log says this of its rows: carrier, state, error, in order.
    pub(super) async fn until_rows(&self, wanted: &[(&str, &str, &str)]) {
        let deadline = tokio::time::Instant::now() + SOON;
        loop {
            let rows = self.rows().await;
            let rows: Vec<_> = rows.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str())).collect();
            if rows == wanted {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "{rows:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until nothing is under way any more: whoever carries a message, or waits for its receipt, holds the desk.
    pub(super) async fn at_rest(&self) {
        while Arc::strong_count(&self.courier.desk) > 1 {
            std::thread::sleep(Duration::from_millis(1));
            tokio::task::yield_now().await;
        }
    }

    /// How many messages of this process stand in the queue; nobody's from then on.
    pub(super) async fn held(&self) -> usize {
        self.fixture.store.take_over_messages(self.courier.desk.shelf.holder(), &[0; 16]).await.unwrap().len()
    }

    pub(super) async fn report(&self, carrier: &str, id: &str, delivery: Delivery) {
        let class = if delivery == Delivery::Undelivered { ErrorClass::Unreachable } else { ErrorClass::None };
        let report = Report { id: id.to_owned(), delivery, class, raw: String::new() };
        assert_eq!(self.courier.report(carrier, &report).await.unwrap(), Reported::Applied);
    }
}

#[tokio::test]
async fn a_carrier_that_is_down_sees_nothing_and_the_next_gets_the_same() {
    let down = Told { ready: AtomicBool::new(false), ..Told::new("a") };
    let house = house(vec![down, Told::new("b").answering(SendError::Down), Told::new("c")], SOON).await;
    house.courier.deliver(house.fixture.text(house.tenant, NUMBER, "x")).await.unwrap();
    assert_eq!(house.told[0].seen(), [""; 0]);
    assert_eq!((house.told[1].seen().len(), house.told[2].seen()), (1, vec!["x".to_owned()]));
    assert_eq!(house.rows().await, [("c".to_owned(), "sent".to_owned(), String::new())]);
    assert_eq!(house.held().await, 0, "it stands in the queue no more");
}

#[tokio::test]
async fn what_a_carrier_has_seen_goes_to_no_other() {
    for error in [SendError::Refused(ErrorClass::Blocked), SendError::Unavailable] {
        let (text, class) = (error.to_string(), error.class());
        let house = house(vec![Told::new("a").answering(error), Told::new("b")], SOON).await;
        let done = house.courier.deliver(house.fixture.text(house.tenant, NUMBER, "x")).await;
        assert_eq!(done.unwrap_err().to_string(), text);
        assert_eq!(house.told[1].seen(), [""; 0]);
        assert_eq!(house.rows().await[0].2, class.as_str());
    }
}

#[tokio::test]
async fn a_code_that_was_refused_is_worded_anew_for_the_next() {
    let refusing = Told::new("a").answering(SendError::Refused(ErrorClass::Blocked));
    let silent = Told::new("b").answering(SendError::Unavailable);
    let house = house(vec![refusing, silent, Told::new("c")], SOON).await;
    let (message, codes) = house.code();
    house.courier.deliver(message).await.unwrap();
    let seen: Vec<_> = house.told.iter().map(|it| it.seen()).collect();
    assert_eq!(seen, [["code 0"], ["code 1"], ["code 2"]], "the same code went to two");
    assert_eq!(codes.newest.load(Ordering::SeqCst), 2);
    house.until_rows(&[("a", "failed", "blocked"), ("b", "failed", "supplier"), ("c", "sent", "")]).await;
    assert_eq!(house.held().await, 0);
}

#[tokio::test]
async fn a_receipt_that_is_missing_or_bad_sends_the_code_another_way() {
    let house = house(vec![Told::new("a"), Told::new("b"), Told::new("c")], Duration::from_millis(50)).await;
    let (message, _) = house.code();
    house.courier.deliver(message).await.unwrap();
    house.told[1].saw(1).await;
    house.until_rows(&[("a", "failed", "no-receipt"), ("b", "sent", "")]).await;
    house.report("b", "b-1", Delivery::Undelivered).await;
    house.told[2].saw(1).await;
    assert_eq!(house.told[2].seen(), ["code 2"]);
    house.until_rows(&[("a", "failed", "no-receipt"), ("b", "undelivered", "unreachable"), ("c", "sent", "")]).await;
    house.report("c", "c-1", Delivery::Delivered).await;
    house
        .until_rows(&[("a", "failed", "no-receipt"), ("b", "undelivered", "unreachable"), ("c", "delivered", "")])
        .await;
}

#[tokio::test]
async fn a_code_that_was_entered_or_has_arrived_goes_nowhere_else() {
    let house = house(vec![Told::new("a"), Told::new("b")], SOON).await;
    let (message, _) = house.code();
    let user = message.user;
    house.courier.deliver(message).await.unwrap();
    house.courier.verified(house.tenant, user, None);
    let (mut message, _) = house.code();
    message.to = Address::Number("+4915112345679".parse().unwrap(), String::new());
    house.courier.deliver(message).await.unwrap();
    house.report("a", "a-2", Delivery::Delivered).await;
    house.at_rest().await;
    assert_eq!(house.told[1].seen(), [""; 0]);
    assert_eq!(house.courier.desk.followed(), 1, "of the second it isn't known whether it will be entered");
}

#[tokio::test]
async fn a_code_is_spoken_where_no_message_brings_it() {
    let voice = Told { kinds: vec![ChannelKind::Voice], ..Told::new("v") };
    for first in
        [Told::new("a").answering(SendError::Refused(ErrorClass::Blocked)), Told::new("a").answering(SendError::Down)]
    {
        let house = house(vec![first, Told { kinds: voice.kinds.clone(), ..Told::new("v") }], SOON).await;
        let route = |kind, carrier: &str, then| Route {
            kind,
            prefixes: vec!["49".to_owned()],
            carriers: vec![carrier.to_owned()],
            cost: 0.0,
            per_second: None,
            then,
        };
        let routes = vec![route(ChannelKind::Sms, "a", Some(ChannelKind::Voice)), route(ChannelKind::Voice, "v", None)];
        house.courier.set_routes(house.courier.carriers(), Table { routes });
        let (message, _) = house.code();
        house.courier.deliver(message).await.unwrap();
        assert_eq!(
            (house.told[0].seen(), house.told[1].seen()),
            (vec!["code 0".to_owned()], vec!["code 1".to_owned()])
        );
        let span = store::Span::new(Millis(0), Millis(i64::MAX), 100);
        let rows = house.fixture.store.tenant(house.tenant).messages(&span).await.unwrap();
        assert!(rows.iter().any(|row| row.channel == "voice" && row.supplier == "v" && row.state == "sent"));
        let abroad = house.fixture.text(house.tenant, "+15035550100", "x");
        assert!(matches!(house.courier.deliver(abroad).await, Err(SendError::CountryRefused)), "no route leads there");
    }
}

#[tokio::test]
async fn what_is_under_way_through_a_carrier_that_is_cut_dies() {
    let house = house(vec![Told { silent: AtomicBool::new(true), ..Told::new("a") }, Told::new("b")], SOON).await;
    // One is being handed over, one waits for its receipt, one has arrived and can still be entered.
    house.told[0].silent.store(false, Ordering::SeqCst);
    let message = |number: &str| {
        let (mut message, codes) = house.code();
        message.to = Address::Number(number.parse().unwrap(), String::new());
        (message, codes)
    };
    let (arrived, arrived_codes) = message("+4915112345671");
    house.courier.deliver(arrived).await.unwrap();
    house.report("a", "a-1", Delivery::Delivered).await;
    let (waits, waits_codes) = message("+4915112345672");
    house.courier.deliver(waits).await.unwrap();
    house.told[0].silent.store(true, Ordering::SeqCst);
    let (handed, handed_codes) = message("+4915112345673");
    let courier = Arc::clone(&house.courier);
    let handing = tokio::spawn(async move { courier.deliver(handed).await });
    house.told[0].saw(3).await;
    house.courier.cut("a", "its account was taken over").await.unwrap();
    handing.await.unwrap().unwrap();
    house.told[1].saw(2).await;
    tokio::time::timeout(SOON, arrived_codes.revoked.notified()).await.unwrap();
    assert_eq!(arrived_codes.newest.load(Ordering::SeqCst), 0, "it is not sent again: the person may ask");
    assert_eq!(house.told[1].seen(), ["code 1", "code 1"]);
    for codes in [waits_codes, handed_codes] {
        assert_eq!((codes.newest.load(Ordering::SeqCst), codes.is_over.load(Ordering::SeqCst)), (1, false));
    }
    let state = &house.courier.carrier_states()[0];
    assert_eq!((state.name.as_str(), state.cut.as_deref()), ("a", Some("its account was taken over")));
    let text = |number| house.fixture.text(house.tenant, number, "x");
    house.courier.deliver(text("+4915112345674")).await.unwrap();
    assert_eq!(house.told[1].seen().len(), 3, "nothing goes through it any more");
    house.courier.restore("a").await.unwrap();
    house.told[0].silent.store(false, Ordering::SeqCst);
    house.courier.deliver(text("+4915112345675")).await.unwrap();
    assert_eq!(house.told[0].seen().len(), 4);
}

#[tokio::test]
async fn every_node_hears_of_a_cut() {
    let house = house(vec![Told::new("a")], SOON).await;
    let told = Arc::new(Told::new("a"));
    let other = Courier::new(house.fixture.other_node(), vec![told]);
    house.courier.cut("a", "x").await.unwrap();
    let deadline = tokio::time::Instant::now() + SOON;
    while other.carrier_states()[0].cut.is_none() {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(matches!(other.deliver(house.fixture.text(house.tenant, NUMBER, "x")).await, Err(SendError::Cut)));
    // One that starts now knows it before its first message.
    let late = Courier::new(house.fixture.other_node(), vec![Arc::new(Told::new("a"))]);
    assert!(matches!(late.deliver(house.fixture.text(house.tenant, NUMBER, "x")).await, Err(SendError::Cut)));
}

#[tokio::test]
async fn a_lost_message_is_heard_of_on_the_node_that_waits() {
    let house = house(vec![Told::new("a"), Told::new("b")], SOON).await;
    let other = Courier::new(house.fixture.other_node(), Vec::new());
    let (message, _) = house.code();
    house.courier.deliver(message).await.unwrap();
    let report =
        Report { id: "a-1".to_owned(), delivery: Delivery::Failed, class: ErrorClass::Blocked, raw: String::new() };
    assert_eq!(other.report("a", &report).await.unwrap(), Reported::Applied);
    house.told[1].saw(1).await;
    assert_eq!(house.told[1].seen(), ["code 1"]);
}
