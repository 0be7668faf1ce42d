//! Rate limits of a service: a program names what it counts by (an address, a session), and buckets say how often.

use super::services::Service;
use crate::{
    pipeline::Call,
    wire::{ApiError, Paging, Prefix, Reply, iso, sid, words},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;
use store::{ApiObjectRow, fields, limits::Limit};
use types::ApiObjectId;

const KIND: &str = "rate-limit";
const BUCKET: &str = "bucket";
/// Rate limits that one request may name.
const MOST_NAMED: usize = 10;
/// Buckets of one rate limit.
const MOST_BUCKETS: i64 = 100;

#[derive(Serialize, Deserialize, Default)]
struct Detail {
    #[serde(default)]
    description: String,
}

/// At most `max` in `interval` seconds.
#[derive(Serialize, Deserialize)]
struct Bucket {
    max: i64,
    interval: i64,
}

fn detail<'a, T: Deserialize<'a>>(row: &'a ApiObjectRow) -> Result<T, ApiError> {
    serde_json::from_str(&row.detail).map_err(|_| ApiError::internal())
}

fn text<T: Serialize>(detail: &T) -> Result<String, ApiError> {
    serde_json::to_string(detail).map_err(|_| ApiError::internal())
}

fn row(call: &Call, kind: &str, parent: ApiObjectId, detail: String) -> ApiObjectRow {
    let now = call.now();
    ApiObjectRow {
        id: ApiObjectId::new(now, call.api.world().random.as_ref()),
        kind: kind.to_owned(),
        parent,
        handle: None,
        name: String::new(),
        detail,
        digest: None,
        created: now,
        updated: now,
    }
}

/// Spends of every bucket of the rate limits that a request names.
///
/// # Errors
/// 60207 when a bucket is empty; then nothing is spent.
pub(super) async fn spend(call: &Call, service: &Service) -> Result<(), ApiError> {
    let Some(given) = call.form.filled("RateLimits")? else { return Ok(()) };
    let given = words(given, MOST_NAMED).ok_or_else(|| ApiError::verify_parameter("RateLimits"))?;
    let keys = call.rows().keys().await?;
    let mut spendings = Vec::new();
    for (name, value) in given {
        let limit = call.rows().api_object_named(KIND, service.id(), &name).await?;
        let limit = limit.ok_or_else(|| ApiError::verify_parameter("RateLimits"))?;
        for row in call.rows().api_objects(BUCKET, limit.id, None, MOST_BUCKETS).await? {
            let Bucket { max, interval } = detail(&row)?;
            let bucket = keys.digest(fields::LIMIT, &[b"verify", row.id.as_bytes(), value.as_bytes()]);
            spendings.push((bucket, Limit { max, window: Duration::from_secs(interval.unsigned_abs()) }));
        }
    }
    let mut tx = call.rows().begin().await?;
    for (bucket, limit) in spendings {
        if !tx.spend(bucket, limit, 1, call.now()).await? {
            let refused = ApiError::new(429, 60207, "Max rate limit reached for the service");
            return Err(ApiError { retry_after: Some(limit.window), ..refused });
        }
    }
    Ok(tx.commit().await?)
}

async fn one(call: &Call) -> Result<(Service, ApiObjectRow), ApiError> {
    let service = Service::of(call).await?;
    let id = ApiObjectId::from_uuid(call.id(1, Prefix::RATE_LIMIT)?);
    let row = call.rows().api_object(KIND, service.id(), id).await?.ok_or_else(ApiError::not_found)?;
    Ok((service, row))
}

fn object(call: &Call, site: &str, service: &Service, row: &ApiObjectRow) -> Result<Value, ApiError> {
    let name = sid(Prefix::RATE_LIMIT, row.id.uuid());
    let url = format!("{site}/v2/Services/{}/RateLimits/{name}", service.sid());
    Ok(json!({
        "sid": name,
        "service_sid": service.sid(),
        "account_sid": call.caller.account,
        "unique_name": row.handle,
        "description": detail::<Detail>(row)?.description,
        "date_created": iso(row.created),
        "date_updated": iso(row.updated),
        "links": { "buckets": format!("{url}/Buckets") },
        "url": url,
    }))
}

/// Makes a rate limit.
pub(super) async fn create(call: Call) -> Result<Reply, ApiError> {
    let service = Service::of(&call).await?;
    let name = call.form.line("UniqueName", 64)?.ok_or_else(|| ApiError::verify_parameter("UniqueName"))?;
    let description = call.form.line("Description", 256)?.unwrap_or_default().to_owned();
    let mut row = row(&call, KIND, service.id(), text(&Detail { description })?);
    row.handle = Some(name.to_owned());
    let mut tx = call.rows().begin().await?;
    if !tx.insert_api_object(&row).await? {
        return Err(ApiError::new(409, 60200, "There is a rate limit of this name"));
    }
    tx.commit().await?;
    Ok(Reply::created(object(&call, &call.site().await?, &service, &row)?))
}

/// The rate limits.
pub(super) async fn list(call: Call) -> Result<Reply, ApiError> {
    let service = Service::of(&call).await?;
    let paging = Paging::read(&call.path, &call.query, &[])?;
    let mut rows = call.rows().api_objects(KIND, service.id(), paging.after, paging.limit()).await?;
    let next = paging.cut(&mut rows, |row| row.id.uuid());
    let site = call.site().await?;
    let objects = rows.iter().map(|row| object(&call, &site, &service, row)).collect::<Result<_, _>>()?;
    Ok(Reply::ok(paging.with_meta(&site, "rate_limits", objects, next)))
}

/// One rate limit.
pub(super) async fn fetch(call: Call) -> Result<Reply, ApiError> {
    let (service, row) = one(&call).await?;
    Ok(Reply::ok(object(&call, &call.site().await?, &service, &row)?))
}

/// Describes a rate limit anew.
pub(super) async fn change(call: Call) -> Result<Reply, ApiError> {
    let (_, row) = one(&call).await?;
    if let Some(description) = call.form.line("Description", 256)? {
        let detail = text(&Detail { description: description.to_owned() })?;
        let mut tx = call.rows().begin().await?;
        tx.change_api_object(&row, None, Some(&detail), call.now()).await?;
        tx.commit().await?;
    }
    fetch(call).await
}

/// Deletes a rate limit and its buckets.
pub(super) async fn delete(call: Call) -> Result<Reply, ApiError> {
    let (service, row) = one(&call).await?;
    gone(&call, KIND, service.id(), row.id).await
}

async fn gone(call: &Call, kind: &str, parent: ApiObjectId, id: ApiObjectId) -> Result<Reply, ApiError> {
    let mut tx = call.rows().begin().await?;
    if !tx.delete_api_object(kind, parent, id).await? {
        return Err(ApiError::not_found());
    }
    tx.commit().await?;
    Ok(Reply::gone())
}

async fn one_bucket(call: &Call) -> Result<(Service, ApiObjectRow, ApiObjectRow), ApiError> {
    let (service, limit) = one(call).await?;
    let id = ApiObjectId::from_uuid(call.id(2, Prefix::BUCKET)?);
    let row = call.rows().api_object(BUCKET, limit.id, id).await?.ok_or_else(ApiError::not_found)?;
    Ok((service, limit, row))
}

fn bucket_object(
    call: &Call,
    site: &str,
    service: &Service,
    limit: &ApiObjectRow,
    row: &ApiObjectRow,
) -> Result<Value, ApiError> {
    let (name, limit) = (sid(Prefix::BUCKET, row.id.uuid()), sid(Prefix::RATE_LIMIT, limit.id.uuid()));
    let Bucket { max, interval } = detail(row)?;
    Ok(json!({
        "sid": name,
        "rate_limit_sid": limit,
        "service_sid": service.sid(),
        "account_sid": call.caller.account,
        "max": max,
        "interval": interval,
        "date_created": iso(row.created),
        "date_updated": iso(row.updated),
        "url": format!("{site}/v2/Services/{}/RateLimits/{limit}/Buckets/{name}", service.sid()),
    }))
}

fn bounds(call: &Call) -> Result<(Option<i64>, Option<i64>), ApiError> {
    // A window that is longer than a day would be forgotten before it ends.
    Ok((call.form.number("Max", 1, 1_000_000)?, call.form.number("Interval", 1, 86_400)?))
}

/// Makes a bucket.
pub(super) async fn create_bucket(call: Call) -> Result<Reply, ApiError> {
    let (service, limit) = one(&call).await?;
    let (max, interval) = bounds(&call)?;
    let max = max.ok_or_else(|| ApiError::verify_parameter("Max"))?;
    let interval = interval.ok_or_else(|| ApiError::verify_parameter("Interval"))?;
    let known = call.rows().api_objects(BUCKET, limit.id, None, MOST_BUCKETS).await?;
    if i64::try_from(known.len()).unwrap_or(i64::MAX) >= MOST_BUCKETS {
        return Err(ApiError::new(400, 60200, "The rate limit has as many buckets as it may have"));
    }
    let row = row(&call, BUCKET, limit.id, text(&Bucket { max, interval })?);
    let mut tx = call.rows().begin().await?;
    tx.insert_api_object(&row).await?;
    tx.commit().await?;
    Ok(Reply::created(bucket_object(&call, &call.site().await?, &service, &limit, &row)?))
}

/// The buckets.
pub(super) async fn list_buckets(call: Call) -> Result<Reply, ApiError> {
    let (service, limit) = one(&call).await?;
    let paging = Paging::read(&call.path, &call.query, &[])?;
    let mut rows = call.rows().api_objects(BUCKET, limit.id, paging.after, paging.limit()).await?;
    let next = paging.cut(&mut rows, |row| row.id.uuid());
    let site = call.site().await?;
    let objects = rows.iter().map(|row| bucket_object(&call, &site, &service, &limit, row));
    let objects = objects.collect::<Result<_, _>>()?;
    Ok(Reply::ok(paging.with_meta(&site, "buckets", objects, next)))
}

/// One bucket.
pub(super) async fn fetch_bucket(call: Call) -> Result<Reply, ApiError> {
    let (service, limit, row) = one_bucket(&call).await?;
    Ok(Reply::ok(bucket_object(&call, &call.site().await?, &service, &limit, &row)?))
}

/// Sizes a bucket anew.
pub(super) async fn change_bucket(call: Call) -> Result<Reply, ApiError> {
    let (_, _, row) = one_bucket(&call).await?;
    let (max, interval) = bounds(&call)?;
    let mut bucket: Bucket = detail(&row)?;
    bucket.max = max.unwrap_or(bucket.max);
    bucket.interval = interval.unwrap_or(bucket.interval);
    let mut tx = call.rows().begin().await?;
    tx.change_api_object(&row, None, Some(&text(&bucket)?), call.now()).await?;
    tx.commit().await?;
    fetch_bucket(call).await
}

/// Deletes a bucket.
pub(super) async fn delete_bucket(call: Call) -> Result<Reply, ApiError> {
    let (_, limit, row) = one_bucket(&call).await?;
    gone(&call, BUCKET, limit.id, row.id).await
}
