//! Rules against those who make an organisation send messages that it pays for: *SMS pumping*, where somebody asks for codes to
//! numbers that earn him money and never enters one, and its relatives.
//!
//! - [`Rules`] is what a tenant wants: which kinds of numbers, which countries, whom it trusts, how strict.
//! - [`Guard`] is asked before a message leaves ([`Guard::ask`]) and hears when a code was entered rightly ([`Guard::verified`]). In
//!   between it counts, in memory: what went to a block of numbers, a beginning of numbers, a country, and for a network address, and
//!   what of it was ever entered.
//! - A refusal names its [`Rule`]. That is for the log and for the tenant; whoever asked is told nothing of it.
//!
//! It never stores anything, and it keeps no number: windows have keys that are keyed hashes, and the key dies with the process. So
//! the windows begin empty after a start, and each node has its own. What must hold exactly and on every node, a number's and a
//! tenant's counts and what a tenant spends, is counted in the store by whoever asks here. It never lets a message through because
//! something went wrong: memory is bounded, and where it is full, numbers that nobody knows get nothing.
//!
//! To add a rule: a variant of [`Rule`], and its question in `guard.rs`, before the line that counts.

mod guard;
mod memory;
mod rule;
mod rules;
mod thresholds;
mod window;

pub use guard::{Blocked, Guard, Pass, Request, Standing, Way};
pub use rule::{Refusal, Rule};
pub use rules::{InvalidRules, Rules};

#[cfg(test)]
mod tests;
