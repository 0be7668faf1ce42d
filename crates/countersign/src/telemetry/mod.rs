//! What the process says about itself: log lines and metrics.
//!
//! Neither carries what users or clients send. A log line about a request has its route's template, never its path; no
//! query, body, header, user name or number. A panic is logged by its place in the source, without its text. The test
//! [`redaction`] sends secrets through the whole stack with everything switched on and searches what came out.
//!
//! To count something new: the `metrics` facade's macros, in any crate, with words of our own as label values.

mod histogram;
mod log;
mod metrics;

#[cfg(test)]
mod redaction;

pub use histogram::Histogram;
pub use log::{ACCESS, dispatch, hide_panic_texts, start};
pub use metrics::Registry;
