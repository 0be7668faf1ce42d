//! Other providers of OpenID Connect, where they are here: the same questions as of the server, in the same run.
//!
//! Each is one process on plain HTTP with one tenant, and none has the server's work of TLS and of many tenants' keys: what they do is
//! an upper bound of what they could do in its place.
//!
//! To add one: a module that starts it and gives a [`Provider`], and a line in [`run`].

mod keycloak;
mod oidc_provider;
mod visitor;

use crate::{
    http::{
        connection::Target,
        oauth::{Ask, rounds},
    },
    process,
    report::{Report, say},
};
use anyhow::{Context, Result};
use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};
use tokio::{process::Child, time::Instant};
use visitor::Visitor;

/// So long it is asked before anything counts at most, and so long in one go.
const WARMING: Duration = Duration::from_secs(120);
const WARMING_STEP: Duration = Duration::from_secs(2);

/// Connections, and people with a session.
const WORKERS: usize = 16;
/// What they are asked; SAML is not of all of them.
const ASKED: [Ask; 4] = [Ask::Code, Ask::Refresh, Ask::Own, Ask::Introspect];

/// Parts of the report that figures of providers stand in.
pub(crate) const NAMES: [&str; 2] = [oidc_provider::NAME, keycloak::NAME];

/// One that was started; it is killed when this is dropped.
struct Provider {
    name: &'static str,
    child: Child,
    places: Arc<Places>,
    /// How long it may take until it answers.
    patience: Duration,
    /// How often it is asked before anything counts: a virtual machine compiles what it has run often.
    warm: u64,
}

/// Where a provider takes what.
struct Places {
    address: SocketAddr,
    /// Where a browser is sent to.
    authorize: &'static str,
    token: &'static str,
    introspect: &'static str,
    /// The form that asks for a client's own signed token.
    own: &'static str,
}

/// The part of a report with a provider's figures.
pub(crate) fn part(name: &str) -> String {
    format!("sso {name}")
}

/// Measures those that are here, and says of the others why not.
pub(crate) async fn run(length: Duration, report: &mut Report) -> Result<()> {
    if let Some(provider) = oidc_provider::start()? {
        provider.measure(length, report).await?;
    }
    if let Some(provider) = keycloak::start().await? {
        provider.measure(length, report).await?;
    }
    Ok(())
}

impl Provider {
    async fn measure(mut self, length: Duration, report: &mut Report) -> Result<()> {
        let part = part(self.name);
        self.ready().await?;
        let pid = self.child.id().with_context(|| format!("{} has ended", self.name))?;
        let mut visitors = Vec::new();
        for person in 0..WORKERS {
            visitors.push(Visitor::new(Target::plain(self.places.address).connect().await?, &self.places, person));
        }
        for ask in ASKED {
            let (mut warmed, until) = (0, Instant::now() + WARMING);
            while warmed < self.warm && Instant::now() < until {
                let (kept, count) = rounds(visitors, ask, WARMING_STEP).await?;
                visitors = kept;
                warmed += count;
            }
            if warmed < self.warm {
                say(&format!(
                    "{}: {} was asked {warmed} times before it counted, which is too little",
                    self.name,
                    ask.name()
                ));
            }
            let (before, began) = (process::cpu(pid)?, Instant::now());
            let (kept, count) = rounds(visitors, ask, length).await?;
            visitors = kept;
            let (took, count) = (began.elapsed().as_secs_f64(), count.max(1) as f64);
            let each = process::cpu(pid)?.saturating_sub(before).as_secs_f64() / count;
            report.add(&part, format!("{}, done", ask.name()), count / took, "/s");
            report.add(&part, format!("{}, CPU of the server", ask.name()), each * 1e6, "µs");
            report.add(&part, format!("{}, of one core of the server's", ask.name()), 1.0 / each.max(1e-9), "/s");
        }
        report.add(&part, "memory, loaded", process::memory(pid)?, "MiB");
        self.child.kill().await?;
        Ok(())
    }

    /// Waits until it gives a token.
    async fn ready(&self) -> Result<()> {
        let until = Instant::now() + self.patience;
        while let Err(error) = self.first().await {
            if Instant::now() > until {
                return Err(error.context(format!("{} did not start", self.name)));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        say(&format!("{} answers", self.name));
        Ok(())
    }

    async fn first(&self) -> Result<()> {
        let connection = Target::plain(self.places.address).connect().await?;
        Visitor::new(connection, &self.places, 0).own().await
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
