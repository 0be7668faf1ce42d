//! A line over a SIP trunk.

use crate::{Heard, Line, Sound};
use sip::{Call, Cause, Event};

/// An answered call over a SIP trunk.
pub struct SipLine {
    call: Call,
    cause: Option<Cause>,
}

impl SipLine {
    /// A call that was answered ([`Event::Answered`] has come).
    #[must_use]
    pub const fn new(call: Call) -> Self {
        Self { call, cause: None }
    }

    /// How it ended, once it has.
    #[must_use]
    pub const fn cause(&self) -> Option<Cause> {
        self.cause
    }
}

impl Line for SipLine {
    fn play(&mut self, sound: Sound) {
        self.call.stop();
        self.call.play(sound);
    }

    fn stop(&mut self) {
        self.call.stop();
    }

    fn send_digits(&mut self, digits: &str) {
        // Characters that are no keys are left out where digits are read: here none is left.
        let _ = self.call.send_digits(digits);
    }

    async fn hear(&mut self) -> Heard {
        while self.cause.is_none() {
            match self.call.event().await {
                Some(Event::Key(key)) => return Heard::Key(key),
                Some(Event::Held) => return Heard::Held,
                Some(Event::Resumed) => return Heard::Resumed,
                Some(Event::Ended(cause)) => self.cause = Some(cause),
                None => self.cause = Some(Cause::Lost),
                Some(Event::Ringing | Event::EarlyMedia | Event::Answered | Event::Played) => {}
            }
        }
        Heard::Ended
    }

    async fn hang_up(&mut self) {
        self.call.hang_up();
        while self.cause.is_none() {
            match self.call.event().await {
                Some(Event::Ended(cause)) => self.cause = Some(cause),
                None => self.cause = Some(Cause::Lost),
                Some(_) => {}
            }
        }
    }
}
