//! Carriers and routes, as they are configured and as they did.

use std::{collections::BTreeMap, fmt::Write as _};

use anyhow::bail;
use messaging::{ChannelKind, log};
use store::Span;
use types::{Millis, TenantId};

use crate::{cli::say, services::Services};

const DAY_MS: i64 = 86_400_000;
/// Rows that are read at once.
const PIECE: i64 = 1000;

/// Shows the routes.
pub(super) fn routes(services: &Services) -> anyhow::Result<()> {
    let table = services.courier.routes();
    if table.routes.is_empty() {
        return say("no routes are written: each kind goes through all carriers that carry it, in this order\n")
            .and_then(|()| say(&names(services)));
    }
    let mut out = String::new();
    for route in &table.routes {
        let prefixes = if route.prefixes.is_empty() { "everything".to_owned() } else { route.prefixes.join(", ") };
        let mut words = vec![format!("{} to {prefixes}: {}", route.kind.as_str(), route.carriers.join(", then "))];
        words.extend(route.then.map(|kind| format!("at last by {}", kind.as_str())));
        words.extend(route.per_second.map(|rate| format!("at most {rate} a second")));
        words.extend((route.cost > 0.0).then(|| format!("cost {}", route.cost)));
        writeln!(out, "{}", words.join("; "))?;
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
async fn counted(services: &Services, tenant: TenantId, days: i64) -> anyhow::Result<BTreeMap<(String, String), u64>> {
    let today = services.store.world().now().day();
    let from = Millis((today - days + 1).saturating_mul(DAY_MS));
    let mut span = Some(Span::new(from, Millis((today + 1).saturating_mul(DAY_MS)), PIECE));
    let mut counts = BTreeMap::new();
    while let Some(at) = span {
        let page = log::page(&services.store, tenant, &at, None).await?;
        for row in page.rows {
            let state =
                if row.error_class.is_empty() { row.state } else { format!("{} ({})", row.state, row.error_class) };
            *counts.entry((row.supplier, state)).or_default() += 1;
        }
        span = page.next;
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
