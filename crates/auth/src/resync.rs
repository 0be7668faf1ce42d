//! What an administrator does to a person's devices that only the engine can do: find a token's counter, send passcodes.

use crate::{
    Application, Auth, AuthError, Client, Outcome,
    otp::{self, Totp},
};
use store::{fields, login::Who};
use types::{PhoneId, SecretString, TenantId, TokenId};

/// How far a HOTP counter may have run ahead (RFC 4226 §7.4: codes pressed and never used).
const COUNTERS: i64 = 1_000;

impl Auth {
    /// Moves a token to where two or three codes, given one after the other, say that it stands. Whether they did; they count as used.
    ///
    /// [`AuthError::NoDevice`] when there is no such token. A Yubico token carries its counter in each code and never needs this.
    pub async fn resync_token(&self, tenant: TenantId, id: TokenId, codes: &[SecretString]) -> Result<bool, AuthError> {
        let scope = self.store.tenant(tenant);
        let token = scope.token(id).await?.ok_or(AuthError::NoDevice)?;
        let digits = u32::try_from(token.digits).map_err(|_| AuthError::Damaged("token"))?;
        if !codes.iter().all(|code| code.expose().len() == digits as usize) {
            return Ok(false);
        }
        let seed = scope.open(fields::token_seed(&id), &token.seed).await?;
        let codes: Vec<&str> = codes.iter().map(SecretString::expose).collect();
        let now = self.world.now();
        let (counter, drift) = match token.r#type.as_str() {
            "h6" | "h8" => match otp::resynchronise(seed.expose(), token.counter, COUNTERS, digits, &codes) {
                Some(counter) => (counter, 0),
                None => return Ok(false),
            },
            "t6" | "t8" => {
                let totp = Totp { digits, period: token.period, drift: token.drift, last_step: token.counter };
                match totp.resynchronise(seed.expose(), now, otp::MAX_DRIFT, &codes) {
                    Some(step) => (step, step - otp::totp_step(now, token.period)),
                    None => return Ok(false),
                }
            }
            _ => return Err(AuthError::NotCapable),
        };
        let mut tx = scope.begin().await?;
        // A code that was used meanwhile has moved the counter: then nothing is changed.
        let moved = tx.resync_token(id, token.counter, counter, drift).await?;
        tx.commit().await?;
        Ok(moved)
    }

    /// Sends a new batch of passcodes to a phone because an administrator asks for it. [`AuthError::NoDevice`] when there is no such
    /// phone or nobody has it, [`AuthError::NotCapable`] when it has no number.
    pub async fn send_passcodes(&self, app: &Application, phone: PhoneId) -> Result<Outcome, AuthError> {
        let owners = self.store.tenant(app.tenant).users_of_phones(&[phone]).await?;
        let (_, owner) = owners.into_iter().next().ok_or(AuthError::NoDevice)?;
        let holder = self.login.find(app.tenant, Who::Id(owner.id)).await?.ok_or(AuthError::NoUser)?;
        let row = holder.phones.iter().find(|row| row.id == phone).ok_or(AuthError::NoDevice)?;
        // Whoever asks was counted for it.
        self.store.numbers().live(app.tenant, owner.id, &holder.phones, self.world.now());
        self.send_sms(app, &holder, row, &Client::default()).await
    }
}
