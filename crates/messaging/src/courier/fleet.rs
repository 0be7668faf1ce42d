//! The carriers and routes of this moment, and which of them a message may take.

use super::Desk;
use crate::{
    Address, Carrier, Channel, ChannelKind, Outgoing, SendError,
    routing::{Latency, Look, Table, Tally, health::Outcome, order},
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError},
    time::Duration,
};
use store::StoreError;
use tokio::time::Instant;
use types::Millis;

/// The carriers and the routes over them.
pub(crate) struct Fleet {
    pub(crate) carriers: Vec<Carrier>,
    pub(crate) table: Table,
}

/// A carrier that a message may take.
#[derive(Clone)]
pub(super) struct Candidate {
    pub(super) channel: Arc<dyn Channel>,
    /// So long its receipt is waited for, where somebody has said so.
    pub(super) receipt: Option<Duration>,
    /// The prefix of the route, under which its health is counted.
    pub(super) prefix: String,
    pub(super) per_second: Option<u32>,
}

/// The carriers for one message, the best first, and how it travels if none of them brings it.
pub(super) struct Ways {
    pub(super) candidates: Vec<Candidate>,
    pub(super) then: Option<ChannelKind>,
}

/// So long the end of a call is waited for; a carrier that gives up says so.
const RINGING: Duration = Duration::from_secs(45);

/// Why a carrier is cut off, by its name.
pub(super) type Cuts = BTreeMap<String, String>;

impl Desk {
    pub(super) fn fleet(&self) -> Arc<Fleet> {
        Arc::clone(&self.fleet.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn set_fleet(&self, carriers: Vec<Carrier>, table: Table) {
        let former = self.fleet();
        for carrier in carriers.iter().filter(|_| !self.is_idle) {
            if !former.carriers.iter().any(|old| Arc::ptr_eq(&old.channel, &carrier.channel)) {
                carrier.channel.connect(&self.links);
            }
        }
        *self.fleet.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Fleet { carriers, table });
    }

    /// The carriers that may take a message as `kind`, without those in `seen`. [`SendError::NoChannel`] where none is configured for the
    /// kind, [`SendError::CountryRefused`] where routes are written and none leads there.
    pub(super) fn ways(&self, message: &Outgoing, kind: ChannelKind, seen: &[String]) -> Result<Ways, SendError> {
        let fleet = self.fleet();
        let carrying =
            |name: &str| fleet.carriers.iter().find(|it| it.channel.name() == name && it.channel.carries(kind));
        let all: Vec<&str> =
            fleet.carriers.iter().filter(|it| it.channel.carries(kind)).map(|it| it.channel.name()).collect();
        if all.is_empty() {
            return Err(SendError::NoChannel(kind));
        }
        let (digits, network) = match &message.to {
            Address::Number(number, _) => (number.expose().trim_start_matches('+'), numbers::look(number).mcc_mnc),
            Address::Mail(_) => ("", None),
        };
        let network = network.map(|text| text.replace('-', ":"));
        let found = fleet.table.of(kind, digits, network.as_deref());
        let (route, prefix) = match (&message.terms.carrier, found) {
            (Some(_), found) => (found.as_ref().and_then(|it| it.route), found.as_ref().map_or("", |it| it.prefix)),
            (None, Some(found)) => (found.route, found.prefix),
            (None, None) => return Err(SendError::CountryRefused),
        };
        let named: Vec<&str> = match (&message.terms.carrier, route) {
            (Some(only), _) => all.iter().copied().filter(|name| name == only).collect(),
            (None, Some(route)) => {
                route.carriers.iter().map(String::as_str).filter(|name| carrying(name).is_some()).collect()
            }
            (None, None) => all,
        };
        if named.is_empty() {
            return Err(SendError::NoChannel(kind));
        }
        let (now, cuts) = (self.now(), self.cuts.borrow().clone());
        let look = |name: &str| Look {
            cut: cuts.contains_key(name),
            seen: seen.iter().any(|it| it == name),
            ready: carrying(name).is_some_and(|it| it.channel.is_ready()) && !self.is_resting(name),
            score: self.health().score(name, prefix, now),
        };
        let candidates = order(&named, look).into_iter().filter_map(carrying).map(|carrier| Candidate {
            channel: Arc::clone(&carrier.channel),
            receipt: carrier.receipt,
            prefix: prefix.to_owned(),
            per_second: route.and_then(|route| route.per_second),
        });
        Ok(Ways { candidates: candidates.collect(), then: route.and_then(|route| route.then) })
    }

    /// So long the receipt of a code is waited for.
    pub(super) fn patience(&self, kind: ChannelKind, candidate: &Candidate) -> Duration {
        match (candidate.receipt, kind) {
            (Some(said), _) => said,
            // A telephone that rings is no message that is lost.
            (None, ChannelKind::Voice) => RINGING,
            (None, _) => self.health().patience(candidate.channel.name(), &candidate.prefix),
        }
    }

    pub(super) fn health(&self) -> std::sync::MutexGuard<'_, crate::routing::health::Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts what happened to a message, for routing and for the operator.
    pub(super) fn count(&self, carrier: &str, prefix: &str, outcome: Outcome) {
        let now = self.now();
        let score = {
            let mut health = self.health();
            health.count(carrier, prefix, outcome, now);
            health.score(carrier, prefix, now)
        };
        let labels = [("carrier", carrier.to_owned()), ("prefix", prefix.to_owned())];
        for (name, share) in [
            ("countersign_route_delivered_ratio", score.delivered),
            ("countersign_route_verified_ratio", score.verified),
        ] {
            if let Some(share) = share {
                metrics::gauge!(name, &labels).set(share);
            }
        }
        metrics::counter!("countersign_route_outcomes_total", "carrier" => carrier.to_owned(), "prefix" => prefix.to_owned(),
            "outcome" => outcome.as_str())
        .increment(1);
    }

    /// Waits until it is known which carriers are cut: after a start nothing may go before.
    pub(super) async fn know_cuts(self: &Arc<Self>) -> Result<(), StoreError> {
        self.cuts_known.get_or_try_init(|| self.read_cuts()).await.copied()
    }

    /// Reads which carriers are cut. Those that are cut since the last time lose what is under way through them.
    pub(super) async fn read_cuts(self: &Arc<Self>) -> Result<(), StoreError> {
        let cuts: Cuts = self.store.carrier_cuts().await?.into_iter().map(|cut| (cut.carrier, cut.reason)).collect();
        let fresh: Vec<String> = {
            let known = self.cuts.borrow();
            cuts.keys().filter(|name| !known.contains_key(*name)).cloned().collect()
        };
        for name in self.cuts.borrow().keys().filter(|name| !cuts.contains_key(*name)) {
            tracing::warn!(carrier = name, "the carrier works again");
        }
        // Also where only a reason has changed, or one was restored.
        self.cuts.send_if_modified(|known| std::mem::replace(known, cuts.clone()) != cuts);
        for name in fresh {
            tracing::warn!(carrier = name, "the carrier is cut off: nothing goes through it any more");
            self.kill_under_way(&name);
        }
        Ok(())
    }
}

/// A carrier that could not be reached is left alone so long, and each time twice as long …
const REST: Duration = Duration::from_secs(2);
/// … up to this.
const LONGEST_REST: Duration = Duration::from_secs(30);

/// Carriers that could not be reached, or asked for patience.
#[derive(Default)]
pub(super) struct Resting(HashMap<String, (Instant, Duration)>);

impl Desk {
    fn resting(&self) -> std::sync::MutexGuard<'_, Resting> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves a carrier alone: for the time that it asked for, or longer each time.
    pub(super) fn rest(&self, carrier: &str, asked: Option<Duration>) {
        let mut resting = self.resting();
        let (until, length) = resting.0.entry(carrier.to_owned()).or_insert((Instant::now(), REST / 2));
        if let Some(asked) = asked {
            *until = (*until).max(Instant::now() + asked);
            return;
        }
        // Many messages that fail together are one failure.
        if *until <= Instant::now() {
            *length = (*length * 2).min(LONGEST_REST);
            *until = Instant::now() + *length;
        }
    }

    /// A carrier has taken something: it is there.
    pub(super) fn awake(&self, carrier: &str) {
        self.resting().0.remove(carrier);
    }

    pub(super) fn is_resting(&self, carrier: &str) -> bool {
        let now = Instant::now();
        self.resting().0.get(carrier).is_some_and(|(until, _)| *until > now)
    }

    /// Whether a carrier can be tried now.
    pub(super) fn is_open(&self, candidate: &Candidate) -> bool {
        candidate.channel.is_ready() && !self.is_resting(candidate.channel.name())
    }
}

/// Who sends how fast.
#[derive(Default)]
pub(super) struct Pace(HashMap<(String, String), Instant>);

impl Pace {
    /// Takes the next place in the row of a carrier on a prefix: after this time it is there.
    pub(super) fn wait(&mut self, carrier: &str, prefix: &str, per_second: u32, now: Instant) -> Duration {
        let next = self.0.entry((carrier.to_owned(), prefix.to_owned())).or_insert(now);
        let mine = (*next).max(now);
        *next = mine + Duration::from_secs(1) / per_second.max(1);
        mine - now
    }
}

/// A carrier, as an operator sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct CarrierState {
    /// Its name.
    pub name: String,
    /// What it carries.
    pub kinds: Vec<ChannelKind>,
    /// Whether it can take messages now.
    pub ready: bool,
    /// Why it is cut off; `None` where it isn't.
    pub cut: Option<String>,
    /// How it did lately on each prefix, as far as this node has heard.
    pub health: Vec<RouteHealth>,
}

/// How a carrier does on a prefix.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteHealth {
    /// The prefix; empty for everything.
    pub prefix: String,
    /// What arrived, of what it took.
    pub delivered: Tally,
    /// The codes that were entered, of those that could be.
    pub verified: Tally,
    /// How long messages take to arrive, where enough is known.
    pub latency: Option<Latency>,
}

impl Desk {
    pub(super) fn carrier_states(&self) -> Vec<CarrierState> {
        let (now, fleet, cuts, health) = (self.now(), self.fleet(), self.cuts.borrow().clone(), self.health());
        let state = |carrier: &Carrier| {
            let name = carrier.channel.name();
            let known = health.known().filter(|(of, _)| *of == name).map(|(_, prefix)| {
                let (delivered, verified) = health.tallies(name, prefix, now);
                RouteHealth { prefix: prefix.to_owned(), delivered, verified, latency: health.latency(name, prefix) }
            });
            let mut known: Vec<RouteHealth> =
                known.filter(|it| it.delivered.all + it.verified.all > 0 || it.latency.is_some()).collect();
            known.sort_by(|a, b| a.prefix.cmp(&b.prefix));
            CarrierState {
                name: name.to_owned(),
                kinds: ChannelKind::ALL.into_iter().filter(|kind| carrier.channel.carries(*kind)).collect(),
                ready: carrier.channel.is_ready() && !self.is_resting(name),
                cut: cuts.get(name).cloned(),
                health: known,
            }
        };
        fleet.carriers.iter().map(state).collect()
    }

    /// The life of a message that was taken now.
    pub(super) fn until(&self, message: &Outgoing) -> Millis {
        const LONGEST: Duration = Duration::from_secs(36_000);
        let due = message.terms.not_before.unwrap_or_default().max(self.now());
        due + message.valid_for.min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_row_is_as_long_as_its_pace_says() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        let waits: Vec<u128> = (0..4).map(|_| pace.wait("a", "49", 10, now).as_millis()).collect();
        assert_eq!(waits, [0, 100, 200, 300]);
        assert_eq!(pace.wait("a", "1", 10, now).as_millis(), 0, "each prefix has a row of its own");
        assert_eq!(
            pace.wait("a", "49", 10, now + Duration::from_secs(5)).as_millis(),
            0,
            "nothing is saved up, and nothing owed"
        );
    }
}
