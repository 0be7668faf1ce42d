//! Relying parties: applications that sign people in here, and what is set for them.
//!
//! A relying party is an integration (name, policy, access, groups: the engine's) with a row beside it that says which protocol it
//! speaks, what it is called there, and the [`Settings`]. They are kept in memory; a change drops the kept one by the integration's own
//! notice, on every node.

mod check;
mod forward;
mod keep;
mod oidc;
mod saml;
#[cfg(test)]
mod tests;

pub use forward::ForwardHost;
pub(crate) use keep::Parties;
pub use oidc::{ClientAuth, GrantType, OidcClient, SecretHash, Subject, TlsClient, TokenFormat};
pub use saml::{
    BackLogout, Binding, EncryptionAlgorithm, Endpoint, KeyTransport, LogoutEndpoint, NameIdFormat, NameIdSettings,
    SamlParty,
};

use auth::{Application, sign_in::Level};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};
use types::{SecretString, TenantId};

/// Which protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// OpenID Connect and OAuth 2.0.
    Oidc,
    /// SAML 2.0.
    Saml,
    /// A reverse proxy that asks.
    Forward,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Oidc, Self::Saml, Self::Forward];

    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Oidc => "oidc",
            Self::Saml => "saml",
            Self::Forward => "forward",
        }
    }

    /// The type of its integration.
    #[must_use]
    pub const fn integration_type(self) -> &'static str {
        match self {
            Self::Oidc => "oidc",
            Self::Saml => "saml",
            Self::Forward => "forward-auth",
        }
    }

    /// From how it is stored.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.as_str() == text)
    }
}

/// How an application stands in the launcher.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TileSettings {
    /// Where it is opened; none: where its protocol says, if that can.
    pub url: Option<String>,
    /// Its picture: `data:image/png;base64,…` or `data:image/svg+xml;base64,…`; none: its initial.
    pub icon: Option<String>,
    /// One line about it.
    pub about: String,
    /// Whether it isn't shown.
    pub hidden: bool,
    /// The preset that it was made by; empty for none.
    pub preset: String,
    /// The address that the preset was given.
    pub address: String,
    /// What else it was given.
    pub options: BTreeMap<String, String>,
}

/// What is set for a relying party.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// How it stands in the launcher.
    #[serde(default)]
    pub tile: TileSettings,
    /// What its protocol needs.
    #[serde(flatten)]
    pub kind: Kind,
}

/// What a protocol needs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// OpenID Connect and OAuth 2.0.
    Oidc(Box<OidcClient>),
    /// SAML 2.0.
    Saml(Box<SamlParty>),
    /// A reverse proxy that asks.
    Forward(Box<ForwardHost>),
}

impl Settings {
    /// With the usual tile.
    #[must_use]
    pub fn of(kind: Kind) -> Self {
        Self { tile: TileSettings::default(), kind }
    }

    /// Which protocol.
    #[must_use]
    pub const fn protocol(&self) -> Protocol {
        match self.kind {
            Kind::Oidc(_) => Protocol::Oidc,
            Kind::Saml(_) => Protocol::Saml,
            Kind::Forward(_) => Protocol::Forward,
        }
    }

    /// How strongly people must have proved who they are.
    #[must_use]
    pub fn level(&self) -> Level {
        match &self.kind {
            Kind::Oidc(client) => client.level,
            Kind::Saml(party) => party.level,
            Kind::Forward(host) => host.level,
        }
    }
}

/// An application that signs people in here.
pub struct RelyingParty {
    /// The application, as the engine knows it.
    pub app: Arc<Application>,
    /// Which protocol.
    pub protocol: Protocol,
    /// What it is called there: `client_id`, entity id, host.
    pub key: String,
    /// What is set for it.
    pub settings: Settings,
    /// The secret that it signs with, where it does; else only hashes are kept.
    pub(crate) shared_secret: Option<SecretString>,
}

impl RelyingParty {
    /// Whose.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.app.tenant
    }

    /// The key of its integration.
    #[must_use]
    pub fn ikey(&self) -> &str {
        &self.app.ikey
    }

    /// Its settings, where it speaks OpenID Connect.
    #[must_use]
    pub const fn oidc(&self) -> Option<&OidcClient> {
        match &self.settings.kind {
            Kind::Oidc(client) => Some(client),
            _ => None,
        }
    }

    /// Its settings, where it speaks SAML.
    #[must_use]
    pub const fn saml(&self) -> Option<&SamlParty> {
        match &self.settings.kind {
            Kind::Saml(party) => Some(party),
            _ => None,
        }
    }

    /// Its settings, where a proxy asks for it.
    #[must_use]
    pub const fn forward(&self) -> Option<&ForwardHost> {
        match &self.settings.kind {
            Kind::Forward(host) => Some(host),
            _ => None,
        }
    }

    /// The secret that it signs with (`client_secret_jwt`, `HS256`); none where only its hash is kept.
    #[must_use]
    pub const fn shared_secret(&self) -> Option<&SecretString> {
        self.shared_secret.as_ref()
    }
}
