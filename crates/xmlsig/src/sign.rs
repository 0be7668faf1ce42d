//! Enveloped signatures over one element, at the place that SAML's schemas give them.

use crate::{
    Canonical, Document, Fragment, Limits, Prefixes, SigningKey, Xml, XmlError,
    algorithm::{self, Hash},
    base64,
    canonical::{self, Insert, Place},
    ns,
};

/// Why nothing was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// What was to be signed isn't XML within the limits.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// No element has this `ID`.
    #[error("no element has this ID")]
    Id,
    /// It has a signature already.
    #[error("the element is signed already")]
    Signed,
    /// The crypto library refused.
    #[error("the key didn't sign")]
    Key,
}

/// Octets of what we sign: an assertion with its attributes, or metadata.
const LIMITS: Limits = Limits { bytes: 1024 * 1024, ..Limits::METADATA };

/// Signs the element of `fragment` whose `ID` is `id`: exclusive canonical form, SHA-256, the certificate in `KeyInfo`.
///
/// The signature stands after the element's `Issuer`, or first where there is none (saml-core-2.0-os, 5.4.2 and the schemas). The
/// rest is written in canonical form, so other signatures in it stay valid.
///
/// # Errors
/// [`SignError`].
pub fn sign(fragment: &Fragment, id: &str, key: &SigningKey) -> Result<Fragment, SignError> {
    sign_with(fragment, id, key, &[])
}

/// The same, with other prefixes in the place of these in the signature.
///
/// # Errors
/// [`SignError`].
pub fn sign_with(
    fragment: &Fragment,
    id: &str,
    key: &SigningKey,
    prefixes: Prefixes<'_>,
) -> Result<Fragment, SignError> {
    let document = Document::parse(fragment.as_str().as_bytes(), &LIMITS)?;
    let element =
        document.element_by_id(id).filter(|element| element.attribute("ID") == Some(id)).ok_or(SignError::Id)?;
    if crate::is_signed(element) {
        return Err(SignError::Signed);
    }
    let form = canonical::canonicalize(element, &Canonical::exclusive())?;
    let digest = base64::encode(Hash::Sha256.digest(form.as_bytes()).as_ref());
    let info = signed_info(id, &digest, key.algorithm_uri());
    // Alone, `SignedInfo` must declare its prefix: so it is canonicalised from a document of its own.
    let alone = info.clone().with("xmlns:ds", ns::DS).render_with(prefixes)?;
    let alone = Document::parse(alone.as_str().as_bytes(), &LIMITS)?;
    let octets = canonical::canonicalize(alone.root(), &Canonical::exclusive())?;
    let value = key.sign(octets.as_bytes()).ok_or(SignError::Key)?;
    let certificate = Xml::new("ds:X509Certificate").text(base64::encode(key.certificate()));
    let signature = Xml::new("ds:Signature")
        .with("xmlns:ds", ns::DS)
        .child(info)
        .child(Xml::new("ds:SignatureValue").text(base64::encode(&value)))
        .child(Xml::new("ds:KeyInfo").child(Xml::new("ds:X509Data").child(certificate)))
        .render_with(prefixes)?;
    let first = element.children().next();
    let place = match first.filter(|first| first.is(ns::SAML, "Issuer")) {
        Some(issuer) => Place::After(issuer.node),
        None => Place::Into(element.node),
    };
    let insert = Insert { place, text: signature.as_str() };
    let whole = Canonical { inclusive: true, ..Canonical::default() };
    Ok(Fragment(canonical::write(&document, 0, None, Some(&insert), &whole)?))
}

fn signed_info(id: &str, digest: &str, algorithm: &'static str) -> Xml {
    let by = |name: &'static str, uri: &'static str| Xml::new(name).with("Algorithm", uri);
    let transforms = Xml::new("ds:Transforms")
        .child(by("ds:Transform", algorithm::ENVELOPED))
        .child(by("ds:Transform", algorithm::EXCLUSIVE));
    let reference = Xml::new("ds:Reference")
        .with("URI", format!("#{id}"))
        .child(transforms)
        .child(by("ds:DigestMethod", algorithm::SHA256))
        .child(Xml::new("ds:DigestValue").text(digest));
    Xml::new("ds:SignedInfo")
        .child(by("ds:CanonicalizationMethod", algorithm::EXCLUSIVE))
        .child(by("ds:SignatureMethod", algorithm))
        .child(reference)
}
