//! Telephones and authenticator apps.

use crate::{
    engine::{Statement, StoreError, Type},
    page::{Page, Slice},
    scope::{Tenant, Tx, record},
    values,
};
use types::{Millis, PhoneId, UserId};

record! {
    /// A telephone or tablet: a number, an authenticator app, or both.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct PhoneRow {
        /// Its id.
        pub id: PhoneId,
        /// The number, sealed.
        pub number: Option<Vec<u8>>,
        /// The last four digits, sealed apart, so that showing them never opens the number.
        pub tail: Option<Vec<u8>>,
        /// Digits to dial after the call is answered.
        pub extension: String,
        /// For people.
        pub name: String,
        /// `mobile` or `landline`.
        pub r#type: String,
        /// `apple ios`, `google android`, …
        pub platform: String,
        /// The device's model.
        pub model: String,
        /// Seconds to wait before the extension is dialled.
        pub predelay: i64,
        /// Seconds to wait after the extension before the message begins.
        pub postdelay: i64,
        /// The authenticator's P-256 key; without one there is no push.
        pub public_key: Option<Vec<u8>>,
        /// How the authenticator names its device.
        pub device_name: String,
        /// When the authenticator last spoke.
        pub last_seen: Option<Millis>,
        /// How many passcodes of the last batch were sent.
        pub sms_sent: i64,
        /// The last login with it.
        pub last_used: Option<Millis>,
        /// When it was made.
        pub created: Millis,
    }
}

/// A change of a phone's particulars; what is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct PhoneChange {
    /// See [`PhoneRow::extension`].
    pub extension: Option<String>,
    /// See [`PhoneRow::name`].
    pub name: Option<String>,
    /// See [`PhoneRow::r#type`].
    pub r#type: Option<String>,
    /// See [`PhoneRow::platform`].
    pub platform: Option<String>,
    /// See [`PhoneRow::model`].
    pub model: Option<String>,
    /// See [`PhoneRow::predelay`].
    pub predelay: Option<i64>,
    /// See [`PhoneRow::postdelay`].
    pub postdelay: Option<i64>,
}

/// A number in its two sealed parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SealedNumber {
    /// See [`PhoneRow::number`].
    pub number: Option<Vec<u8>>,
    /// See [`PhoneRow::tail`].
    pub tail: Option<Vec<u8>>,
}

macro_rules! columns {
    () => {
        "id, number, tail, extension, name, type, platform, model, predelay, postdelay, public_key, device_name, \
         last_seen, sms_sent, last_used, created"
    };
}

static BY_ID: Statement = Statement::new(
    "phone_by_id",
    concat!("SELECT ", columns!(), " FROM phone WHERE tenant = $1 AND id = $2"),
    &[Type::Id, Type::Id],
);
static PAGE: Statement = Statement::new(
    "phone_page",
    concat!("SELECT ", columns!(), " FROM phone WHERE tenant = $1 ORDER BY id LIMIT $2 OFFSET $3"),
    &[Type::Id, Type::Int, Type::Int],
);
static COUNT: Statement = Statement::new("phone_count", "SELECT COUNT(*) FROM phone WHERE tenant = $1", &[Type::Id]);
static OF_USERS: Statement = Statement::new(
    "phone_of_users",
    concat!(
        "WITH input(tenant, owner) AS (VALUES ($1, $2)) SELECT owner, ",
        columns!(),
        " FROM input JOIN user_phone ON user_phone.tenant = input.tenant AND user_phone.user_id = input.owner \
         JOIN phone ON phone.tenant = user_phone.tenant AND phone.id = user_phone.phone_id ORDER BY owner, id"
    ),
    &[Type::Id, Type::Id],
);
static INSERT: Statement = Statement::new(
    "phone_insert",
    concat!(
        "INSERT INTO phone (tenant, ",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
    ),
    &[
        Type::Id,
        Type::Id,
        Type::Bytes,
        Type::Bytes,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Int,
        Type::Int,
        Type::Bytes,
        Type::Text,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Int,
    ],
);
static CHANGE: Statement = Statement::new(
    "phone_change",
    "UPDATE phone SET extension = COALESCE($3, extension), name = COALESCE($4, name), type = COALESCE($5, type), \
     platform = COALESCE($6, platform), model = COALESCE($7, model), predelay = COALESCE($8, predelay), \
     postdelay = COALESCE($9, postdelay) WHERE tenant = $1 AND id = $2 RETURNING id",
    &[Type::Id, Type::Id, Type::Text, Type::Text, Type::Text, Type::Text, Type::Text, Type::Int, Type::Int],
);
static SET_NUMBER: Statement = Statement::new(
    "phone_set_number",
    "UPDATE phone SET number = $3, tail = $4 WHERE tenant = $1 AND id = $2 RETURNING id",
    &[Type::Id, Type::Id, Type::Bytes, Type::Bytes],
);
// "IS NOT DISTINCT FROM" is the equality of PostgreSQL and SQLite that also holds between two NULLs.
static RESEAL: Statement = Statement::new(
    "phone_reseal",
    "UPDATE phone SET number = $5, tail = $6 WHERE tenant = $1 AND id = $2 AND number IS NOT DISTINCT FROM $3 \
     AND tail IS NOT DISTINCT FROM $4 RETURNING id",
    &[Type::Id, Type::Id, Type::Bytes, Type::Bytes, Type::Bytes, Type::Bytes],
);
static SET_KEY: Statement = Statement::new(
    "phone_set_key",
    "UPDATE phone SET public_key = $3, device_name = $4, last_seen = $5 WHERE tenant = $1 AND id = $2 RETURNING id",
    &[Type::Id, Type::Id, Type::Bytes, Type::Text, Type::Int],
);
static CLEAR_KEY: Statement = Statement::new(
    "phone_clear_key",
    "UPDATE phone SET public_key = NULL, device_name = '' WHERE tenant = $1 AND id = $2 RETURNING id",
    &[Type::Id, Type::Id],
);
static SEEN: Statement = Statement::new(
    "phone_seen",
    "UPDATE phone SET last_seen = $3 WHERE tenant = $1 AND id = $2 AND (last_seen IS NULL OR last_seen < $3) RETURNING id",
    &[Type::Id, Type::Id, Type::Int],
);
static DELETE: Statement = Statement::new(
    "phone_delete",
    "DELETE FROM phone WHERE tenant = $1 AND id = $2 RETURNING id",
    &[Type::Id, Type::Id],
);
static DELETE_LINKS: Statement = Statement::new(
    "phone_delete_links",
    "DELETE FROM user_phone WHERE tenant = $1 AND phone_id = $2",
    &[Type::Id, Type::Id],
);
static DELETE_CODES: Statement = Statement::new(
    "phone_delete_codes",
    "DELETE FROM sms_code WHERE tenant = $1 AND phone_id = $2",
    &[Type::Id, Type::Id],
);
static DELETE_ACTIVATIONS: Statement = Statement::new(
    "phone_delete_activations",
    "DELETE FROM activation WHERE tenant = $1 AND phone_id = $2",
    &[Type::Id, Type::Id],
);
static VOID_ACTIVATIONS: Statement = Statement::new(
    "phone_void_activations",
    "UPDATE activation SET used_at = $3 WHERE tenant = $1 AND phone_id = $2 AND used_at IS NULL",
    &[Type::Id, Type::Id, Type::Int],
);
static DELETE_SUBSCRIPTION: Statement = Statement::new(
    "phone_delete_subscription",
    "DELETE FROM push_subscription WHERE tenant = $1 AND phone_id = $2",
    &[Type::Id, Type::Id],
);
// Both must be this tenant's. A conflict is no change but gives the row, so that "was there" and "no such phone" differ.
static ATTACH: Statement = Statement::new(
    "phone_attach",
    "INSERT INTO user_phone (tenant, user_id, phone_id) SELECT users.tenant, users.id, phone.id FROM users \
     JOIN phone ON phone.tenant = users.tenant AND phone.id = $3 WHERE users.tenant = $1 AND users.id = $2 \
     ON CONFLICT (tenant, user_id, phone_id) DO UPDATE SET phone_id = excluded.phone_id RETURNING user_id",
    &[Type::Id, Type::Id, Type::Id],
);
static DETACH: Statement = Statement::new(
    "phone_detach",
    "DELETE FROM user_phone WHERE tenant = $1 AND user_id = $2 AND phone_id = $3 RETURNING user_id",
    &[Type::Id, Type::Id, Type::Id],
);

// A telephone that nobody has any more: whoever gets it next doesn't get the last one's authenticator.
static CLEAR_ORPHANS_KEY: Statement = Statement::new(
    "phone_clear_orphans_key",
    "UPDATE phone SET public_key = NULL, device_name = '' WHERE tenant = $1 AND id = $2 \
     AND NOT EXISTS (SELECT 1 FROM user_phone l WHERE l.tenant = $1 AND l.phone_id = $2)",
    &[Type::Id, Type::Id],
);

pub(crate) static ALL: &[&Statement] = &[
    &CLEAR_ORPHANS_KEY,
    &BY_ID,
    &PAGE,
    &COUNT,
    &OF_USERS,
    &INSERT,
    &CHANGE,
    &SET_NUMBER,
    &RESEAL,
    &SET_KEY,
    &CLEAR_KEY,
    &SEEN,
    &DELETE,
    &DELETE_LINKS,
    &DELETE_CODES,
    &DELETE_ACTIVATIONS,
    &VOID_ACTIVATIONS,
    &DELETE_SUBSCRIPTION,
    &ATTACH,
    &DETACH,
];

impl Tenant<'_> {
    /// A phone by id.
    pub async fn phone(&self, id: PhoneId) -> Result<Option<PhoneRow>, StoreError> {
        self.find(&BY_ID, values![id]).await
    }

    /// A page of the phones in the order of their making.
    pub async fn phones(&self, slice: Slice) -> Result<Page<PhoneRow>, StoreError> {
        self.page(&PAGE, &COUNT, Vec::new(), slice).await
    }

    /// The phones of each of these users. The users of a phone: [`Tenant::users_of_phones`].
    pub async fn phones_of_users(&self, users: &[UserId]) -> Result<Vec<(UserId, PhoneRow)>, StoreError> {
        self.of_each(&OF_USERS, users).await
    }
}

impl Tx {
    /// Makes a phone.
    pub async fn insert_phone(&mut self, phone: &PhoneRow) -> Result<(), StoreError> {
        self.run(&INSERT, phone.values()).await.map(drop)
    }

    /// Changes particulars. Whether there is such a phone.
    pub async fn change_phone(&mut self, phone: PhoneId, change: &PhoneChange) -> Result<bool, StoreError> {
        let PhoneChange { extension, name, r#type, platform, model, predelay, postdelay } = change.clone();
        self.changed(&CHANGE, values![phone, extension, name, r#type, platform, model, predelay, postdelay]).await
    }

    /// Sets or removes the number. Whether there is such a phone.
    pub async fn set_phone_number(&mut self, phone: PhoneId, number: SealedNumber) -> Result<bool, StoreError> {
        self.changed(&SET_NUMBER, values![phone, number.number, number.tail]).await
    }

    /// Puts the same number, sealed anew, in the place of `old`. Whether `old` was still there.
    pub async fn reseal_phone(
        &mut self,
        phone: PhoneId,
        old: SealedNumber,
        new: SealedNumber,
    ) -> Result<bool, StoreError> {
        self.changed(&RESEAL, values![phone, old.number, old.tail, new.number, new.tail]).await
    }

    /// Activates push: from now on this key answers for the phone, and the passcodes and the subscription of the one before end, with the
    /// codes that would activate it once more.
    /// Whether there is such a phone.
    pub async fn set_phone_key(
        &mut self,
        phone: PhoneId,
        public_key: &[u8],
        device_name: &str,
        at: Millis,
    ) -> Result<bool, StoreError> {
        self.delete_app_token(phone).await?;
        self.run(&DELETE_SUBSCRIPTION, values![phone]).await?;
        self.run(&VOID_ACTIVATIONS, values![phone, at]).await?;
        self.changed(&SET_KEY, values![phone, public_key.to_vec(), device_name, at]).await
    }

    /// Ends push, its subscription, the authenticator's passcodes and the codes that would activate it anew. Whether there is such a phone.
    pub async fn clear_phone_key(&mut self, phone: PhoneId) -> Result<bool, StoreError> {
        self.delete_app_token(phone).await?;
        for statement in [&DELETE_ACTIVATIONS, &DELETE_SUBSCRIPTION] {
            self.run(statement, values![phone]).await?;
        }
        self.changed(&CLEAR_KEY, values![phone]).await
    }

    /// Notes that the authenticator spoke at `at`. Whether that was news.
    pub async fn phone_seen(&mut self, phone: PhoneId, at: Millis) -> Result<bool, StoreError> {
        self.changed(&SEEN, values![phone, at]).await
    }

    /// Deletes a phone, its links to users, the passcodes sent to it and shown by it, its activations and its subscription.
    /// Whether there was such a phone.
    pub async fn delete_phone(&mut self, phone: PhoneId) -> Result<bool, StoreError> {
        if !self.changed(&DELETE, values![phone]).await? {
            return Ok(false);
        }
        self.delete_app_token(phone).await?;
        for statement in [&DELETE_LINKS, &DELETE_CODES, &DELETE_ACTIVATIONS, &DELETE_SUBSCRIPTION] {
            self.run(statement, values![phone]).await?;
        }
        Ok(true)
    }

    /// Gives a user a phone, which may be the user's already. Whether both exist.
    pub async fn attach_phone(&mut self, user: UserId, phone: PhoneId) -> Result<bool, StoreError> {
        self.changed(&ATTACH, values![user, phone]).await
    }

    /// Takes a phone from a user, with the passcodes that the authenticator on it shows and the codes that would activate it anew. Where
    /// nobody else has it, its authenticator can't answer any more, whoever gets the phone next.
    /// Whether the user had it.
    pub async fn detach_phone(&mut self, user: UserId, phone: PhoneId) -> Result<bool, StoreError> {
        let had = self.changed(&DETACH, values![user, phone]).await?;
        if had {
            self.delete_app_token(phone).await?;
            self.run(&DELETE_ACTIVATIONS, values![phone]).await?;
            self.run(&CLEAR_ORPHANS_KEY, values![phone]).await?;
        }
        Ok(had)
    }
}
