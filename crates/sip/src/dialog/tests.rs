//! Calls against a trunk that is played here, message by message, on a clock that stands until it is moved.

use super::*;
use crate::{
    config::{Codec, Srtp},
    message::{Start, parse_datagram},
};
use proptest::prelude::*;
use types::{Millis, SecretString};

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 5000 RTP/AVP 8 101\r\n\
                   a=rtpmap:101 telephone-event/8000\r\n";

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

#[test]
fn the_invite_is_this() {
    let call = Call::new();
    let (invite, hop) = call.sent.first().unwrap();
    assert_eq!(*hop, Hop::Trunk);
    let text = String::from_utf8(invite.to_bytes().to_vec()).unwrap();
    let head = text.split("\r\n\r\n").next().unwrap();
    let shape: Vec<&str> = head.lines().map(|line| line.split([':', ';']).next().unwrap()).collect();
    let expected = [
        "INVITE sip",
        "Via",
        "Max-Forwards",
        "From",
        "To",
        "Call-ID",
        "CSeq",
        "Contact",
        "Allow",
        "User-Agent",
        "X-Extra",
        "Content-Type",
        "Content-Length",
        "Content-Length",
    ];
    assert_eq!(shape, expected);
    assert!(
        head.starts_with("INVITE sip:+15550100@trunk.example SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK")
    );
    assert!(invite.via().unwrap().params.get("rport").is_some());
    assert!(invite.tag("From").is_some_and(|tag| tag.len() == 16) && invite.tag("To").is_none());
}

#[test]
fn a_call_is_answered_and_hung_up_by_either() {
    let mut call = Call::answered();
    assert!(call.talks && call.plans.len() == 1);
    assert_eq!(call.plans[0].remote, "10.0.0.1:5000".parse().unwrap());
    call.hang_up();
    let bye = call.last("BYE");
    assert_eq!(bye.cseq().unwrap(), (2, "BYE"));
    assert!(matches!(&bye.start, Start::Request { uri, .. } if uri.text() == "sip:them@10.0.0.2:5070"));
    assert_eq!(call.sent[0].1, Hop::Named("10.0.0.2".to_owned(), 5070));
    assert_eq!(bye.tag("To").as_deref(), Some("them"));
    call.answer(&bye, 200, "", "", "");
    call.sent();
    call.wait(10);
    assert_eq!(call.sent(), words(&[]));
    call.ends(Cause::HungUp);

    let mut call = Call::answered();
    call.ask("BYE", 1, "bye", "");
    assert_eq!((call.sent(), call.events()), (words(&["200"]), vec![Event::Ended(Cause::Completed)]));
    call.ask("BYE", 1, "bye", "");
    assert_eq!(call.sent(), words(&["200"]), "it comes again");
    call.hang_up();
    assert_eq!(call.sent(), words(&[]));
    call.wait(100);
    assert!(call.is_done() && call.events().is_empty());
}

#[test]
fn both_hang_up_at_once() {
    let mut call = Call::answered();
    call.hang_up();
    let bye = call.last("BYE");
    call.ask("BYE", 1, "theirs", "");
    assert_eq!(call.sent(), words(&["BYE", "200"]));
    call.answer(&bye, 481, "", "", "");
    call.ends(Cause::HungUp);
}

/// RFC 3261 §17.1.1.2: timer A doubles; B gives up.
#[test]
fn an_invite_is_repeated_until_something_is_heard() {
    let mut call = Call::new();
    call.sent();
    call.dialog.patience = None;
    for (seconds, sent) in [(1, 1), (1, 1), (2, 1), (4, 1), (8, 1), (16, 1)] {
        call.wait(seconds);
        assert_eq!(call.sent().len(), sent, "after {:?}", call.now);
    }
    assert_eq!(call.events(), [Event::Ended(Cause::Lost)]);
    let mut call = Call::new();
    call.invited(100, "");
    call.sent();
    call.wait(50);
    assert_eq!(call.sent(), words(&[]));
    let mut stream = Call::over(Transport::Tcp);
    stream.sent();
    stream.wait(5);
    assert_eq!(stream.sent(), words(&[]), "a connection repeats by itself");
    stream.ends(Cause::Lost);
}

#[test]
fn who_loses_patience_cancels_what_wakes_up_later() {
    let mut call = Call::new();
    call.wait(7);
    assert_eq!(call.events(), [Event::Ended(Cause::Lost)]);
    call.sent();
    call.invited(180, "");
    assert_eq!(call.sent(), words(&["CANCEL"]));
    call.invited(487, "");
    assert_eq!(call.sent(), words(&["ACK"]));
    call.wait(100);
    assert!(call.is_done() && call.events().is_empty());
}

#[test]
fn hung_up_before_any_response() {
    let mut call = Call::new();
    call.hang_up();
    assert_eq!((call.sent(), call.events()), (words(&["INVITE"]), vec![Event::Ended(Cause::HungUp)]));
    call.invited(100, "");
    let cancel = call.last("CANCEL");
    for name in ["Via", "From", "To", "Call-ID"] {
        assert_eq!(cancel.header(name), call.dialog.invite.header(name));
    }
    assert_eq!(cancel.cseq().unwrap(), (1, "CANCEL"));
    call.invited(180, SDP);
    assert_eq!((call.sent(), call.events()), (words(&["CANCEL"]), vec![]), "once");
    call.answer(&cancel, 200, "x", "", "");
    call.invited(487, "");
    call.invited(487, "");
    assert_eq!(call.sent(), words(&["ACK", "ACK"]));
    call.wait(100);
    assert!(call.is_done() && call.plans.is_empty());
}

#[test]
fn hung_up_before_any_response_and_answered_at_once() {
    let mut call = Call::new();
    call.hang_up();
    call.sent();
    call.invited(200, SDP);
    assert_eq!(call.sent(), words(&["ACK", "BYE"]));
    assert!(!call.talks && call.plans.is_empty(), "no sound");
    call.ends(Cause::HungUp);
}

#[test]
fn hung_up_before_any_response_and_challenged() {
    let mut call = Call::new();
    call.hang_up();
    call.sent();
    let invite = call.dialog.invite.clone();
    call.answer(&invite, 401, "t", "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n", "");
    assert_eq!(call.sent(), words(&["ACK"]), "it isn't sent again");
    call.ends(Cause::HungUp);
}

#[test]
fn hung_up_while_it_rings_and_nobody_answers_the_cancel() {
    let mut call = Call::new();
    call.invited(180, "");
    assert_eq!(call.events(), [Event::Ringing]);
    call.hang_up();
    call.sent();
    call.wait(3);
    assert_eq!(call.sent(), words(&["CANCEL", "CANCEL"]));
    call.ends(Cause::HungUp);
}

#[test]
fn the_answer_crosses_the_cancel() {
    let mut call = Call::new();
    call.invited(180, "");
    call.hang_up();
    call.sent();
    call.invited(200, SDP);
    assert_eq!(call.sent(), words(&["ACK", "BYE"]));
    call.invited(200, SDP);
    assert_eq!(call.sent(), words(&["ACK"]), "the answer comes again until its ACK has arrived");
    assert!(!call.talks);
    call.ends(Cause::HungUp);
}

#[test]
fn a_cancel_that_is_answered_and_an_invite_that_never_is() {
    let mut call = Call::new();
    call.invited(183, SDP);
    assert_eq!(call.events(), [Event::EarlyMedia]);
    call.hang_up();
    let cancel = call.last("CANCEL");
    call.answer(&cancel, 200, "x", "", "");
    call.ends(Cause::HungUp);
}

#[test]
fn it_rings_too_long() {
    let mut call = Call::new();
    call.invited(180, "");
    call.sent();
    call.wait(61);
    assert_eq!(call.events(), [Event::Ringing, Event::Ended(Cause::NoAnswer)]);
    assert!(call.sent().iter().all(|word| word == "CANCEL"));
    call.invited(487, "");
    call.wait(100);
    assert!(call.is_done() && call.events().is_empty());
}

#[test]
fn early_sound_may_be_all_the_answer_there_is() {
    let mut call = Call::new();
    call.invited(183, SDP);
    call.invited(183, SDP);
    call.invited(180, "");
    call.invited(200, "");
    assert_eq!(call.events(), [Event::EarlyMedia, Event::Ringing, Event::Answered]);
    assert!(call.talks);
}

#[test]
fn an_answer_that_does_not_fit_is_hung_up() {
    for body in ["", "v=0\r\nm=audio 0 RTP/AVP 8\r\n", "nonsense"] {
        let mut call = Call::new();
        call.sent();
        call.invited(200, body);
        assert_eq!(call.sent(), words(&["ACK", "BYE"]), "{body}");
        assert!(!call.talks && call.plans.is_empty());
        call.ends(Cause::NotAcceptable);
    }
}

#[test]
fn refusals_are_acknowledged_as_often_as_they_come() {
    for (status, cause) in [
        (486, Cause::Busy),
        (603, Cause::Declined),
        (404, Cause::NotFound),
        (503, Cause::Unavailable(503)),
        (302, Cause::Refused(302)),
    ] {
        let mut call = Call::new();
        call.sent();
        call.invited(status, "");
        let ack = call.last("ACK");
        assert_eq!(ack.via().unwrap().branch(), call.dialog.invite.via().unwrap().branch());
        assert_eq!(ack.tag("To").as_deref(), Some("them"));
        call.invited(status, "");
        assert_eq!(call.sent(), words(&["ACK", "ACK"]));
        call.hang_up();
        assert_eq!(call.sent(), words(&[]));
        call.ends(cause);
    }
}

const CHALLENGE: &str = "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n";

#[test]
fn a_challenge_is_answered_once() {
    let mut call = Call::new();
    let first = call.dialog.invite.clone();
    call.answer(&first, 407, "p", CHALLENGE, "");
    assert_eq!(call.sent(), words(&["INVITE", "ACK", "INVITE"]));
    let second = call.dialog.invite.clone();
    assert_eq!(second.cseq().unwrap(), (2, "INVITE"));
    assert_ne!(second.via().unwrap().branch(), first.via().unwrap().branch());
    assert_eq!(second.tag("From"), first.tag("From"));
    assert!(second.tag("To").is_none());
    assert!(second.header("Proxy-Authorization").unwrap().contains("uri=\"sip:+15550100@trunk.example\""));
    // The first refusal comes again: its ACK was lost.
    call.answer(&first, 407, "p", CHALLENGE, "");
    assert_eq!(call.sent(), words(&["ACK"]));
    call.answer(&second, 407, "p", &CHALLENGE.replace("\"n\"", "\"m\""), "");
    assert_eq!(call.sent(), words(&["ACK"]));
    call.ends(Cause::Forbidden);
}

#[test]
fn what_was_answered_once_goes_with_ack_and_bye() {
    let mut call = Call::new();
    let first = call.dialog.invite.clone();
    call.answer(&first, 407, "p", CHALLENGE, "");
    let second = call.dialog.invite.clone();
    call.invited(200, SDP);
    assert_eq!(call.last("ACK").header("Proxy-Authorization"), second.header("Proxy-Authorization"));
    call.hang_up();
    let bye = call.last("BYE");
    assert!(bye.header("Proxy-Authorization").unwrap().contains("nc=00000002"));
    call.sent();
    call.answer(&bye, 407, "", &CHALLENGE.replace("\"n\"", "\"m\""), "");
    let again = call.last("BYE");
    assert_eq!(again.cseq().unwrap(), (4, "BYE"));
    assert!(again.header("Proxy-Authorization").unwrap().contains("nonce=\"m\""));
    call.answer(&again, 200, "", "", "");
    call.ends(Cause::HungUp);
}

#[test]
fn the_way_is_the_one_that_was_recorded() {
    let mut call = Call::new();
    let invite = call.dialog.invite.clone();
    let headers = "Record-Route: <sip:b.example;lr>, <sip:10.1.1.1:5090;lr>\r\nRecord-Route: <sip:a.example;lr>\r\nContact: <sip:them@far.example>\r\n";
    call.answer(&invite, 200, "them", headers, SDP);
    let (ack, hop) = call.sent.last().unwrap();
    let routes: Vec<&str> = ack.all("Route").collect();
    assert_eq!(routes, ["<sip:a.example;lr>", "<sip:10.1.1.1:5090;lr>", "<sip:b.example;lr>"]);
    assert!(matches!(&ack.start, Start::Request { uri, .. } if uri.text() == "sip:them@far.example"));
    assert_eq!(*hop, Hop::Named("a.example".to_owned(), 5060));

    // A strict router stands in the first line (RFC 3261 §16.12.1.2).
    let mut call = Call::new();
    let invite = call.dialog.invite.clone();
    call.answer(&invite, 200, "them", "Record-Route: <sip:strict.example>\r\nContact: <sip:them@far.example>\r\n", SDP);
    let ack = call.last("ACK");
    assert!(matches!(&ack.start, Start::Request { uri, .. } if uri.text() == "sip:strict.example"));
    assert_eq!(ack.header("Route"), Some("<sip:them@far.example>"));
}

#[test]
fn a_second_telephone_that_answers_is_hung_up() {
    let mut call = Call::answered();
    let invite = call.dialog.invite.clone();
    call.answer(&invite, 200, "other", "Contact: <sip:other@10.0.0.3>\r\n", SDP);
    assert_eq!(call.last("BYE").tag("To").as_deref(), Some("other"));
    assert_eq!((call.sent(), call.events()), (words(&["ACK", "BYE"]), vec![]));
    call.hang_up();
    assert_eq!(call.last("BYE").tag("To").as_deref(), Some("them"));
    call.ends(Cause::HungUp);
}

#[test]
fn held_and_resumed() {
    let mut call = Call::answered();
    call.ask("INVITE", 1, "1", &format!("{SDP}a=sendonly\r\n"));
    assert_eq!((call.sent(), call.events()), (words(&["200"]), vec![Event::Held]));
    assert!(!call.plans.last().unwrap().send);
    // It comes again until the ACK does, over every transport.
    call.wait(1);
    assert_eq!(call.sent(), words(&["200"]));
    call.ask("INVITE", 2, "2", SDP);
    assert_eq!(call.sent(), words(&["500"]), "one at a time");
    call.ask("ACK", 1, "3", "");
    call.wait(10);
    assert_eq!(call.sent(), words(&[]));
    call.ask("INVITE", 3, "4", SDP);
    assert_eq!((call.sent(), call.events()), (words(&["200"]), vec![Event::Resumed]));
    call.ask("ACK", 3, "5", "");
    // An UPDATE, and nothing new: a session timer.
    call.ask("UPDATE", 4, "6", "");
    assert_eq!((call.sent(), call.events()), (words(&["200"]), vec![]));
}

#[test]
fn an_offer_that_cannot_be_taken_changes_nothing() {
    let mut call = Call::answered();
    call.ask("INVITE", 1, "1", &SDP.replace("8 101", "18"));
    assert_eq!((call.sent(), call.events(), call.plans.len()), (words(&["488"]), vec![], 1));
    call.ask("INVITE", 1, "1", &SDP.replace("8 101", "18"));
    assert_eq!(call.sent(), words(&["488"]), "again");
    call.ask("INVITE", 1, "2", SDP);
    assert_eq!(call.sent(), words(&["500"]), "out of order");
}

#[test]
fn asked_for_an_offer_we_give_ours_and_take_the_answer() {
    let mut call = Call::answered();
    call.ask("INVITE", 1, "1", "");
    let (response, _) = call.sent.last().unwrap();
    assert!(response.has_body("application/sdp"));
    call.ask("ACK", 1, "2", &SDP.replace("5000", "6000"));
    assert_eq!(call.plans.last().unwrap().remote.port(), 6000);
    call.ask("INVITE", 2, "3", "");
    call.sent();
    call.ask("ACK", 2, "4", "");
    assert_eq!(call.sent(), words(&["BYE"]), "an ACK without the answer");
    call.ends(Cause::NotAcceptable);
}

#[test]
fn an_answer_to_a_hold_that_nobody_acknowledges_ends_the_call() {
    let mut call = Call::answered();
    call.ask("INVITE", 1, "1", SDP);
    call.sent();
    call.wait(33);
    assert!(call.sent().contains(&"BYE".to_owned()));
    call.ends(Cause::Lost);
}

#[test]
fn requests_of_strangers_are_nothing_to_a_call() {
    let mut call = Call::answered();
    let ours = call.dialog.tag.clone();
    for (tag, theirs) in [("wrong", "them"), (ours.as_str(), "wrong")] {
        call.receive(&format!(
            "BYE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK{tag}{theirs}\r\nFrom: <sip:x>;tag={theirs}\r\nTo: <sip:y>;tag={tag}\r\n\
             Call-ID: id\r\nCSeq: 9 BYE\r\n\r\n"
        ));
        assert_eq!((call.sent(), call.events()), (words(&["481"]), vec![]));
    }
    call.receive("SIP/2.0 486 Busy\r\nVia: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKguess\r\nFrom: <sip:x>\r\nTo: <sip:y>;tag=z\r\nCall-ID: id\r\nCSeq: 1 INVITE\r\n\r\n");
    assert_eq!((call.sent(), call.events()), (words(&[]), vec![]));
    // Before there is an answer there is no dialog that anybody could end.
    let mut ringing = Call::new();
    ringing.invited(180, "");
    ringing.sent();
    ringing.ask("BYE", 1, "1", "");
    assert_eq!(ringing.sent(), words(&["481"]));
}

#[test]
fn other_requests_are_answered() {
    let mut call = Call::answered();
    for (method, status) in [("OPTIONS", "200"), ("INFO", "405"), ("MESSAGE", "405"), ("REFER", "405")] {
        let cseq = call.dialog.peer.as_ref().unwrap().cseq.unwrap_or(0) + 1;
        call.ask(method, cseq, method, "");
        assert_eq!(call.sent(), words(&[status]), "{method}");
    }
    let ours = call.dialog.tag.clone();
    call.receive(&format!(
        "INVITE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKq\r\nFrom: <sip:x>;tag=them\r\nTo: <sip:y>;tag={ours}\r\nCall-ID: id\r\n\
         CSeq: 90 INVITE\r\nRequire: timer, precondition\r\n\r\n"
    ));
    let (response, _) = call.sent.last().unwrap();
    assert_eq!((response.status(), response.header("Unsupported")), (Some(420), Some("precondition")));
}

#[test]
fn a_connection_that_breaks_ends_what_was_not_answered() {
    let mut call = Call::over(Transport::Tcp);
    call.invited(180, "");
    call.dialog.connection_lost();
    call.act();
    call.ends(Cause::Lost);
    let mut call = Call::answered();
    call.dialog.connection_lost();
    call.act();
    assert_eq!(call.events(), []);
    call.hang_up();
    call.ends(Cause::HungUp);
}

#[test]
fn nothing_of_the_password_or_the_call_is_in_what_is_sent() {
    let mut call = Call::new();
    let first = call.dialog.invite.clone();
    call.answer(&first, 407, "p", CHALLENGE, "");
    let all: Vec<u8> = call.sent.iter().flat_map(|(message, _)| message.to_bytes().to_vec()).collect();
    assert!(!String::from_utf8(all).unwrap().contains("secret"));
}

/// What may happen to a call, in any order.
#[derive(Debug, Clone)]
enum Happens {
    Invited(u16, bool),
    Asked(&'static str, u32, bool),
    Pending(u16),
    HangUp,
    Lost,
    Wait(u64),
}

fn happens() -> impl Strategy<Value = Happens> {
    let status =
        prop_oneof![Just(100), Just(180), Just(183), Just(200), Just(401), Just(407), Just(486), Just(487), Just(500)];
    let method = prop_oneof![Just("INVITE"), Just("ACK"), Just("BYE"), Just("UPDATE"), Just("CANCEL"), Just("INFO")];
    prop_oneof![
        4 => (status.clone(), any::<bool>()).prop_map(|(status, body)| Happens::Invited(status, body)),
        4 => (method, 1u32..6, any::<bool>()).prop_map(|(method, cseq, body)| Happens::Asked(method, cseq, body)),
        2 => status.prop_map(Happens::Pending),
        1 => Just(Happens::HangUp),
        1 => Just(Happens::Lost),
        3 => (0u64..40).prop_map(Happens::Wait),
    ]
}

proptest! {
    /// In whatever order: one end is told and nothing after it, what is answered is not left ringing, and in the end nothing remains.
    #[test]
    fn every_call_ends_once_and_for_all(steps in proptest::collection::vec(happens(), 0..14)) {
        let mut call = Call::new();
        for (at, step) in steps.iter().enumerate() {
            let body = |with: &bool| if *with { SDP } else { "" };
            match step {
                Happens::Invited(status, with) => call.invited(*status, body(with)),
                Happens::Asked(method, cseq, with) => call.ask(method, *cseq, &at.to_string(), body(with)),
                Happens::Pending(status) => {
                    if let Some(message) = call.dialog.pending.first().map(|one| one.message.clone()) {
                        call.answer(&message, *status, "", "", "");
                    }
                }
                Happens::HangUp => call.hang_up(),
                Happens::Lost => { call.dialog.connection_lost(); call.act(); }
                Happens::Wait(seconds) => call.wait(*seconds),
            }
        }
        call.hang_up();
        call.wait(300);
        let ends = call.events.iter().filter(|event| matches!(event, Event::Ended(_))).count();
        prop_assert_eq!(ends, 1);
        prop_assert!(matches!(call.events.last(), Some(Event::Ended(_))));
        prop_assert!(call.is_done(), "{:?}", call.dialog.state);
        // Whoever answered was acknowledged, and left by one of the two.
        let all: Vec<&str> = call.sent.iter().filter_map(|(message, _)| message.method()).collect();
        let answered = call.dialog.peer.is_some();
        prop_assert!(!answered || all.contains(&"ACK"));
        prop_assert!(!answered || all.contains(&"BYE") || steps.iter().any(|step| matches!(step, Happens::Asked("BYE", ..))));
    }
}
