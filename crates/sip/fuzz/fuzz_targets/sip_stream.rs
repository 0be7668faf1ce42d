//! Bytes of a connection: whatever the cuts, the same messages come out, and no more is taken than there is.
#![no_main]

use countersign_sip::message::{Message, parse_stream};
use libfuzzer_sys::fuzz_target;

fn read(bytes: &[u8], step: usize) -> (Vec<Message>, bool) {
    let (mut buffer, mut found) = (Vec::new(), Vec::new());
    for piece in bytes.chunks(step) {
        buffer.extend_from_slice(piece);
        loop {
            let Ok((message, used)) = parse_stream(&buffer) else { return (found, false) };
            assert!(used <= buffer.len());
            buffer.drain(..used);
            match message {
                Some(message) => found.push(message),
                None => break,
            }
        }
    }
    (found, true)
}

fuzz_target!(|bytes: &[u8]| {
    assert_eq!(read(bytes, 7), read(bytes, bytes.len().max(1)));
});
