//! `oidc-provider` (npm) in one process of node, everything in its memory, and nothing durable.

use super::{Places, Provider, free_port};
use crate::report::say;
use anyhow::{Context, Result};
use std::{net::Ipv4Addr, path::Path, process::Stdio, sync::Arc, time::Duration};
use tokio::process::Command;

pub(super) const NAME: &str = "oidc-provider";
/// The program beside this crate.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/oidc_provider.mjs");

/// Starts it; nothing where it isn't here.
pub(super) fn start() -> Result<Option<Provider>> {
    let modules = std::env::var("NODE_PATH").unwrap_or_else(|_| "target/npm/node_modules".to_owned());
    if !Path::new(&modules).join(NAME).exists() {
        say("skipped: oidc-provider isn't here (npm's package; `cargo xtask bench` installs it where npm is)");
        return Ok(None);
    }
    let port = free_port()?;
    let child = Command::new("node")
        .arg(SCRIPT)
        .env("PORT", port.to_string())
        .env("MODULES", std::fs::canonicalize(&modules)?)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("node")?;
    let places = Places {
        address: (Ipv4Addr::LOCALHOST, port).into(),
        authorize: "/auth",
        token: "/token",
        introspect: "/token/introspection",
        own: "grant_type=client_credentials&resource=urn:signed",
    };
    let patience = Duration::from_secs(30);
    Ok(Some(Provider { name: NAME, child, places: Arc::new(places), patience, warm: 500 }))
}
