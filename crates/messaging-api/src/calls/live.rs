//! The calls that this process has under way, and those that have just ended.

use messaging::CallEvent;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::mpsc;
use types::{E164, MessageId, Millis, TenantId};

/// So many calls are remembered.
const MOST: usize = 10_000;
/// So long after its end a call is remembered.
const KEEP: Duration = Duration::from_secs(600);
/// A call of which no end was heard is forgotten after this time.
const LONGEST: Duration = Duration::from_secs(3_600);

/// How a call stands, in Twilio's words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Progress {
    Queued,
    Initiated,
    Ringing,
    Answered,
    Completed,
    Busy,
    NoAnswer,
    Failed,
    Canceled,
}

impl Progress {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Initiated => "initiated",
            Self::Ringing => "ringing",
            Self::Answered => "in-progress",
            Self::Completed => "completed",
            Self::Busy => "busy",
            Self::NoAnswer => "no-answer",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    pub(super) const fn is_last(self) -> bool {
        matches!(self, Self::Completed | Self::Busy | Self::NoAnswer | Self::Failed | Self::Canceled)
    }

    /// The event under which a program asks to hear of it; every end is `completed`.
    pub(super) const fn event(self) -> &'static str {
        match self {
            Self::Queued => "",
            Self::Initiated => "initiated",
            Self::Ringing => "ringing",
            Self::Answered => "answered",
            _ => "completed",
        }
    }

    const fn of(event: CallEvent) -> Self {
        match event {
            CallEvent::Ringing => Self::Ringing,
            CallEvent::Answered => Self::Answered,
            CallEvent::Completed(_) => Self::Completed,
            CallEvent::Busy => Self::Busy,
            CallEvent::NoAnswer => Self::NoAnswer,
            CallEvent::Failed => Self::Failed,
            CallEvent::Canceled => Self::Canceled,
        }
    }

    const fn place(self) -> u8 {
        match self {
            Self::Queued => 0,
            Self::Initiated => 1,
            Self::Ringing => 2,
            Self::Answered => 3,
            _ => 4,
        }
    }
}

/// What is known of a call.
#[derive(Clone)]
pub(super) struct Seen {
    pub(super) tenant: TenantId,
    pub(super) to: E164,
    pub(super) from: String,
    pub(super) created: Millis,
    pub(super) progress: Progress,
    pub(super) answered: Option<Millis>,
    pub(super) ended: Option<Millis>,
}

impl Seen {
    /// How long it was answered, once it is over.
    pub(super) fn seconds(&self) -> Option<u64> {
        let (answered, ended) = (self.answered?, self.ended?);
        Some(ended.since(answered).as_secs())
    }
}

struct Remembered {
    seen: Seen,
    /// Who tells the program, if it wants to hear.
    teller: Option<mpsc::UnboundedSender<Seen>>,
}

/// The calls of this process.
#[derive(Default)]
pub(crate) struct Calls(Mutex<HashMap<MessageId, Remembered>>);

impl Calls {
    /// A call begins. What becomes of it goes to `teller`, which ends with it.
    pub(super) fn begin(&self, id: MessageId, seen: Seen, teller: Option<mpsc::UnboundedSender<Seen>>) {
        let now = seen.created;
        let mut map = self.map();
        map.retain(|_, call| match call.seen.ended {
            Some(ended) => now.since(ended) < KEEP,
            None => now.since(call.seen.created) < LONGEST,
        });
        if map.len() < MOST {
            map.insert(id, Remembered { seen, teller });
        }
    }

    pub(super) fn seen(&self, tenant: TenantId, id: MessageId) -> Option<Seen> {
        self.map().get(&id).map(|call| call.seen.clone()).filter(|seen| seen.tenant == tenant)
    }

    /// It was not taken after all.
    pub(super) fn forget(&self, id: MessageId) {
        self.map().remove(&id);
    }

    /// A trunk has said something.
    pub(super) fn heard(&self, tenant: TenantId, id: MessageId, event: CallEvent, now: Millis) {
        self.moved(tenant, id, Progress::of(event), now);
    }

    /// A call moves on: forward only, and every step on the way is told.
    pub(super) fn moved(&self, tenant: TenantId, id: MessageId, to: Progress, now: Millis) {
        let mut map = self.map();
        let Some(call) = map.get_mut(&id).filter(|call| call.seen.tenant == tenant) else { return };
        if call.seen.progress.place() >= to.place() {
            return;
        }
        let between = [Progress::Initiated]
            .into_iter()
            .filter(|step| call.seen.progress.place() < step.place() && step.place() < to.place());
        let steps: Vec<Progress> = between.chain([to]).collect();
        for step in steps {
            call.seen.progress = step;
            if step == Progress::Answered {
                call.seen.answered = Some(now);
            }
            if step.is_last() {
                call.seen.ended = Some(now);
            }
            if let Some(teller) = &call.teller {
                // Who told may have given up.
                let _ = teller.send(call.seen.clone());
            }
        }
        if to.is_last() {
            call.teller = None;
        }
    }

    fn map(&self) -> MutexGuard<'_, HashMap<MessageId, Remembered>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::World;

    #[tokio::test]
    async fn a_call_goes_forward_and_ends_once() {
        let (world, _) = World::made(Millis(1_794_651_630_405), 1);
        let random = world.random.as_ref();
        let (tenant, other) = (TenantId::new(world.now(), random), TenantId::new(world.now(), random));
        let id = MessageId::new(world.now(), random);
        let seen = Seen {
            tenant,
            to: "+4915112345678".parse().unwrap(),
            from: "+15005550006".to_owned(),
            created: world.now(),
            progress: Progress::Queued,
            answered: None,
            ended: None,
        };
        let (calls, (teller, mut told)) = (Calls::default(), mpsc::unbounded_channel());
        calls.begin(id, seen, Some(teller));
        let now = world.now();
        calls.heard(other, id, CallEvent::Answered, now);
        assert!(calls.seen(other, id).is_none() && calls.seen(tenant, id).unwrap().answered.is_none());
        for (event, at) in [
            (CallEvent::Ringing, 1_000),
            (CallEvent::Ringing, 1_500),
            (CallEvent::Answered, 2_000),
            (CallEvent::Ringing, 3_000),
            (CallEvent::Completed(Duration::from_secs(7)), 9_000),
            (CallEvent::Busy, 9_500),
        ] {
            calls.heard(tenant, id, event, now + Duration::from_millis(at));
        }
        let mut steps = Vec::new();
        while let Some(seen) = told.recv().await {
            steps.push(seen.progress.as_str());
        }
        assert_eq!(steps, ["initiated", "ringing", "in-progress", "completed"]);
        assert_eq!(calls.seen(tenant, id).unwrap().seconds(), Some(7));
    }
}
