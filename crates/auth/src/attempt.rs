//! What is asked of the engine and what it answers, in words that every door can translate.

use crate::policy::Rule;
use std::net::IpAddr;
use store::login::Holder;
use types::{AttemptId, PhoneId, SecretString, TokenId, UserId};

/// Where a request comes from, as far as the client says.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// The person's address, as far as it is known. A text that is no address is none.
    pub ip: Option<IpAddr>,
    /// Whether there was such a text: it may hide an address that is blocked.
    pub unreadable_ip: bool,
    /// The person's or the protected machine's name.
    pub hostname: String,
    /// Whether the rules of networks were asked before, when an address was known: then they are not asked again.
    pub networks_asked: bool,
}

impl Client {
    /// Of whoever acts by what was granted to somebody (a token, a session): it has no address of the person's.
    #[must_use]
    pub fn by_grant() -> Self {
        Self { networks_asked: true, ..Self::default() }
    }
}

/// Who wants in.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A name as it was typed.
    Name(String),
    /// A user id.
    Id(UserId),
}

/// One of a user's devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceId {
    /// A phone or tablet.
    Phone(PhoneId),
    /// A token.
    Token(TokenId),
}

impl std::fmt::Display for DeviceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Phone(id) => id.fmt(f),
            Self::Token(id) => id.fmt(f),
        }
    }
}

/// What a device can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// The best of the others is chosen.
    Auto,
    /// A request on the authenticator.
    Push,
    /// A call.
    Phone,
    /// Passcodes in a text message.
    Sms,
    /// A passcode that the device shows.
    Otp,
}

/// A device as a prompt shows it.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// The name its owner gave it.
    pub name: String,
    /// What a person recognises it by; of a number the last four digits only.
    pub display: String,
    /// The number, masked; empty without one.
    pub masked_number: String,
    /// What it can do here, by policy.
    pub capabilities: Vec<Capability>,
    /// The first digit of the next passcode that was sent to it.
    pub next_code: Option<String>,
}

/// What the engine says before a factor is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// In, without a second factor.
    Allow,
    /// Out.
    Deny,
    /// Must enrol first.
    Enroll,
    /// Must authenticate.
    Challenge,
}

/// A verdict, with the rule that made it.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What.
    pub verdict: Verdict,
    /// Why, in Duo's words for the authentication log.
    pub reason: &'static str,
    /// Which rule: a status, a policy's section, a setting.
    pub rule: Rule,
    /// What the person is told.
    pub message: String,
}

/// A decision about a user who was found, or not.
pub struct Admission {
    /// What was decided.
    pub decision: Decision,
    /// The user with devices; none for an unknown name.
    pub holder: Option<Holder>,
}

/// What preauth answers.
pub struct Preauth {
    /// What was decided.
    pub decision: Decision,
    /// The devices to choose from, when the verdict is to authenticate.
    pub devices: Vec<Device>,
    /// Where to enrol, when the verdict is to.
    pub enroll_url: Option<String>,
    /// The code to be typed into the authenticator, when one was offered.
    pub offer: Option<Offer>,
}

/// A code that is shown at the sign-in and typed into the authenticator.
pub struct Offer {
    /// The attempt that it approves.
    pub attempt: AttemptId,
    /// Six digits.
    pub code: SecretString,
    /// Until when, in Unix seconds.
    pub expires: i64,
}

/// A chosen factor.
pub enum Factor {
    /// The best that the device can do.
    Auto,
    /// A request on the authenticator.
    Push,
    /// A call.
    Phone,
    /// Passcodes in a text message.
    Sms,
    /// A passcode, of whatever kind.
    Passcode(SecretString),
    /// A recovery code or an access pass: for the person's own pages, and for no application.
    Recovery(SecretString),
    /// A password: the first of two proofs at a sign-in to an application here, and nothing anywhere else.
    Password(SecretString),
}

impl Factor {
    /// Its name in logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Push => "duo_push",
            Self::Phone => "phone_call",
            Self::Sms => "sms_passcode",
            Self::Passcode(_) => "passcode",
            Self::Recovery(_) => "recovery_code",
            Self::Password(_) => "password",
        }
    }
}

/// A request to begin an attempt.
pub struct Begin {
    /// Who.
    pub subject: Subject,
    /// How.
    pub factor: Factor,
    /// With which device; none means the first capable one.
    pub device: Option<DeviceId>,
    /// From where.
    pub client: Client,
    /// The offer that preauth made, if the client names it.
    pub offer: Option<AttemptId>,
    /// What the authenticator shows: request type, display name, `pushinfo`.
    pub details: Vec<(String, String)>,
    /// Hash of the signed request, so that its replay is refused.
    pub request_digest: Option<[u8; 32]>,
    /// Whether the client takes its answer later, by the attempt's id.
    pub later: bool,
}

/// The end of an attempt.
pub struct Outcome {
    /// In or out.
    pub allow: bool,
    /// The state's name, as clients see it: `allow`, `deny`, `fraud`, `timeout`, `sent`, `locked_out`, …
    pub status: String,
    /// What the person is told.
    pub message: String,
    /// Remembers this browser or machine, where policy lets it.
    pub trusted_token: Option<SecretString>,
}

impl Outcome {
    /// A refusal.
    #[must_use]
    pub fn deny(status: &str, message: impl Into<String>) -> Self {
        Self { allow: false, status: status.to_owned(), message: message.into(), trusted_token: None }
    }
}

/// What became of a begin.
pub enum Begun {
    /// It ended at once.
    Finished(Outcome),
    /// It waits, or its answer is asked for by this id.
    Pending(AttemptId),
}

/// How far an attempt is.
pub enum Progress {
    /// Not at its end; what the person is told meanwhile.
    Waiting {
        /// The state's name.
        status: String,
        /// What the person is told.
        message: String,
    },
    /// At its end.
    Finished(Outcome),
}

/// The stored `result` of an attempt.
pub(crate) mod result {
    pub(crate) const PENDING: i64 = 0;
    pub(crate) const ALLOW: i64 = 1;
    pub(crate) const DENY: i64 = 2;
    pub(crate) const FRAUD: i64 = 3;
    pub(crate) const TIMEOUT: i64 = 4;
}
