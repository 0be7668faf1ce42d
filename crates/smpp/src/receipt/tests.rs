use super::*;
use crate::{
    pdu::Tlvs,
    split::{Part, UDHI},
    testing::received,
};
use proptest::prelude::*;
use zeroize::Zeroizing;

fn said(esm_class: u8, text: &[u8], tlvs: &[(u16, &[u8])], unmarked: bool) -> Option<Said> {
    let mut encoded = Vec::new();
    for (tag, value) in tlvs {
        tlv::put(&mut encoded, *tag, value);
    }
    let part = Part { esm_class, short_message: Zeroizing::new(text.to_vec()), tlvs: Zeroizing::new(encoded) };
    read(&received(0, &part), unmarked)
}

fn worded(text: &str) -> (String, State, Option<String>) {
    let said = said(RECEIPT, text.as_bytes(), &[], false).unwrap();
    (said.id, said.state, said.error)
}

#[test]
fn the_text_in_its_variants() {
    for (text, id, state, error) in [
        // SMPP 3.4's appendix B, and what OpenSMPPBox, Jasmin, Cloudhopper and others make of it.
        (
            "id:0123456789 sub:001 dlvrd:001 submit date:2611220226 done date:2611220227 stat:DELIVRD err:000 text:Your code",
            "0123456789",
            State::Delivered,
            None,
        ),
        ("id:7b2a sub:1 dlvrd:0 stat:UNDELIV err:27 Text:", "7b2a", State::Undeliverable, Some("27")),
        ("ID:77 Stat:EXPIRED Err:0A1", "77", State::Expired, Some("0A1")),
        ("id: 5f3c-88 stat: REJECTD err: 99 text: x", "5f3c-88", State::Rejected, Some("99")),
        ("id=12 submit_date=2611220226 stat=ACCEPTD", "12", State::Accepted, None),
        ("id:12,stat:delivered;err:0", "12", State::Delivered, None),
        ("stat:DELETED id:12", "12", State::Deleted, None),
        ("message_id:12 status:FAILED error:5", "12", State::Undeliverable, Some("5")),
        ("id:12 stat:ENROUTE", "12", State::EnRoute, None),
        ("id:12 stat:SOMETHING err:toolongtobeone", "12", State::Unknown, None),
        ("id:12", "12", State::Unknown, None),
        ("\u{1}id:12\tstat:DELIVRD\n", "12", State::Delivered, None),
    ] {
        assert_eq!(worded(text), (id.to_owned(), state, error.map(str::to_owned)), "{text}");
    }
}

#[test]
fn what_is_repeated_of_the_message_counts_for_nothing() {
    let (id, state, error) = worded("id:12 err:000 text:stat:DELIVRD err:5 id:99");
    assert_eq!((id.as_str(), state, error), ("12", State::Unknown, None));
    assert_eq!(said(RECEIPT, b"text:id:12 stat:DELIVRD", &[], false), None);
    let (_, _, error) = worded("id:12 stat:UNDELIV err:123456789 text:Your code is 123456");
    assert_eq!(error, None);
}

#[test]
fn parameters_come_first() {
    let tlvs: &[(u16, &[u8])] =
        &[(tlv::RECEIPTED_MESSAGE_ID, b"1A2B\0"), (tlv::MESSAGE_STATE, &[5]), (tlv::NETWORK_ERROR_CODE, &[3, 1, 2])];
    let expected = Said { id: "1A2B".to_owned(), state: State::Undeliverable, error: Some("258".to_owned()) };
    assert_eq!(said(RECEIPT, b"id:9 stat:DELIVRD err:000", tlvs, false).as_ref(), Some(&expected));
    // Marked by the parameter alone, and without a text.
    assert_eq!(said(0, b"", tlvs, false).as_ref(), Some(&expected));
}

#[test]
fn a_text_message_is_no_receipt() {
    let forged = b"id:12 sub:001 dlvrd:001 stat:DELIVRD err:000 text:";
    assert_eq!(said(0, forged, &[], false), None);
    assert!(said(0, forged, &[], true).is_some());
    assert_eq!(said(0, b"my id: 12", &[], true), None);
    assert_eq!(said(0, b"STOP", &[], true), None);
    assert_eq!(said(0, b"1", &[(tlv::RECEIPTED_MESSAGE_ID, b"receipted_message_id\0")], true), None);
    // Acknowledgements by the telephone's user are none, either.
    assert_eq!(said(0x08, forged, &[], false), None);
}

#[test]
fn a_word_on_the_way_is_not_the_end() {
    let said = said(INTERMEDIATE, b"id:12 stat:UNDELIV err:001", &[], false).unwrap();
    assert_eq!((said.state, said.error.as_deref()), (State::EnRoute, Some("001")));
}

#[test]
fn in_ucs2_with_a_header_and_in_a_payload() {
    let wide: Vec<u8> = "id:12 stat:DELIVRD text:Код".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let part = Part { esm_class: RECEIPT, short_message: Zeroizing::new(wide), tlvs: Zeroizing::default() };
    let read_wide = read(&received(8, &part), false).unwrap();
    assert_eq!((read_wide.id.as_str(), read_wide.state), ("12", State::Delivered));
    let headed = said(RECEIPT | UDHI, b"\x05\0\x03\x01\x02\x01id:12 stat:EXPIRED", &[], false).unwrap();
    assert_eq!((headed.id.as_str(), headed.state), ("12", State::Expired));
    let payload = said(RECEIPT, b"", &[(tlv::MESSAGE_PAYLOAD, b"id:12 stat:DELIVRD")], false).unwrap();
    assert_eq!((payload.id.as_str(), payload.state), ("12", State::Delivered));
}

#[test]
fn one_id_in_two_notations() {
    assert_eq!(ReceiptIds::AsIs.forms("00AB"), ["ab"]);
    assert_eq!(ReceiptIds::Hex.forms("1F"), ["31"]);
    assert_eq!(ReceiptIds::Decimal.forms("0000000031"), ["1f"]);
    assert_eq!(ReceiptIds::Auto.forms("10"), ["10", "a", "16"]);
    assert_eq!(ReceiptIds::Auto.forms("1f"), ["1f", "31"]);
    assert_eq!(ReceiptIds::Auto.forms("7"), ["7"]);
    assert_eq!(ReceiptIds::Auto.forms("0a1b-77"), ["0a1b-77"]);
    assert_eq!(ReceiptIds::Hex.forms("7a11-99"), ["7a11-99"]);
    assert_eq!(canonical("000"), "0");
    assert_eq!(canonical(""), "");
}

proptest! {
    #[test]
    fn any_receipt_is_survived(
        esm_class: u8, data_coding: u8, unmarked: bool,
        short in "[idstaerxDELIVUN:= \\PC]{0,80}",
        tlvs in proptest::collection::vec(any::<u8>(), 0..80),
    ) {
        let part = Part { esm_class, short_message: Zeroizing::new(short.into_bytes()), tlvs: Zeroizing::new(tlvs) };
        if let Some(said) = read(&received(data_coding, &part), unmarked) {
            prop_assert!((1..=64).contains(&said.id.len()) && said.id.is_ascii());
            prop_assert!(said.error.is_none_or(|error| error.len() <= 8));
        }
    }

    /// Whatever stands behind `text:`, nothing of it comes out.
    #[test]
    fn nothing_behind_the_text_comes_out(tail in "\\PC{0,60}") {
        let full = format!("id:77 stat:DELIVRD err:000 text:{tail}");
        prop_assert_eq!(worded(&full), ("77".to_owned(), State::Delivered, None));
    }

    #[test]
    fn notations_return(number: u64) {
        let (decimal, hex) = (number.to_string(), format!("{number:X}"));
        prop_assert_eq!(ReceiptIds::Hex.forms(&hex), [canonical(&decimal)]);
        prop_assert_eq!(ReceiptIds::Decimal.forms(&decimal), [canonical(&hex)]);
        prop_assert!(ReceiptIds::Auto.forms(&hex).contains(&decimal));
        prop_assert!(ReceiptIds::Auto.forms(&decimal).contains(&canonical(&hex)));
    }

    #[test]
    fn an_answers_octets_can_hold_anything(octets in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = Tlvs::new(&octets).iter().count();
    }
}
