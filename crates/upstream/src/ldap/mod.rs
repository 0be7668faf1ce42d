//! A directory (RFC 4511): looks people up with an account of its own, and tries their passwords by a bind.
//!
//! The protocol's few messages that are needed are written and read here: the known library reads what the server sends by unbounded
//! recursion and into an unbounded buffer, and panics on what isn't LDAP. Here a message has a limit before it is read, and is read
//! along its grammar. A filter is a tree into which a person's name is put as an octet string; nothing is escaped because nothing is
//! parsed again.
//!
//! TLS from the first octet or by StartTLS; clear text only to this machine. Referrals aren't followed: they would carry a password to
//! wherever the server says. An empty password is refused here, because servers take it for an anonymous bind that succeeds
//! (RFC 4513, 5.1.2).

mod ber;
mod connection;
mod directory;
mod error;
mod filter;
mod message;
mod pool;
mod tls;

/// Reads the content of a message's outer sequence, and says whether it is one. For the fuzz target alone.
#[doc(hidden)]
#[must_use]
pub fn is_message(content: &[u8]) -> bool {
    message::read(content).is_ok()
}

pub use directory::{Directory, Entry, Outcome, Refusal, Scope, Search, Settings};
pub use error::LdapError;
pub use filter::{Filter, InvalidFilter};
pub use tls::{Authorities, Security, Server};
