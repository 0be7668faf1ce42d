//! SRTP (RFC 3711): AES in counter mode, HMAC-SHA1, keys as SDES brings them. RTCP isn't read, so it isn't decrypted.

mod keys;
mod window;

pub use keys::{MASTER, Suite};

use crate::rtp;
use keys::SessionKeys;
use types::SecretBytes;
use window::Window;

/// The most sources whose counters are kept; what more there are isn't heard. A trunk changes its source a few times in a call.
const MAX_SOURCES: usize = 16;

/// A packet can't be taken: not RTP, not ours, or seen before.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub struct NotAuthentic;

/// Protects what one source sends.
pub struct Sender {
    keys: SessionKeys,
    rollover: u32,
    last: Option<u16>,
}

/// Opens what comes in, for every source under one key.
pub struct Receiver {
    keys: SessionKeys,
    sources: Vec<(u32, Window)>,
}

impl Sender {
    /// From a master key and salt, [`MASTER`] bytes.
    ///
    /// # Errors
    /// Another length.
    pub fn new(suite: Suite, master: &SecretBytes) -> Result<Self, NotAuthentic> {
        Ok(Self { keys: SessionKeys::derive(suite, master)?, rollover: 0, last: None })
    }

    /// Encrypts a packet in place and puts its tag behind it. Sequence numbers go up by one.
    ///
    /// # Errors
    /// It isn't RTP.
    pub fn protect(&mut self, packet: &mut Vec<u8>) -> Result<(), NotAuthentic> {
        let read = rtp::parse(packet).ok_or(NotAuthentic)?;
        let (sequence, ssrc, header) = (read.sequence, read.ssrc, read.header);
        if self.last.is_some_and(|last| sequence < last) {
            self.rollover = self.rollover.wrapping_add(1);
        }
        self.last = Some(sequence);
        let index = u64::from(self.rollover) << 16 | u64::from(sequence);
        self.keys.crypt(ssrc, index, packet.get_mut(header..).ok_or(NotAuthentic)?)?;
        let tag = self.keys.tag(packet, self.rollover);
        packet.extend_from_slice(tag.as_ref().get(..self.keys.tag_length()).ok_or(NotAuthentic)?);
        Ok(())
    }
}

impl Receiver {
    /// As [`Sender::new`].
    ///
    /// # Errors
    /// As there.
    pub fn new(suite: Suite, master: &SecretBytes) -> Result<Self, NotAuthentic> {
        Ok(Self { keys: SessionKeys::derive(suite, master)?, sources: Vec::new() })
    }

    /// Checks a packet and decrypts it in place; its tag is cut off.
    ///
    /// # Errors
    /// It isn't RTP, its tag is wrong, or it was seen before. Nothing is changed by such a packet.
    pub fn open(&mut self, packet: &mut Vec<u8>) -> Result<(), NotAuthentic> {
        let end = packet.len().checked_sub(self.keys.tag_length()).ok_or(NotAuthentic)?;
        let (body, tag) = packet.split_at(end);
        let header = rtp::header_length(body).ok_or(NotAuthentic)?;
        let (Some(&[s0, s1]), Some(&[c0, c1, c2, c3])) = (body.get(2..4), body.get(8..12)) else {
            return Err(NotAuthentic);
        };
        let (sequence, ssrc) = (u16::from_be_bytes([s0, s1]), u32::from_be_bytes([c0, c1, c2, c3]));
        let place = self.sources.iter().position(|(source, _)| *source == ssrc);
        let index = match place.and_then(|place| self.sources.get(place)) {
            Some((_, window)) => window.index_of(sequence).ok_or(NotAuthentic)?,
            None => u64::from(sequence),
        };
        let rollover = u32::try_from(index >> 16).map_err(|_| NotAuthentic)?;
        let expected = self.keys.tag(body, rollover);
        if !types::ct_eq(expected.as_ref().get(..tag.len()).ok_or(NotAuthentic)?, tag) {
            return Err(NotAuthentic);
        }
        if let Some((_, window)) = place.and_then(|place| self.sources.get_mut(place)) {
            window.note(index);
        } else if self.sources.len() < MAX_SOURCES {
            self.sources.push((ssrc, Window::new(index)));
        } else {
            return Err(NotAuthentic);
        }
        packet.truncate(end);
        self.keys.crypt(ssrc, index, packet.get_mut(header..).ok_or(NotAuthentic)?)
    }
}

#[cfg(test)]
mod tests;
