//! The receiving half of a call's sound: who may be heard, and which keys were pressed.

mod guard;
mod ports;

pub(crate) use ports::{Pair, bind};

use crate::{key_events::Listener, rtp, sdes::Crypto, sdp::Plan, srtp::Receiver};
use guard::Guard;
use std::net::{IpAddr, SocketAddr};

/// Hears a call.
pub(crate) struct Ear {
    guard: Guard,
    keys: Vec<u8>,
    cipher: Option<(Crypto, Receiver)>,
    listener: Listener,
}

/// What a packet has brought.
#[derive(Default, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) key: Option<char>,
    /// The other side is here, and not where it was thought to be.
    pub(crate) moved: Option<SocketAddr>,
}

impl Ear {
    /// `signalling` is the trunk's own address.
    pub(crate) fn new(plan: &Plan, signalling: IpAddr) -> Option<Self> {
        let cipher = cipher(plan, None)?;
        Some(Self {
            guard: Guard::new(plan.remote, signalling),
            keys: plan.keys_heard.clone(),
            cipher,
            listener: Listener::default(),
        })
    }

    /// The session has changed. `None` where its key is none: nothing may be heard then.
    pub(crate) fn change(mut self, plan: &Plan) -> Option<Self> {
        self.cipher = cipher(plan, self.cipher.take())?;
        self.guard.change(plan.remote);
        self.keys.clone_from(&plan.keys_heard);
        Some(self)
    }

    /// Where the other side is, once it has been heard under the description that counts now.
    pub(crate) const fn peer(&self) -> Option<SocketAddr> {
        self.guard.seen()
    }

    /// A packet has come.
    pub(crate) fn hear(&mut self, packet: &mut Vec<u8>, from: SocketAddr) -> Heard {
        let mut heard = Heard::default();
        if !self.guard.admits(from) {
            return heard;
        }
        if let Some((_, cipher)) = &mut self.cipher
            && cipher.open(packet).is_err()
        {
            return heard;
        }
        let Some(read) = rtp::parse(packet) else { return heard };
        heard.moved = self.guard.note(from);
        if self.keys.contains(&read.payload_type) {
            heard.key = self.listener.take(&read);
        }
        heard
    }
}

/// Under the same key what was seen stays seen.
#[expect(clippy::option_option, reason = "the outer one: whether the key can be used at all")]
fn cipher(plan: &Plan, before: Option<(Crypto, Receiver)>) -> Option<Option<(Crypto, Receiver)>> {
    let Some((_, theirs)) = &plan.crypto else { return Some(None) };
    if let Some((key, receiver)) = before
        && key.suite == theirs.suite
        && key.master.ct_eq(theirs.master.expose())
    {
        return Some(Some((key, receiver)));
    }
    Some(Some((theirs.clone(), Receiver::new(theirs.suite, &theirs.master).ok()?)))
}

#[cfg(test)]
mod tests;
