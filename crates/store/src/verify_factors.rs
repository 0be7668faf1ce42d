//! Factors that a program keeps here for its own people, and the challenges that they answer.

use crate::{
    engine::{Statement, StoreError, Type},
    page::{Page, Slice},
    scope::{Store, Tenant, Tx, record},
    values,
};
use types::{ApiObjectId, ChallengeId, FactorId, Millis};
use uuid::Uuid;

record! {
    /// A factor.
    #[derive(Clone, Debug)]
    pub struct FactorRow {
        /// Its id.
        pub id: FactorId,
        /// Whose.
        pub entity: ApiObjectId,
        /// `totp` or `push`.
        pub kind: String,
        /// For people.
        pub name: String,
        /// `unverified` or `verified`.
        pub state: String,
        /// What is told of it, as JSON.
        pub config: String,
        /// The seed or the public key, sealed.
        pub sealed: Vec<u8>,
        /// The length of a step of time in seconds; 0 for a factor without.
        pub period: i64,
        /// The last step of time whose code was accepted: it and those before are used up.
        pub last_step: i64,
        /// Steps that its clock was ahead at its last code.
        pub drift: i64,
        /// When it was made.
        pub created: Millis,
        /// When it was changed.
        pub updated: Millis,
    }
}

record! {
    /// A challenge.
    #[derive(Clone, Debug)]
    pub struct ChallengeRow {
        /// Its id.
        pub id: ChallengeId,
        /// Whose.
        pub entity: ApiObjectId,
        /// Which factor is to answer.
        pub factor: FactorId,
        /// `pending`, `approved` or `denied`.
        pub state: String,
        /// What the person is shown, sealed.
        pub sealed: Vec<u8>,
        /// When it was made.
        pub created: Millis,
        /// When it was changed.
        pub updated: Millis,
        /// When it was answered.
        pub responded: Option<Millis>,
        /// When it ends by itself.
        pub expires: Millis,
    }
}

macro_rules! columns {
    () => {
        "id, entity, kind, name, state, config, sealed, period, last_step, drift, created, updated"
    };
}
macro_rules! challenge_columns {
    () => {
        "id, entity, factor, state, sealed, created, updated, responded, expires"
    };
}

static BY_ID: Statement = Statement::new(
    "factor_by_id",
    concat!("SELECT ", columns!(), " FROM verify_factor WHERE tenant = $1 AND id = $2 AND entity = $3"),
    &[Type::Id, Type::Id, Type::Id],
);
static OF_ENTITY: Statement = Statement::new(
    "factors_of_entity",
    concat!(
        "SELECT ",
        columns!(),
        " FROM verify_factor WHERE tenant = $1 AND entity = $2 AND id < $3 ORDER BY id DESC LIMIT $4"
    ),
    &[Type::Id, Type::Id, Type::Id, Type::Int],
);
static PAGE: Statement = Statement::new(
    "factor_page",
    concat!("SELECT ", columns!(), " FROM verify_factor WHERE tenant = $1 ORDER BY id LIMIT $2 OFFSET $3"),
    &[Type::Id, Type::Int, Type::Int],
);
static COUNT: Statement =
    Statement::new("factor_count", "SELECT COUNT(*) FROM verify_factor WHERE tenant = $1", &[Type::Id]);
// The entity must be this tenant's and must still be there.
static INSERT: Statement = Statement::new(
    "factor_insert",
    concat!(
        "INSERT INTO verify_factor (tenant, ",
        columns!(),
        ") SELECT tenant, $2, id, $4, $5, $6, $7, $8, CAST($9 AS BIGINT), CAST($10 AS BIGINT), CAST($11 AS BIGINT), \
         CAST($12 AS BIGINT), CAST($13 AS BIGINT) FROM api_object WHERE tenant = $1 AND id = $3 AND kind = 'entity' RETURNING id"
    ),
    &[
        Type::Id,
        Type::Id,
        Type::Id,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Bytes,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Int,
    ],
);
static CHANGE: Statement = Statement::new(
    "factor_change",
    "UPDATE verify_factor SET name = $3, config = $4, updated = $5 WHERE tenant = $1 AND id = $2 RETURNING id",
    &[Type::Id, Type::Id, Type::Text, Type::Text, Type::Int],
);
static VERIFY: Statement = Statement::new(
    "factor_verify",
    "UPDATE verify_factor SET state = 'verified', updated = $3 WHERE tenant = $1 AND id = $2 AND state = 'unverified' \
     RETURNING id",
    &[Type::Id, Type::Id, Type::Int],
);
static STEP: Statement = Statement::new(
    "factor_step",
    "UPDATE verify_factor SET last_step = $3, drift = $4 WHERE tenant = $1 AND id = $2 AND last_step < $3 RETURNING id",
    &[Type::Id, Type::Id, Type::Int, Type::Int],
);
static RESEAL: Statement = Statement::new(
    "factor_reseal",
    "UPDATE verify_factor SET sealed = $4 WHERE tenant = $1 AND id = $2 AND sealed = $3 RETURNING id",
    &[Type::Id, Type::Id, Type::Bytes, Type::Bytes],
);
static DELETE: Statement = Statement::new(
    "factor_delete",
    "DELETE FROM verify_factor WHERE tenant = $1 AND id = $2 AND entity = $3 RETURNING id",
    &[Type::Id, Type::Id, Type::Id],
);
static DELETE_CHALLENGES: Statement = Statement::new(
    "factor_delete_challenges",
    "DELETE FROM verify_challenge WHERE tenant = $1 AND entity = $2 AND factor = $3",
    &[Type::Id, Type::Id, Type::Id],
);
static CHALLENGE: Statement = Statement::new(
    "challenge_by_id",
    concat!("SELECT ", challenge_columns!(), " FROM verify_challenge WHERE tenant = $1 AND id = $2 AND entity = $3"),
    &[Type::Id, Type::Id, Type::Id],
);
static CHALLENGES: Statement = Statement::new(
    "challenges_of_entity",
    concat!(
        "SELECT ",
        challenge_columns!(),
        " FROM verify_challenge WHERE tenant = $1 AND entity = $2 AND id < $3 AND ($4 IS NULL OR factor = $4) \
         ORDER BY id DESC LIMIT $5"
    ),
    &[Type::Id, Type::Id, Type::Id, Type::Id, Type::Int],
);
static INSERT_CHALLENGE: Statement = Statement::new(
    "challenge_insert",
    concat!(
        "INSERT INTO verify_challenge (tenant, ",
        challenge_columns!(),
        ") SELECT tenant, $2, entity, id, $5, $6, CAST($7 AS BIGINT), CAST($8 AS BIGINT), CAST($9 AS BIGINT), \
         CAST($10 AS BIGINT) FROM verify_factor WHERE tenant = $1 AND entity = $3 AND id = $4 AND state = 'verified' RETURNING id"
    ),
    &[Type::Id, Type::Id, Type::Id, Type::Id, Type::Text, Type::Bytes, Type::Int, Type::Int, Type::Int, Type::Int],
);
// A challenge is answered once, and not after its time.
static ANSWER: Statement = Statement::new(
    "challenge_answer",
    "UPDATE verify_challenge SET state = $3, responded = $4, updated = $4 \
     WHERE tenant = $1 AND id = $2 AND state = 'pending' AND expires > $4 RETURNING id",
    &[Type::Id, Type::Id, Type::Text, Type::Int],
);
static PURGE: Statement = Statement::new(
    "challenge_purge",
    "DELETE FROM verify_challenge WHERE (tenant, id) IN \
     (SELECT tenant, id FROM verify_challenge WHERE expires < $1 ORDER BY expires LIMIT $2) RETURNING 1",
    &[Type::Int, Type::Int],
);

pub(crate) static ALL: &[&Statement] = &[
    &BY_ID,
    &OF_ENTITY,
    &PAGE,
    &COUNT,
    &INSERT,
    &CHANGE,
    &VERIFY,
    &STEP,
    &RESEAL,
    &DELETE,
    &DELETE_CHALLENGES,
    &CHALLENGE,
    &CHALLENGES,
    &INSERT_CHALLENGE,
    &ANSWER,
    &PURGE,
];

impl Store {
    /// Forgets at most `limit` challenges, of all tenants, whose time ended before `before`; gives how many.
    pub async fn purge_challenges(&self, before: Millis, limit: i64) -> Result<usize, StoreError> {
        self.purge(&PURGE, before, limit).await
    }
}

impl Tenant<'_> {
    /// A factor of an entity.
    pub async fn factor(&self, entity: ApiObjectId, id: FactorId) -> Result<Option<FactorRow>, StoreError> {
        self.find(&BY_ID, values![id, entity]).await
    }

    /// At most `limit` factors of an entity made before `before`, newest first.
    pub async fn factors_of(
        &self,
        entity: ApiObjectId,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<FactorRow>, StoreError> {
        let before = FactorId::from_uuid(before.unwrap_or(Uuid::max()));
        self.list(&OF_ENTITY, values![entity, before, limit.max(0)]).await
    }

    /// A page of all factors, in the order of their making.
    pub async fn factors(&self, slice: Slice) -> Result<Page<FactorRow>, StoreError> {
        self.page(&PAGE, &COUNT, Vec::new(), slice).await
    }

    /// A challenge of an entity, also one whose time is over.
    pub async fn challenge(&self, entity: ApiObjectId, id: ChallengeId) -> Result<Option<ChallengeRow>, StoreError> {
        self.find(&CHALLENGE, values![id, entity]).await
    }

    /// At most `limit` challenges of an entity made before `before`, newest first; of one factor where it is given.
    pub async fn challenges(
        &self,
        entity: ApiObjectId,
        factor: Option<FactorId>,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<ChallengeRow>, StoreError> {
        let before = ChallengeId::from_uuid(before.unwrap_or(Uuid::max()));
        self.list(&CHALLENGES, values![entity, before, factor, limit.max(0)]).await
    }
}

impl Tx {
    /// Makes a factor. Whether its entity is there.
    pub async fn insert_factor(&mut self, row: &FactorRow) -> Result<bool, StoreError> {
        self.changed(&INSERT, row.values()).await
    }

    /// Changes a factor's name and config.
    pub async fn change_factor(
        &mut self,
        id: FactorId,
        name: &str,
        config: &str,
        now: Millis,
    ) -> Result<bool, StoreError> {
        self.changed(&CHANGE, values![id, name, config, now]).await
    }

    /// Marks a factor as verified. Whether it wasn't before.
    pub async fn verify_factor(&mut self, id: FactorId, now: Millis) -> Result<bool, StoreError> {
        self.changed(&VERIFY, values![id, now]).await
    }

    /// Uses a step of time up. False when it, or a later one, was used: a replay.
    pub async fn spend_factor_step(&mut self, id: FactorId, step: i64, drift: i64) -> Result<bool, StoreError> {
        self.changed(&STEP, values![id, step, drift]).await
    }

    /// Puts the same secret, sealed anew, in the place of `old`. Whether `old` was still there.
    pub async fn reseal_factor(&mut self, id: FactorId, old: &[u8], new: &[u8]) -> Result<bool, StoreError> {
        self.changed(&RESEAL, values![id, old.to_vec(), new.to_vec()]).await
    }

    /// Deletes a factor and its challenges. Whether there was such a one.
    pub async fn delete_factor(&mut self, entity: ApiObjectId, id: FactorId) -> Result<bool, StoreError> {
        self.run(&DELETE_CHALLENGES, values![entity, id]).await?;
        self.changed(&DELETE, values![id, entity]).await
    }

    /// Makes a challenge. Whether its factor is there, the entity's, and verified.
    pub async fn insert_challenge(&mut self, row: &ChallengeRow) -> Result<bool, StoreError> {
        self.changed(&INSERT_CHALLENGE, row.values()).await
    }

    /// Answers a challenge: `approved` or `denied`. Whether it was this answer that did.
    pub async fn answer_challenge(&mut self, id: ChallengeId, state: &str, now: Millis) -> Result<bool, StoreError> {
        self.changed(&ANSWER, values![id, state, now]).await
    }
}
