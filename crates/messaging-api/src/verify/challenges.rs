//! Challenges: a question to one factor, answered once.
//!
//! A device answers with a JWT under its own key that repeats what it was shown and says `approved` or `denied`. What it repeats must be
//! what is kept here, word for word: so nobody between can show a person something else. The fields that it repeats are named in the
//! header `Twilio-Verify-Signature-Fields`, as Twilio's libraries for devices expect.

use super::{
    entities::{entity_sid, name, one},
    factors,
    services::Service,
    signed,
};
use crate::{
    pipeline::Call,
    wire::{ApiError, Paging, Prefix, Reply, instant, iso, sid, uuid_of},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::time::Duration;
use store::{ApiObjectRow, ChallengeRow, fields};
use types::{ChallengeId, FactorId, Millis};

/// A challenge lives so long where nobody says, and at most.
const LIFE: Duration = Duration::from_secs(300);
const LONGEST_LIFE: Duration = Duration::from_secs(3600);
const MAX_FIELDS: usize = 20;
const MAX_HIDDEN: usize = 1024;
/// What a device signs beside its answer.
const SIGNED: &[&str] = &[
    "sid",
    "account_sid",
    "service_sid",
    "entity_sid",
    "identity",
    "factor_sid",
    "details",
    "hidden_details",
    "expiration_date",
    "date_created",
];
const SIGNED_HEADER: &str =
    "sid,account_sid,service_sid,entity_sid,identity,factor_sid,details,hidden_details,expiration_date,date_created";

/// What the person is shown, sealed in the row.
#[derive(Serialize, Deserialize)]
struct Shown {
    details: Value,
    hidden: Value,
    kind: String,
}

/// One line of what is shown.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    label: String,
    value: String,
}

async fn shown(call: &Call, row: &ChallengeRow) -> Result<Shown, ApiError> {
    let opened = call.rows().open(fields::challenge(&row.id), &row.sealed).await?;
    serde_json::from_slice(opened.expose()).map_err(|_| ApiError::internal())
}

fn status(row: &ChallengeRow, now: Millis) -> &str {
    if row.state == "pending" && row.expires <= now { "expired" } else { &row.state }
}

fn object(
    call: &Call,
    site: &str,
    service: &Service,
    entity: &ApiObjectRow,
    row: &ChallengeRow,
    shown: &Shown,
) -> Map<String, Value> {
    let challenge = sid(Prefix::CHALLENGE, row.id.uuid());
    let url = format!("{site}/v2/Services/{}/Entities/{}/Challenges/{challenge}", service.sid(), name(entity));
    let object = json!({
        "sid": challenge,
        "account_sid": call.caller.account,
        "service_sid": service.sid(),
        "entity_sid": entity_sid(entity),
        "identity": name(entity),
        "factor_sid": sid(Prefix::FACTOR, row.factor.uuid()),
        "factor_type": shown.kind,
        "status": status(row, call.now()),
        "responded_reason": "none",
        "details": shown.details,
        "hidden_details": shown.hidden,
        "metadata": Value::Null,
        "expiration_date": iso(row.expires),
        "date_created": iso(row.created),
        "date_updated": iso(row.updated),
        "date_responded": row.responded.map(iso),
        "links": { "notifications": format!("{url}/Notifications") },
        "url": url,
    });
    match object {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

fn details(call: &Call, service: &Service) -> Result<(Value, Value), ApiError> {
    let form = &call.form;
    let message = form.line("Details.Message", 256)?.unwrap_or_default();
    let mut lines = Vec::new();
    for text in form.all("Details.Fields") {
        let line: Line = serde_json::from_str(text).map_err(|_| ApiError::verify_parameter("Details.Fields"))?;
        let short = |text: &str, most: usize| text.chars().count() <= most && !text.contains(char::is_control);
        if lines.len() == MAX_FIELDS || !short(&line.label, 36) || !short(&line.value, 128) {
            return Err(ApiError::verify_parameter("Details.Fields"));
        }
        lines.push(line);
    }
    let mut details = json!({ "message": message, "fields": lines });
    if service.settings.push_include_date
        && let Some(details) = details.as_object_mut()
    {
        details.insert("date".to_owned(), iso(call.now()).into());
    }
    let hidden = match form.filled("HiddenDetails")? {
        None => Value::Null,
        Some(text) => {
            let value: Option<Value> = serde_json::from_str(text).ok().filter(Value::is_object);
            value.filter(|_| text.len() <= MAX_HIDDEN).ok_or_else(|| ApiError::verify_parameter("HiddenDetails"))?
        }
    };
    Ok((details, hidden))
}

/// Asks a factor. Passcodes are answered with the question (`AuthPayload`) or later.
pub(super) async fn create(call: Call) -> Result<Reply, ApiError> {
    let (service, entity) = one(&call).await?;
    let factor = call.form.filled("FactorSid")?.and_then(|text| uuid_of(Prefix::FACTOR, text));
    let factor = FactorId::from_uuid(factor.ok_or_else(|| ApiError::verify_parameter("FactorSid"))?);
    let factor = call.rows().factor(entity.id, factor).await?.ok_or_else(ApiError::not_found)?;
    if factor.state != "verified" {
        return Err(ApiError::new(400, 60311, "The factor is not verified"));
    }
    let now = call.now();
    let expires = match call.form.filled("ExpirationDate")? {
        None => now + LIFE,
        Some(text) => instant(text)
            .filter(|at| *at > now && *at <= now + LONGEST_LIFE)
            .ok_or_else(|| ApiError::verify_parameter("ExpirationDate"))?,
    };
    let (details, hidden) = details(&call, &service)?;
    if factor.kind == "push" && details.get("message").and_then(Value::as_str) == Some("") {
        return Err(ApiError::verify_parameter("Details.Message"));
    }
    let shown = Shown { details, hidden, kind: factor.kind.clone() };
    let plain = serde_json::to_vec(&shown).map_err(|_| ApiError::internal())?;
    let random = call.api.world().random.as_ref();
    let id = ChallengeId::new(now, random);
    let row = ChallengeRow {
        id,
        entity: entity.id,
        factor: factor.id,
        state: "pending".to_owned(),
        sealed: call.rows().keys().await?.seal(fields::challenge(&id), &plain, random)?,
        created: now,
        updated: now,
        responded: None,
        // Whole seconds, as it is told and signed.
        expires: Millis::from_seconds(expires.seconds()),
    };
    let mut tx = call.rows().begin().await?;
    if !tx.insert_challenge(&row).await? {
        return Err(ApiError::not_found());
    }
    tx.commit().await?;
    if factor.kind == "totp"
        && let Some(code) = call.form.filled("AuthPayload")?
        && factors::spend_passcode(&call, &factor, code).await?
    {
        answer(&call, &row, "approved").await?;
    }
    let row = call.rows().challenge(entity.id, id).await?.ok_or_else(ApiError::not_found)?;
    Ok(Reply::created(Value::Object(object(&call, &call.site().await?, &service, &entity, &row, &shown))))
}

/// Ends a challenge. Whether it was this answer that did.
async fn answer(call: &Call, row: &ChallengeRow, state: &str) -> Result<bool, ApiError> {
    let mut tx = call.rows().begin().await?;
    let answered = tx.answer_challenge(row.id, state, call.now()).await?;
    tx.commit().await?;
    Ok(answered)
}

async fn named(call: &Call) -> Result<(Service, ApiObjectRow, ChallengeRow, Shown), ApiError> {
    let (service, entity) = one(call).await?;
    let id = ChallengeId::from_uuid(call.id(2, Prefix::CHALLENGE)?);
    let row = call.rows().challenge(entity.id, id).await?.ok_or_else(ApiError::not_found)?;
    let shown = shown(call, &row).await?;
    Ok((service, entity, row, shown))
}

/// The challenges of an entity.
pub(super) async fn list(call: Call) -> Result<Reply, ApiError> {
    let (service, entity) = one(&call).await?;
    let paging = Paging::read(&call.path, &call.query, &["FactorSid", "Status"])?;
    let factor = call.query.filled("FactorSid")?.map(|text| {
        uuid_of(Prefix::FACTOR, text).map(FactorId::from_uuid).ok_or_else(|| ApiError::verify_parameter("FactorSid"))
    });
    let wanted = call.query.filled("Status")?;
    if wanted.is_some_and(|status| !matches!(status, "pending" | "expired" | "approved" | "denied")) {
        return Err(ApiError::verify_parameter("Status"));
    }
    if call.query.filled("Order")?.is_some_and(|order| order != "desc") {
        return Err(ApiError::unsupported("Order other than desc"));
    }
    let mut rows = call.rows().challenges(entity.id, factor.transpose()?, paging.after, paging.limit()).await?;
    let next = paging.cut(&mut rows, |row| row.id.uuid());
    let site = call.site().await?;
    let mut objects = Vec::new();
    for row in rows {
        // A page can be shorter for it: the status depends on the time.
        if wanted.is_none_or(|wanted| wanted == status(&row, call.now())) {
            let shown = shown(&call, &row).await?;
            objects.push(Value::Object(object(&call, &site, &service, &entity, &row, &shown)));
        }
    }
    Ok(Reply::ok(paging.with_meta(&site, "challenges", objects, next)))
}

/// One challenge.
pub(super) async fn fetch(call: Call) -> Result<Reply, ApiError> {
    let (service, entity, row, shown) = named(&call).await?;
    let reply = Reply::ok(Value::Object(object(&call, &call.site().await?, &service, &entity, &row, &shown)));
    Ok(reply.with("twilio-verify-signature-fields", SIGNED_HEADER))
}

/// Answers a challenge: a passcode, or what the device has signed. What isn't right leaves it as it is.
pub(super) async fn change(call: Call) -> Result<Reply, ApiError> {
    let (service, entity, row, shown) = named(&call).await?;
    let payload = call.form.filled("AuthPayload")?.ok_or_else(|| ApiError::verify_parameter("AuthPayload"))?;
    if status(&row, call.now()) != "pending" {
        return Err(ApiError::new(409, 60319, "The challenge is over"));
    }
    let factor = call.rows().factor(entity.id, row.factor).await?.ok_or_else(ApiError::not_found)?;
    let answered = if factor.kind == "totp" {
        factors::spend_passcode(&call, &factor, payload).await?.then_some("approved")
    } else {
        let key = factors::secret(&call, &factor).await?;
        let asked = object(&call, &call.site().await?, &service, &entity, &row, &shown);
        let claims = signed::claims(payload, key.expose());
        let claims = claims.ok_or_else(|| ApiError::new(400, 60315, "AuthPayload is not signed by the factor"))?;
        Some(said(&claims, &asked).ok_or_else(|| ApiError::new(400, 60315, "AuthPayload is for another challenge"))?)
    };
    if let Some(state) = answered
        && !answer(&call, &row, state).await?
    {
        return Err(ApiError::new(409, 60319, "The challenge is over"));
    }
    fetch(call).await
}

/// What a device's answer says of the challenge that was asked; nothing where it repeats another one.
fn said(claims: &Map<String, Value>, asked: &Map<String, Value>) -> Option<&'static str> {
    if SIGNED
        .iter()
        .any(|field| claims.get(*field).unwrap_or(&Value::Null) != asked.get(*field).unwrap_or(&Value::Null))
    {
        return None;
    }
    match claims.get("status").and_then(Value::as_str)? {
        "approved" => Some("approved"),
        "denied" => Some("denied"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_names_what_is_compared() {
        assert_eq!(SIGNED_HEADER.split(',').collect::<Vec<_>>(), SIGNED);
    }

    #[test]
    fn an_answer_repeats_the_question_word_for_word() {
        let asked = |message: &str| {
            let mut asked = Map::new();
            for field in SIGNED {
                asked.insert((*field).to_owned(), format!("{field} of it").into());
            }
            asked.insert("details".to_owned(), json!({ "message": message, "fields": [] }));
            asked.insert("hidden_details".to_owned(), Value::Null);
            asked
        };
        let mut claims = asked("Pay 5");
        assert_eq!(said(&claims, &asked("Pay 5")), None, "says nothing");
        claims.insert("status".to_owned(), "approved".into());
        assert_eq!(said(&claims, &asked("Pay 5")), Some("approved"));
        assert_eq!(said(&claims, &asked("Pay 500")), None);
        claims.insert("status".to_owned(), "expired".into());
        assert_eq!(said(&claims, &asked("Pay 5")), None);
        claims.insert("status".to_owned(), "denied".into());
        claims.remove("sid");
        assert_eq!(said(&claims, &asked("Pay 5")), None);
    }
}
