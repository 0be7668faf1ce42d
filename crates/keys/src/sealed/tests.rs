//! The published vector of the suite's parts, and what a key text must be.

use super::*;
use data_encoding::HEXLOWER;
use hpke::aead::AesGcm128;
use proptest::prelude::*;
use types::world::SeededRandom;

fn hex(text: &str) -> Vec<u8> {
    HEXLOWER.decode(text.as_bytes()).unwrap()
}

struct Script(Vec<u8>);

impl Random for Script {
    fn fill(&self, out: &mut [u8]) {
        out.copy_from_slice(&self.0);
    }
}

/// RFC 9180 A.1.1, encryption 0: this KEM, this KDF, these adapters, base mode, with the shorter key of AES-GCM. The RFC has no vector
/// with the longer one; the browser's module opens what this crate seals with it.
#[test]
fn the_vector_of_the_rfc() {
    let info = hex("4f6465206f6e2061204772656369616e2055726e");
    let ikm_e = Script(hex("7268600d403fce431561aef583ee1613527cff655c1343f29812e66706df3234"));
    let ikm_r = Script(hex("6db9df30aa07dd42ee5e8181afdb977e538f5e1fec8a06223f33f7013e525037"));
    let plaintext = hex("4265617574792069732074727574682c20747275746820626561757479");
    let private = TenantPrivateKey::generate(&ikm_r);
    assert_eq!(
        private.public().to_bytes().to_vec(),
        hex("3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d")
    );
    let (encapped, ciphertext) =
        seal_to::<AesGcm128>(&private.public().0, &info, b"Count-0", &plaintext, &ikm_e).unwrap();
    assert_eq!(encapped.to_vec(), hex("37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431"));
    assert_eq!(
        ciphertext,
        hex("f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a")
    );
    let opened = open_with::<AesGcm128>(&private.0, &info, b"Count-0", &encapped, &ciphertext).unwrap();
    assert_eq!(*opened, plaintext);
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
    for bytes in [&[1; 33][..], &[2; 32], &[2; 34], &[]] {
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
    fn garbage_is_refused_without_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        text in "\\PC{0,80}|cspub1[a-z0-9]{0,70}",
    ) {
        let private = TenantPrivateKey::generate(&SeededRandom::new(1));
        prop_assert!(private.open_sealed(b"", &bytes).is_err());
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
