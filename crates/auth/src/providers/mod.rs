//! A tenant's providers: people who prove who they are at another house come from there with its word, which is the first of two proofs.
//!
//! Whose account a provider's subject is, is decided once (`sign_in/whose.rs`) and kept: by an administrator, or by a rule that was
//! switched on for this provider. A subject is a subject of one provider only, so nobody who can write what they like into an account
//! elsewhere is anybody here by it.
//!
//! The way there and back stands in `sign_in/provider.rs`. The network is asked through [`upstream::Fetch`], which the operator's rules
//! for requests to others' addresses guard.

mod settings;

pub use settings::{
    ClientAuthentication, InvalidProvider, LinkBy, Metadata, ProviderSettings, Speaks, Trust, TrustClaim,
};

use crate::{Auth, AuthError, sign_in::Level};
use settings::Client;
use std::{sync::Arc, time::Duration};
use store::{ProviderRow, StoreError, fields};
use types::{Millis, SecretString, TenantId};
use upstream::{
    oidc::{self, Identity as OidcIdentity},
    saml::{Identity as SamlIdentity, Provider, SamlError},
};

/// Providers that are kept, with what is known of them.
pub(crate) const KEPT: usize = 1024;
/// How far a provider's clock may be off.
pub(crate) const SKEW: Duration = Duration::from_secs(60);
/// The longest key, in bytes.
const LONGEST_KEY: usize = 32;
/// The longest name of a subject, in bytes.
const LONGEST_SUBJECT: usize = 1024;
/// What a SAML provider is asked for, and must give, unless something else is set: a name that is one person's for ever (saml-core §8.3.7).
const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
/// The most words of how somebody proved who they are that are kept.
const MOST_METHODS: usize = 8;

/// A provider that is kept as long as its row is the same.
pub(crate) struct KeptProvider {
    row: ProviderRow,
    origin: String,
    pub(crate) settings: ProviderSettings,
    client: Client,
}

/// A provider as a sign-in page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderChoice {
    /// What stands in addresses.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// Whether it speaks SAML; then the pages need our keys as a service provider.
    pub is_saml: bool,
}

/// Who we are to providers: the same on every page of a tenant.
pub struct Outside {
    /// `https://{host}` of the tenant, with the port where it isn't 443.
    pub origin: String,
    /// As a SAML service provider; none where the provider speaks something else.
    pub service: Option<upstream::saml::Service>,
}

/// What a provider says of somebody, after everything was checked.
pub(crate) struct Asserted {
    /// Who it is there, for ever.
    pub(crate) subject: String,
    /// What they are called, for [`LinkBy::UserName`] and new accounts.
    pub(crate) user_name: Option<String>,
    /// Their mail address, if it counts.
    pub(crate) email: Option<String>,
    /// Their name, for new accounts.
    pub(crate) real_name: Option<String>,
    /// As what the proof there counts: [`Level::Single`] unless a rule says more.
    pub(crate) level: Level,
    /// When they proved it there, if it was said.
    pub(crate) at: Option<Millis>,
    /// By what, in the words of RFC 8176 §2, as far as it was said.
    pub(crate) methods: Vec<String>,
}

/// Where a browser comes back to from an OpenID provider.
#[must_use]
pub fn callback(origin: &str, key: &str) -> String {
    format!("{origin}/upstream/oidc/{key}")
}

/// Whether a text can be a provider's key: it stands in addresses.
#[must_use]
pub fn is_key(text: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=LONGEST_KEY).contains(&text.len()) && text.bytes().all(letters)
}

impl Auth {
    /// The providers that people may come from. The rows are read each time, so a change holds at once, on every node.
    pub(crate) async fn provider_choices(
        &self,
        tenant: TenantId,
    ) -> Result<Vec<(ProviderChoice, ProviderSettings)>, AuthError> {
        let rows = self.store.tenant(tenant).providers().await?;
        Ok(rows
            .into_iter()
            .filter(|row| row.enabled)
            .filter_map(|row| match ProviderSettings::parse(&row.settings) {
                Ok(settings) => {
                    let choice =
                        ProviderChoice { key: row.key, name: settings.name.clone(), is_saml: row.kind == "saml" };
                    Some((choice, settings))
                }
                // One that can't be read shuts no other way.
                Err(_) => {
                    tracing::error!(%tenant, provider = row.key, "the provider's settings are damaged");
                    None
                }
            })
            .collect())
    }

    /// A provider that people may come from, ready to be asked.
    pub(crate) async fn provider(
        &self,
        tenant: TenantId,
        key: &str,
        origin: &str,
    ) -> Result<Option<Arc<KeptProvider>>, AuthError> {
        let row = self.store.tenant(tenant).provider(key).await?.filter(|row| row.enabled);
        match row {
            Some(row) => self.open_provider(tenant, row, origin).await.map(Some),
            None => Ok(None),
        }
    }

    async fn open_provider(
        &self,
        tenant: TenantId,
        row: ProviderRow,
        origin: &str,
    ) -> Result<Arc<KeptProvider>, AuthError> {
        let place = (tenant, row.key.clone());
        if let Some(kept) = self.providers.get(&place).filter(|kept| kept.row == row && kept.origin == origin) {
            return Ok(kept);
        }
        let secret = match &row.secret {
            Some(sealed) => {
                let opened = self.store.tenant(tenant).open(fields::provider_secret(&row.key), sealed).await?;
                let text = String::from_utf8(opened.expose().to_vec());
                Some(SecretString::new(text.map_err(|_| AuthError::Damaged("provider's secret"))?))
            }
            None => None,
        };
        let settings = ProviderSettings::parse(&row.settings)?;
        let client = settings.open(secret, callback(origin, &row.key), self.fetch(), self.world.now())?;
        let kept = Arc::new(KeptProvider { row, origin: origin.to_owned(), settings, client });
        self.providers.insert(place, Arc::clone(&kept));
        Ok(kept)
    }

    /// A provider's settings and secret as a row that is on, after they were looked over; asks the provider nothing.
    ///
    /// # Errors
    /// [`AuthError::Provider`].
    pub async fn provider_row(
        &self,
        tenant: TenantId,
        key: &str,
        settings: &ProviderSettings,
        secret: Option<&SecretString>,
        by: &str,
    ) -> Result<ProviderRow, AuthError> {
        if !is_key(key) {
            return Err(
                InvalidProvider::Lacks("a provider's key has up to 32 small letters, digits and hyphens").into()
            );
        }
        settings.open(secret.cloned(), callback("https://localhost", key), self.fetch(), self.world.now())?;
        let sealed = match secret {
            Some(secret) => {
                let keys = self.store.tenant(tenant).keys().await?;
                let sealed =
                    keys.seal(fields::provider_secret(key), secret.expose().as_bytes(), self.world.random.as_ref());
                Some(sealed.map_err(StoreError::from)?)
            }
            None => None,
        };
        Ok(ProviderRow {
            key: key.to_owned(),
            kind: settings.kind().to_owned(),
            settings: settings.text()?,
            secret: sealed,
            enabled: true,
            set_at: self.world.now(),
            set_by: by.to_owned(),
        })
    }

    /// The entity id of the one identity provider that the metadata at `url` describes, or of those there the one that is `named`.
    ///
    /// # Errors
    /// [`AuthError::Provider`] where there isn't exactly one that can be used.
    pub async fn entity_at(&self, url: &str, named: Option<String>) -> Result<String, AuthError> {
        let source = upstream::saml::Source::new(url, named, None).map_err(InvalidProvider::from)?;
        let provider = source.provider(self.fetch().as_ref(), self.world.now()).await;
        let provider = provider.map_err(InvalidProvider::from)?;
        settings::usable(&provider)?;
        Ok(provider.entity_id.clone())
    }

    /// The entity id of the one identity provider that this metadata describes, or of those there the one that is `named`.
    ///
    /// # Errors
    /// [`AuthError::Provider`] where there isn't exactly one that can be used.
    pub fn entity_in(&self, metadata: &str, named: Option<&str>) -> Result<String, AuthError> {
        let provider = Provider::from_metadata(metadata.as_bytes(), named, None, self.world.now());
        let provider = provider.map_err(InvalidProvider::from)?;
        settings::usable(&provider)?;
        Ok(provider.entity_id)
    }

    /// Asks a provider what it says of itself, whether people may come from it or not. False where there is none with this key.
    ///
    /// # Errors
    /// [`AuthError::Provider`]: what it, or the way to it, lacks.
    pub async fn check_provider(&self, tenant: TenantId, key: &str) -> Result<bool, AuthError> {
        let Some(row) = self.store.tenant(tenant).provider(key).await? else { return Ok(false) };
        let kept = self.open_provider(tenant, row, "https://localhost").await?;
        match &kept.client {
            Client::Oidc(upstream) => drop(upstream.discovery(self.world.now()).await.map_err(InvalidProvider::from)?),
            Client::Fetched(_) | Client::Given(_) => {
                let provider = kept.metadata(self).await.map_err(InvalidProvider::from)?;
                settings::usable(&provider)?;
            }
        }
        Ok(true)
    }

    pub(crate) fn fetch(&self) -> Arc<dyn upstream::Fetch> {
        Arc::clone(&self.fetch)
    }
}

impl KeptProvider {
    /// What stands in addresses.
    pub(crate) fn key(&self) -> &str {
        &self.row.key
    }

    /// Since when it is set as it is.
    pub(crate) fn since(&self) -> Millis {
        self.row.set_at
    }

    /// The format of the name that a SAML provider is asked for.
    pub(crate) fn name_id_format(&self) -> Option<&str> {
        match &self.settings.speaks {
            Speaks::Saml { subject: Some(_), name_id_format, .. } => name_id_format.as_deref(),
            Speaks::Saml { name_id_format, .. } => Some(name_id_format.as_deref().unwrap_or(PERSISTENT)),
            Speaks::Oidc { .. } => None,
        }
    }

    pub(crate) fn oidc(&self) -> Option<&oidc::Upstream> {
        match &self.client {
            Client::Oidc(upstream) => Some(upstream.as_ref()),
            Client::Fetched(_) | Client::Given(_) => None,
        }
    }

    /// What a SAML provider says of itself.
    pub(crate) async fn metadata(&self, auth: &Auth) -> Result<Arc<Provider>, SamlError> {
        let now = auth.world.now();
        let provider = match &self.client {
            Client::Oidc(_) => return Err(SamlError::Metadata("SAML")),
            Client::Fetched(source) => source.provider(auth.fetch.as_ref(), now).await?,
            Client::Given(provider) => Arc::clone(provider),
        };
        if provider.valid_until.is_some_and(|until| until <= now) {
            return Err(SamlError::Expired);
        }
        Ok(provider)
    }

    /// What an id token says.
    ///
    /// None where what tells people apart can't be kept.
    pub(crate) fn of_token(&self, identity: &OidcIdentity) -> Option<Asserted> {
        let named = self.settings.user_name.as_deref().unwrap_or("preferred_username");
        let email = identity.verified_email().map(str::to_owned);
        // An address that nobody has verified is anybody's, whichever setting names it.
        let user_name = if named == "email" { email.clone() } else { identity.text(named).map(str::to_owned) };
        let methods: Vec<String> =
            identity.methods.iter().take(MOST_METHODS).filter(|word| is_method(word)).cloned().collect();
        Some(Asserted {
            subject: identity.subject.clone(),
            user_name,
            email,
            real_name: identity.text("name").map(str::to_owned),
            level: self.level(identity.context.as_deref(), &identity.methods),
            at: identity.authenticated,
            methods,
        })
        .filter(|asserted| is_subject(&asserted.subject))
    }

    /// What an assertion says; none where what must tell people apart isn't there, or is another at each sign-in.
    pub(crate) fn of_assertion(&self, identity: &SamlIdentity) -> Option<Asserted> {
        let Speaks::Saml { subject, .. } = &self.settings.speaks else { return None };
        let only = |name: &str| match identity.values(name) {
            [one] if !one.trim().is_empty() => Some(one.trim().to_owned()),
            _ => None,
        };
        let name_id = &identity.name_id;
        let own = match subject {
            Some(attribute) => only(attribute)?,
            // Each format is a world of names of its own, and whoever writes a request himself may ask for another than we do.
            None if self.name_id_format() != Some(name_id.format.as_str()) || name_id.is_transient() => return None,
            // saml-core §8.3.7: a name is told apart within its qualifier.
            None if name_id.name_qualifier.as_ref().is_some_and(|within| *within != identity.issuer) => return None,
            None => name_id.value.clone(),
        };
        let user_name = match &self.settings.user_name {
            Some(attribute) => only(attribute),
            None => Some(name_id.value.clone()).filter(|_| !name_id.is_transient()),
        };
        Some(Asserted {
            subject: own,
            user_name,
            email: self.settings.email.as_deref().and_then(only),
            real_name: None,
            level: self.level(identity.context.as_deref(), &[]),
            at: Some(identity.authenticated),
            methods: Vec::new(),
        })
        .filter(|asserted| is_subject(&asserted.subject))
    }

    /// The most that a rule of trust says of how somebody proved who they are.
    fn level(&self, context: Option<&str>, methods: &[String]) -> Level {
        let says = |trust: &&Trust| match trust.claim {
            TrustClaim::Acr => context == Some(trust.value.as_str()),
            TrustClaim::Amr => methods.contains(&trust.value),
        };
        self.settings.trust.iter().filter(says).map(|trust| trust.level).max().unwrap_or(Level::Single)
    }
}

/// Whether a subject can be kept, and be linked by an administrator, too.
fn is_subject(text: &str) -> bool {
    (1..=LONGEST_SUBJECT).contains(&text.len()) && !text.contains(char::is_control)
}

fn is_method(word: &str) -> bool {
    (1..=16).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// Reaches nobody: for an engine that was started without a way to the network.
pub(crate) struct Nowhere;

impl upstream::Fetch for Nowhere {
    fn fetch<'a>(&'a self, _: outbound::Request<'a>) -> upstream::Fetching<'a> {
        Box::pin(std::future::ready(Err(outbound::FetchError::Unreachable)))
    }
}
