//! People who want no texts.
//!
//! Somebody who writes STOP to the number that a text came from means whoever sent it. Carriers are shared by the tenants, so that is
//! every tenant that wrote to this person today or yesterday, as its counters show; where none of them did, all tenants. Nothing is
//! kept in order to know this: a list of who wrote to whom would be just what a thief looks for.
//!
//! Calls and mail still go, so nobody locks himself out of an account with a word.

use super::words::{self, Word};
use crate::courier::written_to;
use keys::TenantKeys;
use store::{Store, StoreError};
use types::{E164, Millis, SecretString, TenantId};

/// Tenants that are looked at together.
const PAGE: i64 = 200;

/// The keyed digest by which a number is kept.
pub(crate) fn mark(keys: &TenantKeys, number: &E164) -> [u8; 32] {
    keys.digest("opt-out/1", &[number.expose().as_bytes()])
}

/// Does what a person's text asks for; says what that was.
pub(crate) async fn heed(
    store: &Store,
    from: &E164,
    text: &SecretString,
    now: Millis,
) -> Result<Option<Word>, StoreError> {
    let word = words::read(text.expose());
    let out = match word {
        Some(Word::Stop) => true,
        Some(Word::Start) => false,
        Some(Word::Help) | None => return Ok(word),
    };
    let all = tenants(store).await?;
    let mut theirs = Vec::new();
    for tenant in &all {
        let scope = store.tenant(*tenant);
        let keys = scope.keys().await?;
        let means_it = if out {
            let mut wrote = false;
            for bucket in written_to(&keys, from, now) {
                wrote = wrote || scope.was_counted(&bucket).await?;
            }
            wrote
        } else {
            scope.is_opted_out(&mark(&keys, from)).await?
        };
        if means_it {
            theirs.push(*tenant);
        }
    }
    for tenant in if out && theirs.is_empty() { all } else { theirs } {
        set(store, tenant, from, out, now).await?;
    }
    Ok(word)
}

async fn tenants(store: &Store) -> Result<Vec<TenantId>, StoreError> {
    let mut all: Vec<TenantId> = Vec::new();
    loop {
        let page = store.tenants(all.last().copied(), PAGE).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page.iter().map(|tenant| tenant.id));
    }
}

/// Notes that a number wants no texts of a tenant, or wants them again. Whether that is news.
pub(crate) async fn set(
    store: &Store,
    tenant: TenantId,
    number: &E164,
    out: bool,
    now: Millis,
) -> Result<bool, StoreError> {
    let scope = store.tenant(tenant);
    let mark = mark(&scope.keys().await?, number);
    let mut tx = scope.begin().await?;
    let news = if out { tx.add_opt_out(&mark, now.day()).await? } else { tx.remove_opt_out(&mark).await? };
    tx.commit().await?;
    Ok(news)
}
