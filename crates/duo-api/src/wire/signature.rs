//! From a request that claims to be signed to one that is.
//!
//! The client signs with the integration's secret key; which of four texts it signed, with which of two hashes, over
//! which spelling of the host, no header says. So candidates are tried, newest version first, until one fits. All
//! candidates are texts over the same method, path and parameters: trying more of them gives a forger nothing but the
//! chance of one more guess at an HMAC.

use super::{
    ApiError, Credentials, Digest, Limits, Params,
    candidates::{BodyKind, Dates, candidate_hosts, hash, hash_of_headers},
    canonical::{CanonicalParams, Lines},
    urlencoded,
};
use aws_lc_rs::hmac;
use bytes::Bytes;
use http::{HeaderMap, header::AUTHORIZATION, request::Parts};
use types::Millis;

/// Bytes that are hashed for one request at most before it is refused. A request of a real client fits within its first
/// few candidates; without this bound a long form with repeated keys would buy an anonymous sender tens of megabytes of
/// hashing.
const HASH_BUDGET: usize = 1024 * 1024;

/// Which lines the signed text has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// Method, host, path, parameters. **No date**: such a request can be replayed for ever.
    V1,
    /// The date before them; parameters of the query or the form.
    V2,
    /// The hash of the body after them; parameters of the query only.
    V4,
    /// The hash of the `x-duo-*` headers after that.
    V5,
}

/// The versions that an integration accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AcceptedVersions {
    /// duo_unix up to 2.0.3 (so Debian's), duo_openvpn. Replayable: for integrations of these clients only.
    pub v1: bool,
    /// Most clients before 2024; duo_unix from 2.0.4.
    pub v2: bool,
    /// duo_client's option.
    pub v4: bool,
    /// duo_client from 5.0, duo_api_golang's JSON calls, duo_api_ruby, duo_api_php, duo_hmac.
    pub v5: bool,
}

impl AcceptedVersions {
    /// Those that carry a date: the default.
    pub const DATED: Self = Self { v1: false, v2: true, v4: true, v5: true };
    /// All four, for the `unix` type.
    pub const ALL: Self = Self { v1: true, ..Self::DATED };

    const fn has(self, version: Version) -> bool {
        match version {
            Version::V1 => self.v1,
            Version::V2 => self.v2,
            Version::V4 => self.v4,
            Version::V5 => self.v5,
        }
    }
}

/// Whether a request carries credentials at all. `ping` and the image of `logo` are also served to one that doesn't.
#[must_use]
pub fn is_signed(headers: &HeaderMap) -> bool {
    headers.contains_key(AUTHORIZATION)
}

/// A request whose signature has not been checked. It tells who claims to have sent it, so that the key can be fetched.
pub struct UnverifiedRequest<'r> {
    parts: &'r Parts,
    body: &'r Bytes,
    limits: Limits,
    credentials: Credentials,
}

/// A request that the holder of the integration's secret key signed, with the parameters that the signature covers.
#[derive(Debug)]
pub struct VerifiedRequest {
    integration_key: String,
    params: Params,
    proof: Proof,
}

/// The parameters that each version signs.
struct Signed {
    query: CanonicalParams,
    whole: Whole,
}

/// What versions 1 and 2 sign: the parameters of query and body together.
enum Whole {
    /// There is no body.
    IsQuery,
    QueryAndForm(CanonicalParams),
    /// The body is not a form, so these versions would leave it unsigned.
    Uncovered,
}

impl Signed {
    fn form(&mut self, version: Version, sorting: usize) -> Option<&str> {
        match (version, &mut self.whole) {
            (Version::V4 | Version::V5, _) | (Version::V1 | Version::V2, Whole::IsQuery) => self.query.form(sorting),
            (Version::V1 | Version::V2, Whole::QueryAndForm(whole)) => whole.form(sorting),
            (Version::V1 | Version::V2, Whole::Uncovered) => None,
        }
    }
}

struct Found {
    version: Version,
    host: String,
    signed_at: Option<Millis>,
}

/// How a request was found to be signed.
#[derive(Clone)]
pub struct Proof {
    /// The version that fitted.
    pub version: Version,
    /// The hash.
    pub digest: Digest,
    /// The host that the client signed.
    pub host: String,
    /// The signed date; `None` for version 1, which has none.
    pub signed_at: Option<Millis>,
    signature: Credentials,
}

impl Proof {
    /// The signature's bytes, for the [`ReplayLedger`](super::ReplayLedger).
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        self.signature.signature()
    }
}

/// Without the signature, which within its window is as good as a password.
impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}/{:?} for {} at {:?}", self.version, self.digest, self.host, self.signed_at)
    }
}

impl<'r> UnverifiedRequest<'r> {
    /// Reads who claims to have signed.
    ///
    /// # Errors
    /// 40101 without credentials, 40104 when they are malformed, 40002 when the body is longer than `limits` allows.
    pub fn read(parts: &'r Parts, body: &'r Bytes, limits: Limits) -> Result<Self, ApiError> {
        let credentials = Credentials::read(&parts.headers)?;
        if body.len() > limits.body {
            return Err(ApiError::invalid_parameter("The body is too long."));
        }
        Ok(Self { parts, body, limits, credentials })
    }

    /// The integration that the client says it is. When there is none, answer [`ApiError::invalid_integration_key`].
    #[must_use]
    pub fn integration_key(&self) -> &str {
        self.credentials.integration_key()
    }

    /// Checks the signature.
    ///
    /// `secret_key` is the integration's (its bytes as text, 40 characters from us); `hosts` are the API host names that
    /// this server is configured with, for clients behind a reverse proxy that rewrites `Host`.
    ///
    /// # Errors
    /// - 40105: the date is more than five minutes from `now`, or absent where version 1 isn't accepted.
    /// - 40103: nothing else fits.
    /// - 40002: parameters or body could not be read. Not 40103: duo_unix takes a 401 as leave to let in, and a user name
    ///   that isn't UTF-8 must not be enough for that.
    pub fn verify(
        self,
        secret_key: &[u8],
        accepted: AcceptedVersions,
        hosts: &[impl AsRef<str>],
        now: Millis,
    ) -> Result<VerifiedRequest, ApiError> {
        let query = urlencoded::parse(self.parts.uri.query().unwrap_or_default().as_bytes(), &self.limits)?;
        let kind = BodyKind::of(&self.parts.headers, self.body);

        // The body's parameters are signed themselves in versions 1 and 2, their hash in 4 and 5. A body that is not a
        // form would be outside of 1 and 2.
        let whole = match kind {
            _ if !(accepted.v1 || accepted.v2) => Whole::Uncovered,
            BodyKind::Empty => Whole::IsQuery,
            BodyKind::Form => {
                let form = urlencoded::parse(self.body, &self.limits)?;
                Whole::QueryAndForm(CanonicalParams::new(query.iter().cloned().chain(form).collect()))
            }
            BodyKind::Json | BodyKind::Other => Whole::Uncovered,
        };
        let mut signed = Signed { query: CanonicalParams::new(query), whole };

        let dates = Dates::of(&self.parts.headers, now);
        let found = self.search(secret_key, accepted, hosts, &dates, &mut signed)?;
        let Some(Found { version, host, signed_at }) = found else {
            let may_be_undated = accepted.v1 && dates.absent;
            return Err(dates.problem.filter(|_| !may_be_undated).unwrap_or(ApiError::invalid_signature()));
        };

        let params = match (version, signed.whole) {
            (Version::V1 | Version::V2, Whole::QueryAndForm(whole)) => Params::from_pairs(whole.into_pairs()),
            (Version::V1 | Version::V2, Whole::IsQuery) => Params::from_pairs(signed.query.into_pairs()),
            (Version::V1 | Version::V2, Whole::Uncovered) => return Err(ApiError::invalid_signature()),
            (Version::V4 | Version::V5, _) => {
                let mut params = Params::from_pairs(signed.query.into_pairs());
                params.append(kind.params(self.body, &self.limits)?);
                params
            }
        };
        let digest = self.credentials.digest();
        Ok(VerifiedRequest {
            integration_key: self.credentials.integration_key().to_owned(),
            params,
            proof: Proof { version, digest, host, signed_at, signature: self.credentials },
        })
    }

    fn search(
        &self,
        secret_key: &[u8],
        accepted: AcceptedVersions,
        hosts: &[impl AsRef<str>],
        dates: &Dates<'_>,
        signed: &mut Signed,
    ) -> Result<Option<Found>, ApiError> {
        let digest = self.credentials.digest();
        // No client signs version 4 or 5 with SHA-1 (duo_client refuses to), so a short digest means 1 or 2.
        let versions: &[Version] = match digest {
            Digest::Sha512 => &[Version::V5, Version::V4, Version::V2, Version::V1],
            Digest::Sha1 => &[Version::V2, Version::V1],
        };
        let hosts = candidate_hosts(self.parts, hosts);
        let key = hmac::Key::new(digest.algorithm(), secret_key);
        let (mut body_hash, mut headers_hash) = (None, None);
        let mut text = Vec::with_capacity(1024);
        let mut hashed = 0_usize;

        // Outermost the sorting: nearly every request has but one.
        for sorting in 0.. {
            let mut any_form = false;
            for host in &hosts {
                for &version in versions.iter().filter(|&&version| accepted.has(version)) {
                    let Some(params) = signed.form(version, sorting) else { continue };
                    any_form = true;
                    let (mut with_body, mut with_headers) = ("", "");
                    if matches!(version, Version::V4 | Version::V5) {
                        with_body = body_hash.get_or_insert_with(|| hash(self.body));
                    }
                    if version == Version::V5 {
                        let Some(hash) = headers_hash.get_or_insert_with(|| hash_of_headers(&self.parts.headers))
                        else {
                            continue;
                        };
                        with_headers = hash;
                    }
                    for (date, signed_at) in dates.for_version(version) {
                        let lines = Lines {
                            date,
                            method: self.parts.method.as_str(),
                            host,
                            path: self.parts.uri.path(),
                            params,
                            body_hash: with_body,
                            headers_hash: with_headers,
                        };
                        lines.write(version, &mut text);
                        // In constant time, as `hmac::verify` promises.
                        if hmac::verify(&key, &text, self.credentials.signature()).is_ok() {
                            return Ok(Some(Found { version, host: host.clone().into_owned(), signed_at }));
                        }
                        hashed += text.len();
                        if hashed > HASH_BUDGET {
                            return Err(ApiError::invalid_parameter("The parameters are too long."));
                        }
                    }
                }
            }
            if !any_form {
                break;
            }
        }
        Ok(None)
    }
}

impl VerifiedRequest {
    /// The integration that signed.
    #[must_use]
    pub fn integration_key(&self) -> &str {
        &self.integration_key
    }

    /// The parameters, all of them signed.
    #[must_use]
    pub const fn params(&self) -> &Params {
        &self.params
    }

    /// How it was signed.
    #[must_use]
    pub const fn proof(&self) -> &Proof {
        &self.proof
    }
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
