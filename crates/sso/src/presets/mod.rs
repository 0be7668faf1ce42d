//! Presets: what common applications need, from their address alone, and what must be put where in them.
//!
//! Each is one file with its facts and where they stand in the product's own documentation. A preset only fills settings that somebody
//! could have written by hand; nothing else in the house knows that it was used.
//!
//! To add one: a file beside these with a `static` [`Preset`], and its name in [`ALL`]. The tests make every preset, look at its settings
//! as the store would, and look for the client's facts in what it prints.

mod aws;
mod forward;
mod generic;
mod gitlab;
mod google;
mod grafana;
mod jenkins;
mod microsoft;
mod nextcloud;
mod salesforce;
mod slack;

use crate::{
    Settings, SsoError,
    claims::{ClaimRule, Field, Source},
    party::{ClientAuth, Endpoint, Kind, OidcClient, Protocol, SamlParty, TileSettings},
};
use std::collections::BTreeMap;
use url::Url;

/// All of them, in the order in which they are shown.
pub static ALL: &[&Preset] = &[
    &gitlab::PRESET,
    &grafana::PRESET,
    &nextcloud::PRESET,
    &jenkins::PRESET,
    &aws::PRESET,
    &google::PRESET,
    &microsoft::PRESET,
    &salesforce::PRESET,
    &slack::PRESET,
    &generic::OIDC,
    &generic::SAML,
    &forward::PRESET,
];

/// What a preset makes: what the application calls itself, where that isn't its integration's key, and its settings.
type Filled = Result<(Option<String>, Settings), SsoError>;

/// A preset.
pub struct Preset {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What the product is called.
    pub title: &'static str,
    /// How it signs people in.
    pub protocol: Protocol,
    /// What the address must be, for people.
    pub url: &'static str,
    /// What else it takes.
    pub options: &'static [PresetOption],
    pub(crate) settings: fn(&Given) -> Filled,
    pub(crate) snippets: fn(&Facts<'_>) -> Vec<Snippet>,
}

/// What a preset takes beside the address.
pub struct PresetOption {
    /// Its name.
    pub name: &'static str,
    /// What it is, for people.
    pub about: &'static str,
    /// Whether it must be given.
    pub needed: bool,
}

/// What is given to a preset.
pub struct Given {
    /// The application's address, without a slash at its end.
    pub url: String,
    /// By the names of its [`PresetOption`]s.
    pub options: BTreeMap<String, String>,
}

/// What is known when an application was made.
pub struct Facts<'a> {
    /// `https://host[:port]` of the tenant.
    pub issuer: &'a str,
    /// What the application calls itself.
    pub key: &'a str,
    /// Its secret, where it has one and it may still be shown.
    pub secret: Option<&'a str>,
    /// Its name.
    pub name: &'a str,
    /// What was given to the preset.
    pub given: &'a Given,
}

/// What must be put somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    /// Where: a file, a page, a command line.
    pub place: String,
    /// What.
    pub text: String,
}

impl Snippet {
    pub(crate) fn new(place: impl Into<String>, text: impl Into<String>) -> Self {
        Self { place: place.into(), text: text.into() }
    }
}

/// The preset of this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Preset> {
    ALL.iter().copied().find(|preset| preset.name == name)
}

impl Preset {
    /// The settings for an application, and what it calls itself, where that isn't its integration's key.
    ///
    /// # Errors
    /// [`SsoError::Invalid`] for an address or an option that can't be used.
    pub fn settings(&self, given: &Given) -> Result<(Option<String>, Settings), SsoError> {
        for option in self.options.iter().filter(|option| option.needed) {
            if given.options.get(option.name).is_none_or(String::is_empty) {
                return Err(SsoError::invalid(option.name, format!("is needed: {}", option.about)));
            }
        }
        if let Some(unknown) = given.options.keys().find(|name| !self.options.iter().any(|option| option.name == *name))
        {
            let names: Vec<_> = self.options.iter().map(|option| option.name).collect();
            let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            return Err(SsoError::invalid(unknown, format!("is no option of {}; it takes {known}", self.name)));
        }
        let (key, mut settings) = (self.settings)(given)?;
        self.name.clone_into(&mut settings.tile.preset);
        given.url.clone_into(&mut settings.tile.address);
        settings.tile.options.clone_from(&given.options);
        Ok((key, settings))
    }

    /// What must be put where.
    #[must_use]
    pub fn snippets(&self, facts: &Facts<'_>) -> Vec<Snippet> {
        // People choose names freely, and configurations give quotes and braces a meaning.
        let plain = |c: char| c.is_alphanumeric() || " -_.,()&+".contains(c);
        let name: String = facts.name.chars().filter(|c| plain(*c)).collect();
        (self.snippets)(&Facts { name: &name, ..*facts })
    }
}

impl Given {
    /// From an address as an administrator writes it.
    ///
    /// # Errors
    /// [`SsoError::Invalid`] where it isn't one.
    pub fn new(url: &str, options: BTreeMap<String, String>) -> Result<Self, SsoError> {
        let parsed = Url::parse(url).ok().filter(|url| url.host_str().is_some() && url.query().is_none());
        // It is written into configurations and command lines, so nothing in it may end a text there.
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"'`\\<>{}|^$;".contains(&byte);
        if !url.bytes().all(plain) || parsed.is_none_or(|url| url.fragment().is_some()) {
            return Err(SsoError::invalid("url", "must be the application's address, like https://app.example.org"));
        }
        Ok(Self { url: url.trim_end_matches('/').to_owned(), options })
    }

    pub(crate) fn option(&self, name: &str) -> &str {
        self.options.get(name).map(String::as_str).unwrap_or_default()
    }

    /// The host of the address.
    pub(crate) fn host(&self) -> String {
        Url::parse(&self.url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// A client with a secret that comes back to these addresses.
fn client(given: &Given, redirects: &[&str], scopes: &[&str], auth_method: ClientAuth) -> OidcClient {
    OidcClient {
        redirect_uris: redirects.iter().map(|path| format!("{}{path}", given.url)).collect(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        auth_method,
        ..OidcClient::default()
    }
}

/// The settings of such a client, opened at the application's own address.
fn oidc(given: &Given, client: OidcClient) -> Settings {
    Settings {
        tile: TileSettings { url: Some(given.url.clone()), ..TileSettings::default() },
        kind: Kind::Oidc(Box::new(client)),
    }
}

/// The settings of a service provider with one address for responses.
fn saml(acs: &str, party: SamlParty) -> Settings {
    let acs = vec![Endpoint { url: acs.to_owned(), index: 0, default: true }];
    Settings::of(Kind::Saml(Box::new(SamlParty { acs, ..party })))
}

/// An attribute from a field.
fn field(name: &str, field: Field) -> ClaimRule {
    ClaimRule::new(name, Source::Field(field))
}

/// The secret where it may be shown, else what stands for it.
fn secret<'a>(facts: &Facts<'a>) -> &'a str {
    facts.secret.unwrap_or("THE-CLIENT-SECRET")
}

/// What every SAML application asks its administrator for.
fn identity_provider(facts: &Facts<'_>) -> String {
    let issuer = facts.issuer;
    format!(
        "Metadata            {issuer}/saml/metadata\nEntity ID (issuer)  {issuer}/saml/metadata\nSign-in page        {issuer}/saml/sso\n\
         Sign-out page       {issuer}/saml/slo\nSign-out by SOAP    {issuer}/saml/slo\n"
    )
}

#[cfg(test)]
mod tests;
