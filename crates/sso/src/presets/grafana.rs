//! Grafana, by OpenID Connect.
//!
//! Source: grafana.com/docs/grafana/latest/setup-grafana/configure-access/configure-authentication/generic-oauth: `[auth.generic_oauth]`,
//! `/login/generic_oauth`, `use_pkce`, `login_attribute_path`, `role_attribute_path` (JMESPath), `auth_style`; `root_url` of `[server]`
//! must be the address that people use.

use super::{Facts, Given, Preset, PresetOption, Snippet, client, oidc, secret};
use crate::{
    Settings, SsoError,
    party::{ClientAuth, Protocol},
};

const CALLBACK: &str = "/login/generic_oauth";

pub(super) static PRESET: Preset = Preset {
    name: "grafana",
    title: "Grafana",
    protocol: Protocol::Oidc,
    url: "Grafana's root_url, like https://grafana.example.org",
    options: &[PresetOption { name: "admins", about: "the group whose members administer Grafana", needed: false }],
    settings,
    snippets,
};

fn settings(given: &Given) -> Result<(Option<String>, Settings), SsoError> {
    let admins = given.option("admins");
    if admins.contains(['\'', '"', '\\', '\n', '`']) {
        return Err(SsoError::invalid("admins", "must be a group's name without quotes"));
    }
    let scopes = ["openid", "profile", "email", "groups", "offline_access"];
    let mut client = client(given, &[CALLBACK], &scopes, ClientAuth::ClientSecretBasic);
    client.post_logout_redirect_uris = vec![format!("{}/login", given.url)];
    Ok((None, oidc(given, client)))
}

fn snippets(facts: &Facts<'_>) -> Vec<Snippet> {
    let (issuer, key, secret, url) = (facts.issuer, facts.key, secret(facts), &facts.given.url);
    let roles = match facts.given.option("admins") {
        "" => "'Viewer'".to_owned(),
        group => format!("contains(groups[*], '{group}') && 'Admin' || 'Viewer'"),
    };
    vec![Snippet::new(
        "grafana.ini",
        format!(
            "[server]\nroot_url = {url}/\n\n[auth.generic_oauth]\nenabled = true\nname = {}\nallow_sign_up = true\nclient_id = {key}\n\
             client_secret = {secret}\nscopes = openid profile email groups offline_access\nauth_url = {issuer}/oidc/authorize\n\
             token_url = {issuer}/oidc/token\napi_url = {issuer}/oidc/userinfo\nauth_style = InHeader\nuse_pkce = true\n\
             use_refresh_token = true\nlogin_attribute_path = preferred_username\nname_attribute_path = name\n\
             email_attribute_path = email\ngroups_attribute_path = groups\nrole_attribute_path = {roles}\n\
             signout_redirect_url = {issuer}/oidc/logout?post_logout_redirect_uri={}\n",
            facts.name,
            url::form_urlencoded::byte_serialize(format!("{url}/login").as_bytes()).collect::<String>(),
        ),
    )]
}
