//! What a person can sign in with, as they see it: listed, renamed, removed.

use super::{
    Action, Permit,
    changes::ChangeView,
    notices::News,
    sessions::{Session, wide},
};
use crate::{Auth, AuthError, Client, DeviceId, providers::ProviderSettings};
use store::{PhoneChange, ProviderLinkRow, fields, phone_of_app_token};
use types::{E164, Millis, PasskeyId, PhoneId, TenantId, TokenId, UserId};

/// The longest name, in bytes.
const NAME: usize = 100;

/// Everything that somebody can sign in with.
pub struct Authenticators {
    /// Passkeys, oldest first.
    pub passkeys: Vec<PasskeyView>,
    /// Telephones and authenticators, oldest first.
    pub phones: Vec<PhoneView>,
    /// Tokens, oldest first.
    pub tokens: Vec<TokenView>,
    /// Providers at whom somebody counts as this person.
    pub providers: Vec<ProviderView>,
    /// Recovery codes that are left.
    pub recovery_codes: usize,
    /// Additions that can still be undone, newest first.
    pub changes: Vec<ChangeView>,
    /// Whether another authenticator should be asked for: there is one only, and the tenant wants two.
    pub wants_second: bool,
}

/// A passkey.
pub struct PasskeyView {
    /// Its id.
    pub id: PasskeyId,
    /// Its name.
    pub name: String,
    /// Whether it is kept in step with other devices.
    pub synced: bool,
    /// How it is reached: `internal`, `hybrid`, `usb`, …, by commas.
    pub transports: String,
    /// Why it can't be used; empty if it can.
    pub suspended: String,
    /// When it was registered.
    pub created: Millis,
    /// When it was last used.
    pub last_used: Option<Millis>,
}

/// A telephone, an authenticator, or both.
pub struct PhoneView {
    /// Its id.
    pub id: PhoneId,
    /// Its name; empty if nobody gave it one.
    pub name: String,
    /// What the authenticator calls its device; empty without one.
    pub device: String,
    /// The number, but for its last digits masked; empty without one.
    pub masked_number: String,
    /// Whether it takes pushes.
    pub authenticator: bool,
    /// Whether the authenticator shows passcodes.
    pub passcodes: bool,
    /// When it was made.
    pub created: Millis,
    /// When it was last used.
    pub last_used: Option<Millis>,
}

/// A token.
pub struct TokenView {
    /// Its id.
    pub id: TokenId,
    /// Its serial number.
    pub serial: String,
    /// Duo's word for its kind: `t6`, `h6`, `yk`, …
    pub kind: String,
    /// When it was made.
    pub created: Millis,
    /// When it was last used.
    pub last_used: Option<Millis>,
}

/// A provider at whom somebody counts as this person.
pub struct ProviderView {
    /// Its key.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Since when.
    pub created: Millis,
}

/// One of the things that a person has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Held {
    /// A passkey.
    Passkey(PasskeyId),
    /// A telephone or a token.
    Device(DeviceId),
    /// The word of a provider, by its key.
    Provider(String),
}

/// For `PublicKeyCredential.signalAllAcceptedCredentials` (WebAuthn L3 §5.1.10.4): `rpId`, `userId`, `allAcceptedCredentialIds`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The relying-party id.
    pub rp_id: String,
    /// The user handle, base64url.
    pub user_id: String,
    /// The credentials that there are, base64url.
    pub credential_ids: Vec<String>,
}

impl Auth {
    /// What the session's owner can sign in with.
    pub async fn authenticators(&self, session: &Session) -> Result<Authenticators, AuthError> {
        let scope = self.store.tenant(session.tenant);
        let portal = self.portal(session.tenant).await?;
        let user = [session.user];
        let tokens: Vec<_> = scope.tokens_of_users(&user).await?.into_iter().map(|(_, token)| token).collect();
        let mut phones = Vec::new();
        for (_, phone) in scope.phones_of_users(&user).await? {
            let tail = match &phone.tail {
                Some(sealed) => {
                    let tail = scope.open(fields::phone_tail(&phone.id), sealed).await?;
                    E164::masked(&String::from_utf8_lossy(tail.expose()))
                }
                None => String::new(),
            };
            phones.push(PhoneView {
                id: phone.id,
                name: phone.name,
                device: phone.device_name,
                masked_number: tail,
                authenticator: phone.public_key.is_some(),
                passcodes: tokens.iter().any(|token| phone_of_app_token(&token.serial) == Some(phone.id)),
                created: phone.created,
                last_used: phone.last_used,
            });
        }
        let passkeys: Vec<PasskeyView> = scope
            .passkeys_of_user(session.user)
            .await?
            .into_iter()
            .map(|passkey| PasskeyView {
                id: passkey.id,
                name: passkey.name,
                synced: passkey.backed_up,
                transports: passkey.transports,
                suspended: passkey.suspended_reason,
                created: passkey.created,
                last_used: passkey.last_used,
            })
            .collect();
        let tokens: Vec<TokenView> = tokens
            .into_iter()
            // An authenticator's own passcodes stand with the authenticator.
            .filter(|token| phone_of_app_token(&token.serial).is_none())
            .map(|token| TokenView {
                id: token.id,
                serial: token.serial,
                kind: token.r#type,
                created: token.created,
                last_used: token.last_used,
            })
            .collect();
        let usable =
            passkeys.iter().filter(|passkey| passkey.suspended.is_empty()).count() + phones.len() + tokens.len();
        Ok(Authenticators {
            wants_second: portal.settings.two_authenticators && usable < 2,
            recovery_codes: scope.recovery_secrets(session.user, "code", self.world.now()).await?.len(),
            changes: self.changes(session.tenant, session.user).await?,
            providers: self.providers_of(session.tenant, session.user).await?,
            passkeys,
            phones,
            tokens,
        })
    }

    async fn providers_of(&self, tenant: TenantId, user: UserId) -> Result<Vec<ProviderView>, AuthError> {
        let scope = self.store.tenant(tenant);
        let links = scope.provider_links_of_user(user).await?;
        // Most people have none.
        let rows = if links.is_empty() { Vec::new() } else { scope.providers().await? };
        let view = |link: ProviderLinkRow| {
            let row = rows.iter().find(|row| row.key == link.provider);
            let settings = row.and_then(|row| ProviderSettings::parse(&row.settings).ok());
            let name = settings.map_or_else(|| link.provider.clone(), |settings| settings.name);
            ProviderView { key: link.provider, name, created: link.created }
        };
        Ok(links.into_iter().map(view).collect())
    }

    /// Gives a passkey or a telephone another name: nothing can be signed in with by that, so a session is enough. The passkeys that
    /// there are, for the browser.
    pub async fn rename(&self, session: &Session, what: &Held, name: &str) -> Result<Accepted, AuthError> {
        wide(session)?;
        let name = name_of(name)?;
        let scope = self.store.tenant(session.tenant);
        let phones = scope.phones_of_users(&[session.user]).await?;
        let mut tx = scope.begin().await?;
        let (renamed, object) = match what {
            Held::Passkey(id) => (tx.rename_passkey(*id, session.user, &name).await?, id.to_string()),
            Held::Device(DeviceId::Phone(id)) => {
                let change = PhoneChange { name: Some(name), ..PhoneChange::default() };
                let mine = phones.iter().any(|(_, phone)| phone.id == *id);
                (mine && tx.change_phone(*id, &change).await?, id.to_string())
            }
            Held::Device(DeviceId::Token(_)) => return Err(AuthError::Refused("a token has no name but its number")),
            Held::Provider(_) => return Err(AuthError::Refused("a provider's name is the organisation's")),
        };
        if !renamed {
            return Err(AuthError::NoDevice);
        }
        let detail = serde_json::json!({ "user_id": session.user.to_string(), "object": object });
        tx.log_act(&self.world, "user", "authenticator_rename", &session.username, &detail.to_string()).await?;
        tx.commit().await?;
        self.accepted(session.tenant, session.user).await
    }

    /// Takes something away for good, ends the other sessions and what applications were granted beside this one, and tells the owner. The passkeys that are left, for the browser.
    ///
    /// [`AuthError::Refused`] for the last thing that somebody can sign in with, as long as they have no recovery codes.
    pub async fn remove(&self, permit: &Permit, what: &Held, client: &Client) -> Result<Accepted, AuthError> {
        let (user, now) = (permit.user, self.world.now());
        let scope = self.store.tenant(permit.tenant);
        let recovery = !scope.recovery_secrets(user, "code", now).await?.is_empty();
        // Read before the transaction: inside it only its own connection may be used.
        let (label, shared) = self.held(permit, what).await?;
        let mut tx = scope.begin().await?;
        if let Held::Provider(_) = what {
            // What its word has begun ends with the link. Sign-ins, then the user: whoever adds something holds them in this order.
            tx.drop_sign_ins(user).await?;
        }
        self.spend_permit(&mut tx, permit, Action::Remove).await?;
        let (removed, object) = match what {
            Held::Passkey(id) => (tx.delete_passkey(user, *id).await?, id.to_string()),
            // A telephone that others use too stays theirs.
            Held::Device(DeviceId::Phone(id)) if shared => (tx.detach_phone(user, *id).await?, id.to_string()),
            Held::Device(DeviceId::Phone(id)) => (tx.delete_phone(*id).await?, id.to_string()),
            Held::Device(DeviceId::Token(id)) => (tx.detach_token(user, *id).await?, id.to_string()),
            Held::Provider(key) => {
                tx.void_activations(user, now).await?;
                (tx.delete_provider_link(user, key).await?, key.clone())
            }
        };
        if !removed {
            return Err(AuthError::NoDevice);
        }
        if tx.authenticators_of(user).await? == 0 && !recovery {
            return Err(AuthError::Refused("this is the last one: add another or make recovery codes first"));
        }
        // It may be taken away because somebody else has it, and a remembered browser with it.
        tx.end_everything_granted(user, permit.session(), now).await?;
        tx.distrust_devices(user).await?;
        let detail = serde_json::json!({ "user_id": user.to_string(), "object": object });
        let kind = match what {
            Held::Passkey(_) => "passkey",
            Held::Device(DeviceId::Phone(_)) => "authenticator",
            Held::Device(DeviceId::Token(_)) => "token",
            Held::Provider(_) => "provider",
        };
        tx.tell_credential(&self.world, user, kind, "delete").await?;
        tx.log_act(&self.world, "user", "authenticator_remove", &object, &detail.to_string()).await?;
        tx.commit().await?;
        self.tell(permit.tenant, user, &News::Removed(label), &crate::log::ip(client), None).await;
        self.accepted(permit.tenant, user).await
    }

    /// What something of the permit's owner is called, and whether others have it too.
    async fn held(&self, permit: &Permit, what: &Held) -> Result<(String, bool), AuthError> {
        let scope = self.store.tenant(permit.tenant);
        let user = permit.user;
        Ok(match what {
            Held::Passkey(id) => {
                let row = scope.passkey(*id).await?.filter(|row| row.user_id == user).ok_or(AuthError::NoDevice)?;
                (row.name, false)
            }
            Held::Device(DeviceId::Phone(id)) => {
                let phones = scope.phones_of_users(&[user]).await?;
                let (_, row) = phones.into_iter().find(|(_, row)| row.id == *id).ok_or(AuthError::NoDevice)?;
                let shared = scope.users_of_phones(&[*id]).await?.len() > 1;
                (if row.name.is_empty() { row.device_name } else { row.name }, shared)
            }
            Held::Device(DeviceId::Token(id)) => {
                let tokens = scope.tokens_of_users(&[user]).await?;
                let (_, row) = tokens.into_iter().find(|(_, row)| row.id == *id).ok_or(AuthError::NoDevice)?;
                (row.serial, true)
            }
            Held::Provider(key) => {
                let mut views = self.providers_of(permit.tenant, user).await?.into_iter();
                (views.find(|view| view.key == *key).ok_or(AuthError::NoDevice)?.name, false)
            }
        })
    }
}

/// A name that a person gives: one line, not empty.
pub(super) fn name_of(text: &str) -> Result<String, AuthError> {
    let text = text.trim();
    if text.is_empty() || text.len() > NAME || text.chars().any(char::is_control) {
        return Err(AuthError::Refused("a name has 1 to 100 bytes and no control characters"));
    }
    Ok(text.to_owned())
}
