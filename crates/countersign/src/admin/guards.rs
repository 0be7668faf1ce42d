//! `countersign admin reader …` and `countersign admin canary …`: those who read numbers or the message log, and numbers that are nobody's.

use super::office::Office;
use crate::cli::say;
use anyhow::bail;
use clap::Subcommand;
use directory::NewPhone;
use std::time::Duration;
use types::{E164, UserId};

/// Entries that are read at once.
const PAGE: i64 = 500;

/// What can be done about those who read.
#[derive(Subcommand)]
pub enum ReaderAction {
    /// List those who were stopped, or may read more than usual
    List,
    /// Let somebody read again who was stopped, or read more of the message log than usual for a while
    Release {
        /// A user, by id or name, or an integration key
        who: String,
        /// So many rows of the message log in one hour
        #[arg(long, default_value_t = 0, value_name = "ROWS")]
        rows: i64,
        /// For so many hours
        #[arg(long, default_value_t = 24, value_name = "HOURS", value_parser = clap::value_parser!(u64).range(1..=720))]
        hours: u64,
    },
}

/// What can be done about canaries.
#[derive(Subcommand)]
pub enum CanaryAction {
    /// Put a number into the directory that leads to nobody: whoever is given it, or has a message sent to it, raises an alarm
    Add {
        /// The number, with + and its country: one of yours that nobody uses
        number: String,
        /// The name of its telephone in the directory
        #[arg(long, default_value = "", value_name = "NAME")]
        name: String,
    },
    /// Make it an ordinary number again; its telephone stays
    Remove {
        /// The number
        number: String,
    },
}

/// Does it.
pub(super) async fn run_reader(action: ReaderAction, office: &Office<'_>) -> anyhow::Result<()> {
    let (scope, now) = (office.scope(), office.world().now());
    match action {
        ReaderAction::List => {
            let mut after = String::new();
            loop {
                let page = scope.rows().all_watched(&after, PAGE).await?;
                for row in &page {
                    let name = match row.who.parse::<UserId>() {
                        Ok(id) => scope.rows().user(id).await?.map_or_else(String::new, |user| user.username),
                        Err(_) => String::new(),
                    };
                    if let Some(since) = row.frozen_at {
                        let since = jiff::Timestamp::from_millisecond(since.0)?.strftime("%Y-%m-%dT%H:%M:%SZ");
                        say(&format!("{} {name} stopped {since} {}\n", row.who, row.reason))?;
                    } else if now < row.allowed_until {
                        say(&format!("{} {name} may read {} rows an hour\n", row.who, row.allowed))?;
                    }
                }
                match page.last() {
                    Some(last) => after.clone_from(&last.who),
                    None => return Ok(()),
                }
            }
        }
        ReaderAction::Release { who, rows, hours } => {
            let who = if scope.rows().integration(&who).await?.is_some() {
                who
            } else {
                office.user(&who).await?.id.to_string()
            };
            let until = now + Duration::from_secs(hours * 3600);
            Ok(scope.rows().release_reader(scope.actor(), &who, rows, until).await?)
        }
    }
}

/// Does it.
pub(super) async fn run_canary(action: CanaryAction, office: &Office<'_>) -> anyhow::Result<()> {
    let scope = office.scope();
    let (number, name, add) = match action {
        CanaryAction::Add { number, name } => (number.parse::<E164>()?, name, true),
        CanaryAction::Remove { number } => (number.parse::<E164>()?, String::new(), false),
    };
    if add && scope.phone_by_number(&number, "", true).await?.is_some() {
        bail!("somebody has this number");
    }
    let mark = scope.rows().canary_mark(&number).await?;
    if add {
        let phone = NewPhone { number: Some(number), name, r#type: "mobile".to_owned(), ..NewPhone::default() };
        say(&format!("{}\n", scope.create_phone(&phone).await?.id))?;
    }
    if !scope.rows().set_canary_number(scope.actor(), &mark, add).await? {
        bail!(if add { "it is a canary already" } else { "it is no canary" });
    }
    Ok(())
}
