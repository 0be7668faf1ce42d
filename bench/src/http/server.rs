//! The release server under test, in a process of its own.

use super::connection::{Connection, NAME, Target};
use crate::{place::Place, process};
use anyhow::{Context, Result, bail};
use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    process::Stdio,
    time::Duration,
};
use tokio::{
    process::{Child, Command},
    time::Instant,
};

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server; it is killed when this is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) target: Target,
}

impl Server {
    /// Starts the program that `COUNTERSIGN_BIN` names on the database at `url` with the place's root key.
    pub(crate) async fn start(place: &Place, url: &str) -> Result<Self> {
        Self::start_with(place, url, "").await
    }

    /// The same with further sections of its configuration.
    pub(crate) async fn start_with(place: &Place, url: &str, more: &str) -> Result<Self> {
        let program = std::env::var_os("COUNTERSIGN_BIN")
            .context("COUNTERSIGN_BIN names no server; run this by `cargo xtask bench`")?;
        let program = PathBuf::from(program).canonicalize()?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let data = place.path("server");
        std::fs::create_dir_all(&data)?;
        let config = place.path("server.toml");
        let root = place.root_key().canonicalize()?;
        std::fs::write(
            &config,
            format!(
                "[server]\nlisten = [\"{address}\"]\napi_hosts = [\"{NAME}\"]\n[limits]\nconnections_per_address = 10000\n\
                 [data]\ndir = {data:?}\n[store]\nurl = {url:?}\n[keys]\nroot = \"file:{}\"\n[log]\nfilter = \"warn\"\n{more}",
                root.display(),
            ),
        )?;
        let log = std::fs::File::create(place.path("server.log"))?;
        let child = Command::new(&program)
            .args(["serve", "--config"])
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| program.display().to_string())?;
        let ca = data.join("tls/ca.pem");
        let until = Instant::now() + PATIENCE;
        let target = loop {
            match ready(address, &ca).await {
                Ok(target) => break target,
                Err(error) if Instant::now() > until => {
                    let log = std::fs::read_to_string(place.path("server.log")).unwrap_or_default();
                    return Err(error.context(format!("the server did not start:\n{log}")));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        };
        Ok(Self { child, target })
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> Result<u32> {
        self.child.id().context("the server has ended")
    }

    /// Resident memory, MiB.
    pub(crate) fn memory(&self) -> Result<f64> {
        process::memory(self.pid()?)
    }

    /// Ends it.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.child.kill().await?;
        Ok(())
    }
}

async fn ready(address: SocketAddr, ca: &std::path::Path) -> Result<Target> {
    let target = Target::new(address, ca)?;
    let mut connection: Connection = target.connect().await?;
    let answer = connection.ask(format!("GET /readyz HTTP/1.1\r\nHost: {NAME}\r\n\r\n").as_bytes()).await?;
    if answer.status != 200 {
        bail!("/readyz: {} {}", answer.status, answer.body);
    }
    Ok(target)
}
