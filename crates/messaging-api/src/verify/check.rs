//! An answer: is it the code?

use super::{
    send::{CHECKS, Kept, max_checks, open, waiting},
    services::Service,
    verifications,
};
use crate::{
    pipeline::Call,
    wire::{ApiError, Prefix, Reply, iso, sid, uuid_of},
};
use serde_json::json;
use std::time::Duration;
use store::{StoreError, Tx, VerificationRow, fields, limits::Limit};
use types::{SecretString, VerificationId, VerifyAttemptId, ct_eq};

/// Answers for one address of a service on a day. A sending that is refused takes its row away, and the row's own count with it.
const ANSWERS: Limit = Limit { max: 60, window: Duration::from_secs(86_400) };

/// The verification that the form names.
async fn named(call: &Call, service: &Service) -> Result<VerificationRow, ApiError> {
    let row = match (call.form.filled("VerificationSid")?, call.form.filled("To")?) {
        (Some(name), _) => {
            let id = uuid_of(Prefix::VERIFICATION, name).ok_or_else(ApiError::not_found)?;
            call.rows().verification(service.id(), VerificationId::from_uuid(id), call.now()).await?
        }
        (None, Some(to)) => waiting(call, service, &verifications::spelled(to)).await?,
        (None, None) => return Err(ApiError::verify_parameter("To")),
    };
    row.ok_or_else(ApiError::not_found)
}

/// Marks the last sending as the one whose code came back.
pub(super) async fn convert(tx: &mut Tx, kept: &Kept) -> Result<(), StoreError> {
    let last = kept.sends.last().and_then(|sent| uuid_of(Prefix::ATTEMPT, &sent.id));
    if let Some(id) = last {
        tx.convert_verify_attempt(VerifyAttemptId::from_uuid(id)).await?;
    }
    Ok(())
}

/// Checks an answer. The answer is spent before it is looked at, and the right one ends the verification: of many, one is approved.
pub(super) async fn check(call: Call) -> Result<Reply, ApiError> {
    let service = Service::of(&call).await?;
    if let Some(name) = call.form.first_of(&["SnaClientToken"]) {
        return Err(ApiError::unsupported(name));
    }
    let code = call.form.filled("Code")?.ok_or_else(|| ApiError::verify_parameter("Code"))?;
    if code.len() > 32 {
        return Err(ApiError::verify_parameter("Code"));
    }
    let code = SecretString::new(code.trim().to_owned());
    let bound = verifications::bound(&call.form, &service)?;
    let found = named(&call, &service).await?;
    let scope = call.rows();
    let keys = scope.keys().await?;
    let kept = open(&call, &found).await?;
    let bucket = keys.digest(fields::LIMIT, &[b"verify-answers", service.id().as_bytes(), kept.to.as_bytes()]);
    let mut tx = scope.begin().await?;
    if !tx.spend(bucket, ANSWERS, 1, call.now()).await? {
        return Err(max_checks(found.expires, call.now()));
    }
    let Some(row) = tx.spend_verification_check(service.id(), found.id, CHECKS, call.now()).await? else {
        drop(tx);
        let over = scope.verification(service.id(), found.id, call.now()).await?;
        return Err(over.map_or_else(ApiError::not_found, |row| max_checks(row.expires, call.now())));
    };
    let candidates = bound.candidates(&keys, &row.id, &code);
    // All are compared, so that the time doesn't tell under which key the code was kept.
    let right = candidates.iter().filter(|digest| ct_eq(*digest, &row.digest)).count() > 0;
    let approved = right && tx.end_verification(row.id, &row.digest).await?;
    if approved {
        convert(&mut tx, &kept).await?;
    }
    tx.commit().await?;
    if approved {
        call.api.courier().verified(call.caller.tenant, None, row.message);
    }
    Ok(Reply::created(json!({
        "sid": sid(Prefix::VERIFICATION, row.id.uuid()),
        "service_sid": service.sid(),
        "account_sid": call.caller.account,
        "to": kept.to,
        "channel": row.channel,
        "status": if approved { "approved" } else { "pending" },
        "valid": approved,
        "amount": kept.amount,
        "payee": kept.payee,
        "sna_attempts_error_codes": [],
        "date_created": iso(row.created),
        "date_updated": iso(row.updated),
    })))
}
