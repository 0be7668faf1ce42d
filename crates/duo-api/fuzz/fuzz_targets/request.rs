//! A whole request, its parts separated by line feeds: no panic, and never verified, as nobody signed it.
#![no_main]

use bytes::Bytes;
use countersign_duo_api::wire::{AcceptedVersions, Limits, UnverifiedRequest};
use countersign_types::Millis;
use http::{HeaderValue, Request};
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 6] = ["host", "date", "x-duo-date", "content-type", "x-duo-more", "authorization"];

fuzz_target!(|data: &[u8]| {
    let mut lines = data.splitn(NAMES.len() + 2, |&byte| byte == b'\n');
    let Some(target) = lines.next().and_then(|line| std::str::from_utf8(line).ok()) else { return };
    let mut request = Request::builder().method("POST").uri(target);
    for name in NAMES {
        if let Some(value) = lines.next().and_then(|line| HeaderValue::from_bytes(line).ok()) {
            request = request.header(name, value);
        }
    }
    let body = Bytes::copy_from_slice(lines.next().unwrap_or_default());
    let Ok(request) = request.body(()) else { return };
    let parts = request.into_parts().0;
    if let Ok(request) = UnverifiedRequest::read(&parts, &body, Limits::DEFAULT) {
        let verified = request.verify(
            b"a key that is not in the corpus",
            AcceptedVersions::ALL,
            &["h"],
            Millis(1_795_291_200_000),
        );
        assert!(verified.is_err());
    }
});
