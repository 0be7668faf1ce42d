//! Field encryption and keyed hashes: each binding, each damage.

use crate::support::{ring, tenant, tenant_keys};
use countersign_keys::{Field, KeyError, TenantKeys};
use proptest::prelude::*;
use std::{collections::BTreeSet, sync::OnceLock};
use types::World;

const SEED: Field<'_> = Field { table: "token", column: "seed", row: b"row-1" };
const PLAINTEXT: &[u8] = b"twenty bytes of seed";

/// Keys with versions 1 and 2 of one tenant, made once.
fn keys() -> &'static TenantKeys {
    static KEYS: OnceLock<TenantKeys> = OnceLock::new();
    KEYS.get_or_init(|| tenant_keys(&ring().2, tenant(1), &[1, 2]))
}

fn seal(keys: &TenantKeys) -> Vec<u8> {
    keys.seal(SEED, PLAINTEXT, World::real().random.as_ref()).unwrap()
}

#[test]
fn what_is_sealed_opens_in_its_place() {
    let sealed = seal(keys());
    assert!(keys().open(SEED, &sealed).unwrap().ct_eq(PLAINTEXT));
    assert_eq!(TenantKeys::version_of(&sealed), Some(2));
    assert_eq!(keys().newest(), 2);
    assert_eq!(keys().versions().collect::<Vec<_>>(), [2, 1]);
    assert_eq!(keys().tenant(), tenant(1));
    assert!(!sealed.windows(6).any(|window| PLAINTEXT.windows(6).any(|clear| clear == window)));
    assert_ne!(sealed, seal(keys()), "the same value twice gives two ciphertexts");
}

#[test]
fn another_table_column_or_row_refuses() {
    let sealed = seal(keys());
    for field in [
        Field { table: "phone", ..SEED },
        Field { column: "secret", ..SEED },
        Field { row: b"row-2", ..SEED },
        Field { row: b"", ..SEED },
        // The same letters, divided in another way.
        Field { table: "tokens", column: "eed", ..SEED },
        Field { table: "toke", column: "nseed", ..SEED },
        Field { table: "token", column: "seedrow", row: b"-1" },
    ] {
        assert!(matches!(keys().open(field, &sealed), Err(KeyError::Refused)), "{field:?}");
    }
}

#[test]
fn another_tenant_refuses_even_with_the_same_key_bytes_version_and_row() {
    let (_dir, _, ring) = ring();
    let (a, b) = (tenant(1), tenant(2));
    let wrapped = ring.create_tenant_key(a, 1, &World::real()).unwrap();
    let sealed = seal(&ring.open_tenant_keys(a, std::slice::from_ref(&wrapped)).unwrap());
    let other = tenant_keys(&ring, b, &[1]);
    assert!(matches!(other.open(SEED, &sealed), Err(KeyError::Refused)));
    // A thief who can write rows copies A's wrapped key into B's row: it doesn't open there.
    assert!(matches!(ring.open_tenant_keys(b, &[wrapped]), Err(KeyError::Refused)));
}

#[test]
fn another_version_refuses() {
    let mut sealed = seal(keys());
    assert_eq!(sealed[4], 2);
    sealed[4] = 1;
    assert!(matches!(keys().open(SEED, &sealed), Err(KeyError::Refused)));
    sealed[4] = 3;
    assert!(matches!(keys().open(SEED, &sealed), Err(KeyError::UnknownVersion(3))));
}

#[test]
fn any_flipped_bit_refuses() {
    let sealed = seal(keys());
    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(keys().open(SEED, &changed).is_err(), "bit {bit}");
    }
}

#[test]
fn any_other_length_refuses() {
    let sealed = seal(keys());
    for length in 0..sealed.len() {
        assert!(keys().open(SEED, &sealed[..length]).is_err(), "{length} bytes");
    }
    assert!(keys().open(SEED, &[sealed.as_slice(), &[0]].concat()).is_err());
}

#[test]
fn a_plaintext_past_the_limit_is_refused() {
    let random = World::real().random;
    assert!(keys().seal(SEED, &vec![0; 65_536], random.as_ref()).is_ok());
    assert!(matches!(keys().seal(SEED, &vec![0; 65_537], random.as_ref()), Err(KeyError::TooLong(65_536))));
}

#[test]
fn a_digest_depends_on_tenant_purpose_version_and_the_cut_between_parts() {
    let (_dir, _, ring) = ring();
    let other = tenant_keys(&ring, tenant(2), &[1]);
    let digests = [
        keys().digest("sms", &[b"user", b"123456"]),
        keys().digest("bypass", &[b"user", b"123456"]),
        keys().digest("sms", &[b"user1", b"23456"]),
        keys().digest("sms", &[b"user123456"]),
        keys().digest("sms", &[b"user", b"123456", b""]),
        keys().digest("sms", &[b"user", b"123457"]),
        keys().digest("sms", &[]),
        keys().digest("", &[b"sms", b"user", b"123456"]),
        other.digest("sms", &[b"user", b"123456"]),
        keys().digest_candidates("sms", &[b"user", b"123456"])[1],
    ];
    assert_eq!(digests.iter().collect::<BTreeSet<_>>().len(), digests.len());
    assert_eq!(keys().digest("sms", &[b"user", b"123456"]), digests[0], "and on nothing else");
    assert!(digests.iter().all(|digest| *digest != [0; 32]));
}

proptest! {
    #[test]
    fn any_value_survives_in_any_row(plaintext: Vec<u8>, row: Vec<u8>) {
        let field = Field { row: &row, ..SEED };
        let sealed = keys().seal(field, &plaintext, World::real().random.as_ref()).unwrap();
        prop_assert_eq!(sealed.len(), plaintext.len() + 33);
        prop_assert!(keys().open(field, &sealed).unwrap().ct_eq(&plaintext));
    }

    #[test]
    fn garbage_is_refused_without_panic(bytes: Vec<u8>, head in prop::sample::select(vec![vec![], vec![1, 0, 0, 0, 2]])) {
        let sealed = [head, bytes].concat();
        prop_assert!(keys().open(SEED, &sealed).is_err());
        if let Some(version) = TenantKeys::version_of(&sealed) {
            prop_assert_eq!(&sealed[1..5], version.to_be_bytes());
        }
    }
}
