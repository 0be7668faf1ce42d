//! The rules by name, and what a refusal says.

use std::time::Duration;

/// A rule that refuses a message. Its name goes to the log and to the tenant, never to whoever asked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Rule {
    /// Such a number can't exist.
    Number,
    /// A kind of number that the tenant sends nothing to: premium, shared cost, satellite …
    Kind,
    /// A country that the tenant sends nothing to.
    Country,
    /// The number got a message just now; the pause grows with each that nobody answered.
    Pace,
    /// Many numbers in a row: one block of 10,000 numbers, unanswered, within ten minutes.
    Adjacency,
    /// Many unanswered messages to one beginning of numbers at a time.
    Velocity,
    /// Hardly any code that went to this beginning of numbers was entered.
    Conversion,
    /// Hardly any code that went to this country was entered.
    CountryConversion,
    /// Too many unanswered messages to this country within an hour.
    CountryHour,
    /// Too many unanswered messages to this country within a day.
    CountryDay,
    /// Too many unanswered messages for this network address within an hour.
    AddressHour,
    /// Too many unanswered messages for this network address within a day.
    AddressDay,
    /// This network address asks for messages to many countries.
    AddressCountries,
    /// What the tenant spends on a day is spent.
    Spend,
    /// What the tenant spends on a day for this country is spent.
    CountrySpend,
}

impl Rule {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Number,
        Self::Kind,
        Self::Country,
        Self::Pace,
        Self::Adjacency,
        Self::Velocity,
        Self::Conversion,
        Self::CountryConversion,
        Self::CountryHour,
        Self::CountryDay,
        Self::AddressHour,
        Self::AddressDay,
        Self::AddressCountries,
        Self::Spend,
        Self::CountrySpend,
    ];

    /// As the message log and the counters name it.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Number => "fraud-number",
            Self::Kind => "fraud-kind",
            Self::Country => "fraud-country",
            Self::Pace => "fraud-pace",
            Self::Adjacency => "fraud-adjacency",
            Self::Velocity => "fraud-velocity",
            Self::Conversion => "fraud-conversion",
            Self::CountryConversion => "fraud-country-conversion",
            Self::CountryHour => "fraud-country-hour",
            Self::CountryDay => "fraud-country-day",
            Self::AddressHour => "fraud-address-hour",
            Self::AddressDay => "fraud-address-day",
            Self::AddressCountries => "fraud-address-countries",
            Self::Spend => "fraud-spend",
            Self::CountrySpend => "fraud-country-spend",
        }
    }

    /// Its name alone.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.class().strip_prefix("fraud-").unwrap_or_default()
    }
}

/// A message that is not sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("refused by the rule {}", .rule.name())]
pub struct Refusal {
    /// Which rule.
    pub rule: Rule,
    /// After this time another try may be admitted; `None` where time changes nothing.
    pub retry_after: Option<Duration>,
    /// Whether this refusal began a block: somebody should be told.
    pub alarm: bool,
}
