use super::*;
use data_encoding::HEXLOWER;
use proptest::prelude::*;

fn master() -> SecretBytes {
    SecretBytes::new(HEXLOWER.decode(b"e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6").unwrap())
}

fn packet(sequence: u16, ssrc: u32) -> Vec<u8> {
    let mut out = Vec::new();
    rtp::write(&mut out, false, 0, sequence, 160 * u32::from(sequence), ssrc, &[7; 160]);
    out
}

/// The packet that libsrtp's own test driver checks itself with: key and salt of RFC 3711 B.3.
#[test]
fn a_known_packet_is_protected_as_others_protect_it() {
    let plain = HEXLOWER.decode(b"800f1234decafbadcafebabeabababababababababababababababab").unwrap();
    let mut packet = plain.clone();
    Sender::new(Suite::Tag80, &master()).unwrap().protect(&mut packet).unwrap();
    let expected = "800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb";
    assert_eq!(HEXLOWER.encode(&packet), expected);
    Receiver::new(Suite::Tag80, &master()).unwrap().open(&mut packet).unwrap();
    assert_eq!(packet, plain);
}

#[test]
fn nothing_that_was_changed_is_opened() {
    for suite in [Suite::Tag80, Suite::Tag32] {
        let mut sealed = packet(1, 5);
        Sender::new(suite, &master()).unwrap().protect(&mut sealed).unwrap();
        let mut receiver = Receiver::new(suite, &master()).unwrap();
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert_eq!(receiver.open(&mut changed), Err(NotAuthentic), "byte {place}");
        }
        for length in 0..sealed.len() {
            assert!(receiver.open(&mut sealed[..length].to_vec()).is_err());
        }
        receiver.open(&mut sealed.clone()).unwrap();
        assert_eq!(receiver.open(&mut sealed), Err(NotAuthentic), "a replay");
    }
}

#[test]
fn counters_wrap_and_late_packets_come_through_once() {
    let mut sender = Sender::new(Suite::Tag80, &master()).unwrap();
    let mut receiver = Receiver::new(Suite::Tag80, &master()).unwrap();
    let mut late = Vec::new();
    for sequence in (65_400u32..65_536 + 70_000).map(|counter| (counter & 0xffff) as u16) {
        let mut sealed = packet(sequence, 9);
        sender.protect(&mut sealed).unwrap();
        if sequence % 50 == 49 {
            late.push((sealed, sequence));
            continue;
        }
        receiver.open(&mut sealed).unwrap();
        assert_eq!(sealed, packet(sequence, 9));
        if sequence % 50 == 20 {
            for (mut sealed, sequence) in late.drain(..) {
                receiver.open(&mut sealed.clone()).unwrap();
                assert!(receiver.open(&mut sealed).is_err(), "{sequence} twice");
            }
        }
    }
}

#[test]
fn sources_may_change_but_not_without_end() {
    let mut receiver = Receiver::new(Suite::Tag80, &master()).unwrap();
    for ssrc in 0..30 {
        let mut sealed = packet(3, ssrc);
        Sender::new(Suite::Tag80, &master()).unwrap().protect(&mut sealed).unwrap();
        assert_eq!(receiver.open(&mut sealed).is_ok(), ssrc < 16);
    }
}

#[test]
fn a_key_of_another_length_is_refused() {
    assert!(Sender::new(Suite::Tag80, &SecretBytes::new(vec![0; 29])).is_err());
    assert!(Receiver::new(Suite::Tag80, &SecretBytes::new(vec![0; 31])).is_err());
    assert!(Receiver::new(Suite::Tag80, &SecretBytes::new(Vec::new())).is_err());
}

proptest! {
    #[test]
    fn nothing_breaks_the_receiver(packets in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..20)) {
        let mut receiver = Receiver::new(Suite::Tag32, &master()).unwrap();
        for mut packet in packets {
            let _ = receiver.open(&mut packet);
        }
    }
}
