//! Salesforce, by SAML.
//!
//! Source: help.salesforce.com, "Create a SAML Single Sign-On Setting in Salesforce" (xcloud.sso_service_provider_configuration): "New from
//! Metadata URL"; entity id and ACS are the address of My Domain; the identity type is the Federation ID in the name identifier.

use super::{Facts, Given, Preset, Snippet, identity_provider, saml};
use crate::{
    Settings, SsoError,
    claims::{Field, Source},
    party::{Binding, LogoutEndpoint, NameIdFormat, NameIdSettings, Protocol, SamlParty},
};

pub(super) static PRESET: Preset = Preset {
    name: "salesforce",
    title: "Salesforce",
    protocol: Protocol::Saml,
    url: "the address of My Domain, like https://acme.my.salesforce.com",
    options: &[],
    settings,
    snippets,
};

#[expect(clippy::unnecessary_wraps, reason = "the form of every preset")]
fn settings(given: &Given) -> Result<(Option<String>, Settings), SsoError> {
    let slo = LogoutEndpoint {
        url: format!("{}/services/auth/sp/saml2/logout", given.url),
        response_url: None,
        binding: Binding::Redirect,
    };
    let party = SamlParty {
        name_id: NameIdSettings {
            format: NameIdFormat::Unspecified,
            value: Source::Field(Field::Username),
            pinned: true,
        },
        slo: vec![slo],
        ..SamlParty::default()
    };
    let mut settings = saml(&given.url, party);
    settings.tile.url = Some(given.url.clone());
    Ok((Some(given.url.clone()), settings))
}

fn snippets(facts: &Facts<'_>) -> Vec<Snippet> {
    vec![Snippet::new(
        "Setup, Single Sign-On Settings, New from Metadata URL",
        format!(
            "{}Entity ID (theirs)  {}\nSAML Identity Type  Assertion contains the Federation ID from the User object\n\
             Identity location   in the NameIdentifier element of the Subject statement\n\
             Then give each user their user name here as Federation ID, and switch the setting on under My Domain, \
             Authentication Configuration.\n",
            identity_provider(facts),
            facts.key
        ),
    )]
}
