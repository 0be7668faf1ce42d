//! A device's proof and the header that it comes in are judged without a panic, and chance signs nothing.
#![no_main]

use countersign_jose::{Jwk, dbsc};
use libfuzzer_sys::fuzz_target;

const KEY: &str = r#"{"kty":"EC","crv":"P-256","x":"6_GB2voQ0qroMh6OlDFCFS_SJriQi1PTvvBOhGZ3bHI","y":"IegOJULyE7SxH_Cd1KCER7lWBvGFHQ-h0xyjzUjEIWE"}"#;

fuzz_target!(|text: &str| {
    if let Some(field) = dbsc::field(text) {
        assert!(text.contains(field) && !field.contains('"'));
    }
    let _ = dbsc::registration(text);
    let key = Jwk::parse(KEY).expect("a key");
    assert!(dbsc::renewal(text, &key).is_err());
});
