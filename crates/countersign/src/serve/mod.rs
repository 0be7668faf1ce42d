//! The server: HTTPS for the doors, with the limits and the manners that every door needs.
//!
//! [`Server::bind`] listens, [`Server::run`] serves an [`Application`] until a [`Shutdown`] begins. A request comes
//! through [`connection`] (handshake, HTTP/1.1) into the router, whose every route is wrapped once by [`observe`]: the
//! body is taken in, time is bounded, a panic is caught, and the request is counted and logged by its route's template.
//!
//! It is built around one fact about the clients (they let users in when the service seems down, see [`failure`] and
//! [`connections`]): it answers rather than breaks off, and it turns nobody away while anybody only waits.
//!
//! To add a listener: a [`connection::Door`] in [`server`]. To add something that every request gets: [`observe`], and
//! only if it can't be the door's own.

mod body;
mod connection;
mod connections;
pub mod failure;
mod health;
mod http_metrics;
mod observe;
mod open_files;
mod peer;
mod server;
mod shutdown;
pub mod signals;

#[cfg(test)]
mod tests;

pub use failure::{Failed, Failure, OnFailure};
pub use health::{Overview, Readiness};
pub use peer::TrustedProxies;
pub use server::{Application, ServeError, Server, Stopped};
pub use shutdown::Shutdown;
