//! When something is sent again, and when it is given up (RFC 3261 §17, table 4).

use super::{Action, Dialog, State, Time};
use crate::event::Cause;
use std::time::Duration;

/// An estimate of the time to the other side and back.
pub(super) const T1: Duration = Duration::from_millis(500);
/// The longest pause between repetitions of what isn't an INVITE.
const T2: Duration = Duration::from_secs(4);
/// How long is waited for a response, and how long a final one may come again.
pub(super) const GIVE_UP: Duration = Duration::from_secs(32);

/// Repetitions of a message.
pub(super) struct Repeat {
    next: Option<Time>,
    pause: Duration,
    cap: Duration,
    /// When it is given up.
    pub(super) until: Time,
}

impl Repeat {
    /// Of an INVITE: pauses double without end (timer A); given up after timer B.
    pub(super) fn invite(now: Time, datagram: bool) -> Self {
        Self { next: datagram.then_some(now + T1), pause: T1, cap: GIVE_UP, until: now + GIVE_UP }
    }

    /// Of another request: pauses double up to T2 (timer E); given up after timer F.
    pub(super) fn request(now: Time, datagram: bool) -> Self {
        Self { cap: T2, ..Self::invite(now, datagram) }
    }

    /// Of a 2xx to an INVITE, over every transport, until its ACK comes (RFC 3261 §13.3.1.4).
    pub(super) fn answer(now: Time) -> Self {
        Self::request(now, true)
    }

    fn first(&self) -> Time {
        self.next.map_or(self.until, |next| next.min(self.until))
    }

    /// Whether it is to be sent again now.
    fn is_due(&mut self, now: Time) -> bool {
        let due = self.next.is_some_and(|next| next <= now);
        if due {
            self.pause = (self.pause * 2).min(self.cap);
            self.next = Some(now + self.pause);
        }
        due
    }
}

impl Dialog {
    /// When [`Dialog::tick`] is to be called at the latest.
    pub(crate) fn deadline(&self) -> Option<Time> {
        let repeats = self.repeat.iter().chain(self.pending.iter().map(|one| &one.repeat));
        let repeats = repeats.chain(self.renewal.iter().map(|one| &one.repeat)).map(Repeat::first);
        let lingering = (self.ended && self.settled).then_some(self.linger);
        repeats.chain(self.patience).chain(self.ring).chain(lingering).min()
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, now: Time) {
        if self.patience.is_some_and(|until| until <= now) {
            self.patience = None;
            // The INVITE may still arrive: it goes on, to be cancelled with the first sign of life.
            self.leave(Cause::Lost, now);
        }
        if self.ring.is_some_and(|until| until <= now) {
            self.ring = None;
            self.leave(Cause::NoAnswer, now);
        }
        if let Some(repeat) = &mut self.repeat {
            if repeat.until <= now {
                self.repeat = None;
                self.settled = true;
                self.state = State::Over;
                self.end(Cause::Lost);
            } else if repeat.is_due(now) {
                self.send_again();
            }
        }
        for pending in &mut self.pending {
            if pending.repeat.until > now && pending.repeat.is_due(now) {
                self.out.push(Action::Send(pending.message.to_bytes(), pending.hop.clone()));
            }
        }
        let before = self.pending.len();
        self.pending.retain(|pending| pending.repeat.until > now);
        if self.pending.len() != before && self.cancelled {
            // Neither the CANCEL nor the INVITE got an answer (RFC 3261 §9.1).
            self.settled = true;
        }
        if let Some(renewal) = &mut self.renewal {
            if renewal.repeat.until <= now {
                self.renewal = None;
                self.leave(Cause::Lost, now);
            } else if renewal.repeat.is_due(now) {
                self.out.push(Action::Send(renewal.bytes.clone(), renewal.hop.clone()));
            }
        }
    }
}
