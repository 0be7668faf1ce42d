//! The client against an SMSC that each test plays itself: what goes wrong on the way, and what comes of it.

mod peer;
mod receipts;
mod submits;
mod trouble;
