//! Published vectors, verdicts, limits, calibration on made machines.

use super::*;
use data_encoding::HEXLOWER;
use proptest::prelude::*;
use types::{Millis, world::SeededRandom};

/// Cheap enough for a test, far below the floor of a real start.
fn cheap() -> Passwords {
    Passwords::with_cost(64, 1).unwrap()
}

fn secret(text: &str) -> SecretString {
    SecretString::new(text.to_owned())
}

/// RFC 9106 §5.3, with the library as this workspace builds it.
#[test]
fn the_vector_of_the_rfc() {
    let params = argon2::ParamsBuilder::new()
        .m_cost(32)
        .t_cost(3)
        .p_cost(4)
        .data(argon2::AssociatedData::new(&[4; 12]).unwrap())
        .output_len(32)
        .build()
        .unwrap();
    let argon2 = Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params).unwrap();
    let mut tag = [0; 32];
    argon2.hash_password_into(&[1; 32], &[2; 16], &mut tag).unwrap();
    assert_eq!(HEXLOWER.encode(&tag), "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659");
}

/// A hash of the reference implementation (its test `"password", "somesalt"`: two passes over 64 MiB, one lane).
#[test]
fn a_string_made_by_the_reference_implementation_verifies() {
    let stored = secret("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc");
    assert_eq!(cheap().verify(&secret("password"), Some(&stored)).unwrap(), Verdict::Right);
    assert_eq!(cheap().verify(&secret("Password"), Some(&stored)).unwrap(), Verdict::Wrong);
}

#[test]
fn right_wrong_absent_and_old() {
    let random = SeededRandom::new(1);
    let weak = cheap();
    let stored = weak.hash(&secret("correct horse"), &random).unwrap();
    assert!(stored.expose().starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
    assert_eq!(weak.verify(&secret("correct horse"), Some(&stored)).unwrap(), Verdict::Right);
    assert_eq!(weak.verify(&secret("correct horsf"), Some(&stored)).unwrap(), Verdict::Wrong);
    assert_eq!(weak.verify(&secret("correct horse"), None).unwrap(), Verdict::Wrong);
    assert_eq!(weak.verify(&secret(""), Some(&stored)).unwrap(), Verdict::Wrong);
    let strong = Passwords::with_cost(256, 2).unwrap();
    assert_eq!(strong.verify(&secret("correct horse"), Some(&stored)).unwrap(), Verdict::RightButOld);
    assert_eq!(strong.verify(&secret("wrong"), Some(&stored)).unwrap(), Verdict::Wrong);
    assert!(strong.needs_rehash(&stored).unwrap());
    assert!(!weak.needs_rehash(&stored).unwrap());
}

#[test]
fn every_keyboard_writes_the_same_password() {
    let stored = cheap().hash(&secret("caf\u{e9} \u{fb01}n"), &SeededRandom::new(1)).unwrap();
    for typed in ["caf\u{e9} \u{fb01}n", "cafe\u{301} fin"] {
        assert_eq!(cheap().verify(&secret(typed), Some(&stored)).unwrap(), Verdict::Right);
    }
    assert_eq!(cheap().verify(&secret("cafe fin"), Some(&stored)).unwrap(), Verdict::Wrong);
    assert_eq!(cheap().verify(&secret("CAF\u{c9} fin"), Some(&stored)).unwrap(), Verdict::Wrong);
}

#[test]
fn salts_differ() {
    let random = SeededRandom::new(1);
    let (a, b) = (cheap().hash(&secret("x"), &random).unwrap(), cheap().hash(&secret("x"), &random).unwrap());
    assert!(!a.ct_eq(b.expose()));
}

#[test]
fn a_password_past_the_limit_is_refused_before_any_work() {
    let random = SeededRandom::new(1);
    let (fits, long) = (secret(&"x".repeat(MAX_PASSWORD)), secret(&"x".repeat(MAX_PASSWORD + 1)));
    let stored = cheap().hash(&fits, &random).unwrap();
    assert_eq!(cheap().verify(&fits, Some(&stored)).unwrap(), Verdict::Right);
    assert!(matches!(cheap().hash(&long, &random), Err(KeyError::TooLong(MAX_PASSWORD))));
    // At a cost that a test would never finish, were it paid.
    let dear = Passwords::with_cost(MAX_STORED_MEMORY_KIB, MAX_STORED_PASSES).unwrap();
    assert!(matches!(dear.verify(&long, None), Err(KeyError::TooLong(MAX_PASSWORD))));
}

#[test]
fn a_stored_string_that_would_exhaust_the_machine_or_weaken_it_is_an_error() {
    let tail = "$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    for head in [
        "$argon2id$v=19$m=4294967295,t=1,p=1",
        "$argon2id$v=19$m=64,t=4294967295,p=1",
        "$argon2id$v=19$m=8192,t=1,p=1024",
        "$argon2i$v=19$m=64,t=1,p=1",
        "$argon2d$v=19$m=64,t=1,p=1",
        "$argon2id$v=16$m=64,t=1,p=1",
        "$argon2id$m=64,t=1,p=1",
        "$scrypt$ln=1,r=1,p=1",
    ] {
        let stored = secret(&format!("{head}{tail}"));
        assert!(matches!(cheap().verify(&secret("password"), Some(&stored)), Err(KeyError::Malformed(_))), "{head}");
    }
    assert!(cheap().verify(&secret("password"), Some(&secret("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ"))).is_err());
    assert!(cheap().verify(&secret("password"), Some(&secret(""))).is_err());
}

/// A machine that needs `nanos` for each KiB of each pass.
fn machine(nanos: u64) -> impl FnMut(u32, u32) -> Duration {
    move |memory, passes| Duration::from_nanos(nanos * u64::from(memory) * u64::from(passes))
}

#[test]
fn calibration_takes_memory_first_then_passes_and_never_goes_below_the_floor() {
    let quarter = Duration::from_millis(250);
    // 1 µs for each KiB: 250,000 KiB·passes, of which memory may take 64 MiB.
    assert_eq!(choose(quarter, 64 * 1024, machine(1000)), (64 * 1024, 3));
    assert_eq!(choose(quarter, 1024 * 1024, machine(1000)), (125_000, 2));
    // Too slow a machine stays at the floor, and so does a limit below it.
    assert_eq!(choose(quarter, 64 * 1024, machine(1_000_000)), (MIN_MEMORY_KIB, MIN_PASSES));
    assert_eq!(choose(quarter, 1, machine(1_000_000)), (MIN_MEMORY_KIB, MIN_PASSES));
    // A machine out of this world is still bounded, and a clock that doesn't move measures nothing.
    assert_eq!(choose(quarter, 64 * 1024, machine(1)), (64 * 1024, MAX_PASSES));
    assert_eq!(choose(quarter, 64 * 1024, |_, _| Duration::ZERO), (MIN_MEMORY_KIB, MIN_PASSES));
}

#[test]
fn calibration_on_this_machine_gives_a_cost_within_the_limits() {
    let world = World::real();
    let passwords = Passwords::calibrate(Duration::from_millis(20), 32 * 1024, &world).unwrap();
    let (memory, passes) = passwords.cost();
    assert!((MIN_MEMORY_KIB..=32 * 1024).contains(&memory) && (MIN_PASSES..=MAX_PASSES).contains(&passes));
    let (made, _) = World::made(Millis(0), 1);
    let stored = passwords.hash(&secret("x"), made.random.as_ref()).unwrap();
    assert_eq!(passwords.verify(&secret("x"), Some(&stored)).unwrap(), Verdict::Right);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn garbage_is_an_error_and_never_right(
        text in "\\PC{0,60}|[$]argon2id[$]v=19[$]m=[0-9]{1,3},t=1,p=1[$][a-zA-Z0-9]{0,30}[$][a-zA-Z0-9]{0,50}",
    ) {
        let verdict = cheap().verify(&secret("x"), Some(&secret(&text)));
        prop_assert!(!matches!(verdict, Ok(Verdict::Right | Verdict::RightButOld)));
    }
}
