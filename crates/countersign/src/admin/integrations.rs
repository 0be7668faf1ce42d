//! `countersign admin integration …`

use std::path::PathBuf;

use super::office::{Office, every, secret};
use crate::cli::say;
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use directory::{IntegrationFields, IntegrationKeys, IntegrationPatch, NewIntegration, UserAccess};
use types::Normalization;

/// What can be done to integrations.
#[derive(Subcommand)]
pub enum Action {
    /// Make an integration and print its keys
    Create(Create),
    /// List the integrations
    List,
    /// Show an integration, without its secret key
    Show {
        /// The integration key
        ikey: String,
    },
    /// Print the secret key; the administrator log notes it
    Secret {
        /// The integration key
        ikey: String,
    },
    /// Make a new secret key and print it; the old one is worth nothing from then on
    ResetSecret {
        /// The integration key
        ikey: String,
    },
    /// Accept, or refuse, requests signed by version 1, which carry no date
    SignatureV1 {
        /// The integration key
        ikey: String,
        /// on or off
        accept: Switch,
    },
    /// Delete an integration
    Delete {
        /// The integration key
        ikey: String,
    },
}

/// On or off.
#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

/// Arguments of `integration create`.
#[derive(Args)]
pub struct Create {
    /// Its name, for people
    name: String,
    /// Duo's type: unix, authapi, adminapi, websdk, rdp, radius, …; messaging: its secret key is a token of the messaging API
    #[arg(long, value_name = "TYPE")]
    r#type: String,
    /// An integration key that clients have already
    #[arg(long, requires = "skey_file", value_name = "KEY")]
    ikey: Option<String>,
    /// The file with its secret key; - is standard input
    #[arg(long, requires = "ikey", value_name = "FILE")]
    skey_file: Option<PathBuf>,
    /// Accept requests signed by version 1; without it, only type unix does
    #[arg(long, value_name = "SWITCH")]
    signature_v1: Option<Switch>,
    /// Take user names as they are, without stripping DOMAIN\ and @domain
    #[arg(long)]
    names_as_they_are: bool,
    /// Only members of this group; can be given several times
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// What an integration of type adminapi may: read_resource, write_resource, read_log, settings, integrations, info,
    /// read_numbers (telephone numbers in lists), or all
    #[arg(long = "grant", value_name = "GRANT", value_delimiter = ',')]
    grants: Vec<String>,
}

const GRANTS: &[&str] =
    &["read_resource", "write_resource", "read_log", "settings", "integrations", "info", "read_numbers"];

async fn create(arguments: Create, office: &Office<'_>) -> anyhow::Result<()> {
    let keys = match (arguments.ikey, arguments.skey_file) {
        (Some(ikey), Some(file)) => Some(IntegrationKeys::parse(&ikey, &secret(&file)?)?),
        _ => None,
    };
    let mut fields = IntegrationFields::default();
    for grant in &arguments.grants {
        match grant.as_str() {
            "all" => {
                for grant in GRANTS {
                    fields.set(&format!("adminapi_{grant}"), &true.into())?;
                }
            }
            known if GRANTS.contains(&known) => fields.set(&format!("adminapi_{known}"), &true.into())?,
            other => bail!("there is no grant {other}"),
        }
    }
    let mut groups = Vec::with_capacity(arguments.groups.len());
    for group in &arguments.groups {
        groups.push(office.group(group).await?.id);
    }
    let new = NewIntegration {
        name: arguments.name,
        r#type: arguments.r#type,
        keys,
        signature_v1: arguments.signature_v1.map(|switch| switch == Switch::On),
        normalization: if arguments.names_as_they_are { Normalization::None } else { Normalization::Simple },
        access: if groups.is_empty() { UserAccess::AllUsers } else { UserAccess::PermittedGroups },
        groups,
        policy: None,
        fields,
    };
    let (row, keys) = office.scope().create_integration(&new).await?;
    let host = office.scope().row().await?.api_host;
    // Its secret is the token of an account: what programs that speak Twilio's API are configured with.
    let account = match row.r#type.as_str() {
        messaging_api::TOKEN_TYPE => format!("account = {}\n", messaging_api::account_sid(office.scope().tenant())),
        _ => String::new(),
    };
    say(&format!("ikey = {}\nskey = {}\nhost = {host}\n{account}", row.ikey, keys.secret.text().expose()))
}

/// Does it.
pub(super) async fn run(action: Action, office: &Office<'_>) -> anyhow::Result<()> {
    let scope = office.scope();
    let rows = scope.rows();
    match action {
        Action::Create(arguments) => create(arguments, office).await,
        Action::List => {
            let each =
                async |row: store::IntegrationRow| say(&format!("{} {:12} {}\n", row.ikey, row.r#type, row.name));
            every(async |slice| rows.integrations(slice).await, each).await
        }
        Action::Show { ikey } => {
            let row = rows.integration(&ikey).await?.with_context(|| format!("there is no integration {ikey}"))?;
            let policy = row.policy.map_or_else(|| "none of its own".to_owned(), |policy| policy.to_string());
            say(&format!(
                "ikey          {}\nname          {}\ntype          {}\nsignature v1  {}\nuser names    {}\npolicy        {policy}\n\
                 settings      {}\n",
                row.ikey,
                row.name,
                row.r#type,
                if row.signature_v1 { "accepted" } else { "refused" },
                row.normalization,
                row.settings,
            ))
        }
        Action::Secret { ikey } => say(&format!("{}\n", scope.integration_secret(&ikey).await?.expose())),
        Action::ResetSecret { ikey } => say(&format!("{}\n", scope.reset_secret(&ikey).await?.text().expose())),
        Action::SignatureV1 { ikey, accept } => {
            let signature_v1 = Some(accept == Switch::On);
            let patch = IntegrationPatch { signature_v1, ..IntegrationPatch::default() };
            Ok(scope.change_integration(&ikey, &patch).await?)
        }
        Action::Delete { ikey } => Ok(scope.delete_integration(&ikey).await?),
    }
}
