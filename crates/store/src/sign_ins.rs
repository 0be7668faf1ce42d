//! Sign-ins in a browser: one row from the moment a door opens one until what came of it was fetched.
//!
//! `state` goes from `open` to `allowed` or `denied`, and from `allowed` to `redeemed`; each step is a conditional update, so of many
//! who try one wins. A ceremony is taken out by who answers it, and an answer to one that is gone is worth nothing.

use crate::{
    engine::{Statement, StoreError, Type},
    scope::{Record, Store, Tenant, Tx, record},
    values,
};
use types::{AttemptId, Millis, SignInId, UserId};

record! {
    /// A sign-in. What the sealed parts hold stands in `auth`.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct SignInRow {
        /// Its id, which stands in the page's address.
        pub id: SignInId,
        /// At which application.
        pub ikey: String,
        /// Who signs in, once that is known; changes only when somebody else is proved by a provider before anything was decided.
        pub user_id: Option<UserId>,
        /// Keyed hash of the secret in the browser's cookie.
        pub browser: Vec<u8>,
        /// What it is for, as `auth` words it.
        pub purpose: String,
        /// `open`, `allowed`, `denied` or `redeemed`.
        pub state: String,
        /// What was asked for, sealed.
        pub request: Vec<u8>,
        /// The ceremony that waits for the passkey's answer, sealed.
        pub ceremony: Option<Vec<u8>>,
        /// The push, call or message that waits for an answer.
        pub attempt: Option<AttemptId>,
        /// What the page's beacon saw: nothing yet, `ok`, `unclear`, `missing` (it should have come), or `alert`.
        pub canary: String,
        /// The host where the page stood when the beacon raised the alarm.
        pub canary_host: String,
        /// What came of it, sealed.
        pub result: Option<Vec<u8>>,
        /// Keyed hash of the code that the application redeems; unique in the tenant.
        pub code: Option<Vec<u8>>,
        /// When it was opened.
        pub created: Millis,
        /// When it ends by itself; once it is allowed, until when it can be redeemed.
        pub expires: Millis,
        /// When it was allowed or denied.
        pub decided_at: Option<Millis>,
        /// When what came of it was fetched.
        pub redeemed_at: Option<Millis>,
    }
}

/// How a sign-in ends.
#[derive(Clone, Debug)]
pub struct SignInEnd<'a> {
    /// `allowed` or `denied`.
    pub state: &'a str,
    /// Who signed in; none leaves the user who was named before. Another than that one is refused.
    pub user: Option<UserId>,
    /// See [`SignInRow::result`].
    pub result: Option<Vec<u8>>,
    /// See [`SignInRow::code`].
    pub code: Option<[u8; 32]>,
    /// Until when it can be fetched.
    pub expires: Millis,
}

macro_rules! columns {
    () => {
        "id, ikey, user_id, browser, purpose, state, request, ceremony, attempt, canary, canary_host, result, code, created, \
         expires, decided_at, redeemed_at"
    };
}

static BY_ID: Statement = Statement::new(
    "sign_in_by_id",
    concat!("SELECT ", columns!(), " FROM sign_in WHERE tenant = $1 AND id = $2"),
    &[Type::Id, Type::Id],
);
static INSERT: Statement = Statement::new(
    "sign_in_insert",
    concat!(
        "INSERT INTO sign_in (tenant, ",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)"
    ),
    &[
        Type::Id,
        Type::Id,
        Type::Text,
        Type::Id,
        Type::Bytes,
        Type::Text,
        Type::Text,
        Type::Bytes,
        Type::Bytes,
        Type::Id,
        Type::Text,
        Type::Text,
        Type::Bytes,
        Type::Bytes,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Int,
    ],
);
// A name is given once: who changes the request must have seen the one without it.
static NAME: Statement = Statement::new(
    "sign_in_name",
    "UPDATE sign_in SET request = $4, user_id = $5 WHERE tenant = $1 AND id = $2 AND state = 'open' AND request = $3 \
     AND user_id IS NULL RETURNING id",
    &[Type::Id, Type::Id, Type::Bytes, Type::Bytes, Type::Id],
);
static PROVE_FIRST: Statement = Statement::new(
    "sign_in_prove_first",
    "UPDATE sign_in SET request = $4 WHERE tenant = $1 AND id = $2 AND state = 'open' AND request = $3 AND user_id = $5 RETURNING id",
    &[Type::Id, Type::Id, Type::Bytes, Type::Bytes, Type::Id],
);
// Who was named before counts for nothing against a proof; what was begun for them ends.
static IDENTIFY: Statement = Statement::new(
    "sign_in_identify",
    "UPDATE sign_in SET request = $4, user_id = $5, ceremony = NULL, attempt = NULL WHERE tenant = $1 AND id = $2 AND state = 'open' \
     AND request = $3 AND expires > $6 RETURNING id",
    &[Type::Id, Type::Id, Type::Bytes, Type::Bytes, Type::Id, Type::Int],
);
static BEGIN_CEREMONY: Statement = Statement::new(
    "sign_in_begin_ceremony",
    "UPDATE sign_in SET ceremony = $3 WHERE tenant = $1 AND id = $2 AND state = 'open' RETURNING id",
    &[Type::Id, Type::Id, Type::Bytes],
);
static TAKE_CEREMONY: Statement = Statement::new(
    "sign_in_take_ceremony",
    "UPDATE sign_in SET ceremony = NULL WHERE tenant = $1 AND id = $2 AND state = 'open' AND ceremony = $3 RETURNING id",
    &[Type::Id, Type::Id, Type::Bytes],
);
static SET_ATTEMPT: Statement = Statement::new(
    "sign_in_set_attempt",
    "UPDATE sign_in SET attempt = $3 WHERE tenant = $1 AND id = $2 AND state = 'open' RETURNING id",
    &[Type::Id, Type::Id, Type::Id],
);
// In whatever state: an alarm that comes late is still one. The first alarm stays, with its host; only a host that wasn't known is added.
// What says less never stands in the place of what says more.
static MARK_CANARY: Statement = Statement::new(
    "sign_in_mark_canary",
    "UPDATE sign_in SET canary = $3, canary_host = $4 WHERE tenant = $1 AND id = $2 AND (canary = '' \
     OR ($3 = 'alert' AND (canary <> 'alert' OR (canary_host = 'unknown' AND $4 <> 'unknown'))) \
     OR ($3 = 'ok' AND canary <> 'alert') OR ($3 = 'unclear' AND canary = 'missing')) RETURNING id",
    &[Type::Id, Type::Id, Type::Text, Type::Text],
);
static DECIDE: Statement = Statement::new(
    "sign_in_decide",
    "UPDATE sign_in SET state = $3, user_id = COALESCE($4, user_id), result = $5, code = $6, expires = $7, decided_at = $8, \
     ceremony = NULL WHERE tenant = $1 AND id = $2 AND state = 'open' AND expires > $8 \
     AND (user_id IS NULL OR user_id = COALESCE($4, user_id)) RETURNING id",
    &[Type::Id, Type::Id, Type::Text, Type::Id, Type::Bytes, Type::Bytes, Type::Int, Type::Int],
);
static FINISH: Statement = Statement::new(
    "sign_in_finish",
    "UPDATE sign_in SET state = 'redeemed', redeemed_at = $3 WHERE tenant = $1 AND id = $2 AND state = 'allowed' \
     AND code IS NULL AND expires > $3 RETURNING id",
    &[Type::Id, Type::Id, Type::Int],
);
static REDEEM: Statement = Statement::new(
    "sign_in_redeem",
    concat!(
        "UPDATE sign_in SET state = 'redeemed', redeemed_at = $4 WHERE tenant = $1 AND code = $2 AND ikey = $3 \
         AND state = 'allowed' AND expires > $4 RETURNING ",
        columns!()
    ),
    &[Type::Id, Type::Bytes, Type::Text, Type::Int],
);
static DROP_OF_USER: Statement = Statement::new(
    "sign_in_drop_of_user",
    "UPDATE sign_in SET state = 'denied', code = NULL, ceremony = NULL WHERE tenant = $1 AND user_id = $2 \
     AND state IN ('open', 'allowed') RETURNING id",
    &[Type::Id, Type::Id],
);
static DROP_OF_PROVIDER: Statement = Statement::new(
    "sign_in_drop_of_provider",
    "UPDATE sign_in SET state = 'denied', code = NULL, ceremony = NULL WHERE tenant = $1 AND user_id IS NOT NULL \
     AND user_id IN (SELECT user_id FROM provider_link WHERE tenant = $1 AND provider = $2) \
     AND state IN ('open', 'allowed') RETURNING id",
    &[Type::Id, Type::Text],
);
static PURGE: Statement = Statement::new(
    "sign_in_purge",
    "DELETE FROM sign_in WHERE (tenant, id) IN \
     (SELECT tenant, id FROM sign_in WHERE expires < $1 ORDER BY expires LIMIT $2) RETURNING 1",
    &[Type::Int, Type::Int],
);

pub(crate) static ALL: &[&Statement] = &[
    &BY_ID,
    &INSERT,
    &NAME,
    &PROVE_FIRST,
    &IDENTIFY,
    &BEGIN_CEREMONY,
    &TAKE_CEREMONY,
    &SET_ATTEMPT,
    &MARK_CANARY,
    &DECIDE,
    &FINISH,
    &REDEEM,
    &DROP_OF_USER,
    &DROP_OF_PROVIDER,
    &PURGE,
];

impl Tenant<'_> {
    /// One sign-in, in whatever state, its time over or not.
    pub async fn sign_in(&self, id: SignInId) -> Result<Option<SignInRow>, StoreError> {
        self.find(&BY_ID, values![id]).await
    }
}

impl Tx {
    /// Notes, in an open sign-in's request, that its user has given the first of two proofs. Whether the request was still `old`, and the
    /// sign-in this user's.
    pub async fn prove_first(
        &mut self,
        id: SignInId,
        old: &[u8],
        new: &[u8],
        user: UserId,
    ) -> Result<bool, StoreError> {
        self.changed(&PROVE_FIRST, values![id, old.to_vec(), new.to_vec(), user]).await
    }

    /// Puts another request in the place of the one that was read as `seen`, and this user in the place of whoever was named before; what
    /// was begun for that one ends. Whether the sign-in is open and in time, and this call and no other did it.
    pub async fn identify_sign_in(
        &mut self,
        id: SignInId,
        seen: &[u8],
        request: &[u8],
        user: UserId,
        now: Millis,
    ) -> Result<bool, StoreError> {
        self.changed(&IDENTIFY, values![id, seen.to_vec(), request.to_vec(), user, now]).await
    }

    /// Ends every sign-in of a user that isn't over, also one that was won and not taken yet; gives how many.
    ///
    /// Before the user's sessions are ended: who takes what a sign-in gives holds it, so that session is there when sessions are ended, or
    /// is never written.
    pub async fn drop_sign_ins(&mut self, user: UserId) -> Result<usize, StoreError> {
        Ok(self.run(&DROP_OF_USER, values![user]).await?.len())
    }

    /// As [`drop_sign_ins`](Self::drop_sign_ins), of everybody who is linked at a provider.
    pub async fn drop_sign_ins_of_provider(&mut self, provider: &str) -> Result<usize, StoreError> {
        Ok(self.run(&DROP_OF_PROVIDER, values![provider]).await?.len())
    }

    /// Opens a sign-in.
    pub async fn insert_sign_in(&mut self, sign_in: &SignInRow) -> Result<(), StoreError> {
        self.run(&INSERT, sign_in.values()).await.map(drop)
    }

    /// Puts another request in the place of the one that was read as `seen`, and names who signs in, if somebody has that name.
    /// Whether the sign-in is open, nobody was named before, and this call and no other did it.
    pub async fn name_sign_in(
        &mut self,
        id: SignInId,
        seen: &[u8],
        request: &[u8],
        user: Option<UserId>,
    ) -> Result<bool, StoreError> {
        self.changed(&NAME, values![id, seen.to_vec(), request.to_vec(), user]).await
    }

    /// Begins a ceremony, in the place of one that was begun before. Whether the sign-in is open.
    pub async fn begin_ceremony(&mut self, id: SignInId, sealed: &[u8]) -> Result<bool, StoreError> {
        self.changed(&BEGIN_CEREMONY, values![id, sealed.to_vec()]).await
    }

    /// Takes out the ceremony that was read as `sealed`; whether this call and no other did.
    pub async fn take_ceremony(&mut self, id: SignInId, sealed: &[u8]) -> Result<bool, StoreError> {
        self.changed(&TAKE_CEREMONY, values![id, sealed.to_vec()]).await
    }

    /// Names the attempt that waits, or none. Whether the sign-in is open.
    pub async fn set_sign_in_attempt(&mut self, id: SignInId, attempt: Option<AttemptId>) -> Result<bool, StoreError> {
        self.changed(&SET_ATTEMPT, values![id, attempt]).await
    }

    /// Notes what the beacon saw: `ok`, `unclear`, `alert` with the host (`unknown` where it isn't), or that it never came (`missing`).
    /// Nothing takes an alarm back, and `ok` is taken back by an alarm only. Whether that changed anything.
    pub async fn mark_canary(&mut self, id: SignInId, state: &str, host: &str) -> Result<bool, StoreError> {
        self.changed(&MARK_CANARY, values![id, state, host]).await
    }

    /// Ends an open sign-in in time; whether this call and no other did. Its ceremony is gone after.
    pub async fn decide_sign_in(&mut self, id: SignInId, end: SignInEnd<'_>, now: Millis) -> Result<bool, StoreError> {
        let SignInEnd { state, user, result, code, expires } = end;
        self.changed(&DECIDE, values![id, state, user, result, code, expires, now]).await
    }

    /// Fetches what came of a sign-in that gave no code; whether it was allowed, in time, and this call and no other did.
    pub async fn finish_sign_in(&mut self, id: SignInId, now: Millis) -> Result<bool, StoreError> {
        self.changed(&FINISH, values![id, now]).await
    }

    /// Redeems a code of the application `ikey`: its sign-in as it is now, if it was allowed, in time, and this call and no other did.
    pub async fn redeem_sign_in(
        &mut self,
        code: &[u8],
        ikey: &str,
        now: Millis,
    ) -> Result<Option<SignInRow>, StoreError> {
        let rows = self.run(&REDEEM, values![code.to_vec(), ikey, now]).await?;
        rows.into_iter().next().map(SignInRow::from_row).transpose()
    }
}

impl Store {
    /// Removes sign-ins whose time was over before `before`, of every tenant, at most `limit`; gives how many. Housekeeping.
    pub async fn purge_sign_ins(&self, before: Millis, limit: i64) -> Result<usize, StoreError> {
        self.purge(&PURGE, before, limit).await
    }
}
