//! No change of a signed document gives another accepted reading.

use countersign_xmlsig::{Accept, Canonical, Document, Limits, PublicKey, canonicalize, verify};
use proptest::prelude::*;

use crate::support::{EC, RSA, assertion, signed_response};
use countersign_xmlsig::sign;

/// The canonical form of what is accepted from `octets`; nothing if it is refused.
fn reading(octets: &[u8], key: &PublicKey) -> Option<String> {
    let document = Document::parse(octets, &Limits::MESSAGE).ok()?;
    let verified = verify(document.root(), std::slice::from_ref(key), Accept::default()).ok()?;
    canonicalize(verified.root(), &Canonical::exclusive()).ok()
}

#[test]
fn each_octet_changed_in_each_way_gives_the_same_reading_or_none() {
    let signed = sign(&assertion("_a1", "user").render().unwrap(), "_a1", &EC.signing()).unwrap();
    let source = signed.as_str().as_bytes().to_vec();
    let key = EC.public();
    let genuine = reading(&source, &key).expect("the unchanged one is accepted");
    let mut refused = 0_usize;
    for place in 0..source.len() {
        let mut variants: Vec<Vec<u8>> = Vec::new();
        for bit in 0..7 {
            let mut flipped = source.clone();
            flipped[place] ^= 1 << bit;
            variants.push(flipped);
        }
        let mut removed = source.clone();
        removed.remove(place);
        variants.push(removed);
        for extra in [b' ', b'<', b'a', b'&', b'"'] {
            let mut longer = source.clone();
            longer.insert(place, extra);
            variants.push(longer);
        }
        for variant in variants {
            match reading(&variant, &key) {
                None => refused += 1,
                Some(other) => assert_eq!(other, genuine, "at {place}"),
            }
        }
    }
    assert!(refused > source.len() * 6, "{refused}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Pieces of the document copied and moved, as wrapping does.
    #[test]
    fn moved_pieces_give_the_same_reading_or_none(
        moves in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<bool>()), 1..4)
    ) {
        let source = signed_response("user").as_str().to_owned();
        let key = RSA.public();
        let genuine = reading(source.as_bytes(), &key).unwrap();
        let mut changed = source;
        for (from, to, place, keep) in moves {
            // At the borders of tags, where pieces stay well-formed more often.
            let borders: Vec<usize> =
                changed.char_indices().filter(|(_, character)| *character == '<').map(|(at, _)| at).collect();
            let (from, to) = (borders[from.index(borders.len())], borders[to.index(borders.len())]);
            let piece = changed[from.min(to)..from.max(to)].to_owned();
            if !keep {
                changed.replace_range(from.min(to)..from.max(to), "");
            }
            let borders: Vec<usize> =
                changed.char_indices().filter(|(_, character)| *character == '<').map(|(at, _)| at).collect();
            if borders.is_empty() {
                break;
            }
            changed.insert_str(borders[place.index(borders.len())], &piece);
        }
        if let Some(other) = reading(changed.as_bytes(), &key) {
            prop_assert_eq!(other, genuine);
        }
    }
}
