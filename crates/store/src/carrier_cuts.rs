//! Carriers that are cut off. They are the house's, not a tenant's.

use crate::{
    engine::{Statement, StoreError, Type},
    scope::{Store, record},
    values,
};
use types::Millis;

record! {
    /// A carrier that is cut off.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct CarrierCut {
        /// Its name.
        pub carrier: String,
        /// Since when.
        pub since: Millis,
        /// Why, in the operator's words.
        pub reason: String,
    }
}

static CUT: Statement = Statement::new(
    "carrier_cut",
    "INSERT INTO carrier_cut (carrier, since, reason) VALUES ($1, $2, $3) ON CONFLICT (carrier) DO NOTHING RETURNING carrier",
    &[Type::Text, Type::Int, Type::Text],
);
static RESTORE: Statement =
    Statement::new("carrier_restore", "DELETE FROM carrier_cut WHERE carrier = $1 RETURNING carrier", &[Type::Text]);
static LIST: Statement = Statement::new(
    "carrier_cuts",
    "SELECT carrier, since, reason FROM carrier_cut WHERE carrier > $1 ORDER BY carrier",
    &[Type::Text],
);

pub(crate) static ALL: &[&Statement] = &[&CUT, &RESTORE, &LIST];

/// The notice that says that a carrier was cut or restored.
pub const CUT_NOTICE: &str = "carrier-cut";

impl Store {
    /// Cuts a carrier off, and tells every node. Whether it was not cut before.
    pub async fn cut_carrier(&self, carrier: &str, reason: &str) -> Result<bool, StoreError> {
        let mut tx = self.engine().begin().await?;
        let cut = !tx.run(&CUT, values![carrier, self.world().now(), reason]).await?.is_empty();
        tx.notify(CUT_NOTICE.to_owned()).await?;
        tx.commit().await?;
        Ok(cut)
    }

    /// Lets a carrier work again, and tells every node. Whether it was cut.
    pub async fn restore_carrier(&self, carrier: &str) -> Result<bool, StoreError> {
        let mut tx = self.engine().begin().await?;
        let restored = !tx.run(&RESTORE, values![carrier]).await?.is_empty();
        tx.notify(CUT_NOTICE.to_owned()).await?;
        tx.commit().await?;
        Ok(restored)
    }

    /// The carriers that are cut off, by name.
    pub async fn carrier_cuts(&self) -> Result<Vec<CarrierCut>, StoreError> {
        let answers = self.engine().read(vec![(&LIST, values![""])]).await?;
        answers.into_iter().flatten().map(crate::scope::Record::from_row).collect()
    }
}
