//! What comes back.

use crate::peer::{Smsc, bound, client, deliver, text};
use countersign_smpp::{
    ReceiptIds, Standing, State, Status,
    pdu::{Message, Pdu, Tlvs, tlv},
};
use std::sync::Arc;

#[tokio::test]
async fn before_the_answer_and_twice() {
    let smsc = Smsc::new().await;
    let (client, mut receipts, mut line) = bound(smsc.config(), &smsc).await;
    let submitting = Arc::clone(&client);
    let submit = tokio::spawn(async move { submitting.submit(&text("x")).await });
    let (sequence, ()) = line.submit(|_| ()).await;
    line.receipt("id:7A sub:001 dlvrd:001 stat:DELIVRD err:000 text:x", 1).await;
    let answered = line.header().await;
    assert_eq!((answered.command, answered.status, answered.sequence), (0x8000_0005, Status::ROK, 1));
    line.say(&Pdu::SubmitAnswer(b"7A"), Status::ROK, sequence).await;
    assert!(submit.await.unwrap().is_ok());
    assert_eq!(receipts.recv().await.unwrap(), ("7a".to_owned(), State::Delivered));
    line.receipt("id:7A stat:DELIVRD", 2).await;
    line.receipt("id:7A stat:UNDELIV", 3).await;
    assert_eq!([line.header().await.sequence, line.header().await.sequence], [2, 3]);
    assert!(receipts.try_recv().is_err());
}

#[tokio::test]
async fn in_another_notation_by_data_sm_and_for_all_parts() {
    let smsc = Smsc::new().await;
    let mut config = smsc.config();
    config.ids = ReceiptIds::Hex;
    let (client, mut receipts, mut line) = bound(config, &smsc).await;
    let submitting = Arc::clone(&client);
    let submit = tokio::spawn(async move { submitting.submit(&text(&"a".repeat(200))).await });
    line.take("255").await;
    line.take("256").await;
    assert_eq!(submit.await.unwrap().unwrap().id, "255");
    for (id, sequence) in [("100", 1), ("FF", 2)] {
        let mut tlvs = Vec::new();
        tlv::put(&mut tlvs, tlv::RECEIPTED_MESSAGE_ID, format!("{id}\0").as_bytes());
        tlv::put(&mut tlvs, tlv::MESSAGE_STATE, &[2]);
        let data = Message { tlvs: Tlvs::new(&tlvs), ..deliver(0x04, b"") };
        assert!(receipts.try_recv().is_err());
        line.say(&Pdu::Data(data), Status::ROK, sequence).await;
        assert_eq!(line.header().await.command, 0x8000_0103);
    }
    assert_eq!(receipts.recv().await.unwrap(), ("255".to_owned(), State::Delivered));
}

#[tokio::test]
async fn who_can_not_keep_a_receipt_asks_for_it_again() {
    let smsc = Smsc::new().await;
    let (client, receipts, mut line) = bound(smsc.config(), &smsc).await;
    let submitting = Arc::clone(&client);
    let submit = tokio::spawn(async move { submitting.submit(&text("x")).await });
    line.take("1").await;
    assert!(submit.await.unwrap().is_ok());
    // Nobody listens any more.
    drop(receipts);
    line.receipt("id:1 stat:DELIVRD", 9).await;
    assert_eq!(line.header().await.status, Status::RX_T_APPN);
}

#[tokio::test]
async fn what_people_write() {
    let smsc = Smsc::new().await;
    let (client, told, mut receipts) = client(smsc.config());
    let (mut line, _) = smsc.bound().await;
    client.wait_for(Standing::Bound).await;
    line.say(&Pdu::Deliver(deliver(0, b"STOP")), Status::ROK, 1).await;
    line.say(&Pdu::Deliver(deliver(0x40, b"\x05\0\x03\x07\x02\x02 there")), Status::ROK, 2).await;
    line.say(&Pdu::Deliver(deliver(0x40, b"\x05\0\x03\x07\x02\x01Hello")), Status::ROK, 3).await;
    // Anybody can write this; it is a text.
    line.say(&Pdu::Deliver(deliver(0, b"id:1 stat:DELIVRD")), Status::ROK, 4).await;
    for sequence in 1..=4 {
        assert_eq!(line.header().await.sequence, sequence);
    }
    let texts: Vec<String> = told.texts.lock().unwrap().iter().map(|(.., text)| text.clone()).collect();
    assert_eq!(texts, ["STOP", "Hello there", "id:1 stat:DELIVRD"]);
    let (from, to, _) = told.texts.lock().unwrap()[0].clone();
    assert_eq!((from.as_str(), to.as_str()), ("491701234567", "Acme"));
    assert!(receipts.try_recv().is_err());
}
