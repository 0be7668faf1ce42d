//! `GET /admin/v1/logs/messages`, which Duo doesn't have: the message log as it is kept, with what the organisation's private key needs
//! to open it. It is for `countersign log`; nothing in it tells a number, a place or a time to who hasn't the key.

use super::{
    desk::{Desk, failed},
    logs_v1::midnight,
};
use crate::{
    door::Call,
    wire::{ApiError, Envelope},
};
use data_encoding::BASE64;
use messaging::log::{
    Asked, Challenge, challenge, is_proof, page_of,
    watch::{self, Reader, Verdict},
};
use serde_json::{Value, json};
use store::{LogSegment, MessageRow, Span, StoreError};
use types::{MessageId, Millis, Normalization, UserId, UserName};

/// Rows of a page.
const MOST: i64 = 1000;
const LATEST: i64 = 1 << 47;

fn item(row: &MessageRow) -> Value {
    json!({
        "id": row.id.to_string(),
        "day": row.day,
        "channel": row.channel,
        "supplier": row.supplier,
        "purpose": row.purpose,
        "state": row.state,
        "billing_class": row.billing_class,
        "error_class": row.error_class,
        "sealed": row.sealed.as_ref().map(|sealed| BASE64.encode(sealed)),
    })
}

fn segment(segment: &LogSegment) -> Value {
    let header = segment.header.as_ref().map(|header| BASE64.encode(header));
    json!({ "id": segment.id.to_string(), "day": segment.day, "header": header })
}

fn to_open(challenge: &Challenge) -> Value {
    json!({
        "segment": segment(&challenge.segment),
        "id": challenge.id.to_string(),
        "sealed": BASE64.encode(&challenge.sealed),
    })
}

/// `mintime` and `maxtime` in milliseconds; rows of whole days are given, because the exact time is sealed. `user` is a name or an id;
/// of days before today all rows come, because only whoever opens them can say whose they are.
///
/// With `prove`, a challenge instead of rows: what is sealed in it comes back as `proof` with each page. Who sends none is given canaries,
/// which raises an alarm; and who reads more than ever is stopped ([`messaging::log::watch`]).
pub(super) async fn messages(call: Call) -> Result<Envelope, ApiError> {
    let (params, now) = (&call.params, call.auth().world().now());
    let (store, who) = (call.auth().store(), call.app.ikey.as_str());
    if params.filled("prove")?.is_some() {
        let challenge = challenge(store, call.app.tenant, who).await.map_err(|error| failed(&error))?;
        return Ok(Envelope::ok(json!({ "challenge": challenge.as_ref().map(to_open) })));
    }
    let from = Millis(params.int("mintime", 0..=LATEST)?.unwrap_or(0));
    let to = Millis(params.int("maxtime", 0..=LATEST)?.unwrap_or(now.0).saturating_add(1));
    let mut span = Span::new(midnight(from), to, params.int("limit", 1..=MOST)?.unwrap_or(100));
    let after = params.filled("next_offset")?;
    if let Some(after) = after {
        let after: MessageId = after.parse().map_err(|_| ApiError::invalid_parameter("next_offset"))?;
        span = span.after(after);
    }
    let desk = Desk::of(&call);
    let user = match params.filled("user")? {
        None => None,
        Some(named) => Some(user(&desk, named).await?),
    };
    let proof = params.filled("proof")?.unwrap_or_default();
    let read = async {
        let keys = desk.rows().keys().await?;
        let has_key = is_proof(&keys, who, now, proof);
        let asked = Asked { user, without_canaries: has_key, ..Asked::default() };
        let page = page_of(store, call.app.tenant, &span, &asked).await?;
        let reader = Reader { who, has_key, person: None };
        if watch::weigh(store, call.app.tenant, &reader, page.rows.len()).await? != Verdict::Calm {
            return Ok(None);
        }
        // Each page, also one that somebody begins at in the middle.
        let detail = json!({
            "from": from.0, "to": to.0, "user": user.map(|user| user.to_string()), "rows": page.rows.len(),
            "continued": after.is_some(), "has_key": has_key,
        });
        let mut tx = desk.rows().begin().await?;
        tx.log_act(store.world(), who, "message_log_read", "", &detail.to_string()).await?;
        tx.commit().await?;
        if page.canaries > 0 {
            desk.rows().raise("log_canary_read", who, "{}").await?;
        }
        Ok(Some(page))
    };
    let page = read.await.map_err(|error: StoreError| failed(&error))?;
    let page = page.ok_or_else(|| ApiError::forbidden("This integration read more than ever and was stopped."))?;
    let next = page.next.and_then(|next| next.after).map(|after| after.hyphenated().to_string());
    Ok(Envelope::ok(json!({
        "items": page.rows.iter().map(item).collect::<Vec<_>>(),
        "segments": page.segments.iter().map(segment).collect::<Vec<_>>(),
        "metadata": { "next_offset": next, "user": user.map(|user| user.to_string()) },
    })))
}

async fn user(desk: &Desk, named: &str) -> Result<UserId, ApiError> {
    if let Ok(id) = named.parse() {
        // Another tenant's id is nobody's here, and nothing to write into this one's log.
        let found = desk.rows().user(id).await.map_err(|error| failed(&error))?;
        return found.map(|user| user.id).ok_or_else(|| ApiError::invalid_parameter("user"));
    }
    let name = UserName::new(named, Normalization::None).map_err(|_| ApiError::invalid_parameter("user"))?;
    let found = desk.rows().user_by_name(&name).await.map_err(|error| failed(&error))?;
    found.map(|user| user.id).ok_or_else(|| ApiError::invalid_parameter("user"))
}
