//! Codes that go another way: never the same through two carriers, and never two that count.

use crate::support::{House, IKEY, each_engine};
use countersign_auth::{Auth, Begin, Begun, Client, Factor, Subject};
use messaging::{
    Accepted, BoxFuture, Carrier, Channel, ChannelKind, Content, Courier, ErrorClass, Options, Outgoing, SendError,
    Ticket,
    routing::{Route, Table},
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use store::Span;
use types::Millis;

const NUMBER: &str = "+15035550100";

/// A carrier that keeps what it was shown, and takes it or not.
struct Carries {
    name: &'static str,
    kind: ChannelKind,
    refuses: bool,
    shown: Mutex<Vec<String>>,
}

impl Carries {
    fn new(name: &'static str, kind: ChannelKind, refuses: bool) -> Arc<Self> {
        Arc::new(Self { name, kind, refuses, shown: Mutex::default() })
    }

    fn shown(&self) -> Vec<String> {
        self.shown.lock().unwrap().clone()
    }
}

impl Channel for Carries {
    fn name(&self) -> &str {
        self.name
    }

    fn carries(&self, kind: ChannelKind) -> bool {
        kind == self.kind
    }

    fn reports(&self, _: ChannelKind) -> bool {
        true
    }

    fn send<'a>(&'a self, message: &'a Outgoing, _: &'a Ticket) -> BoxFuture<'a, Result<Accepted, SendError>> {
        Box::pin(async move {
            let said = match &message.content {
                Content::Text(text) => text.expose().to_owned(),
                Content::Call(script) => script.code.as_ref().unwrap().expose().to_owned(),
                _ => panic!("no such content"),
            };
            let mut shown = self.shown.lock().unwrap();
            shown.push(said);
            if self.refuses {
                return Err(SendError::Refused(ErrorClass::Blocked));
            }
            Ok(Accepted { receipt: format!("{}-{}", self.name, shown.len()), segments: 1 })
        })
    }
}

/// The engine over these carriers, on the house's store.
fn over(house: &House, carriers: &[Arc<Carries>], receipt: Duration) -> (Arc<Auth>, Arc<Courier>) {
    let route = |kind, then| Route {
        kind,
        prefixes: Vec::new(),
        carriers: carriers.iter().filter(|it| it.kind == kind).map(|it| it.name.to_owned()).collect(),
        cost: 0.0,
        per_second: None,
        then,
    };
    let routes = vec![route(ChannelKind::Sms, Some(ChannelKind::Voice)), route(ChannelKind::Voice, None)];
    let carriers =
        carriers.iter().map(|it| Carrier::new(Arc::clone(it) as Arc<dyn Channel>).waiting(receipt)).collect();
    let options = Options { table: Table { routes }, ..Options::default() };
    let courier = Arc::new(Courier::open(Arc::clone(&house.store), carriers, options).unwrap());
    (Auth::start(Arc::clone(&house.store), Arc::clone(&courier)), courier)
}

async fn ask(auth: &Auth) -> String {
    let app = auth.applications().get(IKEY).await.unwrap().unwrap();
    let begin = Begin {
        subject: Subject::Name("ana".to_owned()),
        factor: Factor::Sms,
        device: None,
        client: Client::default(),
        offer: None,
        details: Vec::new(),
        request_digest: None,
        later: false,
    };
    let Begun::Finished(outcome) = auth.begin(&app, begin).await.unwrap() else { panic!("a message waits for nobody") };
    outcome.status
}

/// The passcodes in a text, or the code of a call.
fn codes(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_ascii_digit());
    words.filter(|word| word.len() == 7).map(str::to_owned).collect()
}

async fn until(what: &str, done: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{what} has not happened");
}

#[test]
fn of_a_code_that_went_three_ways_only_the_last_wording_counts() {
    each_engine(r#"{"lockout_threshold": 100}"#, async |house| {
        let user = house.user("ana").await;
        house.phone(user, NUMBER).await;
        let carriers = [
            Carries::new("a", ChannelKind::Sms, true),
            Carries::new("b", ChannelKind::Sms, true),
            Carries::new("v", ChannelKind::Voice, false),
        ];
        let (auth, _courier) = over(house, &carriers, Duration::from_secs(60));
        assert_eq!(ask(&auth).await, "sent");
        let shown: Vec<String> = carriers.iter().flat_map(|it| codes(&it.shown()[0])).collect();
        assert_eq!(shown.len(), 3);
        assert!(shown[0] != shown[1] && shown[1] != shown[2] && shown[0] != shown[2]);
        for dead in &shown[..2] {
            assert!(!house.passcode("ana", dead).await.allow, "a code that another carrier has seen counts");
        }
        assert!(house.passcode("ana", &shown[2]).await.allow);
    });
}

#[test]
fn a_whole_batch_is_worded_anew() {
    each_engine(r#"{"lockout_threshold": 100, "sms_batch": 3}"#, async |house| {
        let user = house.user("ana").await;
        house.phone(user, NUMBER).await;
        let carriers = [Carries::new("a", ChannelKind::Sms, true), Carries::new("b", ChannelKind::Sms, false)];
        let (auth, _courier) = over(house, &carriers, Duration::from_secs(60));
        assert_eq!(ask(&auth).await, "sent");
        let (first, second) = (codes(&carriers[0].shown()[0]), codes(&carriers[1].shown()[0]));
        assert_eq!((first.len(), second.len()), (3, 3));
        for dead in first.iter().filter(|code| !second.contains(code)) {
            assert!(!house.passcode("ana", dead).await.allow);
        }
        for code in &second {
            assert!(house.passcode("ana", code).await.allow);
        }
    });
}

#[test]
fn a_code_that_was_entered_is_not_worded_anew() {
    each_engine(r#"{"lockout_threshold": 100}"#, async |house| {
        let user = house.user("ana").await;
        house.phone(user, NUMBER).await;
        let carriers = [Carries::new("a", ChannelKind::Sms, false), Carries::new("b", ChannelKind::Sms, false)];
        let (auth, courier) = over(house, &carriers, Duration::from_millis(300));
        let mut changes = courier.changes();
        assert_eq!(ask(&auth).await, "sent");
        // Entered on another node, of which this one hears nothing.
        assert!(house.passcode("ana", &codes(&carriers[0].shown()[0])[0]).await.allow);
        // The receipt doesn't come, and the message is given up; a cut is the last that could have sent it another way.
        let given_up = async { while changes.recv().await.unwrap().standing.error_class != "no-receipt" {} };
        tokio::time::timeout(Duration::from_secs(30), given_up).await.unwrap();
        courier.cut("a", "x").await.unwrap();
        let all = Span::new(Millis(0), Millis(i64::MAX), 10);
        let rows = house.store.tenant(house.tenant).messages(&all).await.unwrap();
        assert_eq!(
            (rows.len(), carriers[1].shown().len()),
            (1, 0),
            "another wording has its row before it is shown to anybody"
        );
    });
}

#[test]
fn what_is_cut_off_brings_no_code_that_counts() {
    each_engine(r#"{"lockout_threshold": 100}"#, async |house| {
        let user = house.user("ana").await;
        house.phone(user, NUMBER).await;
        let carriers = [Carries::new("a", ChannelKind::Sms, false), Carries::new("b", ChannelKind::Sms, false)];
        let (auth, courier) = over(house, &carriers, Duration::from_secs(60));
        assert_eq!(ask(&auth).await, "sent");
        courier.cut("a", "its account was taken over").await.unwrap();
        until("the way through the other", || carriers[1].shown().len() == 1).await;
        let (former, new) = (codes(&carriers[0].shown()[0]), codes(&carriers[1].shown()[0]));
        assert!(!house.passcode("ana", &former[0]).await.allow);
        assert!(house.passcode("ana", &new[0]).await.allow);
    });
}
