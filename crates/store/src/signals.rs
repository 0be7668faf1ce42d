//! What must be told to applications that asked to hear of it (Shared Signals): their streams, and an outbox that is written in the
//! transaction that makes it true, so that nothing which happened stays untold.
//!
//! A tenant without streams writes nothing. A row is one event for one stream; it goes when the receiver has it.

use crate::{
    engine::{Statement, StoreError, Type},
    scope::{Record, Store, Tenant, Tx, record},
    values,
};
use serde_json::json;
use types::{Millis, SessionId, SignalId, StreamId, TenantId, UserId, World};

/// Never due: a receiver that polls asks by itself, and a paused stream waits.
const NEVER: Millis = Millis(i64::MAX);

record! {
    /// A receiver's stream.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct StreamRow {
        /// Its id.
        pub id: StreamId,
        /// The client that made it, and that alone may change it.
        pub ikey: String,
        /// `push` (RFC 8935) or `poll` (RFC 8936).
        pub method: String,
        /// Where events are pushed to; empty for a stream that polls.
        pub endpoint: String,
        /// What is sent as `Authorization` with them, sealed.
        pub credential: Option<Vec<u8>>,
        /// The kinds of events that it wants, by their last path segment, between spaces: ` session-revoked credential-change `.
        pub events: String,
        /// `email` or `iss_sub`: how it wants people to be named.
        pub subject: String,
        /// For people.
        pub description: String,
        /// `enabled`, `paused`, `disabled`.
        pub status: String,
        /// When it was made.
        pub created: Millis,
        /// When it was changed.
        pub updated: Millis,
    }
}

record! {
    /// An event that a stream's receiver hasn't yet.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct SignalRow {
        /// Whose.
        pub tenant: TenantId,
        /// For which stream.
        pub stream: StreamId,
        /// Its id: the `jti` of its token, the same for all streams.
        pub id: SignalId,
        /// `session-revoked`, `credential-change`, `verification`, …
        pub kind: String,
        /// Of whom; none for one that is about the stream itself.
        pub user_id: Option<UserId>,
        /// What else is known of it, as JSON.
        pub detail: String,
        /// When it happened.
        pub created: Millis,
        /// When it is tried (again).
        pub due: Millis,
        /// How often it was tried.
        pub tries: i64,
    }
}

macro_rules! stream_columns {
    () => {
        "id, ikey, method, endpoint, credential, events, subject, description, status, created, updated"
    };
}
macro_rules! columns {
    () => {
        "tenant, stream, id, kind, user_id, detail, created, due, tries"
    };
}

static STREAM: Statement = Statement::new(
    "signal_stream_by_id",
    concat!("SELECT ", stream_columns!(), " FROM signal_stream WHERE tenant = $1 AND id = $2"),
    &[Type::Id, Type::Id],
);
static STREAMS: Statement = Statement::new(
    "signal_streams",
    concat!("SELECT ", stream_columns!(), " FROM signal_stream WHERE tenant = $1 ORDER BY id"),
    &[Type::Id],
);
// The bound stands in the statement, so that of many at once no more get in.
static INSERT_STREAM: Statement = Statement::new(
    "signal_stream_insert",
    concat!(
        "INSERT INTO signal_stream (tenant, ",
        stream_columns!(),
        ") SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 \
         WHERE (SELECT COUNT(*) FROM signal_stream WHERE tenant = $1) < $13 RETURNING id"
    ),
    &[
        Type::Id,
        Type::Id,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Bytes,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Int,
        Type::Int,
        Type::Int,
    ],
);
// Who changes a stream reads it by a write, so that of two at once the second reads what the first has left.
static HOLD_STREAM: Statement = Statement::new(
    "signal_stream_hold",
    concat!(
        "UPDATE signal_stream SET updated = $4 WHERE tenant = $1 AND id = $2 AND ikey = $3 RETURNING ",
        stream_columns!()
    ),
    &[Type::Id, Type::Id, Type::Text, Type::Int],
);
static CHANGE_STREAM: Statement = Statement::new(
    "signal_stream_change",
    "UPDATE signal_stream SET method = $4, endpoint = $5, credential = $6, events = $7, subject = $8, description = $9, \
     status = $10, updated = $11 WHERE tenant = $1 AND id = $2 AND ikey = $3 RETURNING id",
    &[
        Type::Id,
        Type::Id,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Bytes,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Int,
    ],
);
static DELETE_STREAM: Statement = Statement::new(
    "signal_stream_delete",
    "DELETE FROM signal_stream WHERE tenant = $1 AND id = $2 AND ikey = $3 RETURNING id",
    &[Type::Id, Type::Id, Type::Text],
);
static DELETE_OF_STREAM: Statement = Statement::new(
    "signal_delete_of_stream",
    "DELETE FROM signal WHERE tenant = $1 AND stream = $2",
    &[Type::Id, Type::Id],
);
static WAKE: Statement = Statement::new(
    "signal_wake",
    "UPDATE signal SET due = $3 WHERE tenant = $1 AND stream = $2 RETURNING id",
    &[Type::Id, Type::Id, Type::Int],
);
static INSERT: Statement = Statement::new(
    "signal_insert",
    "INSERT INTO signal (tenant, stream, id, kind, user_id, detail, created, due, tries) \
     SELECT $1, s.id, $2, $3, $4, $5, $6, CASE WHEN s.method = 'push' AND s.status = 'enabled' THEN $6 ELSE $7 END, 0 \
     FROM signal_stream s WHERE s.tenant = $1 AND s.status <> 'disabled' AND s.events LIKE '% ' || $3 || ' %' \
     ON CONFLICT DO NOTHING RETURNING id",
    &[Type::Id, Type::Id, Type::Text, Type::Id, Type::Text, Type::Int, Type::Int],
);
static INSERT_FOR: Statement = Statement::new(
    "signal_insert_for",
    "INSERT INTO signal (tenant, stream, id, kind, user_id, detail, created, due, tries) \
     SELECT $1, s.id, $3, $4, NULL, $5, $6, CASE WHEN s.method = 'push' AND s.status = 'enabled' THEN $6 ELSE $7 END, 0 \
     FROM signal_stream s WHERE s.tenant = $1 AND s.id = $2 AND s.status <> 'disabled' RETURNING id",
    &[Type::Id, Type::Id, Type::Id, Type::Text, Type::Text, Type::Int, Type::Int],
);
static DUE: Statement = Statement::new("signal_due", "SELECT 1 FROM signal WHERE due <= $1 LIMIT 1", &[Type::Int]);
// Whose turn it is: of each organisation one after the other, and in it of each stream, so that a receiver who doesn't listen stands in nobody's
// way.
static IN_TURN: Statement = Statement::new(
    "signal_in_turn",
    concat!(
        "SELECT ",
        columns!(),
        " FROM (SELECT ",
        columns!(),
        ", ROW_NUMBER() OVER (PARTITION BY tenant ORDER BY place, due, id) AS turn FROM (SELECT ",
        columns!(),
        ", ROW_NUMBER() OVER (PARTITION BY tenant, stream ORDER BY due, id) AS place FROM (SELECT ",
        columns!(),
        " FROM signal WHERE due <= $1 ORDER BY due LIMIT 20000) AS found) \
         AS found WHERE place <= $2) AS found ORDER BY turn, due LIMIT $3"
    ),
    &[Type::Int, Type::Int, Type::Int],
);
// Taken by moving it on: of two nodes one gets it, and what a dead one took comes up again. By its key: `+ 0` keeps the index of times out.
static TAKE: Statement = Statement::new(
    "signal_take",
    "UPDATE signal SET due = $5, tries = tries + 1 WHERE tenant = $1 AND stream = $2 AND id = $3 AND due + 0 = $4 RETURNING id",
    &[Type::Id, Type::Id, Type::Id, Type::Int, Type::Int],
);
static BACK: Statement = Statement::new(
    "signal_back",
    "UPDATE signal SET due = $4, tries = tries - 1 WHERE tenant = $1 AND stream = $2 AND id = $3 AND due < $5 RETURNING id",
    &[Type::Id, Type::Id, Type::Id, Type::Int, Type::Int],
);
static LATER: Statement = Statement::new(
    "signal_later",
    "UPDATE signal SET due = $4 WHERE tenant = $1 AND stream = $2 AND id = $3 AND due < $5 RETURNING id",
    &[Type::Id, Type::Id, Type::Id, Type::Int, Type::Int],
);
static WAITING: Statement = Statement::new(
    "signal_waiting",
    concat!("SELECT ", columns!(), " FROM signal WHERE tenant = $1 AND stream = $2 ORDER BY id LIMIT $3"),
    &[Type::Id, Type::Id, Type::Int],
);
static DONE: Statement = Statement::new(
    "signal_done",
    "DELETE FROM signal WHERE tenant = $1 AND stream = $2 AND id = $3 RETURNING id",
    &[Type::Id, Type::Id, Type::Id],
);
static PURGE: Statement = Statement::new(
    "signal_purge",
    "DELETE FROM signal WHERE (tenant, stream, id) IN \
     (SELECT tenant, stream, id FROM signal WHERE created < $1 ORDER BY created LIMIT $2) RETURNING 1",
    &[Type::Int, Type::Int],
);

pub(crate) static ALL: &[&Statement] = &[
    &STREAM,
    &STREAMS,
    &INSERT_STREAM,
    &HOLD_STREAM,
    &CHANGE_STREAM,
    &DELETE_STREAM,
    &DELETE_OF_STREAM,
    &WAKE,
    &INSERT,
    &INSERT_FOR,
    &DUE,
    &IN_TURN,
    &TAKE,
    &BACK,
    &LATER,
    &WAITING,
    &DONE,
    &PURGE,
];

impl Tenant<'_> {
    /// A stream.
    pub async fn signal_stream(&self, id: StreamId) -> Result<Option<StreamRow>, StoreError> {
        self.find(&STREAM, values![id]).await
    }

    /// The tenant's streams, which are few.
    pub async fn signal_streams(&self) -> Result<Vec<StreamRow>, StoreError> {
        self.list(&STREAMS, Vec::new()).await
    }

    /// What waits for a stream's receiver, oldest first.
    pub async fn waiting_signals(&self, stream: StreamId, limit: i64) -> Result<Vec<SignalRow>, StoreError> {
        self.list(&WAITING, values![stream, limit.max(0)]).await
    }
}

impl Tx {
    /// Makes a stream, if the tenant has fewer than `most`; whether it was made.
    pub async fn insert_signal_stream(&mut self, stream: &StreamRow, most: i64) -> Result<bool, StoreError> {
        let mut params = stream.values();
        params.push(most.into());
        self.changed(&INSERT_STREAM, params).await
    }

    /// A stream as it stands, for the client that made it: nobody else changes it until this transaction ends.
    pub async fn hold_signal_stream(
        &mut self,
        id: StreamId,
        ikey: &str,
        now: Millis,
    ) -> Result<Option<StreamRow>, StoreError> {
        let rows = self.run(&HOLD_STREAM, values![id, ikey, now]).await?;
        rows.into_iter().next().map(StreamRow::from_row).transpose()
    }

    /// Replaces a stream's configuration and status, for the client that made it; whether there is such a one. What waits is due when it
    /// is pushed and enabled, and waits on otherwise; it is gone when the stream is disabled. All columns are written: whoever changes
    /// some of them [holds](Self::hold_signal_stream) the stream first.
    pub async fn change_signal_stream(&mut self, stream: &StreamRow, now: Millis) -> Result<bool, StoreError> {
        let StreamRow { id, ikey, method, endpoint, credential, events, subject, description, status, .. } =
            stream.clone();
        let pushes = method == "push" && status == "enabled";
        let is_off = status == "disabled";
        let params = values![id, ikey, method, endpoint, credential, events, subject, description, status, now];
        if !self.changed(&CHANGE_STREAM, params).await? {
            return Ok(false);
        }
        if is_off {
            self.run(&DELETE_OF_STREAM, values![id]).await?;
        } else {
            self.run(&WAKE, values![id, if pushes { now } else { NEVER }]).await?;
        }
        Ok(true)
    }

    /// Deletes a stream of this client with what waits for it; whether there was such a one.
    pub async fn delete_signal_stream(&mut self, id: StreamId, ikey: &str) -> Result<bool, StoreError> {
        if !self.changed(&DELETE_STREAM, values![id, ikey]).await? {
            return Ok(false);
        }
        self.run(&DELETE_OF_STREAM, values![id]).await?;
        Ok(true)
    }

    /// Tells every stream of the tenant that wants this kind of event, when this transaction commits. The same id tells it once.
    pub async fn signal(
        &mut self,
        id: SignalId,
        kind: &str,
        user: UserId,
        detail: &str,
        now: Millis,
    ) -> Result<(), StoreError> {
        self.run(&INSERT, values![id, kind, Some(user), detail, now, NEVER]).await.map(drop)
    }

    /// As [`signal`](Self::signal), under an id of its own.
    pub async fn tell(&mut self, world: &World, kind: &str, user: UserId, detail: &str) -> Result<(), StoreError> {
        let now = world.now();
        self.signal(SignalId::new(now, world.random.as_ref()), kind, user, detail, now).await
    }

    /// Tells that what a user signs in with was changed. `credential` is what a change calls it (`passkey`, `token` …; the door has the
    /// standard's word for each), `change` one of `create`, `revoke`, `update`, `delete` (CAEP 1.0 §3.3).
    pub async fn tell_credential(
        &mut self,
        world: &World,
        user: UserId,
        credential: &str,
        change: &str,
    ) -> Result<(), StoreError> {
        let detail = json!({ "credential": credential, "change": change });
        self.tell(world, "credential-change", user, &detail.to_string()).await
    }

    /// Tells one stream something about itself; whether there is such a one that isn't disabled.
    pub async fn signal_stream(
        &mut self,
        stream: StreamId,
        id: SignalId,
        kind: &str,
        detail: &str,
        now: Millis,
    ) -> Result<bool, StoreError> {
        self.changed(&INSERT_FOR, values![stream, id, kind, detail, now, NEVER]).await
    }

    /// Sessions were ended: a session ends once, so its id is the event's. Where all of a person's ended, that is one event, which names
    /// no session.
    pub(crate) async fn signal_session_ends(
        &mut self,
        sessions: &[SessionId],
        all: bool,
        user: UserId,
        now: Millis,
    ) -> Result<(), StoreError> {
        for session in sessions.iter().take(if all { 1 } else { usize::MAX }) {
            let detail = if all { json!({}) } else { json!({ "session": session.to_string() }) };
            let id = SignalId::from_uuid(session.uuid());
            self.signal(id, "session-revoked", user, &detail.to_string(), now).await?;
        }
        Ok(())
    }

    /// The receiver has it; whether it was still there.
    pub async fn signal_done(&mut self, stream: StreamId, id: SignalId) -> Result<bool, StoreError> {
        self.changed(&DONE, values![stream, id]).await
    }

    /// Takes what was due at `due` by putting it off to `until`, and counts a try: whoever takes it either delivers it by then, or somebody
    /// tries again. Whether nobody else has.
    pub async fn take_signal(
        &mut self,
        stream: StreamId,
        id: SignalId,
        due: Millis,
        until: Millis,
    ) -> Result<bool, StoreError> {
        self.changed(&TAKE, values![stream, id, due, until]).await
    }

    /// Gives back what was taken and not tried: it is due as before, unless its stream was paused meanwhile.
    pub async fn give_signal_back(&mut self, stream: StreamId, id: SignalId, due: Millis) -> Result<bool, StoreError> {
        self.changed(&BACK, values![stream, id, due, NEVER]).await
    }

    /// It is tried again at `due`, unless its stream was paused meanwhile.
    pub async fn signal_later(&mut self, stream: StreamId, id: SignalId, due: Millis) -> Result<bool, StoreError> {
        self.changed(&LATER, values![stream, id, due, NEVER]).await
    }
}

impl Store {
    /// Whether an event of any tenant is due at `now`: a question that costs no writer.
    pub async fn signals_due(&self, now: Millis) -> Result<bool, StoreError> {
        let answers = self.engine().read(vec![(&DUE, values![now])]).await?;
        Ok(answers.into_iter().flatten().next().is_some())
    }

    /// What is due at `now`, at most `limit` and of each stream at most `each`, in the order of whose turn it is. A question that costs no
    /// writer.
    pub async fn signals_in_turn(&self, now: Millis, each: i64, limit: i64) -> Result<Vec<SignalRow>, StoreError> {
        let answers = self.engine().read(vec![(&IN_TURN, values![now, each, limit.max(0)])]).await?;
        answers.into_iter().flatten().map(Record::from_row).collect()
    }

    /// Removes events from before `before` that nobody has taken, at most `limit`; gives how many. Housekeeping.
    pub async fn purge_signals(&self, before: Millis, limit: i64) -> Result<usize, StoreError> {
        self.purge(&PURGE, before, limit).await
    }
}
