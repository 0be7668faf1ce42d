//! Enrolment by a link: who was asked to enrol registers a passkey in the browser or attaches an authenticator, once, and then may add
//! one more.

use super::{Permit, Strength, grants::Via, sessions::NewSession};
use crate::{Auth, AuthError, enroll::is_activation_code, sign_in::Browser};
use data_encoding::HEXLOWER;
use messaging::{Address, ChannelKind, Content, EmailAddress, Outgoing};
use std::time::Duration;
use store::{GrantRow, StoreError, Tx, fields};
use types::{MessageId, Millis, PhoneId, SecretString, SessionId, TenantId, UserId, ct_eq};

const UNKNOWN: AuthError = AuthError::Refused("the activation code is unknown, used or too old");
/// The purpose of the keyed hash by which a page that showed a code before it was used is known again.
const WATCH: &str = "enrolment-watch";
/// The purpose of the keyed hash under which it stands whether a used code leads to a session, and to which.
const FOLLOWED: &str = "enrolment-followed";
/// What such a row is for: going on after an enrolment, or nothing, because the code was made inside a session.
const FOLLOW_ACTION: &str = "follow";
const IN_SESSION: &str = "in-session";
/// For so long after a code was used the page that showed it may go on.
const FOLLOW: Duration = Duration::from_secs(900);

/// An enrolment code that was found, not spent.
#[derive(Clone, Copy)]
pub(super) struct Code {
    pub(super) digest: [u8; 32],
    /// The one telephone that it is for.
    pub(super) phone: Option<PhoneId>,
    /// Whether it was made inside a session, for an authenticator and nothing more.
    pub(super) in_session: bool,
}

impl Code {
    pub(super) const fn takes_passkey(&self) -> bool {
        self.phone.is_none() && !self.in_session
    }
}

/// What somebody with an enrolment code may do.
pub struct Enrolment {
    tenant: TenantId,
    user: UserId,
    code: Code,
    /// The user's name.
    pub username: String,
    /// The user's full name; empty for none.
    pub realname: String,
    /// Until when the code serves.
    pub expires: Millis,
    /// What an authenticator reads from a QR code.
    pub link: SecretString,
    /// By this the page knows, once the code is used on another device, that it was the one which showed it. For a cookie or a hidden
    /// field of the page; see [`Auth::follow_enrolment`].
    pub watch: SecretString,
    /// Whether an authenticator may be attached: not where the tenant takes passkeys only.
    pub takes_authenticator: bool,
}

impl Enrolment {
    /// Whose account.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.user
    }

    /// Whether a passkey may be registered. Not with a code that is for one telephone, or was made inside a session.
    #[must_use]
    pub const fn takes_passkey(&self) -> bool {
        self.code.takes_passkey()
    }

    /// The permit to register a passkey.
    #[must_use]
    pub const fn permit(&self) -> Permit {
        Permit { tenant: self.tenant, user: self.user, via: Via::Code(self.code) }
    }
}

impl Auth {
    /// Finds out what an enrolment code is for, and spends nothing. Unknown, used and old ones look the same.
    pub async fn enrolment(&self, tenant: TenantId, code: &str) -> Result<Enrolment, AuthError> {
        if !is_activation_code(code) {
            return Err(UNKNOWN);
        }
        let portal = self.portal(tenant).await?;
        let scope = self.store.tenant(tenant);
        let keys = scope.keys().await?;
        for digest in keys.digest_candidates(fields::ACTIVATION_CODE, &[code.as_bytes()]) {
            let Some((user, expires, used)) = scope.activation(&digest).await? else { continue };
            if used.is_some() || self.world.now() >= expires {
                return Err(UNKNOWN);
            }
            let row = scope.user(user).await?.ok_or(UNKNOWN)?;
            if row.status == "disabled" || row.deleted_at.is_some() {
                return Err(UNKNOWN);
            }
            return Ok(Enrolment {
                tenant,
                user,
                code: Code {
                    digest,
                    phone: scope.activation_phone(&digest).await?,
                    in_session: self.is_in_session(tenant, &digest).await?,
                },
                username: row.username,
                realname: row.realname,
                expires,
                link: SecretString::new(self.activation_url(
                    &portal.api_host,
                    tenant,
                    &SecretString::new(code.to_owned()),
                )),
                watch: SecretString::new(HEXLOWER.encode(&keys.digest(WATCH, &[&digest]))),
                takes_authenticator: !portal.settings.passkey_only,
            });
        }
        Err(UNKNOWN)
    }

    /// Goes on after a code was used by another device: the page that showed it, and only once, gets the session in which one more
    /// authenticator may be added. None as long as nobody has used the code.
    ///
    /// [`AuthError::Refused`] for a page that didn't show the code before, for one that comes later than 15 minutes, and when somebody
    /// else has gone on: a link that is found in an old mail opens nothing.
    pub async fn follow_enrolment(
        &self,
        tenant: TenantId,
        code: &str,
        watch: &str,
        browser: &Browser,
    ) -> Result<Option<NewSession>, AuthError> {
        if !is_activation_code(code) {
            return Err(UNKNOWN);
        }
        let scope = self.store.tenant(tenant);
        let keys = scope.keys().await?;
        let now = self.world.now();
        for digest in keys.digest_candidates(fields::ACTIVATION_CODE, &[code.as_bytes()]) {
            let Some((user, expires, used)) = scope.activation(&digest).await? else { continue };
            let shown = keys.digest_candidates(WATCH, &[&digest]);
            if !shown.iter().any(|one| ct_eq(HEXLOWER.encode(one).as_bytes(), watch.as_bytes())) {
                return Err(UNKNOWN);
            }
            let Some(used) = used else {
                return if now < expires { Ok(None) } else { Err(UNKNOWN) };
            };
            if now.since(used) > FOLLOW {
                return Err(UNKNOWN);
            }
            // A code that was only voided by another has no such row: its page must not go on as somebody who enrolled elsewhere.
            let Some((right, row)) = self.follow_row(tenant, &digest).await? else { return Err(UNKNOWN) };
            if row.action != FOLLOW_ACTION || row.used_at.is_some() || row.user_id != user {
                return Err(UNKNOWN);
            }
            let mut tx = scope.begin().await?;
            let opened =
                match self.insert_session_as(&mut tx, row.session_id, user, Strength::Enrollment, browser).await {
                    Err(AuthError::Store(StoreError::Duplicate)) => return Err(UNKNOWN),
                    done => done?,
                };
            if !tx.spend_grant(&right, row.session_id, FOLLOW_ACTION, now).await? {
                return Err(UNKNOWN);
            }
            tx.commit().await?;
            let known = self.know_browser(tenant, user, browser).await?;
            return Ok(Some(NewSession { cookie: opened.0, id: opened.1, known }));
        }
        Err(UNKNOWN)
    }
    async fn follow_row(&self, tenant: TenantId, code: &[u8; 32]) -> Result<Option<([u8; 32], GrantRow)>, AuthError> {
        let scope = self.store.tenant(tenant);
        for digest in scope.keys().await?.digest_candidates(FOLLOWED, &[code]) {
            if let Some(row) = scope.grant(&digest).await? {
                return Ok(Some((digest, row)));
            }
        }
        Ok(None)
    }

    /// Whether a code was made inside a session.
    pub(crate) async fn is_in_session(&self, tenant: TenantId, code: &[u8; 32]) -> Result<bool, AuthError> {
        Ok(self.follow_row(tenant, code).await?.is_some_and(|(_, row)| row.action == IN_SESSION))
    }

    /// Notes, in the transaction that makes a code inside a session, that it leads to nothing but one authenticator.
    pub(super) async fn mark_in_session(
        &self,
        tx: &mut Tx,
        code: &[u8; 32],
        user: UserId,
        session: SessionId,
    ) -> Result<(), AuthError> {
        let now = self.world.now();
        self.insert_follow(tx, code, user, session, IN_SESSION, Some(now)).await
    }

    /// Lets the page that showed a code go on, in the transaction that uses the code up on another device.
    pub(super) async fn let_follow(&self, tx: &mut Tx, code: &[u8; 32], user: UserId) -> Result<(), AuthError> {
        let session = SessionId::new(self.world.now(), self.world.random.as_ref());
        self.insert_follow(tx, code, user, session, FOLLOW_ACTION, None).await
    }

    async fn insert_follow(
        &self,
        tx: &mut Tx,
        code: &[u8; 32],
        user: UserId,
        session: SessionId,
        action: &str,
        used_at: Option<Millis>,
    ) -> Result<(), AuthError> {
        let keys = self.store.tenant(tx.tenant()).keys().await?;
        let row = GrantRow {
            digest: keys.digest(FOLLOWED, &[code]).to_vec(),
            session_id: session,
            user_id: user,
            action: action.to_owned(),
            // Longer than any code that is marked so lives.
            expires: self.world.now() + Duration::from_secs(86_400),
            used_at,
        };
        Ok(tx.insert_grant(&row).await?)
    }
    /// Mails a user a link to enrol by, valid for so long, in the name of `actor`: to their own address. Whether a supplier took the mail.
    ///
    /// [`AuthError::Refused`] where there is no address, or nothing that carries mail.
    pub async fn mail_enrolment(
        &self,
        tenant: TenantId,
        user: UserId,
        valid: Duration,
        actor: &str,
    ) -> Result<bool, AuthError> {
        if !self.courier.carries(ChannelKind::Email) {
            return Err(AuthError::Refused("no channel for mail is configured"));
        }
        let portal = self.portal(tenant).await?;
        let row = self.store.tenant(tenant).user(user).await?.ok_or(AuthError::NoUser)?;
        let to: EmailAddress = row.email.parse().map_err(|_| AuthError::Refused("the user has no mail address"))?;
        let code = self.activation_by(tenant, user, None, valid, actor).await?;
        let link = self.activation_url(&portal.api_host, tenant, &code);
        let (subject, text) = messaging::text::notice::invitation(
            &portal.settings.brand,
            &portal.settings.page.language,
            &row.username,
            &link,
        )
        .map_err(|_| AuthError::Damaged("settings"))?;
        let id = MessageId::new(self.world.now(), self.world.random.as_ref());
        let content = Content::Mail { subject, text };
        let message = Outgoing {
            user: Some(user),
            ..Outgoing::new(id, tenant, messaging::Purpose::Enrollment, Address::Mail(to), content)
        };
        let sent = self.courier.deliver(message).await;
        if let Err(error) = &sent {
            tracing::warn!(%error, "an enrolment mail was not sent");
        }
        Ok(sent.is_ok())
    }
}
