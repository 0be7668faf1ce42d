//! The client against an SMSC that each test plays itself: what goes wrong on the way, and what comes of it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy knows the tests here, but not the functions that they share"
)]

mod peer;
mod receipts;
mod submits;
mod trouble;
