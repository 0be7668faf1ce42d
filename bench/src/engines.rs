//! Parts 4 and 5: the bare engines, their peers, and what a login costs them.

use crate::{
    bare::{Bare, Seen},
    counting::Reading,
    peer,
    place::Place,
    population::Population,
    process,
    report::Report,
};
use anyhow::{Context, Result};
use countersign_e2e::postgres::Postgres;
use rusqlite::Connection;
use std::{path::Path, sync::Arc, time::Duration};

/// How much is measured.
#[derive(Clone)]
pub(crate) struct Plan {
    /// The length of one measurement.
    pub(crate) length: Duration,
    /// Sizes of batches that follow each other.
    pub(crate) sizes: Vec<usize>,
    /// How many log in at once.
    pub(crate) parallel: Vec<usize>,
}

/// Connections of the PostgreSQL peer: the best of the measurements that the design was chosen by.
const PEER_CONNECTIONS: u64 = 4;

/// SQLite.
pub(crate) async fn sqlite(place: &Place, population: Population, plan: &Plan, report: &mut Report) -> Result<()> {
    let path = place.sqlite().await?;
    let text = path.to_str().context("the path is not UTF-8")?;
    let engine = store::open(&format!("sqlite:{text}"), &store::Options::default()).await?;
    let bare = Arc::new(Bare::new(engine, population));
    let own = std::process::id();
    measure("bare sqlite", &bare, plan, || process::cpu(own), report).await?;
    cost_sqlite(&bare, &path, population, report).await?;
    drop(bare);
    // The engine's threads end by themselves once nobody asks any more; the peer wants the file for itself.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (size, length) = (256, plan.length);
    let cpu = process::cpu(std::process::id())?;
    let seen = tokio::task::spawn_blocking(move || peer::sqlite(&path, population, size, length)).await??;
    let cpu = process::cpu(std::process::id())? - cpu;
    peers("bare sqlite", "rusqlite peer", seen, cpu, report);
    Ok(())
}

/// PostgreSQL.
pub(crate) async fn postgres(place: &Place, population: Population, plan: &Plan, report: &mut Report) -> Result<()> {
    let (server, url) = place.postgres().await?;
    let engine = store::open(&url, &store::Options::default()).await?;
    let bare = Arc::new(Bare::new(engine, population));
    let main = postmaster(&server)?;
    let both = || Ok(process::cpu(std::process::id())? + process::cpu_of_family(main)?);
    measure("bare postgres", &bare, plan, both, report).await?;
    cost_postgres(&bare, &url, population, report).await?;
    drop(bare);
    let cpu = both()?;
    let seen = peer::postgres(&url, population, PEER_CONNECTIONS, 64, plan.length).await?;
    peers("bare postgres", "tokio-postgres peer", seen, both()? - cpu, report);
    drop(server);
    Ok(())
}

async fn measure(
    part: &str,
    bare: &Arc<Bare>,
    plan: &Plan,
    cpu: impl Fn() -> Result<Duration>,
    report: &mut Report,
) -> Result<()> {
    // The first pages and plans are not what is measured.
    bare.batches(64, plan.length / 4).await?;
    for &size in &plan.sizes {
        let before = cpu()?;
        let mut seen = bare.batches(size, plan.length).await?;
        let name = format!("batches of {size}");
        report.add(part, name.as_str(), seen.rate(), "logins/s");
        report.add(part, format!("{name} p50"), seen.times.percentile(0.5), "ms");
        report.add(part, format!("{name} CPU"), each(cpu()? - before, &seen), "µs/login");
    }
    for &parallel in &plan.parallel {
        let before = cpu()?;
        let mut seen = bare.lanes(parallel, plan.length).await?;
        let name = format!("{parallel} at once");
        report.add(part, name.as_str(), seen.rate(), "logins/s");
        report.add(part, format!("{name} CPU"), each(cpu()? - before, &seen), "µs/login");
        report.times(part, &name, &mut seen.times);
    }
    Ok(())
}

fn each(cpu: Duration, seen: &Seen) -> f64 {
    cpu.as_secs_f64() * 1e6 / seen.logins.max(1) as f64
}

fn peers(part: &str, name: &str, mut seen: Seen, cpu: Duration, report: &mut Report) {
    report.add(part, name, seen.rate(), "logins/s");
    report.add(part, format!("{name} p50 of a batch"), seen.times.percentile(0.5), "ms");
    report.add(part, format!("{name} CPU"), each(cpu, &seen), "µs/login");
    report.add(part, "ratio to the peer", report.best(part, " at once") / seen.rate().max(1e-9), "");
}

/// The process that all others of a PostgreSQL server are children of.
pub(crate) fn postmaster(server: &Postgres) -> Result<u32> {
    let file = server.log().parent().context("a server without a directory")?.join("data/postmaster.pid");
    let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    Ok(text.lines().next().context("an empty postmaster.pid")?.trim().parse()?)
}

/// Statements, rows and bytes of a login in batches of 64.
async fn cost_sqlite(bare: &Bare, path: &Path, population: Population, report: &mut Report) -> Result<()> {
    let part = format!("cost sqlite {}", population.tenants);
    let watcher = Connection::open(path)?;
    // How long the WAL is; it begins again from 0 when it has been written back.
    let frames =
        || watcher.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| row.get::<_, i64>(1)).map(i64::unsigned_abs);
    let before = bare.counts().read();
    let (mut logins, mut grown, mut of_grown) = (0, 0, 0);
    for _ in 0..16 {
        let from = frames()?;
        let seen = bare.batches(64, Duration::from_millis(100)).await?;
        let to = frames()?;
        logins += seen.logins;
        if to > from {
            grown += to - from;
            of_grown += seen.logins;
        }
    }
    counted(&part, before, bare, logins, report);
    report.add(&part, "WAL written", (grown * FRAME) as f64 / of_grown.max(1) as f64, "bytes/login");
    Ok(())
}

/// Bytes of a page in the WAL, with its header.
const FRAME: u64 = 4096 + 24;

async fn cost_postgres(bare: &Bare, url: &str, population: Population, report: &mut Report) -> Result<()> {
    let part = format!("cost postgres {}", population.tenants);
    let client = crate::seed::postgres::connect(url).await?;
    let wal = || async {
        let row = client.query_one("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8", &[]).await?;
        Ok::<f64, anyhow::Error>(row.try_get(0)?)
    };
    let (before, counts) = (wal().await?, bare.counts().read());
    let seen = bare.batches(64, Duration::from_millis(1600)).await?;
    counted(&part, counts, bare, seen.logins, report);
    report.add(&part, "WAL written", (wal().await? - before) / seen.logins as f64, "bytes/login");
    Ok(())
}

fn counted(part: &str, before: Reading, bare: &Bare, logins: u64, report: &mut Report) {
    let after = bare.counts().read();
    let each = |a: u64, b: u64| (a - b) as f64 / logins.max(1) as f64;
    report.add(part, "statements, a batch of 64 as one", each(after.sets, before.sets) * 64.0, "per batch");
    report.add(part, "statements, each row's as one", each(after.runs, before.runs), "per login");
    report.add(part, "rows that came back", each(after.rows, before.rows), "per login");
}
