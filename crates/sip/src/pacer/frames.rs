//! What is still to be played and pressed, cut into frames of 20 ms.

use crate::key_events;
use std::{collections::VecDeque, sync::Arc};

/// Samples of a frame.
pub(super) const FRAME: usize = 160;
/// The most samples that wait (ten minutes) and the most keys.
const MAX_SAMPLES: usize = 600 * 8000;
const MAX_KEYS: usize = 200;
/// A key sounds for 120 ms and is followed by 80 ms of silence. Its end is sent three times (RFC 4733 §2.5.1.4).
const KEY_FRAMES: u16 = 6;
const END_FRAMES: u16 = 3;
const GAP_FRAMES: u16 = 4;
/// Half a second.
const WAIT_FRAMES: u16 = 25;

enum Item {
    Samples(Arc<[i16]>, usize),
    Key(u8),
    Silence(u16),
}

/// What leaves next.
#[derive(Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "one at a time, on the stack of a thread that shouldn't allocate")]
pub(super) enum Frame {
    /// Nothing is to be said.
    Idle,
    /// Sound.
    Sound([i16; FRAME]),
    /// A packet of a key: which, whether it is the key's first, whether the key has ended, samples since it began.
    Key { event: u8, first: bool, end: bool, duration: u16 },
}

/// The queue of one call.
#[derive(Default)]
pub(super) struct Frames {
    items: VecDeque<Item>,
    samples: usize,
    /// The key that is being pressed, and how many of its packets have left.
    pressed: Option<(u8, u16)>,
}

impl Frames {
    /// What goes beyond the limit is thrown away.
    pub(super) fn play(&mut self, samples: Arc<[i16]>) {
        if self.samples + samples.len() <= MAX_SAMPLES && !samples.is_empty() {
            self.samples += samples.len();
            self.items.push_back(Item::Samples(samples, 0));
        }
    }

    pub(super) fn press(&mut self, digits: &str) {
        for digit in digits.chars() {
            if self.items.len() >= MAX_KEYS {
                return;
            }
            match (digit, key_events::event_of(digit)) {
                (_, Some(event)) => self.items.push_back(Item::Key(event)),
                ('w', _) => self.items.push_back(Item::Silence(WAIT_FRAMES)),
                ('W', _) => self.items.push_back(Item::Silence(2 * WAIT_FRAMES)),
                _ => {}
            }
        }
    }

    /// A key that is being pressed is still let go.
    pub(super) fn clear(&mut self) {
        self.items.clear();
        self.samples = 0;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty() && self.pressed.is_none()
    }

    /// Without `keys` the other side can't be sent any: they are passed over.
    pub(super) fn next(&mut self, keys: bool) -> Frame {
        if let Some((event, sent)) = self.pressed {
            let end = sent + 1 > KEY_FRAMES;
            self.pressed = (sent + 1 < KEY_FRAMES + END_FRAMES).then_some((event, sent + 1));
            if self.pressed.is_none() {
                self.items.push_front(Item::Silence(GAP_FRAMES));
            }
            let duration = FRAME as u16 * (sent + 1).min(KEY_FRAMES);
            return Frame::Key { event, first: sent == 0, end, duration };
        }
        match self.items.front_mut() {
            None => Frame::Idle,
            Some(Item::Key(event)) => {
                let event = *event;
                self.items.pop_front();
                if keys {
                    self.pressed = Some((event, 0));
                }
                self.next(keys)
            }
            Some(Item::Silence(left)) => {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    self.items.pop_front();
                }
                Frame::Sound([0; FRAME])
            }
            Some(Item::Samples(..)) => self.sound(),
        }
    }

    /// A frame, over the border between two pieces without a gap.
    fn sound(&mut self) -> Frame {
        let mut frame = [0; FRAME];
        let mut filled = 0;
        while let Some(Item::Samples(samples, at)) = self.items.front_mut() {
            let rest = samples.get(*at..).unwrap_or_default();
            let count = rest.len().min(FRAME - filled);
            for (to, from) in frame.iter_mut().skip(filled).zip(rest) {
                *to = *from;
            }
            filled += count;
            *at += count;
            self.samples = self.samples.saturating_sub(count);
            if *at < samples.len() {
                break;
            }
            self.items.pop_front();
        }
        Frame::Sound(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(frames: &mut Frames, keys: bool) -> Vec<Frame> {
        let mut out = Vec::new();
        while !frames.is_empty() {
            out.push(frames.next(keys));
        }
        assert_eq!(frames.next(keys), Frame::Idle);
        out
    }

    #[test]
    fn a_key_is_nine_packets_and_a_pause() {
        let mut frames = Frames::default();
        frames.press("5");
        let out = all(&mut frames, true);
        let keys: Vec<(bool, bool, u16)> = out
            .iter()
            .filter_map(|frame| match frame {
                Frame::Key { event: 5, first, end, duration } => Some((*first, *end, *duration)),
                _ => None,
            })
            .collect();
        let expected = [
            (true, false, 160),
            (false, false, 320),
            (false, false, 480),
            (false, false, 640),
            (false, false, 800),
            (false, false, 960),
            (false, true, 960),
            (false, true, 960),
            (false, true, 960),
        ];
        assert_eq!(keys, expected);
        assert_eq!(out.len(), 13);
    }

    #[test]
    fn pauses_are_half_seconds_and_keys_that_nobody_takes_are_passed_over() {
        let mut frames = Frames::default();
        frames.press("1w2W");
        assert_eq!(all(&mut frames, false).len(), 75);
    }

    #[test]
    fn what_is_stopped_is_gone_but_a_key_is_let_go() {
        let mut frames = Frames::default();
        frames.press("12");
        frames.play(vec![1; 8000].into());
        frames.next(true);
        frames.clear();
        let out = all(&mut frames, true);
        let ends = out.iter().filter(|frame| matches!(frame, Frame::Key { event: 1, end: true, .. })).count();
        assert_eq!((ends, out.len()), (3, 12));
    }

    #[test]
    fn there_is_a_limit() {
        let mut frames = Frames::default();
        frames.press(&"1".repeat(1000));
        assert_eq!(frames.items.len(), MAX_KEYS);
        frames.clear();
        let minute: Arc<[i16]> = vec![0; 480_000].into();
        for _ in 0..50 {
            frames.play(minute.clone());
        }
        assert!(frames.samples <= MAX_SAMPLES && frames.samples > 0);
    }

    proptest! {
        #[test]
        fn every_sample_leaves_once_and_in_order(lengths in proptest::collection::vec(1usize..700, 1..8)) {
            let mut frames = Frames::default();
            let mut counter = 0i16;
            for length in &lengths {
                let piece: Vec<i16> = (0..*length).map(|_| { counter += 1; counter }).collect();
                frames.play(piece.into());
            }
            let mut heard = Vec::new();
            for frame in all(&mut frames, true) {
                let Frame::Sound(samples) = frame else { panic!("no key was pressed") };
                heard.extend(samples);
            }
            let total: usize = lengths.iter().sum();
            prop_assert_eq!(heard.len(), total.div_ceil(FRAME) * FRAME);
            prop_assert!(heard.iter().take(total).copied().eq(1..=counter));
            prop_assert!(heard.iter().skip(total).all(|sample| *sample == 0));
        }
    }
}
