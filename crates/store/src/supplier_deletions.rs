//! Messages that suppliers are still to be asked to forget. They are the house's, not a tenant's: a row says nothing but which carrier.
//!
//! A supplier's own id of a message leads whoever reads the supplier's records to a number, so it is sealed under a key that stands in no
//! database, as a queued message is. A row belongs to one process, its holder; another takes over what a dead one held.

use crate::{
    engine::{Statement, StoreError, Type},
    scope::{Record, Store, record},
    values,
};

record! {
    /// A message that is to be forgotten.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct SupplierDeletionRow {
        /// By chance; it is nobody else's name for it.
        pub id: Vec<u8>,
        /// The process that sees to it.
        pub holder: Vec<u8>,
        /// The key that the rest is sealed under.
        pub key_id: Vec<u8>,
        /// The carrier that has it.
        pub carrier: String,
        /// When nobody need try any more, in units of ten minutes since the epoch.
        pub until: i64,
        /// When it is due, and the supplier's id.
        pub sealed: Vec<u8>,
    }
}

static INSERT: Statement = Statement::new(
    "supplier_deletion_insert",
    "INSERT INTO supplier_deletion (id, holder, key_id, carrier, until, sealed) VALUES ($1, $2, $3, $4, $5, $6)",
    &[Type::Bytes, Type::Bytes, Type::Bytes, Type::Text, Type::Int, Type::Bytes],
);
static REMOVE: Statement = Statement::new(
    "supplier_deletion_remove",
    "DELETE FROM supplier_deletion WHERE id = $1 RETURNING id",
    &[Type::Bytes],
);
static TAKE_OVER: Statement = Statement::new(
    "supplier_deletion_take_over",
    "UPDATE supplier_deletion SET holder = $2 WHERE holder = $1 RETURNING id, holder, key_id, carrier, until, sealed",
    &[Type::Bytes, Type::Bytes],
);
static PURGE: Statement = Statement::new(
    "supplier_deletion_purge",
    "DELETE FROM supplier_deletion WHERE id IN (SELECT id FROM supplier_deletion WHERE until < $1 ORDER BY until LIMIT $2) RETURNING 1",
    &[Type::Int, Type::Int],
);

pub(crate) static ALL: &[&Statement] = &[&INSERT, &REMOVE, &TAKE_OVER, &PURGE];

impl Store {
    /// Notes, in one transaction, which messages are to be forgotten, and which need not be any more.
    pub async fn note_supplier_deletions(
        &self,
        added: &[SupplierDeletionRow],
        done: &[Vec<u8>],
    ) -> Result<(), StoreError> {
        let mut tx = self.engine().begin().await?;
        for row in added {
            tx.run(&INSERT, row.values()).await?;
        }
        for id in done {
            tx.run(&REMOVE, values![id.clone()]).await?;
        }
        tx.commit().await
    }

    /// Takes over all that `former` was to see to. Of several who try, one gets each row.
    pub async fn take_over_supplier_deletions(
        &self,
        former: &[u8],
        holder: &[u8],
    ) -> Result<Vec<SupplierDeletionRow>, StoreError> {
        let mut tx = self.engine().begin().await?;
        let rows = tx.run(&TAKE_OVER, values![former.to_vec(), holder.to_vec()]).await?;
        tx.commit().await?;
        rows.into_iter().map(SupplierDeletionRow::from_row).collect()
    }

    /// Removes rows that nobody has seen to before `before`, in units of ten minutes; gives how many.
    pub async fn purge_supplier_deletions(&self, before: i64, limit: i64) -> Result<usize, StoreError> {
        let mut tx = self.engine().begin().await?;
        let gone = tx.run(&PURGE, values![before, limit]).await?;
        tx.commit().await?;
        Ok(gone.len())
    }
}
