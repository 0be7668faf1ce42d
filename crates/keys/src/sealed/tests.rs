//! The published vector of the suite, and what each binding refuses.

use super::*;
use data_encoding::HEXLOWER;
use proptest::prelude::*;
use types::{Millis, world::SeededRandom};

fn hex(text: &str) -> Vec<u8> {
    HEXLOWER.decode(text.as_bytes()).unwrap()
}

fn ids(seed: u64) -> (TenantId, MessageId) {
    let random = SeededRandom::new(seed);
    (TenantId::new(Millis(1_795_280_601_805), &random), MessageId::new(Millis(1_795_280_601_805), &random))
}

struct Script(Vec<u8>);

impl Random for Script {
    fn fill(&self, out: &mut [u8]) {
        out.copy_from_slice(&self.0);
    }
}

/// RFC 9180 A.2.1, encryption 0: this suite, these adapters, base mode.
#[test]
fn the_vector_of_the_rfc() {
    let info = hex("4f6465206f6e2061204772656369616e2055726e");
    let ikm_e = Script(hex("909a9b35d3dc4713a5e72a4da274b55d3d3821a37e5d099e74a647db583a904b"));
    let ikm_r = Script(hex("1ac01f181fdf9f352797655161c58b75c656a6cc2716dcb66372da835542e1df"));
    let plaintext = hex("4265617574792069732074727574682c20747275746820626561757479");
    let private = TenantPrivateKey::generate(&ikm_r);
    assert_eq!(
        private.public().to_bytes().to_vec(),
        hex("4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a")
    );
    let (encapped, ciphertext) = seal_to(&private.public().0, &info, b"Count-0", &plaintext, &ikm_e).unwrap();
    assert_eq!(encapped.to_vec(), hex("1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a"));
    assert_eq!(
        ciphertext,
        hex("1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28")
    );
    assert_eq!(*open_with(&private.0, &info, b"Count-0", &encapped, &ciphertext).unwrap(), plaintext);
}

#[test]
fn a_row_opens_for_its_tenant_and_message_and_key_only() {
    let random = SeededRandom::new(1);
    let (private, other) = (TenantPrivateKey::generate(&random), TenantPrivateKey::generate(&random));
    let ((tenant, message), (other_tenant, other_message)) = (ids(1), ids(2));
    let sealed = private.public().seal(tenant, message, b"+15035550100", &random).unwrap();
    assert_eq!(sealed.len(), SEALED_LEN);
    assert_eq!(key_id_of(&sealed), Some(private.public().id()));
    assert!(private.open(tenant, message, &sealed).unwrap().ct_eq(b"+15035550100"));
    assert!(matches!(private.open(other_tenant, message, &sealed), Err(KeyError::Refused)));
    assert!(matches!(private.open(tenant, other_message, &sealed), Err(KeyError::Refused)));
    assert!(matches!(other.open(tenant, message, &sealed), Err(KeyError::Refused)));
    // Even when the key id is forged, the ciphertext holds.
    let mut forged = sealed;
    forged[1..9].copy_from_slice(&other.public().id());
    assert!(matches!(other.open(tenant, message, &forged), Err(KeyError::Refused)));
}

#[test]
fn every_row_has_one_length_and_no_two_are_alike() {
    let random = SeededRandom::new(1);
    let public = TenantPrivateKey::generate(&random).public();
    let (tenant, message) = ids(1);
    let mut seen = std::collections::BTreeSet::new();
    for length in [0, 1, 12, 200, MAX_PLAINTEXT, MAX_PLAINTEXT] {
        let sealed = public.seal(tenant, message, &vec![7; length], &random).unwrap();
        assert_eq!(sealed.len(), SEALED_LEN);
        assert!(seen.insert(sealed[9..].to_vec()), "the same number twice gives unlinkable rows");
    }
    let too_long = public.seal(tenant, message, &[0; MAX_PLAINTEXT + 1], &random);
    assert!(matches!(too_long, Err(KeyError::TooLong(MAX_PLAINTEXT))));
}

#[test]
fn any_changed_bit_or_length_refuses() {
    let random = SeededRandom::new(3);
    let private = TenantPrivateKey::generate(&random);
    let (tenant, message) = ids(3);
    let sealed = private.public().seal(tenant, message, b"x", &random).unwrap();
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(private.open(tenant, message, &changed).is_err(), "byte {at}");
    }
    // X25519 ignores the highest bit of a point, but HPKE hashes the encapsulated bytes into the key.
    let mut same_point = sealed.clone();
    same_point[1 + KEY_ID_LEN + ENCAPPED_LEN - 1] ^= 0x80;
    assert!(private.open(tenant, message, &same_point).is_err());
    assert!(private.open(tenant, message, &sealed[..sealed.len() - 1]).is_err());
    assert!(private.open(tenant, message, &[sealed.as_slice(), &[0]].concat()).is_err());
}

#[test]
fn what_stands_behind_the_plaintext_must_be_zero() {
    let mut padded = pad(b"abc").unwrap();
    assert!(unpad(&padded).unwrap().ct_eq(b"abc"));
    padded[PADDED_LEN - 1] = 1;
    assert!(unpad(&padded).is_err());
    padded[0] = 0xff;
    assert!(unpad(&padded).is_err());
    assert!(unpad(&[]).is_err());
}

#[test]
fn key_texts_survive_and_are_not_taken_for_each_other() {
    let private = TenantPrivateKey::generate(&SeededRandom::new(5));
    let (public, secret) = (private.public().to_text(), private.to_text());
    assert!(public.starts_with("cspub1") && secret.expose().starts_with("cssec1"));
    assert_eq!(TenantPublicKey::from_text(&format!(" {public}\n")).unwrap(), private.public());
    assert_eq!(TenantPrivateKey::from_text(&secret).unwrap().public(), private.public());
    assert!(TenantPublicKey::from_text(secret.expose()).is_err());
    assert!(TenantPrivateKey::from_text(&SecretString::new(public)).is_err());
    // Another suite, or a key of another length, with a right checksum.
    for bytes in [&[2; 33][..], &[1; 32], &[1; 34], &[]] {
        assert!(TenantPublicKey::from_text(&bech32::encode(PUBLIC_PREFIX, bytes).unwrap()).is_err());
        let secret = SecretString::new(bech32::encode(SECRET_PREFIX, bytes).unwrap());
        assert!(TenantPrivateKey::from_text(&secret).is_err());
    }
}

/// The points of order 1, 2, 4 and 8 on Curve25519 and its twist: such a key gives the all-zero secret (RFC 7748 §6.1).
#[test]
fn a_point_of_small_order_is_no_public_key() {
    for point in [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ] {
        assert!(TenantPublicKey::from_bytes(&hex(point)).is_err(), "{point}");
        let text = bech32::encode(PUBLIC_PREFIX, &suite_and(&hex(point))).unwrap();
        assert!(TenantPublicKey::from_text(&text).is_err(), "{point}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_plaintext_survives(plaintext in proptest::collection::vec(any::<u8>(), 0..=MAX_PLAINTEXT), seed: u64) {
        let random = SeededRandom::new(seed);
        let private = TenantPrivateKey::generate(&random);
        let (tenant, message) = ids(seed);
        let sealed = private.public().seal(tenant, message, &plaintext, &random).unwrap();
        prop_assert!(private.open(tenant, message, &sealed).unwrap().ct_eq(&plaintext));
    }

    #[test]
    fn garbage_is_refused_without_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
        text in "\\PC{0,80}|cspub1[a-z0-9]{0,70}",
    ) {
        let private = TenantPrivateKey::generate(&SeededRandom::new(1));
        let (tenant, message) = ids(1);
        prop_assert!(private.open(tenant, message, &bytes).is_err());
        if let Ok(key) = TenantPublicKey::from_text(&text) {
            prop_assert_eq!(key.to_text(), text.trim().to_ascii_lowercase());
        }
    }

    #[test]
    fn a_public_key_text_is_the_one_text_of_its_key(seed: u64) {
        let key = TenantPrivateKey::generate(&SeededRandom::new(seed)).public();
        prop_assert_eq!(TenantPublicKey::from_text(&key.to_text()).unwrap(), key);
    }
}
