//! What a tenant's settings say of messages.

use crate::SendError;
use fraud::{InvalidRules, Rules};
use serde::{Deserialize, Serialize};

/// What a tenant's settings say of messages: the object `messages` in them.
///
/// ```json
/// { "messages": { "per_day": 2000, "countries": ["DE", "AT"], "calling_codes": ["4479"] } }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MessageSettings {
    /// At most so many messages of all kinds on one UTC day.
    pub per_day: i64,
    /// Messages go to these countries only, two letters of ISO 3166-1 each. With neither these nor `calling_codes`: to the numbers that the
    /// directory holds, and to the countries of those.
    pub countries: Vec<String>,
    /// And to numbers that begin so: calling codes, or longer beginnings, without `+`.
    pub calling_codes: Vec<String>,
    /// Kinds of numbers that get nothing, as [`numbers::Kind::as_str`] names them.
    pub refused_kinds: Vec<String>,
    /// Beginnings of numbers that no rule against fraud refuses.
    pub safe_numbers: Vec<String>,
    /// Addresses and networks that may ask for as many messages as they like.
    pub safe_addresses: Vec<String>,
    /// Whether the published thresholds for unanswered codes refuse, in place of the wider ones.
    pub strict: bool,
    /// What messages may cost on one UTC day, in whole units of the routes' currency; 0: without limit.
    pub spend_per_day: i64,
    /// The same to one country.
    pub spend_per_country: i64,
}

impl Default for MessageSettings {
    fn default() -> Self {
        let kinds = Rules::default().refused_kinds;
        Self {
            per_day: 10_000,
            countries: Vec::new(),
            calling_codes: Vec::new(),
            refused_kinds: kinds.into_iter().map(str::to_owned).collect(),
            safe_numbers: Vec::new(),
            safe_addresses: Vec::new(),
            strict: false,
            spend_per_day: 0,
            spend_per_country: 0,
        }
    }
}

impl MessageSettings {
    /// Reads them. What can't be read allows nothing: [`SendError::Settings`].
    pub(crate) fn read(json: &str) -> Result<Self, SendError> {
        if json.trim().is_empty() {
            return Ok(Self::default());
        }
        let malformed = |_| SendError::Settings;
        let mut all: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json).map_err(malformed)?;
        let settings: Self = match all.remove("messages") {
            None => Self::default(),
            // A struct could be read from a list too.
            Some(object @ serde_json::Value::Object(_)) => serde_json::from_value(object).map_err(malformed)?,
            Some(_) => return Err(SendError::Settings),
        };
        settings.rules().map_err(|_| SendError::Settings)?;
        Ok(settings)
    }

    /// Whether they say where messages go.
    pub(crate) fn names_countries(&self) -> bool {
        !self.countries.is_empty() || !self.calling_codes.is_empty()
    }

    /// The same as rules.
    ///
    /// # Errors
    /// A country, a beginning, a kind or a network that there isn't; a negative number.
    pub fn rules(&self) -> Result<Rules, InvalidRules> {
        let amounts = [self.per_day, self.spend_per_day, self.spend_per_country];
        if !amounts.iter().all(|amount| (0..=1_000_000_000).contains(amount)) {
            return Err(InvalidRules::Amount);
        }
        let mut rules = Rules::default();
        rules.set_countries(self.countries.iter().map(String::as_str))?;
        rules.set_prefixes(self.calling_codes.iter().map(String::as_str))?;
        rules.set_refused_kinds(self.refused_kinds.iter().map(String::as_str))?;
        let (numbers, networks) = (self.safe_numbers.iter(), self.safe_addresses.iter());
        rules.set_safe(numbers.map(String::as_str), networks.map(String::as_str))?;
        rules.known_anywhere = !self.names_countries();
        rules.strict = self.strict;
        Ok(rules)
    }
}

/// An amount in millionths, as counters have it.
pub(crate) fn millionths(amount: f64) -> i64 {
    let clamped = (amount * 1e6).round().clamp(0.0, 9e15);
    #[expect(clippy::cast_possible_truncation, reason = "clamped to what an i64 holds exactly")]
    let whole = clamped as i64;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_allows_nothing() {
        for json in [
            "[]",
            "{",
            r#"{"messages":{"calling_codes":["+49"]}}"#,
            r#"{"messages":{"calling_codes":[""]}}"#,
            r#"{"messages":{"calling_codes":"49"}}"#,
            r#"{"messages":{"countries":["XX"]}}"#,
            r#"{"messages":{"refused_kinds":["cheap"]}}"#,
            r#"{"messages":{"safe_addresses":["here"]}}"#,
            r#"{"messages":[5]}"#,
            r#"{"messages":null}"#,
            r#"{"messages":{"per_day":-1}}"#,
            r#"{"messages":{"spend_per_day":-1}}"#,
            r#"{"messages":{"calling_code":["49"]}}"#,
        ] {
            assert!(matches!(MessageSettings::read(json), Err(SendError::Settings)), "{json}");
        }
        let other = MessageSettings::read("{\"lockout\":{\"threshold\":5}}").unwrap();
        assert_eq!(other, MessageSettings::default());
        assert_eq!(MessageSettings::read("").unwrap(), MessageSettings::default());
    }

    #[test]
    fn amounts() {
        assert_eq!(millionths(0.07), 70_000);
        assert_eq!(millionths(-1.0), 0);
        assert_eq!(millionths(f64::INFINITY), 9_000_000_000_000_000);
    }
}
