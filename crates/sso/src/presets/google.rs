//! Google Workspace, by SAML.
//!
//! Source: support.google.com/a/answer/6330801 and /6349809: the ACS `https://www.google.com/a/{domain}/acs`, the domain-specific issuer
//! `google.com/a/{domain}`, the name identifier is the mail address at Google; the certificate is uploaded in the Admin console.

use super::{Facts, Given, Preset, PresetOption, Snippet, identity_provider, saml};
use crate::{
    Settings, SsoError,
    claims::{Field, Source},
    host::Host,
    party::{NameIdFormat, NameIdSettings, Protocol, SamlParty},
};

pub(super) static PRESET: Preset = Preset {
    name: "google-workspace",
    title: "Google Workspace",
    protocol: Protocol::Saml,
    url: "https://www.google.com",
    options: &[PresetOption { name: "domain", about: "the primary domain at Google", needed: true }],
    settings,
    snippets,
};

fn settings(given: &Given) -> Result<(Option<String>, Settings), SsoError> {
    let domain = given.option("domain");
    if Host::parse(domain).is_none_or(|host| host.name != domain) {
        return Err(SsoError::invalid("domain", "must be a domain in small letters"));
    }
    let party = SamlParty {
        name_id: NameIdSettings {
            format: NameIdFormat::EmailAddress,
            value: Source::Field(Field::Email),
            pinned: true,
        },
        ..SamlParty::default()
    };
    let mut settings = saml(&format!("https://www.google.com/a/{domain}/acs"), party);
    settings.tile.url = Some(format!("https://www.google.com/a/{domain}/ServiceLogin"));
    Ok((Some(format!("google.com/a/{domain}")), settings))
}

fn snippets(facts: &Facts<'_>) -> Vec<Snippet> {
    vec![Snippet::new(
        "admin.google.com, Security, Authentication, SSO with third-party identity provider, legacy SSO profile",
        format!(
            "{}Certificate         the X509Certificate in the metadata, as a PEM file\nUse a domain-specific issuer: yes\n",
            identity_provider(facts)
        ),
    )]
}
