//! `a=crypto`: what is taken means the same when it is written again.
#![no_main]

use countersign_sip::sdes::Crypto;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|value: &str| {
    if let Some(crypto) = Crypto::parse(value) {
        let again = Crypto::parse(&crypto.to_text()).unwrap();
        assert!((again.tag, again.suite) == (crypto.tag, crypto.suite) && again.master.ct_eq(crypto.master.expose()));
    }
});
