//! Calls against a trunk that is played here, message by message, on a clock that stands until it is moved.

mod any_order;
mod calling;
mod within;

use super::*;
use crate::{
    config::{Codec, Srtp},
    message::{Start, parse_datagram},
};
use types::{Millis, SecretString};

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 5000 RTP/AVP 8 101\r\n\
                   a=rtpmap:101 telephone-event/8000\r\n";

const CHALLENGE: &str = "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n";

struct Call {
    dialog: Dialog,
    now: Time,
    sent: Vec<(Message, Hop)>,
    events: Vec<Event>,
    plans: Vec<Plan>,
    talks: bool,
}

fn from() -> SocketAddr {
    "10.0.0.1:5060".parse().unwrap()
}

impl Call {
    fn over(transport: Transport) -> Self {
        let (world, _) = World::made(Millis(0), 7);
        let setup = Setup {
            transport,
            sent_by: "10.0.0.9:5060".to_owned(),
            call_id: "id".to_owned(),
            target: Uri::parse("sip:+15550100@trunk.example").unwrap(),
            from: "<sip:alice@trunk.example>".to_owned(),
            account: Account {
                user: "alice".to_owned(),
                password: Some(SecretString::new("secret".to_owned())),
                realm: None,
            },
            headers: vec![("X-Extra".to_owned(), "1".to_owned())],
            ring: Duration::from_secs(60),
            patience: Duration::from_secs(6),
        };
        let local = Local::new("10.0.0.9:4000".parse().unwrap(), &[Codec::Pcma], Srtp::Off, &world);
        let now = Duration::from_secs(1);
        let dialog = Dialog::start(setup, local, world, now);
        let mut call = Self { dialog, now, sent: Vec::new(), events: Vec::new(), plans: Vec::new(), talks: false };
        call.act();
        call
    }

    fn new() -> Self {
        Self::over(Transport::Udp)
    }

    fn act(&mut self) {
        for action in self.dialog.actions() {
            match action {
                Action::Send(bytes, hop) => self.sent.push((parse_datagram(&bytes).unwrap(), hop)),
                Action::Event(event) => self.events.push(event),
                Action::Media(plan) => self.plans.push(*plan),
                Action::Talk => self.talks = true,
            }
        }
    }

    /// Everything that was sent since it was asked last, by its first word.
    fn sent(&mut self) -> Vec<String> {
        let word = |message: &Message| match &message.start {
            Start::Request { method, .. } => method.clone(),
            Start::Response { status, .. } => status.to_string(),
        };
        self.sent.drain(..).map(|(message, _)| word(&message)).collect()
    }

    fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    fn last(&self, method: &str) -> Message {
        self.sent.iter().rev().find(|(message, _)| message.method() == Some(method)).unwrap().0.clone()
    }

    fn receive(&mut self, text: &str) {
        let message = parse_datagram(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"));
        self.dialog.receive(&message, from(), self.now);
        self.act();
    }

    fn hang_up(&mut self) {
        self.dialog.hang_up(self.now);
        self.act();
    }

    /// Lets time pass, stopping wherever the dialog wants to be called.
    fn wait(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        while let Some(next) = self.dialog.deadline().filter(|next| *next <= end && *next > self.now) {
            self.now = next;
            self.dialog.tick(self.now);
            self.act();
        }
        self.now = end;
        self.dialog.tick(self.now);
        self.act();
    }

    /// A response to one of our requests.
    fn answer(&mut self, request: &Message, status: u16, tag: &str, headers: &str, body: &str) {
        let tag = if tag.is_empty() || request.tag("To").is_some() { String::new() } else { format!(";tag={tag}") };
        let via = request.header("Via").unwrap();
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        self.receive(&format!(
            "SIP/2.0 {status} Text\r\nVia: {via}\r\nFrom: {}\r\nTo: {}{tag}\r\nCall-ID: id\r\nCSeq: {}\r\n{headers}{kind}Content-Length: {}\r\n\r\n{body}",
            request.header("From").unwrap(),
            request.header("To").unwrap(),
            request.header("CSeq").unwrap(),
            body.len()
        ));
    }

    /// A response to the newest INVITE.
    fn invited(&mut self, status: u16, body: &str) {
        let invite = self.dialog.invite.clone();
        self.answer(&invite, status, "them", "Contact: <sip:them@10.0.0.2:5070>\r\n", body);
    }

    /// A request of the other side.
    fn ask(&mut self, method: &str, cseq: u32, branch: &str, body: &str) {
        let ours = self.dialog.tag.clone();
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        self.receive(&format!(
            "{method} sip:countersign@10.0.0.9 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK{branch}\r\nFrom: <sip:+15550100@trunk.example>;tag=them\r\n\
             To: <sip:alice@trunk.example>;tag={ours}\r\nCall-ID: id\r\nCSeq: {cseq} {method}\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            body.len()
        ));
    }

    fn answered() -> Self {
        let mut call = Self::new();
        call.invited(200, SDP);
        assert_eq!((call.sent(), call.events()), (words(&["INVITE", "ACK"]), vec![Event::Answered]));
        call
    }

    fn is_done(&self) -> bool {
        self.dialog.is_done(self.now)
    }

    /// Whatever has happened, in the end nothing remains and the owner was told once.
    fn ends(&mut self, cause: Cause) {
        self.wait(200);
        assert!(self.is_done());
        assert_eq!(
            self.events().into_iter().filter(|event| matches!(event, Event::Ended(_))).collect::<Vec<_>>(),
            [Event::Ended(cause)]
        );
        assert!(self.dialog.deadline().is_none_or(|time| time <= self.now));
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
