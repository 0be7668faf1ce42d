//! Which issue of the authenticators' metadata was accepted last, of all tenants: an older one is refused.

use crate::{
    engine::{Statement, StoreError, Type},
    scope::{Record, Store, record},
    values,
};
use types::Millis;

record! {
    /// An accepted issue of metadata.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct MetadataSerial {
        /// Its number (`no`): grows with each issue.
        pub serial: i64,
        /// When the next one is due.
        pub next_update: Millis,
    }
}

static SERIAL: Statement =
    Statement::new("fido_serial", "SELECT serial, next_update FROM fido_metadata WHERE name = $1", &[Type::Text]);
static RAISE: Statement = Statement::new(
    "fido_raise",
    "INSERT INTO fido_metadata (name, serial, next_update) VALUES ($1, $2, $3) \
     ON CONFLICT (name) DO UPDATE SET serial = excluded.serial, next_update = excluded.next_update \
     WHERE fido_metadata.serial <= excluded.serial RETURNING serial",
    &[Type::Text, Type::Int, Type::Int],
);

pub(crate) static ALL: &[&Statement] = &[&SERIAL, &RAISE];

impl Store {
    /// Accepts an issue of the metadata `name`; false when a later one was accepted before.
    pub async fn raise_metadata_serial(
        &self,
        name: &str,
        serial: i64,
        next_update: Millis,
    ) -> Result<bool, StoreError> {
        let mut tx = self.engine().begin().await?;
        let raised = !tx.run(&RAISE, values![name, serial, next_update]).await?.is_empty();
        tx.commit().await?;
        Ok(raised)
    }

    /// The issue that was accepted last.
    pub async fn metadata_serial(&self, name: &str) -> Result<Option<MetadataSerial>, StoreError> {
        let rows = self.engine().read(vec![(&SERIAL, values![name])]).await?;
        rows.into_iter().flatten().next().map(MetadataSerial::from_row).transpose()
    }
}
