//! Challenges, the way that was recorded, and what comes within a call.

use super::*;

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
