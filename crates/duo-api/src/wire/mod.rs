//! What goes over the wire: signatures, parameters, envelopes, pages. No engine, no store, no clock of its own.
//!
//! A request comes in as [`http::request::Parts`] and bytes. [`UnverifiedRequest::read`] tells which integration claims to
//! have signed it and nothing else; only [`VerifiedRequest`] gives parameters, and only those that the signature covers.
//! A handler answers `Result<Envelope, ApiError>`, and [`Encoding::reply`] makes a response of it in the client's encoding.
//!
//! The wire's facts come from the sources of Duo's public clients (named beside each fact) and are checked against
//! requests that those clients signed (`tests/wire/vectors.json`).

mod authorization;
mod body;
mod bson;
mod candidates;
mod canonical;
mod date;
mod envelope;
mod error;
mod json;
pub mod jwt;
pub mod multipart;
mod paging;
mod params;
mod replay;
mod signature;
mod urlencoded;

pub use authorization::{Credentials, Digest};
pub use body::collect;
pub use bson::{NotEncodable, encode as encode_bson};
pub use date::{WINDOW, parse as parse_date};
pub use envelope::{Encoding, Envelope, Reply};
pub use error::ApiError;
pub use paging::{Cursor, LogPage, LogPages, LogReply, OffsetPage, OldLogPage, PageLimits, Sort};
pub use params::{Limits, PUSHINFO_MAX, Params};
pub use replay::{ReplayLedger, Verdict, is_guarded};
pub use signature::{AcceptedVersions, Proof, UnverifiedRequest, VerifiedRequest, Version, is_signed};
pub use urlencoded::parse as parse_urlencoded;
