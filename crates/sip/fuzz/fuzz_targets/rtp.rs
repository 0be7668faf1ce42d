//! Packets of sound, reports among them, and the keys in them.
#![no_main]

use countersign_sip::{key_events::Listener, rtp};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|packets: Vec<Vec<u8>>| {
    let mut listener = Listener::default();
    for packet in &packets {
        let Some(read) = rtp::parse(packet) else { continue };
        assert!(!rtp::is_rtcp(packet));
        assert!(read.header + read.payload.len() <= packet.len());
        if let Some(key) = listener.take(&read) {
            assert!(key.is_ascii_digit() || "*#ABCD".contains(key));
        }
        // The same packet again is no other press.
        assert_eq!(listener.take(&read), None);
    }
});
