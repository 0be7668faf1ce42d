//! An answered call.

use std::{future::Future, sync::Arc};

/// Samples at [`crate::RATE`], one channel.
pub type Sound = Arc<[i16]>;

/// What comes from the other end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Heard {
    /// A key: `0` to `9`, `*`, `#`, `A` to `D`.
    Key(char),
    /// The person hears something else for now: nothing that is played arrives.
    Held,
    /// The person is back.
    Resumed,
    /// The call is over.
    Ended,
}

/// An answered call. Keys that are pressed while nobody listens wait until somebody does.
pub trait Line: Send {
    /// Begins to play; what was playing is cut off. It returns at once.
    fn play(&mut self, sound: Sound);

    /// Cuts off what is playing.
    fn stop(&mut self);

    /// Presses keys at this end: digits, `*`, `#`, and `w` for half a second.
    fn send_digits(&mut self, digits: &str);

    /// What comes next. Dropping the future loses nothing. After [`Heard::Ended`] it gives the same again.
    fn hear(&mut self) -> impl Future<Output = Heard> + Send;

    /// Ends the call, if it isn't over.
    fn hang_up(&mut self) -> impl Future<Output = ()> + Send;
}
