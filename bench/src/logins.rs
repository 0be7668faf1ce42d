//! Parts 2, 3 and 6: logins over HTTPS against the release server, and its memory.

use crate::{
    http::{
        load::{Offer, Outcome, offer},
        passcode::{Codes, Logins, Meets},
        push::Pushes,
        server::Server,
    },
    place::Place,
    population::Population,
    process,
    report::{Report, say},
};
use anyhow::{Context, Result};
use std::{sync::Arc, time::Duration};

/// How much is offered.
#[derive(Clone)]
pub(crate) struct Plan {
    /// How long is counted.
    pub(crate) length: Duration,
    /// Rates that are tried one after the other until one is too much.
    pub(crate) rates: Vec<f64>,
    /// The rate of the long run.
    pub(crate) fixed: f64,
    /// Connections, and so logins under way.
    pub(crate) workers: usize,
    /// The rate of pushes.
    pub(crate) pushes: f64,
}

/// Within this time 99 of 100 logins must end.
const LIMIT_MS: f64 = 50.0;
/// As much of what is offered must be done within the time.
const KEPT_UP: f64 = 0.98;

/// One engine, on a fresh copy of its seeded database.
pub(crate) async fn run(
    engine: &str,
    place: &Place,
    population: Population,
    plan: &Plan,
    report: &mut Report,
) -> Result<()> {
    let (postgres, url) = place.engine(engine).await?;
    let part = format!("https {engine}");
    let server = Server::start(place, &url).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    report.add(&part, "memory, idle", server.memory()?, "MiB");
    let postmaster = postgres.as_ref().map(crate::engines::postmaster).transpose()?;
    let mut run = Run { server, part, population, plan, next: 0, codes: Codes::new(population), postmaster };
    run.meet(report).await?;
    run.ramp(report).await?;
    let fixed = format!("{:.0}/s offered", plan.fixed);
    let (mut outcome, cpu) = run.step(plan.fixed, plan.length * 3).await?;
    report.add(&run.part, format!("{fixed}, done"), outcome.done, "logins/s");
    report.add(&run.part, format!("{fixed}, errors"), outcome.errors as f64, "");
    report.times(&run.part, &fixed, &mut outcome.times);
    for (who, cpu) in cpu {
        report.add(&run.part, format!("{fixed}, CPU of the {who}"), cpu, "µs/login");
    }
    run.explain(&outcome);
    report.add(&run.part, "memory, loaded", run.server.memory()?, "MiB");
    run.push(place, report).await?;
    run.server.stop().await
}

struct Run<'a> {
    server: Server,
    part: String,
    population: Population,
    plan: &'a Plan,
    next: u64,
    codes: Arc<Codes>,
    postmaster: Option<u32>,
}

impl Run<'_> {
    /// Every tenant is asked for once: what the server keeps of an application is then kept.
    async fn meet(&mut self, report: &mut Report) -> Result<()> {
        let workers = Logins::workers(&self.server.target, &self.codes, self.plan.workers).await?;
        let workers = workers.into_iter().map(Meets).collect();
        // More than can be done: how long it takes is the figure.
        let rate = 50_000.0;
        let length = Duration::from_secs_f64(self.population.tenants as f64 / rate);
        let load = Offer { rate, warm: Duration::ZERO, length };
        let began = tokio::time::Instant::now();
        let (outcome, _) = offer(load, 0, workers).await?;
        let took = began.elapsed().as_secs_f64();
        report.add(&self.part, "first preauth of each tenant", outcome.times.count() as f64 / took, "preauths/s");
        report.add(&self.part, "first preauth of each tenant, errors", outcome.errors as f64, "");
        self.explain(&outcome);
        Ok(())
    }

    /// Finds the highest of the rates that is kept within the limit.
    async fn ramp(&mut self, report: &mut Report) -> Result<()> {
        let mut best = 0.0;
        for &rate in &self.plan.rates {
            let (mut outcome, _) = self.step(rate, self.plan.length).await?;
            let p99 = outcome.times.percentile(0.99);
            report.add(&self.part, format!("{rate:.0}/s offered, done"), outcome.done, "logins/s");
            report.add(&self.part, format!("{rate:.0}/s offered, p99"), p99, "ms");
            self.explain(&outcome);
            if outcome.errors > 0 || p99 > LIMIT_MS || outcome.done < rate * KEPT_UP {
                break;
            }
            best = outcome.done;
        }
        report.add(&self.part, "passcode logins with p99 ≤ 50 ms", best, "logins/s");
        Ok(())
    }

    /// One rate; and who took how much CPU for a login, µs.
    async fn step(&mut self, rate: f64, length: Duration) -> Result<(Outcome, Vec<(&'static str, f64)>)> {
        let workers = Logins::workers(&self.server.target, &self.codes, self.plan.workers).await?;
        let before = self.cpu()?;
        let load = Offer { rate, warm: Duration::from_secs(1), length };
        let first = self.next;
        let (outcome, next) = offer(load, first, workers).await?;
        self.next = next;
        let logins = (next - first).max(1) as f64;
        let each = self
            .cpu()?
            .into_iter()
            .zip(before)
            .map(|((who, after), (_, before))| (who, (after.saturating_sub(before)).as_secs_f64() * 1e6 / logins));
        Ok((outcome, each.collect()))
    }

    fn cpu(&self) -> Result<Vec<(&'static str, Duration)>> {
        let mut all =
            vec![("server", process::cpu(self.server.pid()?)?), ("generator", process::cpu(std::process::id())?)];
        if let Some(pid) = self.postmaster {
            all.push(("database", process::cpu_of_family(pid)?));
        }
        Ok(all)
    }

    async fn push(&mut self, place: &Place, report: &mut Report) -> Result<()> {
        let key = Arc::new(place.device_key()?);
        // Each waits for its person a fifth of a second.
        let count = (self.plan.pushes * 0.5).ceil() as usize + 8;
        let workers = Pushes::workers(&self.server.target, self.population, &key, count).await?;
        // One prompt to one user in half a minute: as many as have an authenticator, once each.
        let most = self.population.phones() as f64 / self.plan.pushes;
        let length = self.plan.length.as_secs_f64().min(most - 1.5);
        let length = Duration::try_from_secs_f64(length).context("too few users for this rate of pushes")?;
        let load = Offer { rate: self.plan.pushes, warm: Duration::from_secs(1), length };
        let (mut outcome, _) = offer(load, 0, workers).await?;
        let name = format!("{:.0} pushes/s offered", self.plan.pushes);
        report.add(&self.part, format!("{name}, done"), outcome.done, "logins/s");
        report.add(&self.part, format!("{name}, errors"), outcome.errors as f64, "");
        report.times(&self.part, &format!("{name}, answer to waiter's wake"), &mut outcome.inner);
        self.explain(&outcome);
        Ok(())
    }

    fn explain(&self, outcome: &Outcome) {
        if let Some(error) = &outcome.first_error {
            say(&format!("{}: {} errors, the first: {error}", self.part, outcome.errors));
        }
    }
}
