//! One tenant in the hands of whoever sits at the command line.

use std::{
    env, fs,
    io::{self, Read as _},
    path::Path,
};

use crate::services::Services;
use anyhow::{Context as _, bail};
use directory::{Directory, Scope};
use store::{Addition, GroupRow, Slice, TenantRow, UserRow};
use types::{Normalization, SecretString, TenantId, UserId, UserName, World};

/// Tenants that are looked through for a name.
const MOST_TENANTS: i64 = 1000;
/// The longest secret that is read from a file, in bytes.
const LONGEST: u64 = 4096;
/// Rows that a list reads at once.
pub(super) const PAGE: i64 = 500;

/// A tenant's part of the directory.
pub(crate) struct Office<'a> {
    directory: &'a Directory,
    pub(crate) tenant: TenantId,
    actor: String,
}

/// Who is written into the administrator log. Whoever can start this program can read and write the database, so the name that the
/// environment gives is as good as any.
pub(crate) fn actor() -> String {
    let user = env::var("SUDO_USER").or_else(|_| env::var("USER")).unwrap_or_default();
    if user.is_empty() { "command line".to_owned() } else { format!("command line ({user})") }
}

/// The tenant that is meant: by id, host or name, or the only one.
pub(crate) async fn find(directory: &Directory, named: Option<&str>) -> anyhow::Result<TenantRow> {
    let store = directory.store();
    let tenants = store.tenants(None, MOST_TENANTS).await?;
    let Some(named) = named else {
        return match <[TenantRow; 1]>::try_from(tenants) {
            Ok([tenant]) => Ok(tenant),
            Err(none) if none.is_empty() => bail!("there is no tenant yet: countersign admin tenant create"),
            Err(_) => bail!("there are several tenants: say which by --tenant"),
        };
    };
    let id = match named.parse() {
        Ok(id) => Some(id),
        Err(_) => store.tenant_of_host(&named.to_ascii_lowercase()).await?,
    };
    if let Some(id) = id
        && let Some(tenant) = store.tenant(id).row().await?
    {
        return Ok(tenant);
    }
    let mut of_name = tenants.into_iter().filter(|tenant| tenant.name == named);
    match (of_name.next(), of_name.next()) {
        (Some(tenant), None) => Ok(tenant),
        (Some(_), Some(_)) => bail!("several tenants have the name {named}: give the id or the host name"),
        (None, _) => bail!("there is no tenant {named}"),
    }
}

impl<'a> Office<'a> {
    pub(crate) async fn open(directory: &'a Directory, named: Option<&str>) -> anyhow::Result<Self> {
        Ok(Self { directory, tenant: find(directory, named).await?.id, actor: actor() })
    }

    #[cfg(test)]
    pub(super) fn of(directory: &'a Directory, tenant: TenantId) -> Self {
        Self { directory, tenant, actor: "test".to_owned() }
    }

    pub(crate) fn scope(&self) -> Scope<'_> {
        self.directory.tenant(self.tenant, &self.actor)
    }

    /// Tells people what was added to their accounts.
    pub(super) async fn announce(
        &self,
        services: &Services,
        added: impl IntoIterator<Item = Addition>,
    ) -> anyhow::Result<()> {
        for addition in added {
            services.auth.announce_addition(self.tenant, addition).await?;
        }
        Ok(())
    }

    /// Time and chance.
    pub(super) fn world(&self) -> World {
        self.directory.store().world().clone()
    }

    /// A user by id, name or alias.
    pub(crate) async fn user(&self, named: &str) -> anyhow::Result<UserRow> {
        let rows = self.scope().rows();
        let found = match named.parse::<UserId>() {
            Ok(id) => rows.user(id).await?,
            Err(_) => rows.user_by_name(&UserName::new(named, Normalization::None)?).await?,
        };
        found.with_context(|| format!("there is no user {named}"))
    }

    /// A group by id or name.
    pub(crate) async fn group(&self, named: &str) -> anyhow::Result<GroupRow> {
        let rows = self.scope().rows();
        let found = match named.parse() {
            Ok(id) => rows.group(id).await?,
            Err(_) => rows.group_by_name(named).await?,
        };
        found.with_context(|| format!("there is no group {named}"))
    }
}

/// Reads a secret's first line from a file, or from standard input where the path is `-`.
pub(crate) fn secret(path: &Path) -> anyhow::Result<SecretString> {
    let mut text = String::new();
    if path == Path::new("-") {
        io::stdin().take(LONGEST).read_to_string(&mut text).context("standard input")?;
    } else {
        let file = fs::File::open(path).with_context(|| path.display().to_string())?;
        file.take(LONGEST).read_to_string(&mut text).with_context(|| path.display().to_string())?;
    }
    let text = SecretString::new(text);
    let line = text.expose().lines().next().unwrap_or_default().trim();
    if line.is_empty() {
        bail!("{} holds nothing", path.display());
    }
    Ok(SecretString::new(line.to_owned()))
}

/// All pages of a list, one after the other.
pub(super) async fn every<T>(
    mut page: impl AsyncFnMut(Slice) -> Result<store::Page<T>, store::StoreError>,
    mut each: impl AsyncFnMut(T) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut slice = Slice { offset: 0, limit: PAGE };
    loop {
        let found = page(slice).await?;
        if found.rows.is_empty() {
            return Ok(());
        }
        for row in found.rows {
            each(row).await?;
        }
        slice.offset += slice.limit;
    }
}
