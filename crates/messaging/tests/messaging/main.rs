//! What needs a supplier on the wire, a real mail server, both engines, or the bytes of the database.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy knows the tests here, but not the functions that they share"
)]

// Under the name that other crates know it by.
extern crate countersign_messaging as messaging;

mod engines;
mod foreign;
mod hooks;
mod mail;
mod steal;
mod supplier;
mod support;
mod twilio;
mod web_push;
