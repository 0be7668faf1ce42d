//! AWS accounts, by SAML federation of IAM.
//!
//! Source: docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_saml_assertions.html: audience `urn:amazon:webservices`,
//! recipient `https://signin.aws.amazon.com/saml`, the attributes `Role` (pairs of ARNs with a comma between), `RoleSessionName` (2 to 64
//! characters) and `SessionDuration` (900 to 43,200 seconds).

use super::{Facts, Given, Preset, PresetOption, Snippet, identity_provider, saml};
use crate::{
    Settings, SsoError,
    claims::{ClaimRule, ClaimsMap, Field, GroupFilter, Source},
    party::{NameIdFormat, NameIdSettings, Protocol, SamlParty},
};

const NAMES: &str = "https://aws.amazon.com/SAML/Attributes";

pub(super) static PRESET: Preset = Preset {
    name: "aws",
    title: "Amazon Web Services",
    protocol: Protocol::Saml,
    url: "https://signin.aws.amazon.com",
    options: &[
        PresetOption { name: "account", about: "the account's number, 12 digits", needed: true },
        PresetOption {
            name: "provider",
            about: "what the SAML provider is called in IAM; else Countersign",
            needed: false,
        },
        PresetOption {
            name: "prefix",
            about: "how the groups begin whose members take a role; the rest is the role's name; else aws-",
            needed: false,
        },
    ],
    settings,
    snippets,
};

fn settings(given: &Given) -> Result<(Option<String>, Settings), SsoError> {
    let account = given.option("account");
    if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(SsoError::invalid("account", "has 12 digits"));
    }
    let provider = provider(given);
    if !provider.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
        return Err(SsoError::invalid("provider", "has letters, digits, dots, hyphens and underscores"));
    }
    let roles = GroupFilter {
        prefix: prefix(given).to_owned(),
        strip: true,
        each: format!("arn:aws:iam::{account}:role/{{}},arn:aws:iam::{account}:saml-provider/{provider}"),
        ..GroupFilter::default()
    };
    let rule = |name: &str, value| ClaimRule::new(&format!("{NAMES}/{name}"), value);
    let party = SamlParty {
        name_id: NameIdSettings { format: NameIdFormat::Persistent, ..NameIdSettings::default() },
        attributes: ClaimsMap(vec![
            rule("Role", Source::Groups(roles)),
            rule("RoleSessionName", Source::Field(Field::Username)),
            rule("SessionDuration", Source::Constant("3600".into())),
        ]),
        allow_idp_initiated: true,
        ..SamlParty::default()
    };
    Ok((Some("urn:amazon:webservices".to_owned()), saml("https://signin.aws.amazon.com/saml", party)))
}

fn provider(given: &Given) -> &str {
    match given.option("provider") {
        "" => "Countersign",
        name => name,
    }
}

fn prefix(given: &Given) -> &str {
    match given.option("prefix") {
        "" => "aws-",
        prefix => prefix,
    }
}

fn snippets(facts: &Facts<'_>) -> Vec<Snippet> {
    let (issuer, provider, prefix) = (facts.issuer, provider(facts.given), prefix(facts.given));
    let account = facts.given.option("account");
    vec![
        Snippet::new(
            "a shell with the AWS command line",
            format!(
                "curl -sf {issuer}/saml/metadata -o countersign.xml\n\
                 aws iam create-saml-provider --name {provider} --saml-metadata-document file://countersign.xml\n"
            ),
        ),
        Snippet::new(
            "the trust policy of each role",
            format!(
                "{{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [{{\n    \"Effect\": \"Allow\",\n    \"Principal\": {{ \"Federated\": \
                 \"arn:aws:iam::{account}:saml-provider/{provider}\" }},\n    \"Action\": \"sts:AssumeRoleWithSAML\",\n    \"Condition\": {{ \
                 \"StringEquals\": {{ \"SAML:aud\": \"https://signin.aws.amazon.com/saml\" }} }}\n  }}]\n}}\n"
            ),
        ),
        Snippet::new(
            "here",
            format!("Members of the group {prefix}ROLE take the role ROLE.\n{}", identity_provider(facts)),
        ),
    ]
}
