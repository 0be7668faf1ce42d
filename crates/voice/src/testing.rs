//! A line without a network.

use crate::{Heard, Line, Sound, player};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep_until};

/// A call whose other end is a script: at these times, counted from the first that is asked, something is heard. With the runtime's
/// clock paused, a minute's call takes no time.
pub struct Wire {
    began: Instant,
    script: VecDeque<(Duration, Heard)>,
    over: bool,
    record: Record,
}

/// What was done on a [`Wire`].
#[derive(Clone, Debug, PartialEq)]
pub enum Did {
    /// Began to play, so long after the answer.
    Play(Duration, Sound),
    /// Cut it off.
    Stop,
    /// Pressed keys.
    Digits(String),
    /// Hung up.
    HangUp(Duration),
}

/// The record of a [`Wire`]. Cloning shares it.
#[derive(Clone, Default)]
pub struct Record(Arc<Mutex<Vec<Did>>>);

impl Record {
    /// All that was done so far.
    #[must_use]
    pub fn all(&self) -> Vec<Did> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was played, in order.
    #[must_use]
    pub fn played(&self) -> Vec<Sound> {
        let sounds = |did| if let Did::Play(_, sound) = did { Some(sound) } else { None };
        self.all().into_iter().filter_map(sounds).collect()
    }

    fn note(&self, did: Did) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(did);
    }
}

impl Wire {
    /// A call that has just been answered.
    #[must_use]
    pub fn new(script: impl IntoIterator<Item = (Duration, Heard)>) -> Self {
        Self { began: Instant::now(), script: script.into_iter().collect(), over: false, record: Record::default() }
    }

    /// Where it is written what was done.
    #[must_use]
    pub fn record(&self) -> Record {
        self.record.clone()
    }
}

impl Line for Wire {
    fn play(&mut self, sound: Sound) {
        self.record.note(Did::Play(self.began.elapsed(), sound));
    }

    fn stop(&mut self) {
        self.record.note(Did::Stop);
    }

    fn send_digits(&mut self, digits: &str) {
        self.record.note(Did::Digits(digits.to_owned()));
    }

    async fn hear(&mut self) -> Heard {
        if self.over {
            return Heard::Ended;
        }
        let Some((at, heard)) = self.script.front().copied() else { return std::future::pending().await };
        sleep_until(self.began + at).await;
        self.script.pop_front();
        self.over = heard == Heard::Ended;
        heard
    }

    async fn hang_up(&mut self) {
        if !self.over {
            self.over = true;
            self.record.note(Did::HangUp(self.began.elapsed()));
        }
    }
}

/// How long a sound lasts.
#[must_use]
pub fn length(sound: &[i16]) -> Duration {
    player::length(sound)
}
