//! Single sign-on: what relying parties have asked for, in which sessions people are signed in to them, and what people agreed to.
//!
//! A request is released once, by a conditional update. A session has one row for each relying party, which is told when it ends.

use crate::{
    engine::{Statement, StoreError, Type},
    plan::{Plan, Planned},
    scope::{Record, Store, Tenant, Tx, record},
    values,
};
use types::{Millis, SessionId, SsoRequestId, UserId};

record! {
    /// What a relying party asked for, while its person signs in.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct SsoRequestRow {
        /// Its id, which stands in an address.
        pub id: SsoRequestId,
        /// Of which relying party.
        pub ikey: String,
        /// Keyed hash of the secret in the browser's cookie.
        pub browser: Vec<u8>,
        /// The request, sealed.
        pub sealed: Vec<u8>,
        /// When it came.
        pub created: Millis,
        /// Until when it can be answered.
        pub expires: Millis,
        /// When it was answered.
        pub released_at: Option<Millis>,
    }
}

record! {
    /// A relying party that somebody is signed in to by a session.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct ParticipantRow {
        /// The session here.
        pub session_id: SessionId,
        /// Which relying party.
        pub ikey: String,
        /// What the session is called there: OpenID Connect's `sid`, SAML's `SessionIndex`. Once in a tenant.
        pub sid: String,
        /// Whose session.
        pub user_id: UserId,
        /// What the end must name beside: a name identifier, say. Sealed.
        pub detail: Vec<u8>,
        /// When it was signed in to first.
        pub created: Millis,
        /// When it isn't worth telling any more.
        pub expires: Millis,
        /// When it was ended.
        pub ended_at: Option<Millis>,
    }
}

record! {
    /// What a person lets a relying party know.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct ConsentRow {
        /// Who agreed.
        pub user_id: UserId,
        /// For which relying party.
        pub ikey: String,
        /// To which scopes, with spaces between, in their order.
        pub scopes: String,
        /// When, at last.
        pub created: Millis,
    }
}

macro_rules! participant {
    () => {
        "session_id, ikey, sid, user_id, detail, created, expires, ended_at"
    };
}

static REQUEST: Statement = Statement::new(
    "sso_request_by_id",
    "SELECT id, ikey, browser, sealed, created, expires, released_at FROM sso_request WHERE tenant = $1 AND id = $2",
    &[Type::Id, Type::Id],
);
static INSERT_REQUEST: Statement = Statement::new(
    "sso_request_insert",
    "INSERT INTO sso_request (tenant, id, ikey, browser, sealed, created, expires, released_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    &[Type::Id, Type::Id, Type::Text, Type::Bytes, Type::Bytes, Type::Int, Type::Int, Type::Int],
);
static RELEASE: Statement = Statement::new(
    "sso_request_release",
    "UPDATE sso_request SET released_at = $3 WHERE tenant = $1 AND id = $2 AND released_at IS NULL AND expires > $3 RETURNING id",
    &[Type::Id, Type::Id, Type::Int],
);
static PURGE_REQUESTS: Statement = Statement::new(
    "sso_request_purge",
    "DELETE FROM sso_request WHERE (tenant, id) IN \
     (SELECT tenant, id FROM sso_request WHERE expires < $1 ORDER BY expires LIMIT $2) RETURNING 1",
    &[Type::Int, Type::Int],
);
static PARTICIPANTS: Statement = Statement::new(
    "sso_participants",
    concat!("SELECT ", participant!(), " FROM sso_participant WHERE tenant = $1 AND session_id = $2 ORDER BY ikey"),
    &[Type::Id, Type::Id],
);
static BY_SID: Statement = Statement::new(
    "sso_participant_by_sid",
    concat!("SELECT ", participant!(), " FROM sso_participant WHERE tenant = $1 AND sid = $2"),
    &[Type::Id, Type::Text],
);
static OF_USER: Statement = Statement::new(
    "sso_participants_of_user",
    concat!(
        "SELECT ",
        participant!(),
        " FROM sso_participant WHERE tenant = $1 AND user_id = $2 AND ended_at IS NULL AND expires > $3 ORDER BY session_id, ikey"
    ),
    &[Type::Id, Type::Id, Type::Int],
);
// A sign-in to the same relying party in the same session puts its detail in place; where it was ended there alone, it begins again.
static PUT: Statement = Statement::new(
    "sso_participant_put",
    concat!(
        "INSERT INTO sso_participant (tenant, ",
        participant!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (tenant, session_id, ikey) \
         DO UPDATE SET detail = EXCLUDED.detail, expires = EXCLUDED.expires, ended_at = NULL"
    ),
    &[Type::Id, Type::Id, Type::Text, Type::Text, Type::Id, Type::Bytes, Type::Int, Type::Int, Type::Int],
);
static END: Statement = Statement::new(
    "sso_participants_end",
    concat!(
        "UPDATE sso_participant SET ended_at = $3 WHERE tenant = $1 AND session_id = $2 AND ended_at IS NULL RETURNING ",
        participant!()
    ),
    &[Type::Id, Type::Id, Type::Int],
);
static PURGE_PARTICIPANTS: Statement = Statement::new(
    "sso_participant_purge",
    "DELETE FROM sso_participant WHERE (tenant, session_id, ikey) IN \
     (SELECT tenant, session_id, ikey FROM sso_participant WHERE expires < $1 ORDER BY expires LIMIT $2) RETURNING 1",
    &[Type::Int, Type::Int],
);
// A write, so that whoever ends the session in the same moment comes before or after, and never between.
static HOLD_SESSION: Statement = Statement::new(
    "sso_hold_session",
    "UPDATE session SET ended_at = ended_at WHERE tenant = $1 AND id = $2 AND user_id = $3 AND ended_at IS NULL AND expires > $4 \
     RETURNING expires",
    &[Type::Id, Type::Id, Type::Id, Type::Int],
);
static CONSENT: Statement = Statement::new(
    "consent_of",
    "SELECT user_id, ikey, scopes, created FROM consent WHERE tenant = $1 AND user_id = $2 AND ikey = $3",
    &[Type::Id, Type::Id, Type::Text],
);
static CONSENTS: Statement = Statement::new(
    "consents_of_user",
    "SELECT user_id, ikey, scopes, created FROM consent WHERE tenant = $1 AND user_id = $2 ORDER BY ikey",
    &[Type::Id, Type::Id],
);
static PUT_CONSENT: Statement = Statement::new(
    "consent_put",
    "INSERT INTO consent (tenant, user_id, ikey, scopes, created) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (tenant, user_id, ikey) DO UPDATE SET scopes = EXCLUDED.scopes, created = EXCLUDED.created",
    &[Type::Id, Type::Id, Type::Text, Type::Text, Type::Int],
);
static HOLD_CONSENT: Statement = Statement::new(
    "consent_hold",
    "UPDATE consent SET created = created WHERE tenant = $1 AND user_id = $2 AND ikey = $3 RETURNING ikey",
    &[Type::Id, Type::Id, Type::Text],
);
static WITHDRAW: Statement = Statement::new(
    "consent_withdraw",
    "DELETE FROM consent WHERE tenant = $1 AND user_id = $2 AND ikey = $3 RETURNING ikey",
    &[Type::Id, Type::Id, Type::Text],
);

pub(crate) static ALL: &[&Statement] = &[
    &REQUEST,
    &INSERT_REQUEST,
    &RELEASE,
    &PURGE_REQUESTS,
    &PARTICIPANTS,
    &BY_SID,
    &OF_USER,
    &PUT,
    &END,
    &PURGE_PARTICIPANTS,
    &HOLD_SESSION,
    &CONSENT,
    &CONSENTS,
    &PUT_CONSENT,
    &HOLD_CONSENT,
    &WITHDRAW,
];

impl Tenant<'_> {
    /// One request, answered or not, its time over or not.
    pub async fn sso_request(&self, id: SsoRequestId) -> Result<Option<SsoRequestRow>, StoreError> {
        self.find(&REQUEST, values![id]).await
    }

    /// The relying parties that a session is signed in to, ended or not.
    pub async fn participants(&self, session: SessionId) -> Result<Vec<ParticipantRow>, StoreError> {
        self.list(&PARTICIPANTS, values![session]).await
    }

    /// The session that a relying party knows as `sid`.
    pub async fn participant_by_sid(&self, sid: &str) -> Result<Option<ParticipantRow>, StoreError> {
        self.find(&BY_SID, values![sid]).await
    }

    /// Where a user is signed in, in all their sessions.
    pub async fn participants_of_user(&self, user: UserId, now: Millis) -> Result<Vec<ParticipantRow>, StoreError> {
        self.list(&OF_USER, values![user, now]).await
    }

    /// What a user agreed to for one relying party.
    pub async fn consent(&self, user: UserId, ikey: &str) -> Result<Option<ConsentRow>, StoreError> {
        self.find(&CONSENT, values![user, ikey]).await
    }

    /// All that a user agreed to.
    pub async fn consents(&self, user: UserId) -> Result<Vec<ConsentRow>, StoreError> {
        self.list(&CONSENTS, values![user]).await
    }
}

impl Plan<'_> {
    /// As [`Tx::hold_session`].
    pub fn hold_session(&mut self, session: SessionId, user: UserId, now: Millis) -> Planned {
        self.add(&HOLD_SESSION, values![session, user, now])
    }

    /// Holds what a user has agreed to until the end of the transaction, if they have: whoever takes it back comes before or after.
    pub fn hold_consent(&mut self, user: UserId, ikey: &str) -> Planned {
        self.add(&HOLD_CONSENT, values![user, ikey])
    }
}

impl Tx {
    /// Keeps a request.
    pub async fn insert_sso_request(&mut self, request: &SsoRequestRow) -> Result<(), StoreError> {
        self.run(&INSERT_REQUEST, request.values()).await.map(drop)
    }

    /// Releases a request; whether it was in time, and this call and no other did.
    pub async fn release_sso_request(&mut self, id: SsoRequestId, now: Millis) -> Result<bool, StoreError> {
        self.changed(&RELEASE, values![id, now]).await
    }

    /// Holds a session until the end of this transaction; gives until when it lasts. None where it isn't `user`'s, or is over.
    pub async fn hold_session(
        &mut self,
        session: SessionId,
        user: UserId,
        now: Millis,
    ) -> Result<Option<Millis>, StoreError> {
        let rows = self.run(&HOLD_SESSION, values![session, user, now]).await?;
        rows.into_iter().next().map(|row| row.read().take()).transpose()
    }

    /// Notes that a session is signed in to a relying party. Its `sid` is the one that it was given first.
    pub async fn put_participant(&mut self, participant: &ParticipantRow) -> Result<(), StoreError> {
        self.run(&PUT, participant.values()).await.map(drop)
    }

    /// Ends a session at all relying parties; gives those where it hadn't ended.
    pub async fn end_participants(
        &mut self,
        session: SessionId,
        now: Millis,
    ) -> Result<Vec<ParticipantRow>, StoreError> {
        let rows = self.run(&END, values![session, now]).await?;
        let ended = rows.into_iter().map(ParticipantRow::from_row).collect::<Result<Vec<_>, _>>()?;
        self.owe_logouts(&ended, now).await?;
        Ok(ended)
    }

    /// As [`Plan::hold_consent`]; whether they have agreed.
    pub async fn hold_consent(&mut self, user: UserId, ikey: &str) -> Result<bool, StoreError> {
        self.changed(&HOLD_CONSENT, values![user, ikey]).await
    }

    /// Notes what a user agrees to, in the place of what they agreed to before.
    pub async fn put_consent(&mut self, consent: &ConsentRow) -> Result<(), StoreError> {
        self.run(&PUT_CONSENT, consent.values()).await.map(drop)
    }

    /// Takes a consent back. Whether there was one.
    pub async fn withdraw_consent(&mut self, user: UserId, ikey: &str) -> Result<bool, StoreError> {
        self.changed(&WITHDRAW, values![user, ikey]).await
    }
}

impl Store {
    /// Removes requests whose time was over before `before`, of every tenant, at most `limit`; gives how many. Housekeeping.
    pub async fn purge_sso_requests(&self, before: Millis, limit: i64) -> Result<usize, StoreError> {
        self.purge(&PURGE_REQUESTS, before, limit).await
    }

    /// Removes participants that aren't worth telling since `before`, of every tenant, at most `limit`; gives how many. Housekeeping.
    pub async fn purge_participants(&self, before: Millis, limit: i64) -> Result<usize, StoreError> {
        self.purge(&PURGE_PARTICIPANTS, before, limit).await
    }
}
