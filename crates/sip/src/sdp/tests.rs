use super::*;
use crate::config::{Codec, Srtp};
use proptest::prelude::*;
use types::{Millis, World};

const KEY: &str = "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";

fn world() -> World {
    World::made(Millis(0), 1).0
}

fn local(srtp: Srtp) -> Local {
    Local::new("127.0.0.1:4000".parse().unwrap(), &[Codec::Pcma, Codec::Pcmu], srtp, &world())
}

fn session(streams: &str) -> Session {
    let text = format!("v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n{streams}");
    Session::parse(text.as_bytes()).unwrap()
}

#[test]
fn the_offer_is_this() {
    let offer = local(Srtp::Off).offer();
    let (head, stream) = offer.split_once("m=").unwrap();
    assert!(
        head.starts_with("v=0\r\no=- ")
            && head.ends_with(" 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n")
    );
    assert_eq!(
        stream,
        "audio 4000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n\
         a=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
    );
    // It is one that we would take.
    let read = Session::parse(offer.as_bytes()).unwrap();
    assert!(local(Srtp::Off).answer(&read, &world()).is_ok());
}

#[test]
fn the_answer_chooses() {
    let plan = local(Srtp::Off)
        .answered(&session("m=audio 5000 RTP/AVP 0 96\r\na=rtpmap:96 telephone-event/8000\r\na=fmtp:96 0-15\r\n"))
        .unwrap();
    assert_eq!((plan.codec, plan.payload_type, plan.keys, plan.send), (Codec::Pcmu, 0, Some(96), true));
    assert_eq!(plan.remote, "10.0.0.1:5000".parse().unwrap());
    let own_place = "m=audio 5000 RTP/AVP 3 8\r\nc=IN IP4 10.0.0.2/127\r\na=sendonly\r\n";
    let plan = local(Srtp::Off).answered(&session(own_place)).unwrap();
    assert_eq!((plan.codec, plan.keys, plan.send), (Codec::Pcma, None, false));
    assert_eq!(plan.remote, "10.0.0.2:5000".parse().unwrap());
}

#[test]
fn answers_that_do_not_fit_are_refused() {
    for streams in [
        "",
        "m=audio 0 RTP/AVP 0\r\n",
        "m=video 5000 RTP/AVP 0\r\n",
        "m=audio 5000 RTP/AVP 3 18\r\n",
        "m=audio 5000 RTP/AVP 0\r\na=rtpmap:0 G729/8000\r\n",
        "m=audio 5000 RTP/SAVP 0\r\n",
        "m=audio 5000 RTP/AVP 0\r\nc=IN IP6 ::1\r\n",
        "m=audio 5000 RTP/AVP 0\r\nc=IN IP4 media.example.org\r\n",
        "m=audio 5000 RTP/AVP 0\r\nc=IN IP4 239.1.2.3\r\n",
    ] {
        assert!(local(Srtp::Off).answered(&session(streams)).is_err(), "{streams}");
    }
}

#[test]
fn encryption_that_is_required_is_not_left_out() {
    let clear = "m=audio 5000 RTP/AVP 0\r\n".to_owned();
    let sealed = format!("m=audio 5000 RTP/SAVP 0\r\na=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:{KEY}\r\n");
    let foreign = format!("m=audio 5000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:{KEY}\r\n");
    let without = "m=audio 5000 RTP/SAVP 0\r\n".to_owned();
    let offered = format!("m=audio 5000 RTP/AVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\n");
    for (srtp, answer, taken, encrypted) in [
        (Srtp::Required, &clear, false, false),
        (Srtp::Required, &without, false, false),
        (Srtp::Required, &foreign, false, false),
        (Srtp::Required, &sealed, true, true),
        (Srtp::Offered, &clear, true, false),
        (Srtp::Offered, &without, false, false),
        (Srtp::Offered, &offered, true, true),
        (Srtp::Off, &sealed, false, false),
    ] {
        let mut local = local(srtp);
        let offer = local.offer();
        assert_eq!(offer.contains("RTP/SAVP"), srtp == Srtp::Required);
        assert_eq!(offer.matches("a=crypto:").count(), if srtp == Srtp::Off { 0 } else { 2 });
        let plan = local.answered(&session(answer));
        assert_eq!(plan.is_ok(), taken, "{srtp:?} {answer}");
        assert_eq!(plan.is_ok_and(|plan| plan.crypto.is_some()), encrypted, "{srtp:?} {answer}");
    }
}

#[test]
fn hold_and_resume_are_answered() {
    let mut local = local(Srtp::Off);
    local.offer();
    for (theirs, ours, send) in [
        ("sendonly", "recvonly", false),
        ("inactive", "inactive", false),
        ("recvonly", "sendonly", true),
        ("sendrecv", "sendrecv", true),
    ] {
        let offer = format!("m=audio 5000 RTP/AVP 0 97\r\na=rtpmap:97 telephone-event/8000\r\na={theirs}\r\n");
        let (answer, plan) = local.answer(&session(&offer), &world()).unwrap();
        assert!(answer.ends_with(&format!("a={ours}\r\n")), "{answer}");
        assert!(answer.contains("m=audio 4000 RTP/AVP 0 97\r\n"));
        assert_eq!(plan.send, send);
        assert_eq!(plan.keys_heard, [101, 97]);
    }
    let (_, plan) = local.answer(&session("m=audio 5000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n"), &world()).unwrap();
    assert!(!plan.send);
}

#[test]
fn other_streams_are_refused_in_their_place() {
    let offer = "m=video 6000 RTP/AVP 96\r\nm=audio 5000 RTP/AVP 8\r\nm=audio 7000 RTP/AVP 0\r\n";
    let (answer, plan) = local(Srtp::Off).answer(&session(offer), &world()).unwrap();
    let streams: Vec<&str> = answer.lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(streams, ["m=video 0 RTP/AVP 96", "m=audio 4000 RTP/AVP 8", "m=audio 0 RTP/AVP 0"]);
    assert_eq!(plan.remote.port(), 5000);
}

#[test]
fn nobody_talks_us_out_of_encryption() {
    let mut local = local(Srtp::Offered);
    local.offer();
    let sealed = format!("m=audio 5000 RTP/AVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\n");
    let before = local.answered(&session(&sealed)).unwrap();
    assert!(local.answer(&session("m=audio 5000 RTP/AVP 0\r\n"), &world()).is_err());
    let (answer, plan) = local.answer(&session(&sealed.replace("crypto:1", "crypto:5")), &world()).unwrap();
    assert!(answer.contains("a=crypto:5 AES_CM_128_HMAC_SHA1_80 inline:"));
    let ours = |plan: &Plan| plan.crypto.clone().unwrap().0.master;
    assert!(ours(&before).ct_eq(ours(&plan).expose()), "our key stays");
    assert!(local.offer().contains("RTP/SAVP"));
}

#[test]
fn the_version_goes_up_when_something_changes() {
    let mut local = local(Srtp::Off);
    let version = |text: &str| text.lines().nth(1).unwrap().split(' ').nth(2).unwrap().to_owned();
    assert_eq!(version(&local.offer()), "1");
    assert_eq!(version(&local.offer()), "1");
    let (answer, _) = local.answer(&session("m=audio 5000 RTP/AVP 8\r\na=sendonly\r\n"), &world()).unwrap();
    assert_eq!(version(&answer), "2");
}

#[test]
fn what_is_no_description_is_refused() {
    let many = format!("v=0\r\n{}", "a=x\r\n".repeat(600));
    let streams = format!("v=0\r\n{}", "m=audio 1 RTP/AVP 0\r\n".repeat(17));
    let long = format!("v=0\r\ns={}\r\n", "x".repeat(17_000));
    for text in [
        "",
        "\r\n",
        "o=x\r\n",
        "v=1\r\n",
        "v=0\r\nm=audio\r\n",
        "v=0\r\nm=audio x RTP/AVP 0\r\n",
        "v=0\r\nm=audio 1 RTP/AVP\r\n",
        "v=0\r\nxy\r\n",
        "v=0\r\nc=IN IP4 ::1\r\n",
        &many,
        &streams,
        &long,
    ] {
        assert!(Session::parse(text.as_bytes()).is_err());
    }
    assert!(Session::parse(b"v=0\nm=audio 1 RTP/AVP 0\n").is_ok(), "line ends of the other kind");
}

proptest! {
    #[test]
    fn nothing_breaks_the_reader(text in "v=0\r\n([a-z]=[ -~]{0,40}\r\n){0,12}") {
        if let Ok(read) = Session::parse(text.as_bytes()) {
            let mut local = local(Srtp::Offered);
            let _ = local.answered(&read);
            if let Ok((answer, _)) = local.answer(&read, &world()) {
                let again = Session::parse(answer.as_bytes()).unwrap();
                prop_assert_eq!(again.media.len(), read.media.len());
            }
        }
    }

    #[test]
    fn whatever_is_answered_has_as_many_streams(ports in proptest::collection::vec(0u16..3, 1..6)) {
        let offer: String = ports.iter().map(|port| format!("m=audio {port} RTP/AVP 0\r\n")).collect();
        match local(Srtp::Off).answer(&session(&offer), &world()) {
            Ok((answer, _)) => prop_assert_eq!(Session::parse(answer.as_bytes()).unwrap().media.len(), ports.len()),
            Err(Mismatch) => prop_assert!(ports.iter().all(|port| *port == 0)),
        }
    }
}
