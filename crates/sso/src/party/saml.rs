//! What is set for a relying party that speaks SAML 2.0: a service provider.

use crate::claims::{ClaimsMap, Source};
use auth::sign_in::Level;
use serde::{Deserialize, Serialize};

/// How a message travels (SAML bindings 3.4, 3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    /// In a query.
    Redirect,
    /// In a form that posts itself.
    Post,
}

/// Where responses go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its address, byte for byte.
    pub url: String,
    /// By which requests name it.
    #[serde(default)]
    pub index: u16,
    /// Whether it is taken where a request names none.
    #[serde(default)]
    pub default: bool,
}

/// Where logout messages go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogoutEndpoint {
    /// Where requests go.
    pub url: String,
    /// Where answers go; none: to the same place.
    #[serde(default)]
    pub response_url: Option<String>,
    /// How.
    pub binding: Binding,
}

/// What a name identifier is (SAML core 8.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NameIdFormat {
    /// A mail address.
    EmailAddress,
    /// The same every time, and no other service provider's.
    Persistent,
    /// Another every time.
    Transient,
    /// As both sides have agreed.
    #[default]
    Unspecified,
}

impl NameIdFormat {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::EmailAddress, Self::Persistent, Self::Transient, Self::Unspecified];

    /// SAML's own word.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::EmailAddress => "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
            Self::Persistent => "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
            Self::Transient => "urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
            Self::Unspecified => "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
        }
    }

    /// From SAML's word.
    #[must_use]
    pub fn of_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.uri() == uri)
    }
}

/// By what algorithm an assertion is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EncryptionAlgorithm {
    /// AES-256 in GCM.
    #[default]
    Aes256Gcm,
    /// AES-128 in GCM.
    Aes128Gcm,
    /// AES-256 in CBC: for whoever knows no other.
    Aes256Cbc,
    /// AES-128 in CBC: for whoever knows no other.
    Aes128Cbc,
}

/// By what algorithm its key is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyTransport {
    /// RSA-OAEP with MGF1 over SHA-1: what most know.
    #[default]
    RsaOaepMgf1p,
    /// RSA-OAEP with SHA-256.
    RsaOaepSha256,
}

/// What a person is called there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NameIdSettings {
    /// In which format, where a request asks for none.
    pub format: NameIdFormat,
    /// From what. A persistent one is made by keyed hash and a transient one by chance, whatever stands here, unless `pinned`.
    pub value: Source,
    /// Whether `value` is used for every format.
    pub pinned: bool,
}

impl Default for NameIdSettings {
    fn default() -> Self {
        Self { format: NameIdFormat::default(), value: Source::Field(crate::claims::Field::Username), pinned: false }
    }
}

/// A service provider. Its entity id is the relying party's key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of a specification, under its name there")]
pub struct SamlParty {
    /// Where responses may go, by POST: compared byte for byte.
    pub acs: Vec<Endpoint>,
    /// Where logout messages go, by the browser.
    pub slo: Vec<LogoutEndpoint>,
    /// Where this server itself says by SOAP that a session is over (SAML bindings 3.2).
    pub slo_soap: Option<String>,
    /// Whether this server itself brings it what a browser would, in place of SOAP: for who can end a session without the browser's cookie.
    pub direct_logout: bool,
    /// The certificates that its messages are signed with: base64 of DER.
    pub certificates: Vec<String>,
    /// The certificate that assertions are encrypted to: base64 of DER.
    pub encryption_certificate: Option<String>,
    /// What people are called.
    pub name_id: NameIdSettings,
    /// Whether the response is signed.
    pub sign_response: bool,
    /// Whether the assertion is signed.
    pub sign_assertion: bool,
    /// Whether assertions are encrypted.
    pub encrypt: bool,
    /// By what algorithm.
    pub encryption: EncryptionAlgorithm,
    /// And their keys.
    pub key_transport: KeyTransport,
    /// Whether its requests must be signed.
    pub want_signed_requests: bool,
    /// Whether its logout messages must be signed. Only where it can't sign at all is this switched off.
    pub want_signed_logout: bool,
    /// What it is told of people.
    pub attributes: ClaimsMap,
    /// Audiences beside its entity id.
    pub audiences: Vec<String>,
    /// How long an assertion may wait to be shown, in seconds.
    pub assertion_seconds: u32,
    /// How long the service provider's session may last, in seconds (`SessionNotOnOrAfter`); none: as long as ours.
    pub session_seconds: Option<u32>,
    /// Whether a sign-in may begin here, without a request of its.
    pub allow_idp_initiated: bool,
    /// What it is given as `RelayState` then.
    pub default_relay_state: Option<String>,
    /// The authentication context that it is told, whatever it was; for whoever knows only one.
    pub authn_context: Option<String>,
    /// How strongly people must have proved who they are.
    pub level: Level,
    /// Where its metadata is fetched again.
    pub metadata_url: Option<String>,
    /// SHA-256 of the certificate that its metadata is signed with, hexadecimal; none: it isn't looked at.
    pub metadata_fingerprint: Option<String>,
    /// Until when its metadata holds, in Unix milliseconds.
    pub metadata_until: Option<i64>,
}

impl Default for SamlParty {
    fn default() -> Self {
        Self {
            acs: Vec::new(),
            slo: Vec::new(),
            slo_soap: None,
            direct_logout: false,
            certificates: Vec::new(),
            encryption_certificate: None,
            name_id: NameIdSettings::default(),
            sign_response: false,
            sign_assertion: true,
            encrypt: false,
            encryption: EncryptionAlgorithm::default(),
            key_transport: KeyTransport::default(),
            want_signed_requests: false,
            want_signed_logout: true,
            attributes: ClaimsMap::default(),
            audiences: Vec::new(),
            assertion_seconds: 300,
            session_seconds: None,
            allow_idp_initiated: false,
            default_relay_state: None,
            authn_context: None,
            level: Level::Multi,
            metadata_url: None,
            metadata_fingerprint: None,
            metadata_until: None,
        }
    }
}

/// How this server itself tells a service provider of an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackLogout<'p> {
    /// By SOAP, at this address; what it answers is verified.
    Soap(&'p str),
    /// By what a browser would bring.
    Direct(&'p LogoutEndpoint),
}

impl SamlParty {
    /// How this server itself tells it of an end; none where only a browser can.
    #[must_use]
    pub fn back_logout(&self) -> Option<BackLogout<'_>> {
        if self.direct_logout {
            // A form, where there is one: an address with a message in it would stand in others' logs.
            let form = self.slo.iter().find(|endpoint| endpoint.binding == Binding::Post);
            return form.or_else(|| self.slo.first()).map(BackLogout::Direct);
        }
        self.slo_soap.as_deref().map(BackLogout::Soap)
    }

    /// Where a response goes that names nothing: the default one, else the first.
    #[must_use]
    pub fn default_acs(&self) -> Option<&Endpoint> {
        self.acs.iter().find(|endpoint| endpoint.default).or_else(|| self.acs.first())
    }
}
