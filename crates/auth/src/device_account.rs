//! What an authenticator can do about itself: tell whose it is, take a name, show passcodes offline, move to another telephone, go.
//!
//! Each of these needs the device's signature, counts once, and stands in the log. What a device changes is itself and nothing else
//! of the account.

use crate::{Auth, AuthError, Settings, VerifiedDevice, account::News, device::check_name};
use std::time::Duration;
use store::{
    APP_TOKEN_TYPE, PhoneChange, PhoneRow, StoreError, TokenRow, Tx, UserRow, app_token_serial, fields, limits::Limit,
};
use types::{PhoneId, SecretBytes, SecretString, TenantId, TokenId, UserId};

/// How long a code for the next telephone lives: both are at hand.
const MOVE_LIFE: Duration = Duration::from_secs(600);
/// Why a device isn't removed: its owner couldn't sign in any more.
pub const LAST_ONE: &str = "this is the last one: add another or make recovery codes first";
/// A seed of 160 bits, as RFC 4226 §4 recommends.
const SEED: usize = 20;

/// What a device shows of the account that it stands for.
#[derive(Debug)]
pub struct DeviceAccount {
    /// The organisation's name.
    pub organisation: String,
    /// The name that it uses towards people.
    pub brand: String,
    /// The host of its pages.
    pub api_host: String,
    /// The user's name.
    pub username: String,
    /// What the device is called.
    pub name: String,
    /// Since when it answers, in Unix seconds.
    pub created: i64,
    /// Whether it shows passcodes.
    pub passcodes: bool,
    /// Whether it is woken by pushes.
    pub push: bool,
}

/// A code by which another telephone takes this one's place.
pub struct Moving {
    /// `https://HOST/activate/TENANT/CODE`.
    pub link: SecretString,
    /// Until when, in Unix seconds.
    pub expires: i64,
}

impl Auth {
    /// Whose the device is, and what it is called.
    pub async fn device_account(&self, device: &VerifiedDevice) -> Result<DeviceAccount, AuthError> {
        let scope = self.store.tenant(device.tenant);
        let tenant = scope.row().await?.ok_or(AuthError::NoDevice)?;
        let settings = Settings::parse(&tenant.settings).map_err(|_| AuthError::Damaged("settings"))?;
        let phone = &device.phone;
        Ok(DeviceAccount {
            organisation: tenant.name,
            brand: settings.brand,
            api_host: tenant.api_host,
            username: self.owner(device).await?.username,
            name: name_of(phone),
            created: phone.created.seconds(),
            passcodes: scope.token_by_serial(APP_TOKEN_TYPE, &app_token_serial(phone.id)).await?.is_some(),
            push: scope.push_subscription(phone.id).await?.is_some(),
        })
    }

    /// Gives the device another name.
    pub async fn rename_device(&self, device: &VerifiedDevice, name: &str) -> Result<(), AuthError> {
        let name = name.trim();
        check_name(name)?;
        let mut tx = self.store.tenant(device.tenant).begin().await?;
        self.first_time(device, &mut tx).await?;
        let change = PhoneChange { name: Some(name.to_owned()), ..PhoneChange::default() };
        if !tx.change_phone(device.phone.id, &change).await? {
            return Err(AuthError::NoDevice);
        }
        self.log_device(&mut tx, "rename", device).await?;
        Ok(tx.commit().await?)
    }

    /// Ends the device: its key answers nothing any more, its passcodes and its subscription are gone. A telephone with a number
    /// stays for calls and messages; without one it goes. Its owner is told on all channels.
    ///
    /// [`LAST_ONE`] for the last thing that somebody can sign in with, as long as they have no recovery codes.
    pub async fn remove_device(&self, device: &VerifiedDevice) -> Result<(), AuthError> {
        let scope = self.store.tenant(device.tenant);
        let now = self.world.now();
        let owners = scope.users_of_phones(&[device.phone.id]).await?;
        // Read before the transaction: inside it only its own connection may be used.
        let mut recover = Vec::with_capacity(owners.len());
        for (_, owner) in &owners {
            recover.push(!scope.recovery_secrets(owner.id, "code", now).await?.is_empty());
        }
        let mut tx = scope.begin().await?;
        self.first_time(device, &mut tx).await?;
        for (_, owner) in &owners {
            tx.hold_user(owner.id).await?;
        }
        let gone = match device.phone.number {
            Some(_) => tx.clear_phone_key(device.phone.id).await?,
            None => tx.delete_phone(device.phone.id).await?,
        };
        if !gone {
            return Err(AuthError::NoDevice);
        }
        for ((_, owner), recovers) in owners.iter().zip(recover) {
            if !recovers && tx.authenticators_of(owner.id).await? == 0 {
                return Err(AuthError::Refused(LAST_ONE));
            }
        }
        self.log_device(&mut tx, "remove", device).await?;
        tx.commit().await?;
        for (_, owner) in owners {
            self.tell(device.tenant, owner.id, &News::Removed(name_of(&device.phone)), "", None).await;
        }
        Ok(())
    }

    /// Makes a code by which another telephone takes this one's place: when it is used, this device's key, passcodes and
    /// subscription end. Five in an hour at most.
    pub async fn move_device(&self, device: &VerifiedDevice) -> Result<Moving, AuthError> {
        const LIMIT: Limit = Limit { max: 5, window: Duration::from_secs(3600) };
        let scope = self.store.tenant(device.tenant);
        let owner = self.owner(device).await?;
        let tenant = scope.row().await?.ok_or(AuthError::NoDevice)?;
        let bucket = scope.keys().await?.digest(fields::LIMIT, &[b"device-move", device.phone.id.as_bytes()]);
        let now = self.world.now();
        let mut tx = scope.begin().await?;
        self.first_time(device, &mut tx).await?;
        if !tx.spend(bucket, LIMIT, 1, now).await? {
            return Err(AuthError::Limited { retry_after: LIMIT.window });
        }
        self.log_device(&mut tx, "move", device).await?;
        tx.commit().await?;
        let (code, expires) = self.activation(device.tenant, owner.id, Some(device.phone.id), MOVE_LIFE).await?;
        let link = SecretString::new(self.activation_url(&tenant.api_host, device.tenant, &code));
        Ok(Moving { link, expires: expires.seconds() })
    }

    /// Makes the token of the passcodes that the authenticator on `phone` shows, in the transaction of its activation.
    pub(crate) async fn give_passcodes(
        &self,
        tenant: TenantId,
        tx: &mut Tx,
        user: UserId,
        phone: PhoneId,
    ) -> Result<SecretBytes, AuthError> {
        let now = self.world.now();
        let id = TokenId::new(now, self.world.random.as_ref());
        let seed = SecretBytes::new(self.world.bytes::<SEED>().to_vec());
        let keys = self.store.tenant(tenant).keys().await?;
        let sealed = keys.seal(fields::token_seed(&id), seed.expose(), self.world.random.as_ref());
        let token = TokenRow {
            id,
            r#type: APP_TOKEN_TYPE.to_owned(),
            serial: app_token_serial(phone),
            seed: sealed.map_err(StoreError::from)?,
            digits: 6,
            period: 30,
            counter: -1,
            drift: 0,
            last_used: None,
            created: now,
        };
        tx.insert_token(&token).await?;
        tx.attach_token(user, id).await?;
        Ok(seed)
    }

    async fn owner(&self, device: &VerifiedDevice) -> Result<UserRow, AuthError> {
        let owners = self.store.tenant(device.tenant).users_of_phones(&[device.phone.id]).await?;
        owners.into_iter().next().map(|(_, user)| user).ok_or(AuthError::Refused("the device belongs to nobody"))
    }

    async fn log_device(&self, tx: &mut Tx, act: &str, device: &VerifiedDevice) -> Result<(), AuthError> {
        let phone = device.phone.id.to_string();
        Ok(tx.log_act(&self.world, "authenticator", act, &phone, &device.phone.device_name).await?)
    }
}

/// What the device is called: by its owner, else by itself.
fn name_of(phone: &PhoneRow) -> String {
    if phone.name.is_empty() { phone.device_name.clone() } else { phone.name.clone() }
}
