//! Content ciphers: `IV || ciphertext || tag` for GCM (xmlenc-core1, 5.2.4), `IV || ciphertext` for CBC (5.2.3).

use aws_lc_rs::{
    aead::{self, Aad, LessSafeKey, Nonce, UnboundKey},
    cipher::{
        AES_128, AES_256, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey,
        UnboundCipherKey,
    },
    iv::FixedLength,
};
use types::Random;

use super::{ContentCipher, EncryptionError};

const GCM_NONCE: usize = 12;
const CBC_IV: usize = 16;

impl ContentCipher {
    pub(super) fn seal(self, key: &[u8], plain: &[u8], random: &dyn Random) -> Result<Vec<u8>, EncryptionError> {
        let mut content = plain.to_vec();
        if self.is_authenticated() {
            let mut nonce = [0; GCM_NONCE];
            random.fill(&mut nonce);
            self.gcm(key)?
                .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut content)
                .map_err(|_| EncryptionError::Closed)?;
            return Ok([nonce.as_slice(), &content].concat());
        }
        let mut iv = [0; CBC_IV];
        random.fill(&mut iv);
        let context = EncryptionContext::Iv128(FixedLength::from(&iv));
        // PKCS #7 padding is one of those that ISO 10126 allows.
        PaddedBlockEncryptingKey::cbc_pkcs7(self.cbc(key)?)
            .and_then(|key| key.less_safe_encrypt(&mut content, context))
            .map_err(|_| EncryptionError::Closed)?;
        Ok([iv.as_slice(), &content].concat())
    }

    pub(super) fn open(self, key: &[u8], sealed: &[u8]) -> Result<Vec<u8>, EncryptionError> {
        if self.is_authenticated() {
            let (nonce, content) = sealed.split_first_chunk::<GCM_NONCE>().ok_or(EncryptionError::Closed)?;
            let mut content = content.to_vec();
            let length = self
                .gcm(key)?
                .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::empty(), &mut content)
                .map_err(|_| EncryptionError::Closed)?
                .len();
            content.truncate(length);
            return Ok(content);
        }
        let (iv, content) = sealed.split_first_chunk::<CBC_IV>().ok_or(EncryptionError::Closed)?;
        let mut content = content.to_vec();
        let length = PaddedBlockDecryptingKey::cbc_iso10126(self.cbc(key)?)
            .and_then(|key| {
                let context = DecryptionContext::Iv128(FixedLength::from(iv));
                key.decrypt(&mut content, context).map(|plain| plain.len())
            })
            .map_err(|_| EncryptionError::Closed)?;
        content.truncate(length);
        Ok(content)
    }

    fn gcm(self, key: &[u8]) -> Result<LessSafeKey, EncryptionError> {
        let algorithm = if self.key_length() == 16 { &aead::AES_128_GCM } else { &aead::AES_256_GCM };
        UnboundKey::new(algorithm, key).map(LessSafeKey::new).map_err(|_| EncryptionError::Closed)
    }

    fn cbc(self, key: &[u8]) -> Result<UnboundCipherKey, EncryptionError> {
        let algorithm = if self.key_length() == 16 { &AES_128 } else { &AES_256 };
        UnboundCipherKey::new(algorithm, key).map_err(|_| EncryptionError::Closed)
    }
}
