//! A line of cookies: what is read of it could have been written.
#![no_main]

use countersign_sso::cookies::{Cookies, set};
use http::{HeaderMap, HeaderValue, header};
use libfuzzer_sys::fuzz_target;
use std::time::Duration;

fuzz_target!(|data: &[u8]| {
    let Ok(line) = HeaderValue::from_bytes(data) else { return };
    let mut headers = HeaderMap::new();
    headers.insert(header::COOKIE, line.clone());
    let names: Vec<String> = line.to_str().unwrap_or_default().split([';', '=']).map(|name| name.trim().to_owned()).collect();
    let cookies = Cookies::read(&headers);
    for name in names {
        if let Some(value) = cookies.get(&name) {
            assert!(set(&name, value, Duration::ZERO, true).is_some());
        }
    }
});
