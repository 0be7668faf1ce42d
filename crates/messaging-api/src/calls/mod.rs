//! Calls that a program describes in TwiML: placed, looked at, ended.
//!
//! A call goes over a trunk of the organisation's own, which has the conversation by itself; what the program wants to be asked or told
//! meanwhile goes through [`host`]. What is known of a call beyond the message log (how it stands this second, the number, whom to tell)
//! is in this process's memory until ten minutes after its end: a call lasts a minute, and one that dies with the process dies with its
//! callbacks.

mod create;
mod host;
mod later;
mod live;

pub(crate) use host::start;
pub(crate) use live::Calls;

use crate::{
    pipeline::route,
    routes::Route,
    wire::{Prefix, rfc2822, sid},
};
use live::{Progress, Seen};
use messaging::{Standing, State};
use serde_json::{Value, json};
use types::{MessageId, Millis};

/// The kind of calls in the store.
pub(crate) const KIND: &str = "call";

pub(crate) static ROUTES: &[Route] = &[
    route!(Post "/2010-04-01/Accounts/{account}/Calls.json" => create::create),
    route!(Get "/2010-04-01/Accounts/{account}/Calls.json" => later::list),
    route!(Get "/2010-04-01/Accounts/{account}/Calls/{call}" => later::fetch),
    route!(Post "/2010-04-01/Accounts/{account}/Calls/{call}" => later::change),
    route!(Delete "/2010-04-01/Accounts/{account}/Calls/{call}" => later::delete),
];

/// A call as Twilio gives it: with its numbers and times as long as they are in memory.
fn object(account: &str, id: MessageId, standing: &Standing, seen: Option<&Seen>, created: Millis) -> Value {
    let name = sid(Prefix::CALL, id.uuid());
    let uri = format!("/2010-04-01/Accounts/{account}/Calls/{name}");
    let progress = seen.map_or_else(|| of_standing(standing), |seen| seen.progress);
    let at = |time: Option<Millis>| time.map(rfc2822);
    json!({
        "sid": name,
        "account_sid": account,
        "parent_call_sid": Value::Null,
        "phone_number_sid": "",
        "to": seen.map(|seen| seen.to.expose()),
        "to_formatted": seen.map(|seen| seen.to.expose()),
        "from": seen.map(|seen| seen.from.as_str()),
        "from_formatted": seen.map(|seen| seen.from.as_str()),
        "status": progress.as_str(),
        "direction": "outbound-api",
        "answered_by": Value::Null,
        "start_time": at(seen.and_then(|seen| seen.answered)),
        "end_time": at(seen.and_then(|seen| seen.ended)),
        "duration": seen.and_then(Seen::seconds).map(|seconds| seconds.to_string()),
        "price": Value::Null,
        "price_unit": "USD",
        "queue_time": "0",
        "trunk_sid": Value::Null,
        "forwarded_from": Value::Null,
        "caller_name": Value::Null,
        "group_sid": Value::Null,
        "annotation": Value::Null,
        "api_version": "2010-04-01",
        "date_created": rfc2822(created),
        "date_updated": rfc2822(created),
        "uri": format!("{uri}.json"),
        "subresource_uris": {},
    })
}

/// What the message log still knows of a call.
fn of_standing(standing: &Standing) -> Progress {
    match standing.state {
        State::Scheduled | State::Queued => Progress::Queued,
        State::Sent => Progress::Ringing,
        State::Delivered => Progress::Completed,
        State::Undelivered => Progress::NoAnswer,
        State::Failed => Progress::Failed,
        State::Canceled => Progress::Canceled,
    }
}
