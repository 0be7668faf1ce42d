//! Making and changing relying parties: what the command line, the Admin API and dynamic registration call.

use crate::{
    SsoError,
    party::{Kind, SecretHash, Settings},
};
use data_encoding::HEXLOWER;
use directory::{
    DirectoryError, IntegrationKeys, NewIntegration, NewRelyingParty, RelyingPartyPatch, Scope, UserAccess,
};
use keys::Token;
use std::time::Duration;
use store::{RelyingPartyRow, fields};
use types::{GroupId, Normalization, PolicyId, SecretString, World};

/// How a client's secret begins, so that a leaked one can be scanned for.
pub(crate) const SECRET_PREFIX: &str = "cscs";
/// So long a secret counts beside the one that takes its place, where nobody says how long.
pub const SECRET_OVERLAP: Duration = Duration::from_secs(86_400);
/// A secret that somebody gives must be at least so long, in bytes.
const SHORTEST_SECRET: usize = 32;
/// Secrets of one client: while one takes another's place.
const MOST_SECRETS: usize = 3;

/// What secret a new client gets.
#[derive(Clone, Default)]
pub enum NewSecret {
    /// None: it is none that keeps one, or it signs with a key.
    #[default]
    None,
    /// A new one, which is shown once.
    Made,
    /// One that it has already.
    Given(SecretString),
}

/// A relying party to be made.
pub struct NewParty {
    /// For people.
    pub name: String,
    /// What it calls itself; none: the key of its integration (for OpenID clients).
    pub key: Option<String>,
    /// What is set for it.
    pub settings: Settings,
    /// Its secret.
    pub secret: NewSecret,
    /// Who may use it.
    pub access: UserAccess,
    /// Members of which groups, where only some may.
    pub groups: Vec<GroupId>,
    /// Its own policy.
    pub policy: Option<PolicyId>,
}

impl NewParty {
    /// One for everybody, without a secret.
    #[must_use]
    pub fn new(name: &str, settings: Settings) -> Self {
        Self {
            name: name.to_owned(),
            key: None,
            settings,
            secret: NewSecret::None,
            access: UserAccess::AllUsers,
            groups: Vec::new(),
            policy: None,
        }
    }
}

/// A relying party that was made.
pub struct MadeParty {
    /// The key of its integration.
    pub ikey: String,
    /// What it calls itself.
    pub key: String,
    /// Its secret, shown once.
    pub secret: Option<SecretString>,
}

/// Makes a relying party, checked, in one transaction with its integration and its line in the administrator log.
///
/// # Errors
/// [`SsoError::Invalid`] with the place of what can't be used, [`SsoError::Directory`] where another calls itself so.
pub async fn create(scope: &Scope<'_>, new: NewParty) -> Result<MadeParty, SsoError> {
    let world = scope.world();
    let keys = IntegrationKeys::generate(world);
    let key = new.key.clone().unwrap_or_else(|| keys.ikey.clone());
    let mut settings = new.settings;
    let mut shared = None;
    let mut shown = None;
    if let Kind::Oidc(client) = &mut settings.kind {
        let secret = match new.secret {
            NewSecret::None => None,
            NewSecret::Given(secret) if secret.expose().len() < SHORTEST_SECRET => {
                return Err(SsoError::invalid("secret", format!("must have at least {SHORTEST_SECRET} characters")));
            }
            NewSecret::Given(secret) => Some(secret),
            NewSecret::Made => Some(draw(world)),
        };
        if let Some(secret) = secret {
            client.secrets = vec![hash(scope.rows(), world, &keys.ikey, &secret).await?];
            if client.signs_with_secret() {
                shared = Some(secret.clone());
            }
            shown = Some(secret);
        }
    }
    settings.check(&key)?;
    let integration = NewIntegration {
        name: new.name,
        r#type: settings.protocol().integration_type().to_owned(),
        keys: Some(keys),
        normalization: Normalization::Simple,
        access: new.access,
        groups: new.groups,
        policy: new.policy,
        ..NewIntegration::default()
    };
    let text = serde_json::to_string(&settings).map_err(|_| SsoError::Damaged("settings"))?;
    let party = NewRelyingParty {
        integration: &integration,
        protocol: settings.protocol().as_str(),
        key: Some(&key),
        settings: &text,
        secret: shared.as_ref(),
    };
    let ikey = scope.create_relying_party(&party).await?;
    Ok(MadeParty { ikey, key, secret: shown })
}

/// The settings of a relying party as they are stored.
///
/// # Errors
/// [`SsoError::Directory`] where there is no such one.
pub async fn read(scope: &Scope<'_>, ikey: &str) -> Result<(RelyingPartyRow, Settings), SsoError> {
    let row = scope.rows().relying_party(ikey).await?;
    let row = row.ok_or(SsoError::Directory(DirectoryError::NotFound("relying party")))?;
    let settings = serde_json::from_str(&row.settings).map_err(|_| SsoError::Damaged("relying party"))?;
    Ok((row, settings))
}

/// Puts other settings, and another key if one is given, in the place of those that there are. The protocol stays.
///
/// # Errors
/// As [`create`].
pub async fn change(
    scope: &Scope<'_>,
    ikey: &str,
    key: Option<&str>,
    settings: &Settings,
    fields: Vec<String>,
) -> Result<(), SsoError> {
    let (row, before) = read(scope, ikey).await?;
    put(scope, &row, &before, settings, RelyingPartyPatch { key, fields, ..RelyingPartyPatch::default() }).await
}

/// Puts settings that were made of what [`read`] gave in its place, if it still stands there: what somebody else has decided meanwhile isn't
/// undone.
///
/// # Errors
/// As [`create`], and [`DirectoryError::Changed`].
pub async fn change_as_read(
    scope: &Scope<'_>,
    (row, before): &(RelyingPartyRow, Settings),
    settings: &Settings,
    fields: Vec<String>,
) -> Result<(), SsoError> {
    let was = Some(row.settings.as_str());
    put(scope, row, before, settings, RelyingPartyPatch { was, fields, ..RelyingPartyPatch::default() }).await
}

async fn put(
    scope: &Scope<'_>,
    row: &RelyingPartyRow,
    before: &Settings,
    settings: &Settings,
    patch: RelyingPartyPatch<'_>,
) -> Result<(), SsoError> {
    if before.protocol() != settings.protocol() {
        return Err(SsoError::invalid("protocol", "can't be changed: make another application"));
    }
    settings.check(patch.key.unwrap_or(&row.key))?;
    if let Kind::Oidc(client) = &settings.kind
        && client.signs_with_secret()
        && row.secret.is_none()
    {
        return Err(SsoError::invalid("oidc.id_token_alg", "needs a secret that is kept: give the client a new one"));
    }
    let text = serde_json::to_string(settings).map_err(|_| SsoError::Damaged("settings"))?;
    let patch = RelyingPartyPatch { settings: Some(&text), ..patch };
    Ok(scope.change_relying_party(&row.ikey, &patch).await?)
}

/// Gives a client a new secret. Those that it has count for `overlap` longer, so that it can be put in place without haste.
///
/// # Errors
/// [`SsoError::Invalid`] where the relying party is none that has secrets.
pub async fn renew_secret(scope: &Scope<'_>, ikey: &str, overlap: Duration) -> Result<SecretString, SsoError> {
    let (_, mut settings) = read(scope, ikey).await?;
    let Kind::Oidc(client) = &mut settings.kind else {
        return Err(SsoError::invalid("secret", "only OpenID clients have one"));
    };
    if !client.is_confidential() {
        return Err(SsoError::invalid("oidc.auth_method", "this client has no secret"));
    }
    let now = scope.world().now();
    let until = (now + overlap).0;
    client.secrets.retain(|secret| secret.expires.is_none_or(|expires| expires > now.0));
    for secret in &mut client.secrets {
        secret.expires = Some(secret.expires.map_or(until, |expires| expires.min(until)));
    }
    let new = draw(scope.world());
    client.secrets.insert(0, hash(scope.rows(), scope.world(), ikey, &new).await?);
    client.secrets.truncate(MOST_SECRETS);
    let shared = client.signs_with_secret().then_some(&new);
    let text = serde_json::to_string(&settings).map_err(|_| SsoError::Damaged("settings"))?;
    let fields = vec!["secret".to_owned()];
    let patch = RelyingPartyPatch { settings: Some(&text), secret: shared, fields, ..RelyingPartyPatch::default() };
    scope.change_relying_party(ikey, &patch).await?;
    Ok(new)
}

fn draw(world: &World) -> SecretString {
    SecretString::new(Token::generate(SECRET_PREFIX, world.random.as_ref()).expose().to_owned())
}

/// What is kept of a secret.
pub(crate) async fn hash(
    rows: store::Tenant<'_>,
    world: &World,
    ikey: &str,
    secret: &SecretString,
) -> Result<SecretHash, SsoError> {
    let keys = rows.keys().await?;
    let parts: [&[u8]; 2] = [ikey.as_bytes(), secret.expose().as_bytes()];
    let digest = keys.digest(fields::RELYING_PARTY_SECRET, &parts);
    Ok(SecretHash { digest: HEXLOWER.encode(&digest), created: world.now().0, expires: None })
}
