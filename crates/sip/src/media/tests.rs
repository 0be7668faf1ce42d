use super::*;
use crate::{
    config::Codec,
    key_events,
    srtp::{Sender, Suite},
};
use proptest::prelude::*;
use types::{Millis, SecretBytes, World};

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn plan(remote: &str) -> Plan {
    Plan {
        remote: at(remote),
        codec: Codec::Pcmu,
        payload_type: 0,
        keys: Some(101),
        keys_heard: vec![101],
        send: true,
        crypto: None,
    }
}

fn key(key: char, timestamp: u32) -> Vec<u8> {
    let mut packet = Vec::new();
    let payload = key_events::payload(key_events::event_of(key).unwrap(), false, 160);
    rtp::write(&mut packet, true, 101, timestamp as u16, timestamp, 5, &payload);
    packet
}

fn ear(remote: &str, signalling: &str) -> Ear {
    Ear::new(&plan(remote), signalling.parse().unwrap()).unwrap()
}

#[test]
fn only_the_peer_is_heard() {
    let mut ear = ear("198.51.100.7:4000", "203.0.113.1");
    for stranger in ["198.51.100.8:4000", "203.0.113.1:4000", "127.0.0.1:4000"] {
        assert_eq!(ear.hear(&mut key('1', 100), at(stranger)), Heard::default(), "{stranger}");
    }
    assert_eq!(ear.hear(&mut key('1', 100), at("198.51.100.7:4000")).key, Some('1'));
    // Once it has spoken, other ports of its address are strangers, too.
    assert_eq!(ear.hear(&mut key('2', 3000), at("198.51.100.7:4002")), Heard::default());
}

#[test]
fn a_peer_behind_a_translator_is_found_at_another_port_and_stays_there() {
    let mut ear = ear("198.51.100.7:4000", "203.0.113.1");
    let moved = at("198.51.100.7:61000");
    assert_eq!(ear.hear(&mut key('1', 100), moved), Heard { key: Some('1'), moved: Some(moved) });
    assert_eq!(ear.hear(&mut key('1', 3000), moved), Heard { key: Some('1'), moved: None });
    assert_eq!(ear.hear(&mut key('1', 6000), at("198.51.100.7:61001")), Heard::default());
    // The same description again, as a session timer sends it, changes nothing.
    let mut ear = ear.change(&plan("198.51.100.7:4000")).unwrap();
    assert_eq!(ear.peer(), Some(moved));
    // Where it said that it would be always counts.
    let named = at("198.51.100.7:4000");
    assert_eq!(ear.hear(&mut key('2', 9000), named), Heard { key: Some('2'), moved: Some(named) });
}

#[test]
fn a_private_address_stands_for_the_trunks_own() {
    let trunk = at("203.0.113.1:16000");
    assert_eq!(ear("10.0.0.5:4000", "203.0.113.1").hear(&mut key('1', 1), trunk).moved, Some(trunk));
    assert_eq!(ear("100.64.0.5:4000", "203.0.113.1").hear(&mut key('1', 1), trunk).moved, Some(trunk));
    assert_eq!(ear("198.51.100.7:4000", "203.0.113.1").hear(&mut key('1', 1), trunk), Heard::default());
}

#[test]
fn what_is_no_sound_moves_nobody() {
    let mut ear = ear("198.51.100.7:4000", "203.0.113.1");
    for wrong in [vec![], vec![0x80; 5], vec![0x80, 200, 0, 6, 0, 0, 0, 1, 0, 0, 0, 0]] {
        assert_eq!(ear.hear(&mut wrong.clone(), at("198.51.100.7:4002")), Heard::default());
    }
    assert_eq!(ear.hear(&mut key('1', 100), at("198.51.100.7:4000")), Heard { key: Some('1'), moved: None });
}

#[test]
fn another_description_begins_anew() {
    let mut ear = ear("198.51.100.7:4000", "203.0.113.1");
    ear.hear(&mut key('1', 100), at("198.51.100.7:4000"));
    let mut ear = ear.change(&plan("198.51.100.9:5000")).unwrap();
    assert_eq!(ear.peer(), None);
    assert_eq!(ear.hear(&mut key('2', 3000), at("198.51.100.7:4000")), Heard::default());
    assert_eq!(ear.hear(&mut key('2', 3000), at("198.51.100.9:5000")).key, Some('2'));
}

fn secret(byte: u8) -> Crypto {
    Crypto { tag: 1, suite: Suite::Tag80, master: SecretBytes::new(vec![byte; 30]) }
}

#[test]
fn under_a_key_only_what_was_made_with_it_is_heard() {
    let sealed_plan = Plan { crypto: Some((secret(1), secret(2))), ..plan("198.51.100.7:4000") };
    let mut ear = Ear::new(&sealed_plan, "203.0.113.1".parse().unwrap()).unwrap();
    let peer = at("198.51.100.7:4000");
    assert_eq!(ear.hear(&mut key('1', 100), at("198.51.100.7:4002")), Heard::default(), "in clear, and moves nobody");
    assert_eq!(ear.hear(&mut key('1', 100), peer), Heard::default());
    let mut sealed = key('1', 100);
    Sender::new(Suite::Tag80, &secret(2).master).unwrap().protect(&mut sealed).unwrap();
    assert_eq!(ear.hear(&mut sealed.clone(), peer).key, Some('1'));
    // A description with the same key doesn't open the door to what was seen.
    let mut ear = ear.change(&sealed_plan).unwrap();
    assert_eq!(ear.hear(&mut sealed, peer), Heard::default());
    let broken = Crypto { master: SecretBytes::new(vec![1; 3]), ..secret(1) };
    assert!(ear.change(&Plan { crypto: Some((secret(1), broken)), ..plan("198.51.100.7:4000") }).is_none());
}

#[test]
fn ports_are_even_pairs_and_run_out() {
    let (world, _) = World::made(Millis(0), 9);
    let here: IpAddr = "127.0.0.1".parse().unwrap();
    // Held by nobody else: the system has just given them.
    let free = || {
        std::iter::repeat_with(|| bind(here, &(20_000..=60_000), &world).unwrap().rtp.local_addr().unwrap().port())
            .find(|port| *port < 59_000)
            .unwrap()
    };
    let port = free();
    assert_eq!(port % 2, 0);
    let range = port..=port + 1;
    let held = bind(here, &range, &world).unwrap();
    assert!(bind(here, &range, &world).is_none(), "both are taken");
    drop(held);
    assert!(
        bind(here, &(5..=5), &world).is_none() && bind(here, &std::ops::RangeInclusive::new(8, 7), &world).is_none()
    );
}

proptest! {
    #[test]
    fn nothing_breaks_the_ear(packets in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..64), 0..30)) {
        let mut ear = ear("198.51.100.7:4000", "203.0.113.1");
        for mut packet in packets {
            ear.hear(&mut packet, at("198.51.100.7:4000"));
        }
    }
}
