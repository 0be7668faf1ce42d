//! The messages that programs of this account have sent, newest day first.

use super::{KIND, Told, later, object};
use crate::{
    pipeline::Call,
    wire::{ApiError, Form, Paging, Reply, span},
};
use keys::{DayKeys, TenantKeys};
use std::{collections::HashMap, sync::Arc};
use store::{ApiMessageRow, Store, fields};
use types::{E164, Millis, SecretBytes, ct_eq};

/// Rows looked through for one number, at most, in one request.
const LOOKED_THROUGH: usize = 5000;
const PIECE: i64 = 500;

/// The mark of an address on a day, under a key of the day that dies with it ([`DayKeys::mark_key`]): whoever has all keys of another day
/// can't try numbers against it. Without such a key it is a mark that no address has.
pub(crate) fn mark(store: &Store, keys: &TenantKeys, day: i64, address: &str) -> [u8; 32] {
    match day_key(store, day) {
        Some(key) => keys.digest(fields::API_MESSAGE, &[key.expose(), &day.to_be_bytes(), address.as_bytes()]),
        None => store.world().bytes(),
    }
}

fn day_key(store: &Store, day: i64) -> Option<SecretBytes> {
    store.mark_keys().and_then(|marks: &Arc<DayKeys>| marks.mark_key(day).ok())
}

/// The marks of an address on a day, one for each key of the tenant that is in use; none of a day that is over.
fn marks(store: &Store, keys: &TenantKeys, day: i64, address: &str) -> Vec<[u8; 32]> {
    let parts = |key: &SecretBytes| {
        keys.digest_candidates(fields::API_MESSAGE, &[key.expose(), &day.to_be_bytes(), address.as_bytes()])
    };
    day_key(store, day).as_ref().map(parts).unwrap_or_default()
}

/// The list.
pub(super) async fn list(call: Call) -> Result<Reply, ApiError> {
    let filters = &["To", "DateSent", "DateSent<", "DateSent>"];
    let paging = Paging::read(&call.path, &call.query, filters)?;
    // Who sent isn't kept; a list that ignores the question would be a wrong answer.
    if call.query.filled("From")?.is_some() {
        return Err(ApiError::unsupported("A list by From"));
    }
    let (rows, next) = found(&call, KIND, ["DateSent", "DateSent>", "DateSent<"], &paging).await?;
    let mut objects = Vec::with_capacity(rows.len());
    let told = Told { to: call.query.filled("To")?, ..Told::default() };
    for row in &rows {
        let standing = later::standing(&call, row.id).await?;
        objects.push(object(&call.caller.account, row.id, &standing, &told));
    }
    Ok(Reply::ok(paging.old("messages", objects, next)))
}

/// The rows of one page, of messages or of calls, with the filter `To` and those of `dates` (on a day, from it, until it); and where the
/// next page begins.
pub(crate) async fn found(call: &Call, kind: &str, dates: [&str; 3], paging: &Paging) -> Result<Found, ApiError> {
    let days = days(&call.query, dates)?;
    let to = call.query.filled("To")?.map(|text| text.parse::<E164>().map_err(|_| ApiError::parameter("To")));
    let (mut rows, more) = match to.transpose()? {
        None => (call.rows().api_messages(kind, days, paging.after, paging.limit()).await?, None),
        Some(to) => of_number(call, kind, &to, days, paging).await?,
    };
    let next = paging.cut(&mut rows, |row| row.id.uuid()).or(more);
    Ok((rows, next))
}

/// The days that the filters name: the log knows no more of the time.
fn days(query: &Form, names: [&str; 3]) -> Result<(Millis, Millis), ApiError> {
    const DAY: i64 = 86_400_000;
    let (mut from, mut to) = (Millis(0), Millis(i64::MAX));
    for name in names {
        let Some(text) = query.filled(name)? else { continue };
        let (begin, _) = span(text).ok_or_else(|| ApiError::parameter(name))?;
        let morning = Millis(begin.day().saturating_mul(DAY));
        let evening = Millis(morning.0.saturating_add(DAY));
        if !name.ends_with('<') {
            from = from.max(morning);
        }
        if !name.ends_with('>') {
            to = to.min(evening);
        }
    }
    Ok((from, to))
}

type Found = (Vec<ApiMessageRow>, Option<uuid::Uuid>);

/// The messages of today to one number, found by their marks: of a day that is over nobody can say to whom its messages went. Also gives where to go on when more were to be looked through than one request
/// may.
async fn of_number(
    call: &Call,
    kind: &str,
    to: &E164,
    days: (Millis, Millis),
    paging: &Paging,
) -> Result<Found, ApiError> {
    let keys = call.rows().keys().await?;
    let mut by_day: HashMap<i64, Vec<[u8; 32]>> = HashMap::new();
    let (mut found, mut after, mut looked) = (Vec::new(), paging.after, 0);
    let wanted = usize::try_from(paging.limit()).unwrap_or(usize::MAX);
    loop {
        let rows = call.rows().api_messages(kind, days, after, PIECE).await?;
        let Some(last) = rows.last().map(|row| row.id.uuid()) else { return Ok((found, None)) };
        looked += rows.len();
        for row in rows {
            let day = row.id.made_at().day();
            let marks = by_day.entry(day).or_insert_with(|| marks(call.api.store(), &keys, day, to.expose()));
            if found.len() < wanted && marks.iter().any(|mark| ct_eq(mark, &row.mark)) {
                found.push(row);
            }
        }
        if found.len() >= wanted {
            return Ok((found, None));
        }
        if looked >= LOOKED_THROUGH {
            return Ok((found, Some(last)));
        }
        after = Some(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_name_whole_days() {
        let names = ["DateSent", "DateSent>", "DateSent<"];
        let days = |query: &str| days(&Form::parse(query.as_bytes()).unwrap(), names);
        let day = |n: i64| Millis(n * 86_400_000);
        let of = Millis(1_795_305_600_000).day();
        assert_eq!(days("").unwrap(), (Millis(0), Millis(i64::MAX)));
        assert_eq!(days("DateSent=2026-11-22").unwrap(), (day(of), day(of + 1)));
        assert_eq!(days("DateSent%3E=2026-11-22T11:00:00Z").unwrap(), (day(of), Millis(i64::MAX)));
        assert_eq!(days("DateSent%3E=2026-11-21&DateSent%3C=2026-11-22").unwrap(), (day(of - 1), day(of + 1)));
        assert!(days("DateSent=yesterday").is_err());
    }
}
