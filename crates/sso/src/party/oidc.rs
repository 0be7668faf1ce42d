//! What is set for a relying party that speaks OpenID Connect or OAuth 2.0: in the words of RFC 7591 §2 where it has one.

use crate::claims::ClaimsMap;
use auth::sign_in::Level;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How a client says who it is at the token endpoint (OpenID Connect Core §9, RFC 8705 §2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// Not at all: a program on somebody's own device. PKCE holds it.
    None,
    /// Its secret in the `Authorization` header.
    #[default]
    ClientSecretBasic,
    /// Its secret in the body.
    ClientSecretPost,
    /// A token signed with its secret.
    ClientSecretJwt,
    /// A token signed with its private key.
    PrivateKeyJwt,
    /// A certificate that an authority has signed.
    TlsClientAuth,
    /// A certificate that it has registered.
    SelfSignedTlsClientAuth,
}

/// By what a client gets tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum GrantType {
    /// A code that a browser brought.
    #[serde(rename = "authorization_code")]
    AuthorizationCode,
    /// A token that it was given before.
    #[serde(rename = "refresh_token")]
    RefreshToken,
    /// Nothing but who it is.
    #[serde(rename = "client_credentials")]
    ClientCredentials,
    /// A code that somebody typed elsewhere (RFC 8628).
    #[serde(rename = "urn:ietf:params:oauth:grant-type:device_code")]
    DeviceCode,
    /// A token for another audience (RFC 8693).
    #[serde(rename = "urn:ietf:params:oauth:grant-type:token-exchange")]
    TokenExchange,
}

/// What a person is called at the client (OpenID Connect Core §8).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The same everywhere: the user's id.
    #[default]
    Public,
    /// Another at each sector, so that sectors can't compare.
    Pairwise {
        /// The sector: a host name.
        sector: String,
    },
}

/// What an access token is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenFormat {
    /// Chance, that only introspection can read.
    #[default]
    Opaque,
    /// A signed token (RFC 9068), which a resource reads by itself.
    Jwt,
}

/// Which certificate a client shows (RFC 8705 §2.1.2): exactly one of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TlsClient {
    /// The authorities one of which must have signed it, PEM. Without one no certificate counts (`tls_client_auth`).
    pub authorities: Option<String>,
    /// The subject, in the form of RFC 4514.
    pub subject_dn: Option<String>,
    /// A DNS name of its.
    pub san_dns: Option<String>,
    /// A URI of its.
    pub san_uri: Option<String>,
    /// An address of its.
    pub san_ip: Option<String>,
    /// A mail address of its.
    pub san_email: Option<String>,
}

/// A client's secret, as it is kept: where it must never be read again only its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretHash {
    /// Hexadecimal of the tenant's keyed hash.
    pub digest: String,
    /// When it was made, in Unix milliseconds.
    pub created: i64,
    /// When it stops to count, in Unix milliseconds; none: never.
    pub expires: Option<i64>,
}

/// A client.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of a specification, under its name there")]
pub struct OidcClient {
    /// Where codes may be brought: compared byte for byte, but for the port of a loopback address (RFC 8252 §7.3).
    pub redirect_uris: Vec<String>,
    /// Where a browser may go after it was signed out.
    pub post_logout_redirect_uris: Vec<String>,
    /// By what it gets tokens.
    pub grant_types: Vec<GrantType>,
    /// How it says who it is.
    pub auth_method: ClientAuth,
    /// By which algorithm its own tokens are signed (`private_key_jwt`, `client_secret_jwt`); none: any that its keys have.
    pub auth_signing_alg: Option<String>,
    /// Hashes of its secrets: two while one takes the other's place. Where it signs with its secret, that stands sealed beside these.
    pub secrets: Vec<SecretHash>,
    /// Its public keys.
    pub jwks: Option<Value>,
    /// Where they can be fetched.
    pub jwks_uri: Option<String>,
    /// Its certificate.
    pub tls: TlsClient,
    /// Whether its access tokens are worth something only with its certificate.
    pub certificate_bound: bool,
    /// By which algorithm its id tokens are signed: `ES256`, `RS256`, `EdDSA`, or `HS256` with its secret.
    pub id_token_alg: String,
    /// By which its userinfo is signed; none: it is plain JSON.
    pub userinfo_alg: Option<String>,
    /// By which its request objects are signed (RFC 9101); none: any that its keys have, never `none`.
    pub request_object_alg: Option<String>,
    /// Whether only signed requests are taken.
    pub require_signed_request: bool,
    /// Whether only pushed requests are taken (RFC 9126).
    pub require_par: bool,
    /// What people are called.
    pub subject: Subject,
    /// Whether PKCE must be used. Only a confidential client that can't is ever excused.
    pub pkce_required: bool,
    /// Whether the FAPI 2.0 security profile holds.
    pub fapi: bool,
    /// Whether its access tokens are bound to a key (RFC 9449).
    pub dpop_required: bool,
    /// What a browser loads to sign out there.
    pub frontchannel_logout_uri: Option<String>,
    /// Whether it wants `iss` and `sid` there.
    pub frontchannel_logout_session_required: bool,
    /// What the server calls to sign out there.
    pub backchannel_logout_uri: Option<String>,
    /// Whether it is the organisation's own: then nobody is asked for consent.
    pub first_party: bool,
    /// What it may ask for.
    pub scopes: Vec<String>,
    /// For which resources it may get tokens (RFC 8707); empty: for itself.
    pub resources: Vec<String>,
    /// To which audiences it may exchange tokens; empty: to none.
    pub exchange_audiences: Vec<String>,
    /// What its access tokens are.
    pub access_token_format: TokenFormat,
    /// The life of an access token, in seconds.
    pub access_token_seconds: u32,
    /// The life of an id token, in seconds.
    pub id_token_seconds: u32,
    /// How long refreshing goes on at the longest, in seconds.
    pub refresh_token_seconds: u32,
    /// How long a refresh token waits to be used, in seconds.
    pub refresh_idle_seconds: u32,
    /// Whether refreshing goes on when the person's session has ended (`offline_access`).
    pub offline: bool,
    /// How strongly people must have proved who they are.
    pub level: Level,
    /// How old that may be, in seconds, where a request doesn't say.
    pub default_max_age: Option<u64>,
    /// What it is told of people, beside the standard claims of its scopes.
    pub claims: ClaimsMap,
    /// Where a sign-in that begins here is begun (OpenID Connect Core §4).
    pub initiate_login_uri: Option<String>,
    /// Hexadecimal of the keyed hash of its registration access token (RFC 7592).
    pub registration_token: Option<String>,
    /// Its page, for people.
    pub client_uri: Option<String>,
    /// Its privacy policy, for people.
    pub policy_uri: Option<String>,
    /// Its terms, for people.
    pub tos_uri: Option<String>,
}

impl Default for OidcClient {
    fn default() -> Self {
        Self {
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            auth_method: ClientAuth::default(),
            auth_signing_alg: None,
            secrets: Vec::new(),
            jwks: None,
            jwks_uri: None,
            tls: TlsClient::default(),
            certificate_bound: false,
            id_token_alg: "RS256".to_owned(),
            userinfo_alg: None,
            request_object_alg: None,
            require_signed_request: false,
            require_par: false,
            subject: Subject::default(),
            pkce_required: true,
            fapi: false,
            dpop_required: false,
            frontchannel_logout_uri: None,
            frontchannel_logout_session_required: true,
            backchannel_logout_uri: None,
            first_party: true,
            scopes: ["openid", "profile", "email", "groups", "offline_access"].map(str::to_owned).to_vec(),
            resources: Vec::new(),
            exchange_audiences: Vec::new(),
            access_token_format: TokenFormat::default(),
            access_token_seconds: 600,
            id_token_seconds: 600,
            refresh_token_seconds: 30 * 86_400,
            refresh_idle_seconds: 7 * 86_400,
            offline: false,
            level: Level::Multi,
            default_max_age: None,
            claims: ClaimsMap::default(),
            initiate_login_uri: None,
            registration_token: None,
            client_uri: None,
            policy_uri: None,
            tos_uri: None,
        }
    }
}

impl OidcClient {
    /// Whether it can keep a secret.
    #[must_use]
    pub const fn is_confidential(&self) -> bool {
        !matches!(self.auth_method, ClientAuth::None)
    }

    /// Whether it may use a grant.
    #[must_use]
    pub fn may(&self, grant: GrantType) -> bool {
        self.grant_types.contains(&grant)
    }

    /// Whether its secret must be read again: because it signs with it, or something is signed for it with that.
    #[must_use]
    pub fn signs_with_secret(&self) -> bool {
        self.auth_method == ClientAuth::ClientSecretJwt
            || self.id_token_alg.starts_with("HS")
            || self.userinfo_alg.as_deref().is_some_and(|alg| alg.starts_with("HS"))
    }
}
