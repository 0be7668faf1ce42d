//! `countersign app keys`: the keys that sign what applications are told.
//!
//! Those of tokens turn over by themselves. Those of SAML stand in certificates that people copied into applications, so only an administrator
//! turns them over: the new certificate is published for as long as `--in` says, is put beside the old one wherever applications don't read the
//! metadata by themselves, and then signs.

use super::Office;
use crate::{cli, services::Services};
use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use jose::Algorithm;
use sso::signing::{self, KeyState, Turn, Usage};
use std::{fmt::Write as _, time::Duration};
use types::Millis;

/// Arguments of `app keys`.
#[derive(Args)]
pub struct Keys {
    /// What to do
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// The keys that sign, or are published
    List,
    /// Make the next key
    Rotate {
        /// Which line of keys
        #[arg(long, value_enum, default_value = "es256")]
        key: Line,
        /// How long the new key is published before it signs, in hours. Relying parties that keep what they read for longer refuse the
        /// first tokens; for SAML, how long you need to put the new certificate into the applications
        #[arg(long = "in", value_name = "HOURS", conflicts_with = "now")]
        after: Option<u64>,
        /// The old key may be in a thief's hands: the new one signs at once, and what the old one signed counts no more. People sign in
        /// anew; applications with SAML stay out until they have the new certificate
        #[arg(long)]
        now: bool,
    },
}

/// A line of keys.
#[derive(Clone, Copy, ValueEnum)]
enum Line {
    /// Tokens by ECDSA: what is used unless an application is set to something else
    Es256,
    /// Tokens by RSA
    Rs256,
    /// Tokens by Ed25519
    Eddsa,
    /// SAML messages and metadata
    Saml,
    /// Requests to SAML providers that people come from, and what those encrypt
    SamlService,
}

impl Line {
    const fn parts(self) -> (Usage, Algorithm) {
        match self {
            Self::Es256 => (Usage::Jwt, Algorithm::Es256),
            Self::Rs256 => (Usage::Jwt, Algorithm::Rs256),
            Self::Eddsa => (Usage::Jwt, Algorithm::EdDsa),
            Self::Saml => (Usage::Saml, Algorithm::Rs256),
            Self::SamlService => (Usage::Service, Algorithm::Rs256),
        }
    }
}

/// How long a SAML key is published before it signs, where nobody says otherwise: thirty days.
const SAML_AFTER: Duration = Duration::from_secs(30 * 86_400);

pub(super) async fn run(arguments: Keys, office: &Office<'_>, services: &Services) -> anyhow::Result<()> {
    let tenant = office.scope().rows().id();
    let keys = services.sso.signing();
    match arguments.action {
        Action::List => {
            let mut text = String::new();
            for usage in [Usage::Jwt, Usage::Saml, Usage::Service] {
                for (row, state) in keys.list(tenant, usage).await? {
                    let until = match (state, row.retire_at, row.expires) {
                        (KeyState::Pending, ..) => format!("signs from {}", day(row.active_from)),
                        (KeyState::Retired, _, Some(expires)) => format!("published until {}", day(expires)),
                        (_, Some(retire_at), _) => format!("signs until {}", day(retire_at)),
                        _ => String::new(),
                    };
                    let _ =
                        writeln!(text, "{:5} {:6} {:8} {}  {until}", usage.as_str(), row.alg, state.as_str(), row.kid);
                }
            }
            if text.is_empty() {
                text.push_str("No key was needed yet: they are made when they are.\n");
            }
            cli::say(&text)
        }
        Action::Rotate { key, after, now } => {
            let (usage, algorithm) = key.parts();
            let usual = if usage == Usage::Jwt { signing::PUBLISHED } else { SAML_AFTER };
            let wait = after.map_or(usual, |hours| Duration::from_secs(hours.saturating_mul(3600)));
            let turn = if now { Turn::Now } else { Turn::After(wait) };
            let made = keys.rotate(tenant, usage, algorithm, turn).await.context("the key could not be made")?;
            cli::say(match (made, now) {
                (true, true) => "The new key signs from now on. What the old one signed counts no more.\n",
                (true, false) => {
                    "The new key is published, and will take the old one's place: countersign app keys list\n"
                }
                (false, _) => "A new key waits already, or was made in this moment: countersign app keys list\n",
            })
        }
    }
}

fn day(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at.0).map(|at| at.strftime("%Y-%m-%d %H:%M UTC").to_string()).unwrap_or_default()
}
