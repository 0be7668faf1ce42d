//! `countersign doctor`: looks for what keeps a server from working, changes nothing, and says what to do.
//!
//! It may run beside a server. To add a check: a function that gives [`Finding`]s, and its place in [`run`].

mod authenticators;
mod outside;
mod store_check;

use std::{
    fs,
    io::ErrorKind,
    net::TcpListener,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
};

use anyhow::bail;
use types::{Millis, World};

use crate::{
    cli::say,
    config::{Config, TlsMode},
    tls::identity::Identity,
};

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Ok,
    Warn,
    Fail,
}

/// One line.
pub(crate) struct Finding {
    level: Level,
    what: &'static str,
    text: String,
}

pub(crate) fn ok(what: &'static str, text: impl Into<String>) -> Finding {
    Finding { level: Level::Ok, what, text: text.into() }
}

pub(crate) fn warn(what: &'static str, text: impl Into<String>) -> Finding {
    Finding { level: Level::Warn, what, text: text.into() }
}

pub(crate) fn fail(what: &'static str, text: impl Into<String>) -> Finding {
    Finding { level: Level::Fail, what, text: text.into() }
}

/// Checks everything and prints a line for each finding.
///
/// # Errors
/// When something was found that keeps a server from working.
pub async fn run(file: Option<&Path>) -> anyhow::Result<()> {
    let world = World::real();
    let config = match Config::load(file) {
        Ok(config) => config,
        Err(error) => {
            print(&fail("configuration", error.to_string().replace('\n', "\n                     ")))?;
            bail!("the configuration can't be read, so nothing else was looked at");
        }
    };
    let mut worst = Vec::new();
    let mut show = |findings: Vec<Finding>| -> anyhow::Result<()> {
        for finding in findings {
            print(&finding)?;
            worst.push(finding.level);
        }
        Ok(())
    };
    show(configuration(&config))?;
    show(directory(&config))?;
    show(space(&config))?;
    show(clock(&config, &world))?;
    let (copy, own) = (config.clone(), world.clone());
    show(tokio::task::spawn_blocking(move || store_check::root_key(&copy, &own)).await?)?;
    show(store_check::database(&config, &world).await)?;
    show(certificate(&config, world.now()))?;
    show(authenticators::metadata(&config, world.now()))?;
    show(ports(&config))?;
    show(outside::check(&config).await)?;
    let count = |level: Level| worst.iter().filter(|found| **found == level).count();
    match (count(Level::Fail), count(Level::Warn)) {
        (0, 0) => say("\nall is well\n"),
        (0, warnings) => say(&format!("\nit will work; {warnings} warnings\n")),
        (failures, _) => bail!("{failures} checks failed"),
    }
}

fn print(finding: &Finding) -> anyhow::Result<()> {
    let level = match finding.level {
        Level::Ok => "ok",
        Level::Warn => "warn",
        Level::Fail => "FAIL",
    };
    say(&format!("{level:5} {:14} {}\n", finding.what, finding.text))
}

fn configuration(config: &Config) -> Vec<Finding> {
    const WHAT: &str = "configuration";
    if config.server.api_hosts.is_empty() {
        let what = "readable, but server.api_hosts is not set: clients reach this server as localhost only";
        return vec![warn(WHAT, what)];
    }
    vec![ok(WHAT, format!("clients reach it as {}", config.server.api_hosts.join(", ")))]
}

fn directory(config: &Config) -> Vec<Finding> {
    const WHAT: &str = "data directory";
    let dir = config.data_dir.as_path();
    let shown = dir.display();
    let meta = match fs::metadata(dir) {
        Ok(meta) if meta.is_dir() => meta,
        Ok(_) => return vec![fail(WHAT, format!("{shown} is no directory: set data.dir to another place"))],
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return vec![ok(WHAT, format!("{shown} isn't there yet: the first start makes it"))];
        }
        Err(error) => return vec![fail(WHAT, format!("{shown}: {error}"))],
    };
    let mode = meta.permissions().mode() & 0o777;
    let mine = rustix::process::geteuid().as_raw();
    if rustix::fs::access(dir, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).is_err() {
        return vec![fail(WHAT, format!("{shown} can't be written by user {mine}: chown it to the server's user"))];
    }
    match mode {
        mode if mode & 0o022 != 0 => {
            vec![fail(WHAT, format!("{shown} can be written by others (mode {mode:03o}): chmod 700 {shown}"))]
        }
        mode if mode & 0o055 != 0 => {
            vec![warn(WHAT, format!("{shown} can be entered by others (mode {mode:03o}): chmod 700 {shown}"))]
        }
        _ if meta.uid() != mine && mine != 0 => {
            vec![warn(WHAT, format!("{shown} belongs to user {}, not to {mine}", meta.uid()))]
        }
        _ => vec![ok(WHAT, format!("{shown}, mode {mode:03o}"))],
    }
}

const MB: u64 = 1_000_000;

fn space(config: &Config) -> Vec<Finding> {
    const WHAT: &str = "disk";
    let existing = config.data_dir.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("."));
    let Ok(room) = rustix::fs::statvfs(existing) else { return vec![warn(WHAT, "the free space can't be read")] };
    let free = room.f_bavail.saturating_mul(room.f_frsize) / MB;
    let text = format!("{free} MB free at {}", existing.display());
    match free {
        0..100 => vec![fail(WHAT, format!("{text}: nobody can sign in when the database can't grow; make room"))],
        100..1000 => vec![warn(WHAT, format!("{text}: make room"))],
        _ => vec![ok(WHAT, text)],
    }
}

/// The release of this program: no clock that is right shows less.
const BUILT_AFTER: Millis = Millis(1_760_000_000_000);
/// What a clock may differ from the newest thing on the disk.
const SLACK: std::time::Duration = std::time::Duration::from_secs(300);

fn clock(config: &Config, world: &World) -> Vec<Finding> {
    const WHAT: &str = "clock";
    let now = world.now();
    let shown = jiff::Timestamp::from_second(now.seconds()).map(|now| now.to_string()).unwrap_or_default();
    if now < BUILT_AFTER {
        return vec![fail(
            WHAT,
            format!("{shown} is in the past: codes and signatures will be refused; set the clock"),
        )];
    }
    // What was written later than now was written by a clock that was right, or this one is not.
    let newest = fs::read_dir(&config.data_dir).into_iter().flatten().flatten().filter_map(|entry| {
        let seconds = entry.metadata().ok()?.mtime();
        Some(Millis::from_seconds(seconds))
    });
    if newest.max().is_some_and(|newest| newest > now + SLACK) {
        return vec![fail(WHAT, format!("{shown} is before the last change in the data directory: set the clock"))];
    }
    match outside::clock_is_kept() {
        Some(false) => vec![warn(WHAT, format!("{shown}, not synchronised: switch on NTP (timedatectl set-ntp true)"))],
        Some(true) => vec![ok(WHAT, format!("{shown}, synchronised"))],
        None => vec![ok(WHAT, format!("{shown}; whether it is synchronised can't be asked here"))],
    }
}

/// Days that are left when one should have been renewed.
const DAYS: u64 = 14;

fn certificate(config: &Config, now: Millis) -> Vec<Finding> {
    const WHAT: &str = "certificate";
    let (found, names, renew) = match &config.tls {
        TlsMode::OwnCa { dir } => {
            let path = dir.join("server.pem");
            if !path.exists() {
                return vec![ok(WHAT, "the first start makes one, by an authority of its own")];
            }
            (Identity::read(&path, &path), config.certificate_names(), "the server renews it when it starts")
        }
        TlsMode::Files { cert, key } => {
            (Identity::read(cert, key), config.server.api_hosts.clone(), "renew it and send the server a SIGHUP")
        }
        TlsMode::Acme(acme) => {
            return vec![ok(
                WHAT,
                format!("by ACME, for {}; /readyz says whether there is one", acme.domains.join(", ")),
            )];
        }
    };
    let identity = match found {
        Ok(identity) => identity,
        Err(error) => return vec![fail(WHAT, error.to_string())],
    };
    let days = identity.not_after.since(now).as_secs() / 86_400;
    let missing: Vec<&str> =
        names.iter().filter(|name| !identity.names.iter().any(|has| covers(has, name))).map(String::as_str).collect();
    let mut findings = match (identity.not_before > now, identity.not_after <= now) {
        (true, _) => vec![fail(WHAT, "not valid yet: the clock is wrong, or the file is")],
        (_, true) => vec![fail(WHAT, format!("it has run out: {renew}"))],
        _ if days < DAYS => vec![warn(WHAT, format!("{days} days left: {renew}"))],
        _ => vec![ok(WHAT, format!("{days} days left, for {}", identity.names.join(", ")))],
    };
    if !missing.is_empty() {
        findings.push(fail(WHAT, format!("not for {}: {renew}", missing.join(", "))));
    }
    findings
}

/// Whether a certificate's name is for a host; a `*` stands for one label (RFC 6125 §6.4.3).
fn covers(name: &str, host: &str) -> bool {
    name.eq_ignore_ascii_case(host)
        || name.strip_prefix("*.").is_some_and(|parent| {
            host.split_once('.').is_some_and(|(label, rest)| label != "*" && rest.eq_ignore_ascii_case(parent))
        })
}

fn ports(config: &Config) -> Vec<Finding> {
    const WHAT: &str = "port";
    let listen = config.server.listen.iter().chain(&config.metrics.listen);
    listen
        .map(|address| match TcpListener::bind(address) {
            Ok(_) => ok(WHAT, format!("{address} is free")),
            Err(error) if error.kind() == ErrorKind::AddrInUse => warn(
                WHAT,
                format!("{address} is taken: by a server that runs already, or by another program (ss -ltnp)"),
            ),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => fail(
                WHAT,
                format!(
                    "{address} may not be listened on: give the service CAP_NET_BIND_SERVICE, or take a port over 1023"
                ),
            ),
            Err(error) => fail(WHAT, format!("{address}: {error}: set server.listen to an address of this machine")),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_one_label() {
        for (name, host, covered) in [
            ("api-1.example.com", "API-1.example.com", true),
            ("*.example.com", "api-1.example.com", true),
            ("*.example.com", "a.b.example.com", false),
            ("*.example.com", "example.com", false),
            ("*.example.com", "*.example.com", true),
            ("api-1.example.com", "api-2.example.com", false),
        ] {
            assert_eq!(covers(name, host), covered, "{name} {host}");
        }
    }
}
