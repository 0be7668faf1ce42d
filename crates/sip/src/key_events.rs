//! Keys of a telephone as RTP carries them: named events (RFC 4733).

use crate::rtp::Packet;

/// Bytes of an event's payload.
pub const PAYLOAD: usize = 4;
/// The loudness that keys are sent with, in -dBm0.
const VOLUME: u8 = 10;
/// Events 0 to 15, by their keys.
const KEYS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];
/// Sources that are kept apart; the oldest is forgotten.
const MAX_SOURCES: usize = 8;
/// An event this much older than the newest (in samples: a second) isn't late, but a clock that was set anew.
const LATE: u32 = 8000;

/// The number of a key's event.
#[must_use]
pub fn event_of(key: char) -> Option<u8> {
    KEYS.iter().position(|one| *one == key.to_ascii_uppercase()).and_then(|place| u8::try_from(place).ok())
}

/// The payload of a packet of an event. `duration` counts samples since it began.
#[must_use]
pub const fn payload(event: u8, end: bool, duration: u16) -> [u8; PAYLOAD] {
    let [high, low] = duration.to_be_bytes();
    [event, (if end { 0x80 } else { 0 }) | VOLUME, high, low]
}

/// An event that was heard.
struct Heard {
    ssrc: u32,
    event: u8,
    /// When it began, by its packets' timestamp.
    began: u32,
    duration: u16,
    ended: bool,
}

/// Makes one key of the many packets of an event, whichever of them are lost, late or repeated.
#[derive(Default)]
pub struct Listener(Vec<Heard>);

impl Listener {
    /// The key, with the first packet of an event that arrives. Every packet of one event has the timestamp of its beginning (§2.3.1).
    pub fn take(&mut self, packet: &Packet<'_>) -> Option<char> {
        let [event, flags, high, low] = *packet.payload.first_chunk::<PAYLOAD>()?;
        let key = *KEYS.get(usize::from(event))?;
        let ended = flags & 0x80 != 0;
        let duration = u16::from_be_bytes([high, low]);
        let new = Heard { ssrc: packet.ssrc, event, began: packet.timestamp, duration, ended };
        let Some(place) = self.0.iter().position(|heard| heard.ssrc == packet.ssrc) else {
            if self.0.len() == MAX_SOURCES {
                self.0.remove(0);
            }
            self.0.push(new);
            return Some(key);
        };
        let heard = self.0.get_mut(place)?;
        let ahead = packet.timestamp.wrapping_sub(heard.began);
        if ahead == 0 && heard.event == event {
            heard.ended |= ended;
            heard.duration = heard.duration.max(duration);
            return None;
        }
        let behind = heard.began.wrapping_sub(packet.timestamp);
        if behind != 0 && behind < LATE {
            // A packet of the event before, overtaken by this one.
            return None;
        }
        // A key that is held for more than 8 seconds goes on in a new segment (§2.5.1.3), which isn't another press.
        let goes_on = !heard.ended && heard.event == event && !packet.marker && heard.duration > 0xff00;
        let goes_on = goes_on && (0xff00..=0x1_0000).contains(&ahead);
        *heard = new;
        (!goes_on).then_some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Sent {
        marker: bool,
        timestamp: u32,
        ssrc: u32,
        payload: [u8; PAYLOAD],
    }

    fn press(key: char, timestamp: u32, ssrc: u32) -> Vec<Sent> {
        let event = event_of(key).unwrap();
        let packets = (1..=8).map(|count: u16| Sent {
            marker: count == 1,
            timestamp,
            ssrc,
            payload: payload(event, count > 5, 160 * count.min(6)),
        });
        packets.collect()
    }

    fn hear<'a>(listener: &mut Listener, packets: impl IntoIterator<Item = &'a Sent>) -> String {
        let packet = |sent: &'a Sent| Packet {
            marker: sent.marker,
            payload_type: 101,
            sequence: 0,
            timestamp: sent.timestamp,
            ssrc: sent.ssrc,
            header: 12,
            payload: &sent.payload,
        };
        packets.into_iter().filter_map(|sent| listener.take(&packet(sent))).collect()
    }

    #[test]
    fn each_key_has_its_event() {
        assert_eq!(
            (event_of('0'), event_of('9'), event_of('*'), event_of('#')),
            (Some(0), Some(9), Some(10), Some(11))
        );
        assert_eq!((event_of('A'), event_of('d'), event_of('E'), event_of('w')), (Some(12), Some(15), None, None));
    }

    #[test]
    fn an_unknown_event_is_no_key() {
        for payload in [&[16, 0, 0, 1][..], &[255, 0, 0, 1], &[1, 0, 0], &[]] {
            let packet =
                Packet { marker: true, payload_type: 101, sequence: 0, timestamp: 0, ssrc: 0, header: 12, payload };
            assert_eq!(Listener::default().take(&packet), None);
        }
    }

    #[test]
    fn the_same_key_again_is_another_press() {
        let mut packets = press('7', 1000, 1);
        packets.extend(press('7', 3000, 1));
        packets.extend(press('7', 3000, 2));
        assert_eq!(hear(&mut Listener::default(), &packets), "777");
    }

    #[test]
    fn an_event_that_was_overtaken_is_not_heard_again() {
        let (one, two) = (press('1', 1000, 1), press('2', 2600, 1));
        let mixed = one.iter().take(6).chain(two.iter().take(2)).chain(one.iter().skip(6)).chain(two.iter().skip(2));
        assert_eq!(hear(&mut Listener::default(), mixed), "12");
    }

    #[test]
    fn a_key_that_is_held_is_one_press() {
        let event = event_of('5').unwrap();
        let mut packets = Vec::new();
        for segment in 0..3u32 {
            for count in 1..=409u16 {
                let marker = segment == 0 && count == 1;
                let payload = payload(event, false, if count == 409 { 0xffff } else { count * 160 });
                packets.push(Sent { marker, timestamp: 77 + segment * 0xffff, ssrc: 1, payload });
            }
        }
        packets.push(Sent {
            marker: false,
            timestamp: 77 + 2 * 0xffff,
            ssrc: 1,
            payload: payload(event, true, 0xffff),
        });
        assert_eq!(hear(&mut Listener::default(), &packets), "5");
    }

    #[test]
    fn a_clock_that_starts_anew_is_heard() {
        let mut packets = press('1', 4_000_000, 1);
        packets.extend(press('2', 160, 1));
        assert_eq!(hear(&mut Listener::default(), &packets), "12");
    }

    proptest! {
        /// Of each event at least one packet comes through, some twice, and the clock may wrap.
        #[test]
        fn whatever_is_lost_or_repeated_each_press_counts_once(
            keys in "[0-9*#A-D]{1,12}",
            start: u32,
            kept in proptest::collection::vec(1u8..=255, 12),
            twice: bool,
        ) {
            let mut packets = Vec::new();
            for (at, (key, kept)) in keys.chars().zip(&kept).enumerate() {
                let whole = press(key, start.wrapping_add(2400 * at as u32), 9);
                for (bit, sent) in whole.into_iter().enumerate() {
                    if kept >> bit & 1 == 1 {
                        if twice {
                            packets.push(Sent { ..sent });
                        }
                        packets.push(sent);
                    }
                }
            }
            prop_assert_eq!(hear(&mut Listener::default(), &packets), keys);
        }
    }
}
