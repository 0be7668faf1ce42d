//! A client's metadata (RFC 7591 §2, OpenID Connect Dynamic Registration §2), both ways.
//!
//! What a program asks for itself is less than what an administrator may give: it is never the organisation's own, so its people are asked;
//! it always uses PKCE; and it gets tokens for people only. What is strict once, an administrator may have made so: the program doesn't undo it.

use crate::frame::error::{Code, OAuthError};
use jose::{Algorithm, Algorithms};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sso::{ClientAuth, GrantType, OidcClient, party::Subject, party::TlsClient, redirect_uri};

/// Bytes of a name for people.
const LONGEST_NAME: usize = 100;

/// What a client says of itself. Members that aren't here are ignored (RFC 7591 §2), but for those that would promise something.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Metadata {
    pub(super) client_id: Option<String>,
    client_name: Option<String>,
    redirect_uris: Vec<String>,
    post_logout_redirect_uris: Vec<String>,
    response_types: Option<Vec<String>>,
    grant_types: Option<Vec<String>>,
    application_type: Option<String>,
    token_endpoint_auth_method: Option<String>,
    token_endpoint_auth_signing_alg: Option<String>,
    jwks: Option<Value>,
    jwks_uri: Option<String>,
    scope: Option<String>,
    subject_type: Option<String>,
    sector_identifier_uri: Option<String>,
    id_token_signed_response_alg: Option<String>,
    userinfo_signed_response_alg: Option<String>,
    request_object_signing_alg: Option<String>,
    require_signed_request_object: bool,
    require_pushed_authorization_requests: bool,
    dpop_bound_access_tokens: bool,
    tls_client_certificate_bound_access_tokens: bool,
    tls_client_auth_subject_dn: Option<String>,
    tls_client_auth_san_dns: Option<String>,
    tls_client_auth_san_uri: Option<String>,
    tls_client_auth_san_ip: Option<String>,
    tls_client_auth_san_email: Option<String>,
    default_max_age: Option<u64>,
    frontchannel_logout_uri: Option<String>,
    frontchannel_logout_session_required: Option<bool>,
    backchannel_logout_uri: Option<String>,
    initiate_login_uri: Option<String>,
    client_uri: Option<String>,
    policy_uri: Option<String>,
    tos_uri: Option<String>,
    software_statement: Option<Value>,
    id_token_encrypted_response_alg: Option<String>,
    userinfo_encrypted_response_alg: Option<String>,
    request_object_encryption_alg: Option<String>,
}

const fn invalid(description: &'static str) -> OAuthError {
    OAuthError::new(Code::InvalidClientMetadata, description)
}

impl Metadata {
    /// From a request's body.
    pub(crate) fn read(body: &[u8]) -> Result<Self, OAuthError> {
        const UNREADABLE: OAuthError = invalid("The metadata can not be read.");
        // An object, in which a list of values would else be taken for one; and no member twice, of which another may read the other.
        let object = jose::json::parse_object(body, super::LONGEST).map_err(|_| UNREADABLE)?;
        serde_json::from_value(Value::Object(object)).map_err(|_| UNREADABLE)
    }

    /// Its name for people.
    pub(super) fn name(&self) -> Result<String, OAuthError> {
        let name = self.client_name.as_deref().map_or("An application", str::trim);
        let fits = !name.is_empty() && name.len() <= LONGEST_NAME && !name.chars().any(char::is_control);
        fits.then(|| name.to_owned())
            .ok_or(invalid("The client_name is empty, too long or has control characters in it."))
    }

    /// As settings; what was set before and isn't the program's to say comes from `before`.
    pub(crate) fn client(&self, before: &OidcClient) -> Result<OidcClient, OAuthError> {
        self.promises()?;
        let auth_method = match &self.token_endpoint_auth_method {
            None => ClientAuth::ClientSecretBasic,
            Some(word) => word_of(word).ok_or(invalid("The token_endpoint_auth_method is not one of this server."))?,
        };
        for uri in self.redirect_uris.iter().chain(&self.post_logout_redirect_uris) {
            if !redirect_uri::may_be_registered(uri, auth_method != ClientAuth::None) {
                return Err(OAuthError::new(Code::InvalidRedirectUri, "An address is none that may be registered."));
            }
        }
        if self.redirect_uris.is_empty() {
            return Err(OAuthError::new(Code::InvalidRedirectUri, "There must be a redirect_uri."));
        }
        let alg = |given: &Option<String>, usual: &str| given.clone().unwrap_or_else(|| usual.to_owned());
        let scopes: Vec<String> = match &self.scope {
            None => before.scopes.clone(),
            Some(text) => {
                let asked = text.split(' ').filter(|word| !word.is_empty());
                asked.filter(|word| super::super::discovery::SCOPES.contains(word)).map(str::to_owned).collect()
            }
        };
        Ok(OidcClient {
            redirect_uris: self.redirect_uris.clone(),
            post_logout_redirect_uris: self.post_logout_redirect_uris.clone(),
            grant_types: self.grants()?,
            auth_method,
            auth_signing_alg: self.token_endpoint_auth_signing_alg.clone(),
            jwks: self.jwks.clone(),
            jwks_uri: self.jwks_uri.clone(),
            tls: TlsClient {
                // Whom to trust is the administrator's to say, not a stranger's.
                authorities: before.tls.authorities.clone(),
                subject_dn: self.tls_client_auth_subject_dn.clone(),
                san_dns: self.tls_client_auth_san_dns.clone(),
                san_uri: self.tls_client_auth_san_uri.clone(),
                san_ip: self.tls_client_auth_san_ip.clone(),
                san_email: self.tls_client_auth_san_email.clone(),
            },
            certificate_bound: self.tls_client_certificate_bound_access_tokens,
            id_token_alg: alg(&self.id_token_signed_response_alg, "RS256"),
            userinfo_alg: self.userinfo_signed_response_alg.clone(),
            request_object_alg: self.request_object_signing_alg.clone(),
            require_signed_request: self.require_signed_request_object,
            require_par: self.require_pushed_authorization_requests,
            subject: self.subject()?,
            pkce_required: true,
            dpop_required: self.dpop_bound_access_tokens,
            frontchannel_logout_uri: self.frontchannel_logout_uri.clone(),
            frontchannel_logout_session_required: self.frontchannel_logout_session_required.unwrap_or(true),
            backchannel_logout_uri: self.backchannel_logout_uri.clone(),
            first_party: false,
            scopes,
            default_max_age: self.default_max_age,
            initiate_login_uri: self.initiate_login_uri.clone(),
            client_uri: self.client_uri.clone(),
            policy_uri: self.policy_uri.clone(),
            tos_uri: self.tos_uri.clone(),
            ..before.clone()
        })
    }

    /// As settings in the place of `before`, and never less strict than those.
    pub(super) fn changed(&self, before: &OidcClient) -> Result<OidcClient, OAuthError> {
        let asked = self.client(before)?;
        let auth_method =
            if self.token_endpoint_auth_method.is_none() { before.auth_method } else { asked.auth_method };
        if strength(auth_method) < strength(before.auth_method) {
            return Err(invalid("The token_endpoint_auth_method is weaker than the one that is set."));
        }
        let default_max_age = match (asked.default_max_age, before.default_max_age) {
            (Some(asked), Some(before)) => Some(asked.min(before)),
            (asked, before) => asked.or(before),
        };
        // One that had no grant left would be taken for a resource, which may ask about everybody's tokens.
        let grant_types: Vec<_> =
            asked.grant_types.into_iter().filter(|one| before.grant_types.contains(one)).collect();
        if !grant_types.contains(&GrantType::AuthorizationCode) {
            return Err(invalid("The grant_types that are set for this client lack authorization_code."));
        }
        // What it signed by as whom it was before is no matter for another way.
        let auth_signing_alg = if auth_method == before.auth_method {
            kept_or_as_strong(asked.auth_signing_alg, before.auth_signing_alg.as_ref())?
        } else {
            asked.auth_signing_alg
        };
        let id_token_alg = kept_or_as_strong(self.id_token_signed_response_alg.clone(), Some(&before.id_token_alg))?;
        // Who is told a name of his own for each person can't join what others know of them.
        let subject = match (asked.subject, &before.subject) {
            (Subject::Public, Subject::Pairwise { .. }) => before.subject.clone(),
            (asked, _) => asked,
        };
        Ok(OidcClient {
            auth_method,
            auth_signing_alg,
            id_token_alg: id_token_alg.unwrap_or(asked.id_token_alg),
            userinfo_alg: kept_or_as_strong(asked.userinfo_alg, before.userinfo_alg.as_ref())?,
            request_object_alg: kept_or_as_strong(asked.request_object_alg, before.request_object_alg.as_ref())?,
            grant_types,
            default_max_age,
            subject,
            scopes: asked.scopes.into_iter().filter(|scope| before.scopes.contains(scope)).collect(),
            certificate_bound: asked.certificate_bound || before.certificate_bound,
            require_signed_request: asked.require_signed_request || before.require_signed_request,
            require_par: asked.require_par || before.require_par,
            dpop_required: asked.dpop_required || before.dpop_required,
            ..asked
        })
    }

    /// Refuses what this server can't keep.
    fn promises(&self) -> Result<(), OAuthError> {
        let encrypted = [
            &self.id_token_encrypted_response_alg,
            &self.userinfo_encrypted_response_alg,
            &self.request_object_encryption_alg,
        ];
        if encrypted.iter().any(|alg| alg.is_some()) {
            return Err(invalid("Nothing is encrypted here."));
        }
        if self.software_statement.is_some() {
            return Err(invalid("Software statements are not taken."));
        }
        if self.sector_identifier_uri.is_some() {
            return Err(invalid("A sector_identifier_uri is not taken."));
        }
        let code = |types: &Vec<String>| types.iter().all(|kind| kind == "code") && !types.is_empty();
        if !self.response_types.as_ref().is_none_or(code) {
            return Err(invalid("The response_types must be code."));
        }
        if !matches!(self.application_type.as_deref(), None | Some("web" | "native")) {
            return Err(invalid("The application_type must be web or native."));
        }
        Ok(())
    }

    fn grants(&self) -> Result<Vec<GrantType>, OAuthError> {
        let Some(asked) = &self.grant_types else { return Ok(vec![GrantType::AuthorizationCode]) };
        let grants = asked.iter().map(|grant| match grant.as_str() {
            "authorization_code" => Ok(GrantType::AuthorizationCode),
            "refresh_token" => Ok(GrantType::RefreshToken),
            _ => Err(invalid("A client that registers itself gets authorization_code and refresh_token only.")),
        });
        let grants = grants.collect::<Result<Vec<_>, _>>()?;
        if grants.contains(&GrantType::AuthorizationCode) {
            Ok(grants)
        } else {
            Err(invalid("The grant_types must have authorization_code among them."))
        }
    }

    /// A sector of its own is that of its addresses (OpenID Connect Core §8.1).
    fn subject(&self) -> Result<Subject, OAuthError> {
        match self.subject_type.as_deref() {
            None | Some("public") => Ok(Subject::Public),
            Some("pairwise") => {
                let hosts: Vec<String> = self.redirect_uris.iter().filter_map(|uri| host_of(uri)).collect();
                match hosts.as_slice() {
                    [first, rest @ ..]
                        if hosts.len() == self.redirect_uris.len() && rest.iter().all(|host| host == first) =>
                    {
                        Ok(Subject::Pairwise { sector: first.clone() })
                    }
                    _ => Err(invalid("For pairwise subjects all redirect_uris must have one host.")),
                }
            }
            Some(_) => Err(invalid("The subject_type must be public or pairwise.")),
        }
    }
}

/// How much it takes to be taken for the client.
const fn strength(method: ClientAuth) -> u8 {
    match method {
        ClientAuth::None => 0,
        ClientAuth::ClientSecretBasic | ClientAuth::ClientSecretPost => 1,
        ClientAuth::ClientSecretJwt => 2,
        ClientAuth::PrivateKeyJwt | ClientAuth::TlsClientAuth | ClientAuth::SelfSignedTlsClientAuth => 3,
    }
}

/// The algorithm that is asked for, or the one that is set where none is; none that is weaker than that.
fn kept_or_as_strong(asked: Option<String>, set: Option<&String>) -> Result<Option<String>, OAuthError> {
    match (asked, set) {
        (None, set) => Ok(set.cloned()),
        (Some(asked), Some(set)) if hardness(&asked) < hardness(set) => {
            Err(invalid("An algorithm is weaker than the one that is set."))
        }
        (asked, _) => Ok(asked),
    }
}

/// How much an algorithm is worth: one that isn't known, a secret that both sides have, a key, and one as FAPI 2.0 wants it (§5.4).
fn hardness(name: &str) -> u8 {
    match Algorithm::from_name(name) {
        None => 0,
        Some(Algorithm::Hs256) => 1,
        Some(one) if Algorithms::FAPI.contains(one) => 3,
        Some(_) => 2,
    }
}

fn host_of(uri: &str) -> Option<String> {
    let uri: http::Uri = uri.parse().ok()?;
    uri.host().map(str::to_ascii_lowercase)
}

/// By its word.
fn word_of<T: serde::de::DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(Value::String(word.to_owned())).ok()
}

/// As a client reads it.
pub(super) fn of(client_id: &str, name: &str, client: &OidcClient) -> Map<String, Value> {
    let mut out = Map::new();
    let grants = serde_json::to_value(&client.grant_types).unwrap_or_default();
    let auth = serde_json::to_value(client.auth_method).unwrap_or_default();
    let subject = match &client.subject {
        Subject::Public => "public",
        Subject::Pairwise { .. } => "pairwise",
    };
    for (member, value) in [
        ("client_id", json!(client_id)),
        ("client_name", json!(name)),
        ("redirect_uris", json!(client.redirect_uris)),
        ("post_logout_redirect_uris", json!(client.post_logout_redirect_uris)),
        ("response_types", json!(["code"])),
        ("grant_types", grants),
        ("token_endpoint_auth_method", auth),
        ("token_endpoint_auth_signing_alg", json!(client.auth_signing_alg)),
        ("jwks", json!(client.jwks)),
        ("jwks_uri", json!(client.jwks_uri)),
        ("scope", json!(client.scopes.join(" "))),
        ("subject_type", json!(subject)),
        ("id_token_signed_response_alg", json!(client.id_token_alg)),
        ("userinfo_signed_response_alg", json!(client.userinfo_alg)),
        ("request_object_signing_alg", json!(client.request_object_alg)),
        ("require_signed_request_object", json!(client.require_signed_request)),
        ("require_pushed_authorization_requests", json!(client.require_par)),
        ("dpop_bound_access_tokens", json!(client.dpop_required)),
        ("tls_client_certificate_bound_access_tokens", json!(client.certificate_bound)),
        ("tls_client_auth_subject_dn", json!(client.tls.subject_dn)),
        ("tls_client_auth_san_dns", json!(client.tls.san_dns)),
        ("tls_client_auth_san_uri", json!(client.tls.san_uri)),
        ("tls_client_auth_san_ip", json!(client.tls.san_ip)),
        ("tls_client_auth_san_email", json!(client.tls.san_email)),
        ("default_max_age", json!(client.default_max_age)),
        ("frontchannel_logout_uri", json!(client.frontchannel_logout_uri)),
        ("frontchannel_logout_session_required", json!(client.frontchannel_logout_session_required)),
        ("backchannel_logout_uri", json!(client.backchannel_logout_uri)),
        // The session is always named there.
        ("backchannel_logout_session_required", json!(client.backchannel_logout_uri.as_ref().map(|_| true))),
        ("initiate_login_uri", json!(client.initiate_login_uri)),
        ("client_uri", json!(client.client_uri)),
        ("policy_uri", json!(client.policy_uri)),
        ("tos_uri", json!(client.tos_uri)),
    ] {
        if !value.is_null() {
            out.insert(member.to_owned(), value);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &Value) -> Result<OidcClient, OAuthError> {
        Metadata::read(value.to_string().as_bytes()).and_then(|metadata| {
            metadata.name()?;
            metadata.client(&OidcClient::default())
        })
    }

    #[test]
    fn what_is_read_is_what_is_told_and_a_program_is_never_the_organisations_own() {
        let asked = json!({
            "client_name": "An app", "redirect_uris": ["https://app.example/cb"], "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://app.example/jwks", "scope": "openid email admin",
            "subject_type": "pairwise", "backchannel_logout_uri": "https://app.example/bye", "first_party": true,
            "pkce_required": false, "level": "single", "unknown": 1,
        });
        let client = read(&asked).unwrap();
        assert!(!client.first_party && client.pkce_required);
        assert_eq!(client.level, OidcClient::default().level);
        assert_eq!(client.scopes, ["openid", "email"]);
        assert_eq!(client.subject, Subject::Pairwise { sector: "app.example".to_owned() });
        let told = of("c", "An app", &client);
        let again = read(&Value::Object(told.clone())).unwrap();
        assert_eq!(of("c", "An app", &again), told);
    }

    #[test]
    fn what_is_strict_stays_so() {
        let set = OidcClient {
            auth_method: ClientAuth::PrivateKeyJwt,
            jwks_uri: Some("https://app.example/jwks".to_owned()),
            subject: Subject::Pairwise { sector: "app.example".to_owned() },
            scopes: vec!["openid".to_owned(), "groups".to_owned()],
            dpop_required: true,
            require_par: true,
            require_signed_request: true,
            certificate_bound: true,
            default_max_age: Some(600),
            ..OidcClient::default()
        };
        let changed = |more: Value| {
            let mut asked = json!({ "redirect_uris": ["https://app.example/cb"] });
            asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            Metadata::read(asked.to_string().as_bytes()).unwrap().changed(&set)
        };
        let client = changed(json!({ "scope": "openid email", "default_max_age": 9000 })).unwrap();
        assert_eq!(client.scopes, ["openid"]);
        assert!(
            client.dpop_required && client.require_par && client.require_signed_request && client.certificate_bound
        );
        assert_eq!((client.auth_method, client.default_max_age), (ClientAuth::PrivateKeyJwt, Some(600)));
        assert_eq!(client.subject, set.subject);
        let client =
            changed(json!({ "default_max_age": 60, "token_endpoint_auth_method": "tls_client_auth" })).unwrap();
        assert_eq!((client.auth_method, client.default_max_age), (ClientAuth::TlsClientAuth, Some(60)));
        assert_eq!(client.scopes, set.scopes);
        for weaker in ["none", "client_secret_basic", "client_secret_jwt"] {
            assert!(changed(json!({ "token_endpoint_auth_method": weaker })).is_err(), "{weaker}");
        }
    }

    #[test]
    fn what_is_taken_or_set_by_an_administrator_is_not_asked_back() {
        let set = OidcClient {
            auth_method: ClientAuth::PrivateKeyJwt,
            jwks_uri: Some("https://app.example/jwks".to_owned()),
            grant_types: vec![GrantType::AuthorizationCode],
            auth_signing_alg: Some("ES256".to_owned()),
            id_token_alg: "PS256".to_owned(),
            userinfo_alg: Some("RS256".to_owned()),
            request_object_alg: Some("ES256".to_owned()),
            ..OidcClient::default()
        };
        let ask = |set: &OidcClient, more: Value| {
            let mut asked = json!({ "redirect_uris": ["https://app.example/cb"] });
            asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            Metadata::read(asked.to_string().as_bytes()).unwrap().changed(set)
        };
        let algorithms = |client: &OidcClient| {
            let (auth, userinfo, request) =
                (&client.auth_signing_alg, &client.userinfo_alg, &client.request_object_alg);
            (auth.clone(), client.id_token_alg.clone(), userinfo.clone(), request.clone())
        };
        let both = json!({ "grant_types": ["authorization_code", "refresh_token"] });
        let left = ask(&set, both.clone()).unwrap();
        assert_eq!(left.grant_types, [GrantType::AuthorizationCode]);
        assert_eq!(algorithms(&left), algorithms(&set));
        // What it may have it may give up.
        let wide =
            OidcClient { grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken], ..set.clone() };
        assert_eq!(ask(&wide, both.clone()).unwrap().grant_types, wide.grant_types);
        assert_eq!(ask(&wide, json!({})).unwrap().grant_types, set.grant_types);
        // None at all would be a resource's, and more than the program had.
        for grants in [vec![], vec![GrantType::RefreshToken], vec![GrantType::ClientCredentials]] {
            assert!(ask(&OidcClient { grant_types: grants, ..set.clone() }, both.clone()).is_err());
        }
        for (member, weaker, as_strong) in [
            ("token_endpoint_auth_signing_alg", vec!["RS256", "HS256", "none"], "EdDSA"),
            ("id_token_signed_response_alg", vec!["RS256", "HS256", "none"], "ES256"),
            ("userinfo_signed_response_alg", vec!["HS256", "none"], "ES256"),
            ("request_object_signing_alg", vec!["RS256", "HS256", "none", ""], "PS256"),
        ] {
            for name in weaker {
                assert!(ask(&set, json!({ member: name })).is_err(), "{member} {name}");
            }
            assert_ne!(algorithms(&ask(&set, json!({ member: as_strong })).unwrap()), algorithms(&set), "{member}");
        }
        // Where none was set, one may be.
        let open = OidcClient { request_object_alg: None, ..set.clone() };
        let asked = ask(&open, json!({ "request_object_signing_alg": "RS256" })).unwrap();
        assert_eq!(asked.request_object_alg.as_deref(), Some("RS256"));
        // By another way of showing who it is, it may sign by what belongs to that.
        let shared = OidcClient {
            auth_method: ClientAuth::ClientSecretJwt,
            auth_signing_alg: Some("HS256".to_owned()),
            ..set.clone()
        };
        let turned = ask(&shared, json!({ "token_endpoint_auth_method": "private_key_jwt" })).unwrap();
        assert_eq!((turned.auth_method, turned.auth_signing_alg), (ClientAuth::PrivateKeyJwt, None));
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        let base = || json!({ "redirect_uris": ["https://app.example/cb"] });
        assert!(read(&base()).is_ok());
        let hostile = "x".repeat(LONGEST_NAME + 1);
        for (member, value) in [
            ("redirect_uris", json!([])),
            ("redirect_uris", json!(["javascript:alert(1)"])),
            ("redirect_uris", json!(["https://*.example/"])),
            ("redirect_uris", json!(["https://a.example/#x"])),
            ("redirect_uris", json!("https://a.example")),
            ("post_logout_redirect_uris", json!(["http://a.example/"])),
            ("response_types", json!(["code", "token"])),
            ("grant_types", json!(["client_credentials"])),
            ("grant_types", json!(["refresh_token"])),
            ("grant_types", json!(["implicit", "authorization_code"])),
            ("token_endpoint_auth_method", json!("nothing")),
            ("subject_type", json!("mine")),
            ("sector_identifier_uri", json!("https://a.example/s")),
            ("software_statement", json!("x")),
            ("id_token_encrypted_response_alg", json!("RSA-OAEP")),
            ("application_type", json!("other")),
            ("client_name", json!(hostile)),
            ("client_name", json!("a\u{7}b")),
        ] {
            let mut asked = base();
            asked[member] = value.clone();
            assert!(read(&asked).is_err(), "{member} {value}");
        }
        let twice = r#"{"redirect_uris":["https://a.example/"],"redirect_uris":["https://b.example/"]}"#;
        for body in ["", "[]", "1", "{", "{\"redirect_uris\":{}}", twice] {
            assert!(Metadata::read(body.as_bytes()).is_err(), "{body}");
        }
    }
}
