//! What an administrator adds to what somebody signs in with: whether they may, and what the person is told of it.

use crate::{DirectoryError, Scope};
use keys::TenantKeys;
use store::{Addition, NewChange, Tx};
use types::UserId;

impl Scope<'_> {
    /// Refuses where the user has a passkey and the administrator is alone.
    pub(crate) async fn admit_addition(&self, user: UserId) -> Result<(), DirectoryError> {
        let rows = self.rows();
        if !rows.is_guarded(user).await? {
            return Ok(());
        }
        let settings = rows.row().await?.ok_or(DirectoryError::NotFound("tenant"))?.settings;
        // Settings that nobody can read let nobody in.
        let delay = (self.directory.checks.operator_delay)(&settings).ok_or(DirectoryError::Guarded)?;
        match rows.may_add(user, self.actor(), delay, self.world().now()).await? {
            true => Ok(()),
            false => Err(DirectoryError::Guarded),
        }
    }

    /// Notes an addition in the transaction that makes it, where the person could sign in before and so has somebody to warn.
    /// `before` is what they had.
    pub(crate) async fn note_addition(
        &self,
        tx: &mut Tx,
        user: UserId,
        before: i64,
        keys: &TenantKeys,
        (kind, object, name): (&'static str, &str, &str),
    ) -> Result<Option<Addition>, DirectoryError> {
        if before == 0 {
            return Ok(None);
        }
        let change = NewChange { user, kind, object, label: name, made_by: self.actor() };
        let undo = tx.note_change(self.world(), keys, change).await?;
        Ok(Some(Addition { user, kind, name: name.to_owned(), by: self.actor().to_owned(), undo }))
    }
}
