//! What a user can sign in with, looked at and changed without anybody else doing the same meanwhile.

use crate::{
    engine::{Statement, StoreError, Type},
    scope::Tx,
    values,
};
use types::{PhoneId, UserId};

// A write, so that PostgreSQL lets no other transaction that holds the same user go on before this one ends. SQLite has one writer. Not of
// the user's own row: a batch of logins locks a device first and its user after, so who held the user and then removed the device would
// stop a whole batch.
static HOLD: Statement = Statement::new(
    "holdings_hold_user",
    "UPDATE user_name SET place = 0 WHERE tenant = $1 AND user_id = $2 AND place = 0 RETURNING user_id",
    &[Type::Id, Type::Id],
);
static COUNT: Statement = Statement::new(
    "holdings_count",
    "SELECT (SELECT COUNT(*) FROM passkey p WHERE p.tenant = $1 AND p.user_id = $2 AND p.suspended_at IS NULL) \
     + (SELECT COUNT(*) FROM user_phone l JOIN phone f ON f.tenant = l.tenant AND f.id = l.phone_id \
        WHERE l.tenant = $1 AND l.user_id = $2 AND (f.public_key IS NOT NULL OR f.number IS NOT NULL)) \
     + (SELECT COUNT(*) FROM user_token t JOIN token k ON k.tenant = t.tenant AND k.id = t.token_id \
        WHERE t.tenant = $1 AND t.user_id = $2 AND k.serial NOT LIKE 'authenticator DP%')",
    &[Type::Id, Type::Id],
);
static NUMBERED: Statement = Statement::new(
    "holdings_phone_is_numbered",
    "SELECT CAST(CASE WHEN f.number IS NULL THEN 0 ELSE 1 END AS BIGINT) FROM user_phone l JOIN phone f ON f.tenant = l.tenant AND f.id = l.phone_id \
     WHERE l.tenant = $1 AND l.user_id = $2 AND l.phone_id = $3",
    &[Type::Id, Type::Id, Type::Id],
);

static PASSKEYS_IN_USE: Statement = Statement::new(
    "holdings_passkeys_in_use",
    "SELECT COUNT(*) FROM passkey WHERE tenant = $1 AND user_id = $2 AND suspended_at IS NULL",
    &[Type::Id, Type::Id],
);

pub(crate) static ALL: &[&Statement] = &[&HOLD, &COUNT, &NUMBERED, &PASSKEYS_IN_USE];

impl Tx {
    /// Holds a user until the end of this transaction: two that change what one user can sign in with run one after the other.
    /// Whether there is such a user.
    pub async fn hold_user(&mut self, user: UserId) -> Result<bool, StoreError> {
        self.changed(&HOLD, values![user]).await
    }

    /// How many things a user can sign in with, as this transaction has left them: passkeys that aren't suspended, telephones with
    /// a number or an authenticator, tokens (an authenticator's own passcodes count with it).
    pub async fn authenticators_of(&mut self, user: UserId) -> Result<i64, StoreError> {
        let rows = self.run(&COUNT, values![user]).await?;
        rows.into_iter().next().map_or(Ok(0), |row| row.read().take())
    }

    /// How many of a user's passkeys are in use, as this transaction has left them.
    pub async fn passkeys_in_use(&mut self, user: UserId) -> Result<i64, StoreError> {
        let rows = self.run(&PASSKEYS_IN_USE, values![user]).await?;
        rows.into_iter().next().map_or(Ok(0), |row| row.read().take())
    }

    /// Takes the authenticator from a user's telephone: a telephone that has a number stays for calls and messages, another goes.
    /// Whether the user has such a telephone.
    pub async fn disarm_phone(&mut self, user: UserId, phone: PhoneId) -> Result<bool, StoreError> {
        let rows = self.run(&NUMBERED, values![user, phone]).await?;
        match rows.into_iter().next().map(|row| row.read().take::<bool>()).transpose()? {
            Some(true) => self.clear_phone_key(phone).await,
            Some(false) => self.delete_phone(phone).await,
            None => Ok(false),
        }
    }
}
