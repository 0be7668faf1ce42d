//! `/admin/v1/logs/…`: at most a thousand rows, oldest first; the client goes on from the last row's time.

use super::desk::{Desk, failed};
use crate::{
    door::Call,
    wire::{ApiError, Envelope, OldLogPage},
};
use messaging::log::without_canaries;
use serde_json::{Map, Value, json};
use store::{AuthLogRow, MessageRow, Span};
use types::Millis;

/// A time as the logs write it: `2020-03-20T15:38:12+00:00`.
pub(super) fn iso(at: Millis) -> String {
    written(at, "%Y-%m-%dT%H:%M:%S+00:00")
}

/// The same with six digits behind the second.
pub(super) fn iso_micros(at: Millis) -> String {
    written(at, "%Y-%m-%dT%H:%M:%S%.6f+00:00")
}

fn written(at: Millis, form: &str) -> String {
    jiff::Timestamp::from_millisecond(at.0).map(|at| at.strftime(form).to_string()).unwrap_or_default()
}

/// The first moment of the day.
pub(super) const fn midnight(at: Millis) -> Millis {
    Millis(at.day().saturating_mul(86_400_000))
}

fn page(call: &Call) -> Result<(OldLogPage, Span), ApiError> {
    let page = OldLogPage::read(&call.params, call.auth().world().now())?;
    Ok((page, Span::new(page.from, Millis(page.to.0.saturating_add(1)), page.limit.into())))
}

/// The details of a row: a damaged one has none.
pub(super) fn detail(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_default()
}

/// The first version's words for factors, where it has any.
fn old_factor(factor: &str) -> &str {
    match factor {
        "duo_push" => "Duo Push",
        "phone_call" => "Phone Call",
        "sms_passcode" => "SMS Passcode",
        "sms_refresh" => "SMS Refresh",
        "hardware_token" => "Hardware Token",
        "yubikey_code" => "Yubikey Passcode",
        "bypass_code" => "Bypass Code",
        "remembered_device" => "Remembered Device",
        "passcode" => "Passcode",
        other => other,
    }
}

fn attempt(row: &AuthLogRow) -> Value {
    let detail = detail(&row.detail);
    let result = match row.result.as_str() {
        "success" => "SUCCESS",
        "fraud" => "FRAUD",
        _ => "FAILURE",
    };
    json!({
        "timestamp": row.at.seconds(),
        "isotimestamp": iso(row.at),
        "username": row.username,
        "factor": old_factor(&row.factor),
        "result": result,
        "reason": row.reason,
        "ip": row.ip,
        "new_enrollment": false,
        "integration": detail.get("application"),
        "device": row.device,
        "location": { "city": "", "state": "", "country": "" },
    })
}

/// Attempts that ended.
pub(super) async fn authentication(call: Call) -> Result<Envelope, ApiError> {
    let (_, span) = page(&call)?;
    let rows = Desk::of(&call).rows().auth_log(&span).await.map_err(|error| failed(&error))?;
    Ok(OldLogPage::reply(rows.iter().map(attempt).collect()))
}

/// Changes that somebody made.
pub(super) async fn administrator(call: Call) -> Result<Envelope, ApiError> {
    let (_, span) = page(&call)?;
    let rows = Desk::of(&call).rows().admin_log(&span).await.map_err(|error| failed(&error))?;
    let shown = rows.iter().map(|row| {
        json!({
            "timestamp": row.at.seconds(),
            "isotimestamp": iso(row.at),
            "username": row.actor,
            "action": row.action,
            "object": row.object,
            "description": row.detail,
        })
    });
    Ok(OldLogPage::reply(shown.collect()))
}

/// What both versions say of a message. Its number, place and time are not known here: `phone` is empty, the time is the beginning of
/// the UTC day, and what the tenant's private key opens is given as it is stored.
pub(super) fn message(row: &MessageRow) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("context".to_owned(), row.purpose.as_str().into());
    // What a rule or a limit refused never left.
    object.insert("credits".to_owned(), i64::from(row.billing_class != "none").into());
    object.insert("phone".to_owned(), "".into());
    object.insert("type".to_owned(), if row.channel == "voice" { "phone" } else { row.channel.as_str() }.into());
    object.insert("state".to_owned(), row.state.as_str().into());
    object.insert("telephony_id".to_owned(), row.id.to_string().into());
    object.insert("sealed".to_owned(), row.sealed.as_ref().map(|sealed| data_encoding::BASE64.encode(sealed)).into());
    object
}

/// Messages and calls. `mintime` counts from the beginning of its day, so that no row is passed over.
pub(super) async fn telephony(call: Call) -> Result<Envelope, ApiError> {
    let (_, span) = page(&call)?;
    let span = Span { from: midnight(span.from), ..span };
    let rows = Desk::of(&call).rows().messages(&span).await.map_err(|error| failed(&error))?;
    let rows = without_canaries(call.auth().store(), call.app.tenant, rows).await.map_err(|error| failed(&error))?;
    let shown = rows.iter().filter(|row| row.channel != "email").map(|row| {
        let mut object = message(row);
        let day = Millis(row.day.saturating_mul(86_400_000));
        object.insert("timestamp".to_owned(), day.seconds().into());
        object.insert("isotimestamp".to_owned(), iso(day).into());
        Value::Object(object)
    });
    Ok(OldLogPage::reply(shown.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_duo_writes_them() {
        assert_eq!(iso(Millis(1_584_718_692_999)), "2020-03-20T15:38:12+00:00");
        assert_eq!(iso_micros(Millis(1_679_438_089_466)), "2023-03-21T22:34:49.466000+00:00");
        assert_eq!(midnight(Millis(1_679_438_089_466)), Millis(1_679_356_800_000));
    }
}
