//! What a sign-in is, what it offers and how it ends.

use super::{Level, first::First};
use crate::{Application, Client, Device, Outcome, Verdict};
use serde::{Deserialize, Serialize};
use std::{net::IpAddr, sync::Arc, time::Duration};
use types::{AttemptId, Millis, SecretString, SessionId, SignInId, TenantId, UserId};

/// The browser that a request comes from.
#[derive(Clone, Default)]
pub struct Browser {
    /// Its address and name, as far as they are known.
    pub client: Client,
    /// What it calls itself. Shown and logged; nothing is decided by it.
    pub user_agent: String,
    /// The cookie of a known browser.
    pub known: Option<SecretString>,
    /// The cookie of a remembered device.
    pub trusted: Option<SecretString>,
    /// The cookie of a session in it: a sign-in of the same person gives that session a new secret, one of another ends it.
    pub session: Option<SecretString>,
    /// The origin of the page: `scheme://host`, with the port where it isn't the scheme's own.
    pub origin: String,
}

/// What a sign-in is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "snake_case")]
pub enum Purpose {
    /// An application's login: ends at its `redirect_uri` with a code.
    Application {
        /// Exactly as the application gave it; the door has checked that it may.
        redirect_uri: String,
        /// The application's own, given back as it is.
        state: String,
        /// Goes into the id token.
        nonce: Option<String>,
        /// Whether the code's parameter is called `duo_code`; else `code`.
        duo_code: bool,
    },
    /// The person's own pages: ends with a session.
    Portal,
    /// A fresh proof inside a session: ends with a grant for one action.
    StepUp {
        /// The session.
        #[serde(with = "session_text")]
        session: SessionId,
        /// What the grant is for.
        action: String,
        /// Where to go after it: a path on the same host.
        return_to: String,
    },
    /// A session at this host, for an application that signs people in here (`app`): ends with the session and the way back to the door
    /// that asked.
    SingleSignOn {
        /// Where to go after it: a path on the same host.
        return_to: String,
        /// How strong the proof must be: only what reaches it is offered.
        level: Level,
        /// Whether a session that there is isn't enough. A factor is asked for in any case; this says why, for the page.
        fresh: bool,
    },
}

impl Purpose {
    /// Whether it begins with nothing that is known of the person: the first name typed is anybody's.
    #[must_use]
    pub const fn is_open_to_all(&self) -> bool {
        matches!(self, Self::Portal | Self::SingleSignOn { .. })
    }

    /// How strong the proof must be.
    #[must_use]
    pub const fn level(&self) -> Level {
        match self {
            Self::SingleSignOn { level, .. } => *level,
            _ => Level::Single,
        }
    }
}

/// Ids are written as text wherever they are written.
mod session_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use types::SessionId;

    pub(super) fn serialize<S: Serializer>(id: &SessionId, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(id)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SessionId, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// A sign-in that was opened.
pub struct Opened {
    /// Its id: stands in the address of its page.
    pub id: SignInId,
    /// Goes into the cookie [`cookie_name`](super::cookie_name).
    pub browser: SecretString,
}

/// How far a sign-in is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInState {
    /// Waits for a factor.
    Open,
    /// A factor was accepted.
    Allowed,
    /// Over, without success.
    Denied,
    /// Over: what it gave was taken.
    Redeemed,
}

/// What the canary has seen of a sign-in's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// Nothing yet.
    None,
    /// That the page was loaded, by a browser that doesn't say enough.
    Unclear,
    /// The page under its own name.
    Ok,
    /// The page under a foreign name.
    Alert,
}

/// What was asked for when the sign-in was opened; sealed in its row.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Request {
    /// The name, byte for byte as it was given.
    pub(crate) username: Option<String>,
    pub(crate) purpose: Purpose,
    pub(crate) ip: Option<IpAddr>,
    pub(crate) hostname: String,
    pub(crate) user_agent: String,
    /// The first of two proofs, once it was given.
    #[serde(default)]
    pub(crate) first: Option<First>,
}

/// A sign-in, found by its id and by the secret of its browser.
pub struct SignIn {
    pub(crate) app: Arc<Application>,
    pub(crate) id: SignInId,
    pub(crate) user: Option<UserId>,
    pub(crate) request: Request,
    /// The request as it is stored: who changes it must have seen this one.
    pub(crate) sealed_request: Vec<u8>,
    pub(crate) state: SignInState,
    pub(crate) canary: Sighting,
    pub(crate) canary_host: String,
    pub(crate) created: Millis,
    pub(crate) expires: Millis,
}

impl SignIn {
    /// At which application: the tenant's built-in one for `Portal` and `StepUp`.
    #[must_use]
    pub const fn app(&self) -> &Arc<Application> {
        &self.app
    }

    /// Whose.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.app.tenant
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> SignInId {
        self.id
    }

    /// The user, where one is known by the name that was given. Nothing that a page shows may depend on this before a proof.
    #[must_use]
    pub const fn user(&self) -> Option<UserId> {
        self.user
    }

    /// The name, as it was given.
    #[must_use]
    pub fn username(&self) -> Option<&str> {
        self.request.username.as_deref()
    }

    /// What for.
    #[must_use]
    pub const fn purpose(&self) -> &Purpose {
        &self.request.purpose
    }

    /// How far.
    #[must_use]
    pub const fn state(&self) -> SignInState {
        self.state
    }

    /// What the canary has seen.
    #[must_use]
    pub const fn canary(&self) -> Sighting {
        self.canary
    }

    /// The foreign name that it has seen; empty for none.
    #[must_use]
    pub fn canary_host(&self) -> &str {
        &self.canary_host
    }

    /// When it was opened.
    #[must_use]
    pub const fn created(&self) -> Millis {
        self.created
    }

    /// Until when it can be used.
    #[must_use]
    pub const fn expires(&self) -> Millis {
        self.expires
    }
}

/// Why a device's push, call or messages are not among the choices though it has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hidden {
    /// Nothing is hidden.
    Nothing,
    /// The person has a passkey: weaker factors stay shut.
    Passkey,
    /// The browser isn't known yet: no push from here.
    NewBrowser,
    /// Too many prompts were refused or left unanswered.
    Suspended,
    /// The organisation takes passkeys only, and this person has none here.
    PasskeyOnly,
    /// The application asks for more than what this person has can prove.
    TooWeak,
}

/// What should be offered first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChoiceKind {
    /// A passkey.
    Passkey,
    /// The authenticator.
    Push,
    /// A passcode that a token shows.
    Passcode,
    /// A passcode by text message.
    Sms,
    /// A call.
    Phone,
    /// A password, which a second factor follows.
    Password,
    /// A recovery code or an access pass.
    Recovery,
    /// Nothing can be offered.
    None,
}

/// What can be done at a sign-in.
pub struct Choices {
    /// Allow: go on to [`finish_sign_in`](crate::Auth::finish_sign_in). Deny: show `message`. Enroll: see `enroll`. Challenge: the rest.
    pub verdict: Verdict,
    /// What the person is told.
    pub message: String,
    /// Whether the person may enrol an authenticator here and now ([`enroll_here`](crate::Auth::enroll_here)).
    pub enroll: bool,
    /// Whether a passkey may be used.
    pub passkey: bool,
    /// Devices with what each can do here. Empty where showing them would tell a stranger who has an account.
    pub devices: Vec<Device>,
    /// Whether a push can be asked for, on the named device or on the first that has one.
    pub push: bool,
    /// Whether a passcode may be typed.
    pub passcode: bool,
    /// Whether a message with a passcode can be asked for.
    pub sms: bool,
    /// Whether a call can be asked for.
    pub phone: bool,
    /// Whether a recovery code or an access pass may be typed.
    pub recovery: bool,
    /// Whether a password may be typed, as the first of two proofs.
    pub password: bool,
    /// What to show first.
    pub best: ChoiceKind,
    /// Why something isn't here.
    pub hidden: Hidden,
    /// For how long the browser may be remembered; none: it may not.
    pub remember: Option<Duration>,
    /// Seconds until the next prompt may be sent; 0: now.
    pub wait: u64,
    /// Seconds until the next message may be sent; 0: now.
    pub sms_wait: u64,
}

/// What became of a step.
pub enum Step {
    /// The sign-in is allowed: go on to [`finish_sign_in`](crate::Auth::finish_sign_in).
    Allowed,
    /// The first of two proofs was right: what can be done now, [`choices`](crate::Auth::choices) says.
    Proved,
    /// Not so. The sign-in goes on unless its state says otherwise. Statuses beside those of every door: `canary` (codes are
    /// accepted only where the page was seen under its own name), `not_offered`.
    Refused(Outcome),
    /// A prompt or a call is on its way: [`follow`](crate::Auth::follow) it.
    Waiting {
        /// Which.
        attempt: AttemptId,
        /// The digits to show: six to be typed into the authenticator, two to be pressed in the call.
        code: Option<SecretString>,
        /// What the person is told.
        message: String,
        /// Until when, in Unix seconds.
        expires: i64,
    },
    /// A message is on its way.
    Sent {
        /// What the person is told.
        message: String,
        /// Seconds until the next one may be asked for.
        wait: u64,
    },
}

/// What a finished sign-in gives.
pub struct Finished {
    /// The new value of the cookie of a known browser, if there is one.
    pub known: Option<SecretString>,
    /// What it ends with.
    pub kind: Done,
}

/// What a sign-in ends with.
pub enum Done {
    /// Back to the application.
    Application {
        /// Where to, with code and state.
        location: String,
    },
    /// A session at this host.
    Session {
        /// The session's cookie.
        cookie: SecretString,
        /// Its id.
        id: SessionId,
        /// Where to go: a path on the same host.
        return_to: String,
    },
    /// Back into the session.
    Grant {
        /// The grant's cookie.
        cookie: SecretString,
        /// The path that asked.
        return_to: String,
    },
}

/// What an application learns when it redeems its code.
pub struct Redeemed {
    /// The name, byte for byte as the application gave it.
    pub username: String,
    /// The user's id; none for a name that policy lets in unknown.
    pub user: Option<UserId>,
    /// The user's name as the directory has it.
    pub user_name: String,
    /// The user's mail address; empty for none.
    pub email: String,
    /// The names of the groups that the user is in.
    pub groups: Vec<String>,
    /// The factor, in Duo's words: `webauthn_credential`, `duo_push`, …
    pub factor: String,
    /// The transaction: that of the push or call, else the sign-in's id.
    pub txid: String,
    /// As the application gave it.
    pub nonce: Option<String>,
    /// `allow`.
    pub result: &'static str,
    /// `allow`, or `bypass` where no factor was asked for.
    pub status: String,
    /// For people.
    pub message: String,
    /// Why, in Duo's words: `user_approved`, `valid_passcode`, …
    pub reason: String,
    /// When, in Unix seconds.
    pub auth_time: i64,
    /// The browser's address.
    pub ip: Option<IpAddr>,
    /// Where that is, as far as it is known.
    pub location: crate::Location,
    /// The browser, as it calls itself.
    pub user_agent: String,
    /// What the factor was given on: a device's name; empty for none.
    pub auth_device: String,
}
