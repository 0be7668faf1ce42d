//! A registration's whole answer, as a browser sends it.
#![no_main]

use countersign_types::{Millis, World};
use countersign_webauthn::{AttestationPolicy, PersonHandle, RegistrationAsk, RelyingParty};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|answer: &[u8]| {
    let rp = RelyingParty {
        id: "id.example.test".to_owned(),
        name: "Example".to_owned(),
        origins: vec!["https://id.example.test".to_owned()],
    };
    let person = PersonHandle { id: vec![1; 16], name: "ana".to_owned(), display_name: String::new() };
    let (world, _) = World::made(Millis(0), 1);
    let ask = RegistrationAsk::only_factor(Vec::new());
    let (_, state) = rp.start_registration(&person, ask, world.random.as_ref()).unwrap();
    let _ = rp.finish_registration(state, answer, &AttestationPolicy::default(), None, Millis(0));
});
