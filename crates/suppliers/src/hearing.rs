//! What a supplier calls back: receipts and messages to us, believed if the supplier's signature says so.

use crate::{
    asking::is_id,
    driver::Driver,
    letter::{Callback, Class, Heard, Inbound, Progress, Rejected, Status},
    recipe::{InboundAt, Receipts},
    secret::Secret,
};
use serde_json::{Map, Value};
use types::{Millis, SecretString};

/// More than any supplier sends.
const LONGEST_BODY: usize = 64 * 1024;
/// No form has more fields.
const MOST_FIELDS: usize = 200;
/// No callback has more receipts.
const MOST_STATUSES: usize = 500;
/// So many letters of a state or a code are kept.
const RAW: usize = 40;
/// A word with so many digits may be somebody's number.
const DIGITS: usize = 7;

impl Driver {
    /// Reads a callback. [`Heard::signed`] says whether the supplier vouches for it; one who can sign and didn't is refused.
    pub fn hear(&self, callback: &Callback<'_>) -> Result<Heard, Rejected> {
        let receipts = self.recipe.receipts.as_ref().ok_or(Rejected::Malformed)?;
        hear(receipts, callback, self.world.now())
    }
}

fn hear(receipts: &Receipts, callback: &Callback<'_>, now: Millis) -> Result<Heard, Rejected> {
    if callback.body.len() > LONGEST_BODY {
        return Err(Rejected::Malformed);
    }
    let (fields, value) = read(callback)?;
    let signed = receipts.signature.check(callback, &fields, now)?;
    let items = receipts.each.as_ref().map_or_else(|| vec![&value], |each| each.all(&value));
    let statuses = items.into_iter().take(MOST_STATUSES).filter_map(|item| status(receipts, item)).collect();
    let inbound = receipts.inbound.as_ref().map(|at| inbound(at, &value)).unwrap_or_default();
    Ok(Heard { statuses, inbound, signed })
}

/// The callback's fields as pairs, which signatures are made over, and as JSON, which pointers point into.
fn read(callback: &Callback<'_>) -> Result<(Vec<(String, String)>, Value), Rejected> {
    let pairs = |text: &[u8]| -> Result<Vec<(String, String)>, Rejected> {
        let pairs: Vec<_> = form_urlencoded::parse(text).into_owned().take(MOST_FIELDS + 1).collect();
        if pairs.len() > MOST_FIELDS { Err(Rejected::Malformed) } else { Ok(pairs) }
    };
    let object = |pairs: &[(String, String)]| {
        // The first of a name counts.
        pairs.iter().rev().map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect::<Map<_, _>>()
    };
    let begin = callback.body.iter().find(|b| !b.is_ascii_whitespace());
    if matches!(begin, Some(b'{' | b'[')) {
        let value: Value = serde_json::from_slice(callback.body).map_err(|_| Rejected::Malformed)?;
        let texts = value.as_object().into_iter().flatten();
        let fields = texts.take(MOST_FIELDS).filter_map(|(name, value)| match value {
            Value::String(text) => Some((name.clone(), text.clone())),
            Value::Number(number) => Some((name.clone(), number.to_string())),
            _ => None,
        });
        return Ok((fields.collect(), value));
    }
    let query = callback.url.split_once('?').map_or("", |(_, query)| query);
    let mut fields = pairs(callback.body)?;
    fields.extend(pairs(query.as_bytes())?);
    let value = Value::Object(object(&fields));
    Ok((fields, value))
}

fn status(receipts: &Receipts, item: &Value) -> Option<Status> {
    let word = receipts.state.text(item)?;
    let progress = *receipts.states.get(word.as_ref())?;
    let id = match &receipts.id {
        Some(at) => at.text(item).filter(|id| is_id(id))?.into_owned(),
        None => String::new(),
    };
    let code = receipts.code.iter().find_map(|at| at.text(item));
    let meant = |word: &str| receipts.classes.get(word).copied();
    let class = match progress {
        Progress::Undelivered | Progress::Failed => code
            .as_deref()
            .and_then(meant)
            .filter(|class| *class != Class::None)
            .or_else(|| meant(&word))
            .unwrap_or(Class::Other),
        _ => Class::None,
    };
    let raw = format!("status={} code={}", kept(&word), kept(code.as_deref().unwrap_or_default()));
    Some(Status { id, progress, class, raw })
}

/// A word of a supplier that may be kept: letters, digits, `-_.`; nothing that could be a number.
fn kept(word: &str) -> String {
    if word.bytes().filter(u8::is_ascii_digit).count() >= DIGITS {
        return String::new();
    }
    word.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')).take(RAW).collect()
}

fn inbound(at: &InboundAt, value: &Value) -> Vec<Inbound> {
    let items = at.each.as_ref().map_or_else(|| vec![value], |each| each.all(value));
    let read = |item: &Value| {
        let from = at.from.text(item)?;
        let from = if from.starts_with('+') { from.into_owned() } else { format!("+{from}") };
        let text = at.text.long_text(item)?;
        Some(Inbound {
            from: from.parse().ok()?,
            to: at.to.as_ref().and_then(|at| at.text(item)).unwrap_or_default().into_owned(),
            // What STOP needs; more is nobody's business here.
            text: SecretString::new(text.chars().take(160).collect()),
        })
    };
    items.into_iter().take(MOST_STATUSES).filter_map(read).collect()
}

/// Reads a callback by the shapes of every preset, for the fuzzer: it may not panic, and what it takes is fit to be kept.
#[doc(hidden)]
pub fn fuzz_hearing(which: u8, url_query: &str, body: &[u8]) {
    let presets = crate::presets::for_fuzzing();
    let Some((_, receipts)) = presets.get(usize::from(which) % presets.len().max(1)) else { return };
    let headers = http::HeaderMap::new();
    let url = format!("https://mfa.example/hook?{url_query}");
    let callback = Callback { url: &url, headers: &headers, body };
    let unsigned = Receipts { signature: crate::signature::Signature::None, ..receipts.clone() };
    if let Ok(heard) = hear(&unsigned, &callback, Millis(0)) {
        assert!(!heard.signed, "nobody signed this");
        for status in heard.statuses {
            assert!(status.id.is_empty() || is_id(&status.id), "an id that can't be kept");
            assert!(status.raw.len() <= 100, "longer than is kept");
        }
    }
    // Without a signature nothing that signs is believed.
    for signature in crate::presets::signatures_for_fuzzing(Secret::new("key".to_owned())) {
        let signed = Receipts { signature, ..receipts.clone() };
        assert!(hear(&signed, &callback, Millis(0)).is_err(), "believed without a signature");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Pointer;
    use proptest::prelude::*;

    #[test]
    fn nothing_that_could_be_a_number_is_kept() {
        assert_eq!(kept("delivered"), "delivered");
        assert_eq!(kept("EC_ABSENT_SUBSCRIBER 30003"), "EC_ABSENT_SUBSCRIBER30003");
        assert_eq!(kept("to +1 503 555 0100"), "");
        assert_eq!(kept("<b>\n"), "b");
    }

    proptest! {
        #[test]
        fn no_callback_makes_it_panic(which in any::<u8>(), query in "\\PC{0,60}", body in proptest::collection::vec(any::<u8>(), 0..300)) {
            fuzz_hearing(which, &query, &body);
        }

        #[test]
        fn no_json_makes_it_panic(which in any::<u8>(), id in "\\PC{0,60}", state in "[a-zA-Z]{0,12}", number in any::<i64>()) {
            for body in [
                serde_json::json!({"results": [{"messageId": id, "status": {"groupName": state}, "error": {"name": number}}]}),
                serde_json::json!({"batch_id": id, "status": state, "code": number}),
                serde_json::json!({"entry": [{"changes": [{"value": {"statuses": [{"id": id, "status": state, "errors": [{"code": number}]}]}}]}]}),
                serde_json::json!([[[id]], state, number]),
            ] {
                fuzz_hearing(which, "", body.to_string().as_bytes());
            }
        }
    }

    #[test]
    fn an_inbound_number_gets_its_plus() {
        let at =
            InboundAt { each: None, from: Pointer::new("/f"), to: Some(Pointer::new("/t")), text: Pointer::new("/b") };
        let heard = inbound(&at, &serde_json::json!({"f": "15035550100", "t": "12345", "b": "STOP"}));
        assert_eq!(heard.len(), 1);
        assert_eq!(heard[0].from.expose(), "+15035550100");
        assert_eq!(heard[0].text.expose(), "STOP");
        assert!(inbound(&at, &serde_json::json!({"f": "x", "t": "12345", "b": "STOP"})).is_empty());
    }
}
