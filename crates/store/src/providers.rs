//! Those at whom a tenant's people sign in elsewhere: OpenID providers and SAML providers; whose account here each of their subjects
//! is; and the requests to them that browsers are on their way with.
//!
//! A subject is one person's and a person has one subject at each provider: both are keys. A request is taken out by its answer, and of
//! many who bring one a single one gets it.

use crate::{
    engine::{Statement, StoreError, Type},
    scope::{Record as _, Store, Tenant, Tx, record},
    values,
};
use types::{Millis, SignInId, UserId};

record! {
    /// A provider.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct ProviderRow {
        /// What it is called in addresses and on the command line; never changes.
        pub key: String,
        /// `oidc` or `saml`.
        pub kind: String,
        /// As `auth` writes them: JSON without secrets.
        pub settings: String,
        /// What proves to an OpenID provider who we are, sealed; none where nothing does.
        pub secret: Option<Vec<u8>>,
        /// Whether people may come from it.
        pub enabled: bool,
        /// When it was set: another moment with each change, so that it names the state that somebody has read.
        pub set_at: Millis,
        /// Who set it.
        pub set_by: String,
    }
}

record! {
    /// Whose account here a subject of a provider is.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct ProviderLinkRow {
        /// Which provider.
        pub provider: String,
        /// What the person is called there, for ever.
        pub subject: String,
        /// Who it is here.
        pub user_id: UserId,
        /// Since when.
        pub created: Millis,
        /// By whom: an administrator, or `sign-in` by a rule of the provider.
        pub made_by: String,
    }
}

record! {
    /// A browser that is on its way to a provider and back.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct ProviderRequestRow {
        /// Keyed hash of what comes back with the answer.
        pub digest: Vec<u8>,
        /// To which provider.
        pub provider: String,
        /// In which sign-in, and so in which browser.
        pub sign_in: SignInId,
        /// What the answer is judged by, sealed.
        pub sealed: Vec<u8>,
        /// An answer that another site's form brought without the browser's cookies, sealed.
        pub answer: Option<Vec<u8>>,
        /// When it was made.
        pub created: Millis,
        /// Until when it can be answered.
        pub expires: Millis,
    }
}

macro_rules! provider {
    () => {
        "key, kind, settings, secret, enabled, set_at, set_by"
    };
}
macro_rules! link {
    () => {
        "provider, subject, user_id, created, made_by"
    };
}
macro_rules! request {
    () => {
        "digest, provider, sign_in, sealed, answer, created, expires"
    };
}

static ALL_OF_TENANT: Statement = Statement::new(
    "provider_list",
    concat!("SELECT ", provider!(), " FROM provider WHERE tenant = $1 ORDER BY key"),
    &[Type::Id],
);
static BY_KEY: Statement = Statement::new(
    "provider_by_key",
    concat!("SELECT ", provider!(), " FROM provider WHERE tenant = $1 AND key = $2"),
    &[Type::Id, Type::Text],
);
static INSERT: Statement = Statement::new(
    "provider_insert",
    concat!(
        "INSERT INTO provider (tenant, ",
        provider!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING key"
    ),
    &[Type::Id, Type::Text, Type::Text, Type::Text, Type::Bytes, Type::Int, Type::Int, Type::Text],
);
// Its kind stays: what its subjects are called hangs on it. What was changed since it was read stays, too.
static CHANGE: Statement = Statement::new(
    "provider_change",
    "UPDATE provider SET settings = $4, secret = $5, enabled = $6, set_at = CASE WHEN set_at < $7 THEN $7 ELSE set_at + 1 END, \
     set_by = $8 WHERE tenant = $1 AND key = $2 AND kind = $3 AND set_at = $9 RETURNING key",
    &[Type::Id, Type::Text, Type::Text, Type::Text, Type::Bytes, Type::Int, Type::Int, Type::Text, Type::Int],
);
static ENABLE: Statement = Statement::new(
    "provider_enable",
    "UPDATE provider SET enabled = $3, set_at = CASE WHEN set_at < $4 THEN $4 ELSE set_at + 1 END, set_by = $5 \
     WHERE tenant = $1 AND key = $2 RETURNING key",
    &[Type::Id, Type::Text, Type::Int, Type::Int, Type::Text],
);
static DELETE: Statement = Statement::new(
    "provider_delete",
    "DELETE FROM provider WHERE tenant = $1 AND key = $2 RETURNING key",
    &[Type::Id, Type::Text],
);
static DELETE_LINKS: Statement = Statement::new(
    "provider_delete_links",
    "DELETE FROM provider_link WHERE tenant = $1 AND provider = $2",
    &[Type::Id, Type::Text],
);
static STANDS: Statement = Statement::new(
    "provider_stands",
    "SELECT enabled, set_at FROM provider WHERE tenant = $1 AND key = $2",
    &[Type::Id, Type::Text],
);
static OF_SUBJECT: Statement = Statement::new(
    "provider_link_of_subject",
    concat!("SELECT ", link!(), " FROM provider_link WHERE tenant = $1 AND provider = $2 AND subject = $3"),
    &[Type::Id, Type::Text, Type::Text],
);
static OF_USER: Statement = Statement::new(
    "provider_links_of_user",
    concat!("SELECT ", link!(), " FROM provider_link WHERE tenant = $1 AND user_id = $2 ORDER BY provider"),
    &[Type::Id, Type::Id],
);
static LINK: Statement = Statement::new(
    "provider_link_insert",
    concat!(
        "INSERT INTO provider_link (tenant, ",
        link!(),
        ") VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING user_id"
    ),
    &[Type::Id, Type::Text, Type::Text, Type::Id, Type::Int, Type::Text],
);
// A write, so that nobody unlinks the user before this transaction ends.
static HOLD_LINK: Statement = Statement::new(
    "provider_link_hold",
    "UPDATE provider_link SET created = created WHERE tenant = $1 AND provider = $2 AND subject = $3 AND user_id = $4 RETURNING user_id",
    &[Type::Id, Type::Text, Type::Text, Type::Id],
);
static UNLINK: Statement = Statement::new(
    "provider_link_delete",
    "DELETE FROM provider_link WHERE tenant = $1 AND user_id = $2 AND provider = $3 RETURNING user_id",
    &[Type::Id, Type::Id, Type::Text],
);
static REQUEST: Statement = Statement::new(
    "provider_request_by_digest",
    concat!("SELECT ", request!(), " FROM provider_request WHERE tenant = $1 AND digest = $2"),
    &[Type::Id, Type::Bytes],
);
static INSERT_REQUEST: Statement = Statement::new(
    "provider_request_insert",
    concat!("INSERT INTO provider_request (tenant, ", request!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"),
    &[Type::Id, Type::Bytes, Type::Text, Type::Id, Type::Bytes, Type::Bytes, Type::Int, Type::Int],
);
// The first answer stays: whoever brings another one later can't put it in that one's place.
static ANSWER_REQUEST: Statement = Statement::new(
    "provider_request_answer",
    "UPDATE provider_request SET answer = $3 WHERE tenant = $1 AND digest = $2 AND answer IS NULL AND expires > $4 RETURNING digest",
    &[Type::Id, Type::Bytes, Type::Bytes, Type::Int],
);
static TAKE_REQUEST: Statement = Statement::new(
    "provider_request_take",
    concat!(
        "DELETE FROM provider_request WHERE tenant = $1 AND digest = $2 AND sign_in = $3 AND expires > $4 RETURNING ",
        request!()
    ),
    &[Type::Id, Type::Bytes, Type::Id, Type::Int],
);
static DROP_REQUESTS: Statement = Statement::new(
    "provider_request_drop",
    "DELETE FROM provider_request WHERE tenant = $1 AND sign_in = $2 RETURNING digest",
    &[Type::Id, Type::Id],
);
static PURGE_REQUESTS: Statement = Statement::new(
    "provider_request_purge",
    "DELETE FROM provider_request WHERE (tenant, digest) IN \
     (SELECT tenant, digest FROM provider_request WHERE expires < $1 ORDER BY expires LIMIT $2) RETURNING 1",
    &[Type::Int, Type::Int],
);

pub(crate) static ALL: &[&Statement] = &[
    &ALL_OF_TENANT,
    &BY_KEY,
    &INSERT,
    &CHANGE,
    &ENABLE,
    &DELETE,
    &DELETE_LINKS,
    &STANDS,
    &OF_SUBJECT,
    &OF_USER,
    &LINK,
    &HOLD_LINK,
    &UNLINK,
    &REQUEST,
    &INSERT_REQUEST,
    &ANSWER_REQUEST,
    &TAKE_REQUEST,
    &DROP_REQUESTS,
    &PURGE_REQUESTS,
];

impl Tenant<'_> {
    /// The tenant's providers, whether people may come from them or not, in the order of their keys.
    pub async fn providers(&self) -> Result<Vec<ProviderRow>, StoreError> {
        self.list(&ALL_OF_TENANT, Vec::new()).await
    }

    /// One provider.
    pub async fn provider(&self, key: &str) -> Result<Option<ProviderRow>, StoreError> {
        self.find(&BY_KEY, values![key]).await
    }

    /// Whose a subject of a provider is.
    pub async fn provider_link(&self, provider: &str, subject: &str) -> Result<Option<ProviderLinkRow>, StoreError> {
        self.find(&OF_SUBJECT, values![provider, subject]).await
    }

    /// What a user is called at providers.
    pub async fn provider_links_of_user(&self, user: UserId) -> Result<Vec<ProviderLinkRow>, StoreError> {
        self.list(&OF_USER, values![user]).await
    }

    /// A browser's way to a provider, its time over or not.
    pub async fn provider_request(&self, digest: &[u8]) -> Result<Option<ProviderRequestRow>, StoreError> {
        self.find(&REQUEST, values![digest.to_vec()]).await
    }
}

impl Tx {
    /// Adds a provider; whether there was none with its key. Subjects of an older one of that key are not its own.
    pub async fn insert_provider(&mut self, provider: &ProviderRow) -> Result<bool, StoreError> {
        let is_new = self.changed(&INSERT, provider.values()).await?;
        if is_new {
            self.run(&DELETE_LINKS, values![provider.key.as_str()]).await?;
        }
        Ok(is_new)
    }

    /// Changes a provider's settings, secret and whether it is on; whether there is one with this key and kind, and nobody has changed it
    /// since it was `set_at` this moment. Where it is off then, as [`enable_provider`](Self::enable_provider).
    pub async fn change_provider(&mut self, provider: &ProviderRow, set_at: Millis) -> Result<bool, StoreError> {
        if !provider.enabled {
            self.drop_sign_ins_of_provider(&provider.key).await?;
        }
        let mut values = provider.values();
        values.extend(values![set_at]);
        self.changed(&CHANGE, values).await
    }

    /// Says whether people may come from a provider, and nothing else of it; whether there is one. Where they may not, sign-ins of those who
    /// are linked there end, also ones that were decided and not taken yet.
    pub async fn enable_provider(
        &mut self,
        key: &str,
        enabled: bool,
        now: Millis,
        by: &str,
    ) -> Result<bool, StoreError> {
        if !enabled {
            self.drop_sign_ins_of_provider(key).await?;
        }
        self.changed(&ENABLE, values![key, enabled, now, by]).await
    }

    /// Takes a provider away, with what its subjects are here, and ends their sign-ins; whether there was one.
    pub async fn delete_provider(&mut self, key: &str) -> Result<bool, StoreError> {
        // By its links, so before these go.
        self.drop_sign_ins_of_provider(key).await?;
        self.run(&DELETE_LINKS, values![key]).await?;
        self.changed(&DELETE, values![key]).await
    }

    /// Since when a provider is set as it is, as this transaction sees it; none where people may not come from it.
    pub async fn provider_stands(&mut self, key: &str) -> Result<Option<Millis>, StoreError> {
        let rows = self.run(&STANDS, values![key]).await?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        let mut columns = row.read();
        let enabled: bool = columns.take()?;
        Ok(Some(columns.take()?).filter(|_| enabled))
    }

    /// Whose a subject of a provider is, as this transaction sees it.
    pub async fn provider_subject(&mut self, provider: &str, subject: &str) -> Result<Option<UserId>, StoreError> {
        let rows = self.run(&OF_SUBJECT, values![provider, subject]).await?;
        let link = rows.into_iter().next().map(ProviderLinkRow::from_row).transpose()?;
        Ok(link.map(|link| link.user_id))
    }

    /// Notes whose a subject is. False where it is somebody's already, or the user has another one there: nothing changes then.
    pub async fn insert_provider_link(&mut self, link: &ProviderLinkRow) -> Result<bool, StoreError> {
        self.changed(&LINK, link.values()).await
    }

    /// Holds what a user is called at a provider until the end of this transaction: who unlinks the user comes before or after. Whether
    /// that subject is theirs.
    pub async fn hold_provider_link(
        &mut self,
        provider: &str,
        subject: &str,
        user: UserId,
    ) -> Result<bool, StoreError> {
        self.changed(&HOLD_LINK, values![provider, subject, user]).await
    }

    /// Forgets what a user is called at a provider, and ends what may have come of it: sessions with all that applications were granted,
    /// sign-ins that are under way, also ones that were decided and not taken yet, and codes to enrol by. Whether it was known; where it
    /// wasn't, nothing of this is to be committed.
    pub async fn unlink_provider(&mut self, user: UserId, provider: &str, now: Millis) -> Result<bool, StoreError> {
        // Sign-ins, the link, then sessions: who takes what a sign-in gives holds these in the same order.
        self.drop_sign_ins(user).await?;
        if !self.delete_provider_link(user, provider).await? {
            return Ok(false);
        }
        self.void_activations(user, now).await?;
        self.end_everything_granted(user, None, now).await?;
        Ok(true)
    }

    /// Forgets what a user is called at a provider; whether that was known.
    pub async fn delete_provider_link(&mut self, user: UserId, provider: &str) -> Result<bool, StoreError> {
        self.changed(&UNLINK, values![user, provider]).await
    }

    /// Notes that a browser is on its way.
    pub async fn insert_provider_request(&mut self, request: &ProviderRequestRow) -> Result<(), StoreError> {
        self.run(&INSERT_REQUEST, request.values()).await.map(drop)
    }

    /// Forgets the ways that a sign-in has begun; how many there were.
    pub async fn drop_provider_requests(&mut self, sign_in: SignInId) -> Result<usize, StoreError> {
        Ok(self.run(&DROP_REQUESTS, values![sign_in]).await?.len())
    }

    /// Keeps an answer until the browser fetches it with its cookies. Whether the request waits for one, and has none.
    pub async fn answer_provider_request(
        &mut self,
        digest: &[u8],
        answer: &[u8],
        now: Millis,
    ) -> Result<bool, StoreError> {
        self.changed(&ANSWER_REQUEST, values![digest.to_vec(), answer.to_vec(), now]).await
    }

    /// Takes a request out, for its answer: none where it isn't this sign-in's, its time is over, or somebody has taken it.
    pub async fn take_provider_request(
        &mut self,
        digest: &[u8],
        sign_in: SignInId,
        now: Millis,
    ) -> Result<Option<ProviderRequestRow>, StoreError> {
        let rows = self.run(&TAKE_REQUEST, values![digest.to_vec(), sign_in, now]).await?;
        rows.into_iter().next().map(ProviderRequestRow::from_row).transpose()
    }
}

impl Store {
    /// Removes requests to providers whose time was over before `before`, of every tenant, at most `limit`; gives how many.
    /// Housekeeping.
    pub async fn purge_provider_requests(&self, before: Millis, limit: i64) -> Result<usize, StoreError> {
        self.purge(&PURGE_REQUESTS, before, limit).await
    }
}
