//! How much of the log somebody reads, and from where: what is unusual is asked about, and stopped.
//!
//! Each reader (a person, or a program with a key) has a measure of their own: three times the 99th percentile of the hours of the last
//! thirty days in which they read at all, and never less than a floor. A person who reads more, or from a network and a browser that they
//! never read from, must sign in afresh with a passkey; twice the measure ends it. A program can't sign in, so it ends at once. Each is an
//! alarm. An administrator lets them go on, and says in advance of a large export that it is meant
//! ([`store::Tenant::release_reader`]).
//!
//! Rows are counted in the transaction that gives leave for them, so a hundred requests at once get no more than one after the other.

use std::time::Duration;
use store::{Store, StoreError};
use types::{Millis, TenantId};

const HOUR_MS: i64 = 3_600_000;
const HOUR: Duration = Duration::from_secs(3600);
/// So many hours count for somebody's measure.
const PAST: i64 = 30 * 24;
/// Rows in an hour that are nothing unusual for who has shown that they can open them …
pub const FLOOR_WITH_KEY: i64 = 100_000;
/// … and for who has not.
pub const FLOOR: i64 = 5_000;
/// Places that are remembered of one reader; the reader with more is somebody who travels, and asked each time.
const MOST_PLACES: usize = 64;

/// Who reads.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    /// A user's id as text, or an integration key.
    pub who: &'a str,
    /// Whether they have shown that they have the key ([`super::is_proof`]).
    pub has_key: bool,
    /// What a person can do about it; none for a program.
    pub person: Option<Person>,
}

/// A person who reads.
#[derive(Clone, Copy)]
pub struct Person {
    /// The mark of their network and browser.
    pub place: [u8; 32],
    /// Whether they have a passkey, so that they can be asked for it.
    pub has_passkey: bool,
    /// When they last signed in afresh for this.
    pub signed_in: Millis,
}

/// What becomes of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// They get their rows.
    Calm,
    /// Not before they have signed in afresh with a passkey.
    SignInAfresh,
    /// Not any more.
    Stopped,
}

/// The most rows of an hour that are nothing unusual, by what was read in the hours before.
#[must_use]
pub fn measure(past: &[i64], has_key: bool, allowed: i64) -> i64 {
    let mut past = past.to_vec();
    past.sort_unstable();
    let place = (past.len() * 99).div_ceil(100).saturating_sub(1);
    let p99 = past.get(place).copied().unwrap_or(0);
    let floor = if has_key { FLOOR_WITH_KEY } else { FLOOR };
    p99.saturating_mul(3).max(floor).max(allowed)
}

/// Whether somebody was stopped: asked before anything is read for them.
pub async fn is_stopped(store: &Store, tenant: TenantId, who: &str) -> Result<bool, StoreError> {
    Ok(store.tenant(tenant).watched(who).await?.is_some_and(|watched| watched.frozen_at.is_some()))
}

/// Weighs rows that somebody is about to be given, and counts them if they are.
pub async fn weigh(store: &Store, tenant: TenantId, reader: &Reader<'_>, rows: usize) -> Result<Verdict, StoreError> {
    let (scope, now, who) = (store.tenant(tenant), store.world().now(), reader.who);
    let hour = now.0.div_euclid(HOUR_MS);
    let watched = scope.watched(who).await?;
    if watched.as_ref().is_some_and(|watched| watched.frozen_at.is_some()) {
        return Ok(Verdict::Stopped);
    }
    let allowed = watched.as_ref().filter(|watched| now < watched.allowed_until).map_or(0, |watched| watched.allowed);
    let most = measure(&scope.readings(who, hour - PAST, hour).await?, reader.has_key, allowed);
    let places = match reader.person {
        Some(_) => scope.reading_places(who).await?,
        None => Vec::new(),
    };
    let is_known = |place: &[u8; 32]| places.iter().any(|known| known.as_slice() == place);
    let elsewhere = reader.person.is_some_and(|person| !places.is_empty() && !is_known(&person.place));
    let asked_at = watched.map_or(Millis(0), |watched| watched.asked_at);

    let mut tx = scope.begin().await?;
    let rows = i64::try_from(rows).unwrap_or(i64::MAX);
    let read = tx.count_reading(who, hour, rows, hour - PAST).await?;
    let too_much = read > most;
    let may_be_asked = match &reader.person {
        None => false,
        Some(person) => person.has_passkey && read <= most.saturating_mul(2),
    };
    let answered = reader.person.is_some_and(|person| person.signed_in > asked_at && now.since(asked_at) < HOUR);
    if (!too_much && !elsewhere) || (may_be_asked && answered) {
        if let Some(person) = &reader.person
            && !is_known(&person.place)
            && places.len() < MOST_PLACES
        {
            tx.add_reading_place(who, &person.place, now).await?;
        }
        tx.commit().await?;
        return Ok(Verdict::Calm);
    }
    // What isn't given doesn't count.
    drop(tx);
    let what = if too_much { "log_read_too_much" } else { "log_read_from_elsewhere" };
    let detail = format!(r#"{{"rows":{read},"usual":{most}}}"#);
    if may_be_asked {
        let mut tx = scope.begin().await?;
        let news = tx.ask_reader(who, now, now - HOUR).await?;
        tx.commit().await?;
        if news {
            scope.raise(what, who, &detail).await?;
        }
        return Ok(Verdict::SignInAfresh);
    }
    scope.raise(what, who, &detail).await?;
    scope.stop_reader(who, "log").await?;
    Ok(Verdict::Stopped)
}

#[cfg(test)]
mod tests;
