//! `/admin/v1/providers`: OpenID and SAML providers that people come from; and what a user is called at them. Ours, not Duo's.
//!
//! Settings are read and written whole, as the engine words them. A secret goes in and never comes out.

use super::desk::{Desk, announce, count, failed, found, part, refused, slice};
use crate::{
    door::Call,
    wire::{ApiError, Envelope, OffsetPage, PageLimits, Params},
};
use ::auth::{
    AuthError,
    providers::{ProviderSettings, Speaks, callback},
};
use serde_json::{Map, Value, json};
use store::{ProviderLinkRow, ProviderRow};
use types::{SecretString, UserId};

/// The longest secret, in bytes.
const LONGEST_SECRET: usize = 4096;

/// What is wrong with settings, in words.
fn wrong(error: AuthError) -> ApiError {
    match error {
        AuthError::Provider(why) => ApiError::invalid_parameter(why.to_string()),
        error => crate::door::refusal(error),
    }
}

/// A provider's object, with what must be registered there.
async fn object(call: &Call, desk: &Desk, row: &ProviderRow) -> Result<Value, ApiError> {
    let settings = ProviderSettings::parse(&row.settings).map_err(|_| ApiError::internal())?;
    let site = call.auth().site(&desk.scope().row().await.map_err(refused)?.api_host);
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
    put("key", row.key.as_str().into());
    put("kind", row.kind.as_str().into());
    put("enabled", row.enabled.into());
    put("has_secret", row.secret.is_some().into());
    match settings.speaks {
        Speaks::Oidc { .. } => put("redirect_uri", callback(&site, &row.key).into()),
        Speaks::Saml { .. } => put("metadata_url", format!("{site}/upstream/saml/metadata").into()),
    };
    put("settings", serde_json::to_value(&settings).map_err(|_| ApiError::internal())?);
    put("set_at", row.set_at.seconds().into());
    put("set_by", row.set_by.as_str().into());
    Ok(Value::Object(object))
}

/// A page of the providers.
pub(super) async fn list(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let page = OffsetPage::read(&call.params, PageLimits::MORE)?;
    let slice = slice(page);
    let rows = desk.rows().providers().await.map_err(|error| failed(&error))?;
    let total = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let (skip, take) = (usize::try_from(slice.offset).unwrap_or(0), usize::try_from(slice.limit).unwrap_or(0));
    let mut objects = Vec::new();
    for row in rows.iter().skip(skip).take(take) {
        objects.push(object(&call, &desk, row).await?);
    }
    Ok(page.reply(objects, count(total)))
}

/// Gives a provider's object.
pub(super) async fn get(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let row = found(desk.rows().provider(call.part(0)).await)?;
    Ok(Envelope::ok(object(&call, &desk, &row).await?))
}

fn settings(params: &Params) -> Result<Option<ProviderSettings>, ApiError> {
    let Some(value) = params.nested("settings")? else { return Ok(None) };
    let read = serde_json::from_value(value.into_owned());
    read.map(Some).map_err(|error| ApiError::invalid_parameter(format!("settings: {error}")))
}

fn secret(params: &Params) -> Result<Option<SecretString>, ApiError> {
    match params.filled("secret")? {
        Some(text) if text.len() <= LONGEST_SECRET => Ok(Some(SecretString::new(text.to_owned()))),
        Some(_) => Err(ApiError::invalid_parameter("secret")),
        None => Ok(None),
    }
}

/// Adds a provider: `key`, `settings`, and `secret` where the provider wants one.
pub(super) async fn create(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let key = call.params.required("key")?;
    let settings = settings(&call.params)?.ok_or_else(|| ApiError::invalid_parameter("settings"))?;
    let secret = secret(&call.params)?;
    let (tenant, by) = (call.app.tenant, desk.scope().actor().to_owned());
    let row = call.auth().provider_row(tenant, key, &settings, secret.as_ref(), &by).await.map_err(wrong)?;
    desk.scope().add_provider(&row).await.map_err(refused)?;
    Ok(Envelope::ok(object(&call, &desk, &row).await?))
}

/// Changes a provider: `settings`, `secret`, `enabled`; what isn't given stays. Another issuer or entity id is another provider.
pub(super) async fn modify(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let before = found(desk.rows().provider(call.part(0)).await)?;
    let (given, secret, enabled) = (settings(&call.params)?, secret(&call.params)?, call.params.bool("enabled")?);
    if given.is_none() && secret.is_none() {
        // By itself, so that it holds whatever somebody else changes in the same moment.
        if let Some(enabled) = enabled {
            desk.scope().enable_provider(&before.key, enabled).await.map_err(refused)?;
        }
        let row = found(desk.rows().provider(&before.key).await)?;
        return Ok(Envelope::ok(object(&call, &desk, &row).await?));
    }
    let known = ProviderSettings::parse(&before.settings).map_err(|_| ApiError::internal())?;
    let settings = given.unwrap_or_else(|| known.clone());
    if !known.is_same(&settings) {
        return Err(ApiError::invalid_parameter("settings: that is another provider, with other people"));
    }
    // What is kept was looked over when it came.
    let kept = before.secret.clone().filter(|_| secret.is_none());
    let checked = if kept.is_some() { Some(SecretString::new("kept".to_owned())) } else { secret };
    let by = desk.scope().actor().to_owned();
    let made = call.auth().provider_row(call.app.tenant, &before.key, &settings, checked.as_ref(), &by).await;
    let made = made.map_err(wrong)?;
    let row = ProviderRow { secret: kept.or(made.secret.clone()), enabled: enabled.unwrap_or(before.enabled), ..made };
    desk.scope().change_provider(&row, before.set_at).await.map_err(refused)?;
    Ok(Envelope::ok(object(&call, &desk, &row).await?))
}

/// Takes a provider away, and whose its people are.
pub(super) async fn delete(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    desk.scope().remove_provider(call.part(0)).await.map_err(refused)?;
    Ok(Envelope::ok(""))
}

fn link_object(link: &ProviderLinkRow) -> Value {
    json!({
        "provider": link.provider, "subject": link.subject, "created": link.created.seconds(), "made_by": link.made_by,
    })
}

/// What a user is called at providers.
pub(super) async fn links(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let user: UserId = part(&call, 0)?;
    found(desk.rows().user(user).await)?;
    let page = OffsetPage::read(&call.params, PageLimits::MORE)?;
    let links = desk.rows().provider_links_of_user(user).await.map_err(|error| failed(&error))?;
    let (links, total) = super::desk::cut(links, page);
    Ok(page.reply(links.iter().map(link_object).collect(), total))
}

/// Says what a user is called at `provider`: `subject`. The user is told.
pub(super) async fn link(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let (provider, subject) = (call.params.required("provider")?, call.params.required("subject")?);
    let added = desk.scope().link_provider(part(&call, 0)?, provider, subject).await.map_err(refused)?;
    announce(&call, added).await?;
    Ok(Envelope::ok(""))
}

/// Forgets what a user is called at a provider, and ends the user's sessions.
pub(super) async fn unlink(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    match desk.scope().unlink_provider(part(&call, 0)?, call.part(1)).await.map_err(refused)? {
        true => Ok(Envelope::ok("")),
        false => Err(ApiError::not_found()),
    }
}
