//! One message on its way: through the best carrier, and through the next where that one doesn't bring it.
//!
//! | what a carrier said | what follows |
//! |---|---|
//! | taken | done; its receipt is waited for in [`watch`](super::watch) |
//! | down, or it can't carry such content: nothing was shown to it | the next carrier, with the same content |
//! | throttled: not taken | the same carrier after the time it asks for; the next one if that is long |
//! | refused, no clear answer, cut off: it has seen the content | another wording for another carrier, where there is a [`Renewal`](crate::Renewal) |
//!
//! The same content is never shown to two carriers.

use super::{Desk, fleet::Candidate};
use crate::{
    Accepted, ChannelKind, ErrorClass, Outgoing, SendError, State,
    house::Claims,
    log,
    queue::shelf::{Name, Shelf},
    routing::health::Outcome,
};
use std::{sync::Arc, time::Duration};
use store::{MessageRow, StoreError};
use tokio::time::Instant;
use types::{MessageId, Millis};

/// A channel that keeps its promise has answered long before.
const PATIENCE: Duration = Duration::from_secs(40);
/// So long a carrier is waited for where another could bring the message.
const HURRY: Duration = Duration::from_secs(8);
/// So long altogether a carrier that throttles is waited for, where another is there or somebody waits.
const THROTTLED: Duration = Duration::from_secs(2);
/// So often a message is worded anew: whoever has got four codes needs something else than a fifth.
const WORDINGS: u32 = 4;
/// Somebody waits: so long a way is looked for.
pub(super) const NOW: Duration = Duration::from_secs(5);
/// How often it is looked whether a carrier is back.
const LOOK: Duration = Duration::from_millis(250);

/// A use of a key, until it is dropped.
pub(super) struct KeyUse {
    shelf: Arc<Shelf>,
    pub(super) name: Name,
}

impl KeyUse {
    /// Takes over a use that the shelf has counted.
    pub(super) const fn counted(shelf: Arc<Shelf>, name: Name) -> Self {
        Self { shelf, name }
    }
}

impl Drop for KeyUse {
    fn drop(&mut self) {
        self.shelf.release(&self.name);
    }
}

/// A message on its way.
pub(super) struct Trip {
    pub(super) message: Outgoing,
    pub(super) kind: ChannelKind,
    /// Its row in the log, as it was written last.
    pub(super) row: MessageRow,
    pub(super) key: KeyUse,
    /// After this nothing is sent.
    pub(super) until: Millis,
    /// The carriers that have failed with it: they have seen its content or a former one.
    pub(super) seen: Vec<String>,
    /// The carriers that can't carry such content.
    pub(super) unfit: Vec<String>,
    /// How often it was worded anew.
    pub(super) wordings: u32,
    /// Before a crash it was handed to this carrier: it goes there again, or nowhere.
    pub(super) only: Option<String>,
}

/// What a carrier said that has taken a message.
pub(super) struct Taken {
    pub(super) accepted: Accepted,
    /// When it was shown the message.
    pub(super) shown: Instant,
}

/// Where a message goes that nobody has seen.
enum Elsewhere {
    /// To this carrier, which it is handed to.
    To(Candidate),
    /// Nobody can take it as it is, and somebody as a call.
    InAnotherForm,
    /// It was taken back meanwhile.
    TakenBack,
    /// Nobody was found in time.
    Nowhere,
    /// It is worth nothing any more.
    TooLate,
}

/// What an error means for the rest of the way.
enum Fate {
    /// The carrier has not seen it.
    Unseen,
    /// The carrier has not seen it, and asks for patience.
    Throttled(Duration),
    /// The carrier has seen it, or may have.
    Seen,
    /// Nobody else will take it.
    Over,
}

fn fate(error: &SendError) -> Fate {
    match error {
        SendError::Down | SendError::Mismatch => Fate::Unseen,
        SendError::Throttled { retry_after } => Fate::Throttled(*retry_after),
        // The person said so, and means it for every carrier.
        SendError::Refused(ErrorClass::OptedOut) => Fate::Over,
        SendError::Refused(_) | SendError::Unavailable | SendError::Cut => Fate::Seen,
        _ => Fate::Over,
    }
}

impl Desk {
    /// Brings a message that is handed to `candidate` to its end: `Ok` when a carrier has taken it. `search` is how long a carrier is looked
    /// for where none can take it now.
    pub(super) async fn carry(
        self: &Arc<Self>,
        mut trip: Trip,
        mut candidate: Candidate,
        search: Option<Duration>,
    ) -> Result<(), SendError> {
        let mut deadline = search.map(|search| Instant::now() + search);
        let mut throttled = Duration::ZERO;
        loop {
            if self.now() >= trip.until {
                return self.finish(&trip, SendError::Expired).await;
            }
            let error = match self.hand_over(&trip, &candidate).await {
                Ok(taken) => return self.taken(trip, candidate, taken).await,
                Err(error) => error,
            };
            let name = candidate.channel.name().to_owned();
            tracing::info!(carrier = name, class = error.class().as_str(), "a carrier didn't take a message");
            match fate(&error) {
                Fate::Over => return self.finish(&trip, error).await,
                Fate::Unseen => {
                    // Content that it can't carry says nothing of the carrier.
                    if matches!(error, SendError::Mismatch) {
                        trip.unfit.push(name);
                    } else {
                        self.rest(&name, None);
                    }
                }
                Fate::Throttled(after) => {
                    let after = after.max(Duration::from_millis(50));
                    let alone = !self.is_another(&trip, &name);
                    // Whoever waits is told rather than kept; what stands in the queue has time.
                    let patient = (alone && deadline.is_none()) || throttled + after <= THROTTLED;
                    if patient {
                        let pause = after.min(Duration::from_secs(30));
                        throttled += pause;
                        tokio::time::sleep(pause).await;
                        continue;
                    }
                    if alone {
                        return self.finish(&trip, error).await;
                    }
                    self.rest(&name, Some(after));
                }
                Fate::Seen => {
                    // A number that doesn't exist is no fault of the carrier's.
                    if !matches!(error, SendError::Refused(ErrorClass::BadAddress)) {
                        self.count(&name, &candidate.prefix, Outcome::Lost);
                    }
                    (trip, candidate) = self.renewed(trip, error).await?;
                    deadline = search.map(|search| Instant::now() + search);
                    throttled = Duration::ZERO;
                    continue;
                }
            }
            // The same content: nobody has seen it.
            match self.elsewhere(&mut trip, deadline).await? {
                Elsewhere::To(next) => {
                    if next.channel.name() != candidate.channel.name() {
                        throttled = Duration::ZERO;
                    }
                    candidate = next;
                }
                Elsewhere::InAnotherForm => {
                    (trip, candidate) = self.renewed(trip, error).await?;
                    deadline = search.map(|search| Instant::now() + search);
                }
                Elsewhere::TakenBack => return Ok(()),
                Elsewhere::Nowhere => return self.finish(&trip, error).await,
                Elsewhere::TooLate => return self.finish(&trip, SendError::Expired).await,
            }
        }
    }

    /// Shows a message to a carrier, and waits for its answer.
    async fn hand_over(&self, trip: &Trip, candidate: &Candidate) -> Result<Taken, SendError> {
        let name = candidate.channel.name();
        let mut cuts = self.cuts.subscribe();
        if cuts.borrow_and_update().contains_key(name) || !candidate.channel.is_ready() {
            return Err(SendError::Down);
        }
        if let Some(per_second) = candidate.per_second {
            let wait = {
                let mut pace = self.pace.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                pace.wait(name, &candidate.prefix, per_second, Instant::now())
            };
            tokio::time::sleep(wait).await;
        }
        let house = self.house().await?;
        let claims = claims(&trip.message, self.now());
        let ticket = house.ticket(&claims, self.store.world().random.as_ref()).map_err(StoreError::Key)?;
        let hurry = trip.message.renewal.is_some() && self.is_another(trip, name);
        let began = Instant::now();
        let cut = async {
            // The sender lives as long as this desk.
            let _ = cuts.wait_for(|cuts| cuts.contains_key(name)).await;
        };
        let sent = tokio::select! {
            sent = tokio::time::timeout(if hurry { HURRY } else { PATIENCE }, candidate.channel.send(&trip.message, &ticket)) => {
                sent.unwrap_or(Err(SendError::Unavailable))
            }
            () = cut => Err(SendError::Cut),
        };
        if sent.is_ok() {
            self.awake(name);
        }
        let class = sent.as_ref().err().map_or("taken", |error| error.class().as_str());
        metrics::histogram!("countersign_route_answer_seconds", "carrier" => name.to_owned())
            .record(began.elapsed().as_secs_f64());
        metrics::counter!("countersign_route_messages_total", "carrier" => name.to_owned(), "channel" => trip.kind.as_str(), "outcome" => class)
            .increment(1);
        sent.map(|accepted| Taken { accepted, shown: began })
    }

    /// Whether somebody else could bring the message now, in this form or another.
    pub(super) fn is_another(&self, trip: &Trip, than: &str) -> bool {
        if trip.only.is_some() {
            return false;
        }
        let open = |kind| {
            let ways = self.ways(&trip.message, kind, &trip.seen).ok()?;
            let found = ways.candidates.iter().any(|it| it.channel.name() != than && self.is_open(it));
            Some((found, ways.then))
        };
        match open(trip.kind) {
            Some((true, _)) => true,
            Some((false, Some(then))) if trip.message.renewal.is_some() => open(then).is_some_and(|(found, _)| found),
            _ => false,
        }
    }

    /// Another carrier for content that nobody has seen, or the same one when it is back; waits for one until the deadline.
    async fn elsewhere(self: &Arc<Self>, trip: &mut Trip, deadline: Option<Instant>) -> Result<Elsewhere, SendError> {
        loop {
            if self.now() >= trip.until {
                return Ok(Elsewhere::TooLate);
            }
            let fits = |candidate: &&Candidate| {
                let name = candidate.channel.name();
                self.is_open(candidate)
                    && trip.only.as_deref().is_none_or(|only| only == name)
                    && !trip.unfit.iter().any(|it| it == name)
            };
            let ways = self.ways(&trip.message, trip.kind, &trip.seen);
            let then = ways.as_ref().ok().and_then(|ways| ways.then);
            let mut next = ways.ok().and_then(|ways| ways.candidates.iter().find(fits).cloned());
            // A code can take another form, and needn't wait until a carrier of this one is back.
            let then = then.filter(|_| trip.only.is_none() && trip.message.renewal.is_some());
            let spoken = then.and_then(|kind| self.ways(&trip.message, kind, &trip.seen).ok());
            if next.is_none() && spoken.is_some_and(|ways| ways.candidates.iter().any(|it| fits(&it))) {
                return Ok(Elsewhere::InAnotherForm);
            }
            if next.is_none() && trip.message.renewal.is_some() {
                // This wording is new to those, too, who have not brought a former one.
                let all = self.ways(&trip.message, trip.kind, &[]);
                next = all.ok().and_then(|ways| ways.candidates.iter().find(fits).cloned());
            }
            if let Some(next) = next {
                return Ok(if self.hand(trip, &next).await? { Elsewhere::To(next) } else { Elsewhere::TakenBack });
            }
            if deadline.is_some_and(|end| Instant::now() + LOOK >= end) {
                return Ok(Elsewhere::Nowhere);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Notes that the message goes to this carrier now. `false`: it isn't ours any more.
    pub(super) async fn hand(&self, trip: &mut Trip, to: &Candidate) -> Result<bool, StoreError> {
        let name = to.channel.name().to_owned();
        let handed =
            self.store.hand_messages(self.shelf.holder(), &[(trip.message.tenant, trip.row.id, name.clone())]).await?;
        trip.row.supplier = name;
        Ok(!handed.is_empty())
    }

    /// Words the message anew for somebody who has not seen it, and ends the former wording's row. The error is the message's end,
    /// written already.
    pub(super) async fn renewed(
        self: &Arc<Self>,
        mut trip: Trip,
        error: SendError,
    ) -> Result<(Trip, Candidate), SendError> {
        let former = trip.row.supplier.clone();
        if !trip.seen.contains(&former) {
            trip.seen.push(former);
        }
        let Some(renewal) = trip.message.renewal.clone().filter(|_| trip.only.is_none()) else {
            return Err(self.finish(&trip, error).await.err().unwrap_or(SendError::Unavailable));
        };
        let end = Instant::now() + NOW;
        let mut wordless = Vec::new();
        while trip.wordings < WORDINGS {
            let ways = self.ways(&trip.message, trip.kind, &trip.seen);
            let then = ways.as_ref().ok().and_then(|ways| ways.then);
            let mut waiting = false;
            for kind in [Some(trip.kind), then].into_iter().flatten() {
                if wordless.contains(&kind) {
                    continue;
                }
                let Ok(ways) = self.ways(&trip.message, kind, &trip.seen) else { continue };
                let fits =
                    |it: &&Candidate| self.is_open(it) && !trip.unfit.iter().any(|name| name == it.channel.name());
                let Some(next) = ways.candidates.iter().find(fits).cloned() else {
                    waiting |= !ways.candidates.is_empty();
                    continue;
                };
                if self.now() >= trip.until {
                    continue;
                }
                let Some(content) = renewal.renew(kind).await else {
                    wordless.push(kind);
                    continue;
                };
                trip.message.content = content;
                trip.wordings += 1;
                return match self.transfer(&mut trip, kind, &next, &error).await {
                    Ok(()) => Ok((trip, next)),
                    Err(store) => {
                        tracing::error!(error = %store, "a message could not be worded anew");
                        Err(store.into())
                    }
                };
            }
            if !waiting || Instant::now() >= end {
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
        Err(self.finish(&trip, error).await.err().unwrap_or(SendError::Unavailable))
    }

    /// Ends the row of the former wording and begins that of the new one, in one transaction.
    async fn transfer(
        &self,
        trip: &mut Trip,
        kind: ChannelKind,
        to: &Candidate,
        error: &SendError,
    ) -> Result<(), StoreError> {
        let (former, class) = (trip.row.id, error.class());
        let now = self.now();
        trip.message.id = log::day_id(MessageId::new(now, self.store.world().random.as_ref()));
        trip.kind = kind;
        let scope = self.store.tenant(trip.message.tenant);
        let log_key = scope.row().await?.and_then(|row| row.log_key);
        let keys = scope.keys().await?;
        let row = self.row(&trip.message, kind, to.channel.name(), State::Queued, log_key.as_deref(), &keys).await?;
        let (key, queued) = self.sealed_for_queue(&trip.message, trip.until, Some(to.channel.name())).await?;
        let mut tx = scope.begin().await?;
        for old in ["queued", "sent"] {
            if tx.set_message_state(former, old, "failed", class.as_str(), None).await? {
                break;
            }
        }
        tx.unqueue_message(former).await?;
        tx.insert_message(&row).await?;
        tx.queue_message(&queued).await?;
        tx.commit().await?;
        let mut ended = trip.row.clone();
        (ended.state, ended.error_class) = ("failed".to_owned(), class.as_str().to_owned());
        self.announce(trip.message.tenant, &ended);
        trip.row = row;
        trip.key = key;
        metrics::counter!("countersign_route_failovers_total", "from" => ended.supplier, "to" => trip.row.supplier.clone(), "channel" => kind.as_str(),
            "class" => class.as_str())
        .increment(1);
        Ok(())
    }
}

pub(super) fn claims(message: &Outgoing, at: Millis) -> Claims {
    let (wants_keys, fraud_key) = match &message.content {
        crate::Content::Call(script) => {
            (script.keys.is_some(), script.fraud_key.and_then(|key| u8::try_from(key).ok()))
        }
        _ => (false, None),
    };
    Claims { tenant: message.tenant, message: message.id, txid: message.txid, at, wants_keys, fraud_key }
}
