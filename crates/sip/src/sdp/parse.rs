//! What is read of a session description.

use super::Direction;
use crate::sdes::Crypto;
use std::net::IpAddr;

/// The longest description, its most lines, streams and formats of a stream.
const MAX_BYTES: usize = 16 * 1024;
const MAX_LINES: usize = 512;
const MAX_MEDIA: usize = 16;
const MAX_FORMATS: usize = 64;

/// It isn't a session description, or too long.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
#[error("not a session description")]
pub struct NotSdp;

/// A description.
#[derive(Clone, Default)]
pub struct Session {
    /// Where its streams are received, unless a stream says otherwise. Names aren't looked up: they leave this empty.
    pub connection: Option<IpAddr>,
    /// The direction of all streams that don't say their own.
    pub direction: Option<Direction>,
    /// The streams, in their order.
    pub media: Vec<Media>,
}

/// A stream.
#[derive(Clone, Default)]
pub struct Media {
    /// `audio`, `video`, …
    pub kind: String,
    /// 0 where it is refused.
    pub port: u16,
    /// `RTP/AVP`, `RTP/SAVP`, …
    pub protocol: String,
    /// As they are written: payload types, for RTP.
    pub formats: Vec<String>,
    /// Where it is received.
    pub connection: Option<IpAddr>,
    /// Whether it names a place of its own, readable or not.
    pub has_connection: bool,
    /// Its direction.
    pub direction: Option<Direction>,
    /// Payload types by encoding: `pcmu/8000`, in lower case.
    pub maps: Vec<(u8, String)>,
    /// Keys that we can use.
    pub crypto: Vec<Crypto>,
}

impl Session {
    /// Reads one.
    ///
    /// # Errors
    /// It isn't one, or is beyond the limits.
    pub fn parse(bytes: &[u8]) -> Result<Self, NotSdp> {
        if bytes.len() > MAX_BYTES {
            return Err(NotSdp);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| NotSdp)?;
        let mut session = Self::default();
        let mut lines = 0;
        let mut begun = false;
        for line in text.lines() {
            let line = line.trim_end();
            lines += 1;
            if lines > MAX_LINES {
                return Err(NotSdp);
            }
            if line.is_empty() {
                continue;
            }
            let (kind, value) = line.split_once('=').ok_or(NotSdp)?;
            if !begun && (kind, value) != ("v", "0") {
                return Err(NotSdp);
            }
            begun = true;
            match kind {
                "m" => {
                    if session.media.len() == MAX_MEDIA {
                        return Err(NotSdp);
                    }
                    session.media.push(Media::parse(value)?);
                }
                "c" => {
                    let place = connection(value)?;
                    match session.media.last_mut() {
                        Some(media) => (media.connection, media.has_connection) = (place, true),
                        None => session.connection = place,
                    }
                }
                "a" => session.attribute(value)?,
                _ if kind.len() == 1 && kind.bytes().all(|byte| byte.is_ascii_lowercase()) => {}
                _ => return Err(NotSdp),
            }
        }
        if begun { Ok(session) } else { Err(NotSdp) }
    }

    fn attribute(&mut self, text: &str) -> Result<(), NotSdp> {
        if let Some(direction) = Direction::parse(text) {
            match self.media.last_mut() {
                Some(media) => media.direction = Some(direction),
                None => self.direction = Some(direction),
            }
            return Ok(());
        }
        let Some(media) = self.media.last_mut() else { return Ok(()) };
        match text.split_once(':') {
            Some(("rtpmap", map)) => {
                let (kind, encoding) = map.split_once(' ').ok_or(NotSdp)?;
                let kind: u8 = kind.parse().map_err(|_| NotSdp)?;
                if media.maps.len() < MAX_FORMATS {
                    media.maps.push((kind, encoding.trim().to_ascii_lowercase()));
                }
            }
            Some(("crypto", crypto)) if media.crypto.len() < MAX_MEDIA => {
                media.crypto.extend(Crypto::parse(crypto));
            }
            _ => {}
        }
        Ok(())
    }
}

impl Media {
    fn parse(value: &str) -> Result<Self, NotSdp> {
        let mut words = value.split_ascii_whitespace();
        let kind = words.next().ok_or(NotSdp)?.to_owned();
        // `49170/2` is two streams in a row, of which the first will do.
        let port = words.next().ok_or(NotSdp)?;
        let port = port.split('/').next().unwrap_or_default().parse().map_err(|_| NotSdp)?;
        let protocol = words.next().ok_or(NotSdp)?.to_owned();
        let formats: Vec<String> = words.map(str::to_owned).collect();
        if formats.is_empty() || formats.len() > MAX_FORMATS {
            return Err(NotSdp);
        }
        Ok(Self { kind, port, protocol, formats, ..Self::default() })
    }

    /// The payload type of an encoding, among the formats of this stream. What has a fixed type needs no map (RFC 3551 §6).
    #[must_use]
    pub fn payload_type(&self, encoding: &str, fixed: Option<u8>) -> Option<u8> {
        self.formats.iter().filter_map(|format| format.parse().ok()).find(|kind: &u8| {
            match self.maps.iter().find(|(mapped, _)| mapped == kind) {
                // `/1` at the end is one channel.
                Some((_, name)) => name == encoding || name.strip_suffix("/1") == Some(encoding),
                None => fixed == Some(*kind),
            }
        })
    }
}

/// `IN IP4 192.0.2.1`; a name gives nothing.
fn connection(value: &str) -> Result<Option<IpAddr>, NotSdp> {
    let mut words = value.split_ascii_whitespace();
    let (Some("IN"), Some(kind), Some(place)) = (words.next(), words.next(), words.next()) else { return Err(NotSdp) };
    let place: Option<IpAddr> = place.split('/').next().unwrap_or_default().parse().ok();
    match (kind, place) {
        ("IP4", Some(IpAddr::V4(_)) | None) | ("IP6", Some(IpAddr::V6(_)) | None) => Ok(place),
        _ => Err(NotSdp),
    }
}
