//! Bypass codes as an administrator lists them. Making and spending them stands in [`crate::codes`] and [`crate::login`].

use crate::{
    codes::BypassRow,
    engine::{Statement, StoreError, Type},
    page::{Page, Slice},
    scope::Tenant,
    values,
};
use types::{BypassId, UserId};

macro_rules! columns {
    () => {
        "id, user_id, digest, uses_left, expires, created, created_by"
    };
}

static BY_ID: Statement = Statement::new(
    "bypass_by_id",
    concat!("SELECT ", columns!(), " FROM bypass_code WHERE tenant = $1 AND id = $2"),
    &[Type::Id, Type::Id],
);
static PAGE: Statement = Statement::new(
    "bypass_page",
    concat!("SELECT ", columns!(), " FROM bypass_code WHERE tenant = $1 ORDER BY id LIMIT $2 OFFSET $3"),
    &[Type::Id, Type::Int, Type::Int],
);
static COUNT: Statement =
    Statement::new("bypass_count", "SELECT COUNT(*) FROM bypass_code WHERE tenant = $1", &[Type::Id]);
static PAGE_OF_USER: Statement = Statement::new(
    "bypass_page_of_user",
    concat!(
        "SELECT ",
        columns!(),
        " FROM bypass_code WHERE tenant = $1 AND user_id = $2 ORDER BY id LIMIT $3 OFFSET $4"
    ),
    &[Type::Id, Type::Id, Type::Int, Type::Int],
);
static COUNT_OF_USER: Statement = Statement::new(
    "bypass_count_of_user",
    "SELECT COUNT(*) FROM bypass_code WHERE tenant = $1 AND user_id = $2",
    &[Type::Id, Type::Id],
);

pub(crate) static ALL: &[&Statement] = &[&BY_ID, &PAGE, &COUNT, &PAGE_OF_USER, &COUNT_OF_USER];

impl Tenant<'_> {
    /// A bypass code by id, spent and expired ones too.
    pub async fn bypass_code(&self, id: BypassId) -> Result<Option<BypassRow>, StoreError> {
        self.find(&BY_ID, values![id]).await
    }

    /// A page of all bypass codes in the order of their making, or of one user's; spent and expired ones too, until they are
    /// cleared away.
    pub async fn bypass_code_page(&self, user: Option<UserId>, slice: Slice) -> Result<Page<BypassRow>, StoreError> {
        match user {
            None => self.page(&PAGE, &COUNT, Vec::new(), slice).await,
            Some(user) => self.page(&PAGE_OF_USER, &COUNT_OF_USER, values![user], slice).await,
        }
    }
}
