//! What holds of a call in whatever order things happen.

use super::*;
use proptest::prelude::*;

/// What may happen to a call, in any order.
#[derive(Debug, Clone)]
enum Happens {
    Invited(u16, bool),
    Asked(&'static str, u32, bool),
    Pending(u16),
    HangUp,
    Lost,
    Wait(u64),
}

fn happens() -> impl Strategy<Value = Happens> {
    let status =
        prop_oneof![Just(100), Just(180), Just(183), Just(200), Just(401), Just(407), Just(486), Just(487), Just(500)];
    let method = prop_oneof![Just("INVITE"), Just("ACK"), Just("BYE"), Just("UPDATE"), Just("CANCEL"), Just("INFO")];
    prop_oneof![
        4 => (status.clone(), any::<bool>()).prop_map(|(status, body)| Happens::Invited(status, body)),
        4 => (method, 1u32..6, any::<bool>()).prop_map(|(method, cseq, body)| Happens::Asked(method, cseq, body)),
        2 => status.prop_map(Happens::Pending),
        1 => Just(Happens::HangUp),
        1 => Just(Happens::Lost),
        3 => (0u64..40).prop_map(Happens::Wait),
    ]
}

proptest! {
    /// In whatever order: one end is told and nothing after it, what is answered is not left ringing, and in the end nothing remains.
    #[test]
    fn every_call_ends_once_and_for_all(steps in proptest::collection::vec(happens(), 0..14)) {
        let mut call = Call::new();
        for (at, step) in steps.iter().enumerate() {
            let body = |with: &bool| if *with { SDP } else { "" };
            match step {
                Happens::Invited(status, with) => call.invited(*status, body(with)),
                Happens::Asked(method, cseq, with) => call.ask(method, *cseq, &at.to_string(), body(with)),
                Happens::Pending(status) => {
                    if let Some(message) = call.dialog.pending.first().map(|one| one.message.clone()) {
                        call.answer(&message, *status, "", "", "");
                    }
                }
                Happens::HangUp => call.hang_up(),
                Happens::Lost => { call.dialog.connection_lost(); call.act(); }
                Happens::Wait(seconds) => call.wait(*seconds),
            }
        }
        call.hang_up();
        call.wait(300);
        let ends = call.events.iter().filter(|event| matches!(event, Event::Ended(_))).count();
        prop_assert_eq!(ends, 1);
        prop_assert!(matches!(call.events.last(), Some(Event::Ended(_))));
        prop_assert!(call.is_done(), "{:?}", call.dialog.state);
        // Whoever answered was acknowledged, and left by one of the two.
        let all: Vec<&str> = call.sent.iter().filter_map(|(message, _)| message.method()).collect();
        let answered = call.dialog.peer.is_some();
        prop_assert!(!answered || all.contains(&"ACK"));
        prop_assert!(!answered || all.contains(&"BYE") || steps.iter().any(|step| matches!(step, Happens::Asked("BYE", ..))));
    }
}
