//! Codes that were sent and may have to be sent once more, through another carrier: worded anew, because the same code never goes
//! through two. The former code dies in the transaction in which the new one begins to count; one that was entered meanwhile, or that
//! something newer has replaced, is not renewed.

use messaging::{
    BoxFuture, ChannelKind, Content, Renewal,
    text::{self, calls},
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::{Store, StoreError, codes::SmsCodeRow, fields};
use types::{Millis, PhoneId, SecretString, SignInId, SmsCodeId, TenantId};

/// What codes are for, and how they are worded.
#[derive(Clone)]
pub(crate) enum Wording {
    /// A batch of so many passcodes, for any sign-in.
    Batch { lead: String, app: String, count: usize, digits: usize },
    /// One code that counts in this sign-in only.
    SignIn { lead: String, app: String, sign_in: SignInId, place: Option<String>, host: String, digits: usize },
}

/// Codes as they are stored, and what says them.
pub(crate) struct Made {
    pub(crate) rows: Vec<SmsCodeRow>,
    pub(crate) codes: Vec<SecretString>,
}

/// Codes that stand in a message.
pub(crate) struct SentCodes {
    pub(crate) store: Arc<Store>,
    pub(crate) tenant: TenantId,
    pub(crate) phone: PhoneId,
    pub(crate) wording: Wording,
    /// Until when they count, also those that come in their place.
    pub(crate) expires: Millis,
    /// Whether policy lets a code be spoken.
    pub(crate) may_call: bool,
    pub(crate) brand: String,
    pub(crate) language: String,
    /// Those that count now.
    pub(crate) current: Mutex<Vec<SmsCodeId>>,
}

impl SentCodes {
    /// Draws codes; one where only one can be said.
    pub(crate) async fn make(&self, kind: ChannelKind) -> Result<Made, StoreError> {
        let (keys, world) = (self.store.tenant(self.tenant).keys().await?, self.store.world());
        let (count, digits) = match &self.wording {
            Wording::Batch { count, digits, .. } => (if kind == ChannelKind::Voice { 1 } else { *count }, *digits),
            Wording::SignIn { digits, .. } => (1, *digits),
        };
        let now = world.now();
        let mut made = Made { rows: Vec::with_capacity(count), codes: Vec::with_capacity(count) };
        while made.rows.len() < count {
            let code = world.digits(digits);
            let (first_digit, digest) = match &self.wording {
                Wording::Batch { .. } => {
                    let first: String = code.chars().take(1).collect();
                    (first, keys.digest(fields::SMS_CODE, &[self.phone.as_bytes(), code.as_bytes()]))
                }
                // Such a code is never the next one of a batch: an empty digit tells it apart.
                Wording::SignIn { sign_in, .. } => {
                    let parts: [&[u8]; 3] = [self.phone.as_bytes(), sign_in.as_bytes(), code.as_bytes()];
                    (String::new(), keys.digest(fields::SMS_CODE, &parts))
                }
            };
            // Different first digits, so that the one a prompt asks for is clear.
            if made.rows.iter().any(|row| row.first_digit == first_digit) {
                continue;
            }
            made.rows.push(SmsCodeRow {
                id: SmsCodeId::new(now, world.random.as_ref()),
                phone_id: self.phone,
                digest: digest.to_vec(),
                first_digit,
                expires: Some(self.expires),
                used_at: None,
                created: now,
            });
            made.codes.push(SecretString::new(code));
        }
        *self.current() = made.rows.iter().map(|row| row.id).collect();
        Ok(made)
    }

    /// Words them; `None` where the settings' texts make it impossible.
    pub(crate) fn word(&self, made: &Made, kind: ChannelKind) -> Option<Content> {
        let first = made.codes.first()?;
        match (kind, &self.wording) {
            (ChannelKind::Sms, Wording::Batch { lead, app, .. }) => {
                text::passcodes(lead, app, &made.codes).ok().map(Content::Text)
            }
            (ChannelKind::Sms, Wording::SignIn { lead, app, place, host, .. }) => {
                text::sign_in_code(lead, app, place.as_deref(), host, first).ok().map(Content::Text)
            }
            (ChannelKind::Voice, _) if self.may_call => {
                calls::code_call(&self.brand, first, &self.language).ok().map(Content::Call)
            }
            _ => None,
        }
    }

    pub(crate) fn current(&self) -> MutexGuard<'_, Vec<SmsCodeId>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn exchange(&self, kind: ChannelKind) -> Result<Option<Content>, StoreError> {
        if kind == ChannelKind::Voice && !self.may_call || self.expires <= self.store.world().now() {
            return Ok(None);
        }
        let former = self.current().clone();
        let made = self.make(kind).await?;
        let Some(content) = self.word(&made, kind) else {
            *self.current() = former;
            return Ok(None);
        };
        let mut tx = self.store.tenant(self.tenant).begin().await?;
        // All of them: where one was used, the message has come.
        if tx.take_sms_codes(self.phone, &former).await? != former.len() {
            *self.current() = former;
            return Ok(None);
        }
        tx.insert_sms_codes(&made.rows).await?;
        tx.commit().await?;
        Ok(Some(content))
    }

    async fn withdraw(&self) -> Result<(), StoreError> {
        let former = self.current().clone();
        let mut tx = self.store.tenant(self.tenant).begin().await?;
        tx.take_sms_codes(self.phone, &former).await?;
        tx.commit().await
    }
}

impl Renewal for SentCodes {
    fn renew<'a>(&'a self, kind: ChannelKind) -> BoxFuture<'a, Option<Content>> {
        Box::pin(async move {
            self.exchange(kind).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "codes could not be renewed");
                None
            })
        })
    }

    fn revoke(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if let Err(error) = self.withdraw().await {
                tracing::error!(%error, "codes that went through a carrier which is cut off still count");
            }
        })
    }
}
