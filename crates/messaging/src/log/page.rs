//! Pages of the log, with the headers that their rows need: what is given to the tenant, who opens it.

use super::{canary, segments_of, user_marks};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use store::{LogSegment, MessageRow, Span, Store, StoreError};
use types::{Millis, TenantId, UserId};

/// Rows that are looked through at once for a user's.
const PIECE: i64 = 1000;
/// Rows that one call looks through for a user's; then it gives what it found and where to go on.
const MOST_SCANNED: usize = 20_000;
/// Segments that are read at once.
const SEGMENTS: i64 = 1000;

/// A page.
pub struct Page {
    /// The rows in the order asked for.
    pub rows: Vec<MessageRow>,
    /// The segments that the rows were written in, as far as their headers are kept.
    pub segments: Vec<LogSegment>,
    /// Where the next page begins; nothing after the last.
    pub next: Option<Span>,
    /// So many of the rows are canaries.
    pub canaries: usize,
    /// Whose were wanted, where somebody's were: of days before today others' may be among them.
    pub user: Option<UserId>,
}

/// Which rows are wanted, beside their span.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked {
    /// Only a user's. Of the present day they are found by the day's mark. Of a day before nobody here can say whose a row is, so all that
    /// are sealed are given, and whoever opens them sees whose they are.
    pub user: Option<UserId>,
    /// No rows of days before where a user is named: for who can't open them.
    pub marked_only: bool,
    /// No canaries: for who has shown that they can open the log.
    pub without_canaries: bool,
}

/// Reads the rows of a span, at most its `limit`; only a user's and those that may be, if one is named.
pub async fn page(store: &Store, tenant: TenantId, span: &Span, user: Option<UserId>) -> Result<Page, StoreError> {
    page_of(store, tenant, span, &Asked { user, ..Asked::default() }).await
}

/// The same, with more to say.
pub async fn page_of(store: &Store, tenant: TenantId, span: &Span, asked: &Asked) -> Result<Page, StoreError> {
    let scope = store.tenant(tenant);
    let limit = usize::try_from(span.limit).unwrap_or(0).max(1);
    let keys = scope.keys().await?;
    let day_keys = store.mark_keys().map(Arc::as_ref);
    let mut marks: BTreeMap<i64, Option<Vec<[u8; 32]>>> = BTreeMap::new();
    let (mut rows, mut scanned, mut canaries) = (Vec::new(), 0_usize, 0_usize);
    let mut at = Span { limit: if asked.user.is_some() { PIECE } else { span.limit.max(1) }, ..*span };
    let next = loop {
        let piece = scope.messages(&at).await?;
        let full = i64::try_from(piece.len()).unwrap_or(0) == at.limit;
        scanned += piece.len();
        for row in piece {
            at = at.after(row.id);
            let is_canary = canary::is_canary(&keys, &row);
            if is_canary && (asked.without_canaries || asked.marked_only) {
                continue;
            }
            let wanted = match asked.user {
                None => true,
                Some(user) => {
                    match marks.entry(row.day).or_insert_with(|| user_marks(&keys, day_keys, row.day, user)) {
                        Some(marks) => is_canary || marks.iter().any(|mark| mark.as_slice() == row.user_mark),
                        None => !asked.marked_only && row.sealed.is_some(),
                    }
                }
            };
            if wanted {
                canaries += usize::from(is_canary);
                rows.push(row);
                if rows.len() == limit {
                    break;
                }
            }
        }
        let next = Span { limit: span.limit, ..at };
        match (rows.len() == limit || scanned >= MOST_SCANNED, full) {
            (true, _) => break Some(next),
            (false, false) => break None,
            (false, true) => {}
        }
    };
    let segments = segments(store, tenant, &rows).await?;
    Ok(Page { rows, segments, next, canaries, user: asked.user })
}

async fn segments(store: &Store, tenant: TenantId, rows: &[MessageRow]) -> Result<Vec<LogSegment>, StoreError> {
    let needed: BTreeSet<_> =
        rows.iter().filter_map(|row| row.sealed.as_deref()).flat_map(segments_of).flatten().collect();
    let (Some(first), Some(last)) = (needed.first(), needed.last()) else { return Ok(Vec::new()) };
    let (from, to) = (first.made_at(), Millis(last.made_at().0.saturating_add(1)));
    let mut found = Vec::new();
    let mut span = Span::new(from, to, SEGMENTS);
    loop {
        let piece = store.tenant(tenant).log_segments(&span).await?;
        let end = piece.last().filter(|_| i64::try_from(piece.len()).unwrap_or(0) == SEGMENTS).map(|last| last.id);
        found.extend(piece.into_iter().filter(|segment| needed.contains(&segment.id)));
        match end {
            Some(last) => span = span.after(last),
            None => return Ok(found),
        }
    }
}
