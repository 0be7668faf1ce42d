//! What a tenant wants.

use crate::Way;
use ipnet::IpNet;
use numbers::{Facts, Kind};
use std::{collections::BTreeSet, net::IpAddr};
use types::E164;

/// What a tenant wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Two letters of ISO 3166-1 each: messages go to these countries only.
    pub countries: BTreeSet<String>,
    /// And to numbers that begin so: digits without `+`. Calling codes, or longer; the way to name a satellite network.
    pub prefixes: Vec<String>,
    /// Whether numbers that the tenant's directory holds may be in any country. So it is where the tenant has named none: who
    /// administers the directory has put those numbers there, or their owners have proved them.
    pub known_anywhere: bool,
    /// Kinds of numbers that get nothing; [`Rules::default`] says which.
    pub refused_kinds: BTreeSet<&'static str>,
    /// Beginnings of numbers that no rule refuses.
    pub safe_numbers: Vec<String>,
    /// Networks that may ask for as many messages as they like.
    pub safe_addresses: Vec<IpNet>,
    /// Whether what is only watched otherwise is refused: the thresholds for a country and an address, at their published values.
    pub strict: bool,
}

/// Why rules can't be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidRules {
    /// Not two letters of a country that has numbers.
    #[error("a country is two letters of ISO 3166, and has telephone numbers")]
    Country,
    /// Something other than digits.
    #[error("a beginning of numbers holds digits only, and at least one")]
    Prefix,
    /// A kind that there isn't.
    #[error("no such kind of numbers")]
    Kind,
    /// A number below zero, or beyond all measure.
    #[error("not an amount")]
    Amount,
    /// No address and no network.
    #[error("not an address or a network")]
    Address,
}

/// Kinds that can be named, and whether they are refused where a tenant doesn't say. Somebody is paid for each message to most of
/// them; at a fixed line nobody reads a text, and a mailbox for voice would keep the code.
const KINDS: &[(Kind, bool)] = &[
    (Kind::Premium, true),
    (Kind::SharedCost, true),
    (Kind::Satellite, true),
    (Kind::Pager, true),
    (Kind::Uan, true),
    (Kind::Personal, true),
    (Kind::Voicemail, true),
    (Kind::TollFree, true),
    (Kind::Landline, true),
    (Kind::Voip, false),
    (Kind::Mobile, false),
    (Kind::LandlineOrMobile, false),
];

impl Default for Rules {
    fn default() -> Self {
        let refused_kinds = KINDS.iter().filter(|(_, refused)| *refused).map(|(kind, _)| kind.as_str()).collect();
        Self {
            countries: BTreeSet::new(),
            prefixes: Vec::new(),
            known_anywhere: true,
            refused_kinds,
            safe_numbers: Vec::new(),
            safe_addresses: Vec::new(),
            strict: false,
        }
    }
}

impl Rules {
    /// Names the countries, in place of those that were named.
    ///
    /// # Errors
    /// [`InvalidRules::Country`].
    pub fn set_countries<'n>(&mut self, named: impl IntoIterator<Item = &'n str>) -> Result<(), InvalidRules> {
        let known: BTreeSet<&str> = numbers::countries().collect();
        let one = |name: &str| {
            let name = name.to_ascii_uppercase();
            if known.contains(name.as_str()) { Ok(name) } else { Err(InvalidRules::Country) }
        };
        self.countries = named.into_iter().map(one).collect::<Result<_, _>>()?;
        Ok(())
    }

    /// Names beginnings of numbers that are admitted beside the countries.
    ///
    /// # Errors
    /// [`InvalidRules::Prefix`].
    pub fn set_prefixes<'n>(&mut self, named: impl IntoIterator<Item = &'n str>) -> Result<(), InvalidRules> {
        self.prefixes = prefixes(named)?;
        Ok(())
    }

    /// Names the kinds that are refused, in place of the usual ones.
    ///
    /// # Errors
    /// [`InvalidRules::Kind`].
    pub fn set_refused_kinds<'n>(&mut self, named: impl IntoIterator<Item = &'n str>) -> Result<(), InvalidRules> {
        let one = |name: &str| KINDS.iter().map(|(kind, _)| kind.as_str()).find(|kind| *kind == name);
        self.refused_kinds =
            named.into_iter().map(|name| one(name).ok_or(InvalidRules::Kind)).collect::<Result<_, _>>()?;
        Ok(())
    }

    /// Names the numbers (beginnings of them) and networks that no rule refuses.
    ///
    /// # Errors
    /// [`InvalidRules::Prefix`], [`InvalidRules::Address`].
    pub fn set_safe<'n>(
        &mut self,
        numbers: impl IntoIterator<Item = &'n str>,
        addresses: impl IntoIterator<Item = &'n str>,
    ) -> Result<(), InvalidRules> {
        let network = |text: &str| {
            let alone = || text.parse::<IpAddr>().map(IpNet::from).map_err(|_| InvalidRules::Address);
            text.parse::<IpNet>().or_else(|_| alone())
        };
        let numbers = prefixes(numbers.into_iter().map(|number| number.trim_start_matches('+')))?;
        self.safe_addresses = addresses.into_iter().map(network).collect::<Result<_, _>>()?;
        self.safe_numbers = numbers;
        Ok(())
    }

    pub(crate) fn is_safe(&self, number: &E164, source: Option<IpAddr>) -> bool {
        begins(number, &self.safe_numbers)
            || source.is_some_and(|source| self.safe_addresses.iter().any(|network| network.contains(&source)))
    }

    pub(crate) fn admits_country(&self, number: &E164, facts: &Facts, known: bool) -> bool {
        (known && self.known_anywhere)
            || (!facts.country.is_empty() && self.countries.contains(facts.country))
            || begins(number, &self.prefixes)
    }

    pub(crate) fn admits_kind(&self, number: &E164, kind: Kind, way: Way) -> bool {
        // A text to a fixed line or to a number where the callee pays isn't read; a call is heard.
        let can_be_called = way == Way::Voice && matches!(kind, Kind::Landline | Kind::TollFree);
        // Who names a satellite network by its digits wants it.
        let named = kind == Kind::Satellite && begins(number, &self.prefixes);
        can_be_called || named || !self.refused_kinds.contains(kind.as_str())
    }
}

fn prefixes<'n>(named: impl IntoIterator<Item = &'n str>) -> Result<Vec<String>, InvalidRules> {
    let one = |text: &str| {
        let digits = !text.is_empty() && text.len() <= 15 && text.bytes().all(|byte| byte.is_ascii_digit());
        if digits { Ok(text.to_owned()) } else { Err(InvalidRules::Prefix) }
    };
    named.into_iter().map(one).collect()
}

fn begins(number: &E164, prefixes: &[String]) -> bool {
    let digits = number.expose().trim_start_matches('+');
    prefixes.iter().any(|prefix| digits.starts_with(prefix.as_str()))
}
