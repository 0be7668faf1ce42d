//! The directory, and one tenant's part of it in the hands of somebody.

use crate::{DirectoryError, text};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use store::{Store, Tenant, Tx};
use types::{TenantId, World};

/// How the engine reads what is stored here and only has a meaning there. Both say in words what they can't understand.
#[derive(Clone, Copy)]
pub struct Checks {
    /// Reads a policy's name and its sections as JSON.
    pub policy: fn(&str, &str) -> Result<(), String>,
    /// Reads a tenant's settings as JSON.
    pub settings: fn(&str) -> Result<(), String>,
    /// Reads from a tenant's settings how long an administrator who is alone waits before adding to an account that has a passkey.
    pub operator_delay: fn(&str) -> Option<Duration>,
}

/// Everything that tenants have.
pub struct Directory {
    pub(crate) store: Arc<Store>,
    pub(crate) checks: Checks,
}

impl Directory {
    /// On an open store. A policy or settings that `checks` doesn't understand are never stored: the engine would deny everybody.
    #[must_use]
    pub const fn new(store: Arc<Store>, checks: Checks) -> Self {
        Self { store, checks }
    }

    /// The store.
    #[must_use]
    pub const fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// One tenant's part, for changes in the name of `actor`: an administrator's name, or an integration's key.
    #[must_use]
    pub const fn tenant<'a>(&'a self, id: TenantId, actor: &'a str) -> Scope<'a> {
        Scope { directory: self, tenant: id, actor }
    }
}

/// One tenant's part of the directory, and who changes it.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    pub(crate) directory: &'a Directory,
    tenant: TenantId,
    actor: &'a str,
}

/// The most bytes of an actor's or an object's name that the administrator log keeps.
const NAME_KEPT: usize = 255;

impl<'a> Scope<'a> {
    /// The tenant's rows.
    #[must_use]
    pub fn rows(&self) -> Tenant<'a> {
        self.directory.store.tenant(self.tenant)
    }

    /// Whose part this is.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Who changes it.
    #[must_use]
    pub const fn actor(&self) -> &'a str {
        self.actor
    }

    /// Time and chance.
    #[must_use]
    pub fn world(&self) -> &'a World {
        self.directory.store.world()
    }

    pub(crate) async fn begin(&self) -> Result<Tx, DirectoryError> {
        Ok(self.rows().begin().await?)
    }

    /// Writes the administrator log, in the transaction of the change. `detail` names what was changed, and its value only where
    /// that is no secret and says nothing of a person.
    pub(crate) async fn log(
        &self,
        tx: &mut Tx,
        action: &str,
        object: &str,
        detail: Value,
    ) -> Result<(), DirectoryError> {
        let actor = cut(self.actor);
        Ok(tx.log_act(self.world(), actor, action, cut(object), &detail.to_string()).await?)
    }

    /// Makes every node read an application anew.
    pub(crate) async fn application_changed(&self, tx: &mut Tx, ikey: &str) -> Result<(), DirectoryError> {
        Ok(tx.notify(format!("application:{ikey}")).await?)
    }

    /// Makes every node read all of the tenant's applications, settings and policies anew.
    pub(crate) async fn tenant_changed(&self, tx: &mut Tx) -> Result<(), DirectoryError> {
        Ok(tx.notify(format!("tenant:{}", self.tenant)).await?)
    }

    /// Notes an act that changes nothing here, such as a message that was sent or a secret that was shown.
    pub async fn note(&self, action: &str, object: &str, detail: Value) -> Result<(), DirectoryError> {
        let mut tx = self.begin().await?;
        self.log(&mut tx, action, object, detail).await?;
        Ok(tx.commit().await?)
    }
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(NAME_KEPT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// The names of the fields that a change sets, for its log entry.
pub(crate) fn named(fields: &[(&'static str, bool)]) -> Vec<&'static str> {
    fields.iter().filter(|(_, set)| *set).map(|(name, _)| *name).collect()
}

/// An optional text through a check.
pub(crate) fn checked(
    value: Option<&String>,
    check: impl Fn(&str) -> Result<String, DirectoryError>,
) -> Result<Option<String>, DirectoryError> {
    value.map(|text| check(text)).transpose()
}

/// The check of a short line, for [`checked`].
pub(crate) fn short(most: usize, what: &'static str) -> impl Fn(&str) -> Result<String, DirectoryError> {
    move |value| text::line(value, most, what)
}
