//! Enrolment: a code that lets a person attach an authenticator to their account, once.

use crate::{Activated, Application, Auth, AuthError, Settings, account::PASSKEYS_ONLY};
use std::time::Duration;
use store::{
    PhoneRow, UserRow, fields,
    limits::Limit,
    login::{Holder, Who},
};
use types::{Millis, PhoneId, SecretString, TenantId, UserId, UserName};

/// The code's alphabet: no letter or digit that looks like another.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKMNPQRSTVWXYZ0123456789";
/// 20 characters of 5 bits: 100 bits.
const LENGTH: usize = 20;
/// How long a code lives that somebody is shown at a sign-in.
pub(crate) const HERE: Duration = Duration::from_secs(3600);
/// The longest life that may be asked for, in seconds: 30 days.
const LONGEST: u64 = 30 * 86_400;

/// A person who was asked to enrol.
pub struct Enrollment {
    /// The user.
    pub user: UserId,
    /// The name as it was given or made.
    pub username: String,
    /// 20 characters.
    pub code: SecretString,
    /// Until when, in Unix seconds.
    pub expires: i64,
}

/// How an enrolment stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EnrollStatus {
    /// An authenticator was attached.
    Success,
    /// Not yet.
    Waiting,
    /// The code is unknown, of another user, or its time is over.
    Invalid,
}

impl Auth {
    /// Makes a user (named, or with a name by chance) and a code. [`store::StoreError::Duplicate`] when the name is taken.
    pub async fn enroll(
        &self,
        app: &Application,
        username: Option<&str>,
        valid_secs: u64,
    ) -> Result<Enrollment, AuthError> {
        let now = self.world.now();
        let username = match username {
            Some(username) => username.trim().to_owned(),
            None => format!("user{}", self.world.digits(12)),
        };
        // Stored under the application's form, so that the same application finds it again.
        let name = UserName::new(&username, app.normalization)?;
        let user = new_user(UserId::new(now, self.world.random.as_ref()), &username, now);
        let (code, expires) = (self.activation_code(), now + Duration::from_secs(valid_secs.clamp(60, LONGEST)));
        let mut tx = self.store.tenant(app.tenant).begin().await?;
        tx.insert_user(&user, &name, &[]).await?;
        self.keep_code(app.tenant, &mut tx, &code, user.id, None, expires).await?;
        tx.commit().await?;
        Ok(Enrollment { user: user.id, username, code, expires: expires.seconds() })
    }

    /// A new activation code for a user, or for one phone of the user.
    pub async fn activation(
        &self,
        tenant: TenantId,
        user: UserId,
        phone: Option<PhoneId>,
        valid: Duration,
    ) -> Result<(SecretString, Millis), AuthError> {
        let (code, expires) = (self.activation_code(), self.world.now() + valid);
        let mut tx = self.store.tenant(tenant).begin().await?;
        self.keep_code(tenant, &mut tx, &code, user, phone, expires).await?;
        tx.commit().await?;
        Ok((code, expires))
    }

    /// As [`activation`](Self::activation), for somebody whom a provider has named: the code counts as long as that provider's word does.
    pub(crate) async fn activation_of_provider(
        &self,
        tenant: TenantId,
        user: UserId,
        provider: &str,
        valid: Duration,
    ) -> Result<SecretString, AuthError> {
        let (code, now) = (self.activation_code(), self.world.now());
        let scope = self.store.tenant(tenant);
        let digest = scope.keys().await?.digest(fields::ACTIVATION_CODE, &[code.expose().as_bytes()]);
        let mut tx = scope.begin().await?;
        tx.insert_activation_of_provider(digest, user, provider, now + valid, now).await?;
        tx.commit().await?;
        Ok(code)
    }

    pub(crate) fn activation_code(&self) -> SecretString {
        let letter = || ALPHABET.get(usize::try_from(self.world.below(32)).unwrap_or(0)).copied().unwrap_or(b'A');
        SecretString::new((0..LENGTH).map(|_| char::from(letter())).collect())
    }

    pub(crate) async fn keep_code(
        &self,
        tenant: TenantId,
        tx: &mut store::Tx,
        code: &SecretString,
        user: UserId,
        phone: Option<PhoneId>,
        expires: Millis,
    ) -> Result<(), AuthError> {
        let keys = self.store.tenant(tenant).keys().await?;
        let digest = keys.digest(fields::ACTIVATION_CODE, &[code.expose().as_bytes()]);
        Ok(tx.insert_activation(digest, user, phone, expires, self.world.now()).await?)
    }

    /// How the enrolment with `code` stands.
    pub async fn enroll_status(&self, app: &Application, user: UserId, code: &str) -> Result<EnrollStatus, AuthError> {
        let scope = self.store.tenant(app.tenant);
        for digest in scope.keys().await?.digest_candidates(fields::ACTIVATION_CODE, &[code.as_bytes()]) {
            if let Some((owner, expires, used)) = scope.activation(&digest).await? {
                return Ok(match (owner == user, used) {
                    (false, _) => EnrollStatus::Invalid,
                    (true, Some(_)) => EnrollStatus::Success,
                    (true, None) if expires > self.world.now() => EnrollStatus::Waiting,
                    (true, None) => EnrollStatus::Invalid,
                });
            }
        }
        Ok(EnrollStatus::Invalid)
    }

    /// Where a person who must enrol can: a link with a code that lives for an hour. An unknown name becomes a user first,
    /// where policy says that new users enrol.
    pub(crate) async fn enroll_link(
        &self,
        app: &Application,
        name: &str,
        holder: Option<&Holder>,
    ) -> Result<Option<String>, AuthError> {
        let code = self.enroll_code(app, name, holder).await?;
        Ok(code.map(|code| self.activation_url(&app.api_host, app.tenant, &code)))
    }

    /// As [`enroll_link`](Self::enroll_link), the code alone.
    pub(crate) async fn enroll_code(
        &self,
        app: &Application,
        name: &str,
        holder: Option<&Holder>,
    ) -> Result<Option<SecretString>, AuthError> {
        let life = HERE;
        let code = match holder {
            Some(holder) => self.activation(app.tenant, holder.user.id, None, life).await?.0,
            None if !self.may_make_user(app).await? => return Ok(None),
            None => match self.enroll(app, Some(name), life.as_secs()).await {
                Ok(enrollment) => enrollment.code,
                // Two first sign-ins at once: the other one made the user.
                Err(AuthError::Store(store::StoreError::Duplicate)) => {
                    // What it wrote can be read once the group that it stands in is committed: after an empty transaction.
                    self.store.tenant(app.tenant).begin().await?.commit().await?;
                    let who = Who::Name(UserName::new(name, app.normalization)?);
                    let found = self.login.find(app.tenant, who).await?.ok_or(AuthError::NoUser)?;
                    self.activation(app.tenant, found.user.id, None, life).await?.0
                }
                Err(error) => return Err(error),
            },
        };
        Ok(Some(code))
    }

    /// Whether an application may still make users in this minute: names that are only guessed must not fill the directory.
    pub(crate) async fn may_make_user(&self, app: &Application) -> Result<bool, AuthError> {
        const LIMIT: Limit = Limit { max: 300, window: Duration::from_secs(60) };
        let scope = self.store.tenant(app.tenant);
        let bucket = scope.keys().await?.digest(fields::LIMIT, &[b"enroll", app.ikey.as_bytes()]);
        let mut tx = scope.begin().await?;
        let may = tx.spend(bucket, LIMIT, 1, self.world.now()).await?;
        tx.commit().await?;
        Ok(may)
    }

    /// Uses an activation code up: attaches an authenticator with its public key to the account. Exactly one of many wins.
    pub(crate) async fn attach(
        &self,
        tenant: TenantId,
        code: &str,
        public_key: Vec<u8>,
        device_name: &str,
        passcodes: bool,
    ) -> Result<Activated, AuthError> {
        if !is_activation_code(code) {
            return Err(AuthError::Refused("not an activation code"));
        }
        let scope = self.store.tenant(tenant);
        let now = self.world.now();
        let Some(row) = scope.row().await? else {
            return Err(AuthError::Refused("the activation code is unknown, used or too old"));
        };
        if Settings::parse(&row.settings).map_err(|_| AuthError::Damaged("settings"))?.passkey_only {
            return Err(AuthError::Refused(PASSKEYS_ONLY));
        }
        for digest in scope.keys().await?.digest_candidates(fields::ACTIVATION_CODE, &[code.as_bytes()]) {
            // Looked up by a read first: guesses must not take the one place for writing.
            let Some((owner, ..)) = scope.activation(&digest).await? else { continue };
            let in_session = self.is_in_session(tenant, &digest).await?;
            let mut tx = scope.begin().await?;
            // One after the other for each user, so that an undo leaves nothing behind that was added at the same moment.
            tx.hold_user(owner).await?;
            let Some((user, phone)) = tx.spend_activation(&digest, now).await? else { continue };
            // Whoever enrolled has no use for the other links that were shown meanwhile; somebody else might.
            tx.void_activations(user, now).await?;
            let bound = phone.is_some();
            let phone = match phone {
                Some(phone) => {
                    if !tx.set_phone_key(phone, &public_key, device_name, now).await? {
                        return Err(AuthError::NoDevice);
                    }
                    phone
                }
                None => {
                    let phone =
                        new_authenticator(PhoneId::new(now, self.world.random.as_ref()), public_key, device_name, now);
                    tx.insert_phone(&phone).await?;
                    tx.attach_phone(user, phone.id).await?;
                    phone.id
                }
            };
            let seed = if passcodes { Some(self.give_passcodes(tenant, &mut tx, user, phone).await?) } else { None };
            tx.log_act(&self.world, "authenticator", "activate", &user.to_string(), &phone.to_string()).await?;
            let noted = self.note_activation(&mut tx, &digest, user, phone, bound, device_name, in_session).await?;
            tx.commit().await?;
            self.announce(noted, "").await;
            return Ok(Activated { user, phone, seed });
        }
        Err(AuthError::Refused("the activation code is unknown, used or too old"))
    }
}

/// Whether a text could be an activation code: nothing else is looked up.
pub(crate) fn is_activation_code(text: &str) -> bool {
    text.len() == LENGTH && text.bytes().all(|byte| ALPHABET.contains(&byte))
}

/// The activation code that a keyed hash stands for: the same hash, the same code.
pub(crate) fn code_of(digest: &[u8; 32]) -> SecretString {
    let letter = |byte: &u8| ALPHABET.get(usize::from(byte % 32)).copied().unwrap_or(b'A');
    SecretString::new(digest.iter().take(LENGTH).map(|byte| char::from(letter(byte))).collect())
}

/// Somebody new, of whom nothing is known but a name.
pub(crate) fn new_user(id: UserId, username: &str, now: Millis) -> UserRow {
    UserRow {
        id,
        username: username.to_owned(),
        realname: String::new(),
        firstname: String::new(),
        lastname: String::new(),
        email: String::new(),
        notes: String::new(),
        status: "active".to_owned(),
        failures: 0,
        locked_at: None,
        deleted_at: None,
        last_login: None,
        created: now,
        attributes: "{}".to_owned(),
        passkeys: 0,
    }
}

fn new_authenticator(id: PhoneId, public_key: Vec<u8>, device_name: &str, now: Millis) -> PhoneRow {
    PhoneRow {
        id,
        number: None,
        tail: None,
        extension: String::new(),
        name: String::new(),
        r#type: "mobile".to_owned(),
        platform: "generic smartphone".to_owned(),
        model: String::new(),
        predelay: 0,
        postdelay: 0,
        public_key: Some(public_key),
        device_name: device_name.to_owned(),
        last_seen: Some(now),
        sms_sent: 0,
        last_used: None,
        created: now,
    }
}
