//! The log: lines for people or JSON, to standard error.

use std::{io, panic};

use tracing::Dispatch;
use tracing_subscriber::{
    EnvFilter, Layer as _,
    fmt::{MakeWriter, format::FmtSpan},
    layer::SubscriberExt as _,
};

use crate::config::{Log, LogFormat};

/// The target of the line that each request may leave: switched on with `countersign::access=info`.
pub const ACCESS: &str = "countersign::access";

/// A subscriber that writes to `writer`.
///
/// # Errors
/// When the filter can't be read. The configuration has checked it already.
pub fn dispatch<W>(log: &Log, writer: W) -> anyhow::Result<Dispatch>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(&log.filter)?;
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_span_events(FmtSpan::NONE);
    let lines = match log.format {
        // Colours would be noise in a file; a terminal's user has the words.
        LogFormat::Text => lines.with_ansi(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    };
    Ok(Dispatch::new(tracing_subscriber::registry().with(lines).with(filter)))
}

/// Starts the process's log, and keeps panics from writing their texts past it.
///
/// # Errors
/// When the filter can't be read, or a log has been started before.
pub fn start(log: &Log) -> anyhow::Result<()> {
    tracing::dispatcher::set_global_default(dispatch(log, io::stderr)?)?;
    hide_panic_texts();
    Ok(())
}

/// From now on, a panic is logged by its place only: its text may hold what a user sent.
pub fn hide_panic_texts() {
    panic::set_hook(Box::new(|info| {
        let (file, line) = info.location().map_or(("unknown", 0), |place| (place.file(), place.line()));
        tracing::error!(file, line, "a panic; its text is not logged");
    }));
}
