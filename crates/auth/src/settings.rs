//! A tenant's settings, by the names that Duo's Admin API gives them where it has one.

use messaging::MessageSettings;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;
use webauthn::{Aaguid, InvalidAaguid};

/// What a tenant can set. Every field has a default, so an empty object is a whole set of settings.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Wrong answers until a user is locked out: 1 to 9,999.
    pub lockout_threshold: i64,
    /// Minutes until a lock-out ends by itself; 0 means an administrator must end it.
    pub lockout_expire_duration: i64,
    /// Passcodes in one text message: 1 to 10.
    pub sms_batch: i64,
    /// Minutes that a passcode which was sent lives; 0 means 24 hours.
    pub sms_expiration: i64,
    /// Text before the passcodes; empty means `brand`.
    pub sms_message: String,
    /// The key that approves in a call, instead of the two digits on the screen; empty (the default) means the digits.
    pub keypress_confirm: String,
    /// The key that reports fraud in a call.
    pub keypress_fraud: String,
    /// Whether fraud is reported by mail.
    pub fraud_email_enabled: bool,
    /// Where to.
    pub fraud_email: String,
    /// Days until a deleted user is gone.
    pub pending_deletion_days: i64,
    /// Days that logs are kept; 0 means 180.
    pub log_retention_days: i64,
    /// How a push is approved: `code` (typed from the sign-in) or `tap`.
    pub push_approval: PushApproval,
    /// Seconds between two prompts to one user.
    pub prompt_spacing: u64,
    /// The organisation's name, for texts.
    pub brand: String,
    /// Passkeys and nothing else: push, calls, messages, passcodes, bypass and remembered devices are off at every door.
    pub passkey_only: bool,
    /// Whether a person who has a passkey may choose a weaker factor in a browser. Off: nobody can talk them down to one.
    pub weaker_with_passkey: bool,
    /// Whether a push is offered in a browser that the person has never signed in with.
    pub push_in_new_browsers: bool,
    /// What the canary on the pages decides.
    pub canary: CanaryMode,
    /// Other origins (`https://…`) whose pages may use this tenant's passkeys (WebAuthn L3 §5.11).
    pub related_origins: Vec<String>,
    /// Users who may read the message log on their own pages, with the organisation's private key.
    pub log_readers: Vec<String>,
    /// Which passkeys may be registered.
    pub passkey_attestation: PasskeyAttestation,
    /// How the pages look.
    pub page: Page,
    /// How many messages go where, and what makes them suspicious.
    pub messages: MessageSettings,
    /// Whether an account without a password is asked for a second authenticator before it is complete.
    pub two_authenticators: bool,
    /// Hours that an administrator who is alone waits before adding to the account of somebody who has a passkey: 12 to 168.
    pub operator_delay_hours: i64,
    /// Whether a session must be bound to its browser.
    pub session_binding: SessionBinding,
    /// Minutes after which a session that nobody uses ends: 1 to 10,080.
    pub session_idle_minutes: i64,
    /// Hours after which a session ends, used or not: 1 to 720.
    pub session_life_hours: i64,
    /// Whether people may sign in to applications here with a password and a second factor. Whoever has a passkey isn't asked for one.
    pub passwords: bool,
    /// Whatever else Duo's Admin API sets: kept and given back.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// How a push is approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum PushApproval {
    /// Six digits that the sign-in shows are typed into the authenticator.
    #[default]
    Code,
    /// One tap. For clients that can show nothing; a person can be worn down into it.
    Tap,
}

/// What the canary decides: a beacon on the pages that says under which name a browser sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum CanaryMode {
    /// It isn't there.
    Off,
    /// A page under a foreign name is an alert; codes are accepted.
    #[default]
    Observe,
    /// Codes are accepted only where the beacon has seen the page under its own name.
    Enforce,
}

/// Whether a session must be bound to its browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum SessionBinding {
    /// A browser that can't be bound (no script, no storage) opens nothing but its own sign-in.
    Required,
    /// Whatever can be bound is.
    #[default]
    Preferred,
    /// Nothing is bound: whoever has a copy of the cookie has the session.
    Off,
}

/// Which passkeys may be registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default)]
pub struct PasskeyAttestation {
    /// Only authenticators whose maker vouches for them, by FIDO's metadata.
    pub require_verified: bool,
    /// Only these models, by AAGUID; empty means any.
    pub allow_aaguids: Vec<String>,
}

impl PasskeyAttestation {
    /// The models that are allowed; none named means any.
    ///
    /// # Errors
    /// When one of them is no AAGUID: a list that can't be read must not be read as none.
    pub fn models(&self) -> Result<Option<Vec<Aaguid>>, InvalidAaguid> {
        let models =
            self.allow_aaguids.iter().map(|text| text.trim().to_lowercase().parse()).collect::<Result<Vec<_>, _>>()?;
        Ok((!models.is_empty()).then_some(models))
    }
}

/// How a tenant's pages look. An empty text means the pages' own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default)]
pub struct Page {
    /// Colour of buttons and links: `#rrggbb`.
    pub accent: String,
    /// Colour behind everything: `#rrggbb`.
    pub background: String,
    /// Where help is.
    pub help_url: String,
    /// What the link to it says.
    pub help_text: String,
    /// The line above the sign-in.
    pub welcome: String,
    /// The language where the browser asks for none that there is: `en`, `fr`, …
    pub language: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lockout_threshold: 10,
            lockout_expire_duration: 0,
            sms_batch: 1,
            sms_expiration: 0,
            sms_message: String::new(),
            keypress_confirm: String::new(),
            keypress_fraud: "*".to_owned(),
            fraud_email_enabled: false,
            fraud_email: String::new(),
            pending_deletion_days: 7,
            log_retention_days: 180,
            push_approval: PushApproval::Code,
            prompt_spacing: 30,
            brand: "Countersign".to_owned(),
            passkey_only: false,
            weaker_with_passkey: false,
            push_in_new_browsers: false,
            canary: CanaryMode::Observe,
            related_origins: Vec::new(),
            log_readers: Vec::new(),
            passkey_attestation: PasskeyAttestation::default(),
            page: Page::default(),
            messages: MessageSettings::default(),
            two_authenticators: true,
            operator_delay_hours: 24,
            session_binding: SessionBinding::Preferred,
            session_idle_minutes: 480,
            session_life_hours: 12,
            passwords: false,
            other: Map::new(),
        }
    }
}

impl Settings {
    /// From the stored text. Text that can't be read is an error: defaults could be weaker than what was set.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Wrong answers until a lock-out, within what can be enforced.
    #[must_use]
    pub fn threshold(&self) -> i64 {
        self.lockout_threshold.clamp(1, 9_999)
    }

    /// How long a lock-out lasts; none means until an administrator ends it.
    #[must_use]
    pub fn lockout_length(&self) -> Option<Duration> {
        u64::try_from(self.lockout_expire_duration)
            .ok()
            .filter(|minutes| *minutes > 0)
            .map(|m| Duration::from_secs(60 * m))
    }

    /// How long an administrator who is alone waits; a value out of range counts as the nearest that isn't.
    #[must_use]
    pub fn operator_delay(&self) -> Duration {
        Duration::from_secs(3600 * self.operator_delay_hours.clamp(12, 168).unsigned_abs())
    }

    /// After how long a session ends that nobody uses; a value out of range counts as the nearest that isn't.
    #[must_use]
    pub fn session_idle(&self) -> Duration {
        Duration::from_secs(60 * self.session_idle_minutes.clamp(1, 10_080).unsigned_abs())
    }

    /// How long a session lasts at most; likewise.
    #[must_use]
    pub fn session_life(&self) -> Duration {
        Duration::from_secs(3600 * self.session_life_hours.clamp(1, 720).unsigned_abs())
    }

    /// How long logs are kept.
    #[must_use]
    pub fn log_retention(&self) -> Duration {
        days(self.log_retention_days, 180)
    }

    /// How long a deleted user can be restored.
    #[must_use]
    pub fn pending_deletion(&self) -> Duration {
        days(self.pending_deletion_days, 7)
    }

    /// How long a passcode that was sent lives.
    #[must_use]
    pub fn sms_life(&self) -> Duration {
        match u64::try_from(self.sms_expiration) {
            Ok(minutes) if minutes > 0 => Duration::from_secs(60 * minutes),
            _ => Duration::from_secs(24 * 3600),
        }
    }
}

fn days(set: i64, otherwise: u64) -> Duration {
    let days = u64::try_from(set).ok().filter(|days| *days > 0).unwrap_or(otherwise);
    Duration::from_secs(days.min(36_500) * 86_400)
}
