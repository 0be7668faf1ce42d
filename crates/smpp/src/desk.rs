//! What one session has to say and what it waits for.
//!
//! Whoever submits writes the PDU straight into the octets that go out next, and waits for the answer by its sequence number. The
//! session's task takes all that has gathered at once: under load many PDUs travel in one write. What was sent is erased.

use crate::{Status, pdu::Pdu};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{Notify, oneshot};
use zeroize::Zeroize;

/// Sequence numbers run from 1 to this (SMPP 3.4 §3.2).
const LAST_SEQUENCE: u32 = 0x7FFF_FFFF;
/// While more octets than this wait to be sent, nothing more is read: the answers to what is read would only add to them.
const FULL: usize = 256 * 1024;
/// Room of the buffer at the start, in octets.
const ROOM: usize = 16 * 1024;

/// What became of a request.
pub(crate) enum Answer {
    /// It was answered: status, and the message's id where there is one.
    Came(Status, String),
    /// The session ended before any of it was sent.
    NotSent,
    /// The session ended after it was sent, or while it was: nobody knows.
    Lost,
}

/// The session has ended.
pub(crate) struct Closed;

#[derive(Default)]
pub(crate) struct Desk {
    inner: Mutex<Inner>,
    /// Something is to be sent.
    ready: Notify,
    /// What was to be sent is on its way.
    drained: Notify,
}

#[derive(Default)]
struct Inner {
    out: Vec<u8>,
    sequence: u32,
    /// Counts what was taken to be sent, so that each request knows whether it was.
    batch: u64,
    waiting: HashMap<u32, Waiting>,
    closed: bool,
}

struct Waiting {
    answer: oneshot::Sender<Answer>,
    batch: u64,
}

impl Desk {
    /// Puts a request on its way.
    pub(crate) fn request(&self, pdu: &Pdu<'_>) -> Result<(u32, oneshot::Receiver<Answer>), Closed> {
        let (answer, receiver) = oneshot::channel();
        let mut inner = self.inner();
        if inner.closed {
            return Err(Closed);
        }
        let mut sequence = inner.sequence;
        loop {
            sequence = if sequence == LAST_SEQUENCE { 1 } else { sequence + 1 };
            if !inner.waiting.contains_key(&sequence) {
                break;
            }
        }
        inner.sequence = sequence;
        let batch = inner.batch;
        inner.waiting.insert(sequence, Waiting { answer, batch });
        inner.put(pdu, Status::ROK, sequence);
        drop(inner);
        self.ready.notify_one();
        Ok((sequence, receiver))
    }

    /// Puts an answer on its way.
    pub(crate) fn reply(&self, pdu: &Pdu<'_>, status: Status, sequence: u32) {
        let mut inner = self.inner();
        if !inner.closed {
            inner.put(pdu, status, sequence);
            drop(inner);
            self.ready.notify_one();
        }
    }

    /// An answer came. One that nobody waits for, late or made up, changes nothing.
    pub(crate) fn answered(&self, sequence: u32, status: Status, id: &[u8]) {
        let waiting = self.inner().waiting.remove(&sequence);
        if let Some(waiting) = waiting {
            let id = String::from_utf8_lossy(id).into_owned();
            let _ = waiting.answer.send(Answer::Came(status, id));
        }
    }

    /// Nobody waits for this any more.
    pub(crate) fn forget(&self, sequence: u32) {
        self.inner().waiting.remove(&sequence);
    }

    /// Waits until something is to be sent and takes all of it, in exchange for an empty buffer.
    pub(crate) async fn take(&self, buffer: &mut Vec<u8>) {
        loop {
            {
                let mut inner = self.inner();
                if !inner.out.is_empty() {
                    std::mem::swap(&mut inner.out, buffer);
                    inner.batch += 1;
                    break;
                }
            }
            self.ready.notified().await;
        }
        self.drained.notify_one();
    }

    /// Waits until the other side has taken most of what was said to it.
    pub(crate) async fn room(&self) {
        while self.inner().out.len() > FULL {
            self.drained.notified().await;
        }
    }

    /// Whether something is to be sent.
    pub(crate) fn has_output(&self) -> bool {
        !self.inner().out.is_empty()
    }

    /// Whether everything was sent and answered.
    pub(crate) fn is_idle(&self) -> bool {
        let inner = self.inner();
        inner.closed || (inner.out.is_empty() && inner.waiting.is_empty())
    }

    /// The session has ended: whoever waits is told what that means for them.
    pub(crate) fn close(&self) {
        let mut inner = self.inner();
        inner.closed = true;
        inner.out.as_mut_slice().zeroize();
        inner.out.clear();
        let (waiting, batch) = (std::mem::take(&mut inner.waiting), inner.batch);
        drop(inner);
        for waiting in waiting.into_values() {
            let sent = waiting.batch != batch;
            let _ = waiting.answer.send(if sent { Answer::Lost } else { Answer::NotSent });
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn put(&mut self, pdu: &Pdu<'_>, status: Status, sequence: u32) {
        let needed = self.out.len() + pdu.room();
        if needed > self.out.capacity() {
            // A vector that grows by itself leaves what it held behind.
            let mut larger = Vec::with_capacity(needed.next_power_of_two().max(ROOM));
            larger.extend_from_slice(&self.out);
            self.out.as_mut_slice().zeroize();
            self.out = larger;
        }
        pdu.encode(status, sequence, &mut self.out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdu::decode;

    #[tokio::test]
    async fn who_waits_learns_whether_anything_was_sent() {
        let desk = Desk::default();
        let (_, sent) = desk.request(&Pdu::EnquireLink).ok().unwrap();
        let mut buffer = Vec::new();
        desk.take(&mut buffer).await;
        let (_, unsent) = desk.request(&Pdu::EnquireLink).ok().unwrap();
        desk.close();
        assert!(matches!(sent.await, Ok(Answer::Lost)));
        assert!(matches!(unsent.await, Ok(Answer::NotSent)));
        assert!(desk.request(&Pdu::EnquireLink).is_err());
        assert!(desk.is_idle());
    }

    #[tokio::test]
    async fn many_travel_in_one_write_each_with_its_number() {
        let desk = Desk::default();
        for _ in 0..1_000 {
            let _ = desk.request(&Pdu::EnquireLink);
        }
        desk.reply(&Pdu::DeliverAnswer, Status::ROK, 77);
        let mut buffer = Vec::new();
        desk.take(&mut buffer).await;
        let sequences: Vec<u32> = buffer[..16_000].chunks(16).map(|frame| decode(frame).unwrap().0.sequence).collect();
        assert!(sequences.iter().copied().eq(1..=1_000));
        assert_eq!(decode(&buffer[16_000..]).unwrap().0.sequence, 77);
    }

    #[tokio::test]
    async fn numbers_begin_again_and_skip_what_is_waited_for() {
        let desk = Desk::default();
        let (first, _waiting) = desk.request(&Pdu::EnquireLink).ok().unwrap();
        desk.inner().sequence = LAST_SEQUENCE;
        let (second, _) = desk.request(&Pdu::EnquireLink).ok().unwrap();
        assert_eq!((first, second), (1, 2));
    }

    #[tokio::test]
    async fn late_answers_change_nothing() {
        let desk = Desk::default();
        let (sequence, answer) = desk.request(&Pdu::Unbind).ok().unwrap();
        desk.forget(sequence);
        desk.answered(sequence, Status::ROK, b"");
        desk.answered(999, Status::ROK, b"");
        assert!(answer.await.is_err());
    }
}
