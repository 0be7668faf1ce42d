//! The claims of a JWT (RFC 7519 §4.1), judged by what the caller expects.

use crate::{Algorithm, Algorithms, JoseError, KeySet, Unverified, Verified, base64};
use aws_lc_rs::digest::{SHA256, SHA512, digest};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::time::Duration;
use types::Millis;

/// The latest time that a claim can name, in seconds: the end of the year 9999.
const LATEST: f64 = 253_402_300_799.0;

/// Whom a token must be for.
#[derive(Clone, Copy, Debug)]
pub enum Audience<'a> {
    /// `aud` names one of these, maybe beside others.
    OneOf(&'a [&'a str]),
    /// `aud` names one of these and nobody else.
    Only(&'a [&'a str]),
    /// The caller looks at it.
    Unchecked,
}

/// What a token must say.
#[derive(Clone, Copy, Debug)]
pub struct Expect<'a> {
    /// `iss`, letter for letter; none: the caller looks at it.
    pub issuer: Option<&'a str>,
    /// `aud`.
    pub audience: Audience<'a>,
    /// The kinds (`typ`) that are accepted, in small letters and without `application/`. Empty: any, and none.
    pub types: &'a [&'a str],
    /// Whether a token without `typ` is accepted beside them.
    pub typeless: bool,
    /// Now.
    pub now: Millis,
    /// How far the signer's clock may be off.
    pub leeway: Duration,
    /// Whether `exp` must be there.
    pub needs_expiry: bool,
    /// How long a token may be valid from now on; and how old it may be by its `iat`, if it has one.
    pub longest: Option<Duration>,
}

impl<'a> Expect<'a> {
    /// A token of that issuer for that audience, of any kind, with an end, at `now` and without leeway.
    #[must_use]
    pub const fn new(issuer: &'a str, audience: Audience<'a>, now: Millis) -> Self {
        Self {
            issuer: Some(issuer),
            audience,
            types: &[],
            typeless: true,
            now,
            leeway: Duration::ZERO,
            needs_expiry: true,
            longest: None,
        }
    }

    /// Of that kind alone.
    #[must_use]
    pub const fn of_type(mut self, types: &'a [&'a str]) -> Self {
        (self.types, self.typeless) = (types, false);
        self
    }

    /// With a clock that may be off so far.
    #[must_use]
    pub const fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    fn check(&self, claims: &Map<String, Value>, typ: Option<&str>) -> Result<(), JoseError> {
        self.check_type(typ)?;
        if self.issuer.is_some_and(|issuer| claims.get("iss").and_then(Value::as_str) != Some(issuer)) {
            return Err(JoseError::Claim("iss"));
        }
        self.check_audience(claims.get("aud"))?;
        let leeway = i64::try_from(self.leeway.as_millis()).unwrap_or(i64::MAX);
        let now = self.now.0;
        let (expires, not_before, issued) = (time(claims, "exp")?, time(claims, "nbf")?, time(claims, "iat")?);
        match expires {
            Some(expires) if now >= expires.0.saturating_add(leeway) => return Err(JoseError::Expired),
            None if self.needs_expiry => return Err(JoseError::Claim("exp")),
            _ => {}
        }
        let ahead = |time: Option<Millis>| time.is_some_and(|time| time.0 > now.saturating_add(leeway));
        if ahead(not_before) || ahead(issued) {
            return Err(JoseError::Early);
        }
        if let Some(longest) = self.longest {
            let longest = i64::try_from(longest.as_millis()).unwrap_or(i64::MAX).saturating_add(leeway);
            let too_late = expires.is_some_and(|expires| expires.0 > now.saturating_add(longest));
            if too_late || issued.is_some_and(|issued| issued.0.saturating_add(longest) < now) {
                return Err(JoseError::Expired);
            }
        }
        Ok(())
    }

    fn check_type(&self, typ: Option<&str>) -> Result<(), JoseError> {
        let Some(typ) = typ else {
            return if self.typeless || self.types.is_empty() { Ok(()) } else { Err(JoseError::Header("typ")) };
        };
        // RFC 7515 §4.1.9: a media type, with `application/` left out where no other slash is in it.
        let typ = typ.to_ascii_lowercase();
        let typ = typ.strip_prefix("application/").unwrap_or(&typ);
        if self.types.is_empty() || self.types.contains(&typ) { Ok(()) } else { Err(JoseError::Header("typ")) }
    }

    fn check_audience(&self, aud: Option<&Value>) -> Result<(), JoseError> {
        let wrong = JoseError::Claim("aud");
        let (accepted, alone) = match self.audience {
            Audience::Unchecked => return Ok(()),
            Audience::OneOf(accepted) => (accepted, false),
            Audience::Only(accepted) => (accepted, true),
        };
        let fits = |value: &Value| value.as_str().is_some_and(|text| accepted.contains(&text));
        let right = match aud {
            Some(Value::Array(list)) if alone => !list.is_empty() && list.iter().all(fits),
            Some(Value::Array(list)) => list.iter().any(fits),
            Some(one) => fits(one),
            None => false,
        };
        if right { Ok(()) } else { Err(wrong) }
    }
}

/// Verifies a token and what it says of itself, and reads its claims. An algorithm that isn't `allowed` is refused, whatever the keys are.
pub fn verify_jwt<T: DeserializeOwned>(
    text: &str,
    keys: &KeySet,
    allowed: Algorithms,
    expect: &Expect<'_>,
) -> Result<Verified<T>, JoseError> {
    let verified = Unverified::parse(text)?.verify(keys, allowed)?;
    expect.check(verified.claims(), verified.typ())?;
    verified.map(|claims| serde_json::from_value(Value::Object(claims)).map_err(|_| JoseError::Malformed("claims")))
}

/// A claim that names a time: seconds since 1970, maybe with a fraction (RFC 7519 §2).
pub(crate) fn time(claims: &Map<String, Value>, name: &'static str) -> Result<Option<Millis>, JoseError> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let seconds = value.as_f64().ok_or(JoseError::Claim(name))?;
    if !(0.0..=LATEST).contains(&seconds) {
        return Err(JoseError::Claim(name));
    }
    #[expect(clippy::cast_possible_truncation, reason = "the range was checked above")]
    let millis = (seconds * 1000.0) as i64;
    Ok(Some(Millis(millis)))
}

/// The left half of a text's hash, base64url: `at_hash` and `c_hash` (OpenID Connect Core §3.1.3.6). The hash is the one of the id token's
/// algorithm; for Ed25519 it is SHA-512.
#[must_use]
pub fn half_hash(algorithm: Algorithm, text: &str) -> String {
    let hash = match algorithm {
        Algorithm::EdDsa | Algorithm::Ed25519 => digest(&SHA512, text.as_bytes()),
        _ => digest(&SHA256, text.as_bytes()),
    };
    let bytes = hash.as_ref();
    base64::encode(bytes.get(..bytes.len() / 2).unwrap_or_default())
}
