//! Sessions of a person's own pages: one row for each browser, ended by its owner, by time, or by an undo.
//!
//! The cookie holds the session's id and a secret; of the secret only a keyed hash is stored. Whether the person may still be here is
//! asked of the engine with each request, so somebody who is disabled is out at once.

use super::{Action, Strength};
use crate::{
    Auth, AuthError, Subject, Verdict,
    sign_in::{Assurance, Browser, Level},
};
use keys::Token;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use store::{SessionRise, SessionRow, SessionTimes, Tx, fields};
use types::{Millis, SecretString, SessionId, TenantId, UserId, ct_eq};

/// How a session's secret begins, so that a leaked one can be scanned for.
const PREFIX: &str = "csse";
/// A session that is for a single addition ends sooner than others.
const NARROW_LIFE: Duration = Duration::from_secs(3600);
/// A session's last use is noted no more often than this.
const NOTED: Duration = Duration::from_secs(60);
/// What is kept of a browser's own words about itself, in bytes.
const AGENT_KEPT: usize = 512;

/// A session that was checked with this request.
#[derive(Clone, Debug)]
pub struct Session {
    pub(super) tenant: TenantId,
    pub(super) id: SessionId,
    pub(super) user: UserId,
    pub(super) username: String,
    pub(super) strength: Strength,
    pub(super) created: Millis,
    pub(super) last_seen: Millis,
    pub(super) expires: Millis,
    pub(super) assurance: Assurance,
    pub(super) auth_time: Millis,
    pub(super) bound: Bound,
}

/// How a session is bound to its browser.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bound {
    /// The public key of the browser (SPKI, DER); none where it has none.
    pub key: Option<Vec<u8>>,
    /// When the browser last proved that it has the key; 0 for never.
    pub proved_at: Millis,
}

impl Session {
    /// Whose tenant.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> SessionId {
        self.id
    }

    /// Whose.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.user
    }

    /// The user's name.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.username
    }

    /// By what it was opened.
    #[must_use]
    pub const fn strength(&self) -> Strength {
        self.strength
    }

    /// When it was opened.
    #[must_use]
    pub const fn created(&self) -> Millis {
        self.created
    }

    /// Until when it lasts at the longest.
    #[must_use]
    pub const fn expires(&self) -> Millis {
        self.expires
    }

    /// How strongly its owner proved who they are.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.assurance.level
    }

    /// By what, in the words of RFC 8176 §2.
    #[must_use]
    pub fn amr(&self) -> &[String] {
        &self.assurance.amr
    }

    /// When its owner last proved it.
    #[must_use]
    pub const fn auth_time(&self) -> Millis {
        self.auth_time
    }

    /// How it is bound to its browser.
    #[must_use]
    pub const fn bound(&self) -> &Bound {
        &self.bound
    }

    /// Whether applications may be signed in to by it: not by one that was opened by less than an authenticator, whatever it is for.
    #[must_use]
    pub const fn may_sign_on(&self) -> bool {
        !matches!(self.strength, Strength::Bypass | Strength::Enrollment | Strength::Recovery | Strength::AccessPass)
    }

    /// What this session still needs for an action, for a page that has to choose between a form and a step-up. It decides nothing:
    /// [`Auth::permit`] does.
    #[must_use]
    pub const fn needs(&self, action: Action) -> Needs {
        match (self.strength, action) {
            (Strength::AccessPass, Action::AddPasskey)
            | (Strength::Enrollment | Strength::Recovery, Action::AddPasskey | Action::AddAuthenticator) => {
                Needs::Nothing
            }
            (Strength::AccessPass | Strength::Enrollment, _) => Needs::AnotherSignIn,
            _ => Needs::StepUp,
        }
    }
}

/// A session that was opened at the end of an enrolment.
pub struct NewSession {
    /// The session's cookie.
    pub cookie: SecretString,
    /// Its id.
    pub id: SessionId,
    /// The new value of the cookie by which this browser is known: who enrolled here may be sent a push from here.
    pub known: SecretString,
}

/// What a session needs for an action.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Needs {
    /// It was opened for just this.
    Nothing,
    /// A fresh sign-in inside the session.
    StepUp,
    /// This session can't; one that was opened with an authenticator can.
    AnotherSignIn,
}

/// A session as its owner sees it in the list.
#[derive(Clone, Debug)]
pub struct SessionView {
    /// Its id.
    pub id: SessionId,
    /// Whether it is the one that asks.
    pub current: bool,
    /// By what it was opened.
    pub strength: Strength,
    /// When it was opened.
    pub created: Millis,
    /// When it was last used, within a minute.
    pub last_seen: Millis,
    /// The address that it was opened from; empty if unknown.
    pub ip: String,
    /// The browser's own words about itself; whoever shows them escapes them.
    pub user_agent: String,
    /// Whether it serves one browser only.
    pub bound: bool,
}

/// What is sealed in a session's row.
#[derive(Serialize, Deserialize, Default)]
struct Detail {
    ip: String,
    user_agent: String,
}

impl Auth {
    /// Opens a session: its cookie and its id. The caller has just verified the proof that `strength` names.
    pub async fn open_session(
        &self,
        tenant: TenantId,
        user: UserId,
        strength: Strength,
        browser: &Browser,
    ) -> Result<(SecretString, SessionId), AuthError> {
        let id = SessionId::new(self.world.now(), self.world.random.as_ref());
        let (life, assurance) = (self.life_of(tenant, strength).await?, Assurance::of_strength(strength));
        let begins = Begins { user, strength, assurance: &assurance, life };
        let mut tx = self.store.tenant(tenant).begin().await?;
        let opened = self.insert_session_with(&mut tx, id, &begins, browser).await?;
        tx.commit().await?;
        Ok(opened)
    }

    /// What a session begins with that a sign-in gives its browser: read before the transaction that begins it.
    pub(crate) async fn session_begins<'a>(
        &self,
        tenant: TenantId,
        user: UserId,
        strength: Strength,
        assurance: &'a Assurance,
        browser: &Browser,
    ) -> Result<(Option<SessionRow>, Begins<'a>), AuthError> {
        let there = match &browser.session {
            Some(cookie) => self.session_row(tenant, cookie.expose()).await?,
            None => None,
        };
        Ok((there, Begins { user, strength, assurance, life: self.life_of(tenant, strength).await? }))
    }

    /// What a sign-in gives its browser, in the transaction that takes it: the session that the same person has there with another secret, or
    /// a new one. Another person's session there ends.
    ///
    /// The secret changes with every proof, so that one which somebody planted or saw before is worth nothing after.
    pub(crate) async fn begin_session(
        &self,
        tx: &mut Tx,
        (there, begins): &(Option<SessionRow>, Begins<'_>),
        browser: &Browser,
    ) -> Result<(SecretString, SessionId), AuthError> {
        if let Some(row) = there {
            let same = row.user_id == begins.user;
            if same && is_ordinary(begins.strength) && is_ordinary(Strength::parse(&row.strength)?) {
                if let Some(cookie) = self.raise(tx, row, begins).await? {
                    return Ok((cookie, row.id));
                }
            } else {
                tx.end_session(row.id, row.user_id, self.world.now()).await?;
            }
        }
        let id = SessionId::new(self.world.now(), self.world.random.as_ref());
        self.insert_session_with(tx, id, begins, browser).await
    }

    /// Gives a session another secret and what was just proved; none where somebody else did, or it has ended meanwhile.
    async fn raise(
        &self,
        tx: &mut Tx,
        row: &SessionRow,
        begins: &Begins<'_>,
    ) -> Result<Option<SecretString>, AuthError> {
        let now = self.world.now();
        let token = Token::generate(PREFIX, self.world.random.as_ref());
        let keys = self.store.tenant(tx.tenant()).keys().await?;
        let rise = SessionRise {
            old_digest: row.digest.clone(),
            digest: keys.digest(fields::SESSION, &[row.id.as_bytes(), token.expose().as_bytes()]).to_vec(),
            strength: begins.strength.as_str().to_owned(),
            level: begins.assurance.level.number(),
            amr: begins.assurance.amr_text(),
            expires: now + begins.life,
        };
        let raised = tx.raise_session(row.id, row.user_id, &rise, now).await?;
        Ok(raised.then(|| SecretString::new(format!("{}.{}", row.id, token.expose()))))
    }

    /// A narrow session, in a transaction that spends what it is opened for.
    pub(super) async fn insert_session(
        &self,
        tx: &mut Tx,
        user: UserId,
        strength: Strength,
        browser: &Browser,
    ) -> Result<(SecretString, SessionId), AuthError> {
        let id = SessionId::new(self.world.now(), self.world.random.as_ref());
        self.insert_session_as(tx, id, user, strength, browser).await
    }

    /// The same under an id that was chosen before: it can be opened once.
    pub(super) async fn insert_session_as(
        &self,
        tx: &mut Tx,
        id: SessionId,
        user: UserId,
        strength: Strength,
        browser: &Browser,
    ) -> Result<(SecretString, SessionId), AuthError> {
        let begins = Begins { user, strength, assurance: &Assurance::of_strength(strength), life: NARROW_LIFE };
        self.insert_session_with(tx, id, &begins, browser).await
    }

    async fn insert_session_with(
        &self,
        tx: &mut Tx,
        id: SessionId,
        begins: &Begins<'_>,
        browser: &Browser,
    ) -> Result<(SecretString, SessionId), AuthError> {
        let (now, random) = (self.world.now(), self.world.random.as_ref());
        let token = Token::generate(PREFIX, random);
        let keys = self.store.tenant(tx.tenant()).keys().await?;
        let detail =
            Detail { ip: crate::log::ip(&browser.client), user_agent: cut(&browser.user_agent, AGENT_KEPT).to_owned() };
        let detail = serde_json::to_vec(&detail).map_err(|_| AuthError::Damaged("session"))?;
        tx.insert_session(&SessionRow {
            id,
            user_id: begins.user,
            digest: keys.digest(fields::SESSION, &[id.as_bytes(), token.expose().as_bytes()]).to_vec(),
            strength: begins.strength.as_str().to_owned(),
            detail: keys.seal(fields::session_detail(&id), &detail, random).map_err(store::StoreError::from)?,
            created: now,
            last_seen: now,
            expires: now + begins.life,
            ended_at: None,
            level: begins.assurance.level.number(),
            amr: begins.assurance.amr_text(),
            auth_time: now,
            bound_key: None,
            proved_at: Millis(0),
        })
        .await?;
        Ok((SecretString::new(format!("{id}.{}", token.expose())), id))
    }

    /// The session of a cookie; none when it is unknown, ended, over, another tenant's, or of somebody who may not be here any more.
    ///
    /// This doesn't count as use: who has the cookie may have nothing else. [`Auth::standing`] says whether it is the session's own browser.
    pub async fn session(&self, tenant: TenantId, cookie: &str) -> Result<Option<Session>, AuthError> {
        match self.session_row(tenant, cookie).await? {
            Some(row) => self.read_session(tenant, row).await,
            None => Ok(None),
        }
    }

    /// The session with this id, for whoever was told of it by the session itself: a relying party's token, say. None when it has ended,
    /// is over, hasn't been used for too long, is another tenant's, or is of somebody who may not be here any more. It doesn't count as used.
    pub async fn session_by_id(&self, tenant: TenantId, id: SessionId) -> Result<Option<Session>, AuthError> {
        let times = self.session_times(tenant).await?;
        match self.store.tenant(tenant).session(id).await?.filter(|row| lives(row, times)) {
            Some(row) => self.read_session(tenant, row).await,
            None => Ok(None),
        }
    }

    /// The row that a cookie names, while it lives.
    async fn session_row(&self, tenant: TenantId, cookie: &str) -> Result<Option<SessionRow>, AuthError> {
        let Some((id, secret)) = cookie.split_once('.') else { return Ok(None) };
        let (Ok(id), Ok(token)) = (id.parse::<SessionId>(), Token::parse(PREFIX, secret)) else { return Ok(None) };
        let scope = self.store.tenant(tenant);
        let times = self.session_times(tenant).await?;
        let Some(row) = scope.session(id).await?.filter(|row| lives(row, times)) else { return Ok(None) };
        let digests =
            scope.keys().await?.digest_candidates(fields::SESSION, &[id.as_bytes(), token.expose().as_bytes()]);
        if !digests.iter().any(|digest| ct_eq(digest, &row.digest)) {
            return Ok(None);
        }
        Ok(Some(row))
    }

    /// Notes that a session was used, by its own browser.
    pub(crate) async fn note_use(&self, session: &Session) -> Result<(), AuthError> {
        let now = self.world.now();
        if now.since(session.last_seen) >= NOTED {
            let mut tx = self.store.tenant(session.tenant).begin().await?;
            tx.session_seen(session.id, now).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// A row as a session, where its owner may still be here.
    async fn read_session(&self, tenant: TenantId, row: SessionRow) -> Result<Option<Session>, AuthError> {
        let Some(username) = self.still_here(tenant, row.user_id).await? else { return Ok(None) };
        let strength = Strength::parse(&row.strength)?;
        // What the release before has written says it by its strength.
        let assurance = match Level::of_number(row.level) {
            Some(level) => Assurance {
                level,
                amr: row.amr.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect(),
            },
            None => Assurance::of_strength(strength),
        };
        Ok(Some(Session {
            tenant,
            id: row.id,
            user: row.user_id,
            username,
            strength,
            created: row.created,
            last_seen: row.last_seen,
            expires: row.expires,
            assurance,
            auth_time: if row.auth_time.0 == 0 { row.created } else { row.auth_time },
            bound: Bound { key: row.bound_key, proved_at: row.proved_at },
        }))
    }

    /// The name of somebody who may use their own pages: not disabled, not in the trash, and let in by the portal's rules. Who is
    /// locked out stays: whoever types wrong codes must not throw somebody else out.
    async fn still_here(&self, tenant: TenantId, user: UserId) -> Result<Option<String>, AuthError> {
        let portal = self.portal(tenant).await?;
        let admission = match self.admit(&portal, &Subject::Id(user), &crate::Client::by_grant()).await {
            Err(AuthError::NoUser) => return Ok(None),
            done => done?,
        };
        let decision = admission.decision;
        let stays = matches!(decision.reason, "locked_out" | "deny_unenrolled_user");
        let here = decision.verdict != Verdict::Deny || stays;
        Ok(admission.holder.filter(|_| here).map(|holder| holder.user.username))
    }

    /// The sessions of the session's owner, newest first.
    pub async fn sessions(&self, session: &Session) -> Result<Vec<SessionView>, AuthError> {
        wide(session)?;
        let scope = self.store.tenant(session.tenant);
        let mut views = Vec::new();
        let times = self.session_times(session.tenant).await?;
        let rows = scope.sessions_of_user(session.user, times.now).await?;
        for row in rows.into_iter().rev().filter(|row| lives(row, times)) {
            let detail = scope.open(fields::session_detail(&row.id), &row.detail).await?;
            let detail: Detail = serde_json::from_slice(detail.expose()).map_err(|_| AuthError::Damaged("session"))?;
            views.push(SessionView {
                id: row.id,
                current: row.id == session.id,
                strength: Strength::parse(&row.strength)?,
                created: row.created,
                last_seen: row.last_seen,
                ip: detail.ip,
                user_agent: detail.user_agent,
                bound: row.bound_key.is_some(),
            });
        }
        Ok(views)
    }

    /// How long a session lasts that is opened now. Asked before a transaction: the tenant's settings may have to be read.
    async fn life_of(&self, tenant: TenantId, strength: Strength) -> Result<Duration, AuthError> {
        let short = strength.is_narrow() || strength == Strength::Recovery;
        Ok(if short { NARROW_LIFE } else { self.session_limits(tenant).await?.life })
    }

    pub(super) async fn session_limits(&self, tenant: TenantId) -> Result<Limits, AuthError> {
        let settings = &self.portal(tenant).await?.settings;
        Ok(Limits { idle: settings.session_idle(), life: settings.session_life() })
    }

    /// What a session of this tenant must reach to last now, for whoever asks the store about one.
    pub async fn session_times(&self, tenant: TenantId) -> Result<SessionTimes, AuthError> {
        Ok(self.session_limits(tenant).await?.at(self.world.now()))
    }

    /// Ends this session.
    pub async fn sign_out(&self, session: &Session) -> Result<(), AuthError> {
        self.end_one(session, session.id).await.map(drop)
    }

    /// Ends one of the owner's sessions, also this one. Whether it hadn't ended.
    pub async fn end_session(&self, session: &Session, id: SessionId) -> Result<bool, AuthError> {
        if id != session.id {
            wide(session)?;
        }
        self.end_one(session, id).await
    }

    async fn end_one(&self, session: &Session, id: SessionId) -> Result<bool, AuthError> {
        let mut tx = self.store.tenant(session.tenant).begin().await?;
        let ended = tx.end_session(id, session.user, self.world.now()).await?;
        tx.commit().await?;
        Ok(ended)
    }

    /// Ends all of the owner's sessions but this one; how many.
    pub async fn end_other_sessions(&self, session: &Session) -> Result<usize, AuthError> {
        wide(session)?;
        let mut tx = self.store.tenant(session.tenant).begin().await?;
        let ended = tx.sign_out_everywhere(session.user, Some(session.id), self.world.now()).await?;
        tx.log_act(&self.world, "user", "sessions_end", &session.username, &format!(r#"{{"ended":{ended}}}"#)).await?;
        tx.commit().await?;
        Ok(ended)
    }
}

/// Whether such a session is for everything that its owner may do: one that isn't is never made into one, nor the other way round.
const fn is_ordinary(strength: Strength) -> bool {
    matches!(strength, Strength::Passkey | Strength::Push | Strength::Otp | Strength::Sms | Strength::Provider)
}

/// Refuses a session that is for a single addition.
pub(super) fn wide(session: &Session) -> Result<(), AuthError> {
    if session.strength.is_narrow() {
        return Err(AuthError::Refused("this session is for one addition only"));
    }
    Ok(())
}

/// What a session begins with.
pub(crate) struct Begins<'a> {
    user: UserId,
    strength: Strength,
    assurance: &'a Assurance,
    life: Duration,
}

/// How long the sessions of a tenant last.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) idle: Duration,
    pub(super) life: Duration,
}

impl Limits {
    /// What a session must reach to last at this moment. A limit that was lowered holds for sessions that there are.
    pub(super) fn at(self, now: Millis) -> SessionTimes {
        SessionTimes { now, seen_after: now - self.idle, proved_after: now - self.life }
    }
}

/// Whether a session hasn't ended, by anybody or by time.
pub(super) fn lives(row: &SessionRow, times: SessionTimes) -> bool {
    row.ended_at.is_none() && times.reach(row.last_seen, row.auth_time, row.created, row.expires)
}

/// The beginning of a text, of whole characters.
pub(super) fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}
