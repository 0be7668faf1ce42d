//! Levels of assurance as SAML names them: classes of authentication contexts (saml-authn-context §3).
//!
//! An application may ask for a class (`RequestedAuthnContext`, saml-core §3.3.2.2.1). What it asks for can only raise what is needed:
//! the level that is registered for the application holds whatever a request says.

use auth::sign_in::Level;

/// How an application means what it asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Comparison {
    /// One of these.
    #[default]
    Exact,
    /// At least one of these.
    Minimum,
    /// At most one of these.
    Maximum,
    /// Stronger than all of these.
    Better,
}

/// What an application asks for.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Requested {
    pub(crate) comparison: Comparison,
    /// In the order of the request.
    pub(crate) classes: Vec<String>,
}

/// No class at all: whatever there is.
const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified";

/// The classes that are understood, each with the level that satisfies it. The first of a level is the one that is said unasked.
const CLASSES: &[(&str, Level)] = &[
    ("urn:countersign:acr:single", Level::Single),
    (UNSPECIFIED, Level::Single),
    // Applications' libraries ask for these unless somebody tells them not to. What a person does here is never weaker.
    ("urn:oasis:names:tc:SAML:2.0:ac:classes:Password", Level::Single),
    ("urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport", Level::Single),
    ("urn:oasis:names:tc:SAML:2.0:ac:classes:PreviousSession", Level::Single),
    ("urn:countersign:acr:multi", Level::Multi),
    ("https://refeds.org/profile/mfa", Level::Multi),
    ("http://schemas.microsoft.com/claims/multipleauthn", Level::Multi),
    ("urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken", Level::Multi),
    ("urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract", Level::Multi),
    ("urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorUnregistered", Level::Multi),
    ("phr", Level::PhishingResistant),
    ("phrh", Level::Hardware),
    ("urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI", Level::Hardware),
];

const LEVELS: [Level; 4] = [Level::Single, Level::Multi, Level::PhishingResistant, Level::Hardware];

fn level_of(class: &str) -> Option<Level> {
    CLASSES.iter().find(|(known, _)| *known == class).map(|(_, level)| *level)
}

/// The class that is said of a level unasked.
fn class_of(level: Level) -> &'static str {
    CLASSES.iter().find(|(_, known)| *known == level).map_or(UNSPECIFIED, |(class, _)| class)
}

impl Requested {
    fn known(&self) -> impl Iterator<Item = (&str, Level)> {
        self.classes.iter().filter_map(|class| Some((class.as_str(), level_of(class)?)))
    }

    /// The level that a sign-in needs for this, whatever is registered; none where nothing could satisfy it.
    pub(crate) fn needs(&self) -> Option<Level> {
        match self.comparison {
            // Any of them will do, so the lowest is what is needed. At most one of these: any level can be said as a lower one.
            Comparison::Exact | Comparison::Minimum | Comparison::Maximum => self.known().map(|(_, level)| level).min(),
            Comparison::Better => {
                let strongest = self.known().map(|(_, level)| level).max()?;
                LEVELS.into_iter().find(|level| *level > strongest)
            }
        }
    }

    /// What is said of a sign-in of this level; none where it doesn't satisfy the request.
    fn says(&self, achieved: Level) -> Option<String> {
        if achieved < self.needs()? {
            return None;
        }
        match self.comparison {
            // The strongest of the named that was reached: applications compare texts.
            Comparison::Exact | Comparison::Maximum => {
                let mut best: Option<(&str, Level)> = None;
                for (class, level) in self.known().filter(|(_, level)| *level <= achieved) {
                    if best.is_none_or(|(_, known)| level > known) {
                        best = Some((class, level));
                    }
                }
                best.map(|(class, _)| class.to_owned())
            }
            Comparison::Minimum => {
                // The named one where it is just that, else what it is.
                let named = self.known().find(|(_, level)| *level == achieved).map(|(class, _)| class.to_owned());
                Some(named.unwrap_or_else(|| class_of(achieved).to_owned()))
            }
            Comparison::Better => Some(class_of(achieved).to_owned()),
        }
    }
}

/// The class to say; none where the request isn't satisfied.
pub(crate) fn say(requested: Option<&Requested>, achieved: Level) -> Option<String> {
    match requested {
        None => Some(class_of(achieved).to_owned()),
        Some(requested) => requested.says(achieved),
    }
}

/// The level that a sign-in needs: what is registered, raised by what is asked for. None where nothing could satisfy the request.
pub(crate) fn needed(registered: Level, requested: Option<&Requested>) -> Option<Level> {
    match requested {
        None => Some(registered),
        Some(requested) => Some(registered.max(requested.needs()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PASSWORD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";

    fn asks(comparison: Comparison, classes: &[&str]) -> Requested {
        Requested { comparison, classes: classes.iter().map(|class| (*class).to_owned()).collect() }
    }

    #[test]
    fn every_level_is_the_one_that_the_engine_names() {
        for level in LEVELS {
            assert_eq!(class_of(level), level.acr());
        }
    }

    #[test]
    fn a_request_never_lowers_what_is_registered() {
        for comparison in [Comparison::Exact, Comparison::Minimum, Comparison::Maximum, Comparison::Better] {
            for class in [PASSWORD, UNSPECIFIED, "phr"] {
                for registered in LEVELS {
                    let needed = needed(registered, Some(&asks(comparison, &[class])));
                    assert!(needed.is_none_or(|needed| needed >= registered), "{comparison:?} {class}");
                }
            }
        }
    }

    #[test]
    fn exact_is_answered_with_the_word_that_was_asked_for() {
        let asked = asks(Comparison::Exact, &[PASSWORD]);
        assert_eq!(asked.needs(), Some(Level::Single));
        assert_eq!(say(Some(&asked), Level::Hardware).as_deref(), Some(PASSWORD));
        let asked = asks(Comparison::Exact, &["https://refeds.org/profile/mfa", PASSWORD]);
        assert_eq!(say(Some(&asked), Level::Multi).as_deref(), Some("https://refeds.org/profile/mfa"));
        assert_eq!(say(Some(&asked), Level::Single).as_deref(), Some(PASSWORD));
        let asked = asks(Comparison::Exact, &["phr"]);
        assert_eq!((asked.needs(), say(Some(&asked), Level::Multi)), (Some(Level::PhishingResistant), None));
    }

    #[test]
    fn minimum_maximum_and_better_compare_levels() {
        let asked = asks(Comparison::Minimum, &["urn:countersign:acr:multi"]);
        assert_eq!(say(Some(&asked), Level::Single), None);
        assert_eq!(say(Some(&asked), Level::PhishingResistant).as_deref(), Some("phr"));
        let asked = asks(Comparison::Maximum, &["urn:countersign:acr:multi"]);
        assert_eq!(say(Some(&asked), Level::Hardware).as_deref(), Some("urn:countersign:acr:multi"));
        let asked = asks(Comparison::Better, &[PASSWORD, "urn:countersign:acr:multi"]);
        assert_eq!(asked.needs(), Some(Level::PhishingResistant));
        assert_eq!(asks(Comparison::Better, &["phrh"]).needs(), None);
    }

    #[test]
    fn classes_that_nobody_knows_satisfy_nothing() {
        for comparison in [Comparison::Exact, Comparison::Minimum, Comparison::Maximum, Comparison::Better] {
            let asked = asks(comparison, &["urn:example:unknown"]);
            assert_eq!((asked.needs(), say(Some(&asked), Level::Hardware)), (None, None));
            assert_eq!(needed(Level::Single, Some(&asked)), None);
        }
    }

    proptest! {
        #[test]
        fn whoever_has_what_is_needed_is_told_something(
            which in 0_usize..4, first in 0..CLASSES.len(), second in 0..CLASSES.len(), registered in 0_usize..4
        ) {
            let comparison = [Comparison::Exact, Comparison::Minimum, Comparison::Maximum, Comparison::Better][which];
            let asked = asks(comparison, &[CLASSES[first].0, CLASSES[second].0]);
            if let Some(needed) = needed(LEVELS[registered], Some(&asked)) {
                prop_assert!(say(Some(&asked), needed).is_some());
                prop_assert!(say(Some(&asked), Level::Hardware).is_some());
            }
        }
    }
}
