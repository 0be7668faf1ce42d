//! Public keys as JSON (RFC 7517, 7518 §6, 8037), and their names.

use crate::{Algorithm, JoseError, base64, json};
use serde_json::{Map, Value, json};

/// Bytes of a set of keys that are looked at.
pub const MAX_JWK_SET: usize = 256 * 1024;
/// Keys of a set that are looked at.
const MAX_KEYS: usize = 100;
/// Bytes of one key.
const MAX_JWK: usize = 16 * 1024;
/// Characters of a key's name.
const MAX_KID: usize = 256;
/// Bits of an RSA modulus.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// What only a private or a symmetric key has (RFC 7518 §6).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The key itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PublicKey {
    /// A point of the curve P-256.
    P256 {
        /// Big-endian.
        x: [u8; 32],
        /// Big-endian.
        y: [u8; 32],
    },
    /// An RSA key.
    Rsa {
        /// The modulus, big-endian, without leading zeros.
        n: Vec<u8>,
        /// The exponent, big-endian, without leading zeros.
        e: Vec<u8>,
    },
    /// A point of edwards25519 as RFC 8032 writes it.
    Ed25519 {
        /// 32 octets.
        x: [u8; 32],
    },
}

/// A public key with what is said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwk {
    /// The key.
    pub key: PublicKey,
    /// Its name.
    pub kid: Option<String>,
    /// The one algorithm that it is for; none: each that its kind allows.
    pub alg: Option<Algorithm>,
    /// `sig`, unless it doesn't say.
    pub is_for_signatures: bool,
}

impl Jwk {
    /// A key without a name.
    #[must_use]
    pub const fn new(key: PublicKey) -> Self {
        Self { key, kid: None, alg: None, is_for_signatures: false }
    }

    /// Reads a text. See [`from_value`](Self::from_value).
    pub fn parse(text: &str) -> Result<Self, JoseError> {
        Self::from_object(&json::parse_object(text.as_bytes(), MAX_JWK)?)
    }

    /// Reads a value. [`JoseError::PrivateKey`] if it holds a private part, [`JoseError::Key`] for a kind, a curve or a length that isn't
    /// accepted, or for a use other than signatures.
    pub fn from_value(value: &Value) -> Result<Self, JoseError> {
        Self::from_object(value.as_object().ok_or(JoseError::Malformed("JWK"))?)
    }

    fn from_object(object: &Map<String, Value>) -> Result<Self, JoseError> {
        if PRIVATE.iter().any(|name| object.contains_key(*name)) {
            return Err(JoseError::PrivateKey);
        }
        let text = |name: &'static str| match object.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(JoseError::Malformed("JWK")),
        };
        let bytes = |name| base64::decode(text(name)?.ok_or(JoseError::Malformed("JWK"))?);
        let word = |name| <[u8; 32]>::try_from(bytes(name)?).map_err(|_| JoseError::Key("its length"));
        let key = match (text("kty")?, text("crv")?) {
            (Some("EC"), Some("P-256")) => PublicKey::P256 { x: word("x")?, y: word("y")? },
            (Some("OKP"), Some("Ed25519")) => PublicKey::Ed25519 { x: word("x")? },
            (Some("RSA"), _) => PublicKey::Rsa { n: number(bytes("n")?)?, e: number(bytes("e")?)? },
            _ => return Err(JoseError::Key("its kind")),
        };
        check(&key)?;
        let is_for_signatures = match text("use")? {
            None => false,
            Some("sig") => true,
            Some(_) => return Err(JoseError::Key("its use")),
        };
        if let Some(Value::Array(operations)) = object.get("key_ops")
            && !operations.iter().any(|operation| operation == "verify")
        {
            return Err(JoseError::Key("its use"));
        }
        let alg = match text("alg")? {
            None => None,
            Some(name) => Some(Algorithm::from_name(name).ok_or(JoseError::Algorithm)?),
        };
        let kid = text("kid")?;
        if kid.is_some_and(|kid| kid.len() > MAX_KID) {
            return Err(JoseError::TooLarge("kid"));
        }
        Ok(Self { key, kid: kid.map(str::to_owned), alg, is_for_signatures })
    }

    /// As JSON, with `kty` first.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut value = self.key.members();
        if let Some(object) = value.as_object_mut() {
            let mut put = |name: &str, text: Option<&str>| {
                if let Some(text) = text {
                    object.insert(name.to_owned(), Value::from(text));
                }
            };
            put("kid", self.kid.as_deref());
            put("alg", self.alg.map(Algorithm::name));
            put("use", self.is_for_signatures.then_some("sig"));
        }
        value
    }

    /// See [`PublicKey::thumbprint`].
    #[must_use]
    pub fn thumbprint(&self) -> String {
        self.key.thumbprint()
    }
}

impl PublicKey {
    /// The required members alone, in the order of RFC 7638.
    fn members(&self) -> Value {
        match self {
            Self::P256 { x, y } => {
                json!({"crv": "P-256", "kty": "EC", "x": base64::encode(x), "y": base64::encode(y)})
            }
            Self::Rsa { n, e } => json!({"e": base64::encode(e), "kty": "RSA", "n": base64::encode(n)}),
            Self::Ed25519 { x } => json!({"crv": "Ed25519", "kty": "OKP", "x": base64::encode(x)}),
        }
    }

    /// The key's name by its own content: SHA-256 over its required members, base64url (RFC 7638).
    #[must_use]
    pub fn thumbprint(&self) -> String {
        // `preserve_order` keeps the lexicographic order that `members` writes.
        base64::encode(&sha256(self.members().to_string().as_bytes()))
    }
}

/// Without the leading zeros that RFC 7518 §6.3.1 forbids and some write.
fn number(bytes: Vec<u8>) -> Result<Vec<u8>, JoseError> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let number = bytes.get(zeros..).unwrap_or_default().to_vec();
    if number.is_empty() { Err(JoseError::Malformed("JWK")) } else { Ok(number) }
}

fn check(key: &PublicKey) -> Result<(), JoseError> {
    let PublicKey::Rsa { n, e } = key else { return Ok(()) };
    let bits = n.len() * 8 - n.first().map_or(0, |byte| byte.leading_zeros() as usize);
    let odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
    // A long exponent makes each verification slow.
    if !RSA_BITS.contains(&bits) || e.len() > 5 || !odd(n) || !odd(e) || *e == [1] {
        return Err(JoseError::Key("its length"));
    }
    Ok(())
}

/// Several public keys (RFC 7517 §5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JwkSet {
    /// The keys that are understood.
    pub keys: Vec<Jwk>,
}

impl JwkSet {
    /// Reads a set. A key of a kind, a use or an algorithm that isn't known is left out, as RFC 7517 §5 says; a private key makes the whole set
    /// an error, because whoever published it must be told.
    pub fn parse(text: &[u8]) -> Result<Self, JoseError> {
        Self::from_value(&json::parse(text, MAX_JWK_SET)?)
    }

    /// As [`parse`](Self::parse), from a value that was read before.
    pub fn from_value(value: &Value) -> Result<Self, JoseError> {
        let list = value.get("keys").and_then(Value::as_array).ok_or(JoseError::Malformed("JWK set"))?;
        if list.len() > MAX_KEYS {
            return Err(JoseError::TooLarge("JWK set"));
        }
        let mut keys = Vec::with_capacity(list.len());
        for value in list {
            match Jwk::from_value(value) {
                Ok(key) => keys.push(key),
                Err(JoseError::Key(_) | JoseError::Algorithm | JoseError::Malformed(_) | JoseError::TooLarge(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self { keys })
    }

    /// As JSON.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json!({"keys": self.keys.iter().map(Jwk::to_value).collect::<Vec<_>>()})
    }
}

/// SHA-256.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref()) {
        *to = *from;
    }
    out
}

/// `x5t#S256` of a certificate in DER (RFC 8705 §3.1).
#[must_use]
pub fn certificate_thumbprint(der: &[u8]) -> String {
    base64::encode(&sha256(der))
}
