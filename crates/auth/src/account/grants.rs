//! Permits: what may change the things that somebody signs in with, and how each is spent.
//!
//! A permit can be held, checked and thrown away; nothing is used up by that. It counts once, in the transaction of the change that
//! it is for: a conditional update or a unique key says who won.

use super::{
    Action, Strength,
    enrolment::Code,
    sessions::{Needs, Session, lives},
};
use crate::{Auth, AuthError};
use keys::Token;
use std::time::Duration;
use store::{GrantRow, StoreError, Tx, fields};
use types::{Millis, SecretString, SessionId, TenantId, UserId};

/// How a grant's secret begins.
const PREFIX: &str = "csgr";
/// A step-up serves for so long.
pub const GRANT_LIFE: Duration = Duration::from_secs(300);
/// So long a reader of the message log who did something unusual needs a passkey to go on.
const ASKED: Duration = Duration::from_secs(3600);
/// The purpose of the keyed hash that stands for the one addition of a narrow session.
const ONE_ADDITION: &str = "session-addition";
/// What a page is told when the proof is missing, spent, too old, or for something else.
pub const STEP_UP_NEEDED: &str = "a fresh sign-in is needed for this";

/// What it is told when a session that was opened for one addition has made it.
pub(super) const ADDED: &str = "this session's one addition was made";

const REFUSED: AuthError = AuthError::Refused(STEP_UP_NEEDED);

/// Leave to change what one person can sign in with, not yet spent.
pub struct Permit {
    pub(super) tenant: TenantId,
    pub(super) user: UserId,
    pub(super) via: Via,
}

/// Where a permit comes from.
pub(super) enum Via {
    /// A step-up inside a session.
    Grant { digest: [u8; 32], session: SessionId, action: Action, made: Millis },
    /// A session that was opened for one addition.
    Session { digest: [u8; 32], session: SessionId, strength: Strength, expires: Millis },
    /// An enrolment code.
    Code(Code),
}

impl Permit {
    /// Whose.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.user
    }

    /// The tenant.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The session that it was given in, if it was.
    pub(super) const fn session(&self) -> Option<SessionId> {
        match &self.via {
            Via::Grant { session, .. } | Via::Session { session, .. } => Some(*session),
            Via::Code(_) => None,
        }
    }

    /// What a ceremony is bound to, so that nobody finishes with another permit what was begun with this one.
    pub(super) fn binding(&self) -> &[u8] {
        match &self.via {
            // A ceremony may outlive its grant: the person steps up again and goes on. Never the session.
            Via::Grant { session, .. } | Via::Session { session, .. } => session.as_bytes(),
            Via::Code(code) => &code.digest,
        }
    }

    /// Who made a change, as it is noted.
    pub(super) const fn made_by(&self) -> &'static str {
        match &self.via {
            Via::Grant { .. } => "user",
            Via::Session { strength, .. } => strength.as_str(),
            Via::Code(_) => "enrollment",
        }
    }
}

impl Auth {
    /// Gives a session leave for one action, after a step-up in which the session's owner proved themselves by `strength`. The secret
    /// goes into a cookie of the browser that did it.
    ///
    /// Who has a passkey must have used it (or a recovery code); who has an authenticator or a token, no text message or call. A
    /// bypass code gives no grant: an administrator made it.
    pub async fn open_grant(
        &self,
        tenant: TenantId,
        session: SessionId,
        user: UserId,
        action: &str,
        strength: Strength,
    ) -> Result<SecretString, AuthError> {
        let action: Action = action.parse()?;
        let scope = self.store.tenant(tenant);
        let now = self.world.now();
        let times = self.session_times(tenant).await?;
        let row = scope.session(session).await?.filter(|row| row.user_id == user && lives(row, times));
        let row = row.ok_or(REFUSED)?;
        let unusual = action == Action::ReadMessages
            && scope.watched(&user.to_string()).await?.is_some_and(|watched| now.since(watched.asked_at) < ASKED);
        if unusual && strength != Strength::Passkey {
            return Err(AuthError::Refused("a passkey is needed for this"));
        }
        if Strength::parse(&row.strength)?.is_narrow() || !self.is_strong_enough(tenant, user, strength).await? {
            return Err(AuthError::Refused("a stronger sign-in is needed for this"));
        }
        let token = Token::generate(PREFIX, self.world.random.as_ref());
        let digest = scope.keys().await?.digest(fields::GRANT, &[token.expose().as_bytes()]);
        let mut tx = scope.begin().await?;
        tx.insert_grant(&GrantRow {
            digest: digest.to_vec(),
            session_id: session,
            user_id: user,
            action: action.as_str().to_owned(),
            expires: now + GRANT_LIFE,
            used_at: None,
        })
        .await?;
        tx.commit().await?;
        Ok(SecretString::new(token.expose().to_owned()))
    }

    /// Whether a reader of the message log was asked for a fresh sign-in after `made`: what they did was unusual.
    async fn is_asked_after(&self, session: &Session, action: Action, made: Millis) -> Result<bool, AuthError> {
        if action != Action::ReadMessages {
            return Ok(false);
        }
        let watched = self.store.tenant(session.tenant).watched(&session.user.to_string()).await?;
        Ok(watched.is_some_and(|watched| watched.asked_at >= made))
    }

    async fn is_strong_enough(&self, tenant: TenantId, user: UserId, strength: Strength) -> Result<bool, AuthError> {
        let scope = self.store.tenant(tenant);
        let row = scope.user(user).await?.ok_or(AuthError::NoUser)?;
        Ok(match strength {
            Strength::Passkey | Strength::Recovery => true,
            Strength::Provider | Strength::Bypass | Strength::Enrollment | Strength::AccessPass => false,
            Strength::Push | Strength::Otp | Strength::Sms if row.passkeys > 0 => false,
            Strength::Push | Strength::Otp => true,
            Strength::Sms => {
                let phones = scope.phones_of_users(&[user]).await?;
                let tokens = scope.tokens_of_users(&[user]).await?;
                tokens.is_empty() && phones.iter().all(|(_, phone)| phone.public_key.is_none())
            }
        })
    }

    /// The permit of a session for an action: by the grant of a step-up, or by what the session was opened for.
    ///
    /// [`AuthError::Refused`] with [`STEP_UP_NEEDED`] where the grant is missing, of another session or action, used or too old.
    pub async fn permit(&self, session: &Session, action: Action, grant: Option<&str>) -> Result<Permit, AuthError> {
        let via = match session.needs(action) {
            Needs::AnotherSignIn => return Err(AuthError::Refused("this session is for one addition only")),
            // After its one addition, a session of a recovery code is like any other.
            Needs::Nothing if session.strength != Strength::Recovery || grant.is_none() => {
                self.permit_of_session(session, action).await?
            }
            Needs::Nothing | Needs::StepUp => self.permit_of_grant(session, action, grant).await?,
        };
        Ok(Permit { tenant: session.tenant, user: session.user, via })
    }

    async fn permit_of_session(&self, session: &Session, action: Action) -> Result<Via, AuthError> {
        let scope = self.store.tenant(session.tenant);
        let keys = scope.keys().await?;
        // A code for an authenticator may be asked for again: it is the same one. What was added is seen when the permit is spent.
        let again = action == Action::AddAuthenticator;
        // The hash names the session, so under an older key it is the same addition.
        for spent in keys.digest_candidates(ONE_ADDITION, &[session.id.as_bytes()]) {
            if !again && scope.grant(&spent).await?.is_some() {
                return Err(AuthError::Refused(ADDED));
            }
        }
        Ok(Via::Session {
            digest: keys.digest(ONE_ADDITION, &[session.id.as_bytes()]),
            session: session.id,
            strength: session.strength,
            expires: session.expires,
        })
    }

    async fn permit_of_grant(&self, session: &Session, action: Action, grant: Option<&str>) -> Result<Via, AuthError> {
        let token = Token::parse(PREFIX, grant.ok_or(REFUSED)?).map_err(|_| REFUSED)?;
        let scope = self.store.tenant(session.tenant);
        let now = self.world.now();
        for digest in scope.keys().await?.digest_candidates(fields::GRANT, &[token.expose().as_bytes()]) {
            let Some(row) = scope.grant(&digest).await? else { continue };
            let right = row.session_id == session.id && row.user_id == session.user && row.action == action.as_str();
            let made = row.expires - GRANT_LIFE;
            if right
                && row.used_at.is_none()
                && now < row.expires
                && !self.is_asked_after(session, action, made).await?
            {
                return Ok(Via::Grant { digest, session: session.id, action, made });
            }
        }
        Err(REFUSED)
    }

    /// Spends a permit for an action, inside the transaction of the action. Of many with the same proof one gets through.
    pub(super) async fn spend_permit(&self, tx: &mut Tx, permit: &Permit, action: Action) -> Result<(), AuthError> {
        let now = self.world.now();
        // One after the other for each user, so that an undo leaves nothing behind that was added at the same moment.
        if tx.tenant() != permit.tenant || !tx.hold_user(permit.user).await? {
            return Err(REFUSED);
        }
        match &permit.via {
            Via::Grant { digest, session, action: granted, .. } => {
                if *granted != action || !tx.spend_grant(digest, *session, action.as_str(), now).await? {
                    return Err(REFUSED);
                }
            }
            Via::Session { digest, session, strength, expires } => {
                let for_this = match action {
                    Action::AddPasskey => true,
                    Action::AddAuthenticator => *strength != Strength::AccessPass,
                    Action::Remove | Action::RecoveryCodes | Action::ReadMessages | Action::Password => false,
                };
                if !for_this {
                    return Err(REFUSED);
                }
                let row = GrantRow {
                    digest: digest.to_vec(),
                    session_id: *session,
                    user_id: permit.user,
                    action: action.as_str().to_owned(),
                    expires: *expires,
                    used_at: None,
                };
                // The unique key says who was first, the update whether the session lives.
                match tx.insert_grant(&row).await {
                    Err(StoreError::Duplicate) => return Err(AuthError::Refused(ADDED)),
                    done => done?,
                }
                if !tx.spend_grant(digest, *session, action.as_str(), now).await? {
                    return Err(REFUSED);
                }
                // As below: while the account had nothing, whoever has its password could have had a link shown.
                tx.void_activations(permit.user, now).await?;
            }
            Via::Code(code) => {
                let for_this = action == Action::AddPasskey && code.takes_passkey();
                let spent = if for_this { tx.spend_activation(&code.digest, now).await? } else { None };
                if spent != Some((permit.user, None)) {
                    return Err(AuthError::Refused("the activation code is unknown, used or too old"));
                }
                // Whoever enrolled has no use for the other links that were shown meanwhile; somebody else might.
                tx.void_activations(permit.user, now).await?;
            }
        }
        Ok(())
    }
}
