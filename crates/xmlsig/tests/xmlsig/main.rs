//! What this crate promises about documents of strangers: one test for each attack that has a name, and properties over all of them.

#![expect(clippy::unwrap_used, reason = "clippy knows the tests here, but not the functions that they share")]

mod canonical;
mod encryption;
mod hostile;
mod mutation;
mod query;
mod signatures;
mod support;
mod wrapping;
mod writing;
