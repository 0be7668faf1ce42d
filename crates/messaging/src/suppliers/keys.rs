//! The table of a supplier over HTTP in the gateway file: its preset's keys, where every credential may stand in a file of its own
//! (`api_secret_file` instead of `api_secret`, at any depth).

use super::Supplier;
use crate::{Channel, Surroundings};
use std::{path::Path, sync::Arc};
use suppliers::{Driver, Patience, Settings};
use toml::Value;

/// Files end so in the name of their key.
const FILE: &str = "_file";

/// Sets the carrier up.
pub(crate) fn from_keys(
    kind: &str,
    name: &str,
    mut keys: toml::Table,
    around: &Surroundings,
) -> Result<Arc<dyn Channel>, String> {
    resolve(&mut keys)?;
    let settings = Settings::read(kind, Value::Table(keys)).ok_or("this kind is not known")?;
    let settings = settings.map_err(|error| error.message().lines().next().unwrap_or_default().to_owned())?;
    let driver = Driver::new(settings, Patience::default(), around.world.clone()).map_err(|error| error.to_string())?;
    Ok(Arc::new(Supplier::new(name, driver, around.public_url.as_deref())))
}

/// Puts the contents of files in the place of their names.
fn resolve(table: &mut toml::Table) -> Result<(), String> {
    let names: Vec<String> = table.keys().filter(|name| name.ends_with(FILE)).cloned().collect();
    for name in names {
        let plain = name.strip_suffix(FILE).unwrap_or_default().to_owned();
        let Some(Value::String(path)) = table.remove(&name) else { return Err(format!("`{name}` must be a path")) };
        if table.contains_key(&plain) {
            return Err(format!("`{plain}` and `{name}` exclude each other"));
        }
        let secret = crate::gateway::secret(&plain, None, Some(Path::new(&path)))?;
        table.insert(plain, Value::String(secret.map(|secret| secret.expose().to_owned()).unwrap_or_default()));
    }
    for (_, value) in table.iter_mut() {
        if let Value::Table(inner) = value {
            resolve(inner)?;
        }
    }
    Ok(())
}
