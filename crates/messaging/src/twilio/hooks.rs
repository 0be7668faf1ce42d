//! What the supplier calls back: receipts, pressed keys, messages to us.
//!
//! A callback is believed if it bears the account's signature over the address as the supplier knows it (the configured public one,
//! whatever a proxy made of it), and if its path ends in a ticket that this house wrote for the message.

use super::{Twilio, class, is_id, signature, twiml, words::Words};
use crate::{
    Answer, BoxFuture, CallAnswer, Delivery, ErrorClass, Hook, HookError, HookReply, Receiver, Reception, Report,
    Reported, What, courier::RECEIPT_LIFE, house::Claims,
};
use std::time::Duration;
use types::SecretString;

/// Before what is said after a key.
pub(super) const WORDS: &str = "?words=";

/// Keys are taken no later than this after the call was ordered.
const CALL_LIFE: Duration = Duration::from_secs(600);
/// More than the supplier ever sends.
const MAX_PAIRS: usize = 200;
const MAX_KEYS: usize = 20;

impl Receiver for Twilio {
    fn take<'a>(&'a self, hook: &'a Hook<'a>, desk: &'a Reception) -> BoxFuture<'a, Result<HookReply, HookError>> {
        Box::pin(async move {
            if hook.is_get {
                return Err(HookError::NotFound);
            }
            let form: Vec<(String, String)> =
                form_urlencoded::parse(hook.body).into_owned().take(MAX_PAIRS + 1).collect();
            self.check(hook, &form)?;
            match hook.what {
                What::Status => self.status_callback(hook, &form, desk).await,
                What::Keys => self.gather(hook, &form, desk).await,
                What::Inbound => self.inbound(&form),
            }
        })
    }
}

impl Twilio {
    /// A receipt of a message or a call.
    async fn status_callback(
        &self,
        hook: &Hook<'_>,
        form: &[(String, String)],
        desk: &Reception,
    ) -> Result<HookReply, HookError> {
        let claims = desk.claims(hook.ticket, RECEIPT_LIFE).await?;
        let status = Status::read(form).ok_or(HookError::Malformed)?;
        let report = status.report();
        match desk.desk().report_on(&claims, &self.name, &report).await? {
            Reported::Unknown => return Err(HookError::NotFound),
            Reported::Applied => announce(desk, &claims, status.end_of_call(&claims)),
            Reported::Stale => {}
        }
        // Also where the message had moved on already: that callback's deletion may not have happened.
        if report.delivery.is_final() {
            self.forget(status.collection, &status.id);
        }
        Ok(HookReply::NOTED)
    }

    /// The keys that were pressed in a call (`<Gather>`). They count once: a repeated request is answered and announces nothing. Where
    /// the call has a code to tell, it is told now that somebody is there.
    async fn gather(
        &self,
        hook: &Hook<'_>,
        form: &[(String, String)],
        desk: &Reception,
    ) -> Result<HookReply, HookError> {
        let claims = desk.claims(hook.ticket, CALL_LIFE).await?;
        let words = match hook.target.split_once(WORDS) {
            Some((_, sealed)) => Some(Words::open(sealed, &self.api.token, hook.ticket).ok_or(HookError::NotFound)?),
            None => None,
        };
        let id = value(form, "CallSid").filter(|id| is_id(id)).ok_or(HookError::Malformed)?;
        let keys: String =
            value(form, "Digits").unwrap_or_default().chars().filter(|c| matches!(c, '0'..='9' | '*' | '#')).collect();
        if keys.len() > MAX_KEYS {
            return Err(HookError::Malformed);
        }
        let report = Report {
            id: id.to_owned(),
            delivery: Delivery::Delivered,
            class: ErrorClass::None,
            raw: "answered".to_owned(),
        };
        match desk.desk().report_on(&claims, &self.name, &report).await? {
            Reported::Unknown => return Err(HookError::NotFound),
            Reported::Applied if words.is_none() => announce(desk, &claims, Some(pressed(&claims, keys.clone()))),
            Reported::Applied | Reported::Stale => {}
        }
        Ok(match words {
            Some(words) if !keys.is_empty() => HookReply::said(twiml::told(&words.code, &words.language)),
            _ => HookReply::xml(twiml::HANG_UP),
        })
    }

    /// A message or a call to one of our numbers. The supplier honours STOP by itself; what is left of it there is deleted.
    fn inbound(&self, form: &[(String, String)]) -> Result<HookReply, HookError> {
        if value(form, "CallSid").is_some() {
            return Ok(HookReply::xml(twiml::REJECT));
        }
        let id = value(form, "MessageSid").ok_or(HookError::Malformed)?;
        self.forget("Messages", id);
        if let (Some(from), Some(to), Some(text)) = (value(form, "From"), value(form, "To"), value(form, "Body"))
            && let (Ok(from), Some(links)) = (from.parse(), self.links.get())
        {
            let text = SecretString::new(text.chars().take(160).collect());
            links.inbound(&self.name, crate::Inbound { from, to: to.to_owned(), text });
        }
        Ok(HookReply::xml(twiml::EMPTY))
    }

    fn check(&self, hook: &Hook<'_>, form: &[(String, String)]) -> Result<(), HookError> {
        if form.len() > MAX_PAIRS {
            return Err(HookError::Malformed);
        }
        let (Some(public), Some(signature)) = (&self.public_url, hook.header("x-twilio-signature")) else {
            return Err(HookError::Forbidden);
        };
        let url = hook.target;
        if !url.starts_with('/') || !signature::verify(&self.api.token, &format!("{public}{url}"), form, signature) {
            return Err(HookError::Forbidden);
        }
        match value(form, "AccountSid") {
            Some(account) if account != self.api.account() => Err(HookError::Forbidden),
            _ => Ok(()),
        }
    }
}

fn announce(desk: &Reception, claims: &Claims, answer: Option<Answer>) {
    if let (Some(txid), Some(answer)) = (claims.txid, answer) {
        desk.desk().answers().announce(CallAnswer { tenant: claims.tenant, txid, answer });
    }
}

fn pressed(claims: &Claims, keys: String) -> Answer {
    match (keys.as_bytes(), claims.fraud_key) {
        ([], _) => Answer::NoAnswer,
        ([one], Some(fraud)) if *one == fraud => Answer::Fraud,
        _ => Answer::Keys(SecretString::new(keys)),
    }
}

/// The first value of a name; empty counts as none.
fn value<'a>(form: &'a [(String, String)], name: &str) -> Option<&'a str> {
    form.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
}

/// A receipt, read from its form.
struct Status {
    collection: &'static str,
    id: String,
    word: String,
    code: u32,
    /// When the carrier was done, in its own form.
    done: String,
}

impl Status {
    fn read(form: &[(String, String)]) -> Option<Self> {
        let (collection, id, word) = match value(form, "CallSid") {
            Some(id) => ("Calls", id, value(form, "CallStatus")?),
            None => (
                "Messages",
                value(form, "MessageSid").or_else(|| value(form, "SmsSid"))?,
                value(form, "MessageStatus").or_else(|| value(form, "SmsStatus"))?,
            ),
        };
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).take(20).collect::<String>();
        is_id(id).then(|| Self {
            collection,
            id: id.to_owned(),
            word: word.chars().filter(|c| c.is_ascii_lowercase() || matches!(c, '-' | '_')).take(24).collect(),
            code: value(form, "ErrorCode").and_then(|code| code.parse().ok()).unwrap_or(0),
            done: value(form, "RawDlrDoneDate").map(digits).unwrap_or_default(),
        })
    }

    fn delivery(&self) -> Delivery {
        match self.word.as_str() {
            // A call that rings is with the carrier.
            "sent" | "ringing" | "in-progress" => Delivery::Sent,
            "delivered" | "read" | "completed" => Delivery::Delivered,
            "undelivered" | "busy" | "no-answer" => Delivery::Undelivered,
            "failed" | "canceled" => Delivery::Failed,
            _ => Delivery::Queued,
        }
    }

    fn report(&self) -> Report {
        let delivery = self.delivery();
        let class = match (delivery, class(self.code)) {
            (Delivery::Undelivered | Delivery::Failed, ErrorClass::None) if self.collection == "Calls" => {
                ErrorClass::Unreachable
            }
            (Delivery::Undelivered | Delivery::Failed, ErrorClass::None) => ErrorClass::Other,
            (_, class) => class,
        };
        let raw = format!("status={} code={} done={}", self.word, self.code, self.done);
        Report { id: self.id.clone(), delivery, class, raw }
    }

    /// How a call ended for its attempt; `None` for a text, for a call that still rings, and for one that waited for no keys.
    fn end_of_call(&self, claims: &Claims) -> Option<Answer> {
        match (self.collection, self.word.as_str()) {
            ("Calls", "busy") => Some(Answer::Busy),
            ("Calls", "no-answer") => Some(Answer::NoAnswer),
            ("Calls", "failed" | "canceled") => Some(Answer::Failed),
            // Somebody took the call and hung up without a key.
            ("Calls", "completed") if claims.wants_keys => Some(Answer::NoAnswer),
            _ => None,
        }
    }
}

/// Reads a form as a receipt, for the fuzzer: it may not panic, and what it takes fits into a path and into the sealed row.
#[doc(hidden)]
pub fn fuzz_form(form: &[(String, String)]) {
    if let Some(status) = Status::read(form) {
        assert!(is_id(&status.id), "an id that doesn't fit into a path was taken");
        assert!(status.report().raw.len() <= 200, "longer than is sealed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn form(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn receipts_of_texts_and_calls() {
        let read = |pairs: &[(&str, &str)]| Status::read(&form(pairs)).map(|status| status.report());
        let report = read(&[("MessageSid", "SM1"), ("MessageStatus", "undelivered"), ("ErrorCode", "30003")]).unwrap();
        assert_eq!((report.delivery, report.class), (Delivery::Undelivered, ErrorClass::Unreachable));
        let report = read(&[("SmsSid", "SM1"), ("SmsStatus", "sent"), ("To", "+15035550100")]).unwrap();
        assert_eq!(report.delivery, Delivery::Sent);
        assert!(!report.raw.contains("555"), "the number goes nowhere");
        let report = read(&[("CallSid", "CA1"), ("CallStatus", "busy")]).unwrap();
        assert_eq!((report.delivery, report.class), (Delivery::Undelivered, ErrorClass::Unreachable));
        for incomplete in [
            &[("MessageStatus", "sent")][..],
            &[("MessageSid", "SM1")],
            &[("MessageSid", "a/b"), ("MessageStatus", "sent")],
        ] {
            assert!(read(incomplete).is_none());
        }
    }

    proptest! {
        #[test]
        fn no_form_makes_it_panic(
            pairs in proptest::collection::vec(
                (prop_oneof![Just("MessageSid"), Just("CallSid"), Just("MessageStatus"), Just("CallStatus"), Just("ErrorCode"),
                    Just("RawDlrDoneDate")], "[A-Za-z0-9-]{0,40}|\\PC{0,40}"), 0..8),
        ) {
            let pairs: Vec<_> = pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            fuzz_form(&pairs);
        }
    }
}
