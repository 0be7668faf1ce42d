//! Numbers that want no messages, and the countries that a tenant's people have numbers in. Both are keyed digests: what stands here can
//! be asked for and not be read.

use crate::{
    engine::{Statement, StoreError, Type},
    scope::{Record as _, Tenant, Tx, record},
    tenants::TenantRow,
    values,
};

record! {
    /// A number that wants no texts.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct OptOut {
        /// The keyed digest of the number.
        pub mark: Vec<u8>,
        /// The UTC day on which it said so, since the epoch. Not the moment: that would say when somebody wrote.
        pub day: i64,
    }
}

static ADD: Statement = Statement::new(
    "opt_out_add",
    "INSERT INTO opt_out (tenant, mark, day) VALUES ($1, $2, $3) ON CONFLICT (tenant, mark) DO NOTHING RETURNING day",
    &[Type::Id, Type::Bytes, Type::Int],
);
static REMOVE: Statement = Statement::new(
    "opt_out_remove",
    "DELETE FROM opt_out WHERE tenant = $1 AND mark = $2 RETURNING day",
    &[Type::Id, Type::Bytes],
);
static ONE: Statement = Statement::new(
    "opt_out_one",
    "SELECT mark, day FROM opt_out WHERE tenant = $1 AND mark = $2",
    &[Type::Id, Type::Bytes],
);
static LIST: Statement = Statement::new(
    "opt_out_list",
    "SELECT mark, day FROM opt_out WHERE tenant = $1 AND mark > $2 ORDER BY mark LIMIT $3",
    &[Type::Id, Type::Bytes, Type::Int],
);
static KNOW: Statement = Statement::new(
    "known_country_add",
    "INSERT INTO known_country (tenant, mark) VALUES ($1, $2) ON CONFLICT (tenant, mark) DO NOTHING RETURNING 1",
    &[Type::Id, Type::Bytes],
);
static KNOWN: Statement =
    Statement::new("known_country_list", "SELECT mark FROM known_country WHERE tenant = $1 ORDER BY mark", &[Type::Id]);
// A counter that stands there, whatever is left of it: something was counted for it lately.
static COUNTED: Statement = Statement::new(
    "limit_is_there",
    "SELECT CAST(COUNT(*) AS BIGINT) FROM rate_limit WHERE tenant = $1 AND bucket = $2",
    &[Type::Id, Type::Bytes],
);

pub(crate) static ALL: &[&Statement] = &[&ADD, &REMOVE, &ONE, &LIST, &KNOW, &KNOWN, &COUNTED];

impl Tenant<'_> {
    /// Whether a number wants no texts.
    pub async fn is_opted_out(&self, mark: &[u8; 32]) -> Result<bool, StoreError> {
        Ok(self.find::<OptOut>(&ONE, values![*mark]).await?.is_some())
    }

    /// The tenant itself, and whether this number wants no texts: one question to the engine.
    pub async fn row_and_opt_out(&self, mark: &[u8; 32]) -> Result<(Option<TenantRow>, bool), StoreError> {
        let asked = vec![(crate::tenants::by_id(), values![self.id]), (&ONE, values![self.id, *mark])];
        let mut answers = self.store.engine().read(asked).await?.into_iter();
        let row = answers.next().unwrap_or_default().into_iter().next().map(TenantRow::from_row).transpose()?;
        Ok((row, answers.next().is_some_and(|rows| !rows.is_empty())))
    }

    /// The numbers that want no texts, by their marks, behind `after`.
    pub async fn opt_outs(&self, after: &[u8], limit: i64) -> Result<Vec<OptOut>, StoreError> {
        self.list(&LIST, values![after.to_vec(), limit]).await
    }

    /// The marks of the countries that the tenant's people have numbers in.
    pub async fn known_countries(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        let rows = self.read(&KNOWN, values![]).await?;
        rows.into_iter().map(|row| row.read().take()).collect()
    }

    /// Whether something was counted in this bucket of late.
    pub async fn was_counted(&self, bucket: &[u8; 32]) -> Result<bool, StoreError> {
        Ok(self.count(&COUNTED, values![*bucket]).await? > 0)
    }
}

impl Tx {
    /// Notes that a number wants no texts. Whether it was not so noted before.
    pub async fn add_opt_out(&mut self, mark: &[u8; 32], day: i64) -> Result<bool, StoreError> {
        self.changed(&ADD, values![*mark, day]).await
    }

    /// Forgets that a number wants no texts. Whether it was noted.
    pub async fn remove_opt_out(&mut self, mark: &[u8; 32]) -> Result<bool, StoreError> {
        self.changed(&REMOVE, values![*mark]).await
    }

    /// Notes a country, by its mark. Whether it was not known before: of two at the same moment one is told so.
    pub async fn add_known_country(&mut self, mark: &[u8; 32]) -> Result<bool, StoreError> {
        self.changed(&KNOW, values![*mark]).await
    }
}
