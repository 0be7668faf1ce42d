//! Relying parties that are owed word of a session's end (OpenID Connect Back-Channel Logout 1.0, SAML's single logout by SOAP): an outbox,
//! written in the transaction that ends the session, so that no end stays untold.
//!
//! A row goes when the relying party has heard, or has no ear, or hasn't listened for too long.

use crate::{
    engine::{Statement, StoreError, Type},
    scope::{Record, Store, Tx, record},
    sso_requests::ParticipantRow,
    values,
};
use types::{Millis, TenantId, UserId};

record! {
    /// Word that is owed to one relying party.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct LogoutDeliveryRow {
        /// Whose.
        pub tenant: TenantId,
        /// What the session was called there; it ends once.
        pub sid: String,
        /// The relying party.
        pub ikey: String,
        /// Whose session it was.
        pub user_id: UserId,
        /// When it ended.
        pub created: Millis,
        /// When it is tried (again).
        pub due: Millis,
        /// How often it was tried.
        pub tries: i64,
        /// What the person is called there, sealed as the participant's was; none in rows of the release before.
        pub detail: Option<Vec<u8>>,
    }
}

macro_rules! columns {
    () => {
        "tenant, sid, ikey, user_id, created, due, tries, detail"
    };
}

static INSERT: Statement = Statement::new(
    "logout_delivery_insert",
    concat!(
        "INSERT INTO logout_delivery (",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $5, 0, $6) ON CONFLICT (tenant, sid) DO NOTHING"
    ),
    &[Type::Id, Type::Text, Type::Text, Type::Id, Type::Int, Type::Bytes],
);
static DUE: Statement =
    Statement::new("logout_delivery_due", "SELECT 1 FROM logout_delivery WHERE due <= $1 LIMIT 1", &[Type::Int]);
// Whose turn it is: of each organisation one after the other, and in it of each relying party, so that whoever is owed much, or doesn't listen,
// stands in nobody's way. Among those that have waited the longest, so that a look is never more than an index and one sort.
static IN_TURN: Statement = Statement::new(
    "logout_delivery_in_turn",
    concat!(
        "SELECT ",
        columns!(),
        " FROM (SELECT ",
        columns!(),
        ", ROW_NUMBER() OVER (PARTITION BY tenant ORDER BY place, due, sid) AS turn FROM (SELECT ",
        columns!(),
        ", ROW_NUMBER() OVER (PARTITION BY tenant, ikey ORDER BY due, sid) AS place FROM (SELECT ",
        columns!(),
        " FROM logout_delivery WHERE due <= $1 ORDER BY due LIMIT 20000) AS found) \
         AS found WHERE place <= $2) AS found ORDER BY turn, due LIMIT $3"
    ),
    &[Type::Int, Type::Int, Type::Int],
);
// Taken by moving it on: of two nodes one gets it, and what a dead one took comes up again. By its key: `+ 0` keeps the index of times out.
static TAKE: Statement = Statement::new(
    "logout_delivery_take",
    "UPDATE logout_delivery SET due = $4, tries = tries + 1 WHERE tenant = $1 AND sid = $2 AND due + 0 = $3 RETURNING sid",
    &[Type::Id, Type::Text, Type::Int, Type::Int],
);
static BACK: Statement = Statement::new(
    "logout_delivery_back",
    "UPDATE logout_delivery SET due = $3, tries = tries - 1 WHERE tenant = $1 AND sid = $2 RETURNING sid",
    &[Type::Id, Type::Text, Type::Int],
);
static LATER: Statement = Statement::new(
    "logout_delivery_later",
    "UPDATE logout_delivery SET due = $3 WHERE tenant = $1 AND sid = $2 RETURNING sid",
    &[Type::Id, Type::Text, Type::Int],
);
static DONE: Statement = Statement::new(
    "logout_delivery_done",
    "DELETE FROM logout_delivery WHERE tenant = $1 AND sid = $2 RETURNING sid",
    &[Type::Id, Type::Text],
);

pub(crate) static ALL: &[&Statement] = &[&INSERT, &DUE, &IN_TURN, &TAKE, &BACK, &LATER, &DONE];

impl Tx {
    /// Owes these relying parties word that the session has ended there.
    pub(crate) async fn owe_logouts(&mut self, ended: &[ParticipantRow], now: Millis) -> Result<(), StoreError> {
        for participant in ended {
            let ParticipantRow { sid, ikey, user_id, detail, .. } = participant;
            self.run(&INSERT, values![sid.as_str(), ikey.as_str(), *user_id, now, detail.clone()]).await?;
        }
        Ok(())
    }

    /// Nothing is owed any more; whether it was.
    pub async fn logout_delivered(&mut self, sid: &str) -> Result<bool, StoreError> {
        self.changed(&DONE, values![sid]).await
    }

    /// Takes what was due at `due` by putting it off to `until`, and counts a try: whoever takes it either brings it by then, or somebody tries
    /// again. Whether nobody else has.
    pub async fn take_logout(&mut self, sid: &str, due: Millis, until: Millis) -> Result<bool, StoreError> {
        self.changed(&TAKE, values![sid, due, until]).await
    }

    /// Gives back what was taken and not tried: it is due as before.
    pub async fn give_logout_back(&mut self, sid: &str, due: Millis) -> Result<bool, StoreError> {
        self.changed(&BACK, values![sid, due]).await
    }

    /// It is tried again at `due`.
    pub async fn logout_later(&mut self, sid: &str, due: Millis) -> Result<bool, StoreError> {
        self.changed(&LATER, values![sid, due]).await
    }
}

impl Store {
    /// Whether anything is due at `now`: a look that writes nothing.
    pub async fn logouts_due(&self, now: Millis) -> Result<bool, StoreError> {
        let answers = self.engine().read(vec![(&DUE, values![now])]).await?;
        Ok(answers.into_iter().flatten().next().is_some())
    }

    /// What is due at `now`, at most `limit` and of each relying party at most `each`, in the order of whose turn it is. A look that writes
    /// nothing.
    pub async fn logouts_in_turn(
        &self,
        now: Millis,
        each: i64,
        limit: i64,
    ) -> Result<Vec<LogoutDeliveryRow>, StoreError> {
        let answers = self.engine().read(vec![(&IN_TURN, values![now, each, limit.max(0)])]).await?;
        answers.into_iter().flatten().map(Record::from_row).collect()
    }
}
