//! One call, as its owner holds it.

use crate::event::{DigitsError, Event};
use std::sync::Arc;
use tokio::sync::mpsc;

/// What the owner of a call wants.
pub(crate) enum Command {
    Play(Arc<[i16]>),
    Digits(String),
    Stop,
    /// From the pacer: all of it has been sent.
    Played,
    HangUp,
}

/// A call that was placed. Dropping it hangs up.
pub struct Call {
    id: String,
    commands: mpsc::UnboundedSender<Command>,
    events: mpsc::UnboundedReceiver<Event>,
}

/// Says what is to be done in a [`Call`], also while somebody else waits for its events.
#[derive(Clone)]
pub struct Hand(mpsc::UnboundedSender<Command>);

impl Call {
    pub(crate) const fn new(
        id: String,
        commands: mpsc::UnboundedSender<Command>,
        events: mpsc::UnboundedReceiver<Event>,
    ) -> Self {
        Self { id, commands, events }
    }

    /// The Call-ID: chance, and nothing of who is called.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The next event. Nothing after [`Event::Ended`]. May be dropped and asked again: no event is lost.
    pub async fn event(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// A second hand on the call. It doesn't keep the call up: dropping the [`Call`] hangs up.
    #[must_use]
    pub fn hand(&self) -> Hand {
        Hand(self.commands.clone())
    }

    /// As [`Hand::play`].
    pub fn play(&self, samples: Arc<[i16]>) {
        self.hand().play(samples);
    }

    /// As [`Hand::stop`].
    pub fn stop(&self) {
        self.hand().stop();
    }

    /// As [`Hand::send_digits`].
    ///
    /// # Errors
    /// As there.
    pub fn send_digits(&self, digits: &str) -> Result<(), DigitsError> {
        self.hand().send_digits(digits)
    }

    /// As [`Hand::hang_up`].
    pub fn hang_up(&self) {
        self.hand().hang_up();
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::HangUp);
    }
}

impl Hand {
    /// Plays samples (8 kHz, 16 bit, one channel) behind what is still to be played; before the call is answered they wait for that.
    pub fn play(&self, samples: Arc<[i16]>) {
        let _ = self.0.send(Command::Play(samples));
    }

    /// Forgets what is being played and what is still to be played or pressed. No [`Event::Played`] follows.
    pub fn stop(&self) {
        let _ = self.0.send(Command::Stop);
    }

    /// Presses keys behind what is still to be played: `0`–`9`, `*`, `#`, `A`–`D`; `w` waits for half a second, `W` for a whole one.
    ///
    /// # Errors
    /// Another character. Nothing is pressed.
    pub fn send_digits(&self, digits: &str) -> Result<(), DigitsError> {
        if !digits.chars().all(|digit| matches!(digit, '0'..='9' | '*' | '#' | 'A'..='D' | 'a'..='d' | 'w' | 'W')) {
            return Err(DigitsError);
        }
        let _ = self.0.send(Command::Digits(digits.to_owned()));
        Ok(())
    }

    /// Hangs up, in whatever state the call is. [`Event::Ended`] comes at once, with [`Cause::HungUp`](crate::Cause::HungUp) unless the
    /// other side was faster.
    pub fn hang_up(&self) {
        let _ = self.0.send(Command::HangUp);
    }
}
