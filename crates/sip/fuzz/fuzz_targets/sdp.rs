//! A session description: as an answer, and as an offer whose answer has as many streams.
#![no_main]

use countersign_sip::{
    Codec, Srtp,
    sdp::{Local, Session},
};
use countersign_types::{Millis, World};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(session) = Session::parse(bytes) else { return };
    let (world, _) = World::made(Millis(0), 1);
    for srtp in [Srtp::Off, Srtp::Offered, Srtp::Required] {
        let local = || Local::new("127.0.0.1:4000".parse().unwrap(), &[Codec::Pcma, Codec::Pcmu], srtp, &world);
        if let Ok(plan) = local().answered(&session) {
            assert!(plan.crypto.is_some() || srtp != Srtp::Required);
        }
        if let Ok((answer, plan)) = local().answer(&session, &world) {
            assert!(plan.crypto.is_some() || srtp != Srtp::Required);
            assert_eq!(Session::parse(answer.as_bytes()).unwrap().media.len(), session.media.len());
        }
    }
});
