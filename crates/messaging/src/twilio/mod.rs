//! SMS and calls through Twilio, or through anything that speaks its Messages and Calls API (version 2010-04-01).
//!
//! What the supplier is left with: every text asks for `ContentRetention=discard` and `AddressRetention=obfuscate`; an
//! account without that feature answers 30029, is asked without it from then on, and says so once in the log. When the last receipt
//! has come, message or call is deleted at the supplier, again and again over a day until it says so, also after a restart.
//!
//! Nothing here logs or returns a number, a text, or an address that a callback goes to.

mod hooks;
mod http;
pub(crate) mod keys;
pub mod signature;
mod twiml;
mod words;

pub(crate) use twiml::digits as dialled;

use crate::{
    Accepted, Address, BoxFuture, CallScript, Channel, ChannelKind, Content, ErrorClass, Links, Outgoing, Receiver,
    SendError, Ticket, What,
    suppliers::{class_of, refused},
};
use ::suppliers::{Erase, Forgetter, No, presets::twilio::REDACTION_NOT_ENABLED};
#[doc(hidden)]
pub use hooks::fuzz_form;
use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use types::{E164, SecretString, World};

/// Whatever happens, the courier has an answer after this time.
const DEADLINE: Duration = Duration::from_secs(25);
/// A telephone rings so long, seconds.
const RING: u32 = 30;
/// So long after the last moment of a message its last receipt is waited for.
const GRACE: Duration = Duration::from_secs(60);
/// A call may last so long, seconds; more costs money and helps nobody.
const CALL: u32 = 60;

/// How the supplier is reached.
pub struct TwilioConfig {
    /// `https://api.twilio.com`, or another supplier's. Plain `http` on this machine only.
    pub base_url: String,
    /// The account.
    pub account_sid: String,
    /// The account's token: signs in, and checks the signature of callbacks.
    pub token: SecretString,
    /// Where messages come from: a number, a sender id, or a messaging service (`MG…`).
    pub from: String,
    /// The number that calls come from; `None` if `from` is one.
    pub voice_from: Option<String>,
    /// This server's own address as the supplier reaches it (`https://…`). Without one there are no receipts and no calls.
    pub public_url: Option<String>,
    /// After this time the supplier gives up: the life of a code.
    pub validity: Duration,
    /// How it is tried again.
    pub retry: Retry,
}

/// How often and how fast something is tried again.
#[derive(Clone, Debug)]
pub struct Retry {
    /// Tries of one submission, the first included.
    pub tries: u32,
    /// The pause before the second try; it doubles with each further one, and half of it is left to chance.
    pub pause: Duration,
    /// One request lasts no longer.
    pub request: Duration,
    /// The pauses before each try of a deletion.
    pub deletion: Vec<Duration>,
}

impl Default for Retry {
    /// Three tries within a few seconds; deletion at once and again over a day, because a fresh message can't be deleted yet (20009).
    fn default() -> Self {
        Self {
            tries: 3,
            pause: Duration::from_millis(300),
            request: Duration::from_secs(10),
            deletion: [0, 10, 60, 600, 3_600, 21_600, 64_800].map(Duration::from_secs).to_vec(),
        }
    }
}

/// What is wrong with a [`TwilioConfig`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTwilioConfig {
    /// Not `https`, and not on this machine.
    #[error("the supplier's address must begin with https:// (http:// only on this machine)")]
    BaseUrl,
    /// As above, for this server's own address.
    #[error("the public address for callbacks must begin with https:// (http:// only on this machine)")]
    PublicUrl,
    /// Other characters than letters and digits would end up in a path.
    #[error("the supplier's account id holds something else than letters, digits, - and _")]
    Account,
    /// Neither a number, nor a sender id, nor a messaging service.
    #[error("the sender of messages is neither a number nor a sender id nor a messaging service")]
    From,
    /// The TLS stack could not be set up.
    #[error("the HTTP client could not be set up: {0}")]
    Client(#[source] reqwest::Error),
}

/// The channel.
pub struct Twilio {
    name: String,
    links: OnceLock<Links>,
    api: Arc<http::Api>,
    from: Sender,
    voice_from: Option<E164>,
    public_url: Option<String>,
    validity: Duration,
    /// The account knows no redaction: asked once, remembered.
    unredacted: AtomicBool,
    forgetter: Forgetter<Eraser>,
}

enum Sender {
    From(String),
    Service(String),
}

impl Twilio {
    /// Its name where nobody gives it another.
    pub const NAME: &'static str = "twilio";

    /// Checks the configuration; connects when the first message goes.
    pub fn new(config: TwilioConfig, world: World) -> Result<Self, InvalidTwilioConfig> {
        if !is_safe_url(&config.base_url) {
            return Err(InvalidTwilioConfig::BaseUrl);
        }
        if config.public_url.as_deref().is_some_and(|url| !is_safe_url(url)) {
            return Err(InvalidTwilioConfig::PublicUrl);
        }
        if !is_id(&config.account_sid) {
            return Err(InvalidTwilioConfig::Account);
        }
        let from = config.from.trim();
        let from = match from {
            _ if from.starts_with("MG") && from.len() == 34 && is_id(from) => Sender::Service(from.to_owned()),
            _ if from.parse::<E164>().is_ok() || is_sender_id(from) => Sender::From(from.to_owned()),
            _ => return Err(InvalidTwilioConfig::From),
        };
        let voice_from = match (&config.voice_from, &from) {
            (Some(number), _) => Some(number.parse().map_err(|_| InvalidTwilioConfig::From)?),
            (None, Sender::From(number)) => number.parse().ok(),
            (None, Sender::Service(_)) => None,
        };
        let api = Arc::new(
            http::Api::new(
                config.base_url.trim_end_matches('/').to_owned(),
                config.account_sid,
                config.token,
                &config.retry,
                world,
            )
            .map_err(InvalidTwilioConfig::Client)?,
        );
        Ok(Self {
            name: Self::NAME.to_owned(),
            links: OnceLock::new(),
            forgetter: Forgetter::new(Eraser(Arc::clone(&api)), config.retry.deletion),
            api,
            from,
            voice_from,
            public_url: config.public_url.map(|url| url.trim_end_matches('/').to_owned()),
            validity: config.validity,
            unredacted: AtomicBool::new(false),
        })
    }

    /// The same under another name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    async fn text(
        &self,
        number: &E164,
        text: &SecretString,
        message: &Outgoing,
        ticket: &Ticket,
    ) -> Result<Accepted, SendError> {
        let validity = self.validity.min(message.valid_for);
        let mut form = vec![
            ("To", number.expose().to_owned()),
            match &self.from {
                Sender::From(from) => ("From", from.clone()),
                Sender::Service(service) => ("MessagingServiceSid", service.clone()),
            },
            ("Body", text.expose().to_owned()),
            ("ValidityPeriod", validity.as_secs().clamp(1, 14_400).to_string()),
        ];
        if let Some(callback) = self.callback(What::Status, ticket) {
            form.push(("StatusCallback", callback));
        }
        let plain = form.len();
        if !self.unredacted.load(Ordering::Relaxed) {
            form.push(("ContentRetention", "discard".to_owned()));
            form.push(("AddressRetention", "obfuscate".to_owned()));
        }
        let created = match self.api.create("Messages", &form).await {
            Err(No { code, .. }) if code == REDACTION_NOT_ENABLED && form.len() > plain => {
                if !self.unredacted.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        "the supplier's account has no message redaction: texts and numbers stay there until they are deleted"
                    );
                }
                form.truncate(plain);
                self.api.create("Messages", &form).await
            }
            done => done,
        };
        let created = created.map_err(|no| refused(no.refusal))?;
        self.forget_later("Messages", &created.id, validity);
        Ok(Accepted { receipt: created.id, segments: created.segments })
    }

    async fn call(
        &self,
        number: &E164,
        extension: &str,
        script: &CallScript,
        language: &str,
        ticket: &Ticket,
    ) -> Result<Accepted, SendError> {
        let no_channel = || SendError::NoChannel(ChannelKind::Voice);
        let from = self.voice_from.as_ref().ok_or_else(no_channel)?;
        let mut gather = self.callback(What::Keys, ticket).ok_or_else(no_channel)?;
        if let Some(code) = &script.code {
            let words = words::Words { language: language.to_owned(), code: code.clone() };
            let sealed = words.seal(&self.api.token, ticket.as_str(), self.api.random());
            gather.push_str(hooks::WORDS);
            gather.push_str(&sealed.ok_or(SendError::Mismatch)?);
        }
        let status = self.callback(What::Status, ticket).ok_or_else(no_channel)?;
        let mut form = vec![
            ("To", number.expose().to_owned()),
            ("From", from.expose().to_owned()),
            ("Twiml", twiml::call(script, language, &gather).ok_or(SendError::Refused(ErrorClass::Other))?),
            ("StatusCallback", status),
            ("StatusCallbackEvent", "completed".to_owned()),
            ("StatusCallbackMethod", "POST".to_owned()),
            ("Timeout", RING.to_string()),
            ("TimeLimit", CALL.to_string()),
        ];
        if !extension.is_empty() {
            form.push(("SendDigits", twiml::digits(extension).ok_or(SendError::Refused(ErrorClass::BadAddress))?));
        }
        let created = self.api.create("Calls", &form).await.map_err(|no| refused(no.refusal))?;
        self.forget_later("Calls", &created.id, Duration::from_secs((RING + CALL).into()));
        Ok(Accepted { receipt: created.id, segments: 1 })
    }

    fn callback(&self, what: What, ticket: &Ticket) -> Option<String> {
        self.public_url.as_ref().map(|url| what.address(url, &self.name, ticket.as_str()))
    }

    /// Whether or not a receipt comes: it is deleted when it can't arrive any more.
    fn forget_later(&self, collection: &str, id: &str, after: Duration) {
        // The last receipt comes a little later than the last moment.
        let grace = if self.public_url.is_some() { GRACE } else { Duration::ZERO };
        self.forgetter.later(&format!("{collection}/{id}"), after.saturating_add(grace));
    }

    /// Nothing more can come.
    fn forget(&self, collection: &str, id: &str) {
        if is_id(id) {
            self.forgetter.now(&format!("{collection}/{id}"));
        }
    }
}

/// Deletes messages and calls, which are named `Messages/SM…` and `Calls/CA…`.
struct Eraser(Arc<http::Api>);

impl Erase for Eraser {
    async fn erase(&self, id: &str) -> bool {
        let Some((collection, id)) = id.split_once('/') else { return true };
        self.0.delete(collection, id).await
    }
}

impl Channel for Twilio {
    fn name(&self) -> &str {
        &self.name
    }

    fn receiver(&self) -> Option<&dyn Receiver> {
        Some(self)
    }

    fn connect(&self, links: &Links) {
        let _ = self.links.set(links.clone());
        self.forgetter.keep_in(links.ledger(&self.name));
    }

    fn forget_later(&self, id: &str, delay: Duration) {
        self.forgetter.later(id, delay);
    }

    fn reports(&self, _: ChannelKind) -> bool {
        self.public_url.is_some()
    }

    fn carries(&self, kind: ChannelKind) -> bool {
        match kind {
            ChannelKind::Sms => true,
            ChannelKind::Voice => self.voice_from.is_some() && self.public_url.is_some(),
            ChannelKind::Email | ChannelKind::WhatsApp | ChannelKind::Telegram => false,
        }
    }

    fn send<'a>(&'a self, message: &'a Outgoing, ticket: &'a Ticket) -> BoxFuture<'a, Result<Accepted, SendError>> {
        Box::pin(async move {
            let sending = async {
                match (&message.to, &message.content) {
                    (Address::Number(number, _), Content::Text(text)) => self.text(number, text, message, ticket).await,
                    (Address::Number(number, extension), Content::Call(script)) => {
                        self.call(number, extension, script, &message.language, ticket).await
                    }
                    _ => Err(SendError::Mismatch),
                }
            };
            tokio::time::timeout(DEADLINE, sending).await.unwrap_or(Err(SendError::Unavailable))
        })
    }
}

/// What an error code of a receipt means; 0 stands for none.
fn class(code: u32) -> ErrorClass {
    if code == 0 { ErrorClass::None } else { class_of(::suppliers::presets::twilio::class(&code.to_string())) }
}

/// Letters, digits, `-` and `_`, at most 64: fit for a path.
fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// An alphanumeric sender: up to eleven letters, digits and spaces; or a short code.
fn is_sender_id(text: &str) -> bool {
    (1..=11).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b' ')
}

/// `https`, or `http` to this machine; no name and password, no query, no fragment.
fn is_safe_url(url: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(url) else { return false };
    let plain =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let loopback = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    plain
        && match url.scheme() {
            "https" => !host.is_empty(),
            "http" => loopback,
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_goes_no_further_than_this_machine() {
        for good in [
            "https://api.twilio.com",
            "https://sms.example:8443/base",
            "http://127.0.0.1:9",
            "http://[::1]:9",
            "http://localhost",
        ] {
            assert!(is_safe_url(good), "{good}");
        }
        for bad in [
            "http://api.twilio.com",
            "http://localhost.example",
            "http://127.0.0.1.example",
            "ftp://127.0.0.1",
            "https://user:pw@api.twilio.com",
            "https://api.twilio.com/?a=b",
            "https://api.twilio.com/#a",
            "api.twilio.com",
            "",
        ] {
            assert!(!is_safe_url(bad), "{bad}");
        }
    }

    #[test]
    fn an_id_fits_into_a_path() {
        assert!(is_id("SM0123456789abcdef0123456789abcdef"));
        for bad in ["", "a/b", "..", "a?b", "a%2f", "ä", &"a".repeat(65)] {
            assert!(!is_id(bad), "{bad}");
        }
    }
}
