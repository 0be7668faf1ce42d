//! Follows a recipe: sends, hears, forgets.

use crate::{
    asking::{Asker, No},
    forget::{Erase, Forgetter, Ledger},
    letter::{Content, Kind, Letter, Refusal, Taken},
    recipe::{Auth, Forget, Recipe, Step},
    settings::Settings,
    template::{InvalidTemplate, Values},
};
use std::{sync::Arc, time::Duration};
use types::World;

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
    asker: Arc<Asker>,
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
        let asker = Arc::new(Asker::new(&patience, world.clone()).map_err(InvalidDriver::Client)?);
        let forgetter = recipe.forget.is_some().then(|| {
            let eraser = Eraser { asker: Arc::clone(&asker), recipe: Arc::clone(&recipe), world: world.clone() };
            Forgetter::new(eraser, patience.deletion.clone())
        });
        Ok(Self {
            recipe,
            world,
            kind: made.kind,
            from: made.from,
            verify_token: made.verify_token,
            asker,
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
        Values { letter: Some(letter), from: self.from.as_deref(), ..Values::none(self.world.now()) }
    }

    async fn handed(&self, letter: &Letter) -> Result<Taken, Refusal> {
        let mut values = self.values(letter);
        let prepared = match &self.recipe.prepare {
            // Nothing of the message is in it: whatever comes of it, the message was not handed over.
            Some((step, answer)) => match self.asker.tried(step, answer, &values).await {
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
        let mut done = self.asker.tried(send, answer, &values).await;
        // Refused for its language alone, before anything was sent.
        if let (Err(no), Some(_), Some(languages)) = (&done, other, languages)
            && languages.missing.contains(&no.code.as_str())
        {
            values.language = other;
            done = self.asker.tried(send, answer, &values).await;
        }
        done.map_err(|no| no.refusal)
    }
}

/// Follows a recipe's [`Forget`].
struct Eraser {
    asker: Arc<Asker>,
    recipe: Arc<Recipe>,
    world: World,
}

impl Erase for Eraser {
    async fn erase(&self, id: &str) -> bool {
        let Some(forget) = &self.recipe.forget else { return true };
        let values = Values { id: Some(id), ..Values::none(self.world.now()) };
        self.asker.gone(&forget.step, &values, &forget.gone).await
    }
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
