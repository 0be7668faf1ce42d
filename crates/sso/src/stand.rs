//! The one decision that every door makes: whether this browser's person may go to this application now, or what is missing.
//!
//! Everything is asked anew each time: the session may have ended, the person may be disabled or locked out, may have left a group or
//! come from another network, the policy may have changed.

use crate::{RelyingParty, Sso, SsoError, Visit, claims::Person};
use auth::{
    AuthError, Client, Subject, Verdict,
    account::{Session, Strength},
    binding::{Shown, Standing},
    sign_in::{Level, Opened, Purpose},
};
use types::{Millis, SessionId, TenantId, UserId, UserName};

/// What a request of a relying party asks for.
#[derive(Clone, Debug)]
pub struct Ask {
    /// How strongly the person must have proved who they are. What the relying party's settings ask for holds beside.
    pub level: Level,
    /// A proof that is younger than this moment: when the request came (`prompt=login`, `ForceAuthn`), or its `max_age` before that.
    pub fresh_since: Option<Millis>,
    /// Whether no page may be shown: then what is missing is a denial.
    pub passive: bool,
    /// Who the relying party believes it is. A hint, nothing more.
    pub login_hint: Option<String>,
    /// What it wants to know; matters where consent is asked.
    pub scopes: Vec<String>,
    /// A consent that is younger than this moment (`prompt=consent`): when the request came.
    pub consent_since: Option<Millis>,
}

impl Default for Ask {
    fn default() -> Self {
        Self {
            level: Level::Single,
            fresh_since: None,
            passive: false,
            login_hint: None,
            scopes: Vec::new(),
            consent_since: None,
        }
    }
}

/// How a browser stands at a relying party.
#[derive(Clone, Debug)]
pub enum Stand {
    /// Signed in: answer.
    Signed(SignedIn),
    /// Nobody, or not strongly or freshly enough: [`Sso::hold`] the request and [`Sso::send_to_sign_in`]. With the name of who is here by a
    /// session that this browser has shown to be its own; of a session whose cookie is all that was shown, nothing is told.
    ///
    /// Where a browser comes back from a sign-in and this is still the answer, the person gave up: the relying party is told so.
    SignIn(Option<String>),
    /// The session is bound to this browser, which must prove its key first: hold the request, and go to
    /// `/session/prove?return_to=…`. A passive request goes there too: the page shows nothing while the proof succeeds.
    Prove,
    /// The person must agree to these scopes: hold the request with them, and go to `/consent/{id}`.
    Consent(Vec<String>),
    /// No; the engine's reason, or for a passive request `login_required` or `consent_required`.
    Denied(&'static str),
}

/// Who is signed in, as far as it was checked with this request.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// At which tenant.
    pub tenant: TenantId,
    /// Who.
    pub user: UserId,
    /// Their name as the administrator wrote it.
    pub username: String,
    /// In which session.
    pub session: SessionId,
    /// When they last proved who they are.
    pub auth_time: Millis,
    /// How strongly.
    pub level: Level,
    /// By what, in the words of RFC 8176 §2.
    pub amr: Vec<String>,
    /// By what, as policy knows it.
    pub strength: Strength,
}

impl Ask {
    /// The strongest of what the request and the settings ask for.
    #[must_use]
    pub fn level_at(&self, party: &RelyingParty) -> Level {
        self.level.max(party.settings.level())
    }
}

impl Sso {
    /// How this browser stands at a relying party. Asked once for one request: the ticket of a proof is spent by it.
    pub async fn stand(&self, visit: &Visit, party: &RelyingParty, ask: &Ask) -> Result<Stand, SsoError> {
        let stand = self.stand_of(visit, party, ask).await?;
        Ok(match stand {
            Stand::SignIn(_) if ask.passive => Stand::Denied("login_required"),
            Stand::Consent(_) if ask.passive => Stand::Denied("consent_required"),
            stand => stand,
        })
    }

    /// The session whose cookie a browser brings. Whether the browser has its key isn't asked.
    pub async fn present(&self, visit: &Visit) -> Result<Option<Session>, SsoError> {
        Ok(match &visit.session {
            Some(cookie) => self.auth().session(visit.tenant, cookie.expose()).await?,
            None => None,
        })
    }

    async fn stand_of(&self, visit: &Visit, party: &RelyingParty, ask: &Ask) -> Result<Stand, SsoError> {
        if party.tenant() != visit.tenant {
            return Ok(Stand::Denied("other_tenant"));
        }
        if !party.app.enabled {
            return Ok(Stand::Denied("denied_by_policy"));
        }
        let Some(session) = self.present(visit).await?.filter(Session::may_sign_on) else {
            return Ok(Stand::SignIn(None));
        };
        // A bound session's cookie is worth nothing without its key, so nothing of it is told before.
        let shown = Shown {
            address: (!visit.from_page).then_some(visit.address.as_str()),
            origin: &visit.origin,
            ticket: visit.ticket.as_deref(),
            device: visit.device.as_deref(),
        };
        match self.auth().standing(&session, &shown).await? {
            Standing::Good => {}
            Standing::Prove => return Ok(Stand::Prove),
            Standing::Unbound | Standing::Stale => return Ok(Stand::SignIn(None)),
        }
        let admission = match self.admit(party, session.user(), visit.browser.client.clone()).await? {
            Ok(admission) => admission,
            Err(reason) => return Ok(Stand::Denied(reason)),
        };
        let holder = &admission;
        let stale = ask.fresh_since.is_some_and(|since| session.auth_time() <= since);
        if session.level() < ask.level_at(party) || stale || !self.auth().suits(&party.app, holder, session.strength())
        {
            return Ok(Stand::SignIn(Some(session.username().to_owned())));
        }
        let missing = self.missing_consent(party, session.user(), ask).await?;
        if !missing.is_empty() {
            return Ok(Stand::Consent(missing));
        }
        Ok(Stand::Signed(SignedIn::of(&session)))
    }

    /// What the engine says of a person at a relying party: their rows, or the reason of its refusal.
    pub(crate) async fn admit(
        &self,
        party: &RelyingParty,
        user: UserId,
        client: Client,
    ) -> Result<Result<store::login::Holder, &'static str>, SsoError> {
        let admission = match self.auth().admit(&party.app, &Subject::Id(user), &client).await {
            Err(AuthError::NoUser) => return Ok(Err("no_user")),
            done => done?,
        };
        Ok(match (admission.decision.verdict, admission.holder) {
            // That somebody would be let in without a factor changes nothing here: they have given one.
            (Verdict::Allow | Verdict::Challenge, Some(holder)) => Ok(holder),
            _ => Err(admission.decision.reason),
        })
    }

    /// Whether a person may still use a relying party, for whoever acts by a grant of theirs: a refresh, an introspection, userinfo.
    /// None where they may not, and where `session` is given and has ended or is not theirs. Rules of networks were asked when the grant
    /// was made.
    pub async fn still(
        &self,
        party: &RelyingParty,
        user: UserId,
        session: Option<SessionId>,
    ) -> Result<Option<Person>, SsoError> {
        if !party.app.enabled {
            return Ok(None);
        }
        if let Some(id) = session {
            let session = self.auth().session_by_id(party.tenant(), id).await?;
            if session.is_none_or(|session| session.user() != user) {
                return Ok(None);
            }
        }
        let Some(holder) = self.auth().still_admitted(&party.app, user).await? else { return Ok(None) };
        Ok(Some(self.person_of(party.tenant(), holder, &party.settings).await?))
    }

    /// Opens a sign-in for a request that is held, and is to come back to `return_to`: a path on this host. Go to
    /// [`Visit::sign_in_path`] with [`Visit::sign_in_cookie`]. `here`: who is, as [`Stand`] says it.
    pub async fn send_to_sign_in(
        &self,
        visit: &Visit,
        party: &RelyingParty,
        ask: &Ask,
        here: Option<String>,
        return_to: &str,
    ) -> Result<Opened, SsoError> {
        let fresh = ask.fresh_since.is_some();
        // Whoever is here already needn't type their name again, unless the relying party believes that it is somebody else.
        let hint = ask.login_hint.clone().or(here);
        let hint = hint.filter(|name| UserName::new(name, party.app.normalization).is_ok());
        let purpose = Purpose::SingleSignOn { return_to: return_to.to_owned(), level: ask.level_at(party), fresh };
        Ok(self.auth().open_sign_in(&party.app, hint.as_deref(), purpose, &visit.browser).await?)
    }
}

impl SignedIn {
    /// What a session says that was just checked.
    #[must_use]
    pub fn of(session: &Session) -> Self {
        Self {
            tenant: session.tenant(),
            user: session.user(),
            username: session.username().to_owned(),
            session: session.id(),
            auth_time: session.auth_time(),
            level: session.level(),
            amr: session.amr().to_vec(),
            strength: session.strength(),
        }
    }
}
