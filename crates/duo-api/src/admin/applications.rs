//! `/admin/v1/applications`: applications that people sign in to by single sign-on. Ours, not Duo's: theirs are set up on their pages only.
//!
//! Each is an integration, too, and stands among those; here it is with what it is as a relying party. It is made by a preset, as at the
//! command line, or by settings written out.

use super::{
    desk::{Desk, count, failed, found, ids, refused, slice},
    integrations,
};
use crate::{
    door::Call,
    wire::{ApiError, Envelope, OffsetPage, PageLimits, Params},
};
use directory::{DirectoryError, UserAccess};
use serde_json::{Map, Value, json};
use sso::{
    Kind, Settings, SsoError,
    manage::{self, NewParty, NewSecret},
    party::ClientAuth,
    presets::{self, Facts, Given},
};
use std::collections::BTreeMap;
use store::{IntegrationRow, RelyingPartyRow};
use types::SecretString;

/// Groups named in one application at most.
const MOST_GROUPS: usize = 100;
/// What a preset may be given beside the address.
const MOST_OPTIONS: usize = 20;

/// A refusal of the settings, which says where.
fn wrong(error: SsoError) -> ApiError {
    match error {
        SsoError::Invalid { at, why } => ApiError::invalid_parameter(format!("{at} {why}")),
        SsoError::Directory(error) => refused(error),
        SsoError::Store(error) => failed(&error),
        error => {
            tracing::error!(%error, "an application");
            ApiError::internal()
        }
    }
}

/// An application's object. A secret is in it only where it was just made.
async fn object(
    call: &Call,
    desk: &Desk,
    row: &RelyingPartyRow,
    secret: Option<&SecretString>,
) -> Result<Value, ApiError> {
    let integration: IntegrationRow = found(desk.rows().integration(&row.ikey).await)?;
    let mut settings: Settings = serde_json::from_str(&row.settings).map_err(|_| ApiError::internal())?;
    if let Kind::Oidc(client) = &mut settings.kind {
        // Hashes are of no use to whoever reads this, and of some to whoever guesses.
        client.secrets.clear();
        client.registration_token = None;
    }
    let tenant = desk.scope().row().await.map_err(refused)?;
    let issuer = call.auth().site(&tenant.api_host);
    let given = Given::new(&settings.tile.address, settings.tile.options.clone()).ok();
    let snippets = presets::named(&settings.tile.preset).zip(given.as_ref()).map(|(preset, given)| {
        let facts = Facts {
            issuer: &issuer,
            key: &row.key,
            secret: secret.map(SecretString::expose),
            name: &integration.name,
            given,
        };
        let each = preset.snippets(&facts).into_iter();
        each.map(|snippet| json!({ "place": snippet.place, "text": snippet.text })).collect::<Vec<_>>()
    });
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
    put("integration_key", row.ikey.as_str().into());
    put("name", integration.name.as_str().into());
    put("type", integration.r#type.as_str().into());
    put("policy_key", integration.policy.map(|policy| policy.to_string()).into());
    put("key", row.key.as_str().into());
    put("issuer", issuer.as_str().into());
    put("preset", settings.tile.preset.as_str().into());
    put("settings", serde_json::to_value(&settings).map_err(|_| ApiError::internal())?);
    put("snippets", snippets.unwrap_or_default().into());
    put("created", row.created.seconds().into());
    put("updated", row.updated.seconds().into());
    if let Some(secret) = secret {
        put("client_secret", secret.expose().into());
    }
    Ok(Value::Object(object))
}

/// A page of the applications.
pub(super) async fn list(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let page = OffsetPage::read(&call.params, PageLimits::MORE)?;
    let slice = slice(page);
    let mut after = String::new();
    let mut rows = Vec::new();
    loop {
        let found = desk.rows().relying_parties(&after, 500).await.map_err(|error| failed(&error))?;
        let Some(last) = found.last() else { break };
        last.ikey.clone_into(&mut after);
        rows.extend(found);
    }
    let total = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let (skip, take) = (usize::try_from(slice.offset).unwrap_or(0), usize::try_from(slice.limit).unwrap_or(0));
    let mut objects = Vec::new();
    for row in rows.iter().skip(skip).take(take) {
        objects.push(object(&call, &desk, row, None).await?);
    }
    Ok(page.reply(objects, count(total)))
}

/// The presets, and what each takes.
pub(super) async fn presets(_: Call) -> Result<Envelope, ApiError> {
    let each = presets::ALL.iter().map(|preset| {
        let options = preset
            .options
            .iter()
            .map(|option| json!({ "name": option.name, "about": option.about, "needed": option.needed }));
        json!({
            "name": preset.name, "title": preset.title, "type": preset.protocol.integration_type(), "url": preset.url,
            "options": options.collect::<Vec<_>>(),
        })
    });
    Ok(Envelope::ok(Value::Array(each.collect())))
}

async fn one(desk: &Desk, ikey: &str) -> Result<RelyingPartyRow, ApiError> {
    found(desk.rows().relying_party(ikey).await)
}

/// Gives an application's object.
pub(super) async fn get(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let row = one(&desk, call.part(0)).await?;
    Ok(Envelope::ok(object(&call, &desk, &row, None).await?))
}

/// Settings that were written out.
fn settings(params: &Params) -> Result<Option<Settings>, ApiError> {
    let Some(value) = params.nested("settings")? else { return Ok(None) };
    let settings = serde_json::from_value::<Settings>(value.into_owned());
    let mut settings = settings.map_err(|error| ApiError::invalid_parameter(format!("settings: {error}")))?;
    if let Kind::Oidc(client) = &mut settings.kind {
        // Nobody gives a hash: a secret is made here.
        client.secrets.clear();
        client.registration_token = None;
    }
    Ok(Some(settings))
}

/// What a preset is given.
fn given(params: &Params) -> Result<Given, ApiError> {
    let mut options = BTreeMap::new();
    if let Some(value) = params.nested("options")? {
        let map = value.as_object().ok_or_else(|| ApiError::invalid_parameter("options"))?;
        for (name, value) in map.iter().take(MOST_OPTIONS) {
            let text = value.as_str().ok_or_else(|| ApiError::invalid_parameter("options"))?;
            options.insert(name.clone(), text.to_owned());
        }
    }
    Given::new(params.required("url")?, options).map_err(wrong)
}

/// Makes an application: `preset`, `url` and `options`, or `settings` written out with `key`. Gives the object with what must be put where,
/// and with the client's secret, this once.
pub(super) async fn create(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let params = &call.params;
    let (key, settings) = match (params.filled("preset")?, settings(params)?) {
        (Some(name), None) => {
            let preset = presets::named(name).ok_or_else(|| ApiError::invalid_parameter("preset"))?;
            preset.settings(&given(params)?).map_err(wrong)?
        }
        (None, Some(settings)) => (None, settings),
        _ => return Err(ApiError::invalid_parameter("preset or settings, one of the two")),
    };
    let key = params.filled("key")?.map(str::to_owned).or(key);
    let groups = ids(params, "groups_allowed", MOST_GROUPS)?.unwrap_or_default();
    let said = params.filled("user_access")?.map(|text| text.parse().map_err(refused)).transpose()?;
    let policy = match params.filled("policy_key")? {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| ApiError::invalid_parameter("policy_key"))?),
    };
    let new = NewParty {
        name: params.required("name")?.to_owned(),
        key,
        secret: if wants_secret(&settings) { NewSecret::Made } else { NewSecret::None },
        settings,
        access: said.unwrap_or(if groups.is_empty() { UserAccess::AllUsers } else { UserAccess::PermittedGroups }),
        groups,
        policy,
    };
    let made = manage::create(&desk.scope(), new).await.map_err(wrong)?;
    let row = one(&desk, &made.ikey).await?;
    Ok(Envelope::ok(object(&call, &desk, &row, made.secret.as_ref()).await?))
}

fn wants_secret(settings: &Settings) -> bool {
    match &settings.kind {
        Kind::Oidc(client) => matches!(
            client.auth_method,
            ClientAuth::ClientSecretBasic | ClientAuth::ClientSecretPost | ClientAuth::ClientSecretJwt
        ),
        _ => false,
    }
}

/// Changes an application: `settings` as they are read here, `key`, and `new_secret`. Its name, access, groups and policy are changed as
/// an integration's.
pub(super) async fn modify(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let scope = desk.scope();
    let (before, known) = manage::read(&scope, call.part(0)).await.map_err(|error| match error {
        SsoError::Directory(DirectoryError::NotFound(_)) => ApiError::not_found(),
        error => wrong(error),
    })?;
    let key = call.params.filled("key")?;
    if let Some(mut settings) = settings(&call.params)? {
        if let (Kind::Oidc(new), Kind::Oidc(old)) = (&mut settings.kind, &known.kind) {
            new.secrets.clone_from(&old.secrets);
            new.registration_token.clone_from(&old.registration_token);
        }
        manage::change(&scope, &before.ikey, key, &settings, vec!["settings".to_owned()]).await.map_err(wrong)?;
    } else if key.is_some() {
        manage::change(&scope, &before.ikey, key, &known, vec!["key".to_owned()]).await.map_err(wrong)?;
    }
    let secret = if call.params.bool("new_secret")?.unwrap_or(false) {
        Some(manage::renew_secret(&scope, &before.ikey, manage::SECRET_OVERLAP).await.map_err(wrong)?)
    } else {
        None
    };
    call.auth().applications().forget(&before.ikey);
    let row = one(&desk, &before.ikey).await?;
    Ok(Envelope::ok(object(&call, &desk, &row, secret.as_ref()).await?))
}

/// Deletes an application with its integration.
pub(super) async fn revoke(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    let row = one(&desk, call.part(0)).await?;
    let ended = sso::tokens::revoke(&desk.scope(), Some(&row.ikey)).await.map_err(wrong)?;
    Ok(Envelope::ok(json!({ "grants": ended })))
}

pub(super) async fn delete(call: Call) -> Result<Envelope, ApiError> {
    let desk = Desk::of(&call);
    one(&desk, call.part(0)).await?;
    drop(desk);
    integrations::delete(call).await
}
