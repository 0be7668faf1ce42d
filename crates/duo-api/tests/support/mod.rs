//! What the tests of the door share, with each other and with those of the whole program.

pub(crate) mod database;
pub(crate) mod device;
pub(crate) mod organisation;
pub(crate) mod signing;
pub(crate) mod web_client;
