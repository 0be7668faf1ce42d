//! A form in parts, its type in the first line: no panic, and no parameter that isn't in the body.
#![no_main]

use countersign_duo_api::wire::{Limits, multipart};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut lines = data.splitn(2, |&byte| byte == b'\n');
    let Some(kind) = lines.next().and_then(|line| std::str::from_utf8(line).ok()) else { return };
    let body = lines.next().unwrap_or_default();
    let Some(boundary) = multipart::boundary(kind) else { return };
    let Ok(params) = multipart::parse(body, boundary, &Limits::DEFAULT) else { return };
    let text = String::from_utf8_lossy(body);
    for name in params.names() {
        assert!(text.contains(&format!("name=\"{name}\"")));
    }
});
