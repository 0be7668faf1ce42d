//! Suppliers over HTTP as carriers: the crate `suppliers` speaks to them, this says it in the courier's words.
//!
//! One of them hears receipts at `/telephony/{carrier}/status/{ticket}`, or at `/telephony/{carrier}/inbound` where its supplier has
//! one address for all messages. After a message's last receipt, and after its last moment at the latest, it is deleted or redacted at
//! the supplier where the supplier can do that.

mod hooks;
mod keys;

pub(crate) use keys::from_keys;

use crate::{
    Accepted, Address, BoxFuture, Channel, ChannelKind, Content, Delivery, ErrorClass, Links, Outgoing, Receiver,
    SendError, Ticket, What,
};
use std::{sync::OnceLock, time::Duration};
use suppliers::{Class, Driver, Kind, Letter, Progress, Refusal};

/// A supplier over HTTP.
pub(crate) struct Supplier {
    name: String,
    driver: Driver,
    /// This server's own address, without a `/` at its end.
    public_url: Option<String>,
    links: OnceLock<Links>,
}

impl Supplier {
    fn new(name: &str, driver: Driver, public_url: Option<&str>) -> Self {
        Self {
            name: name.to_owned(),
            driver,
            public_url: public_url.map(|url| url.trim_end_matches('/').to_owned()),
            links: OnceLock::new(),
        }
    }

    const fn kind(&self) -> ChannelKind {
        match self.driver.kind() {
            Kind::Sms => ChannelKind::Sms,
            Kind::WhatsApp => ChannelKind::WhatsApp,
            Kind::Telegram => ChannelKind::Telegram,
        }
    }

    /// Where a message's receipts go.
    fn callback(&self, ticket: &Ticket) -> Option<String> {
        if !self.driver.has_receipts() {
            return None;
        }
        let base = self.public_url.as_ref()?;
        Some(if self.driver.has_one_address() {
            What::Inbound.address(base, &self.name, "")
        } else {
            What::Status.address(base, &self.name, ticket.as_str())
        })
    }

    fn letter(&self, message: &Outgoing, ticket: &Ticket) -> Option<Letter> {
        let content = match &message.content {
            Content::Text(text) => suppliers::Content::Text(text.clone()),
            Content::Code { by, code, brand } if *by == self.kind() => {
                suppliers::Content::Code { code: code.clone(), brand: brand.clone() }
            }
            _ => return None,
        };
        let Address::Number(to, _) = &message.to else { return None };
        Some(Letter {
            to: to.clone(),
            content,
            from: message.terms.from.clone(),
            callback: self.callback(ticket),
            validity: message.valid_for,
            language: message.language.clone(),
        })
    }
}

impl Channel for Supplier {
    fn name(&self) -> &str {
        &self.name
    }

    fn carries(&self, kind: ChannelKind) -> bool {
        kind == self.kind()
    }

    fn reports(&self, _: ChannelKind) -> bool {
        self.driver.has_receipts() && self.public_url.is_some()
    }

    fn receiver(&self) -> Option<&dyn Receiver> {
        self.driver.has_receipts().then_some(self)
    }

    fn send<'a>(&'a self, message: &'a Outgoing, ticket: &'a Ticket) -> BoxFuture<'a, Result<Accepted, SendError>> {
        Box::pin(async move {
            let letter = self.letter(message, ticket).ok_or(SendError::Mismatch)?;
            match self.driver.send(&letter).await {
                Ok(taken) => Ok(Accepted { receipt: taken.id, segments: taken.segments }),
                Err(refusal) => Err(refused(refusal)),
            }
        })
    }

    fn connect(&self, links: &Links) {
        // A carrier that stays over a new reading of the gateway file has its links already.
        let _ = self.links.set(links.clone());
        self.driver.keep_in(links.ledger(&self.name));
    }

    fn forget_later(&self, id: &str, delay: Duration) {
        self.driver.forget_later(id, delay);
    }
}

/// Why a supplier took nothing, in the courier's words.
pub(crate) const fn refused(refusal: Refusal) -> SendError {
    match refusal {
        Refusal::Down => SendError::Down,
        Refusal::Throttled(retry_after) => SendError::Throttled { retry_after },
        Refusal::Refused(class) => SendError::Refused(class_of(class)),
        Refusal::Unknown => SendError::Unavailable,
        Refusal::Unfit => SendError::Mismatch,
    }
}

pub(crate) const fn class_of(class: Class) -> ErrorClass {
    match class {
        Class::None => ErrorClass::None,
        Class::BadAddress => ErrorClass::BadAddress,
        Class::Unreachable => ErrorClass::Unreachable,
        Class::Blocked => ErrorClass::Blocked,
        Class::Region => ErrorClass::Region,
        Class::OptedOut => ErrorClass::OptedOut,
        Class::Throttled => ErrorClass::Throttled,
        Class::Account => ErrorClass::Account,
        Class::Supplier => ErrorClass::Supplier,
        Class::Expired => ErrorClass::Expired,
        Class::Other => ErrorClass::Other,
    }
}

const fn delivery_of(progress: Progress) -> Delivery {
    match progress {
        Progress::Queued => Delivery::Queued,
        Progress::Sent => Delivery::Sent,
        Progress::Delivered => Delivery::Delivered,
        Progress::Undelivered => Delivery::Undelivered,
        Progress::Failed => Delivery::Failed,
    }
}

#[cfg(test)]
mod tests;
