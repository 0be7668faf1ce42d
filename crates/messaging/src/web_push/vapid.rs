//! How a sender says who it is to a push service: VAPID, RFC 8292, ES256.

use super::encrypt::{Unencryptable, key_pair};
use aws_lc_rs::{
    agreement::{ECDH_P256, PrivateKey},
    encoding::{AsBigEndian as _, EcPrivateKeyBin},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use data_encoding::BASE64URL_NOPAD;
use serde_json::json;
use std::time::Duration;
use types::{Millis, SecretBytes, World};

/// How long a token is good for. RFC 8292 §2 allows a day; half of it leaves room for clocks.
const LIFE: Duration = Duration::from_secs(12 * 3600);

/// The key that a tenant's pushes are signed with. A browser subscribes for one such key, and its push service then takes
/// messages from nobody else.
pub struct VapidKey {
    pair: EcdsaKeyPair,
    public: Vec<u8>,
}

/// The stored key can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key for push services can't be read")]
pub struct InvalidVapidKey;

impl From<Unencryptable> for InvalidVapidKey {
    fn from(_: Unencryptable) -> Self {
        Self
    }
}

impl VapidKey {
    /// A new private key, 32 bytes, to be sealed and kept.
    pub fn generate(world: &World) -> Result<SecretBytes, InvalidVapidKey> {
        let key = key_pair(world)?;
        let scalar: EcPrivateKeyBin<'static> = key.as_be_bytes().map_err(|_| InvalidVapidKey)?;
        Ok(SecretBytes::new(scalar.as_ref().to_vec()))
    }

    /// Reads what [`generate`](Self::generate) gave.
    pub fn read(private: &SecretBytes) -> Result<Self, InvalidVapidKey> {
        let public = PrivateKey::from_private_key(&ECDH_P256, private.expose())
            .map_err(|_| InvalidVapidKey)?
            .compute_public_key()
            .map_err(|_| InvalidVapidKey)?;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            private.expose(),
            public.as_ref(),
        )
        .map_err(|_| InvalidVapidKey)?;
        let public = pair.public_key().as_ref().to_vec();
        Ok(Self { pair, public })
    }

    /// The public key as a browser's `applicationServerKey` takes it: 65 bytes, base64url without padding.
    #[must_use]
    pub fn public(&self) -> String {
        BASE64URL_NOPAD.encode(&self.public)
    }

    /// The value of `Authorization` for a push service (RFC 8292 §3). `audience` is the service's origin, `contact` an `https:` or
    /// `mailto:` URL under which its operator reaches the sender.
    pub fn authorization(&self, audience: &str, contact: &str, now: Millis) -> Result<String, InvalidVapidKey> {
        let header = BASE64URL_NOPAD.encode(br#"{"typ":"JWT","alg":"ES256"}"#);
        let claims = json!({ "aud": audience, "exp": (now + LIFE).seconds(), "sub": contact });
        let signed = format!("{header}.{}", BASE64URL_NOPAD.encode(claims.to_string().as_bytes()));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).map_err(|_| InvalidVapidKey)?;
        // No space after the comma: some readers know no other form, and RFC 9110 §11.4 allows both.
        Ok(format!("vapid t={signed}.{},k={}", BASE64URL_NOPAD.encode(signature.as_ref()), self.public()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    const NOW: Millis = Millis(1_795_280_601_805);

    fn key(seed: u64) -> VapidKey {
        let (world, _) = World::made(NOW, seed);
        VapidKey::read(&VapidKey::generate(&world).unwrap()).unwrap()
    }

    #[test]
    fn a_key_is_the_same_after_it_was_kept_and_others_are_others() {
        assert_eq!(key(1).public(), key(1).public());
        assert_ne!(key(1).public(), key(2).public());
        let public = BASE64URL_NOPAD.decode(key(1).public().as_bytes()).unwrap();
        assert_eq!((public.len(), public[0]), (65, 4));
    }

    #[test]
    fn the_token_is_signed_by_the_key_beside_it_and_ends_within_a_day() {
        let value = key(1).authorization("https://push.example.net", "https://api.example.test", NOW).unwrap();
        let (token, public) = value.strip_prefix("vapid t=").unwrap().split_once(",k=").unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let public = BASE64URL_NOPAD.decode(public.as_bytes()).unwrap();
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
        let verify = |text: &str| {
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &public).verify(text.as_bytes(), &signature).is_ok()
        };
        assert!(verify(signed));
        assert!(!verify(&format!("{signed}x")));
        let claims = BASE64URL_NOPAD.decode(signed.split_once('.').unwrap().1.as_bytes()).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(claims["aud"], "https://push.example.net");
        assert_eq!(claims["sub"], "https://api.example.test");
        let left = claims["exp"].as_i64().unwrap() - NOW.seconds();
        assert!((1..86_400).contains(&left), "{left}");
    }

    /// RFC 8292 §2.4 prints a token with its key: what we check ours with accepts it.
    #[test]
    fn rfc_8292_section_2_4() {
        let signed = "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3NjgsInN1\
                      YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0";
        let signature = "i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA";
        let public = "BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs";
        let decode = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).unwrap();
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, decode(public));
        assert!(key.verify(signed.as_bytes(), &decode(signature)).is_ok());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for bad in [vec![], vec![0; 32], vec![0xff; 32], vec![1; 31], vec![1; 33]] {
            assert!(VapidKey::read(&SecretBytes::new(bad)).is_err());
        }
    }
}
