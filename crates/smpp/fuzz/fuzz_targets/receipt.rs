//! A receipt, marked or not, in any data coding, with any parameters. Nothing behind `text:` comes out.
#![no_main]

use countersign_smpp::{
    ReceiptIds,
    pdu::{Address, Message, Tlvs},
    receipt,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, u8, bool, &[u8], &[u8])| {
    let (esm_class, data_coding, unmarked, short_message, tlvs) = input;
    let address = Address { ton: 1, npi: 1, text: b"15035550100" };
    let message = Message {
        service_type: b"",
        source: address,
        destination: address,
        esm_class,
        validity_period: b"",
        registered_delivery: 0,
        data_coding,
        short_message,
        tlvs: Tlvs::new(tlvs),
    };
    let Some(said) = receipt::read(&message, unmarked) else { return };
    assert!((1..=64).contains(&said.id.len()) && said.id.bytes().all(|byte| byte.is_ascii_graphic()));
    assert!(said.error.is_none_or(|error| error.len() <= 8));
    for ids in [ReceiptIds::Auto, ReceiptIds::AsIs, ReceiptIds::Hex, ReceiptIds::Decimal] {
        let forms = ids.forms(&said.id);
        assert!((1..=3).contains(&forms.len()));
        assert!(forms.iter().all(|form| receipt::canonical(form) == *form));
    }
});
