//! Nothing that a fuzzer writes is signed by a key that it doesn't have.
#![no_main]

use countersign_xmlsig::{Accept, Document, Limits, PublicKey, fuzzing, verify};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

/// P-256's base point: nobody signs with its logarithm, 1, here.
static KEY: LazyLock<PublicKey> = LazyLock::new(|| {
    let head = [0x30, 0x59, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    let point = "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
    let mut spki = [&head[..], &[3, 0x42, 0]].concat();
    spki.extend((0..point.len()).step_by(2).map(|at| u8::from_str_radix(&point[at..at + 2], 16).unwrap()));
    fuzzing::from_spki(&spki).unwrap()
});

fuzz_target!(|octets: &[u8]| {
    let Ok(document) = Document::parse(octets, &Limits::MESSAGE) else { return };
    let accept = Accept { sha1: true, inclusive: true };
    for element in document.root().descendants().take(32) {
        let _ = verify(element, std::slice::from_ref(&*KEY), accept);
    }
});
