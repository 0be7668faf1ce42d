//! Metadata (saml-metadata-2.0-os): the provider's, read; ours, written.

use std::time::Duration;

use types::Millis;
use xmlsig::{Accept, Document, Element, Limits, PublicKey, Xml, XmlError, ns, verify};

use super::{SamlError, Service, times};
use crate::check_address;

/// Keys that one provider may have; two stand there while it changes.
const MAX_KEYS: usize = 8;

/// How a message travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// In the address.
    Redirect,
    /// In a form.
    Post,
}

impl Binding {
    pub(super) const fn uri(self) -> &'static str {
        match self {
            Self::Redirect => "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect",
            Self::Post => "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST",
        }
    }

    fn by_uri(uri: &str) -> Option<Self> {
        [Self::Redirect, Self::Post].into_iter().find(|binding| binding.uri() == uri)
    }
}

/// Where messages are sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// How.
    pub binding: Binding,
    /// Where: `https`, or this machine's loopback.
    pub location: String,
}

/// An identity provider, as its metadata describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Its entity id: the issuer of its responses.
    pub entity_id: String,
    /// Where requests are sent to; the first of each binding.
    pub sign_on: Vec<Endpoint>,
    /// The keys that its responses are signed with.
    pub keys: Vec<PublicKey>,
    /// It takes only signed requests.
    pub wants_signed_requests: bool,
    /// The metadata isn't to be used after this.
    pub valid_until: Option<Millis>,
    /// The metadata is to be fetched again after this time.
    pub cache_for: Option<Duration>,
}

impl Provider {
    /// Reads metadata: an `EntityDescriptor`, or the one of `entity_id` in an `EntitiesDescriptor`.
    ///
    /// Where `signers` are given, the root must be signed by one of them; otherwise it is believed as far as the way that it came is:
    /// TLS, or an administrator's hands.
    ///
    /// # Errors
    /// [`SamlError`].
    pub fn from_metadata(
        octets: &[u8],
        entity_id: Option<&str>,
        signers: Option<&[PublicKey]>,
        now: Millis,
    ) -> Result<Self, SamlError> {
        let document = Document::parse(octets, &Limits::METADATA)?;
        match signers {
            Some(signers) => Self::read(verify(document.root(), signers, Accept::default())?.root(), entity_id, now),
            None => Self::read(document.root(), entity_id, now),
        }
    }

    fn read(root: Element<'_>, entity_id: Option<&str>, now: Millis) -> Result<Self, SamlError> {
        let entity = find(root, entity_id)?;
        let own_id = entity.attribute("entityID").unwrap_or("");
        if own_id.is_empty() || own_id.len() > 1024 || entity_id.is_some_and(|wanted| wanted != own_id) {
            return Err(SamlError::Metadata("entityID"));
        }
        let role = role(entity)?;
        let lifetime = Lifetime::of(role)?;
        if lifetime.valid_until.is_some_and(|until| now >= until) {
            return Err(SamlError::Expired);
        }
        let provider = Self {
            entity_id: own_id.to_owned(),
            sign_on: endpoints(role),
            keys: keys(role)?,
            wants_signed_requests: matches!(
                role.attribute("WantAuthnRequestsSigned").map(str::trim),
                Some("true" | "1")
            ),
            valid_until: lifetime.valid_until,
            cache_for: lifetime.cache_for,
        };
        if provider.sign_on.is_empty() {
            return Err(SamlError::Metadata("SingleSignOnService"));
        }
        if provider.keys.is_empty() {
            return Err(SamlError::Metadata("a signing certificate"));
        }
        Ok(provider)
    }
}

/// The entity that is meant; the only one, where none is named.
fn find<'d>(root: Element<'d>, entity_id: Option<&str>) -> Result<Element<'d>, SamlError> {
    if root.is(ns::MD, "EntityDescriptor") {
        return Ok(root);
    }
    if !root.is(ns::MD, "EntitiesDescriptor") {
        return Err(SamlError::Message);
    }
    let fits = |entity: &Element<'_>| {
        entity.is(ns::MD, "EntityDescriptor")
            && entity_id.is_none_or(|wanted| entity.attribute("entityID") == Some(wanted))
    };
    let mut found = root.descendants().filter(fits);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(SamlError::Metadata("this entity")),
        (Some(_), Some(_)) => Err(SamlError::Metadata("which of several entities")),
    }
}

fn role(entity: Element<'_>) -> Result<Element<'_>, SamlError> {
    let speaks = |role: &Element<'_>| {
        let protocols = role.attribute("protocolSupportEnumeration").unwrap_or("");
        protocols.split_ascii_whitespace().any(|protocol| protocol == ns::SAMLP)
    };
    let mut roles = entity.children_of(ns::MD, "IDPSSODescriptor").filter(speaks);
    match (roles.next(), roles.next()) {
        (Some(role), None) => Ok(role),
        _ => Err(SamlError::Metadata("one IDPSSODescriptor for SAML 2.0")),
    }
}

fn endpoints(role: Element<'_>) -> Vec<Endpoint> {
    let mut found: Vec<Endpoint> = Vec::new();
    for service in role.children_of(ns::MD, "SingleSignOnService") {
        let binding = service.attribute("Binding").and_then(Binding::by_uri);
        let location = service.attribute("Location").filter(|location| check_address(location).is_ok());
        if let (Some(binding), Some(location)) = (binding, location)
            && !found.iter().any(|other| other.binding == binding)
        {
            found.push(Endpoint { binding, location: location.to_owned() });
        }
    }
    found
}

/// Signing keys of a kind that is used here. One that can't be read is passed over: another may be right.
fn keys(role: Element<'_>) -> Result<Vec<PublicKey>, SamlError> {
    let mut found: Vec<PublicKey> = Vec::new();
    for descriptor in role.children_of(ns::MD, "KeyDescriptor") {
        if descriptor.attribute("use").is_some_and(|purpose| purpose != "signing") {
            continue;
        }
        let info = descriptor.only(ns::DS, "KeyInfo")?;
        let certificates =
            info.children_of(ns::DS, "X509Data").flat_map(|data| data.children_of(ns::DS, "X509Certificate"));
        for certificate in certificates {
            if let Ok(key) = PublicKey::from_certificate_text(certificate.text()?)
                && !found.contains(&key)
            {
                found.push(key);
            }
        }
    }
    if found.len() > MAX_KEYS { Err(XmlError::Limit("keys").into()) } else { Ok(found) }
}

/// The shortest of what the role and all around it say.
#[derive(Default)]
struct Lifetime {
    valid_until: Option<Millis>,
    cache_for: Option<Duration>,
}

impl Lifetime {
    fn of(role: Element<'_>) -> Result<Self, SamlError> {
        let mut lifetime = Self::default();
        let mut at = Some(role);
        while let Some(element) = at {
            if let Some(until) = element.attribute("validUntil").map(times::parse).transpose()? {
                lifetime.valid_until = Some(lifetime.valid_until.map_or(until, |other| other.min(until)));
            }
            if let Some(length) = element.attribute("cacheDuration").and_then(times::duration) {
                lifetime.cache_for = Some(lifetime.cache_for.map_or(length, |other| other.min(length)));
            }
            at = element.parent();
        }
        Ok(lifetime)
    }
}

impl Service {
    /// Our metadata, for the provider.
    ///
    /// # Errors
    /// [`SamlError::Xml`] if a name has a character that XML can't hold.
    pub fn metadata(&self) -> Result<String, SamlError> {
        let key = |purpose: &'static str, certificate: &[u8]| {
            let text = data_encoding::BASE64.encode(certificate);
            let data = Xml::new("ds:X509Data").child(Xml::new("ds:X509Certificate").text(text));
            Xml::new("md:KeyDescriptor")
                .with("use", purpose)
                .child(Xml::new("ds:KeyInfo").with("xmlns:ds", ns::DS).child(data))
        };
        let keys = [
            self.signing.as_ref().map(|signing| key("signing", signing.certificate())),
            self.encryption_certificate.as_deref().map(|certificate| key("encryption", certificate)),
        ];
        let consumer = Xml::new("md:AssertionConsumerService")
            .with("Binding", Binding::Post.uri())
            .with("Location", &self.acs)
            .with("index", "0")
            .with("isDefault", "true");
        let role = Xml::new("md:SPSSODescriptor")
            .with("AuthnRequestsSigned", if self.signing.is_some() { "true" } else { "false" })
            .with("WantAssertionsSigned", "true")
            .with("protocolSupportEnumeration", ns::SAMLP)
            .children(keys.into_iter().flatten())
            .child(consumer);
        let entity =
            Xml::new("md:EntityDescriptor").with("xmlns:md", ns::MD).with("entityID", &self.entity_id).child(role);
        Ok(entity.render()?.into_document())
    }
}
