use super::*;
use proptest::{collection::vec, prelude::*};

fn encoded(pdu: &Pdu<'_>, status: Status, sequence: u32) -> Vec<u8> {
    let mut out = Vec::new();
    pdu.encode(status, sequence, &mut out);
    assert!(out.len() <= pdu.room());
    out
}

/// The example of SMPP 3.4 §3.2.2, octet for octet.
#[test]
fn the_standards_own_example() {
    let frame = [
        0x00, 0x00, 0x00, 0x2F, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x53, 0x4D,
        0x50, 0x50, 0x33, 0x54, 0x45, 0x53, 0x54, 0x00, 0x73, 0x65, 0x63, 0x72, 0x65, 0x74, 0x30, 0x38, 0x00, 0x53,
        0x55, 0x42, 0x4D, 0x49, 0x54, 0x31, 0x00, 0x50, 0x01, 0x01, 0x00,
    ];
    let (header, pdu) = decode(&frame).unwrap();
    assert_eq!(header, Header { command: 2, status: Status::ROK, sequence: 1 });
    let Pdu::Bind(bind) = pdu else { panic!() };
    assert!(bind.role == Role::Transmitter && bind.system_id == b"SMPP3TEST" && bind.password == b"secret08");
    assert!(bind.system_type == b"SUBMIT1" && bind.interface_version == 0x50);
}

#[test]
fn a_submit_on_the_wire() {
    let message = Message {
        service_type: b"",
        source: Address { ton: 5, npi: 0, text: b"Acme" },
        destination: Address { ton: 1, npi: 1, text: b"491701234567" },
        esm_class: 0,
        validity_period: b"000000001000000R",
        registered_delivery: 1,
        data_coding: 0,
        short_message: b"hi",
        tlvs: Tlvs::default(),
    };
    let wire = encoded(&Pdu::Submit(message), Status::ROK, 7);
    let expected = [
        &[0, 0, 0, 67, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 7, 0, 5, 0][..],
        b"Acme\0\x01\x01491701234567\0",
        &[0, 0, 0, 0],
        b"000000001000000R\0",
        &[1, 0, 0, 0, 2],
        b"hi",
    ]
    .concat();
    assert_eq!(wire, expected);
}

#[test]
fn lengths_are_refused_before_anything_is_read() {
    assert_eq!(frame_length(&[0, 0, 0]), Ok(None));
    assert_eq!(frame_length(&[0, 0, 0, 15]), Err(Malformed::Length));
    assert_eq!(frame_length(&[0xFF, 0xFF, 0xFF, 0xFF]), Err(Malformed::Length));
    assert_eq!(frame_length(&[0, 0, 0, 16]), Ok(Some(16)));
    assert_eq!(decode(&[0; 16]).map(drop), Err(Malformed::Length));
}

#[test]
fn an_error_may_come_without_a_body() {
    let mut out = vec![0, 0, 0, 16, 0x80, 0, 0, 4, 0, 0, 0, 0x58, 0, 0, 0, 9];
    let (header, pdu) = decode(&out).unwrap();
    assert!(header.status == Status::RTHROTTLED && header.is_answer());
    assert!(pdu == Pdu::SubmitAnswer(b""));
    // An id without its NUL, as one SMSC sends it, is as good as none.
    out.extend_from_slice(b"ab");
    out[3] = 18;
    assert!(decode(&out).unwrap().1 == Pdu::SubmitAnswer(b""));
}

fn text(max: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(1..=255_u8, 0..max)
}

#[derive(Debug, Clone)]
struct Owned {
    texts: [Vec<u8>; 4],
    octets: [u8; 7],
    short: Vec<u8>,
    tlvs: Vec<u8>,
}

fn owned() -> impl Strategy<Value = Owned> {
    ([text(6), text(21), text(21), text(17)], any::<[u8; 7]>(), vec(any::<u8>(), 0..=254), vec(any::<u8>(), 0..300))
        .prop_map(|(texts, octets, short, tlvs)| Owned { texts, octets, short, tlvs })
}

impl Owned {
    fn message(&self) -> Message<'_> {
        let [service_type, source, destination, validity_period] = &self.texts;
        let [a, b, c, d, esm_class, registered_delivery, data_coding] = self.octets;
        Message {
            service_type,
            source: Address { ton: a, npi: b, text: source },
            destination: Address { ton: c, npi: d, text: destination },
            esm_class,
            validity_period,
            registered_delivery,
            data_coding,
            short_message: &self.short,
            tlvs: Tlvs::new(&self.tlvs),
        }
    }
}

fn returns(pdu: &Pdu<'_>, status: u32, sequence: u32) {
    let wire = encoded(pdu, Status(status), sequence);
    assert_eq!(frame_length(&wire), Ok(Some(wire.len())));
    let (header, read) = decode(&wire).unwrap();
    assert_eq!(header, Header { command: pdu.command(), status: Status(status), sequence });
    assert!(read == *pdu);
    for cut in 0..wire.len() {
        assert!(decode(&wire[..cut]).is_err());
    }
}

proptest! {
    #[test]
    fn messages_return(owned in owned(), status: u32, sequence: u32) {
        returns(&Pdu::Submit(owned.message()), status, sequence);
        returns(&Pdu::Deliver(owned.message()), status, sequence);
        let data = Message { short_message: &[], validity_period: &[], ..owned.message() };
        returns(&Pdu::Data(data), status, sequence);
    }

    #[test]
    fn the_rest_returns(a in text(16), b in text(9), c in text(13), version: Option<u8>, status: u32, sequence: u32) {
        for role in [Role::Transmitter, Role::Receiver, Role::Transceiver] {
            let bind = Bind { role, system_id: &a, password: &b, system_type: &c, interface_version: 0x34 };
            returns(&Pdu::Bind(bind), status, sequence);
            returns(&Pdu::BindAnswer(role, &a, version), status, sequence);
        }
        returns(&Pdu::SubmitAnswer(&a), status, sequence);
        returns(&Pdu::DataAnswer(&a), status, sequence);
        for pdu in [
            Pdu::DeliverAnswer, Pdu::EnquireLink, Pdu::EnquireLinkAnswer, Pdu::Unbind, Pdu::UnbindAnswer, Pdu::GenericNack,
            Pdu::Ignored(0x0B), Pdu::Ignored(0x102), Pdu::Unknown(0x77), Pdu::Unknown(0x8000_0077),
        ] {
            returns(&pdu, status, sequence);
        }
    }

    #[test]
    fn garbage_is_answered_by_an_error(mut frame in vec(any::<u8>(), 16..400), command in 0..0x16_u32, known: bool, answer: bool) {
        let length = u32::try_from(frame.len()).unwrap();
        frame[..4].copy_from_slice(&length.to_be_bytes());
        if known {
            frame[4..8].copy_from_slice(&(command | if answer { ANSWER } else { 0 }).to_be_bytes());
        }
        let _ = decode(&frame);
        prop_assert!(decode(&frame[1..]).is_err());
    }
}
