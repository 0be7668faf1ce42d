//! The load over HTTPS: what Duo's newest client and our authenticator send, from as little code as can send it, because
//! the generator shares its processors with the server.

pub(crate) mod connection;
pub(crate) mod load;
pub(crate) mod oauth;
pub(crate) mod page;
pub(crate) mod passcode;
pub(crate) mod prompt;
pub(crate) mod prompt_push;
pub(crate) mod push;
pub(crate) mod server;
pub(crate) mod sign;
