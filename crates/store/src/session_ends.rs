//! Sessions that end by nobody's act: which to look at, and when next.
//!
//! How long a session may stay unused, and how long it lasts, are settings of its tenant, so no statement can tell which are over. Each row
//! says when it is worth a look; whoever looked either ends the session or says when the next look is.

use crate::{
    engine::{Statement, StoreError, Type},
    scope::{Record as _, Store, Tx, record},
    values,
};
use types::{Millis, SessionId, TenantId, UserId};

/// What a session must reach to last at a moment, by its tenant's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionTimes {
    /// The moment.
    pub now: Millis,
    /// It was used after this.
    pub seen_after: Millis,
    /// Its owner proved who they are after this.
    pub proved_after: Millis,
}

impl SessionTimes {
    /// Whether a session that was used, proved and opened at these times, and lasts until `expires` at the longest, lasts.
    #[must_use]
    pub fn reach(&self, last_seen: Millis, auth_time: Millis, created: Millis, expires: Millis) -> bool {
        self.now < expires && last_seen > self.seen_after && auth_time.max(created) > self.proved_after
    }
}

record! {
    /// A session that is worth a look.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct SessionLook {
        /// Whose.
        pub tenant: TenantId,
        /// Its id.
        pub id: SessionId,
        /// Its owner.
        pub user_id: UserId,
        /// When it began.
        pub created: Millis,
        /// When it was last used.
        pub last_seen: Millis,
        /// When it ends in any case.
        pub expires: Millis,
        /// When its owner last proved who they are; 0 where a release wrote it that didn't say.
        pub auth_time: Millis,
    }
}

static DUE: Statement = Statement::new(
    "session_look_due",
    "SELECT tenant, id, user_id, created, last_seen, expires, auth_time FROM session WHERE look_at <= $1 AND ended_at IS NULL \
     ORDER BY look_at LIMIT $2",
    &[Type::Int, Type::Int],
);
static LATER: Statement = Statement::new(
    "session_look_later",
    "UPDATE session SET look_at = $3 WHERE tenant = $1 AND id = $2 AND ended_at IS NULL RETURNING id",
    &[Type::Id, Type::Id, Type::Int],
);
// Whoever uses it, or proves something in it, in the same moment comes first, and then it goes on.
static END_UNUSED: Statement = Statement::new(
    "session_end_unused",
    "UPDATE session SET ended_at = $4, look_at = NULL WHERE tenant = $1 AND id = $2 AND user_id = $3 AND last_seen = $5 AND expires + 0 = $6 \
     AND ended_at IS NULL RETURNING id",
    &[Type::Id, Type::Id, Type::Id, Type::Int, Type::Int, Type::Int],
);

pub(crate) static ALL: &[&Statement] = &[&DUE, &LATER, &END_UNUSED];

impl Tx {
    /// The next look at a session is at `at`. Whether it has not ended.
    pub async fn look_at_session(&mut self, id: SessionId, at: Millis) -> Result<bool, StoreError> {
        self.changed(&LATER, values![id, at]).await
    }

    /// Ends a session as it was when it was looked at, and tells whoever wants to hear of it; whether it still was so.
    pub async fn end_unused_session(&mut self, seen: &SessionLook, now: Millis) -> Result<bool, StoreError> {
        let SessionLook { id, user_id, last_seen, expires, .. } = *seen;
        let ended = self.changed(&END_UNUSED, values![id, user_id, now, last_seen, expires]).await?;
        if ended {
            self.tell_session_ended(id, user_id, now).await?;
        }
        Ok(ended)
    }
}

impl Store {
    /// Sessions of all tenants that are worth a look at `now`, at most `limit`. Housekeeping.
    pub async fn sessions_to_look_at(&self, now: Millis, limit: i64) -> Result<Vec<SessionLook>, StoreError> {
        let answers = self.engine().read(vec![(&DUE, values![now, limit.max(0)])]).await?;
        answers.into_iter().flatten().map(SessionLook::from_row).collect()
    }
}
