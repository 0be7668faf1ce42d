//! Entities: somebody with factors, under a name that only the program understands.

use super::services::Service;
use crate::{
    pipeline::Call,
    wire::{ApiError, Paging, Prefix, Reply, iso, sid},
};
use serde_json::{Value, json};
use store::ApiObjectRow;
use types::ApiObjectId;

/// The kind of entities in the store.
const KIND: &str = "entity";

/// The name, as it stands in paths. Twilio asks for one that says nothing of the person.
fn identity(text: &str) -> Result<&str, ApiError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | ':');
    if (1..=64).contains(&text.len()) && text.chars().all(plain) {
        Ok(text)
    } else {
        Err(ApiError::verify_parameter("Identity"))
    }
}

pub(super) fn entity_sid(row: &ApiObjectRow) -> String {
    sid(Prefix::ENTITY, row.id.uuid())
}

/// The name that an entity has for its program.
pub(super) fn name(row: &ApiObjectRow) -> &str {
    row.handle.as_deref().unwrap_or_default()
}

fn object(call: &Call, site: &str, service: &Service, row: &ApiObjectRow) -> Value {
    let url = format!("{site}/v2/Services/{}/Entities/{}", service.sid(), name(row));
    json!({
        "sid": entity_sid(row),
        "identity": name(row),
        "account_sid": call.caller.account,
        "service_sid": service.sid(),
        "date_created": iso(row.created),
        "date_updated": iso(row.updated),
        "links": { "factors": format!("{url}/Factors"), "challenges": format!("{url}/Challenges") },
        "url": url,
    })
}

/// The service and the entity that the path names.
pub(super) async fn one(call: &Call) -> Result<(Service, ApiObjectRow), ApiError> {
    let service = Service::of(call).await?;
    let row = call.rows().api_object_named(KIND, service.id(), call.segment(1)).await?;
    Ok((service, row.ok_or_else(ApiError::not_found)?))
}

/// The service and the entity that the path names, made if it isn't there: a first factor makes its entity.
pub(super) async fn one_or_new(call: &Call) -> Result<(Service, ApiObjectRow), ApiError> {
    match one(call).await {
        Err(error) if error.status == 404 => {
            let service = Service::of(call).await?;
            insert(call, &service, call.segment(1)).await?;
            one(call).await
        }
        done => done,
    }
}

/// Whether it wasn't there.
async fn insert(call: &Call, service: &Service, name: &str) -> Result<bool, ApiError> {
    let name = identity(name)?;
    let now = call.now();
    let row = ApiObjectRow {
        id: ApiObjectId::new(now, call.api.world().random.as_ref()),
        kind: KIND.to_owned(),
        parent: service.id(),
        handle: Some(name.to_owned()),
        name: String::new(),
        detail: "{}".to_owned(),
        digest: None,
        created: now,
        updated: now,
    };
    let mut tx = call.rows().begin().await?;
    let made = tx.insert_api_object(&row).await?;
    tx.commit().await?;
    Ok(made)
}

/// Makes an entity.
pub(super) async fn create(call: Call) -> Result<Reply, ApiError> {
    let service = Service::of(&call).await?;
    let name = call.form.filled("Identity")?.ok_or_else(|| ApiError::verify_parameter("Identity"))?;
    if !insert(&call, &service, name).await? {
        return Err(ApiError::new(409, 60311, "The entity is there already"));
    }
    let row = call.rows().api_object_named(KIND, service.id(), name).await?.ok_or_else(ApiError::not_found)?;
    Ok(Reply::created(object(&call, &call.site().await?, &service, &row)))
}

/// The entities.
pub(super) async fn list(call: Call) -> Result<Reply, ApiError> {
    let service = Service::of(&call).await?;
    let paging = Paging::read(&call.path, &call.query, &[])?;
    let mut rows = call.rows().api_objects(KIND, service.id(), paging.after, paging.limit()).await?;
    let next = paging.cut(&mut rows, |row| row.id.uuid());
    let site = call.site().await?;
    let objects = rows.iter().map(|row| object(&call, &site, &service, row)).collect();
    Ok(Reply::ok(paging.with_meta(&site, "entities", objects, next)))
}

/// One entity.
pub(super) async fn fetch(call: Call) -> Result<Reply, ApiError> {
    let (service, row) = one(&call).await?;
    Ok(Reply::ok(object(&call, &call.site().await?, &service, &row)))
}

/// Deletes an entity with its factors and challenges.
pub(super) async fn delete(call: Call) -> Result<Reply, ApiError> {
    let (service, row) = one(&call).await?;
    let mut tx = call.rows().begin().await?;
    if !tx.delete_api_object(KIND, service.id(), row.id).await? {
        return Err(ApiError::not_found());
    }
    tx.commit().await?;
    Ok(Reply::gone())
}
