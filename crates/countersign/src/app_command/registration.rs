//! `countersign app registration`: leave for applications to register themselves.

use crate::{admin::office::Office, cli::say};
use anyhow::Context as _;
use clap::Subcommand;
use keys::Token;
use serde_json::json;
use std::time::Duration;
use store::{RegistrationLeaveRow, fields};

/// What can be done about it.
#[derive(Subcommand)]
pub enum Registration {
    /// Make an initial access token, by which applications register themselves; it is shown once
    Open {
        /// For so many applications
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(i64).range(1..=1000))]
        count: i64,
        /// For so many hours
        #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u64).range(1..=720))]
        hours: u64,
    },
    /// Take all such tokens back: then nothing can be registered but by an administrator
    Close,
}

/// Does it.
pub(super) async fn run(action: Registration, office: &Office<'_>) -> anyhow::Result<()> {
    let scope = office.scope();
    let (rows, world) = (scope.rows(), scope.world());
    match action {
        Registration::Open { count, hours } => {
            let token = Token::generate(oidc::LEAVE_PREFIX, world.random.as_ref());
            let now = world.now();
            let row = RegistrationLeaveRow {
                digest: rows.keys().await?.digest(fields::REGISTRATION, &[token.expose().as_bytes()]).to_vec(),
                left_over: count,
                made_by: scope.actor().to_owned(),
                created: now,
                expires: now + Duration::from_secs(hours * 3600),
            };
            let mut tx = rows.begin().await?;
            tx.insert_registration_leave(&row).await?;
            tx.commit().await?;
            scope.note("registration_open", "applications", json!({ "count": count, "hours": hours })).await?;
            say(&format!("initial_access_token = {}\n", token.expose())).context("standard output")
        }
        Registration::Close => {
            let mut tx = rows.begin().await?;
            let closed = tx.close_registration().await?;
            tx.commit().await?;
            scope.note("registration_close", "applications", json!({ "tokens": closed })).await?;
            say(&format!("{closed} tokens are of no use any more.\n"))
        }
    }
}
