//! How strongly somebody proved who they are, and by what: what applications ask for (`acr`) and are told (`amr`).

use crate::account::Strength;
use serde::{Deserialize, Serialize};

/// How strongly somebody proved who they are, from the weakest up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// By one factor: the authenticator, a passcode, or a password alone.
    Single,
    /// By two.
    Multi,
    /// By a passkey that verified its user: what is given on one page is of no use on another.
    PhishingResistant,
    /// By such a passkey in a security key whose maker vouches for it, and from which it can't be copied.
    Hardware,
}

impl Level {
    /// All, the weakest first.
    pub const ALL: [Self; 4] = [Self::Single, Self::Multi, Self::PhishingResistant, Self::Hardware];

    /// As it stands in `acr` and `acr_values`. The two upper ones are OpenID's own words (OpenID Connect Extended Authentication Profile
    /// ACR Values 1.0 §2).
    #[must_use]
    pub const fn acr(self) -> &'static str {
        match self {
            Self::Single => "urn:countersign:acr:single",
            Self::Multi => "urn:countersign:acr:multi",
            Self::PhishingResistant => "phr",
            Self::Hardware => "phrh",
        }
    }

    /// From the text of an `acr`; none for one that isn't ours.
    #[must_use]
    pub fn of_acr(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.acr() == text)
    }

    /// As it is stored: 1 to 4.
    #[must_use]
    pub const fn number(self) -> i64 {
        match self {
            Self::Single => 1,
            Self::Multi => 2,
            Self::PhishingResistant => 3,
            Self::Hardware => 4,
        }
    }

    /// From how it is stored; none for 0, which older rows have, and for what isn't one.
    #[must_use]
    pub fn of_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.number() == number)
    }
}

/// What was proved: how strongly, and by what in the words of RFC 8176 §2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Assurance {
    pub(crate) level: Level,
    pub(crate) amr: Vec<String>,
}

/// What a passkey's answer showed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PasskeyShown {
    /// Whether its user was verified.
    pub(crate) user_verified: bool,
    /// Whether it can't leave its device.
    pub(crate) device_bound: bool,
    /// Whether its maker vouches for the device.
    pub(crate) attested: bool,
}

impl PasskeyShown {
    /// How strong it is.
    pub(crate) const fn level(self) -> Level {
        match (self.user_verified, self.device_bound && self.attested) {
            (true, true) => Level::Hardware,
            (true, false) => Level::PhishingResistant,
            (false, _) => Level::Single,
        }
    }
}

impl Assurance {
    /// Of a passkey.
    pub(crate) fn of_passkey(shown: PasskeyShown) -> Self {
        let key = if shown.device_bound { "hwk" } else { "swk" };
        let words: &[&str] = if shown.user_verified { &[key, "user", "mfa", "pop"] } else { &[key, "pop"] };
        Self { level: shown.level(), amr: words.iter().map(|word| (*word).to_owned()).collect() }
    }

    /// Of another factor, by the engine's name of it. What isn't one (a status that lets somebody in, say) says nothing.
    pub(crate) fn of_factor(factor: &str) -> Self {
        Strength::of_factor(factor).map_or(Self { level: Level::Single, amr: Vec::new() }, Self::of_strength)
    }

    /// Of a session of which only its strength is known.
    pub(crate) fn of_strength(strength: Strength) -> Self {
        let (level, amr): (_, &[&str]) = match strength {
            // Every passkey that opens a session has verified its user.
            Strength::Passkey => (Level::PhishingResistant, &["user", "mfa", "pop"]),
            Strength::Push => (Level::Single, &["swk", "pop"]),
            Strength::Otp => (Level::Single, &["otp"]),
            Strength::Sms => (Level::Single, &["sms"]),
            // What a provider's word was taken for, a session knows that it has opened.
            Strength::Provider
            | Strength::Bypass
            | Strength::Enrollment
            | Strength::Recovery
            | Strength::AccessPass => (Level::Single, &[]),
        };
        let mut amr: Vec<_> = amr.iter().map(|word| (*word).to_owned()).collect();
        if strength == Strength::Sms {
            // A text that came by telephone, or a call: the one word that covers both.
            amr.push("tel".to_owned());
        }
        Self { level, amr }
    }

    /// As it stands in a session's row.
    pub(crate) fn amr_text(&self) -> String {
        self.amr.join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_as_they_were_written_and_in_order() {
        for (place, level) in Level::ALL.into_iter().enumerate() {
            assert_eq!(Level::of_acr(level.acr()), Some(level));
            assert_eq!(Level::of_number(level.number()), Some(level));
            assert_eq!(usize::try_from(level.number()).unwrap(), place + 1);
        }
        assert!(Level::ALL.is_sorted());
        assert_eq!((Level::of_number(0), Level::of_acr("PHR")), (None, None));
    }

    #[test]
    fn a_passkey_is_worth_what_it_showed() {
        let shown = |user_verified, device_bound, attested| PasskeyShown { user_verified, device_bound, attested };
        assert_eq!(shown(true, true, true).level(), Level::Hardware);
        assert_eq!(shown(true, false, true).level(), Level::PhishingResistant);
        assert_eq!(shown(true, true, false).level(), Level::PhishingResistant);
        assert_eq!(shown(false, true, true).level(), Level::Single);
        let multi = Assurance::of_passkey(shown(false, true, true)).amr.contains(&"mfa".to_owned());
        assert!(!multi);
    }
}
