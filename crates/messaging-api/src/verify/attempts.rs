//! Sendings, for counting: how many codes went out, and how many came back. No sending tells its number or the time of day.

use crate::{
    pipeline::Call,
    wire::{ApiError, Paging, Prefix, Reply, iso, sid, span, uuid_of},
};
use serde_json::{Value, json};
use store::{AttemptFilter, VerifyAttemptRow};
use types::{ApiObjectId, Millis, VerificationId, VerifyAttemptId};

const DAY: i64 = 86_400_000;

fn object(account: &str, site: &str, row: &VerifyAttemptRow) -> Value {
    let (name, at) = (sid(Prefix::ATTEMPT, row.id.uuid()), iso(row.id.made_at()));
    json!({
        "sid": name,
        "account_sid": account,
        "service_sid": sid(Prefix::SERVICE, row.service.uuid()),
        "verification_sid": sid(Prefix::VERIFICATION, row.verification.uuid()),
        "date_created": at,
        "date_updated": at,
        "conversion_status": if row.converted { "converted" } else { "unconverted" },
        "channel": row.channel,
        "price": { "value": Value::Null, "currency": "USD" },
        "channel_data": { "country": row.country },
        "url": format!("{site}/v2/Attempts/{name}"),
    })
}

fn filter(call: &Call) -> Result<AttemptFilter, ApiError> {
    let query = &call.query;
    if let Some(name) = query.first_of(&["ChannelData.To", "DestinationPrefix"]) {
        return Err(ApiError::unsupported(name));
    }
    // Whole days: no more is known of a sending's time.
    let day = |name: &str| -> Result<Option<i64>, ApiError> {
        let text = query.filled(name)?;
        let read = |text: &str| span(text).map(|(at, _)| at.day()).ok_or_else(|| ApiError::verify_parameter(name));
        text.map(read).transpose()
    };
    let id = |name: &str, prefix: Prefix| -> Result<_, ApiError> {
        let read = |text: &str| uuid_of(prefix, text).ok_or_else(|| ApiError::verify_parameter(name));
        query.filled(name)?.map(read).transpose()
    };
    let converted = match query.filled("Status")? {
        None => None,
        Some("converted") => Some(true),
        Some("unconverted") => Some(false),
        Some(_) => return Err(ApiError::verify_parameter("Status")),
    };
    Ok(AttemptFilter {
        from: Millis(day("DateCreatedAfter")?.unwrap_or(0).saturating_mul(DAY)),
        to: Millis(day("DateCreatedBefore")?.map_or(i64::MAX, |day| (day + 1).saturating_mul(DAY))),
        service: id("VerifyServiceSid", Prefix::SERVICE)?.map(ApiObjectId::from_uuid),
        verification: id("VerificationSid", Prefix::VERIFICATION)?.map(VerificationId::from_uuid),
        channel: query.filled("Channel")?.map(ToOwned::to_owned),
        country: query.filled("Country")?.map(str::to_ascii_uppercase),
        converted,
    })
}

/// The sendings.
pub(super) async fn list(call: Call) -> Result<Reply, ApiError> {
    let filters = &[
        "DateCreatedAfter",
        "DateCreatedBefore",
        "VerifyServiceSid",
        "VerificationSid",
        "Channel",
        "Country",
        "Status",
    ];
    let paging = Paging::read(&call.path, &call.query, filters)?;
    let mut rows = call.rows().verify_attempts(&filter(&call)?, paging.after, paging.limit()).await?;
    let next = paging.cut(&mut rows, |row| row.id.uuid());
    let site = call.site().await?;
    let objects = rows.iter().map(|row| object(&call.caller.account, &site, row)).collect();
    Ok(Reply::ok(paging.with_meta(&site, "attempts", objects, next)))
}

/// One sending.
pub(super) async fn fetch(call: Call) -> Result<Reply, ApiError> {
    let id = VerifyAttemptId::from_uuid(call.id(0, Prefix::ATTEMPT)?);
    let row = call.rows().verify_attempt(id).await?.ok_or_else(ApiError::not_found)?;
    Ok(Reply::ok(object(&call.caller.account, &call.site().await?, &row)))
}

/// How many codes came back.
pub(super) async fn summary(call: Call) -> Result<Reply, ApiError> {
    let (total, converted) = call.rows().verify_conversion(&filter(&call)?).await?;
    let tenths = if total == 0 { 0 } else { converted.saturating_mul(1000) / total };
    Ok(Reply::ok(json!({
        "total_attempts": total,
        "total_converted": converted,
        "total_unconverted": total - converted,
        "conversion_rate_percentage": format!("{}.{}", tenths / 10, tenths % 10),
        "url": format!("{}/v2/Attempts/Summary", call.site().await?),
    })))
}
