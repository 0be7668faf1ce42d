//! What the supplier calls back.
//!
//! A receipt is believed under a ticket of ours, which says whose it is, and under the supplier's signature where it signs. Without a
//! ticket it needs the signature, and names its message by the supplier's id. Messages to us need the signature always.

use super::{Supplier, class_of, delivery_of};
use crate::{
    BoxFuture, Hook, HookError, HookReply, Inbound, Receiver, Reception, Report, Reported, What, courier::RECEIPT_LIFE,
};
use std::time::Duration;
use suppliers::{Callback, Heard, Rejected, Status};

impl Receiver for Supplier {
    fn take<'a>(&'a self, hook: &'a Hook<'a>, desk: &'a Reception) -> BoxFuture<'a, Result<HookReply, HookError>> {
        Box::pin(async move {
            if hook.is_get && hook.what == What::Inbound && hook.target.contains("hub.") {
                let query = hook.target.split_once('?').map_or("", |(_, query)| query);
                return self.driver.challenge(query).map(HookReply::text).ok_or(HookError::Forbidden);
            }
            let base = self.public_url.as_deref().ok_or(HookError::Forbidden)?;
            let url = format!("{base}{}", hook.target);
            let callback = Callback { url: &url, headers: hook.headers, body: hook.body };
            let heard = self.driver.hear(&callback).map_err(|rejected| match rejected {
                Rejected::Forbidden => HookError::Forbidden,
                Rejected::Malformed => HookError::Malformed,
            })?;
            match hook.what {
                What::Status => self.of_one(hook.ticket, heard, desk).await,
                What::Inbound if heard.signed => self.of_many(heard, desk).await,
                What::Inbound => Err(HookError::Forbidden),
                What::Keys => Err(HookError::NotFound),
            }
        })
    }
}

impl Supplier {
    /// The receipts of the message that the ticket names.
    async fn of_one(&self, ticket: &str, heard: Heard, desk: &Reception) -> Result<HookReply, HookError> {
        let claims = desk.claims(ticket, RECEIPT_LIFE).await?;
        for status in heard.statuses {
            let report = report(&status);
            if desk.desk().report_on(&claims, &self.name, &report).await? == Reported::Unknown {
                return Err(HookError::NotFound);
            }
            self.forget(&status);
        }
        Ok(HookReply::OK)
    }

    /// Receipts that name their messages, and messages to us. One that is nobody's is passed over: the others are somebody's.
    async fn of_many(&self, heard: Heard, desk: &Reception) -> Result<HookReply, HookError> {
        for status in heard.statuses.iter().filter(|status| !status.id.is_empty()) {
            if self.is_known(status, desk).await? {
                self.forget(status);
            } else if self.links.get().is_some_and(|links| !links.report(&self.name, report(status))) {
                return Err(HookError::Busy);
            }
        }
        for message in heard.inbound {
            let inbound = Inbound { from: message.from, to: message.to, text: message.text };
            if self.links.get().is_some_and(|links| !links.inbound(&self.name, inbound)) {
                return Err(HookError::Busy);
            }
        }
        Ok(HookReply::OK)
    }

    /// Writes a receipt down. It may be faster than the row that says which message it is for, and waits a little for that.
    async fn is_known(&self, status: &Status, desk: &Reception) -> Result<bool, HookError> {
        for pause in [Duration::ZERO, Duration::from_millis(100), Duration::from_millis(400), Duration::from_secs(1)] {
            tokio::time::sleep(pause).await;
            if desk.desk().report(&self.name, &report(status)).await? != Reported::Unknown {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Also where the message had moved on already: that receipt's deletion may not have happened.
    fn forget(&self, status: &Status) {
        if status.progress.is_final() && !status.id.is_empty() {
            self.driver.forget(&status.id);
        }
    }
}

fn report(status: &Status) -> Report {
    Report {
        id: status.id.clone(),
        delivery: delivery_of(status.progress),
        class: class_of(status.class),
        raw: status.raw.clone(),
    }
}
