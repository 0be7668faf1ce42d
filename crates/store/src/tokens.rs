//! One-time-password tokens.

use crate::{
    engine::{Statement, StoreError, Type},
    page::{Page, Slice},
    scope::{Tenant, Tx, record},
    values,
};
use types::{Millis, PhoneId, TokenId, UserId};

record! {
    /// A token: TOTP, HOTP or Yubico OTP.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct TokenRow {
        /// Its id.
        pub id: TokenId,
        /// Its type in Duo's words: `h6`, `h8`, `t6`, `t8`, `yk`.
        pub r#type: String,
        /// The maker's serial, once for each type in a tenant.
        pub serial: String,
        /// The seed, sealed.
        pub seed: Vec<u8>,
        /// Digits of a code.
        pub digits: i64,
        /// Seconds of a TOTP step; 0 for the others.
        pub period: i64,
        /// The last accepted TOTP step, HOTP counter or Yubico counter.
        pub counter: i64,
        /// How many steps its clock was off when it was last used.
        pub drift: i64,
        /// The last login with it.
        pub last_used: Option<Millis>,
        /// When it was made.
        pub created: Millis,
    }
}

macro_rules! columns {
    () => {
        "id, type, serial, seed, digits, period, counter, drift, last_used, created"
    };
}

static BY_ID: Statement = Statement::new(
    "token_by_id",
    concat!("SELECT ", columns!(), " FROM token WHERE tenant = $1 AND id = $2"),
    &[Type::Id, Type::Id],
);
static BY_SERIAL: Statement = Statement::new(
    "token_by_serial",
    concat!("SELECT ", columns!(), " FROM token WHERE tenant = $1 AND type = $2 AND serial = $3"),
    &[Type::Id, Type::Text, Type::Text],
);
static PAGE: Statement = Statement::new(
    "token_page",
    concat!("SELECT ", columns!(), " FROM token WHERE tenant = $1 ORDER BY id LIMIT $2 OFFSET $3"),
    &[Type::Id, Type::Int, Type::Int],
);
static COUNT: Statement = Statement::new("token_count", "SELECT COUNT(*) FROM token WHERE tenant = $1", &[Type::Id]);
static OF_USERS: Statement = Statement::new(
    "token_of_users",
    concat!(
        "WITH input(tenant, owner) AS (VALUES ($1, $2)) SELECT owner, ",
        columns!(),
        " FROM input JOIN user_token ON user_token.tenant = input.tenant AND user_token.user_id = input.owner \
         JOIN token ON token.tenant = user_token.tenant AND token.id = user_token.token_id ORDER BY owner, id"
    ),
    &[Type::Id, Type::Id],
);
static INSERT: Statement = Statement::new(
    "token_insert",
    concat!("INSERT INTO token (tenant, ", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"),
    &[
        Type::Id,
        Type::Id,
        Type::Text,
        Type::Text,
        Type::Bytes,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Int,
    ],
);
static RESYNC: Statement = Statement::new(
    "token_resync",
    "UPDATE token SET counter = $4, drift = $5 WHERE tenant = $1 AND id = $2 AND counter = $3 RETURNING id",
    &[Type::Id, Type::Id, Type::Int, Type::Int, Type::Int],
);
// The last accepted step is told in steps of the new length; both assignments see the old one.
static SET_PERIOD: Statement = Statement::new(
    "token_set_period",
    "UPDATE token SET counter = counter * period / $3, drift = 0, period = $3 WHERE tenant = $1 AND id = $2 AND period > 0 \
     RETURNING id",
    &[Type::Id, Type::Id, Type::Int],
);
static RESEAL: Statement = Statement::new(
    "token_reseal",
    "UPDATE token SET seed = $4 WHERE tenant = $1 AND id = $2 AND seed = $3 RETURNING id",
    &[Type::Id, Type::Id, Type::Bytes, Type::Bytes],
);
static DELETE: Statement = Statement::new(
    "token_delete",
    "DELETE FROM token WHERE tenant = $1 AND id = $2 RETURNING id",
    &[Type::Id, Type::Id],
);
static DELETE_SERIAL: Statement = Statement::new(
    "token_delete_serial",
    "DELETE FROM token WHERE tenant = $1 AND type = $2 AND serial = $3 RETURNING id",
    &[Type::Id, Type::Text, Type::Text],
);
static DELETE_LINKS: Statement = Statement::new(
    "token_delete_links",
    "DELETE FROM user_token WHERE tenant = $1 AND token_id = $2",
    &[Type::Id, Type::Id],
);
// Both must be this tenant's. A conflict is no change but gives the row, so that "was there" and "no such token" differ.
static ATTACH: Statement = Statement::new(
    "token_attach",
    "INSERT INTO user_token (tenant, user_id, token_id) SELECT users.tenant, users.id, token.id FROM users \
     JOIN token ON token.tenant = users.tenant AND token.id = $3 WHERE users.tenant = $1 AND users.id = $2 \
     ON CONFLICT (tenant, user_id, token_id) DO UPDATE SET token_id = excluded.token_id RETURNING user_id",
    &[Type::Id, Type::Id, Type::Id],
);
static DETACH: Statement = Statement::new(
    "token_detach",
    "DELETE FROM user_token WHERE tenant = $1 AND user_id = $2 AND token_id = $3 RETURNING user_id",
    &[Type::Id, Type::Id, Type::Id],
);

pub(crate) static ALL: &[&Statement] = &[
    &BY_ID,
    &BY_SERIAL,
    &PAGE,
    &COUNT,
    &OF_USERS,
    &INSERT,
    &RESYNC,
    &SET_PERIOD,
    &RESEAL,
    &DELETE,
    &DELETE_SERIAL,
    &DELETE_LINKS,
    &ATTACH,
    &DETACH,
];

/// The type of the token that an authenticator shows passcodes of.
pub const APP_TOKEN_TYPE: &str = "t6";

/// The serial of the token that the authenticator on `phone` shows passcodes of. It lives and dies with the authenticator's key.
#[must_use]
pub fn app_token_serial(phone: PhoneId) -> String {
    format!("{APP_TOKEN_SERIAL}{phone}")
}

/// Whether a serial is that of an authenticator's own token, and of which phone.
#[must_use]
pub fn phone_of_app_token(serial: &str) -> Option<PhoneId> {
    serial.strip_prefix(APP_TOKEN_SERIAL)?.parse().ok()
}

const APP_TOKEN_SERIAL: &str = "authenticator ";

impl Tenant<'_> {
    /// A token by id.
    pub async fn token(&self, id: TokenId) -> Result<Option<TokenRow>, StoreError> {
        self.find(&BY_ID, values![id]).await
    }

    /// A token by its type and serial.
    pub async fn token_by_serial(&self, r#type: &str, serial: &str) -> Result<Option<TokenRow>, StoreError> {
        self.find(&BY_SERIAL, values![r#type, serial]).await
    }

    /// A page of the tokens in the order of their making.
    pub async fn tokens(&self, slice: Slice) -> Result<Page<TokenRow>, StoreError> {
        self.page(&PAGE, &COUNT, Vec::new(), slice).await
    }

    /// The tokens of each of these users. The users of a token: [`Tenant::users_of_tokens`].
    pub async fn tokens_of_users(&self, users: &[UserId]) -> Result<Vec<(UserId, TokenRow)>, StoreError> {
        self.of_each(&OF_USERS, users).await
    }
}

impl Tx {
    /// Makes a token. [`StoreError::Duplicate`] when there is one of this type and serial.
    pub async fn insert_token(&mut self, token: &TokenRow) -> Result<(), StoreError> {
        self.run(&INSERT, token.values()).await.map(drop)
    }

    /// Moves a token's counter from `old` to `new` and notes the drift, after its codes have shown where it stands. Whether the
    /// counter still stood at `old`: a code that was used meanwhile makes this fail, so none is accepted twice.
    pub async fn resync_token(&mut self, token: TokenId, old: i64, new: i64, drift: i64) -> Result<bool, StoreError> {
        self.changed(&RESYNC, values![token, old, new, drift]).await
    }

    /// Sets the seconds of a TOTP token's step. Whether there is such a token, and it goes by time.
    pub async fn set_token_period(&mut self, token: TokenId, period: i64) -> Result<bool, StoreError> {
        self.changed(&SET_PERIOD, values![token, period]).await
    }

    /// Puts the same seed, sealed anew, in the place of `old`. Whether `old` was still there.
    pub async fn reseal_token(&mut self, token: TokenId, old: &[u8], new: &[u8]) -> Result<bool, StoreError> {
        self.changed(&RESEAL, values![token, old.to_vec(), new.to_vec()]).await
    }

    /// Deletes a token and its links to users. Whether there was such a token.
    pub async fn delete_token(&mut self, token: TokenId) -> Result<bool, StoreError> {
        if !self.changed(&DELETE, values![token]).await? {
            return Ok(false);
        }
        self.run(&DELETE_LINKS, values![token]).await?;
        Ok(true)
    }

    /// Deletes the token that the authenticator on `phone` shows passcodes of, if it has one.
    pub(crate) async fn delete_app_token(&mut self, phone: PhoneId) -> Result<(), StoreError> {
        for row in self.run(&DELETE_SERIAL, values![APP_TOKEN_TYPE, app_token_serial(phone)]).await? {
            let token: TokenId = row.read().take()?;
            self.run(&DELETE_LINKS, values![token]).await?;
        }
        Ok(())
    }

    /// Gives a user a token, which may be the user's already. Whether both exist.
    pub async fn attach_token(&mut self, user: UserId, token: TokenId) -> Result<bool, StoreError> {
        self.changed(&ATTACH, values![user, token]).await
    }

    /// Takes a token from a user. Whether the user had it.
    pub async fn detach_token(&mut self, user: UserId, token: TokenId) -> Result<bool, StoreError> {
        self.changed(&DETACH, values![user, token]).await
    }
}
