//! What somebody typed where a Yubico OTP is expected.
#![no_main]

use countersign_auth::otp::YubicoCode;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if YubicoCode::parse(text).is_some() {
        assert!((32..=48).contains(&text.len()) && text.is_ascii());
    }
});
