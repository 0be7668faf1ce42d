//! `/admin/v2/logs/…`: pages by cursor over a span of time.

use super::{
    desk::{Desk, count, failed, refused},
    grants::reads_numbers,
    logs_v1::{detail, iso_micros, message, midnight},
};
use crate::{
    door::Call,
    wire::{ApiError, Cursor, Envelope, LogPage, LogPages, LogReply, Sort},
};
use auth::Location;
use messaging::log::without_canaries;
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};
use store::{AdminLogRow, AuthLogRow, MessageRow, Span, StoreError};
use types::{E164, Id, Kind, Millis, UserId};

/// Rows are counted no further.
const MOST_COUNTED: i64 = 10_000;
/// Rows that one call looks through for those that its filters want; then it gives what it found and where to go on.
const MOST_SCANNED: usize = 10_000;
/// Values of one filter at most.
const MOST_WANTED: usize = 100;

/// The page as the store reads it. `limit` may be larger than the page's.
fn span<K: Kind>(page: &LogPage, after: Option<&Cursor>, limit: i64) -> Result<Span, ApiError> {
    let mut span = Span::new(page.from, Millis(page.to.0.saturating_add(1)), limit);
    if page.sort == Sort::Descending {
        span = span.newest_first();
    }
    match after {
        None => Ok(span),
        Some(cursor) => {
            let id: Id<K> = cursor.id.parse().map_err(|_| ApiError::invalid_parameter("next_offset"))?;
            Ok(span.after(id))
        }
    }
}

fn error(error: StoreError) -> ApiError {
    failed(&error)
}

/// One row more than the page holds tells whether there is a next page.
fn one_more(page: &LogPage) -> i64 {
    i64::from(page.limit) + 1
}

/// Cuts the row that was one more, and says where the next page begins.
fn cut<T>(mut rows: Vec<T>, page: &LogPage, cursor: impl Fn(&T) -> Cursor) -> (Vec<T>, Option<Cursor>) {
    let limit = page.limit as usize;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(cursor);
    (rows, next)
}

/// What the caller wants to see of the authentication log.
#[derive(Default)]
struct Wanted {
    lists: Vec<(&'static str, Vec<String>)>,
    devices: Option<HashSet<String>>,
    groups: Option<HashSet<String>>,
}

impl Wanted {
    async fn read(call: &Call, desk: &Desk) -> Result<Self, ApiError> {
        let params = &call.params;
        let mut wanted = Self::default();
        for name in ["users", "applications", "factors", "results", "reasons", "event_types"] {
            if let Some(list) = params.list(name, MOST_WANTED)? {
                wanted.lists.push((name, list));
            }
        }
        // There are no assessments, so no row has any of these.
        for name in ["registration_id", "assessment", "detections"] {
            if params.list(name, MOST_WANTED)?.is_some() {
                wanted.lists.push((name, Vec::new()));
            }
        }
        wanted.groups = params.list("groups", MOST_WANTED)?.map(|list| list.into_iter().collect());
        for name in ["token_id", "webauthnkey"] {
            if let Some(ids) = params.list(name, MOST_WANTED)? {
                wanted.devices.get_or_insert_default().extend(ids);
            }
        }
        if let Some(numbers) = params.list("phone_numbers", MOST_WANTED)? {
            let devices = wanted.devices.get_or_insert_default();
            for number in numbers {
                let number: E164 = number.parse().map_err(|_| ApiError::invalid_parameter("phone_numbers"))?;
                let phone = desk.scope().phone_by_number(&number, "", reads_numbers(call)).await.map_err(refused)?;
                devices.extend(phone.map(|phone| phone.id.to_string()));
            }
        }
        Ok(wanted)
    }

    fn everything(&self) -> bool {
        self.lists.is_empty() && self.devices.is_none() && self.groups.is_none()
    }

    fn fits(&self, row: &AuthLogRow, groups: &Groups) -> bool {
        let user = row.user_id.map(|user| user.to_string()).unwrap_or_default();
        let listed = self.lists.iter().all(|(name, list)| {
            let value = match *name {
                "users" => user.as_str(),
                "applications" => row.ikey.as_str(),
                "factors" => row.factor.as_str(),
                "results" => row.result.as_str(),
                "reasons" => row.reason.as_str(),
                "event_types" => "authentication",
                _ => "",
            };
            list.iter().any(|wanted| wanted == value)
        });
        let on_device = self.devices.as_ref().is_none_or(|devices| devices.contains(&row.device));
        let in_group = self.groups.as_ref().is_none_or(|wanted| {
            let own = row.user_id.and_then(|user| groups.get(&user));
            own.is_some_and(|own| own.iter().any(|(id, _)| wanted.contains(id)))
        });
        listed && on_device && in_group
    }
}

/// Each user's groups: id and name.
type Groups = HashMap<UserId, Vec<(String, String)>>;

/// The groups that these rows' users are in now.
async fn groups_of(desk: &Desk, rows: &[AuthLogRow]) -> Result<Groups, ApiError> {
    let users: HashSet<UserId> = rows.iter().filter_map(|row| row.user_id).collect();
    let users: Vec<UserId> = users.into_iter().collect();
    let mut groups = Groups::new();
    for (user, group) in desk.rows().groups_of_users(&users).await.map_err(error)? {
        groups.entry(user).or_default().push((group.id.to_string(), group.name));
    }
    Ok(groups)
}

/// Attempts that ended. Without filters `total_objects` counts the whole span (up to 10,000), with filters what this page holds.
pub(super) async fn authentication(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let page = LogPage::read(&call.params, LogPages::AUTHENTICATION, call.auth().world().now())?;
    let wanted = Wanted::read(&call, &desk).await?;
    let cursor = |row: &AuthLogRow| Cursor { at: row.at, id: row.id.to_string() };
    let mut after = page.after.clone();
    let (mut shown, mut scanned) = (Vec::new(), 0_usize);
    let next = loop {
        let rows = desk.rows().auth_log(&span::<types::id::LogKind>(&page, after.as_ref(), one_more(&page))?).await;
        let (rows, more) = cut(rows.map_err(error)?, &page, cursor);
        let groups = groups_of(&desk, &rows).await?;
        let mut full = None;
        for row in &rows {
            scanned += 1;
            if wanted.fits(row, &groups) {
                shown.push(attempt(row, &groups, &call.auth().location(row.ip.parse().ok())));
            }
            if shown.len() >= page.limit as usize {
                full = Some(cursor(row));
                break;
            }
        }
        let last = rows.last().filter(|_| more.is_none()).map(|row| row.id.to_string());
        let at_end = |cursor: &Cursor| last.as_ref() == Some(&cursor.id);
        match (full, more) {
            (Some(full), _) if at_end(&full) => break None,
            (Some(full), _) => break Some(full),
            (None, None) => break None,
            (None, Some(more)) if scanned >= MOST_SCANNED => break Some(more),
            (None, more) => after = more,
        }
    };
    let total = if wanted.everything() {
        let all = span::<types::id::LogKind>(&page, None, 0)?;
        count(desk.rows().auth_log_count(&all, MOST_COUNTED).await.map_err(error)?)
    } else {
        shown.len() as u64
    };
    Ok(page.reply(LogReply { rows: shown, next, total }))
}

/// A location; what isn't known is null.
fn location(it: &Location) -> Value {
    let known = |name: &String| (!name.is_empty()).then(|| name.clone());
    json!({ "city": known(&it.city), "country": known(&it.country), "state": known(&it.region) })
}

fn nowhere() -> Value {
    location(&Location::default())
}

fn attempt(row: &AuthLogRow, groups: &Groups, from: &Location) -> Value {
    let detail = detail(&row.detail);
    let groups = row.user_id.and_then(|user| groups.get(&user)).map(Vec::as_slice).unwrap_or_default();
    let names: Vec<&str> = groups.iter().map(|(_, name)| name.as_str()).collect();
    let device = (!row.device.is_empty()).then_some(row.device.as_str());
    json!({
        "access_device": {
            "browser": null, "browser_version": null, "epkey": null, "flash_version": null,
            "hostname": detail.get("hostname"),
            "ip": row.ip,
            "is_encryption_enabled": "unknown", "is_firewall_enabled": "unknown", "is_password_set": "unknown",
            "java_version": null, "location": location(from), "os": null, "os_version": null, "security_agents": "unknown",
        },
        "alias": "",
        "application": { "key": row.ikey, "name": detail.get("application") },
        "auth_device": { "ip": null, "key": device, "location": nowhere(), "name": device },
        "email": "",
        "event_type": "authentication",
        "factor": row.factor,
        "isotimestamp": iso_micros(row.at),
        "ood_software": null,
        "reason": row.reason,
        "result": row.result,
        "rule": detail.get("rule"),
        "timestamp": row.at.seconds(),
        "trusted_endpoint_status": "unknown",
        "txid": detail.get("txid").cloned().unwrap_or_else(|| row.id.to_string().into()),
        "user": { "groups": names, "key": row.user_id.map(|user| user.to_string()), "name": row.username },
    })
}

/// What a change was made to, by what its action's name begins with.
fn target_type(action: &str) -> &str {
    action.split_once('_').map_or(action, |(object, _)| object)
}

fn activity_item(call: &Call, row: &AdminLogRow) -> Value {
    let by_key = row.actor.starts_with("DI") && row.actor.len() == 20;
    json!({
        "access_device": { "browser": null, "browser_version": null, "epkey": null, "ip": { "address": null }, "location": nowhere(),
            "os": null, "os_version": null },
        "action": { "details": null, "name": row.action },
        "activity_id": row.id.to_string(),
        "actor": { "details": "{}", "key": row.actor, "name": row.actor, "type": if by_key { "application" } else { "admin" } },
        "akey": call.app.tenant.to_string(),
        "application": { "key": if by_key { Some(&row.actor) } else { None }, "name": null, "type": null },
        "old_target": null,
        "outcome": { "result": "SUCCESS" },
        "target": { "details": row.detail, "key": null, "name": row.object, "type": target_type(&row.action) },
        "ts": iso_micros(row.at),
    })
}

/// Changes that somebody made.
pub(super) async fn activity(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let page = LogPage::read(&call.params, LogPages::ITEMS, call.auth().world().now())?;
    let asked = span::<types::id::LogKind>(&page, page.after.as_ref(), one_more(&page))?;
    let rows = desk.rows().admin_log(&asked).await.map_err(error)?;
    let (rows, next) = cut(rows, &page, |row| Cursor { at: row.at, id: row.id.to_string() });
    let all = span::<types::id::LogKind>(&page, None, 0)?;
    let total = count(desk.rows().admin_log_count(&all, MOST_COUNTED).await.map_err(error)?);
    let rows = rows.iter().map(|row| activity_item(&call, row)).collect();
    Ok(page.reply(LogReply { rows, next, total }))
}

/// Messages and calls: `ts` is the beginning of the UTC day, and `mintime` counts from the beginning of its own.
pub(super) async fn telephony(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let mut page = LogPage::read(&call.params, LogPages::ITEMS, call.auth().world().now())?;
    page.from = midnight(page.from);
    let day = |row: &MessageRow| Millis(row.day.saturating_mul(86_400_000));
    let asked = span::<types::id::MessageKind>(&page, page.after.as_ref(), one_more(&page))?;
    let rows = desk.rows().messages(&asked).await.map_err(error)?;
    let (rows, next) = cut(rows, &page, |row| Cursor { at: day(row), id: row.id.to_string() });
    let rows = without_canaries(call.auth().store(), call.app.tenant, rows).await.map_err(error)?;
    let all = span::<types::id::MessageKind>(&page, None, 0)?;
    let total = count(desk.rows().message_count(&all, MOST_COUNTED).await.map_err(error)?);
    let shown = rows.iter().filter(|row| row.channel != "email").map(|row| {
        let mut object: Map<String, Value> = message(row);
        object.insert("ts".to_owned(), iso_micros(day(row)).into());
        object.insert("txid".to_owned(), Value::Null);
        Value::Object(object)
    });
    let rows = shown.collect();
    Ok(page.reply(LogReply { rows, next, total }))
}
