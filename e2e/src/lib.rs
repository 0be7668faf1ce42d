//! Real servers for the tests, started and stopped by the tests themselves; and the search for what must not be found.
//!
//! What it is for: a test that says "on PostgreSQL" means a PostgreSQL server with its own data directory and its own
//! port, alive for as long as the test process and no longer. [`postgres::Postgres`] starts one; [`engines`] says on
//! which engines this run of the tests stands. And a test that says "a thief finds nothing" searches what could be taken by [`loot`].
//!
//! What it never does: it depends on no house crate (a crate on any floor may use it as a dev-dependency), it uses no
//! server that somebody else started, and it leaves nothing behind, not even when the test process is killed
//! (see [`guard::Guard`]). It needs Linux: the guard finds processes through `/proc`.
//!
//! How to add the next server: a module with a handle that owns a [`guard::Guard`] over the server's own directory,
//! a port from [`port::Reserved`], a `start` that returns only when the server answers, and a test of its own. The
//! Debian package it comes from goes into the list of `cargo xtask test`.
//!
//! The tests with foreign clients (Python, Node, PAM) stand in this directory too, as `test_*.py`.

pub mod account;
pub mod engines;
pub mod guard;
pub mod loot;
pub mod port;
pub mod postgres;
