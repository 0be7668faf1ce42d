//! Digest authentication of the caller (RFC 3261 §22, RFC 7616, RFC 8760): answers to 401 and 407.

mod challenge;
mod hash;

pub use challenge::{Algorithm, Challenge, Qop};

use crate::message::Message;
use hash::hash;
use types::{SecretString, World};
use zeroize::Zeroizing;

/// How often one request is sent again because it was challenged: a proxy and a server, each of which may call a nonce stale.
const MAX_ROUNDS: u8 = 4;

/// What a trunk gave us to log in with.
pub struct Account {
    /// The user.
    pub user: String,
    /// The password; without one no challenge can be answered.
    pub password: Option<SecretString>,
    /// The only realm that gets an answer, where one is set.
    pub realm: Option<String>,
}

/// A challenge can't be answered: no password, a foreign realm, an algorithm that we don't have, or the answer was wrong.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub struct Refused;

struct Held {
    proxy: bool,
    challenge: Challenge,
    count: u32,
}

/// The challenges of one call, and how often each nonce was used.
#[derive(Default)]
pub struct Credentials {
    held: Vec<Held>,
    rounds: u8,
}

impl Credentials {
    /// Whether a challenge has been answered.
    #[must_use]
    pub const fn is_used(&self) -> bool {
        !self.held.is_empty()
    }

    /// A new request begins: it may be challenged anew.
    pub const fn begin(&mut self) {
        self.rounds = 0;
    }

    /// Takes a 401 or 407 to the request that was sent last; when it succeeds, the request is to be sent again with
    /// [`Credentials::headers`].
    ///
    /// # Errors
    /// There is nothing to answer with, or what was answered was wrong: the same realm asks again, and not because its nonce was stale.
    pub fn challenged(&mut self, response: &Message, account: &Account) -> Result<(), Refused> {
        if account.password.is_none() || self.rounds == MAX_ROUNDS {
            return Err(Refused);
        }
        let (proxy, name) = match response.status() {
            Some(401) => (false, "WWW-Authenticate"),
            Some(407) => (true, "Proxy-Authenticate"),
            _ => return Err(Refused),
        };
        // The topmost that we can is the one that the server likes best (RFC 8760 §2.4).
        let challenge = response.all(name).filter_map(|value| Challenge::parse(value).ok()).next().ok_or(Refused)?;
        if account.realm.as_ref().is_some_and(|realm| *realm != challenge.realm) {
            return Err(Refused);
        }
        if let Some(before) =
            self.held.iter_mut().find(|held| held.proxy == proxy && held.challenge.realm == challenge.realm)
        {
            // A nonce that was good for an earlier request may be replaced without a word about staleness.
            if before.challenge.nonce == challenge.nonce || (self.rounds > 0 && !challenge.stale) {
                return Err(Refused);
            }
            *before = Held { proxy, challenge, count: 0 };
        } else if self.held.len() < 4 {
            self.held.push(Held { proxy, challenge, count: 0 });
        } else {
            return Err(Refused);
        }
        self.rounds += 1;
        Ok(())
    }

    /// The headers for a request: none before the first challenge. Each use counts the nonce up.
    pub fn headers(
        &mut self,
        account: &Account,
        method: &str,
        uri: &str,
        world: &World,
    ) -> Vec<(&'static str, String)> {
        let Some(password) = &account.password else { return Vec::new() };
        let mut headers = Vec::new();
        for held in &mut self.held {
            held.count += 1;
            let name = if held.proxy { "Proxy-Authorization" } else { "Authorization" };
            let cnonce = data_encoding::HEXLOWER.encode(&world.bytes::<16>());
            let asked = Asked { method, uri, count: held.count, cnonce: &cnonce };
            headers.push((name, answer(&held.challenge, &account.user, password, &asked)));
        }
        headers
    }
}

/// What is authorised.
struct Asked<'a> {
    method: &'a str,
    uri: &'a str,
    count: u32,
    cnonce: &'a str,
}

fn answer(challenge: &Challenge, user: &str, password: &SecretString, asked: &Asked<'_>) -> String {
    let Challenge { realm, nonce, algorithm, .. } = challenge;
    let secret = Zeroizing::new(format!("{user}:{realm}:{}", password.expose()));
    let mut first = Zeroizing::new(hash(*algorithm, secret.as_bytes()));
    if algorithm.is_session() {
        let session = Zeroizing::new(format!("{}:{nonce}:{}", first.as_str(), asked.cnonce));
        first = Zeroizing::new(hash(*algorithm, session.as_bytes()));
    }
    let second = hash(*algorithm, Zeroizing::new(format!("{}:{}", asked.method, asked.uri)).as_bytes());
    let with_qop = challenge.qop == Qop::Auth;
    let middle = if with_qop { format!("{nonce}:{:08x}:{}:auth", asked.count, asked.cnonce) } else { nonce.clone() };
    let proof = Zeroizing::new(format!("{}:{middle}:{second}", first.as_str()));
    let response = hash(*algorithm, proof.as_bytes());
    let mut header = format!(
        "Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{}\", response=\"{response}\"",
        quoted(user),
        quoted(realm),
        quoted(nonce),
        asked.uri
    );
    if challenge.names_algorithm {
        header.push_str(&format!(", algorithm={}", algorithm.name()));
    }
    if let Some(opaque) = &challenge.opaque {
        header.push_str(&format!(", opaque=\"{}\"", quoted(opaque)));
    }
    if with_qop {
        header.push_str(&format!(", qop=auth, cnonce=\"{}\", nc={:08x}", asked.cnonce, asked.count));
    } else if algorithm.is_session() {
        header.push_str(&format!(", cnonce=\"{}\"", asked.cnonce));
    }
    header
}

fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests;
