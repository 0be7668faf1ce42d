//! What programs make for themselves through the messaging API: keys, services, rate limits and their buckets, entities.
//!
//! They are few, alike and seldom changed, so they stand in one table: a kind, whose part it is, a name, and a JSON object that only
//! the door understands.

use crate::{
    engine::{Statement, StoreError, Type},
    scope::{Store, Tenant, Tx, record},
    values,
};
use types::{ApiObjectId, Millis, TenantId};
use uuid::Uuid;

record! {
    /// An object.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct ApiObjectRow {
        /// Its id.
        pub id: ApiObjectId,
        /// `key`, `service`, `rate-limit`, `bucket`, `entity`.
        pub kind: String,
        /// What it is a part of; [`ApiObjectRow::ROOT`] for the tenant itself.
        pub parent: ApiObjectId,
        /// A name that no other part of the same has, for kinds that are asked for by name.
        pub handle: Option<String>,
        /// For people.
        pub name: String,
        /// What else is known of it, as JSON.
        pub detail: String,
        /// A key's secret, as a keyed hash.
        pub digest: Option<Vec<u8>>,
        /// When it was made.
        pub created: Millis,
        /// When it was changed.
        pub updated: Millis,
    }
}

impl ApiObjectRow {
    /// The parent of what is part of nothing but the tenant.
    pub const ROOT: ApiObjectId = ApiObjectId::from_uuid(Uuid::nil());
}

macro_rules! columns {
    () => {
        "id, kind, parent, handle, name, detail, digest, created, updated"
    };
}

// A key is shown before anybody knows whose it is.
static OWNER_OF_KEY: Statement =
    Statement::new("api_key_owner", "SELECT tenant FROM api_object WHERE id = $1 AND kind = 'key'", &[Type::Id]);
static BY_ID: Statement = Statement::new(
    "api_object_by_id",
    concat!("SELECT ", columns!(), " FROM api_object WHERE tenant = $1 AND id = $2 AND kind = $3 AND parent = $4"),
    &[Type::Id, Type::Id, Type::Text, Type::Id],
);
static BY_HANDLE: Statement = Statement::new(
    "api_object_by_handle",
    concat!("SELECT ", columns!(), " FROM api_object WHERE tenant = $1 AND kind = $2 AND parent = $3 AND handle = $4"),
    &[Type::Id, Type::Text, Type::Id, Type::Text],
);
static PAGE: Statement = Statement::new(
    "api_object_page",
    concat!(
        "SELECT ",
        columns!(),
        " FROM api_object WHERE tenant = $1 AND kind = $2 AND parent = $3 AND id < $4 ORDER BY id DESC LIMIT $5"
    ),
    &[Type::Id, Type::Text, Type::Id, Type::Id, Type::Int],
);
static INSERT: Statement = Statement::new(
    "api_object_insert",
    concat!(
        "INSERT INTO api_object (tenant, ",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING RETURNING id"
    ),
    &[Type::Id, Type::Id, Type::Text, Type::Id, Type::Text, Type::Text, Type::Text, Type::Bytes, Type::Int, Type::Int],
);
static CHANGE: Statement = Statement::new(
    "api_object_change",
    "UPDATE api_object SET name = COALESCE($5, name), detail = COALESCE($6, detail), updated = $7 \
     WHERE tenant = $1 AND id = $2 AND kind = $3 AND parent = $4 RETURNING id",
    &[Type::Id, Type::Id, Type::Text, Type::Id, Type::Text, Type::Text, Type::Int],
);
static DELETE: Statement = Statement::new(
    "api_object_delete",
    "DELETE FROM api_object WHERE tenant = $1 AND id = $2 AND kind = $3 AND parent = $4 RETURNING id",
    &[Type::Id, Type::Id, Type::Text, Type::Id],
);
static DELETE_CHALLENGES: Statement = Statement::new(
    "api_object_delete_challenges",
    "DELETE FROM verify_challenge WHERE tenant = $1 AND entity = $2",
    &[Type::Id, Type::Id],
);
static DELETE_ALL_CHALLENGES: Statement = Statement::new(
    "api_object_delete_all_challenges",
    "DELETE FROM verify_challenge WHERE tenant = $1 AND entity IN \
     (SELECT id FROM api_object WHERE tenant = $1 AND kind = 'entity' AND parent = $2)",
    &[Type::Id, Type::Id],
);
static DELETE_FACTORS: Statement = Statement::new(
    "api_object_delete_factors",
    "DELETE FROM verify_factor WHERE tenant = $1 AND entity = $2",
    &[Type::Id, Type::Id],
);
static DELETE_ALL_FACTORS: Statement = Statement::new(
    "api_object_delete_all_factors",
    "DELETE FROM verify_factor WHERE tenant = $1 AND entity IN \
     (SELECT id FROM api_object WHERE tenant = $1 AND kind = 'entity' AND parent = $2)",
    &[Type::Id, Type::Id],
);
static DELETE_BUCKETS: Statement = Statement::new(
    "api_object_delete_buckets",
    "DELETE FROM api_object WHERE tenant = $1 AND kind = 'bucket' AND (parent = $2 OR parent IN \
     (SELECT id FROM api_object WHERE tenant = $1 AND kind = 'rate-limit' AND parent = $2))",
    &[Type::Id, Type::Id],
);
static DELETE_PARTS: Statement = Statement::new(
    "api_object_delete_parts",
    "DELETE FROM api_object WHERE tenant = $1 AND kind IN ('rate-limit', 'entity') AND parent = $2",
    &[Type::Id, Type::Id],
);
static DELETE_VERIFICATIONS: Statement = Statement::new(
    "api_object_delete_verifications",
    "DELETE FROM verification WHERE tenant = $1 AND service = $2",
    &[Type::Id, Type::Id],
);

pub(crate) static ALL: &[&Statement] = &[
    &OWNER_OF_KEY,
    &BY_ID,
    &BY_HANDLE,
    &PAGE,
    &INSERT,
    &CHANGE,
    &DELETE,
    &DELETE_CHALLENGES,
    &DELETE_ALL_CHALLENGES,
    &DELETE_FACTORS,
    &DELETE_ALL_FACTORS,
    &DELETE_BUCKETS,
    &DELETE_PARTS,
    &DELETE_VERIFICATIONS,
];

impl Store {
    /// The tenant that a key belongs to.
    pub async fn tenant_of_api_key(&self, key: ApiObjectId) -> Result<Option<TenantId>, StoreError> {
        let rows = self.engine().read(vec![(&OWNER_OF_KEY, values![key])]).await?;
        rows.into_iter().flatten().next().map(|row| row.read().take()).transpose()
    }
}

impl Tenant<'_> {
    /// An object of this kind and this parent.
    pub async fn api_object(
        &self,
        kind: &str,
        parent: ApiObjectId,
        id: ApiObjectId,
    ) -> Result<Option<ApiObjectRow>, StoreError> {
        self.find(&BY_ID, values![id, kind, parent]).await
    }

    /// The object that has this handle among the parent's.
    pub async fn api_object_named(
        &self,
        kind: &str,
        parent: ApiObjectId,
        handle: &str,
    ) -> Result<Option<ApiObjectRow>, StoreError> {
        self.find(&BY_HANDLE, values![kind, parent, handle]).await
    }

    /// At most `limit` objects made before `before` (all where it is none), newest first.
    pub async fn api_objects(
        &self,
        kind: &str,
        parent: ApiObjectId,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<ApiObjectRow>, StoreError> {
        let before = ApiObjectId::from_uuid(before.unwrap_or(Uuid::max()));
        self.list(&PAGE, values![kind, parent, before, limit.max(0)]).await
    }
}

impl Tx {
    /// Makes an object. False when the handle is taken.
    pub async fn insert_api_object(&mut self, row: &ApiObjectRow) -> Result<bool, StoreError> {
        self.changed(&INSERT, row.values()).await
    }

    /// Changes an object's name or detail; what is `None` stays. Whether there is such a one.
    pub async fn change_api_object(
        &mut self,
        row: &ApiObjectRow,
        name: Option<&str>,
        detail: Option<&str>,
        now: Millis,
    ) -> Result<bool, StoreError> {
        self.changed(&CHANGE, values![row.id, row.kind.as_str(), row.parent, name, detail, now]).await
    }

    /// Deletes an object and all that is part of it. Whether there was such a one.
    pub async fn delete_api_object(
        &mut self,
        kind: &str,
        parent: ApiObjectId,
        id: ApiObjectId,
    ) -> Result<bool, StoreError> {
        if !self.changed(&DELETE, values![id, kind, parent]).await? {
            return Ok(false);
        }
        // Those of an entity, or of a service's entities; the entities go after what is theirs.
        let parts = [
            &DELETE_CHALLENGES,
            &DELETE_ALL_CHALLENGES,
            &DELETE_FACTORS,
            &DELETE_ALL_FACTORS,
            &DELETE_BUCKETS,
            &DELETE_PARTS,
            &DELETE_VERIFICATIONS,
        ];
        for parts in parts {
            self.run(parts, values![id]).await?;
        }
        Ok(true)
    }
}
