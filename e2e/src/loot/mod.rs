//! What a thief could have taken, searched for telephone numbers that were written to.
//!
//! The numbers are known and many: [`number`] gives the one at each place, so that neither a test nor the process that sends has to keep a
//! list of them. [`files`] and [`memory`] take what lies about; [`Loot`] finds each number in whatever form it stands there
//! (defence M1: E.164, national, the last seven digits, packed decimals, integers, hexadecimal, base64 at each phase, reversed, UTF-16,
//! and all that inside of gzip). `e2e-theft` is the same for tests that aren't written in Rust.

mod forms;
mod scan;
mod taken;

pub use forms::forms;
pub use scan::{Hit, Loot};
pub use taken::{files, memory};

/// Numbers that can be told apart: places from 0 up to, not including, this one.
pub const PLACES: u32 = 90_000_000;

/// The eight digits behind `+49151` of the number at a place: no two places have the same, and neighbours lie far apart.
#[must_use]
pub const fn subscriber(place: u32) -> u32 {
    // 37 · 10⁶ + 3 has no factor with 9 · 10⁷, so this is a permutation of the places. The first isn't the one that ends in seven zeros, of
    // which there are many that end no number.
    10_000_000 + (((place as u64 + 1_234_567) * 37_000_003) % PLACES as u64) as u32
}

/// The number at a place, in E.164 form.
#[must_use]
pub fn number(place: u32) -> String {
    format!("+49151{:08}", subscriber(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_knows_every_form() {
        let loot = Loot::new((0..200).map(subscriber), 1);
        for place in 0..200 {
            for (form, bytes) in forms(&number(place)) {
                let around = [b"\0\xff, junk ", &bytes[..], b" junk,\xff\0"].concat();
                let wanted = if form == "last seven" { subscriber(place) % 10_000_000 } else { subscriber(place) };
                assert!(loot.hits(&around).iter().any(|hit| hit.subscriber == wanted), "{form}");
            }
            for (form, bytes) in forms(&number(place + 1_000_000)) {
                assert!(loot.hits(&bytes).is_empty(), "{form} of another number");
            }
        }
    }

    #[test]
    fn memory_and_files_are_taken_whole() {
        let loot = Loot::new((0..200).map(subscriber), 1);
        let here = number(7);
        let found = |bytes: &[u8]| loot.hits(bytes).iter().any(|hit| hit.subscriber == subscriber(7));
        assert!(found(&memory(std::process::id()).unwrap()), "{}", here.len());
        let directory = std::env::temp_dir().join(format!("countersign-loot-{}", std::process::id()));
        std::fs::create_dir_all(directory.join("below")).unwrap();
        std::fs::write(directory.join("below/file"), here.as_bytes()).unwrap();
        let taken = files(&directory);
        std::fs::remove_dir_all(&directory).unwrap();
        let taken = taken.unwrap();
        assert!(taken.len() == 1 && found(&taken[0].1), "{} files", taken.len());
    }
}
