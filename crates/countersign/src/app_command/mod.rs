//! `countersign app …`: applications that people sign in to by single sign-on.
//!
//! `app add` takes a preset and the application's address, and prints what must be put where. What a preset doesn't know is set by
//! `--set` and `--claim`; every setting has the name under which `app show --json` shows it.
//!
//! To add a preset: see `sso::presets`.

mod add;
mod change;
mod keys;
mod metadata;
mod picture;
mod registration;
mod show;

use crate::{admin::office::Office, cli, config::Config, services::Services, telemetry};
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use sso::{
    Settings, SsoError,
    claims::{ClaimRule, Source},
    manage,
    party::Kind,
};
use std::path::Path;
use store::RelyingPartyRow;
use types::World;

/// Arguments of `app`.
#[derive(Args)]
pub struct AppArgs {
    /// Whose: a tenant's id, API host name or name; not needed where there is only one tenant
    #[arg(long, global = true, env = "COUNTERSIGN_TENANT", value_name = "TENANT")]
    pub tenant: Option<String>,
    /// What to do
    #[command(subcommand)]
    pub action: Action,
}

/// What can be done with applications.
#[derive(Subcommand)]
pub enum Action {
    /// Connect an application, and print what must be put where
    Add(Box<add::Add>),
    /// The applications that are connected
    List,
    /// What is set for an application, and what must be put where
    Show {
        /// Its integration key, what it calls itself, or its name
        app: String,
        /// The settings as they are stored, as JSON
        #[arg(long)]
        json: bool,
    },
    /// Change an application
    Change(Box<change::Change>),
    /// Disconnect an application: nobody signs in there any more
    Remove {
        /// Its integration key, what it calls itself, or its name
        app: String,
    },
    /// End what was granted to an application: every code and token, its people's and its own. Sessions here go on
    Revoke {
        /// Its integration key, what it calls itself, or its name
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        app: Option<String>,
        /// What was granted to every application
        #[arg(long)]
        all: bool,
    },
    /// The keys that sign what applications are told
    Keys(keys::Keys),
    /// Let applications register themselves, or stop it (RFC 7591)
    Registration {
        /// What to do
        #[command(subcommand)]
        action: registration::Registration,
    },
    /// The presets, and what each takes
    Presets {
        /// Only this one
        preset: Option<String>,
    },
}

/// How strongly people must have proved who they are.
#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
pub enum Level {
    /// By one factor.
    Single,
    /// By two.
    Multi,
    /// By a passkey.
    PhishingResistant,
    /// By a security key whose maker vouches for it.
    Hardware,
}

impl From<Level> for auth::sign_in::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Single => Self::Single,
            Level::Multi => Self::Multi,
            Level::PhishingResistant => Self::PhishingResistant,
            Level::Hardware => Self::Hardware,
        }
    }
}

/// What can be set beside a preset, when an application is added and later.
#[derive(Args, Default)]
pub struct Wishes {
    /// How strongly people must have proved who they are
    #[arg(long, value_enum)]
    level: Option<Level>,
    /// What the application is told: NAME=SOURCE, where SOURCE is username, email, realname, firstname, lastname, id, status,
    /// groups, groups:prefix=app-,strip, aliases, attribute:NAME, const:TEXT, or a template like {username}@example.org
    #[arg(long = "claim", value_name = "NAME=SOURCE")]
    claims: Vec<String>,
    /// A setting by its name, with its value as JSON or as text: oidc.access_token_seconds=300
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Where the launcher opens it
    #[arg(long, value_name = "URL")]
    launch: Option<String>,
    /// Its picture in the launcher: a PNG, SVG or WebP file of at most 32 KB
    #[arg(long, value_name = "FILE")]
    icon: Option<std::path::PathBuf>,
    /// A service provider's metadata: a file, or an address from which it is fetched again later
    #[arg(long, value_name = "FILE or URL")]
    metadata: Option<String>,
    /// SHA-256 of the certificate that the metadata is signed with: then only what is signed by it is read
    #[arg(long, value_name = "HEX", requires = "metadata")]
    metadata_fingerprint: Option<String>,
    /// A service provider that ends sessions without the browser's cookie is told of an end by this server, by the form or the address that a
    /// browser would bring; `--direct-logout=false` takes it back
    #[arg(long, value_name = "true or false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    direct_logout: Option<bool>,
}

/// Does it.
///
/// # Errors
/// What was refused, for the administrator.
pub fn run(file: Option<&Path>, arguments: AppArgs) -> anyhow::Result<()> {
    // The presets are in the program: neither configuration nor database is needed to look at them.
    if let Action::Presets { preset } = &arguments.action {
        return show::presets(preset.as_deref());
    }
    let config = Config::load(file)?;
    telemetry::start(&config.log)?;
    cli::runtime()?.block_on(with_database(&config, arguments))
}

async fn with_database(config: &Config, arguments: AppArgs) -> anyhow::Result<()> {
    let services = Services::beside(config, &World::real()).await?;
    let done = act(config, &services, arguments).await;
    services.auth.stop();
    done
}

async fn act(config: &Config, services: &Services, arguments: AppArgs) -> anyhow::Result<()> {
    let directory = services.directory();
    let office = Office::open(&directory, arguments.tenant.as_deref()).await?;
    match arguments.action {
        Action::Add(arguments) => add::run(*arguments, &office, config, services).await,
        Action::List => show::list(&office).await,
        Action::Show { app, json } => show::run(&office, services, &app, json).await,
        Action::Change(arguments) => change::run(*arguments, &office, config).await,
        Action::Remove { app } => {
            let (row, _) = find(&office, &app).await?;
            office.scope().delete_integration(&row.ikey).await?;
            cli::say(&format!("{} is disconnected: nobody signs in there any more.\n", row.key))
        }
        Action::Revoke { app, .. } => revoke(&office, app.as_deref()).await,
        Action::Keys(arguments) => keys::run(arguments, &office, services).await,
        Action::Registration { action } => registration::run(action, &office).await,
        Action::Presets { preset } => show::presets(preset.as_deref()),
    }
}

/// Ends what was granted to one application, or to all.
async fn revoke(office: &Office<'_>, app: Option<&str>) -> anyhow::Result<()> {
    let scope = office.scope();
    let row = match app {
        Some(app) => Some(find(office, app).await?.0),
        None => None,
    };
    let ended = sso::tokens::revoke(&scope, row.as_ref().map(|row| row.ikey.as_str())).await?;
    cli::say(&format!(
        "Ended: {ended}. Tokens that are signed end where they are asked about here, others in their time.\n"
    ))
}

/// An application by its integration key, by what it calls itself, or by its name.
async fn find(office: &Office<'_>, named: &str) -> anyhow::Result<(RelyingPartyRow, Settings)> {
    let scope = office.scope();
    let mut found = Vec::new();
    for row in all(office).await? {
        let integration = scope.rows().integration(&row.ikey).await?;
        let name = integration.map(|integration| integration.name).unwrap_or_default();
        if row.ikey == named || row.key == named || name == named {
            found.push(row.ikey);
        }
    }
    match found.as_slice() {
        [ikey] => Ok(manage::read(&scope, ikey).await?),
        [] => bail!("there is no application {named}: countersign app list"),
        _ => bail!("several applications are called {named}: give the integration key"),
    }
}

/// All applications.
async fn all(office: &Office<'_>) -> anyhow::Result<Vec<RelyingPartyRow>> {
    let (mut rows, mut after) = (Vec::new(), String::new());
    loop {
        let page = office.scope().rows().relying_parties(&after, 500).await?;
        let Some(last) = page.last() else { return Ok(rows) };
        last.ikey.clone_into(&mut after);
        rows.extend(page);
    }
}

impl Wishes {
    /// Puts what was wished into the settings; gives the names of what was set.
    fn apply(&self, settings: &mut Settings) -> anyhow::Result<Vec<String>> {
        let mut fields = Vec::new();
        if let Some(level) = self.level {
            let level = level.into();
            match &mut settings.kind {
                Kind::Oidc(client) => client.level = level,
                Kind::Saml(party) => party.level = level,
                Kind::Forward(host) => host.level = level,
            }
            fields.push("level".to_owned());
        }
        for claim in &self.claims {
            let (name, source) = claim.split_once('=').with_context(|| format!("--claim {claim}: NAME=SOURCE"))?;
            let source: Source = source.parse().with_context(|| format!("--claim {claim}"))?;
            let map = match &mut settings.kind {
                Kind::Oidc(client) => &mut client.claims,
                Kind::Saml(party) => &mut party.attributes,
                Kind::Forward(host) => &mut host.headers,
            };
            match map.0.iter_mut().find(|rule| rule.name == name) {
                Some(rule) => rule.value = source,
                None => map.0.push(ClaimRule::new(name, source)),
            }
            fields.push(format!("claim {name}"));
        }
        if let Some(direct) = self.direct_logout {
            let Kind::Saml(party) = &mut settings.kind else { bail!("--direct-logout is for SAML") };
            party.direct_logout = direct;
            fields.push("saml.direct_logout".to_owned());
        }
        if let Some(url) = &self.launch {
            settings.tile.url = Some(url.clone());
            fields.push("tile.url".to_owned());
        }
        if let Some(file) = &self.icon {
            settings.tile.icon = Some(picture::read(file)?);
            fields.push("tile.icon".to_owned());
        }
        for wish in &self.set {
            let (name, value) = wish.split_once('=').with_context(|| format!("--set {wish}: NAME=VALUE"))?;
            *settings = set(settings, name, value)?;
            fields.push(name.to_owned());
        }
        Ok(fields)
    }
}

/// Settings with one of them changed, by its name with dots. The name must be there already: a mistake in it would else change nothing.
fn set(settings: &Settings, name: &str, value: &str) -> anyhow::Result<Settings> {
    // Secrets have a command of their own, and what is theirs is no text that somebody could write.
    if name.starts_with("oidc.secrets") || name == "oidc.registration_token" {
        bail!("{name} can't be set: countersign app change --new-secret");
    }
    let mut all = serde_json::to_value(settings).context("settings")?;
    let path = format!("/{}", name.replace('.', "/"));
    let place =
        all.pointer_mut(&path).with_context(|| format!("there is no setting {name}: countersign app show --json"))?;
    *place = serde_json::from_str(value).unwrap_or_else(|_| value.into());
    serde_json::from_value(all).with_context(|| format!("{name} can't be {value}"))
}

/// An error of the settings, with the name that `--set` takes.
fn refused(error: SsoError) -> anyhow::Error {
    match error {
        SsoError::Invalid { at, why } => anyhow::anyhow!("{at} {why}"),
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sso::party::OidcClient;

    fn settings() -> Settings {
        let client = OidcClient { redirect_uris: vec!["https://app.example/cb".to_owned()], ..OidcClient::default() };
        Settings::of(Kind::Oidc(Box::new(client)))
    }

    #[test]
    fn settings_are_set_by_the_names_that_are_shown() {
        let changed = set(&settings(), "oidc.access_token_seconds", "300").unwrap();
        let changed = set(&changed, "oidc.redirect_uris.0", "https://app.example/other").unwrap();
        let changed = set(&changed, "oidc.jwks_uri", "https://app.example/jwks").unwrap();
        let Kind::Oidc(client) = changed.kind else { panic!("another protocol") };
        assert_eq!((client.access_token_seconds, client.redirect_uris[0].as_str()), (300, "https://app.example/other"));
        assert_eq!(client.jwks_uri.as_deref(), Some("https://app.example/jwks"));
    }

    #[test]
    fn a_wrong_name_or_value_changes_nothing() {
        for (name, value) in [
            ("oidc.acces_token_seconds", "300"),
            ("oidc.access_token_seconds", "soon"),
            ("saml.encrypt", "true"),
            ("oidc.secrets", "[]"),
            ("oidc.secrets.0.digest", "00"),
        ] {
            assert!(set(&settings(), name, value).is_err(), "{name}");
        }
    }

    #[test]
    fn only_service_providers_are_told_directly() {
        let wishes = Wishes { direct_logout: Some(true), ..Wishes::default() };
        assert!(wishes.apply(&mut settings()).is_err());
        let mut saml = Settings::of(Kind::Saml(Box::default()));
        assert_eq!(wishes.apply(&mut saml).unwrap(), ["saml.direct_logout"]);
        let Kind::Saml(party) = saml.kind else { panic!("another protocol") };
        assert!(party.direct_logout);
    }

    #[test]
    fn a_claim_takes_the_place_of_the_one_that_there_is() {
        let mut settings = settings();
        let wishes = Wishes {
            claims: vec!["team=groups:prefix=team-,strip".to_owned(), "team=groups".to_owned()],
            level: Some(Level::Hardware),
            ..Wishes::default()
        };
        assert_eq!(wishes.apply(&mut settings).unwrap(), ["level", "claim team", "claim team"]);
        let Kind::Oidc(client) = settings.kind else { panic!("another protocol") };
        assert_eq!((client.claims.0.len(), client.level), (1, auth::sign_in::Level::Hardware));
    }
}
