//! `/admin/v1/tokens`.

use super::{
    desk::{Desk, count, cut, failed, found, part, refused, slice},
    objects,
};
use crate::{
    door::{Call, refusal},
    wire::{ApiError, Envelope, OffsetPage, PageLimits},
};
use directory::{NewToken, Seed};
use types::SecretString;

/// Parameters: `limit`, `offset`; or `type` and `serial`.
pub(super) async fn list(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let page = OffsetPage::read(&call.params, PageLimits::MORE)?;
    if let (Some(kind), Some(serial)) = (call.params.filled("type")?, call.params.filled("serial")?) {
        let row = desk.rows().token_by_serial(kind, serial).await.map_err(|error| failed(&error))?;
        let (rows, total) = cut(row.into_iter().collect(), page);
        return Ok(page.reply(objects::tokens(&call, &desk, &rows).await?, total));
    }
    let found = desk.rows().tokens(slice(page)).await.map_err(|error| failed(&error))?;
    Ok(page.reply(objects::tokens(&call, &desk, &found.rows).await?, count(found.total)))
}

/// Parameters: `type` and `serial`; `secret` in hexadecimal digits with `counter` (the next, 0) for `h6` and `h8` or `totp_step` (30) for
/// `t6` and `t8`; `private_id` and `aes_key` for `yk`.
pub(super) async fn create(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let params = &call.params;
    let secret = |name: &'static str| params.required(name).map(|text| SecretString::new(text.to_owned()));
    let kind = params.required("type")?.to_owned();
    let serial = params.required("serial")?.to_owned();
    let digits = if kind.ends_with('8') { 8 } else { 6 };
    let new = match kind.as_str() {
        "h6" | "h8" => NewToken::Hotp {
            serial,
            seed: Seed::from_hex(&secret("secret")?).map_err(refused)?,
            digits,
            next: params.int("counter", 0..=i64::MAX)?.unwrap_or(0),
        },
        "t6" | "t8" => NewToken::Totp {
            serial,
            seed: Seed::from_hex(&secret("secret")?).map_err(refused)?,
            digits,
            step: params.int("totp_step", 0..=i64::MAX)?.unwrap_or(30),
        },
        "yk" => NewToken::Yubico { serial, aes_key: secret("aes_key")?, private_id: secret("private_id")? },
        _ => return Err(ApiError::invalid_parameter("type")),
    };
    let row = desk.scope().create_token(&new).await.map_err(refused)?;
    Ok(Envelope::ok(objects::token(&call, &desk, row).await?))
}

/// Gives a token's object.
pub(super) async fn get(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let row = found(desk.rows().token(part(&call, 0)?).await)?;
    Ok(Envelope::ok(objects::token(&call, &desk, row).await?))
}

/// Parameter `totp_step`: 30 or 60. Gives the new object.
pub(super) async fn modify(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let id = part(&call, 0)?;
    found(desk.rows().token(id).await)?;
    if let Some(step) = call.params.int("totp_step", 0..=i64::MAX)? {
        desk.scope().set_token_step(id, step).await.map_err(refused)?;
    }
    let row = found(desk.rows().token(id).await)?;
    Ok(Envelope::ok(objects::token(&call, &desk, row).await?))
}

/// Deletes a token.
pub(super) async fn delete(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    desk.scope().delete_token(part(&call, 0)?).await.map_err(refused)?;
    Ok(Envelope::ok(""))
}

/// Parameters: `code1`, `code2` and `code3`, which the token gave one after the other; the third may be missing.
pub(super) async fn resync(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let id = part(&call, 0)?;
    let token = found(desk.rows().token(id).await)?;
    let params = &call.params;
    let mut codes = vec![params.required("code1")?, params.required("code2")?];
    codes.extend(params.filled("code3")?);
    let codes: Vec<SecretString> = codes.into_iter().map(|code| SecretString::new(code.trim().to_owned())).collect();
    if !call.auth().resync_token(call.app.tenant, id, &codes).await.map_err(refusal)? {
        return Err(ApiError::invalid_parameter("the codes don't follow one another on this token"));
    }
    let detail = serde_json::json!({ "token_id": id.to_string() });
    desk.scope().note("hardtoken_resync", &token.serial, detail).await.map_err(refused)?;
    Ok(Envelope::ok(""))
}
