//! From the first request to the answer, or to the end of a call that was not answered.

use super::*;

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
