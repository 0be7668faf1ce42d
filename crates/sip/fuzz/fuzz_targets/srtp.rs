//! Packets under a key that whoever sends them doesn't have.
#![no_main]

use countersign_sip::srtp::{Receiver, Suite};
use countersign_types::SecretBytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|packets: Vec<Vec<u8>>| {
    let master = SecretBytes::new(vec![7; 30]);
    let mut receiver = Receiver::new(Suite::Tag80, &master).unwrap();
    for mut packet in packets {
        assert!(receiver.open(&mut packet).is_err());
    }
});
