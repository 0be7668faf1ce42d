//! The conversation of this house's own calls.

use crate::{
    Line, Sound,
    player::{Keys, Played, play, wait},
};
use std::time::Duration;
use types::SecretString;

/// After the last word, and after each key, a person has so long to press the next one. Who reports a fraud presses one key where
/// two are waited for, and shouldn't have to hold on long.
const PATIENCE: Duration = Duration::from_secs(6);
/// Between one reading and the next.
const BETWEEN: Duration = Duration::from_secs(1);
/// How often things are said.
const TIMES: usize = 2;
/// So many keys are taken at most.
const MAX_KEYS: usize = 20;

/// The conversation of a call, with all its sounds made: nothing can fail or take time once somebody has answered.
pub struct Dialogue {
    /// Said to whoever answers, be it a voice mail: no secret is among it. All of it is said twice.
    pub greeting: Sound,
    /// Said, twice, after a key was pressed, and never before.
    pub secret: Option<Sound>,
    /// So many keys are wanted; 0 where none has a meaning.
    pub keys: usize,
    /// Whether `#` ends the input, and is none of the keys.
    pub hash_ends: bool,
    /// The key that reports a fraud.
    pub fraud_key: Option<char>,
    /// The whole conversation lasts no longer.
    pub longest: Duration,
}

/// How a conversation ended.
#[derive(Clone)]
pub enum Outcome {
    /// These keys were pressed. Whether they are the right ones is for others to say.
    Keys(SecretString),
    /// The key that reports a fraud.
    Fraud,
    /// The secret was told to somebody who had pressed a key.
    Told,
    /// What there was to say was said; nothing was waited for.
    Said,
    /// Nobody pressed a key: a voice mail, or somebody who hung up.
    Silence,
}

impl Dialogue {
    /// Has the conversation, and hangs up.
    pub async fn hold<L: Line>(&self, line: &mut L) -> Outcome {
        // Without an end of its own: somebody who puts the call on hold for ever.
        let mut told = false;
        let outcome = tokio::time::timeout(self.longest, self.talk(line, &mut told)).await;
        line.stop();
        line.hang_up().await;
        outcome.unwrap_or(if told { Outcome::Told } else { Outcome::Silence })
    }

    async fn talk<L: Line>(&self, line: &mut L, told: &mut bool) -> Outcome {
        let waits = self.keys > 0 || self.secret.is_some() || self.fraud_key.is_some();
        let first = match self.greet(line, waits).await {
            Played::Key(key) => key,
            Played::All if !waits => return Outcome::Said,
            Played::All | Played::Ended => return Outcome::Silence,
        };
        match &self.secret {
            Some(_) if Some(first) == self.fraud_key => Outcome::Fraud,
            Some(secret) => tell(line, secret, told).await,
            None => self.collect(line, first).await,
        }
    }

    async fn greet<L: Line>(&self, line: &mut L, waits: bool) -> Played {
        let keys = if waits { Keys::Stop } else { Keys::Ignored };
        for turn in 0..TIMES {
            let pause = match (turn + 1 < TIMES, waits) {
                (true, _) => BETWEEN,
                (false, true) => PATIENCE,
                (false, false) => Duration::ZERO,
            };
            match play(line, &self.greeting, keys).await {
                Played::All => {}
                other => return other,
            }
            match wait(line, pause, keys).await {
                Played::All => {}
                other => return other,
            }
        }
        Played::All
    }

    /// Takes keys until there are enough, until `#`, or until none comes any more.
    async fn collect<L: Line>(&self, line: &mut L, first: char) -> Outcome {
        let wanted = self.keys.clamp(1, MAX_KEYS);
        let mut pressed = zeroize::Zeroizing::new(String::with_capacity(MAX_KEYS));
        let mut next = Some(first);
        while let Some(key) = next.take() {
            if key == '#' && self.hash_ends {
                break;
            }
            pressed.push(key);
            if pressed.len() >= wanted {
                break;
            }
            if let Played::Key(key) = wait(line, PATIENCE, Keys::Stop).await {
                next = Some(key);
            }
        }
        let mut keys = pressed.chars();
        match (keys.next(), keys.next()) {
            (None, _) => Outcome::Silence,
            (one, None) if one == self.fraud_key => Outcome::Fraud,
            _ => Outcome::Keys(SecretString::new(pressed.to_string())),
        }
    }
}

/// Says the secret, twice. It counts as told once it was heard whole.
async fn tell<L: Line>(line: &mut L, secret: &Sound, told: &mut bool) -> Outcome {
    for turn in 0..TIMES {
        if turn > 0 && wait(line, BETWEEN, Keys::Ignored).await != Played::All {
            break;
        }
        if play(line, secret, Keys::Ignored).await != Played::All {
            break;
        }
        *told = true;
    }
    if *told { Outcome::Told } else { Outcome::Silence }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Heard, RATE,
        testing::{Did, Wire},
    };
    use proptest::prelude::*;

    const SECRET: i16 = 777;

    fn sound(value: i16, seconds: usize) -> Sound {
        vec![value; RATE as usize * seconds].into()
    }

    fn dialogue(keys: usize, secret: bool) -> Dialogue {
        Dialogue {
            greeting: sound(1, 4),
            secret: secret.then(|| sound(SECRET, 5)),
            keys,
            hash_ends: true,
            fraud_key: (keys > 0).then_some('9'),
            longest: Duration::from_secs(60),
        }
    }

    fn at(seconds: f64, heard: Heard) -> (Duration, Heard) {
        (Duration::from_secs_f64(seconds), heard)
    }

    async fn held(dialogue: &Dialogue, script: &[(Duration, Heard)]) -> (Outcome, Vec<Did>) {
        let mut wire = Wire::new(script.iter().copied());
        let record = wire.record();
        let outcome = dialogue.hold(&mut wire).await;
        (outcome, record.all())
    }

    fn told(did: &[Did]) -> usize {
        did.iter().filter(|did| matches!(did, Did::Play(_, sound) if sound.contains(&SECRET))).count()
    }

    fn name(outcome: &Outcome) -> String {
        match outcome {
            Outcome::Keys(keys) => format!("keys {}", keys.expose()),
            Outcome::Fraud => "fraud".to_owned(),
            Outcome::Told => "told".to_owned(),
            Outcome::Said => "said".to_owned(),
            Outcome::Silence => "silence".to_owned(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_voice_mail_hears_no_code() {
        let (outcome, did) = held(&dialogue(0, true), &[]).await;
        assert_eq!((name(&outcome).as_str(), told(&did)), ("silence", 0));
        assert_eq!(did.iter().filter(|did| matches!(did, Did::Play(..))).count(), 2, "the greeting, twice");
        assert!(matches!(did.last(), Some(Did::HangUp(at)) if (15..17).contains(&at.as_secs())), "{did:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_code_is_told_twice_to_who_presses_a_key() {
        for when in [0.5, 4.5, 9.0, 14.0] {
            let (outcome, did) =
                held(&dialogue(0, true), &[at(when, Heard::Key('5')), at(when + 1.0, Heard::Key('5'))]).await;
            assert_eq!((name(&outcome).as_str(), told(&did)), ("told", 2), "{when}");
        }
        let (outcome, did) = held(&dialogue(0, true), &[at(1.0, Heard::Key('#')), at(3.0, Heard::Ended)]).await;
        assert_eq!((name(&outcome).as_str(), told(&did)), ("silence", 1), "cut off in the middle: not told");
        let (outcome, _) = held(&dialogue(0, true), &[at(1.0, Heard::Key('#')), at(8.0, Heard::Ended)]).await;
        assert_eq!(name(&outcome), "told");
    }

    #[tokio::test(start_paused = true)]
    async fn keys_that_approve() {
        let key = |when, key| at(when, Heard::Key(key));
        for (script, expected) in [
            (vec![key(1.0, '4'), key(2.0, '2')], "keys 42"),
            (vec![key(1.0, '4'), key(2.0, '2'), key(2.1, '7')], "keys 42"),
            (vec![key(12.0, '0'), key(17.0, '7')], "keys 07"),
            (vec![key(1.0, '9')], "fraud"),
            (vec![key(1.0, '9'), key(2.0, '#')], "fraud"),
            (vec![key(1.0, '9'), key(2.0, '1')], "keys 91"),
            (vec![key(1.0, '4')], "keys 4"),
            (vec![key(1.0, '4'), key(1.5, '#')], "keys 4"),
            (vec![key(1.0, '#')], "silence"),
            (vec![], "silence"),
            (vec![at(1.0, Heard::Ended)], "silence"),
            (vec![key(1.0, '9'), at(1.5, Heard::Ended)], "fraud"),
        ] {
            let (outcome, did) = held(&dialogue(2, false), &script).await;
            assert_eq!(name(&outcome), expected, "{script:?}");
            assert!(did.len() < 10);
        }
        let one = Dialogue { hash_ends: false, fraud_key: Some('#'), ..dialogue(1, false) };
        assert_eq!(name(&held(&one, &[key(1.0, '#')]).await.0), "fraud", "a hash key with a meaning of its own");
        let one = Dialogue { hash_ends: false, ..dialogue(1, false) };
        assert_eq!(name(&held(&one, &[key(1.0, '#')]).await.0), "keys #");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_only_speaks_listens_to_nothing() {
        let only = Dialogue { fraud_key: None, ..dialogue(0, false) };
        let (outcome, did) = held(&only, &[at(1.0, Heard::Key('1'))]).await;
        assert_eq!(name(&outcome), "said");
        assert!(matches!(did.last(), Some(Did::HangUp(at)) if at.as_secs() == 9), "{did:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_away_hears_it_again_and_nobody_stays_for_ever() {
        let (outcome, did) =
            held(&dialogue(0, true), &[at(1.0, Heard::Key('1')), at(3.0, Heard::Held), at(20.0, Heard::Resumed)]).await;
        assert_eq!(
            (name(&outcome).as_str(), told(&did)),
            ("told", 3),
            "once more from its beginning, and the second time"
        );
        let (outcome, did) = held(&dialogue(2, false), &[at(3.0, Heard::Held)]).await;
        assert_eq!(name(&outcome), "silence");
        assert!(matches!(did.last(), Some(Did::HangUp(at)) if at.as_secs() == 60), "{did:?}");
    }

    proptest! {
        /// Whatever is heard and when: without a key, no secret; and it always ends within its time.
        #[test]
        fn no_key_no_secret(script in proptest::collection::vec((0_u64..70_000, 0_u8..12), 0..12)) {
            let mut script: Vec<_> = script.into_iter().map(|(at, what)| (Duration::from_millis(at), match what {
                0..=5 => Heard::Held,
                6..=9 => Heard::Resumed,
                10 => Heard::Key('1'),
                _ => Heard::Ended,
            })).collect();
            script.sort_by_key(|(at, _)| *at);
            let first_key = script.iter().find(|(_, heard)| matches!(heard, Heard::Key(_))).map(|(at, _)| *at);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
            let (_, did) = runtime.block_on(held(&dialogue(0, true), &script));
            for what in did {
                match what {
                    Did::Play(at, sound) if sound.contains(&SECRET) => {
                        prop_assert!(first_key.is_some_and(|key| key <= at), "spoken without a key");
                    }
                    Did::HangUp(at) => prop_assert!(at <= Duration::from_secs(61)),
                    _ => {}
                }
            }
        }
    }
}
