//! The front room over a real store: requests as browsers and programs send them, and what attackers make of them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy knows the tests here, but not the functions that they share"
)]

mod authorize;
mod bound;
mod clients;
mod codes;
mod consent;
mod forged;
mod hostile;
mod logout;
mod programs;
mod register;
mod support;
mod told;
