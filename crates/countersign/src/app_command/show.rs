//! What is shown of applications: lists, settings, and what must be put where.

use super::{all, find};
use crate::{admin::office::Office, cli::say, services::Services};
use anyhow::Context as _;
use data_encoding::BASE64;
use sso::{
    Kind, Protocol, Settings, manage,
    party::{BackLogout, ClientAuth, SamlParty, TileSettings},
    presets::{self, Facts, Given, Preset},
};
use std::fmt::Write as _;
use types::SecretString;

/// `app presets`.
pub(super) fn presets(named: Option<&str>) -> anyhow::Result<()> {
    let mut text = String::new();
    let one = |preset: &Preset, text: &mut String| -> anyhow::Result<()> {
        writeln!(text, "{:18} {} ({})", preset.name, preset.title, word(preset.protocol))?;
        writeln!(text, "    --url          {}", preset.url)?;
        for option in preset.options {
            let needed = if option.needed { "" } else { " (not needed)" };
            writeln!(text, "    -o {:<12} {}{needed}", format!("{}=", option.name), option.about)?;
        }
        Ok(())
    };
    match named {
        Some(name) => one(presets::named(name).with_context(|| format!("there is no preset {name}"))?, &mut text)?,
        None => {
            for preset in presets::ALL {
                one(preset, &mut text)?;
            }
        }
    }
    say(&text)
}

const fn word(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Oidc => "OpenID Connect",
        Protocol::Saml => "SAML",
        Protocol::Forward => "forward authentication",
    }
}

/// `app list`.
pub(super) async fn list(office: &Office<'_>) -> anyhow::Result<()> {
    for row in all(office).await? {
        let integration = office.scope().rows().integration(&row.ikey).await?;
        let name = integration.map(|integration| integration.name).unwrap_or_default();
        say(&format!("{} {:8} {:30} {}\n", row.ikey, row.protocol, name, row.key))?;
    }
    Ok(())
}

/// `app show`.
pub(super) async fn run(office: &Office<'_>, services: &Services, named: &str, json: bool) -> anyhow::Result<()> {
    let (row, settings) = find(office, named).await?;
    if json {
        return say(&format!("{}\n", shown(&settings)?));
    }
    let integration = office.scope().rows().integration(&row.ikey).await?.context("its integration is gone")?;
    let policy = integration.policy.map_or_else(|| "none of its own".to_owned(), |policy| policy.to_string());
    say(&format!(
        "name      {}\nikey      {}\nprotocol  {}\nkey       {}\nlevel     {}\npolicy    {policy}\naccess    {}\n",
        integration.name,
        row.ikey,
        row.protocol,
        row.key,
        settings.level().acr(),
        integration.settings,
    ))?;
    snippets(office, services, &row.ikey, None).await
}

/// The settings without what nobody needs to see.
fn shown(settings: &Settings) -> anyhow::Result<String> {
    let mut settings = settings.clone();
    if let Kind::Oidc(client) = &mut settings.kind {
        for secret in &mut client.secrets {
            "…".clone_into(&mut secret.digest);
        }
        client.registration_token = client.registration_token.as_ref().map(|_| "…".to_owned());
    }
    Ok(serde_json::to_string_pretty(&settings)?)
}

/// What must be put where; with the secret, where it was made a moment ago.
pub(super) async fn snippets(
    office: &Office<'_>,
    services: &Services,
    ikey: &str,
    secret: Option<&SecretString>,
) -> anyhow::Result<()> {
    let scope = office.scope();
    let (row, settings) = manage::read(&scope, ikey).await?;
    let tenant = scope.row().await?;
    let integration = scope.rows().integration(ikey).await?.context("its integration is gone")?;
    let issuer = services.sso.issuer(&tenant.api_host);
    let mut text = String::new();
    writeln!(text, "{} is connected as {} ({}).", integration.name, row.key, row.ikey)?;
    if secret.is_some() {
        writeln!(text, "Its secret is shown this once; later: countersign app change --new-secret")?;
    }
    let Some((preset, given)) = preset_of(&settings) else { return say(&text) };
    let facts = Facts {
        issuer: &issuer,
        key: &row.key,
        secret: secret.map(SecretString::expose),
        name: &integration.name,
        given: &given,
    };
    for snippet in preset.snippets(&facts) {
        writeln!(text, "\n# {}\n{}", snippet.place, snippet.text.trim_end())?;
    }
    if let Kind::Saml(party) = &settings.kind {
        writeln!(text, "\n# How it hears of a session's end\n{}", hears(party))?;
        // Applications that don't read metadata are given the certificate by hand.
        if let Some(certificate) = services.sso.signing().saml_certificates(office.tenant).await?.first() {
            writeln!(
                text,
                "\n# The certificate that signs; it stands in the metadata, too\n{}",
                pem(certificate).trim_end()
            )?;
        }
    }
    if secret.is_none() && has_secret(&settings) {
        writeln!(text, "\nTHE-CLIENT-SECRET stands for the secret, which nobody can read again.")?;
    }
    say(&text)
}

/// How a service provider is told of a session's end.
fn hears(party: &SamlParty) -> String {
    match (party.back_logout(), party.slo.first()) {
        (Some(BackLogout::Soap(url)), _) => format!("from this server, by SOAP at {url}"),
        (Some(BackLogout::Direct(endpoint)), _) => format!("from this server, as from a browser at {}", endpoint.url),
        (None, Some(endpoint)) => {
            format!("by the browser alone, at {}: not when somebody is revoked (see --direct-logout)", endpoint.url)
        }
        (None, None) => "not at all: it names no address (saml.slo_soap, saml.slo)".to_owned(),
    }
}

/// A certificate as text (RFC 7468 §5).
fn pem(der: &[u8]) -> String {
    let mut text = "-----BEGIN CERTIFICATE-----\n".to_owned();
    for line in BASE64.encode(der).as_bytes().chunks(64) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    }
    text + "-----END CERTIFICATE-----\n"
}

fn has_secret(settings: &Settings) -> bool {
    match &settings.kind {
        Kind::Oidc(client) => {
            matches!(client.auth_method, ClientAuth::ClientSecretBasic | ClientAuth::ClientSecretPost)
        }
        _ => false,
    }
}

/// The preset that it was made by, with what that was given.
fn preset_of(settings: &Settings) -> Option<(&'static Preset, Given)> {
    let TileSettings { preset, address, options, .. } = &settings.tile;
    Some((presets::named(preset)?, Given::new(address, options.clone()).ok()?))
}
