//! A message, checked and handed to the courier.

use super::{KIND, Told, bad_number, object};
use crate::{
    Api,
    callback::{self, Brought, Wanted},
    caller::Caller,
    pipeline::Call,
    wire::{ApiError, Form, Reply, instant, rejected},
};
use messaging::{Address, ChannelKind, Content, Outgoing, Purpose, SendError, Standing, State, log::day_id};
use std::{sync::Arc, time::Duration};
use store::{ApiMessageRow, fields};
use types::{E164, MessageId, Millis, SecretString};

/// The longest text, in characters.
const MAX_BODY: usize = 1600;
/// A message is worth sending for so long where its sender doesn't say.
const VALID_FOR: i64 = 4 * 3600;
/// Twilio's longest validity, which is also the courier's.
const LONGEST_VALIDITY: i64 = 36_000;
/// A message for later waits at least and at most so long, in seconds.
const SOONEST: i64 = 300;
const LATEST: i64 = 7 * 86_400;
/// When a row is looked at where nothing was heard of it.
const LOOK_AFTER: Duration = Duration::from_secs(20);

/// What isn't here, and would be a promise if it were taken in silence.
const UNSUPPORTED: &[&str] = &["MediaUrl", "ContentSid", "ContentVariables", "ApplicationSid", "PersistentAction"];

/// A message that was asked for, after its parameters were looked at.
pub(super) struct Wish {
    pub(super) to: E164,
    pub(super) from: Option<String>,
    pub(super) body: SecretString,
    pub(super) service: Option<String>,
    pub(super) callback: Option<String>,
    pub(super) valid_for: Duration,
    pub(super) not_before: Option<Millis>,
    /// What makes it one with another request of the same caller.
    pub(super) idempotency: Option<String>,
}

/// Sends a message.
pub(super) async fn create(call: Call) -> Result<Reply, ApiError> {
    let wish = read(&call)?;
    let (id, standing) = send(&call.api, &call.caller, &wish).await?;
    let told = Told {
        to: Some(wish.to.expose()),
        from: wish.from.as_deref(),
        body: wish.body.expose(),
        service: wish.service.as_deref(),
        at: Some(call.now()),
    };
    Ok(Reply::created(object(&call.caller.account, id, &standing, &told)))
}

fn read(call: &Call) -> Result<Wish, ApiError> {
    let form = &call.form;
    if let Some(name) = form.first_of(UNSUPPORTED) {
        return Err(ApiError::unsupported(name));
    }
    for name in ["SendAsMms", "ShortenUrls"] {
        if form.flag(name)?.unwrap_or(false) {
            return Err(ApiError::unsupported(name));
        }
    }
    // Accepted, because they ask for no more than is always so: nothing is kept, nothing is billed, the rules always hold.
    for (name, words) in [
        ("ContentRetention", &["retain", "discard"][..]),
        ("AddressRetention", &["retain", "obfuscate"]),
        ("RiskCheck", &["enable", "disable"]),
        ("TrafficType", &["free"]),
    ] {
        if form.filled(name)?.is_some_and(|word| !words.contains(&word)) {
            return Err(ApiError::parameter(name));
        }
    }
    form.number("Attempt", 0, 100)?;
    let to = form.filled("To")?.ok_or_else(|| ApiError::new(400, 21604, "A 'To' phone number is required"))?;
    let body = form.filled("Body")?.ok_or_else(|| ApiError::new(400, 21602, "Message body is required"))?;
    if body.chars().count() > MAX_BODY {
        return Err(ApiError::new(400, 21617, "The concatenated message body exceeds the 1600 character limit"));
    }
    let callback = form.filled("StatusCallback")?;
    if callback.is_some_and(|url| call.api.fetcher.check(url).is_err()) {
        return Err(ApiError::new(400, 21609, "The 'StatusCallback' URL is not a valid URL"));
    }
    let validity = form.number("ValidityPeriod", 1, LONGEST_VALIDITY)?.unwrap_or(VALID_FOR);
    Ok(Wish {
        to: to.parse().map_err(|_| bad_number())?,
        from: from(form)?,
        body: SecretString::new(body.to_owned()),
        service: form.line("MessagingServiceSid", 34)?.map(ToOwned::to_owned),
        callback: callback.map(ToOwned::to_owned),
        valid_for: Duration::from_secs(validity.unsigned_abs()),
        not_before: not_before(form, call.now())?,
        idempotency: call.idempotency.clone(),
    })
}

/// The sender: a number, a short code, or up to eleven letters and digits.
fn from(form: &Form) -> Result<Option<String>, ApiError> {
    let Some(from) = form.filled("From")? else { return Ok(None) };
    let digits = from.strip_prefix('+').unwrap_or(from);
    let number = (3..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let word = from.len() <= 11
        && from.bytes().all(|b| b.is_ascii_alphanumeric() || b" -_&".contains(&b))
        && from.bytes().any(|b| b.is_ascii_alphabetic());
    if number || word {
        Ok(Some(from.to_owned()))
    } else {
        Err(ApiError::new(400, 21212, "The 'From' number is not a valid phone number, shortcode or sender id"))
    }
}

fn not_before(form: &Form, now: Millis) -> Result<Option<Millis>, ApiError> {
    match (form.filled("ScheduleType")?, form.filled("SendAt")?) {
        (None, None) => Ok(None),
        (Some("fixed"), Some(at)) => {
            let at = instant(at).ok_or_else(|| ApiError::new(400, 35114, "SendAt is not an ISO 8601 time"))?;
            if (SOONEST..=LATEST).contains(&(at.seconds() - now.seconds())) {
                Ok(Some(at))
            } else {
                Err(ApiError::new(400, 35114, "SendAt must be between 5 minutes and 7 days from now"))
            }
        }
        (Some("fixed"), None) => Err(ApiError::new(400, 35111, "SendAt is required with ScheduleType")),
        (None, Some(_)) => Err(ApiError::new(400, 35118, "ScheduleType is required with SendAt")),
        (Some(_), _) => Err(ApiError::parameter("ScheduleType")),
    }
}

/// Hands a message over. Who hands the same in twice gets the first.
pub(super) async fn send(api: &Arc<Api>, caller: &Caller, wish: &Wish) -> Result<(MessageId, Standing), ApiError> {
    let world = api.world();
    let (now, random) = (world.now(), world.random.as_ref());
    let scope = api.store().tenant(caller.tenant);
    let keys = scope.keys().await?;
    let id = day_id(MessageId::new(now, random));
    let once = |token: &String| keys.digest(fields::API_ONCE, &[caller.name().as_bytes(), token.as_bytes()]).to_vec();
    let sealed = match &wish.callback {
        Some(url) => {
            let wanted = Wanted { url: url.clone(), service: wish.service.clone() };
            let wanted = serde_json::to_vec(&wanted).map_err(|_| ApiError::internal())?;
            Some(keys.seal(fields::api_message_callback(&id), &wanted, random)?)
        }
        None => None,
    };
    let row = ApiMessageRow {
        id,
        kind: KIND.to_owned(),
        mark: super::list::mark(api.store(), &keys, id.made_at().day(), wish.to.expose()).to_vec(),
        once: wish.idempotency.as_ref().map(once),
        due: sealed.as_ref().map(|_| now + LOOK_AFTER),
        sealed,
        told: String::new(),
        tries: 0,
        leased: Millis(0),
    };
    let mut tx = scope.begin().await?;
    let id = if tx.insert_api_message(&row).await? {
        tx.commit().await?;
        id
    } else {
        drop(tx);
        let once = row.once.as_deref().unwrap_or_default();
        let first = match scope.api_message_once(once).await? {
            Some(first) => Some(first),
            // The other's transaction may be in a group that no reader sees yet: an empty one is committed with or after it.
            None => {
                scope.begin().await?.commit().await?;
                scope.api_message_once(once).await?
            }
        };
        let first = first.ok_or_else(|| ApiError::new(409, 20409, "The same request is being answered; try again"))?;
        if let Some(standing) = api.courier().standing(caller.tenant, first.id).await? {
            return Ok((first.id, standing));
        }
        // Noted and never handed over: the process died between the two. It is handed over now, under the same id.
        first.id
    };
    if row.due.is_some() {
        let brought = Brought { to: wish.to.clone(), from: wish.from.clone().unwrap_or_default() };
        api.callbacks.remember(id, brought, now);
    }
    match api.courier().enqueue(outgoing(id, caller, wish)).await {
        // By another request of the same client, a moment ago.
        Ok(_) | Err(SendError::Repeated) => {}
        Err(error) => {
            api.callbacks.forget(id);
            let mut tx = scope.begin().await?;
            tx.delete_api_message(KIND, id).await?;
            tx.commit().await?;
            return Err(rejected(error, false));
        }
    }
    if row.due.is_some() {
        callback::nudge(api, caller.tenant, id);
    }
    Ok((id, waiting(wish)))
}

fn outgoing(id: MessageId, caller: &Caller, wish: &Wish) -> Outgoing {
    let content = Content::Text(wish.body.clone());
    let to = Address::Number(wish.to.clone(), String::new());
    let mut message = Outgoing::new(id, caller.tenant, Purpose::Program, to, content);
    message.valid_for = wish.valid_for;
    message.terms.not_before = wish.not_before;
    message.terms.from.clone_from(&wish.from);
    message
}

/// How a message stands that was just taken.
fn waiting(wish: &Wish) -> Standing {
    Standing {
        state: if wish.not_before.is_some() { State::Scheduled } else { State::Queued },
        kind: ChannelKind::Sms,
        error_class: String::new(),
        carrier: String::new(),
        segments: segments(wish.body.expose()),
    }
}

/// How many SMS a text becomes: 160 or 153 characters of GSM's alphabet, 70 or 67 of any other (3GPP TS 23.038).
fn segments(text: &str) -> u32 {
    const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
    const EXTENDED: &str = "^{}\\[~]|€\u{c}";
    let septets = text.chars().try_fold(0_usize, |sum, c| {
        let cost = if BASIC.contains(c) {
            1
        } else if EXTENDED.contains(c) {
            2
        } else {
            return None;
        };
        Some(sum + cost)
    });
    let (length, one, each) = match septets {
        Some(septets) => (septets, 160, 153),
        None => (text.encode_utf16().count(), 70, 67),
    };
    if length <= one { 1 } else { u32::try_from(length.div_ceil(each)).unwrap_or(u32::MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_counted_as_carriers_count() {
        for (text, wanted) in [
            ("a".repeat(160), 1),
            ("a".repeat(161), 2),
            ("€".repeat(80), 1),
            ("€".repeat(81), 2),
            ("я".repeat(70), 1),
            ("я".repeat(71), 2),
            ("😀".repeat(35), 1),
            ("😀".repeat(36), 2),
            (String::new(), 1),
        ] {
            assert_eq!(segments(&text), wanted, "{} of {:?}", text.chars().count(), text.chars().next());
        }
    }

    #[test]
    fn senders() {
        let read = |value: &str| {
            let text: String = form_urlencoded::Serializer::new(String::new()).append_pair("From", value).finish();
            from(&Form::parse(text.as_bytes()).unwrap())
        };
        for good in ["+15005550006", "12345", "Example Co", "A1"] {
            assert_eq!(read(good).unwrap().as_deref(), Some(good));
        }
        for bad in ["+1", "a\r\nb", "twelve chars", "whatsapp:+15005550006", "☎"] {
            assert_eq!(read(bad).err().map(|error| error.code), Some(21212), "{bad}");
        }
        assert_eq!(read("").unwrap(), None);
    }
}
