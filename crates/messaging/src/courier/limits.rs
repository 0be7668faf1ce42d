//! How many messages may go where. The counters are in the store, so they hold on every node.

use crate::{Address, ChannelKind, Outgoing, Purpose, SendError, place};
use keys::TenantKeys;
use serde::Deserialize;
use std::time::Duration;
use store::limits::Limit;
use types::Millis;

const DAY: Duration = Duration::from_secs(86_400);
const DAY_MS: i64 = 86_400_000;

/// A number gets at most one message of a kind in half a minute …
const NUMBER_PAUSE: Limit = Limit { max: 1, window: Duration::from_secs(30) };
/// … three of any kind in ten minutes …
const NUMBER_SHORT: Limit = Limit { max: 3, window: Duration::from_secs(600) };
/// … and ten on a day (defence S3).
const NUMBER_DAY: Limit = Limit { max: 10, window: DAY };
/// A mailbox gets more: mail costs nothing, and other mail comes between.
const MAILBOX_SHORT: Limit = Limit { max: 5, window: Duration::from_secs(600) };
const MAILBOX_DAY: Limit = Limit { max: 30, window: DAY };
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

/// A tenant's settings; the rest of them is for `auth` to read.
#[derive(Deserialize, Default)]
#[serde(default)]
struct All {
    messages: Settings,
}

impl Settings {
    /// Reads them. What can't be read allows nothing: [`SendError::Settings`].
    pub(super) fn read(json: &str) -> Result<Self, SendError> {
        if json.trim().is_empty() {
            return Ok(Self::default());
        }
        let all: All = serde_json::from_str(json).map_err(|_| SendError::Settings)?;
        let digits = |code: &String| !code.is_empty() && code.bytes().all(|b| b.is_ascii_digit());
        if all.messages.per_day < 0 || !all.messages.calling_codes.iter().all(digits) {
            return Err(SendError::Settings);
        }
        Ok(all.messages)
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

/// One counter that a message spends of.
pub(super) struct Spending {
    pub(super) bucket: [u8; 32],
    pub(super) limit: Limit,
    /// The moment to count at.
    pub(super) at: Millis,
    /// After this time there is surely some left again.
    pub(super) retry_after: Duration,
}

/// The counters that a message spends of, those of its address first.
///
/// A bucket is a hash under the tenant's key of the address and the day, so that the counters of two days can't be joined; those of a
/// whole day begin with it, and don't tell when the message went.
pub(super) fn spendings(
    message: &Outgoing,
    kind: ChannelKind,
    settings: &Settings,
    keys: &TenantKeys,
    now: Millis,
) -> Vec<Spending> {
    let day = now.day();
    let morning = Millis(day.saturating_mul(DAY_MS));
    let spending = |name: &str, whose: &[u8], limit: Limit| {
        let bucket = keys.digest("message-limit/1", &[name.as_bytes(), whose, &day.to_be_bytes()]);
        if limit.window == DAY {
            Spending { bucket, limit, at: morning, retry_after: (morning + DAY).since(now) }
        } else {
            Spending { bucket, limit, at: now, retry_after: limit.window }
        }
    };
    let mut all = match &message.to {
        Address::Number(number, _) => {
            let number = number.expose().as_bytes();
            let pause = if kind == ChannelKind::Voice { "voice-pause" } else { "sms-pause" };
            vec![
                spending(pause, number, NUMBER_PAUSE),
                spending("number-short", number, NUMBER_SHORT),
                spending("number-day", number, NUMBER_DAY),
            ]
        }
        // A notice must arrive just when somebody makes a lot of them happen.
        Address::Mail(_) if message.purpose == Purpose::Notice => Vec::new(),
        Address::Mail(address) => {
            let address = address.expose().to_lowercase();
            vec![
                spending("mailbox-short", address.as_bytes(), MAILBOX_SHORT),
                spending("mailbox-day", address.as_bytes(), MAILBOX_DAY),
            ]
        }
    };
    all.push(spending("tenant-day", b"", Limit { max: settings.per_day, window: DAY }));
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
            r#"{"messages":{"per_day":-1}}"#,
            r#"{"messages":{"calling_code":["49"]}}"#,
        ] {
            assert!(matches!(Settings::read(json), Err(SendError::Settings)), "{json}");
        }
    }
}
