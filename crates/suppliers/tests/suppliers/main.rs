//! The driver against suppliers on this machine that behave as their documentation says, or don't.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy knows the tests here, but not the functions that they share"
)]

mod failures;
mod forgetting;
mod messengers;
mod mock;
mod quiet;
