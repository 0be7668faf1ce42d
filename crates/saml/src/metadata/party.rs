//! An application's metadata, as its registration needs it.
//!
//! Only a service provider's role for SAML 2.0 is read, and of its addresses only those for bindings that are spoken here. Whoever gives
//! the keys of a metadata's publisher gets what those have signed and nothing beside it; without such keys what is trusted is the way by
//! which the document came.

use crate::{message::read, names, time};
use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::{BASE64, HEXLOWER};
use sso::party::{Binding, Endpoint, LogoutEndpoint, SamlParty};
use types::{Millis, ct_eq};
use xmlsig::{Accept, Document, Element, Limits, PublicKey, ns};

/// So many addresses and keys are taken of each kind.
const MOST: usize = 50;
/// So many keys: no more are ever tried.
const MOST_KEYS: usize = 8;
/// The longest address.
const LONGEST_URL: usize = 2048;

/// Why metadata can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// Not XML within the limits.
    #[error("the metadata can't be read: {0}")]
    Xml(#[from] xmlsig::XmlError),
    /// No signature by the expected keys.
    #[error("the metadata isn't signed by its publisher")]
    Signature,
    /// It has no such entity, or more than one and none was named.
    #[error("the metadata doesn't describe the application")]
    Entity,
    /// The entity is no service provider for SAML 2.0.
    #[error("the metadata describes no SAML 2.0 service provider")]
    Role,
    /// No address at which an answer can be taken by POST.
    #[error("the metadata has no assertion consumer service for HTTP-POST")]
    Consumer,
    /// It has certificates for signatures, and none that can be used.
    #[error(
        "none of the metadata's certificates for signatures can be used: RSA of 2048 to 8192 bits or ECDSA on P-256, P-384 or P-521 is needed"
    )]
    Keys,
    /// An address or a number is none.
    #[error("the metadata has a wrong value: {0}")]
    Value(&'static str),
    /// Its time is over.
    #[error("the metadata is no longer valid")]
    Expired,
}

/// What is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartyMetadata {
    /// The application's name.
    pub entity_id: String,
    /// At least one, the default first.
    pub consumers: Vec<Endpoint>,
    /// Redirect first.
    pub logout: Vec<LogoutEndpoint>,
    /// Where it hears of a logout by SOAP.
    pub logout_soap: Option<String>,
    /// Certificates for signatures, as base64 of DER; those with a key that can be used.
    pub signing: Vec<String>,
    /// Certificates to encrypt to, likewise.
    pub encryption: Vec<String>,
    /// Whether it has certificates to encrypt to, and none that can be used.
    pub encryption_unusable: bool,
    /// Whether it signs its requests.
    pub requests_signed: bool,
    /// Whether it wants assertions signed.
    pub wants_assertions_signed: bool,
    /// What people call it.
    pub display_name: Option<String>,
    /// Until when all this holds.
    pub valid_until: Option<Millis>,
}

impl PartyMetadata {
    /// Reads metadata of `entity` (or of the only entity that it has) at `now`. Where `fingerprint` is given (SHA-256 of its publisher's
    /// certificate, in hexadecimal digits), only what that one signed is read.
    ///
    /// # Errors
    /// See [`MetadataError`].
    pub fn read(
        octets: &[u8],
        entity: Option<&str>,
        fingerprint: Option<&str>,
        now: Millis,
    ) -> Result<Self, MetadataError> {
        let document = Document::parse(octets, &Limits::METADATA)?;
        let Some(fingerprint) = fingerprint else { return Self::of(document.root(), entity, now) };
        let key = publisher(document.root(), fingerprint)?;
        let verified =
            xmlsig::verify(document.root(), &[key], Accept::default()).map_err(|_| MetadataError::Signature)?;
        Self::of(verified.root(), entity, now)
    }

    /// Puts what it says in place of what was known. What an administrator decides stays: names, levels, what is signed and encrypted.
    pub fn apply(&self, party: &mut SamlParty) {
        party.acs.clone_from(&self.consumers);
        party.slo.clone_from(&self.logout);
        party.slo_soap.clone_from(&self.logout_soap);
        // Nothing would be left to bring it to.
        party.direct_logout &= !party.slo.is_empty();
        party.certificates.clone_from(&self.signing);
        party.encryption_certificate = self.encryption.first().cloned();
        // Nothing would be left to encrypt to. Where it has something that can't be used, it doesn't say that it wants to read what everybody
        // can: then the settings are refused.
        party.encrypt &= party.encryption_certificate.is_some() || self.encryption_unusable;
        party.want_signed_requests |= self.requests_signed && !self.signing.is_empty();
        // A copy that nobody can read again must not be over one day that nobody knows of.
        party.metadata_until = self.valid_until.filter(|_| party.metadata_url.is_some()).map(|until| until.0);
    }

    fn of(root: Element<'_>, entity: Option<&str>, now: Millis) -> Result<Self, MetadataError> {
        let mut ends = Vec::new();
        let found = if root.is(ns::MD, "EntityDescriptor") {
            root
        } else if root.is(ns::MD, "EntitiesDescriptor") {
            ends.push(valid_until(root)?);
            let mut fitting = root
                .children_of(ns::MD, "EntityDescriptor")
                .filter(|child| entity.is_none_or(|entity| child.attribute("entityID") == Some(entity)));
            match (fitting.next(), fitting.next()) {
                (Some(one), None) => one,
                _ => return Err(MetadataError::Entity),
            }
        } else {
            return Err(MetadataError::Entity);
        };
        let entity_id = found.attribute("entityID").filter(|id| (1..=1024).contains(&id.len()));
        let entity_id = entity_id.filter(|id| !id.chars().any(char::is_control)).ok_or(MetadataError::Entity)?;
        if entity.is_some_and(|entity| entity != entity_id) {
            return Err(MetadataError::Entity);
        }
        let speaks = |role: &Element<'_>| {
            role.attribute("protocolSupportEnumeration")
                .is_some_and(|list| list.split_ascii_whitespace().any(|protocol| protocol == ns::SAMLP))
        };
        let role = found.children_of(ns::MD, "SPSSODescriptor").find(speaks).ok_or(MetadataError::Role)?;
        ends.extend([valid_until(found)?, valid_until(role)?]);
        let valid_until = ends.into_iter().flatten().min();
        if valid_until.is_some_and(|end| end <= now) {
            return Err(MetadataError::Expired);
        }
        let keys = Keys::of(role)?;
        Ok(Self {
            entity_id: entity_id.to_owned(),
            consumers: consumers(role)?,
            logout: logout(role)?,
            logout_soap: logout_soap(role),
            signing: keys.signing,
            encryption: keys.encryption,
            encryption_unusable: keys.encryption_unusable,
            requests_signed: flag(role, "AuthnRequestsSigned")?,
            wants_assertions_signed: flag(role, "WantAssertionsSigned")?,
            display_name: display_name(found),
            valid_until,
        })
    }
}

/// A role's certificates that can be used.
#[derive(Default)]
struct Keys {
    signing: Vec<String>,
    encryption: Vec<String>,
    encryption_unusable: bool,
}

impl Keys {
    /// What can't be used is passed over: a key of tomorrow stands beside the one of today.
    fn of(role: Element<'_>) -> Result<Self, MetadataError> {
        let (mut keys, mut signs, mut encrypts) = (Self::default(), false, false);
        for key in role.children_of(ns::MD, "KeyDescriptor").take(MOST) {
            let usage = key.attribute("use");
            let (for_signing, for_encryption) = (usage != Some("encryption"), usage != Some("signing"));
            for certificate in key.descendants().filter(|at| at.is(ns::DS, "X509Certificate")).take(MOST) {
                signs |= for_signing;
                encrypts |= for_encryption;
                let Ok(der) = certificate.base64() else { continue };
                let Ok(public) = PublicKey::from_certificate(&der) else { continue };
                let text = BASE64.encode(&der);
                if for_encryption && public.takes_encryption() && !keys.encryption.contains(&text) {
                    keys.encryption.push(text.clone());
                }
                if for_signing && !keys.signing.contains(&text) {
                    keys.signing.push(text);
                }
            }
        }
        if signs && keys.signing.is_empty() {
            return Err(MetadataError::Keys);
        }
        keys.encryption_unusable = encrypts && keys.encryption.is_empty();
        keys.signing.truncate(MOST_KEYS);
        keys.encryption.truncate(MOST_KEYS);
        Ok(keys)
    }
}

/// The key in the signature's own certificate, where that is the one with this fingerprint. Nothing else in `KeyInfo` counts.
fn publisher(root: Element<'_>, fingerprint: &str) -> Result<PublicKey, MetadataError> {
    let signature = root.only(ns::DS, "Signature").map_err(|_| MetadataError::Signature)?;
    let wanted: String = fingerprint.chars().filter(|c| *c != ':').collect::<String>().to_ascii_lowercase();
    for certificate in signature.descendants().filter(|at| at.is(ns::DS, "X509Certificate")).take(MOST) {
        let der = certificate.base64().map_err(|_| MetadataError::Signature)?;
        if ct_eq(HEXLOWER.encode(digest(&SHA256, &der).as_ref()).as_bytes(), wanted.as_bytes()) {
            return PublicKey::from_certificate(&der).map_err(|_| MetadataError::Signature);
        }
    }
    Err(MetadataError::Signature)
}

fn valid_until(element: Element<'_>) -> Result<Option<Millis>, MetadataError> {
    element.attribute("validUntil").map(|text| time::read(text).ok_or(MetadataError::Value("validUntil"))).transpose()
}

fn flag(element: Element<'_>, name: &'static str) -> Result<bool, MetadataError> {
    read::flag(element, name).map_err(|_| MetadataError::Value(name))
}

/// An address to which a browser may be sent.
fn url(text: &str) -> Result<String, MetadataError> {
    let scheme = text.starts_with("https://") || text.starts_with("http://");
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&byte));
    if scheme && plain && text.len() <= LONGEST_URL {
        Ok(text.to_owned())
    } else {
        Err(MetadataError::Value("Location"))
    }
}

fn consumers(role: Element<'_>) -> Result<Vec<Endpoint>, MetadataError> {
    let mut found: Vec<Endpoint> = Vec::new();
    for service in role.children_of(ns::MD, "AssertionConsumerService").take(MOST) {
        if service.attribute("Binding") != Some(names::POST) {
            continue;
        }
        let index = match service.attribute("index") {
            Some(text) => text.trim().parse().map_err(|_| MetadataError::Value("index"))?,
            // It must be there; where it isn't, nobody asks for it by a number.
            None => found.iter().map(|known| known.index.saturating_add(1)).max().unwrap_or(0),
        };
        if found.iter().any(|known| known.index == index) {
            return Err(MetadataError::Value("index"));
        }
        let default = flag(service, "isDefault")?;
        found.push(Endpoint { url: url(service.attribute("Location").unwrap_or_default())?, index, default });
    }
    // saml-metadata §2.2.3: the default, or else the first.
    let place = found.iter().position(|consumer| consumer.default).unwrap_or(0);
    for (at, consumer) in found.iter_mut().enumerate() {
        consumer.default = at == place;
    }
    found.sort_by_key(|consumer| !consumer.default);
    if found.is_empty() { Err(MetadataError::Consumer) } else { Ok(found) }
}

fn logout(role: Element<'_>) -> Result<Vec<LogoutEndpoint>, MetadataError> {
    let mut found: Vec<LogoutEndpoint> = Vec::new();
    for service in role.children_of(ns::MD, "SingleLogoutService").take(MOST) {
        let binding = match service.attribute("Binding") {
            Some(names::POST) => Binding::Post,
            Some(names::REDIRECT) => Binding::Redirect,
            _ => continue,
        };
        if found.iter().any(|known| known.binding == binding) {
            continue;
        }
        found.push(LogoutEndpoint {
            binding,
            url: url(service.attribute("Location").unwrap_or_default())?,
            response_url: service.attribute("ResponseLocation").map(url).transpose()?,
        });
    }
    found.sort_by_key(|service| service.binding == Binding::Post);
    Ok(found)
}

/// The first address for SOAP that can be one. What can't be is no reason to refuse the rest: browsers are never sent there.
fn logout_soap(role: Element<'_>) -> Option<String> {
    let services = role.children_of(ns::MD, "SingleLogoutService").take(MOST);
    let mut soap = services.filter(|service| service.attribute("Binding") == Some(names::SOAP));
    soap.find_map(|service| url(service.attribute("Location").unwrap_or_default()).ok())
}

/// The name for people: of the organisation's, the first.
fn display_name(entity: Element<'_>) -> Option<String> {
    let organization = entity.child(ns::MD, "Organization").ok()??;
    let name = organization.children_of(ns::MD, "OrganizationDisplayName").next()?;
    let text: String = read::value(name, "OrganizationDisplayName").ok()?.chars().take(100).collect();
    Some(text)
}
