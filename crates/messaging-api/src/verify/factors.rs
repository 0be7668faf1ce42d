//! Factors: a seed that draws passcodes (RFC 6238), or a device's key that signs.

use super::{
    entities::{entity_sid, name, one, one_or_new},
    services::Service,
    signed,
};
use crate::{
    pipeline::Call,
    wire::{ApiError, Paging, Prefix, Reply, iso, sid},
};
use auth::otp::{Totp, totp_step};
use data_encoding::{BASE32_NOPAD, BASE64};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::time::Duration;
use store::{ApiObjectRow, FactorRow, fields, limits::Limit};
use types::{FactorId, SecretBytes};

/// Bytes of a seed that is made here; of one that comes from outside, at least and at most.
const SEED: usize = 20;
const GIVEN_SEED: std::ops::RangeInclusive<usize> = 16..=64;
/// Passcodes that may be tried for one factor.
const TRIES: Limit = Limit { max: 10, window: Duration::from_secs(600) };
/// Factors of one entity.
const MOST: i64 = 20;
const MAX_METADATA: usize = 1024;

#[derive(Serialize, Deserialize, Default)]
struct Config {
    #[serde(default)]
    code_length: u32,
    #[serde(default)]
    skew: i64,
    #[serde(default)]
    metadata: Option<Value>,
}

fn config(row: &FactorRow) -> Result<Config, ApiError> {
    serde_json::from_str(&row.config).map_err(|_| ApiError::internal())
}

fn object(
    call: &Call,
    site: &str,
    service: &Service,
    entity: &ApiObjectRow,
    row: &FactorRow,
) -> Result<Map<String, Value>, ApiError> {
    let (factor, config) = (sid(Prefix::FACTOR, row.id.uuid()), config(row)?);
    let shown = if row.kind == "totp" {
        json!({ "alg": "sha1", "time_step": row.period, "code_length": config.code_length, "skew": config.skew })
    } else {
        json!({ "alg": "ES256", "notification_platform": "none" })
    };
    let object = json!({
        "sid": factor,
        "account_sid": call.caller.account,
        "service_sid": service.sid(),
        "entity_sid": entity_sid(entity),
        "identity": name(entity),
        "friendly_name": row.name,
        "status": row.state,
        "factor_type": row.kind,
        "config": shown,
        "metadata": config.metadata,
        "date_created": iso(row.created),
        "date_updated": iso(row.updated),
        "url": format!("{site}/v2/Services/{}/Entities/{}/Factors/{factor}", service.sid(), name(entity)),
    });
    match object {
        Value::Object(object) => Ok(object),
        _ => Err(ApiError::internal()),
    }
}

/// The factor that the path names.
async fn named(call: &Call) -> Result<(Service, ApiObjectRow, FactorRow), ApiError> {
    let (service, entity) = one(call).await?;
    let id = FactorId::from_uuid(call.id(2, Prefix::FACTOR)?);
    let row = call.rows().factor(entity.id, id).await?.ok_or_else(ApiError::not_found)?;
    Ok((service, entity, row))
}

pub(super) async fn secret(call: &Call, row: &FactorRow) -> Result<SecretBytes, ApiError> {
    Ok(call.rows().open(fields::factor(&row.id), &row.sealed).await?)
}

/// What a form says of a factor that draws passcodes.
struct Passcodes {
    seed: SecretBytes,
    period: i64,
    config: Config,
}

fn passcodes(call: &Call, service: &Service) -> Result<Passcodes, ApiError> {
    let (form, settings) = (&call.form, &service.settings);
    if form.filled("Config.Alg")?.is_some_and(|alg| alg != "sha1") {
        return Err(ApiError::unsupported("Config.Alg other than sha1"));
    }
    let seed = match form.filled("Binding.Secret")? {
        None => call.api.world().bytes::<SEED>().to_vec(),
        Some(text) => {
            let text = text.trim_end_matches('=').to_ascii_uppercase();
            let seed = BASE32_NOPAD.decode(text.as_bytes()).ok().filter(|seed| GIVEN_SEED.contains(&seed.len()));
            seed.ok_or_else(|| ApiError::verify_parameter("Binding.Secret"))?
        }
    };
    let length = form.number("Config.CodeLength", 6, 8)?.and_then(|length| u32::try_from(length).ok());
    Ok(Passcodes {
        seed: SecretBytes::new(seed),
        period: form.number("Config.TimeStep", 20, 60)?.unwrap_or(settings.totp_time_step),
        config: Config {
            code_length: length.unwrap_or(settings.totp_code_length),
            skew: form.number("Config.Skew", 0, 1)?.unwrap_or(settings.totp_skew),
            metadata: None,
        },
    })
}

/// The key of a device.
fn device_key(call: &Call) -> Result<SecretBytes, ApiError> {
    let form = &call.form;
    if form.filled("Binding.Alg")?.is_some_and(|alg| alg != "ES256") {
        return Err(ApiError::unsupported("Binding.Alg other than ES256"));
    }
    // Nobody is woken through Apple or Google: the program asks, or tells its device itself.
    if form.filled("Config.NotificationPlatform")?.is_some_and(|platform| platform != "none") {
        return Err(ApiError::unsupported("Config.NotificationPlatform other than none"));
    }
    let key = form.filled("Binding.PublicKey")?.ok_or_else(|| ApiError::verify_parameter("Binding.PublicKey"))?;
    let der = BASE64.decode(key.trim().as_bytes()).map_err(|_| ApiError::verify_parameter("Binding.PublicKey"))?;
    let point = signed::point(&der).ok_or_else(|| ApiError::verify_parameter("Binding.PublicKey"))?;
    Ok(SecretBytes::new(point.to_vec()))
}

/// Makes a factor, and its entity where it isn't there. A seed is told this once.
pub(super) async fn create(call: Call) -> Result<Reply, ApiError> {
    let service = Service::of(&call).await?;
    let kind = match call.form.filled("FactorType")? {
        Some(kind @ ("totp" | "push")) => kind,
        Some("passkeys") => return Err(ApiError::unsupported("FactorType=passkeys")),
        _ => return Err(ApiError::verify_parameter("FactorType")),
    };
    let label = call.form.line("FriendlyName", 64)?.ok_or_else(|| ApiError::verify_parameter("FriendlyName"))?;
    let metadata = call.form.filled("Metadata")?.map(|text| {
        let value: Option<Value> = serde_json::from_str(text).ok().filter(Value::is_object);
        value.filter(|_| text.len() <= MAX_METADATA).ok_or_else(|| ApiError::verify_parameter("Metadata"))
    });
    let metadata = metadata.transpose()?;
    let (key, period, mut config) = if kind == "totp" {
        let Passcodes { seed, period, config } = passcodes(&call, &service)?;
        (seed, period, config)
    } else {
        (device_key(&call)?, 0, Config::default())
    };
    config.metadata = metadata;
    let (service, entity) = one_or_new(&call).await?;
    let known = call.rows().factors_of(entity.id, None, MOST).await?;
    if i64::try_from(known.len()).unwrap_or(i64::MAX) >= MOST {
        return Err(ApiError::new(400, 60307, "The entity has as many factors as it may have"));
    }
    let (now, random) = (call.now(), call.api.world().random.as_ref());
    let id = FactorId::new(now, random);
    let row = FactorRow {
        id,
        entity: entity.id,
        kind: kind.to_owned(),
        name: label.to_owned(),
        state: "unverified".to_owned(),
        config: serde_json::to_string(&config).map_err(|_| ApiError::internal())?,
        sealed: call.rows().keys().await?.seal(fields::factor(&id), key.expose(), random)?,
        period,
        last_step: 0,
        drift: 0,
        created: now,
        updated: now,
    };
    let mut tx = call.rows().begin().await?;
    if !tx.insert_factor(&row).await? {
        return Err(ApiError::not_found());
    }
    tx.commit().await?;
    let mut object = object(&call, &call.site().await?, &service, &entity, &row)?;
    let binding = if kind == "totp" {
        let secret = BASE32_NOPAD.encode(key.expose());
        json!({ "uri": uri(service.issuer(), label, &secret, period, config.code_length), "secret": secret })
    } else {
        json!({ "alg": "ES256", "public_key": BASE64.encode(key.expose()) })
    };
    object.insert("binding".to_owned(), binding);
    Ok(Reply::created(Value::Object(object)))
}

/// The address that an authenticator reads (`otpauth`, as Google Authenticator's key URI format has it).
fn uri(issuer: &str, label: &str, secret: &str, period: i64, digits: u32) -> String {
    let plain = |text: &str| -> String {
        form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
    };
    let (issuer, label) = (plain(issuer), plain(label));
    format!(
        "otpauth://totp/{issuer}:{label}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits={digits}&period={period}"
    )
}

/// The factors of an entity.
pub(super) async fn list(call: Call) -> Result<Reply, ApiError> {
    let (service, entity) = one(&call).await?;
    let paging = Paging::read(&call.path, &call.query, &[])?;
    let mut rows = call.rows().factors_of(entity.id, paging.after, paging.limit()).await?;
    let next = paging.cut(&mut rows, |row| row.id.uuid());
    let site = call.site().await?;
    let objects = rows.iter().map(|row| object(&call, &site, &service, &entity, row).map(Value::Object));
    let objects = objects.collect::<Result<_, _>>()?;
    Ok(Reply::ok(paging.with_meta(&site, "factors", objects, next)))
}

/// One factor.
pub(super) async fn fetch(call: Call) -> Result<Reply, ApiError> {
    let (service, entity, row) = named(&call).await?;
    Ok(Reply::ok(Value::Object(object(&call, &call.site().await?, &service, &entity, &row)?)))
}

/// Verifies a factor (`AuthPayload`: a passcode, or the device's signature over the factor's name), or names it anew.
pub(super) async fn change(call: Call) -> Result<Reply, ApiError> {
    let (_, _, row) = named(&call).await?;
    if let Some(name) = call.form.line("FriendlyName", 64)? {
        let mut tx = call.rows().begin().await?;
        tx.change_factor(row.id, name, &row.config, call.now()).await?;
        tx.commit().await?;
    }
    if let Some(payload) = call.form.filled("AuthPayload")? {
        let right = if row.kind == "totp" {
            spend_passcode(&call, &row, payload).await?
        } else {
            let key = secret(&call, &row).await?;
            signed::is_signed(sid(Prefix::FACTOR, row.id.uuid()).as_bytes(), payload, key.expose())
        };
        if right {
            let mut tx = call.rows().begin().await?;
            tx.verify_factor(row.id, call.now()).await?;
            tx.commit().await?;
        }
    }
    fetch(call).await
}

/// Checks a passcode and uses its step up, as the engine's own tokens do: a step counts once, and none before it.
pub(super) async fn spend_passcode(call: &Call, row: &FactorRow, code: &str) -> Result<bool, ApiError> {
    let (config, seed, now) = (config(row)?, secret(call, row).await?, call.now());
    let bucket = call.rows().keys().await?.digest(fields::LIMIT, &[b"verify-factor", row.id.as_bytes()]);
    let mut tx = call.rows().begin().await?;
    if !tx.spend(bucket, TRIES, 1, now).await? {
        return Err(ApiError::too_many(TRIES.window));
    }
    let totp = Totp { digits: config.code_length, period: row.period, drift: row.drift, last_step: row.last_step };
    let expected = totp_step(now, row.period) + row.drift;
    let step = totp.check(seed.expose(), now, code.trim()).filter(|step| (step - expected).abs() <= config.skew);
    let right = match step {
        Some(step) => tx.spend_factor_step(row.id, step, totp.drift_after(now, step)).await?,
        None => false,
    };
    // A try is spent, whatever came of it.
    tx.commit().await?;
    Ok(right)
}

/// Deletes a factor and its challenges.
pub(super) async fn delete(call: Call) -> Result<Reply, ApiError> {
    let (_, entity, row) = named(&call).await?;
    let mut tx = call.rows().begin().await?;
    if !tx.delete_factor(entity.id, row.id).await? {
        return Err(ApiError::not_found());
    }
    tx.commit().await?;
    Ok(Reply::gone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_authenticator_reads() {
        assert_eq!(
            uri("Exämple & Co", "a:b", "GEZDGNBV", 30, 6),
            "otpauth://totp/Ex%C3%A4mple%20%26%20Co:a%3Ab?secret=GEZDGNBV&issuer=Ex%C3%A4mple%20%26%20Co&algorithm=SHA1&digits=6&period=30"
        );
    }
}
