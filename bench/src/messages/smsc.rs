//! The SMSC of the measurement: takes everything at once, and sends each receipt right behind the answer. It has a thread of its own
//! and as little work as can be, so that what is measured is the other side.

use super::WINDOW;
use anyhow::Result;
use smpp::{
    Status,
    pdu::{self, Message, Pdu, Tlvs},
    receipt::RECEIPT,
};
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicU32, Ordering},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Ids of messages, over all connections.
static IDS: AtomicU32 = AtomicU32::new(0x1000_0000);

/// A running SMSC, until the process ends.
pub(crate) struct Smsc {
    pub(super) port: u16,
}

impl Smsc {
    pub(crate) fn start() -> Result<Self> {
        let listener = std::net::TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::spawn(move || {
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener)?;
                loop {
                    let (stream, _) = listener.accept().await?;
                    stream.set_nodelay(true)?;
                    tokio::spawn(serve(stream));
                }
                #[expect(unreachable_code, reason = "says what the block gives")]
                anyhow::Ok(())
            })
        });
        Ok(Self { port })
    }

    /// It as a carrier of a gateway file.
    pub(crate) fn carrier(&self) -> String {
        format!(
            "[carriers.smsc]\nkind = \"smpp\"\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"plain\"\nsystem_id = \"bench\"\n\
             password = \"bench\"\nfrom = \"Bench\"\nwindow = {WINDOW}\n",
            self.port
        )
    }
}

async fn serve(mut stream: TcpStream) -> Result<()> {
    let (mut inbox, mut out) = (Vec::with_capacity(65_536), Vec::with_capacity(65_536));
    let mut sequence = 0;
    loop {
        if stream.read_buf(&mut inbox).await? == 0 {
            return Ok(());
        }
        let mut done = 0;
        while let Some(rest) = inbox.get(done..)
            && let Some(length) = pdu::frame_length(rest)?
            && let Some(frame) = rest.get(..length)
        {
            answer(frame, &mut sequence, &mut out)?;
            done += length;
        }
        inbox.drain(..done);
        stream.write_all(&out).await?;
        out.clear();
    }
}

fn answer(frame: &[u8], sequence: &mut u32, out: &mut Vec<u8>) -> Result<()> {
    let (header, pdu) = pdu::decode(frame)?;
    let mut say = |pdu: &Pdu<'_>, sequence| pdu.encode(Status::ROK, sequence, out);
    match pdu {
        Pdu::Bind(bind) => say(&Pdu::BindAnswer(bind.role, b"bench", Some(0x34)), header.sequence),
        Pdu::Submit(message) => {
            let id = format!("{:08x}", IDS.fetch_add(1, Ordering::Relaxed));
            say(&Pdu::SubmitAnswer(id.as_bytes()), header.sequence);
            let text = format!(
                "id:{id} sub:001 dlvrd:001 submit date:2611220226 done date:2611220227 stat:DELIVRD err:000 text:"
            );
            *sequence = *sequence % 0x7FFF_FFFF + 1;
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
    Ok(())
}
