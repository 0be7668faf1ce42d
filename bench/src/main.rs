//! The load generator and its peers: `cargo xtask bench`.
//!
//! What it is for: figures about a release build that can be trusted. Load is open-loop: each login has a time at which it
//! is due, and its latency counts from there, so a server that stalls can't hide it by holding the generator up. Every
//! answer is checked. Ratios are between figures of one run.
//!
//! What it never does: judge. It stands in no test; whoever reads the figures knows the machine.
//!
//! To add a part: a module with a function that takes the [`report::Report`], and a line in [`run`]; its meaning goes into
//! `docs/benchmarks.md`.

mod bare;
mod calls;
mod counting;
mod engines;
mod http;
mod logins;
mod messages;
mod numbers_known;
mod passkey;
mod peer;
mod place;
mod population;
mod process;
mod prompts;
mod providers;
mod report;
mod sealed_log;
mod seed;
mod sso;
mod verifications;
mod verify;

use anyhow::{Result, bail};
use clap::Parser;
use place::Place;
use population::Population;
use report::Report;
use std::{path::PathBuf, time::Duration};

/// Measures Countersign on this machine.
#[derive(Parser)]
struct Arguments {
    /// Tenants.
    #[arg(long, default_value_t = 100_000)]
    tenants: u64,
    /// Users of all tenants together.
    #[arg(long, default_value_t = 1_000_000)]
    users: u64,
    /// A small version, two minutes long: 1,000 tenants, 10,000 users.
    #[arg(long)]
    quick: bool,
    /// The engines.
    #[arg(long, value_delimiter = ',', default_values_t = ["sqlite".to_owned(), "postgres".to_owned()])]
    engines: Vec<String>,
    /// The parts: `webauthn` (passkeys' answers verified), `log` (the message log sealed and read), `numbers` (what numbers tell), `calls` (the sound of a hundred calls
    /// at once), `bare` (the engines without HTTP), `https` (logins against the server), `prompt` (sign-ins in a browser), `sso` (tokens for applications), `verify` (numbers verified by programs) and `messages` (text messages over SMPP).
    #[arg(long, value_delimiter = ',', default_values_t = ["webauthn", "log", "numbers", "calls", "bare", "https", "prompt", "sso", "verify", "messages"].map(str::to_owned))]
    parts: Vec<String>,
    /// Sizes of batches on the bare engine.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64, 256])]
    sizes: Vec<usize>,
    /// How many log in at once on the bare engine.
    #[arg(long, value_delimiter = ',', default_values_t = [16, 128, 512])]
    parallel: Vec<usize>,
    /// Logins a second that are offered over HTTPS, one rate after the other until one is too much.
    #[arg(long, value_delimiter = ',')]
    rates: Vec<f64>,
    /// Logins a second that are offered for three times as long.
    #[arg(long)]
    rate: Option<f64>,
    /// Connections over HTTPS.
    #[arg(long, default_value_t = 256)]
    connections: usize,
    /// Prompts by passkey a second, one rate after the other until one is too much.
    #[arg(long, value_delimiter = ',')]
    prompts: Vec<f64>,
    /// Tenants whose applications ask for tokens, of all that are in the store.
    #[arg(long)]
    sso_tenants: Option<u64>,
    /// Push logins a second.
    #[arg(long)]
    pushes: Option<f64>,
    /// Text messages.
    #[arg(long)]
    messages: Option<usize>,
    /// Seconds of one measurement.
    #[arg(long)]
    seconds: Option<u64>,
    /// Where seeded databases are kept and the result is written.
    #[arg(long, default_value = "target/bench")]
    directory: PathBuf,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    run(&arguments).await
}

async fn run(arguments: &Arguments) -> Result<()> {
    let population = if arguments.quick {
        Population { tenants: 1000, users: 10_000 }
    } else {
        Population { tenants: arguments.tenants, users: arguments.users }
    };
    if population.tenants == 0 || !population.users.is_multiple_of(population.tenants) {
        bail!("users must be a multiple of tenants");
    }
    let seconds = arguments.seconds.unwrap_or(if arguments.quick { 2 } else { 8 });
    let plan = engines::Plan {
        length: Duration::from_secs(seconds),
        sizes: arguments.sizes.clone(),
        parallel: arguments.parallel.clone(),
    };
    let quick = arguments.quick;
    let rates: &[f64] = match arguments.rates.as_slice() {
        [] if quick => &[250.0, 500.0],
        [] => &[1000.0, 1500.0, 2000.0, 2500.0, 3000.0, 3500.0, 3860.0, 4250.0, 4700.0, 5200.0, 5700.0, 6300.0],
        asked => asked,
    };
    let load = logins::Plan {
        length: Duration::from_secs(seconds),
        rates: rates.to_vec(),
        fixed: arguments.rate.unwrap_or(if quick { 400.0 } else { 3860.0 }),
        workers: arguments.connections,
        pushes: arguments.pushes.unwrap_or(if quick { 50.0 } else { 300.0 }),
    };
    let place = Place::new(&arguments.directory, population).await?;
    let mut report = Report::default();
    let wanted = |part: &str| arguments.parts.iter().any(|one| one == part);
    if wanted("webauthn") {
        verifications::run(&place.passkey()?, plan.length, &mut report)?;
    }
    if wanted("log") {
        sealed_log::run(if quick { 50_000 } else { 500_000 }, &mut report)?;
    }
    if wanted("numbers") {
        numbers_known::run(if quick { 200_000 } else { 2_000_000 }, &mut report)?;
    }
    if wanted("calls") {
        calls::run(plan.length, &mut report).await?;
    }
    let prompts: &[f64] = match arguments.prompts.as_slice() {
        [] if quick => &[50.0, 100.0],
        [] => &[100.0, 200.0, 300.0, 400.0, 500.0, 600.0, 800.0, 1000.0],
        asked => asked,
    };
    let pages = prompts::Plan {
        length: Duration::from_secs(seconds),
        rates: prompts.to_vec(),
        workers: arguments.connections.min(64),
        pushes: arguments.pushes.unwrap_or(if quick { 20.0 } else { 50.0 }),
    };
    let tokens = sso::Plan {
        length: Duration::from_secs(seconds),
        workers: arguments.connections.min(32),
        active: arguments.sso_tenants.unwrap_or(if quick { 200 } else { 2000 }),
    };
    let numbers = verify::Plan { length: Duration::from_secs(seconds), workers: arguments.connections.min(64) };
    if wanted("sso") {
        sso::beside(&tokens, &mut report).await?;
    }
    for engine in &arguments.engines {
        if wanted("bare") {
            match engine.as_str() {
                "sqlite" => engines::sqlite(&place, population, &plan, &mut report).await?,
                "postgres" => engines::postgres(&place, population, &plan, &mut report).await?,
                other => bail!("no such engine: {other}"),
            }
        }
        if wanted("https") {
            logins::run(engine, &place, population, &load, &mut report).await?;
        }
        if wanted("prompt") {
            prompts::run(engine, &place, population, &pages, &mut report).await?;
        }
        if wanted("sso") {
            sso::run(engine, &place, population, &tokens, &mut report).await?;
        }
        if wanted("verify") {
            verify::run(engine, &place, population, &numbers, &mut report).await?;
        }
    }
    if wanted("messages") {
        let count = arguments.messages.unwrap_or(if quick { 2_000 } else { 20_000 });
        messages::run(count, &arguments.directory, &mut report).await?;
    }
    report.finish(
        &arguments.directory.join("result.json"),
        serde_json::json!({ "tenants": population.tenants, "users": population.users, "seconds": seconds }),
    )
}
