//! What tokens show: the codes that the demo's people type.

use auth::otp::{hotp, totp_step};
use aws_lc_rs::cipher::{AES_128, EncryptingKey, UnboundCipherKey};
use types::{Millis, SecretBytes};

/// Digits of the demo's tokens.
const DIGITS: u32 = 6;
/// Seconds of a step.
const STEP: i64 = 30;

/// The passcode of a time-based token.
pub(super) fn totp(seed: &SecretBytes, now: Millis) -> String {
    hotp(seed.expose(), u64::try_from(totp_step(now, STEP)).unwrap_or(0), DIGITS)
}

/// A code that a time-based token shows at no time near `now`.
pub(super) fn not_totp(seed: &SecretBytes, now: Millis) -> String {
    let near: Vec<String> = (-3..=3)
        .map(|step| hotp(seed.expose(), u64::try_from(totp_step(now, STEP) + step).unwrap_or(0), DIGITS))
        .collect();
    wrong(&near).next().unwrap_or_default()
}

/// The passcode of a counter-based token.
pub(super) fn counter(seed: &SecretBytes, counter: u64) -> String {
    hotp(seed.expose(), counter, DIGITS)
}

/// Codes that a counter-based token doesn't show within the first hundred.
pub(super) fn not_counter(seed: &SecretBytes) -> impl Iterator<Item = String> {
    wrong(&(0..100).map(|place| counter(seed, place)).collect::<Vec<_>>())
}

fn wrong(right: &[String]) -> impl Iterator<Item = String> + use<> {
    let right = right.to_vec();
    (123_456_u32..999_999).map(|number| number.to_string()).filter(move |code| !right.contains(code))
}

/// A Yubico OTP: 12 characters that name the key, and one AES block (Yubico OTP specification, "OTPs Explained").
pub(super) fn yubico(aes_key: &[u8; 16], private_id: &[u8; 6], uses: u16, session: u8) -> Option<String> {
    let mut block = Vec::with_capacity(16);
    block.extend_from_slice(private_id);
    block.extend_from_slice(&uses.to_le_bytes());
    // Three bytes of a timer at 8 Hz and two of chance, on which nothing depends.
    block.extend_from_slice(&[0x10, 0x20, 0x30, session, 0x5a, 0xa5]);
    let checksum = !crc16(&block);
    block.extend_from_slice(&checksum.to_le_bytes());
    let key = UnboundCipherKey::new(&AES_128, aes_key).ok()?;
    EncryptingKey::ecb(key).ok()?.encrypt(&mut block).ok()?;
    Some(format!("ccccccbcdefg{}", modhex(&block)))
}

fn modhex(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 16] = b"cbdefghijklnrtuv";
    let letter = |nibble: u8| char::from(LETTERS.get(usize::from(nibble & 15)).copied().unwrap_or(b'c'));
    bytes.iter().flat_map(|byte| [letter(byte >> 4), letter(*byte)]).collect()
}

/// The checksum of ISO 13239, as the key computes it.
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
    use auth::otp::{Yubico, YubicoCode};

    #[test]
    fn a_keys_code_is_what_the_engine_reads() {
        let code = yubico(&[7; 16], &[9; 6], 3, 5).unwrap();
        let key = Yubico::from_seed(&SecretBytes::new([[7; 16].as_slice(), &[9; 6]].concat())).unwrap();
        assert_eq!(key.check(&YubicoCode::parse(&code).unwrap()), Some(3 << 8 | 5));
    }

    #[test]
    fn a_wrong_code_is_wrong() {
        let seed = SecretBytes::new(b"12345678901234567890".to_vec());
        let now = Millis::from_seconds(59);
        assert_eq!(totp(&seed, now), "287082");
        assert_ne!(not_totp(&seed, now), totp(&seed, now));
        assert_eq!(wrong(&["123456".to_owned()]).next().unwrap(), "123457");
    }
}
