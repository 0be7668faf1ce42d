//! What is asked before a message leaves.

use crate::{
    Refusal, Rule, Rules,
    memory::{ADJACENT_FOR, Address, Mark, Memory, Open, Pace},
    thresholds::{self, ADDRESS_COUNTRIES, ADJACENT, KNOWN_TIMES},
};
use numbers::{Facts, Validity};
use std::{
    hash::{BuildHasher, Hash, RandomState},
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use types::{E164, MessageId, Millis, TenantId, UserId};

/// Somebody who got a message so lately may still be looking for his telephone.
const PATIENCE: Duration = Duration::from_secs(180);

/// How a message reaches a telephone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Way {
    /// It is read.
    Text,
    /// It is heard.
    Voice,
}

/// Whose number it is. What happens to one sort does not stop the other: who attacks the form that anybody can fill in keeps no
/// member of the organisation from signing in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Standing {
    /// The tenant's directory holds it, and a person whom it knows asks.
    Known,
    /// Anybody's, or somebody's who wants it to be his.
    New,
}

/// A message that wants to leave.
#[derive(Clone, Copy)]
pub struct Request<'r> {
    /// Who pays.
    pub tenant: TenantId,
    /// What the tenant wants.
    pub rules: &'r Rules,
    /// The message, by the id under which its code will be reported as entered.
    pub message: MessageId,
    /// To whom, where that is known.
    pub user: Option<UserId>,
    /// Where to.
    pub number: &'r E164,
    /// What the number tells.
    pub facts: &'r Facts,
    /// How.
    pub way: Way,
    /// Whose number it is.
    pub standing: Standing,
    /// Who caused it.
    pub source: Option<IpAddr>,
    /// Whether it will be reported when its code is entered. What nobody answers tells nothing otherwise, and only the rules about
    /// the number itself hold.
    pub checked: bool,
}

/// A message that was admitted and counted.
#[must_use = "a message that doesn't leave after all must be given back"]
pub struct Pass(Option<Mark>);

/// What is blocked at the moment, for a tenant's eyes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Blocked {
    /// Which rule began it.
    pub rule: Rule,
    /// The country that it is in.
    pub country: &'static str,
    /// Until when.
    pub until: Millis,
    /// How many times within a day.
    pub strikes: u32,
}

/// The rules, and what was seen of late. One for a process; all calls are quick and wait for nothing.
pub struct Guard {
    // The key of the hashes: the standard library's, which takes it from the system's randomness. Nothing but memory depends on it.
    marks: RandomState,
    memory: Mutex<Memory>,
}

impl Default for Guard {
    fn default() -> Self {
        Self::new()
    }
}

/// What a message is counted under.
struct Marks {
    number: Mark,
    /// Its beginnings, without the last four, five and six digits.
    prefixes: [Mark; 3],
    country: Mark,
    address: Option<Mark>,
}

impl Guard {
    /// A guard that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self { marks: RandomState::new(), memory: Mutex::new(Memory::default()) }
    }

    /// Whether a message may leave. If so it is counted at once, so that of a hundred at the same time no more are admitted than of a
    /// hundred one after the other.
    ///
    /// # Errors
    /// The rule that refuses it.
    pub fn ask(&self, request: &Request<'_>, now: Millis) -> Result<Pass, Refusal> {
        if request.rules.is_safe(request.number, request.source) {
            return Ok(Pass(None));
        }
        by_itself(request)?;
        if !request.checked {
            return Ok(Pass(None));
        }
        let marks = self.marks(request);
        let mut memory = self.memory();
        memory.sweep(now);
        if memory.is_full() && request.standing == Standing::New {
            return Err(refusal(Rule::Velocity, Some(ADJACENT_FOR)));
        }
        paced(&memory, &marks, now)?;
        blocked(&memory, &marks, now)?;
        patterns(&mut memory, request, &marks, now)?;
        Ok(Pass(Some(self.count(&mut memory, request, &marks, now))))
    }

    /// Counts a message as if it had been admitted.
    #[cfg(test)]
    pub(crate) fn force(&self, request: &Request<'_>, now: Millis) {
        let marks = self.marks(request);
        self.count(&mut self.memory(), request, &marks, now);
    }

    /// A message that was admitted did not leave.
    pub fn give_back(&self, pass: Pass) {
        let Some(message) = pass.0 else { return };
        let mut memory = self.memory();
        let Some(open) = memory.open.remove(&message) else { return };
        for mark in &open.windows {
            if let Some(window) = memory.windows.get_mut(mark) {
                window.taken_back(open.at);
            }
        }
        if let Some(address) = open.address.and_then(|mark| memory.addresses.get_mut(&mark)) {
            address.window.taken_back(open.at);
        }
        if let Some(pace) = memory.paces.get_mut(&open.number) {
            pace.unanswered = pace.unanswered.saturating_sub(1);
        }
        forget_adjacent(&mut memory, &open);
    }

    /// A code was entered rightly: that of the message, or of the newest one to this user.
    pub fn verified(&self, tenant: TenantId, user: Option<UserId>, message: Option<MessageId>, now: Millis) {
        let mut memory = self.memory();
        let by_user = || user.and_then(|user| memory.of_user.get(&self.mark(("user", tenant, user))).copied());
        let message = message.map(|message| self.mark(("message", tenant, message))).or_else(by_user);
        let Some(open) = message.and_then(|message| memory.open.remove(&message)) else { return };
        for mark in &open.windows {
            if let Some(window) = memory.windows.get_mut(mark) {
                window.verified(open.at);
            }
        }
        if let Some(address) = open.address.and_then(|mark| memory.addresses.get_mut(&mark)) {
            address.window.verified(open.at);
            if let Some((_, entered)) = address.countries.get_mut(open.country) {
                *entered = Some(now);
            }
        }
        memory.paces.remove(&open.number);
        forget_adjacent(&mut memory, &open);
    }

    /// What is blocked for a tenant at the moment.
    #[must_use]
    pub fn blocks(&self, tenant: TenantId, now: Millis) -> Vec<Blocked> {
        let memory = self.memory();
        let mut blocks: Vec<Blocked> = memory
            .blocks
            .values()
            .filter(|block| block.tenant == tenant && now < block.until)
            .map(|block| Blocked {
                rule: block.rule,
                country: block.country,
                until: block.until,
                strikes: block.strikes,
            })
            .collect();
        blocks.sort_by_key(|block| (block.until, block.rule));
        blocks
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // Whatever a thread that panicked has left is counted on; to begin anew would forget an attack.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mark(&self, what: impl Hash) -> Mark {
        self.marks.hash_one(what)
    }

    fn marks(&self, request: &Request<'_>) -> Marks {
        let (tenant, standing) = (request.tenant, request.standing);
        let number = request.number.expose();
        let prefix = |less: usize| {
            // At least a digit stays behind the calling code: less would be a country, which has rules of its own.
            let length = number.len().saturating_sub(less).max(request.facts.calling_code.len() + 2);
            self.mark(("prefix", tenant, standing, less, number.get(..length)))
        };
        // Of an IPv6 address the network: whoever has one address there has all of them.
        let network = |source: IpAddr| match source.to_canonical() {
            IpAddr::V4(address) => u64::from(u32::from(address)),
            IpAddr::V6(address) => u64::try_from(u128::from(address) >> 64).unwrap_or(0) | 1 << 63,
        };
        Marks {
            number: self.mark(("number", tenant, request.way, number)),
            prefixes: [4, 5, 6].map(prefix),
            country: self.mark(("country", tenant, standing, country_of(request.facts))),
            address: request.source.map(|source| self.mark(("address", tenant, standing, network(source)))),
        }
    }

    fn count(&self, memory: &mut Memory, request: &Request<'_>, marks: &Marks, now: Millis) -> Mark {
        let message = self.mark(("message", request.tenant, request.message));
        let windows: Vec<Mark> = marks.prefixes.into_iter().chain([marks.country]).collect();
        for mark in &windows {
            memory.windows.entry(*mark).or_default().sent(now);
        }
        let country = country_of(request.facts);
        if let Some(mark) = marks.address {
            let address: &mut Address = memory.addresses.entry(mark).or_default();
            address.window.sent(now);
            address.countries.entry(country).or_insert((now, None)).0 = now;
        }
        let pace = memory.paces.entry(marks.number).or_insert(Pace { unanswered: 0, last: now });
        if pace.is_over(now) {
            pace.unanswered = 0;
        }
        pace.unanswered = pace.unanswered.saturating_add(1);
        pace.last = now;
        let [block, ..] = marks.prefixes;
        memory.adjacent.entry(block).or_default().push_back((now, marks.number));
        let user = request.user.map(|user| self.mark(("user", request.tenant, user)));
        if let Some(user) = user {
            memory.of_user.insert(user, message);
        }
        memory.open.insert(
            message,
            Open { at: now, number: marks.number, windows, adjacent: block, address: marks.address, country },
        );
        message
    }
}

/// The rules that need no memory.
fn by_itself(request: &Request<'_>) -> Result<(), Refusal> {
    let (rules, facts) = (request.rules, request.facts);
    // A block that the table doesn't know may be new; a number of a length that the country hasn't can't be dialled.
    if !matches!(facts.valid, Validity::Valid | Validity::InvalidButPossible) {
        return Err(refusal(Rule::Number, None));
    }
    // A trunk prefix that was left in is another spelling of a number that has its limits already.
    let national = request.number.expose().get(1 + facts.calling_code.len()..).unwrap_or_default();
    if facts.valid != Validity::Valid && national.starts_with('0') {
        return Err(refusal(Rule::Number, None));
    }
    if !rules.admits_kind(request.number, facts.kind, request.way) {
        return Err(refusal(Rule::Kind, None));
    }
    if !rules.admits_country(request.number, facts, request.standing == Standing::Known) {
        return Err(refusal(Rule::Country, None));
    }
    Ok(())
}

fn paced(memory: &Memory, marks: &Marks, now: Millis) -> Result<(), Refusal> {
    let Some(pace) = memory.paces.get(&marks.number).filter(|pace| !pace.is_over(now)) else { return Ok(()) };
    let left = Pace::pause(pace.unanswered).saturating_sub(now.since(pace.last));
    if left.is_zero() { Ok(()) } else { Err(refusal(Rule::Pace, Some(left))) }
}

fn blocked(memory: &Memory, marks: &Marks, now: Millis) -> Result<(), Refusal> {
    for mark in marks.prefixes.iter().chain([&marks.country]) {
        if let Some(block) = memory.blocks.get(mark).filter(|block| now < block.until) {
            return Err(refusal(block.rule, Some(block.until.since(now))));
        }
    }
    Ok(())
}

/// The rules about patterns.
fn patterns(memory: &mut Memory, request: &Request<'_>, marks: &Marks, now: Millis) -> Result<(), Refusal> {
    let times = if request.standing == Standing::Known { KNOWN_TIMES } else { 1 };
    let country = country_of(request.facts);
    let begin = |memory: &mut Memory, mark: Mark, rule: Rule| {
        let until = memory.block(mark, request.tenant, rule, country, now);
        Err(Refusal { rule, retry_after: Some(until.since(now)), alarm: true })
    };
    let [block, ..] = marks.prefixes;
    if let Some(numbers) = memory.adjacent.get_mut(&block) {
        numbers.retain(|(at, _)| now.since(*at) < ADJACENT_FOR);
        let mut distinct: Vec<Mark> = numbers.iter().map(|(_, number)| *number).collect();
        distinct.sort_unstable();
        distinct.dedup();
        let many = ADJACENT * usize::try_from(times).unwrap_or(1);
        if distinct.len() >= many && !distinct.contains(&marks.number) {
            return begin(memory, block, Rule::Adjacency);
        }
    }
    let bad = |memory: &Memory, mark: &Mark| {
        let window = memory.windows.get(mark);
        window.is_some_and(|window| thresholds::converts_badly(window.settled_hour(now, PATIENCE), times))
    };
    if let Some(mark) = marks.prefixes.iter().find(|mark| bad(memory, mark)) {
        return begin(memory, *mark, Rule::Conversion);
    }
    if bad(memory, &marks.country) {
        return begin(memory, marks.country, Rule::CountryConversion);
    }
    for window in marks.prefixes.iter().filter_map(|mark| memory.windows.get(mark)) {
        for (count, patience) in [(window.hour(now), 3_600), (window.day(now), 86_400)] {
            if count.unverified() >= thresholds::prefix(count, times) {
                return Err(refusal(Rule::Velocity, Some(Duration::from_secs(patience))));
            }
        }
    }
    let set = if request.rules.strict { thresholds::PUBLISHED } else { thresholds::USUAL };
    if let Some(window) = memory.windows.get(&marks.country) {
        if window.day(now).unverified() >= set.country_day(window, now, times) {
            return Err(refusal(Rule::CountryDay, Some(Duration::from_secs(86_400))));
        }
        if window.hour(now).unverified() >= set.country_hour(window, now, times) {
            return Err(refusal(Rule::CountryHour, Some(Duration::from_secs(3_600))));
        }
    }
    let Some(address) = marks.address.and_then(|mark| memory.addresses.get(&mark)) else { return Ok(()) };
    let (hour, day) = (address.window.hour(now), address.window.day(now));
    if day.unverified() >= set.address_day(day, times) {
        return Err(refusal(Rule::AddressDay, Some(Duration::from_secs(86_400))));
    }
    if hour.unverified() >= set.address_hour(day, hour, times) {
        return Err(refusal(Rule::AddressHour, Some(Duration::from_secs(3_600))));
    }
    let today = |at: Millis| now.since(at) < Duration::from_secs(86_400);
    let unanswered = address
        .countries
        .iter()
        .filter(|(other, (asked, entered))| **other != country && today(*asked) && !entered.is_some_and(today));
    if request.standing == Standing::New && unanswered.count() >= ADDRESS_COUNTRIES {
        return Err(refusal(Rule::AddressCountries, Some(Duration::from_secs(86_400))));
    }
    Ok(())
}

fn forget_adjacent(memory: &mut Memory, open: &Open) {
    if let Some(numbers) = memory.adjacent.get_mut(&open.adjacent) {
        numbers.retain(|(_, number)| *number != open.number);
    }
}

/// The country, or where there is none the calling code.
const fn country_of(facts: &Facts) -> &'static str {
    if facts.country.is_empty() { facts.calling_code } else { facts.country }
}

const fn refusal(rule: Rule, retry_after: Option<Duration>) -> Refusal {
    Refusal { rule, retry_after, alarm: false }
}
