//! What an integration of the Admin API may be allowed, and that it can't allow another more than it may itself.

use crate::{door::Call, wire::ApiError};
use serde_json::{Map, Value};

/// Reads users, devices, groups, bypass codes.
pub(super) const READ: &str = "adminapi_read_resource";
/// Is shown the numbers of all telephones in lists, the directory as often as once an hour. Without it one number at a time, [`store::numbers::A_MINUTE`] a
/// minute. Duo has no such grant.
pub(super) const NUMBERS: &str = "adminapi_read_numbers";
/// Changes them.
pub(super) const WRITE: &str = "adminapi_write_resource";
/// Reads logs.
pub(super) const LOG: &str = "adminapi_read_log";
/// Reads and changes settings.
pub(super) const SETTINGS: &str = "adminapi_settings";
/// Reads and changes integrations and policies.
pub(super) const INTEGRATIONS: &str = "adminapi_integrations";
/// Reads counts.
pub(super) const INFO: &str = "adminapi_info";
/// Gives grants that it doesn't have itself.
const ANY: &str = "adminapi_allow_to_set_permissions";

/// Whether a grant stands there as given. Older ones were stored as 1.
fn given(grants: &Map<String, Value>, name: &str) -> bool {
    grants
        .get(name)
        .is_some_and(|value| value.as_bool() == Some(true) || value.as_i64() == Some(1) || value.as_str() == Some("1"))
}

/// Whether the caller may read numbers in bulk.
pub(super) fn reads_numbers(call: &Call) -> bool {
    given(&call.app.grants, NUMBERS)
}

/// Refuses to give, or to take over by its secret key, grants that the caller doesn't hold: an integration that may only make
/// integrations could make itself everything otherwise.
pub(super) fn within_own(call: &Call, wanted: &Map<String, Value>) -> Result<(), ApiError> {
    let own = &call.app.grants;
    let more = wanted.keys().any(|name| name.starts_with("adminapi_") && given(wanted, name) && !given(own, name));
    if more && !given(own, ANY) {
        return Err(ApiError::forbidden("This integration can't give permissions that it doesn't have."));
    }
    Ok(())
}
