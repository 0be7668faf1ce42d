//! Session keys, and what is done with them (RFC 3711 §4.1.1, §4.2.1, §4.3).

use super::NotAuthentic;
use aws_lc_rs::{
    cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey},
    hmac,
    iv::FixedLength,
};
use types::SecretBytes;
use zeroize::Zeroizing;

/// Bytes of a master key and its salt.
pub const MASTER: usize = 16 + 14;
const KEY: usize = 16;
const SALT: usize = 14;
const AUTH: usize = 20;

/// A crypto suite of RFC 4568 §6.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suite {
    /// `AES_CM_128_HMAC_SHA1_80`
    Tag80,
    /// `AES_CM_128_HMAC_SHA1_32`
    Tag32,
}

pub(super) struct SessionKeys {
    suite: Suite,
    cipher: EncryptingKey,
    salt: Zeroizing<[u8; SALT]>,
    auth: hmac::Key,
}

impl SessionKeys {
    pub(super) fn derive(suite: Suite, master: &SecretBytes) -> Result<Self, NotAuthentic> {
        let (key, salt) = master.expose().split_at_checked(KEY).ok_or(NotAuthentic)?;
        let salt: &[u8; SALT] = salt.try_into().map_err(|_| NotAuthentic)?;
        let prf = cipher(key)?;
        let mut session = Zeroizing::new([0; KEY]);
        derive(&prf, salt, 0, session.as_mut_slice())?;
        let mut auth = Zeroizing::new([0; AUTH]);
        derive(&prf, salt, 1, auth.as_mut_slice())?;
        let mut session_salt = Zeroizing::new([0; SALT]);
        derive(&prf, salt, 2, session_salt.as_mut_slice())?;
        Ok(Self {
            suite,
            cipher: cipher(session.as_slice())?,
            salt: session_salt,
            auth: hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, auth.as_slice()),
        })
    }

    pub(super) const fn tag_length(&self) -> usize {
        match self.suite {
            Suite::Tag80 => 10,
            Suite::Tag32 => 4,
        }
    }

    /// Encrypts and decrypts: the key stream is the same.
    pub(super) fn crypt(&self, ssrc: u32, index: u64, bytes: &mut [u8]) -> Result<(), NotAuthentic> {
        let mut iv = [0; 16];
        for (to, from) in iv.iter_mut().zip(self.salt.iter()) {
            *to = *from;
        }
        for (to, from) in iv.iter_mut().skip(4).zip(ssrc.to_be_bytes()) {
            *to ^= from;
        }
        for (to, from) in iv.iter_mut().skip(8).zip(index.to_be_bytes().into_iter().skip(2)) {
            *to ^= from;
        }
        stream(&self.cipher, iv, bytes)
    }

    /// Over the packet and how often its counter has wrapped.
    pub(super) fn tag(&self, packet: &[u8], rollover: u32) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.auth);
        context.update(packet);
        context.update(&rollover.to_be_bytes());
        context.sign()
    }
}

fn cipher(key: &[u8]) -> Result<EncryptingKey, NotAuthentic> {
    let key = UnboundCipherKey::new(&AES_128, key).map_err(|_| NotAuthentic)?;
    EncryptingKey::ctr(key).map_err(|_| NotAuthentic)
}

fn stream(cipher: &EncryptingKey, iv: [u8; 16], bytes: &mut [u8]) -> Result<(), NotAuthentic> {
    let context = EncryptionContext::Iv128(FixedLength::from(iv));
    cipher.less_safe_encrypt(bytes, context).map(|_| ()).map_err(|_| NotAuthentic)
}

fn derive(prf: &EncryptingKey, salt: &[u8; SALT], label: u8, out: &mut [u8]) -> Result<(), NotAuthentic> {
    let mut iv = [0; 16];
    for (to, from) in iv.iter_mut().zip(salt) {
        *to = *from;
    }
    if let Some(place) = iv.get_mut(7) {
        *place ^= label;
    }
    out.fill(0);
    stream(prf, iv, out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER_PERMISSIVE as HEX;

    /// RFC 3711 B.2.
    #[test]
    fn the_key_stream_is_the_published_one() {
        let cipher = cipher(&HEX.decode(b"2B7E151628AED2A6ABF7158809CF4F3C").unwrap()).unwrap();
        let mut out = [0; 48];
        let iv = HEX.decode(b"F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000").unwrap();
        stream(&cipher, iv.try_into().unwrap(), &mut out).unwrap();
        let expected =
            "e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab41e95b3bb0a2e8dd477901e4fca894c0";
        assert_eq!(data_encoding::HEXLOWER.encode(&out), expected);
    }

    /// RFC 3711 B.3.
    #[test]
    fn the_session_keys_are_the_published_ones() {
        let prf = cipher(&HEX.decode(b"E1F97A0D3E018BE0D64FA32C06DE4139").unwrap()).unwrap();
        let salt: [u8; SALT] = HEX.decode(b"0EC675AD498AFEEBB6960B3AABE6").unwrap().try_into().unwrap();
        for (label, expected) in [
            (0, "c61e7a93744f39ee10734afe3ff7a087"),
            (1, "cebe321f6ff7716b6fd4ab49af256a156d38baa4"),
            (2, "30cbbc08863d8c85d49db34a9ae1"),
        ] {
            let mut out = vec![0; expected.len() / 2];
            derive(&prf, &salt, label, &mut out).unwrap();
            assert_eq!(data_encoding::HEXLOWER.encode(&out), expected);
        }
    }
}
