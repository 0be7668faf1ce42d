//! The engine on real databases: the life of an attempt, races, lock-out, fatigue.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy knows the tests here, but not the functions that they share"
)]

// As the borrowed files call it.
extern crate webauthn as countersign_webauthn;

mod abroad;
mod account_additions;
mod account_changes;
mod account_enrolment;
mod account_house;
mod account_permits;
mod account_recovery;
mod account_sessions;
mod attempts;
mod binding;
mod fatigue;
mod fido;
#[path = "../../../webauthn/tests/webauthn/forge.rs"]
#[expect(dead_code, reason = "the ceremonies' own tests use all of it")]
mod forge;
mod four_eyes;
mod granted;
mod log_days;
mod numbers_defence;
mod passcodes;
mod passwords;
mod provider_ends;
mod providers;
mod races;
mod renewals;
mod revoke;
#[path = "../../../webauthn/tests/webauthn/service.rs"]
#[expect(dead_code, reason = "the ceremonies' own tests use all of it")]
mod service;
mod sign_in_canary;
mod sign_in_defence;
mod sign_in_passkeys;
mod sign_ins;
mod soft_passkey;
mod states;
mod support;
mod user_directory;
mod visit;
