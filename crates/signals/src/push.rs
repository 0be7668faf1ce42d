//! Events are pushed to who wants that (RFC 8935), until the receiver has them.
//!
//! Each node looks every second, takes what is due by moving it on, so that of two nodes one has each, and tries again later and later.

use crate::{Door, token};
use futures_util::{StreamExt as _, stream};
use outbound::Request;
use sso::SsoError;
use std::{
    sync::{Arc, Weak},
    time::Duration,
};
use store::{SignalRow, fields};
use types::Millis;

/// How often each node looks.
const LOOK: Duration = Duration::from_secs(1);
/// For how long an event is one node's.
const LEASE: Duration = Duration::from_secs(60);
const AT_ONCE: usize = 32;
const TAKEN: i64 = 128;
/// The first wait after a failure; each is twice the one before.
const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// When an event that nobody takes is given up, pushed or polled.
const GIVEN_UP: Duration = Duration::from_secs(7 * 86_400);
/// Tries at a receiver that says that it can't take this one (RFC 8935 §2.3).
const REFUSALS: i64 = 5;
/// Between two rounds of housekeeping, in looks.
const TIDY: u64 = 600;
const PIECE: i64 = 1000;

pub(crate) async fn run(door: Weak<Door>) {
    let mut looks = 0_u64;
    loop {
        let Some(held) = door.upgrade() else { return };
        match look(&held).await {
            // As much as was taken at once: there may be more.
            Ok(count) if i64::try_from(count).is_ok_and(|count| count >= TAKEN) => continue,
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "events that are due could not be looked at"),
        }
        if looks.is_multiple_of(TIDY) {
            let before = held.sso.world().now() - GIVEN_UP;
            if let Err(error) = held.sso.store().purge_signals(before, PIECE).await {
                tracing::warn!(%error, "old events");
            }
        }
        looks += 1;
        drop(held);
        tokio::time::sleep(LOOK).await;
    }
}

/// Takes what is due and pushes it; how much was due.
async fn look(door: &Arc<Door>) -> Result<usize, SsoError> {
    let (store, now) = (door.sso.store(), door.sso.world().now());
    if !store.signals_due(now).await? {
        return Ok(0);
    }
    let taken = store.take_signals(now, now + LEASE, TAKEN).await?;
    let count = taken.len();
    stream::iter(taken).for_each_concurrent(AT_ONCE, |row| push(door, row)).await;
    Ok(count)
}

/// What became of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// The receiver has it, or there is nothing to tell.
    Done,
    /// It says that it can't take this one.
    Refused,
    /// It wasn't reached, or failed.
    Failed,
}

impl Outcome {
    const fn word(self) -> &'static str {
        match self {
            Self::Done => "delivered",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

async fn push(door: &Arc<Door>, row: SignalRow) {
    let outcome = match try_push(door, &row).await {
        Ok(outcome) => outcome,
        Err(error) => {
            tracing::error!(tenant = %row.tenant, %error, "an event token could not be made");
            Outcome::Failed
        }
    };
    metrics::counter!("countersign_signals_total", "end" => outcome.word()).increment(1);
    if let Err(error) = note(door, &row, outcome).await {
        tracing::error!(tenant = %row.tenant, %error, "what became of an event could not be noted");
    }
}

async fn try_push(door: &Arc<Door>, row: &SignalRow) -> Result<Outcome, SsoError> {
    let sso = &door.sso;
    let scope = sso.store().tenant(row.tenant);
    let Some(stream) = scope.signal_stream(row.stream).await? else { return Ok(Outcome::Done) };
    let Some(party) = sso.party_of(row.tenant, &stream.ikey).await? else { return Ok(Outcome::Done) };
    let Some(tenant) = scope.row().await? else { return Ok(Outcome::Done) };
    let issuer = sso.issuer(&tenant.api_host);
    let Some(token) = token::make(sso, &issuer, &party, &stream, row).await? else { return Ok(Outcome::Done) };
    let credential = match &stream.credential {
        Some(sealed) => Some(scope.open(fields::signal_credential(&stream.id), sealed).await?),
        None => None,
    };
    let mut headers = vec![("Accept", "application/json")];
    if let Some(text) = credential.as_ref().and_then(|bytes| std::str::from_utf8(bytes.expose()).ok()) {
        headers.push(("Authorization", text));
    }
    let request = Request::post(&stream.endpoint, "application/secevent+jwt", token.into_bytes());
    let (tenant, stream) = (row.tenant, row.stream);
    Ok(match door.outbound.send(request.with_headers(&headers).up_to(4096)).await {
        Ok(answer) if (200..300).contains(&answer.status) => Outcome::Done,
        Ok(answer) if answer.status == 400 => {
            tracing::warn!(%tenant, %stream, "a receiver refuses an event");
            Outcome::Refused
        }
        Ok(answer) => {
            tracing::warn!(%tenant, %stream, status = answer.status, "a receiver could not take an event");
            Outcome::Failed
        }
        Err(error) => {
            tracing::warn!(%tenant, %stream, %error, "a receiver was not reached with an event");
            Outcome::Failed
        }
    })
}

async fn note(door: &Arc<Door>, row: &SignalRow, outcome: Outcome) -> Result<(), SsoError> {
    let mut tx = door.sso.store().tenant(row.tenant).begin().await?;
    match next(row, outcome, door.sso.world().now()) {
        None => drop(tx.signal_done(row.stream, row.id).await?),
        Some(due) => drop(tx.signal_later(row.stream, row.id, due).await?),
    }
    Ok(tx.commit().await?)
}

/// When it is tried again; none: not any more.
fn next(row: &SignalRow, outcome: Outcome, now: Millis) -> Option<Millis> {
    match outcome {
        Outcome::Done => None,
        Outcome::Refused if row.tries >= REFUSALS => None,
        _ if now.since(row.created) >= GIVEN_UP => None,
        _ => {
            let doubled = u32::try_from(row.tries.saturating_sub(1)).unwrap_or(0).min(16);
            Some(now + FIRST_WAIT.saturating_mul(1 << doubled).min(LONGEST_WAIT))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::{SignalId, StreamId, TenantId, world::SeededRandom};

    fn row(tries: i64) -> SignalRow {
        let random = SeededRandom::new(1);
        SignalRow {
            tenant: TenantId::new(Millis(1), &random),
            stream: StreamId::new(Millis(1), &random),
            id: SignalId::new(Millis(1), &random),
            kind: "session-revoked".to_owned(),
            user_id: None,
            detail: "{}".to_owned(),
            created: Millis(0),
            due: Millis(0),
            tries,
        }
    }

    #[test]
    fn it_is_tried_later_and_later_until_it_is_taken_or_a_week_is_over() {
        let now = Millis(1_000);
        let waits: Vec<u64> =
            (1..=11).map(|tries| next(&row(tries), Outcome::Failed, now).unwrap().since(now).as_secs()).collect();
        assert_eq!(waits, [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]);
        assert_eq!(next(&row(1), Outcome::Done, now), None);
        assert!(next(&row(4), Outcome::Refused, now).is_some());
        assert_eq!(next(&row(5), Outcome::Refused, now), None);
        assert_eq!(next(&row(3), Outcome::Failed, Millis(0) + GIVEN_UP), None);
    }
}
