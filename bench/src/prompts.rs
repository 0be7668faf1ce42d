//! Sign-ins in a browser against the release server: the whole prompt by passkey, and by push.

use crate::{
    http::{
        load::{Offer, Outcome, offer},
        prompt::Prompts,
        prompt_push::PagePushes,
        server::Server,
    },
    place::Place,
    population::Population,
    process,
    report::{Report, Times, say},
};
use anyhow::{Context, Result};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How much is offered.
pub(crate) struct Plan {
    /// How long is counted.
    pub(crate) length: Duration,
    /// Prompts a second, one rate after the other until one is too much.
    pub(crate) rates: Vec<f64>,
    /// Browsers.
    pub(crate) workers: usize,
    /// Pushes a second.
    pub(crate) pushes: f64,
}

/// As much of what is offered must be done within the time.
const KEPT_UP: f64 = 0.95;

/// One engine, on a fresh copy of its seeded database.
pub(crate) async fn run(
    engine: &str,
    place: &Place,
    population: Population,
    plan: &Plan,
    report: &mut Report,
) -> Result<()> {
    let (postgres, url) = place.engine(engine).await?;
    let part = format!("prompt {engine}");
    let server = Server::start(place, &url).await?;
    let postmaster = postgres.as_ref().map(crate::engines::postmaster).transpose()?;
    let passkey = Arc::new(place.passkey()?);
    let (mut first, mut most) = (0, 0.0_f64);
    for &rate in &plan.rates {
        let workers = Prompts::workers(&server.target, population, &passkey, plan.workers).await?;
        let before = cpu(&server, postmaster)?;
        let load = Offer { rate, warm: Duration::from_secs(1), length: plan.length };
        let (mut outcome, next) = offer(load, first, workers).await?;
        let prompts = (next - first).max(1) as f64;
        first = next;
        let name = format!("passkey, {rate:.0}/s offered");
        report.add(&part, format!("{name}, done"), outcome.done, "prompts/s");
        report.times(&part, &name, &mut outcome.times);
        for ((who, after), (_, before)) in cpu(&server, postmaster)?.into_iter().zip(before) {
            let each = after.saturating_sub(before).as_secs_f64() / prompts;
            report.add(&part, format!("{name}, CPU of the {who}"), each * 1e6, "µs/prompt");
            if who == "server" && each > 0.0 {
                report.add(&part, format!("{name}, of one core of the server's"), 1.0 / each, "prompts/s");
            }
        }
        explain(&part, &outcome);
        most = most.max(outcome.done);
        if outcome.errors > 0 || outcome.done < rate * KEPT_UP {
            break;
        }
    }
    report.add(&part, "passkey, the most that was done", most, "prompts/s");
    pushes(&server, &part, place, population, plan, report).await?;
    server.stop().await
}

async fn pushes(
    server: &Server,
    part: &str,
    place: &Place,
    population: Population,
    plan: &Plan,
    report: &mut Report,
) -> Result<()> {
    let (key, notified) = (Arc::new(place.device_key()?), Arc::new(Mutex::new(Times::default())));
    // Each waits for its person a quarter of a second.
    let count = (plan.pushes * 0.6).ceil() as usize + 8;
    let workers = PagePushes::workers(&server.target, population, &key, &notified, count).await?;
    // One prompt to one user in half a minute: as many as have an authenticator, once each.
    let most = population.phones() as f64 / plan.pushes;
    let length = Duration::try_from_secs_f64(plan.length.as_secs_f64().min(most - 1.5)).context("too few users")?;
    let load = Offer { rate: plan.pushes, warm: Duration::from_secs(1), length };
    let (mut outcome, _) = offer(load, 0, workers).await?;
    let name = format!("{:.0} pushes/s offered", plan.pushes);
    report.add(part, format!("{name}, done"), outcome.done, "prompts/s");
    report.add(part, format!("{name}, errors"), outcome.errors as f64, "");
    let mut notified = notified.lock().unwrap_or_else(PoisonError::into_inner).clone();
    report.times(part, &format!("{name}, page's request to authenticator told"), &mut notified);
    report.times(part, &format!("{name}, answer to browser redirected"), &mut outcome.inner);
    explain(part, &outcome);
    Ok(())
}

fn cpu(server: &Server, postmaster: Option<u32>) -> Result<Vec<(&'static str, Duration)>> {
    let mut all = vec![("server", process::cpu(server.pid()?)?), ("generator", process::cpu(std::process::id())?)];
    if let Some(pid) = postmaster {
        all.push(("database", process::cpu_of_family(pid)?));
    }
    Ok(all)
}

fn explain(part: &str, outcome: &Outcome) {
    if let Some(error) = &outcome.first_error {
        say(&format!("{part}: {} errors, the first: {error}", outcome.errors));
    }
}
