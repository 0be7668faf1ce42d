//! How many messages may go where. The counters are in the store, so they hold on every node.

use crate::{Address, ChannelKind, Outgoing, Purpose, SendError, place};
use keys::TenantKeys;
use serde::Deserialize;
use std::time::Duration;
use store::limits::Limit;
use types::Millis;

const DAY_MS: i64 = 86_400_000;
const SHORT_MS: i64 = 600_000;
const SLOT_MS: i64 = 15_000;

/// A number gets one message of a kind in half a minute: it takes its slot of 15 seconds and the two that follow …
const NUMBER_SLOTS: i64 = 3;
/// … three messages of any kind in ten minutes …
const NUMBER_SHORT: i64 = 3;
/// … and ten on a day.
const NUMBER_DAY: i64 = 10;
/// Notices have a count of their own, so that nobody keeps one away by using the number's messages up first.
const NUMBER_NOTICES: i64 = 20;
/// A mailbox gets more: mail costs nothing, and other mail comes between.
const MAILBOX_SHORT: i64 = 5;
const MAILBOX_DAY: i64 = 30;
/// What a tenant sends on a day where its settings don't say.
const TENANT_DAY: i64 = 10_000;

/// What a tenant's settings say of messages: the object `messages` in them.
///
/// ```json
/// { "messages": { "per_day": 2000, "calling_codes": ["1", "49", "4479"] } }
/// ```
#[derive(Deserialize, Debug, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Settings {
    /// At most so many messages of all kinds on one UTC day; 10,000 where nothing is said.
    per_day: i64,
    /// Numbers must begin with one of these: calling codes, or longer beginnings, without `+`. Empty: any country, but no
    /// satellite, personal or premium service, which has to be named.
    calling_codes: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { per_day: TENANT_DAY, calling_codes: Vec::new() }
    }
}

impl Settings {
    /// Reads them. What can't be read allows nothing: [`SendError::Settings`].
    pub(super) fn read(json: &str) -> Result<Self, SendError> {
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
        let digits = |code: &String| !code.is_empty() && code.bytes().all(|b| b.is_ascii_digit());
        if settings.per_day < 0 || !settings.calling_codes.iter().all(digits) {
            return Err(SendError::Settings);
        }
        Ok(settings)
    }

    /// Whether messages may go there at all.
    pub(super) fn admit(&self, to: &Address) -> Result<(), SendError> {
        let Address::Number(number, _) = to else { return Ok(()) };
        let digits = number.expose().trim_start_matches('+');
        let admitted = if self.calling_codes.is_empty() {
            place::of(number).is_country
        } else {
            self.calling_codes.iter().any(|code| digits.starts_with(code.as_str()))
        };
        if admitted { Ok(()) } else { Err(SendError::CountryRefused) }
    }
}

/// One counter that a message spends one of.
pub(super) struct Spending {
    pub(super) bucket: [u8; 32],
    pub(super) limit: Limit,
    /// The moment to count at: the first of the day.
    pub(super) at: Millis,
    /// After this time, in whole seconds, there is some left again.
    pub(super) retry_after: Duration,
}

/// The counters that a message spends of, those of its address first.
///
/// A counter is a hash, under the tenant's key, of its name, the address and the window of time that it counts in, and every one
/// is dated to the first moment of the day. So the stored counters don't tell when a message went, and those of two windows can't be
/// joined. The windows are fixed, and at midnight UTC all of them begin anew.
pub(super) fn spendings(
    message: &Outgoing,
    kind: ChannelKind,
    settings: &Settings,
    keys: &TenantKeys,
    now: Millis,
) -> Vec<Spending> {
    let morning = Millis(now.day().saturating_mul(DAY_MS));
    // `length` of a window in milliseconds, `ahead` of the present one, free again when `busy` windows from the present one are over.
    let counter = |name: &str, whose: &[u8], max: i64, length: i64, ahead: i64, busy: i64| {
        let window = now.0.div_euclid(length);
        let parts = [name.as_bytes(), whose, &(window + ahead).to_be_bytes()];
        let free = (window + busy).saturating_mul(length).min(morning.0 + DAY_MS);
        let left = Millis(free).since(now).as_millis().div_ceil(1000);
        Spending {
            bucket: keys.digest("message-limit/1", &parts),
            limit: Limit { max, window: Duration::from_millis(DAY_MS.unsigned_abs()) },
            at: morning,
            retry_after: Duration::from_secs(u64::try_from(left).unwrap_or(0)),
        }
    };
    let mut all = Vec::new();
    match &message.to {
        Address::Number(number, _) if message.purpose == Purpose::Notice => {
            all.push(counter("number-notices", number.expose().as_bytes(), NUMBER_NOTICES, DAY_MS, 0, 1));
        }
        Address::Number(number, _) => {
            let number = number.expose().as_bytes();
            // Who gets no SMS may ask for a call at once.
            let pause = if kind == ChannelKind::Voice { "voice-pause" } else { "sms-pause" };
            all.extend((0..NUMBER_SLOTS).map(|ahead| counter(pause, number, 1, SLOT_MS, ahead, NUMBER_SLOTS)));
            all.push(counter("number-short", number, NUMBER_SHORT, SHORT_MS, 0, 1));
            all.push(counter("number-day", number, NUMBER_DAY, DAY_MS, 0, 1));
        }
        // A notice must arrive just when somebody makes a lot of them happen.
        Address::Mail(_) if message.purpose == Purpose::Notice => {}
        Address::Mail(address) => {
            let address = address.expose().to_lowercase();
            all.push(counter("mailbox-short", address.as_bytes(), MAILBOX_SHORT, SHORT_MS, 0, 1));
            all.push(counter("mailbox-day", address.as_bytes(), MAILBOX_DAY, DAY_MS, 0, 1));
        }
    }
    all.push(counter("tenant-day", b"", settings.per_day, DAY_MS, 0, 1));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(number: &str) -> Address {
        Address::Number(number.parse().unwrap(), String::new())
    }

    #[test]
    fn without_a_list_any_country_and_no_satellite() {
        let settings = Settings::read("{\"lockout\":{\"threshold\":5}}").unwrap();
        assert_eq!(settings, Settings::default());
        assert!(settings.admit(&to("+15035550100")).is_ok());
        assert!(matches!(settings.admit(&to("+881612345678")), Err(SendError::CountryRefused)));
        assert!(matches!(settings.admit(&to("+9791234567")), Err(SendError::CountryRefused)));
    }

    #[test]
    fn with_a_list_only_what_it_names() {
        let settings = Settings::read(r#"{"messages":{"calling_codes":["49","4479","881"]}}"#).unwrap();
        assert!(settings.admit(&to("+4915112345678")).is_ok());
        assert!(settings.admit(&to("+447912345678")).is_ok());
        assert!(settings.admit(&to("+881612345678")).is_ok());
        assert!(matches!(settings.admit(&to("+442012345678")), Err(SendError::CountryRefused)));
        assert!(matches!(settings.admit(&to("+15035550100")), Err(SendError::CountryRefused)));
        assert!(settings.admit(&Address::Mail("a@example.com".parse().unwrap())).is_ok());
    }

    #[test]
    fn what_cannot_be_read_allows_nothing() {
        for json in [
            "[]",
            "{",
            r#"{"messages":{"calling_codes":["+49"]}}"#,
            r#"{"messages":{"calling_codes":[""]}}"#,
            r#"{"messages":{"calling_codes":"49"}}"#,
            r#"{"messages":[5]}"#,
            r#"{"messages":null}"#,
            r#"{"messages":{"per_day":-1}}"#,
            r#"{"messages":{"calling_code":["49"]}}"#,
        ] {
            assert!(matches!(Settings::read(json), Err(SendError::Settings)), "{json}");
        }
    }
}
