//! The organisation's message log, for the people whom its settings name as readers.
//!
//! What they are given is sealed to the organisation's key, which only they have; still nobody gets it without having signed in a moment
//! ago, and every reading stands in the administrator log. Reading spends no grant: it changes nothing, and a period has many pages.

use super::{Action, Permit, STEP_UP_NEEDED, Session, grants::Via};
use crate::{Auth, AuthError, Settings};
use messaging::log::{Page, page};
use serde_json::json;
use store::Span;
use types::{MessageId, Millis, Normalization, TenantId, UserId, UserName};

/// Rows of a page.
const PAGE: i64 = 500;
/// Names that are given at once.
const MOST_NAMES: usize = 500;
const DAY: i64 = 86_400_000;

/// What a reader asks for.
pub struct Reading<'a> {
    /// From the beginning of this moment's day on.
    pub from: Millis,
    /// Up to, not including, this moment.
    pub to: Millis,
    /// Only messages to this user.
    pub user: Option<&'a str>,
    /// Only what comes after this row: the last one of the page before.
    pub after: Option<MessageId>,
}

impl Auth {
    /// Whether the settings name the session's owner among the log's readers.
    pub async fn reads_messages(&self, session: &Session) -> Result<bool, AuthError> {
        let Some(tenant) = self.store.tenant(session.tenant()).row().await? else { return Ok(false) };
        let settings = Settings::parse(&tenant.settings).map_err(|_| AuthError::Damaged("settings"))?;
        let Ok(owner) = UserName::new(session.username(), Normalization::None) else { return Ok(false) };
        let mut named = settings.log_readers.iter().filter_map(|name| UserName::new(name, Normalization::None).ok());
        Ok(named.any(|name| name == owner))
    }

    /// A page of the message log, as it is kept, and the headers that the organisation's private key opens it with.
    ///
    /// [`AuthError::Refused`] for somebody who isn't a reader, without a step-up for it, or who names a user that there isn't.
    pub async fn read_messages(
        &self,
        session: &Session,
        permit: &Permit,
        reading: &Reading<'_>,
    ) -> Result<Page, AuthError> {
        self.check_reader(session, permit).await?;
        let scope = self.store.tenant(session.tenant());
        let user = match reading.user {
            None => None,
            Some(name) => {
                let unknown = || AuthError::Refused("no such user");
                let name = UserName::new(name, Normalization::None).map_err(|_| unknown())?;
                Some(scope.user_by_name(&name).await?.ok_or_else(unknown)?.id)
            }
        };
        let mut span = Span::new(Millis(reading.from.day().saturating_mul(DAY)), reading.to, PAGE);
        match reading.after {
            Some(after) => span = span.after(after),
            // Each reading leaves a line, its further pages none.
            None => {
                let detail = json!({ "from": reading.from.0, "to": reading.to.0, "user": reading.user });
                let mut tx = scope.begin().await?;
                tx.log_act(&self.world, session.username(), "message_log_read", "", &detail.to_string()).await?;
                tx.commit().await?;
            }
        }
        Ok(page(&self.store, session.tenant(), &span, user).await?)
    }

    /// The names of users whose ids a reader has found in the log, as far as there are such users.
    pub async fn names_for_reader(
        &self,
        session: &Session,
        permit: &Permit,
        users: &[UserId],
    ) -> Result<Vec<(UserId, String)>, AuthError> {
        self.check_reader(session, permit).await?;
        let scope = self.store.tenant(session.tenant());
        let mut names = Vec::new();
        for user in users.iter().take(MOST_NAMES) {
            names.extend(scope.user(*user).await?.map(|row| (*user, row.username)));
        }
        Ok(names)
    }

    /// The public keys that the log is sealed to, as the tenant has them.
    pub async fn log_key(&self, tenant: TenantId) -> Result<Option<String>, AuthError> {
        Ok(self.store.tenant(tenant).row().await?.and_then(|row| row.log_key))
    }

    async fn check_reader(&self, session: &Session, permit: &Permit) -> Result<(), AuthError> {
        let for_this =
            matches!(&permit.via, Via::Grant { session: of, action: Action::ReadMessages, .. } if *of == session.id());
        if !for_this || permit.tenant != session.tenant() || permit.user != session.user() {
            return Err(AuthError::Refused(STEP_UP_NEEDED));
        }
        match self.reads_messages(session).await? {
            true => Ok(()),
            false => Err(AuthError::Refused("not a reader of the message log")),
        }
    }
}
