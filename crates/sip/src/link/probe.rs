//! Whether the trunk lives: it is asked by `OPTIONS`, and any answer will do (RFC 3261 §11).

use super::{Incoming, Link, resolve};
use crate::{
    dialog::{AGENT, Hop, via},
    message::{Message, Uri},
};
use std::{
    sync::{PoisonError, atomic::Ordering},
    time::Duration,
};
use tokio::{sync::mpsc, time::timeout};

/// Pauses before the question is sent again, and before it counts as not answered.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(1), Duration::from_millis(1500)];
/// How often a trunk that is down is asked.
const WHILE_DOWN: Duration = Duration::from_secs(5);

pub(super) async fn run(link: &Link) {
    let Some(usual) = link.config.probe else { return };
    let mut way = link.local();
    loop {
        if way.wait_for(Option::is_some).await.is_err() {
            return;
        }
        let alive = ask(link).await;
        if link.alive.swap(alive, Ordering::Relaxed) != alive {
            tracing::warn!(alive, "the SIP trunk");
        }
        if !alive {
            // A connection whose other end is gone without a word lasts for hours, and takes calls.
            link.reset.notify_waiters();
        }
        if !alive && let Ok(found) = resolve::all(&link.host, link.port).await {
            // It may have moved.
            *link.addresses.write().unwrap_or_else(PoisonError::into_inner) = found;
        }
        tokio::time::sleep(if alive { usual } else { usual.min(WHILE_DOWN) }).await;
    }
}

async fn ask(link: &Link) -> bool {
    let (Some(local), Ok(uri)) = (*link.local.borrow(), Uri::parse(&format!("sip:{}", bracketed(&link.host)))) else {
        return false;
    };
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    let call_id = hex(&link.world.bytes::<16>());
    let sent_by = link.public(local).to_string();
    let mut question = Message::request("OPTIONS".to_owned(), uri.clone());
    let branch = format!("z9hG4bK{}", hex(&link.world.bytes::<12>()));
    question.push("Via", via(link.config.transport, &sent_by, &branch));
    question.push("Max-Forwards", "70");
    question.push("From", format!("<sip:countersign@{sent_by}>;tag={}", hex(&link.world.bytes::<8>())));
    question.push("To", format!("<{}>", uri.text()));
    question.push("Call-ID", &*call_id);
    question.push("CSeq", "1 OPTIONS");
    question.push("Contact", format!("<sip:countersign@{sent_by}>"));
    question.push("User-Agent", AGENT);
    let bytes = question.to_bytes();
    let mut answers = link.expect(&call_id);
    let answered = async {
        for (round, pause) in PAUSES.into_iter().enumerate() {
            if round == 0 || matches!(link.outlet, super::Outlet::Datagrams(_)) {
                link.send(bytes.clone(), &Hop::Trunk).await;
            }
            if timeout(pause, response(&mut answers)).await.is_ok() {
                return true;
            }
        }
        false
    };
    let answered = answered.await;
    link.forget(&call_id);
    answered
}

/// Waits for a response; whatever else has our Call-ID is none.
async fn response(answers: &mut mpsc::Receiver<Incoming>) {
    loop {
        match answers.recv().await {
            Some(Incoming::Message(message, _)) if message.status().is_some() => return,
            Some(Incoming::Stop(done)) => drop(done),
            Some(_) => {}
            None => std::future::pending().await,
        }
    }
}

/// A host as it stands in an address.
fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}
