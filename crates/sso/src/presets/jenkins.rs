//! Jenkins, by its plugin "OpenID Connect Authentication" (`oic-auth`).
//!
//! Source: github.com/jenkinsci/oic-auth-plugin, docs/configuration/README.md: `/securityRealm/finishLogin`, `serverConfiguration`,
//! `wellKnownOpenIDConfigurationUrl`, `userNameField`, `groupsFieldName`, `pkceEnabled`, `logoutFromOpenidProvider`.

use super::{Facts, Given, Preset, Snippet, client, oidc, secret};
use crate::{
    Settings, SsoError,
    party::{ClientAuth, Protocol},
};

const CALLBACK: &str = "/securityRealm/finishLogin";

pub(super) static PRESET: Preset = Preset {
    name: "jenkins",
    title: "Jenkins",
    protocol: Protocol::Oidc,
    url: "Jenkins URL, like https://jenkins.example.org",
    options: &[],
    settings,
    snippets,
};

#[expect(clippy::unnecessary_wraps, reason = "the form of every preset")]
fn settings(given: &Given) -> Result<(Option<String>, Settings), SsoError> {
    let scopes = ["openid", "profile", "email", "groups"];
    let mut client = client(given, &[CALLBACK], &scopes, ClientAuth::ClientSecretBasic);
    client.post_logout_redirect_uris =
        vec![given.url.clone(), format!("{}/", given.url), format!("{}/OicLogout", given.url)];
    Ok((None, oidc(given, client)))
}

fn snippets(facts: &Facts<'_>) -> Vec<Snippet> {
    let (issuer, key, secret) = (facts.issuer, facts.key, secret(facts));
    vec![Snippet::new(
        "jenkins.yaml (Configuration as Code), with the plugin oic-auth",
        format!(
            "jenkins:\n\
             \x20 securityRealm:\n\
             \x20   oic:\n\
             \x20     clientId: \"{key}\"\n\
             \x20     clientSecret: \"{secret}\"\n\
             \x20     serverConfiguration:\n\
             \x20       wellKnown:\n\
             \x20         wellKnownOpenIDConfigurationUrl: \"{issuer}/.well-known/openid-configuration\"\n\
             \x20         scopesOverride: \"openid profile email groups\"\n\
             \x20     userNameField: \"preferred_username\"\n\
             \x20     fullNameFieldName: \"name\"\n\
             \x20     emailFieldName: \"email\"\n\
             \x20     groupsFieldName: \"groups\"\n\
             \x20     pkceEnabled: true\n\
             \x20     logoutFromOpenidProvider: true\n"
        ),
    )]
}
