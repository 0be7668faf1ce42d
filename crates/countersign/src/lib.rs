//! The binary's parts: everything around the engine that makes it a server.
//!
//! [`config`] reads the configuration, [`telemetry`] writes log and metrics, [`tls`] finds a certificate, [`serve`]
//! answers HTTPS, [`cli`] is the command line. The server itself knows neither factors nor tenants: the doors come in as an
//! [`serve::Application`]. [`admin`] and [`demo`] change what tenants have as the doors do, by way of `directory`.
//!
//! To add a command: a variant of [`cli::Command`] and a file for what it does.

pub mod admin;
pub mod app_command;
pub mod backup;
pub mod cli;
pub mod client;
pub mod config;
pub mod demo;
pub mod device;
pub mod doctor;
pub mod doors;
pub mod fido;
pub mod gateway;
pub mod hooks;
pub mod keys_command;
pub mod locations;
pub mod log_command;
pub mod log_days;
pub mod message_command;
pub mod route_health;
pub mod serve;
pub mod services;
pub mod telemetry;
pub mod tls;
