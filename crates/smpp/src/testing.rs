//! What several tests need.

use crate::{
    pdu::{Address, Message, Tlvs},
    split::Part,
};

/// A part as the SMSC hands it to whom it was sent.
pub(crate) fn received(data_coding: u8, part: &Part) -> Message<'_> {
    Message {
        service_type: b"",
        source: Address { ton: 1, npi: 1, text: b"15035550100" },
        destination: Address { ton: 5, npi: 0, text: b"Acme" },
        esm_class: part.esm_class,
        validity_period: b"",
        registered_delivery: 0,
        data_coding,
        short_message: &part.short_message,
        tlvs: Tlvs::new(&part.tlvs),
    }
}
