//! Nextcloud, by its app "OpenID Connect user backend" (`user_oidc`).
//!
//! Source: docs.nextcloud.com/server/latest/admin_manual/configuration_user/user_auth_oidc.html and the app's own readme
//! (github.com/nextcloud/user_oidc): `occ user_oidc:provider`, the redirect address `/apps/user_oidc/code` (with `/index.php` before it
//! where addresses aren't rewritten), `/apps/user_oidc/backchannel-logout/{identifier}`. It sends its secret in the body where a provider
//! takes that.

use super::{Facts, Given, Preset, Snippet, client, oidc, secret};
use crate::{
    Settings, SsoError,
    party::{ClientAuth, Protocol},
};

/// What the provider is called in Nextcloud: stands in the address of its logout.
const IDENTIFIER: &str = "countersign";

pub(super) static PRESET: Preset = Preset {
    name: "nextcloud",
    title: "Nextcloud",
    protocol: Protocol::Oidc,
    url: "Nextcloud's address, like https://cloud.example.org",
    options: &[],
    settings,
    snippets,
};

#[expect(clippy::unnecessary_wraps, reason = "the form of every preset")]
fn settings(given: &Given) -> Result<(Option<String>, Settings), SsoError> {
    let redirects = ["/apps/user_oidc/code", "/index.php/apps/user_oidc/code"];
    let scopes = ["openid", "profile", "email", "groups"];
    let mut client = client(given, &redirects, &scopes, ClientAuth::ClientSecretPost);
    client.post_logout_redirect_uris = vec![given.url.clone(), format!("{}/", given.url)];
    client.backchannel_logout_uri =
        Some(format!("{}/index.php/apps/user_oidc/backchannel-logout/{IDENTIFIER}", given.url));
    Ok((None, oidc(given, client)))
}

fn snippets(facts: &Facts<'_>) -> Vec<Snippet> {
    let (issuer, key, secret) = (facts.issuer, facts.key, secret(facts));
    vec![Snippet::new(
        "in Nextcloud's directory, as the web server's user",
        format!(
            "php occ app:install user_oidc\n\
             php occ user_oidc:provider {IDENTIFIER} --clientid='{key}' --clientsecret='{secret}' \\\n\
             \x20 --discoveryuri='{issuer}/.well-known/openid-configuration' --scope='openid profile email groups' \\\n\
             \x20 --unique-uid=0 --mapping-uid=preferred_username --mapping-display-name=name --mapping-email=email \\\n\
             \x20 --mapping-groups=groups --group-provisioning=1\n"
        ),
    )]
}
