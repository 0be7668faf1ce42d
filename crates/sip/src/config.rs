//! What is to be known of a trunk.

use serde::Deserialize;
use std::{net::IpAddr, ops::RangeInclusive, path::PathBuf, time::Duration};
use types::SecretString;

/// How messages travel to the trunk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Datagrams, repeated until they are answered (RFC 3261 §17).
    #[default]
    Udp,
    /// One connection, in clear.
    Tcp,
    /// One connection under TLS 1.2 or 1.3, the server's certificate verified for the name in [`Config::server`].
    Tls,
}

impl Transport {
    /// The port that it has where none is given (RFC 3261 §19.1.2).
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 5060,
            Self::Tls => 5061,
        }
    }
}

/// Whether the sound is encrypted (SRTP with keys in the SDP, RFC 4568). Its keys are as secret as the signalling: over anything but
/// [`Transport::Tls`] whoever reads along has them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Srtp {
    /// Never.
    #[default]
    Off,
    /// Where the other side wants it, too.
    Offered,
    /// A call without it is hung up before anything is said.
    Required,
}

/// How samples are written: G.711's two laws, 8 kHz, 8 bit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    /// µ-law: North America, Japan. RTP payload type 0.
    Pcmu,
    /// A-law: the rest of the world. RTP payload type 8.
    Pcma,
}

/// A trunk, and how it is spoken to.
#[derive(Clone)]
pub struct Config {
    /// `host`, `host:port` or `[v6]:port`. A name is looked up for its addresses (not for SRV records).
    pub server: String,
    /// How messages travel.
    pub transport: Transport,
    /// The account's user; also the caller where [`Config::from`] says nothing.
    pub user: String,
    /// The account's password. Without one a challenge ends the call.
    pub password: Option<SecretString>,
    /// The domain in addresses; the server's host where nothing is said.
    pub domain: Option<String>,
    /// The only realm whose challenges are answered; any where nothing is said.
    pub realm: Option<String>,
    /// The caller's number or name in `From`, as the trunk wants it.
    pub from: Option<String>,
    /// Whether numbers are dialled with their `+`.
    pub plus: bool,
    /// Digits in front of each number, e.g. for an outside line.
    pub prefix: String,
    /// Encryption of the sound.
    pub srtp: Srtp,
    /// In the order in which they are offered.
    pub codecs: Vec<Codec>,
    /// The address to bind; where nothing is said, the one from which the system reaches the server.
    pub local: Option<IpAddr>,
    /// The address that others reach us at, where it is another than the bound one (NAT with fixed ports).
    pub advertised: Option<IpAddr>,
    /// The port for SIP over UDP; 0 for any.
    pub port: u16,
    /// Ports for sound: an even one and the next for each call.
    pub media_ports: RangeInclusive<u16>,
    /// Certificates in PEM that a TLS server's must lead to; the system's where nothing is said.
    pub ca_file: Option<PathBuf>,
    /// How long a call may ring before it ends with [`Cause::NoAnswer`](crate::Cause::NoAnswer).
    pub ring: Duration,
    /// How long the first sign of life may take after an INVITE; then the call ends with [`Cause::Lost`](crate::Cause::Lost), so that another
    /// way can be tried. Should the trunk wake up later, the call is cancelled there.
    pub patience: Duration,
    /// How often the trunk is asked whether it lives (`OPTIONS`); never where nothing is said, and then it counts as up.
    pub probe: Option<Duration>,
}

impl Config {
    /// The usual: UDP, no password, both laws, ports 16384 to 32767, a minute's ringing, a probe every 30 seconds.
    #[must_use]
    pub fn new(server: &str, user: &str) -> Self {
        Self {
            server: server.to_owned(),
            transport: Transport::default(),
            user: user.to_owned(),
            password: None,
            domain: None,
            realm: None,
            from: None,
            plus: true,
            prefix: String::new(),
            srtp: Srtp::default(),
            codecs: vec![Codec::Pcma, Codec::Pcmu],
            local: None,
            advertised: None,
            port: 0,
            media_ports: 16384..=32767,
            ca_file: None,
            ring: Duration::from_secs(60),
            patience: Duration::from_secs(6),
            probe: Some(Duration::from_secs(30)),
        }
    }
}
