//! `countersign admin opt-out …`: people who want no texts. Their numbers stand in the store as keyed digests, so they can be asked for and
//! not be listed.

use super::office::Office;
use crate::{cli::say, services::Services};
use anyhow::bail;
use clap::Subcommand;
use data_encoding::HEXLOWER;
use serde_json::json;
use types::E164;

/// Entries that are read at once.
const PAGE: i64 = 500;

/// What can be done about people who want no texts.
#[derive(Subcommand)]
pub enum Action {
    /// List the marks of the numbers that want no texts, and since when
    List,
    /// Say whether a number wants no texts
    Show {
        /// The number, with + and its country
        number: String,
    },
    /// Note that a number wants no texts
    Add {
        /// The number, with + and its country
        number: String,
    },
    /// Let a number get texts again
    Remove {
        /// The number, with + and its country
        number: String,
    },
}

/// Does it.
pub(super) async fn run(action: Action, office: &Office<'_>, services: &Services) -> anyhow::Result<()> {
    let (courier, scope) = (&services.courier, office.scope());
    match action {
        Action::List => {
            let mut after = Vec::new();
            loop {
                let page = scope.rows().opt_outs(&after, PAGE).await?;
                for row in &page {
                    let day = jiff::Timestamp::from_second(row.day.saturating_mul(86_400))?.strftime("%Y-%m-%d");
                    say(&format!("{} {day}\n", HEXLOWER.encode(&row.mark)))?;
                }
                match page.last() {
                    Some(last) => after.clone_from(&last.mark),
                    None => return Ok(()),
                }
            }
        }
        Action::Show { number } => {
            let out = courier.is_opted_out(office.tenant, &number.parse::<E164>()?).await?;
            say(if out { "wants no texts\n" } else { "gets texts\n" })?;
            Ok(())
        }
        Action::Add { number } => {
            let number = number.parse::<E164>()?;
            scope.note("message_opt_out", "", json!({})).await?;
            if !courier.set_opted_out(office.tenant, &number, true).await? {
                bail!("it is noted already");
            }
            Ok(())
        }
        Action::Remove { number } => {
            let number = number.parse::<E164>()?;
            scope.note("message_opt_in", "", json!({})).await?;
            if !courier.set_opted_out(office.tenant, &number, false).await? {
                bail!("it gets texts anyway");
            }
            Ok(())
        }
    }
}
