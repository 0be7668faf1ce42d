//! The root key and the database, and whether the one opens the other.

use keys::FileRoot;
use store::sqlite_file;
use types::World;

use super::{Finding, fail, ok, warn};
use crate::{
    config::{Config, Root, StoreUrl},
    services,
};

const KEY: &str = "root key";
const DATABASE: &str = "database";

fn has_database(config: &Config) -> bool {
    match &config.store.url {
        StoreUrl::Sqlite(path) => path.exists(),
        StoreUrl::Postgres { .. } => false,
    }
}

/// Whether the root keys open, and are for their owner only.
pub(super) fn root_key(config: &Config, world: &World) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (place, root) in std::iter::once(&config.keys.root).chain(&config.keys.older).enumerate() {
        findings.push(match root {
            // Looked for first: opening would make one.
            Root::File(path) if !path.exists() && (place > 0 || has_database(config)) => fail(
                KEY,
                format!("{} isn't there, and nothing can be opened without: put the copy of it back", path.display()),
            ),
            Root::File(path) if !path.exists() => {
                ok(KEY, format!("{} isn't there yet: the first start makes it", path.display()))
            }
            Root::File(path) => match FileRoot::open(path) {
                Ok(root) => {
                    let count = root.keys().len();
                    ok(KEY, format!("{}, for its owner only, {count} keys; keep a copy elsewhere", path.display()))
                }
                Err(error) => fail(KEY, error.to_string()),
            },
            Root::Token => match services::ring(&config.keys, world).map(|ring| ring.check(world)) {
                Ok(Ok(())) => ok(KEY, "on the token, and it works"),
                Ok(Err(error)) => fail(KEY, format!("on the token, and it doesn't work: {error}")),
                Err(error) => fail(KEY, format!("{error:#}")),
            },
        });
    }
    findings
}

/// Whether the database can be reached and written, is sound, and is opened by the root keys.
pub(super) async fn database(config: &Config, world: &World) -> Vec<Finding> {
    let newest = store::schema_version();
    match &config.store.url {
        StoreUrl::Sqlite(path) if !path.exists() => {
            vec![ok(DATABASE, format!("{} isn't there yet: the first start makes it", path.display()))]
        }
        StoreUrl::Sqlite(path) => {
            let (path, config, world) = (path.clone(), config.clone(), world.clone());
            let looked = tokio::task::spawn_blocking(move || sqlite(&path, &config, &world, newest)).await;
            looked.unwrap_or_else(|error| vec![fail(DATABASE, error.to_string())])
        }
        StoreUrl::Postgres { .. } => {
            let url = services::url(&config.store.url);
            match store::probe_postgres(&url, &store::Options { connections: 1, ..services::options(config) }).await {
                Ok(schema) => vec![version(schema, newest, "PostgreSQL, can be written")],
                Err(error) => vec![fail(DATABASE, format!("PostgreSQL: {error}: see store.url and store.password"))],
            }
        }
    }
}

fn sqlite(path: &std::path::Path, config: &Config, world: &World, newest: usize) -> Vec<Finding> {
    let shown = path.display();
    let content = match sqlite_file::examine(path) {
        Ok(content) => content,
        Err(error) => return vec![fail(DATABASE, format!("{shown}: {error}: restore a backup"))],
    };
    if let Some(damage) = content.damage.first() {
        return vec![fail(DATABASE, format!("{shown} is damaged ({damage}): restore a backup"))];
    }
    let mut findings = vec![match sqlite_file::is_writable(path) {
        Ok(()) => version(content.schema, newest, &format!("{shown}, sound, {} tenants", content.tenants)),
        Err(error) => fail(DATABASE, format!("{shown} can't be written: {error}")),
    }];
    // Opening makes a root key where there is none, and that was found above.
    let there = !matches!(&config.keys.root, Root::File(path) if !path.exists());
    if let Some(ring) = there.then(|| services::ring(&config.keys, world).ok()).flatten() {
        let unknown = |root: &&String| !ring.opens(root);
        for root in content.roots.iter().filter(unknown) {
            findings.push(fail(KEY, format!("the database needs {root}, which isn't here: put the copy of it back")));
        }
        if content.roots.iter().any(|root| root != ring.root_id()) {
            findings.push(warn(KEY, "tenant keys are wrapped by an older root key: countersign keys rewrap"));
        }
    }
    findings
}

fn version(schema: usize, newest: usize, text: &str) -> Finding {
    match schema {
        schema if schema > newest => fail(
            DATABASE,
            format!("{text}, but of schema {schema}, and this program knows {newest}: start the newer program"),
        ),
        schema if schema < newest => {
            ok(DATABASE, format!("{text}, schema {schema}: the next start brings it to {newest}"))
        }
        schema => ok(DATABASE, format!("{text}, schema {schema}")),
    }
}
