//! A document as it comes: whatever is accepted keeps the limits.
#![no_main]

use countersign_xmlsig::{Document, Limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    for limits in [Limits::MESSAGE, Limits::METADATA] {
        if let Ok(document) = Document::parse(octets, &limits) {
            assert!(document.root().descendants().count() <= limits.elements);
            for element in document.root().descendants() {
                assert!(element.attributes().count() <= limits.attributes);
                assert!(!element.name().is_empty());
            }
        }
    }
});
