//! Calls over a trunk that is played here: what is reported, what is announced, and what another carrier may still be given.

use crate::support::Fixture;
use messaging::{Answer, CallAnswer, Content, Courier, Outgoing, SendError, Sip, text::calls};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{net::UdpSocket, sync::broadcast::Receiver};
use types::{AttemptId, SecretString, World};
use voice::{
    Speech,
    speech::{Speaking, Synthesiser},
};

const NUMBER: &str = "+4915112345678";
const SOON: Duration = Duration::from_secs(20);

/// A tenth of a second, whatever the text.
pub(crate) struct Brief;

impl Synthesiser for Brief {
    fn speak<'a>(&'a self, _: &'static str, _: &'a str) -> Speaking<'a> {
        Box::pin(async { Ok(vec![5_000; 800].into()) })
    }
}

/// What the trunk does with a call.
#[derive(Clone, Copy)]
pub(crate) enum Plan {
    /// Refuses it with this status.
    Refuse(&'static str),
    /// Answers, and presses these keys.
    Press(&'static str),
    /// Rings on.
    Ring,
}

pub(crate) struct Exchange {
    pub(crate) address: SocketAddr,
    /// The methods that it was sent, in their order.
    heard: Arc<Mutex<Vec<String>>>,
}

impl Exchange {
    pub(crate) async fn new(plan: Plan) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let (address, heard) = (socket.local_addr().unwrap(), Arc::default());
        tokio::spawn(serve(socket, plan, Arc::clone(&heard)));
        Self { address, heard }
    }

    /// How many requests of that method it was sent.
    pub(crate) fn count(&self, method: &str) -> usize {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).iter().filter(|it| *it == method).count()
    }

    async fn hears(&self, method: &str) {
        let seen = async {
            loop {
                let known = self.heard.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|it| it == method);
                if known {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(SOON, seen).await.unwrap();
    }
}

async fn serve(socket: UdpSocket, plan: Plan, heard: Arc<Mutex<Vec<String>>>) {
    let media = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let (mut invite, mut pressed) = (String::new(), false);
    let mut buffer = vec![0; 65_536];
    let here = socket.local_addr().unwrap();
    let reply = |request: &str, status: &str, sdp: &str| reply(here, request, status, sdp);
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let method = text.split(' ').next().unwrap_or_default().to_owned();
        heard.lock().unwrap_or_else(PoisonError::into_inner).push(method.clone());
        let answers = match (method.as_str(), plan) {
            ("INVITE", Plan::Refuse(status)) => vec![reply(&text, status, "")],
            ("INVITE", Plan::Ring) => vec![reply(&text, "180 Ringing", "")],
            ("INVITE", Plan::Press(_)) => {
                let port = media.local_addr().unwrap().port();
                let sdp = format!(
                    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 8 101\r\n\
                     a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
                );
                vec![reply(&text, "180 Ringing", ""), reply(&text, "200 OK", &sdp)]
            }
            ("CANCEL", _) => vec![reply(&text, "200 OK", ""), reply(&invite, "487 Request Terminated", "")],
            ("ACK", _) => Vec::new(),
            _ => vec![reply(&text, "200 OK", "")],
        };
        for answer in answers {
            socket.send_to(answer.as_bytes(), from).await.unwrap();
        }
        if method == "INVITE" {
            (invite, pressed) = (text, false);
        } else if let ("ACK", Plan::Press(keys), false) = (method.as_str(), plan, pressed) {
            pressed = true;
            // Once something is heard: before it, nobody presses a key.
            let (_, speaker) = media.recv_from(&mut buffer).await.unwrap();
            for (place, key) in keys.chars().enumerate() {
                press(&media, speaker, key, u32::try_from(place).unwrap()).await;
            }
        }
    }
}

fn reply(here: SocketAddr, request: &str, status: &str, sdp: &str) -> String {
    let kept = |line: &&str| ["Via:", "From:", "Call-ID:", "CSeq:"].iter().any(|name| line.starts_with(name));
    let mut head: Vec<String> = vec![format!("SIP/2.0 {status}")];
    head.extend(request.lines().filter(kept).map(str::to_owned));
    head.extend(request.lines().filter(|line| line.starts_with("To:")).map(|to| format!("{to};tag=them")));
    head.push(format!("Contact: <sip:trunk@{here}>"));
    if !sdp.is_empty() {
        head.push("Content-Type: application/sdp".to_owned());
    }
    head.push(format!("Content-Length: {}", sdp.len()));
    format!("{}\r\n\r\n{sdp}", head.join("\r\n"))
}

/// A key, as a telephone sends it (RFC 4733): three packets of its end are enough.
async fn press(media: &UdpSocket, to: SocketAddr, key: char, place: u32) {
    let event = match key {
        '*' => 10,
        '#' => 11,
        digit => u8::try_from(digit.to_digit(10).unwrap()).unwrap(),
    };
    for packet in 0..3_u32 {
        let mut bytes = vec![0x80, 101 | if packet == 0 { 0x80 } else { 0 }];
        bytes.extend(u16::try_from(place * 3 + packet + 1).unwrap().to_be_bytes());
        bytes.extend((160 + place * 1_600).to_be_bytes());
        bytes.extend(7_u32.to_be_bytes());
        bytes.extend([event, 0x80 | 10, 3, 32]);
        media.send_to(&bytes, to).await.unwrap();
    }
}

struct House {
    fixture: Fixture,
    courier: Courier,
    answers: Receiver<CallAnswer>,
    exchange: Exchange,
}

async fn house(plan: Plan) -> House {
    let (fixture, exchange) = (Fixture::new().await, Exchange::new(plan).await);
    let mut config = sip::Config::new(&exchange.address.to_string(), "acme");
    config.probe = None;
    let sip = Sip::new("trunk", config, Speech::by(Brief), 2, Duration::from_secs(30), World::real());
    let courier = Courier::new(Arc::clone(&fixture.store), vec![Arc::new(sip)]);
    let ready = async {
        while !courier.carriers().iter().all(|carrier| carrier.channel.is_ready()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, ready).await.unwrap();
    let answers = courier.call_answers();
    House { fixture, courier, answers, exchange }
}

impl House {
    async fn approval(&self) -> (Outgoing, AttemptId) {
        let (tenant, _) = self.fixture.tenant("{}", false).await;
        self.fixture.call(tenant, NUMBER, "")
    }

    async fn answer(&mut self) -> Answer {
        tokio::time::timeout(SOON, self.answers.recv()).await.unwrap().unwrap().answer
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pressed_keys_reach_the_attempt_and_the_call_ends() {
    let mut house = house(Plan::Press("42")).await;
    let (message, txid) = house.approval().await;
    let (tenant, id) = (message.tenant, messaging::log::day_id(message.id));
    house.courier.deliver(message).await.unwrap();
    let answer = tokio::time::timeout(SOON, house.answers.recv()).await.unwrap().unwrap();
    assert_eq!((answer.tenant, answer.txid), (tenant, txid));
    assert!(matches!(&answer.answer, Answer::Keys(keys) if keys.ct_eq("42")));
    house.exchange.hears("BYE").await;
    let delivered = async {
        while house.courier.standing(tenant, id).await.unwrap().is_none_or(|it| it.state != messaging::State::Delivered)
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, delivered).await.unwrap();
    assert!(house.courier.calling(txid).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fraud_key_is_a_report() {
    let mut house = house(Plan::Press("9#")).await;
    let (message, _) = house.approval().await;
    house.courier.deliver(message).await.unwrap();
    assert!(matches!(house.answer().await, Answer::Fraud));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_line_was_called_and_a_trunk_that_refuses_has_seen_nothing() {
    let mut busy = house(Plan::Refuse("486 Busy Here")).await;
    let (message, _) = busy.approval().await;
    busy.courier.deliver(message).await.unwrap();
    assert!(matches!(busy.answer().await, Answer::Busy));
    let declined = house(Plan::Refuse("404 Not Found")).await;
    let (message, _) = declined.approval().await;
    assert!(matches!(declined.courier.deliver(message).await, Err(SendError::Refused(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_for_an_attempt_that_is_over_is_taken_back() {
    let house = house(Plan::Ring).await;
    let (message, txid) = house.approval().await;
    let tenant = message.tenant;
    house.courier.deliver(message).await.unwrap();
    assert_eq!(house.courier.calling(txid), Some(tenant));
    house.courier.call_over(txid);
    house.exchange.hears("CANCEL").await;
    let gone = async {
        while house.courier.calling(txid).is_some() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, gone).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenant_ends_nobodys_call() {
    let house = house(Plan::Ring).await;
    let (message, _) = house.approval().await;
    let (tenant, id) = (message.tenant, message.id);
    let (other, _) = house.fixture.tenant("{}", false).await;
    house.courier.deliver(message).await.unwrap();
    assert!(!house.courier.hang_up(other, id));
    assert!(house.courier.hang_up(tenant, id));
    house.exchange.hears("CANCEL").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_calls_than_the_trunk_may_have_wait() {
    let house = house(Plan::Ring).await;
    let (tenant, _) = house.fixture.tenant("{}", false).await;
    let code = SecretString::new("907918".to_owned());
    for (number, taken) in [("+4915112345671", true), ("+4915212345672", true), ("+4916012345673", false)] {
        let mut message = house.fixture.text(tenant, number, "");
        message.content = Content::Call(calls::code_call("Acme", &code, "en").unwrap());
        let sent = house.courier.deliver(message).await;
        assert_eq!(sent.is_ok(), taken, "{sent:?}");
    }
}
