//! Counters that hold on every node. The bucket is a keyed hash of internal ids, never of what somebody typed.

use crate::{
    engine::{Statement, StoreError, Type},
    plan::{Plan, Planned},
    scope::{Store, Tx},
    values,
};
use std::time::Duration;
use types::Millis;

/// So much within so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// At most this in one window.
    pub max: i64,
    /// The window's length; it begins with the first one counted.
    pub window: Duration,
}

static SPEND: Statement = Statement::new(
    "limit_spend",
    "INSERT INTO rate_limit (tenant, bucket, window_start, spent) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (tenant, bucket) DO UPDATE SET \
     spent = CASE WHEN rate_limit.window_start <= $5 THEN $4 ELSE rate_limit.spent + $4 END, \
     window_start = CASE WHEN rate_limit.window_start <= $5 THEN $3 ELSE rate_limit.window_start END \
     WHERE rate_limit.window_start <= $5 OR rate_limit.spent + $4 <= $6 RETURNING spent",
    &[Type::Id, Type::Bytes, Type::Int, Type::Int, Type::Int, Type::Int],
);
static PURGE: Statement = Statement::new("limit_purge", "DELETE FROM rate_limit WHERE window_start < $1", &[Type::Int]);

pub(crate) static ALL: &[&Statement] = &[&SPEND, &PURGE];

impl Tx {
    /// Spends `cost` of a bucket; whether there was enough left.
    pub async fn spend(&mut self, bucket: [u8; 32], limit: Limit, cost: i64, now: Millis) -> Result<bool, StoreError> {
        if cost > limit.max {
            return Ok(false);
        }
        self.changed(&SPEND, values![bucket, now, cost, now - limit.window, limit.max]).await
    }
}

impl Plan<'_> {
    /// As [`Tx::spend`]; nothing of the plan is done where there is not enough left.
    pub fn spend(&mut self, bucket: [u8; 32], limit: Limit, cost: i64, now: Millis) -> Planned {
        let step = self.add(&SPEND, values![bucket, now, cost, now - limit.window, limit.max]);
        self.require(step);
        if cost > limit.max {
            self.give_up(step);
        }
        step
    }
}

impl Store {
    /// Removes counters whose window began before `before`, of every tenant: housekeeping.
    pub async fn purge_limits(&self, before: Millis) -> Result<(), StoreError> {
        let mut tx = self.engine().begin().await?;
        tx.run(&PURGE, values![before]).await?;
        tx.commit().await
    }
}
