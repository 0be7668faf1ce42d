//! What opens, what doesn't, and what is gone.

use super::*;
use proptest::prelude::*;
use std::collections::HashSet;
use types::world::SeededRandom;

const DAY_NUMBER: i64 = 20_780;

struct Site {
    random: SeededRandom,
    private: TenantPrivateKey,
    tenant: TenantId,
    segment: Segment,
    header: Vec<u8>,
}

fn message(random: &SeededRandom) -> MessageId {
    MessageId::new(Millis(DAY_NUMBER * DAY), random)
}

fn site(seed: u64) -> Site {
    let random = SeededRandom::new(seed);
    let private = TenantPrivateKey::generate(&random);
    let tenant = TenantId::new(Millis(DAY_NUMBER * DAY), &random);
    let recipients = Recipients::new(vec![private.public()]).unwrap();
    let (segment, header) = Segment::begin(tenant, DAY_NUMBER, &recipients, &random).unwrap();
    Site { random, private, tenant, segment, header }
}

impl Site {
    fn seal(&mut self, message: MessageId, part: Part, plaintext: &[u8]) -> Vec<u8> {
        self.segment.next_key().unwrap().unwrap().seal(message, part, plaintext).unwrap()
    }

    fn opened(&self) -> OpenSegment {
        self.private.open_segment(self.tenant, self.segment.id(), DAY_NUMBER, &self.header).unwrap()
    }
}

#[test]
fn parts_open_in_any_order_for_their_message_and_place_only() {
    let mut site = site(1);
    // Over several blocks of keys.
    let parts: Vec<(MessageId, Vec<u8>)> = (0..200_u8)
        .map(|n| {
            let id = message(&site.random);
            (id, site.seal(id, Part::Sent, &[n]))
        })
        .collect();
    let open = site.opened();
    for (n, (id, sealed)) in parts.iter().enumerate().rev() {
        assert_eq!(sealed.len(), Part::Sent.sealed_len());
        assert_eq!(segment_of(Part::Sent, sealed), Some(site.segment.id()));
        assert!(open.open(*id, Part::Sent, sealed).unwrap().ct_eq(&[u8::try_from(n).unwrap()]));
        assert!(matches!(open.open(message(&site.random), Part::Sent, sealed), Err(KeyError::Refused)));
    }
    let (id, sealed) = &parts[7];
    let receipt = site.seal(*id, Part::Receipt, b"r");
    assert!(open.open(*id, Part::Receipt, &receipt).unwrap().ct_eq(b"r"));
    // Even if it had the other's length.
    let mut posing = sealed.clone();
    posing.truncate(Part::Receipt.sealed_len());
    assert!(open.open(*id, Part::Receipt, &posing).is_err());
}

#[test]
fn only_the_recipients_open_a_header_each_by_itself() {
    let random = SeededRandom::new(2);
    let privates: Vec<TenantPrivateKey> = (0..3).map(|_| TenantPrivateKey::generate(&random)).collect();
    let tenant = TenantId::new(Millis(0), &random);
    let recipients = Recipients::new(privates.iter().map(TenantPrivateKey::public).collect()).unwrap();
    let (mut segment, header) = Segment::begin(tenant, 5, &recipients, &random).unwrap();
    assert_eq!(recipients_of(&header), privates.iter().map(|key| key.public().id()).collect::<Vec<_>>());
    let id = message(&random);
    let sealed = segment.next_key().unwrap().unwrap().seal(id, Part::Sent, b"x").unwrap();
    for key in &privates {
        let open = key.open_segment(tenant, segment.id(), 5, &header).unwrap();
        assert!(open.open(id, Part::Sent, &sealed).unwrap().ct_eq(b"x"));
        // Bound to tenant, segment and day.
        let other = TenantId::new(Millis(0), &random);
        assert!(key.open_segment(other, segment.id(), 5, &header).is_err());
        assert!(key.open_segment(tenant, SegmentId::new(Millis(0), &random), 5, &header).is_err());
        assert!(key.open_segment(tenant, segment.id(), 6, &header).is_err());
    }
    let stranger = TenantPrivateKey::generate(&random);
    assert!(matches!(stranger.open_segment(tenant, segment.id(), 5, &header), Err(KeyError::Refused)));
    // Whatever is changed: at least the one whose part it is can't open it; nobody gets another key.
    for at in 2..header.len() {
        let mut changed = header.clone();
        changed[at] ^= 1 << (at % 8);
        let opened: Vec<_> =
            privates.iter().filter_map(|key| key.open_segment(tenant, segment.id(), 5, &changed).ok()).collect();
        assert!(opened.len() == 2, "byte {at}");
        assert!(opened.iter().all(|open| open.open(id, Part::Sent, &sealed).is_ok()));
    }
    for broken in [&header[1..], &header[..header.len() - 1], &[], &[2, 0], &[2, 4]] {
        assert!(recipients_of(broken).is_empty());
        assert!(privates[0].open_segment(tenant, segment.id(), 5, broken).is_err());
    }
}

#[test]
fn any_changed_bit_or_length_refuses() {
    let mut site = site(3);
    let id = message(&site.random);
    let sealed = site.seal(id, Part::Sent, b"x");
    let open = site.opened();
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(open.open(id, Part::Sent, &changed).is_err(), "byte {at}");
    }
    assert!(open.open(id, Part::Sent, &sealed[..sealed.len() - 1]).is_err());
    assert!(open.open(id, Part::Sent, &[sealed.as_slice(), &[0]].concat()).is_err());
    assert!(open.open(id, Part::Sent, &blank(Part::Sent)).is_err() && is_blank(Part::Sent, &blank(Part::Sent)));
}

/// Forward secrecy: what a process still holds after sealing gives none of the keys that it used.
#[test]
fn what_is_left_after_sealing_has_no_used_key() {
    let mut site = site(4);
    let open = site.opened();
    let mut used = HashSet::new();
    for _ in 0..100 {
        let key = site.segment.next_key().unwrap().unwrap();
        assert!(used.insert(key.key.to_vec()), "a key came twice");
    }
    // The keys at hand: those that are left of the block in use, and all that the chain still gives.
    let mut left: HashSet<Vec<u8>> = site.segment.block.chunks(KEY_LEN).map(<[u8]>::to_vec).collect();
    let mut chain = site.segment.chain.clone();
    for _ in 0..20 {
        left.extend(step(&mut chain).unwrap().chunks(KEY_LEN).map(<[u8]>::to_vec));
    }
    assert!(used.is_disjoint(&left));
    // The tenant still has them all.
    for number in 0..2 {
        used.retain(|key| !open.block(number).unwrap().chunks(KEY_LEN).any(|one| one == key.as_slice()));
    }
    assert!(used.is_empty());
}

/// M2: nothing in two sealed parts says that they hold the same number, and nothing says which came first.
#[test]
fn the_same_number_twice_has_nothing_in_common_and_no_order() {
    let mut site = site(5);
    let mut seen = HashSet::new();
    let mut masked = Vec::new();
    for _ in 0..500 {
        let id = message(&site.random);
        let sealed = site.seal(id, Part::Sent, b"+15035550100");
        masked.push(u32::from_be_bytes(sealed[17..21].try_into().unwrap()));
        for window in sealed[21..].windows(8) {
            assert!(seen.insert(window.to_vec()), "eight bytes of two sealed parts are the same");
        }
    }
    let rising = masked.windows(2).filter(|pair| pair[0] < pair[1]).count();
    assert!((200..300).contains(&rising), "{rising} of 499 neighbours are in order");
}

#[test]
fn a_segment_ends() {
    let mut site = site(6);
    let open = site.opened();
    for _ in 0..MAX_PARTS - 1 {
        assert!(site.segment.next_key().unwrap().is_some());
    }
    let id = message(&site.random);
    let last = site.seal(id, Part::Sent, b"last");
    assert!(site.segment.next_key().unwrap().is_none());
    assert!(open.open(id, Part::Sent, &last).unwrap().ct_eq(b"last"));
}

#[test]
fn lists_of_keys() {
    let random = SeededRandom::new(7);
    let texts: Vec<String> = (0..4).map(|_| TenantPrivateKey::generate(&random).public().to_text()).collect();
    let list = Recipients::from_text(&format!(" {},{}\n{} ", texts[0], texts[1], texts[2])).unwrap();
    assert_eq!((list.keys().len(), list.to_text()), (3, texts[..3].join(" ")));
    for bad in ["", " , ", &texts.join(" "), &format!("{0} {0}", texts[0]), &format!("{} nonsense", texts[0])] {
        assert!(Recipients::from_text(bad).is_err(), "{bad}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_plaintext_survives(plaintext in proptest::collection::vec(any::<u8>(), 0..=Part::Receipt.capacity()), seed: u64) {
        let mut site = site(seed);
        let id = message(&site.random);
        for part in [Part::Sent, Part::Receipt] {
            let sealed = site.seal(id, part, &plaintext);
            prop_assert_eq!(sealed.len(), part.sealed_len());
            prop_assert!(site.opened().open(id, part, &sealed).unwrap().ct_eq(&plaintext));
        }
        let too_long = site.segment.next_key().unwrap().unwrap().seal(id, Part::Sent, &[0; Part::Sent.capacity() + 1]);
        prop_assert!(matches!(too_long, Err(KeyError::TooLong(_))));
    }

    #[test]
    fn garbage_is_refused_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..500), whole: bool) {
        let site = site(8);
        let mut bytes = bytes;
        if whole {
            bytes.resize(Part::Sent.sealed_len(), 0);
            bytes.splice(..17, [&[2][..], site.segment.id().as_bytes()].concat());
        }
        prop_assert!(site.opened().open(message(&site.random), Part::Sent, &bytes).is_err());
        prop_assert!(site.private.open_segment(site.tenant, site.segment.id(), DAY_NUMBER, &bytes).is_err());
    }
}
