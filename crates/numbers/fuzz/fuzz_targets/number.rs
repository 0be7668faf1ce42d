//! What somebody typed as a number: it is read or refused, and whatever was read can be looked up and written.
#![no_main]

use countersign_numbers::{look, national_format, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str)| {
    let (text, region) = input;
    for region in [None, Some(region), Some("DE"), Some("AR"), Some("BR"), Some("KY")] {
        if let Ok(number) = parse(text, region) {
            assert!((8..=16).contains(&number.expose().len()));
            let facts = look(&number);
            assert!(number.expose()[1..].starts_with(facts.calling_code));
            assert!(!national_format(&number).contains(['#', '_']));
        }
    }
});
