//! Twilio's Messages and Calls API (version 2010-04-01), or another's that speaks it: what its answers and its error codes mean.
//!
//! There is no recipe here: `messaging` makes the requests, because a call is a conversation and not a message (see ARCHITECTURE.md).

use crate::{
    letter::Class,
    place::Place,
    recipe::{Answer, table},
};

/// The account has no message redaction (Twilio, error 30029): the message must be asked for without.
pub const REDACTION_NOT_ENABLED: &str = "30029";

/// What the codes mean (Twilio, "Error and warning dictionary").
const CODES: &[(&[&str], Class)] = &[
    // No such number; landline; not mobile; no route to it.
    (
        &["21211", "21214", "21217", "21401", "21421", "21612", "21614", "30005", "30006", "13223", "13224"],
        Class::BadAddress,
    ),
    (&["30003"], Class::Unreachable),
    // Blocked by carrier, filter, block list or fraud guard.
    (&["21216", "13225", "30004", "30007", "30034", "30450", "60410", "60412"], Class::Blocked),
    // The account may not send or call there.
    (&["21215", "21408", "13227"], Class::Region),
    (&["21610"], Class::OptedOut),
    (&["20429", "21611", "14107", "30001"], Class::Throttled),
    // Sign-in, balance, sender, messaging service, suspension.
    (
        &[
            "20003", "20005", "20404", "21210", "21212", "21213", "21603", "21606", "21608", "21659", "21660", "21703",
            "21704", "21705", "30002", "30032",
        ],
        Class::Account,
    ),
    (&["30036"], Class::Expired),
    (&["30009", "30410"], Class::Supplier),
];

/// What a code of a receipt means; [`Class::Other`] for one that isn't listed.
#[must_use]
pub fn class(code: &str) -> Class {
    CODES.iter().find(|(codes, _)| codes.contains(&code)).map_or(Class::Other, |(_, class)| *class)
}

/// What an answer to the making of a message or of a call means. An account that is throttled, or a failure of the supplier's own that it
/// reports, has made nothing.
#[must_use]
pub fn answer() -> Answer {
    Answer {
        id: Some(Place::at("/sid")),
        // A text of digits at Twilio, a number elsewhere; missing for a call.
        segments: Some(Place::at("/num_segments")),
        code: vec![Place::at("/code")],
        classes: table(CODES),
        again: (500..600).chain([429]).collect(),
        ..Answer::default()
    }
}
