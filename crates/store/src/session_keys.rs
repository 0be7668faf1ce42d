//! What binds a session to its browser: the browser's own key, in the session's row, and its device's, in a row of its own.

use crate::{
    engine::{Statement, StoreError, Type},
    scope::{Store, Tenant, Tx, record},
    values,
};
use types::{Millis, SessionId, UserId};

record! {
    /// The key of the device on which a session lives.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct SessionDeviceRow {
        /// The session.
        pub session_id: SessionId,
        /// Whose.
        pub user_id: UserId,
        /// The public key, as JSON (RFC 7517).
        pub key: String,
        /// When it was registered.
        pub created: Millis,
        /// When the session ends by itself.
        pub expires: Millis,
    }
}

static BIND: Statement = Statement::new(
    "session_bind",
    "UPDATE session SET bound_key = $3, proved_at = $4 WHERE tenant = $1 AND id = $2 AND ended_at IS NULL AND expires > $4 \
     RETURNING id",
    &[Type::Id, Type::Id, Type::Bytes, Type::Int],
);
static PROVED: Statement = Statement::new(
    "session_proved",
    "UPDATE session SET proved_at = $3 WHERE tenant = $1 AND id = $2 AND ended_at IS NULL AND expires > $3 RETURNING id",
    &[Type::Id, Type::Id, Type::Int],
);
static DEVICE: Statement = Statement::new(
    "session_device_by_session",
    "SELECT session_id, user_id, key, created, expires FROM session_device WHERE tenant = $1 AND session_id = $2",
    &[Type::Id, Type::Id],
);
static PUT_DEVICE: Statement = Statement::new(
    "session_device_put",
    "INSERT INTO session_device (tenant, session_id, user_id, key, created, expires) VALUES ($1, $2, $3, $4, $5, $6) \
     ON CONFLICT (tenant, session_id) DO UPDATE SET key = excluded.key, created = excluded.created, expires = excluded.expires",
    &[Type::Id, Type::Id, Type::Id, Type::Text, Type::Int, Type::Int],
);
static PURGE: Statement = Statement::new(
    "session_device_purge",
    "DELETE FROM session_device WHERE (tenant, session_id) IN \
     (SELECT tenant, session_id FROM session_device WHERE expires < $1 ORDER BY expires LIMIT $2) RETURNING 1",
    &[Type::Int, Type::Int],
);

pub(crate) static ALL: &[&Statement] = &[&BIND, &PROVED, &DEVICE, &PUT_DEVICE, &PURGE];

impl Tenant<'_> {
    /// The key of a session's device.
    pub async fn session_device(&self, session: SessionId) -> Result<Option<SessionDeviceRow>, StoreError> {
        self.find(&DEVICE, values![session]).await
    }
}

impl Tx {
    /// Puts a browser's key in the place of what there was; whether the session lives.
    pub async fn bind_session(&mut self, id: SessionId, key: &[u8], now: Millis) -> Result<bool, StoreError> {
        self.changed(&BIND, values![id, key.to_vec(), now]).await
    }

    /// Notes that a browser has proved its key; whether the session lives.
    pub async fn session_proved(&mut self, id: SessionId, now: Millis) -> Result<bool, StoreError> {
        self.changed(&PROVED, values![id, now]).await
    }

    /// Puts a device's key in the place of what there was.
    pub async fn put_session_device(&mut self, device: &SessionDeviceRow) -> Result<(), StoreError> {
        self.run(&PUT_DEVICE, device.values()).await.map(drop)
    }
}

impl Store {
    /// Removes keys of devices whose sessions were over before `before`, of every tenant, at most `limit`; gives how many. Housekeeping.
    pub async fn purge_session_devices(&self, before: Millis, limit: i64) -> Result<usize, StoreError> {
        self.purge(&PURGE, before, limit).await
    }
}
