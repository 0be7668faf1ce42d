//! How carriers do on their routes: told by a server to the command line on the same machine, and to whoever may see its metrics.
//!
//! What is counted is in the server's memory and in no database: its rows, or their journal, would say to the second when a message went.
//! So it stands in one small file in the data directory, written over every few seconds and removed at the end; it holds what the
//! metrics hold.

use std::{
    fs, io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use messaging::{
    CarrierState, Courier, RouteHealth,
    routing::{Table, Tally},
};
use serde::{Deserialize, Serialize};
use types::{Millis, World};

use crate::{config::Config, serve::Shutdown};

/// How often it is written.
const EVERY: Duration = Duration::from_secs(5);
/// What is older was left by a server that has ended.
const OLD: Duration = Duration::from_secs(60);

/// What a server tells.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug, Default)]
pub struct Told {
    /// When, Unix milliseconds.
    at: i64,
    /// The carriers.
    pub carriers: Vec<ToldCarrier>,
}

/// A carrier.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct ToldCarrier {
    /// Its name.
    pub name: String,
    /// Whether it can take messages.
    pub ready: bool,
    /// Why it is cut off; `None` where it isn't.
    #[serde(default)]
    pub cut: Option<String>,
    /// How it does, for each prefix.
    pub routes: Vec<ToldRoute>,
}

/// How a carrier does on a prefix.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct ToldRoute {
    /// The prefix; empty for everything.
    pub prefix: String,
    /// What arrived, and of how many.
    pub delivered: (u64, u64),
    /// Codes that were entered, and of how many.
    pub verified: (u64, u64),
    /// Half of the messages, and all but one in twenty, were there after so many milliseconds.
    pub latency: Option<(u64, u64)>,
}

impl Told {
    /// How the carriers of this process do.
    #[must_use]
    pub fn now(courier: &Courier) -> Self {
        Self::of(courier.carrier_states(), Millis(0))
    }

    fn of(states: Vec<CarrierState>, at: Millis) -> Self {
        let carriers = states.into_iter().map(|state| ToldCarrier {
            name: state.name,
            ready: state.ready,
            cut: state.cut,
            routes: state.health.into_iter().map(ToldRoute::of).collect(),
        });
        Self { at: at.0, carriers: carriers.collect() }
    }
}

impl ToldRoute {
    fn of(health: RouteHealth) -> Self {
        let pair = |tally: Tally| (tally.good, tally.all);
        let millis = |took: Duration| u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        Self {
            prefix: health.prefix,
            delivered: pair(health.delivered),
            verified: pair(health.verified),
            latency: health.latency.map(|it| (millis(it.median), millis(it.slow))),
        }
    }

    /// In words: `49: 97 % of 128 arrived, 80 % of 120 codes entered, half within 1.2 s, nearly all within 4.0 s`.
    #[must_use]
    pub fn words(&self) -> String {
        let share =
            |(good, all): (u64, u64)| Tally { good, all }.percent().map(|percent| format!("{percent} % of {all}"));
        let mut words: Vec<String> = Vec::new();
        words.extend(share(self.delivered).map(|share| format!("{share} arrived")));
        words.extend(share(self.verified).map(|share| format!("{share} codes entered")));
        words.extend(
            self.latency.map(|(median, slow)| {
                format!("half within {} s, nearly all within {} s", tenths(median), tenths(slow))
            }),
        );
        let to = if self.prefix.is_empty() { "everything" } else { &self.prefix };
        format!("{to}: {}", words.join(", "))
    }
}

/// The routes, in the order in which they are looked through, and the carriers with how they do, in words.
#[must_use]
pub fn described(table: &Table, told: &Told) -> String {
    let mut lines = Vec::new();
    if table.routes.is_empty() {
        lines.push(
            "no routes are written: each kind goes through all carriers that carry it, in their order".to_owned(),
        );
    }
    for route in &table.routes {
        let prefixes = if route.prefixes.is_empty() { "everything".to_owned() } else { route.prefixes.join(", ") };
        let mut words = vec![format!("{} to {prefixes}: {}", route.kind.as_str(), route.carriers.join(", then "))];
        words.extend(route.then.map(|kind| format!("at last by {}", kind.as_str())));
        words.extend(route.per_second.map(|rate| format!("at most {rate} a second")));
        words.extend((route.cost > 0.0).then(|| format!("cost {}", route.cost)));
        lines.push(words.join("; "));
    }
    for carrier in &told.carriers {
        let state = match (&carrier.cut, carrier.ready) {
            (Some(reason), _) if reason.is_empty() => "cut off".to_owned(),
            (Some(reason), _) => format!("cut off: {reason}"),
            (None, true) => "ready".to_owned(),
            (None, false) => "can't be reached now".to_owned(),
        };
        lines.push(format!("{} ({state})", carrier.name));
        lines.extend(carrier.routes.iter().map(|route| format!("  {}", route.words())));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn tenths(millis: u64) -> String {
    format!("{}.{}", millis / 1000, millis % 1000 / 100)
}

fn file(config: &Config) -> PathBuf {
    config.data_dir.join("routes.json")
}

/// Tells until the server stops, if it has carriers.
pub async fn keep(config: Config, courier: Arc<Courier>, world: World, shutdown: Shutdown) {
    let path = file(&config);
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.begun() => break,
            _ = tick.tick() => {}
        }
        let states = courier.carrier_states();
        if states.is_empty() {
            continue;
        }
        let (told, path) = (Told::of(states, world.now()), path.clone());
        let written = tokio::task::spawn_blocking(move || write(&path, &told)).await;
        if let Ok(Err(error)) = written {
            tracing::warn!(%error, "how the carriers do can't be written down for the command line");
        }
    }
    let _ = fs::remove_file(path);
}

fn write(path: &Path, told: &Told) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    serde_json::to_writer(&mut file, told)?;
    drop(file);
    fs::rename(&new, path)
}

/// What a server on this machine tells; `None` where none runs.
#[must_use]
pub fn read(config: &Config, now: Millis) -> Option<Told> {
    let told: Told = serde_json::from_slice(&fs::read(file(config)).ok()?).ok()?;
    (now.since(Millis(told.at)) < OLD).then_some(told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use messaging::routing::Latency;

    #[test]
    fn what_is_told_is_read_and_said() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("routes.json");
        let health = RouteHealth {
            prefix: "49".to_owned(),
            delivered: Tally { good: 97, all: 100 },
            verified: Tally { good: 0, all: 0 },
            latency: Some(Latency { median: Duration::from_millis(1_250), slow: Duration::from_secs(4) }),
        };
        let state =
            CarrierState { name: "main".to_owned(), kinds: Vec::new(), ready: true, cut: None, health: vec![health] };
        let told = Told::of(vec![state], Millis(1_000));
        for _ in 0..2 {
            write(&path, &told).unwrap();
        }
        let read: Told = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(read, told);
        let said = described(&Table::default(), &read);
        assert!(said.starts_with("no routes are written") && said.contains("\nmain (ready)\n  49: 97 %"), "{said}");
        let mut cut = told.clone();
        cut.carriers[0].cut = Some("its owner is gone".to_owned());
        assert!(described(&Table::default(), &cut).contains("main (cut off: its owner is gone)\n"));
        let words = read.carriers[0].routes[0].words();
        assert_eq!(words, "49: 97 % of 100 arrived, half within 1.2 s, nearly all within 4.0 s");
    }
}
