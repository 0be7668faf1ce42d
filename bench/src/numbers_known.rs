//! What numbers tell: look-ups of random ones, most of which exist, one processor.

use crate::{process, report::Report};
use anyhow::Result;
use std::time::Duration;
use types::{E164, World};

const PART: &str = "numbers";
/// Beginnings of mobile numbers in many countries, and how many digits follow.
const BEGINS: &[(&str, usize)] = &[
    ("+49151", 8),
    ("+1503", 7),
    ("+447400", 6),
    ("+336", 8),
    ("+9198", 8),
    ("+55119", 8),
    ("+86138", 8),
    ("+4930", 8),
    ("+54911", 8),
    ("+234803", 7),
    ("+61891", 6),
    ("+", 11),
];

/// Looks at `count` numbers, and writes as many in their countries' form.
pub(crate) fn run(count: usize, report: &mut Report) -> Result<()> {
    let world = World::real();
    let made = (0..count.min(100_000)).filter_map(|turn| {
        let (begin, digits) = BEGINS.get(turn % BEGINS.len())?;
        format!("{begin}{}", world.digits(*digits)).parse::<E164>().ok()
    });
    let known: Vec<E164> = made.collect();
    let me = std::process::id();
    let before = process::cpu(me)?;
    let mut valid = 0_usize;
    for number in known.iter().cycle().take(count) {
        valid += usize::from(numbers::look(number).valid.is_valid());
    }
    let took = process::cpu(me)?.saturating_sub(before);
    report.add(PART, "look-up", micros(took, count), "µs");
    report.add(PART, "look-ups", count as f64 / took.as_secs_f64(), "a second and core");
    report.add(PART, "of them valid", 100.0 * valid as f64 / count as f64, "%");
    let before = process::cpu(me)?;
    let mut signs = 0_usize;
    for number in known.iter().cycle().take(count / 4) {
        signs += numbers::national_format(number).len();
    }
    let took = process::cpu(me)?.saturating_sub(before);
    anyhow::ensure!(signs > count, "numbers were written without signs");
    report.add(PART, "national form", micros(took, count / 4), "µs");
    Ok(())
}

fn micros(time: Duration, count: usize) -> f64 {
    time.as_secs_f64() * 1e6 / count as f64
}
