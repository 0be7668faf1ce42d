//! One-time-password tokens: the seed sealed, and the counter before the next code.

use crate::{
    DirectoryError, Scope,
    error::{found, taken},
    text,
};
use data_encoding::{BASE32_NOPAD, HEXLOWER_PERMISSIVE};
use serde_json::json;
use store::{Addition, TokenRow, fields};
use types::{SecretBytes, SecretString, TokenId, UserId, World};
use zeroize::Zeroizing;

/// The shortest seed, in bytes (RFC 4226 §4, R6: 128 bits).
const SHORTEST: usize = 16;
/// The longest.
const LONGEST: usize = 64;
/// What a counter can be set to at most.
const LAST_COUNTER: i64 = 1 << 48;

/// The seed of a token: 16 to 64 bytes.
#[derive(Clone)]
pub struct Seed(SecretBytes);

impl Seed {
    /// Reads hexadecimal digits, as Duo's Admin API takes them.
    pub fn from_hex(text: &SecretString) -> Result<Self, DirectoryError> {
        Self::take(hex(text.expose(), "secret")?)
    }

    /// Reads base 32 (RFC 4648 §6), with or without padding, spaces and capitals: as authenticator apps and `otpauth:` URLs have it.
    pub fn from_base32(text: &SecretString) -> Result<Self, DirectoryError> {
        let mut plain = Zeroizing::new(String::with_capacity(text.expose().len()));
        plain.extend(text.expose().chars().filter(|c| !matches!(c, ' ' | '-' | '=')).map(|c| c.to_ascii_uppercase()));
        let bytes = BASE32_NOPAD.decode(plain.as_bytes()).map_err(|_| DirectoryError::Invalid("secret"))?;
        Self::take(bytes)
    }

    /// A new one: 20 bytes, as RFC 4226 recommends.
    #[must_use]
    pub fn generate(world: &World) -> Self {
        Self(SecretBytes::new(world.bytes::<20>().to_vec()))
    }

    fn take(bytes: Vec<u8>) -> Result<Self, DirectoryError> {
        let seed = SecretBytes::new(bytes);
        if (SHORTEST..=LONGEST).contains(&seed.expose().len()) {
            Ok(Self(seed))
        } else {
            Err(DirectoryError::Invalid("secret"))
        }
    }

    /// In base 32 without padding, to be shown once.
    #[must_use]
    pub fn to_base32(&self) -> SecretString {
        SecretString::new(BASE32_NOPAD.encode(self.0.expose()))
    }

    /// The bytes, for the one who makes codes of it.
    #[must_use]
    pub const fn bytes(&self) -> &SecretBytes {
        &self.0
    }
}

fn hex(text: &str, what: &'static str) -> Result<Vec<u8>, DirectoryError> {
    HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes()).map_err(|_| DirectoryError::Invalid(what))
}

/// A token to be made. What identifies it within its kind is the maker's serial.
#[derive(Clone)]
pub enum NewToken {
    /// RFC 4226, 6 or 8 digits.
    Hotp {
        /// The maker's serial.
        serial: String,
        /// Its seed.
        seed: Seed,
        /// 6 or 8.
        digits: u8,
        /// The counter of the next code.
        next: i64,
    },
    /// RFC 6238, 6 or 8 digits.
    Totp {
        /// The maker's serial.
        serial: String,
        /// Its seed.
        seed: Seed,
        /// 6 or 8.
        digits: u8,
        /// Seconds of a step: 30 or 60.
        step: i64,
    },
    /// Yubico OTP.
    Yubico {
        /// The maker's serial.
        serial: String,
        /// The AES key, 16 bytes, in hexadecimal digits.
        aes_key: SecretString,
        /// The private id, 6 bytes, in hexadecimal digits.
        private_id: SecretString,
    },
}

/// What a token's row is made of.
struct Parts {
    r#type: &'static str,
    serial: String,
    secret: SecretBytes,
    digits: i64,
    period: i64,
    counter: i64,
}

impl NewToken {
    fn check(&self) -> Result<Parts, DirectoryError> {
        let pick = |digits: u8, six, eight| match digits {
            6 => Ok((six, 6)),
            8 => Ok((eight, 8)),
            _ => Err(DirectoryError::Invalid("type")),
        };
        match self {
            Self::Hotp { serial, seed, digits, next } => {
                let (r#type, digits) = pick(*digits, "h6", "h8")?;
                let counter = text::within(*next, 0..=LAST_COUNTER, "counter")? - 1;
                Ok(Parts { r#type, serial: label(serial)?, secret: seed.0.clone(), digits, period: 0, counter })
            }
            Self::Totp { serial, seed, digits, step } => {
                let (r#type, digits) = pick(*digits, "t6", "t8")?;
                let period = period(*step)?;
                Ok(Parts { r#type, serial: label(serial)?, secret: seed.0.clone(), digits, period, counter: -1 })
            }
            Self::Yubico { serial, aes_key, private_id } => {
                let key = Zeroizing::new(hex(aes_key.expose(), "aes_key")?);
                let id = Zeroizing::new(hex(private_id.expose(), "private_id")?);
                if key.len() != 16 {
                    return Err(DirectoryError::Invalid("aes_key"));
                }
                if id.len() != 6 {
                    return Err(DirectoryError::Invalid("private_id"));
                }
                let mut secret = Vec::with_capacity(22);
                secret.extend_from_slice(&key);
                secret.extend_from_slice(&id);
                let secret = SecretBytes::new(secret);
                Ok(Parts { r#type: "yk", serial: label(serial)?, secret, digits: 44, period: 0, counter: -1 })
            }
        }
    }
}

fn period(step: i64) -> Result<i64, DirectoryError> {
    if step == 30 || step == 60 { Ok(step) } else { Err(DirectoryError::Invalid("totp_step")) }
}

fn label(serial: &str) -> Result<String, DirectoryError> {
    text::name(serial, 128, "serial")
}

impl Scope<'_> {
    /// Makes a token that nobody has yet. [`DirectoryError::Duplicate`] when there is one of this type and serial.
    pub async fn create_token(&self, token: &NewToken) -> Result<TokenRow, DirectoryError> {
        let Parts { r#type, serial, secret, digits, period, counter } = token.check()?;
        let now = self.world().now();
        let id = TokenId::new(now, self.world().random.as_ref());
        let keys = self.rows().keys().await?;
        let row = TokenRow {
            id,
            r#type: r#type.to_owned(),
            serial,
            seed: keys.seal(fields::token_seed(&id), secret.expose(), self.world().random.as_ref())?,
            digits,
            period,
            counter,
            drift: 0,
            last_used: None,
            created: now,
        };
        let mut tx = self.begin().await?;
        tx.insert_token(&row).await.map_err(taken("token"))?;
        let detail = json!({ "token_id": id.to_string(), "type": row.r#type });
        self.log(&mut tx, "hardtoken_create", &row.serial, detail).await?;
        tx.commit().await?;
        Ok(row)
    }

    pub(crate) async fn token(&self, id: TokenId) -> Result<TokenRow, DirectoryError> {
        self.rows().token(id).await?.ok_or(DirectoryError::NotFound("token"))
    }

    /// Sets the seconds of a TOTP token's step: 30 or 60. [`DirectoryError::Invalid`] for a token that doesn't go by time.
    pub async fn set_token_step(&self, id: TokenId, step: i64) -> Result<(), DirectoryError> {
        let (token, step) = (self.token(id).await?, period(step)?);
        if !token.r#type.starts_with('t') {
            return Err(DirectoryError::Invalid("totp_step"));
        }
        let mut tx = self.begin().await?;
        found(tx.set_token_period(id, step).await?, "token")?;
        let detail = json!({ "token_id": id.to_string(), "totp_step": step });
        self.log(&mut tx, "hardtoken_update", &token.serial, detail).await?;
        Ok(tx.commit().await?)
    }

    /// Deletes a token.
    pub async fn delete_token(&self, id: TokenId) -> Result<(), DirectoryError> {
        let token = self.token(id).await?;
        let mut tx = self.begin().await?;
        found(tx.delete_token(id).await?, "token")?;
        self.log(&mut tx, "hardtoken_delete", &token.serial, json!({ "token_id": id.to_string() })).await?;
        Ok(tx.commit().await?)
    }

    /// Gives a user a token, which may be the user's already. [`DirectoryError::Guarded`] where that takes two.
    pub async fn attach_token(&self, user: UserId, token: TokenId) -> Result<Option<Addition>, DirectoryError> {
        let (row, of_token, keys) = (self.user(user).await?, self.token(token).await?, self.rows().keys().await?);
        let had = self.rows().tokens_of_users(&[user]).await?.iter().any(|(_, had)| had.id == token);
        if !had {
            self.admit_addition(user).await?;
        }
        let mut tx = self.begin().await?;
        tx.hold_user(user).await?;
        let before = if had { 0 } else { tx.authenticators_of(user).await? };
        found(tx.attach_token(user, token).await?, "token")?;
        let what = ("token", &*token.to_string(), &*of_token.serial);
        let added = self.note_addition(&mut tx, user, before, &keys, what).await?;
        let detail = json!({ "user_id": user.to_string(), "token_id": token.to_string() });
        self.log(&mut tx, "hardtoken_associate", &row.username, detail).await?;
        tx.commit().await?;
        Ok(added)
    }

    /// Takes a token from a user, who may not have it.
    pub async fn detach_token(&self, user: UserId, token: TokenId) -> Result<(), DirectoryError> {
        let (row, _) = (self.user(user).await?, self.token(token).await?);
        let mut tx = self.begin().await?;
        if tx.detach_token(user, token).await? {
            tx.tell_credential(self.world(), user, "token", "delete").await?;
            let detail = json!({ "user_id": user.to_string(), "token_id": token.to_string() });
            self.log(&mut tx, "hardtoken_disassociate", &row.username, detail).await?;
        }
        Ok(tx.commit().await?)
    }
}
