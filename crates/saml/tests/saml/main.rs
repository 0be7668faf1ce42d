//! What this door promises: one test for each thing that somebody may try at it, and the way of somebody who means well.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "clippy knows the tests here, but not what they share"
)]

mod back_channel;
mod ear;
mod hostile;
mod logout;
mod matrix;
mod metadata;
mod sign_on;
mod soap;
mod support;
mod wrapped;
