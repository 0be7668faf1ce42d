//! A datagram that may be a SIP message: what is taken can be written, and is the same when it is read again.
#![no_main]

use countersign_sip::message::{Message, parse_datagram};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(message) = parse_datagram(bytes) else { return };
    let mut bare = message.clone();
    bare.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("Content-Length"));
    let mut again = parse_datagram(&bare.to_bytes()).unwrap();
    assert_eq!(again.headers.pop().unwrap().0, "Content-Length");
    assert_eq!(again, bare);
    assert!(message.via().is_ok() && message.cseq().is_ok());
    let _ = (message.contact(), message.tag("To"));
    if message.method().is_some() {
        // Nothing of a request makes an answer that isn't one.
        assert!(parse_datagram(&Message::response_to(&message, 200, "OK", "tag").to_bytes()).is_ok());
    }
});
