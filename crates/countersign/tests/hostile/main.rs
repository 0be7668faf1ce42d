//! The program in a hostile world: killed under load, with its database killed, panicking, and searched for what it should not keep.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests; the kills are counted on the output"
)]

mod authenticator;
mod kill;
mod needles;
mod panics;
mod program;
mod scan;
#[expect(dead_code, reason = "the tests of messaging use the rest")]
#[path = "../../../messaging/tests/messaging/supplier.rs"]
mod supplier;
#[expect(dead_code, reason = "the door's own tests use the rest")]
#[path = "../../../duo-api/tests/support/mod.rs"]
mod support;
