//! Playing to the end, or until a key is pressed.

use crate::{Heard, Line, RATE, Sound};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// A sound is on its way for so long after its last sample was sent: packets wait at the other end.
const ON_THE_WAY: Duration = Duration::from_millis(120);

/// How playing ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Played {
    /// It was heard to the end.
    All,
    /// A key was pressed; the sound was cut off.
    Key(char),
    /// The call is over.
    Ended,
}

/// Whether a key cuts a sound off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Keys {
    /// It does.
    Stop,
    /// It counts for nothing.
    Ignored,
}

/// How long a sound lasts.
pub(crate) fn length(sound: &[i16]) -> Duration {
    Duration::from_micros(u64::try_from(sound.len()).unwrap_or(u64::MAX).saturating_mul(1_000_000) / u64::from(RATE))
}

/// Plays to the end. Who comes back from a hold hears it from the beginning.
pub(crate) async fn play<L: Line>(line: &mut L, sound: &Sound, keys: Keys) -> Played {
    if sound.is_empty() {
        return Played::All;
    }
    line.play(Sound::clone(sound));
    match listen(line, Some(sound), length(sound) + ON_THE_WAY, keys).await {
        Played::Key(key) => {
            line.stop();
            Played::Key(key)
        }
        other => other,
    }
}

/// Waits in silence.
pub(crate) async fn wait<L: Line>(line: &mut L, time: Duration, keys: Keys) -> Played {
    listen(line, None, time, keys).await
}

async fn listen<L: Line>(line: &mut L, sound: Option<&Sound>, time: Duration, keys: Keys) -> Played {
    // None while the person is away: only their return, or the end, goes on from there.
    let mut until = Some(Instant::now() + time);
    loop {
        let heard = match until {
            Some(until) => tokio::select! {
                biased;
                heard = line.hear() => heard,
                () = sleep_until(until) => return Played::All,
            },
            None => line.hear().await,
        };
        match heard {
            Heard::Key(key) if keys == Keys::Stop => return Played::Key(key),
            Heard::Key(_) => {}
            Heard::Held => {
                until = None;
                line.stop();
            }
            Heard::Resumed => {
                until = Some(Instant::now() + time);
                if let Some(sound) = sound {
                    line.play(Sound::clone(sound));
                }
            }
            Heard::Ended => return Played::Ended,
        }
    }
}
