//! `countersign app add`.

use super::{Wishes, metadata, refused, show};
use crate::{
    admin::office::{Office, secret},
    config::Config,
    services::Services,
};
use anyhow::{Context as _, bail};
use clap::Args;
use directory::UserAccess;
use sso::{
    Kind, Settings,
    manage::{self, NewParty, NewSecret},
    presets::{self, Given, Preset},
};
use std::{collections::BTreeMap, path::PathBuf};

/// Arguments of `app add`.
#[derive(Args)]
pub struct Add {
    /// A preset: see `countersign app presets`
    preset: String,
    /// Its name, for people; else the product's
    name: Option<String>,
    /// Its address
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// What else the preset takes: NAME=VALUE
    #[arg(long = "option", short = 'o', value_name = "NAME=VALUE")]
    options: Vec<String>,
    /// Only members of this group; can be given several times
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// What it calls itself (client id, entity id), where that isn't the preset's own
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// The file with a secret that it has already; - is standard input
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// What the preset doesn't say
    #[command(flatten)]
    wishes: Wishes,
}

/// Does it.
pub(super) async fn run(
    arguments: Add,
    office: &Office<'_>,
    config: &Config,
    services: &Services,
) -> anyhow::Result<()> {
    let preset = presets::named(&arguments.preset)
        .with_context(|| format!("there is no preset {}: countersign app presets", arguments.preset))?;
    let world = office.scope().world().clone();
    let metadata = metadata::read(&arguments.wishes, arguments.key.as_deref(), config, &world).await?;
    let mut options = BTreeMap::new();
    for option in &arguments.options {
        let (name, value) = option.split_once('=').with_context(|| format!("--option {option}: NAME=VALUE"))?;
        options.insert(name.to_owned(), value.to_owned());
    }
    if let Some(metadata) = &metadata {
        if preset.name != "saml" {
            bail!("--metadata is for the preset saml");
        }
        options.entry("entity".to_owned()).or_insert_with(|| metadata.entity_id.clone());
        let acs = metadata.consumers.first().map(|endpoint| endpoint.url.clone()).unwrap_or_default();
        options.entry("acs".to_owned()).or_insert(acs);
    }
    let url = arguments.url.clone().or_else(|| address_of(preset, options.get("acs")));
    let given =
        Given::new(&url.with_context(|| format!("--url is needed: {}", preset.url))?, options).map_err(refused)?;
    let (key, mut settings) = preset.settings(&given).map_err(refused)?;
    if let (Kind::Saml(party), Some(read)) = (&mut settings.kind, &metadata) {
        metadata::apply(read, &arguments.wishes, party);
    }
    arguments.wishes.apply(&mut settings)?;
    let mut groups = Vec::with_capacity(arguments.groups.len());
    for group in &arguments.groups {
        groups.push(office.group(group).await?.id);
    }
    let named = metadata.as_ref().and_then(|metadata| metadata.display_name.clone());
    let name = arguments.name.clone().or(named).unwrap_or_else(|| preset.title.to_owned());
    let new = NewParty {
        key: arguments.key.clone().or(key),
        secret: wanted_secret(&settings, arguments.secret_file.as_deref())?,
        access: if groups.is_empty() { UserAccess::AllUsers } else { UserAccess::PermittedGroups },
        groups,
        ..NewParty::new(&name, settings)
    };
    let made = manage::create(&office.scope(), new).await.map_err(refused)?;
    show::snippets(office, services, &made.ikey, made.secret.as_ref()).await
}

/// The address that a preset always has, or the beginning of where responses go.
fn address_of(preset: &Preset, acs: Option<&String>) -> Option<String> {
    if preset.url.starts_with("https://") && !preset.url.contains(' ') {
        return Some(preset.url.to_owned());
    }
    let (scheme, rest) = acs?.split_once("://")?;
    Some(format!("{scheme}://{}", rest.split('/').next()?))
}

/// A client that shows a secret gets one.
fn wanted_secret(settings: &Settings, file: Option<&std::path::Path>) -> anyhow::Result<NewSecret> {
    use sso::party::ClientAuth::{ClientSecretBasic, ClientSecretJwt, ClientSecretPost};
    let Kind::Oidc(client) = &settings.kind else {
        return if file.is_some() { bail!("--secret-file is for OpenID clients") } else { Ok(NewSecret::None) };
    };
    let shows = matches!(client.auth_method, ClientSecretBasic | ClientSecretPost | ClientSecretJwt);
    match file {
        Some(_) if !shows => bail!("this client has no secret"),
        Some(file) => Ok(NewSecret::Given(secret(file)?)),
        None if shows || client.signs_with_secret() => Ok(NewSecret::Made),
        None => Ok(NewSecret::None),
    }
}
