//! What RFC 4475 ("torture test messages") asks of a parser, each case by the name that it has there; the messages are written anew in
//! the same shape.

use super::*;
use proptest::prelude::*;

const PLAIN: &str = "INVITE sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/UDP host.example.com;branch=z9hG4bK1\r\n\
                     From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\nCall-ID: c@host\r\nCSeq: 7 INVITE\r\n";

fn parse(text: &str) -> Result<Message, Malformed> {
    parse_datagram(text.as_bytes())
}

/// [`PLAIN`] with one thing put in the place of another.
fn with(old: &str, new: &str) -> Result<Message, Malformed> {
    assert!(PLAIN.contains(old));
    parse(&format!("{}\r\n", PLAIN.replace(old, new)))
}

/// [`PLAIN`] with one more header.
fn and(header: &str) -> Result<Message, Malformed> {
    parse(&format!("{PLAIN}{header}\r\n\r\n"))
}

/// §3.1.1.1 wsinv: folding, short names, spaces where they may stand, an empty parameter, a display name without a space behind it.
#[test]
fn wsinv() {
    let text = "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\r\nTO :\r\n sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\r\n\
        from   : \"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>\r\n  ;\r\n  tag = 98asjd8\r\nMaX-fOrWaRdS: 0068\r\nCall-ID: wsinv.ndaksdj@192.0.2.1\r\n\
        Content-Length   : 4\r\ncseq: 0009\r\n  INVITE\r\nVia  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw\r\ns :\r\n\
        NewFangledHeader:   newfangled value\r\n continued newfangled value\r\nUnknownHeaderWithUnusualValue: ;;,,;;,;\r\n\
        v:  SIP  / 2.0  / TCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ikj8  ,\r\n SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n z9hG4bK30239\r\n\
        m:\"Quoted string \\\"\\\"\" <sip:jdrosen@example.com> ; newparam =\r\n      newvalue ;\r\n  secondparam ; q = 0.33\r\n\r\nbody and more";
    let message = parse(text).unwrap();
    assert_eq!(message.cseq().unwrap(), (9, "INVITE"));
    assert_eq!(message.tag("To").as_deref(), Some("1918181833n"));
    assert_eq!(message.tag("From").as_deref(), Some("98asjd8"));
    assert_eq!(message.via().unwrap().branch(), Some("390skdjuw"));
    assert_eq!(message.all("Via").flat_map(split_list).count(), 3);
    assert_eq!(message.header("newfangledheader"), Some("newfangled value continued newfangled value"));
    assert_eq!(message.header("Subject"), Some(""));
    assert_eq!(message.contact().unwrap().text(), "sip:jdrosen@example.com");
    assert_eq!(message.body, b"body");
}

/// §3.1.1.2 intmeth: every character that a token may have.
#[test]
fn intmeth() {
    let method = "!interesting-Method0123456789_*+`.%indeed'~";
    let text = PLAIN.replace("INVITE", method).replace("tag=1", "tag=_token~1'+`*%!-.");
    let message = parse(&format!("{text}\r\n")).unwrap();
    assert_eq!((message.method(), message.cseq().unwrap().1), (Some(method), method));
    assert_eq!(message.tag("From").as_deref(), Some("_token~1'+`*%!-."));
}

/// §3.1.1.3–5 esc01, escnull, esc02: escapes stay as they are; a name that looks like one isn't another name.
#[test]
fn escapes() {
    let message = with("sip:b@example.com SIP", "sip:sips%3Auser%40example.com@example.net SIP").unwrap();
    let Start::Request { uri, .. } = &message.start else { panic!("a request") };
    assert_eq!(uri.host(), Some("example.net"));
    assert!(with("<sip:a@", "<sip:null-%00-null@").is_ok());
    let message = and("Z%45: what").unwrap();
    assert_eq!((message.header("Z%45"), message.header("ZE")), (Some("what"), None));
    assert!(with("<sip:a@", "<sip:bad%4@").is_err(), "half an escape");
}

/// §3.1.1.6 lwsdisp: no space between display name and bracket.
#[test]
fn lwsdisp() {
    assert_eq!(with("<sip:a@", "caller<sip:a@").unwrap().tag("From").as_deref(), Some("1"));
}

/// §3.1.1.7 longreq: long values are no mistake; beyond the limits they are.
#[test]
fn longreq() {
    let long = "amazinglylongcallername".repeat(10);
    let message = with("<sip:a@", &format!("\"I have a user name of extreme proportion\"<sip:{long}@")).unwrap();
    assert_eq!(message.tag("From").as_deref(), Some("1"));
    assert!(and(&format!("X: {}", "very".repeat(1000))).is_ok());
    assert_eq!(and(&format!("X: {}", "very".repeat(5000))), Err(Malformed::TooLong));
    assert!(and(&"X: y\r\n".repeat(100)).is_ok());
    let many = "X: y\r\n".repeat(200);
    assert_eq!(parse(&format!("{PLAIN}{many}\r\n")), Err(Malformed::TooLong));
}

/// §3.1.1.8 dblreq: what follows the body isn't part of the message.
#[test]
fn dblreq() {
    let message = parse(&format!("{PLAIN}Content-Length: 0\r\n\r\n{PLAIN}\r\n")).unwrap();
    assert!(message.body.is_empty());
}

/// §3.1.1.9 semiuri: a user part with a semicolon.
#[test]
fn semiuri() {
    let uri = Uri::parse("sip:user;par=u%40example.net@example.com").unwrap();
    assert_eq!((uri.host(), uri.param("par")), (Some("example.com"), None));
    let uri = Uri::parse("sip:1;phone=2@[2001:db8::1]:5070;Transport=tcp;lr?x=y").unwrap();
    assert_eq!((uri.host(), uri.port()), (Some("2001:db8::1"), Some(5070)));
    assert_eq!((uri.param("transport"), uri.param("lr")), (Some(Some("tcp")), Some(None)));
}

/// §3.1.1.10 transports: any transport may stand in a Via.
#[test]
fn transports() {
    for name in ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"] {
        let message = with("SIP/2.0/UDP", &format!("SIP/2.0/{name}")).unwrap();
        assert_eq!(message.via().unwrap().transport, name);
    }
}

/// §3.1.1.12, 13 unreason, noreason: any text, and none, behind a status.
#[test]
fn reasons() {
    for reason in [" = 2**3 * 5**2 \u{43d}\u{43e} \u{441}\u{442}\u{43e}", " ", ""] {
        let text = PLAIN.replace("INVITE sip:b@example.com SIP/2.0", &format!("SIP/2.0 200{reason}"));
        assert_eq!(parse(&format!("{text}\r\n")).unwrap().status(), Some(200));
    }
}

/// §3.1.2.1 badinv01: semicolons and commas without anything behind them, in a contact.
#[test]
fn badinv01() {
    assert!(and("Contact: \"Joe\" <sip:joe@example.org>;;;;").is_ok(), "empty parameters are passed over");
    assert!(and("Contact: \"\" <> ;,\"Joe\" <sip:joe@example.org>;;,,;").is_err());
    assert!(
        with("Via: SIP/2.0/UDP host.example.com;branch=z9hG4bK1", "Via: SIP/2.0/UDP host.example.com;;,;,,").is_ok()
    );
}

/// §3.1.2.2, 3 clerr, ncl: a length that the datagram hasn't got, and one that isn't one.
#[test]
fn lengths() {
    for wrong in ["9999", "-999", "+1", "1x", "", "0x10", "99999999999999999999"] {
        assert_eq!(and(&format!("Content-Length: {wrong}")), Err(Malformed::Length), "{wrong}");
    }
    let twice = "Content-Length: 0\r\nl: 1";
    assert_eq!(parse(&format!("{PLAIN}{twice}\r\n\r\nx")), Err(Malformed::Length), "§3.3.9 mcl01");
    assert!(and("Content-Length: 0\r\nl: 0").is_ok());
}

/// §3.1.2.4, 5 scalar02, scalarlg: numbers that are too great.
#[test]
fn scalars() {
    for wrong in ["36893488147419103232 INVITE", "2147483648 INVITE", "-1 INVITE", "x INVITE", "7", "7 ", "7 IN VITE"] {
        assert_eq!(with("7 INVITE", wrong), Err(Malformed::CSeq), "{wrong}");
    }
    assert!(with("7 INVITE", "2147483647 INVITE").is_ok());
    assert!(Uri::parse("sip:a@b:65536").is_err() && Uri::parse("sip:a@b:-1").is_err());
}

/// §3.1.2.6 quotbal: quotes that don't end.
#[test]
fn quotbal() {
    assert_eq!(with("To: <sip:b@", "To: \"Mr. J. User <sip:b@"), Err(Malformed::Address));
    assert_eq!(with("To: <sip:b@", "To: \"J\\\" <sip:b@"), Err(Malformed::Address));
}

/// §3.1.2.7–10 ltgtruri, lwsruri, lwsstart, trws: brackets and spaces in the first line.
#[test]
fn first_lines() {
    for wrong in [
        "INVITE <sip:b@example.com> SIP/2.0",
        "INVITE sip:b@example.com; lr SIP/2.0",
        "INVITE  sip:b@example.com  SIP/2.0",
        "INVITE sip:b@example.com SIP/2.0  ",
        "INVITE SIP/2.0",
        "INVITE",
        " INVITE sip:b@example.com SIP/2.0",
        "IN@VITE sip:b@example.com SIP/2.0",
        "INVITE sip: SIP/2.0",
        "INVITE b SIP/2.0",
        "INVITE sip:b@example.com HTTP/1.1",
    ] {
        assert!(with("INVITE sip:b@example.com SIP/2.0", wrong).is_err(), "{wrong}");
    }
}

/// §3.1.2.16 badvers, §3.1.2.19 bigcode.
#[test]
fn versions_and_statuses() {
    assert_eq!(with("SIP/2.0\r", "SIP/7.0\r"), Err(Malformed::Version));
    for wrong in ["4294967301 better not", "99 x", "700 x", "20 x", "2000 x", "abc x", "+20 x"] {
        let text = PLAIN.replace("INVITE sip:b@example.com SIP/2.0", &format!("SIP/2.0 {wrong}"));
        assert_eq!(parse(&format!("{text}\r\n")), Err(Malformed::FirstLine), "{wrong}");
    }
}

/// §3.1.2.13 regbadct, §3.1.2.14 badaspec, §3.1.2.15 baddn: addresses and names that aren't.
#[test]
fn bad_addresses() {
    assert!(and("Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E").is_err());
    assert!(with("From: <sip:a@", "From: <sip:a@@").is_err());
    assert!(with("From: <sip:a@example.com>", "From: <sip:a@example.com").is_err());
    assert!(with("From: <sip:a@example.com>", "From: Bell, Alexander <sip:a@example.com>").is_err());
    assert!(with("From: <sip:a@example.com>", "From: < sip:a@example.com >").is_ok());
    assert!(with("From: <sip:a@example.com>", "From: sip:a@example.com").is_ok());
    assert!(with("From: <sip:a@example.com>", "From: \"A\" sip:a@example.com").is_err());
    assert!(with("From: <sip:a@example.com>", "From: tel:+1-555").is_ok());
}

/// §3.1.2.17, 18 mismatch01, mismatch02: the method twice.
#[test]
fn mismatch() {
    assert_eq!(with("7 INVITE", "7 OPTIONS"), Err(Malformed::CSeq));
}

/// §3.3.1 insuf, §3.3.8 multi01: what must be there once.
#[test]
fn counts() {
    for name in ["From", "To", "Call-ID", "CSeq", "Via"] {
        let without: String = PLAIN.split_inclusive("\r\n").filter(|line| !line.starts_with(name)).collect();
        assert!(parse(&format!("{without}\r\n")).is_err(), "{name}");
        if name != "Via" {
            let line = PLAIN.lines().find(|line| line.starts_with(name)).unwrap();
            assert_eq!(and(line), Err(Malformed::Count), "{name} twice");
        }
    }
    assert!(with("Call-ID: c@host", "Call-ID: ").is_err());
    assert_eq!(and("Max-Forwards: 70\r\nMax-Forwards: 5"), Err(Malformed::Count));
}

/// §3.3.2, 3 unkscm, novelsc: other schemes are addresses, too.
#[test]
fn schemes() {
    let uri = Uri::parse("soap.beep://192.0.2.103:3002").unwrap();
    assert_eq!((uri.host(), uri.text()), (None, "soap.beep://192.0.2.103:3002"));
    assert!(Uri::parse("nobodyKnowsThisScheme:totallyopaquecontent").is_ok());
    assert!(Uri::parse("1x:y").is_err() && Uri::parse(":y").is_err() && Uri::parse("sip:").is_err());
}

#[test]
fn lines_that_are_no_headers() {
    for wrong in ["no colon", ": nothing", "two words: x", "a\rb: c", "\u{0}: x"] {
        assert!(and(wrong).is_err(), "{wrong:?}");
    }
    assert!(parse(" folded at the start\r\n\r\n").is_err());
    assert!(parse("").is_err() && parse("\r\n\r\n").is_err());
    assert!(parse(&format!("\r\n\r\n{PLAIN}\r\n")).is_ok(), "§7.5: line ends before a message");
}

#[test]
fn a_stream_is_cut_at_its_lengths() {
    let one = format!("{PLAIN}Content-Length: 4\r\n\r\nbody");
    let stream = format!("\r\n\r\n{one}\r\n{one}");
    let mut rest = stream.as_bytes();
    let mut found = 0;
    while let (Some(message), used) = parse_stream(rest).unwrap() {
        assert_eq!(message.body, b"body");
        rest = &rest[used..];
        found += 1;
    }
    assert_eq!((found, rest), (2, &b""[..]));
    assert_eq!(parse_stream(format!("{PLAIN}\r\n").as_bytes()), Err(Malformed::Length), "it must be given");
    assert_eq!(parse_stream(format!("{PLAIN}Content-Length: 99999999\r\n\r\n").as_bytes()), Err(Malformed::TooLong));
    assert_eq!(parse_stream(&[b'x'; MAX_HEAD + 4]), Err(Malformed::TooLong));
    assert_eq!(parse_stream(b"\r\n\r\n"), Ok((None, 4)), "keeps a connection open");
}

#[test]
fn a_response_has_what_the_request_had() {
    let request = parse(&format!("{PLAIN}Record-Route: <sip:r;lr>\r\nX: y\r\n\r\n")).unwrap();
    let response = Message::response_to(&request, 200, "OK", "new");
    assert_eq!(response.tag("To").as_deref(), Some("new"));
    assert_eq!(response.header("CSeq"), Some("7 INVITE"));
    assert_eq!((response.header("Record-Route"), response.header("X")), (Some("<sip:r;lr>"), None));
    let tagged =
        parse(&format!("{}\r\n", PLAIN.replace("To: <sip:b@example.com>", "To: <sip:b@example.com>;tag=t"))).unwrap();
    assert_eq!(Message::response_to(&tagged, 200, "OK", "new").tag("To").as_deref(), Some("t"));
}

#[test]
fn nothing_can_be_put_between_headers() {
    assert!(is_header("X-A", "b"));
    for (name, value) in [("X", "a\r\nVia: x"), ("X", "a\nb"), ("X", "\0"), ("", "a"), ("X: y\r\nZ", "a"), ("X Y", "a")]
    {
        assert!(!is_header(name, value), "{name:?} {value:?}");
    }
    assert!(!is_header("X", &"a".repeat(5000)));
}

proptest! {
    #[test]
    fn nothing_breaks_the_parser(bytes: Vec<u8>) {
        let _ = parse_datagram(&bytes);
        let _ = parse_stream(&bytes);
    }

    #[test]
    fn nearly_a_message_breaks_nothing(at in 0usize..200, put in ".{0,4}") {
        let mut text = format!("{PLAIN}Contact: \"x\" <sip:b@h;p=\"q\">;e=\"f;g\", <sip:c@d>\r\n\r\n");
        if text.is_char_boundary(at) && at <= text.len() {
            text.insert_str(at, &put);
        }
        if let Ok(message) = parse(&text) {
            let again = parse_datagram(&message.to_bytes()).unwrap();
            prop_assert_eq!(again.cseq().unwrap(), message.cseq().unwrap());
            prop_assert_eq!(again.call_id(), message.call_id());
        }
    }

    #[test]
    fn what_is_written_is_read(user in "[a-z0-9]{1,12}", subject in "[ -~]{0,30}", body: Vec<u8>) {
        let mut message = parse(&format!("{}\r\n", PLAIN.replace("sip:b@", &format!("sip:{user}@")))).unwrap();
        message.push("Subject", subject.trim());
        message.body = body;
        let mut read = parse_datagram(&message.to_bytes()).unwrap();
        prop_assert_eq!(read.headers.pop().unwrap().0, "Content-Length");
        prop_assert_eq!(read, message);
    }
}
