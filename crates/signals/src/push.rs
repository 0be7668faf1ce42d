//! Events are pushed to who wants that (RFC 8935), until the receiver has them.
//!
//! A receiver that says that it can't take one (RFC 8935 §2.3) is asked a few times more, one that isn't reached for a week: see
//! [`sso::delivery`].

use crate::{Door, caller::Scope, token};
use outbound::Request;
use sso::{
    SsoError,
    delivery::{Outbox, Outcome, SoFar},
};
use std::time::Duration;
use store::{SignalRow, StoreError, fields};
use types::Millis;

/// When an event that nobody takes is given up, pushed or polled.
const GIVEN_UP: Duration = Duration::from_secs(7 * 86_400);
const PIECE: i64 = 1000;

impl Outbox for Door {
    type Owed = SignalRow;
    const WHAT: &'static str = "events";
    const GIVEN_UP: Duration = GIVEN_UP;

    fn now(&self) -> Millis {
        self.sso.world().now()
    }

    fn so_far(row: &SignalRow) -> SoFar {
        SoFar { tenant: row.tenant, created: row.created, tries: row.tries }
    }

    fn whom(row: &SignalRow) -> String {
        row.stream.to_string()
    }

    async fn is_due(&self, now: Millis) -> Result<bool, StoreError> {
        self.sso.store().signals_due(now).await
    }

    async fn due(&self, now: Millis, each: i64, most: i64) -> Result<Vec<SignalRow>, StoreError> {
        self.sso.store().signals_in_turn(now, each, most).await
    }

    async fn take(&self, owed: Vec<SignalRow>, until: Millis) -> Result<Vec<SignalRow>, StoreError> {
        let Some(tenant) = owed.first().map(|row| row.tenant) else { return Ok(owed) };
        let mut tx = self.sso.store().tenant(tenant).begin().await?;
        let mut taken = Vec::new();
        for row in owed {
            if tx.take_signal(row.stream, row.id, row.due, until).await? {
                taken.push(SignalRow { tries: row.tries + 1, ..row });
            }
        }
        tx.commit().await?;
        Ok(taken)
    }

    async fn bring(&self, row: &SignalRow) -> Result<Outcome, SsoError> {
        push(self, row).await
    }

    async fn note(&self, row: &SignalRow, again: Option<Millis>) -> Result<(), StoreError> {
        let mut tx = self.sso.store().tenant(row.tenant).begin().await?;
        match again {
            None => drop(tx.signal_done(row.stream, row.id).await?),
            Some(due) => drop(tx.signal_later(row.stream, row.id, due).await?),
        }
        tx.commit().await
    }

    async fn give_back(&self, owed: Vec<SignalRow>) -> Result<(), StoreError> {
        let Some(tenant) = owed.first().map(|row| row.tenant) else { return Ok(()) };
        let mut tx = self.sso.store().tenant(tenant).begin().await?;
        for row in owed {
            tx.give_signal_back(row.stream, row.id, row.due).await?;
        }
        tx.commit().await
    }

    fn count(outcome: Outcome) {
        metrics::counter!("countersign_signals_total", "end" => outcome.word()).increment(1);
    }

    async fn tidy(&self) {
        let before = self.now() - GIVEN_UP;
        if let Err(error) = self.sso.store().purge_signals(before, PIECE).await {
            tracing::warn!(%error, "old events");
        }
    }
}

async fn push(door: &Door, row: &SignalRow) -> Result<Outcome, SsoError> {
    let sso = &door.sso;
    let scope = sso.store().tenant(row.tenant);
    let Some(stream) = scope.signal_stream(row.stream).await? else { return Ok(Outcome::Done) };
    let Some(party) = sso.party_of(row.tenant, &stream.ikey).await? else { return Ok(Outcome::Done) };
    // It waits for a week, as it would for one who polls: an application that is on again hears what it has missed.
    if !Scope::Read.is_of(&party) {
        return Ok(Outcome::Failed);
    }
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
