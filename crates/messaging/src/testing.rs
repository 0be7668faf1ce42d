//! What several unit tests stand on: a store on SQLite in a directory of its own, with tenants, and no outside program.

#[expect(dead_code, reason = "the tests beside the crate use the rest")]
mod fixture;

use crate::{
    Accepted, Address, BoxFuture, CallScript, Channel, ChannelKind, Content, Outgoing, Purpose, SendError, Ticket,
    house::House,
    log::{LogReader, Opened},
};
pub(crate) use fixture::{Fixture, NOW};
use std::{
    collections::VecDeque,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

/// A house with keys of its own, without a store.
pub(crate) fn house() -> House {
    use std::sync::OnceLock;
    static HOUSE: OnceLock<House> = OnceLock::new();
    HOUSE
        .get_or_init(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { House::open(&Fixture::new().await.store).await.unwrap() })
        })
        .clone()
}

/// A channel that answers what it is told to, and keeps the tickets.
#[derive(Default)]
pub(crate) struct Scripted {
    pub(crate) answers: Mutex<VecDeque<Result<Accepted, SendError>>>,
    pub(crate) tickets: Mutex<Vec<String>>,
    pub(crate) sent: AtomicUsize,
    /// How long it takes its time.
    pub(crate) pause: std::time::Duration,
}

impl Channel for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }

    fn carries(&self, kind: ChannelKind) -> bool {
        kind != ChannelKind::Email
    }

    fn send<'a>(&'a self, _: &'a Outgoing, ticket: &'a Ticket) -> BoxFuture<'a, Result<Accepted, SendError>> {
        Box::pin(async move {
            tokio::time::sleep(self.pause).await;
            self.tickets.lock().unwrap().push(ticket.as_str().to_owned());
            let number = self.sent.fetch_add(1, Ordering::SeqCst);
            let said = self.answers.lock().unwrap().pop_front();
            said.unwrap_or_else(|| Ok(Accepted { receipt: format!("id-{number}"), segments: 2 }))
        })
    }
}
