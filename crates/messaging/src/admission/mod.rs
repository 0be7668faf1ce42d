//! Whether a message may leave at all: countries, kinds of numbers, patterns of fraud ([`fraud`]), and people who want none.
//!
//! Asked before the transaction that spends the limits and writes the row. What is refused leaves a row too, which says why; whoever
//! asked is told no more than that the message was not sent.
//!
//! **Which countries.** A tenant that names countries or calling codes sends there and nowhere else. One that names none sends to the
//! numbers that its directory holds (an administrator has put them there, or their owners have proved them), and to numbers that
//! nobody knows in the countries of those. A tenant that has sent nothing yet takes the country of its first number as its own, and that
//! one only: so a fresh tenant works, and is never open to the world. The countries stand in the store as keyed digests.

pub(crate) mod canaries;
pub(crate) mod opt_out;
mod settings;
pub(crate) mod words;

pub use settings::MessageSettings;
pub(crate) use settings::millionths;

use crate::{Address, ChannelKind, ErrorClass, Outgoing, Purpose, SendError};
use fraud::{Blocked, Guard, Pass, Request, Rule, Rules, Standing, Way};
use keys::TenantKeys;
use numbers::Facts;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};
use store::{Store, StoreError};
use types::{E164, MessageId, Millis, TenantId, UserId};

/// Tenants whose countries are kept at hand.
const TENANTS: usize = 10_000;
/// Marks that a tenant has countries at all, in place of a country's letters.
const FIRST: &str = "first";

type Countries = Arc<HashSet<Vec<u8>>>;

/// Asks the rules, and knows what they need.
#[derive(Default)]
pub(crate) struct Doorkeeper {
    guard: Guard,
    countries: Mutex<HashMap<TenantId, Countries>>,
}

/// A message at the door.
pub(crate) struct Visitor<'v> {
    pub(crate) message: &'v Outgoing,
    pub(crate) kind: ChannelKind,
    pub(crate) settings: &'v MessageSettings,
    pub(crate) keys: &'v TenantKeys,
    /// Whether the number wants no texts, and this is one.
    pub(crate) opted_out: bool,
    pub(crate) now: Millis,
}

impl Visitor<'_> {
    /// Whether the directory holds the number: a person whom it knows gets a message, and not in order to prove a number.
    fn standing(&self) -> Standing {
        let known = self.message.user.is_some() && self.message.purpose != Purpose::Verify;
        if known { Standing::Known } else { Standing::New }
    }
}

/// The keyed digest by which a country is kept.
fn country_mark(keys: &TenantKeys, country: &str) -> [u8; 32] {
    keys.digest("known-country/1", &[country.as_bytes()])
}

impl Doorkeeper {
    /// Lets a message through or names the rule that doesn't. What was let through and doesn't leave is given back.
    pub(crate) async fn ask(&self, store: &Store, visitor: &Visitor<'_>) -> Result<Option<Pass>, SendError> {
        let Address::Number(number, _) = &visitor.message.to else { return Ok(None) };
        if visitor.opted_out {
            return Err(SendError::Refused(ErrorClass::OptedOut));
        }
        let scope = store.tenant(visitor.message.tenant);
        // It is nobody's, so nobody wanted this: what is sent there ends here, and no carrier sees it.
        if scope.is_canary_number(number).await? {
            let detail = format!(r#"{{"purpose":"{}"}}"#, visitor.message.purpose.as_str());
            scope.raise("number_canary_written_to", "", &detail).await?;
            return Err(SendError::Refused(ErrorClass::Blocked));
        }
        let facts = numbers::look(number);
        let mut rules = visitor.settings.rules().map_err(|_| SendError::Settings)?;
        let learn = self.admit_own(store, visitor, &facts, &mut rules).await?;
        let pass = self.guarded(visitor, number, &facts, &rules)?;
        if learn && !self.learn(store, visitor, &facts).await? {
            self.guard.give_back(pass);
            return Err(SendError::Fraud { rule: Rule::Country.class(), retry_after: None });
        }
        Ok(Some(pass))
    }

    /// It was let through, and doesn't leave.
    pub(crate) fn give_back(&self, pass: Option<Pass>) {
        if let Some(pass) = pass {
            self.guard.give_back(pass);
        }
    }

    /// A code was entered.
    pub(crate) fn verified(&self, tenant: TenantId, user: Option<UserId>, message: Option<MessageId>, now: Millis) {
        self.guard.verified(tenant, user, message, now);
    }

    /// What is blocked for a tenant on this node.
    pub(crate) fn blocks(&self, tenant: TenantId, now: Millis) -> Vec<Blocked> {
        self.guard.blocks(tenant, now)
    }

    fn guarded(&self, visitor: &Visitor<'_>, number: &E164, facts: &Facts, rules: &Rules) -> Result<Pass, SendError> {
        let message = visitor.message;
        let request = Request {
            tenant: message.tenant,
            rules,
            message: message.id,
            user: message.user,
            number,
            facts,
            way: if visitor.kind == ChannelKind::Voice { Way::Voice } else { Way::Text },
            standing: visitor.standing(),
            source: message.terms.source,
            checked: message.terms.checked,
        };
        self.guard.ask(&request, visitor.now).map_err(|refusal| {
            if refusal.alarm {
                metrics::counter!("countersign_fraud_blocks_total", "rule" => refusal.rule.name()).increment(1);
                // No tenant: with the line's time it would say when somebody's message went. The tenant sees it in its log.
                tracing::warn!(rule = refusal.rule.name(), "messages of a pattern of fraud are blocked for a while");
            }
            match (refusal.rule, refusal.retry_after) {
                // A limit like those in the store: whoever waits for a code is told how long.
                (Rule::Pace, Some(retry_after)) => SendError::Limited { retry_after },
                (rule, retry_after) => SendError::Fraud { rule: rule.class(), retry_after },
            }
        })
    }

    /// Adds the number's country where it is one of the tenant's, or may become its first. Whether it has to be noted then.
    async fn admit_own(
        &self,
        store: &Store,
        visitor: &Visitor<'_>,
        facts: &Facts,
        rules: &mut Rules,
    ) -> Result<bool, StoreError> {
        if visitor.settings.names_countries() || facts.country.is_empty() {
            return Ok(false);
        }
        let tenant = visitor.message.tenant;
        let mark = country_mark(visitor.keys, facts.country).to_vec();
        let at_hand = |this: &Self| {
            let countries = this.countries.lock().unwrap_or_else(PoisonError::into_inner);
            countries.get(&tenant).is_some_and(|known| known.contains(&mark))
        };
        let mut known = at_hand(self);
        let mut first = false;
        if !known {
            // Another node may have learned it meanwhile.
            let countries: Countries = Arc::new(store.tenant(tenant).known_countries().await?.into_iter().collect());
            known = countries.contains(&mark);
            first = countries.is_empty();
            let mut all = self.countries.lock().unwrap_or_else(PoisonError::into_inner);
            if all.len() >= TENANTS {
                all.clear();
            }
            all.insert(tenant, countries);
        }
        if known || first {
            rules.countries.insert(facts.country.to_owned());
        }
        Ok(!known && (first || visitor.standing() == Standing::Known))
    }

    /// Notes a country as the tenant's. `false`: it may not be, because another became the first in the same moment.
    async fn learn(&self, store: &Store, visitor: &Visitor<'_>, facts: &Facts) -> Result<bool, StoreError> {
        let tenant = visitor.message.tenant;
        let mark = country_mark(visitor.keys, facts.country);
        let mut tx = store.tenant(tenant).begin().await?;
        let first = tx.add_known_country(&country_mark(visitor.keys, FIRST)).await?;
        if !first && visitor.standing() == Standing::New {
            drop(tx);
            // The other's transaction may be in a group that is not committed yet, so that no reader sees it; an empty one is committed
            // with or after it.
            store.tenant(tenant).begin().await?.commit().await?;
            let known = store.tenant(tenant).known_countries().await?;
            return Ok(known.iter().any(|known| known.as_slice() == mark));
        }
        tx.add_known_country(&mark).await?;
        tx.commit().await?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
