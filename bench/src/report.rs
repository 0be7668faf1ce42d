//! What was seen: a table for people and a JSON file for programs, from the same figures.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::{io::Write as _, path::Path, time::Duration};

/// One figure.
struct Figure {
    part: String,
    name: String,
    value: f64,
    unit: &'static str,
}

/// All figures of a run.
#[derive(Default)]
pub(crate) struct Report {
    figures: Vec<Figure>,
}

impl Report {
    /// Adds a figure and says it at once, so that a run that is cut short has shown something.
    pub(crate) fn add(&mut self, part: &str, name: impl std::convert::Into<String>, value: f64, unit: &'static str) {
        let figure = Figure { part: part.to_owned(), name: name.into(), value, unit };
        say(&line(&figure));
        self.figures.push(figure);
    }

    /// Adds the usual three percentiles of a set of times.
    pub(crate) fn times(&mut self, part: &str, name: &str, times: &mut Times) {
        for (label, share) in [("p50", 0.5), ("p99", 0.99), ("p999", 0.999)] {
            self.add(part, format!("{name} {label}"), times.percentile(share), "ms");
        }
    }

    /// The greatest figure of a part whose name ends like this; 0 for none.
    pub(crate) fn best(&self, part: &str, ends: &str) -> f64 {
        let of = self.figures.iter().filter(|figure| figure.part == part && figure.name.ends_with(ends));
        of.map(|figure| figure.value).fold(0.0, f64::max)
    }

    /// Writes the JSON file and the whole table.
    pub(crate) fn finish(&self, path: &Path, about: Value) -> Result<()> {
        let figures: Vec<Value> = self
            .figures
            .iter()
            .map(|one| json!({ "part": one.part, "name": one.name, "value": one.value, "unit": one.unit }))
            .collect();
        let text = serde_json::to_string_pretty(&json!({ "about": about, "figures": figures }))?;
        std::fs::write(path, text + "\n").with_context(|| path.display().to_string())?;
        say("");
        for figure in &self.figures {
            say(&line(figure));
        }
        say(&format!("\nalso in {}", path.display()));
        Ok(())
    }
}

fn line(figure: &Figure) -> String {
    let value = if figure.value.abs() >= 1000.0 {
        format!("{:.0}", figure.value)
    } else if figure.value.abs() >= 100.0 {
        format!("{:.1}", figure.value)
    } else {
        format!("{:.2}", figure.value)
    };
    format!("{:<22} {:<58} {value:>12} {}", figure.part, figure.name, figure.unit)
}

/// Writes a line to standard output.
pub(crate) fn say(text: &str) {
    // A closed pipe is no reason to stop measuring.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Measured times; every one is kept, so that a percentile is what it says.
#[derive(Default, Clone)]
pub(crate) struct Times {
    micros: Vec<u32>,
    sorted: bool,
}

impl Times {
    /// Adds one.
    pub(crate) fn add(&mut self, time: Duration) {
        self.micros.push(u32::try_from(time.as_micros()).unwrap_or(u32::MAX));
        self.sorted = false;
    }

    /// Adds all of another.
    pub(crate) fn join(&mut self, other: &Self) {
        self.micros.extend_from_slice(&other.micros);
        self.sorted = false;
    }

    /// How many.
    pub(crate) fn count(&self) -> usize {
        self.micros.len()
    }

    /// The time in milliseconds within which this share of all lies; 0 for none.
    pub(crate) fn percentile(&mut self, share: f64) -> f64 {
        if !self.sorted {
            self.micros.sort_unstable();
            self.sorted = true;
        }
        let rank = (self.micros.len() as f64 * share).ceil() as usize;
        let micros = self.micros.get(rank.saturating_sub(1)).copied().unwrap_or(0);
        f64::from(micros) / 1000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_time_that_so_many_kept() {
        let mut times = Times::default();
        assert_eq!(times.percentile(0.5), 0.0);
        for millis in 1..=1000 {
            times.add(Duration::from_millis(millis));
        }
        assert_eq!(times.percentile(0.5), 500.0);
        assert_eq!(times.percentile(0.99), 990.0);
        assert_eq!(times.percentile(0.999), 999.0);
        assert_eq!(times.percentile(1.0), 1000.0);
    }
}
