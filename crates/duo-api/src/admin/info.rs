//! `/admin/v1/info/…`: counts.

use super::desk::{Desk, count, failed};
use crate::{
    door::Call,
    wire::{ApiError, Envelope},
};
use serde_json::{Map, Value, json};
use std::time::Duration;
use store::{ResultCount, Slice, StoreError};
use types::Millis;

/// The counts of small groups of messages tell who they were, so a group of fewer than this many is not counted.
const SMALLEST_GROUP: i64 = 10;
const THIRTY_DAYS: Duration = Duration::from_secs(30 * 86_400);
const NONE: Slice = Slice { offset: 0, limit: 0 };

/// How many users and integrations there are.
pub(super) async fn summary(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let rows = desk.rows();
    let error = |error: StoreError| failed(&error);
    let users = rows.user_count().await.map_err(error)?;
    // Of users in the trash there are few: they are gone after some days.
    let trashed = rows.users_deleted_before(Millis(i64::MAX), 10_000).await.map_err(error)?.len();
    Ok(Envelope::ok(json!({
        "admin_count": 0,
        "integration_count": rows.integrations(NONE).await.map_err(error)?.total,
        "telephony_credits_remaining": 0,
        "user_count": count(users).saturating_sub(trashed as u64),
        "user_pending_deletion_count": trashed,
    })))
}

/// Reads `mintime` (30 days ago) and `maxtime` (now), Unix seconds.
fn span(call: &Call) -> Result<(Millis, Millis), ApiError> {
    let now = call.auth().world().now();
    let time = |name| call.params.int(name, 0..=i64::from(u32::MAX)).map(|time| time.map(Millis::from_seconds));
    let to = time("maxtime")?.unwrap_or(Millis(now.0 + 1));
    let from = time("mintime")?.unwrap_or(now - THIRTY_DAYS);
    if from > to { Err(ApiError::invalid_parameter("mintime")) } else { Ok((from, to)) }
}

/// Duo's four words. There are no attempts that end in an error here: those are denied.
fn attempts(counts: &[ResultCount]) -> Envelope {
    let of = |result: &str| counts.iter().filter(|count| count.result == result).map(|count| count.count).sum::<i64>();
    let mut response = Map::new();
    for (name, number) in [("ERROR", 0), ("FAILURE", of("denied")), ("FRAUD", of("fraud")), ("SUCCESS", of("success"))]
    {
        response.insert(name.to_owned(), number.into());
    }
    Envelope::ok(Value::Object(response))
}

/// How many attempts ended in which way.
pub(super) async fn authentication_attempts(call: Call) -> Result<Envelope, ApiError> {
    let (from, to) = span(&call)?;
    let counts = Desk::of(&call).rows().auth_log_results(from, to).await;
    Ok(attempts(&counts.map_err(|error| failed(&error))?))
}

/// How many users had an attempt that ended in this way.
pub(super) async fn user_authentication_attempts(call: Call) -> Result<Envelope, ApiError> {
    let (from, to) = span(&call)?;
    let counts = Desk::of(&call).rows().auth_log_user_results(from, to).await;
    Ok(attempts(&counts.map_err(|error| failed(&error))?))
}

/// How many messages and calls were made, a credit each. Kinds of which there were fewer than ten are left out.
pub(super) async fn telephony_credits_used(call: Call) -> Result<Envelope, ApiError> {
    let (from, to) = span(&call)?;
    // Rows of the log stand at the beginning of their day.
    let from = Millis(from.day().saturating_mul(86_400_000));
    let billed = Desk::of(&call).rows().billing(from, to, SMALLEST_GROUP).await.map_err(|error| failed(&error))?;
    let used: i64 = billed
        .iter()
        .filter(|group| group.channel != "email" && group.billing_class != "none")
        .map(|group| group.count)
        .sum();
    Ok(Envelope::ok(json!({ "telephony_credits_used": used })))
}
