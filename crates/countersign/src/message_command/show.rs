//! What became of messages, without a number in it.

use anyhow::Context as _;
use clap::Args;
use messaging::log;
use store::{MessageRow, Span};
use types::{MessageId, Millis};

use crate::{admin::office::Office, cli::say, services::Services};

const DAY_MS: i64 = 86_400_000;

/// Arguments of `message show`.
#[derive(Args)]
pub struct ShowArgs {
    /// The message's id
    #[arg(required_unless_present = "user", conflicts_with = "user")]
    pub id: Option<String>,
    /// Instead: the newest messages of today (UTC) to this user, by id, name or alias. Whose earlier ones were nobody here can say
    #[arg(long)]
    pub user: Option<String>,
    /// Show at most so many
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=1000))]
    pub last: i64,
}

pub(super) async fn run(arguments: ShowArgs, services: &Services, office: &Office<'_>) -> anyhow::Result<()> {
    let rows = match (&arguments.id, &arguments.user) {
        (Some(id), _) => {
            let id: MessageId = id.parse().ok().context("this is no message's id")?;
            let row = services.store.tenant(office.tenant).message(log::day_id(id)).await?;
            vec![row.context("there is no such message, or the log has forgotten it")?]
        }
        (None, Some(user)) => {
            let user = office.user(user).await?.id;
            let today = services.store.world().now().day();
            let from = Millis(today.saturating_mul(DAY_MS));
            let mut span = Span::new(from, Millis((today + 1).saturating_mul(DAY_MS)), arguments.last).newest_first();
            let mut rows = Vec::new();
            let most = usize::try_from(arguments.last).unwrap_or(1);
            loop {
                let asked = log::Asked { user: Some(user), marked_only: true, ..log::Asked::default() };
                let page = log::page_of(&services.store, office.tenant, &span, &asked).await?;
                rows.extend(page.rows);
                match page.next {
                    Some(next) if rows.len() < most => span = next,
                    _ => break,
                }
            }
            rows.truncate(most);
            rows
        }
        (None, None) => Vec::new(),
    };
    if rows.is_empty() {
        // The key that says whose a message was is gone with its day.
        return say(
            "no message; of days before today (UTC) only countersign log read --user knows, with the organisation's key\n",
        );
    }
    say(&table(&rows))
}

/// A line for each message. The day is all that is known here of its time.
fn table(rows: &[MessageRow]) -> String {
    let mut out = line(["day", "id", "channel", "carrier", "purpose", "state", "why", "billed as"]);
    for row in rows {
        let day = jiff::Timestamp::from_millisecond(row.day.saturating_mul(DAY_MS)).unwrap_or_default();
        let why = explained(&row.error_class);
        let (day, id) = (day.strftime("%F").to_string(), row.id.to_string());
        out.push_str(&line([
            &day,
            &id,
            &row.channel,
            &row.supplier,
            &row.purpose,
            &row.state,
            &why,
            &row.billing_class,
        ]));
    }
    out
}

fn line(cells: [&str; 8]) -> String {
    let widths = [10, 36, 8, 16, 20, 11, 0, 0];
    let mut out = String::new();
    for (cell, width) in cells.into_iter().zip(widths) {
        let cell = if cell.is_empty() { "-" } else { cell };
        out.push_str(&format!("{cell:width$}  "));
    }
    format!("{}\n", out.trim_end())
}

/// The class of an error, and what it means.
fn explained(class: &str) -> String {
    let meaning = match class {
        "" => return String::new(),
        "bad-address" => "no such number, or it takes no such message",
        "unreachable" => "the telephone was off or out of reach",
        "blocked" => "the carrier filtered it",
        "region" => "not allowed to this country",
        "opted-out" => "the person wants no messages",
        "throttled" => "too fast for the carrier",
        "account" => "the carrier's account or configuration",
        "supplier" => "the carrier could not be reached, or gave no clear answer",
        "expired" => "too old before it could be sent",
        "no-receipt" => "no receipt came",
        "cut" => "the carrier was cut off",
        "lost" => "the process that held it is gone",
        _ if class.starts_with("fraud-") => "a rule against fraud",
        _ => return class.to_owned(),
    };
    format!("{class} ({meaning})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_that_is_written_is_explained() {
        use messaging::ErrorClass as E;
        let written = [
            E::BadAddress,
            E::Unreachable,
            E::Blocked,
            E::Region,
            E::OptedOut,
            E::Throttled,
            E::Account,
            E::Supplier,
            E::Expired,
            E::NoReceipt,
            E::Cut,
            E::Lost,
            E::Fraud("fraud-pumping"),
        ];
        for class in written {
            assert!(explained(class.as_str()).contains('('), "{}", class.as_str());
        }
        assert_eq!((explained(""), explained("other")), (String::new(), "other".to_owned()));
    }
}
