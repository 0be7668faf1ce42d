//! What is sealed under a tenant's key in rows that last, table by table: for whoever seals it anew under the newest.
//!
//! To add a table: a variant of [`Place`] and of [`Kind`], its two statements, and their arms.

use crate::{
    engine::{Columns, Statement, StoreError, Type, Value},
    fields,
    scope::{Tenant, Tx},
    values,
};
use keys::Field;
use types::{GrantId, StreamId, UserId};

/// A table with something sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// People's passwords.
    Password,
    /// What event streams send with events.
    Stream,
    /// Keys that sign.
    SigningKey,
    /// What sessions are called at applications.
    Participant,
    /// The same, while applications are owed word of an end.
    Delivery,
    /// What was granted to applications.
    Family,
    /// What one token is for.
    Token,
    /// What proves to providers who we are.
    Provider,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Password,
        Self::Stream,
        Self::SigningKey,
        Self::Participant,
        Self::Delivery,
        Self::Family,
        Self::Token,
        Self::Provider,
    ];

    const fn statements(self) -> (&'static Statement, &'static Statement) {
        match self {
            Self::Password => (&PASSWORDS, &PASSWORD),
            Self::Stream => (&STREAMS, &STREAM),
            Self::SigningKey => (&SIGNING_KEYS, &SIGNING_KEY),
            Self::Participant => (&PARTICIPANTS, &PARTICIPANT),
            Self::Delivery => (&DELIVERIES, &DELIVERY),
            Self::Family => (&FAMILIES, &FAMILY),
            Self::Token => (&TOKENS, &TOKEN),
            Self::Provider => (&PROVIDERS, &PROVIDER),
        }
    }

    /// Before the first row.
    fn start(self) -> Value {
        match self {
            Self::Password | Self::Stream | Self::Family => UserId::from_bytes([0; 16]).into(),
            Self::SigningKey | Self::Participant | Self::Delivery | Self::Provider => "".into(),
            Self::Token => Vec::new().into(),
        }
    }

    fn place(self, columns: &mut Columns) -> Result<Place, StoreError> {
        Ok(match self {
            Self::Password => Place::Password(columns.take()?),
            Self::Stream => Place::Stream(columns.take()?),
            Self::SigningKey => Place::SigningKey(columns.take()?),
            Self::Participant => Place::Participant(columns.take()?),
            Self::Delivery => Place::Delivery(columns.take()?),
            Self::Family => Place::Family(columns.take()?),
            Self::Token => Place::Token(columns.take()?),
            Self::Provider => Place::Provider(columns.take()?),
        })
    }
}

/// One row with something sealed, by its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Whose.
    Password(UserId),
    /// Of which stream.
    Stream(StreamId),
    /// Its name.
    SigningKey(String),
    /// What the session is called there.
    Participant(String),
    /// What it was called there.
    Delivery(String),
    /// Its id.
    Family(GrantId),
    /// Its keyed hash.
    Token(Vec<u8>),
    /// Its key.
    Provider(String),
}

impl Place {
    /// What the sealed value is bound to.
    #[must_use]
    pub fn field(&self) -> Field<'_> {
        match self {
            Self::Password(user) => fields::password(user),
            Self::Stream(stream) => fields::signal_credential(stream),
            Self::SigningKey(kid) => fields::signing_key(kid),
            Self::Participant(sid) | Self::Delivery(sid) => fields::sso_participant(sid),
            Self::Family(grant) => fields::grant_family(grant),
            Self::Token(digest) => fields::grant_token(digest),
            Self::Provider(key) => fields::provider_secret(key),
        }
    }

    const fn kind(&self) -> Kind {
        match self {
            Self::Password(_) => Kind::Password,
            Self::Stream(_) => Kind::Stream,
            Self::SigningKey(_) => Kind::SigningKey,
            Self::Participant(_) => Kind::Participant,
            Self::Delivery(_) => Kind::Delivery,
            Self::Family(_) => Kind::Family,
            Self::Token(_) => Kind::Token,
            Self::Provider(_) => Kind::Provider,
        }
    }

    fn key(&self) -> Value {
        match self {
            Self::Password(user) => (*user).into(),
            Self::Stream(stream) => (*stream).into(),
            Self::SigningKey(text) | Self::Participant(text) | Self::Delivery(text) | Self::Provider(text) => {
                text.as_str().into()
            }
            Self::Family(grant) => (*grant).into(),
            Self::Token(digest) => digest.clone().into(),
        }
    }
}

macro_rules! sealed {
    ($list:ident, $one:ident, $name:literal, $table:literal, $key:literal, $column:literal, $type:expr) => {
        static $list: Statement = Statement::new(
            concat!("sealed_", $name, "s"),
            concat!(
                "SELECT ",
                $key,
                ", ",
                $column,
                " FROM ",
                $table,
                " WHERE tenant = $1 AND ",
                $key,
                " > $2 AND ",
                $column,
                " IS NOT NULL ORDER BY ",
                $key,
                " LIMIT $3"
            ),
            &[Type::Id, $type, Type::Int],
        );
        static $one: Statement = Statement::new(
            concat!("sealed_", $name),
            concat!(
                "UPDATE ",
                $table,
                " SET ",
                $column,
                " = $4 WHERE tenant = $1 AND ",
                $key,
                " = $2 AND ",
                $column,
                " = $3 RETURNING ",
                $key
            ),
            &[Type::Id, $type, Type::Bytes, Type::Bytes],
        );
    };
}

sealed!(PASSWORDS, PASSWORD, "password", "password", "user_id", "hash", Type::Id);
sealed!(STREAMS, STREAM, "stream", "signal_stream", "id", "credential", Type::Id);
sealed!(SIGNING_KEYS, SIGNING_KEY, "signing_key", "signing_key", "kid", "private", Type::Text);
sealed!(PARTICIPANTS, PARTICIPANT, "participant", "sso_participant", "sid", "detail", Type::Text);
sealed!(DELIVERIES, DELIVERY, "delivery", "logout_delivery", "sid", "detail", Type::Text);
sealed!(FAMILIES, FAMILY, "family", "grant_family", "id", "detail", Type::Id);
sealed!(TOKENS, TOKEN, "token", "grant_token", "digest", "detail", Type::Bytes);
sealed!(PROVIDERS, PROVIDER, "provider", "provider", "key", "secret", Type::Text);

pub(crate) static ALL: &[&Statement] = &[
    &PASSWORDS,
    &PASSWORD,
    &STREAMS,
    &STREAM,
    &SIGNING_KEYS,
    &SIGNING_KEY,
    &PARTICIPANTS,
    &PARTICIPANT,
    &DELIVERIES,
    &DELIVERY,
    &FAMILIES,
    &FAMILY,
    &TOKENS,
    &TOKEN,
    &PROVIDERS,
    &PROVIDER,
];

impl Tenant<'_> {
    /// At most `limit` sealed values of one kind, those after `after`, in the order of their keys.
    pub async fn sealed(
        &self,
        kind: Kind,
        after: Option<&Place>,
        limit: i64,
    ) -> Result<Vec<(Place, Vec<u8>)>, StoreError> {
        let start = after.filter(|place| place.kind() == kind).map_or_else(|| kind.start(), Place::key);
        let rows = self.read(kind.statements().0, vec![start, limit.max(0).into()]).await?;
        rows.into_iter()
            .map(|row| {
                let mut columns = row.read();
                Ok((kind.place(&mut columns)?, columns.take()?))
            })
            .collect()
    }
}

impl Tx {
    /// Puts the same, sealed anew, in the place of `old`. Whether `old` was still there.
    pub async fn reseal(&mut self, place: &Place, old: &[u8], new: &[u8]) -> Result<bool, StoreError> {
        let mut params = vec![place.key()];
        params.extend(values![old.to_vec(), new.to_vec()]);
        self.changed(place.kind().statements().1, params).await
    }
}
