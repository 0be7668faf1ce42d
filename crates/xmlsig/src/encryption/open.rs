//! Decrypting an element that was encrypted for us.

use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPrivateDecryptingKey, PrivateDecryptingKey,
};
use types::SecretBytes;
use zeroize::Zeroizing;

use super::{ContentCipher, EncryptionError, MGF1_SHA1, MGF1_SHA256, OAEP, OAEP_MGF1P, SHA1, SHA256, TYPE_ELEMENT};
use crate::{Document, Element, Verified, XmlError, ns};

/// A key that opens what was encrypted for us.
pub struct DecryptionKey(OaepPrivateDecryptingKey);

impl DecryptionKey {
    /// An RSA key of at least 2048 bits, as PKCS #8 in DER.
    ///
    /// # Errors
    /// [`EncryptionError::Kind`].
    pub fn from_pkcs8(pkcs8: &SecretBytes) -> Result<Self, EncryptionError> {
        let key = PrivateDecryptingKey::from_pkcs8(pkcs8.expose()).map_err(|_| EncryptionError::Kind)?;
        if key.key_size_bits() < 2048 {
            return Err(EncryptionError::Kind);
        }
        OaepPrivateDecryptingKey::new(key).map(Self).map_err(|_| EncryptionError::Kind)
    }
}

/// Decrypts an `xenc:EncryptedData`, with the keys in order. The `xenc:EncryptedKey` stands in its `KeyInfo` or beside it
/// (saml-core-2.0-os, 2.2.4 and 2.3.4). The document is parsed within the limits of the one that it stood in, and unverified; so its
/// cipher must notice changes by itself: AES-GCM.
///
/// # Errors
/// [`EncryptionError`].
pub fn decrypt(data: Element<'_>, keys: &[DecryptionKey]) -> Result<Document, EncryptionError> {
    open(data, keys, false)
}

impl Verified {
    /// Decrypts an `xenc:EncryptedData` of this document. What the signature covers is its ciphertext, and so its content, too:
    /// AES-CBC is accepted here.
    ///
    /// # Errors
    /// [`EncryptionError`]; [`XmlError::Missing`] if `data` is another document's.
    pub fn decrypt(&self, data: Element<'_>, keys: &[DecryptionKey]) -> Result<Self, EncryptionError> {
        if !std::ptr::eq(data.document, self.document()) {
            return Err(XmlError::Missing("EncryptedData").into());
        }
        Ok(Self::new(open(data, keys, true)?, self.key()))
    }
}

fn open(data: Element<'_>, keys: &[DecryptionKey], is_verified: bool) -> Result<Document, EncryptionError> {
    if !data.is(ns::XENC, "EncryptedData") {
        return Err(XmlError::Missing("EncryptedData").into());
    }
    if data.attribute("Type").is_some_and(|kind| kind != TYPE_ELEMENT) {
        return Err(EncryptionError::Algorithm);
    }
    let cipher = ContentCipher::by_uri(method(data)?.attribute("Algorithm").unwrap_or(""))
        .filter(|cipher| is_verified || cipher.is_authenticated())
        .ok_or(EncryptionError::Algorithm)?;
    let sealed = value(data)?;
    let mut last = EncryptionError::Closed;
    for (algorithm, wrapped) in wrapped_keys(data)? {
        for key in keys.iter().take(4) {
            match unwrap(key, algorithm, &wrapped, cipher).and_then(|key| cipher.open(&key, &sealed)) {
                Ok(plain) => return Ok(read(data, &Zeroizing::new(plain))?),
                Err(error) => last = error,
            }
        }
    }
    Err(last)
}

/// Parses what was decrypted. The specification has it stand in the place of the encrypted element (xmlenc-core1, 4.4), so prefixes
/// that are declared around there count.
fn read(data: Element<'_>, plain: &[u8]) -> Result<Document, XmlError> {
    let around = data.parent().unwrap_or(data);
    let mut inherited: Vec<(String, String)> = Vec::new();
    let outer = std::iter::once(around.node).chain(around.document.ancestors(around.node));
    for tag in outer.filter_map(|node| around.document.tag(node)) {
        for declaration in around.document.declarations_of(tag) {
            let prefix = around.document.names.get(declaration.prefix);
            let uri = around.document.names.get(declaration.uri);
            if !inherited.iter().any(|(own, _)| own == prefix) {
                inherited.push((prefix.to_owned(), uri.to_owned()));
            }
        }
    }
    inherited.retain(|(_, uri)| !uri.is_empty());
    crate::parse::document(plain, around.document.limits(), &inherited)
}

fn method(element: Element<'_>) -> Result<Element<'_>, XmlError> {
    element.only(ns::XENC, "EncryptionMethod")
}

fn value(element: Element<'_>) -> Result<Vec<u8>, XmlError> {
    element.only(ns::XENC, "CipherData")?.only(ns::XENC, "CipherValue")?.base64()
}

type Wrapped = (&'static OaepAlgorithm, Vec<u8>);

/// The encrypted keys, one for each receiver: at most four, of algorithms that are known.
fn wrapped_keys(data: Element<'_>) -> Result<Vec<Wrapped>, EncryptionError> {
    let inside = data.child(ns::DS, "KeyInfo")?;
    let places = inside.into_iter().chain(data.parent());
    let all: Vec<_> = places.flat_map(|place| place.children_of(ns::XENC, "EncryptedKey")).take(5).collect();
    if all.is_empty() {
        return Err(XmlError::Missing("EncryptedKey").into());
    }
    if all.len() > 4 {
        return Err(XmlError::Limit("encrypted keys").into());
    }
    let known: Vec<Wrapped> = all
        .into_iter()
        .filter_map(|key| transport(key).map(|algorithm| Ok((algorithm, value(key)?))))
        .collect::<Result<_, XmlError>>()?;
    if known.is_empty() { Err(EncryptionError::Algorithm) } else { Ok(known) }
}

/// Both hashes of OAEP are the same, or it isn't known: mixed ones are rare, and the crypto library has none.
fn transport(key: Element<'_>) -> Option<&'static OaepAlgorithm> {
    let method = method(key).ok()?;
    let digest = method.child(ns::DS, "DigestMethod").ok()?.map_or(Some(SHA1), |found| found.attribute("Algorithm"))?;
    let mask = match method.attribute("Algorithm")? {
        OAEP_MGF1P => MGF1_SHA1,
        OAEP => method.child(ns::XENC11, "MGF").ok()?.map_or(Some(MGF1_SHA1), |found| found.attribute("Algorithm"))?,
        _ => return None,
    };
    // A label would be part of the padding; nobody uses one.
    if method.child(ns::XENC, "OAEPparams").ok()?.is_some() {
        return None;
    }
    match (digest, mask) {
        (SHA1, MGF1_SHA1) => Some(&OAEP_SHA1_MGF1SHA1),
        (SHA256, MGF1_SHA256) => Some(&OAEP_SHA256_MGF1SHA256),
        _ => None,
    }
}

fn unwrap(
    key: &DecryptionKey,
    algorithm: &'static OaepAlgorithm,
    wrapped: &[u8],
    cipher: ContentCipher,
) -> Result<Zeroizing<Vec<u8>>, EncryptionError> {
    let mut plain = Zeroizing::new(vec![0; key.0.min_output_size()]);
    let length = key.0.decrypt(algorithm, wrapped, &mut plain, None).map_err(|_| EncryptionError::Closed)?.len();
    if length != cipher.key_length() {
        return Err(EncryptionError::Closed);
    }
    plain.truncate(length);
    Ok(plain)
}
