//! The three ways in which Duo's APIs give long lists in pages.
//!
//! - By offset (users, groups, phones, …): `limit` and `offset` in, `metadata` **beside** `response` out.
//! - By cursor (logs v2): a time range and `next_offset` in, `metadata` **inside** `response` out.
//! - By time (logs v1): `mintime` in, at most a thousand rows out, the client goes on from the last row's time.

use super::{ApiError, Envelope, Params};
use serde_json::{Map, Value, json};
use std::time::Duration;
use types::Millis;

/// How many rows an endpoint gives at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimits {
    /// When the client doesn't say.
    pub default: u32,
    /// At most. A client that asks for more gets this many: duo_api_ruby asks for 1000 everywhere.
    pub max: u32,
}

impl PageLimits {
    /// Users and most other objects: 100, at most 300.
    pub const OBJECTS: Self = Self { default: 100, max: 300 };
    /// Groups' users, phones, tokens: 100, at most 500.
    pub const MORE: Self = Self { default: 100, max: 500 };
    /// Logs: 100, at most 1000.
    pub const LOGS: Self = Self { default: 100, max: 1000 };

    fn read(self, params: &Params) -> Result<u32, ApiError> {
        let asked = params.int("limit", 1..=i64::from(u32::MAX))?;
        Ok(asked.and_then(|asked| u32::try_from(asked).ok()).map_or(self.default, |asked| asked.min(self.max)))
    }
}

/// A page by offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffsetPage {
    /// Rows to give.
    pub limit: u32,
    /// Rows to pass over.
    pub offset: u32,
}

impl OffsetPage {
    /// Reads `limit` and `offset`.
    ///
    /// # Errors
    /// 40002 with the parameter's name.
    pub fn read(params: &Params, limits: PageLimits) -> Result<Self, ApiError> {
        let offset = params.int("offset", 0..=i64::from(i32::MAX))?.and_then(|offset| u32::try_from(offset).ok());
        Ok(Self { limit: limits.read(params)?, offset: offset.unwrap_or(0) })
    }

    /// The answer: these rows of `total`. `next_offset` is there while there is more (duo_client and duo_api_php stop when
    /// it is absent, duo_api_ruby wants it to grow), `prev_offset` from the second page on.
    #[must_use]
    pub fn reply(self, rows: Vec<Value>, total: u64) -> Envelope {
        let next = u64::from(self.offset) + rows.len() as u64;
        let mut metadata = Map::new();
        if !rows.is_empty() && next < total {
            metadata.insert("next_offset".into(), next.into());
        }
        if self.offset > 0 {
            metadata.insert("prev_offset".into(), self.offset.saturating_sub(self.limit).into());
        }
        metadata.insert("total_objects".into(), total.into());
        Envelope::ok(rows).with_metadata(metadata)
    }
}

/// Which way a log is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Oldest first.
    Ascending,
    /// Newest first.
    Descending,
}

/// The last row of the page before: the next one begins after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The row's time.
    pub at: Millis,
    /// The row's id, which decides among rows of one millisecond: letters, digits and hyphens, at most 64.
    pub id: String,
}

impl Cursor {
    /// Reads `next_offset` as the clients send it back: `ts,id` (Go, Java, Ruby, Python for activity and telephony), or
    /// the two as one parameter repeated or a list (Python and C# for authentication).
    fn read(params: &Params, name: &str) -> Result<Option<Self>, ApiError> {
        let Some(list) = params.list(name, 2)? else { return Ok(None) };
        let invalid = || ApiError::invalid_parameter(name.to_owned());
        let [at, id] = list.as_slice() else { return Err(invalid()) };
        let plain = |text: &str| {
            !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let at = Some(at).filter(|at| at.bytes().all(|b| b.is_ascii_digit())).and_then(|at| at.parse().ok());
        match at {
            Some(at) if plain(id) => Ok(Some(Self { at: Millis(at), id: id.clone() })),
            _ => Err(invalid()),
        }
    }
}

/// How one of the v2 logs is paged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogPages {
    rows: &'static str,
    cursor: &'static str,
    cursor_is_list: bool,
    times_required: bool,
    sort: Sort,
}

impl LogPages {
    /// `/admin/v2/logs/authentication`: `authlogs`, cursor as a list, both times required.
    pub const AUTHENTICATION: Self = Self {
        rows: "authlogs",
        cursor: "next_offset",
        cursor_is_list: true,
        times_required: true,
        sort: Sort::Descending,
    };
    /// `/admin/v2/logs/activity` and `/admin/v2/logs/telephony`: `items`, cursor as `"ts,id"`.
    pub const ITEMS: Self = Self {
        rows: "items",
        cursor: "next_offset",
        cursor_is_list: false,
        times_required: false,
        sort: Sort::Descending,
    };
    /// `/admin/v1/trust_monitor/events`: `events`, and the cursor comes back as `offset`.
    pub const EVENTS: Self =
        Self { rows: "events", cursor: "offset", cursor_is_list: false, times_required: true, sort: Sort::Ascending };
}

/// A page of a v2 log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPage {
    /// Rows of this time and later.
    pub from: Millis,
    /// Rows of this time and earlier.
    pub to: Millis,
    /// Rows to give.
    pub limit: u32,
    /// Which end first.
    pub sort: Sort,
    /// Where the page before ended.
    pub after: Option<Cursor>,
    pages: LogPages,
}

/// What a v2 log page holds.
#[derive(Debug, Clone)]
pub struct LogReply {
    /// The rows.
    pub rows: Vec<Value>,
    /// The last of them, when there are more behind it.
    pub next: Option<Cursor>,
    /// All rows that fit the filters.
    pub total: u64,
}

/// How far back a log reaches that is asked without `mintime`, as duo_client does it.
const HALF_A_YEAR: Duration = Duration::from_secs(180 * 86_400);

impl LogPage {
    /// Reads `mintime` and `maxtime` (Unix milliseconds), `limit`, `sort` (`ts:asc`, `ts:desc`) and the cursor.
    ///
    /// # Errors
    /// 40001 for a missing time where times are required; 40002 with the parameter's name.
    pub fn read(params: &Params, pages: LogPages, now: Millis) -> Result<Self, ApiError> {
        let time = |name: &str| {
            if pages.times_required {
                params.required(name)?;
            }
            Ok(params.int(name, 0..=i64::MAX)?.map(Millis))
        };
        let from = time("mintime")?.unwrap_or(now - HALF_A_YEAR);
        let to = time("maxtime")?.unwrap_or(now);
        if to < from {
            return Err(ApiError::invalid_parameter("maxtime"));
        }
        let sort = match params.filled("sort")? {
            None => pages.sort,
            Some("ts:asc" | "asc") => Sort::Ascending,
            Some("ts:desc" | "desc") => Sort::Descending,
            Some(_) => return Err(ApiError::invalid_parameter("sort")),
        };
        let limit = PageLimits::LOGS.read(params)?;
        Ok(Self { from, to, limit, sort, after: Cursor::read(params, pages.cursor)?, pages })
    }

    /// The answer, metadata inside the response.
    #[must_use]
    pub fn reply(&self, reply: LogReply) -> Envelope {
        let LogReply { rows, next, total } = reply;
        let next = match next {
            None => Value::Null,
            Some(Cursor { at, id }) if self.pages.cursor_is_list => json!([at.0.to_string(), id]),
            Some(Cursor { at, id }) => Value::String(format!("{},{id}", at.0)),
        };
        let mut response = Map::new();
        response.insert(self.pages.rows.into(), rows.into());
        response.insert("metadata".into(), json!({ "next_offset": next, "total_objects": total }));
        Envelope::ok(response)
    }
}

/// A page of a v1 log: the oldest rows from a time on. duo_client asks again from the last row's time plus one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OldLogPage {
    /// Rows of this time and later.
    pub from: Millis,
    /// Rows of this time and earlier.
    pub to: Millis,
    /// Rows to give: 1000.
    pub limit: u32,
}

impl OldLogPage {
    /// Reads `mintime` and `maxtime` (Unix seconds).
    ///
    /// # Errors
    /// 40002 with the parameter's name.
    pub fn read(params: &Params, now: Millis) -> Result<Self, ApiError> {
        let time = |name| params.int(name, 0..=i64::from(u32::MAX)).map(|time| time.map(Millis::from_seconds));
        let from = time("mintime")?.unwrap_or_default();
        // A second is meant to its end.
        let to = time("maxtime")?.map_or(now, |to| Millis(to.0 + 999));
        Ok(Self { from, to, limit: PageLimits::LOGS.max })
    }

    /// The answer: the rows and nothing else.
    #[must_use]
    pub fn reply(rows: Vec<Value>) -> Envelope {
        Envelope::ok(rows)
    }
}

#[cfg(test)]
#[path = "paging_tests.rs"]
mod tests;
