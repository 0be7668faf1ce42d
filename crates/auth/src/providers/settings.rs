//! What an administrator says of a provider: all of it but the one secret, which is kept apart and sealed.

use crate::sign_in::Level;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use types::{Millis, SecretString};
use upstream::{
    Fetch, check_address,
    oidc::{Authentication, OidcError, Registration, Upstream},
    saml::{Binding, Provider, SamlError, Source},
};

/// The longest settings, in bytes: with a provider's metadata among them.
const LONGEST: usize = 320 * 1024;
/// The longest name, address or claim, in bytes.
const LONGEST_TEXT: usize = 1024;
/// The most domains, scopes and rules of trust.
const MOST: usize = 64;

/// How a tenant's people come from a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSettings {
    /// What people call it: stands on a button.
    pub name: String,
    /// How it is asked.
    pub speaks: Speaks,
    /// Which claim or attribute says what a person is called here; without it `preferred_username`, and of a SAML provider the name
    /// identifier. Used for [`LinkBy::UserName`] and for new accounts, and for nothing else.
    pub user_name: Option<String>,
    /// Which attribute of a SAML provider is a mail address. An OpenID provider's is `email`, and counts if it says that it was verified.
    pub email: Option<String>,
    /// Domains whose people it answers for, in lower case. Whoever types a name with one of them is sent there, and an address with
    /// another is never believed.
    pub domains: Vec<String>,
    /// Whose account an unknown subject may turn out to be.
    pub link_by: LinkBy,
    /// Whether an unknown subject becomes a user.
    pub create: bool,
    /// For what the provider's word is taken; without a rule it is the first of two proofs.
    pub trust: Vec<Trust>,
    /// Whether people prove who they are anew there with each sign-in.
    pub always_ask: bool,
}

/// What a provider speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Speaks {
    /// OpenID Connect.
    Oidc {
        /// Letter by letter as in its tokens.
        issuer: String,
        /// Our name there.
        client_id: String,
        /// How the secret is shown.
        authentication: ClientAuthentication,
        /// Scopes beside `openid`.
        scopes: Vec<String>,
        /// Names of the algorithms with which its id tokens may be signed.
        algorithms: Vec<String>,
        /// Whether its userinfo endpoint is asked, too.
        userinfo: bool,
    },
    /// SAML 2.0.
    Saml {
        /// Its entity id; never changes.
        entity_id: String,
        /// Where its metadata comes from.
        metadata: Metadata,
        /// The format of the name that is asked for, and then must come.
        name_id_format: Option<String>,
        /// Which attribute tells its people apart for ever; without it the name identifier.
        subject: Option<String>,
    },
}

/// Where a SAML provider's metadata comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Metadata {
    /// From this address, again and again.
    Url(String),
    /// From an administrator, as it was given.
    Kept(String),
}

/// How we prove to an OpenID provider who we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthentication {
    /// `client_secret_basic`.
    Basic,
    /// `client_secret_post`.
    Post,
    /// Not at all: a public client. The code is bound to us by PKCE.
    None,
}

/// Whose account an unknown subject may turn out to be. Where that account has something to sign in with, it does so first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkBy {
    /// Nobody's: an administrator says so.
    Nothing,
    /// Whose user name or alias is the provider's name for the person, letter by letter.
    UserName,
    /// Whose mail address is the provider's verified one, in one of its domains, where a single account has it.
    Email,
}

/// For what a provider's word is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trust {
    /// Where it says so.
    pub claim: TrustClaim,
    /// What it says: of a SAML provider the `AuthnContextClassRef` is its `acr`.
    pub value: String,
    /// As what that counts: [`Level::Multi`] or [`Level::PhishingResistant`].
    pub level: Level,
}

/// Where a provider says how a person proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrustClaim {
    /// `acr`, `AuthnContextClassRef`.
    Acr,
    /// One of `amr` (RFC 8176).
    Amr,
}

/// Why settings of a provider can't be used; says nothing secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProvider {
    /// A part of them.
    #[error("the {0} can't be used")]
    Part(&'static str),
    /// They lack something.
    #[error("{0}")]
    Lacks(&'static str),
    /// What the OpenID client says.
    #[error(transparent)]
    Oidc(#[from] OidcError),
    /// What the SAML client says.
    #[error(transparent)]
    Saml(#[from] SamlError),
    /// They are no settings.
    #[error("the provider's settings can't be read")]
    Unreadable,
}

/// A provider that can be asked.
pub(super) enum Client {
    /// OpenID Connect.
    Oidc(Box<Upstream>),
    /// SAML, its metadata from an address.
    Fetched(Box<Source>),
    /// SAML, its metadata from an administrator.
    Given(Arc<Provider>),
}

impl ProviderSettings {
    /// Reads what [`text`](Self::text) has written.
    ///
    /// # Errors
    /// [`InvalidProvider::Unreadable`].
    pub fn parse(text: &str) -> Result<Self, InvalidProvider> {
        if text.len() > LONGEST {
            return Err(InvalidProvider::Unreadable);
        }
        serde_json::from_str(text).map_err(|_| InvalidProvider::Unreadable)
    }

    /// To be stored.
    ///
    /// # Errors
    /// [`InvalidProvider::Unreadable`] where it is too long.
    pub fn text(&self) -> Result<String, InvalidProvider> {
        let text = serde_json::to_string(self).map_err(|_| InvalidProvider::Unreadable)?;
        if text.len() > LONGEST { Err(InvalidProvider::Unreadable) } else { Ok(text) }
    }

    /// As the row words it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.speaks {
            Speaks::Oidc { .. } => "oidc",
            Speaks::Saml { .. } => "saml",
        }
    }

    /// Whether `other` is the same provider, so that its people are the same.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.speaks, &other.speaks) {
            (Speaks::Oidc { issuer, .. }, Speaks::Oidc { issuer: theirs, .. }) => issuer == theirs,
            (
                Speaks::Saml { entity_id, name_id_format, subject, .. },
                Speaks::Saml { entity_id: theirs, name_id_format: their_format, subject: their_subject, .. },
            ) => (entity_id, name_id_format, subject) == (theirs, their_format, their_subject),
            _ => false,
        }
    }

    /// Whether it answers for the domain of this name or address; none where the text has none.
    #[must_use]
    pub fn answers_for(&self, name: &str) -> Option<bool> {
        let (_, domain) = name.rsplit_once('@')?;
        Some(self.domains.iter().any(|own| own.eq_ignore_ascii_case(domain)))
    }

    fn check(&self) -> Result<(), InvalidProvider> {
        let short =
            |text: &str| !text.trim().is_empty() && text.len() <= LONGEST_TEXT && !text.contains(char::is_control);
        let all_short = |texts: &[&Option<String>]| texts.iter().all(|text| text.as_deref().is_none_or(short));
        if !short(&self.name) || self.name.len() > 100 {
            return Err(InvalidProvider::Part("name"));
        }
        if !all_short(&[&self.user_name, &self.email]) {
            return Err(InvalidProvider::Part("name of a claim"));
        }
        let is_domain = |text: &String| {
            let is_label = |label: &str| {
                (1..=63).contains(&label.len())
                    && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-') || byte >= 0x80)
            };
            text.len() <= 253 && text.split('.').all(is_label)
        };
        if self.domains.len() > MOST || !self.domains.iter().all(is_domain) {
            return Err(InvalidProvider::Part("domain"));
        }
        // Whoever may put any address into their account at a provider would be whoever they like here.
        if self.link_by == LinkBy::Email && self.domains.is_empty() {
            return Err(InvalidProvider::Lacks(
                "linking by mail address needs the domains that the provider answers for",
            ));
        }
        let is_saml = matches!(self.speaks, Speaks::Saml { .. });
        if self.link_by == LinkBy::Email && is_saml && self.email.is_none() {
            return Err(InvalidProvider::Lacks("linking by mail address needs the attribute that is one"));
        }
        let may = |trust: &Trust| {
            matches!(trust.level, Level::Multi | Level::PhishingResistant)
                && short(&trust.value)
                && !(is_saml && trust.claim == TrustClaim::Amr)
        };
        if self.trust.len() > MOST || !self.trust.iter().all(may) {
            return Err(InvalidProvider::Part("rule of trust"));
        }
        Ok(())
    }

    /// The provider, which is asked nothing yet. `redirect_uri` is where browsers come back to from it.
    ///
    /// # Errors
    /// [`InvalidProvider`]: the first thing that can't be used.
    pub(super) fn open(
        &self,
        secret: Option<SecretString>,
        redirect_uri: String,
        fetch: Arc<dyn Fetch>,
        now: Millis,
    ) -> Result<Client, InvalidProvider> {
        self.check()?;
        match &self.speaks {
            Speaks::Oidc { issuer, client_id, authentication, scopes, algorithms, userinfo } => {
                let is_scope = |scope: &String| {
                    !scope.is_empty() && scope.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
                };
                if scopes.len() > MOST || !scopes.iter().all(is_scope) {
                    return Err(InvalidProvider::Part("scope"));
                }
                let named: Option<Vec<_>> = algorithms.iter().map(|name| jose::Algorithm::from_name(name)).collect();
                let named = named.filter(|named| !named.is_empty() && named.len() <= MOST);
                let lacking = || InvalidProvider::Lacks("this way to prove who we are needs a secret");
                let authentication = match (authentication, secret) {
                    (ClientAuthentication::Basic, secret) => Authentication::Basic(secret.ok_or_else(lacking)?),
                    (ClientAuthentication::Post, secret) => Authentication::Post(secret.ok_or_else(lacking)?),
                    (ClientAuthentication::None, _) => Authentication::None,
                };
                Ok(Client::Oidc(Box::new(Upstream::new(
                    Registration {
                        issuer: issuer.clone(),
                        client_id: client_id.clone(),
                        authentication,
                        redirect_uri,
                        scopes: scopes.clone(),
                        algorithms: jose::Algorithms::of(&named.ok_or(InvalidProvider::Part("algorithm"))?),
                        userinfo: *userinfo,
                    },
                    fetch,
                )?)))
            }
            Speaks::Saml { entity_id, metadata, name_id_format, subject } => {
                let texts = [Some(entity_id), name_id_format.as_ref(), subject.as_ref()];
                if texts.into_iter().flatten().any(|text| text.is_empty() || text.len() > LONGEST_TEXT) {
                    return Err(InvalidProvider::Part("name of the provider or of an attribute"));
                }
                match metadata {
                    Metadata::Url(url) => {
                        check_address(url).map_err(SamlError::from)?;
                        Ok(Client::Fetched(Box::new(Source::new(url, Some(entity_id.clone()), None)?)))
                    }
                    Metadata::Kept(text) => {
                        let provider = Provider::from_metadata(text.as_bytes(), Some(entity_id), None, now)?;
                        usable(&provider)?;
                        Ok(Client::Given(Arc::new(provider)))
                    }
                }
            }
        }
    }
}

/// Requests go by Redirect here.
pub(super) fn usable(provider: &Provider) -> Result<(), InvalidProvider> {
    if provider.sign_on.iter().any(|endpoint| endpoint.binding == Binding::Redirect) {
        Ok(())
    } else {
        Err(InvalidProvider::Lacks("the provider takes no requests by HTTP-Redirect"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn settings() -> ProviderSettings {
        ProviderSettings {
            name: "Example".to_owned(),
            speaks: Speaks::Oidc {
                issuer: "https://op.example".to_owned(),
                client_id: "countersign".to_owned(),
                authentication: ClientAuthentication::Basic,
                scopes: vec!["email".to_owned()],
                algorithms: vec!["RS256".to_owned()],
                userinfo: false,
            },
            user_name: None,
            email: None,
            domains: vec!["corp.example".to_owned()],
            link_by: LinkBy::Email,
            create: false,
            trust: Vec::new(),
            always_ask: false,
        }
    }

    #[test]
    fn they_are_read_as_they_were_written() {
        let text = settings().text().unwrap();
        assert_eq!(ProviderSettings::parse(&text).unwrap(), settings());
        assert!(ProviderSettings::parse(&text.replace("link_by", "link_to")).is_err());
        assert!(ProviderSettings::parse(&" ".repeat(LONGEST + 1)).is_err());
    }

    #[test]
    fn what_would_let_strangers_in_is_refused() {
        assert_eq!(settings().check(), Ok(()));
        let wrong = |change: fn(&mut ProviderSettings)| {
            let mut settings = settings();
            change(&mut settings);
            assert!(settings.check().is_err(), "{settings:?}");
        };
        wrong(|settings| settings.domains.clear());
        wrong(|settings| settings.domains = vec!["Corp.Example".to_owned()]);
        wrong(|settings| settings.domains = vec!["*".to_owned()]);
        wrong(|settings| settings.name = " ".to_owned());
        for level in [Level::Single, Level::Hardware] {
            let mut settings = settings();
            settings.trust = vec![Trust { claim: TrustClaim::Acr, value: "x".to_owned(), level }];
            assert!(settings.check().is_err());
        }
    }

    #[test]
    fn a_domain_is_the_whole_of_what_follows_the_last_at() {
        let settings = settings();
        assert_eq!(settings.answers_for("ana@corp.example"), Some(true));
        assert_eq!(settings.answers_for("ana@CORP.example"), Some(true));
        assert_eq!(settings.answers_for("ana@evil.example"), Some(false));
        assert_eq!(settings.answers_for("ana@corp.example@evil.example"), Some(false));
        assert_eq!(settings.answers_for("ana@sub.corp.example"), Some(false));
        assert_eq!(settings.answers_for("ana"), None);
    }

    #[test]
    fn a_provider_is_the_same_while_its_people_are() {
        let (one, mut other) = (settings(), settings());
        other.name = "Another name".to_owned();
        assert!(one.is_same(&other));
        if let Speaks::Oidc { issuer, .. } = &mut other.speaks {
            issuer.push('/');
        }
        assert!(!one.is_same(&other));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,200}") {
            let _ = ProviderSettings::parse(&text);
            let _ = settings().answers_for(&text);
        }
    }
}
