//! Verifications through the Twilio-compatible API against the release server: a code is sent to a number over SMPP, and entered.
//!
//! The loop is closed: as many connections as are asked for, each with its next number as soon as the last one is verified. The accounts
//! name the codes themselves (`CustomCode`), so that nothing has to read the texts; all else is as it always is: the rules against fraud,
//! the limits, the sealed queue and the log, the carrier's answer.

use crate::{
    http::{
        connection::{Connection, NAME},
        server::Server,
    },
    messages::Smsc,
    place::Place,
    population::{self, Population},
    process,
    report::Report,
};
use anyhow::{Context, Result, bail};
use auth::Auth;
use directory::{Checks, Directory, NewIntegration, SettingsFields};
use keys::{DayKeys, FileRoot, KeyRing, TenantPrivateKey};
use messaging::{Courier, Print};
use serde_json::{Value, json};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use store::Store;
use tokio::time::Instant;
use types::World;

/// Accounts that take part.
const ACCOUNTS: u64 = 50;
const CODE: &str = "48151623";

/// How much is asked.
pub(crate) struct Plan {
    /// How long is counted.
    pub(crate) length: Duration,
    /// Connections.
    pub(crate) workers: usize,
}

/// An account, and the service in it.
struct Account {
    /// Its `Authorization` line.
    basic: String,
    service: String,
}

/// One engine, on a fresh copy of its seeded database.
pub(crate) async fn run(
    engine: &str,
    place: &Place,
    population: Population,
    plan: &Plan,
    report: &mut Report,
) -> Result<()> {
    let (postgres, url) = place.engine(engine).await?;
    let tokens = accounts(place, &url, population).await?;
    let smsc = Smsc::start()?;
    let gateway = place.path("gateway.toml");
    std::fs::write(&gateway, smsc.carrier())?;
    let more = format!("[messaging]\nfile = {:?}\n", gateway.canonicalize()?);
    let server = Server::start_with(place, &url, &more).await?;
    let mut connection = server.target.connect().await?;
    let mut made = Vec::with_capacity(tokens.len());
    for basic in tokens {
        let form = "FriendlyName=Bench&CodeLength=8&CustomCodeEnabled=true";
        let service = post(&mut connection, &basic, "/v2/Services", form).await?;
        let service = service.get("sid").and_then(Value::as_str).context("no service")?.to_owned();
        made.push(Account { basic, service });
    }
    let (made, next) = (Arc::new(made), Arc::new(AtomicU32::new(0)));
    let postmaster = postgres.as_ref().map(crate::engines::postmaster).transpose()?;
    // A first round: the carrier is bound, each account's keys are opened.
    round(&server, &made, &next, plan.workers, Duration::from_secs(1)).await?;
    let used = || -> Result<(Duration, Duration)> {
        let database = postmaster.map(process::cpu_of_family).transpose()?.unwrap_or_default();
        Ok((process::cpu(server.pid()?)?, database))
    };
    let (before, began) = (used()?, Instant::now());
    let count = round(&server, &made, &next, plan.workers, plan.length).await?.max(1);
    let (took, after) = (began.elapsed(), used()?);
    let part = format!("verify {engine}");
    let each = |after: Duration, before: Duration| after.saturating_sub(before).as_secs_f64() * 1e6 / f64::from(count);
    report.add(&part, "verifications created and checked", f64::from(count) / took.as_secs_f64(), "/s");
    report.add(&part, "CPU of the server", each(after.0, before.0), "µs/verification");
    if postmaster.is_some() {
        report.add(&part, "CPU of the database", each(after.1, before.1), "µs/verification");
    }
    server.stop().await
}

/// So many verifications within this time.
async fn round(
    server: &Server,
    accounts: &Arc<Vec<Account>>,
    next: &Arc<AtomicU32>,
    workers: usize,
    length: Duration,
) -> Result<u32> {
    let end = Instant::now() + length;
    let mut tasks = Vec::with_capacity(workers);
    for _ in 0..workers {
        let mut connection = server.target.connect().await?;
        let (accounts, next) = (Arc::clone(accounts), Arc::clone(next));
        tasks.push(tokio::spawn(async move {
            let mut count = 0;
            while Instant::now() < end {
                let n = next.fetch_add(1, Ordering::Relaxed);
                let account = accounts.get(usize::try_from(n)? % accounts.len()).context("no account")?;
                verify(&mut connection, account, n).await?;
                count += 1;
            }
            anyhow::Ok(count)
        }));
    }
    let mut count = 0;
    for task in tasks {
        count += task.await??;
    }
    Ok(count)
}

/// One number, once.
async fn verify(connection: &mut Connection, account: &Account, n: u32) -> Result<()> {
    let to = format!("%2B49151{n:08}");
    let path = format!("/v2/Services/{}/Verifications", account.service);
    let form = format!("To={to}&Channel=sms&CustomCode={CODE}");
    expect(&post(connection, &account.basic, &path, &form).await?, "pending")?;
    let path = format!("/v2/Services/{}/VerificationCheck", account.service);
    expect(&post(connection, &account.basic, &path, &format!("To={to}&Code={CODE}")).await?, "approved")
}

fn expect(answer: &Value, status: &str) -> Result<()> {
    if answer.get("status").and_then(Value::as_str) == Some(status) { Ok(()) } else { bail!("not {status}: {answer}") }
}

async fn post(connection: &mut Connection, basic: &str, path: &str, form: &str) -> Result<Value> {
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {NAME}\r\nAuthorization: Basic {basic}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let answer = connection.ask(request.as_bytes()).await?;
    if !(200..300).contains(&answer.status) {
        bail!("{path}: {} {}", answer.status, answer.body);
    }
    Ok(serde_json::from_str(&answer.body)?)
}

/// Makes the accounts, with logs that are sealed; gives what they sign in with.
async fn accounts(place: &Place, url: &str, population: Population) -> Result<Vec<String>> {
    let world = World::real();
    let ring = KeyRing::new(Arc::new(FileRoot::open_or_create(&place.root_key(), &world)?));
    let days = place.path("server/log-days.key");
    std::fs::create_dir_all(days.parent().unwrap_or(Path::new(".")))?;
    let days = DayKeys::open_or_create(&days, &ring, &world)?;
    let engine = store::open(url, &store::Options { connections: 4, ..store::Options::default() }).await?;
    let store = Arc::new(Store::new(engine, ring, world.clone()).with_day_keys(Arc::new(days)));
    let auth =
        Auth::start(Arc::clone(&store), Arc::new(Courier::new(Arc::clone(&store), vec![Arc::new(Print::quiet())])));
    let checks = Checks { policy: |_, _| Ok(()), settings: |_| Ok(()), operator_delay: |_| None };
    let directory = Directory::new(Arc::clone(&store), checks);
    let log_key = TenantPrivateKey::generate(world.random.as_ref()).public().to_text();
    let messages = json!({ "per_day": 100_000_000, "countries": ["DE"], "safe_numbers": ["49"], "safe_addresses": ["127.0.0.0/8"] });
    let mut made = Vec::new();
    for tenant in 0..ACCOUNTS.min(population.tenants) {
        let id = population::tenant_id(tenant);
        let scope = directory.tenant(id, "bench");
        scope.change_settings(&SettingsFields::default().with("messages", messages.clone())?).await?;
        scope.set_log_key(Some(&log_key)).await?;
        let kind = "messaging".to_owned();
        let new = NewIntegration { name: "Bench".to_owned(), r#type: kind, ..NewIntegration::default() };
        let (_, keys) = scope.create_integration(&new).await?;
        let pair = format!("AC{}:{}", id.uuid().simple(), keys.secret.text().expose());
        made.push(data_encoding::BASE64.encode(pair.as_bytes()));
    }
    auth.stop();
    Ok(made)
}
