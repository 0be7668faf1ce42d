//! Encrypting an element for one receiver.

use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use types::{Random, SecretBytes};

use super::{ContentCipher, EncryptionError, KeyTransport, MGF1_SHA256, OAEP, OAEP_MGF1P, SHA1, SHA256, TYPE_ELEMENT};
use crate::{Fragment, PublicKey, Xml, base64, ns};

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

fn wrap(key: &[u8], to: &PublicKey, transport: KeyTransport) -> Result<Vec<u8>, EncryptionError> {
    if !to.is_rsa() {
        return Err(EncryptionError::Kind);
    }
    let algorithm = match transport {
        KeyTransport::OaepSha1 => &OAEP_SHA1_MGF1SHA1,
        KeyTransport::OaepSha256 => &OAEP_SHA256_MGF1SHA256,
    };
    let public = PublicEncryptingKey::from_der(&to.spki).map_err(|_| EncryptionError::Kind)?;
    let public = OaepPublicEncryptingKey::new(public).map_err(|_| EncryptionError::Kind)?;
    let mut wrapped = vec![0; public.ciphertext_size()];
    let length = public.encrypt(algorithm, key, &mut wrapped, None).map_err(|_| EncryptionError::Kind)?.len();
    wrapped.truncate(length);
    Ok(wrapped)
}
