//! Requests to the supplier: sign-in, time limits, what is tried again and what isn't.

use super::{Retry, codes, is_id};
use crate::{ErrorClass, SendError};
use serde::Deserialize;
use std::time::Duration;
use types::{SecretString, World};

/// No answer of the supplier is longer; what is, is cut off and not understood.
const MAX_ANSWER: usize = 64 * 1024;
/// Where the supplier doesn't say how long to wait.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest wait that is believed.
const MAX_PATIENCE: Duration = Duration::from_secs(3_600);

pub(super) struct Api {
    client: reqwest::Client,
    base: String,
    account: String,
    pub(super) token: SecretString,
    retry: Retry,
    world: World,
}

/// What the supplier made.
pub(super) struct Created {
    pub(super) id: String,
    pub(super) segments: u32,
}

/// Why it made nothing.
pub(super) enum Refusal {
    /// Its error code.
    Code(u32),
    /// It asks to wait.
    Throttled(Duration),
    /// It was never reached.
    Down,
    /// No clear answer.
    Unavailable,
}

impl Refusal {
    pub(super) fn into_error(self) -> SendError {
        match self {
            Self::Code(code) => match codes::class(code) {
                ErrorClass::Throttled => SendError::Throttled { retry_after: PATIENCE },
                // Code 0: refused without a word.
                ErrorClass::None => SendError::Refused(ErrorClass::Other),
                class => SendError::Refused(class),
            },
            Self::Throttled(retry_after) => SendError::Throttled { retry_after },
            Self::Down => SendError::Down,
            Self::Unavailable => SendError::Unavailable,
        }
    }
}

/// What a deletion led to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Deleted {
    /// It is gone.
    Yes,
    /// Not yet.
    NotYet,
}

impl Api {
    pub(super) fn random(&self) -> &dyn types::Random {
        self.world.random.as_ref()
    }

    pub(super) fn new(
        base: String,
        account: String,
        token: SecretString,
        retry: Retry,
        world: World,
    ) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .connect_timeout(retry.request.min(Duration::from_secs(5)))
            .timeout(retry.request)
            // The buffers of an open connection hold the last message that went through it.
            .pool_idle_timeout(Duration::from_secs(15))
            // A redirect would carry a number and a code to another host.
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            // Tries are counted here, where it is known what may be repeated.
            .retry(reqwest::retry::never())
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, base, account, token, retry, world })
    }

    pub(super) fn account(&self) -> &str {
        &self.account
    }

    /// Makes a message or a call.
    ///
    /// It is tried again only where the supplier certainly made nothing: the connection failed, or it said 429 or 5xx. A request
    /// that was sent and not answered is not repeated, because a person would get the same code twice.
    pub(super) async fn create(&self, collection: &str, form: &[(&str, String)]) -> Result<Created, Refusal> {
        let url = format!("{}/2010-04-01/Accounts/{}/{collection}.json", self.base, self.account);
        let mut tried = 0;
        loop {
            tried += 1;
            let last = tried >= self.retry.tries;
            let request = self.client.post(&url).basic_auth(&self.account, Some(self.token.expose())).form(form);
            let wait = match request.send().await {
                Ok(answer) => match answer.status().as_u16() {
                    200..=299 => return created(&body(answer).await),
                    429 => {
                        let asked = retry_after(&answer);
                        // A short wait is worth it; a long one is the caller's to tell.
                        if last || asked.is_some_and(|wait| wait > self.pause(tried)) {
                            return Err(Refusal::Throttled(asked.unwrap_or(PATIENCE)));
                        }
                        asked
                    }
                    500.. if last => return Err(Refusal::Unavailable),
                    500.. => None,
                    _ => return Err(Refusal::Code(code(&body(answer).await))),
                },
                Err(error) if error.is_connect() && !last => None,
                Err(error) if error.is_connect() => return Err(Refusal::Down),
                Err(_) => return Err(Refusal::Unavailable),
            };
            tokio::time::sleep(wait.unwrap_or_default().max(self.jittered(tried))).await;
        }
    }

    /// Deletes a message or a call.
    pub(super) async fn delete(&self, collection: &str, id: &str) -> Deleted {
        let url = format!("{}/2010-04-01/Accounts/{}/{collection}/{id}.json", self.base, self.account);
        let request = self.client.delete(&url).basic_auth(&self.account, Some(self.token.expose()));
        match request.send().await.map(|answer| answer.status().as_u16()) {
            Ok(200..=299 | 404 | 410) => Deleted::Yes,
            _ => Deleted::NotYet,
        }
    }

    fn pause(&self, tried: u32) -> Duration {
        self.retry.pause.saturating_mul(1 << tried.saturating_sub(1).min(6))
    }

    /// The pause, half of it left to chance, so that many senders don't come back at one moment.
    fn jittered(&self, tried: u32) -> Duration {
        let half = self.pause(tried) / 2;
        half + Duration::from_millis(self.world.below(u64::try_from(half.as_millis()).unwrap_or(0) + 1))
    }
}

/// The answer's body, cut at [`MAX_ANSWER`]; empty if it broke off.
async fn body(mut answer: reqwest::Response) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        if bytes.len() + chunk.len() > MAX_ANSWER {
            return Vec::new();
        }
        bytes.extend_from_slice(&chunk);
    }
    bytes
}

/// Seconds only; the form with a date is not used by this API.
fn retry_after(answer: &reqwest::Response) -> Option<Duration> {
    let seconds = answer.headers().get(reqwest::header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_PATIENCE))
}

/// The supplier's answer to a creation: the fields that are read.
#[derive(Deserialize)]
struct Answer {
    sid: String,
    // A text of digits at Twilio, a number elsewhere; missing for a call.
    #[serde(default)]
    num_segments: serde_json::Value,
}

fn created(bytes: &[u8]) -> Result<Created, Refusal> {
    // It said yes, but what it made can't be told: no error that may be repeated.
    let answer: Answer = serde_json::from_slice(bytes).map_err(|_| Refusal::Unavailable)?;
    if !is_id(&answer.sid) {
        return Err(Refusal::Unavailable);
    }
    let segments = match &answer.num_segments {
        serde_json::Value::String(text) => text.parse().unwrap_or(1),
        serde_json::Value::Number(number) => number.as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(1),
        _ => 1,
    };
    Ok(Created { id: answer.sid, segments })
}

/// The error code of a refusal; 0 where there is none.
fn code(bytes: &[u8]) -> u32 {
    #[derive(Deserialize)]
    struct Error {
        code: u32,
    }
    serde_json::from_slice(bytes).map_or(0, |error: Error| error.code)
}

/// Reads an answer as a creation and as a refusal, for the fuzzer: neither may panic.
#[doc(hidden)]
pub fn fuzz_answers(bytes: &[u8]) {
    let _ = code(bytes);
    if let Ok(created) = created(bytes) {
        assert!(is_id(&created.id), "an id that doesn't fit into a path was taken");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn segments_as_text_as_number_and_missing() {
        for (json, wanted) in [
            (r#"{"sid":"SM1","num_segments":"3"}"#, 3),
            (r#"{"sid":"SM1","num_segments":2}"#, 2),
            (r#"{"sid":"SM1","num_segments":null}"#, 1),
            (r#"{"sid":"CA1"}"#, 1),
        ] {
            assert_eq!(created(json.as_bytes()).ok().map(|made| made.segments), Some(wanted), "{json}");
        }
        for json in [r#"{"sid":"../x"}"#, r#"{"sid":7}"#, "{}", "", "null"] {
            assert!(created(json.as_bytes()).is_err(), "{json}");
        }
    }

    #[test]
    fn codes_fall_into_classes() {
        let class = |json: &str| Refusal::Code(code(json.as_bytes())).into_error().class();
        assert_eq!(class(r#"{"code":21211,"message":"x","status":400}"#), ErrorClass::BadAddress);
        assert_eq!(class(r#"{"code":21408}"#), ErrorClass::Region);
        assert_eq!(class(r#"{"code":21610}"#), ErrorClass::OptedOut);
        assert_eq!(class(r#"{"code":21614}"#), ErrorClass::BadAddress);
        assert_eq!(class(r#"{"code":30003}"#), ErrorClass::Unreachable);
        assert_eq!(class(r#"{"code":20003}"#), ErrorClass::Account);
        assert_eq!(class(r#"{"code":21611}"#), ErrorClass::Throttled);
        assert_eq!(class("<html>"), ErrorClass::Other);
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            fuzz_answers(&bytes);
        }

        #[test]
        fn no_json_makes_it_panic(sid in "\\PC{0,80}", segments in any::<i64>(), code in any::<i64>()) {
            fuzz_answers(&serde_json::to_vec(&serde_json::json!({"sid": sid, "num_segments": segments, "code": code})).unwrap());
        }
    }
}
