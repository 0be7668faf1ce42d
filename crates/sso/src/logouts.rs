//! Telling applications behind the browser's back that a session has ended.
//!
//! What is owed stands in the store, written in the transaction that ended the session ([`store::LogoutDeliveryRow`]), and is brought by
//! [`delivery`](crate::delivery) until the application has heard, or a day is over. How an application is told is its protocol's affair: each
//! door that has a way gives a [`Messenger`].

use crate::{
    Protocol, RelyingParty, Sso, SsoError,
    delivery::{self, Outbox, Outcome, SoFar},
};
use outbound::{FetchError, Fetched};
use std::{ops::Range, sync::Arc, time::Duration};
use store::{LogoutDeliveryRow, StoreError};
use tokio::sync::Notify;
use types::Millis;

/// Tells applications of one protocol.
#[async_trait::async_trait]
pub trait Messenger: Send + Sync + 'static {
    /// Which protocol.
    fn protocol(&self) -> Protocol;

    /// Tells one application of one end. [`Outcome::Done`] where it can't be told in this way at all.
    async fn tell(&self, owed: &LogoutDeliveryRow, party: &RelyingParty) -> Result<Outcome, SsoError>;
}

/// What HTTP alone says of an application that was asked: it has heard where the status is one of `heard`.
///
/// That it can't take this one it says by a 400 (Back-Channel Logout 1.0 §2.8). A 404 or a 403 is more often somebody who is being put in place
/// anew, and hears of it when that is done.
#[must_use]
pub fn judged(got: Result<Fetched, FetchError>, owed: &LogoutDeliveryRow, heard: Range<u16>) -> Outcome {
    let (tenant, ikey) = (owed.tenant, owed.ikey.as_str());
    match got {
        Ok(answer) if heard.contains(&answer.status) => Outcome::Done,
        Ok(answer) if answer.status == 400 => {
            tracing::warn!(%tenant, ikey, "an application refuses a logout");
            Outcome::Refused
        }
        Ok(answer) => {
            tracing::warn!(%tenant, ikey, status = answer.status, "an application could not take a logout");
            Outcome::Failed
        }
        Err(error) => {
            tracing::warn!(%tenant, ikey, %error, "an application was not reached with a logout");
            Outcome::Failed
        }
    }
}

/// The deliverer: one a process.
pub struct Logouts {
    sso: Arc<Sso>,
    messengers: Vec<Box<dyn Messenger>>,
    woken: Notify,
}

impl Logouts {
    /// Starts it; it ends when it is dropped. Needs a Tokio runtime.
    pub fn start(sso: &Arc<Sso>, messengers: Vec<Box<dyn Messenger>>) -> Arc<Self> {
        let started = Arc::new(Self { sso: Arc::clone(sso), messengers, woken: Notify::new() });
        tokio::spawn(delivery::run(Arc::downgrade(&started)));
        started
    }

    /// A session has ended here: there is no need to wait for the next look.
    pub fn wake(&self) {
        self.woken.notify_one();
    }
}

impl Outbox for Logouts {
    type Owed = LogoutDeliveryRow;
    const WHAT: &'static str = "logouts";
    const GIVEN_UP: Duration = Duration::from_secs(86_400);

    fn now(&self) -> Millis {
        self.sso.world().now()
    }

    fn so_far(row: &LogoutDeliveryRow) -> SoFar {
        SoFar { tenant: row.tenant, created: row.created, tries: row.tries }
    }

    fn whom(row: &LogoutDeliveryRow) -> String {
        row.ikey.clone()
    }

    async fn is_due(&self, now: Millis) -> Result<bool, StoreError> {
        self.sso.store().logouts_due(now).await
    }

    async fn due(&self, now: Millis, each: i64, most: i64) -> Result<Vec<LogoutDeliveryRow>, StoreError> {
        self.sso.store().logouts_in_turn(now, each, most).await
    }

    async fn take(&self, owed: Vec<LogoutDeliveryRow>, until: Millis) -> Result<Vec<LogoutDeliveryRow>, StoreError> {
        let Some(tenant) = owed.first().map(|row| row.tenant) else { return Ok(owed) };
        let mut tx = self.sso.store().tenant(tenant).begin().await?;
        let mut taken = Vec::new();
        for row in owed {
            if tx.take_logout(&row.sid, row.due, until).await? {
                taken.push(LogoutDeliveryRow { tries: row.tries + 1, ..row });
            }
        }
        tx.commit().await?;
        Ok(taken)
    }

    async fn bring(&self, row: &LogoutDeliveryRow) -> Result<Outcome, SsoError> {
        // One that was disconnected meanwhile can't be told anything.
        let Some(party) = self.sso.party_of(row.tenant, &row.ikey).await? else { return Ok(Outcome::Done) };
        let protocol = party.settings.protocol();
        match self.messengers.iter().find(|messenger| messenger.protocol() == protocol) {
            Some(messenger) => messenger.tell(row, &party).await,
            None => Ok(Outcome::Done),
        }
    }

    async fn note(&self, row: &LogoutDeliveryRow, again: Option<Millis>) -> Result<(), StoreError> {
        let mut tx = self.sso.store().tenant(row.tenant).begin().await?;
        match again {
            None => drop(tx.logout_delivered(&row.sid).await?),
            Some(due) => drop(tx.logout_later(&row.sid, due).await?),
        }
        tx.commit().await
    }

    async fn give_back(&self, owed: Vec<LogoutDeliveryRow>) -> Result<(), StoreError> {
        let Some(tenant) = owed.first().map(|row| row.tenant) else { return Ok(()) };
        let mut tx = self.sso.store().tenant(tenant).begin().await?;
        for row in owed {
            tx.give_logout_back(&row.sid, row.due).await?;
        }
        tx.commit().await
    }

    fn count(outcome: Outcome) {
        metrics::counter!("countersign_logouts_told_total", "end" => outcome.word()).increment(1);
    }

    async fn woken(&self) {
        self.woken.notified().await;
    }
}
