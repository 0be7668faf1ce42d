//! Browsers in which a user has signed in before: a push may be offered there, and a new one is worth a notice.

use crate::{
    engine::{Statement, StoreError, Type},
    scope::{Store, Tenant, Tx},
    values,
};
use types::{Millis, UserId};

static KNOWN: Statement = Statement::new(
    "browser_known",
    "SELECT 1 FROM browser WHERE tenant = $1 AND user_id = $2 AND digest = $3 AND expires > $4",
    &[Type::Id, Type::Id, Type::Bytes, Type::Int],
);
static KNOW: Statement = Statement::new(
    "browser_know",
    "INSERT INTO browser (tenant, user_id, digest, created, last_used, expires) VALUES ($1, $2, $3, $4, $4, $5) \
     ON CONFLICT (tenant, user_id, digest) DO UPDATE SET last_used = excluded.last_used, expires = excluded.expires",
    &[Type::Id, Type::Id, Type::Bytes, Type::Int, Type::Int],
);
static FORGET: Statement =
    Statement::new("browser_forget", "DELETE FROM browser WHERE tenant = $1 AND user_id = $2", &[Type::Id, Type::Id]);
static PURGE: Statement = Statement::new(
    "browser_purge",
    "DELETE FROM browser WHERE (tenant, user_id, digest) IN \
     (SELECT tenant, user_id, digest FROM browser WHERE expires < $1 ORDER BY expires LIMIT $2) RETURNING 1",
    &[Type::Int, Type::Int],
);

pub(crate) static ALL: &[&Statement] = &[&KNOWN, &KNOW, &FORGET, &PURGE];

impl Tenant<'_> {
    /// Whether the user has signed in with this browser before.
    pub async fn browser_known(&self, user: UserId, digest: &[u8], now: Millis) -> Result<bool, StoreError> {
        Ok(!self.read(&KNOWN, values![user, digest.to_vec(), now]).await?.is_empty())
    }
}

impl Tx {
    /// Knows a browser from now on until `expires`; for one that is known already, both times move.
    pub async fn know_browser(
        &mut self,
        user: UserId,
        digest: [u8; 32],
        now: Millis,
        expires: Millis,
    ) -> Result<(), StoreError> {
        self.run(&KNOW, values![user, digest, now, expires]).await.map(drop)
    }

    /// Forgets all of a user's browsers.
    pub async fn forget_browsers(&mut self, user: UserId) -> Result<(), StoreError> {
        self.run(&FORGET, values![user]).await.map(drop)
    }
}

impl Store {
    /// Removes browsers whose time was over before `before`, of every tenant, at most `limit`; gives how many. Housekeeping.
    pub async fn purge_browsers(&self, before: Millis, limit: i64) -> Result<usize, StoreError> {
        self.purge(&PURGE, before, limit).await
    }
}
