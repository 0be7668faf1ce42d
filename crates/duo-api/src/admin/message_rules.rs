//! What Duo doesn't have: who wants no texts, and what the rules against fraud block at the moment.

use super::desk::{Desk, failed, refused};
use crate::{
    door::Call,
    wire::{ApiError, Envelope},
};
use data_encoding::HEXLOWER;
use serde_json::json;
use types::E164;

/// Entries that are given at once.
const MOST: i64 = 1_000;

/// `GET /admin/v1/messages/opt_outs`: the marks of the numbers that want no texts, and since which day (UTC, days since 1970). A mark says
/// nothing of its number; whether one is among them is asked by `number`. `next_offset`: the last mark of the page before.
pub(super) async fn opt_outs(call: Call) -> Result<Envelope, ApiError> {
    let invalid = ApiError::invalid_parameter;
    let rows = Desk::of(&call);
    let rows = rows.rows();
    if let Some(number) = call.params.filled("number")? {
        let number: E164 = number.parse().map_err(|_| invalid("number"))?;
        let out = call.auth().courier().is_opted_out(call.app.tenant, &number).await.map_err(|error| failed(&error))?;
        return Ok(Envelope::ok(json!({ "opted_out": out })));
    }
    let after = match call.params.filled("next_offset")? {
        None => Vec::new(),
        Some(mark) => HEXLOWER.decode(mark.as_bytes()).map_err(|_| invalid("next_offset"))?,
    };
    let found = rows.opt_outs(&after, MOST).await.map_err(|error| failed(&error))?;
    let items: Vec<_> = found.iter().map(|row| json!({ "mark": HEXLOWER.encode(&row.mark), "day": row.day })).collect();
    Ok(Envelope::ok(items))
}

/// `POST /admin/v1/messages/opt_outs`: notes that `number` wants no texts, or takes that back (`opted_out` = `0`).
pub(super) async fn set_opt_out(call: Call) -> Result<Envelope, ApiError> {
    let invalid = ApiError::invalid_parameter;
    let number: E164 = call.params.required("number")?.parse().map_err(|_| invalid("number"))?;
    let out = match call.params.required("opted_out")? {
        "1" | "true" => true,
        "0" | "false" => false,
        _ => return Err(invalid("opted_out")),
    };
    // The line names no number.
    let action = if out { "message_opt_out" } else { "message_opt_in" };
    Desk::of(&call).scope().note(action, "", json!({})).await.map_err(refused)?;
    let news =
        call.auth().courier().set_opted_out(call.app.tenant, &number, out).await.map_err(|error| failed(&error))?;
    Ok(Envelope::ok(json!({ "changed": news })))
}

/// `GET /admin/v1/messages/blocks`: what the rules against fraud block for the organisation at the moment, on the node that is asked.
pub(super) async fn blocks(call: Call) -> Result<Envelope, ApiError> {
    let blocks = call.auth().courier().blocks(call.app.tenant);
    let items: Vec<_> = blocks
        .iter()
        .map(|block| {
            json!({
                "rule": block.rule.name(),
                "country": block.country,
                "until": block.until.seconds(),
                "strikes": block.strikes,
            })
        })
        .collect();
    Ok(Envelope::ok(items))
}
