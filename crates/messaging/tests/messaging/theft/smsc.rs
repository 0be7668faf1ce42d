//! An SMSC that takes everything, and whose receipts name the number again. It is in the process that searches, not in the one that is
//! searched.

use smpp::{
    Status,
    pdu::{self, Message, Pdu, Tlvs},
    receipt::RECEIPT,
};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

pub(super) struct Smsc {
    pub(super) port: u16,
    taken: Arc<AtomicU32>,
}

impl Smsc {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, taken) = (listener.local_addr().unwrap().port(), Arc::new(AtomicU32::new(0)));
        let counted = Arc::clone(&taken);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&counted)));
            }
        });
        Self { port, taken }
    }

    /// How many messages it was given.
    pub(super) fn taken(&self) -> u32 {
        self.taken.load(Ordering::SeqCst)
    }
}

async fn serve(mut stream: TcpStream, taken: Arc<AtomicU32>) {
    let (mut inbox, mut out, mut sequence) = (Vec::new(), Vec::new(), 0);
    // Until the other side closes: a connection that breaks is nobody's failure here.
    while stream.read_buf(&mut inbox).await.is_ok_and(|read| read > 0) {
        let mut done = 0;
        while let Some(length) = pdu::frame_length(&inbox[done..]).unwrap()
            && let Some(frame) = inbox[done..].get(..length)
        {
            answer(frame, &taken, &mut sequence, &mut out);
            done += length;
        }
        inbox.drain(..done);
        if stream.write_all(&out).await.is_err() {
            return;
        }
        out.clear();
    }
}

fn answer(frame: &[u8], taken: &AtomicU32, sequence: &mut u32, out: &mut Vec<u8>) {
    let (header, pdu) = pdu::decode(frame).unwrap();
    let mut say = |pdu: &Pdu<'_>, sequence| pdu.encode(Status::ROK, sequence, out);
    match pdu {
        Pdu::Bind(bind) => say(&Pdu::BindAnswer(bind.role, b"theft", Some(0x34)), header.sequence),
        Pdu::Submit(message) => {
            let id = format!("{:08x}", 0x1000_0000 + taken.fetch_add(1, Ordering::SeqCst));
            say(&Pdu::SubmitAnswer(id.as_bytes()), header.sequence);
            let number = String::from_utf8_lossy(message.destination.text).into_owned();
            let text = format!(
                "id:{id} sub:001 dlvrd:001 submit date:2611220226 done date:2611220227 stat:DELIVRD err:000 text:to {number}"
            );
            *sequence += 1;
            let receipt = Message {
                source: message.destination,
                destination: message.source,
                esm_class: RECEIPT,
                validity_period: b"",
                registered_delivery: 0,
                data_coding: 0,
                short_message: text.as_bytes(),
                tlvs: Tlvs::default(),
                service_type: b"",
            };
            say(&Pdu::Deliver(receipt), *sequence);
        }
        Pdu::EnquireLink => say(&Pdu::EnquireLinkAnswer, header.sequence),
        Pdu::Unbind => say(&Pdu::UnbindAnswer, header.sequence),
        _ => {}
    }
}
