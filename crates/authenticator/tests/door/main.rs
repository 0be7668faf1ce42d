//! The door, asked as devices ask it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy knows the tests here, but not the functions that they share"
)]

mod account;
mod house;
mod refused;
