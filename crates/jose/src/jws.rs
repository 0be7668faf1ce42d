//! The compact form of a JWS (RFC 7515 §7.1), before and after its signature was verified.

use crate::{Algorithm, Algorithms, JoseError, Jwk, KeySet, VerifyKey, base64, json};
use serde_json::{Map, Value};

/// Bytes of a token that are looked at.
pub const MAX_TOKEN: usize = 16 * 1024;
/// Bytes of its header.
const MAX_HEADER: usize = 4 * 1024;
/// Characters of `kid` and `typ`.
const MAX_NAME: usize = 256;
/// Header members that would change what is verified, or where its key comes from. A reader that doesn't do what they ask must refuse them
/// (RFC 7515 §4.1.11), and where a key comes from is never the token's to say.
const REFUSED: [&str; 7] = ["crit", "jku", "x5u", "b64", "zip", "enc", "jwk"];

/// A token whose signature nobody has looked at. Its claims can't be read; see [`hint`](Self::hint).
pub struct Unverified<'a> {
    text: &'a str,
    algorithm: Algorithm,
    kid: Option<String>,
    typ: Option<String>,
    jwk: Option<Jwk>,
    message: &'a str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// What a verified token says. There is no way to make one but to verify.
#[derive(Clone, Debug)]
pub struct Verified<T> {
    claims: T,
    algorithm: Algorithm,
    kid: Option<String>,
    typ: Option<String>,
}

impl<'a> Unverified<'a> {
    /// Takes a compact JWS apart. Its algorithm must be one that is known; the header must ask for nothing that isn't done.
    pub fn parse(text: &'a str) -> Result<Self, JoseError> {
        Self::parse_with(text, false)
    }

    /// As [`parse`](Self::parse), with the key in the header that a proof of possession has.
    pub(crate) fn parse_with(text: &'a str, wants_jwk: bool) -> Result<Self, JoseError> {
        if text.len() > MAX_TOKEN {
            return Err(JoseError::TooLarge("token"));
        }
        let malformed = JoseError::Malformed("a token has three parts");
        let (message, signature) = text.rsplit_once('.').ok_or(malformed)?;
        let (header, payload) = message.split_once('.').ok_or(malformed)?;
        if payload.contains('.') {
            return Err(malformed);
        }
        let header = json::parse_object(&base64::decode(header)?, MAX_HEADER)?;
        let is_refused = |name: &&&str| header.contains_key(**name) && !(wants_jwk && **name == "jwk");
        if let Some(name) = REFUSED.iter().find(is_refused) {
            return Err(JoseError::Header(name));
        }
        let text_of = |name: &'static str| match header.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.len() <= MAX_NAME => Ok(Some(text.clone())),
            Some(_) => Err(JoseError::Header(name)),
        };
        let algorithm = text_of("alg")?.as_deref().and_then(Algorithm::from_name).ok_or(JoseError::Algorithm)?;
        let jwk = match header.get("jwk") {
            Some(value) => Some(Jwk::from_value(value)?),
            None if wants_jwk => return Err(JoseError::Header("jwk")),
            None => None,
        };
        Ok(Self {
            text,
            algorithm,
            kid: text_of("kid")?,
            typ: text_of("typ")?,
            jwk,
            message,
            payload: base64::decode(payload)?,
            signature: base64::decode(signature)?,
        })
    }

    /// The algorithm that it claims. For choosing among keys; whether it counts is said to [`verify`](Self::verify).
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key that it names.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The kind that it claims.
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// The whole text.
    #[must_use]
    pub const fn text(&self) -> &'a str {
        self.text
    }

    pub(crate) const fn jwk(&self) -> Option<&Jwk> {
        self.jwk.as_ref()
    }

    /// A text claim that nobody has verified, to find the key with (whose assertion is it?) and for nothing else: look it up again in the
    /// verified claims.
    #[must_use]
    pub fn hint(&self, claim: &str) -> Option<String> {
        let mut claims = json::parse_object(&self.payload, MAX_TOKEN).ok()?;
        match claims.remove(claim) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Verifies the signature by the key that is named, or could have signed, with one of the `allowed` algorithms. Gives the claims as they
    /// are: their times are [`verify_jwt`](crate::verify_jwt)'s to judge.
    pub fn verify(self, keys: &KeySet, allowed: Algorithms) -> Result<Verified<Map<String, Value>>, JoseError> {
        let kid = self.kid.as_deref();
        keys.verify(self.algorithm, allowed, kid, self.message.as_bytes(), &self.signature)?;
        self.read()
    }

    pub(crate) fn verify_by(
        self,
        key: &VerifyKey,
        allowed: Algorithms,
    ) -> Result<Verified<Map<String, Value>>, JoseError> {
        if !allowed.contains(self.algorithm) {
            return Err(JoseError::Algorithm);
        }
        key.verify(self.algorithm, self.message.as_bytes(), &self.signature)?;
        self.read()
    }

    fn read(self) -> Result<Verified<Map<String, Value>>, JoseError> {
        let claims = json::parse_object(&self.payload, MAX_TOKEN)?;
        Ok(Verified { claims, algorithm: self.algorithm, kid: self.kid, typ: self.typ })
    }
}

impl<T> Verified<T> {
    /// What it says.
    #[must_use]
    pub const fn claims(&self) -> &T {
        &self.claims
    }

    /// What it says.
    #[must_use]
    pub fn into_claims(self) -> T {
        self.claims
    }

    /// With what it was signed.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key that it named.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The kind of token that it is.
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    pub(crate) fn map<U>(self, read: impl FnOnce(T) -> Result<U, JoseError>) -> Result<Verified<U>, JoseError> {
        let Self { claims, algorithm, kid, typ } = self;
        Ok(Verified { claims: read(claims)?, algorithm, kid, typ })
    }
}
