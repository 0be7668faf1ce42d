//! Messages: sent, looked at, taken back, forgotten.
//!
//! What is kept of a message is the message log's: a state, a class of error, how many SMS it became, the day. Its text is nowhere
//! after it was sent, and its number only in the organisation's own sealed log; so an answer to a later request has neither.

mod create;
mod later;
mod list;
pub(crate) mod playsms;

pub(crate) use list::{found, mark};

use crate::{
    pipeline::route,
    routes::Route,
    wire::{ApiError, Prefix, rfc2822, sid},
};
use messaging::{Standing, State};
use serde_json::{Value, json};
use types::{MessageId, Millis};

/// The kind of messages in the store.
pub(crate) const KIND: &str = "message";

pub(crate) static ROUTES: &[Route] = &[
    route!(Post "/2010-04-01/Accounts/{account}/Messages.json" => create::create),
    route!(Get "/2010-04-01/Accounts/{account}/Messages.json" => list::list),
    route!(Get "/2010-04-01/Accounts/{account}/Messages/{message}" => later::fetch),
    route!(Post "/2010-04-01/Accounts/{account}/Messages/{message}" => later::change),
    route!(Delete "/2010-04-01/Accounts/{account}/Messages/{message}" => later::delete),
    route!(Post "/2010-04-01/Accounts/{account}/Messages/{message}/Feedback.json" => later::feedback),
    route!(Get "/2010-04-01/Accounts/{account}/Messages/{message}/Media.json" => later::media),
];

/// What an answer may say beyond the log, because the request brought it.
#[derive(Default)]
pub(super) struct Told<'a> {
    to: Option<&'a str>,
    from: Option<&'a str>,
    body: &'a str,
    service: Option<&'a str>,
    /// The exact time, where the request made the message; else its day.
    at: Option<Millis>,
}

/// A message as Twilio gives it.
pub(super) fn object(account: &str, id: MessageId, standing: &Standing, told: &Told<'_>) -> Value {
    let name = sid(Prefix::MESSAGE, id.uuid());
    let uri = format!("/2010-04-01/Accounts/{account}/Messages/{name}");
    let at = rfc2822(told.at.unwrap_or(id.made_at()));
    let error = error_of(standing);
    let is_sent = matches!(standing.state, State::Sent | State::Delivered | State::Undelivered);
    json!({
        "sid": name,
        "account_sid": account,
        "messaging_service_sid": told.service,
        "body": told.body,
        "num_segments": standing.segments.to_string(),
        "num_media": "0",
        "direction": "outbound-api",
        "from": told.from,
        "to": told.to,
        "status": standing.state.as_str(),
        "price": Value::Null,
        "price_unit": "USD",
        "error_code": error.map(|(code, _)| code),
        "error_message": error.map(|(_, message)| message),
        "api_version": "2010-04-01",
        "date_created": at,
        "date_updated": at,
        "date_sent": is_sent.then_some(&at),
        "uri": format!("{uri}.json"),
        "subresource_uris": { "media": format!("{uri}/Media.json"), "feedback": format!("{uri}/Feedback.json") },
    })
}

/// Twilio's code for what went wrong with a message, and its words.
pub(crate) fn error_of(standing: &Standing) -> Option<(u32, &'static str)> {
    Some(match standing.error_class.as_str() {
        "" => return None,
        "bad-address" => (30005, "Unknown destination handset"),
        "unreachable" => (30003, "Unreachable destination handset"),
        "blocked" => (30007, "Message filtered"),
        "region" => (21408, "The country is not enabled for the account"),
        "opted-out" => (21610, "The recipient has asked for no more messages"),
        "throttled" => (30001, "Queue overflow"),
        "account" => (30002, "Account suspended"),
        "supplier" => (30410, "Provider timeout"),
        "expired" => (30036, "Validity period expired"),
        fraud if fraud.starts_with("fraud-") => (30450, "The message was blocked"),
        _ => (30008, "Unknown error"),
    })
}

/// The code for a number that can't be one.
pub(crate) fn bad_number() -> ApiError {
    ApiError::new(400, 21211, "Invalid 'To' Phone Number")
}
