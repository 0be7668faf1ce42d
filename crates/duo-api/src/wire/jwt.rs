//! JWTs that an application signs with its secret key, and those that are signed for it (RFC 7515, RFC 7519).
//!
//! The library reads the compact form and checks the signature. What it leaves open is settled here: only HS512 and HS256, because
//! the key is a shared secret and nothing else; no `crit`, because nothing of it is understood; each claim once; times by the clock
//! that is given.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::time::Duration;
use types::{Millis, SecretString};

/// Bytes of a JWT. Those of Duo's clients take less than 2,000 with the longest state.
pub const LONGEST: usize = 12 * 1024;
/// How far a client's clock may be off. Duo's clients allow the server the same (`LEEWAY`, `JWT_LEEWAY`).
pub const LEEWAY: Duration = Duration::from_secs(60);
/// How long a client's JWT may live: its clients refuse to make longer ones (`FIVE_MINUTES_IN_SECONDS`).
pub const LONGEST_LIFE: Duration = Duration::from_secs(300);

/// Why a JWT is none. For our log: the client is told one thing for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    /// Too long, not three parts, not the JSON of a header and of these claims, a claim twice.
    #[error("not a JWT with these claims")]
    Malformed,
    /// Signed by another algorithm, or by none, or with an extension that must be understood.
    #[error("not an algorithm of a shared secret")]
    Algorithm,
    /// Not signed with this key.
    #[error("not signed with this key")]
    Signature,
    /// Too old, not valid yet, or valid for too long.
    #[error("not a time in which it is valid")]
    Time,
    /// A claim isn't what it must be.
    #[error("the claim {0} isn't what it must be")]
    Claim(&'static str),
}

/// A JWT of which nothing is known but who claims to have signed it.
pub struct UnverifiedJwt<'a> {
    text: &'a str,
    algorithm: Algorithm,
    issuer: Option<String>,
}

#[derive(Deserialize)]
struct Claimed {
    iss: Option<String>,
}

impl<'a> UnverifiedJwt<'a> {
    /// Looks at the header and the issuer.
    ///
    /// # Errors
    /// [`JwtError::Malformed`] or [`JwtError::Algorithm`].
    pub fn read(text: &'a str) -> Result<Self, JwtError> {
        if text.len() > LONGEST {
            return Err(JwtError::Malformed);
        }
        // An algorithm that the library doesn't know, such as `none`, can't be told from a broken header. Both are refused.
        let header = jsonwebtoken::decode_header(text).map_err(|_| JwtError::Malformed)?;
        let known = matches!(header.alg, Algorithm::HS512 | Algorithm::HS256);
        let typed = header.typ.as_deref().is_none_or(|typ| typ.eq_ignore_ascii_case("JWT"));
        if !known || !typed || header.crit.is_some() {
            return Err(JwtError::Algorithm);
        }
        let claimed: Claimed =
            jsonwebtoken::dangerous::insecure_decode_claims(text).map_err(|_| JwtError::Malformed)?;
        Ok(Self { text, algorithm: header.alg, issuer: claimed.iss })
    }

    /// Who claims to have signed it.
    #[must_use]
    pub fn claimed_issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// The claims, if the holder of `secret` signed them.
    ///
    /// # Errors
    /// [`JwtError::Signature`], or [`JwtError::Malformed`] when the claims aren't those that are wanted.
    pub fn verify<C: DeserializeOwned>(&self, secret: &SecretString) -> Result<VerifiedJwt<C>, JwtError> {
        let mut rules = Validation::new(self.algorithm);
        rules.required_spec_claims.clear();
        (rules.validate_exp, rules.validate_nbf, rules.validate_aud) = (false, false, false);
        let key = DecodingKey::from_secret(secret.expose().as_bytes());
        match jsonwebtoken::decode(self.text, &key, &rules) {
            Ok(token) => Ok(VerifiedJwt(token.claims)),
            Err(error) => Err(match error.kind() {
                jsonwebtoken::errors::ErrorKind::InvalidSignature => JwtError::Signature,
                _ => JwtError::Malformed,
            }),
        }
    }
}

/// Claims that the holder of the secret signed. Their times and their meaning are still to be judged.
pub struct VerifiedJwt<C>(C);

impl<C> VerifiedJwt<C> {
    /// The claims.
    pub fn into_claims(self) -> C {
        self.0
    }
}

/// Signs `claims` by HS512, the one algorithm that Duo's clients accept.
///
/// # Errors
/// [`JwtError::Malformed`] when the claims can't be written as JSON.
pub fn sign(secret: &SecretString, claims: &impl Serialize) -> Result<String, JwtError> {
    let key = EncodingKey::from_secret(secret.expose().as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS512), claims, &key).map_err(|_| JwtError::Malformed)
}

/// A point in time as a JWT has it: seconds, which Python's client gives with a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub struct NumericDate(Millis);

impl TryFrom<f64> for NumericDate {
    type Error = &'static str;

    fn try_from(seconds: f64) -> Result<Self, Self::Error> {
        // Year 5138; what is not a number is in no range.
        if (0.0..1e11).contains(&seconds) { Ok(Self(Millis((seconds * 1000.0) as i64))) } else { Err("not a time") }
    }
}

impl NumericDate {
    /// In milliseconds.
    #[must_use]
    pub const fn millis(self) -> Millis {
        self.0
    }
}

/// Whether a JWT with these times is valid now: not past, not of the future, not for longer than [`LONGEST_LIFE`], give or take
/// [`LEEWAY`].
///
/// # Errors
/// [`JwtError::Time`].
pub fn check_times(
    expires: NumericDate,
    issued: Option<NumericDate>,
    not_before: Option<NumericDate>,
    now: Millis,
) -> Result<(), JwtError> {
    let past = expires.0 + LEEWAY <= now;
    let too_long = expires.0 > now + LONGEST_LIFE + LEEWAY;
    let early = [issued, not_before].into_iter().flatten().any(|date| date.0 > now + LEEWAY);
    if past || too_long || early { Err(JwtError::Time) } else { Ok(()) }
}

/// Whom a JWT is for: one, or several.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// As all of Duo's clients write it.
    One(String),
    /// RFC 7519 §4.1.3.
    Several(Vec<String>),
}

impl Audience {
    /// The ones named.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let names: &[String] = match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Several(names) => names,
        };
        names.iter().map(String::as_str)
    }
}

/// The host that a client calls this server by, as its audience has it: `https://HOST`, then `path`. The name must be `api_host`
/// (in any case), a port may follow. What comes back is what the client wrote, for it compares bytes.
#[must_use]
pub fn host_of_audience<'a>(audience: &'a str, path: &str, api_host: &str) -> Option<&'a str> {
    let authority = audience.strip_prefix("https://")?.strip_suffix(path)?;
    let (name, port) = match authority.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (authority, None),
    };
    let is_port =
        |port: &str| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port != 0);
    (name.eq_ignore_ascii_case(api_host) && !name.is_empty() && port.is_none_or(is_port)).then_some(authority)
}

#[cfg(test)]
#[path = "jwt_tests.rs"]
mod tests;
