//! `countersign app change`.

use super::{Wishes, find, metadata, refused};
use crate::{admin::office::Office, cli::say, config::Config};
use anyhow::{Context as _, bail};
use clap::Args;
use directory::{IntegrationFields, IntegrationPatch, UserAccess};
use sso::{Kind, manage};
use std::time::Duration;

/// Arguments of `app change`.
#[derive(Args)]
pub struct Change {
    /// Its integration key, what it calls itself, or its name
    app: String,
    /// Another name, for people
    #[arg(long)]
    name: Option<String>,
    /// What it calls itself (client id, entity id, host)
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Switch it off, or on again
    #[arg(long, value_name = "true or false")]
    enabled: Option<bool>,
    /// Only members of this group, and of no other that was named before; can be given several times
    #[arg(long = "group", value_name = "GROUP", conflicts_with = "everybody")]
    groups: Vec<String>,
    /// Whoever the organisation has
    #[arg(long)]
    everybody: bool,
    /// Make a new secret and print it
    #[arg(long)]
    new_secret: bool,
    /// For so many hours the secrets that there were count beside a new one
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u64).range(0..=720))]
    overlap: u64,
    /// What else is to be changed
    #[command(flatten)]
    wishes: Wishes,
}

/// Does it.
pub(super) async fn run(arguments: Change, office: &Office<'_>, config: &Config) -> anyhow::Result<()> {
    let scope = office.scope();
    let (row, mut settings) = find(office, &arguments.app).await?;
    let mut fields = Vec::new();
    let entity = arguments.key.as_deref().unwrap_or(&row.key);
    if let Some(read) = metadata::read(&arguments.wishes, Some(entity), config, scope.world()).await? {
        let Kind::Saml(party) = &mut settings.kind else { bail!("--metadata is for SAML") };
        metadata::apply(&read, &arguments.wishes, party);
        fields.push("metadata".to_owned());
    }
    fields.extend(arguments.wishes.apply(&mut settings)?);
    if !fields.is_empty() || arguments.key.is_some() {
        manage::change(&scope, &row.ikey, arguments.key.as_deref(), &settings, fields.clone())
            .await
            .map_err(refused)?;
    }
    let mut patch = IntegrationPatch { name: arguments.name.clone(), ..IntegrationPatch::default() };
    if let Some(enabled) = arguments.enabled {
        patch.fields = IntegrationFields::default().with("enabled", enabled)?;
    }
    if !arguments.groups.is_empty() {
        let mut groups = Vec::with_capacity(arguments.groups.len());
        for group in &arguments.groups {
            groups.push(office.group(group).await?.id);
        }
        (patch.groups, patch.access) = (Some(groups), Some(UserAccess::PermittedGroups));
    } else if arguments.everybody {
        (patch.groups, patch.access) = (Some(Vec::new()), Some(UserAccess::AllUsers));
    }
    let integration = patch.name.is_some() || patch.access.is_some() || arguments.enabled.is_some();
    if integration {
        scope.change_integration(&row.ikey, &patch).await?;
    }
    if arguments.new_secret {
        let overlap = Duration::from_secs(arguments.overlap * 3600);
        let secret = manage::renew_secret(&scope, &row.ikey, overlap).await.map_err(refused)?;
        say(&format!("client_secret = {}\n", secret.expose())).context("standard output")?;
    } else if fields.is_empty() && !integration && arguments.key.is_none() {
        bail!("nothing to change was given: countersign app change --help");
    }
    Ok(())
}
