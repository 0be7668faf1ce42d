//! Passcodes in a text message.

use crate::{Application, Auth, AuthError, Client, Outcome, log};
use messaging::{Address, Content, Outgoing, Purpose, SendError};
use store::{PhoneRow, codes::SmsCodeRow, fields, login::Holder};
use types::{E164, MessageId, SecretString, SmsCodeId};

/// Digits of a passcode that is sent: one more than tokens have, so that the two are seldom taken for each other.
const DIGITS: usize = 7;

impl Auth {
    /// Sends a new batch of passcodes. The attempt itself ends denied: the passcode is for the next one.
    pub(crate) async fn send_sms(
        &self,
        app: &Application,
        holder: &Holder,
        phone: &PhoneRow,
        client: &Client,
    ) -> Result<Outcome, AuthError> {
        let scope = self.store.tenant(app.tenant);
        let keys = scope.keys().await?;
        let now = self.world.now();
        let expires = now + app.settings.sms_life();
        let batch = usize::try_from(app.settings.sms_batch.clamp(1, 10)).unwrap_or(1);
        let (mut rows, mut codes) = (Vec::with_capacity(batch), Vec::with_capacity(batch));
        while rows.len() < batch {
            let code = self.world.digits(DIGITS);
            let first_digit: String = code.chars().take(1).collect();
            // Different first digits, so that the one a prompt asks for is clear.
            if rows.iter().any(|row: &SmsCodeRow| row.first_digit == first_digit) {
                continue;
            }
            rows.push(SmsCodeRow {
                id: SmsCodeId::new(now, self.world.random.as_ref()),
                phone_id: phone.id,
                digest: keys.digest(fields::SMS_CODE, &[phone.id.as_bytes(), code.as_bytes()]).to_vec(),
                first_digit,
                expires: Some(expires),
                used_at: None,
                created: now,
            });
            codes.push(SecretString::new(code));
        }
        let number = self.number(app, phone).await?;
        let settings = &app.settings;
        let lead = if settings.sms_message.is_empty() { &settings.brand } else { &settings.sms_message };
        let text = messaging::text::passcodes(lead, &app.name, &codes).map_err(|_| AuthError::Damaged("settings"))?;
        let message = Outgoing {
            user: Some(holder.user.id),
            valid_for: app.settings.sms_life(),
            ..Outgoing::new(
                MessageId::new(now, self.world.random.as_ref()),
                app.tenant,
                Purpose::Authentication,
                Address::Number(number, String::new()),
                Content::Text(text),
            )
        };
        // Stored before sending: a code that arrives must work. The old batch dies when this one is on its way, and no sooner: a
        // message that isn't sent must not cost the codes of the one before.
        let mut old = scope.sms_codes(phone.id, now).await?;
        // Those that are bound to a sign-in in a browser are another's business.
        old.retain(|code| !code.first_digit.is_empty());
        let mut tx = scope.begin().await?;
        tx.insert_sms_codes(&rows).await?;
        tx.count_sms(phone.id, i64::try_from(rows.len()).unwrap_or(1)).await?;
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
            txid: None,
        };
        tx.insert_auth_log(&log::row(app, entry, now, &self.world)).await?;
        tx.commit().await?;
        let delivered = self.courier.deliver(message).await;
        let mut tx = scope.begin().await?;
        let over = if delivered.is_ok() { old } else { rows };
        let over: Vec<SmsCodeId> = over.iter().map(|code| code.id).collect();
        tx.delete_sms_codes(phone.id, &over).await?;
        tx.commit().await?;
        Ok(match delivered {
            Ok(()) => Outcome::deny("sent", "New SMS passcodes sent."),
            Err(SendError::Limited { .. }) => {
                Outcome::deny("sms_limited", "Too many messages were sent to this phone. Please try again later.")
            }
            Err(_) => Outcome::deny("sms_failed", "The SMS passcodes could not be sent. Please try another factor."),
        })
    }

    /// Opens a phone's number, for one message that is about to go out.
    pub(crate) async fn number(&self, app: &Application, phone: &PhoneRow) -> Result<E164, AuthError> {
        let sealed = phone.number.as_ref().ok_or(AuthError::NotCapable)?;
        let number = self.store.tenant(app.tenant).open(fields::phone_number(&phone.id), sealed).await?;
        std::str::from_utf8(number.expose()).ok().and_then(|text| text.parse().ok()).ok_or(AuthError::Damaged("number"))
    }
}
