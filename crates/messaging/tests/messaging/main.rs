//! What needs a supplier on the wire, a real mail server, both engines, or the bytes of the database.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy knows the tests here, but not the functions that they share"
)]

// Under the name that other crates know it by.
extern crate countersign_messaging as messaging;

/// As in the program: what is freed is zeroed, so that nothing of a message lies in memory that nobody uses.
#[global_allocator]
static ZEROING: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);

mod engines;
mod foreign;
mod hooks;
mod mail;
mod steal;
mod supplier;
mod suppliers;
mod support;
mod theft;
mod trunk;
mod twilio;
mod web_push;
