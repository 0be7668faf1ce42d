//! How many messages may go where, and what they may cost. The counters are in the store, so they hold on every node.

use crate::{
    Address, ChannelKind, Outgoing, Purpose,
    admission::{MessageSettings, millionths},
};
use fraud::Rule;
use keys::TenantKeys;
use std::time::Duration;
use store::limits::Limit;
use types::{E164, Millis};

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
/// One counter that a message spends of.
pub(super) struct Spending {
    pub(super) bucket: [u8; 32],
    pub(super) limit: Limit,
    /// So much of it: one message, or what it costs in millionths.
    pub(super) cost: i64,
    /// What the log says where nothing is left: `limit-…`, or the rule about money.
    pub(super) class: &'static str,
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
    settings: &MessageSettings,
    keys: &TenantKeys,
    cost: f64,
    now: Millis,
) -> Vec<Spending> {
    let morning = Millis(now.day().saturating_mul(DAY_MS));
    // `length` of a window in milliseconds, `ahead` of the present one, free again when `busy` windows from the present one are over.
    let counter = |name: &str, whose: &[u8], max: i64, length: i64, ahead: i64, busy: i64| {
        let window = now.0.div_euclid(length);
        let free = (window + busy).saturating_mul(length).min(morning.0 + DAY_MS);
        let left = Millis(free).since(now).as_millis().div_ceil(1000);
        Spending {
            bucket: bucket(keys, name, whose, window + ahead),
            limit: Limit { max, window: Duration::from_millis(DAY_MS.unsigned_abs()) },
            cost: 1,
            class: class(name),
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
    let cost = millionths(cost);
    let mut spend = |name: &str, whose: &[u8], max: i64, rule: Rule| {
        if cost > 0 && max > 0 {
            let max = max.saturating_mul(1_000_000);
            all.push(Spending { cost, class: rule.class(), ..counter(name, whose, max, DAY_MS, 0, 1) });
        }
    };
    spend("spend-day", b"", settings.spend_per_day, Rule::Spend);
    if let Address::Number(number, _) = &message.to {
        let facts = numbers::look(number);
        let country = if facts.country.is_empty() { facts.calling_code } else { facts.country };
        spend("spend-country", country.as_bytes(), settings.spend_per_country, Rule::CountrySpend);
    }
    all
}

/// So many refusals of a tenant are written to the log on a day; those beyond are only counted. Whoever is refused a million times must not
/// fill the disk.
pub(super) fn refusals(settings: &MessageSettings, keys: &TenantKeys, now: Millis) -> Spending {
    Spending {
        bucket: bucket(keys, "refusals-day", b"", now.day()),
        limit: Limit { max: settings.per_day.max(10_000), window: Duration::from_millis(DAY_MS.unsigned_abs()) },
        cost: 1,
        class: "",
        at: Millis(now.day().saturating_mul(DAY_MS)),
        retry_after: Duration::ZERO,
    }
}

/// The counters that stand there if a tenant wrote to this number today or yesterday.
pub(crate) fn written_to(keys: &TenantKeys, number: &E164, now: Millis) -> [[u8; 32]; 4] {
    let of = |name: &str, day: i64| bucket(keys, name, number.expose().as_bytes(), day);
    let today = now.day();
    [
        of("number-day", today),
        of("number-notices", today),
        of("number-day", today.saturating_sub(1)),
        of("number-notices", today.saturating_sub(1)),
    ]
}

fn bucket(keys: &TenantKeys, name: &str, whose: &[u8], window: i64) -> [u8; 32] {
    keys.digest("message-limit/1", &[name.as_bytes(), whose, &window.to_be_bytes()])
}

fn class(name: &str) -> &'static str {
    match name {
        "sms-pause" | "voice-pause" => "limit-pause",
        "number-short" | "mailbox-short" => "limit-ten-minutes",
        "tenant-day" => "limit-tenant",
        _ => "limit-day",
    }
}
