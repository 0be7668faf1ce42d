//! A canonical form is a document, and its own canonical form.
#![no_main]

use countersign_xmlsig::{Canonical, Document, Limits, canonicalize};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let Ok(document) = Document::parse(octets, &Limits::MESSAGE) else { return };
    for inclusive in [false, true] {
        let how = Canonical { inclusive, ..Canonical::default() };
        let Ok(once) = canonicalize(document.root(), &how) else { continue };
        let wide = Limits { bytes: Limits::MESSAGE.bytes * 4, ..Limits::MESSAGE };
        let again = Document::parse(once.as_bytes(), &wide).unwrap();
        assert_eq!(canonicalize(again.root(), &how).unwrap(), once);
    }
});
