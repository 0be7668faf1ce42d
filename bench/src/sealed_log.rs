//! The message log: what sealing costs a message, and how fast the organisation reads.
//!
//! One processor, in memory: neither the store nor a terminal is in it. A message is sealed twice, when it leaves and when its receipt
//! comes. The rows are read in the order of their ids, which is no order of the keys, as in a real log.

use crate::{process, report::Report};
use anyhow::{Context as _, Result};
use keys::{Recipients, Segment, TenantPrivateKey};
use messaging::log::{LogReader, measuring};
use std::time::Duration;
use types::{MessageId, Millis, TenantId, World};

const PART: &str = "log";
const DAY: i64 = 20_780;

/// Seals `count` rows of one day, and opens them.
pub(crate) fn run(count: usize, report: &mut Report) -> Result<()> {
    let world = World::real();
    let random = world.random.as_ref();
    let private = TenantPrivateKey::generate(random);
    let recipients = Recipients::new(vec![private.public()])?;
    let tenant = TenantId::new(world.now(), random);
    let ids: Vec<MessageId> = (0..count).map(|_| MessageId::new(Millis(DAY * 86_400_000), random)).collect();
    let me = std::process::id();

    let before = process::cpu(me)?;
    let mut headers = Vec::new();
    let mut segment: Option<Segment> = None;
    let mut rows = Vec::with_capacity(count);
    for (n, id) in ids.iter().enumerate() {
        let mut next = || -> Result<keys::PartKey> {
            loop {
                if let Some(open) = &mut segment
                    && let Some(key) = open.next_key()?
                {
                    return Ok(key);
                }
                let (begun, header) = Segment::begin(tenant, DAY, &recipients, random)?;
                headers.push((begun.id(), header));
                segment = Some(begun);
            }
        };
        let (sent, receipt) = (next()?, next()?);
        rows.push((*id, measuring::sealed(sent, receipt, *id, &format!("+49151{n:08}"))?));
    }
    let took = process::cpu(me)?.saturating_sub(before);
    report.add(PART, "sealing, both parts of a row", micros(took, count), "µs/message");

    rows.sort_unstable_by_key(|(id, _)| *id);
    // A store gives rows one after the other, in this order: they lie so in memory, too.
    let rows: Vec<_> = rows.iter().map(|(id, sealed)| (*id, sealed.clone())).collect();
    let mut reader = LogReader::new(tenant, vec![private]);
    let before = process::cpu(me)?;
    for (id, header) in &headers {
        reader.add_segment(*id, DAY, Some(header));
    }
    let mut digits = 0_usize;
    for (id, sealed) in &rows {
        digits += reader.open(*id, sealed).ok().context("a row didn't open")?.to().len();
    }
    let took = process::cpu(me)?.saturating_sub(before);
    anyhow::ensure!(digits == 14 * count, "the rows hold something else");
    report.add(PART, format!("reading {count} rows of a tenant"), count as f64 / took.as_secs_f64(), "rows/s and core");
    Ok(())
}

fn micros(time: Duration, count: usize) -> f64 {
    time.as_secs_f64() * 1e6 / count as f64
}
