//! A proof of possession is judged without a panic, and its address is compared the same in both directions.
#![no_main]

use countersign_jose::{Algorithms, dpop};
use countersign_types::Millis;
use libfuzzer_sys::fuzz_target;
use std::time::Duration;

fuzz_target!(|text: (&str, &str)| {
    let (proof, uri) = text;
    let expect = dpop::Expect {
        method: "POST",
        uri,
        now: Millis(1_562_262_620_000),
        max_age: Duration::from_secs(60),
        leeway: Duration::ZERO,
        access_token: Some("t"),
        allowed: Algorithms::ASYMMETRIC,
        nonce: &|_| true,
    };
    let _ = dpop::verify(proof, &expect);
    assert_eq!(dpop::same_uri(proof, uri), dpop::same_uri(uri, proof));
});
