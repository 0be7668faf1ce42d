//! Signed tokens as types: nothing of a token can be read before its signature, its algorithm and its times were verified.
//!
//! - [`SigningKey`] signs, [`KeySet`] and [`VerifyKey`] verify; both are parsed once and kept.
//! - [`verify_jwt`] is the way to a token's claims: it gives [`Verified`], which nothing else can make. Which algorithms count is the
//!   caller's list ([`Algorithms`]), never the token's word.
//! - [`Jwk`] and [`JwkSet`] are public keys as JSON (RFC 7517), with their thumbprints (RFC 7638).
//! - [`dpop`] verifies proofs of possession (RFC 9449); [`event`] has the kinds of tokens that tell of events (RFC 8417).
//! - [`json`] is the reader for whatever strangers write: registrations, requests, streams.
//!
//! It never reads the clock (times are parameters), never fetches a key, never follows what a header points to (`jku`, `x5u`), never
//! encrypts, and knows no `none`. Each text from outside has a limit before it is looked at ([`MAX_TOKEN`], [`MAX_JWK_SET`]), base64url is
//! strict, and JSON that names a member twice is refused, because two readers would see two things in it.
//!
//! To add an algorithm: a variant of [`Algorithm`] with its name, its arm in `sign.rs` and in `verify.rs`, and a vector from its RFC in the
//! tests. It is accepted nowhere until a caller lists it.

mod algorithm;
mod base64;
pub mod dbsc;
pub mod dpop;
mod error;
pub mod event;
pub mod json;
mod jwk;
mod jws;
mod jwt;
mod sign;
#[cfg(any(test, feature = "testing"))]
mod testing;
#[cfg(test)]
mod tests;
mod verify;

pub use algorithm::{Algorithm, Algorithms};
pub use base64::{decode as base64url_decode, encode as base64url, is_digest};
pub use error::JoseError;
pub use jwk::{Jwk, JwkSet, MAX_JWK_SET, PublicKey, certificate_thumbprint, sha256};
pub use jws::{MAX_TOKEN, Unverified, Verified};
pub use jwt::{Audience, Expect, half_hash, verify_jwt};
pub use sign::SigningKey;
pub use verify::{KeySet, VerifyKey};
