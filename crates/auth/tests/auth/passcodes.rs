//! Passcodes: accepted once, in time, of the right person.

use crate::support::{SEED, each_engine};
use countersign_auth::otp::hotp;
use std::time::Duration;

#[test]
fn a_totp_code_is_accepted_once_and_the_next_one_after() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        house.token(user, "t6", SEED).await;
        let code = house.totp();
        assert!(house.passcode("ana", &code).await.allow);
        let replay = house.passcode("ana", &code).await;
        assert!(!replay.allow);
        assert!(replay.message.contains("already been used"), "{}", replay.message);
        house.next_step();
        assert!(house.passcode("ana", &house.totp()).await.allow);
        // Back in time nothing is accepted that was passed over.
        assert!(!house.passcode("ana", &code).await.allow);
    });
}

#[test]
fn hotp_looks_ahead_and_never_back() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        house.token(user, "h6", SEED).await;
        assert!(house.passcode("ana", &hotp(SEED, 0, 6)).await.allow);
        assert!(house.passcode("ana", &hotp(SEED, 5, 6)).await.allow);
        assert!(!house.passcode("ana", &hotp(SEED, 3, 6)).await.allow);
        assert!(!house.passcode("ana", &hotp(SEED, 40, 6)).await.allow);
    });
}

#[test]
fn every_spelling_of_a_name_is_one_account_and_one_count() {
    each_engine(r#"{"lockout_threshold": 3}"#, async |house| {
        let user = house.user("ana").await;
        house.token(user, "t6", SEED).await;
        for name in [" Ana", "CORP\\ana", "ANA@corp.example"] {
            assert!(!house.passcode(name, "000000").await.allow);
        }
        let locked = house.passcode("ana", &house.totp()).await;
        assert_eq!((locked.allow, locked.status.as_str()), (false, "locked_out"));
    });
}

#[test]
fn a_lock_out_ends_when_its_time_is_over() {
    each_engine(r#"{"lockout_threshold": 2, "lockout_expire_duration": 5}"#, async |house| {
        let user = house.user("ana").await;
        house.token(user, "t6", SEED).await;
        house.passcode("ana", "000000").await;
        house.passcode("ana", "000001").await;
        assert!(!house.passcode("ana", &house.totp()).await.allow);
        house.clock.advance(Duration::from_secs(299));
        assert!(!house.passcode("ana", &house.totp()).await.allow);
        house.clock.advance(Duration::from_secs(1));
        assert!(house.passcode("ana", &house.totp()).await.allow);
    });
}

#[test]
fn a_right_code_forgets_the_wrong_ones() {
    each_engine(r#"{"lockout_threshold": 3}"#, async |house| {
        let user = house.user("ana").await;
        house.token(user, "t6", SEED).await;
        for _ in 0..3 {
            house.passcode("ana", "000000").await;
            house.passcode("ana", "000001").await;
            assert!(house.passcode("ana", &house.totp()).await.allow);
            house.next_step();
        }
    });
}

#[test]
fn another_users_code_is_wrong() {
    each_engine("{}", async |house| {
        let (ana, bob) = (house.user("ana").await, house.user("bob").await);
        house.token(ana, "t6", SEED).await;
        house.token(bob, "t6", b"another seed, 20 byt").await;
        house.bypass(ana, "123456789", None).await;
        assert!(!house.passcode("bob", &house.totp()).await.allow);
        assert!(!house.passcode("bob", "123456789").await.allow);
        assert!(house.passcode("ana", "123456789").await.allow);
        assert!(house.passcode("ana", "123456789").await.allow, "reusable without limit");
    });
}

#[test]
fn odd_codes_are_wrong_and_nothing_else() {
    each_engine(r#"{"lockout_threshold": 9999}"#, async |house| {
        let user = house.user("ana").await;
        house.token(user, "t6", SEED).await;
        house.token(user, "yk", &[7; 22]).await;
        let long = "1".repeat(10_000);
        for code in [
            "",
            " ",
            "0",
            "-1",
            "1e5",
            "１２３４５６",
            "\0\0\0\0\0\0",
            "cccccccccccccccccccccccccccccccccccccccccccc",
            &long,
        ] {
            assert!(!house.passcode("ana", code).await.allow, "{code:?}");
        }
    });
}
