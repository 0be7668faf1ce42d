//! The engine on real databases: the life of an attempt, races, lock-out, fatigue.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy knows the tests here, but not the functions that they share"
)]

mod account_additions;
mod account_changes;
mod account_enrolment;
mod account_house;
mod account_permits;
mod account_recovery;
mod account_sessions;
mod attempts;
mod fatigue;
mod passcodes;
mod races;
mod sign_in_canary;
mod sign_in_defence;
mod sign_in_passkeys;
mod sign_ins;
mod soft_passkey;
mod states;
mod support;
mod visit;
