//! The `Authorization` header: who claims to have signed, and the digest.

use super::ApiError;
use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use http::{HeaderMap, header::AUTHORIZATION};

/// Longest integration key that is looked up; Duo's have 20 characters.
const LONGEST_KEY: usize = 64;
/// Room for the longest key, the colon and 128 hexadecimal digits.
const LONGEST_TEXT: usize = LONGEST_KEY + 1 + 128;
/// The same in base64, whose groups of four each hold three bytes.
const LONGEST_BASE64: usize = LONGEST_TEXT.div_ceil(3) * 4;

/// Which hash a client's HMAC uses, told by the digest's length: 40 hexadecimal digits or 128.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Digest {
    /// duo_client before 4.6, duo_unix up to 2.0.0, Elastic, Vaultwarden. Versions 1 and 2 only.
    Sha1,
    /// Everything newer.
    Sha512,
}

impl Digest {
    pub(super) const fn algorithm(self) -> aws_lc_rs::hmac::Algorithm {
        match self {
            Self::Sha1 => aws_lc_rs::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha512 => aws_lc_rs::hmac::HMAC_SHA512,
        }
    }

    const fn bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha512 => 64,
        }
    }
}

/// What an `Authorization` header claims. Nothing in it has been checked.
#[derive(Clone)]
pub struct Credentials {
    integration_key: String,
    digest: Digest,
    signature: [u8; 64],
}

impl Credentials {
    /// Reads the one `Authorization` header.
    ///
    /// # Errors
    /// 40101 when there is none; 40104 when there are several or it is not `Basic base64(key ":" hex)`.
    pub fn read(headers: &HeaderMap) -> Result<Self, ApiError> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let value = values.next().ok_or(ApiError::missing_credentials())?;
        if values.next().is_some() {
            return Err(ApiError::malformed_credentials());
        }
        Self::parse(value.as_bytes()).ok_or(ApiError::malformed_credentials())
    }

    /// Reads the header's value.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (scheme, rest) = value.split_at_checked(6)?;
        if !scheme.eq_ignore_ascii_case(b"basic ") {
            return None;
        }
        let encoded = rest.trim_ascii();
        if encoded.len() > LONGEST_BASE64 || encoded.len() % 4 != 0 {
            return None;
        }
        let mut room = [0_u8; LONGEST_BASE64];
        let room = room.get_mut(..BASE64.decode_len(encoded.len()).ok()?)?;
        let length = BASE64.decode_mut(encoded, room).ok()?;
        let text = room.get(..length)?;

        let colon = text.iter().position(|&byte| byte == b':')?;
        let (key, rest) = text.split_at_checked(colon)?;
        let hex = rest.get(1..)?;
        if key.is_empty() || key.len() > LONGEST_KEY || !key.iter().all(u8::is_ascii_alphanumeric) {
            return None;
        }
        let digest = match hex.len() {
            40 => Digest::Sha1,
            128 => Digest::Sha512,
            _ => return None,
        };
        let mut signature = [0_u8; 64];
        HEXLOWER_PERMISSIVE.decode_mut(hex, signature.get_mut(..digest.bytes())?).ok()?;
        let integration_key = std::str::from_utf8(key).ok()?.to_owned();
        Some(Self { integration_key, digest, signature })
    }

    /// The integration that the client says it is: letters and digits, at most 64.
    #[must_use]
    pub fn integration_key(&self) -> &str {
        &self.integration_key
    }

    /// Which hash the signature uses.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The HMAC's bytes, 20 or 64.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        self.signature.get(..self.digest.bytes()).unwrap_or(&self.signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn header(text: &str) -> String {
        format!("Basic {}", BASE64.encode(text.as_bytes()))
    }

    #[test]
    fn the_length_of_the_digest_tells_the_hash() {
        for (length, digest) in [(40, Digest::Sha1), (128, Digest::Sha512)] {
            let read =
                Credentials::parse(header(&format!("DIXYZV6YM8IFYVWBINCA:{}", "ab".repeat(length / 2))).as_bytes())
                    .unwrap();
            assert_eq!(read.integration_key(), "DIXYZV6YM8IFYVWBINCA");
            assert_eq!(read.digest(), digest);
            assert_eq!(read.signature(), vec![0xab; length / 2]);
        }
    }

    #[test]
    fn the_scheme_is_read_in_any_case_and_the_digits_too() {
        let value = header(&format!("DI1:{}", "AB".repeat(20))).replacen("Basic", "bAsIc", 1);
        assert_eq!(Credentials::parse(value.as_bytes()).unwrap().signature(), [0xab; 20]);
    }

    #[test]
    fn anything_else_is_malformed() {
        let hex = "ab".repeat(20);
        for value in [
            String::new(),
            "Basic".into(),
            "Basic ".into(),
            "Basic !!!!".into(),
            "Bearer abcd".into(),
            header("DI1"),
            header("DI1:"),
            header(&format!(":{hex}")),
            header(&format!("DI1:{hex}0")),
            header(&format!("DI1:{}", "zz".repeat(20))),
            header(&format!("DI 1:{hex}")),
            header(&format!("D\u{fc}:{hex}")),
            header(&format!("{}:{hex}", "D".repeat(65))),
            header(&format!("DI1:{hex}\n")),
            format!("Basic {}", "A".repeat(100_000)),
        ] {
            assert!(Credentials::parse(value.as_bytes()).is_none(), "{value:.80}");
        }
    }

    #[test]
    fn no_header_is_40101_and_two_are_40104() {
        let mut headers = HeaderMap::new();
        assert_eq!(Credentials::read(&headers).err().map(|error| error.code()), Some(40_101));
        let value = HeaderValue::from_str(&header(&format!("DI1:{}", "ab".repeat(20)))).unwrap();
        headers.append(AUTHORIZATION, value.clone());
        assert!(Credentials::read(&headers).is_ok());
        headers.append(AUTHORIZATION, value);
        assert_eq!(Credentials::read(&headers).err().map(|error| error.code()), Some(40_104));
    }

    proptest! {
        #[test]
        fn what_a_client_writes_is_read_back(key in "[A-Za-z0-9]{1,64}", signature: [u8; 64], short: bool) {
            let signature = &signature[..if short { 20 } else { 64 }];
            let value = header(&format!("{key}:{}", data_encoding::HEXLOWER.encode(signature)));
            let read = Credentials::parse(value.as_bytes()).unwrap();
            prop_assert_eq!(read.integration_key(), key);
            prop_assert_eq!(read.signature(), signature);
        }

        #[test]
        fn garbage_is_refused_without_panic(value: Vec<u8>) {
            let _ = Credentials::parse(&value);
        }

        #[test]
        fn garbage_behind_base64_is_refused_without_panic(text in "\\PC{0,220}") {
            let _ = Credentials::parse(header(&text).as_bytes());
        }
    }
}
