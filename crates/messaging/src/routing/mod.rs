//! Which carriers a message may take, in which order. Nothing here sends, waits or looks at a clock.
//!
//! 1. The route whose prefix is the longest that the number begins with; a route for the number's own network goes before any prefix.
//!    Where no route is written for a kind, all carriers of that kind serve it, in the order in which they are configured.
//! 2. Of its carriers, those that are cut or have seen the message are left out; those that can't take anything now come last, and
//!    those that do worse than their peers ([`health`]) behind those that don't. Else the order is the file's.

pub(crate) mod arrivals;
pub(crate) mod health;

pub use arrivals::Latency;
pub use health::Tally;

use crate::ChannelKind;
use health::Score;

/// Where a route leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Prefix<'a> {
    /// Numbers that begin with these digits, without `+`. Empty: all numbers.
    Digits(&'a str),
    /// Numbers that were given out by this network: `mcc:mnc`.
    Network(&'a str),
}

impl<'a> Prefix<'a> {
    /// Reads `49151`, `262:01`, or nothing for everything; `None` for anything else.
    #[must_use]
    pub fn read(text: &'a str) -> Option<Self> {
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        match text.split_once(':') {
            Some((mcc, mnc)) => {
                let right = mcc.len() == 3 && (2..=3).contains(&mnc.len()) && digits(mcc) && digits(mnc);
                right.then_some(Self::Network(text))
            }
            None => (digits(text) && text.len() <= 15).then_some(Self::Digits(text)),
        }
    }

    /// How well it fits a number; the greater, the better; `None` if it doesn't.
    fn fits(self, digits: &str, network: Option<&str>) -> Option<usize> {
        match self {
            Self::Digits(prefix) => digits.starts_with(prefix).then_some(prefix.len()),
            Self::Network(name) => (network == Some(name)).then_some(usize::MAX),
        }
    }
}

/// A way for numbers of some prefixes.
#[derive(Clone, PartialEq, Debug)]
pub struct Route {
    /// What it carries.
    pub kind: ChannelKind,
    /// The prefixes, as [`Prefix::read`] takes them; none for everything.
    pub prefixes: Vec<String>,
    /// The carriers, the preferred one first.
    pub carriers: Vec<String>,
    /// What one message costs, or one SMS of several; in the currency of the tenants' budgets.
    pub cost: f64,
    /// So many messages a second go this way, through each of its carriers and from each node; `None` without limit.
    pub per_second: Option<u32>,
    /// How a code travels when no carrier here has brought it: [`ChannelKind::Voice`] after SMS.
    pub then: Option<ChannelKind>,
}

/// All routes.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Table {
    /// In the order of the file; of two that fit alike the first counts.
    pub routes: Vec<Route>,
}

/// What a number is sent by.
#[derive(Clone, PartialEq, Debug)]
pub struct Match<'a> {
    /// The route; `None` where none is written for this kind.
    pub route: Option<&'a Route>,
    /// The prefix that fitted; empty for everything. Health is kept for each.
    pub prefix: &'a str,
}

impl Table {
    /// The route for a number of these digits (no `+`), which `network` (`mcc:mnc`) gave out, if that is known. A mailbox has no
    /// digits. `None`: there are routes for this kind, and none leads there.
    #[must_use]
    pub fn of(&self, kind: ChannelKind, digits: &str, network: Option<&str>) -> Option<Match<'_>> {
        let of_kind = || self.routes.iter().filter(move |route| route.kind == kind);
        if of_kind().next().is_none() {
            return Some(Match { route: None, prefix: "" });
        }
        let mut best: Option<(usize, Match<'_>)> = None;
        for route in of_kind() {
            let everything = route.prefixes.is_empty().then_some("");
            for prefix in route.prefixes.iter().map(String::as_str).chain(everything) {
                let Some(fit) = Prefix::read(prefix).and_then(|prefix| prefix.fits(digits, network)) else { continue };
                if best.as_ref().is_none_or(|(other, _)| fit > *other) {
                    best = Some((fit, Match { route: Some(route), prefix }));
                }
            }
        }
        best.map(|(_, found)| found)
    }
}

/// How a carrier looks at this moment, to one message.
#[derive(Clone, Copy, Default)]
pub(crate) struct Look {
    /// It is cut off.
    pub(crate) cut: bool,
    /// It has seen the message, or may have.
    pub(crate) seen: bool,
    /// It can take messages.
    pub(crate) ready: bool,
    /// How it did on this prefix.
    pub(crate) score: Score,
}

/// The carriers that may be tried, the best first.
pub(crate) fn order<'a>(carriers: &[&'a str], look: impl Fn(&str) -> Look) -> Vec<&'a str> {
    let mut open: Vec<(&str, Look)> = carriers.iter().map(|name| (*name, look(name))).collect();
    open.retain(|(_, look)| !look.cut && !look.seen);
    let best = Score::best(open.iter().filter(|(_, look)| look.ready).map(|(_, look)| look.score));
    // A stable sort: else the order stays the file's.
    open.sort_by_key(|(_, look)| (!look.ready, look.score.is_behind(best)));
    open.into_iter().map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests;
