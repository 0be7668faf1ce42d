//! What protects a person from being worn down: one open prompt, room between prompts, and a stop after too many unapproved.

use crate::{
    engine::{Statement, StoreError, Type},
    scope::{Tenant, Tx, record},
    values,
};
use std::time::Duration;
use types::{AttemptId, Millis, UserId};

record! {
    /// A user's prompts so far.
    #[derive(Clone, Debug)]
    pub struct PromptingRow {
        /// The prompt that waits for an answer.
        pub open_attempt: Option<AttemptId>,
        /// Until when it waits.
        pub open_until: Millis,
        /// When the last one was sent.
        pub last_at: Millis,
        /// Unapproved ones since the last approval.
        pub unapproved: i64,
        /// When prompts were suspended.
        pub suspended_at: Option<Millis>,
        /// Why.
        pub reason: String,
    }
}

/// The rules against wearing a person down with prompts.
#[derive(Clone, Copy, Debug)]
pub struct PromptRules {
    /// At least so long between two prompts.
    pub spacing: Duration,
    /// Three unapproved within this time suspend.
    pub window: Duration,
    /// So many unapproved since the last approval suspend.
    pub unapproved: i64,
}

static READ: Statement = Statement::new(
    "prompting_read",
    "SELECT open_attempt, open_until, last_at, unapproved, suspended_at, reason FROM prompting WHERE tenant = $1 AND user_id = $2",
    &[Type::Id, Type::Id],
);
static OPEN: Statement = Statement::new(
    "prompting_open",
    "INSERT INTO prompting (tenant, user_id, open_attempt, open_until, last_at, unapproved, recent_a, recent_b, suspended_at, reason) \
     VALUES ($1, $2, $3, $4, $5, 0, 0, 0, NULL, '') \
     ON CONFLICT (tenant, user_id) DO UPDATE SET open_attempt = excluded.open_attempt, open_until = excluded.open_until, \
     last_at = excluded.last_at \
     WHERE prompting.open_until <= $5 AND prompting.last_at <= $6 AND prompting.suspended_at IS NULL RETURNING user_id",
    &[Type::Id, Type::Id, Type::Id, Type::Int, Type::Int, Type::Int],
);
// A prompt that ran out unanswered counts here at the latest: the rule must not wait for housekeeping.
static SETTLE: Statement = Statement::new(
    "prompting_settle",
    "UPDATE prompting SET open_attempt = NULL, open_until = 0, \
     unapproved = unapproved + 1, recent_a = recent_b, recent_b = open_until, \
     reason = CASE WHEN suspended_at IS NULL AND (unapproved + 1 >= $5 OR recent_a > $4) THEN 'too many unapproved prompts' ELSE reason END, \
     suspended_at = CASE WHEN suspended_at IS NULL AND (unapproved + 1 >= $5 OR recent_a > $4) THEN $3 ELSE suspended_at END \
     WHERE tenant = $1 AND user_id = $2 AND open_attempt IS NOT NULL AND open_until <= $3 RETURNING user_id",
    &[Type::Id, Type::Id, Type::Int, Type::Int, Type::Int],
);
static APPROVED: Statement = Statement::new(
    "prompting_approved",
    "UPDATE prompting SET open_attempt = NULL, open_until = 0, unapproved = 0, recent_a = 0, recent_b = 0 \
     WHERE tenant = $1 AND user_id = $2 AND open_attempt = $3 RETURNING user_id",
    &[Type::Id, Type::Id, Type::Id],
);
static UNAPPROVED: Statement = Statement::new(
    "prompting_unapproved",
    "UPDATE prompting SET open_attempt = NULL, open_until = 0, \
     unapproved = unapproved + 1, recent_a = recent_b, recent_b = $4, \
     reason = CASE WHEN suspended_at IS NULL AND (unapproved + 1 >= $6 OR recent_a > $5) THEN 'too many unapproved prompts' ELSE reason END, \
     suspended_at = CASE WHEN suspended_at IS NULL AND (unapproved + 1 >= $6 OR recent_a > $5) THEN $4 ELSE suspended_at END \
     WHERE tenant = $1 AND user_id = $2 AND open_attempt = $3 RETURNING suspended_at",
    &[Type::Id, Type::Id, Type::Id, Type::Int, Type::Int, Type::Int],
);
// Also for a user who was never prompted: whoever reports something wants no prompt after it.
static SUSPEND: Statement = Statement::new(
    "prompting_suspend",
    "INSERT INTO prompting (tenant, user_id, open_attempt, open_until, last_at, unapproved, recent_a, recent_b, suspended_at, reason) \
     SELECT tenant, id, NULL, 0, 0, 0, 0, 0, CAST($3 AS BIGINT), CAST($4 AS TEXT) FROM users WHERE tenant = $1 AND id = $2 \
     ON CONFLICT (tenant, user_id) DO UPDATE SET open_attempt = NULL, open_until = 0, suspended_at = excluded.suspended_at, \
     reason = excluded.reason RETURNING user_id",
    &[Type::Id, Type::Id, Type::Int, Type::Text],
);
static RESUME: Statement = Statement::new(
    "prompting_resume",
    "UPDATE prompting SET suspended_at = NULL, reason = '', unapproved = 0, recent_a = 0, recent_b = 0 \
     WHERE tenant = $1 AND user_id = $2 RETURNING user_id",
    &[Type::Id, Type::Id],
);

pub(crate) static ALL: &[&Statement] = &[&READ, &SETTLE, &OPEN, &APPROVED, &UNAPPROVED, &SUSPEND, &RESUME];

impl Tenant<'_> {
    /// A user's prompts so far; none for one who was never prompted.
    pub async fn prompting(&self, user: UserId) -> Result<Option<PromptingRow>, StoreError> {
        self.find(&READ, values![user]).await
    }
}

impl Tx {
    /// Takes the one place for a prompt; whether it was free, far enough from the last one, and prompts aren't suspended. Commit
    /// also when it wasn't: a prompt that had run out has been counted.
    pub async fn open_prompt(
        &mut self,
        user: UserId,
        attempt: AttemptId,
        rules: PromptRules,
        now: Millis,
        until: Millis,
    ) -> Result<bool, StoreError> {
        self.run(&SETTLE, values![user, now, now - rules.window, rules.unapproved]).await?;
        self.changed(&OPEN, values![user, attempt, until, now, now - rules.spacing]).await
    }

    /// A prompt was approved: the count begins anew.
    pub async fn prompt_approved(&mut self, user: UserId, attempt: AttemptId) -> Result<bool, StoreError> {
        self.changed(&APPROVED, values![user, attempt]).await
    }

    /// A prompt was denied, ran out or was answered wrong, and wasn't counted yet. Whether prompts are suspended now.
    pub async fn prompt_unapproved(
        &mut self,
        user: UserId,
        attempt: AttemptId,
        rules: PromptRules,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let rows = self.run(&UNAPPROVED, values![user, attempt, now, now - rules.window, rules.unapproved]).await?;
        let suspended: Option<Option<Millis>> = rows.into_iter().next().map(|row| row.read().take()).transpose()?;
        Ok(suspended.flatten().is_some())
    }

    /// Stops prompts to a user.
    pub async fn suspend_prompts(&mut self, user: UserId, reason: &str, now: Millis) -> Result<bool, StoreError> {
        self.changed(&SUSPEND, values![user, now, reason]).await
    }

    /// Allows prompts to a user again: an administrator's act, or a sign-in that can't be phished.
    pub async fn resume_prompts(&mut self, user: UserId) -> Result<bool, StoreError> {
        self.changed(&RESUME, values![user]).await
    }
}
