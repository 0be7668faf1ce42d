//! A call, checked and handed to the courier.

use super::{
    KIND, host,
    live::{Progress, Seen},
    object,
};
use crate::{
    messages::{bad_number, mark},
    pipeline::Call,
    wire::{ApiError, Reply, rejected},
};
use messaging::{Address, ChannelKind, Content, Outgoing, Purpose, Standing, State, fetch::Method, log::day_id};
use std::time::Duration;
use store::{ApiMessageRow, fields};
use types::{E164, MessageId, Millis, SecretString};
use voice::twiml::Document;

/// A call is worth placing for so long: longer, nobody waits for it any more.
const VALID_FOR: Duration = Duration::from_secs(300);
/// The longest inline document, in characters, as Twilio has it.
const MAX_TWIML: usize = 4_000;

/// What isn't here, and would be a promise if it were taken in silence.
const UNSUPPORTED: &[&str] = &[
    "ApplicationSid",
    "FallbackUrl",
    "MachineDetection",
    "AsyncAmd",
    "RecordingChannels",
    "RecordingStatusCallback",
    "SipAuthUsername",
    "SipAuthPassword",
    "CallerId",
    "Byoc",
    "CallToken",
    "CallReason",
];

/// Who wants to hear of a call, and of what.
pub(super) struct Wanted {
    pub(super) url: String,
    pub(super) method: Method,
    pub(super) events: Vec<String>,
}

struct Wish {
    to: E164,
    extension: String,
    from: String,
    twiml: SecretString,
    callback: Option<Wanted>,
}

/// Places a call.
pub(super) async fn create(call: Call) -> Result<Reply, ApiError> {
    let wish = read(&call)?;
    let now = call.now();
    let (api, caller) = (&call.api, &call.caller);
    let (rows, random) = (call.rows(), api.world().random.as_ref());
    let keys = rows.keys().await?;
    let id = day_id(MessageId::new(now, random));
    let once = call
        .idempotency
        .as_ref()
        .map(|token| keys.digest(fields::API_ONCE, &[caller.name().as_bytes(), b"call", token.as_bytes()]).to_vec());
    let row = ApiMessageRow {
        id,
        kind: KIND.to_owned(),
        mark: mark(call.api.store(), &keys, id.made_at().day(), wish.to.expose()).to_vec(),
        once: once.clone(),
        sealed: None,
        told: String::new(),
        tries: 0,
        due: None,
        leased: Millis(0),
    };
    let mut tx = rows.begin().await?;
    if !tx.insert_api_message(&row).await? {
        drop(tx);
        return earlier(&call, once.as_deref().unwrap_or_default()).await;
    }
    tx.commit().await?;
    let seen = Seen {
        tenant: caller.tenant,
        to: wish.to.clone(),
        from: wish.from.clone(),
        created: now,
        progress: Progress::Queued,
        answered: None,
        ended: None,
    };
    let teller = wish.callback.map(|wanted| host::teller(api, caller.tenant, id, wanted));
    api.calls.begin(id, seen.clone(), teller);
    let to = Address::Number(wish.to, wish.extension);
    let mut message = Outgoing::new(id, caller.tenant, Purpose::Program, to, Content::Twiml(wish.twiml));
    message.valid_for = VALID_FOR;
    message.terms.from = Some(wish.from).filter(|from| !from.is_empty());
    if let Err(error) = api.courier().enqueue(message).await {
        api.calls.forget(id);
        let mut tx = rows.begin().await?;
        tx.delete_api_message(KIND, id).await?;
        tx.commit().await?;
        return Err(rejected(error, false));
    }
    Ok(Reply::created(object(&caller.account, id, &waiting(), Some(&seen), now)))
}

/// How a call stands that the log doesn't know yet.
pub(super) fn waiting() -> Standing {
    Standing {
        state: State::Queued,
        kind: ChannelKind::Voice,
        error_class: String::new(),
        carrier: String::new(),
        segments: 1,
    }
}

/// The call that was asked for before under the same token.
async fn earlier(call: &Call, once: &[u8]) -> Result<Reply, ApiError> {
    let row = call.rows().api_message_once(once).await?;
    let row = row.ok_or_else(|| ApiError::new(409, 20409, "The same request is being answered; try again"))?;
    super::later::reply(call, row.id).await.map(Reply::created)
}

fn read(call: &Call) -> Result<Wish, ApiError> {
    let form = &call.form;
    if let Some(name) = form.first_of(UNSUPPORTED) {
        return Err(ApiError::unsupported(name));
    }
    if form.flag("Record")?.unwrap_or(false) {
        return Err(ApiError::unsupported("Record"));
    }
    // How long it rings and lasts is the trunk's to say; what is asked for is looked at, and no more.
    form.number("Timeout", 1, 600)?;
    form.number("TimeLimit", 1, 86_400)?;
    let to = form.filled("To")?.ok_or_else(|| ApiError::new(400, 21201, "No 'To' number is specified"))?;
    let from = form.filled("From")?.unwrap_or_default();
    let digits = from.strip_prefix('+').unwrap_or(from);
    let is_number = (3..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if !from.is_empty() && !is_number {
        return Err(ApiError::new(400, 21212, "The 'From' number is not a valid phone number"));
    }
    let extension = form.filled("SendDigits")?.unwrap_or_default();
    if extension.len() > 32 || !extension.chars().all(|c| matches!(c, '0'..='9' | '*' | '#' | 'w' | 'W')) {
        return Err(ApiError::new(400, 21206, "SendDigits has something else than digits, #, * and w"));
    }
    Ok(Wish {
        to: to.parse().map_err(|_| bad_number())?,
        extension: extension.to_owned(),
        from: from.to_owned(),
        twiml: document(call)?,
        callback: callback(call)?,
    })
}

fn method(call: &Call, name: &str) -> Result<Method, ApiError> {
    match call.form.filled(name)? {
        None => Ok(Method::Post),
        Some(method) if method.eq_ignore_ascii_case("POST") => Ok(Method::Post),
        Some(method) if method.eq_ignore_ascii_case("GET") => Ok(Method::Get),
        Some(_) => Err(ApiError::parameter(name)),
    }
}

/// The document; where it is elsewhere, one that leads there.
fn document(call: &Call) -> Result<SecretString, ApiError> {
    match (call.form.filled("Twiml")?, call.form.filled("Url")?) {
        (Some(twiml), _) => {
            if twiml.chars().count() > MAX_TWIML || Document::read(twiml).is_err() {
                return Err(ApiError::new(400, 12100, "Document parse failure"));
            }
            Ok(SecretString::new(twiml.to_owned()))
        }
        (None, Some(url)) => {
            let url = call.api.fetcher.check(url).map_err(|_| ApiError::new(400, 21205, "Url is not a valid URL"))?;
            let method = if method(call, "Method")? == Method::Get { "GET" } else { "POST" };
            let text =
                format!("<Response><Redirect method=\"{method}\">{}</Redirect></Response>", escaped(url.as_str()));
            Ok(SecretString::new(text))
        }
        (None, None) => Err(ApiError::new(400, 21205, "Url or Twiml is required")),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn callback(call: &Call) -> Result<Option<Wanted>, ApiError> {
    let Some(url) = call.form.filled("StatusCallback")? else { return Ok(None) };
    if call.api.fetcher.check(url).is_err() {
        return Err(ApiError::new(400, 21609, "The 'StatusCallback' URL is not a valid URL"));
    }
    // Several in one parameter, or the parameter several times: libraries do both.
    let mut events: Vec<String> =
        call.form.all("StatusCallbackEvent").flat_map(str::split_whitespace).map(str::to_owned).collect();
    if events.iter().any(|event| !matches!(event.as_str(), "initiated" | "ringing" | "answered" | "completed")) {
        return Err(ApiError::new(400, 21626, "StatusCallbackEvent is not a call's event"));
    }
    if events.is_empty() {
        events.push("completed".to_owned());
    }
    Ok(Some(Wanted { url: url.to_owned(), method: method(call, "StatusCallbackMethod")?, events }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_in_a_document_is_the_address() {
        let url = "https://a.example/x?a=1&b=%3C2%3E&c='\"";
        let text = format!("<Response><Redirect method=\"GET\">{}</Redirect></Response>", escaped(url));
        let document = Document::read(&text).unwrap();
        assert!(matches!(&document.verbs[..], [voice::twiml::Verb::Redirect { url: read, .. }] if read == url));
    }
}
