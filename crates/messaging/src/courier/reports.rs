//! What a supplier says later: receipts, once or more often, in any order.

use super::{Courier, Desk};
use crate::{ErrorClass, house::Claims, log};
use store::{MessageRow, Outcome, StoreError};
use types::TenantId;

/// How far a message came. It only ever moves forward: queued, sent, and one of the last three, which is final.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Delivery {
    /// The supplier has it.
    Queued,
    /// The carrier has it.
    Sent,
    /// The person's telephone has it; for a call: it was answered.
    Delivered,
    /// The carrier gave up.
    Undelivered,
    /// The supplier gave up.
    Failed,
}

impl Delivery {
    /// As it stands in the message log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing more can come.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Delivered | Self::Undelivered | Self::Failed)
    }

    /// The states that it may follow, in the order in which a message goes through them: a message that has left the first one
    /// between two looks is then found in the second.
    const fn after(self) -> &'static [&'static str] {
        match self {
            Self::Queued => &[],
            Self::Sent => &["queued"],
            Self::Delivered | Self::Undelivered | Self::Failed => &["queued", "sent"],
        }
    }
}

/// A supplier's word on a message.
pub struct Report {
    /// The supplier's id of the message.
    pub id: String,
    /// How far it came.
    pub delivery: Delivery,
    /// What went wrong.
    pub class: ErrorClass,
    /// The supplier's own words, for the tenant: codes and times, never the number or the text. The first 200 bytes are sealed.
    pub raw: String,
}

/// What became of a report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reported {
    /// The message moved on.
    Applied,
    /// It was there already, or further: a duplicate, or out of order.
    Stale,
    /// No such message.
    Unknown,
}

impl Courier {
    /// Takes a receipt that names the message by the supplier's id.
    pub async fn report(&self, supplier: &str, report: &Report) -> Result<Reported, StoreError> {
        self.desk().report(supplier, report).await
    }
}

impl Desk {
    pub(crate) async fn report(&self, supplier: &str, report: &Report) -> Result<Reported, StoreError> {
        for receipt in self.house().await?.receipts(supplier, &report.id) {
            if let Some((tenant, row)) = self.store.message_of_receipt(&receipt, self.now()).await? {
                return self.apply(tenant, row, supplier, report).await;
            }
        }
        Ok(Reported::Unknown)
    }

    /// Takes a receipt that came with a ticket. It may be here before the supplier's own id is known.
    pub(crate) async fn report_on(
        &self,
        claims: &Claims,
        supplier: &str,
        report: &Report,
    ) -> Result<Reported, StoreError> {
        let found = self.store.tenant(claims.tenant).message(claims.message).await?;
        let Some(row) = found else { return Ok(Reported::Unknown) };
        self.apply(claims.tenant, row, supplier, report).await
    }

    async fn apply(
        &self,
        tenant: TenantId,
        row: MessageRow,
        supplier: &str,
        report: &Report,
    ) -> Result<Reported, StoreError> {
        // A receipt of another message under this one's ticket is nobody's.
        if let Some(known) = &row.receipt
            && !self.house().await?.receipts(supplier, &report.id).iter().any(|hash| types::ct_eq(hash, known))
        {
            return Ok(Reported::Unknown);
        }
        if row.supplier != supplier {
            return Ok(Reported::Unknown);
        }
        let receipt = log::Receipt { id: &report.id, at: self.now(), raw: &report.raw };
        let sealed = self.resealed(tenant, &row, &receipt).await?;
        let message = row.id;
        let mut plan = self.store.tenant(tenant).plan();
        let mut moves = Vec::new();
        for old in report.delivery.after() {
            let moved = plan.set_message_state(message, old, report.delivery.as_str(), report.class.as_str(), None);
            plan.unless(moved, &moves);
            moves.push(moved);
        }
        if moves.is_empty() {
            return Ok(Reported::Stale);
        }
        if let Some(sealed) = sealed {
            let resealed = plan.set_message_sealed(message, sealed);
            plan.after(resealed, &moves);
        }
        if matches!(report.delivery, Delivery::Undelivered | Delivery::Failed)
            && let Some(notice) = self.notice_of_loss(tenant, message)
        {
            plan.notify_after(&moves, notice);
        }
        let Outcome::Committed(changes) = plan.commit().await? else { return Ok(Reported::Stale) };
        if !moves.iter().any(|moved| changes.made(*moved)) {
            return Ok(Reported::Stale);
        }
        self.heard_of(tenant, message, report);
        let state = report.delivery.as_str().to_owned();
        self.announce(tenant, &MessageRow { state, error_class: report.class.as_str().to_owned(), ..row });
        metrics::counter!("countersign_receipts_total", "state" => report.delivery.as_str()).increment(1);
        Ok(Reported::Applied)
    }
}
