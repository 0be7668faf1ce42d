//! Message encryption for Web Push: RFC 8291, in the coding `aes128gcm` of RFC 8188, always one record.
//!
//! Each message has a key pair and a salt of its own, so the same bytes never look the same twice, and the text is filled up to one
//! length, so that the push service can't tell one kind of message from another.

use super::Subscription;
use aws_lc_rs::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree},
    hkdf::{HKDF_SHA256, KeyType, Salt},
};
use types::World;
use zeroize::{Zeroize as _, Zeroizing};

/// The size of a record, in bytes (RFC 8188 §2): the least that every push service must take (RFC 8030 §7.2).
const RECORD: usize = 4096;
/// An uncompressed P-256 point (SEC 1 §2.3.3).
pub(super) const POINT: usize = 65;
/// Salt, record size, length of the key id, and the key id: the sender's public key (RFC 8291 §4).
const HEADER: usize = 16 + 4 + 1 + POINT;
/// The tag of AES-GCM, and the delimiter of the last record.
const OVERHEAD: usize = 16 + 1;
/// Every message is filled up to a multiple of this, in bytes.
const FILLED: usize = 128;
/// The longest message, in bytes.
pub const LONGEST: usize = RECORD - HEADER - OVERHEAD;

/// The message can't be encrypted: it is too long, or the subscription's key isn't a point of the curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message can't be encrypted for this subscription")]
pub struct Unencryptable;

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// Encrypts `message` for a subscription: the body of the request to the push service.
pub(super) fn encrypt(to: &Subscription, message: &[u8], world: &World) -> Result<Vec<u8>, Unencryptable> {
    let filled = message.len().next_multiple_of(FILLED).clamp(FILLED, LONGEST);
    let own = key_pair(world)?;
    encrypt_with(to, message, filled, &own, world.bytes())
}

/// A key pair from the world's chance. A number that is no key (one in 2^32) is drawn again.
pub(super) fn key_pair(world: &World) -> Result<PrivateKey, Unencryptable> {
    for _ in 0..4 {
        let mut scalar = world.bytes::<32>();
        let key = PrivateKey::from_private_key(&ECDH_P256, &scalar);
        scalar.zeroize();
        if let Ok(key) = key {
            return Ok(key);
        }
    }
    Err(Unencryptable)
}

fn encrypt_with(
    to: &Subscription,
    message: &[u8],
    filled: usize,
    own: &PrivateKey,
    salt: [u8; 16],
) -> Result<Vec<u8>, Unencryptable> {
    if message.len() > LONGEST {
        return Err(Unencryptable);
    }
    let own_public = own.compute_public_key().map_err(|_| Unencryptable)?;
    let (key, nonce) = agree(own, UnparsedPublicKey::new(&ECDH_P256, to.public_key()), Unencryptable, |shared| {
        // RFC 8291 §3.3 and §3.4.
        let ikm = derive(to.auth(), shared, &[b"WebPush: info\0", to.public_key(), own_public.as_ref()], 32)?;
        let key = derive(&salt, &ikm, &[b"Content-Encoding: aes128gcm\0"], 16)?;
        let nonce = derive(&salt, &ikm, &[b"Content-Encoding: nonce\0"], 12)?;
        Ok((key, nonce))
    })?;
    let mut record = Zeroizing::new(Vec::with_capacity(filled.max(message.len()) + OVERHEAD));
    record.extend_from_slice(message);
    record.push(2); // The delimiter of the last record (RFC 8188 §2).
    let length = record.len().max(filled + 1);
    record.resize(length, 0);
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).map_err(|_| Unencryptable)?);
    let nonce = Nonce::try_assume_unique_for_key(&nonce).map_err(|_| Unencryptable)?;
    let tag = key.seal_in_place_separate_tag(nonce, Aad::empty(), &mut record).map_err(|_| Unencryptable)?;
    let mut body = Vec::with_capacity(HEADER + record.len() + 16);
    body.extend_from_slice(&salt);
    body.extend_from_slice(&4096_u32.to_be_bytes());
    body.push(65);
    body.extend_from_slice(own_public.as_ref());
    body.extend_from_slice(&record);
    body.extend_from_slice(tag.as_ref());
    Ok(body)
}

fn derive(salt: &[u8], secret: &[u8], info: &[&[u8]], length: usize) -> Result<Zeroizing<Vec<u8>>, Unencryptable> {
    let mut out = Zeroizing::new(vec![0; length]);
    let key = Salt::new(HKDF_SHA256, salt).extract(secret);
    key.expand(info, Length(length)).and_then(|okm| okm.fill(&mut out)).map_err(|_| Unencryptable)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::BASE64URL_NOPAD;
    use proptest::prelude::*;
    use types::Millis;

    const UA_PRIVATE: &str = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";
    const UA_PUBLIC: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

    fn bytes(text: &str) -> Vec<u8> {
        BASE64URL_NOPAD.decode(text.as_bytes()).unwrap()
    }

    fn subscription() -> Subscription {
        Subscription::from_parts(
            "https://updates.push.services.mozilla.com/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV",
            &bytes(UA_PUBLIC),
            &bytes(AUTH),
        )
        .unwrap()
    }

    /// What a browser does, by RFC 8291 §3.4 and RFC 8188 §2.
    fn decrypt(body: &[u8]) -> Option<Vec<u8>> {
        let (salt, rest) = body.split_at_checked(16)?;
        let (size, rest) = rest.split_at_checked(4)?;
        assert_eq!(size, 4096_u32.to_be_bytes());
        let (sender, sealed) = rest.split_first().and_then(|(length, rest)| rest.split_at_checked((*length).into()))?;
        let own = PrivateKey::from_private_key(&ECDH_P256, &bytes(UA_PRIVATE)).unwrap();
        let (key, nonce) = agree(&own, UnparsedPublicKey::new(&ECDH_P256, sender), (), |shared| {
            let info: &[&[u8]] = &[b"WebPush: info\0", &bytes(UA_PUBLIC), sender];
            let ikm = derive(&bytes(AUTH), shared, info, 32).unwrap();
            let key = derive(salt, &ikm, &[b"Content-Encoding: aes128gcm\0"], 16).unwrap();
            Ok((key, derive(salt, &ikm, &[b"Content-Encoding: nonce\0"], 12).unwrap()))
        })
        .ok()?;
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).unwrap());
        let mut record = sealed.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(&nonce).unwrap();
        let plain = key.open_in_place(nonce, Aad::empty(), &mut record).ok()?;
        let end = plain.iter().rposition(|byte| *byte != 0)?;
        assert_eq!(plain[end], 2);
        Some(plain[..end].to_vec())
    }

    #[test]
    fn rfc_8291_section_5() {
        let own =
            PrivateKey::from_private_key(&ECDH_P256, &bytes("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")).unwrap();
        let salt = bytes("DGv6ra1nlYgDCS1FRnbzlw").try_into().unwrap();
        let message = b"When I grow up, I want to be a watermelon";
        let body = encrypt_with(&subscription(), message, 0, &own, salt).unwrap();
        assert_eq!(
            BASE64URL_NOPAD.encode(&body),
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_\
             yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
        );
        assert_eq!(decrypt(&body).as_deref(), Some(message.as_slice()));
    }

    #[test]
    fn messages_of_different_lengths_look_alike_and_none_looks_the_same_twice() {
        let (world, _) = World::made(Millis(1_795_280_601_805), 3);
        let bodies: Vec<_> = [b"a".as_slice(), b"a", &[b'b'; 100], b""]
            .iter()
            .map(|message| encrypt(&subscription(), message, &world).unwrap())
            .collect();
        assert!(bodies.iter().all(|body| body.len() == bodies[0].len()));
        assert_ne!(bodies[0], bodies[1]);
        assert_ne!(bodies[0][..HEADER], bodies[1][..HEADER]);
    }

    #[test]
    fn the_longest_message_fits_into_what_every_service_takes() {
        let (world, _) = World::made(Millis(1_795_280_601_805), 3);
        let body = encrypt(&subscription(), &[b'x'; LONGEST], &world).unwrap();
        assert_eq!(body.len(), RECORD);
        assert_eq!(encrypt(&subscription(), &[b'x'; LONGEST + 1], &world).err(), Some(Unencryptable));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn what_goes_in_comes_out_for_the_subscriber_only(
            message in proptest::collection::vec(any::<u8>(), 0..400), seed: u64, flip in 0_usize..80,
        ) {
            let (world, _) = World::made(Millis(1_795_280_601_805), seed);
            let mut body = encrypt(&subscription(), &message, &world).unwrap();
            // The padding's zeros and the delimiter are taken off; a message may end with any byte before them.
            prop_assert_eq!(decrypt(&body), Some(message));
            let at = body.len() - 1 - flip;
            body[at] ^= 1;
            prop_assert_eq!(decrypt(&body), None);
        }
    }
}
