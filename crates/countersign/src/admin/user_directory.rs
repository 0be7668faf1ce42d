//! `countersign admin directory …`: the directory against which a tenant's people give their passwords.

use super::office::{self, Office};
use crate::{cli::say, services::Services};
use anyhow::{Context as _, bail};
use auth::user_directory::{DirectorySettings, Found};
use clap::{Args, Subcommand};
use std::{fs, path::PathBuf};

/// What can be done about it.
#[derive(Subcommand)]
pub enum Action {
    /// Set the directory: from now on passwords are tried there and nowhere else
    Set(Set),
    /// Print its settings; never its password
    Show,
    /// Ask it whether it answers, and whom a name leads to
    Check {
        /// A user's name
        name: Option<String>,
    },
    /// Take it away: passwords that are kept here count again
    Remove,
    /// Forget which entry of it is a user's, when the person has got another one; the user's sessions end
    Forget {
        /// Who
        user: String,
    },
}

/// Arguments of `set`.
#[derive(Args)]
pub struct Set {
    /// ldaps://HOST, ldap://HOST (StartTLS) or, on this machine, ldap-local://HOST; several are asked one after the other
    #[arg(long = "server", required = true, value_name = "URL")]
    servers: Vec<String>,
    /// Where people are, as in dc=example,dc=org
    #[arg(long, value_name = "DN")]
    base: String,
    /// Who of them is meant
    #[arg(long, default_value = "(uid={user})", value_name = "FILTER")]
    filter: String,
    /// The account that looks people up
    #[arg(long, value_name = "DN")]
    account: String,
    /// The attribute that is an entry's own for ever; objectGUID in Active Directory
    #[arg(long, default_value = "entryUUID", value_name = "NAME")]
    id_attribute: String,
    /// Authorities that may have signed the servers' certificates, in place of the system's
    #[arg(long, value_name = "PEM")]
    ca_file: Option<PathBuf>,
    /// The file that holds the account's password in its first line; - for standard input
    #[arg(long, default_value = "-", value_name = "FILE")]
    password_file: PathBuf,
}

/// Does it.
pub(super) async fn run(action: Action, office: &Office<'_>, services: &Services) -> anyhow::Result<()> {
    let scope = office.scope();
    match action {
        Action::Set(given) => set(given, office, services).await,
        Action::Show => {
            let row = scope.rows().user_directory().await?.context("there is no directory")?;
            let settings = DirectorySettings::parse(&row.settings)?;
            for server in &settings.servers {
                say(&format!("server        {server}\n"))?;
            }
            let authorities = if settings.authorities.is_some() { "given" } else { "the system's" };
            let at = jiff::Timestamp::from_millisecond(row.set_at.0)?.strftime("%Y-%m-%dT%H:%M:%SZ");
            say(&format!(
                "base          {}\nfilter        {}\naccount       {}\nid attribute  {}\nauthorities   {authorities}\n\
                 set           {at} by {}\n",
                settings.base, settings.filter, settings.account, settings.id_attribute, row.set_by
            ))
        }
        Action::Check { name } => match services.auth.check_directory(office.tenant, name.as_deref()).await? {
            None => bail!("there is no directory"),
            Some(Found::Answers) => say("the directory answers\n"),
            Some(Found::One { dn }) => say(&format!("{dn}\n")),
            Some(Found::WithoutId { dn }) => {
                bail!("{dn} has no id that the account may read: nobody signs in by it; see --id-attribute")
            }
            Some(Found::Nobody) => bail!("nobody there has this name"),
        },
        Action::Remove => {
            anyhow::ensure!(scope.remove_user_directory().await?, "there is no directory");
            Ok(())
        }
        Action::Forget { user } => {
            let user = office.user(&user).await?;
            anyhow::ensure!(scope.unlink_directory(user.id).await?, "no entry is known as {}'s", user.username);
            Ok(())
        }
    }
}

async fn set(given: Set, office: &Office<'_>, services: &Services) -> anyhow::Result<()> {
    let scope = office.scope();
    let authorities = match &given.ca_file {
        Some(path) => Some(fs::read_to_string(path).with_context(|| path.display().to_string())?),
        None => None,
    };
    let settings = DirectorySettings {
        servers: given.servers,
        base: given.base,
        filter: given.filter,
        account: given.account,
        authorities,
        id_attribute: given.id_attribute,
    };
    let password = office::secret(&given.password_file)?;
    let row = services.auth.directory_row(office.tenant, &settings, &password, scope.actor()).await?;
    let before = scope.rows().user_directory().await?.and_then(|row| DirectorySettings::parse(&row.settings).ok());
    // By the same ids in the same place people are the same.
    let is_same = before.is_some_and(|before| {
        before.base == settings.base && before.id_attribute.eq_ignore_ascii_case(&settings.id_attribute)
    });
    scope.set_user_directory(&row, is_same).await?;
    if !services.auth.asks_passwords(office.tenant).await? {
        say("the setting passwords is off: nobody is asked for one\n")?;
    }
    // It stands as it was given: a directory that is away now may be back before the first sign-in.
    if let Err(error) = services.auth.check_directory(office.tenant, None).await {
        say(&format!("it was set, and gives no answer: {error}\n"))?;
    }
    Ok(())
}
