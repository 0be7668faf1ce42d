//! A tenant's own directory: where there is one, a password is right if the directory takes it, and by nothing else.
//!
//! Whose account an entry proves is decided once: by the user name the first time, and from then on by the entry's own id, because names
//! are given to others when their owners go.
//!
//! What the directory is asked depends on nobody's account: for a name that nobody has, and for one whose guesses are spent, somebody who
//! isn't there is looked for and tried, so that neither an answer, nor its time, nor an outage tells who is who. And no stranger's guesses
//! reach the directory's own lock-out by this house beyond the limits that stand before.

mod settings;

pub use settings::{DirectorySettings, InvalidDirectory};

use crate::{Auth, AuthError};
use std::{sync::Arc, time::Duration};
use store::{DirectoryRow, StoreError, fields, login::Holder};
use tokio::sync::Semaphore;
use types::{SecretString, TenantId, UserId, ct_eq};
use upstream::ldap::{Directory, Entry, LdapError, Outcome};

/// Tenants' directories that are kept, with their connections.
pub(crate) const KEPT: usize = 256;
/// An answer takes no less: how long a directory works on a password differs from person to person.
const LEAST: Duration = Duration::from_millis(300);
/// Tries of one tenant that are under way at once; more are turned away.
const AT_ONCE: usize = 64;
/// The longest id of an entry, in octets.
const LONGEST_ID: usize = 256;

/// A directory that is kept as long as its row is the same.
pub(crate) struct KeptDirectory {
    row: DirectoryRow,
    settings: DirectorySettings,
    directory: Directory,
    room: Semaphore,
}

/// What the directory says of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tried {
    /// It is the person's.
    Right,
    /// It isn't, or counts for nothing.
    Wrong,
    /// The entry that the name leads to isn't the one that proved this account before, or has no id, or is another account's.
    AnotherEntry,
    /// Nobody knows: the directory gave no answer.
    NoAnswer,
}

/// What an administrator is told who tries the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It answers; nobody was looked for.
    Answers,
    /// One entry, with an id.
    One {
        /// Its name there.
        dn: String,
    },
    /// An entry without the attribute that must tell it from others for ever.
    WithoutId {
        /// Its name there.
        dn: String,
    },
    /// Nobody.
    Nobody,
}

impl Auth {
    /// The tenant's directory, if it has one. The row is read each time, so a change holds at once, on every node.
    pub(crate) async fn user_directory(&self, tenant: TenantId) -> Result<Option<Arc<KeptDirectory>>, AuthError> {
        let Some(row) = self.store.tenant(tenant).user_directory().await? else { return Ok(None) };
        if let Some(kept) = self.user_directories.get(&tenant).filter(|kept| kept.row == row) {
            return Ok(Some(kept));
        }
        let opened = self.store.tenant(tenant).open(fields::user_directory_secret(), &row.secret).await?;
        let password =
            String::from_utf8(opened.expose().to_vec()).map_err(|_| AuthError::Damaged("directory's password"))?;
        let settings = DirectorySettings::parse(&row.settings).map_err(|_| AuthError::Damaged("directory"))?;
        let directory = settings
            .open(SecretString::new(password), self.world.clone())
            .map_err(|_| AuthError::Damaged("directory"))?;
        let kept = Arc::new(KeptDirectory { row, settings, directory, room: Semaphore::new(AT_ONCE) });
        self.user_directories.insert(tenant, Arc::clone(&kept));
        Ok(Some(kept))
    }

    /// Whether passwords are tried against a directory.
    pub async fn has_user_directory(&self, tenant: TenantId) -> Result<bool, AuthError> {
        Ok(self.store.tenant(tenant).user_directory().await?.is_some())
    }

    /// The directory's settings and password as a row, after they were looked over; asks the directory nothing.
    ///
    /// # Errors
    /// [`AuthError::Directory`].
    pub async fn directory_row(
        &self,
        tenant: TenantId,
        settings: &DirectorySettings,
        password: &SecretString,
        by: &str,
    ) -> Result<DirectoryRow, AuthError> {
        settings.open(password.clone(), self.world.clone())?;
        let keys = self.store.tenant(tenant).keys().await?;
        let secret =
            keys.seal(fields::user_directory_secret(), password.expose().as_bytes(), self.world.random.as_ref());
        Ok(DirectoryRow {
            settings: settings.text()?,
            secret: secret.map_err(StoreError::from)?,
            set_at: self.world.now(),
            set_by: by.to_owned(),
        })
    }

    /// Asks the tenant's directory whether it answers, and whom `name` leads to. None where there is no directory.
    ///
    /// # Errors
    /// [`AuthError::Directory`]: what the directory, or the way to it, lacks.
    pub async fn check_directory(&self, tenant: TenantId, name: Option<&str>) -> Result<Option<Found>, AuthError> {
        let Some(kept) = self.user_directory(tenant).await? else { return Ok(None) };
        kept.directory.check().await.map_err(InvalidDirectory::from)?;
        let Some(name) = name else { return Ok(Some(Found::Answers)) };
        Ok(Some(match kept.directory.find(name).await.map_err(InvalidDirectory::from)? {
            Some(entry) if kept.id(&entry).is_some() => Found::One { dn: entry.dn },
            Some(entry) => Found::WithoutId { dn: entry.dn },
            None => Found::Nobody,
        }))
    }

    /// Tries a password, of `holder` or, in the same time and with the same questions, of nobody.
    pub(crate) async fn bind(
        &self,
        tenant: TenantId,
        kept: &KeptDirectory,
        holder: Option<&Holder>,
        password: &SecretString,
    ) -> Result<Tried, AuthError> {
        let busy = |_| AuthError::Limited { retry_after: Duration::from_secs(5) };
        let _room = kept.room.try_acquire().map_err(busy)?;
        let (tried, ()) = tokio::join!(self.ask(tenant, kept, holder, password), tokio::time::sleep(LEAST));
        tried
    }

    async fn ask(
        &self,
        tenant: TenantId,
        kept: &KeptDirectory,
        holder: Option<&Holder>,
        password: &SecretString,
    ) -> Result<Tried, AuthError> {
        let answer = match holder {
            Some(holder) => kept.directory.authenticate(&holder.user.username, password).await.map(Some),
            None => kept.directory.pretend(password).await.map(|()| None),
        };
        match (answer, holder) {
            (Ok(Some(Outcome::Allowed(entry))), Some(holder)) => {
                self.is_whose(tenant, kept, holder.user.id, &entry).await
            }
            (Ok(_), _) => Ok(Tried::Wrong),
            // These are of one entry, and would tell that there is one.
            (Err(error @ (LdapError::Ambiguous | LdapError::Result(_))), _) => {
                tracing::warn!(%tenant, %error, "the directory took no password");
                Ok(Tried::Wrong)
            }
            (Err(error), _) => {
                tracing::error!(%tenant, %error, "the directory gives no answer: nobody signs in by it");
                Ok(Tried::NoAnswer)
            }
        }
    }

    /// Whether the entry is the one that proves this account; the first one is from now on.
    async fn is_whose(
        &self,
        tenant: TenantId,
        kept: &KeptDirectory,
        user: UserId,
        entry: &Entry,
    ) -> Result<Tried, AuthError> {
        let Some(id) = kept.id(entry) else {
            tracing::error!(%tenant, attribute = kept.settings.id_attribute, "an entry of the directory has no id");
            return Ok(Tried::AnotherEntry);
        };
        let scope = self.store.tenant(tenant);
        let linked = match scope.directory_link(user).await? {
            Some(linked) => Some(linked),
            None => {
                let mut tx = scope.begin().await?;
                let is_new = tx.link_directory(user, id, self.world.now()).await?;
                tx.commit().await?;
                // Somebody else was first: for this person, or with this entry.
                if is_new { Some(id.to_vec()) } else { scope.directory_link(user).await? }
            }
        };
        let is_same = linked.is_some_and(|linked| ct_eq(&linked, id));
        Ok(if is_same { Tried::Right } else { Tried::AnotherEntry })
    }
}

impl KeptDirectory {
    /// The entry's own id: one value, no more.
    fn id<'e>(&'e self, entry: &'e Entry) -> Option<&'e [u8]> {
        let mut values = entry.octets(&self.settings.id_attribute);
        let id = values.next().filter(|id| !id.is_empty() && id.len() <= LONGEST_ID)?;
        values.next().is_none().then_some(id)
    }
}
