//! Our side of a session: what is offered, what an answer makes of it, and answers to what the other side offers later.

use super::{Direction, Media, Session};
use crate::{
    config::{Codec, Srtp},
    sdes::Crypto,
    srtp::Suite,
};
use std::net::{IpAddr, SocketAddr};
use types::World;

/// The payload type under which we offer keys.
const KEYS: u8 = 101;

/// The two sides can't come together.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
#[error("no common session")]
pub struct Mismatch;

/// How sound travels, once both sides agree.
#[derive(Clone)]
pub struct Plan {
    /// Where to.
    pub remote: SocketAddr,
    /// In which law.
    pub codec: Codec,
    /// The law's payload type.
    pub payload_type: u8,
    /// The payload type of keys that we press; without one they are refused.
    pub keys: Option<u8>,
    /// The payload types of keys that are pressed there.
    pub keys_heard: Vec<u8>,
    /// Whether the other side wants to hear.
    pub send: bool,
    /// Our key and theirs; nothing for sound in clear.
    pub crypto: Option<(Crypto, Crypto)>,
}

/// Our side.
pub struct Local {
    address: SocketAddr,
    codecs: Vec<Codec>,
    srtp: Srtp,
    id: u32,
    version: u32,
    crypto: Vec<Crypto>,
    /// The last description that was sent, without its version.
    last: String,
    encrypted: bool,
}

impl Local {
    /// A side that receives at `address`.
    #[must_use]
    pub fn new(address: SocketAddr, codecs: &[Codec], srtp: Srtp, world: &World) -> Self {
        let crypto = match srtp {
            Srtp::Off => Vec::new(),
            Srtp::Offered | Srtp::Required => {
                vec![Crypto::make(1, Suite::Tag80, world), Crypto::make(2, Suite::Tag32, world)]
            }
        };
        let id = u32::from_be_bytes(world.bytes()) >> 1;
        Self { address, codecs: codecs.to_vec(), srtp, id, version: 0, crypto, last: String::new(), encrypted: false }
    }

    /// The offer of a new call, or of a session that the other side asks us to offer again.
    pub fn offer(&mut self) -> String {
        let protocol = if self.srtp == Srtp::Required || self.encrypted { "RTP/SAVP" } else { "RTP/AVP" };
        let codecs: Vec<(u8, Codec)> = self.codecs.iter().map(|codec| (fixed(*codec), *codec)).collect();
        let stream = stream(self.address.port(), protocol, &codecs, Some(KEYS), Direction::SendRecv, &self.crypto);
        self.write(&stream)
    }

    /// What the answer to [`Local::offer`] makes of it.
    ///
    /// # Errors
    /// It refuses the stream, chooses what wasn't offered, or leaves out the encryption that is required.
    pub fn answered(&mut self, answer: &Session) -> Result<Plan, Mismatch> {
        // An answer has as many streams as the offer, in the same order (RFC 3264 §6).
        let media = answer.media.first().ok_or(Mismatch)?;
        if media.kind != "audio" || media.port == 0 {
            return Err(Mismatch);
        }
        let crypto = match (self.srtp, media.protocol.as_str()) {
            (Srtp::Off, "RTP/AVP") => None,
            (Srtp::Offered | Srtp::Required, "RTP/AVP" | "RTP/SAVP") => media.crypto.iter().find_map(|theirs| {
                let same = |ours: &&Crypto| ours.tag == theirs.tag && ours.suite == theirs.suite;
                Some((self.crypto.iter().find(same)?.clone(), theirs.clone()))
            }),
            _ => return Err(Mismatch),
        };
        if crypto.is_none() && (self.srtp == Srtp::Required || self.encrypted || media.protocol == "RTP/SAVP") {
            return Err(Mismatch);
        }
        let plan = self.plan(answer, media, crypto)?;
        self.encrypted = plan.crypto.is_some();
        Ok(plan)
    }

    /// The answer to an offer of the other side, and what it makes of the session.
    ///
    /// # Errors
    /// Nothing of it can be taken: the session stays as it is.
    pub fn answer(&mut self, offer: &Session, world: &World) -> Result<(String, Plan), Mismatch> {
        let place = offer.media.iter().position(|media| media.kind == "audio" && media.port != 0).ok_or(Mismatch)?;
        let media = offer.media.get(place).ok_or(Mismatch)?;
        let wants = match media.protocol.as_str() {
            "RTP/AVP" => false,
            "RTP/SAVP" => true,
            _ => return Err(Mismatch),
        };
        let theirs = if self.srtp == Srtp::Off { None } else { media.crypto.first() };
        // Sound that was encrypted is never sent in clear later, whoever asks.
        if theirs.is_none() && (wants || self.srtp == Srtp::Required || self.encrypted) {
            return Err(Mismatch);
        }
        let crypto = theirs.map(|theirs| {
            // Our key stays as long as the suite does, so that a packet on its way isn't lost.
            let ours = self.crypto.iter().find(|ours| ours.suite == theirs.suite).cloned();
            let ours = ours.unwrap_or_else(|| Crypto::make(theirs.tag, theirs.suite, world));
            (Crypto { tag: theirs.tag, ..ours }, theirs.clone())
        });
        let mut plan = self.plan(offer, media, crypto)?;
        // In an answer each encoding has the number that the offer gave it.
        plan.keys_heard.extend(plan.keys);
        let direction = media.direction.or(offer.direction).unwrap_or_default().answered();
        let ours: Vec<Crypto> = plan.crypto.iter().map(|(ours, _)| ours.clone()).collect();
        let codecs = [(plan.payload_type, plan.codec)];
        let mut streams = String::new();
        for (at, other) in offer.media.iter().enumerate() {
            if at == place {
                streams += &stream(self.address.port(), &media.protocol, &codecs, plan.keys, direction, &ours);
            } else {
                let formats = other.formats.first().map_or("0", String::as_str);
                streams += &format!("m={} 0 {} {formats}\r\n", other.kind, other.protocol);
            }
        }
        self.encrypted = plan.crypto.is_some();
        Ok((self.write(&streams), plan))
    }

    fn plan(&self, session: &Session, media: &Media, crypto: Option<(Crypto, Crypto)>) -> Result<Plan, Mismatch> {
        let place = if media.has_connection { media.connection } else { session.connection };
        let place = place.ok_or(Mismatch)?;
        if place.is_ipv4() != self.address.is_ipv4() || place.is_multicast() {
            return Err(Mismatch);
        }
        // The first of theirs that we have: in an answer it is the one that is meant to be used.
        let (payload_type, codec) = media
            .formats
            .iter()
            .find_map(|format| {
                let kind: u8 = format.parse().ok()?;
                let is = |codec: &&Codec| media.payload_type(encoding(**codec), Some(fixed(**codec))) == Some(kind);
                self.codecs.iter().find(is).map(|codec| (kind, *codec))
            })
            .ok_or(Mismatch)?;
        let direction = media.direction.or(session.direction).unwrap_or_default();
        let keys = media.payload_type("telephone-event/8000", None);
        Ok(Plan {
            remote: SocketAddr::new(place, media.port),
            codec,
            payload_type,
            keys,
            keys_heard: vec![KEYS],
            // The old way to hold a call is to be nowhere (RFC 3264 §8.4).
            send: direction.listens() && !place.is_unspecified(),
            crypto,
        })
    }

    /// The whole description; its version goes up when it changes (RFC 3264 §8).
    fn write(&mut self, streams: &str) -> String {
        if self.last != streams {
            self.version += 1;
            streams.clone_into(&mut self.last);
        }
        let (kind, address) = match self.address.ip() {
            IpAddr::V4(address) => ("IP4", address.to_string()),
            IpAddr::V6(address) => ("IP6", address.to_string()),
        };
        let (id, version) = (self.id, self.version);
        format!("v=0\r\no=- {id} {version} IN {kind} {address}\r\ns=-\r\nc=IN {kind} {address}\r\nt=0 0\r\n{streams}")
    }
}

fn stream(
    port: u16,
    protocol: &str,
    codecs: &[(u8, Codec)],
    keys: Option<u8>,
    direction: Direction,
    crypto: &[Crypto],
) -> String {
    let mut formats: Vec<String> = codecs.iter().map(|(kind, _)| kind.to_string()).collect();
    formats.extend(keys.map(|kind| kind.to_string()));
    let mut text = format!("m=audio {port} {protocol} {}\r\n", formats.join(" "));
    for (kind, codec) in codecs {
        text += &format!("a=rtpmap:{kind} {}\r\n", encoding(*codec).to_ascii_uppercase());
    }
    if let Some(kind) = keys {
        text += &format!("a=rtpmap:{kind} telephone-event/8000\r\na=fmtp:{kind} 0-15\r\n");
    }
    for one in crypto {
        text += &format!("a=crypto:{}\r\n", one.to_text());
    }
    text += &format!("a=ptime:20\r\na={}\r\n", direction.name());
    text
}

const fn fixed(codec: Codec) -> u8 {
    match codec {
        Codec::Pcmu => 0,
        Codec::Pcma => 8,
    }
}

const fn encoding(codec: Codec) -> &'static str {
    match codec {
        Codec::Pcmu => "pcmu/8000",
        Codec::Pcma => "pcma/8000",
    }
}
