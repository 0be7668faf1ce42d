//! `WWW-Authenticate` and `Proxy-Authenticate`, read.

use crate::message::{Malformed, split_list, unquote};

/// The longest nonce, realm or opaque that is taken.
const MAX_VALUE: usize = 512;

/// How the answer is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// MD5, also where nothing is said.
    Md5,
    /// MD5 over a key for the session.
    Md5Session,
    /// SHA-256.
    Sha256,
    /// The same for the session.
    Sha256Session,
    /// SHA-512/256.
    Sha512,
    /// The same for the session.
    Sha512Session,
}

impl Algorithm {
    const ALL: [Self; 6] =
        [Self::Md5, Self::Md5Session, Self::Sha256, Self::Sha256Session, Self::Sha512, Self::Sha512Session];

    /// As it is written in a header.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Md5Session => "MD5-sess",
            Self::Sha256 => "SHA-256",
            Self::Sha256Session => "SHA-256-sess",
            Self::Sha512 => "SHA-512-256",
            Self::Sha512Session => "SHA-512-256-sess",
        }
    }

    pub(super) const fn is_session(self) -> bool {
        matches!(self, Self::Md5Session | Self::Sha256Session | Self::Sha512Session)
    }
}

/// What the answer protects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Qop {
    /// Nothing is said: the form of RFC 2069.
    None,
    /// Method and address, with a count.
    Auth,
}

/// A challenge that can be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// Whose password is asked for.
    pub realm: String,
    /// The server's chance.
    pub nonce: String,
    /// Goes back as it is.
    pub opaque: Option<String>,
    /// The hash.
    pub algorithm: Algorithm,
    /// Whether the challenge named it: the answer then does, too.
    pub names_algorithm: bool,
    /// What is protected.
    pub qop: Qop,
    /// The answer was right, but for a nonce that is too old.
    pub stale: bool,
}

impl Challenge {
    /// Reads one.
    ///
    /// # Errors
    /// Another scheme than Digest, no realm or nonce, an algorithm or a protection that we don't have.
    pub fn parse(value: &str) -> Result<Self, Malformed> {
        let value = value.trim();
        let (scheme, rest) = value.split_once([' ', '\t']).ok_or(Malformed::Header)?;
        if !scheme.eq_ignore_ascii_case("Digest") {
            return Err(Malformed::Header);
        }
        let (mut realm, mut nonce, mut opaque, mut algorithm, mut qop) = (None, None, None, None, None);
        let mut stale = false;
        for part in split_list(rest) {
            let (name, value) = part.split_once('=').ok_or(Malformed::Header)?;
            let value = value.trim();
            let is_open = value.starts_with('"') && (value.len() < 2 || !value.ends_with('"'));
            let value = unquote(value);
            if is_open || value.len() > MAX_VALUE || value.chars().any(char::is_control) {
                return Err(Malformed::Header);
            }
            let slot = match name.trim().to_ascii_lowercase().as_str() {
                "realm" => &mut realm,
                "nonce" => &mut nonce,
                "opaque" => &mut opaque,
                "algorithm" => &mut algorithm,
                "qop" => &mut qop,
                "stale" => {
                    stale = value.eq_ignore_ascii_case("true");
                    continue;
                }
                _ => continue,
            };
            if slot.replace(value).is_some() {
                return Err(Malformed::Count);
            }
        }
        let names_algorithm = algorithm.is_some();
        let algorithm = match algorithm {
            None => Algorithm::Md5,
            Some(name) => Algorithm::ALL
                .into_iter()
                .find(|one| one.name().eq_ignore_ascii_case(&name))
                .ok_or(Malformed::Header)?,
        };
        let qop = match qop {
            None => Qop::None,
            Some(offered) if offered.split(',').any(|one| one.trim().eq_ignore_ascii_case("auth")) => Qop::Auth,
            Some(_) => return Err(Malformed::Header),
        };
        Ok(Self {
            realm: realm.ok_or(Malformed::Header)?,
            nonce: nonce.filter(|nonce| !nonce.is_empty()).ok_or(Malformed::Header)?,
            opaque,
            algorithm,
            names_algorithm,
            qop,
            stale,
        })
    }
}
