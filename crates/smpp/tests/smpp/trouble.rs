//! Peers that stall, send garbage, cut the connection or say no.

use crate::peer::{Line, Smsc, bound, client, deliver, text};
use countersign_smpp::{
    Standing, Status, SubmitError,
    pdu::{self, Pdu},
};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Whatever happened before: it binds again, and a text goes.
async fn goes_on(client: &Arc<countersign_smpp::Client>, smsc: &Smsc) -> Line<TcpStream> {
    let (mut line, _) = smsc.bound().await;
    client.wait_for(Standing::Bound).await;
    let submitting = Arc::clone(client);
    let submit = tokio::spawn(async move { submitting.submit(&text("x")).await });
    line.take("1").await;
    assert!(submit.await.unwrap().is_ok());
    line
}

#[tokio::test]
async fn without_a_bind_nothing_is_sent() {
    let smsc = Smsc::new().await;
    let (client, ..) = client(smsc.config());
    assert_eq!(client.submit(&text("x")).await, Err(SubmitError::NotSent));
    goes_on(&client, &smsc).await;
}

#[tokio::test]
async fn a_cut_leaves_nobody_waiting_and_a_new_bind_is_made() {
    let smsc = Smsc::new().await;
    let (client, _, mut line) = bound(smsc.config(), &smsc).await;
    let submitting = Arc::clone(&client);
    let submit = tokio::spawn(async move { submitting.submit(&text("x")).await });
    line.submit(|_| ()).await;
    drop(line);
    // It was sent; whether it was taken, nobody knows.
    assert_eq!(submit.await.unwrap(), Err(SubmitError::Unknown));
    goes_on(&client, &smsc).await;
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_unknown_and_a_silent_smsc_is_left() {
    let smsc = Smsc::new().await;
    let mut config = smsc.config();
    config.response = Duration::from_millis(1_500);
    let (client, _, mut line) = bound(config, &smsc).await;
    let submitting = Arc::clone(&client);
    let submit = tokio::spawn(async move { submitting.submit(&text("x")).await });
    let (sequence, ()) = line.submit(|_| ()).await;
    assert_eq!(submit.await.unwrap(), Err(SubmitError::Unknown));
    // Who waits in vain asks whether anybody is there.
    assert_eq!(line.header().await.command, 0x15);
    assert!(line.frame().await.is_none());
    assert_eq!(sequence, 2);
    goes_on(&client, &smsc).await;
}

#[tokio::test]
async fn who_gives_up_waiting_has_it_asked_whether_anybody_is_there() {
    let smsc = Smsc::new().await;
    let (client, _, mut line) = bound(smsc.config(), &smsc).await;
    let submitting = Arc::clone(&client);
    let submit = tokio::spawn(async move { submitting.submit(&text("x")).await });
    let (late, ()) = line.submit(|_| ()).await;
    submit.abort();
    let header = line.header().await;
    assert_eq!(header.command, 0x15);
    line.say(&Pdu::EnquireLinkAnswer, Status::ROK, header.sequence).await;
    // The answer comes after all, and disturbs nobody.
    line.say(&Pdu::SubmitAnswer(b"1"), Status::ROK, late).await;
    let submitting = Arc::clone(&client);
    let submit = tokio::spawn(async move { submitting.submit(&text("x")).await });
    line.take("2").await;
    assert_eq!(submit.await.unwrap().unwrap().id, "2");
}

#[tokio::test]
async fn an_idle_smsc_is_asked_whether_it_is_there() {
    let smsc = Smsc::new().await;
    let mut config = smsc.config();
    config.enquire_link = Duration::from_millis(50);
    let (client, _, mut line) = bound(config, &smsc).await;
    for _ in 0..3 {
        let header = line.header().await;
        assert_eq!(header.command, 0x15);
        line.say(&Pdu::EnquireLinkAnswer, Status::ROK, header.sequence).await;
    }
    assert!(client.is_bound());
}

#[tokio::test]
async fn what_is_no_pdu_ends_the_session() {
    let smsc = Smsc::new().await;
    let (client, _, mut line) = bound(smsc.config(), &smsc).await;
    for garbage in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], &[0; 64], &[0xFF; 64]] {
        line.stream.write_all(garbage).await.unwrap();
        let nack = line.header().await;
        assert_eq!((nack.command, nack.status), (0x8000_0000, Status::RINVCMDLEN));
        assert!(line.frame().await.is_none());
        line = goes_on(&client, &smsc).await;
    }
}

#[tokio::test]
async fn a_pdu_that_can_not_be_read_harms_only_itself() {
    let smsc = Smsc::new().await;
    let (client, _, mut line) = bound(smsc.config(), &smsc).await;
    // A deliver_sm that ends in the middle, an unknown command, a submit (nobody submits to a client), answers to nothing.
    line.stream.write_all(&[0, 0, 0, 18, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 7, 0, 1]).await.unwrap();
    line.say(&Pdu::Unknown(0x77), Status::ROK, 8).await;
    line.say(&Pdu::Submit(deliver(0, b"x")), Status::ROK, 9).await;
    line.say(&Pdu::SubmitAnswer(b"x"), Status::ROK, 4_000).await;
    line.say(&Pdu::Unknown(0x8000_0077), Status::ROK, 10).await;
    line.say(&Pdu::Ignored(0x0B), Status::ROK, 11).await;
    line.say(&Pdu::EnquireLink, Status::ROK, 12).await;
    let mut heard = Vec::new();
    for _ in 0..4 {
        let header = line.header().await;
        heard.push((header.sequence, header.status, header.command));
    }
    assert_eq!(
        heard,
        [
            (7, Status::RINVCMDLEN, 0x8000_0000),
            (8, Status::RINVCMDID, 0x8000_0000),
            (9, Status::RINVCMDID, 0x8000_0000),
            (12, Status::ROK, 0x8000_0015)
        ]
    );
    assert!(client.is_bound());
}

#[tokio::test]
async fn halves_are_put_together_and_a_long_one_finds_room() {
    let smsc = Smsc::new().await;
    let (client, told, _) = client(smsc.config());
    let (mut line, _) = smsc.bound().await;
    client.wait_for(Standing::Bound).await;
    let payload = vec![b'a'; 60_000];
    let mut tlvs = Vec::new();
    pdu::tlv::put(&mut tlvs, pdu::tlv::MESSAGE_PAYLOAD, &payload);
    let mut message = deliver(0, b"");
    message.tlvs = pdu::Tlvs::new(&tlvs);
    let mut wire = Vec::new();
    Pdu::Deliver(message).encode(Status::ROK, 1, &mut wire);
    Pdu::Deliver(deliver(0, b"short")).encode(Status::ROK, 2, &mut wire);
    for octets in [&wire[..3], &wire[3..17], &wire[17..40_000], &wire[40_000..]] {
        line.stream.write_all(octets).await.unwrap();
        line.stream.flush().await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!([line.header().await.sequence, line.header().await.sequence], [1, 2]);
    let texts = told.texts.lock().unwrap();
    assert_eq!((texts[0].2.len(), texts[1].2.as_str()), (60_000, "short"));
}

#[tokio::test]
async fn an_unbind_is_answered_and_the_bind_made_again() {
    let smsc = Smsc::new().await;
    let (client, _, mut line) = bound(smsc.config(), &smsc).await;
    line.say(&Pdu::Unbind, Status::ROK, 5).await;
    let header = line.header().await;
    assert_eq!((header.command, header.sequence), (0x8000_0006, 5));
    assert!(line.frame().await.is_none());
    goes_on(&client, &smsc).await;
}

#[tokio::test]
async fn a_refused_bind_says_why_and_is_tried_again() {
    let smsc = Smsc::new().await;
    let (client, ..) = client(smsc.config());
    let mut line = smsc.accept().await;
    let header = line.header().await;
    line.say(&Pdu::BindAnswer(pdu::Role::Transceiver, b"", None), Status::RINVPASWD, header.sequence).await;
    client.wait_for(Standing::Refused(Status::RINVPASWD)).await;
    assert_eq!(client.submit(&text("x")).await, Err(SubmitError::NotSent));
    goes_on(&client, &smsc).await;
}

#[tokio::test]
async fn a_bind_that_the_smsc_has_forgotten_is_made_again() {
    let smsc = Smsc::new().await;
    let (client, _, mut line) = bound(smsc.config(), &smsc).await;
    let submitting = Arc::clone(&client);
    let submit = tokio::spawn(async move { submitting.submit(&text("x")).await });
    let (sequence, ()) = line.submit(|_| ()).await;
    line.say(&Pdu::SubmitAnswer(b""), Status::RINVBNDSTS, sequence).await;
    assert_eq!(submit.await.unwrap(), Err(SubmitError::NotSent));
    goes_on(&client, &smsc).await;
}

#[tokio::test]
async fn one_that_floods_and_does_not_read_is_not_read_any_more() {
    let smsc = Smsc::new().await;
    let mut config = smsc.config();
    config.response = Duration::from_millis(1_500);
    let (client, _, mut line) = bound(config, &smsc).await;
    let mut flood = Vec::new();
    for sequence in 1..4_000 {
        Pdu::EnquireLink.encode(Status::ROK, sequence, &mut flood);
    }
    // Sooner or later our answers fill its buffers, and we leave.
    while line.stream.write_all(&flood).await.is_ok() {}
    drop(line);
    goes_on(&client, &smsc).await;
}

#[tokio::test]
async fn stopping_unbinds_when_what_is_on_its_way_has_ended() {
    let smsc = Smsc::new().await;
    let (client, _, mut line) = bound(smsc.config(), &smsc).await;
    let submitting = Arc::clone(&client);
    let submit = tokio::spawn(async move { submitting.submit(&text("x")).await });
    let (sequence, ()) = line.submit(|_| ()).await;
    let stopping = Arc::clone(&client);
    let stop = tokio::spawn(async move { stopping.stop().await });
    line.say(&Pdu::SubmitAnswer(b"1"), Status::ROK, sequence).await;
    assert!(submit.await.unwrap().is_ok());
    let header = line.header().await;
    assert_eq!(header.command, 0x06);
    line.say(&Pdu::UnbindAnswer, Status::ROK, header.sequence).await;
    stop.await.unwrap();
    assert_eq!(client.standing(), Standing::Stopped);
    let mut rest = Vec::new();
    line.stream.read_to_end(&mut rest).await.unwrap();
    assert_eq!(client.submit(&text("x")).await, Err(SubmitError::NotSent));
}
