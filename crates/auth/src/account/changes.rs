//! Changes: what was added to an account, and how whoever owns it takes it back.

use super::notices::News;
use crate::{Auth, AuthError, Client};
use keys::Token;
use store::{ChangeRow, NewChange, Tx, UNDO_PREFIX, fields};
use types::{Millis, PasskeyId, PhoneId, SecretString, TenantId, TokenId, UserId};

/// How long an addition can be undone.
pub use store::UNDO_LIFE;

const UNKNOWN: AuthError = AuthError::Refused("this link is unknown, used or too old");

/// What was added.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChangeKind {
    /// A passkey.
    Passkey,
    /// An authenticator.
    Authenticator,
    /// New recovery codes.
    RecoveryCodes,
    /// An access pass, made by an administrator.
    AccessPass,
    /// A token, given by an administrator.
    Token,
    /// A telephone or its number, given by an administrator.
    Phone,
    /// Bypass codes, made by an administrator.
    BypassCodes,
    /// A link to enrol by, made by an administrator.
    EnrollmentLink,
    /// The request of an administrator to add something.
    AdditionRequest,
    /// A password, set by an administrator.
    Password,
    /// A link to an account at a provider, made by an administrator or by a sign-in.
    Provider,
}

impl ChangeKind {
    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passkey => "passkey",
            Self::Authenticator => "authenticator",
            Self::RecoveryCodes => "recovery_codes",
            Self::AccessPass => "access_pass",
            Self::Token => "token",
            Self::Phone => "phone",
            Self::BypassCodes => "bypass_codes",
            Self::EnrollmentLink => "enrollment_link",
            Self::AdditionRequest => "addition_request",
            Self::Password => "password",
            Self::Provider => "provider",
        }
    }

    const ALL: [Self; 11] = [
        Self::Passkey,
        Self::Authenticator,
        Self::RecoveryCodes,
        Self::AccessPass,
        Self::Token,
        Self::Phone,
        Self::BypassCodes,
        Self::EnrollmentLink,
        Self::AdditionRequest,
        Self::Password,
        Self::Provider,
    ];

    pub(super) fn parse(text: &str) -> Result<Self, AuthError> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(AuthError::Damaged("change"))
    }
}

/// A change as its owner sees it.
#[derive(Clone, Debug)]
pub struct ChangeView {
    /// What was added.
    pub kind: ChangeKind,
    /// What it is called, as whoever added it chose.
    pub label: String,
    /// When.
    pub made_at: Millis,
    /// Until when it can be undone.
    pub undo_until: Millis,
    /// When it was undone.
    pub undone_at: Option<Millis>,
    /// Who made it: `user`, `recovery`, `access_pass`, `enrollment`, or an administrator's name.
    pub made_by: String,
}

impl ChangeView {
    fn of(row: &ChangeRow) -> Result<Self, AuthError> {
        Ok(Self {
            kind: ChangeKind::parse(&row.kind)?,
            label: row.label.clone(),
            made_at: row.made_at,
            undo_until: row.undo_until,
            undone_at: row.undone_at,
            made_by: row.made_by.clone(),
        })
    }
}

/// A change that was noted in a transaction, to be announced when it is committed.
pub(crate) struct Noted {
    tenant: TenantId,
    user: UserId,
    code: SecretString,
    news: News,
}

impl Noted {
    /// A change that was noted by somebody else.
    pub(super) const fn new(tenant: TenantId, user: UserId, code: SecretString, news: News) -> Self {
        Self { tenant, user, code, news }
    }
}

impl Auth {
    /// Notes an addition, in the transaction that makes it.
    pub(crate) async fn note_change(
        &self,
        tx: &mut Tx,
        user: UserId,
        object: &str,
        made_by: &str,
        news: News,
    ) -> Result<Noted, AuthError> {
        let (kind, label) = match &news {
            News::PasskeyAdded(name) => (ChangeKind::Passkey, name.as_str()),
            News::AuthenticatorAdded(name) => (ChangeKind::Authenticator, name.as_str()),
            News::RecoveryCodesMade => (ChangeKind::RecoveryCodes, ""),
            News::AccessPassMade { by, .. } => (ChangeKind::AccessPass, by.as_str()),
            News::Given { kind, by, .. } => (*kind, by.as_str()),
            News::AdditionAsked { by, .. } => (ChangeKind::AdditionRequest, by.as_str()),
            News::ProviderLinked(name) => (ChangeKind::Provider, name.as_str()),
            _ => return Err(AuthError::Damaged("change")),
        };
        let tenant = tx.tenant();
        let keys = self.store.tenant(tenant).keys().await?;
        let change = NewChange { user, kind: kind.as_str(), object, label, made_by };
        let code = tx.note_change(&self.world, &keys, change).await?;
        Ok(Noted { tenant, user, code, news })
    }

    /// Tells the owner of a change that is committed now, with the link that undoes it. `ip` is where it was asked from.
    pub(crate) async fn announce(&self, noted: Noted, ip: &str) {
        self.tell(noted.tenant, noted.user, &noted.news, ip, Some(&noted.code)).await;
    }

    /// The change that a code undoes, for the page behind the link. Looking undoes nothing: links are followed by programs too.
    pub async fn change(&self, tenant: TenantId, code: &str) -> Result<ChangeView, AuthError> {
        let row = self.change_row(tenant, code).await?;
        if self.world.now() >= row.undo_until {
            return Err(UNKNOWN);
        }
        ChangeView::of(&row)
    }

    async fn change_row(&self, tenant: TenantId, code: &str) -> Result<ChangeRow, AuthError> {
        let token = Token::parse(UNDO_PREFIX, code).map_err(|_| UNKNOWN)?;
        let scope = self.store.tenant(tenant);
        for digest in scope.keys().await?.digest_candidates(fields::UNDO, &[token.expose().as_bytes()]) {
            if let Some(row) = scope.change_by_undo(&digest).await? {
                return Ok(row);
            }
        }
        Err(UNKNOWN)
    }

    /// Whose the code of an undo link is.
    pub(super) async fn owner_of_undo(&self, tenant: TenantId, code: &str) -> Result<UserId, AuthError> {
        let row = self.change_row(tenant, code).await?;
        if self.world.now() < row.undo_until { Ok(row.user_id) } else { Err(UNKNOWN) }
    }

    /// Undoes a change, once: takes away what was added and whatever was added after it, ends all sessions, sign-ins that are on their way
    /// and all that applications were granted, forgets all browsers, and tells the person and the tenant's people.
    ///
    /// Who can't sign in with anything after it is locked out: otherwise the account would be open to the first who enrols.
    pub async fn undo(&self, tenant: TenantId, code: &str, client: &Client) -> Result<ChangeView, AuthError> {
        let change = self.change_row(tenant, code).await?;
        let (user, now) = (change.user_id, self.world.now());
        let portal = self.portal(tenant).await?;
        let row = self.store.tenant(tenant).user(user).await?.ok_or(UNKNOWN)?;
        let mut tx = self.store.tenant(tenant).begin().await?;
        // First, so that what is decided in this moment is there to be ended, or is never decided; and before the user, as whoever adds
        // something holds them in this order.
        tx.drop_sign_ins(user).await?;
        // From here on nobody adds anything to this user until the end.
        tx.hold_user(user).await?;
        if !tx.undo_change(change.id, now).await? {
            return Err(UNKNOWN);
        }
        tx.end_everything_granted(user, None, now).await?;
        tx.forget_browsers(user).await?;
        tx.distrust_devices(user).await?;
        tx.void_activations(user, now).await?;
        let mut took = take_back(&mut tx, &change).await?;
        // An intruder's first key opens the door to a second one.
        for later in tx.changes_of_user(user, now).await? {
            if later.made_at >= change.made_at && tx.undo_change(later.id, now).await? {
                took |= take_back(&mut tx, &later).await?;
            }
        }
        let left = tx.authenticators_of(user).await?;
        let locked = took && left == 0 && tx.lock_user(user, now).await?;
        let detail = serde_json::json!({
            "user_id": user.to_string(), "kind": change.kind, "object": change.object, "ip": crate::log::ip(client),
            "locked_out": locked,
        });
        tx.log_act(&self.world, "user", "authenticator_undo", &row.username, &detail.to_string()).await?;
        tx.commit().await?;
        tracing::warn!(%tenant, "a user undid an addition to their account");
        self.tell(tenant, user, &News::Undone(change.label.clone()), &crate::log::ip(client), None).await;
        let end = if locked { " Nothing is left to sign in with, so the account is locked out." } else { "" };
        self.alert(
            &portal,
            "An addition to an account was undone",
            format!(
                "{} says that an addition to their account ({}) was not theirs. It was taken away and all their sessions were \
                 ended.{end} Somebody else may know their password.",
                row.username,
                change.kind.replace('_', " ")
            ),
        );
        ChangeView::of(&ChangeRow { undone_at: Some(now), ..change })
    }

    /// A user's additions that can still be undone, newest first.
    pub(super) async fn changes(&self, tenant: TenantId, user: UserId) -> Result<Vec<ChangeView>, AuthError> {
        let rows = self.store.tenant(tenant).changes_of_user(user, self.world.now()).await?;
        rows.iter().rev().map(ChangeView::of).collect()
    }
}

/// Takes away what a change added. Whether that was something to sign in with.
async fn take_back(tx: &mut Tx, change: &ChangeRow) -> Result<bool, AuthError> {
    let user = change.user_id;
    Ok(match ChangeKind::parse(&change.kind)? {
        ChangeKind::Passkey => match change.object.parse::<PasskeyId>() {
            Ok(id) => tx.delete_passkey(user, id).await?,
            Err(_) => false,
        },
        ChangeKind::Authenticator => match change.object.parse::<PhoneId>() {
            Ok(id) => tx.disarm_phone(user, id).await?,
            Err(_) => false,
        },
        ChangeKind::RecoveryCodes => {
            tx.delete_recovery(user, "code").await?;
            false
        }
        ChangeKind::AccessPass => {
            tx.delete_recovery(user, "pass").await?;
            false
        }
        ChangeKind::Token => match change.object.parse::<TokenId>() {
            Ok(id) => tx.detach_token(user, id).await?,
            Err(_) => false,
        },
        ChangeKind::Phone => match change.object.parse::<PhoneId>() {
            Ok(id) => tx.detach_phone(user, id).await?,
            Err(_) => false,
        },
        ChangeKind::BypassCodes => {
            tx.delete_bypass_codes(user).await?;
            false
        }
        ChangeKind::Password => {
            tx.delete_password(user).await?;
            false
        }
        // As it is with a password: without an authenticator the account is no more open than it was before.
        ChangeKind::Provider => {
            tx.delete_provider_link(user, &change.object).await?;
            false
        }
        // Every undoing voids the links.
        ChangeKind::EnrollmentLink => false,
        ChangeKind::AdditionRequest => {
            tx.drop_addition_request(user).await?;
            false
        }
    })
}
