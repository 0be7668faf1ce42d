//! Keycloak as it is distributed, in production's mode, on its embedded database (H2 in a file), in one process of Java.
//!
//! Its starting script runs Java beside itself; here Java is started as the script would, so that the process that is measured and
//! stopped is the server.

use super::{Places, Provider, WORKERS, free_port};
use crate::report::say;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::{
    fs::File,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};
use tokio::process::Command;

pub(super) const NAME: &str = "Keycloak";
/// Names the unpacked distribution.
const HOME: &str = "COUNTERSIGN_KEYCLOAK";
/// Stands in the distribution once it was prepared for its database.
const PREPARED: &str = "prepared-for-bench";

/// What `bin/kc.sh` of 26.5 gives the virtual machine.
const MACHINE: &[&str] = &[
    "-XX:MetaspaceSize=96M",
    "-XX:MaxMetaspaceSize=256m",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:+UseG1GC",
    "-Xms64m",
    "-Xmx512m",
    "-Dfile.encoding=UTF-8",
    "-Djava.security.egd=file:/dev/urandom",
    "-Djava.util.concurrent.ForkJoinPool.common.threadFactory=io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory",
    "-Djava.util.logging.manager=org.jboss.logmanager.LogManager",
    "-Dpicocli.disable.closures=true",
    "-Dquarkus-log-max-startup-records=10000",
    "--add-opens=java.base/java.util=ALL-UNNAMED",
    "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
    "--add-opens=java.base/java.security=ALL-UNNAMED",
];

/// Starts it; nothing where it isn't here.
pub(super) async fn start() -> Result<Option<Provider>> {
    let Some(home) = std::env::var_os(HOME).map(PathBuf::from) else {
        say(&format!(
            "skipped: Keycloak isn't here ({HOME} names its directory; `cargo xtask bench` fetches it where Java and Maven are)"
        ));
        return Ok(None);
    };
    let home = home.canonicalize().with_context(|| home.display().to_string())?;
    // What an earlier run has left.
    let data = home.join("data");
    if data.exists() {
        std::fs::remove_dir_all(&data)?;
    }
    let import = data.join("import");
    std::fs::create_dir_all(&import)?;
    std::fs::write(import.join("bench.json"), realm().to_string())?;
    if !home.join(PREPARED).exists() {
        let status = java(&home, &["build", "--db=dev-file", "--cache=local"])?.status().await.context("java")?;
        if !status.success() {
            bail!("Keycloak's own build: {status}; see {}", log(&home).display());
        }
        std::fs::write(home.join(PREPARED), "")?;
    }
    let port = free_port()?;
    let child =
        java(&home, &["start", "--optimized", "--import-realm", "--http-enabled=true", "--hostname-strict=false"])?
            .args(["--http-host=127.0.0.1", "--log-level=warn", &format!("--http-port={port}")])
            .spawn()
            .context("java")?;
    let places = Places {
        address: (Ipv4Addr::LOCALHOST, port).into(),
        authorize: "/realms/bench/protocol/openid-connect/auth",
        token: "/realms/bench/protocol/openid-connect/token",
        introspect: "/realms/bench/protocol/openid-connect/token/introspect",
        own: "grant_type=client_credentials",
    };
    let patience = Duration::from_secs(180);
    Ok(Some(Provider { name: NAME, child, places: Arc::new(places), patience, warm: 10_000 }))
}

fn log(home: &Path) -> PathBuf {
    home.join("data/bench.log")
}

/// Keycloak's program with these arguments; what it says goes to a file.
fn java(home: &Path, arguments: &[&str]) -> Result<Command> {
    let program =
        std::env::var_os("JAVA_HOME").map_or_else(|| "java".into(), |java| PathBuf::from(java).join("bin/java"));
    let log = File::options().create(true).append(true).open(log(home))?;
    let mut command = Command::new(program);
    command
        .args(MACHINE)
        .arg(format!("-Dkc.home.dir={}", home.display()))
        .arg(format!("-Djboss.server.config.dir={}", home.join("conf").display()))
        .arg("-cp")
        .arg(home.join("lib/quarkus-run.jar"))
        .arg("io.quarkus.bootstrap.runner.QuarkusEntryPoint")
        .args(arguments)
        .current_dir(home)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .kill_on_drop(true);
    Ok(command)
}

/// One realm with one client and as many people as there are connections. It signs as the server does, with ES256, and a refresh token
/// is good once, as the server's.
fn realm() -> Value {
    let people: Vec<Value> = (0..WORKERS)
        .map(|person| {
            json!({
                "username": format!("bench{person}"), "enabled": true, "firstName": "Bench", "lastName": "Bench",
                "email": format!("bench{person}@bench.test"), "emailVerified": true,
                "credentials": [{ "type": "password", "value": "bench" }],
            })
        })
        .collect();
    json!({
        "realm": "bench", "enabled": true, "sslRequired": "none", "defaultSignatureAlgorithm": "ES256",
        "revokeRefreshToken": true, "refreshTokenMaxReuse": 0, "accessTokenLifespan": 3600,
        "clients": [{
            "clientId": "bench", "enabled": true, "secret": "bench", "clientAuthenticatorType": "client-secret",
            "publicClient": false, "standardFlowEnabled": true, "serviceAccountsEnabled": true,
            "redirectUris": ["https://app.test/cb"],
            "attributes": { "access.token.signed.response.alg": "ES256", "id.token.signed.response.alg": "ES256" },
        }],
        "users": people,
    })
}
