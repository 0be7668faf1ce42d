//! The engine on real databases: the life of an attempt, races, lock-out, fatigue.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy knows the tests here, but not the functions that they share"
)]

mod attempts;
mod fatigue;
mod passcodes;
mod races;
mod states;
mod support;
