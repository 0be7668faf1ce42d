//! Verification, and the type that only it can make.
//!
//! The steps never trust a place: the signature is the element's own child, the reference must name that very element, and what is
//! handed out is parsed anew from the canonical octets whose digest was compared. Also `SignedInfo` is read from the canonical
//! octets that the key signed, so nothing between two readings can differ.

use std::fmt;

use crate::{
    Canonical, Document, Element, Limits, PublicKey, XmlError,
    algorithm::{self, Hash},
    base64, canonical, ns,
};

/// Which weak or rare algorithms are accepted beside the usual ones. Nothing by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Accept {
    /// SHA-1 in digests and signatures, for requests of old service providers. Never for what says who somebody is.
    pub sha1: bool,
    /// Canonical XML 1.0 beside the exclusive form.
    pub inclusive: bool,
}

/// Why a signature doesn't count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// There is none where it must stand: a child of the element, first or after its issuer.
    #[error("the element has no signature of its own")]
    Missing,
    /// There are several.
    #[error("the element has several signatures")]
    Several,
    /// The signature isn't built as it must be; what was wrong.
    #[error("the signature is not built as it must be: {0}")]
    Structure(&'static str),
    /// It refers to something else than the element that it stands in.
    #[error("the signature covers something else than its element")]
    Reference,
    /// A transform other than the enveloped signature and the exclusive canonical form, or not in this order.
    #[error("the signature uses a transform that isn't allowed")]
    Transform,
    /// An algorithm that isn't known, or wasn't accepted.
    #[error("the signature uses an algorithm that isn't accepted")]
    Algorithm,
    /// The element is not what was signed.
    #[error("the digest doesn't match")]
    Digest,
    /// None of the given keys made it.
    #[error("no key that is known made the signature")]
    Key,
    /// What was signed can't be read.
    #[error(transparent)]
    Xml(#[from] XmlError),
}

/// A document of which every octet was signed by one of the keys that were asked for.
pub struct Verified {
    document: Document,
    key: usize,
}

impl Verified {
    pub(crate) const fn new(document: Document, key: usize) -> Self {
        Self { document, key }
    }

    /// What was signed: the element that [`verify`] was asked about, without the signature itself.
    #[must_use]
    pub const fn root(&self) -> Element<'_> {
        self.document.root()
    }

    /// Which of the keys it was, counted from 0.
    #[must_use]
    pub const fn key(&self) -> usize {
        self.key
    }

    pub(crate) const fn document(&self) -> &Document {
        &self.document
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verified({:?})", self.root())
    }
}

/// Whether a signature stands among the element's children, right or wrong: a party that may leave it out must not have one that
/// nobody looks at.
#[must_use]
pub fn is_signed(element: Element<'_>) -> bool {
    element.children().any(|child| child.is(ns::DS, "Signature"))
}

/// Verifies the signature that stands in `element` and covers it, and nothing else.
///
/// `keys` are tried in order (at most 8 of them); `KeyInfo` isn't read. RSA keys have at least 2048 bits. The reference is `#` and the
/// element's `ID`, or empty if the element is the document's root.
///
/// # Errors
/// [`SignatureError`].
pub fn verify(element: Element<'_>, keys: &[PublicKey], accept: Accept) -> Result<Verified, SignatureError> {
    let signature = own_signature(element)?;
    let parts = Parts::read(signature)?;
    let form = method(parts.info.only(ns::DS, "CanonicalizationMethod")?, accept)?;
    let octets = canonical::canonicalize(parts.info, &form)?;
    let limits = element.document.limits();
    // From here on only what the key signed is read.
    let info = Document::parse(octets.as_bytes(), &within(limits))?;
    let info = Info::read(info.root(), accept)?;
    if info.form != form {
        return Err(SignatureError::Structure("CanonicalizationMethod"));
    }
    let value = base64::decode(parts.value)?;
    let key = made_by(keys, info.signature, octets.as_bytes(), &value)?;
    if !info.refers_to(element) {
        return Err(SignatureError::Reference);
    }
    let covered = canonical::write(element.document, element.node, Some(signature.node), None, &info.transform)?;
    let digest = info.hash.digest(covered.as_bytes());
    if !types::ct_eq(digest.as_ref(), &info.digest) {
        return Err(SignatureError::Digest);
    }
    let document = Document::parse(covered.as_bytes(), &within(limits))?;
    Ok(Verified::new(document, key))
}

/// Which key made the signature; each is tried that fits the algorithm.
pub(crate) fn made_by(
    keys: &[PublicKey],
    how: algorithm::Signature,
    octets: &[u8],
    value: &[u8],
) -> Result<usize, SignatureError> {
    keys.iter().take(8).position(|key| key.verifies(how, octets, value)).ok_or(SignatureError::Key)
}

/// The algorithm, if it counts.
pub(crate) fn signature_algorithm(uri: &str, accept: Accept) -> Result<algorithm::Signature, SignatureError> {
    algorithm::Signature::by_uri(uri)
        .filter(|found| accept.sha1 || found.hash != Hash::Sha1)
        .ok_or(SignatureError::Algorithm)
}

/// Limits for reading a canonical form again: it may be longer than its source, by what [`Limits`] says.
const fn within(limits: &Limits) -> Limits {
    Limits { bytes: limits.canonical(), ..*limits }
}

/// The signature of the element: a child, first or right after `Issuer`, and the only one.
fn own_signature(element: Element<'_>) -> Result<Element<'_>, SignatureError> {
    let mut all = element.children_of(ns::DS, "Signature");
    let signature = all.next().ok_or(SignatureError::Missing)?;
    if all.next().is_some() {
        return Err(SignatureError::Several);
    }
    let mut children = element.children();
    let mut first = children.next();
    if first.is_some_and(|first| first.is(ns::SAML, "Issuer")) {
        first = children.next();
    }
    if first.is_some_and(|first| first.node == signature.node) { Ok(signature) } else { Err(SignatureError::Missing) }
}

struct Parts<'d> {
    info: Element<'d>,
    value: &'d str,
}

impl<'d> Parts<'d> {
    /// `SignedInfo`, `SignatureValue`, perhaps `KeyInfo`: no `Object`, in which wrapped content likes to hide.
    fn read(signature: Element<'d>) -> Result<Self, SignatureError> {
        let mut children = signature.children();
        let info = children.next().filter(|child| child.is(ns::DS, "SignedInfo"));
        let value = children.next().filter(|child| child.is(ns::DS, "SignatureValue"));
        let rest = children.next();
        let fits = rest.is_none_or(|rest| rest.is(ns::DS, "KeyInfo")) && children.next().is_none();
        match (info, value) {
            (Some(info), Some(value)) if fits => Ok(Self { info, value: value.text()? }),
            _ => Err(SignatureError::Structure("children of Signature")),
        }
    }
}

struct Info {
    form: Canonical,
    signature: algorithm::Signature,
    uri: String,
    transform: Canonical,
    hash: Hash,
    digest: Vec<u8>,
}

impl Info {
    fn read(info: Element<'_>, accept: Accept) -> Result<Self, SignatureError> {
        let [form, signature, reference] = exactly(info, ["CanonicalizationMethod", "SignatureMethod", "Reference"])?;
        let [transforms, digest_method, digest] = exactly(reference, ["Transforms", "DigestMethod", "DigestValue"])?;
        if signature.children().next().is_some() {
            return Err(SignatureError::Algorithm);
        }
        let signature = signature_algorithm(signature.attribute("Algorithm").unwrap_or(""), accept)?;
        let hash = Hash::by_uri(digest_method.attribute("Algorithm").unwrap_or(""))
            .filter(|hash| accept.sha1 || *hash != Hash::Sha1)
            .ok_or(SignatureError::Algorithm)?;
        let uri = reference.attribute("URI").ok_or(SignatureError::Reference)?.to_owned();
        Ok(Self {
            form: method(form, accept)?,
            signature,
            uri,
            transform: transform(transforms, accept)?,
            hash,
            digest: digest.base64()?,
        })
    }

    fn refers_to(&self, element: Element<'_>) -> bool {
        match self.uri.strip_prefix('#') {
            Some(id) => {
                // The parser keeps each id once, whatever its attribute is called; SAML's own is called `ID`.
                !id.is_empty()
                    && element.attribute("ID") == Some(id)
                    && element.document.element_by_id(id).is_some_and(|named| named.node == element.node)
            }
            None => self.uri.is_empty() && element.parent().is_none(),
        }
    }
}

/// The children, when they are exactly these of XML Signature, in this order.
fn exactly<'d, const N: usize>(
    element: Element<'d>,
    names: [&'static str; N],
) -> Result<[Element<'d>; N], SignatureError> {
    let children: Vec<_> = element.children().take(N.saturating_add(1)).collect();
    let fit = children.len() == N && children.iter().zip(names).all(|(child, name)| child.is(ns::DS, name));
    match <[Element<'d>; N]>::try_from(children) {
        Ok(children) if fit => Ok(children),
        _ => Err(SignatureError::Structure("children of SignedInfo")),
    }
}

/// Exactly two: the enveloped signature, then a canonical form.
fn transform(transforms: Element<'_>, accept: Accept) -> Result<Canonical, SignatureError> {
    let mut children = transforms.children();
    let (first, second) = (children.next(), children.next());
    if children.next().is_some() {
        return Err(SignatureError::Transform);
    }
    let is_transform = |child: &Element<'_>| child.is(ns::DS, "Transform");
    let enveloped = first.filter(is_transform).ok_or(SignatureError::Transform)?;
    if enveloped.attribute("Algorithm") != Some(algorithm::ENVELOPED) || enveloped.children().next().is_some() {
        return Err(SignatureError::Transform);
    }
    let form = second.filter(is_transform).ok_or(SignatureError::Transform)?;
    method(form, accept).map_err(|_| SignatureError::Transform)
}

/// A canonical form by its URI, with the prefixes that the exclusive one may list.
fn method(element: Element<'_>, accept: Accept) -> Result<Canonical, SignatureError> {
    let (inclusive, comments) = match element.attribute("Algorithm").unwrap_or("") {
        algorithm::EXCLUSIVE => (false, false),
        algorithm::EXCLUSIVE_COMMENTS => (false, true),
        algorithm::INCLUSIVE if accept.inclusive => (true, false),
        algorithm::INCLUSIVE_COMMENTS if accept.inclusive => (true, true),
        _ => return Err(SignatureError::Algorithm),
    };
    let mut children = element.children();
    let prefixes = match children.next() {
        None => Vec::new(),
        Some(list) if !inclusive && list.is(algorithm::EXCLUSIVE, "InclusiveNamespaces") => {
            let list = list.attribute("PrefixList").unwrap_or("");
            list.split_ascii_whitespace().map(ToOwned::to_owned).collect()
        }
        Some(_) => return Err(SignatureError::Algorithm),
    };
    // Each is looked for at each element.
    if prefixes.len() > 16 || children.next().is_some() {
        return Err(SignatureError::Algorithm);
    }
    Ok(Canonical { inclusive, comments, prefixes })
}
