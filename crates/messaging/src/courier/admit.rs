//! Whether a message may go: the tenant's settings and limits, spent in the transaction that writes its row and its place in the queue.

use super::{Desk, limits};
use crate::{
    Address, ChannelKind, ErrorClass, Outgoing, SendError, State,
    admission::{MessageSettings, Visitor, opt_out},
};
use fraud::Rule;
use keys::{KeyError, TenantKeys};
use store::{MessageRow, Outcome, QueuedRow, StoreError, TenantRow};
use types::Millis;

/// How a message is to stand when it is admitted.
#[derive(Clone, Copy)]
pub(super) struct Admission<'a> {
    pub(super) kind: ChannelKind,
    /// The carrier that it is handed to; empty for none yet.
    pub(super) carrier: &'a str,
    pub(super) state: State,
    pub(super) queued: &'a QueuedRow,
}

/// What a message is admitted by.
struct Terms<'t> {
    of_tenant: &'t TenantRow,
    settings: MessageSettings,
    keys: &'t TenantKeys,
    now: Millis,
}

impl Desk {
    /// Asks the rules against fraud, spends the limits and writes the row. A refusal leaves a row too, which says why.
    pub(super) async fn admit(&self, message: &Outgoing, admission: Admission<'_>) -> Result<MessageRow, SendError> {
        let tenant = self.store.tenant(message.tenant);
        let keys = match tenant.keys().await {
            // No such tenant.
            Err(StoreError::Key(KeyError::NoTenantKey)) => return Err(SendError::Settings),
            done => done?,
        };
        // Calls and mail go to everybody.
        let (of_tenant, opted_out) = match &message.to {
            Address::Number(number, _) if admission.kind == ChannelKind::Sms => {
                tenant.row_and_opt_out(&opt_out::mark(&keys, number)).await?
            }
            _ => (tenant.row().await?, false),
        };
        let of_tenant = of_tenant.ok_or(SendError::Settings)?;
        let settings = MessageSettings::read(&of_tenant.settings)?;
        let terms = Terms { of_tenant: &of_tenant, settings, keys: &keys, now: self.now() };
        let (kind, now) = (admission.kind, terms.now);
        let visitor = Visitor { message, kind, settings: &terms.settings, keys: &keys, opted_out, now };
        let pass = match self.door.ask(&self.store, &visitor).await {
            Ok(pass) => pass,
            Err(error) => {
                let class = match &error {
                    SendError::Fraud { .. } | SendError::Refused(ErrorClass::OptedOut | ErrorClass::Blocked) => {
                        error.class().as_str()
                    }
                    SendError::Limited { .. } => Rule::Pace.class(),
                    _ => return Err(error),
                };
                self.note_refusal(message, &admission, &terms, class).await?;
                return Err(error);
            }
        };
        let spent = self.spend_and_write(message, &admission, &terms).await;
        // Whatever it was that kept it here.
        if !matches!(spent, Ok(Ok(_))) {
            self.door.give_back(pass);
        }
        match spent? {
            Ok(row) => Ok(row),
            Err((error, class)) => {
                self.note_refusal(message, &admission, &terms, class).await?;
                Err(error)
            }
        }
    }

    /// In one transaction. The inner error is a limit, with what the log says of it.
    async fn spend_and_write(
        &self,
        message: &Outgoing,
        admission: &Admission<'_>,
        terms: &Terms<'_>,
    ) -> Result<Result<MessageRow, (SendError, &'static str)>, SendError> {
        let Admission { kind, carrier, state, queued } = *admission;
        let Terms { of_tenant, settings, keys, now } = terms;
        let row = self.row(message, kind, carrier, state, of_tenant.log_key.as_deref(), keys).await?;
        let canary = self.canary(message, of_tenant.log_key.as_deref(), keys).await?;
        let cost = self.cost(message, kind);
        let mut plan = self.store.tenant(message.tenant).plan();
        let spendings = limits::spendings(message, kind, settings, keys, cost, *now);
        let spent: Vec<_> = spendings.iter().map(|it| plan.spend(it.bucket, it.limit, it.cost, it.at)).collect();
        plan.insert_message(&row);
        if let Some(canary) = &canary {
            plan.insert_message(canary);
        }
        plan.queue_message(queued);
        match plan.commit().await {
            Ok(Outcome::Committed(_)) => Ok(Ok(row)),
            Ok(Outcome::RolledBack(at)) => {
                let refused = spent.iter().zip(&spendings).find(|(step, _)| **step == at);
                let (_, spending) = refused.ok_or(StoreError::Damaged("outcome of a transaction"))?;
                let (retry_after, class) = (spending.retry_after, spending.class);
                let error = if class.starts_with("fraud-") {
                    SendError::Fraud { rule: class, retry_after: Some(retry_after) }
                } else {
                    SendError::Limited { retry_after }
                };
                Ok(Err((error, class)))
            }
            Err(StoreError::Duplicate) => Err(SendError::Repeated),
            Err(error) => Err(error.into()),
        }
    }

    /// What the route asks for one message of this kind.
    fn cost(&self, message: &Outgoing, kind: ChannelKind) -> f64 {
        let Address::Number(number, _) = &message.to else { return 0.0 };
        let network = numbers::look(number).mcc_mnc;
        let fleet = self.fleet();
        let found = fleet.table.of(kind, number.expose().trim_start_matches('+'), network);
        found.and_then(|found| found.route).map_or(0.0, |route| route.cost)
    }

    /// Writes down for the tenant what was refused and why, as long as there is room for such rows today.
    async fn note_refusal(
        &self,
        message: &Outgoing,
        admission: &Admission<'_>,
        terms: &Terms<'_>,
        class: &'static str,
    ) -> Result<(), SendError> {
        let Terms { of_tenant, settings, keys, now } = terms;
        metrics::counter!("countersign_messages_refused_total", "class" => class).increment(1);
        let room = limits::refusals(settings, keys, *now);
        let mut row = self.row(message, admission.kind, "", State::Failed, of_tenant.log_key.as_deref(), keys).await?;
        class.clone_into(&mut row.error_class);
        "none".clone_into(&mut row.billing_class);
        let mut tx = self.store.tenant(message.tenant).begin().await?;
        if !tx.spend(room.bucket, room.limit, room.cost, room.at).await? {
            return Ok(());
        }
        match tx.insert_message(&row).await {
            Err(StoreError::Duplicate) => return Err(SendError::Repeated),
            done => done?,
        }
        Ok(tx.commit().await?)
    }
}
