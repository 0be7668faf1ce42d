//! Which stream is due when.

use super::{Order, Stream, StreamId};
use std::time::{Duration, Instant};

/// Slots of one turn.
const SLOTS: u64 = 10;
/// From one slot to the next: a turn is 20 ms, a packet's sound.
const STEP: Duration = Duration::from_millis(2);
/// A machine that slept longer than these steps (200 ms) doesn't send in a burst what it has missed.
const MISSED: u64 = 100;

/// Streams by the slot in which they send.
pub(super) struct Wheel {
    start: Instant,
    /// The next step, counted from the start.
    step: u64,
    slots: Vec<Vec<(StreamId, Box<Stream>)>>,
}

impl Wheel {
    pub(super) fn new(now: Instant) -> Self {
        Self { start: now, step: 0, slots: (0..SLOTS).map(|_| Vec::new()).collect() }
    }

    /// When the next stream is due.
    pub(super) fn next(&self) -> Option<Instant> {
        let step = (self.step..self.step + SLOTS).find(|step| !self.slot(*step).is_empty())?;
        Some(self.time(step))
    }

    /// Lets every stream send that is due.
    pub(super) fn turn(&mut self, now: Instant) {
        let reached = self.reached(now);
        if reached.saturating_sub(self.step) > MISSED {
            self.step = reached;
        }
        while self.step <= reached {
            let place = usize::try_from(self.step % SLOTS).unwrap_or(0);
            for (_, stream) in self.slots.get_mut(place).into_iter().flatten() {
                stream.tick();
            }
            self.step += 1;
        }
    }

    pub(super) fn obey(&mut self, order: Order, now: Instant) {
        match order {
            Order::Add(id, stream) => {
                if self.slots.iter().all(Vec::is_empty) {
                    self.step = self.reached(now) + 1;
                }
                if let Some(emptiest) = self.slots.iter_mut().min_by_key(|slot| slot.len()) {
                    emptiest.push((id, stream));
                }
            }
            Order::Remove(id) => self.slots.iter_mut().for_each(|slot| slot.retain(|(one, _)| *one != id)),
            Order::Plan(id, plan) => self.with(id, |stream| stream.plan(*plan)),
            Order::Remote(id, remote) => self.with(id, |stream| stream.remote(remote)),
            Order::Talk(id) => self.with(id, Stream::talk),
            Order::Play(id, samples) => self.with(id, |stream| stream.play(samples)),
            Order::Digits(id, digits) => self.with(id, |stream| stream.press(&digits)),
            Order::Stop(id) => self.with(id, Stream::stop),
        }
    }

    fn with(&mut self, id: StreamId, what: impl FnOnce(&mut Stream)) {
        if let Some((_, stream)) = self.slots.iter_mut().flatten().find(|(one, _)| *one == id) {
            what(stream);
        }
    }

    fn slot(&self, step: u64) -> &[(StreamId, Box<Stream>)] {
        usize::try_from(step % SLOTS).ok().and_then(|place| self.slots.get(place)).map_or(&[], Vec::as_slice)
    }

    fn time(&self, step: u64) -> Instant {
        self.start + Duration::from_millis(step.saturating_mul(STEP.as_millis() as u64))
    }

    /// The last step whose time has come.
    fn reached(&self, now: Instant) -> u64 {
        (now.saturating_duration_since(self.start).as_millis() / STEP.as_millis()) as u64
    }
}
