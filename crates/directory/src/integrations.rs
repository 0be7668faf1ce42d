//! Applications, which Duo calls integrations: their keys, secrets and settings.

use crate::{
    DirectoryError, IntegrationFields, Scope,
    error::{found, taken},
    text,
};
use serde_json::{Map, Value, json};
use store::{IntegrationChange, IntegrationRow, StoreError, Tx, fields};
use types::{GroupId, Normalization, PolicyId, SecretString, World};

/// Characters of a key after `DI`.
const KEY_TAIL: usize = 18;
/// Characters of a secret. Several of Duo's clients refuse any other length.
const SECRET_LEN: usize = 40;
const CAPITALS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// Groups that may be named in one integration.
const MOST_GROUPS: usize = 100;

/// A secret key: 40 letters and digits.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// A new one: 238 bits of chance.
    #[must_use]
    pub fn generate(world: &World) -> Self {
        Self(SecretString::new(draw(world, LETTERS, SECRET_LEN)))
    }

    /// One that clients have already.
    pub fn parse(text: &SecretString) -> Result<Self, DirectoryError> {
        let plain = text.expose().trim();
        if plain.len() == SECRET_LEN && plain.bytes().all(|b| b.is_ascii_alphanumeric()) {
            Ok(Self(SecretString::new(plain.to_owned())))
        } else {
            Err(DirectoryError::Invalid("secret_key"))
        }
    }

    /// The text, for the one who configures the client.
    #[must_use]
    pub const fn text(&self) -> &SecretString {
        &self.0
    }
}

/// A key and its secret.
#[derive(Clone)]
pub struct IntegrationKeys {
    /// `DI` and 18 capitals or digits, once among all tenants.
    pub ikey: String,
    /// The secret.
    pub secret: Secret,
}

impl IntegrationKeys {
    /// New ones.
    #[must_use]
    pub fn generate(world: &World) -> Self {
        Self { ikey: format!("DI{}", draw(world, CAPITALS, KEY_TAIL)), secret: Secret::generate(world) }
    }

    /// Those that clients have already, of an account that moves here.
    pub fn parse(ikey: &str, secret: &SecretString) -> Result<Self, DirectoryError> {
        let tail = ikey.strip_prefix("DI").filter(|tail| tail.len() == KEY_TAIL);
        if !tail.is_some_and(|tail| tail.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())) {
            return Err(DirectoryError::Invalid("integration_key"));
        }
        Ok(Self { ikey: ikey.to_owned(), secret: Secret::parse(secret)? })
    }
}

fn draw(world: &World, letters: &[u8], length: usize) -> String {
    let most = u64::try_from(letters.len()).unwrap_or(1);
    let letter = || letters.get(usize::try_from(world.below(most)).unwrap_or(0)).copied().unwrap_or(b'A');
    (0..length).map(|_| char::from(letter())).collect()
}

/// Who may use an application.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum UserAccess {
    /// Everybody.
    #[default]
    AllUsers,
    /// Members of the permitted groups.
    PermittedGroups,
    /// Nobody.
    NoUsers,
}

impl UserAccess {
    /// Duo's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AllUsers => "ALL_USERS",
            Self::PermittedGroups => "PERMITTED_GROUPS",
            Self::NoUsers => "NO_USERS",
        }
    }
}

impl std::str::FromStr for UserAccess {
    type Err = DirectoryError;

    fn from_str(text: &str) -> Result<Self, DirectoryError> {
        [Self::AllUsers, Self::PermittedGroups, Self::NoUsers]
            .into_iter()
            .find(|access| text == access.as_str())
            .ok_or(DirectoryError::Invalid("user_access"))
    }
}

/// An integration to be made.
#[derive(Clone, Default)]
pub struct NewIntegration {
    /// For people.
    pub name: String,
    /// Duo's type: `unix`, `authapi`, `adminapi`, `websdk`, `rdp`, `radius`, …
    pub r#type: String,
    /// Keys that clients have already; `None` makes new ones.
    pub keys: Option<IntegrationKeys>,
    /// Whether requests signed by version 1, which carry no date and can be replayed, are accepted. `None`: only for type `unix`,
    /// whose clients knew no other until duo_unix 2.0.4.
    pub signature_v1: Option<bool>,
    /// How user names are normalised.
    pub normalization: Normalization,
    /// Who may use it. Permitted groups and nobody named means nobody.
    pub access: UserAccess,
    /// Members of which groups, where only some may.
    pub groups: Vec<GroupId>,
    /// Its own policy.
    pub policy: Option<PolicyId>,
    /// Further fields.
    pub fields: IntegrationFields,
}

/// A change of an integration; what is `None` stays as it is.
#[derive(Clone, Default)]
pub struct IntegrationPatch {
    /// See [`NewIntegration::name`].
    pub name: Option<String>,
    /// See [`NewIntegration::signature_v1`].
    pub signature_v1: Option<bool>,
    /// See [`NewIntegration::normalization`].
    pub normalization: Option<Normalization>,
    /// See [`NewIntegration::access`].
    pub access: Option<UserAccess>,
    /// See [`NewIntegration::groups`]; these and no others.
    pub groups: Option<Vec<GroupId>>,
    /// See [`NewIntegration::policy`]; the inner `None` takes it away.
    pub policy: Option<Option<PolicyId>>,
    /// Further fields to be set; the others stay.
    pub fields: IntegrationFields,
}

const fn normalization(normalization: Normalization) -> &'static str {
    match normalization {
        Normalization::None => "none",
        Normalization::Simple => "simple",
    }
}

fn kind(text: &str) -> Result<String, DirectoryError> {
    let text = text.trim().to_ascii_lowercase();
    let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'));
    if plain && (1..=64).contains(&text.len()) { Ok(text) } else { Err(DirectoryError::Invalid("type")) }
}

impl Scope<'_> {
    /// Makes an integration and gives its keys; the secret can be read again with [`Scope::integration_secret`].
    pub async fn create_integration(
        &self,
        new: &NewIntegration,
    ) -> Result<(IntegrationRow, IntegrationKeys), DirectoryError> {
        let (row, keys) = self.new_integration(new).await?;
        let mut tx = self.begin().await?;
        self.insert_integration(&mut tx, &row, new).await?;
        tx.commit().await?;
        Ok((row, keys))
    }

    /// What an integration would be that is yet to be inserted.
    pub(crate) async fn new_integration(
        &self,
        new: &NewIntegration,
    ) -> Result<(IntegrationRow, IntegrationKeys), DirectoryError> {
        let r#type = kind(&new.r#type)?;
        let keys = new.keys.clone().unwrap_or_else(|| IntegrationKeys::generate(self.world()));
        let mut settings = new.fields.values().clone();
        settings.insert("user_access".to_owned(), new.access.as_str().into());
        settings.insert("groups_allowed".to_owned(), self.groups_allowed(&new.groups).await?);
        let row = IntegrationRow {
            ikey: keys.ikey.clone(),
            name: text::name(&new.name, 255, "name")?,
            secret: self.sealed_secret(&keys.ikey, &keys.secret).await?,
            signature_v1: new.signature_v1.unwrap_or(r#type == "unix"),
            normalization: normalization(new.normalization).to_owned(),
            policy: new.policy,
            settings: Value::Object(settings).to_string(),
            created: self.world().now(),
            r#type,
        };
        Ok((row, keys))
    }

    /// Inserts it, with its line in the log and its notice.
    pub(crate) async fn insert_integration(
        &self,
        tx: &mut Tx,
        row: &IntegrationRow,
        new: &NewIntegration,
    ) -> Result<(), DirectoryError> {
        // The policy is set after: a policy of another tenant is none.
        tx.insert_integration(&IntegrationRow { policy: None, ..row.clone() }).await.map_err(taken("integration"))?;
        if new.policy.is_some() {
            found(tx.set_integration_policy(&row.ikey, new.policy).await?, "policy")?;
        }
        let detail = json!({
            "integration_key": row.ikey, "type": row.r#type, "signature_v1": row.signature_v1, "user_access": new.access.as_str(),
        });
        self.log(tx, "integration_create", &row.name, detail).await?;
        // A key that was asked for in vain may be remembered as unknown.
        self.application_changed(tx, &row.ikey).await
    }

    async fn groups_allowed(&self, groups: &[GroupId]) -> Result<Value, DirectoryError> {
        if groups.len() > MOST_GROUPS {
            return Err(DirectoryError::Invalid("groups_allowed"));
        }
        for group in groups {
            self.rows().group(*group).await?.ok_or(DirectoryError::Invalid("groups_allowed"))?;
        }
        Ok(groups.iter().map(ToString::to_string).collect())
    }

    async fn sealed_secret(&self, ikey: &str, secret: &Secret) -> Result<Vec<u8>, DirectoryError> {
        let keys = self.rows().keys().await?;
        let bytes = secret.text().expose().as_bytes();
        Ok(keys.seal(fields::integration_secret(ikey), bytes, self.world().random.as_ref())?)
    }

    pub(crate) async fn integration(&self, ikey: &str) -> Result<IntegrationRow, DirectoryError> {
        self.rows().integration(ikey).await?.ok_or(DirectoryError::NotFound("integration"))
    }

    /// Opens an integration's secret, and notes in the administrator log that it was shown.
    pub async fn integration_secret(&self, ikey: &str) -> Result<SecretString, DirectoryError> {
        let row = self.integration(ikey).await?;
        let secret = self.rows().open(fields::integration_secret(ikey), &row.secret).await?;
        let secret = String::from_utf8(secret.expose().to_vec());
        let secret = secret.map_err(|_| DirectoryError::Store(StoreError::Damaged("secret key")))?;
        self.note("integration_skey_view", &row.name, json!({ "integration_key": ikey })).await?;
        Ok(SecretString::new(secret))
    }

    /// Gives an integration a new secret; the old one is worth nothing from now on.
    pub async fn reset_secret(&self, ikey: &str) -> Result<Secret, DirectoryError> {
        let row = self.integration(ikey).await?;
        let secret = Secret::generate(self.world());
        let sealed = self.sealed_secret(ikey, &secret).await?;
        let mut tx = self.begin().await?;
        found(tx.set_integration_secret(ikey, &row.secret, &sealed).await?, "integration")?;
        self.log(&mut tx, "integration_skey_reset", &row.name, json!({ "integration_key": ikey })).await?;
        self.application_changed(&mut tx, ikey).await?;
        tx.commit().await?;
        Ok(secret)
    }

    /// Changes an integration.
    pub async fn change_integration(&self, ikey: &str, patch: &IntegrationPatch) -> Result<(), DirectoryError> {
        let before = self.integration(ikey).await?;
        let mut settings: Map<String, Value> = serde_json::from_str(&before.settings)
            .map_err(|_| DirectoryError::Store(StoreError::Damaged("integration")))?;
        let mut changed: Vec<String> = Vec::new();
        let mut set = |name: &str, value: Value| {
            changed.push(name.to_owned());
            settings.insert(name.to_owned(), value);
        };
        for (name, value) in patch.fields.values() {
            set(name, value.clone());
        }
        if let Some(access) = patch.access {
            set("user_access", access.as_str().into());
        }
        if let Some(groups) = &patch.groups {
            set("groups_allowed", self.groups_allowed(groups).await?);
        }
        let change = IntegrationChange {
            name: patch.name.as_ref().map(|name| text::name(name, 255, "name")).transpose()?,
            signature_v1: patch.signature_v1,
            normalization: patch.normalization.map(|how| normalization(how).to_owned()),
            settings: (!changed.is_empty()).then(|| Value::Object(settings).to_string()),
        };
        let mut tx = self.begin().await?;
        found(tx.change_integration(ikey, &change).await?, "integration")?;
        if let Some(policy) = patch.policy {
            found(tx.set_integration_policy(ikey, policy).await?, "policy")?;
        }
        let detail = json!({
            "integration_key": ikey, "fields": changed, "name": change.name, "signature_v1": change.signature_v1,
            "username_normalization_policy": change.normalization,
            "policy_key": patch.policy.flatten().map(|policy| policy.to_string()),
        });
        self.log(&mut tx, "integration_update", &before.name, detail).await?;
        self.application_changed(&mut tx, ikey).await?;
        Ok(tx.commit().await?)
    }

    /// Deletes an integration; its clients are strangers from now on.
    pub async fn delete_integration(&self, ikey: &str) -> Result<(), DirectoryError> {
        let row = self.integration(ikey).await?;
        let mut tx = self.begin().await?;
        found(tx.delete_integration(ikey).await?, "integration")?;
        self.log(&mut tx, "integration_delete", &row.name, json!({ "integration_key": ikey })).await?;
        self.application_changed(&mut tx, ikey).await?;
        Ok(tx.commit().await?)
    }
}
