//! Follows a recipe: sends, hears, forgets.

use crate::{
    client::{Client, Reply},
    forget::{Erase, Forgetter, Ledger},
    letter::{Class, Content, Kind, Letter, Refusal, Taken},
    place::Page,
    recipe::{Answer, Auth, Expect, Forget, Recipe, Step},
    settings::Settings,
    template::{InvalidTemplate, Values},
};
use std::{sync::Arc, time::Duration};
use types::World;

/// Where a supplier asks for patience without saying for how long.
const PATIENCE: Duration = Duration::from_secs(5);
/// No supplier's id is longer.
const LONGEST_ID: usize = 200;

/// How long things may take.
#[derive(Clone, Debug)]
pub struct Patience {
    /// Tries of a message that certainly wasn't handed over.
    pub tries: u32,
    /// The pause before the second try; it doubles with each further one, and half of it is left to chance.
    pub pause: Duration,
    /// One request lasts no longer.
    pub request: Duration,
    /// All of a message's requests together.
    pub deadline: Duration,
    /// So long after a message was good for the last time it is forgotten even if no receipt has come.
    pub grace: Duration,
    /// The pauses between tries of a deletion; the first stands before the first try.
    pub deletion: Vec<Duration>,
}

impl Default for Patience {
    /// An answer within 25 s; deletions at once, and again over a day.
    fn default() -> Self {
        Self {
            tries: 3,
            pause: Duration::from_millis(300),
            request: Duration::from_secs(10),
            deadline: Duration::from_secs(25),
            grace: Duration::from_secs(60),
            deletion: [0, 10, 60, 600, 3_600, 21_600, 54_000].map(Duration::from_secs).to_vec(),
        }
    }
}

/// What keeps a driver from being made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidDriver {
    /// A template or an address.
    #[error(transparent)]
    Template(#[from] InvalidTemplate),
    /// A key.
    #[error(transparent)]
    Key(#[from] crate::signature::InvalidKey),
    /// A setting, in words.
    #[error("{0}")]
    Setting(&'static str),
    /// The TLS stack could not be set up.
    #[error("the HTTP client could not be set up: {0}")]
    Client(#[source] reqwest::Error),
}

/// One supplier.
pub struct Driver {
    pub(crate) recipe: Arc<Recipe>,
    pub(crate) world: World,
    kind: Kind,
    from: Option<String>,
    verify_token: Option<crate::secret::Secret>,
    client: Arc<Client>,
    patience: Patience,
    forgetter: Option<Forgetter<Eraser>>,
}

impl Driver {
    /// Checks the settings; connects when the first message goes.
    pub fn new(settings: Settings, patience: Patience, world: World) -> Result<Self, InvalidDriver> {
        let plain_http = settings.plain_http;
        let made = settings.made()?;
        let recipe = Arc::new(made.recipe);
        let steps = [Some(&recipe.send), recipe.prepare.as_ref().map(|(step, _)| step)];
        for step in steps.into_iter().flatten().chain(recipe.forget.as_ref().map(|forget| &forget.step)) {
            check(step, plain_http)?;
        }
        let client = Arc::new(Client::new(patience.request, world.clone()).map_err(InvalidDriver::Client)?);
        let forgetter = recipe.forget.is_some().then(|| {
            let eraser = Eraser { client: Arc::clone(&client), recipe: Arc::clone(&recipe), world: world.clone() };
            Forgetter::new(eraser, patience.deletion.clone())
        });
        Ok(Self {
            recipe,
            world,
            kind: made.kind,
            from: made.from,
            verify_token: made.verify_token,
            client,
            patience,
            forgetter,
        })
    }

    /// What it carries.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether it has receipts at all.
    #[must_use]
    pub fn has_receipts(&self) -> bool {
        self.recipe.receipts.is_some()
    }

    /// Whether receipts of all messages come to one address; else each message may have its own.
    #[must_use]
    pub fn has_one_address(&self) -> bool {
        self.recipe.one_address
    }

    /// The answer to a webhook's GET that asks whether it is ours (Meta, "Webhooks: getting started": `hub.mode=subscribe`,
    /// `hub.verify_token`, `hub.challenge`); `None` if the token is another.
    #[must_use]
    pub fn challenge(&self, query: &str) -> Option<String> {
        let fields: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let value = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let right =
            types::ct_eq(value("hub.verify_token")?.as_bytes(), self.verify_token.as_ref()?.expose().as_bytes());
        let challenge = value("hub.challenge")
            .filter(|text| (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric()))?;
        (right && value("hub.mode") == Some("subscribe")).then(|| challenge.to_owned())
    }

    /// Hands a message over. What was certainly not handed over is tried again; nothing else is.
    pub async fn send(&self, letter: &Letter) -> Result<Taken, Refusal> {
        if !self.fits(letter) {
            return Err(Refusal::Unfit);
        }
        let sending = tokio::time::timeout(self.patience.deadline, self.handed(letter));
        let taken = sending.await.unwrap_or(Err(Refusal::Unknown))?;
        if let Some(forgetter) = &self.forgetter {
            forgetter.later(&taken.id, letter.validity.saturating_add(self.patience.grace));
        }
        Ok(taken)
    }

    /// A message's last receipt has come: has it deleted or redacted at the supplier, now and until the supplier says that it is done.
    /// Nothing happens where the supplier has nothing of the kind, or where the person might lose it.
    pub fn forget(&self, id: &str) {
        if let (Some(forgetter), Some(Forget { late: false, .. })) = (&self.forgetter, &self.recipe.forget) {
            forgetter.now(id);
        }
    }

    /// Has what is to be forgotten kept there, beyond the end of the process.
    pub fn keep_in(&self, ledger: Arc<dyn Ledger>) {
        if let Some(forgetter) = &self.forgetter {
            forgetter.keep_in(ledger);
        }
    }

    /// Takes up again what a ledger has kept: it is due `delay` from now. `false` where this supplier is asked for nothing of the kind.
    pub fn forget_later(&self, id: &str, delay: Duration) -> bool {
        self.forgetter.as_ref().map(|forgetter| forgetter.later(id, delay)).is_some()
    }

    fn fits(&self, letter: &Letter) -> bool {
        match (self.kind, &letter.content) {
            (Kind::Sms, Content::Text(_)) => true,
            // Meta: at most 15 characters. An authentication template takes no address and no emoji anyway.
            (Kind::WhatsApp, Content::Code { code, .. }) => {
                (1..=15).contains(&code.expose().len()) && code.expose().bytes().all(|b| b.is_ascii_alphanumeric())
            }
            // Telegram: 4 to 8 digits.
            (Kind::Telegram, Content::Code { code, .. }) => {
                (4..=8).contains(&code.expose().len()) && code.expose().bytes().all(|b| b.is_ascii_digit())
            }
            _ => false,
        }
    }

    fn values<'a>(&'a self, letter: &'a Letter) -> Values<'a> {
        Values {
            letter: Some(letter),
            from: self.from.as_deref(),
            language: None,
            request: None,
            id: None,
            now: self.world.now(),
        }
    }

    async fn handed(&self, letter: &Letter) -> Result<Taken, Refusal> {
        let mut values = self.values(letter);
        let prepared = match &self.recipe.prepare {
            // Nothing of the message is in it: whatever comes of it, the message was not handed over.
            Some((step, answer)) => match self.tried(step, answer, &values).await {
                Ok(prepared) => Some(prepared),
                Err(No { refusal: Refusal::Unknown, .. }) => return Err(Refusal::Down),
                Err(no) => return Err(no.refusal),
            },
            None => None,
        };
        values.request = prepared.as_ref().map(|prepared| prepared.id.as_str());
        let Recipe { send, answer, languages, .. } = &*self.recipe;
        let [best, other] = languages.as_ref().map_or([None, None], |languages| languages.choose(&letter.language));
        values.language = best;
        let mut done = self.tried(send, answer, &values).await;
        // Refused for its language alone, before anything was sent.
        if let (Err(no), Some(_), Some(languages)) = (&done, other, languages)
            && languages.missing.contains(&no.code.as_str())
        {
            values.language = other;
            done = self.tried(send, answer, &values).await;
        }
        done.map_err(|no| no.refusal)
    }

    /// A request, again where it was certainly not sent.
    async fn tried(&self, step: &Step, answer: &Answer, values: &Values<'_>) -> Result<Taken, No> {
        let mut tried = 0;
        loop {
            tried += 1;
            match self.client.ask(step, values).await {
                Ok(reply) => return judged(answer, &reply),
                Err(Refusal::Down) if tried < self.patience.tries => {
                    let half = self.patience.pause.saturating_mul(1 << (tried - 1).min(6)) / 2;
                    let chance = self.world.below(u64::try_from(half.as_millis()).unwrap_or(0) + 1);
                    tokio::time::sleep(half + Duration::from_millis(chance)).await;
                }
                Err(refusal) => return Err(No { refusal, code: String::new() }),
            }
        }
    }
}

/// Follows a recipe's [`Forget`].
struct Eraser {
    client: Arc<Client>,
    recipe: Arc<Recipe>,
    world: World,
}

impl Erase for Eraser {
    async fn erase(&self, id: &str) -> bool {
        let Some(forget) = &self.recipe.forget else { return true };
        let now = self.world.now();
        let values = Values { letter: None, from: None, language: None, request: None, id: Some(id), now };
        let asked = self.client.ask(&forget.step, &values).await;
        asked.is_ok_and(|reply| matches!(reply.status, 200..=299 | 404 | 410) || forget.gone.contains(&reply.status))
    }
}

/// Why nothing was taken, and the supplier's code for it.
struct No {
    refusal: Refusal,
    code: String,
}

impl From<Refusal> for No {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, code: String::new() }
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
            Some((code, class)) => Err(No { refusal: meant(class), code }),
            None => Err(Refusal::Unknown.into()),
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

/// The code of an error that the recipe knows.
fn code(answer: &Answer, page: &Page) -> Option<(String, Class)> {
    let found = answer.code.iter().find_map(|at| at.find(page))?;
    let class = *answer.classes.get(found.as_ref())?;
    Some((found.into_owned(), class))
}

fn refused(answer: &Answer, page: &Page, otherwise: Class) -> No {
    let (code, class) = code(answer, page).unwrap_or((String::new(), otherwise));
    No { refusal: meant(class), code }
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

/// What can be seen of a request before any message.
fn check(step: &Step, plain_http: bool) -> Result<(), InvalidDriver> {
    step.url.check_address(plain_http)?;
    if step.form.is_some() && step.json.is_some() {
        return Err(InvalidDriver::Setting("a request has a form or JSON, not both"));
    }
    if step.json.is_some() && matches!(step.auth, Auth::Form(_)) {
        return Err(InvalidDriver::Setting("JSON has no place for credentials of a form"));
    }
    let own = ["host", "content-length", "content-type", "transfer-encoding", "connection"];
    if step
        .headers
        .keys()
        .any(|name| http::HeaderName::try_from(name).map_or(true, |name| own.contains(&name.as_str())))
    {
        return Err(InvalidDriver::Setting("a header has no valid name, or is one that is set by itself"));
    }
    Ok(())
}

/// Reads an answer by every preset's recipe, for the fuzzer: it may not panic, and what it takes is fit to be kept.
#[doc(hidden)]
pub fn fuzz_answer(which: u8, status: u16, body: &[u8]) {
    let presets = crate::presets::for_fuzzing();
    let Some((answer, _)) = presets.get(usize::from(which) % presets.len().max(1)) else { return };
    let reply = Reply { status, retry_after: None, body: body.to_vec() };
    if let Ok(taken) = judged(answer, &reply) {
        assert!(taken.id.is_empty() || is_id(&taken.id), "an id that can't be kept was taken");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
            ] {
                fuzz_answer(which, 200, body.to_string().as_bytes());
                fuzz_answer(which, 400, body.to_string().as_bytes());
            }
        }
    }
}
