//! What a person answered to a call.

use tokio::sync::broadcast;
use types::{AttemptId, SecretString, TenantId};

/// So many answers may wait for a slow listener before it misses the oldest.
const WAITING: usize = 1024;

/// The end of a call that belonged to an attempt.
///
/// It is heard on the node where the supplier's callback arrived, which needn't be the one that waits for the attempt: whoever
/// listens writes the outcome to the store, which wakes the others.
#[derive(Clone)]
pub struct CallAnswer {
    /// Whose attempt.
    pub tenant: TenantId,
    /// The attempt.
    pub txid: AttemptId,
    /// How the call ended.
    pub answer: Answer,
}

/// How a call ended.
#[derive(Clone)]
pub enum Answer {
    /// These keys were pressed; whether they are the right ones is for `auth` to say.
    Keys(SecretString),
    /// The key that reports a fraud was pressed.
    Fraud,
    /// Nobody answered, or nobody pressed a key.
    NoAnswer,
    /// The line was busy.
    Busy,
    /// The call could not be made, or broke off.
    Failed,
}

/// Where answers are announced. Cloning shares it.
#[derive(Clone)]
pub struct CallAnswers(broadcast::Sender<CallAnswer>);

impl CallAnswers {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(WAITING))
    }

    /// Tells everybody who listens.
    pub fn announce(&self, answer: CallAnswer) {
        // Nobody listening is no error: the attempt then ends by its own deadline.
        let _ = self.0.send(answer);
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<CallAnswer> {
        self.0.subscribe()
    }
}
