//! The organisation's message log, for the people whom its settings name as readers.
//!
//! What they are given is sealed to the organisation's key, which only they have; still nobody gets it without having signed in a moment
//! ago, every page stands in the administrator log, and who reads more than ever or from elsewhere is asked for a passkey
//! ([`messaging::log::watch`]). Reading spends no grant: it changes nothing, and a period has many pages.

use super::{Action, Permit, STEP_UP_NEEDED, Session, grants::Via};
use crate::{Auth, AuthError, Settings};
use messaging::log::{
    Asked, Challenge, Page, challenge, is_proof, page_of,
    watch::{self, Person, Reader, Verdict},
};
use serde_json::json;
use std::net::IpAddr;
use store::{OutcomeCount, Span};
use types::{MessageId, Millis, Normalization, TenantId, UserId, UserName};

/// Rows of a page.
const PAGE: i64 = 500;
/// Names that are given at once.
const MOST_NAMES: usize = 500;
const DAY: i64 = 86_400_000;
/// The days of which outcomes are counted, the present one included.
const WEEK: i64 = 7;
/// What somebody is told who was stopped.
pub(super) const READING_STOPPED: &str = "reading was stopped: an administrator lets it go on";

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
    /// What the challenge held ([`Auth::reader_challenge`]); empty for who couldn't open it.
    pub proof: &'a str,
    /// Where they read from.
    pub address: Option<IpAddr>,
    /// Their browser's words about itself.
    pub browser: &'a str,
}

/// A network and a kind of browser: neither another address of the same network nor a browser's next version is another place.
fn place(address: Option<IpAddr>, browser: &str) -> (Vec<u8>, String) {
    let network = match address {
        Some(IpAddr::V4(address)) => address.octets().iter().take(3).copied().collect(),
        Some(IpAddr::V6(address)) => address.octets().iter().take(6).copied().collect(),
        None => Vec::new(),
    };
    (network, browser.chars().filter(|letter| !letter.is_ascii_digit() && *letter != '.').collect())
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
        let signed_in = self.check_reader(session, permit).await?;
        let scope = self.store.tenant(session.tenant());
        let who = session.user().to_string();
        if watch::is_stopped(&self.store, session.tenant(), &who).await? {
            return Err(AuthError::Refused(READING_STOPPED));
        }
        let user = match reading.user {
            None => None,
            Some(name) => {
                let unknown = || AuthError::Refused("no such user");
                let name = UserName::new(name, Normalization::None).map_err(|_| unknown())?;
                Some(scope.user_by_name(&name).await?.ok_or_else(unknown)?.id)
            }
        };
        let mut span = Span::new(Millis(reading.from.day().saturating_mul(DAY)), reading.to, PAGE);
        if let Some(after) = reading.after {
            span = span.after(after);
        }
        let keys = scope.keys().await?;
        let has_key = is_proof(&keys, &who, self.world.now(), reading.proof);
        let asked = Asked { user, without_canaries: has_key, ..Asked::default() };
        let page = page_of(&self.store, session.tenant(), &span, &asked).await?;
        let (network, browser) = place(reading.address, reading.browser);
        let place = keys.digest("reading-place/1", &[who.as_bytes(), &network, browser.as_bytes()]);
        let row = scope.user(session.user()).await?.ok_or(AuthError::NoUser)?;
        let person = Person { place, has_passkey: row.passkeys > 0, signed_in };
        let reader = Reader { who: &who, has_key, person: Some(person) };
        match watch::weigh(&self.store, session.tenant(), &reader, page.rows.len()).await? {
            Verdict::Calm => {}
            Verdict::SignInAfresh => return Err(AuthError::Refused(STEP_UP_NEEDED)),
            Verdict::Stopped => return Err(AuthError::Refused(READING_STOPPED)),
        }
        // Each page, also one that somebody begins at in the middle.
        let detail = json!({
            "from": reading.from.0, "to": reading.to.0, "user": reading.user, "rows": page.rows.len(),
            "continued": reading.after.is_some(), "has_key": has_key,
        });
        let mut tx = scope.begin().await?;
        tx.log_act(&self.world, session.username(), "message_log_read", "", &detail.to_string()).await?;
        tx.commit().await?;
        if page.canaries > 0 {
            scope.raise("log_canary_read", &who, "{}").await?;
        }
        Ok(page)
    }

    /// What shows, when it is opened and sent back, that a reader has the organisation's key; none where it has none.
    pub async fn reader_challenge(&self, session: &Session, permit: &Permit) -> Result<Option<Challenge>, AuthError> {
        self.check_reader(session, permit).await?;
        Ok(challenge(&self.store, session.tenant(), &session.user().to_string()).await?)
    }

    /// What became of the organisation's messages of the last seven days, by carrier, for a reader. It names nobody, so the session is
    /// enough.
    pub async fn message_outcomes(&self, session: &Session) -> Result<Vec<OutcomeCount>, AuthError> {
        if !self.reads_messages(session).await? {
            return Err(AuthError::Refused("not a reader of the message log"));
        }
        let today = self.world.now().day();
        let from = Millis((today - WEEK + 1).saturating_mul(DAY));
        let to = Millis((today + 1).saturating_mul(DAY));
        Ok(self.store.tenant(session.tenant()).message_outcomes(from, to).await?)
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

    /// Gives when the reader signed in for this.
    async fn check_reader(&self, session: &Session, permit: &Permit) -> Result<Millis, AuthError> {
        let refused = AuthError::Refused(STEP_UP_NEEDED);
        let Via::Grant { session: of, action: Action::ReadMessages, made, .. } = &permit.via else {
            return Err(refused);
        };
        if *of != session.id() || permit.tenant != session.tenant() || permit.user != session.user() {
            return Err(refused);
        }
        match self.reads_messages(session).await? {
            true => Ok(*made),
            false => Err(AuthError::Refused("not a reader of the message log")),
        }
    }
}
