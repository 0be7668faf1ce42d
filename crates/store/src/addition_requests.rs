//! Whether an administrator may add to what somebody with a passkey signs in with: that takes two administrators, or time.
//!
//! A user without a passkey needs no request. For one with a passkey an administrator asks; another allows it, or a delay runs out in
//! which the user, who is told, can stop it. Then the two of them may add, for a day.

use crate::{
    engine::{Statement, StoreError, Type},
    scope::{Tenant, Tx, record},
    values,
};
use std::time::Duration;
use types::{Millis, UserId};

/// How long additions are possible once they are.
pub const OPEN_FOR: Duration = Duration::from_secs(86_400);

record! {
    /// A request; a user has one at most.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct AdditionRequest {
        /// To whose account.
        pub user_id: UserId,
        /// The administrator or key that asks.
        pub asked_by: String,
        /// When.
        pub asked_at: Millis,
        /// The other one, who allowed it; empty for nobody.
        pub allowed_by: String,
        /// When.
        pub allowed_at: Option<Millis>,
    }
}

impl AdditionRequest {
    /// From when on it is open: when it was allowed, or after the delay.
    #[must_use]
    pub fn opens(&self, delay: Duration) -> Millis {
        self.allowed_at.unwrap_or(self.asked_at + delay)
    }

    /// Whether `actor` is one of the two, and it is open now.
    #[must_use]
    pub fn is_open_to(&self, actor: &str, delay: Duration, now: Millis) -> bool {
        let opens = self.opens(delay);
        let theirs = actor == self.asked_by || (self.allowed_at.is_some() && actor == self.allowed_by);
        theirs && opens <= now && now < opens + OPEN_FOR
    }
}

static OF_USER: Statement = Statement::new(
    "addition_request_of_user",
    "SELECT user_id, asked_by, asked_at, allowed_by, allowed_at FROM addition_request WHERE tenant = $1 AND user_id = $2",
    &[Type::Id, Type::Id],
);
// Who asks again waits again.
static ASK: Statement = Statement::new(
    "addition_request_ask",
    "INSERT INTO addition_request (tenant, user_id, asked_by, asked_at, allowed_by, allowed_at) VALUES ($1, $2, $3, $4, '', NULL) \
     ON CONFLICT (tenant, user_id) DO UPDATE SET asked_by = excluded.asked_by, asked_at = excluded.asked_at, allowed_by = '', \
     allowed_at = NULL RETURNING user_id",
    &[Type::Id, Type::Id, Type::Text, Type::Int],
);
static ALLOW: Statement = Statement::new(
    "addition_request_allow",
    "UPDATE addition_request SET allowed_by = $4, allowed_at = $5 WHERE tenant = $1 AND user_id = $2 AND asked_by = $3 \
     AND asked_by <> $4 AND allowed_at IS NULL RETURNING user_id",
    &[Type::Id, Type::Id, Type::Text, Type::Text, Type::Int],
);
static DROP: Statement = Statement::new(
    "addition_request_drop",
    "DELETE FROM addition_request WHERE tenant = $1 AND user_id = $2 RETURNING user_id",
    &[Type::Id, Type::Id],
);
static GUARDED: Statement = Statement::new(
    "addition_request_is_needed",
    "SELECT 1 FROM passkey WHERE tenant = $1 AND user_id = $2 LIMIT 1",
    &[Type::Id, Type::Id],
);

pub(crate) static ALL: &[&Statement] = &[&OF_USER, &ASK, &ALLOW, &DROP, &GUARDED];

impl Tenant<'_> {
    /// The request about a user, also one that is over.
    pub async fn addition_request(&self, user: UserId) -> Result<Option<AdditionRequest>, StoreError> {
        self.find(&OF_USER, values![user]).await
    }

    /// Whether a user has a passkey, suspended or not: then an administrator adds nothing alone.
    pub async fn is_guarded(&self, user: UserId) -> Result<bool, StoreError> {
        Ok(!self.read(&GUARDED, values![user]).await?.is_empty())
    }

    /// Whether `actor`, an administrator or a key, may add to what a user signs in with.
    pub async fn may_add(&self, user: UserId, actor: &str, delay: Duration, now: Millis) -> Result<bool, StoreError> {
        if !self.is_guarded(user).await? {
            return Ok(true);
        }
        Ok(self.addition_request(user).await?.is_some_and(|request| request.is_open_to(actor, delay, now)))
    }
}

impl Tx {
    /// Asks, in the place of an earlier request.
    pub async fn ask_addition(&mut self, user: UserId, by: &str, now: Millis) -> Result<(), StoreError> {
        self.run(&ASK, values![user, by, now]).await.map(drop)
    }

    /// Allows what `asked_by` has asked for. Whether there is such a request, nobody has allowed it yet, and `by` is somebody else.
    pub async fn allow_addition(
        &mut self,
        user: UserId,
        asked_by: &str,
        by: &str,
        now: Millis,
    ) -> Result<bool, StoreError> {
        self.changed(&ALLOW, values![user, asked_by, by, now]).await
    }

    /// Withdraws the request about a user; whether there was one.
    pub async fn drop_addition_request(&mut self, user: UserId) -> Result<bool, StoreError> {
        self.changed(&DROP, values![user]).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAY: Duration = Duration::from_secs(3600);

    fn request(allowed_at: Option<i64>) -> AdditionRequest {
        AdditionRequest {
            user_id: UserId::from_uuid(uuid::Uuid::nil()),
            asked_by: "one".to_owned(),
            asked_at: Millis(0),
            allowed_by: allowed_at.map(|_| "two".to_owned()).unwrap_or_default(),
            allowed_at: allowed_at.map(Millis),
        }
    }

    #[test]
    fn it_opens_when_another_allows_it_or_after_the_delay_and_for_a_day() {
        let hour = 3_600_000;
        let open = |request: &AdditionRequest, actor, at| request.is_open_to(actor, DELAY, Millis(at));
        let waiting = request(None);
        assert!(!open(&waiting, "one", hour - 1) && open(&waiting, "one", hour) && !open(&waiting, "one", 25 * hour));
        assert!(!open(&waiting, "two", hour) && !open(&waiting, "", hour), "of those who didn't ask");
        let allowed = request(Some(5));
        assert!(!open(&allowed, "one", 4) && open(&allowed, "one", 5) && open(&allowed, "two", 5));
        assert!(!open(&allowed, "three", 5) && !open(&allowed, "one", 24 * hour + 5));
    }
}
