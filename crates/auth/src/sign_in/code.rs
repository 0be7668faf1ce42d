//! A passcode in a text message that counts in one sign-in only: six digits, five minutes, five tries.
//!
//! The sign-in's id is part of what the stored hash is made of. So whoever has the right code in another browser has nothing.

use super::SignIn;
use crate::{
    Application, Auth, AuthError, Client, Outcome, log,
    renewal::{SentCodes, Wording},
};
use messaging::{ChannelKind, Outgoing, SendError};
use std::{sync::Arc, time::Duration};
use store::{PhoneRow, fields, limits::Limit, login::Holder};
use types::{SignInId, SmsCodeId};

/// Digits of such a code (NIST SP 800-63B-4: at least six).
const DIGITS: usize = 6;
/// How long it lives at the longest; shorter where the tenant's messages live shorter.
const LIFE: Duration = Duration::from_secs(300);
/// So often a sign-in may try one code.
const TRIES: Limit = Limit { max: 5, window: LIFE };

impl Auth {
    /// Sends a code for this sign-in; the refusal where it could not be sent.
    pub(crate) async fn send_code(
        &self,
        sign_in: &SignIn,
        holder: &Holder,
        phone: &PhoneRow,
        client: &Client,
    ) -> Result<Result<(), Outcome>, AuthError> {
        let (message, sent) = self.keep_sign_in_code(sign_in, holder, phone, client).await?;
        let Err(error) = self.courier.deliver(message).await else { return Ok(Ok(())) };
        let mut tx = self.store.tenant(sign_in.tenant()).begin().await?;
        let over = sent.current().clone();
        tx.delete_sms_codes(phone.id, &over).await?;
        tx.commit().await?;
        Ok(Err(match error {
            SendError::Limited { .. } => {
                Outcome::deny("sms_limited", "Too many messages were sent to this phone. Please try again later.")
            }
            _ => Outcome::deny("sms_failed", "The message could not be sent. Please choose another way."),
        }))
    }

    /// As [`send_code`](Self::send_code), without waiting for what becomes of it.
    pub(crate) async fn send_code_unheard(
        &self,
        sign_in: &SignIn,
        holder: &Holder,
        phone: &PhoneRow,
        client: &Client,
    ) -> Result<(), AuthError> {
        let (message, _) = self.keep_sign_in_code(sign_in, holder, phone, client).await?;
        let courier = Arc::clone(&self.courier);
        tokio::spawn(async move {
            if let Err(error) = courier.deliver(message).await {
                tracing::info!(%error, "a passcode was not sent");
            }
        });
        Ok(())
    }

    /// Makes a code, keeps it, and writes the message. It is kept before it is sent: a code that arrives must work.
    async fn keep_sign_in_code(
        &self,
        sign_in: &SignIn,
        holder: &Holder,
        phone: &PhoneRow,
        client: &Client,
    ) -> Result<(Outgoing, Arc<SentCodes>), AuthError> {
        let app = &*sign_in.app;
        let scope = self.store.tenant(app.tenant);
        let now = self.world.now();
        let settings = &app.settings;
        let life = LIFE.min(settings.sms_life());
        let lead = if settings.sms_message.is_empty() { &settings.brand } else { &settings.sms_message };
        let place = self.location(client.ip);
        let wording = Wording::SignIn {
            lead: lead.clone(),
            app: app.name.clone(),
            sign_in: sign_in.id,
            place: [place.city, place.country].into_iter().find(|name| !name.is_empty()),
            host: host(&app.api_host).to_owned(),
            digits: DIGITS,
        };
        let sent = Arc::new(self.sent_codes(app, holder, phone, wording, now + life));
        let made = sent.make(ChannelKind::Sms).await?;
        let content = sent.word(&made, ChannelKind::Sms).ok_or(AuthError::Damaged("settings"))?;
        let number = self.number(app.tenant, holder.user.id, phone).await?;
        let message = self.code_message(app, holder, client, number, content, life, sent.clone());
        let entry = log::Entry {
            user: Some(holder.user.id),
            username: &holder.user.username,
            factor: "sms_refresh",
            result: "denied",
            reason: "passcodes_sent",
            rule: "",
            ip: log::ip(client),
            hostname: &client.hostname,
            device: phone.id.to_string(),
            txid: Some(sign_in.id.to_string()),
        };
        let mut tx = scope.begin().await?;
        tx.insert_sms_codes(&made.rows).await?;
        tx.count_sms(phone.id, 1).await?;
        tx.insert_auth_log(&log::row(app, entry, now, &self.world)).await?;
        tx.commit().await?;
        Ok((message, sent))
    }

    /// Whether a sign-in may try a code once more; each question is a try.
    pub(crate) async fn may_try(
        &self,
        app: &Application,
        sign_in: SignInId,
        code: SmsCodeId,
    ) -> Result<bool, AuthError> {
        let scope = self.store.tenant(app.tenant);
        let bucket = scope.keys().await?.digest(fields::LIMIT, &[b"sms-code", sign_in.as_bytes(), code.as_bytes()]);
        let mut tx = scope.begin().await?;
        let may = tx.spend(bucket, TRIES, 1, self.world.now()).await?;
        tx.commit().await?;
        Ok(may)
    }
}

/// A host's name without a port.
pub(crate) fn host(api_host: &str) -> &str {
    api_host.split_once(':').map_or(api_host, |(host, _)| host)
}
