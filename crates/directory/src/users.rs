//! People: made, changed, put aside, deleted.

use crate::{
    DirectoryError, Scope,
    error::{found, taken},
    scope::{checked, named, short},
    text,
};
use serde_json::{Map, Value, json};
use store::{Tx, UserChange, UserRow};
use types::{UserId, UserName};

/// Who did it, for receivers of security events.
const BY_ADMIN: &str = r#"{"by":"admin"}"#;
/// Aliases of one user at most, as at Duo.
const MOST_ALIASES: usize = 8;
/// Further attributes of one user at most.
const MOST_ATTRIBUTES: usize = 32;
/// The longest username, alias, name; bytes.
const NAME: usize = 255;
/// The longest notes; bytes.
const NOTES: usize = 2048;

/// What an administrator chose for a user or a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Status {
    /// Must authenticate.
    #[default]
    Active,
    /// Is let in without a second factor.
    Bypass,
    /// Is not let in.
    Disabled,
}

impl Status {
    /// Duo's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Bypass => "bypass",
            Self::Disabled => "disabled",
        }
    }
}

impl std::str::FromStr for Status {
    type Err = DirectoryError;

    fn from_str(text: &str) -> Result<Self, DirectoryError> {
        [Self::Active, Self::Bypass, Self::Disabled]
            .into_iter()
            .find(|status| text.eq_ignore_ascii_case(status.as_str()))
            .ok_or(DirectoryError::Invalid("status"))
    }
}

/// A user to be made.
#[derive(Clone, Debug, Default)]
pub struct NewUser {
    /// The name, as people write it. Once in the tenant, also among aliases, whatever its case.
    pub username: String,
    /// Other names of the same user: at most 8.
    pub aliases: Vec<String>,
    /// The full name.
    pub realname: String,
    /// The first name.
    pub firstname: String,
    /// The last name.
    pub lastname: String,
    /// The mail address, or nothing.
    pub email: String,
    /// The administrator's notes.
    pub notes: String,
    /// Whether the user must authenticate.
    pub status: Status,
    /// Further attributes: texts only.
    pub attributes: Map<String, Value>,
}

/// A change of a user; what is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct UserPatch {
    /// See [`NewUser::username`].
    pub username: Option<String>,
    /// See [`NewUser::aliases`]; these and no others.
    pub aliases: Option<Vec<String>>,
    /// See [`NewUser::realname`].
    pub realname: Option<String>,
    /// See [`NewUser::firstname`].
    pub firstname: Option<String>,
    /// See [`NewUser::lastname`].
    pub lastname: Option<String>,
    /// See [`NewUser::email`].
    pub email: Option<String>,
    /// See [`NewUser::notes`].
    pub notes: Option<String>,
    /// See [`NewUser::status`]. `Active` ends a lock-out too, as at Duo.
    pub status: Option<Status>,
    /// See [`NewUser::attributes`]; these and no others.
    pub attributes: Option<Map<String, Value>>,
}

/// The stored forms of aliases: distinct, and none of them the user name.
fn aliases(given: &[String], name: Option<&UserName>) -> Result<Vec<UserName>, DirectoryError> {
    if given.len() > MOST_ALIASES {
        return Err(DirectoryError::Invalid("aliases"));
    }
    let mut names = Vec::with_capacity(given.len());
    for alias in given {
        let alias = text::user_name(alias, "aliases")?;
        if names.contains(&alias) || name == Some(&alias) {
            return Err(DirectoryError::Duplicate("alias"));
        }
        names.push(alias);
    }
    Ok(names)
}

fn attributes(given: &Map<String, Value>) -> Result<String, DirectoryError> {
    const INVALID: DirectoryError = DirectoryError::Invalid("custom_attributes");
    if given.len() > MOST_ATTRIBUTES {
        return Err(INVALID);
    }
    for (name, value) in given {
        let value = value.as_str().ok_or(INVALID)?;
        text::name(name, 64, "custom_attributes")?;
        text::lines(value, 1024, "custom_attributes")?;
    }
    Ok(Value::Object(given.clone()).to_string())
}

impl NewUser {
    /// The row, the name and the aliases as they are stored.
    fn check(&self, scope: &Scope<'_>) -> Result<(UserRow, UserName, Vec<UserName>), DirectoryError> {
        let name = text::user_name(&self.username, "username")?;
        let aliases = aliases(&self.aliases, Some(&name))?;
        let now = scope.world().now();
        let row = UserRow {
            id: UserId::new(now, scope.world().random.as_ref()),
            username: text::name(&self.username, NAME, "username")?,
            realname: text::line(&self.realname, NAME, "realname")?,
            firstname: text::line(&self.firstname, NAME, "firstname")?,
            lastname: text::line(&self.lastname, NAME, "lastname")?,
            email: text::email(&self.email)?,
            notes: text::lines(&self.notes, NOTES, "notes")?,
            status: self.status.as_str().to_owned(),
            failures: 0,
            locked_at: None,
            deleted_at: None,
            last_login: None,
            created: now,
            attributes: attributes(&self.attributes)?,
            passkeys: 0,
        };
        Ok((row, name, aliases))
    }
}

impl Scope<'_> {
    /// Makes a user. [`DirectoryError::Duplicate`] when the name or an alias is taken, by a name or an alias of anybody.
    pub async fn create_user(&self, user: &NewUser) -> Result<UserRow, DirectoryError> {
        let mut tx = self.begin().await?;
        let row = self.insert_user(&mut tx, user).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// Makes all of these users or none.
    pub async fn create_users(&self, users: &[NewUser]) -> Result<Vec<UserRow>, DirectoryError> {
        let mut tx = self.begin().await?;
        let mut rows = Vec::with_capacity(users.len());
        for user in users {
            rows.push(self.insert_user(&mut tx, user).await?);
        }
        tx.commit().await?;
        Ok(rows)
    }

    async fn insert_user(&self, tx: &mut Tx, user: &NewUser) -> Result<UserRow, DirectoryError> {
        let (row, name, aliases) = user.check(self)?;
        tx.insert_user(&row, &name, &aliases).await.map_err(taken("username"))?;
        let detail = json!({ "user_id": row.id.to_string(), "status": row.status, "aliases": aliases.len() });
        self.log(tx, "user_create", &row.username, detail).await?;
        Ok(row)
    }

    pub(crate) async fn user(&self, id: UserId) -> Result<UserRow, DirectoryError> {
        self.rows().user(id).await?.ok_or(DirectoryError::NotFound("user"))
    }

    /// Changes a user.
    pub async fn change_user(&self, id: UserId, patch: &UserPatch) -> Result<(), DirectoryError> {
        let username = patch.username.as_ref().map(|name| text::name(name, NAME, "username")).transpose()?;
        let name = username.as_ref().map(|name| text::user_name(name, "username")).transpose()?;
        let aliases = patch.aliases.as_ref().map(|given| aliases(given, name.as_ref())).transpose()?;
        let change = UserChange {
            realname: checked(patch.realname.as_ref(), short(NAME, "realname"))?,
            firstname: checked(patch.firstname.as_ref(), short(NAME, "firstname"))?,
            lastname: checked(patch.lastname.as_ref(), short(NAME, "lastname"))?,
            email: checked(patch.email.as_ref(), text::email)?,
            notes: checked(patch.notes.as_ref(), |notes| text::lines(notes, NOTES, "notes"))?,
            attributes: patch.attributes.as_ref().map(attributes).transpose()?,
        };
        let before = self.user(id).await?;
        // A name or alias that is taken away is free for another account; who needs no second factor needs no passkey; and whoever
        // gets the mail gets the notice of what is added next.
        let renamed = username.as_ref().is_some_and(|username| *username != before.username);
        let readdressed = !before.email.is_empty() && change.email.as_ref().is_some_and(|email| *email != before.email);
        let freed = match &aliases {
            Some(kept) => self
                .rows()
                .user_names(&[id])
                .await?
                .iter()
                .any(|(_, had)| had.place > 0 && !kept.iter().any(|name| name.as_str() == had.name)),
            None => false,
        };
        if renamed || readdressed || freed || patch.status == Some(Status::Bypass) {
            self.admit_addition(id).await?;
        }
        let mut tx = self.begin().await?;
        found(tx.change_user(id, &change).await?, "user")?;
        // The aliases first: a name may become free by it.
        if let Some(aliases) = &aliases {
            tx.set_aliases(id, aliases).await.map_err(taken("alias"))?;
        }
        if let (Some(username), Some(name)) = (&username, &name) {
            tx.rename_user(id, username, name).await.map_err(taken("username"))?;
        }
        if let Some(status) = patch.status {
            tx.set_user_status(id, status.as_str()).await?;
            if status == Status::Disabled {
                tx.end_everything_granted(id, None, self.world().now()).await?;
                tx.tell(self.world(), "account-disabled", id, BY_ADMIN).await?;
            } else if before.status == Status::Disabled.as_str() {
                tx.tell(self.world(), "account-enabled", id, BY_ADMIN).await?;
            }
            if status == Status::Active {
                tx.unlock_user(id).await?;
            }
        }
        let fields = named(&[
            ("username", username.is_some()),
            ("aliases", aliases.is_some()),
            ("realname", change.realname.is_some()),
            ("firstname", change.firstname.is_some()),
            ("lastname", change.lastname.is_some()),
            ("email", change.email.is_some()),
            ("notes", change.notes.is_some()),
            ("custom_attributes", change.attributes.is_some()),
        ]);
        let mut detail = json!({ "user_id": id.to_string(), "fields": fields });
        if let (Some(status), Some(detail)) = (patch.status, detail.as_object_mut()) {
            detail.insert("status".to_owned(), status.as_str().into());
        }
        self.log(&mut tx, "user_update", &before.username, detail).await?;
        Ok(tx.commit().await?)
    }

    /// Locks a user out, as too many wrong answers do. Whether the user wasn't yet.
    pub async fn lock_user(&self, id: UserId) -> Result<bool, DirectoryError> {
        let now = self.world().now();
        self.on_user(id, "user_lock", async |tx| tx.lock_user(id, now).await).await
    }

    /// Ends a lock-out and forgets the wrong answers.
    pub async fn unlock_user(&self, id: UserId) -> Result<(), DirectoryError> {
        self.on_user(id, "user_unlock", async |tx| tx.unlock_user(id).await).await.map(drop)
    }

    /// Lets prompts go to the user again, after too many of them were not approved.
    pub async fn resume_prompts(&self, id: UserId) -> Result<(), DirectoryError> {
        self.on_user(id, "user_resume_prompts", async |tx| tx.resume_prompts(id).await).await.map(drop)
    }

    /// Puts a user in the trash: not let in, and gone after the days that the settings say. What applications were granted ends for good.
    /// Whether the user wasn't there yet.
    pub async fn trash_user(&self, id: UserId) -> Result<bool, DirectoryError> {
        let now = self.world().now();
        let act = async |tx: &mut Tx| {
            tx.end_everything_granted(id, None, now).await?;
            tx.tell(self.world(), "account-disabled", id, BY_ADMIN).await?;
            tx.mark_user_deleted(id, now).await
        };
        self.on_user(id, "user_pending_delete", act).await
    }

    /// Takes a user out of the trash. Whether the user was there.
    pub async fn restore_user(&self, id: UserId) -> Result<bool, DirectoryError> {
        self.on_user(id, "user_restore", async |tx| tx.restore_user(id).await).await
    }

    /// Forgets all browsers and machines that are remembered for the user, or known to be theirs.
    pub async fn distrust_devices(&self, id: UserId) -> Result<(), DirectoryError> {
        let act = async |tx: &mut Tx| {
            tx.forget_browsers(id).await?;
            tx.distrust_devices(id).await.map(|()| true)
        };
        self.on_user(id, "user_forget_remembered_devices", act).await.map(drop)
    }

    /// Signs a user out everywhere; how many sessions ended. What applications were granted for longer than a session goes on: only
    /// `auth`'s `revoke_user` ends that, too.
    pub async fn end_sessions(&self, id: UserId) -> Result<usize, DirectoryError> {
        let user = self.user(id).await?;
        let mut tx = self.begin().await?;
        let ended = tx.sign_out_everywhere(id, None, self.world().now()).await?;
        self.log(&mut tx, "user_sessions_end", &user.username, json!({ "user_id": id.to_string(), "ended": ended }))
            .await?;
        tx.commit().await?;
        Ok(ended)
    }

    /// Deletes a user at once, with all codes and links to devices; the devices and the logs stay.
    ///
    /// One who has a passkey goes to the trash instead, where the name stays taken for some days: otherwise an administrator who is alone
    /// could make another account of the same name and give it what they like.
    pub async fn delete_user(&self, id: UserId) -> Result<(), DirectoryError> {
        if matches!(self.admit_addition(id).await, Err(DirectoryError::Guarded)) {
            return self.trash_user(id).await.map(drop);
        }
        let now = self.world().now();
        let act = async |tx: &mut Tx| {
            // Applications are told while it is still known where the person is signed in.
            tx.end_everything_granted(id, None, now).await?;
            tx.delete_user(id).await
        };
        let gone = self.on_user(id, "user_delete", act).await?;
        found(gone, "user")
    }

    /// One act on one user, with its log entry; gives what the act gave.
    async fn on_user(
        &self,
        id: UserId,
        action: &str,
        act: impl AsyncFnOnce(&mut Tx) -> Result<bool, store::StoreError>,
    ) -> Result<bool, DirectoryError> {
        let user = self.user(id).await?;
        let mut tx = self.begin().await?;
        let changed = act(&mut tx).await?;
        if changed {
            self.log(&mut tx, action, &user.username, json!({ "user_id": id.to_string() })).await?;
        }
        tx.commit().await?;
        Ok(changed)
    }
}
