//! Any application that speaks OpenID Connect or SAML.

use super::{Facts, Given, Preset, PresetOption, Snippet, field, identity_provider, oidc, saml, secret};
use crate::{
    Settings, SsoError,
    claims::{ClaimRule, ClaimsMap, Field, GroupFilter, Source},
    party::{ClientAuth, GrantType, OidcClient, Protocol, SamlParty},
};

pub(super) static OIDC: Preset = Preset {
    name: "oidc",
    title: "OpenID Connect",
    protocol: Protocol::Oidc,
    url: "the application's address",
    options: &[
        PresetOption {
            name: "redirect",
            about: "where codes are brought: addresses with commas between",
            needed: true,
        },
        PresetOption {
            name: "post-logout",
            about: "where browsers may go after a sign-out, with commas between",
            needed: false,
        },
        PresetOption { name: "backchannel-logout", about: "what is called when a session ends", needed: false },
        PresetOption { name: "frontchannel-logout", about: "what browsers load when a session ends", needed: false },
        PresetOption {
            name: "public",
            about: "`yes` for a program on people's own devices, which keeps no secret",
            needed: false,
        },
        PresetOption { name: "pkce", about: "`no` for a client with a secret that doesn't know PKCE", needed: false },
    ],
    settings: oidc_settings,
    snippets: oidc_snippets,
};

pub(super) static SAML: Preset = Preset {
    name: "saml",
    title: "SAML 2.0",
    protocol: Protocol::Saml,
    url: "the application's address",
    options: &[
        PresetOption { name: "entity", about: "its entity id", needed: true },
        PresetOption { name: "acs", about: "where responses go", needed: true },
        PresetOption { name: "soap-logout", about: "where it hears by SOAP of a session's end", needed: false },
    ],
    settings: saml_settings,
    snippets: |facts| vec![Snippet::new("the application's settings", identity_provider(facts))],
};

fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect()
}

fn oidc_settings(given: &Given) -> Result<(Option<String>, Settings), SsoError> {
    let given_or_none = |name: &str| Some(given.option(name).to_owned()).filter(|text| !text.is_empty());
    let public = yes(given, "public", false)?;
    let client = OidcClient {
        redirect_uris: list(given.option("redirect")),
        post_logout_redirect_uris: list(given.option("post-logout")),
        backchannel_logout_uri: given_or_none("backchannel-logout"),
        frontchannel_logout_uri: given_or_none("frontchannel-logout"),
        auth_method: if public { ClientAuth::None } else { ClientAuth::ClientSecretBasic },
        pkce_required: yes(given, "pkce", true)?,
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        ..OidcClient::default()
    };
    Ok((None, oidc(given, client)))
}

fn yes(given: &Given, name: &str, otherwise: bool) -> Result<bool, SsoError> {
    match given.option(name) {
        "" => Ok(otherwise),
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(SsoError::invalid(name, "is yes or no")),
    }
}

fn oidc_snippets(facts: &Facts<'_>) -> Vec<Snippet> {
    let (issuer, key) = (facts.issuer, facts.key);
    let secret = if facts.secret.is_some() { format!("client_secret  {}\n", secret(facts)) } else { String::new() };
    vec![Snippet::new(
        "the application's settings",
        format!(
            "issuer         {issuer}\ndiscovery      {issuer}/.well-known/openid-configuration\nclient_id      {key}\n{secret}\
             scopes         openid profile email groups offline_access\nPKCE           S256\nclaims         sub (never changes), \
             preferred_username, name, email, groups\n"
        ),
    )]
}

fn saml_settings(given: &Given) -> Result<(Option<String>, Settings), SsoError> {
    let slo_soap = Some(given.option("soap-logout").to_owned()).filter(|url| !url.is_empty());
    let party = SamlParty { attributes: attributes(), slo_soap, ..SamlParty::default() };
    let mut settings = saml(given.option("acs"), party);
    settings.tile.url = Some(given.url.clone());
    Ok((Some(given.option("entity").to_owned()), settings))
}

/// What most service providers understand: the names of OpenID Connect.
pub(crate) fn attributes() -> ClaimsMap {
    ClaimsMap(vec![
        field("username", Field::Username),
        field("email", Field::Email),
        field("name", Field::Realname),
        field("given_name", Field::Firstname),
        field("family_name", Field::Lastname),
        ClaimRule::new("groups", Source::Groups(GroupFilter::default())),
    ])
}
