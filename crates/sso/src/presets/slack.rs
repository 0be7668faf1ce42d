//! Slack, by SAML.
//!
//! Source: slack.com/help/articles/205168057 (Custom SAML single sign-on): ACS `https://{workspace}.slack.com/sso/saml`, entity id
//! `https://slack.com`, a persistent name identifier, the attributes `User.Email`, `User.Username`, `first_name`, `last_name`; the response
//! must be signed; no single logout.

use super::{Facts, Given, Preset, Snippet, field, identity_provider, saml};
use crate::{
    Settings, SsoError,
    claims::{ClaimsMap, Field},
    party::{NameIdFormat, NameIdSettings, Protocol, SamlParty},
};

pub(super) static PRESET: Preset = Preset {
    name: "slack",
    title: "Slack",
    protocol: Protocol::Saml,
    url: "the workspace's address, like https://acme.slack.com",
    options: &[],
    settings,
    snippets,
};

fn settings(given: &Given) -> Result<(Option<String>, Settings), SsoError> {
    if !given.host().ends_with(".slack.com") {
        return Err(SsoError::invalid("url", "must be the workspace's address, like https://acme.slack.com"));
    }
    let party = SamlParty {
        name_id: NameIdSettings { format: NameIdFormat::Persistent, ..NameIdSettings::default() },
        attributes: ClaimsMap(vec![
            field("User.Email", Field::Email),
            field("User.Username", Field::Username),
            field("first_name", Field::Firstname),
            field("last_name", Field::Lastname),
        ]),
        sign_response: true,
        sign_assertion: true,
        allow_idp_initiated: true,
        ..SamlParty::default()
    };
    Ok((Some("https://slack.com".to_owned()), saml(&format!("{}/sso/saml", given.url), party)))
}

fn snippets(facts: &Facts<'_>) -> Vec<Snippet> {
    vec![Snippet::new(
        format!("{}/admin/auth, SAML authentication, Configure", facts.given.url),
        format!(
            "{}Public certificate  the X509Certificate in the metadata, as PEM\nSign AuthnRequest   no\n\
             Signed              response and assertion\nAuthnContextClassRef  don't send this value\n",
            identity_provider(facts)
        ),
    )]
}
