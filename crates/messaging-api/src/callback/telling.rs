//! One telling: from what was told last to how the message stands.

use super::steps;
use crate::{
    Api, caller, messages,
    wire::{Prefix, sid},
};
use messaging::{
    Standing,
    fetch::{Ask, Method},
};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};
use store::{ApiMessageRow, StoreError, fields};
use types::{MessageId, Millis, TenantId};

/// A node that tells has the row for so long: longer than three requests take.
const LEASE: Duration = Duration::from_secs(90);
/// After so many tries in vain nothing is told any more.
const TRIES: i64 = 5;
/// The wait after the first; four times as long after each.
const FIRST_WAIT: Duration = Duration::from_secs(15);
/// A message that nobody reports on is looked at so often …
const PATIENCE: Duration = Duration::from_secs(3600);
/// … for so long after the beginning of its day; carriers report for up to three days.
const LIFE: Duration = Duration::from_secs(5 * 86_400);

/// Who wants to hear of a message.
#[derive(Serialize, Deserialize)]
pub(crate) struct Wanted {
    pub(crate) url: String,
    /// `MG…`, as it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) service: Option<String>,
}

/// Tells what is to be told.
pub(super) async fn tell(api: &Arc<Api>, tenant: TenantId, id: MessageId) -> Result<(), StoreError> {
    let scope = api.store().tenant(tenant);
    // Most messages are nobody's of this door; looking is cheaper than leasing.
    let Some(row) = scope.api_message(messages::KIND, id).await? else { return Ok(()) };
    if row.due.is_none() {
        return Ok(());
    }
    let now = api.world().now();
    let mut tx = scope.begin().await?;
    let Some(row) = tx.lease_api_message(id, now + LEASE, now).await? else { return Ok(()) };
    tx.commit().await?;
    let told = steps_told(api, tenant, &row).await?;
    if told.due.is_none() {
        api.callbacks.forget(id);
    }
    let mut tx = scope.begin().await?;
    tx.tell_api_message(id, &told.state, told.tries, told.due).await?;
    tx.commit().await
}

/// What was told at last, and when to look again.
struct Told {
    state: String,
    tries: i64,
    due: Option<Millis>,
}

async fn steps_told(api: &Arc<Api>, tenant: TenantId, row: &ApiMessageRow) -> Result<Told, StoreError> {
    let mut told = Told { state: row.told.clone(), tries: row.tries, due: None };
    let Some(sealed) = &row.sealed else { return Ok(told) };
    let opened = api.store().tenant(tenant).open(fields::api_message_callback(&row.id), sealed).await?;
    let wanted: Wanted = serde_json::from_slice(opened.expose()).map_err(|_| StoreError::Damaged("status callback"))?;
    loop {
        let now = api.world().now();
        let standing = api.courier().standing(tenant, row.id).await?;
        let next = standing.as_ref().and_then(|standing| steps::next(&told.state, standing.state));
        let (Some(standing), Some(next)) = (standing, next) else {
            let over = steps::is_last(&told.state) || now.since(row.id.made_at()) > LIFE;
            told.due = (!over).then(|| now + PATIENCE);
            return Ok(told);
        };
        if post(api, tenant, row.id, &wanted, &standing, next).await {
            (told.state, told.tries) = (next.to_owned(), 0);
            continue;
        }
        told.tries += 1;
        let wait = FIRST_WAIT * 4_u32.saturating_pow(u32::try_from(told.tries - 1).unwrap_or(0).min(8));
        told.due = (told.tries < TRIES).then(|| now + wait);
        return Ok(told);
    }
}

/// Posts one step. Whether it was taken: an answer that says no is one, a failing server isn't.
async fn post(
    api: &Arc<Api>,
    tenant: TenantId,
    id: MessageId,
    wanted: &Wanted,
    standing: &Standing,
    state: &str,
) -> bool {
    let Ok(token) = caller::signing_token(api, tenant).await else { return false };
    let brought = api.callbacks.brought(id);
    let name = sid(Prefix::MESSAGE, id.uuid());
    let mut form = vec![
        ("MessageSid", name.clone()),
        ("SmsSid", name),
        ("MessageStatus", state.to_owned()),
        ("SmsStatus", state.to_owned()),
        ("AccountSid", sid(Prefix::ACCOUNT, tenant.uuid())),
        ("ApiVersion", "2010-04-01".to_owned()),
        ("To", brought.as_ref().map(|brought| brought.to.expose().to_owned()).unwrap_or_default()),
        ("From", brought.map(|brought| brought.from).unwrap_or_default()),
    ];
    form.extend(wanted.service.clone().map(|service| ("MessagingServiceSid", service)));
    if let Some((code, _)) = messages::error_of(standing).filter(|_| steps::is_last(state)) {
        form.push(("ErrorCode", code.to_string()));
    }
    let form: Vec<(String, String)> = form.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let ask = Ask { method: Method::Post, url: &wanted.url, form: &form, token: token.as_ref() };
    let answer = api.fetcher.fetch(&ask).await;
    let taken = answer.is_ok_and(|answer| answer.status < 500);
    metrics::counter!("countersign_status_callbacks_total", "outcome" => if taken { "taken" } else { "failed" })
        .increment(1);
    taken
}
