//! Single sign-on against the release server: the code flow, refreshing, clients' own tokens, introspection and SAML responses, of many
//! tenants in turn.
//!
//! The loop is closed: as many connections as are asked for, each with its next request as soon as the last one was answered. What counts is
//! what one core could do, which is one second over the server's CPU time for one operation.

use crate::{
    http::{
        oauth::{ACS, Ask, Asker, Client, ENTITY, rounds},
        server::Server,
    },
    place::Place,
    population::{self, Population},
    process, providers,
    report::{Report, say},
};
use anyhow::{Context, Result};
use auth::{Auth, account::Strength, sign_in::Browser};
use directory::{Checks, Directory, Scope};
use jose::{Algorithm, SigningKey};
use keys::{DayKeys, FileRoot, KeyRing};
use messaging::{Courier, Print};
use sso::{
    GrantType, Kind, OidcClient, Settings, TokenFormat,
    manage::{self, NewParty, NewSecret},
    party::{Endpoint, SamlParty},
};
use std::{sync::Arc, time::Duration};
use store::Store;
use tokio::time::Instant;
use types::World;

/// How much is offered.
pub(crate) struct Plan {
    /// How long is counted.
    pub(crate) length: Duration,
    /// Connections.
    pub(crate) workers: usize,
    /// Tenants that take part, of all that are in the store.
    pub(crate) active: u64,
}

/// Connections to PostgreSQL, or readers of SQLite, while clients are made.
const CONNECTIONS: usize = 4;

/// One engine, on a fresh copy of its seeded database.
pub(crate) async fn run(
    engine: &str,
    place: &Place,
    population: Population,
    plan: &Plan,
    report: &mut Report,
) -> Result<()> {
    let (postgres, url) = place.engine(engine).await?;
    let part = format!("sso {engine}");
    let active = plan.active.min(population.tenants);
    let clients = Arc::new(clients(place, &url, population, active, place_days(place)).await?);
    let server = Server::start(place, &url).await?;
    let postmaster = postgres.as_ref().map(crate::engines::postmaster).transpose()?;
    for ask in Ask::ALL {
        let workers = plan.workers.min(clients.len());
        let mut askers = Vec::new();
        for first in 0..workers {
            let mut asker = Asker::new(&server.target, &clients, first, workers).await?;
            asker.prepare(ask).await?;
            askers.push(asker);
        }
        // Keys take a while to make, and the server keeps no connection that long for nothing.
        for asker in &mut askers {
            asker.connect(&server.target).await?;
        }
        // A first round: each tenant's keys are opened, and its signing key made.
        askers = rounds(askers, ask, Duration::from_secs(1)).await?.0;
        let before = cpu(&server, postmaster)?;
        let began = Instant::now();
        let (_, count) = rounds(askers, ask, plan.length).await?;
        let (took, count) = (began.elapsed().as_secs_f64(), count.max(1) as f64);
        report.add(&part, format!("{}, done", ask.name()), count / took, "/s");
        let mut whole = 0.0;
        for ((who, after), (_, before)) in cpu(&server, postmaster)?.into_iter().zip(before) {
            let each = after.saturating_sub(before).as_secs_f64() / count;
            report.add(&part, format!("{}, CPU of the {who}", ask.name()), each * 1e6, "µs");
            if who != "generator" {
                whole += each * 1e6;
            }
            if who == "server" && each > 0.0 {
                report.add(&part, format!("{}, of one core of the server's", ask.name()), 1.0 / each, "/s");
                if let Some(algorithm) = ask.signed_by() {
                    let share = signing(algorithm)? / each;
                    report.add(&part, format!("{}, of that in signing ({algorithm})", ask.name()), 100.0 * share, "%");
                }
            }
        }
        for peer in providers::NAMES {
            let theirs = report.best(&providers::part(peer), &format!("{}, CPU of the server", ask.name()));
            if theirs > 0.0 && whole > 0.0 {
                report.add(&part, format!("{}, CPU of {peer} over ours, database too", ask.name()), theirs / whole, "");
            }
        }
    }
    server.stop().await
}

/// What others do, and what signing costs by itself.
pub(crate) async fn beside(plan: &Plan, report: &mut Report) -> Result<()> {
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256] {
        let each = signing(algorithm)?;
        report.add("sso", format!("signing alone, {algorithm}"), each * 1e6, "µs");
    }
    providers::run(plan.length, report).await
}

/// Seconds for one signature on one core.
fn signing(algorithm: Algorithm) -> Result<f64> {
    let (key, _) = SigningKey::generate(algorithm).context("a key")?;
    let message = [7_u8; 600];
    let (own, mut count) = (std::process::id(), 0_u32);
    // Of this process's own time: others may be at work beside it.
    let (began, mut took) = (process::cpu(own)?, Duration::ZERO);
    while took < Duration::from_millis(300) {
        for _ in 0..50 {
            key.sign(&message).context("a signature")?;
        }
        count += 50;
        took = process::cpu(own)?.saturating_sub(began);
    }
    Ok(took.as_secs_f64() / f64::from(count))
}

fn place_days(place: &Place) -> std::path::PathBuf {
    place.path("server/log-days.key")
}

/// An application for each tenant that takes part, made through the same floor as the server's own, and a session of one of its people.
async fn clients(
    place: &Place,
    url: &str,
    population: Population,
    active: u64,
    days: std::path::PathBuf,
) -> Result<Vec<Client>> {
    let world = World::real();
    let root = FileRoot::open_or_create(&place.root_key(), &world)?;
    let ring = KeyRing::new(Arc::new(root));
    std::fs::create_dir_all(days.parent().context("no directory")?)?;
    let days = DayKeys::open_or_create(&days, &ring, &world)?;
    let options = store::Options { connections: CONNECTIONS, ..store::Options::default() };
    let engine = store::open(url, &options).await?;
    let store = Arc::new(Store::new(engine, ring, world.clone()).with_day_keys(Arc::new(days)));
    let courier = Arc::new(Courier::new(Arc::clone(&store), vec![Arc::new(Print::quiet())]));
    let auth = Auth::start(Arc::clone(&store), courier);
    let checks = Checks { policy: |_, _| Ok(()), settings: |_| Ok(()), operator_delay: |_| None };
    let directory = Directory::new(Arc::clone(&store), checks);
    let began = Instant::now();
    let mut clients = Vec::new();
    let step = (population.tenants / active.max(1)).max(1);
    for tenant in (0..population.tenants).step_by(usize::try_from(step)?).take(usize::try_from(active)?) {
        let id = population::tenant_id(tenant);
        let scope = directory.tenant(id, "bench");
        let app = OidcClient {
            redirect_uris: vec!["https://app.test/cb".to_owned()],
            level: auth::sign_in::Level::Single,
            id_token_alg: "ES256".to_owned(),
            access_token_format: TokenFormat::Opaque,
            ..OidcClient::default()
        };
        let program = OidcClient {
            grant_types: vec![GrantType::ClientCredentials],
            id_token_alg: "ES256".to_owned(),
            access_token_format: TokenFormat::Jwt,
            ..OidcClient::default()
        };
        let (app_key, app) = made(&scope, app).await?;
        let (_, program) = made(&scope, program).await?;
        let provider = SamlParty {
            acs: vec![Endpoint { url: ACS.to_owned(), index: 0, default: true }],
            level: auth::sign_in::Level::Single,
            ..SamlParty::default()
        };
        let mut provider = NewParty::new("Bench", Settings::of(Kind::Saml(Box::new(provider))));
        provider.key = Some(ENTITY.to_owned());
        manage::create(&scope, provider).await?;
        let person = population.person(tenant * population.each());
        let opened = auth.open_session(id, person.user_id(), Strength::Passkey, &Browser::default()).await?;
        clients.push(Client {
            host: population::api_host(tenant),
            id: app_key,
            basic: app,
            program,
            cookie: format!("__Host-countersign-session={}", opened.0.expose()),
        });
    }
    say(&format!("made {active} applications in {:.0} s", began.elapsed().as_secs_f64()));
    auth.stop();
    Ok(clients)
}

/// What a client calls itself, and its `Authorization` line.
async fn made(scope: &Scope<'_>, client: OidcClient) -> Result<(String, String)> {
    let mut new = NewParty::new("Bench", Settings::of(Kind::Oidc(Box::new(client))));
    new.secret = NewSecret::Made;
    let made = manage::create(scope, new).await?;
    let secret = made.secret.context("no secret")?;
    let pair = format!("{}:{}", made.key, secret.expose());
    Ok((made.key, data_encoding::BASE64.encode(pair.as_bytes())))
}

fn cpu(server: &Server, postmaster: Option<u32>) -> Result<Vec<(&'static str, Duration)>> {
    let mut all = vec![("server", process::cpu(server.pid()?)?), ("generator", process::cpu(std::process::id())?)];
    if let Some(pid) = postmaster {
        all.push(("database", process::cpu_of_family(pid)?));
    }
    Ok(all)
}
