//! The door that speaks Duo's public APIs: Auth API v2, REST v1 (JSON and BSON) and the Admin API, as Duo's unmodified
//! clients call them.
//!
//! It translates a signed request to a call of the one engine and the outcome back to the client's envelope. It never
//! decides who may log in, never keeps state that must outlive the process, and never lets a handler see a parameter
//! that the signature does not cover.
//!
//! - [`wire`]: the protocol without the engine: signatures, parameters, envelopes, paging, replay.
//!
//! To add an endpoint: one file with its handler, its errors and its tests; read its parameters with
//! [`wire::Params`], answer with [`wire::Envelope`], and add its route to the list that the authorisation test walks.

pub mod wire;
