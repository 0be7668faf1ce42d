//! What stands before a grant: what may be seen once (proofs, assertions), requests that a client pushed, and codes for devices.

use crate::{
    engine::{Statement, StoreError, Type},
    grants::Ended,
    plan::{Plan, Planned},
    scope::{Store, Tenant, Tx, record},
    values,
};
use types::{Millis, SessionId, UserId};

record! {
    /// An authorisation request that a client sent ahead (RFC 9126).
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct PushedRequestRow {
        /// Keyed hash of its `request_uri`.
        pub digest: Vec<u8>,
        /// Whose.
        pub ikey: String,
        /// Its parameters, sealed.
        pub sealed: Vec<u8>,
        /// Until when it can be used.
        pub expires: Millis,
    }
}

record! {
    /// What a device asked for, while somebody says yes to it in a browser (RFC 8628).
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct DeviceGrantRow {
        /// Keyed hash of the device code.
        pub digest: Vec<u8>,
        /// Keyed hash of the code that a person types.
        pub user_code: Vec<u8>,
        /// By which application.
        pub ikey: String,
        /// `pending`, `allowed`, `denied` or `redeemed`.
        pub state: String,
        /// What was asked, sealed; once it is allowed, what was granted.
        pub sealed: Vec<u8>,
        /// Who said yes.
        pub user_id: Option<UserId>,
        /// In which session.
        pub session_id: Option<SessionId>,
        /// When the device may ask next.
        pub next_poll: Millis,
        /// Seconds between its questions.
        pub pause: i64,
        /// When it was asked.
        pub created: Millis,
        /// Until when.
        pub expires: Millis,
    }
}

macro_rules! device {
    () => {
        "digest, user_code, ikey, state, sealed, user_id, session_id, next_poll, pause, created, expires"
    };
}

static SPEND_ONCE: Statement = Statement::new(
    "spent_insert",
    "INSERT INTO spent (tenant, digest, expires) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING expires",
    &[Type::Id, Type::Bytes, Type::Int],
);
static WAS_SPENT: Statement = Statement::new(
    "spent_by_digest",
    "SELECT expires FROM spent WHERE tenant = $1 AND digest = $2",
    &[Type::Id, Type::Bytes],
);
static MARK: Statement = Statement::new(
    "spent_mark",
    "INSERT INTO spent (tenant, digest, expires) VALUES ($1, $2, $3) \
     ON CONFLICT (tenant, digest) DO UPDATE SET expires = excluded.expires RETURNING expires",
    &[Type::Id, Type::Bytes, Type::Int],
);
static PURGE_SPENT: Statement = Statement::new(
    "spent_purge",
    "DELETE FROM spent WHERE (tenant, digest) IN \
     (SELECT tenant, digest FROM spent WHERE expires < $1 ORDER BY expires LIMIT $2) RETURNING 1",
    &[Type::Int, Type::Int],
);
static PUSH: Statement = Statement::new(
    "pushed_request_insert",
    "INSERT INTO pushed_request (tenant, digest, ikey, sealed, expires) VALUES ($1, $2, $3, $4, $5)",
    &[Type::Id, Type::Bytes, Type::Text, Type::Bytes, Type::Int],
);
static TAKE: Statement = Statement::new(
    "pushed_request_take",
    "DELETE FROM pushed_request WHERE tenant = $1 AND digest = $2 AND ikey = $3 AND expires > $4 \
     RETURNING digest, ikey, sealed, expires",
    &[Type::Id, Type::Bytes, Type::Text, Type::Int],
);
static PURGE_PUSHED: Statement = Statement::new(
    "pushed_request_purge",
    "DELETE FROM pushed_request WHERE (tenant, digest) IN \
     (SELECT tenant, digest FROM pushed_request WHERE expires < $1 ORDER BY expires LIMIT $2) RETURNING 1",
    &[Type::Int, Type::Int],
);
static DEVICE_INSERT: Statement = Statement::new(
    "device_grant_insert",
    concat!(
        "INSERT INTO device_grant (tenant, ",
        device!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
    ),
    &[
        Type::Id,
        Type::Bytes,
        Type::Bytes,
        Type::Text,
        Type::Text,
        Type::Bytes,
        Type::Id,
        Type::Id,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Int,
    ],
);
static DEVICE_BY_CODE: Statement = Statement::new(
    "device_grant_by_code",
    concat!("SELECT ", device!(), " FROM device_grant WHERE tenant = $1 AND digest = $2"),
    &[Type::Id, Type::Bytes],
);
static DEVICE_BY_USER_CODE: Statement = Statement::new(
    "device_grant_by_user_code",
    concat!("SELECT ", device!(), " FROM device_grant WHERE tenant = $1 AND user_code = $2"),
    &[Type::Id, Type::Bytes],
);
static DEVICE_DECIDE: Statement = Statement::new(
    "device_grant_decide",
    "UPDATE device_grant SET state = $3, user_id = $4, session_id = $5, sealed = $6 \
     WHERE tenant = $1 AND digest = $2 AND state = 'pending' AND expires > $7 RETURNING digest",
    &[Type::Id, Type::Bytes, Type::Text, Type::Id, Type::Id, Type::Bytes, Type::Int],
);
static DEVICE_POLL: Statement = Statement::new(
    "device_grant_poll",
    "UPDATE device_grant SET next_poll = $3, pause = $4 WHERE tenant = $1 AND digest = $2 AND state = 'pending' RETURNING digest",
    &[Type::Id, Type::Bytes, Type::Int, Type::Int],
);
static DEVICE_REDEEM: Statement = Statement::new(
    "device_grant_redeem",
    "UPDATE device_grant SET state = 'redeemed' WHERE tenant = $1 AND digest = $2 AND state = 'allowed' AND expires > $3 \
     RETURNING digest",
    &[Type::Id, Type::Bytes, Type::Int],
);
static DENY_USER: Statement = Statement::new(
    "device_grant_deny_user",
    "UPDATE device_grant SET state = 'denied' WHERE tenant = $1 AND user_id = $2 AND state = 'allowed' RETURNING digest",
    &[Type::Id, Type::Id],
);
static DENY_USER_BUT: Statement = Statement::new(
    "device_grant_deny_user_but",
    "UPDATE device_grant SET state = 'denied' WHERE tenant = $1 AND user_id = $2 AND (session_id IS NULL OR session_id <> $3) \
     AND state = 'allowed' RETURNING digest",
    &[Type::Id, Type::Id, Type::Id],
);
static DENY_USER_AT: Statement = Statement::new(
    "device_grant_deny_user_at",
    "UPDATE device_grant SET state = 'denied' WHERE tenant = $1 AND user_id = $2 AND ikey = $3 AND state = 'allowed' \
     RETURNING digest",
    &[Type::Id, Type::Id, Type::Text],
);
static DENY_CLIENT: Statement = Statement::new(
    "device_grant_deny_client",
    "UPDATE device_grant SET state = 'denied' WHERE tenant = $1 AND user_id IS NOT NULL AND ikey = $2 AND state = 'allowed' \
     RETURNING digest",
    &[Type::Id, Type::Text],
);
static DENY_ALL: Statement = Statement::new(
    "device_grant_deny_all",
    "UPDATE device_grant SET state = 'denied' WHERE tenant = $1 AND user_id IS NOT NULL AND state = 'allowed' RETURNING digest",
    &[Type::Id],
);
static PURGE_DEVICES: Statement = Statement::new(
    "device_grant_purge",
    "DELETE FROM device_grant WHERE (tenant, digest) IN \
     (SELECT tenant, digest FROM device_grant WHERE expires < $1 ORDER BY expires LIMIT $2) RETURNING 1",
    &[Type::Int, Type::Int],
);

pub(crate) static ALL: &[&Statement] = &[
    &SPEND_ONCE,
    &WAS_SPENT,
    &MARK,
    &PURGE_SPENT,
    &PUSH,
    &TAKE,
    &PURGE_PUSHED,
    &DEVICE_INSERT,
    &DEVICE_BY_CODE,
    &DEVICE_BY_USER_CODE,
    &DEVICE_DECIDE,
    &DEVICE_POLL,
    &DEVICE_REDEEM,
    &DENY_USER,
    &DENY_USER_BUT,
    &DENY_USER_AT,
    &DENY_CLIENT,
    &DENY_ALL,
    &PURGE_DEVICES,
];

/// For those who ask it together with something else.
pub(crate) const fn mark() -> &'static Statement {
    &WAS_SPENT
}

impl Tenant<'_> {
    /// A device's request, by the hash of the device's code.
    pub async fn device_grant(&self, digest: &[u8]) -> Result<Option<DeviceGrantRow>, StoreError> {
        self.find(&DEVICE_BY_CODE, values![digest.to_vec()]).await
    }

    /// A device's request, by the hash of the code that a person types.
    pub async fn device_grant_by_user_code(&self, digest: &[u8]) -> Result<Option<DeviceGrantRow>, StoreError> {
        self.find(&DEVICE_BY_USER_CODE, values![digest.to_vec()]).await
    }
}

impl Plan<'_> {
    /// Fetches what was allowed, if it is in time and nobody else has.
    pub fn redeem_device_grant(&mut self, digest: &[u8], now: Millis) -> Planned {
        self.add(&DEVICE_REDEEM, values![digest.to_vec(), now])
    }
}

impl Tx {
    /// Notes that something was seen that may be seen once until `expires`; whether it was new, and this call and no other saw it.
    pub async fn spend_once(&mut self, digest: &[u8], expires: Millis) -> Result<bool, StoreError> {
        self.changed(&SPEND_ONCE, values![digest.to_vec(), expires]).await
    }

    /// Sets a mark until `expires`, or moves it there.
    pub async fn set_mark(&mut self, digest: &[u8], expires: Millis) -> Result<(), StoreError> {
        self.run(&MARK, values![digest.to_vec(), expires]).await.map(drop)
    }

    /// Keeps a pushed request.
    pub async fn insert_pushed_request(&mut self, request: &PushedRequestRow) -> Result<(), StoreError> {
        self.run(&PUSH, request.values()).await.map(drop)
    }

    /// Takes a pushed request of `ikey` out; of many who try, one gets it.
    pub async fn take_pushed_request(
        &mut self,
        digest: &[u8],
        ikey: &str,
        now: Millis,
    ) -> Result<Option<PushedRequestRow>, StoreError> {
        use crate::scope::Record as _;
        let rows = self.run(&TAKE, values![digest.to_vec(), ikey, now]).await?;
        rows.into_iter().next().map(PushedRequestRow::from_row).transpose()
    }

    /// Keeps a device's request. [`StoreError::Duplicate`] if its user code is in use.
    pub async fn insert_device_grant(&mut self, grant: &DeviceGrantRow) -> Result<(), StoreError> {
        self.run(&DEVICE_INSERT, grant.values()).await.map(drop)
    }

    /// Says yes (`allowed`) or no (`denied`) to a device's request; whether it was undecided, in time, and this call and no other did.
    pub async fn decide_device_grant(
        &mut self,
        digest: &[u8],
        state: &str,
        who: Option<(UserId, Option<SessionId>)>,
        sealed: &[u8],
        now: Millis,
    ) -> Result<bool, StoreError> {
        let (user, session) = (who.map(|who| who.0), who.and_then(|who| who.1));
        self.changed(&DEVICE_DECIDE, values![digest.to_vec(), state, user, session, sealed.to_vec(), now]).await
    }

    /// Notes when the device may ask next.
    pub async fn poll_device_grant(&mut self, digest: &[u8], next: Millis, pause: i64) -> Result<bool, StoreError> {
        self.changed(&DEVICE_POLL, values![digest.to_vec(), next, pause]).await
    }

    /// Takes back what devices were allowed and have not fetched yet.
    pub(crate) async fn deny_allowed_devices(&mut self, which: Ended<'_>) -> Result<(), StoreError> {
        let denied = match which {
            // What has its family isn't waiting any more, and what depends on a session is refused when that has ended.
            Ended::Family(_) | Ended::Session(_) => return Ok(()),
            Ended::User(id) => self.run(&DENY_USER, values![id]).await?,
            Ended::UserBut(id, session) => self.run(&DENY_USER_BUT, values![id, session]).await?,
            Ended::UserAt(id, ikey) => self.run(&DENY_USER_AT, values![id, ikey]).await?,
            Ended::Client(ikey) => self.run(&DENY_CLIENT, values![ikey]).await?,
            Ended::Everything => self.run(&DENY_ALL, values![]).await?,
        };
        drop(denied);
        Ok(())
    }
}

impl Store {
    /// Removes what was over before `before`, of every tenant, at most `limit` of each kind; gives how many. Housekeeping.
    pub async fn purge_grant_requests(&self, before: Millis, limit: i64) -> Result<usize, StoreError> {
        Ok(self.purge(&PURGE_SPENT, before, limit).await?
            + self.purge(&PURGE_PUSHED, before, limit).await?
            + self.purge(&PURGE_DEVICES, before, limit).await?)
    }
}
