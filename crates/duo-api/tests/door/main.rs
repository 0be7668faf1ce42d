//! The door over the engine on real databases, as a hostile world sees it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

mod admin_cases;
mod constraints;
mod crossing;
mod flaws;
mod house;
mod lockout;
mod mutations;
mod oauth;
mod oauth_assertions;
mod oauth_crossing;
mod oauth_recorded;
mod oauth_refusals;
mod outage;
mod refusals;
mod repeated;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "the tests of the whole program use more of it")]
mod support;
