//! Notices: whoever owns an account hears of what was done to it, on every channel that it has.
//!
//! A notice goes out after the commit of what it tells of, beside the request that caused it; that a channel fails changes nothing but
//! a line in the server's log.

use super::changes::ChangeKind;
use crate::{Application, Auth, AuthError, wake};
use messaging::{
    Address, ChannelKind, Content, EmailAddress, Outgoing, Purpose,
    text::notice::{AccountNotice, Event, Given},
};
use std::time::Duration;
use store::{PhoneRow, UserRow};
use types::{MessageId, SecretString, TenantId, UserId};

/// What a notice says, with what it is about kept until it is sent.
#[derive(Clone, Debug)]
pub(crate) enum News {
    PasskeyAdded(String),
    AuthenticatorAdded(String),
    RecoveryCodesMade,
    AccessPassMade {
        by: String,
        minutes: i64,
    },
    Given {
        kind: ChangeKind,
        name: String,
        by: String,
    },
    /// By the account's own proof, after a provider has named it.
    ProviderLinked(String),
    AdditionAsked {
        by: String,
        hours: u64,
    },
    AdditionAllowed {
        asked_by: String,
        by: String,
    },
    RecoveryCodeUsed,
    AccessPassUsed,
    Removed(String),
    Undone(String),
    Reported,
    Revoked,
    PasswordChanged,
    PasskeySuspended(String),
    PasskeyCopied(String),
    PasskeyRestored(String),
}

impl News {
    fn event(&self) -> Event<'_> {
        match self {
            Self::PasskeyAdded(name) => Event::PasskeyAdded(name),
            Self::AuthenticatorAdded(name) => Event::AuthenticatorAdded(name),
            Self::RecoveryCodesMade => Event::RecoveryCodesMade,
            Self::AccessPassMade { by, minutes } => Event::AccessPassMade { by, minutes: *minutes },
            Self::Given { kind, name, by } => Event::Given { what: given(*kind), name, by },
            Self::ProviderLinked(name) => Event::ProviderLinked(name),
            Self::AdditionAsked { by, hours } => Event::AdditionAsked { by, hours: *hours },
            Self::AdditionAllowed { asked_by, by } => Event::AdditionAllowed { asked_by, by },
            Self::RecoveryCodeUsed => Event::RecoveryCodeUsed,
            Self::AccessPassUsed => Event::AccessPassUsed,
            Self::Removed(name) => Event::Removed(name),
            Self::Undone(name) => Event::Undone(name),
            Self::Reported => Event::Reported,
            Self::Revoked => Event::Revoked,
            Self::PasswordChanged => Event::PasswordChanged,
            Self::PasskeySuspended(name) => Event::PasskeySuspended(name),
            Self::PasskeyCopied(name) => Event::PasskeyCopied(name),
            Self::PasskeyRestored(name) => Event::PasskeyRestored(name),
        }
    }

    /// What authenticators are told, if anything: they show it in their own words.
    const fn to_authenticators(&self) -> Option<wake::AccountNotice> {
        Some(match self {
            Self::PasskeyAdded(_) | Self::AuthenticatorAdded(_) | Self::Given { .. } | Self::ProviderLinked(_) => {
                wake::AccountNotice::Added
            }
            Self::Removed(_) | Self::PasskeySuspended(_) | Self::PasskeyCopied(_) => wake::AccountNotice::Removed,
            // They have no words for what is back, nor for sessions.
            Self::PasskeyRestored(_) | Self::Revoked | Self::PasswordChanged => return None,
            Self::Undone(_) | Self::Reported => wake::AccountNotice::Undone,
            Self::RecoveryCodesMade
            | Self::AccessPassMade { .. }
            | Self::AdditionAsked { .. }
            | Self::AdditionAllowed { .. }
            | Self::RecoveryCodeUsed
            | Self::AccessPassUsed => wake::AccountNotice::Recovery,
        })
    }
}

/// What an administrator gave.
const fn given(kind: ChangeKind) -> Given {
    match kind {
        ChangeKind::Token => Given::Token,
        ChangeKind::Phone => Given::Telephone,
        ChangeKind::BypassCodes => Given::BypassCodes,
        ChangeKind::Password => Given::Password,
        ChangeKind::EnrollmentLink => Given::EnrolmentLink,
        ChangeKind::Provider => Given::Provider,
        _ => Given::Something,
    }
}

impl Auth {
    /// Waits until notices and pushes that were caused before are on their way, at most `patience`: a process that ends sooner would
    /// lose them.
    pub async fn settle(&self, patience: Duration) {
        let notices = self.errands.done(patience).await;
        if !(self.waker.done(patience).await && notices) {
            tracing::warn!("the process ends before all notices are sent");
        }
    }

    /// Tells a user on all their channels. What can't be said is logged: the change stands, and a lost notice must not look like a
    /// failed change.
    pub(crate) async fn tell(
        &self,
        tenant: TenantId,
        user: UserId,
        news: &News,
        ip: &str,
        undo: Option<&SecretString>,
    ) {
        if let Err(error) = self.try_to_tell(tenant, user, news, ip, undo, None).await {
            tracing::error!(%tenant, %error, "a user was not told of a change of their account");
        }
    }

    /// Tells somebody that an administrator took a telephone from them: on all their channels, that telephone among them.
    pub async fn announce_removal(&self, tenant: TenantId, user: UserId, phone: &PhoneRow) {
        let name = if phone.name.is_empty() { phone.device_name.clone() } else { phone.name.clone() };
        let news = News::Removed(name);
        if let Err(error) = self.try_to_tell(tenant, user, &news, "", None, Some(phone)).await {
            tracing::error!(%tenant, %error, "a user was not told that a telephone was taken from them");
        }
    }

    async fn try_to_tell(
        &self,
        tenant: TenantId,
        user: UserId,
        news: &News,
        ip: &str,
        undo: Option<&SecretString>,
        also: Option<&PhoneRow>,
    ) -> Result<(), AuthError> {
        let scope = self.store.tenant(tenant);
        let portal = self.portal(tenant).await?;
        let row = scope.user(user).await?.ok_or(AuthError::NoUser)?;
        let link = undo.map(|code| SecretString::new(self.page(&portal, &format!("/undo/{}", code.expose()))));
        let notice = AccountNotice {
            brand: &portal.settings.brand,
            language: &portal.settings.page.language,
            username: &row.username,
            event: news.event(),
            ip,
            undo: link.as_ref().map(SecretString::expose),
        };
        let mut phones: Vec<_> = scope.phones_of_users(&[user]).await?.into_iter().map(|(_, phone)| phone).collect();
        // Whoever had it until now is the one to ask whether that was meant.
        phones.extend(also.cloned());
        self.store.numbers().notice(tenant, user, &phones, self.world.now());
        let messages = self.messages(&portal, &row, phones.into_iter(), &notice).await?;
        self.errands.send(&self.courier, messages);
        match news.to_authenticators() {
            Some(kind) => self.notify_authenticators(tenant, user, kind).await,
            None => Ok(()),
        }
    }

    async fn messages(
        &self,
        portal: &Application,
        user: &UserRow,
        phones: impl Iterator<Item = PhoneRow>,
        notice: &AccountNotice<'_>,
    ) -> Result<Vec<Outgoing>, AuthError> {
        let damaged = |_| AuthError::Damaged("settings");
        let mut messages = Vec::new();
        if self.courier.carries(ChannelKind::Email)
            && let Ok(address) = user.email.parse::<EmailAddress>()
        {
            let (subject, text) = notice.mail().map_err(damaged)?;
            messages.push(self.notice(portal.tenant, user.id, Address::Mail(address), Content::Mail { subject, text }));
        }
        if self.courier.carries(ChannelKind::Sms) {
            for phone in phones.filter(|phone| phone.number.is_some() && phone.r#type != "landline") {
                let number = self.number(portal.tenant, user.id, &phone).await?;
                let text = Content::Text(notice.sms().map_err(damaged)?);
                messages.push(self.notice(portal.tenant, user.id, Address::Number(number, String::new()), text));
            }
        }
        Ok(messages)
    }

    fn notice(&self, tenant: TenantId, user: UserId, to: Address, content: Content) -> Outgoing {
        let id = MessageId::new(self.world.now(), self.world.random.as_ref());
        Outgoing { user: Some(user), ..Outgoing::new(id, tenant, Purpose::Notice, to, content) }
    }

    /// Mails the tenant's people, where their settings name an address.
    pub(crate) fn alert(&self, portal: &Application, subject: &str, text: String) {
        let settings = &portal.settings;
        if !settings.fraud_email_enabled {
            return;
        }
        let Ok(to) = settings.fraud_email.parse() else { return };
        let id = MessageId::new(self.world.now(), self.world.random.as_ref());
        let content = Content::Mail { subject: subject.to_owned(), text: SecretString::new(text) };
        let message = Outgoing::new(id, portal.tenant, Purpose::Notice, Address::Mail(to), content);
        self.errands.send(&self.courier, vec![message]);
    }

    /// The address of a page, for links in messages: by the tenant's own name, never by what a request called it.
    pub(crate) fn page(&self, app: &Application, path: &str) -> String {
        format!("{}{path}", self.site(&app.api_host))
    }
}
