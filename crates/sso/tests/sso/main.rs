//! Single sign-on on real databases: the one decision of every door, requests that wait, participants, and what relying parties are told.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy knows the tests here, but not the functions that they share"
)]

// As the borrowed files call it.
extern crate auth as countersign_auth;

#[path = "../../../auth/tests/auth/abroad.rs"]
#[expect(dead_code, reason = "the engine's own tests use all of it")]
mod abroad;
mod decision;
mod forwarded;
mod held;
mod house;
mod keeping;
mod parties;
#[path = "../../../auth/tests/auth/soft_passkey.rs"]
#[expect(dead_code, reason = "the engine's own tests use all of it")]
mod soft_passkey;
#[path = "../../../auth/tests/auth/support.rs"]
#[expect(dead_code, reason = "the engine's own tests use all of it")]
mod support;
