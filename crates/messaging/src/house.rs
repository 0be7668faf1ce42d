//! What the house itself must keep secret, where no tenant is known yet: who a callback is about.
//!
//! The keys stand in the store as a tenant's do, under the nil tenant id, wrapped by the root key; they are made when they are
//! first needed, and every node uses the same.

use crate::Ticket;
use keys::{Field, KeyError, TenantKeys};
use std::sync::Arc;
use store::{Store, StoreError};
use types::{AttemptId, MessageId, Millis, TenantId};
use uuid::Uuid;

/// The name under which the house's own keys stand among the tenants' keys. A change of the root key must rewrap these too.
#[must_use]
pub const fn house() -> TenantId {
    TenantId::from_uuid(Uuid::nil())
}

/// Where a ticket is sealed to; it is no column, so nothing else opens it.
const TICKET: Field<'static> = Field { table: "message_log", column: "ticket", row: b"" };
/// Tenant, message, attempt, time, whether keys are waited for, fraud key.
const CLAIMS_LEN: usize = 16 + 16 + 16 + 8 + 1 + 1;
/// The longest text that is looked at. A ticket of today has 120 letters.
const MAX_TEXT: usize = 256;

/// What a ticket says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Claims {
    /// Whose message.
    pub(crate) tenant: TenantId,
    /// Which.
    pub(crate) message: MessageId,
    /// The attempt that a call belongs to.
    pub(crate) txid: Option<AttemptId>,
    /// When it was handed to the supplier.
    pub(crate) at: Millis,
    /// Whether the call waits for keys.
    pub(crate) wants_keys: bool,
    /// The key of a call that reports a fraud.
    pub(crate) fraud_key: Option<u8>,
}

/// The house's keys.
#[derive(Clone)]
pub(crate) struct House(TenantKeys);

impl House {
    /// Opens the keys; makes them if there are none.
    pub(crate) async fn open(store: &Arc<Store>) -> Result<Self, StoreError> {
        match store.tenant(house()).keys().await {
            Err(StoreError::Key(KeyError::NoTenantKey)) => {}
            done => return done.map(Self),
        }
        let key = store.ring().create_tenant_key(house(), 1, store.world())?;
        let mut tx = store.tenant(house()).begin().await?;
        // It is made with the first message, whose exact time nobody may see.
        let morning = Millis(store.world().now().day().saturating_mul(86_400_000));
        match tx.add_tenant_key(&key, morning).await {
            Ok(()) => tx.commit().await?,
            // Another was first: its key counts. Its transaction may be in a group that is not committed yet, so that no reader
            // sees it; an empty one is committed with or after it.
            Err(StoreError::Duplicate) => {
                drop(tx);
                store.tenant(house()).begin().await?.commit().await?;
            }
            Err(error) => return Err(error),
        }
        store.tenant(house()).keys().await.map(Self)
    }

    /// What is stored of a supplier's id: nobody can tell from it which of the supplier's messages it is.
    pub(crate) fn receipt(&self, supplier: &str, id: &str) -> [u8; 32] {
        self.0.digest("message-receipt/1", &[supplier.as_bytes(), id.as_bytes()])
    }

    /// As [`receipt`](Self::receipt), under every live key.
    pub(crate) fn receipts(&self, supplier: &str, id: &str) -> Vec<[u8; 32]> {
        self.0.digest_candidates("message-receipt/1", &[supplier.as_bytes(), id.as_bytes()])
    }

    /// Encrypts the claims.
    pub(crate) fn ticket(&self, claims: &Claims, random: &dyn types::Random) -> Result<Ticket, KeyError> {
        let nil = AttemptId::from_uuid(Uuid::nil());
        let mut plain = Vec::with_capacity(CLAIMS_LEN);
        plain.extend_from_slice(claims.tenant.as_bytes());
        plain.extend_from_slice(claims.message.as_bytes());
        plain.extend_from_slice(claims.txid.unwrap_or(nil).as_bytes());
        plain.extend_from_slice(&claims.at.0.to_be_bytes());
        plain.push(claims.wants_keys.into());
        plain.push(claims.fraud_key.unwrap_or(0));
        let sealed = self.0.seal(TICKET, &plain, random)?;
        Ok(Ticket::new(data_encoding::BASE64URL_NOPAD.encode(&sealed)))
    }

    /// Reads a ticket that came back. `None` for anything that this house didn't write.
    pub(crate) fn claims(&self, ticket: &str) -> Option<Claims> {
        if ticket.len() > MAX_TEXT {
            return None;
        }
        let sealed = data_encoding::BASE64URL_NOPAD.decode(ticket.as_bytes()).ok()?;
        let plain = self.0.open(TICKET, &sealed).ok()?;
        let (tenant, rest) = plain.expose().split_first_chunk::<16>()?;
        let (message, rest) = rest.split_first_chunk::<16>()?;
        let (txid, rest) = rest.split_first_chunk::<16>()?;
        let (at, rest) = rest.split_first_chunk::<8>()?;
        let &[wants_keys, fraud_key] = rest else { return None };
        let txid = Uuid::from_bytes(*txid);
        Some(Claims {
            tenant: TenantId::from_uuid(Uuid::from_bytes(*tenant)),
            message: MessageId::from_uuid(Uuid::from_bytes(*message)),
            txid: (!txid.is_nil()).then(|| AttemptId::from_uuid(txid)),
            at: Millis(i64::from_be_bytes(*at)),
            wants_keys: wants_keys != 0,
            fraud_key: (fraud_key != 0).then_some(fraud_key),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Fixture;
    use proptest::prelude::*;
    use types::World;

    fn claims(world: &World, txid: bool, fraud_key: Option<u8>) -> Claims {
        let random = world.random.as_ref();
        Claims {
            tenant: TenantId::new(world.now(), random),
            message: MessageId::new(world.now(), random),
            txid: txid.then(|| AttemptId::new(world.now(), random)),
            at: world.now(),
            wants_keys: txid,
            fraud_key,
        }
    }

    #[tokio::test]
    async fn a_ticket_comes_back_as_it_went_and_tells_nothing() {
        let fixture = Fixture::new().await;
        let house = House::open(&fixture.store).await.unwrap();
        for (txid, fraud_key) in [(true, Some(b'9')), (false, None)] {
            let claims = claims(fixture.store.world(), txid, fraud_key);
            let ticket = house.ticket(&claims, fixture.store.world().random.as_ref()).unwrap();
            assert_eq!(house.claims(ticket.as_str()), Some(claims));
            let bytes = data_encoding::BASE64URL_NOPAD.decode(ticket.as_str().as_bytes()).unwrap();
            for id in [claims.tenant.as_bytes(), claims.message.as_bytes()] {
                assert!(!bytes.windows(16).any(|window| window == id), "an id stands in the ticket in clear");
            }
        }
    }

    #[tokio::test]
    async fn a_changed_ticket_is_no_ticket() {
        let fixture = Fixture::new().await;
        let house = House::open(&fixture.store).await.unwrap();
        let world = fixture.store.world();
        let ticket = house.ticket(&claims(world, true, None), world.random.as_ref()).unwrap();
        for place in 0..ticket.as_str().len() {
            let mut changed = ticket.as_str().to_owned().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            assert_eq!(house.claims(std::str::from_utf8(&changed).unwrap()), None, "letter {place}");
        }
        assert_eq!(house.claims(&ticket.as_str()[1..]), None);
        assert_eq!(house.claims(&format!("{}A", ticket.as_str())), None);
    }

    #[tokio::test]
    async fn two_nodes_that_start_together_use_one_key() {
        let fixture = Fixture::new().await;
        let other = fixture.other_node();
        let (a, b) = tokio::join!(House::open(&fixture.store), House::open(&other));
        let (a, b) = (a.unwrap(), b.unwrap());
        assert_eq!(a.receipt("twilio", "SM1"), b.receipt("twilio", "SM1"));
        assert_ne!(a.receipt("twilio", "SM1"), a.receipt("twilio", "SM2"));
        assert_ne!(a.receipt("twilio", "SM1"), a.receipt("other", "SM1"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn garbage_is_no_ticket(text in "[A-Za-z0-9_-]{0,300}|\\PC{0,60}") {
            let house = crate::testing::house();
            prop_assert_eq!(house.claims(&text), None);
        }
    }
}
