//! The same of `oidc-provider` (npm), where node and the package are here: one process, everything in its memory, plain HTTP. Nothing is durable
//! there and nothing is encrypted, so what it does is an upper bound of what it could do in the server's place.

use crate::{
    process,
    report::{Report, say},
};
use anyhow::{Context, Result, bail};
use std::{
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    process::Command,
    time::Instant,
};

const PART: &str = "sso oidc-provider";
const WORKERS: usize = 16;
/// The program beside this crate.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peer_oidc.mjs");

/// Measures it, or says why not.
pub(crate) async fn run(length: Duration, report: &mut Report) -> Result<()> {
    let modules = std::env::var("NODE_PATH").unwrap_or_else(|_| "target/npm/node_modules".to_owned());
    if !Path::new(&modules).join("oidc-provider").exists() {
        say("oidc-provider is not here (npm install --prefix target/npm oidc-provider): left out");
        return Ok(());
    }
    say("Keycloak is not measured: it needs Java and a distribution that nothing here installs");
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let mut child = Command::new("node")
        .arg(SCRIPT)
        .env("PORT", port.to_string())
        .env("MODULES", std::fs::canonicalize(&modules)?)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("node")?;
    let pid = child.id().context("node has ended")?;
    let until = Instant::now() + Duration::from_secs(30);
    let token = loop {
        match own(&mut connect(port).await).await {
            Ok(token) => break token,
            Err(error) if Instant::now() > until => return Err(error.context("oidc-provider did not start")),
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    };
    for (name, form) in [
        ("client credentials, signed", "grant_type=client_credentials&resource=urn:signed".to_owned()),
        ("introspection", format!("token={token}")),
    ] {
        let path = if name == "introspection" { "/token/introspection" } else { "/token" };
        load(port, path, &form, Duration::from_secs(1)).await?;
        let (before, began) = (process::cpu(pid)?, Instant::now());
        let count = load(port, path, &form, length).await?.max(1) as f64;
        let each = (process::cpu(pid)?.saturating_sub(before)).as_secs_f64() / count;
        report.add(PART, format!("{name}, done"), count / began.elapsed().as_secs_f64(), "/s");
        report.add(PART, format!("{name}, CPU of the server"), each * 1e6, "µs");
        report.add(PART, format!("{name}, of one core of the server's"), 1.0 / each, "/s");
    }
    child.kill().await?;
    Ok(())
}

async fn connect(port: u16) -> Option<TcpStream> {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.ok()
}

async fn load(port: u16, path: &'static str, form: &str, length: Duration) -> Result<u64> {
    let end = Instant::now() + length;
    let tasks: Vec<_> = (0..WORKERS)
        .map(|_| {
            let form = form.to_owned();
            tokio::spawn(async move {
                let mut stream = connect(port).await;
                let mut count = 0_u64;
                while Instant::now() < end {
                    ask(&mut stream, path, &form).await?;
                    count += 1;
                }
                Ok::<_, anyhow::Error>(count)
            })
        })
        .collect();
    let mut all = 0;
    for task in tasks {
        all += task.await??;
    }
    Ok(all)
}

async fn own(stream: &mut Option<TcpStream>) -> Result<String> {
    let body = ask(stream, "/token", "grant_type=client_credentials").await?;
    let answer: serde_json::Value = serde_json::from_str(&body)?;
    Ok(answer.get("access_token").and_then(|token| token.as_str()).context("no token")?.to_owned())
}

async fn ask(stream: &mut Option<TcpStream>, path: &str, form: &str) -> Result<String> {
    let stream = stream.as_mut().context("no connection")?;
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic YmVuY2g6YmVuY2g=\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut read = Vec::with_capacity(2048);
    loop {
        if stream.read_buf(&mut read).await? == 0 {
            bail!("the connection was closed");
        }
        let text = std::str::from_utf8(&read)?;
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-length:"));
        let length: usize = line.and_then(|line| line.split(':').nth(1)).context("no length")?.trim().parse()?;
        if body.len() >= length {
            if !head.starts_with("HTTP/1.1 200") {
                bail!("{path}: {head} {body}");
            }
            return Ok(body.to_owned());
        }
    }
}
