//! Messages that a carrier has taken, as long as something may still happen to them: a receipt comes or doesn't, a code is entered, the
//! carrier is cut off.
//!
//! A number is kept only while a code waits for its receipt, because it may have to go another way. After that there is no more than the
//! carrier's name.

use super::{
    Desk,
    carry::{NOW, Trip},
    fleet::Candidate,
};
use crate::{Delivery, ErrorClass, Renewal, Report, SendError, routing::health::Outcome};
use std::{
    collections::HashMap,
    sync::{Arc, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::oneshot, time::Instant};
use types::{MessageId, Millis, TenantId, UserId};
use uuid::Uuid;

/// So many messages are followed at most; those above arrive as well, and count for nothing.
const MOST: usize = 200_000;
/// A message whose life is long is followed no longer.
const LONGEST: Duration = Duration::from_secs(900);
/// So long a receipt is waited for after the carrier's answer at least.
const LEAST: Duration = Duration::from_secs(1);
/// Before the tenant's and the message's ids in the notice that a message was lost, which another node may be waiting to hear.
const LOST_NOTICE: &str = "message-lost ";

/// What becomes of a message.
pub(super) enum Heard {
    Delivered,
    Verified,
    Lost(ErrorClass),
    Cut,
}

/// A message that a carrier has taken.
struct Followed {
    carrier: String,
    prefix: String,
    /// When its carrier was shown it.
    shown: Instant,
    until: Millis,
    /// Whether somebody will say that its code was entered.
    checked: bool,
    /// Whether a receipt is expected and hasn't come.
    open: bool,
    renewal: Option<Arc<dyn Renewal>>,
    /// Whoever waits for its receipt, to send it another way.
    waiting: Option<oneshot::Sender<Heard>>,
}

/// All of them.
#[derive(Default)]
pub(super) struct Watched {
    messages: HashMap<(TenantId, MessageId), Followed>,
    newest: HashMap<(TenantId, UserId), MessageId>,
}

impl Desk {
    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows a message that was taken. Gives where its fate will be heard, if somebody must wait for it.
    pub(super) fn watch(&self, trip: &Trip, candidate: &Candidate, shown: Instant) -> Option<oneshot::Receiver<Heard>> {
        let (message, name) = (&trip.message, candidate.channel.name());
        let reports = candidate.channel.reports(trip.kind);
        let checked = message.terms.checked || message.renewal.is_some();
        if !reports && !checked {
            return None;
        }
        let (mut waiting, mut heard) = (None, None);
        // Without another way there is nothing to wait for, and no reason to keep a number.
        if reports && message.renewal.is_some() && !trip.seen.iter().any(|it| it == name) && self.is_another(trip, name)
        {
            let (sender, receiver) = oneshot::channel();
            (waiting, heard) = (Some(sender), Some(receiver));
        }
        let followed = Followed {
            carrier: name.to_owned(),
            prefix: candidate.prefix.clone(),
            shown,
            until: trip.until.min(self.now() + LONGEST),
            checked,
            open: reports,
            renewal: message.renewal.clone(),
            waiting,
        };
        let mut watched = self.watched();
        if watched.messages.len() >= MOST {
            return heard;
        }
        if let Some(user) = message.user.filter(|_| checked) {
            watched.newest.insert((message.tenant, user), trip.row.id);
        }
        watched.messages.insert((message.tenant, trip.row.id), followed);
        heard
    }

    /// Waits for the receipt of a code; where it doesn't come, or says that the message is lost, the code goes another way.
    pub(super) fn wait_for_receipt(self: &Arc<Self>, mut trip: Trip, until: Instant, heard: oneshot::Receiver<Heard>) {
        let desk = Arc::clone(self);
        // A carrier that took its time to answer gets some more for the receipt.
        let until = until.max(Instant::now() + LEAST);
        // Nobody needs the former words any more.
        trip.message.content = crate::Content::Text(types::SecretString::new(String::new()));
        tokio::spawn(async move {
            let class = match tokio::time::timeout_at(until, heard).await {
                Ok(Ok(Heard::Delivered | Heard::Verified) | Err(_)) => return,
                Ok(Ok(Heard::Lost(class))) => SendError::Refused(class),
                Ok(Ok(Heard::Cut)) => SendError::Cut,
                // Another node may have heard it.
                Err(_) => match desk.store.tenant(trip.message.tenant).message(trip.row.id).await {
                    Ok(Some(row)) if row.state == "delivered" => return desk.forget(&trip),
                    _ => {
                        desk.count_lost(&trip);
                        SendError::Refused(ErrorClass::NoReceipt)
                    }
                },
            };
            desk.forget(&trip);
            if matches!(class, SendError::Refused(ErrorClass::OptedOut)) {
                return;
            }
            if let Ok((trip, candidate)) = desk.renewed(trip, class).await {
                // What becomes of it stands in the log.
                let _ = desk.carry(trip, candidate, Some(NOW)).await;
            }
        });
    }

    fn count_lost(&self, trip: &Trip) {
        let of = (trip.message.tenant, trip.row.id);
        let lost = self
            .watched()
            .messages
            .get_mut(&of)
            .and_then(|it| std::mem::replace(&mut it.open, false).then(|| (it.carrier.clone(), it.prefix.clone())));
        if let Some((carrier, prefix)) = lost {
            self.missing(&carrier, &prefix);
        }
    }

    /// A receipt did not come.
    fn missing(&self, carrier: &str, prefix: &str) {
        self.health().note_arrival(carrier, prefix, None);
        self.count(carrier, prefix, Outcome::Lost);
    }

    fn forget(&self, trip: &Trip) {
        self.watched().messages.remove(&(trip.message.tenant, trip.row.id));
    }

    /// A receipt was in the log before the carrier's answer was: whoever follows the message hears of it now.
    pub(super) async fn tell_early(&self, trip: &Trip) {
        let (tenant, id) = (trip.message.tenant, trip.row.id);
        match self.store.tenant(tenant).message(id).await {
            Ok(Some(row)) if row.state == "delivered" => _ = self.tell(tenant, id, Heard::Delivered),
            Ok(Some(row)) if matches!(row.state.as_str(), "undelivered" | "failed") => {
                self.tell(tenant, id, Heard::Lost(ErrorClass::Other));
            }
            // The time that a receipt has tells.
            _ => {}
        }
    }

    /// A receipt was written to the log. `true` where nobody here waits for such a message, and another node may.
    pub(super) fn heard_of(&self, tenant: TenantId, message: MessageId, report: &Report) -> bool {
        let heard = match report.delivery {
            Delivery::Queued | Delivery::Sent => return false,
            Delivery::Delivered => Heard::Delivered,
            Delivery::Undelivered | Delivery::Failed => Heard::Lost(report.class),
        };
        self.tell(tenant, message, heard)
    }

    fn tell(&self, tenant: TenantId, message: MessageId, heard: Heard) -> bool {
        let lost = matches!(heard, Heard::Lost(_));
        // A number that doesn't exist, or somebody who wants nothing, is no fault of the carrier's.
        let blameless = matches!(heard, Heard::Lost(ErrorClass::BadAddress | ErrorClass::OptedOut));
        let (counted, waiting) = {
            let mut watched = self.watched();
            let Some(followed) = watched.messages.get_mut(&(tenant, message)) else { return lost };
            let counted = std::mem::replace(&mut followed.open, false)
                .then(|| (followed.carrier.clone(), followed.prefix.clone(), followed.shown.elapsed()));
            if let Some((carrier, _, took)) = &counted {
                metrics::histogram!("countersign_route_receipt_seconds", "carrier" => carrier.clone())
                    .record(took.as_secs_f64());
            }
            let waiting = followed.waiting.take();
            if !lost && followed.renewal.is_none() && !followed.checked || lost && waiting.is_none() {
                watched.messages.remove(&(tenant, message));
            }
            (counted, waiting)
        };
        if let Some((carrier, prefix, took)) = counted.filter(|_| !blameless) {
            if !lost {
                self.health().note_arrival(&carrier, &prefix, Some(took));
            }
            self.count(&carrier, &prefix, if lost { Outcome::Lost } else { Outcome::Delivered });
        }
        if let Some(waiting) = waiting {
            let _ = waiting.send(heard);
        }
        false
    }

    /// The notice of a lost message, for the node that waits for it.
    pub(super) fn lost_notice(tenant: TenantId, message: MessageId) -> String {
        format!("{LOST_NOTICE}{} {}", tenant.uuid().simple(), message.uuid().simple())
    }

    /// Understands such a notice.
    pub(super) fn hear_notice(&self, notice: &str) {
        let ids = notice.strip_prefix(LOST_NOTICE).and_then(|ids| ids.split_once(' '));
        if let Some((tenant, message)) = ids
            && let (Ok(tenant), Ok(message)) = (Uuid::try_parse(tenant), Uuid::try_parse(message))
        {
            self.tell(TenantId::from_uuid(tenant), MessageId::from_uuid(message), Heard::Lost(ErrorClass::Other));
        }
    }

    /// A code was entered.
    pub(super) fn entered(&self, tenant: TenantId, user: Option<UserId>, message: Option<MessageId>) {
        let found = {
            let mut watched = self.watched();
            let id = message.or_else(|| watched.newest.get(&(tenant, user?)).copied());
            id.and_then(|id| watched.messages.remove(&(tenant, id)))
        };
        let Some(followed) = found else { return };
        self.count(&followed.carrier, &followed.prefix, Outcome::Verified);
        if let Some(waiting) = followed.waiting {
            let _ = waiting.send(Heard::Verified);
        }
    }

    /// Ends what is under way through a carrier that was cut off: codes that wait for a receipt go another way, the others count no more.
    pub(super) fn kill_under_way(self: &Arc<Self>, carrier: &str) {
        let under_way: Vec<Followed> = {
            let mut watched = self.watched();
            let ids: Vec<_> =
                watched.messages.iter().filter(|(_, it)| it.carrier == carrier).map(|(id, _)| *id).collect();
            ids.into_iter().filter_map(|id| watched.messages.remove(&id)).collect()
        };
        let revoked = under_way.into_iter().filter_map(|followed| match followed.waiting {
            Some(waiting) => {
                let _ = waiting.send(Heard::Cut);
                None
            }
            None => followed.renewal,
        });
        let revoked: Vec<_> = revoked.collect();
        tokio::spawn(async move {
            for renewal in revoked {
                renewal.revoke().await;
            }
        });
    }

    /// Forgets the messages whose life is over. Of a code that nobody entered that is counted.
    pub(super) fn sweep(&self) {
        let now = self.now();
        let over: Vec<Followed> = {
            let mut watched = self.watched();
            let ids: Vec<_> = watched.messages.iter().filter(|(_, it)| it.until <= now).map(|(id, _)| *id).collect();
            let over = ids.iter().filter_map(|id| watched.messages.remove(id)).collect();
            let Watched { messages, newest } = &mut *watched;
            newest.retain(|(tenant, _), id| messages.contains_key(&(*tenant, *id)));
            over
        };
        for followed in over {
            if followed.open {
                self.missing(&followed.carrier, &followed.prefix);
            }
            if followed.checked {
                self.count(&followed.carrier, &followed.prefix, Outcome::Unused);
            }
        }
    }

    /// How many are followed: for the tests.
    #[cfg(test)]
    pub(super) fn followed(&self) -> usize {
        self.watched().messages.len()
    }

    /// Says on every node that a message was lost, where that may be another's business. Within the transaction that writes it.
    pub(super) fn notice_of_loss(&self, tenant: TenantId, message: MessageId) -> Option<String> {
        let here = self.watched().messages.contains_key(&(tenant, message));
        (!here).then(|| Self::lost_notice(tenant, message))
    }
}
