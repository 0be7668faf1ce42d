//! Byte strings put together so that no two lists of parts give the same bytes.

/// Every part behind its length (four bytes, big-endian).
pub(crate) fn bind(parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::with_capacity(parts.iter().map(|part| part.len() + 4).sum());
    for part in parts {
        out.extend_from_slice(&length(part));
        out.extend_from_slice(part);
    }
    out
}

/// A part's length as written before it. No part reaches 4 GiB: the callers bound them.
pub(crate) fn length(part: &[u8]) -> [u8; 4] {
    u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn different_lists_give_different_bytes(
            a in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..4), 0..4),
            b in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..4), 0..4),
        ) {
            let bound = |parts: &[Vec<u8>]| bind(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>());
            prop_assert_eq!(bound(&a) == bound(&b), a == b);
        }
    }
}
