//! People, as they are read. What changes them stands in `user_changes`.

use crate::{
    engine::{Columns, Statement, StoreError, Type},
    page::{Page, Slice},
    scope::{Record, Tenant, record},
    values,
};
use types::{GroupId, Millis, PhoneId, TokenId, UserId, UserName};

record! {
    /// A person.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct UserRow {
        /// Their id.
        pub id: UserId,
        /// The name as the administrator wrote it; the form in which it is looked up stands in `user_name`.
        pub username: String,
        /// Their full name; empty when unknown, as are the next three.
        pub realname: String,
        /// Their first name.
        pub firstname: String,
        /// Their last name.
        pub lastname: String,
        /// Their address.
        pub email: String,
        /// The administrator's notes.
        pub notes: String,
        /// `active`, `bypass` or `disabled`: what an administrator chose. Lockout and deletion stand beside it.
        pub status: String,
        /// Wrong answers since the last right one.
        pub failures: i64,
        /// When the wrong answers became too many.
        pub locked_at: Option<Millis>,
        /// When it was marked for deletion.
        pub deleted_at: Option<Millis>,
        /// The last login that no device row shows.
        pub last_login: Option<Millis>,
        /// When it was made.
        pub created: Millis,
        /// Further attributes, as JSON.
        pub attributes: String,
        /// How many passkeys the user has that are not suspended; kept in step by what adds, removes, suspends and restores them.
        pub passkeys: i64,
    }
}

record! {
    /// A name under which a user is found.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct UserNameRow {
        /// The normalised form.
        pub name: String,
        /// 0 for the user name, 1 to 8 for an alias.
        pub place: i64,
    }
}

/// All columns but the tenant, in the order of [`UserRow`].
macro_rules! columns {
    () => {
        "id, username, realname, firstname, lastname, email, notes, status, failures, locked_at, deleted_at, \
         last_login, created, attributes, passkeys"
    };
}

static BY_ID: Statement = Statement::new(
    "user_by_id",
    concat!("SELECT ", columns!(), " FROM users WHERE tenant = $1 AND id = $2"),
    &[Type::Id, Type::Id],
);
static BY_NAME: Statement = Statement::new(
    "user_by_name",
    concat!(
        "SELECT ",
        columns!(),
        " FROM user_name JOIN users ON users.tenant = user_name.tenant AND users.id = user_name.user_id \
         WHERE user_name.tenant = $1 AND user_name.name = $2"
    ),
    &[Type::Id, Type::Text],
);
static NAMES: Statement = Statement::new(
    "user_names",
    "WITH input(tenant, owner) AS (VALUES ($1, $2)) SELECT owner, name, place FROM input JOIN user_name \
     ON user_name.tenant = input.tenant AND user_name.user_id = input.owner ORDER BY owner, place",
    &[Type::Id, Type::Id],
);
static PAGE: Statement = Statement::new(
    "user_page",
    concat!("SELECT ", columns!(), " FROM users WHERE tenant = $1 ORDER BY id LIMIT $2 OFFSET $3"),
    &[Type::Id, Type::Int, Type::Int],
);
static COUNT: Statement = Statement::new("user_count", "SELECT COUNT(*) FROM users WHERE tenant = $1", &[Type::Id]);
static PAGE_BY_EMAIL: Statement = Statement::new(
    "user_page_by_email",
    concat!("SELECT ", columns!(), " FROM users WHERE tenant = $1 AND email = $2 ORDER BY id LIMIT $3 OFFSET $4"),
    &[Type::Id, Type::Text, Type::Int, Type::Int],
);
static COUNT_BY_EMAIL: Statement = Statement::new(
    "user_count_by_email",
    "SELECT COUNT(*) FROM users WHERE tenant = $1 AND email = $2",
    &[Type::Id, Type::Text],
);
// By the rules of "C" no other letters than A to Z are folded, whatever the database's language is; SQLite knows no others.
static IN_ANY_CASE: Statement = Statement::new(
    "user_by_email_in_any_case",
    concat!(
        "SELECT ",
        columns!(),
        " FROM users WHERE tenant = $1 AND LOWER(email COLLATE \"C\") = $2 ORDER BY id LIMIT $3"
    ),
    &[Type::Id, Type::Text, Type::Int],
);
static DELETED_BEFORE: Statement = Statement::new(
    "user_deleted_before",
    concat!(
        "SELECT ",
        columns!(),
        " FROM users WHERE tenant = $1 AND deleted_at IS NOT NULL AND deleted_at < $2 ORDER BY deleted_at LIMIT $3"
    ),
    &[Type::Id, Type::Int, Type::Int],
);
static OF_PHONES: Statement = Statement::new(
    "user_of_phones",
    concat!(
        "WITH input(tenant, owner) AS (VALUES ($1, $2)) SELECT owner, ",
        columns!(),
        " FROM input JOIN user_phone ON user_phone.tenant = input.tenant AND user_phone.phone_id = input.owner \
         JOIN users ON users.tenant = user_phone.tenant AND users.id = user_phone.user_id ORDER BY owner, id"
    ),
    &[Type::Id, Type::Id],
);
static OF_TOKENS: Statement = Statement::new(
    "user_of_tokens",
    concat!(
        "WITH input(tenant, owner) AS (VALUES ($1, $2)) SELECT owner, ",
        columns!(),
        " FROM input JOIN user_token ON user_token.tenant = input.tenant AND user_token.token_id = input.owner \
         JOIN users ON users.tenant = user_token.tenant AND users.id = user_token.user_id ORDER BY owner, id"
    ),
    &[Type::Id, Type::Id],
);
static OF_GROUP: Statement = Statement::new(
    "user_page_of_group",
    concat!(
        "SELECT ",
        columns!(),
        " FROM membership JOIN users ON users.tenant = membership.tenant AND users.id = membership.user_id \
         WHERE membership.tenant = $1 AND membership.group_id = $2 ORDER BY membership.user_id LIMIT $3 OFFSET $4"
    ),
    &[Type::Id, Type::Id, Type::Int, Type::Int],
);
static COUNT_OF_GROUP: Statement = Statement::new(
    "user_count_of_group",
    "SELECT COUNT(*) FROM membership WHERE tenant = $1 AND group_id = $2",
    &[Type::Id, Type::Id],
);
static LAST_LOGINS: Statement = Statement::new(
    "user_last_logins",
    "WITH input(tenant, owner) AS (VALUES ($1, $2)) SELECT owner, users.last_login, \
     (SELECT MAX(token.last_used) FROM user_token JOIN token ON token.tenant = user_token.tenant AND token.id = user_token.token_id \
      WHERE user_token.tenant = input.tenant AND user_token.user_id = input.owner), \
     (SELECT MAX(phone.last_used) FROM user_phone JOIN phone ON phone.tenant = user_phone.tenant AND phone.id = user_phone.phone_id \
      WHERE user_phone.tenant = input.tenant AND user_phone.user_id = input.owner) \
     FROM input JOIN users ON users.tenant = input.tenant AND users.id = input.owner",
    &[Type::Id, Type::Id],
);

pub(crate) static ALL: &[&Statement] = &[
    &BY_ID,
    &BY_NAME,
    &NAMES,
    &PAGE,
    &COUNT,
    &PAGE_BY_EMAIL,
    &COUNT_BY_EMAIL,
    &IN_ANY_CASE,
    &DELETED_BEFORE,
    &OF_PHONES,
    &OF_TOKENS,
    &OF_GROUP,
    &COUNT_OF_GROUP,
    &LAST_LOGINS,
];

/// The three columns of [`LAST_LOGINS`].
struct LastLogin(Option<Millis>);

impl Record for LastLogin {
    fn from_columns(columns: &mut Columns) -> Result<Self, StoreError> {
        let (own, token, phone): (Option<Millis>, _, _) = (columns.take()?, columns.take()?, columns.take()?);
        Ok(Self(own.max(token).max(phone)))
    }
}

impl Tenant<'_> {
    /// A user by id.
    pub async fn user(&self, id: UserId) -> Result<Option<UserRow>, StoreError> {
        self.find(&BY_ID, values![id]).await
    }

    /// A user by the user name or an alias.
    pub async fn user_by_name(&self, name: &UserName) -> Result<Option<UserRow>, StoreError> {
        self.find(&BY_NAME, values![name.as_str()]).await
    }

    /// The normalised names of many users, each user's in their places: the user name first, then the aliases.
    pub async fn user_names(&self, users: &[UserId]) -> Result<Vec<(UserId, UserNameRow)>, StoreError> {
        self.of_each(&NAMES, users).await
    }

    /// A page of the users in the order of their making; with `email`, of those who have exactly this address.
    pub async fn users(&self, email: Option<&str>, slice: Slice) -> Result<Page<UserRow>, StoreError> {
        match email {
            None => self.page(&PAGE, &COUNT, Vec::new(), slice).await,
            Some(email) => self.page(&PAGE_BY_EMAIL, &COUNT_BY_EMAIL, values![email], slice).await,
        }
    }

    /// Users who have this address, however A to Z are written in it: at most `limit`, in the order of their making.
    pub async fn users_by_email_in_any_case(&self, email: &str, limit: i64) -> Result<Vec<UserRow>, StoreError> {
        self.list(&IN_ANY_CASE, values![email.to_ascii_lowercase(), limit.max(0)]).await
    }

    /// How many users there are, those marked for deletion among them.
    pub async fn user_count(&self) -> Result<i64, StoreError> {
        self.count(&COUNT, Vec::new()).await
    }

    /// Users who were marked for deletion before `before`, the longest ago first.
    pub async fn users_deleted_before(&self, before: Millis, limit: i64) -> Result<Vec<UserRow>, StoreError> {
        self.list(&DELETED_BEFORE, values![before, limit.max(0)]).await
    }

    /// Who uses each of these phones.
    pub async fn users_of_phones(&self, phones: &[PhoneId]) -> Result<Vec<(PhoneId, UserRow)>, StoreError> {
        self.of_each(&OF_PHONES, phones).await
    }

    /// Who uses each of these tokens.
    pub async fn users_of_tokens(&self, tokens: &[TokenId]) -> Result<Vec<(TokenId, UserRow)>, StoreError> {
        self.of_each(&OF_TOKENS, tokens).await
    }

    /// A page of a group's members in the order of their making.
    pub async fn members(&self, group: GroupId, slice: Slice) -> Result<Page<UserRow>, StoreError> {
        self.page(&OF_GROUP, &COUNT_OF_GROUP, values![group], slice).await
    }

    /// When each of these users last logged in, by whatever means: the newest of the user's own time and of the last use of each
    /// token and phone. Users who never did are among them; users who don't exist are not.
    pub async fn last_logins(&self, users: &[UserId]) -> Result<Vec<(UserId, Option<Millis>)>, StoreError> {
        let found: Vec<(UserId, LastLogin)> = self.of_each(&LAST_LOGINS, users).await?;
        Ok(found.into_iter().map(|(user, LastLogin(at))| (user, at)).collect())
    }
}
