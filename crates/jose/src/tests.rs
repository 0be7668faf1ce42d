//! The examples of the RFCs, and what must never pass.

mod hostile;
mod properties;
mod vectors;
