//! Whatever an SMSC sends as one PDU. What can be read is written again as it was, up to what the codec leaves out on purpose.
#![no_main]

use countersign_smpp::pdu::{Pdu, decode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let mut frame = octets.to_vec();
    // The length is right more often than chance would make it.
    if let (Ok(length), Some(field)) = (u32::try_from(octets.len()), frame.first_chunk_mut()) {
        if octets.len() % 8 != 0 {
            *field = length.to_be_bytes();
        }
    }
    let Ok((header, pdu)) = decode(&frame) else { return };
    assert_eq!(pdu.command(), header.command);
    let mut written = Vec::with_capacity(pdu.room());
    pdu.encode(header.status, header.sequence, &mut written);
    assert!(written.len() <= pdu.room());
    let (again, same) = decode(&written).unwrap();
    assert_eq!(again, header);
    assert!(same == pdu);
    if let Pdu::Submit(message) | Pdu::Deliver(message) | Pdu::Data(message) = &pdu {
        let octets: usize = message.tlvs.iter().map(|(_, value)| value.len() + 4).sum();
        assert!(octets <= message.tlvs.as_bytes().len());
    }
});
