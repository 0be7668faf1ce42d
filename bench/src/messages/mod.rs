//! Text messages over SMPP with their receipts, end to end: the client alone, the whole gateway, and Kannel, against one SMSC.
//!
//! Closed load: so many messages as fast as they are taken. The clock runs from the first submit until the last receipt has come to
//! whoever wanted it. SMSC, generator and what is measured share the processors.

mod client;
mod courier;
mod kannel;
mod queue;
mod smsc;

pub(crate) use smsc::Smsc;

use crate::{
    process,
    report::{Report, say},
};
use anyhow::Result;
use std::{
    path::Path,
    time::{Duration, Instant},
};

const PART: &str = "messages";
/// How many submits wait for their answers at once, in each of them.
const WINDOW: u16 = 100;
/// How many messages are handed over at once.
const AT_ONCE: usize = 256;
/// A run that takes longer has lost something.
const PATIENCE: Duration = Duration::from_secs(300);

/// One after the other, `count` messages each; their files go to `directory`.
pub(crate) async fn run(count: usize, directory: &Path, report: &mut Report) -> Result<()> {
    let smsc = Smsc::start()?;
    let seen = client::run(smsc.port, count).await?;
    let alone = seen.add("client alone", count, report);
    let seen = courier::run(&smsc, count, directory).await?;
    let whole = seen.add("gateway", count, report);
    let peers: &[_] = if kannel::is_installed() {
        &[("Kannel in memory", false), ("Kannel with a spool", true)]
    } else {
        say("messages: Kannel isn't installed (Debian's package kannel), so nothing is compared with it");
        &[]
    };
    for &(name, spooled) in peers {
        let seen = kannel::run(smsc.port, count, directory, spooled).await?;
        let kannel = seen.add(name, count, report);
        report.add(PART, format!("client alone, ratio to {name}"), alone / kannel, "");
        report.add(PART, format!("gateway, ratio to {name}"), whole / kannel, "");
    }
    queue::run(count, directory, report).await
}

/// How long it took, and what of the processors.
struct Seen {
    took: Duration,
    /// Of this process, with the SMSC's and the generator's share.
    own: Duration,
    /// Of the peer's processes.
    peer: Duration,
}

impl Seen {
    fn add(&self, name: &str, count: usize, report: &mut Report) -> f64 {
        let rate = count as f64 / self.took.as_secs_f64();
        report.add(PART, format!("{name}, with receipts"), rate, "messages/s");
        let each = |time: Duration| time.as_secs_f64() * 1e6 / count as f64;
        report.add(PART, format!("{name}, CPU of this process and the SMSC in it"), each(self.own), "µs/message");
        if !self.peer.is_zero() {
            report.add(PART, format!("{name}, CPU of its processes"), each(self.peer), "µs/message");
        }
        rate
    }
}

/// A stopwatch for this process.
struct Watch {
    began: Instant,
    cpu: Duration,
}

impl Watch {
    fn start() -> Result<Self> {
        Ok(Self { began: now(), cpu: process::cpu(std::process::id())? })
    }

    fn stop(&self, peer: Duration) -> Result<Seen> {
        let own = process::cpu(std::process::id())?.saturating_sub(self.cpu);
        Ok(Seen { took: now().duration_since(self.began), own, peer })
    }
}

#[expect(clippy::disallowed_methods, reason = "a stopwatch, also outside of a runtime")]
fn now() -> Instant {
    Instant::now()
}

/// The `n`th number: each gets one message.
fn number(n: usize) -> String {
    format!("+49151{n:08}")
}

fn text(n: usize) -> String {
    format!("Example Corp: sign-in to mail for user{n:06}. Your passcode: {:07}. Never share it.", n % 10_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smsc_answers_and_the_client_hears_every_receipt() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let smsc = Smsc::start().unwrap();
        let seen = runtime.block_on(client::run(smsc.port, 500)).unwrap();
        assert!(seen.took > Duration::ZERO);
    }

    #[test]
    fn numbers_are_of_a_kind_that_gets_messages() {
        let number: types::E164 = number(12_345).parse().unwrap();
        assert_eq!(number.expose().len(), 14);
    }
}
