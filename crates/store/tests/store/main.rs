//! The store on every engine of this run (`COUNTERSIGN_TEST_ENGINES`): one program, so that all tests share one server.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy knows the tests here, but not the functions that they share"
)]

mod apart;
mod apart_api;
mod apart_browser;
mod applications;
mod browser;
mod browser_ends;
mod browser_races;
mod devices;
mod directories;
mod encrypted;
mod grants;
mod log_segments;
mod logs;
mod migrations;
mod neighbours;
mod numbers;
mod outage;
mod passwords;
mod people;
mod planned;
mod plans;
mod providers;
mod queue;
mod races;
mod registry;
mod restored;
mod rows;
mod signals;
mod single_sign_on;
mod support;
mod transactions;
