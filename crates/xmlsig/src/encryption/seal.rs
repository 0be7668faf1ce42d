//! Encrypting an element for one receiver.

use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use types::{Random, SecretBytes};

use super::{ContentCipher, EncryptionError, KeyTransport, MGF1_SHA256, OAEP, OAEP_MGF1P, SHA1, SHA256, TYPE_ELEMENT};
use crate::{Fragment, PublicKey, Xml, base64, key::Kind, ns};

/// `xenc:EncryptedData` with `content` in it, which must declare the prefixes that it uses (what [`sign`](crate::sign) gives does).
/// The caller puts it into its `saml:EncryptedAssertion` or `saml:EncryptedID`.
///
/// # Errors
/// [`EncryptionError::Kind`] if `to` isn't an RSA key.
pub fn encrypt(
    content: &Fragment,
    to: &PublicKey,
    cipher: ContentCipher,
    transport: KeyTransport,
    random: &dyn Random,
) -> Result<Fragment, EncryptionError> {
    let mut key = vec![0; cipher.key_length()];
    random.fill(&mut key);
    let key = SecretBytes::new(key);
    let sealed = cipher.seal(key.expose(), content.as_str().as_bytes(), random)?;
    let by = |name: &'static str, uri: &'static str| Xml::new(name).with("Algorithm", uri);
    let digest = |uri: &'static str| by("ds:DigestMethod", uri).with("xmlns:ds", ns::DS);
    let method = match transport {
        KeyTransport::OaepSha1 => by("xenc:EncryptionMethod", OAEP_MGF1P).child(digest(SHA1)),
        KeyTransport::OaepSha256 => by("xenc:EncryptionMethod", OAEP)
            .child(digest(SHA256))
            .child(by("xenc11:MGF", MGF1_SHA256).with("xmlns:xenc11", ns::XENC11)),
    };
    let value =
        |octets: &[u8]| Xml::new("xenc:CipherData").child(Xml::new("xenc:CipherValue").text(base64::encode(octets)));
    let wrapped = wrap(key.expose(), to, transport)?;
    let encrypted_key = Xml::new("xenc:EncryptedKey").child(method).child(value(&wrapped));
    let data = Xml::new("xenc:EncryptedData")
        .with("xmlns:xenc", ns::XENC)
        .with("Type", TYPE_ELEMENT)
        .child(by("xenc:EncryptionMethod", cipher.uri()))
        .child(Xml::new("ds:KeyInfo").with("xmlns:ds", ns::DS).child(encrypted_key))
        .child(value(&sealed));
    Ok(data.render()?)
}

impl PublicKey {
    /// Whether contents can be encrypted to it: only to RSA keys.
    #[must_use]
    pub fn takes_encryption(&self) -> bool {
        receiver(self).is_ok()
    }
}

fn receiver(to: &PublicKey) -> Result<OaepPublicEncryptingKey, EncryptionError> {
    if to.kind != Kind::Rsa {
        return Err(EncryptionError::Kind);
    }
    let public = PublicEncryptingKey::from_der(&to.spki).map_err(|_| EncryptionError::Kind)?;
    OaepPublicEncryptingKey::new(public).map_err(|_| EncryptionError::Kind)
}

fn wrap(key: &[u8], to: &PublicKey, transport: KeyTransport) -> Result<Vec<u8>, EncryptionError> {
    let algorithm = match transport {
        KeyTransport::OaepSha1 => &OAEP_SHA1_MGF1SHA1,
        KeyTransport::OaepSha256 => &OAEP_SHA256_MGF1SHA256,
    };
    let public = receiver(to)?;
    let mut wrapped = vec![0; public.ciphertext_size()];
    let length = public.encrypt(algorithm, key, &mut wrapped, None).map_err(|_| EncryptionError::Kind)?.len();
    wrapped.truncate(length);
    Ok(wrapped)
}
