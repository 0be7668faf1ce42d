//! The pages, as browsers and as attackers meet them: through the router that the server serves.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy knows the tests here, but not the functions that they share"
)]

mod account;
mod apps;
mod assets;
mod canary;
mod defence;
mod hostile;
mod messages;
mod pages;
mod session;
mod sign_in;
mod support;
mod texts;
mod tour;
