//! GitLab (self-managed), by OpenID Connect.
//!
//! Source: docs.gitlab.com/administration/auth/oidc: `omniauth_providers`, `/users/auth/openid_connect/callback`, `pkce`,
//! `client_auth_method` (`basic` is the gem's default), `uid_field`; docs.gitlab.com/integration/omniauth: `omniauth_allow_single_sign_on`.

use super::{Facts, Given, Preset, Snippet, client, oidc, secret};
use crate::{
    Settings, SsoError,
    party::{ClientAuth, Protocol},
};

const CALLBACK: &str = "/users/auth/openid_connect/callback";

pub(super) static PRESET: Preset = Preset {
    name: "gitlab",
    title: "GitLab",
    protocol: Protocol::Oidc,
    url: "GitLab's external_url, like https://gitlab.example.org",
    options: &[],
    settings,
    snippets,
};

#[expect(clippy::unnecessary_wraps, reason = "the form of every preset")]
fn settings(given: &Given) -> Result<(Option<String>, Settings), SsoError> {
    let client = client(given, &[CALLBACK], &["openid", "profile", "email"], ClientAuth::ClientSecretBasic);
    Ok((None, oidc(given, client)))
}

fn snippets(facts: &Facts<'_>) -> Vec<Snippet> {
    let (issuer, key, secret, url, name) = (facts.issuer, facts.key, secret(facts), &facts.given.url, facts.name);
    vec![
        Snippet::new(
            "/etc/gitlab/gitlab.rb",
            format!(
                "gitlab_rails['omniauth_allow_single_sign_on'] = ['openid_connect']\n\
                 gitlab_rails['omniauth_block_auto_created_users'] = false\n\
                 gitlab_rails['omniauth_auto_link_user'] = ['openid_connect']\n\
                 gitlab_rails['omniauth_providers'] = [\n\
                 \x20 {{\n\
                 \x20   name: \"openid_connect\",\n\
                 \x20   label: \"{name} sign-in\",\n\
                 \x20   args: {{\n\
                 \x20     name: \"openid_connect\",\n\
                 \x20     scope: [\"openid\", \"profile\", \"email\"],\n\
                 \x20     response_type: \"code\",\n\
                 \x20     issuer: \"{issuer}\",\n\
                 \x20     discovery: true,\n\
                 \x20     client_auth_method: \"basic\",\n\
                 \x20     uid_field: \"sub\",\n\
                 \x20     pkce: true,\n\
                 \x20     client_options: {{\n\
                 \x20       identifier: \"{key}\",\n\
                 \x20       secret: \"{secret}\",\n\
                 \x20       redirect_uri: \"{url}{CALLBACK}\"\n\
                 \x20     }}\n\
                 \x20   }}\n\
                 \x20 }}\n\
                 ]\n"
            ),
        ),
        Snippet::new("then", "sudo gitlab-ctl reconfigure\n"),
    ]
}
