//! Parts 4 and 5: the bare engines, their peers, and what a login costs them.

use crate::{
    bare::{Bare, Seen},
    peer,
    place::Place,
    population::Population,
    report::Report,
};
use anyhow::{Context, Result};
use std::{path::Path, sync::Arc, time::Duration};

/// How much is measured.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    /// The length of one measurement.
    pub(crate) length: Duration,
}

const SIZES: [usize; 4] = [1, 16, 64, 256];
const PARALLEL: [usize; 3] = [16, 128, 512];
/// Connections of the PostgreSQL peer: the best of the measurements that the design was chosen by.
const PEER_CONNECTIONS: u64 = 4;

/// SQLite.
pub(crate) async fn sqlite(place: &Place, population: Population, plan: Plan, report: &mut Report) -> Result<()> {
    let path = place.sqlite().await?;
    let text = path.to_str().context("the path is not UTF-8")?;
    let engine = store::open(&format!("sqlite:{text}"), &store::Options::default()).await?;
    let bare = Arc::new(Bare::new(engine, population));
    let wal = path.with_extension("db-wal");
    measure("bare sqlite", &bare, plan, report).await?;
    cost_sqlite(&bare, &wal, population, report).await?;
    drop(bare);
    // The engine's threads end by themselves once nobody asks any more; the peer wants the file for itself.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let size = 256;
    let seen = tokio::task::spawn_blocking(move || peer::sqlite(&path, population, size, plan.length)).await??;
    peers("bare sqlite", "rusqlite peer", seen, report);
    Ok(())
}

/// PostgreSQL.
pub(crate) async fn postgres(place: &Place, population: Population, plan: Plan, report: &mut Report) -> Result<()> {
    let (server, url) = place.postgres().await?;
    let engine = store::open(&url, &store::Options::default()).await?;
    let bare = Arc::new(Bare::new(engine, population));
    measure("bare postgres", &bare, plan, report).await?;
    cost_postgres(&bare, &url, population, report).await?;
    drop(bare);
    let seen = peer::postgres(&url, population, PEER_CONNECTIONS, 64, plan.length).await?;
    peers("bare postgres", "tokio-postgres peer", seen, report);
    drop(server);
    Ok(())
}

async fn measure(part: &str, bare: &Arc<Bare>, plan: Plan, report: &mut Report) -> Result<()> {
    // The first pages and plans are not what is measured.
    bare.batches(64, plan.length / 4).await?;
    for size in SIZES {
        let mut seen = bare.batches(size, plan.length).await?;
        report.add(part, format!("one after another, batches of {size}"), seen.rate(), "logins/s");
        let p50 = seen.times.percentile(0.5);
        report.add(part, format!("one after another, batches of {size}, p50"), p50, "ms");
    }
    for parallel in PARALLEL {
        let mut seen = bare.lanes(parallel, plan.length).await?;
        report.add(part, format!("{parallel} at once"), seen.rate(), "logins/s");
        report.times(part, &format!("{parallel} at once"), &mut seen.times);
    }
    Ok(())
}

fn peers(part: &str, name: &str, mut seen: Seen, report: &mut Report) {
    report.add(part, name, seen.rate(), "logins/s");
    report.add(part, format!("{name}, a batch, p50"), seen.times.percentile(0.5), "ms");
    let best = PARALLEL.iter().filter_map(|n| report.value(part, &format!("{n} at once"))).fold(0.0, f64::max);
    report.add(part, "ratio to the peer", best / seen.rate().max(1e-9), "");
}

/// Statements, rows and bytes of a login in batches of 64.
async fn cost_sqlite(bare: &Bare, wal: &Path, population: Population, report: &mut Report) -> Result<()> {
    let part = format!("cost sqlite {}", population.tenants);
    // The WAL grows until it is written back, so its growth is read over a stretch in which it isn't.
    let length = || std::fs::metadata(wal).map(|meta| meta.len());
    let (mut logins, mut bytes) = (0, 0);
    let counts = bare.counts().read();
    for _ in 0..8 {
        let before = length()?;
        let seen = bare.batches(64, Duration::from_millis(200)).await?;
        let after = length()?;
        if after > before {
            bytes += after - before;
            logins += seen.logins;
        } else {
            logins += 0;
        }
        counted(&part, counts, bare, seen.logins, None);
    }
    let all = bare.counts().read();
    let done = (all.transactions - counts.transactions) * 64;
    counted(&part, counts, bare, done, Some(report));
    if logins > 0 {
        report.add(&part, "WAL written", bytes as f64 / logins as f64, "bytes/login");
    }
    Ok(())
}

async fn cost_postgres(bare: &Bare, url: &str, population: Population, report: &mut Report) -> Result<()> {
    let part = format!("cost postgres {}", population.tenants);
    let client = crate::seed::postgres::connect(url).await?;
    let wal = || async {
        let row = client.query_one("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8", &[]).await?;
        Ok::<f64, anyhow::Error>(row.try_get(0)?)
    };
    let (before, counts) = (wal().await?, bare.counts().read());
    let seen = bare.batches(64, Duration::from_millis(1600)).await?;
    counted(&part, counts, bare, seen.logins, Some(report));
    report.add(&part, "WAL written", (wal().await? - before) / seen.logins as f64, "bytes/login");
    Ok(())
}

fn counted(part: &str, before: crate::counting::Reading, bare: &Bare, logins: u64, report: Option<&mut Report>) {
    let Some(report) = report else { return };
    let after = bare.counts().read();
    let each = |a: u64, b: u64| (a - b) as f64 / logins.max(1) as f64;
    report.add(part, "statements, a batch of 64 as one", each(after.sets, before.sets) * 64.0, "per batch");
    report.add(part, "statements, each row's as one", each(after.runs, before.runs), "per login");
    report.add(part, "rows that came back", each(after.rows, before.rows), "per login");
}
