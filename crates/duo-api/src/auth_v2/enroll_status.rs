//! `POST /auth/v2/enroll_status`: whether an authenticator was attached.

use crate::{
    door::{Call, refusal},
    wire::{ApiError, Envelope},
};
use ::auth::EnrollStatus;

/// Parameters: `user_id`, `activation_code` (as `enroll` gave it, or its 20 characters). The answer is a bare string.
pub(super) async fn enroll_status(call: Call) -> Result<Envelope, ApiError> {
    let user = call.params.required("user_id")?.parse().map_err(|_| ApiError::invalid_parameter("user_id"))?;
    let code = call.params.required("activation_code")?;
    let code = code.strip_prefix("duo://").and_then(|rest| rest.split('-').next()).unwrap_or(code);
    let status = call.auth().enroll_status(&call.app, user, code).await.map_err(refusal)?;
    Ok(Envelope::ok(match status {
        EnrollStatus::Success => "success",
        EnrollStatus::Waiting => "waiting",
        EnrollStatus::Invalid => "invalid",
    }))
}
