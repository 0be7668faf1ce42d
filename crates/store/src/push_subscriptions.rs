//! Where the browser of an installed authenticator takes its push messages: one subscription for each phone.

use crate::{
    engine::{Statement, StoreError, Type},
    page::{Page, Slice},
    scope::{Tenant, Tx, record},
    values,
};
use types::{Millis, PhoneId};

record! {
    /// A subscription.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct PushSubscriptionRow {
        /// Of which phone.
        pub phone_id: PhoneId,
        /// Address and keys, sealed: who knows the address can spend the subscriber's battery.
        pub sealed: Vec<u8>,
        /// Messages in a row that the push service would not take.
        pub failures: i64,
        /// When it was made.
        pub created: Millis,
    }
}

static OF_PHONE: Statement = Statement::new(
    "push_of_phone",
    "SELECT phone_id, sealed, failures, created FROM push_subscription WHERE tenant = $1 AND phone_id = $2",
    &[Type::Id, Type::Id],
);
static PAGE: Statement = Statement::new(
    "push_page",
    "SELECT phone_id, sealed, failures, created FROM push_subscription WHERE tenant = $1 ORDER BY phone_id LIMIT $2 OFFSET $3",
    &[Type::Id, Type::Int, Type::Int],
);
static COUNT: Statement =
    Statement::new("push_count", "SELECT COUNT(*) FROM push_subscription WHERE tenant = $1", &[Type::Id]);
// The phone must be this tenant's, whoever asks.
static SET: Statement = Statement::new(
    "push_set",
    "INSERT INTO push_subscription (tenant, phone_id, sealed, failures, created) \
     SELECT tenant, id, $3, 0, CAST($4 AS BIGINT) FROM phone WHERE tenant = $1 AND id = $2 \
     ON CONFLICT (tenant, phone_id) DO UPDATE SET sealed = excluded.sealed, failures = 0, created = excluded.created \
     RETURNING phone_id",
    &[Type::Id, Type::Id, Type::Bytes, Type::Int],
);
static DELETE: Statement = Statement::new(
    "push_delete",
    "DELETE FROM push_subscription WHERE tenant = $1 AND phone_id = $2 RETURNING phone_id",
    &[Type::Id, Type::Id],
);
// Only what was tried: the phone may have subscribed anew meanwhile.
static DROP: Statement = Statement::new(
    "push_drop",
    "DELETE FROM push_subscription WHERE tenant = $1 AND phone_id = $2 AND sealed = $3 RETURNING phone_id",
    &[Type::Id, Type::Id, Type::Bytes],
);
static FAILED: Statement = Statement::new(
    "push_failed",
    "UPDATE push_subscription SET failures = failures + 1 WHERE tenant = $1 AND phone_id = $2 AND sealed = $3 RETURNING failures",
    &[Type::Id, Type::Id, Type::Bytes],
);
static WORKED: Statement = Statement::new(
    "push_worked",
    "UPDATE push_subscription SET failures = 0 WHERE tenant = $1 AND phone_id = $2 AND failures > 0 RETURNING phone_id",
    &[Type::Id, Type::Id],
);
static RESEAL: Statement = Statement::new(
    "push_reseal",
    "UPDATE push_subscription SET sealed = $4 WHERE tenant = $1 AND phone_id = $2 AND sealed = $3 RETURNING phone_id",
    &[Type::Id, Type::Id, Type::Bytes, Type::Bytes],
);

pub(crate) static ALL: &[&Statement] = &[&OF_PHONE, &PAGE, &COUNT, &SET, &DELETE, &DROP, &FAILED, &WORKED, &RESEAL];

impl Tenant<'_> {
    /// The subscription of a phone.
    pub async fn push_subscription(&self, phone: PhoneId) -> Result<Option<PushSubscriptionRow>, StoreError> {
        self.find(&OF_PHONE, values![phone]).await
    }

    /// A page of all subscriptions in the order of their phones' making.
    pub async fn push_subscriptions(&self, slice: Slice) -> Result<Page<PushSubscriptionRow>, StoreError> {
        self.page(&PAGE, &COUNT, Vec::new(), slice).await
    }
}

impl Tx {
    /// Gives a phone a subscription, in the place of the one it had. Whether there is such a phone.
    pub async fn set_push_subscription(
        &mut self,
        phone: PhoneId,
        sealed: &[u8],
        now: Millis,
    ) -> Result<bool, StoreError> {
        self.changed(&SET, values![phone, sealed.to_vec(), now]).await
    }

    /// Ends a phone's subscription. Whether there was one.
    pub async fn delete_push_subscription(&mut self, phone: PhoneId) -> Result<bool, StoreError> {
        self.changed(&DELETE, values![phone]).await
    }

    /// Ends the subscription that was read as `sealed`, because the push service says that it is gone. Whether it was still there.
    pub async fn drop_push_subscription(&mut self, phone: PhoneId, sealed: &[u8]) -> Result<bool, StoreError> {
        self.changed(&DROP, values![phone, sealed.to_vec()]).await
    }

    /// Counts a message that the push service would not take for the subscription read as `sealed`: so many in a row now; nothing
    /// when there is another subscription by now.
    pub async fn push_failed(&mut self, phone: PhoneId, sealed: &[u8]) -> Result<Option<i64>, StoreError> {
        let rows = self.run(&FAILED, values![phone, sealed.to_vec()]).await?;
        rows.into_iter().next().map(|row| row.read().take()).transpose()
    }

    /// Forgets the failures of a phone's subscription. Whether there were any.
    pub async fn push_worked(&mut self, phone: PhoneId) -> Result<bool, StoreError> {
        self.changed(&WORKED, values![phone]).await
    }

    /// Puts the same subscription, sealed anew, in the place of `old`. Whether `old` was still there.
    pub async fn reseal_push_subscription(
        &mut self,
        phone: PhoneId,
        old: &[u8],
        new: &[u8],
    ) -> Result<bool, StoreError> {
        self.changed(&RESEAL, values![phone, old.to_vec(), new.to_vec()]).await
    }
}
