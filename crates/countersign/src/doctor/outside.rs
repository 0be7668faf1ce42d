//! What is beyond this machine, where the configuration names it: the mail server and the message supplier; and who keeps the clock.

use std::{path::Path, process::Command, time::Duration};

use tokio::{io::AsyncReadExt as _, net::TcpStream, time::timeout};
use types::World;

use super::{Finding, fail, ok, warn};
use crate::{
    config::{Config, SmtpSecurity},
    gateway,
};

const PATIENCE: Duration = Duration::from_secs(5);

/// Whether the system says that its clock is synchronised; nothing where it says nothing.
pub(super) fn clock_is_kept() -> Option<bool> {
    let output = Command::new("timedatectl").args(["show", "--property=NTPSynchronized", "--value"]).output().ok()?;
    match String::from_utf8_lossy(&output.stdout).trim() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

pub(super) async fn check(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(smtp) = &config.smtp {
        findings.push(mail(&smtp.host, smtp.port, smtp.security).await);
    }
    if let Some(supplier) = &config.supplier {
        findings.push(supplied(&supplier.base_url).await);
    }
    if let Some(path) = &config.gateway_file {
        findings.push(gateway_file(config, path));
    } else if config.supplier.is_none() {
        findings.push(ok("messages", "no supplier is configured: no SMS and no calls"));
    }
    findings
}

/// Reads the gateway file as a server does; nobody is connected to.
fn gateway_file(config: &Config, path: &Path) -> Finding {
    const WHAT: &str = "gateway file";
    match gateway::carriers(config, &World::real(), &[]) {
        Ok((carriers, table)) => {
            let text = format!("{}: {} carriers, {} routes", path.display(), carriers.len(), table.routes.len());
            ok(WHAT, format!("{text}; whether they are reached, their metrics say"))
        }
        Err(error) => fail(WHAT, format!("{error:#}")),
    }
}

async fn mail(host: &str, port: u16, security: SmtpSecurity) -> Finding {
    const WHAT: &str = "mail server";
    let greeted = timeout(PATIENCE, async {
        let mut stream = TcpStream::connect((host, port)).await?;
        if security == SmtpSecurity::Tls {
            return Ok(true);
        }
        // RFC 5321 §3.1: the server speaks first.
        let mut greeting = [0; 3];
        stream.read_exact(&mut greeting).await?;
        std::io::Result::Ok(greeting == *b"220")
    });
    match greeted.await {
        Ok(Ok(true)) => ok(WHAT, format!("{host}:{port} answers")),
        Ok(Ok(false)) => fail(WHAT, format!("{host}:{port} is no mail server, or refuses: see smtp.host, smtp.port")),
        Ok(Err(error)) => fail(WHAT, format!("{host}:{port}: {error}: see smtp.host, smtp.port and smtp.security")),
        Err(_) => fail(WHAT, format!("{host}:{port} doesn't answer: is a firewall between?")),
    }
}

/// Any answer will do: nothing is sent, and the account isn't tried.
async fn supplied(base_url: &str) -> Finding {
    const WHAT: &str = "supplier";
    let client = match reqwest::Client::builder().timeout(PATIENCE).build() {
        Ok(client) => client,
        Err(error) => return warn(WHAT, error.to_string()),
    };
    match client.get(base_url).send().await {
        Ok(_) => ok(WHAT, format!("{base_url} answers; whether the account is right shows with the first message")),
        Err(error) => {
            let mut cause: &dyn std::error::Error = &error;
            while let Some(inner) = cause.source() {
                cause = inner;
            }
            fail(WHAT, format!("{base_url}: {cause}: see supplier.base_url"))
        }
    }
}
