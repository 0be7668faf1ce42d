//! Carriers and routes, as they are configured and as they did.

use std::{collections::BTreeMap, fmt::Write as _};

use anyhow::bail;
use messaging::ChannelKind;
use types::{Millis, TenantId};

use crate::{
    cli::say,
    route_health::{Told, described},
    services::Services,
};

const DAY_MS: i64 = 86_400_000;

/// Shows the routes, and how the carriers do on them.
pub(super) async fn routes(services: &Services, told: Option<Told>) -> anyhow::Result<()> {
    let cuts = services.store.carrier_cuts().await?;
    let is_told = told.is_some();
    let mut told = told.unwrap_or_default();
    for carrier in &mut told.carriers {
        // The server may not have heard of it yet.
        carrier.cut = cuts.iter().find(|cut| cut.carrier == carrier.name).map(|cut| cut.reason.clone());
    }
    let mut out = described(&services.courier.routes(), &told);
    if !is_told {
        out.push_str(&names(services));
        out.push_str("no server on this machine says how the carriers do\n");
    }
    say(&out)
}

fn names(services: &Services) -> String {
    services.courier.carriers().iter().map(|carrier| format!("{}\n", carrier.channel.name())).collect()
}

/// Shows the carriers, and counts what became of a tenant's messages.
pub(super) async fn suppliers(services: &Services, tenant: Option<TenantId>, days: i64) -> anyhow::Result<()> {
    let cuts = services.store.carrier_cuts().await?;
    let counts = match tenant {
        Some(tenant) => counted(services, tenant, days).await?,
        None => BTreeMap::new(),
    };
    let mut out = String::new();
    for carrier in services.courier.carriers() {
        let name = carrier.channel.name();
        let kinds = ChannelKind::ALL.into_iter().filter(|kind| carrier.channel.carries(*kind));
        write!(out, "{name}: {}", kinds.map(ChannelKind::as_str).collect::<Vec<_>>().join(", "))?;
        if let Some(cut) = cuts.iter().find(|cut| cut.carrier == name) {
            let since = jiff::Timestamp::from_millisecond(cut.since.0).unwrap_or_default();
            write!(out, "; CUT OFF since {}", since.strftime("%F %H:%M UTC"))?;
            if !cut.reason.is_empty() {
                write!(out, " ({})", cut.reason)?;
            }
        }
        writeln!(out)?;
        for ((_, state), count) in counts.iter().filter(|((of, _), _)| of == name) {
            writeln!(out, "  {state}: {count}")?;
        }
    }
    if out.is_empty() {
        out.push_str("no carrier is configured\n");
    }
    say(&out)
}

/// How many of a tenant's messages each carrier brought to which end, with the reason where there is one.
async fn counted(services: &Services, tenant: TenantId, days: i64) -> anyhow::Result<BTreeMap<(String, String), i64>> {
    let today = services.store.world().now().day();
    let from = Millis((today - days + 1).saturating_mul(DAY_MS));
    let to = Millis((today + 1).saturating_mul(DAY_MS));
    let mut counts = BTreeMap::new();
    for one in services.store.tenant(tenant).message_outcomes(from, to).await? {
        let state = if one.error_class.is_empty() { one.state } else { format!("{} ({})", one.state, one.error_class) };
        *counts.entry((one.supplier, state)).or_default() += one.count;
    }
    Ok(counts)
}

/// Cuts a carrier off.
pub(super) async fn cut(services: &Services, carrier: &str, reason: &str) -> anyhow::Result<()> {
    // It may be known to a server with another gateway file; but a slip of the pen must not look like a success.
    if !services.courier.carriers().iter().any(|it| it.channel.name() == carrier) {
        bail!("there is no carrier of this name; these there are:\n{}", names(services));
    }
    services.courier.cut(carrier, reason).await?;
    say(&format!("{carrier} is cut off; every server obeys within seconds\n"))
}

/// Lets a carrier work again.
pub(super) async fn restore(services: &Services, carrier: &str) -> anyhow::Result<()> {
    if !services.store.carrier_cuts().await?.iter().any(|cut| cut.carrier == carrier) {
        bail!("{carrier} is not cut off");
    }
    services.courier.restore(carrier).await?;
    say(&format!("{carrier} works again\n"))
}
