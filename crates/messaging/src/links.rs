//! What a channel says by itself, at any time: receipts, pressed keys, messages that people write.

use crate::{CallAnswers, CallHost, Report, calling::Calling, courier::Words};
use std::sync::{Arc, OnceLock};
use tokio::sync::mpsc;
use types::{E164, SecretString};

/// So many receipts and messages may wait to be worked on.
const WAITING: usize = 65_536;

/// Where a channel says what it hears. Cloning shares it.
#[derive(Clone)]
pub struct Links {
    answers: CallAnswers,
    heard: mpsc::Sender<Heard>,
    calling: Calling,
    host: Arc<OnceLock<Arc<dyn CallHost>>>,
    deletions: Words,
}

/// A message that a person wrote to one of the organisation's numbers.
pub struct Inbound {
    /// Who wrote.
    pub from: E164,
    /// The number or short code that was written to.
    pub to: String,
    /// What: `STOP`, `HELP` and the like. It goes no further than to the rules for such words.
    pub text: SecretString,
}

/// What was heard, and from which carrier.
pub(crate) enum Heard {
    Report(String, Report),
    Inbound(String, Inbound),
}

impl Links {
    pub(crate) fn new(answers: CallAnswers, deletions: Words) -> (Self, mpsc::Receiver<Heard>) {
        let (heard, hearing) = mpsc::channel(WAITING);
        (Self { answers, heard, calling: Calling::default(), host: Arc::default(), deletions }, hearing)
    }

    /// A receipt, which names the message by the carrier's id. Never blocks. `false` if it can't be kept now: a carrier that can say
    /// so should send it again.
    pub fn report(&self, carrier: &str, report: Report) -> bool {
        self.hear(Heard::Report(carrier.to_owned(), report))
    }

    /// A message from a person. As [`report`](Self::report).
    pub fn inbound(&self, carrier: &str, inbound: Inbound) -> bool {
        self.hear(Heard::Inbound(carrier.to_owned(), inbound))
    }

    pub(crate) const fn deletions(&self) -> &Words {
        &self.deletions
    }

    /// Where it is kept what a carrier's supplier is still to forget.
    pub(crate) fn ledger(&self, carrier: &str) -> Arc<dyn suppliers::Ledger> {
        self.deletions.of(carrier)
    }

    /// Where the end of a call is announced.
    #[must_use]
    pub const fn answers(&self) -> &CallAnswers {
        &self.answers
    }

    /// The calls that are under way here.
    pub(crate) const fn calling(&self) -> &Calling {
        &self.calling
    }

    /// Who stands behind calls that programs have described; nobody at first.
    #[must_use]
    pub fn call_host(&self) -> Option<Arc<dyn CallHost>> {
        self.host.get().cloned()
    }

    pub(crate) fn serve_calls(&self, host: Arc<dyn CallHost>) {
        // A second one is a mistake of a test; the first one stays.
        let _ = self.host.set(host);
    }

    fn hear(&self, heard: Heard) -> bool {
        let kept = self.heard.try_send(heard).is_ok();
        if !kept {
            metrics::counter!("countersign_messages_unheard_total").increment(1);
        }
        kept
    }
}
