//! Keys: each program its own, so that one can be taken away alone.

use crate::{
    caller::KEY,
    pipeline::Call,
    wire::{ApiError, Paging, Prefix, Reply, rfc2822, sid},
};
use keys::Token;
use serde_json::{Value, json};
use store::{ApiObjectRow, fields};
use types::ApiObjectId;

/// What a key's secret begins with, for whoever finds one where it doesn't belong.
const SECRET: &str = "csk";
const ROOT: ApiObjectId = ApiObjectRow::ROOT;

fn object(row: &ApiObjectRow) -> Value {
    json!({
        "sid": sid(Prefix::KEY, row.id.uuid()),
        "friendly_name": row.name,
        "date_created": rfc2822(row.created),
        "date_updated": rfc2822(row.updated),
    })
}

/// A key can make no key: who has found one can't outlast its end.
fn by_token(call: &Call) -> Result<(), ApiError> {
    if call.caller.key.is_none() { Ok(()) } else { Err(ApiError::forbidden()) }
}

async fn one(call: &Call) -> Result<ApiObjectRow, ApiError> {
    by_token(call)?;
    let id = ApiObjectId::from_uuid(call.id(1, Prefix::KEY)?);
    call.rows().api_object(KEY, ROOT, id).await?.ok_or_else(ApiError::not_found)
}

/// Makes a key; its secret is told this once.
pub(super) async fn create(call: Call) -> Result<Reply, ApiError> {
    by_token(&call)?;
    let (now, world) = (call.now(), call.api.world());
    let id = ApiObjectId::new(now, world.random.as_ref());
    let secret = Token::generate(SECRET, world.random.as_ref());
    let digest = call.rows().keys().await?.digest(fields::API_KEY, &[id.as_bytes(), secret.expose().as_bytes()]);
    let row = ApiObjectRow {
        id,
        kind: KEY.to_owned(),
        parent: ROOT,
        handle: None,
        name: call.form.line("FriendlyName", 64)?.unwrap_or_default().to_owned(),
        detail: "{}".to_owned(),
        digest: Some(digest.to_vec()),
        created: now,
        updated: now,
    };
    let mut tx = call.rows().begin().await?;
    tx.insert_api_object(&row).await?;
    let detail = json!({ "key": sid(Prefix::KEY, id.uuid()) }).to_string();
    tx.log_act(world, &call.caller.account, "api_key_create", &row.name, &detail).await?;
    tx.commit().await?;
    let mut object = object(&row);
    if let Some(object) = object.as_object_mut() {
        object.insert("secret".to_owned(), secret.expose().into());
    }
    Ok(Reply::created(object))
}

/// The keys, without their secrets.
pub(super) async fn list(call: Call) -> Result<Reply, ApiError> {
    by_token(&call)?;
    let paging = Paging::read(&call.path, &call.query, &[])?;
    let mut rows = call.rows().api_objects(KEY, ROOT, paging.after, paging.limit()).await?;
    let next = paging.cut(&mut rows, |row| row.id.uuid());
    Ok(Reply::ok(paging.old("keys", rows.iter().map(object).collect(), next)))
}

/// One key.
pub(super) async fn fetch(call: Call) -> Result<Reply, ApiError> {
    Ok(Reply::ok(object(&one(&call).await?)))
}

/// Names a key anew.
pub(super) async fn rename(call: Call) -> Result<Reply, ApiError> {
    let row = one(&call).await?;
    let name = call.form.line("FriendlyName", 64)?;
    let mut tx = call.rows().begin().await?;
    tx.change_api_object(&row, name, None, call.now()).await?;
    tx.commit().await?;
    Ok(Reply::ok(object(&one(&call).await?)))
}

/// Takes a key away, at once.
pub(super) async fn delete(call: Call) -> Result<Reply, ApiError> {
    let row = one(&call).await?;
    let mut tx = call.rows().begin().await?;
    if !tx.delete_api_object(KEY, ROOT, row.id).await? {
        return Err(ApiError::not_found());
    }
    let detail = json!({ "key": sid(Prefix::KEY, row.id.uuid()) }).to_string();
    tx.log_act(call.api.world(), &call.caller.account, "api_key_delete", &row.name, &detail).await?;
    tx.commit().await?;
    Ok(Reply::gone())
}
