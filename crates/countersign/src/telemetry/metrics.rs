//! The process's metrics: counters, gauges and histograms, written as Prometheus text.
//!
//! Any crate records through the `metrics` facade; the registry behind it is this one, small enough to keep a whole
//! process's numbers in a few kilobytes. No label carries user data: a label value that looks like anything but a
//! word, a route template or a small number is replaced before it is stored, and the number of series is bounded.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use metrics::{Counter, Gauge, Key, KeyName, Label, Metadata, Recorder, SharedString, Unit};

use super::histogram::Histogram;

/// No more series than this are kept; what would be one more is counted in `metrics_dropped_total` instead.
const MOST_SERIES: usize = 4096;

/// What stands in place of a label value that might be somebody's data.
const HIDDEN: &str = "hidden";

#[derive(Clone)]
enum Series {
    Counter(Arc<AtomicU64>),
    /// The bits of an `f64`.
    Gauge(Arc<AtomicU64>),
    Histogram(Arc<Histogram>),
}

impl Series {
    const fn kind(&self) -> &'static str {
        match self {
            Self::Counter(_) => "counter",
            Self::Gauge(_) => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

/// All numbers of the process.
#[derive(Default)]
pub struct Registry {
    series: RwLock<HashMap<Key, Series>>,
    help: RwLock<HashMap<String, String>>,
    dropped: AtomicU64,
}

impl Registry {
    /// An empty one.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// Makes it the one that the facade's macros record to. Only the first call in a process does.
    pub fn install(self: &Arc<Self>) {
        if metrics::set_global_recorder(Facade(self.clone())).is_err() {
            tracing::debug!("metrics are recorded elsewhere already");
        }
    }

    /// A counter, kept by the caller.
    pub fn counter(&self, name: &'static str, labels: Vec<Label>) -> Arc<AtomicU64> {
        match self.series(&Key::from_parts(name, labels), || Series::Counter(Arc::default())) {
            Some(Series::Counter(counter)) => counter,
            _ => Arc::default(),
        }
    }

    /// A histogram, kept by the caller. In seconds when its name ends so.
    pub fn histogram(&self, name: &'static str, labels: Vec<Label>) -> Arc<Histogram> {
        match self.series(&Key::from_parts(name, labels), || Series::Histogram(Arc::new(Histogram::named(name)))) {
            Some(Series::Histogram(histogram)) => histogram,
            _ => Arc::new(Histogram::named(name)),
        }
    }

    /// Sets a gauge.
    pub fn gauge(&self, name: &'static str, value: f64) {
        if let Some(Series::Gauge(gauge)) = self.series(&Key::from_static_name(name), || Series::Gauge(Arc::default()))
        {
            gauge.store(value.to_bits(), Ordering::Relaxed);
        }
    }

    /// Says what a metric means, for its HELP line.
    pub fn describe(&self, name: &str, help: &str) {
        self.help.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), help.to_owned());
    }

    fn series(&self, key: &Key, make: impl FnOnce() -> Series) -> Option<Series> {
        if let Some(series) = self.series.read().unwrap_or_else(PoisonError::into_inner).get(key) {
            return Some(series.clone());
        }
        let key = clean(key);
        let mut all = self.series.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(series) = all.get(&key) {
            return Some(series.clone());
        }
        if all.len() >= MOST_SERIES {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let series = make();
        all.insert(key, series.clone());
        Some(series)
    }

    /// Everything, as Prometheus text (version 0.0.4).
    #[must_use]
    pub fn render(&self) -> String {
        self.counter("metrics_dropped_total", Vec::new())
            .store(self.dropped.load(Ordering::Relaxed), Ordering::Relaxed);
        if let Some(bytes) = resident_bytes() {
            self.gauge("process_resident_memory_bytes", bytes);
        }
        let mut families: BTreeMap<String, Vec<(String, Series)>> = BTreeMap::new();
        for (key, series) in self.series.read().unwrap_or_else(PoisonError::into_inner).iter() {
            families.entry(word(key.name())).or_default().push((labels(key), series.clone()));
        }
        let help = self.help.read().unwrap_or_else(PoisonError::into_inner);
        let mut out = String::with_capacity(16_384);
        for (name, mut all) in families {
            all.sort_by(|a, b| a.0.cmp(&b.0));
            if let Some(help) = help.get(&name) {
                let _ = writeln!(out, "# HELP {name} {}", help.replace('\\', "\\\\").replace('\n', " "));
            }
            if let Some((_, series)) = all.first() {
                let _ = writeln!(out, "# TYPE {name} {}", series.kind());
            }
            for (labels, series) in all {
                write_series(&mut out, &name, &labels, &series);
            }
        }
        out
    }
}

fn write_series(out: &mut String, name: &str, labels: &str, series: &Series) {
    let braced = |inner: String| if inner.is_empty() { inner } else { format!("{{{inner}}}") };
    let _ = match series {
        Series::Counter(counter) => {
            writeln!(out, "{name}{} {}", braced(labels.to_owned()), counter.load(Ordering::Relaxed))
        }
        Series::Gauge(gauge) => {
            writeln!(out, "{name}{} {}", braced(labels.to_owned()), f64::from_bits(gauge.load(Ordering::Relaxed)))
        }
        Series::Histogram(histogram) => {
            let snapshot = histogram.snapshot();
            let comma = if labels.is_empty() { "" } else { "," };
            for (bound, count) in &snapshot.cumulative {
                let _ = writeln!(out, "{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {count}");
            }
            let _ = writeln!(out, "{name}_bucket{{{labels}{comma}le=\"+Inf\"}} {}", snapshot.count);
            let _ = writeln!(out, "{name}_sum{} {}", braced(labels.to_owned()), snapshot.sum);
            writeln!(out, "{name}_count{} {}", braced(labels.to_owned()), snapshot.count)
        }
    };
}

fn labels(key: &Key) -> String {
    let pairs: Vec<String> = key.labels().map(|label| format!("{}=\"{}\"", word(label.key()), label.value())).collect();
    pairs.join(",")
}

/// A name as Prometheus takes it.
fn word(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == ':' { c } else { '_' }).collect()
}

/// The key with every label value hidden that isn't plainly a word of ours.
fn clean(key: &Key) -> Key {
    let labels: Vec<Label> = key
        .labels()
        .map(|label| {
            let value = if is_harmless(label.value()) { label.value().to_owned() } else { HIDDEN.to_owned() };
            Label::new(label.key().to_owned(), value)
        })
        .collect();
    Key::from_parts(key.name().to_owned(), labels)
}

/// Words, route templates and small numbers are. A run of five digits (a number, a code) or of sixteen letters and
/// digits mixed (an id, a token) isn't, nor is anything with a character that neither has.
fn is_harmless(value: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./{}*: ".contains(&byte);
    let runs = |same: fn(u8) -> bool, length: usize, needs_both: bool| {
        value.as_bytes().split(|byte| !same(*byte)).any(|run| {
            let mixed = run.iter().any(u8::is_ascii_digit) && run.iter().any(u8::is_ascii_alphabetic);
            run.len() >= length && (mixed || !needs_both)
        })
    };
    value.len() <= 96
        && value.bytes().all(plain)
        && !runs(|byte| byte.is_ascii_digit(), 5, false)
        && !runs(|byte| byte.is_ascii_alphanumeric() || byte == b'-', 16, true)
}

/// The memory that the process holds, in bytes.
fn resident_bytes() -> Option<f64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u32 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(f64::from(pages) * rustix::param::page_size() as f64)
}

struct Facade(Arc<Registry>);

impl Recorder for Facade {
    fn describe_counter(&self, key: KeyName, _: Option<Unit>, description: SharedString) {
        self.0.describe(key.as_str(), &description);
    }

    fn describe_gauge(&self, key: KeyName, _: Option<Unit>, description: SharedString) {
        self.0.describe(key.as_str(), &description);
    }

    fn describe_histogram(&self, key: KeyName, _: Option<Unit>, description: SharedString) {
        self.0.describe(key.as_str(), &description);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        match self.0.series(key, || Series::Counter(Arc::default())) {
            Some(Series::Counter(counter)) => Counter::from_arc(counter),
            _ => Counter::noop(),
        }
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        match self.0.series(key, || Series::Gauge(Arc::default())) {
            Some(Series::Gauge(gauge)) => Gauge::from_arc(gauge),
            _ => Gauge::noop(),
        }
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> metrics::Histogram {
        match self.0.series(key, || Series::Histogram(Arc::new(Histogram::named(key.name())))) {
            Some(Series::Histogram(histogram)) => metrics::Histogram::from_arc(histogram),
            _ => metrics::Histogram::noop(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_facade_and_the_handles_meet_in_one_text() {
        let registry = Registry::new();
        registry.describe("logins_total", "Logins, by result.");
        metrics::with_local_recorder(&Facade(registry.clone()), || {
            metrics::counter!("logins_total", "result" => "allow").increment(2);
            metrics::counter!("logins_total", "result" => "deny").increment(1);
            metrics::gauge!("open").set(2.5);
            metrics::histogram!("wait_seconds", "route" => "/auth/v2/auth_status").record(0.3);
        });
        registry.counter("logins_total", vec![Label::new("result", "allow")]).fetch_add(1, Ordering::Relaxed);
        let text = registry.render();
        for line in [
            "# HELP logins_total Logins, by result.",
            "# TYPE logins_total counter",
            "logins_total{result=\"allow\"} 3",
            "logins_total{result=\"deny\"} 1",
            "# TYPE open gauge",
            "open 2.5",
            "# TYPE wait_seconds histogram",
            "wait_seconds_bucket{route=\"/auth/v2/auth_status\",le=\"0.25\"} 0",
            "wait_seconds_bucket{route=\"/auth/v2/auth_status\",le=\"0.5\"} 1",
            "wait_seconds_bucket{route=\"/auth/v2/auth_status\",le=\"+Inf\"} 1",
            "wait_seconds_sum{route=\"/auth/v2/auth_status\"} 0.3",
            "wait_seconds_count{route=\"/auth/v2/auth_status\"} 1",
            "metrics_dropped_total 0",
        ] {
            assert!(text.lines().any(|found| found == line), "no {line:?} in\n{text}");
        }
        assert!(text.contains("process_resident_memory_bytes"));
    }

    #[test]
    fn no_label_carries_user_data() {
        for harmless in
            ["allow", "/admin/v1/users/{user_id}", "2xx", "404", "sms", "group commit", "/rest/v1/preauth.bson"]
        {
            assert!(is_harmless(harmless), "{harmless}");
        }
        for data in [
            "+15035550100",
            "15035550100",
            "123456",
            "alice@example.com",
            "DI1234567890ABCDEF12",
            "0193f5e2-7c1a-7def-8000-0123456789ab",
            "O'Brien",
            "a\"b",
            "a\nb",
            "München",
        ] {
            assert!(!is_harmless(data), "{data}");
            let registry = Registry::new();
            metrics::with_local_recorder(&Facade(registry.clone()), || {
                metrics::counter!("x_total", "who" => data).increment(1);
            });
            let text = registry.render();
            assert!(!text.contains(data), "{text}");
            assert!(text.contains("x_total{who=\"hidden\"} 1"), "{text}");
        }
    }

    #[test]
    fn the_number_of_series_is_bounded() {
        let registry = Registry::new();
        for first in 0..100 {
            for second in 0..100 {
                let labels = vec![Label::new("a", first.to_string()), Label::new("b", second.to_string())];
                registry.counter("many_total", labels).fetch_add(1, Ordering::Relaxed);
            }
        }
        let text = registry.render();
        assert!(text.lines().count() < MOST_SERIES + 50);
        assert!(registry.dropped.load(Ordering::Relaxed) > 5000);
    }
}
