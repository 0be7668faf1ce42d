//! Microsoft 365: a domain of Microsoft Entra ID that is federated to here, by SAML.
//!
//! Source: learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-fed-saml-idp: entity id `urn:federation:MicrosoftOnline`, ACS
//! `https://login.microsoftonline.com/login.srf`, a persistent name identifier that is the user's ImmutableID, the attribute `IDPEmail`
//! with the UserPrincipalName, an assertion or response signed by RSA; learn.microsoft.com/powershell/module/
//! microsoft.graph.identity.directorymanagement/new-mgdomainfederationconfiguration.

use super::{Facts, Given, Preset, PresetOption, Snippet, field, saml};
use crate::{
    Settings, SsoError,
    claims::{ClaimsMap, Field, Source},
    host::Host,
    party::{NameIdFormat, NameIdSettings, Protocol, SamlParty},
};

pub(super) static PRESET: Preset = Preset {
    name: "microsoft-365",
    title: "Microsoft 365",
    protocol: Protocol::Saml,
    url: "https://login.microsoftonline.com",
    options: &[
        PresetOption { name: "domain", about: "the domain that is federated", needed: true },
        PresetOption {
            name: "immutable-id",
            about: "the attribute of users that holds their ImmutableID; else the user's id here, to be set there",
            needed: false,
        },
    ],
    settings,
    snippets,
};

fn settings(given: &Given) -> Result<(Option<String>, Settings), SsoError> {
    let domain = given.option("domain");
    if Host::parse(domain).is_none_or(|host| host.name != domain) {
        return Err(SsoError::invalid("domain", "must be a domain in small letters"));
    }
    let value = match given.option("immutable-id") {
        "" => Source::Field(Field::Id),
        attribute => Source::Attribute(attribute.to_owned()),
    };
    let party = SamlParty {
        name_id: NameIdSettings { format: NameIdFormat::Persistent, value, pinned: true },
        attributes: ClaimsMap(vec![field("IDPEmail", Field::Email)]),
        ..SamlParty::default()
    };
    let mut settings = saml("https://login.microsoftonline.com/login.srf", party);
    settings.tile.url = Some(format!("https://www.office.com/login?domain_hint={domain}"));
    Ok((Some("urn:federation:MicrosoftOnline".to_owned()), settings))
}

fn snippets(facts: &Facts<'_>) -> Vec<Snippet> {
    let (issuer, domain, name) = (facts.issuer, facts.given.option("domain"), facts.name);
    vec![Snippet::new(
        "PowerShell with the module Microsoft.Graph, as an administrator of the directory",
        format!(
            "Connect-MgGraph -Scopes 'Domain.ReadWrite.All'\n\
             $metadata = [xml](Invoke-WebRequest '{issuer}/saml/metadata').Content\n\
             $certificate = $metadata.EntityDescriptor.IDPSSODescriptor.KeyDescriptor[0].KeyInfo.X509Data.X509Certificate\n\
             New-MgDomainFederationConfiguration -DomainId '{domain}' -DisplayName '{name}' `\n\
             \x20 -IssuerUri '{issuer}/saml/metadata' -PassiveSignInUri '{issuer}/saml/sso' -SignOutUri '{issuer}/saml/slo' `\n\
             \x20 -SigningCertificate $certificate -PreferredAuthenticationProtocol saml -FederatedIdpMfaBehavior acceptIfMfaDoneByFederatedIdp\n"
        ),
    )]
}
