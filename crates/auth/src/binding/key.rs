//! The browser's own key: registered once after a sign-in, shown by a signature whenever the session is used.

use super::{Holder, Kind, place};
use crate::{Auth, AuthError, account::Session, sign_in::is_local_path};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use types::SecretString;

/// How the public key of a P-256 key begins in DER (RFC 5480 §2, RFC 5280 §4.1.2.7): the algorithm, the curve, an uncompressed point.
const P256: [u8; 27] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];
/// The whole key, in bytes.
const LENGTH: usize = 91;
/// The name of the ticket in an address.
const TICKET: &str = "proof=";

const REFUSED: AuthError = AuthError::Refused("the proof of this browser isn't right");

impl Auth {
    /// Binds a browser to a session, with the ticket of the sign-in that has just ended, and gives the ticket for `return_to`. `key` is
    /// the browser's public key (SPKI, DER) and `signature` its signature over what [`statement`] says, as WebCrypto writes it.
    ///
    /// A key that was bound before gives way: whoever signed in again may have lost it.
    ///
    /// # Errors
    /// [`AuthError::Refused`] for a ticket that is used, over, or another session's, for a key of another kind and for a signature that
    /// isn't the key's.
    pub async fn bind_browser(
        &self,
        session: &Session,
        origin: &str,
        return_to: &str,
        ticket: &str,
        key: &[u8],
        signature: &[u8],
    ) -> Result<SecretString, AuthError> {
        check(return_to)?;
        let mark = self.read_mark(session.tenant(), Kind::Binding, session.id(), "", ticket).await?.ok_or(REFUSED)?;
        verify(key, &statement("bind", session, origin, return_to, ticket), signature)?;
        let now = self.world.now();
        let mut tx = self.store.tenant(session.tenant()).begin().await?;
        if !self.spend(&mut tx, Holder::from(session), &mark).await? || !tx.bind_session(session.id(), key, now).await?
        {
            return Err(REFUSED);
        }
        tx.commit().await?;
        self.make_mark(session.tenant(), Kind::Ticket, session.id(), &place(origin, return_to)).await
    }

    /// Whether this ticket may still bind a browser. Nothing is spent by it.
    pub async fn may_bind(&self, session: &Session, ticket: &str) -> Result<bool, AuthError> {
        Ok(self.read_mark(session.tenant(), Kind::Binding, session.id(), "", ticket).await?.is_some())
    }

    /// What the browser's key signs, so that `return_to` opens.
    ///
    /// # Errors
    /// [`AuthError::Refused`] where `return_to` is no address on this host.
    pub async fn proof_challenge(
        &self,
        session: &Session,
        origin: &str,
        return_to: &str,
    ) -> Result<SecretString, AuthError> {
        check(return_to)?;
        self.make_mark(session.tenant(), Kind::Challenge, session.id(), &place(origin, return_to)).await
    }

    /// Takes a proof: gives the ticket that opens `return_to` once.
    ///
    /// # Errors
    /// [`AuthError::Refused`] for a challenge that was answered, is over, or was for another session, origin or address, for a session
    /// that isn't bound, and for a signature that isn't its key's.
    pub async fn prove_browser(
        &self,
        session: &Session,
        origin: &str,
        return_to: &str,
        challenge: &str,
        signature: &[u8],
    ) -> Result<SecretString, AuthError> {
        check(return_to)?;
        let (tenant, about) = (session.tenant(), place(origin, return_to));
        let mark = self.read_mark(tenant, Kind::Challenge, session.id(), &about, challenge).await?.ok_or(REFUSED)?;
        let key = session.bound().key.as_deref().ok_or(REFUSED)?;
        verify(key, &statement("prove", session, origin, return_to, challenge), signature)?;
        let mut tx = self.store.tenant(tenant).begin().await?;
        if !self.spend(&mut tx, session.into(), &mark).await?
            || !tx.session_proved(session.id(), self.world.now()).await?
        {
            return Err(REFUSED);
        }
        tx.commit().await?;
        self.make_mark(tenant, Kind::Ticket, session.id(), &about).await
    }
}

/// What is signed: all that the signature is good for, a line each.
fn statement(what: &str, session: &Session, origin: &str, return_to: &str, mark: &str) -> String {
    format!("countersign session v1\n{what}\n{}\n{origin}\n{return_to}\n{mark}", session.id())
}

fn verify(key: &[u8], message: &str, signature: &[u8]) -> Result<(), AuthError> {
    if key.len() != LENGTH || !key.starts_with(&P256) {
        return Err(AuthError::Refused("the key isn't one of P-256"));
    }
    let point = key.get(P256.len() - 1..).unwrap_or_default();
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
    key.verify(message.as_bytes(), signature).map_err(|_| REFUSED)
}

/// Whether a browser can be sent there after a proof: a path on this host, without a fragment and without a ticket of its own.
#[must_use]
pub fn is_return(return_to: &str) -> bool {
    is_local_path(return_to) && !return_to.contains('#') && split_ticket(return_to).1.is_none()
}

fn check(return_to: &str) -> Result<(), AuthError> {
    if is_return(return_to) { Ok(()) } else { Err(AuthError::Refused("return_to")) }
}

/// An address with this ticket in it.
#[must_use]
pub fn with_ticket(address: &str, ticket: &str) -> String {
    let between = if address.contains('?') { '&' } else { '?' };
    format!("{address}{between}{TICKET}{ticket}")
}

/// An address (path and query) without the ticket at its end, and the ticket.
#[must_use]
pub fn split_ticket(address: &str) -> (&str, Option<&str>) {
    let Some(at) = address.rfind(TICKET) else { return (address, None) };
    let (before, after) = address.split_at(at);
    let ticket = after.get(TICKET.len()..).unwrap_or_default();
    match before.strip_suffix(['?', '&']) {
        Some(rest) if before.contains('?') && !ticket.contains('&') => (rest, Some(ticket)),
        _ => (address, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_ticket_stands_at_the_end_and_comes_off_again() {
        for address in ["/account", "/account?done=added", "/a?x=&y", "/a?"] {
            let with = with_ticket(address, "T-_1");
            assert_eq!(split_ticket(&with), (address, Some("T-_1")), "{with}");
            assert!(check(&with).is_err() && check(address).is_ok());
        }
        for none in ["/account", "/proof=x", "/a?notproof=x", "/a?proof=x&y=1", ""] {
            assert_eq!(split_ticket(none), (none, None), "{none}");
        }
    }

    #[test]
    fn only_addresses_of_this_host_are_proved_for() {
        for wrong in ["", "//evil.example", "/\\evil.example", "https://evil.example/", "/a#b", "/a?proof=x", "/a\nb"] {
            assert!(check(wrong).is_err(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn splitting_never_loses_anything(address in "\\PC{0,60}|/[a-z=&?#proof]{0,40}") {
            let (rest, ticket) = split_ticket(&address);
            if let Some(ticket) = ticket {
                prop_assert_eq!(address.len(), rest.len() + 1 + TICKET.len() + ticket.len());
            } else {
                prop_assert_eq!(rest, address.as_str());
            }
        }

        #[test]
        fn no_bytes_are_a_key_by_accident(key in proptest::collection::vec(any::<u8>(), 0..120)) {
            prop_assert!(verify(&key, "x", &[0; 64]).is_err());
        }
    }
}
