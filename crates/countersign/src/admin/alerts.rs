//! `countersign admin alerts`: where sign-in pages were seen under a foreign name, or came without what they should have come with; and who
//! read numbers or the message log as nobody should.

use super::office::{Office, PAGE};
use crate::cli::say;
use clap::Args;
use std::time::Duration;
use store::Span;
use types::Millis;

/// Who writes them into the administrator log.
const CANARY: &str = "canary";

/// Arguments of `alerts`.
#[derive(Args)]
pub struct AlertsArgs {
    /// How many days back
    #[arg(long, default_value_t = 30, value_name = "DAYS")]
    pub days: u32,
}

/// Prints them, the newest first: when, what, whose id, and the details.
pub(super) async fn run(arguments: AlertsArgs, office: &Office<'_>) -> anyhow::Result<()> {
    let scope = office.scope();
    let now = office.world().now();
    let from = now - Duration::from_secs(86_400 * u64::from(arguments.days));
    let mut span = Span::new(from, Millis(now.0.saturating_add(1)), PAGE).newest_first();
    loop {
        let rows = scope.rows().admin_log(&span).await?;
        for row in rows.iter().filter(|row| row.actor == CANARY || row.actor == store::GUARD) {
            let at = jiff::Timestamp::from_millisecond(row.at.0)?.strftime("%Y-%m-%dT%H:%M:%SZ");
            let who = if row.object.is_empty() { "-" } else { &row.object };
            say(&format!("{at} {} {who} {}\n", row.action, row.detail))?;
        }
        match rows.last() {
            Some(last) => span = span.after(last.id),
            None => return Ok(()),
        }
    }
}
