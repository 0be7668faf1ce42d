//! `countersign admin bypass-code …`

use std::time::Duration;

use super::office::{Office, every};
use crate::{cli::say, services::Services};
use anyhow::Context as _;
use clap::Subcommand;
use directory::{Codes, NewBypassCodes};
use store::codes::BypassRow;

/// What can be done to bypass codes.
#[derive(Subcommand)]
pub enum Action {
    /// Make codes for a user and print them, this once
    Create {
        /// Who
        user: String,
        /// How many: 1 to 10
        #[arg(long, default_value_t = 1, value_name = "NUMBER")]
        count: usize,
        /// How often each can be used; 0 without limit
        #[arg(long, default_value_t = 1, value_name = "NUMBER")]
        uses: i64,
        /// For how many minutes; 0 for ever
        #[arg(long, default_value_t = 60, value_name = "MINUTES")]
        minutes: u64,
        /// Keep the user's other codes
        #[arg(long)]
        keep_others: bool,
    },
    /// List the codes of a user, or of everybody: their ids, never the codes
    List {
        /// Who
        user: Option<String>,
    },
    /// Delete one code by its id, or all codes of a user
    Delete {
        /// The id of a code, or who
        which: String,
    },
}

/// Does it.
pub(super) async fn run(action: Action, office: &Office<'_>, services: &Services) -> anyhow::Result<()> {
    let scope = office.scope();
    match action {
        Action::Create { user, count, uses, minutes, keep_others } => {
            let new = NewBypassCodes {
                codes: Codes::Generated(count),
                uses: (uses != 0).then_some(uses),
                valid_for: (minutes != 0).then(|| Duration::from_secs(minutes.saturating_mul(60))),
                preserve_existing: keep_others,
            };
            let (codes, added) = scope.create_bypass_codes(office.user(&user).await?.id, &new).await?;
            office.announce(services, added).await?;
            for code in codes {
                say(&format!("{}\n", code.expose()))?;
            }
            Ok(())
        }
        Action::List { user } => {
            let user = match user {
                Some(user) => Some(office.user(&user).await?.id),
                None => None,
            };
            let rows = scope.rows();
            let each = async |row: BypassRow| {
                let uses = row.uses_left.map_or_else(|| "without limit".to_owned(), |left| format!("{left} left"));
                let until = match row.expires {
                    Some(at) => jiff::Timestamp::from_millisecond(at.0).context("time")?.to_string(),
                    None => "for ever".to_owned(),
                };
                say(&format!("{} of {} {uses}, until {until}, by {}\n", row.id, row.user_id, row.created_by))
            };
            every(async |slice| rows.bypass_code_page(user, slice).await, each).await
        }
        Action::Delete { which } => match which.parse() {
            Ok(id) => Ok(scope.delete_bypass_code(id).await?),
            Err(_) => Ok(scope.delete_bypass_codes(office.user(&which).await?.id).await?),
        },
    }
}
