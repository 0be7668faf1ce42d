//! What is granted to applications: codes, refresh tokens, access tokens.
//!
//! All that comes of one sign-in hangs on one *family*; what was exchanged has one of its own, which ends with each that it comes from. In
//! the store stand keyed hashes only.
//!
//! | | lives | is used | presented again |
//! |---|---|---|---|
//! | code | [`CODE_LIFE`] | once | the family ends, with all its tokens |
//! | refresh token | as long as it is used within its idle time, and no longer than its family | once; a new one takes its place | the family ends |
//! | refresh token of a FAPI client | the same | again and again: it is worth nothing without the client's key | – |
//! | access token, opaque | the client's setting | again and again | – |
//! | access token, signed | the client's setting, at most [`LONGEST_TOKEN`](crate::signing::LONGEST_TOKEN) | again and again | – |
//!
//! There is no grace for a refresh token that was used a moment ago. Who asks twice at once may be a client and a thief, and nobody can tell
//! which of the two was first: one gets tokens, and they end with the family as soon as the other asks.
//!
//! Nothing here is given, and no token is found good, without asking the engine whether its person may still sign in; so a person who is
//! disabled, locked out or deleted has no tokens from that moment, but for signed ones at resources that ask nobody, until these end.

mod access;
mod device;
mod error;
mod housekeeping;
mod mint;
mod once;
mod pkce;
mod proof;
mod redeem;
mod revoke;
mod strangers;

pub use access::Access;
pub use device::{DEVICE_LIFE, DeviceAsked, DeviceCodes, DeviceRequest, Polled, Typist};
pub use error::GrantError;
pub use mint::{Minted, Want};
pub use once::PUSHED_LIFE;
pub use proof::{BadToken, ClientCertificates, ProofError, Proving, Scheme, brought};
pub use redeem::Present;
pub use revoke::revoke;
pub use store::Ended;

use crate::{RelyingParty, SsoError, signing::SigningKeys};
use auth::{Application, Auth, account::Strength, sign_in::Level};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use store::{GrantFamilyRow, GrantTokenRow, Outcome, Plan, StoreError, Tx, fields, login::Holder};
use types::{GrantId, Millis, SecretString, SessionId, TenantId, UserId};

/// How long a code waits for its client.
pub const CODE_LIFE: Duration = Duration::from_secs(60);

/// Prefixes by which a token that leaked can be recognised (see [`keys::Token`]).
const CODE: Kind = Kind { name: "code", prefix: "csco" };
const REFRESH: Kind = Kind { name: "refresh", prefix: "csrt" };
const ACCESS: Kind = Kind { name: "access", prefix: "csat" };

/// A kind of token.
#[derive(Clone, Copy)]
struct Kind {
    name: &'static str,
    prefix: &'static str,
}

/// The grants of all tenants.
pub struct Grants {
    auth: Arc<Auth>,
    keys: Arc<SigningKeys>,
}

/// To which key tokens are bound: stolen, they are worth nothing without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Binding {
    /// A DPoP key's thumbprint (RFC 9449 §6.1).
    #[serde(rename = "jkt")]
    Key(String),
    /// A certificate's thumbprint (RFC 8705 §3.1).
    #[serde(rename = "x5t#S256")]
    Certificate(String),
}

/// What was granted: sealed beside its family.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Granted {
    /// To whom.
    pub client_id: String,
    /// `sub`: what the person is called at the client, or the client itself.
    pub subject: String,
    /// For what.
    pub scopes: Vec<String>,
    /// At which resources (RFC 8707); none: at this server.
    pub resources: Vec<String>,
    /// Where the code was sent.
    pub redirect_uri: Option<String>,
    /// PKCE's challenge, by S256.
    pub code_challenge: Option<String>,
    /// The key for which the code was asked (`dpop_jkt`, RFC 9449 §10).
    pub code_key: Option<String>,
    /// The request's `nonce`, for the id token.
    pub nonce: Option<String>,
    /// The request's `claims`.
    pub claims: Option<Value>,
    /// How strongly the person had proved who they are, when this was granted.
    pub acr: Option<String>,
    /// By what.
    pub amr: Vec<String>,
    /// The same, as policy knows it; none where a release granted it that didn't say.
    pub strength: Option<String>,
    /// When, in seconds since 1970.
    pub auth_time: Option<i64>,
    /// The session's name at the client.
    pub sid: Option<String>,
    /// The key to which tokens are bound.
    pub binding: Option<Binding>,
    /// Who acts for the person (RFC 8693 §4.1).
    pub act: Option<Value>,
    /// The families from which this one was exchanged, the latest first: it ends with each of them.
    pub exchanged_from: Vec<String>,
    /// Whether refresh tokens are given.
    pub refresh: bool,
    /// Whether a refresh token is used once.
    pub rotates: bool,
}

impl Grants {
    /// Starts them; needs a Tokio runtime, on which what is over is removed until they are dropped.
    #[must_use]
    pub fn start(auth: Arc<Auth>, keys: Arc<SigningKeys>) -> Arc<Self> {
        let grants = Arc::new(Self { auth, keys });
        housekeeping::start(&grants);
        grants
    }

    /// The keys that sign.
    #[must_use]
    pub const fn keys(&self) -> &Arc<SigningKeys> {
        &self.keys
    }

    /// Makes a code for what `user` has just been signed in for, in `session`. Whether refresh tokens will come of it, and whether they end with
    /// the session, the client's settings and the scope `offline_access` say.
    ///
    /// # Errors
    /// [`SsoError::Over`] where the session has ended meanwhile, or a consent that it takes was withdrawn.
    pub async fn issue_code(
        &self,
        party: &RelyingParty,
        user: UserId,
        session: SessionId,
        granted: Granted,
    ) -> Result<SecretString, SsoError> {
        let client = party.oidc().ok_or(SsoError::Damaged("relying party"))?;
        let now = self.now();
        let granted = with_refresh(client, granted);
        let life = if granted.refresh {
            seconds(client.refresh_token_seconds)
        } else {
            CODE_LIFE + seconds(client.access_token_seconds)
        };
        let family = self.family(&party.app, Some(user), lasting(client, &granted, session), &granted, now + life);
        let (family, (code, token)) = (family.await?, self.token(party.tenant(), CODE, now + CODE_LIFE).await?);
        let token = GrantTokenRow { family: family.id, ..token };
        let mut plan = self.auth.store().tenant(party.tenant()).plan();
        plan_to_hold(&mut plan, session, user, now);
        if takes_consent(client, &granted) {
            let agreed = plan.hold_consent(user, party.ikey());
            plan.require(agreed);
        }
        plan.insert_grant_family(&family);
        plan.insert_grant_token(&token);
        match plan.commit().await? {
            Outcome::Committed(_) => Ok(code),
            Outcome::RolledBack(_) => Err(SsoError::Over),
        }
    }

    fn now(&self) -> Millis {
        self.auth.world().now()
    }

    /// A family's row.
    async fn family(
        &self,
        app: &Application,
        user: Option<UserId>,
        session: Option<SessionId>,
        granted: &Granted,
        expires: Millis,
    ) -> Result<GrantFamilyRow, SsoError> {
        let now = self.now();
        let id = GrantId::new(now, self.auth.world().random.as_ref());
        let detail = self.seal_granted(app.tenant, id, granted).await?;
        let ikey = app.ikey.clone();
        Ok(GrantFamilyRow {
            id,
            user_id: user,
            ikey,
            session_id: session,
            detail,
            created: now,
            expires,
            revoked_at: None,
        })
    }

    async fn seal_granted(&self, tenant: TenantId, id: GrantId, granted: &Granted) -> Result<Vec<u8>, SsoError> {
        let text = serde_json::to_vec(granted).map_err(|_| SsoError::Damaged("grant"))?;
        let keys = self.auth.store().tenant(tenant).keys().await?;
        let random = self.auth.world().random.as_ref();
        Ok(keys.seal(fields::grant_family(&id), &text, random).map_err(StoreError::from)?)
    }

    async fn open_granted(&self, tenant: TenantId, family: &GrantFamilyRow) -> Result<Granted, SsoError> {
        let scope = self.auth.store().tenant(tenant);
        let text = scope.open(fields::grant_family(&family.id), &family.detail).await?;
        serde_json::from_slice(text.expose()).map_err(|_| SsoError::Damaged("grant"))
    }

    /// A new token with its row, which has no family yet.
    async fn token(
        &self,
        tenant: TenantId,
        kind: Kind,
        expires: Millis,
    ) -> Result<(SecretString, GrantTokenRow), SsoError> {
        let world = self.auth.world();
        let token = keys::Token::generate(kind.prefix, world.random.as_ref());
        let keys = self.auth.store().tenant(tenant).keys().await?;
        let digest = keys.digest(fields::GRANT_TOKEN, &[kind.name.as_bytes(), token.expose().as_bytes()]).to_vec();
        let row = GrantTokenRow {
            digest,
            kind: kind.name.to_owned(),
            family: GrantId::from_bytes([0; 16]),
            generation: 0,
            detail: None,
            expires,
            used_at: None,
        };
        Ok((SecretString::new(token.expose().to_owned()), row))
    }

    /// What stands under a token's hash. A text that is too long or too short is none, before anything is looked up.
    async fn find(
        &self,
        tenant: TenantId,
        kind: Kind,
        text: &str,
    ) -> Result<Option<(GrantTokenRow, store::StandingGrant)>, SsoError> {
        let Ok(token) = keys::Token::parse(kind.prefix, text) else { return Ok(None) };
        let scope = self.auth.store().tenant(tenant);
        let times = self.auth.session_times(tenant).await?;
        let parts: [&[u8]; 2] = [kind.name.as_bytes(), token.expose().as_bytes()];
        for digest in scope.keys().await?.digest_candidates(fields::GRANT_TOKEN, &parts) {
            if let Some(mut found) = scope.grant_by_token(&digest, times).await?
                && let Some(token) = found.token.take()
                && token.kind == kind.name
            {
                return Ok(Some((token, found)));
            }
        }
        Ok(None)
    }
}

impl Grants {
    /// Whether what a person had proved when this was granted is what the application asks for now, of this person and by its policy.
    fn suits(&self, party: &RelyingParty, holder: &Holder, granted: &Granted) -> bool {
        let level = granted.acr.as_deref().and_then(Level::of_acr).unwrap_or(Level::Single);
        let strength = granted.strength.as_deref().map(Strength::parse);
        let allowed = match strength {
            Some(Ok(strength)) => self.auth.suits(&party.app, holder, strength),
            Some(Err(_)) => false,
            None => true,
        };
        allowed && level >= party.settings.level()
    }
}

/// Holds the session in which something is granted until that is committed, also what will outlive it: whoever ends all that was granted to
/// the person in this moment comes before, and nothing is granted, or after, and finds it.
async fn hold(tx: &mut Tx, session: SessionId, user: UserId, now: Millis) -> Result<(), SsoError> {
    tx.hold_session(session, user, now).await?.map(drop).ok_or(SsoError::Over)
}

/// As [`hold`]; nothing of the plan is done where the session is over.
fn plan_to_hold(plan: &mut Plan<'_>, session: SessionId, user: UserId, now: Millis) {
    let held = plan.hold_session(session, user, now);
    plan.require(held);
}

/// Whether it stands on what its person has agreed to.
const fn takes_consent(client: &crate::OidcClient, granted: &Granted) -> bool {
    !client.first_party && !granted.scopes.is_empty()
}

/// Whether refresh tokens are given, and how they are used.
fn with_refresh(client: &crate::OidcClient, granted: Granted) -> Granted {
    let refresh = client.may(crate::GrantType::RefreshToken);
    // FAPI 2.0 §5.3.2.1: a refresh token is held by the client's key, and a lost answer must not cost the grant.
    Granted { refresh, rotates: !client.fapi, ..granted }
}

/// The session with which a grant ends, unless it goes on without the person.
fn lasting(client: &crate::OidcClient, granted: &Granted, session: SessionId) -> Option<SessionId> {
    let goes_on = client.offline || granted.scopes.iter().any(|scope| scope == "offline_access");
    (!(goes_on && granted.refresh)).then_some(session)
}

fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(seconds.into())
}
