//! The pages, as browsers and as attackers meet them: through the router that the server serves.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy knows the tests here, but not the functions that they share"
)]

#[path = "../../../auth/tests/auth/abroad.rs"]
mod abroad;
mod account;
mod apps;
mod assets;
mod canary;
mod defence;
mod hostile;
mod leaves;
mod messages;
mod pages;
mod providers;
mod session;
mod sign_in;
mod support;
mod texts;
mod tour;
