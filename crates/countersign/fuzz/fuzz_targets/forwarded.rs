//! Any bytes as `X-Forwarded-For`: no panic, and nobody but a trusted proxy moves the client's address.
#![no_main]

use std::net::SocketAddr;

use countersign::serve::TrustedProxies;
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n') {
        let Ok(value) = HeaderValue::from_bytes(line) else { return };
        headers.append("x-forwarded-for", value);
    }
    let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().expect("a network")]);
    let outside = SocketAddr::from(([192, 0, 2, 1], 5));
    assert_eq!(proxies.client(outside, &headers), outside);
    let _ = proxies.client(SocketAddr::from(([10, 0, 0, 1], 5)), &headers);
});
