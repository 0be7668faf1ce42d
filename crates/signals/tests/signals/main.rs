//! The door over a real store: streams and their receivers, and who ends everything of a person.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy knows the tests here, but not the functions that they share"
)]

mod pushed;
mod revocation;
mod streams;
mod support;
