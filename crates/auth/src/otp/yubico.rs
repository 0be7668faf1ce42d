//! Yubico OTP: 44 modhex characters, of which the last 32 are one AES-128 block (Yubico OTP specification, "OTPs Explained").

use aws_lc_rs::cipher::{AES_128, DecryptingKey, DecryptionContext, UnboundCipherKey};
use types::{SecretBytes, ct_eq};

const MODHEX: &[u8; 16] = b"cbdefghijklnrtuv";
/// What the CRC-16 of the whole block comes to when it is whole.
const CRC_RESIDUE: u16 = 0xf0b8;

/// The text of a Yubico OTP, not yet decrypted.
#[derive(Clone)]
pub struct YubicoCode {
    block: [u8; 16],
}

/// A Yubico token's secrets.
pub struct Yubico {
    key: [u8; 16],
    private_id: [u8; 6],
}

impl YubicoCode {
    /// Reads 32 to 48 modhex characters; the part before the last 32 is the public id, which nothing depends on.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if !(32..=48).contains(&text.len()) {
            return None;
        }
        let nibble = |byte: u8| {
            let place = MODHEX.iter().position(|digit| *digit == byte.to_ascii_lowercase())?;
            u8::try_from(place).ok()
        };
        if !text.bytes().all(|byte| nibble(byte).is_some()) {
            return None;
        }
        let mut block = [0; 16];
        let tail = text.as_bytes().get(text.len() - 32..)?;
        for (byte, pair) in block.iter_mut().zip(tail.chunks_exact(2)) {
            let [high, low] = pair else { return None };
            *byte = (nibble(*high)? << 4) | nibble(*low)?;
        }
        Some(Self { block })
    }
}

impl Yubico {
    /// From the stored seed: the AES key (16 bytes), then the private id (6 bytes).
    #[must_use]
    pub fn from_seed(seed: &SecretBytes) -> Option<Self> {
        let (key, private_id) = seed.expose().split_at_checked(16)?;
        Some(Self { key: key.try_into().ok()?, private_id: private_id.try_into().ok()? })
    }

    /// The counter of `code` (use counter, then session counter), if it is of this token.
    #[must_use]
    pub fn check(&self, code: &YubicoCode) -> Option<i64> {
        let key = UnboundCipherKey::new(&AES_128, &self.key).ok()?;
        let mut block = code.block;
        let plain = DecryptingKey::ecb(key).ok()?.decrypt(&mut block, DecryptionContext::None).ok()?;
        if crc16(plain) != CRC_RESIDUE || !ct_eq(plain.get(..6)?, &self.private_id) {
            return None;
        }
        let uses = u16::from_le_bytes(plain.get(6..8)?.try_into().ok()?);
        let session = *plain.get(11)?;
        // The top bit of the use counter tells caps lock; the counter itself has 15.
        Some(i64::from(uses & 0x7fff) << 8 | i64::from(session))
    }
}

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xffff, |mut crc, byte| {
        crc ^= u16::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x8408 } else { crc >> 1 };
        }
        crc
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Yubico's own documentation of `libyubikey` (`ykparse`).
    #[test]
    fn the_documented_example() {
        let key: Vec<u8> =
            vec![0xec, 0xde, 0x18, 0xdb, 0xe7, 0x6f, 0xbd, 0x0c, 0x33, 0x33, 0x0f, 0x1c, 0x35, 0x48, 0x71, 0xdb];
        let code = YubicoCode::parse("dteffujehknhfjbrjnlnldnhcujvddbikngjrtgh").unwrap();
        let seed = |private: [u8; 6]| SecretBytes::new([key.clone(), private.to_vec()].concat());
        let yubico = Yubico::from_seed(&seed([0x87, 0x92, 0xeb, 0xfe, 0x26, 0xcc])).unwrap();
        assert_eq!(yubico.check(&code), Some(0x13 << 8 | 0x11));
        let other = Yubico::from_seed(&seed([0; 6])).unwrap();
        assert_eq!(other.check(&code), None);
    }

    #[test]
    fn other_texts_are_refused() {
        assert!(YubicoCode::parse("").is_none());
        assert!(YubicoCode::parse("123456").is_none());
        assert!(YubicoCode::parse(&"a".repeat(44)).is_none());
        assert!(YubicoCode::parse(&"é".repeat(20)).is_none());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_code_or_refused(text in "\\PC{0,60}") {
            proptest::prop_assert!(YubicoCode::parse(&text).is_none() || (32..=48).contains(&text.len()));
        }
    }
}
