//! What was granted to applications: families, and the codes and tokens in them.
//!
//! A code or a token is a keyed hash here. All that came of one sign-in hang on one family: to end it is to end them all, and a code or a
//! refresh token that is presented twice ends it, whoever was first.

use crate::{
    engine::{Statement, StoreError, Type},
    plan::{Plan, Planned},
    scope::{Record as _, Store, Tenant, Tx, record},
    session_ends::SessionTimes,
    values,
};
use types::{GrantId, Millis, SessionId, UserId};

record! {
    /// A family: what was granted, to whom, on whose behalf.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct GrantFamilyRow {
        /// Its id.
        pub id: GrantId,
        /// On whose behalf; none where an application acts for itself.
        pub user_id: Option<UserId>,
        /// To which application.
        pub ikey: String,
        /// The session with which it ends; none for one that outlives it.
        pub session_id: Option<SessionId>,
        /// What was granted, sealed.
        pub detail: Vec<u8>,
        /// When it began.
        pub created: Millis,
        /// When it ends by itself.
        pub expires: Millis,
        /// When it was ended.
        pub revoked_at: Option<Millis>,
    }
}

record! {
    /// A code or a token.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct GrantTokenRow {
        /// Its keyed hash.
        pub digest: Vec<u8>,
        /// `code`, `refresh` or `access`.
        pub kind: String,
        /// Its family.
        pub family: GrantId,
        /// How many of its kind came before it.
        pub generation: i64,
        /// What it is for, sealed, where that is less than its family's.
        pub detail: Option<Vec<u8>>,
        /// Until when.
        pub expires: Millis,
        /// When it was used, if it may be used once.
        pub used_at: Option<Millis>,
    }
}

/// A token with its family, and whether the session that it depends on lasts.
#[derive(Clone, Debug)]
pub struct StandingGrant {
    /// The token; none where the family was asked for.
    pub token: Option<GrantTokenRow>,
    /// Its family.
    pub family: GrantFamilyRow,
    /// Whether the session lasts, or none is needed.
    pub session_lasts: bool,
}

/// What is ended together.
#[derive(Clone, Copy, Debug)]
pub enum Ended<'a> {
    /// One family.
    Family(GrantId),
    /// All that depend on a session.
    Session(SessionId),
    /// All of a person.
    User(UserId),
    /// All of a person but what depends on this session of theirs.
    UserBut(UserId, SessionId),
    /// All of an application.
    Client(&'a str),
    /// All of a person at one application.
    UserAt(UserId, &'a str),
    /// All of the tenant.
    Everything,
}

/// What ended when everything did that was granted to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedOfUser {
    /// Sessions of browsers.
    pub sessions: usize,
    /// What applications were granted.
    pub grants: usize,
}

macro_rules! family {
    () => {
        "f.id, f.user_id, f.ikey, f.session_id, f.detail, f.created, f.expires, f.revoked_at, \
         CAST(CASE WHEN f.session_id IS NULL OR EXISTS (SELECT 1 FROM session s WHERE s.tenant = f.tenant AND s.id = f.session_id \
         AND s.ended_at IS NULL AND s.expires > $3 AND s.last_seen > $4 AND (s.auth_time > $5 OR s.created > $5)) THEN 1 ELSE 0 END AS BIGINT)"
    };
}

static INSERT_FAMILY: Statement = Statement::new(
    "grant_family_insert",
    "INSERT INTO grant_family (tenant, id, user_id, ikey, session_id, detail, created, expires, revoked_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    &[Type::Id, Type::Id, Type::Id, Type::Text, Type::Id, Type::Bytes, Type::Int, Type::Int, Type::Int],
);
static INSERT_TOKEN: Statement = Statement::new(
    "grant_token_insert",
    "INSERT INTO grant_token (tenant, digest, kind, family, generation, detail, expires, used_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    &[Type::Id, Type::Bytes, Type::Text, Type::Id, Type::Int, Type::Bytes, Type::Int, Type::Int],
);
static BY_TOKEN: Statement = Statement::new(
    "grant_by_token",
    concat!(
        "SELECT t.digest, t.kind, t.family, t.generation, t.detail, t.expires, t.used_at, ",
        family!(),
        " FROM grant_token t JOIN grant_family f ON f.tenant = t.tenant AND f.id = t.family WHERE t.tenant = $1 AND t.digest = $2"
    ),
    &[Type::Id, Type::Bytes, Type::Int, Type::Int, Type::Int],
);
static BY_ID: Statement = Statement::new(
    "grant_by_id",
    concat!("SELECT ", family!(), " FROM grant_family f WHERE f.tenant = $1 AND f.id = $2"),
    &[Type::Id, Type::Id, Type::Int, Type::Int, Type::Int],
);
static SPEND: Statement = Statement::new(
    "grant_token_spend",
    "UPDATE grant_token SET used_at = $4 WHERE tenant = $1 AND digest = $2 AND kind = $3 AND used_at IS NULL AND expires > $4 \
     RETURNING family",
    &[Type::Id, Type::Bytes, Type::Text, Type::Int],
);
static SLIDE: Statement = Statement::new(
    "grant_token_slide",
    "UPDATE grant_token SET expires = $4 WHERE tenant = $1 AND digest = $2 AND kind = $3 AND used_at IS NULL AND expires > $5 \
     AND expires < $4 RETURNING family",
    &[Type::Id, Type::Bytes, Type::Text, Type::Int, Type::Int],
);
static SETTLE: Statement = Statement::new(
    "grant_family_settle",
    "UPDATE grant_family SET detail = $3, expires = $4 WHERE tenant = $1 AND id = $2 AND revoked_at IS NULL RETURNING id",
    &[Type::Id, Type::Id, Type::Bytes, Type::Int],
);
static REVOKE: Statement = Statement::new(
    "grant_revoke",
    "UPDATE grant_family SET revoked_at = $3 WHERE tenant = $1 AND id = $2 AND revoked_at IS NULL RETURNING id",
    &[Type::Id, Type::Id, Type::Int],
);
static REVOKE_SESSION: Statement = Statement::new(
    "grant_revoke_session",
    "UPDATE grant_family SET revoked_at = $3 WHERE tenant = $1 AND session_id = $2 AND revoked_at IS NULL RETURNING id",
    &[Type::Id, Type::Id, Type::Int],
);
static REVOKE_USER: Statement = Statement::new(
    "grant_revoke_user",
    "UPDATE grant_family SET revoked_at = $3 WHERE tenant = $1 AND user_id = $2 AND revoked_at IS NULL RETURNING id",
    &[Type::Id, Type::Id, Type::Int],
);
static REVOKE_USER_BUT: Statement = Statement::new(
    "grant_revoke_user_but",
    "UPDATE grant_family SET revoked_at = $4 WHERE tenant = $1 AND user_id = $2 AND (session_id IS NULL OR session_id <> $3) \
     AND revoked_at IS NULL RETURNING id",
    &[Type::Id, Type::Id, Type::Id, Type::Int],
);
static REVOKE_CLIENT: Statement = Statement::new(
    "grant_revoke_client",
    "UPDATE grant_family SET revoked_at = $3 WHERE tenant = $1 AND ikey = $2 AND revoked_at IS NULL RETURNING id",
    &[Type::Id, Type::Text, Type::Int],
);
static REVOKE_USER_AT: Statement = Statement::new(
    "grant_revoke_user_at",
    "UPDATE grant_family SET revoked_at = $4 WHERE tenant = $1 AND user_id = $2 AND ikey = $3 AND revoked_at IS NULL RETURNING id",
    &[Type::Id, Type::Id, Type::Text, Type::Int],
);
static REVOKE_ALL: Statement = Statement::new(
    "grant_revoke_all",
    "UPDATE grant_family SET revoked_at = $2 WHERE tenant = $1 AND ikey > '' AND revoked_at IS NULL RETURNING id",
    &[Type::Id, Type::Int],
);
static PURGE_TOKENS: Statement = Statement::new(
    "grant_token_purge",
    "DELETE FROM grant_token WHERE (tenant, digest) IN \
     (SELECT tenant, digest FROM grant_token WHERE expires < $1 ORDER BY expires LIMIT $2) RETURNING 1",
    &[Type::Int, Type::Int],
);
static PURGE_FAMILIES: Statement = Statement::new(
    "grant_family_purge",
    "DELETE FROM grant_family WHERE (tenant, id) IN \
     (SELECT tenant, id FROM grant_family WHERE expires < $1 ORDER BY expires LIMIT $2) RETURNING 1",
    &[Type::Int, Type::Int],
);

pub(crate) static ALL: &[&Statement] = &[
    &INSERT_FAMILY,
    &INSERT_TOKEN,
    &BY_TOKEN,
    &BY_ID,
    &SPEND,
    &SLIDE,
    &SETTLE,
    &REVOKE,
    &REVOKE_SESSION,
    &REVOKE_USER,
    &REVOKE_USER_BUT,
    &REVOKE_CLIENT,
    &REVOKE_USER_AT,
    &REVOKE_ALL,
    &PURGE_TOKENS,
    &PURGE_FAMILIES,
];

impl Tenant<'_> {
    /// A token with its family, in whatever state. `times`: what its session must reach, if it has one.
    pub async fn grant_by_token(
        &self,
        digest: &[u8],
        times: SessionTimes,
    ) -> Result<Option<StandingGrant>, StoreError> {
        let SessionTimes { now, seen_after, proved_after } = times;
        let rows = self.read(&BY_TOKEN, values![digest.to_vec(), now, seen_after, proved_after]).await?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        let mut columns = row.read();
        let token = Some(GrantTokenRow::from_columns(&mut columns)?);
        let family = GrantFamilyRow::from_columns(&mut columns)?;
        Ok(Some(StandingGrant { token, family, session_lasts: columns.take()? }))
    }

    /// A family in whatever state, and until when each of these marks stands, where it does: one question to the engine.
    pub async fn grant_family_and_marks(
        &self,
        id: Option<GrantId>,
        marks: &[[u8; 32]],
        times: SessionTimes,
    ) -> Result<(Option<StandingGrant>, Vec<Option<Millis>>), StoreError> {
        let SessionTimes { now, seen_after, proved_after } = times;
        let mut asked = Vec::with_capacity(marks.len() + 1);
        if let Some(id) = id {
            asked.push((&BY_ID, values![self.id, id, now, seen_after, proved_after]));
        }
        for mark in marks {
            asked.push((crate::grant_requests::mark(), values![self.id, mark.to_vec()]));
        }
        let mut answers = self.store.engine().read(asked).await?.into_iter();
        let row = if id.is_some() { answers.next().unwrap_or_default().into_iter().next() } else { None };
        let until = |rows: Vec<crate::engine::Row>| rows.into_iter().next().map(|row| row.read().take()).transpose();
        let marked = answers.map(until).collect::<Result<Vec<Option<Millis>>, _>>()?;
        let Some(row) = row else { return Ok((None, marked)) };
        let mut columns = row.read();
        let family = GrantFamilyRow::from_columns(&mut columns)?;
        Ok((Some(StandingGrant { token: None, family, session_lasts: columns.take()? }), marked))
    }

    /// A family, in whatever state.
    pub async fn grant_family(&self, id: GrantId, times: SessionTimes) -> Result<Option<StandingGrant>, StoreError> {
        let SessionTimes { now, seen_after, proved_after } = times;
        let rows = self.read(&BY_ID, values![id, now, seen_after, proved_after]).await?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        let mut columns = row.read();
        let family = GrantFamilyRow::from_columns(&mut columns)?;
        Ok(Some(StandingGrant { token: None, family, session_lasts: columns.take()? }))
    }
}

impl Plan<'_> {
    /// Begins a family.
    pub fn insert_grant_family(&mut self, family: &GrantFamilyRow) -> Planned {
        self.add(&INSERT_FAMILY, family.values())
    }

    /// Adds a code or a token.
    pub fn insert_grant_token(&mut self, token: &GrantTokenRow) -> Planned {
        self.add(&INSERT_TOKEN, token.values())
    }

    /// As [`Tx::spend_grant_token`].
    pub fn spend_grant_token(&mut self, digest: &[u8], kind: &str, now: Millis) -> Planned {
        self.add(&SPEND, values![digest.to_vec(), kind, now])
    }

    /// Lets a token last until `expires`, if it is in time and would end sooner.
    pub fn prolong_grant_token(&mut self, digest: &[u8], kind: &str, expires: Millis, now: Millis) -> Planned {
        self.add(&SLIDE, values![digest.to_vec(), kind, expires, now])
    }

    /// Writes what was granted anew, if the family has not been ended.
    pub fn settle_grant_family(&mut self, id: GrantId, detail: &[u8], expires: Millis) -> Planned {
        self.add(&SETTLE, values![id, detail.to_vec(), expires])
    }

    /// Ends one family, with all codes and tokens in it.
    pub fn revoke_grant_family(&mut self, id: GrantId, now: Millis) -> Planned {
        self.add(&REVOKE, values![id, now])
    }
}

impl Tx {
    /// Uses a code or a token that may be used once; whether it was unused, in time, and this call and no other did.
    pub async fn spend_grant_token(&mut self, digest: &[u8], kind: &str, now: Millis) -> Result<bool, StoreError> {
        self.changed(&SPEND, values![digest.to_vec(), kind, now]).await
    }

    /// Ends everything that was granted to a person: sessions, and what applications were granted, also what would go on without the
    /// session and what a device was allowed and has not fetched yet. For whatever says that somebody else may have it, or that the
    /// person may have nothing any more.
    ///
    /// `except` is the session in which its owner asks for this: it stays, with what depends on it.
    pub async fn end_everything_granted(
        &mut self,
        user: UserId,
        except: Option<SessionId>,
        now: Millis,
    ) -> Result<EndedOfUser, StoreError> {
        // Sessions first: who writes a grant holds its session, so that grant is there when grants are ended, or is never written.
        let sessions = self.sign_out_everywhere(user, except, now).await?;
        let which = except.map_or(Ended::User(user), |session| Ended::UserBut(user, session));
        Ok(EndedOfUser { sessions, grants: self.revoke_grants(which, now).await? })
    }

    /// Ends families, with all codes and tokens in them, and what devices were allowed and have not fetched yet; gives how many families.
    pub async fn revoke_grants(&mut self, which: Ended<'_>, now: Millis) -> Result<usize, StoreError> {
        // Devices first: a device that is fetching in this moment has its family when the families are ended, or gets none.
        self.deny_allowed_devices(which).await?;
        let rows = match which {
            Ended::Family(id) => self.run(&REVOKE, values![id, now]).await?,
            Ended::Session(id) => self.run(&REVOKE_SESSION, values![id, now]).await?,
            Ended::User(id) => self.run(&REVOKE_USER, values![id, now]).await?,
            Ended::UserBut(id, session) => self.run(&REVOKE_USER_BUT, values![id, session, now]).await?,
            Ended::Client(ikey) => self.run(&REVOKE_CLIENT, values![ikey, now]).await?,
            Ended::UserAt(id, ikey) => self.run(&REVOKE_USER_AT, values![id, ikey, now]).await?,
            Ended::Everything => self.run(&REVOKE_ALL, values![now]).await?,
        };
        Ok(rows.len())
    }
}

impl Store {
    /// Removes tokens whose time was over before `before`, of every tenant, at most `limit`; gives how many. Housekeeping.
    pub async fn purge_grant_tokens(&self, before: Millis, limit: i64) -> Result<usize, StoreError> {
        self.purge(&PURGE_TOKENS, before, limit).await
    }

    /// As [`purge_grant_tokens`](Self::purge_grant_tokens), for families.
    pub async fn purge_grant_families(&self, before: Millis, limit: i64) -> Result<usize, StoreError> {
        self.purge(&PURGE_FAMILIES, before, limit).await
    }
}
