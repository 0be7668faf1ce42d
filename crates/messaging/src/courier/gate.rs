//! The last question before a carrier sees a message: somebody else's, who learns the number by it.

use super::Desk;
use crate::{Address, Outgoing, SendError};

/// What the log says of a message that the gate has kept.
pub(super) const RULE: &str = "fraud-sim-swap";

impl Desk {
    /// Asks a message's gate, where it has one. Only now, when the rules and limits of ours have let it through and its row stands: whoever
    /// asks for codes to many numbers must not have all of them told to somebody.
    pub(super) async fn passes_gate(&self, message: &Outgoing) -> Result<(), SendError> {
        let (Some(gate), Address::Number(number, _)) = (&message.terms.gate, &message.to) else { return Ok(()) };
        match gate.admits(number).await {
            true => Ok(()),
            false => Err(SendError::Fraud { rule: RULE, retry_after: None }),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        BoxFuture, Channel, Courier, Gate, SendError,
        testing::{Fixture, Scripted},
    };
    use std::sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    };
    use store::Span;
    use types::{E164, Millis};

    /// A third party that learns every number it is asked about.
    #[derive(Default)]
    struct Curious {
        told: Mutex<Vec<String>>,
        refuses: AtomicBool,
    }

    impl Gate for Curious {
        fn admits<'a>(&'a self, number: &'a E164) -> BoxFuture<'a, bool> {
            self.told.lock().unwrap().push(number.expose().to_owned());
            let admits = !self.refuses.load(Ordering::SeqCst);
            Box::pin(async move { admits })
        }
    }

    #[tokio::test]
    async fn a_gate_is_told_no_number_that_a_limit_or_a_rule_keeps() {
        let fixture = Fixture::new().await;
        let (tenant, _) = fixture.tenant(r#"{"messages":{"calling_codes":["49"]}}"#, true).await;
        let (carrier, gate) = (Arc::new(Scripted::default()), Arc::new(Curious::default()));
        let courier = Courier::new(Arc::clone(&fixture.store), vec![Arc::clone(&carrier) as Arc<dyn Channel>]);
        let send = async |number: &str| {
            let mut message = fixture.text(tenant, number, "x");
            message.terms.gate = Some(Arc::clone(&gate) as Arc<dyn Gate>);
            courier.deliver(message).await
        };
        assert!(send("+4915112345678").await.is_ok());
        // The second within half a minute, and one to another country.
        assert!(matches!(send("+4915112345678").await, Err(SendError::Limited { .. })));
        assert!(matches!(send("+33612345678").await, Err(SendError::Fraud { .. })));
        assert_eq!(*gate.told.lock().unwrap(), ["+4915112345678"]);
        // What the gate keeps goes to no carrier, and the log says why.
        gate.refuses.store(true, Ordering::SeqCst);
        assert!(matches!(send("+4915187654321").await, Err(SendError::Fraud { rule: super::RULE, .. })));
        assert_eq!(carrier.sent.load(Ordering::SeqCst), 1);
        let span = Span::new(Millis(0), Millis(i64::MAX), 10);
        let rows = fixture.store.tenant(tenant).messages(&span).await.unwrap();
        let kept: Vec<_> = rows.iter().filter(|row| row.error_class == super::RULE).collect();
        assert!(kept.len() == 1 && kept[0].state == "failed");
        // The same for one that is queued.
        let mut message = fixture.text(tenant, "+4915111111111", "x");
        message.terms.gate = Some(Arc::clone(&gate) as Arc<dyn Gate>);
        assert!(courier.enqueue(message).await.is_err());
        assert_eq!(carrier.sent.load(Ordering::SeqCst), 1);
    }
}
