//! Browsers in which a person is signed in to their own pages, and the one-time grants that a fresh sign-in inside one gives.

use crate::{
    engine::{Statement, StoreError, Type},
    page::{Page, Slice},
    scope::{Store, Tenant, Tx, record},
    values,
};
use types::{Millis, SessionId, UserId};

record! {
    /// A session.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct SessionRow {
        /// Its id.
        pub id: SessionId,
        /// Whose.
        pub user_id: UserId,
        /// Keyed hash of the cookie's secret.
        pub digest: Vec<u8>,
        /// How its owner signed in: `passkey`, `push`, `otp`, `sms`, `enrollment`, `recovery`, `access_pass`.
        pub strength: String,
        /// Address and browser, sealed: for its owner's eyes.
        pub detail: Vec<u8>,
        /// When it began.
        pub created: Millis,
        /// When it was last used.
        pub last_seen: Millis,
        /// When it ends by itself.
        pub expires: Millis,
        /// When it was ended.
        pub ended_at: Option<Millis>,
        /// How strongly its owner proved who they are, 1 to 4; 0 where a release wrote it that didn't say.
        pub level: i64,
        /// By what, in the words of RFC 8176 with commas between.
        pub amr: String,
        /// When; 0 where a release wrote it that didn't say.
        pub auth_time: Millis,
        /// The public key of its browser (SPKI, DER), where one binds it.
        pub bound_key: Option<Vec<u8>>,
        /// When the browser last proved that it has the key; 0 for never.
        pub proved_at: Millis,
    }
}

/// What a fresh proof of the same person makes of a session.
#[derive(Clone, Debug)]
pub struct SessionRise {
    /// Keyed hash of the cookie's secret that there was.
    pub old_digest: Vec<u8>,
    /// The new one.
    pub digest: Vec<u8>,
    /// See [`SessionRow::strength`].
    pub strength: String,
    /// See [`SessionRow::level`].
    pub level: i64,
    /// See [`SessionRow::amr`].
    pub amr: String,
    /// When it ends by itself.
    pub expires: Millis,
}

record! {
    /// Leave to do one thing once, inside one session.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct GrantRow {
        /// Keyed hash of the grant's secret.
        pub digest: Vec<u8>,
        /// In which session.
        pub session_id: SessionId,
        /// Whose.
        pub user_id: UserId,
        /// To do what.
        pub action: String,
        /// Until when.
        pub expires: Millis,
        /// When it was used.
        pub used_at: Option<Millis>,
    }
}

macro_rules! columns {
    () => {
        "id, user_id, digest, strength, detail, created, last_seen, expires, ended_at, level, amr, auth_time, bound_key, proved_at"
    };
}

static BY_ID: Statement = Statement::new(
    "session_by_id",
    concat!("SELECT ", columns!(), " FROM session WHERE tenant = $1 AND id = $2"),
    &[Type::Id, Type::Id],
);
static OF_USER: Statement = Statement::new(
    "session_of_user",
    concat!(
        "SELECT ",
        columns!(),
        " FROM session WHERE tenant = $1 AND user_id = $2 AND ended_at IS NULL AND expires > $3 ORDER BY id"
    ),
    &[Type::Id, Type::Id, Type::Int],
);
static PAGE: Statement = Statement::new(
    "session_page",
    concat!("SELECT ", columns!(), " FROM session WHERE tenant = $1 ORDER BY id LIMIT $2 OFFSET $3"),
    &[Type::Id, Type::Int, Type::Int],
);
static COUNT: Statement =
    Statement::new("session_count", "SELECT COUNT(*) FROM session WHERE tenant = $1", &[Type::Id]);
static INSERT: Statement = Statement::new(
    "session_insert",
    concat!(
        "INSERT INTO session (tenant, ",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
    ),
    &[
        Type::Id,
        Type::Id,
        Type::Id,
        Type::Bytes,
        Type::Text,
        Type::Bytes,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Text,
        Type::Int,
        Type::Bytes,
        Type::Int,
    ],
);
// Only who has seen the cookie that there was: of two rises at once one gives the new secret, and a session that has ended stays so.
static RISE: Statement = Statement::new(
    "session_rise",
    "UPDATE session SET digest = $5, strength = $6, level = $7, amr = $8, auth_time = $9, last_seen = $9, expires = $10 \
     WHERE tenant = $1 AND id = $2 AND user_id = $3 AND digest = $4 AND ended_at IS NULL AND expires > $9 RETURNING id",
    &[Type::Id, Type::Id, Type::Id, Type::Bytes, Type::Bytes, Type::Text, Type::Int, Type::Text, Type::Int, Type::Int],
);
static SEEN: Statement = Statement::new(
    "session_seen",
    "UPDATE session SET last_seen = $3 WHERE tenant = $1 AND id = $2 AND ended_at IS NULL AND expires > $3 AND last_seen < $3 \
     RETURNING id",
    &[Type::Id, Type::Id, Type::Int],
);
static END: Statement = Statement::new(
    "session_end",
    "UPDATE session SET ended_at = $4, look_at = NULL WHERE tenant = $1 AND id = $2 AND user_id = $3 AND ended_at IS NULL RETURNING id",
    &[Type::Id, Type::Id, Type::Id, Type::Int],
);
static END_ALL: Statement = Statement::new(
    "session_end_all",
    "UPDATE session SET ended_at = $4, look_at = NULL WHERE tenant = $1 AND user_id = $2 AND id IS DISTINCT FROM $3 \
     AND ended_at IS NULL RETURNING id",
    &[Type::Id, Type::Id, Type::Id, Type::Int],
);
static RESEAL: Statement = Statement::new(
    "session_reseal",
    "UPDATE session SET detail = $4 WHERE tenant = $1 AND id = $2 AND detail = $3 RETURNING id",
    &[Type::Id, Type::Id, Type::Bytes, Type::Bytes],
);
static PURGE: Statement = Statement::new(
    "session_purge",
    "DELETE FROM session WHERE (tenant, id) IN \
     (SELECT tenant, id FROM session WHERE expires < $1 ORDER BY expires LIMIT $2) RETURNING 1",
    &[Type::Int, Type::Int],
);
static GRANT: Statement = Statement::new(
    "grant_by_digest",
    "SELECT digest, session_id, user_id, action, expires, used_at FROM grants WHERE tenant = $1 AND digest = $2",
    &[Type::Id, Type::Bytes],
);
static INSERT_GRANT: Statement = Statement::new(
    "grant_insert",
    "INSERT INTO grants (tenant, digest, session_id, user_id, action, expires, used_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    &[Type::Id, Type::Bytes, Type::Id, Type::Id, Type::Text, Type::Int, Type::Int],
);
// A grant is worth nothing without its session.
static SPEND_GRANT: Statement = Statement::new(
    "grant_spend",
    "UPDATE grants SET used_at = $5 WHERE tenant = $1 AND digest = $2 AND session_id = $3 AND action = $4 AND used_at IS NULL \
     AND expires > $5 AND (SELECT COUNT(*) FROM session s WHERE s.tenant = $1 AND s.id = $3 AND s.user_id = grants.user_id \
     AND s.ended_at IS NULL AND s.expires > $5) = 1 RETURNING user_id",
    &[Type::Id, Type::Bytes, Type::Id, Type::Text, Type::Int],
);
static PURGE_GRANTS: Statement = Statement::new(
    "grant_purge",
    "DELETE FROM grants WHERE (tenant, digest) IN \
     (SELECT tenant, digest FROM grants WHERE expires < $1 ORDER BY expires LIMIT $2) RETURNING 1",
    &[Type::Int, Type::Int],
);

pub(crate) static ALL: &[&Statement] = &[
    &BY_ID,
    &OF_USER,
    &PAGE,
    &COUNT,
    &INSERT,
    &RISE,
    &SEEN,
    &END,
    &END_ALL,
    &RESEAL,
    &PURGE,
    &GRANT,
    &INSERT_GRANT,
    &SPEND_GRANT,
    &PURGE_GRANTS,
];

impl Tenant<'_> {
    /// One session, ended or not.
    pub async fn session(&self, id: SessionId) -> Result<Option<SessionRow>, StoreError> {
        self.find(&BY_ID, values![id]).await
    }

    /// A user's sessions that have not ended, oldest first.
    pub async fn sessions_of_user(&self, user: UserId, now: Millis) -> Result<Vec<SessionRow>, StoreError> {
        self.list(&OF_USER, values![user, now]).await
    }

    /// A page of all sessions that are kept, ended or not, in the order of their making.
    pub async fn sessions(&self, slice: Slice) -> Result<Page<SessionRow>, StoreError> {
        self.page(&PAGE, &COUNT, Vec::new(), slice).await
    }

    /// One grant, used or not.
    pub async fn grant(&self, digest: &[u8]) -> Result<Option<GrantRow>, StoreError> {
        self.find(&GRANT, values![digest.to_vec()]).await
    }
}

impl Tx {
    /// Begins a session.
    pub async fn insert_session(&mut self, session: &SessionRow) -> Result<(), StoreError> {
        self.run(&INSERT, session.values()).await.map(drop)
    }

    /// Gives a session another secret and what was just proved, at `now`. Whether it lives, is `user`'s, has the old secret, and this
    /// call and no other did it.
    pub async fn raise_session(
        &mut self,
        id: SessionId,
        user: UserId,
        rise: &SessionRise,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let SessionRise { old_digest, digest, strength, level, amr, expires } = rise.clone();
        self.changed(&RISE, values![id, user, old_digest, digest, strength, level, amr, now, expires]).await
    }

    /// Notes that a session was used at `now`. Whether it has not ended and that was news.
    pub async fn session_seen(&mut self, id: SessionId, now: Millis) -> Result<bool, StoreError> {
        self.changed(&SEEN, values![id, now]).await
    }

    /// Ends a user's session, and tells whoever wants to hear of it; whether that changed anything.
    pub async fn end_session(&mut self, id: SessionId, user: UserId, now: Millis) -> Result<bool, StoreError> {
        let ended = self.changed(&END, values![id, user, now]).await?;
        if ended {
            self.tell_session_ended(id, user, now).await?;
        }
        Ok(ended)
    }

    /// What follows from the end of one session, in the transaction that ends it.
    pub(crate) async fn tell_session_ended(
        &mut self,
        id: SessionId,
        user: UserId,
        now: Millis,
    ) -> Result<(), StoreError> {
        self.end_participants(id, now).await?;
        self.signal_session_ends(&[id], false, user, now).await
    }

    /// Ends all of a user's sessions but one, and tells whoever wants to hear of it; gives how many. What applications were granted for
    /// longer than a session goes on: this is for who only leaves. Wherever somebody else may have got in, it is
    /// [`end_everything_granted`](Self::end_everything_granted).
    pub async fn sign_out_everywhere(
        &mut self,
        user: UserId,
        except: Option<SessionId>,
        now: Millis,
    ) -> Result<usize, StoreError> {
        let rows = self.run(&END_ALL, values![user, except, now]).await?;
        let ended = rows.into_iter().map(|row| row.read().take()).collect::<Result<Vec<SessionId>, _>>()?;
        for id in &ended {
            self.end_participants(*id, now).await?;
        }
        self.signal_session_ends(&ended, except.is_none(), user, now).await?;
        Ok(ended.len())
    }

    /// Puts the same detail, sealed anew, in the place of `old`. Whether `old` was still there.
    pub async fn reseal_session(&mut self, id: SessionId, old: &[u8], new: &[u8]) -> Result<bool, StoreError> {
        self.changed(&RESEAL, values![id, old.to_vec(), new.to_vec()]).await
    }

    /// Gives leave to do one thing.
    pub async fn insert_grant(&mut self, grant: &GrantRow) -> Result<(), StoreError> {
        self.run(&INSERT_GRANT, grant.values()).await.map(drop)
    }

    /// Uses a grant up; whether it was for this session, which lives, and this action, in time, and this call and no other used it.
    pub async fn spend_grant(
        &mut self,
        digest: &[u8],
        session: SessionId,
        action: &str,
        now: Millis,
    ) -> Result<bool, StoreError> {
        self.changed(&SPEND_GRANT, values![digest.to_vec(), session, action, now]).await
    }
}

impl Store {
    /// Removes sessions whose time was over before `before`, of every tenant, at most `limit`; gives how many. Housekeeping.
    pub async fn purge_sessions(&self, before: Millis, limit: i64) -> Result<usize, StoreError> {
        self.purge(&PURGE, before, limit).await
    }

    /// Removes grants whose time was over before `before`, of every tenant, at most `limit`; gives how many. Housekeeping.
    pub async fn purge_grants(&self, before: Millis, limit: i64) -> Result<usize, StoreError> {
        self.purge(&PURGE_GRANTS, before, limit).await
    }
}
