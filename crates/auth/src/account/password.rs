//! A person's password: what is taken for one, and how its owner changes it.
//!
//! A password is only ever the first of two proofs, and whoever has a passkey isn't asked for one. Rules are NIST SP 800-63B-4 §3.1.1.2's: a
//! least length, nothing that is guessed among the first, no rules about kinds of characters, and nobody is made to change it by a calendar.

use super::{Action, Permit, notices::News};
use crate::{Auth, AuthError, Client};
use store::{PasswordRow, StoreError, UserRow, fields};
use types::{SecretString, TenantId, UserId};

/// The fewest characters.
pub const LEAST_PASSWORD: usize = 10;
/// What is looked at when it is estimated how soon a password is guessed, in characters: the estimate takes longer than the text.
const ESTIMATED: usize = 72;

const SHORT: AuthError = AuthError::Refused("a password has at least 10 characters");
const LONG: AuthError = AuthError::Refused("a password has at most 1024 bytes");
const GUESSED: AuthError = AuthError::Refused("this password is among the first that are guessed");

/// A password that was taken for one, hashed and sealed for one person.
pub struct HashedPassword {
    user: UserId,
    sealed: Vec<u8>,
}

impl HashedPassword {
    /// As a row, set by `by` at `now`.
    #[must_use]
    pub fn row(self, by: &str, now: types::Millis) -> PasswordRow {
        PasswordRow { user_id: self.user, hash: self.sealed, set_at: now, set_by: by.to_owned() }
    }
}

impl Auth {
    /// Takes a text for a person's password: long enough, and not one that is guessed among the first millions.
    ///
    /// [`AuthError::Refused`] says what is wrong with it; it repeats nothing of it.
    pub async fn hash_password(
        &self,
        tenant: TenantId,
        user: UserId,
        password: &SecretString,
    ) -> Result<HashedPassword, AuthError> {
        let scope = self.store.tenant(tenant);
        let row = scope.user(user).await?.ok_or(AuthError::NoUser)?;
        suits(password, &row)?;
        let hash = self.hasher.hash(password).await?;
        let keys = scope.keys().await?;
        let sealed = keys.seal(fields::password(&user), hash.expose().as_bytes(), self.world.random.as_ref());
        Ok(HashedPassword { user, sealed: sealed.map_err(StoreError::from)? })
    }

    /// Whether people of this tenant sign in to applications with passwords that are kept here, and something more.
    pub async fn takes_passwords(&self, tenant: TenantId) -> Result<bool, AuthError> {
        Ok(self.asks_passwords(tenant).await? && !self.has_user_directory(tenant).await?)
    }

    /// Whether people of this tenant are asked for passwords, wherever those are kept.
    pub async fn asks_passwords(&self, tenant: TenantId) -> Result<bool, AuthError> {
        let settings = &self.portal(tenant).await?.settings;
        Ok(settings.passwords && !settings.passkey_only)
    }

    /// Its owner sets another one. All other sessions end, and what applications were granted beside this one.
    pub async fn change_password(
        &self,
        permit: &Permit,
        password: &SecretString,
        client: &Client,
    ) -> Result<(), AuthError> {
        let (tenant, user) = (permit.tenant, permit.user);
        let hashed = self.hash_password(tenant, user, password).await?;
        let now = self.world.now();
        let mut tx = self.store.tenant(tenant).begin().await?;
        self.spend_permit(&mut tx, permit, Action::Password).await?;
        tx.set_password(&hashed.row("user", now)).await?;
        tx.end_everything_granted(user, permit.session(), now).await?;
        tx.tell_credential(&self.world, user, "password", "update").await?;
        let detail = serde_json::json!({ "user_id": user.to_string() }).to_string();
        tx.log_act(&self.world, "user", "password_change", &user.to_string(), &detail).await?;
        tx.commit().await?;
        self.tell(tenant, user, &News::PasswordChanged, &crate::log::ip(client), None).await;
        Ok(())
    }
}

fn suits(password: &SecretString, person: &UserRow) -> Result<(), AuthError> {
    let text = password.expose();
    if text.len() > keys::password::MAX_PASSWORD {
        return Err(LONG);
    }
    if text.chars().count() < LEAST_PASSWORD {
        return Err(SHORT);
    }
    // What stands in the directory is what is tried first.
    let names = [&person.username, &person.email, &person.realname, &person.firstname, &person.lastname];
    let names: Vec<&str> = names.iter().map(|name| name.as_str()).filter(|name| !name.is_empty()).collect();
    let head: String = text.chars().take(ESTIMATED).collect();
    let score = zxcvbn::zxcvbn(&head, &names).score();
    if score < zxcvbn::Score::Three { Err(GUESSED) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::{Millis, world::SeededRandom};

    fn ana() -> UserRow {
        UserRow {
            id: UserId::new(Millis(1), &SeededRandom::new(1)),
            username: "narroway".to_owned(),
            email: "ana.narroway@example.test".to_owned(),
            realname: "Ana Narroway".to_owned(),
            firstname: "Ana".to_owned(),
            lastname: "Narroway".to_owned(),
            notes: String::new(),
            status: "active".to_owned(),
            failures: 0,
            locked_at: None,
            deleted_at: None,
            last_login: None,
            created: Millis(1),
            attributes: "{}".to_owned(),
            passkeys: 0,
        }
    }

    #[test]
    fn what_is_guessed_first_is_none() {
        let of = |text: &str| suits(&SecretString::new(text.to_owned()), &ana()).err().map(|error| error.to_string());
        for weak in ["password123", "aaaaaaaaaaaa", "1234567890123", "Narroway2026", "qwertyuiop[]"] {
            assert_eq!(of(weak), Some(GUESSED.to_string()), "{weak}");
        }
        assert_eq!(of("aB3$xY7"), Some(SHORT.to_string()));
        assert_eq!(of(&"é".repeat(600)), Some(LONG.to_string()));
        for good in ["correct horse battery staple", "vexed-otter-climbs-42", "ζεστό γάλα με κανέλα"] {
            assert_eq!(of(good), None, "{good}");
        }
    }
}
