//! Asks a supplier for one thing: again where it certainly took nothing, and never where it may have; and says what the answer means.

use crate::{
    client::{Client, Reply},
    driver::Patience,
    letter::{Class, Refusal, Taken},
    place::Page,
    recipe::{Answer, Expect, Step},
    template::Values,
};
use std::time::Duration;
use types::World;

/// Where a supplier asks for patience without saying for how long.
const PATIENCE: Duration = Duration::from_secs(5);
/// No supplier's id is longer.
const LONGEST_ID: usize = 200;

/// One account of a supplier's, and how patient we are with it.
pub struct Asker {
    client: Client,
    world: World,
    tries: u32,
    pause: Duration,
}

/// Why nothing was taken, and the supplier's code for it; empty where it said none.
#[derive(Clone, Debug)]
pub struct No {
    /// Why.
    pub refusal: Refusal,
    /// The code as it stood in the answer, whether or not the recipe knows it.
    pub code: String,
}

impl From<Refusal> for No {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, code: String::new() }
    }
}

impl Asker {
    /// Connects when something is asked for the first time. Of `patience` it takes the tries, the pause and a request's time.
    ///
    /// # Errors
    /// The TLS stack could not be set up.
    pub fn new(patience: &Patience, world: World) -> Result<Self, reqwest::Error> {
        let client = Client::new(patience.request, world.clone())?;
        Ok(Self { client, world, tries: patience.tries, pause: patience.pause })
    }

    /// Asks by a request whose templates have no variables.
    ///
    /// # Errors
    /// Why nothing was taken.
    pub async fn ask(&self, step: &Step, answer: &Answer) -> Result<Taken, No> {
        self.tried(step, answer, &Values::none(self.world.now())).await
    }

    /// Asks the supplier to forget something, once, by a request whose templates have no variables. `true` if it is gone, or was.
    pub async fn forget(&self, step: &Step) -> bool {
        self.gone(step, &Values::none(self.world.now()), &[]).await
    }

    pub(crate) async fn gone(&self, step: &Step, values: &Values<'_>, also: &[u16]) -> bool {
        let asked = self.client.ask(step, values).await;
        asked.is_ok_and(|reply| matches!(reply.status, 200..=299 | 404 | 410) || also.contains(&reply.status))
    }

    /// A request, again where it was certainly not sent, or the recipe says that its answer means that nothing was taken.
    pub(crate) async fn tried(&self, step: &Step, answer: &Answer, values: &Values<'_>) -> Result<Taken, No> {
        let mut tried = 0;
        loop {
            tried += 1;
            let last = tried >= self.tries;
            let wait = match self.client.ask(step, values).await {
                // A short wait is worth it; a long one is the caller's to tell.
                Ok(Reply { status, retry_after, .. })
                    if !last
                        && answer.again.contains(&status)
                        && retry_after.is_none_or(|it| it <= self.step(tried)) =>
                {
                    retry_after.unwrap_or_default()
                }
                Ok(reply) => return judged(answer, &reply),
                Err(Refusal::Down) if !last => Duration::ZERO,
                Err(refusal) => return Err(refusal.into()),
            };
            tokio::time::sleep(wait.max(self.jittered(tried))).await;
        }
    }

    fn step(&self, tried: u32) -> Duration {
        self.pause.saturating_mul(1 << tried.saturating_sub(1).min(6))
    }

    /// The pause, half of it left to chance, so that many senders don't come back at one moment.
    fn jittered(&self, tried: u32) -> Duration {
        let half = self.step(tried) / 2;
        half + Duration::from_millis(self.world.below(u64::try_from(half.as_millis()).unwrap_or(0) + 1))
    }
}

/// What an answer means.
fn judged(answer: &Answer, reply: &Reply) -> Result<Taken, No> {
    let page = Page::read(&reply.body);
    match reply.status {
        200..=299 => match holds(&answer.success, &page) {
            Some(true) => taken(answer, &page),
            Some(false) => Err(refused(answer, &page, Class::Other)),
            // It said yes, and what it says else can't be understood.
            None => Err(Refusal::Unknown.into()),
        },
        429 => Err(Refusal::Throttled(reply.retry_after.unwrap_or(PATIENCE)).into()),
        503 if reply.retry_after.is_some() => Err(Refusal::Throttled(reply.retry_after.unwrap_or(PATIENCE)).into()),
        500.. => match code(answer, &page) {
            // An error that it names is one that it has understood.
            Some((code, Some(class))) => Err(No { refusal: meant(class), code }),
            _ => Err(Refusal::Unknown.into()),
        },
        // A redirect isn't followed, and a sign-in that is refused is the account's fault.
        300..=399 | 401..=403 | 407 => Err(refused(answer, &page, Class::Account)),
        _ => Err(refused(answer, &page, Class::Other)),
    }
}

fn taken(answer: &Answer, page: &Page) -> Result<Taken, No> {
    let segments = answer.segments.as_ref().and_then(|at| at.find(page)?.parse().ok()).unwrap_or(1).clamp(1, 255);
    let Some(at) = &answer.id else { return Ok(Taken { id: String::new(), segments }) };
    match at.find(page).filter(|id| is_id(id)) {
        Some(id) => Ok(Taken { id: id.into_owned(), segments }),
        None => Err(Refusal::Unknown.into()),
    }
}

/// Whether all that is expected holds; `None` if something isn't there at all.
fn holds(expected: &[Expect], page: &Page) -> Option<bool> {
    let mut all = true;
    for Expect { at, is, begins } in expected {
        let found = match at {
            Some(at) => at.find(page)?,
            None => page.text.as_str().into(),
        };
        all &= is.iter().any(|word| *word == found)
            || begins.as_ref().is_some_and(|begin| found.starts_with(begin.as_str()));
    }
    Some(all)
}

/// The code of an error, and what it means where the recipe knows it.
fn code(answer: &Answer, page: &Page) -> Option<(String, Option<Class>)> {
    let found = answer.code.iter().find_map(|at| at.find(page))?;
    let class = answer.classes.get(found.as_ref()).copied();
    Some((found.into_owned(), class))
}

fn refused(answer: &Answer, page: &Page, otherwise: Class) -> No {
    let (code, class) = code(answer, page).unwrap_or_default();
    No { refusal: meant(class.unwrap_or(otherwise)), code }
}

const fn meant(class: Class) -> Refusal {
    match class {
        Class::Throttled => Refusal::Throttled(PATIENCE),
        Class::None => Refusal::Refused(Class::Other),
        class => Refusal::Refused(class),
    }
}

/// Whether a supplier's id of a message is fit to be kept and sent back: visible ASCII, at most 200.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// Reads an answer by every preset's recipe, for the fuzzer: it may not panic, and what it takes is fit to be kept.
#[doc(hidden)]
pub fn fuzz_answer(which: u8, status: u16, body: &[u8]) {
    let presets = crate::presets::answers_for_fuzzing();
    let Some(answer) = presets.get(usize::from(which) % presets.len().max(1)) else { return };
    let reply = Reply { status, retry_after: None, body: body.to_vec() };
    if let Ok(taken) = judged(answer, &reply) {
        assert!(taken.id.is_empty() || is_id(&taken.id), "an id that can't be kept was taken");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presets::twilio;
    use proptest::prelude::*;

    fn said(status: u16, body: &str) -> Result<Taken, No> {
        judged(&twilio::answer(), &Reply { status, retry_after: None, body: body.as_bytes().to_vec() })
    }

    #[test]
    fn segments_as_text_as_number_and_missing() {
        for (json, wanted) in [
            (r#"{"sid":"SM1","num_segments":"3"}"#, 3),
            (r#"{"sid":"SM1","num_segments":2}"#, 2),
            (r#"{"sid":"SM1","num_segments":null}"#, 1),
            (r#"{"sid":"CA1"}"#, 1),
        ] {
            assert_eq!(said(201, json).ok().map(|taken| taken.segments), Some(wanted), "{json}");
        }
        for json in [r#"{"sid":{}}"#, "{}", "", "null", "{\"sid\":"] {
            assert_eq!(said(201, json).err().map(|no| no.refusal), Some(Refusal::Unknown), "{json}");
        }
    }

    #[test]
    fn codes_fall_into_classes_and_one_that_is_not_listed_is_kept() {
        let refused = |status, json: &str| said(status, json).unwrap_err();
        for (json, class) in [
            (r#"{"code":21211,"message":"x","status":400}"#, Class::BadAddress),
            (r#"{"code":21408}"#, Class::Region),
            (r#"{"code":21610}"#, Class::OptedOut),
            (r#"{"code":21614}"#, Class::BadAddress),
            (r#"{"code":30003}"#, Class::Unreachable),
            (r#"{"code":20003}"#, Class::Account),
            ("<html>", Class::Other),
        ] {
            assert_eq!(refused(400, json).refusal, Refusal::Refused(class), "{json}");
        }
        assert_eq!(refused(400, r#"{"code":21611}"#).refusal, Refusal::Throttled(PATIENCE));
        let unlisted = refused(400, r#"{"code":30029}"#);
        assert_eq!((unlisted.refusal, unlisted.code.as_str()), (Refusal::Refused(Class::Other), "30029"));
        assert_eq!(twilio::class("30005"), Class::BadAddress);
        assert_eq!(twilio::class("1"), Class::Other);
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(which in any::<u8>(), status in 100_u16..600, body in proptest::collection::vec(any::<u8>(), 0..300)) {
            fuzz_answer(which, status, &body);
        }

        #[test]
        fn no_json_makes_it_panic(which in any::<u8>(), id in "\\PC{0,40}", number in any::<i64>()) {
            for body in [
                serde_json::json!({"messages": [{"status": "0", "message-id": id, "id": id}], "message-count": number, "id": id}),
                serde_json::json!({"ok": true, "result": {"request_id": id}, "message_uuid": [id], "message-count": id}),
                serde_json::json!({"error": {"code": number}, "code": id}),
                serde_json::json!({"sid": id, "num_segments": number, "code": number}),
            ] {
                fuzz_answer(which, 200, body.to_string().as_bytes());
                fuzz_answer(which, 400, body.to_string().as_bytes());
            }
        }
    }
}
