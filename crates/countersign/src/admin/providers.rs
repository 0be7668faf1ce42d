//! `countersign admin provider …`: OpenID and SAML providers that a tenant's people come from.

use super::office::{self, Office};
use crate::{cli::say, services::Services};
use anyhow::{Context as _, bail, ensure};
use auth::{
    providers::{ClientAuthentication, LinkBy, Metadata, ProviderSettings, Speaks, Trust, TrustClaim, callback},
    sign_in::Level,
};
use clap::{Args, Subcommand, ValueEnum};
use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};
use store::ProviderRow;
use types::SecretString;

/// What can be done about them.
#[derive(Subcommand)]
pub enum Action {
    /// Add a provider; prints what must be registered there
    Add(Box<Add>),
    /// All of them, and whether people may come from each
    List,
    /// Print one's settings; never its secret
    Show {
        /// Its key
        key: String,
    },
    /// Ask it what it says of itself
    Check {
        /// Its key
        key: String,
    },
    /// Let people come from it again
    Enable {
        /// Its key
        key: String,
    },
    /// Let nobody come from it for now; whose its people are is kept, and their sessions go on
    Disable {
        /// Its key
        key: String,
    },
    /// Take it away, and whose its people are; their sessions go on
    Remove {
        /// Its key
        key: String,
    },
    /// Say whose account one of its people has; the user is told
    Link {
        /// Its key
        key: String,
        /// Who
        user: String,
        /// What the person is called there for ever: the sub of OpenID, the name identifier (or the set attribute) of SAML
        subject: String,
    },
    /// Forget which of its people a user is; the user's sessions end
    Unlink {
        /// Its key
        key: String,
        /// Who
        user: String,
    },
    /// What a user is called at providers
    Links {
        /// Who
        user: String,
    },
}

/// Arguments of `add`.
#[derive(Args)]
pub struct Add {
    /// Its key, which stands in addresses: small letters, digits, hyphens
    key: String,
    /// What people call it: stands on a button
    #[arg(long, value_name = "TEXT")]
    name: String,
    /// Change the provider of this key, which must be the same one; without a secret file it keeps its secret
    #[arg(long)]
    replace: bool,
    /// OpenID: the provider's issuer, letter by letter
    #[arg(long, value_name = "URL", group = "speaks", requires = "client_id")]
    issuer: Option<String>,
    /// OpenID: our name there
    #[arg(long, value_name = "ID", requires = "issuer")]
    client_id: Option<String>,
    /// OpenID: the file that holds our secret there in its first line; - for standard input
    #[arg(long, value_name = "FILE", requires = "issuer")]
    secret_file: Option<PathBuf>,
    /// OpenID: how the secret is shown
    #[arg(long, value_enum, default_value = "basic")]
    auth: AuthMethod,
    /// OpenID: a scope beside openid; profile and email if not given
    #[arg(long = "scope", value_name = "SCOPE", requires = "issuer")]
    scopes: Vec<String>,
    /// OpenID: an algorithm with which its tokens may be signed; RS256 and ES256 if not given
    #[arg(long = "alg", value_name = "ALG", requires = "issuer")]
    algorithms: Vec<String>,
    /// OpenID: ask its userinfo endpoint, too
    #[arg(long, requires = "issuer")]
    userinfo: bool,
    /// SAML: where the provider's metadata stands
    #[arg(long, value_name = "URL", group = "speaks")]
    metadata_url: Option<String>,
    /// SAML: the provider's metadata
    #[arg(long, value_name = "FILE", group = "speaks")]
    metadata_file: Option<PathBuf>,
    /// SAML: which provider of the metadata, where there are several, or before the address answers
    #[arg(long, value_name = "ID", conflicts_with = "issuer")]
    entity_id: Option<String>,
    /// SAML: the format of the name that is asked for, and must come
    #[arg(long, value_name = "URN", conflicts_with = "issuer")]
    name_id_format: Option<String>,
    /// SAML: the attribute that tells its people apart for ever, in place of the name identifier
    #[arg(long, value_name = "NAME", conflicts_with = "issuer")]
    subject_attribute: Option<String>,
    /// SAML: the attribute that is a mail address
    #[arg(long, value_name = "NAME", conflicts_with = "issuer")]
    email_attribute: Option<String>,
    /// The claim or attribute that says what a person is called here; preferred_username, or SAML's name identifier, if not given
    #[arg(long, value_name = "NAME")]
    user_name: Option<String>,
    /// A domain whose people it answers for: who types a name with it is sent there
    #[arg(long = "domain", value_name = "DOMAIN")]
    domains: Vec<String>,
    /// Whose account an unknown person of it may turn out to be; one that has something to sign in with does so first
    #[arg(long, value_enum, default_value = "nothing")]
    link_by: Link,
    /// Make an account for an unknown person of it
    #[arg(long)]
    create: bool,
    /// For what its word is taken: multi or phishing-resistant, then where it says so, as in multi=acr:VALUE or multi=amr:mfa
    #[arg(long = "trust", value_name = "LEVEL=CLAIM:VALUE", value_parser = trust)]
    trust: Vec<Trust>,
    /// People prove who they are anew there with each sign-in
    #[arg(long)]
    always_ask: bool,
}

/// How we prove to an OpenID provider who we are.
#[derive(Clone, Copy, ValueEnum)]
enum AuthMethod {
    /// `client_secret_basic`
    Basic,
    /// `client_secret_post`
    Post,
    /// Not at all: a public client
    None,
}

/// Whose account an unknown person may turn out to be.
#[derive(Clone, Copy, ValueEnum)]
enum Link {
    /// Nobody's: an administrator says so
    Nothing,
    /// Whose user name is the provider's name for the person
    UserName,
    /// Whose mail address is the provider's verified one, in one of its domains
    Email,
}

fn trust(text: &str) -> Result<Trust, String> {
    let wrong = || "is multi=acr:VALUE, multi=amr:VALUE, or the same with phishing-resistant".to_owned();
    let (level, rest) = text.split_once('=').ok_or_else(wrong)?;
    let (claim, value) = rest.split_once(':').ok_or_else(wrong)?;
    let level = match level {
        "multi" => Level::Multi,
        "phishing-resistant" => Level::PhishingResistant,
        _ => return Err(wrong()),
    };
    let claim = match claim {
        "acr" => TrustClaim::Acr,
        "amr" => TrustClaim::Amr,
        _ => return Err(wrong()),
    };
    Ok(Trust { claim, value: value.to_owned(), level })
}

/// Does it.
pub(super) async fn run(action: Action, office: &Office<'_>, services: &Services) -> anyhow::Result<()> {
    let scope = office.scope();
    match action {
        Action::Add(given) => add(*given, office, services).await,
        Action::List => {
            let mut text = String::new();
            for row in scope.rows().providers().await? {
                let name = ProviderSettings::parse(&row.settings)?.name;
                let on = if row.enabled { "on" } else { "off" };
                let _ = writeln!(text, "{:16} {:4} {on:3} {name}", row.key, row.kind);
            }
            say(&text)
        }
        Action::Show { key } => {
            let row = scope.rows().provider(&key).await?.with_context(|| format!("there is no provider {key}"))?;
            say(&shown(&row, &ProviderSettings::parse(&row.settings)?, &site(office, services).await?)?)
        }
        Action::Check { key } => {
            ensure!(services.auth.check_provider(office.tenant, &key).await?, "there is no provider {key}");
            say("the provider answers\n")
        }
        Action::Enable { key } => Ok(scope.enable_provider(&key, true).await?),
        Action::Disable { key } => Ok(scope.enable_provider(&key, false).await?),
        Action::Remove { key } => Ok(scope.remove_provider(&key).await?),
        Action::Link { key, user, subject } => {
            let user = office.user(&user).await?;
            let added = scope.link_provider(user.id, &key, &subject).await?;
            office.announce(services, added).await
        }
        Action::Unlink { key, user } => {
            let user = office.user(&user).await?;
            ensure!(scope.unlink_provider(user.id, &key).await?, "{} is nobody known at {key}", user.username);
            Ok(())
        }
        Action::Links { user } => {
            let user = office.user(&user).await?;
            let mut text = String::new();
            for link in scope.rows().provider_links_of_user(user.id).await? {
                let _ = writeln!(
                    text,
                    "{:16} {}  since {} by {}",
                    link.provider,
                    link.subject,
                    at(link.created)?,
                    link.made_by
                );
            }
            say(&text)
        }
    }
}

/// Where the tenant's pages are.
async fn site(office: &Office<'_>, services: &Services) -> anyhow::Result<String> {
    let row = office.scope().rows().row().await?.context("the tenant is gone")?;
    Ok(services.auth.site(&row.api_host))
}

fn at(when: types::Millis) -> anyhow::Result<String> {
    Ok(jiff::Timestamp::from_millisecond(when.0)?.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// What must be registered at the provider.
fn register(key: &str, settings: &ProviderSettings, site: &str) -> String {
    match settings.speaks {
        Speaks::Oidc { .. } => format!("redirect URI  {}\n", callback(site, key)),
        Speaks::Saml { .. } => {
            format!("metadata      {site}{}\nanswers (ACS) {site}{}\n", sso::SERVICE_METADATA, sso::SERVICE_ANSWERS)
        }
    }
}

fn shown(row: &ProviderRow, settings: &ProviderSettings, site: &str) -> anyhow::Result<String> {
    let mut text = format!("name          {}\n", settings.name);
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "{name:13} {value}");
        }
    };
    match &settings.speaks {
        Speaks::Oidc { issuer, client_id, scopes, algorithms, .. } => {
            line("issuer", issuer);
            line("client id", client_id);
            line("scopes", &format!("openid {}", scopes.join(" ")));
            line("algorithms", &algorithms.join(" "));
            line("secret", if row.secret.is_some() { "set" } else { "none" });
        }
        Speaks::Saml { entity_id, metadata, name_id_format, subject } => {
            line("entity id", entity_id);
            line("its metadata", if let Metadata::Url(url) = metadata { url } else { "given" });
            line("name id", name_id_format.as_deref().unwrap_or_default());
            line("subject", subject.as_deref().unwrap_or_default());
        }
    }
    line("user name", settings.user_name.as_deref().unwrap_or_default());
    line("mail address", settings.email.as_deref().unwrap_or_default());
    line("domains", &settings.domains.join(" "));
    line(
        "unknown",
        &format!(
            "{}{}",
            match settings.link_by {
                LinkBy::Nothing => "linked by an administrator",
                LinkBy::UserName => "linked by user name",
                LinkBy::Email => "linked by verified mail address",
            },
            if settings.create { ", else made" } else { "" }
        ),
    );
    for trust in &settings.trust {
        let claim = if trust.claim == TrustClaim::Acr { "acr" } else { "amr" };
        line("trust", &format!("{} for {claim} {}", trust.level.acr(), trust.value));
    }
    line("asked anew", if settings.always_ask { "always" } else { "where an application wants it" });
    line("state", if row.enabled { "on" } else { "off" });
    line("set", &format!("{} by {}", at(row.set_at)?, row.set_by));
    text.push_str(&register(&row.key, settings, site));
    Ok(text)
}

async fn add(given: Add, office: &Office<'_>, services: &Services) -> anyhow::Result<()> {
    let (scope, key) = (office.scope(), given.key.clone());
    let before = scope.rows().provider(&key).await?;
    match (&before, given.replace) {
        (Some(_), false) => bail!("there is a provider {key} already: --replace changes it"),
        (None, true) => bail!("there is no provider {key}"),
        _ => {}
    }
    let secret = match &given.secret_file {
        Some(file) => Some(office::secret(file)?),
        None => None,
    };
    let settings = settings(given, services).await?;
    let kept = match &before {
        Some(row) => {
            let same = ProviderSettings::parse(&row.settings)?.is_same(&settings);
            ensure!(same, "that is another provider, with other people: remove {key} first, or use another key");
            row.secret.clone().filter(|_| secret.is_none())
        }
        None => None,
    };
    // What is kept was looked over when it came.
    let checked = if kept.is_some() { Some(SecretString::new("kept".to_owned())) } else { secret };
    let row = services.auth.provider_row(office.tenant, &key, &settings, checked.as_ref(), scope.actor()).await?;
    match before {
        Some(before) => {
            let secret = kept.or(row.secret);
            let row = ProviderRow { secret, enabled: before.enabled, ..row };
            scope.change_provider(&row, before.set_at).await?;
        }
        None => scope.add_provider(&row).await?,
    }
    say(&register(&key, &settings, &site(office, services).await?))?;
    // It stands as it was given: a provider that is away now may be back before the first sign-in.
    if let Err(error) = services.auth.check_provider(office.tenant, &key).await {
        say(&format!("it was set, and gives no answer: {error}\n"))?;
    }
    Ok(())
}

async fn settings(given: Add, services: &Services) -> anyhow::Result<ProviderSettings> {
    let or_else = |given: Vec<String>, usual: &[&str]| {
        if given.is_empty() { usual.iter().map(|one| (*one).to_owned()).collect() } else { given }
    };
    let speaks = match (given.issuer, given.client_id, given.metadata_url, given.metadata_file) {
        (Some(issuer), Some(client_id), None, None) => Speaks::Oidc {
            issuer,
            client_id,
            authentication: match given.auth {
                AuthMethod::Basic => ClientAuthentication::Basic,
                AuthMethod::Post => ClientAuthentication::Post,
                AuthMethod::None => ClientAuthentication::None,
            },
            scopes: or_else(given.scopes, &["profile", "email"]),
            algorithms: or_else(given.algorithms, &["RS256", "ES256"]),
            userinfo: given.userinfo,
        },
        (None, None, Some(url), None) => Speaks::Saml {
            // Whoever writes the metadata later can't become another provider by it.
            entity_id: match given.entity_id {
                Some(id) => id,
                None => services.auth.entity_at(&url, None).await.context("the metadata; or give --entity-id")?,
            },
            metadata: Metadata::Url(url),
            name_id_format: given.name_id_format,
            subject: given.subject_attribute,
        },
        (None, None, None, Some(file)) => {
            let text = read(&file)?;
            Speaks::Saml {
                entity_id: services.auth.entity_in(&text, given.entity_id.as_deref())?,
                metadata: Metadata::Kept(text),
                name_id_format: given.name_id_format,
                subject: given.subject_attribute,
            }
        }
        _ => bail!("say what it speaks: --issuer and --client-id, --metadata-url, or --metadata-file"),
    };
    Ok(ProviderSettings {
        name: given.name,
        speaks,
        user_name: given.user_name,
        email: given.email_attribute,
        domains: given.domains.iter().map(|domain| domain.to_ascii_lowercase()).collect(),
        link_by: match given.link_by {
            Link::Nothing => LinkBy::Nothing,
            Link::UserName => LinkBy::UserName,
            Link::Email => LinkBy::Email,
        },
        create: given.create,
        trust: given.trust,
        always_ask: given.always_ask,
    })
}

fn read(file: &Path) -> anyhow::Result<String> {
    fs::read_to_string(file).with_context(|| file.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_of_trust_is_a_level_a_claim_and_whatever_follows() {
        let rule = trust("multi=acr:https://refeds.org/profile/mfa").unwrap();
        assert_eq!((rule.claim, rule.level), (TrustClaim::Acr, Level::Multi));
        assert_eq!(rule.value, "https://refeds.org/profile/mfa");
        for wrong in ["", "multi", "multi=acr", "hardware=acr:x", "multi=sub:x"] {
            assert!(trust(wrong).is_err(), "{wrong}");
        }
    }
}
