//! What goes out.

use crate::peer::{Smsc, bound, client, text};
use countersign_smpp::{
    Alphabet, Concatenation, Mode, Standing, Status, SubmitError, Submitted, Tls, Validity,
    pdu::{self, Pdu, Role, tlv},
};
use std::{sync::Arc, time::Duration};

#[tokio::test]
async fn a_text_as_the_smsc_gets_it() {
    let smsc = Smsc::new().await;
    let (client, _, mut line) = bound(smsc.config(), &smsc).await;
    let submit = tokio::spawn(async move { client.submit(&text("Your code is 491720 €")).await });
    let (sequence, ()) = line
        .submit(|message| {
            assert!(message.source.text == b"Acme" && (message.source.ton, message.source.npi) == (5, 0));
            assert!(message.destination.text == b"491701234567");
            assert_eq!((message.destination.ton, message.destination.npi), (1, 1));
            assert_eq!(message.short_message, b"Your code is 491720 \x1b\x65");
            assert_eq!((message.esm_class, message.data_coding, message.registered_delivery), (0, 0, 1));
            assert_eq!(message.validity_period, b"000000001000000R");
        })
        .await;
    line.say(&Pdu::SubmitAnswer(b"00AB"), Status::ROK, sequence).await;
    assert_eq!(submit.await.unwrap(), Ok(Submitted { id: "ab".to_owned(), segments: 1 }));
}

#[tokio::test]
async fn a_long_text_in_parts_of_which_the_first_goes_alone() {
    let smsc = Smsc::new().await;
    let mut config = smsc.config();
    config.concatenation = Concatenation::Sar;
    config.alphabet = Alphabet::Ucs2;
    config.validity = Validity::Absolute;
    let (client, _, mut line) = bound(config, &smsc).await;
    let submit = tokio::spawn(async move { client.submit(&text(&"я".repeat(150))).await });
    for (number, id) in [(1, "one"), (2, "two"), (3, "three")] {
        let (sequence, part) = line
            .submit(|message| {
                assert_eq!(message.validity_period, b"261122024000000+");
                assert_eq!(message.tlvs.octet(tlv::SAR_TOTAL_SEGMENTS), Some(3));
                message.tlvs.octet(tlv::SAR_SEGMENT_SEQNUM)
            })
            .await;
        assert_eq!(part, Some(number));
        line.say(&Pdu::SubmitAnswer(id.as_bytes()), Status::ROK, sequence).await;
    }
    assert_eq!(submit.await.unwrap(), Ok(Submitted { id: "one".to_owned(), segments: 3 }));
}

#[tokio::test]
async fn a_refusal_of_the_first_part_is_the_end() {
    let smsc = Smsc::new().await;
    let (client, _, mut line) = bound(smsc.config(), &smsc).await;
    let long = Arc::clone(&client);
    let submit = tokio::spawn(async move { long.submit(&text(&"a".repeat(400))).await });
    let (sequence, ()) = line.submit(|_| ()).await;
    line.say(&Pdu::SubmitAnswer(b""), Status::RINVDSTADR, sequence).await;
    assert_eq!(submit.await.unwrap(), Err(SubmitError::Refused(Status::RINVDSTADR)));
    // What comes next is another text: nothing of the first one was still to come.
    let submit = tokio::spawn(async move { client.submit(&text("next")).await });
    let (sequence, ()) = line.submit(|message| assert_eq!(message.short_message, b"next")).await;
    line.say(&Pdu::GenericNack, Status::RINVCMDID, sequence).await;
    assert_eq!(submit.await.unwrap(), Err(SubmitError::Refused(Status::RINVCMDID)));
}

#[tokio::test]
async fn the_window_is_kept() {
    let smsc = Smsc::new().await;
    let mut config = smsc.config();
    config.window = 3;
    let (client, _, mut line) = bound(config, &smsc).await;
    let submits: Vec<_> = (0..9)
        .map(|_| {
            let client = Arc::clone(&client);
            tokio::spawn(async move { client.submit(&text("x")).await })
        })
        .collect();
    for _ in 0..3 {
        let mut sequences = Vec::new();
        for _ in 0..3 {
            sequences.push(line.submit(|_| ()).await.0);
        }
        // Nobody sends a fourth before an answer; an enquiry that is answered proves that nothing else was on its way.
        line.say(&Pdu::EnquireLink, Status::ROK, 99).await;
        assert_eq!(line.header().await.sequence, 99);
        for sequence in sequences {
            line.say(&Pdu::SubmitAnswer(b"1"), Status::ROK, sequence).await;
        }
    }
    for submit in submits {
        assert!(submit.await.unwrap().is_ok());
    }
}

#[tokio::test]
async fn too_fast_is_no_failure() {
    let smsc = Smsc::new().await;
    let (client, _, mut line) = bound(smsc.config(), &smsc).await;
    let submit = tokio::spawn(async move { client.submit(&text("x")).await });
    for status in [Status::RTHROTTLED, Status::RMSGQFUL] {
        let (sequence, ()) = line.submit(|_| ()).await;
        line.say(&Pdu::SubmitAnswer(b""), status, sequence).await;
    }
    line.take("7").await;
    assert!(submit.await.unwrap().is_ok());
}

#[tokio::test]
async fn whose_patience_ends_learns_that_nobody_has_seen_the_text() {
    let smsc = Smsc::new().await;
    let (client, _, mut line) = bound(smsc.config(), &smsc).await;
    let submitting = Arc::clone(&client);
    let submit = tokio::spawn(async move {
        let mut text = text("x");
        text.patience = Duration::from_millis(300);
        submitting.submit(&text).await
    });
    let throttle = async {
        loop {
            let (sequence, ()) = line.submit(|_| ()).await;
            line.say(&Pdu::SubmitAnswer(b""), Status::RTHROTTLED, sequence).await;
        }
    };
    tokio::select! {
        () = throttle => {}
        done = submit => assert_eq!(done.unwrap(), Err(SubmitError::Throttled)),
    }
}

#[tokio::test]
async fn trouble_of_the_moment_is_tried_again_and_then_told() {
    let smsc = Smsc::new().await;
    let (client, _, mut line) = bound(smsc.config(), &smsc).await;
    let submit = tokio::spawn(async move { client.submit(&text("x")).await });
    for _ in 0..3 {
        let (sequence, ()) = line.submit(|_| ()).await;
        line.say(&Pdu::SubmitAnswer(b""), Status::RSYSERR, sequence).await;
    }
    assert_eq!(submit.await.unwrap(), Err(SubmitError::Refused(Status::RSYSERR)));
}

#[tokio::test]
async fn a_pair_submits_over_one_and_hears_over_the_other() {
    let smsc = Smsc::new().await;
    let mut config = smsc.config();
    config.mode = Mode::Pair;
    pair(&smsc, config).await;
}

#[tokio::test]
async fn an_smsc_without_transceivers_gets_a_pair() {
    let smsc = Smsc::new().await;
    let config = smsc.config();
    let refuse = async {
        let mut line = smsc.accept().await;
        let frame = line.frame().await.unwrap();
        let (header, Pdu::Bind(bind)) = pdu::decode(&frame).unwrap() else { panic!() };
        assert_eq!(bind.role, Role::Transceiver);
        line.say(&Pdu::GenericNack, Status::RINVCMDID, header.sequence).await;
        let _ = line.frame().await;
    };
    let (client, _, receipts) = client(config);
    refuse.await;
    hear_over_a_pair(&smsc, client, receipts).await;
}

async fn pair(smsc: &Smsc, config: countersign_smpp::Config) {
    let (client, _, receipts) = client(config);
    hear_over_a_pair(smsc, client, receipts).await;
}

async fn hear_over_a_pair(smsc: &Smsc, client: Arc<countersign_smpp::Client>, mut receipts: crate::peer::Receipts) {
    let mut lines = [smsc.bound().await, smsc.bound().await];
    lines.sort_by_key(|(_, role)| *role == Role::Receiver);
    let [(mut transmitter, first), (mut receiver, second)] = lines;
    assert_eq!((first, second), (Role::Transmitter, Role::Receiver));
    client.wait_for(Standing::Bound).await;
    let submitting = Arc::clone(&client);
    let submit = tokio::spawn(async move { submitting.submit(&text("x")).await });
    transmitter.take("5").await;
    assert!(submit.await.unwrap().is_ok());
    receiver.receipt("id:5 stat:DELIVRD", 1).await;
    assert_eq!(receipts.recv().await.unwrap().0, "5");
}

#[tokio::test]
async fn tls_to_the_right_smsc_only() {
    use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
    let key = rcgen::generate_simple_self_signed(vec!["smsc.test".to_owned()]).unwrap();
    let pem = key.cert.pem();
    let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.signing_key.serialize_der()));
    let server = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![key.cert.der().clone()], secret)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(server));

    let smsc = Smsc::new().await;
    let mut config = smsc.config();
    config.tls = Some(Tls::new("other.test", Some(pem.as_bytes()), None).unwrap());
    let (wrong, ..) = client(config.clone());
    assert!(acceptor.accept(smsc.accept().await.stream).await.is_err());
    assert!(!wrong.is_bound());
    drop(wrong);

    config.tls = Some(Tls::new("smsc.test", Some(pem.as_bytes()), None).unwrap());
    let (right, ..) = client(config);
    let mut line = loop {
        // The wrong one may have had one more try on its way.
        if let Ok(stream) = acceptor.accept(smsc.accept().await.stream).await {
            break crate::peer::Line::new(stream);
        }
    };
    line.bind().await;
    right.wait_for(Standing::Bound).await;
    let submit = tokio::spawn(async move { right.submit(&text("x")).await });
    line.take("1").await;
    assert!(submit.await.unwrap().is_ok());
}
