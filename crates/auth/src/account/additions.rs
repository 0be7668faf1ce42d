//! Additions: a passkey by a ceremony in the browser, an authenticator by a code that it reads from the page.
//!
//! The state of a ceremony stands sealed in a row of its own, bound to the permit that began it; the browser carries nothing but the
//! row's id.

use super::{
    Action, Permit, Strength,
    authenticators::{Accepted, name_of},
    changes::Noted,
    grants::{ADDED, Via},
    notices::News,
    sessions::NewSession,
};
use crate::{
    Application, Auth, AuthError, log,
    sign_in::{Browser, relying_party},
};
use data_encoding::BASE64URL_NOPAD;
use std::time::Duration;
use store::{PasskeyRow, SignInRow, StoreError, Tx, UserRow, fields};
use types::{Millis, PasskeyId, PhoneId, SecretString, SignInId, TenantId, UserId, ct_eq};
use webauthn::{
    Attachment, AttestationAsk, AttestationPolicy, PersonHandle, RegisteredPasskey, RegistrationAsk, RegistrationState,
    ResidentKey, WebauthnError,
};

/// How long a ceremony may take: what WebAuthn (level 3 §15.1) recommends for the slow, and some more.
const CEREMONY_LIFE: Duration = Duration::from_secs(600);
/// How long a code for an authenticator lives: both are at hand.
const CODE_LIFE: Duration = Duration::from_secs(600);
/// So many passkeys a person may have: each stands in every list that the browser is given.
const MOST_PASSKEYS: usize = 20;
/// The purpose of rows that hold a registration.
const PURPOSE: &str = "enrollment";
/// The purpose of the keyed hash that the code of a session's one addition is made of.
const SESSION_CODE: &str = "session-activation";

/// Why no authenticator is attached where the tenant takes passkeys only.
pub(crate) const PASSKEYS_ONLY: &str = "this organisation takes passkeys only";

const OVER: AuthError = AuthError::Refused("this registration is unknown, finished or too old");

/// A registration that has begun.
pub struct Registration {
    /// Its id: comes back with the answer.
    pub id: SignInId,
    /// `PublicKeyCredentialCreationOptionsJSON`.
    pub options: serde_json::Value,
}

/// A passkey that was added.
pub struct Added {
    /// Its id.
    pub passkey: PasskeyId,
    /// Its name.
    pub name: String,
    /// For `PublicKeyCredential.signalAllAcceptedCredentials`.
    pub accepted: Accepted,
    /// After an enrolment: the session in which one more may be added.
    pub session: Option<NewSession>,
    /// Whether the person should be asked for a second authenticator: they have one only, and the tenant wants two.
    pub wants_second: bool,
}

/// A code for an authenticator.
pub struct NewAuthenticator {
    /// What the authenticator reads from a QR code, and a telephone opens as a link.
    pub link: SecretString,
    /// Until when.
    pub expires: Millis,
}

/// What a tenant asks of new passkeys.
fn attestation_policy(app: &Application) -> Result<AttestationPolicy, AuthError> {
    let asked = &app.settings.passkey_attestation;
    Ok(AttestationPolicy {
        allow_aaguids: asked.models().map_err(|_| AuthError::Damaged("settings"))?,
        require_verified: asked.require_verified,
        refuse_compromised: true,
    })
}

/// Whatever the browser sent was not what was asked for; the reason is for the log and for the page, in one word.
pub(crate) fn refused(error: &WebauthnError) -> AuthError {
    tracing::info!(reason = error.code(), "a passkey ceremony was refused");
    AuthError::Refused(error.code())
}

impl Auth {
    /// Begins to register a passkey.
    pub async fn begin_passkey(
        &self,
        permit: &Permit,
        browser: &Browser,
        attachment: Option<Attachment>,
    ) -> Result<Registration, AuthError> {
        let portal = self.portal(permit.tenant).await?;
        let party = relying_party(&portal, &browser.origin)?;
        let scope = self.store.tenant(permit.tenant);
        let user = scope.user(permit.user).await?.ok_or(AuthError::NoUser)?;
        let had = scope.passkeys_of_user(user.id).await?;
        if had.len() >= MOST_PASSKEYS {
            return Err(AuthError::Refused("too many passkeys: remove one first"));
        }
        let policy = attestation_policy(&portal)?;
        let asks_make = policy.require_verified || policy.allow_aaguids.is_some();
        let ask = RegistrationAsk {
            // Security keys that hold no discoverable credential are welcome beside a name.
            resident: ResidentKey::Preferred,
            attachment,
            attestation: if asks_make { AttestationAsk::Direct } else { AttestationAsk::None },
            ..RegistrationAsk::only_factor(had.into_iter().map(|passkey| passkey.credential_id).collect())
        };
        let random = self.world.random.as_ref();
        let (options, state) =
            party.start_registration(&person(&user), ask, random).map_err(|error| refused(&error))?;
        let id = self.keep_ceremony(permit, &state.to_bytes().map_err(|error| refused(&error))?).await?;
        Ok(Registration { id, options })
    }

    async fn keep_ceremony(&self, permit: &Permit, state: &[u8]) -> Result<SignInId, AuthError> {
        let scope = self.store.tenant(permit.tenant);
        let (keys, now, random) = (scope.keys().await?, self.world.now(), self.world.random.as_ref());
        let id = SignInId::new(now, random);
        let sealed = keys.seal(fields::sign_in_ceremony(&id), state, random).map_err(StoreError::from)?;
        let request = keys.seal(fields::sign_in_request(&id), b"{}", random).map_err(StoreError::from)?;
        let row = SignInRow {
            id,
            ikey: String::new(),
            user_id: Some(permit.user),
            browser: keys.digest(fields::SIGN_IN_BROWSER, &[id.as_bytes(), b"permit", permit.binding()]).to_vec(),
            purpose: PURPOSE.to_owned(),
            state: "open".to_owned(),
            request,
            ceremony: Some(sealed),
            attempt: None,
            canary: String::new(),
            canary_host: String::new(),
            result: None,
            code: None,
            created: now,
            expires: now + CEREMONY_LIFE,
            decided_at: None,
            redeemed_at: None,
        };
        let mut tx = scope.begin().await?;
        tx.insert_sign_in(&row).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// The sealed state of a ceremony that this permit began and nobody has finished.
    async fn ceremony(&self, permit: &Permit, id: SignInId) -> Result<Vec<u8>, AuthError> {
        let scope = self.store.tenant(permit.tenant);
        let row = scope.sign_in(id).await?.ok_or(OVER)?;
        let keys = scope.keys().await?;
        let bound = keys.digest_candidates(fields::SIGN_IN_BROWSER, &[id.as_bytes(), b"permit", permit.binding()]);
        let mine = row.purpose == PURPOSE
            && row.user_id == Some(permit.user)
            && row.state == "open"
            && self.world.now() < row.expires
            && bound.iter().any(|digest| ct_eq(digest, &row.browser));
        row.ceremony.filter(|_| mine).ok_or(OVER)
    }

    /// Takes the browser's answer (`credential.toJSON()`): verifies it, spends the permit, and adds the passkey, all or nothing.
    pub async fn finish_passkey(
        &self,
        permit: &Permit,
        browser: &Browser,
        id: SignInId,
        response: &[u8],
        name: Option<&str>,
    ) -> Result<Added, AuthError> {
        let portal = self.portal(permit.tenant).await?;
        let party = relying_party(&portal, &browser.origin)?;
        let scope = self.store.tenant(permit.tenant);
        let sealed = self.ceremony(permit, id).await?;
        let state = scope.open(fields::sign_in_ceremony(&id), &sealed).await?;
        let state = RegistrationState::from_bytes(state.expose()).map_err(|error| refused(&error))?;
        let metadata = self.metadata();
        let registered = party
            .finish_registration(state, response, &attestation_policy(&portal)?, metadata.as_deref(), self.world.now())
            .map_err(|error| refused(&error))?;
        let row = self.passkey_row(permit.user, registered, name)?;
        let mut tx = scope.begin().await?;
        if !tx.take_ceremony(id, &sealed).await? {
            return Err(OVER);
        }
        self.spend_permit(&mut tx, permit, Action::AddPasskey).await?;
        match tx.insert_passkey(&row).await {
            Err(StoreError::Duplicate) => return Err(AuthError::Refused("already_registered")),
            Ok(false) => return Err(AuthError::NoUser),
            done => done?,
        };
        let object = row.id.to_string();
        let news = News::PasskeyAdded(row.name.clone());
        let noted = self.note_change(&mut tx, permit.user, &object, permit.made_by(), news).await?;
        let detail = serde_json::json!({
            "user_id": permit.user.to_string(), "passkey_id": object, "aaguid": row.aaguid, "by": permit.made_by(),
        });
        tx.log_act(&self.world, "user", "passkey_create", &object, &detail.to_string()).await?;
        let session = match &permit.via {
            Via::Code(_) => Some(self.insert_session(&mut tx, permit.user, Strength::Enrollment, browser).await?),
            _ => None,
        };
        let has = tx.authenticators_of(permit.user).await?;
        tx.commit().await?;
        self.announce(noted, &log::ip(&browser.client)).await;
        let session = match session {
            Some((cookie, id)) => {
                Some(NewSession { cookie, id, known: self.know_browser(permit.tenant, permit.user, browser).await? })
            }
            None => None,
        };
        Ok(Added {
            passkey: row.id,
            name: row.name,
            accepted: self.accepted(permit.tenant, permit.user).await?,
            session,
            wants_second: portal.settings.two_authenticators && has < 2,
        })
    }

    fn passkey_row(
        &self,
        user: UserId,
        registered: RegisteredPasskey,
        name: Option<&str>,
    ) -> Result<PasskeyRow, AuthError> {
        let now = self.world.now();
        let name = match name.map(str::trim).filter(|name| !name.is_empty()) {
            Some(name) => name_of(name)?,
            None => registered.name_by_aaguid.unwrap_or_else(|| "Passkey".to_owned()),
        };
        Ok(PasskeyRow {
            id: PasskeyId::new(now, self.world.random.as_ref()),
            user_id: user,
            credential_id: registered.credential_id,
            credential: registered.credential,
            name,
            aaguid: registered.aaguid.to_string(),
            transports: registered.transports,
            counter: i64::from(registered.counter),
            backup_eligible: registered.backup_eligible,
            backed_up: registered.backed_up,
            user_verified: registered.user_verified,
            attestation: registered.attestation.as_str().to_owned(),
            suspended_at: None,
            suspended_reason: String::new(),
            last_used: None,
            created: now,
        })
    }

    /// Makes the code by which an authenticator is attached, and spends the permit for it. In a session that is for one addition, asking
    /// again gives the same code as long as nobody has used it, so that a page can be loaded anew.
    ///
    /// A permit of an enrolment code gives none: that code itself attaches an authenticator ([`super::Enrolment::link`]).
    pub async fn begin_authenticator(&self, permit: &Permit) -> Result<NewAuthenticator, AuthError> {
        let session = permit.session().ok_or(AuthError::Refused("the enrolment code is the code"))?;
        let portal = self.portal(permit.tenant).await?;
        if portal.settings.passkey_only {
            return Err(AuthError::Refused(PASSKEYS_ONLY));
        }
        let scope = self.store.tenant(permit.tenant);
        let keys = scope.keys().await?;
        let now = self.world.now();
        let (code, expires) = match &permit.via {
            Via::Session { expires, .. } => {
                (crate::enroll::code_of(&keys.digest(SESSION_CODE, &[session.as_bytes()])), *expires)
            }
            _ => (self.activation_code(), now + CODE_LIFE),
        };
        let link = SecretString::new(self.activation_url(&portal.api_host, permit.tenant, &code));
        let digest = keys.digest(fields::ACTIVATION_CODE, &[code.expose().as_bytes()]);
        if let Some((_, expires, used)) = scope.activation(&digest).await? {
            let open = used.is_none() && now < expires;
            return if open { Ok(NewAuthenticator { link, expires }) } else { Err(AuthError::Refused(ADDED)) };
        }
        let mut tx = scope.begin().await?;
        self.spend_permit(&mut tx, permit, Action::AddAuthenticator).await?;
        tx.insert_activation(digest, permit.user, None, expires, now).await?;
        self.mark_in_session(&mut tx, &digest, permit.user, session).await?;
        tx.commit().await?;
        Ok(NewAuthenticator { link, expires })
    }

    /// What an activation means for the account, in its transaction: a change that can be undone, and, where an enrolment code was
    /// used, leave for the page that showed it to go on.
    #[expect(clippy::too_many_arguments, reason = "the parts of one activation, known only where it happens")]
    pub(crate) async fn note_activation(
        &self,
        tx: &mut Tx,
        code: &[u8; 32],
        user: UserId,
        phone: PhoneId,
        bound: bool,
        device_name: &str,
        in_session: bool,
    ) -> Result<Noted, AuthError> {
        if !bound && !in_session {
            self.let_follow(tx, code, user).await?;
        }
        let made_by = if in_session { "user" } else { "enrollment" };
        self.note_change(tx, user, &phone.to_string(), made_by, News::AuthenticatorAdded(device_name.to_owned())).await
    }

    /// For `PublicKeyCredential.signalAllAcceptedCredentials`: what the browser may forget is what isn't in it.
    pub async fn accepted(&self, tenant: TenantId, user: UserId) -> Result<Accepted, AuthError> {
        let portal = self.portal(tenant).await?;
        let passkeys = self.store.tenant(tenant).passkeys_of_user(user).await?;
        Ok(Accepted {
            rp_id: portal.api_host.split(':').next().unwrap_or_default().to_owned(),
            user_id: BASE64URL_NOPAD.encode(user.as_bytes()),
            credential_ids: passkeys.iter().map(|passkey| BASE64URL_NOPAD.encode(&passkey.credential_id)).collect(),
        })
    }
}

/// Who a passkey is for, as the authenticator lists it.
fn person(user: &UserRow) -> PersonHandle {
    let display_name = if user.realname.is_empty() { user.username.clone() } else { user.realname.clone() };
    PersonHandle { id: user.id.as_bytes().to_vec(), name: user.username.clone(), display_name }
}
