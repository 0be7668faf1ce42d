//! `countersign admin tenant …`

use super::office::{Office, actor, find};
use crate::cli::say;
use anyhow::{Context as _, bail};
use clap::Subcommand;
use directory::{Directory, FieldKind, NewTenant, SETTINGS_FIELDS, SettingsFields};
use serde_json::Value;

/// What can be done to tenants.
#[derive(Subcommand)]
pub enum Action {
    /// Make a tenant
    Create {
        /// Its name, for people
        name: String,
        /// The host name that its clients use, without a port; most of Duo's clients want it to begin with "api-"
        #[arg(long, value_name = "HOST")]
        api_host: String,
        /// The public key that its message log is sealed to (cspub1…); several with spaces between them
        #[arg(long, value_name = "KEY")]
        log_key: Option<String>,
    },
    /// List the tenants
    List,
    /// Show a tenant and its settings
    Show,
    /// Name it anew: the name stands in its messages and on its pages
    Rename {
        /// The name, for people
        name: String,
    },
    /// Set some of the settings, by Duo's names: lockout_threshold=5
    Set {
        /// name=value
        #[arg(required = true)]
        settings: Vec<String>,
    },
    /// The key that the message log is sealed to
    #[command(subcommand)]
    LogKey(LogKeyAction),
}

/// What can be done to a tenant's log key.
#[derive(Subcommand)]
pub enum LogKeyAction {
    /// Seal to this public key (cspub1…, made by `countersign log keygen`) from now on; to each of them where up to three are given: the
    /// second for a key in a safe
    Set {
        /// The public key
        #[arg(required = true, num_args = 1..=3)]
        key: Vec<String>,
    },
    /// Keep numbers, places and times of messages no longer
    Remove,
}

/// Does it.
pub(super) async fn run(action: Action, directory: &Directory, tenant: Option<&str>) -> anyhow::Result<()> {
    let office = async || Office::open(directory, tenant).await;
    match action {
        Action::Create { name, api_host, log_key } => {
            let new = NewTenant { name, api_host, log_key, ..NewTenant::default() };
            let row = directory.create_tenant(&new, &actor()).await?;
            say(&format!("{} {} {}\n", row.id, row.api_host, row.name))
        }
        Action::List => {
            let mut after = None;
            loop {
                let tenants = directory.store().tenants(after, super::office::PAGE).await?;
                let Some(last) = tenants.last() else { return Ok(()) };
                after = Some(last.id);
                for row in &tenants {
                    say(&format!("{} {} {}\n", row.id, row.api_host, row.name))?;
                }
            }
        }
        Action::Show => {
            let row = find(directory, tenant).await?;
            let key = row.log_key.as_deref().unwrap_or("none: numbers, places and times of messages are not kept");
            say(&format!(
                "id        {}\nname      {}\napi host  {}\nlog key   {key}\n",
                row.id, row.name, row.api_host
            ))?;
            let settings = serde_json::to_value(auth::Settings::parse(&row.settings)?)?;
            for (name, value) in settings.as_object().into_iter().flatten() {
                say(&format!("{name}={}\n", value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)))?;
            }
            Ok(())
        }
        Action::Set { settings } => {
            let mut fields = SettingsFields::default();
            for setting in settings {
                let (name, value) = setting.split_once('=').with_context(|| format!("{setting} is not name=value"))?;
                fields.set(name, &value_of(name, value)?).with_context(|| name.to_owned())?;
            }
            Ok(office().await?.scope().change_settings(&fields).await?)
        }
        Action::Rename { name } => Ok(office().await?.scope().rename_tenant(&name).await?),
        Action::LogKey(LogKeyAction::Set { key }) => {
            Ok(office().await?.scope().set_log_key(Some(&key.join(" "))).await?)
        }
        Action::LogKey(LogKeyAction::Remove) => Ok(office().await?.scope().set_log_key(None).await?),
    }
}

/// A text of the command line as the kind that the setting has.
fn value_of(name: &str, text: &str) -> anyhow::Result<Value> {
    let kind = SETTINGS_FIELDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| kind);
    Ok(match kind {
        None => bail!("there is no setting {name}"),
        Some(FieldKind::Flag) => match text {
            "1" | "true" | "yes" | "on" => true.into(),
            "0" | "false" | "no" | "off" => false.into(),
            _ => bail!("{name} is on or off"),
        },
        Some(FieldKind::Number(..)) => text.parse::<i64>().with_context(|| format!("{name} is a number"))?.into(),
        Some(FieldKind::List(_)) => text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect(),
        Some(FieldKind::Json(_) | FieldKind::Object(_)) => {
            serde_json::from_str(text).with_context(|| format!("{name} is JSON"))?
        }
        Some(_) => text.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Every setting with its default, members of a whole by themselves.
    fn defaults() -> BTreeMap<String, String> {
        let Ok(Value::Object(all)) = serde_json::to_value(auth::Settings::default()) else { panic!("no object") };
        let mut flat = BTreeMap::new();
        for (name, value) in all {
            match value {
                Value::Object(members) => {
                    flat.extend(
                        members.into_iter().map(|(member, value)| (format!("{name}.{member}"), value.to_string())),
                    );
                }
                value => drop(flat.insert(name, value.to_string())),
            }
        }
        flat
    }

    #[test]
    fn the_page_of_settings_has_each_of_them_with_its_default() {
        let page = include_str!("../../../../docs/settings.md");
        let rows = page.lines().filter_map(|line| line.strip_prefix("| `")).map(|row| {
            let cells: Vec<&str> = row.split(" | ").collect();
            let [name, _, default, about] = cells.as_slice() else { panic!("{row}") };
            assert!(about.len() > 5, "{row}");
            (name.trim_end_matches('`').to_owned(), default.trim_matches('`').to_owned())
        });
        assert_eq!(rows.collect::<BTreeMap<_, _>>(), defaults());
    }

    #[test]
    fn each_setting_can_be_set_by_the_text_that_shows_it() {
        for (name, default) in defaults() {
            let (name, default) = match name.split_once('.') {
                Some((whole, member)) => (whole.to_owned(), format!("{{\"{member}\": {default}}}")),
                None => (name, default),
            };
            let text = match serde_json::from_str(&default) {
                Ok(Value::String(text)) => text,
                Ok(Value::Array(_)) => String::new(),
                _ => default,
            };
            let value = value_of(&name, &text).unwrap_or_else(|error| panic!("{name}={text}: {error}"));
            SettingsFields::default().set(&name, &value).unwrap_or_else(|error| panic!("{name}={text}: {error}"));
        }
    }

    #[test]
    fn what_is_no_model_is_refused_when_it_is_set() {
        let checks = crate::services::checks();
        let with = |aaguid: &str| {
            (checks.settings)(&format!(r#"{{"passkey_attestation": {{"allow_aaguids": ["{aaguid}"]}}}}"#))
        };
        assert!(with(" EA9B8D66-4d01-1d21-3ce4-b6b48cb575d4").is_ok());
        assert!(with("YubiKey 5").is_err());
    }
}
