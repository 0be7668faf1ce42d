//! What every handler works with: the caller's part of the directory, ids out of texts, and errors into refusals.

use crate::{
    door::Call,
    wire::{ApiError, OffsetPage, Params},
};
use ::auth::{Settings, policy::Layer};
use directory::{Checks, Directory, DirectoryError, Removal, Scope};
use std::sync::Arc;
use store::{Addition, Slice, StoreError, Tenant};
use types::{Id, Kind, TenantId};

/// How the engine reads policies and settings, for a [`Directory`].
#[must_use]
pub const fn checks() -> Checks {
    fn policy(name: &str, sections: &str) -> Result<(), String> {
        Layer::parse(name, sections).map(drop).map_err(|error| error.to_string())
    }
    fn settings(text: &str) -> Result<(), String> {
        let settings = Settings::parse(text).map_err(|error| error.to_string())?;
        settings.messages.rules().map(drop).map_err(|error| error.to_string())
    }
    fn operator_delay(text: &str) -> Option<std::time::Duration> {
        Settings::parse(text).ok().map(|settings| settings.operator_delay())
    }
    Checks { policy, settings, operator_delay }
}

/// The caller's part of the directory.
pub(super) struct Desk {
    directory: Directory,
    tenant: TenantId,
    ikey: String,
}

impl Desk {
    pub(super) fn of(call: &Call) -> Self {
        let directory = Directory::new(Arc::clone(call.auth().store()), checks());
        Self { directory, tenant: call.app.tenant, ikey: call.app.ikey.clone() }
    }

    /// For changes, in the name of the calling integration.
    pub(super) fn scope(&self) -> Scope<'_> {
        self.directory.tenant(self.tenant, &self.ikey)
    }

    /// For reading.
    pub(super) fn rows(&self) -> Tenant<'_> {
        self.scope().rows()
    }
}

/// Tells people what the call has added to their accounts.
pub(super) async fn announce(call: &Call, added: impl IntoIterator<Item = Addition>) -> Result<(), ApiError> {
    for addition in added {
        call.auth().announce_addition(call.app.tenant, addition).await.map_err(crate::door::refusal)?;
    }
    Ok(())
}

/// Tells people which telephones the call has taken from them.
pub(super) async fn announce_removals(call: &Call, removals: impl IntoIterator<Item = Removal>) {
    for removal in removals {
        call.auth().announce_removal(call.app.tenant, removal.user, &removal.phone).await;
    }
}

/// A refusal of the directory, in Duo's words.
pub(super) fn refused(error: DirectoryError) -> ApiError {
    match error {
        DirectoryError::Invalid(what) => ApiError::invalid_parameter(what),
        DirectoryError::Refused(why) => ApiError::invalid_parameter(why),
        DirectoryError::NotFound(_) => ApiError::not_found(),
        DirectoryError::Guarded => ApiError::forbidden(DirectoryError::Guarded.to_string()),
        DirectoryError::TooManyNumbers { retry_after } => {
            ApiError::too_many_requests(u32::try_from(retry_after.as_secs()).unwrap_or(60).max(1))
        }
        DirectoryError::Duplicate(what) => ApiError::invalid_parameter(format!("{what} already exists")),
        DirectoryError::Changed(what) => ApiError::invalid_parameter(format!("{what} was changed meanwhile")),
        DirectoryError::Store(error) => failed(&error),
    }
}

/// An internal error: its cause is for our log.
pub(super) fn failed(error: &StoreError) -> ApiError {
    tracing::error!(%error, "the store failed");
    ApiError::internal()
}

/// What the store found, or 40401.
pub(super) fn found<T>(row: Result<Option<T>, StoreError>) -> Result<T, ApiError> {
    row.map_err(|error| failed(&error))?.ok_or_else(ApiError::not_found)
}

/// A named part of the path as an id; a text that is none names nothing.
pub(super) fn part<K: Kind>(call: &Call, n: usize) -> Result<Id<K>, ApiError> {
    call.part(n).parse().map_err(|_| ApiError::not_found())
}

/// A parameter as an id.
pub(super) fn id<K: Kind>(params: &Params, name: &'static str) -> Result<Id<K>, ApiError> {
    params.required(name)?.parse().map_err(|_| ApiError::invalid_parameter(name))
}

/// Ids in a list of at most `max`.
pub(super) fn ids<K: Kind>(params: &Params, name: &'static str, max: usize) -> Result<Option<Vec<Id<K>>>, ApiError> {
    let Some(list) = params.list(name, max)? else { return Ok(None) };
    let parsed: Result<Vec<_>, _> = list.iter().map(|text| text.parse()).collect();
    parsed.map(Some).map_err(|_| ApiError::invalid_parameter(name))
}

/// A page as the store counts it.
pub(super) fn slice(page: OffsetPage) -> Slice {
    Slice { offset: page.offset.into(), limit: page.limit.into() }
}

/// A count as the wire has it.
pub(super) fn count(total: i64) -> u64 {
    u64::try_from(total).unwrap_or(0)
}

/// The page of a list that is short enough to be read whole: what hangs on one user.
pub(super) fn cut<T>(all: Vec<T>, page: OffsetPage) -> (Vec<T>, u64) {
    let total = all.len() as u64;
    let (offset, limit) = (page.offset as usize, page.limit as usize);
    (all.into_iter().skip(offset).take(limit).collect(), total)
}
