//! Rules against those who make an organisation send messages that it pays for.

mod rule;

pub use rule::{Refusal, Rule};
