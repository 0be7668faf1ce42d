//! SMS over a carrier's SMSC, by SMPP.
//!
//! The bind is kept up by the `smpp` crate; here its words are translated: what was never seen by anybody is [`SendError::Down`] and
//! may go elsewhere as it is, what was refused says why, and what may or may not arrive is [`SendError::Unavailable`].

mod keys;
#[cfg(test)]
mod tests;

pub(crate) use keys::from_keys;

use crate::{
    Accepted, Address, BoxFuture, Channel, ChannelKind, Content, Delivery, ErrorClass, Inbound, Links, Outgoing,
    Report, SendError, Ticket,
};
use smpp::{Class, Client, Config, Handler, Receipt, State, Submit, SubmitError};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};
use types::{SecretString, World};

/// How long a message waits for its turn while the carrier says that it is too fast. Then another route may take it. Together with the
/// response timer it is less than the courier waits for a code.
const PATIENCE: Duration = Duration::from_millis(2_500);
/// And so long it waits where there is none.
const AGAIN: Duration = Duration::from_secs(1);

/// The channel.
pub(crate) struct Smpp {
    name: String,
    config: Config,
    from: String,
    /// Whether a message may name its own sender.
    any_sender: bool,
    receipts: bool,
    world: World,
    client: OnceLock<Client>,
}

impl Channel for Smpp {
    fn name(&self) -> &str {
        &self.name
    }

    fn carries(&self, kind: ChannelKind) -> bool {
        kind == ChannelKind::Sms
    }

    fn is_ready(&self) -> bool {
        self.client.get().is_some_and(Client::is_bound)
    }

    fn reports(&self, kind: ChannelKind) -> bool {
        self.receipts && self.carries(kind)
    }

    fn send<'a>(&'a self, message: &'a Outgoing, _: &'a Ticket) -> BoxFuture<'a, Result<Accepted, SendError>> {
        Box::pin(async move {
            let (Address::Number(to, _), Content::Text(text)) = (&message.to, &message.content) else {
                return Err(SendError::Mismatch);
            };
            let client = self.client.get().ok_or(SendError::Down)?;
            let asked = message.terms.from.as_deref().filter(|_| self.any_sender);
            let submit = Submit {
                from: asked.unwrap_or(&self.from),
                to: to.expose(),
                text: text.expose(),
                valid_for: message.valid_for,
                registered: self.receipts,
                patience: PATIENCE.min(message.valid_for),
            };
            let submitted = client.submit(&submit).await.map_err(|error| self.refusal(error))?;
            Ok(Accepted {
                receipt: if self.receipts { submitted.id } else { String::new() },
                segments: u32::try_from(submitted.segments).unwrap_or(u32::MAX),
            })
        })
    }

    fn connect(&self, links: &Links) {
        let hears = Hears { carrier: self.name.clone(), links: links.clone() };
        self.client.get_or_init(|| Client::start(self.config.clone(), self.world.clone(), Arc::new(hears)));
    }
}

impl Smpp {
    fn refusal(&self, error: SubmitError) -> SendError {
        match error {
            SubmitError::NotSent => SendError::Down,
            SubmitError::Throttled => SendError::Throttled { retry_after: AGAIN },
            SubmitError::Unknown => SendError::Unavailable,
            SubmitError::TooLong(_) => SendError::Mismatch,
            SubmitError::Refused(status) => {
                tracing::warn!(carrier = self.name, %status, "the SMSC refused a message");
                SendError::Refused(match status.class() {
                    Class::Address => ErrorClass::BadAddress,
                    Class::Account => ErrorClass::Account,
                    Class::Temporary | Class::Throttled => ErrorClass::Supplier,
                    Class::Refused | Class::Ok => ErrorClass::Other,
                })
            }
        }
    }
}

/// Hands up what the carrier says by itself.
struct Hears {
    carrier: String,
    links: Links,
}

impl Handler for Hears {
    fn receipt(&self, receipt: Receipt) -> bool {
        let (delivery, class) = match receipt.state {
            State::Delivered => (Delivery::Delivered, ErrorClass::None),
            State::Expired => (Delivery::Undelivered, ErrorClass::Expired),
            State::Undeliverable => (Delivery::Undelivered, ErrorClass::Unreachable),
            State::Rejected => (Delivery::Undelivered, ErrorClass::Blocked),
            State::Deleted => (Delivery::Undelivered, ErrorClass::Other),
            // That it is on its way is known.
            State::EnRoute | State::Accepted | State::Unknown => return true,
        };
        let error = receipt.error.map(|error| format!(" err:{error}")).unwrap_or_default();
        let raw = format!("stat:{}{error}", receipt.state.as_str());
        self.links.report(&self.carrier, Report { id: receipt.id, delivery, class, raw })
    }

    fn inbound(&self, from: &str, to: &str, text: SecretString) {
        // A short code or a name writes advertising, not STOP.
        let Ok(from) = format!("+{}", from.trim_start_matches('+')).parse() else { return };
        self.links.inbound(&self.carrier, Inbound { from, to: to.to_owned(), text });
    }
}
