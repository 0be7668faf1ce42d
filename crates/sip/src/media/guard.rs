//! From whom sound and keys are taken, and to whom sound is sent.
//!
//! Whoever could make us take his address for the peer's would be told the code. So only two places count: the one that the description
//! names, and, where address translators stand between, another port of it, or the trunk's own address if the named one can't be reached from
//! here.

use std::net::{IpAddr, SocketAddr};

/// The one peer of a call.
pub(super) struct Guard {
    named: SocketAddr,
    signalling: IpAddr,
    /// Where its first packet came from.
    seen: Option<SocketAddr>,
}

impl Guard {
    pub(super) const fn new(named: SocketAddr, signalling: IpAddr) -> Self {
        Self { named, signalling, seen: None }
    }

    /// Another place was named.
    pub(super) fn change(&mut self, named: SocketAddr) {
        if self.named != named {
            self.named = named;
            self.seen = None;
        }
    }

    /// Whether packets from here are looked at.
    pub(super) fn admits(&self, from: SocketAddr) -> bool {
        if from == self.named {
            return true;
        }
        match self.seen {
            Some(seen) => seen == from,
            None => from.ip() == self.named.ip() || (from.ip() == self.signalling && is_private(self.named.ip())),
        }
    }

    /// Where the peer is, once it has been heard.
    pub(super) const fn seen(&self) -> Option<SocketAddr> {
        self.seen
    }

    /// A packet from here was in order. Gives the place where the peer is from now on, if it is a new one.
    pub(super) fn note(&mut self, from: SocketAddr) -> Option<SocketAddr> {
        if self.seen == Some(from) {
            return None;
        }
        let before = self.seen.unwrap_or(self.named);
        self.seen = Some(from);
        (before != from).then_some(from)
    }
}

/// An address that isn't reached over the internet.
fn is_private(address: IpAddr) -> bool {
    match address {
        // 100.64.0.0/10 is for carriers' own translators (RFC 6598).
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            v4.is_private()
                || v4.is_link_local()
                || v4.is_loopback()
                || v4.is_unspecified()
                || (first == 100 && second >> 6 == 1)
        }
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_loopback() || v6.is_unspecified(),
    }
}
