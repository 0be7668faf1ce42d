//! The messaging API as its programs meet it: every route by a stranger, without a key, with rubbish; codes that are raced for.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests"
)]

mod calls;
mod crossing;
mod house;
mod messages;
mod races;
