//! What a proxy says of a request: any headers are read without a panic, and whatever is believed is one host and one path.
#![no_main]

use countersign_sso::forward::Forwarded;
use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 6] =
    ["x-forwarded-host", "x-forwarded-proto", "x-forwarded-uri", "x-forwarded-for", "x-forwarded-method", "user-agent"];

fuzz_target!(|data: &[u8]| {
    let mut headers = HeaderMap::new();
    for (line, name) in data.split(|byte| *byte == b'\n').zip(NAMES.iter().cycle()) {
        let Ok(value) = HeaderValue::from_bytes(line) else { return };
        headers.append(HeaderName::from_static(name), value);
    }
    if let Ok(forwarded) = Forwarded::read(&headers) {
        assert!(forwarded.uri.starts_with('/') && forwarded.uri.bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(forwarded.key.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.:".contains(&byte)));
    }
});
