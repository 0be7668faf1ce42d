//! Passcodes in a text message.

use crate::{
    Application, Auth, AuthError, Client, Outcome, log,
    policy::Method,
    renewal::{SentCodes, Wording},
};
use messaging::{Address, ChannelKind, Content, Outgoing, Purpose, SendError, Terms};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use store::{PhoneRow, login::Holder};
use types::{E164, MessageId, Millis, SmsCodeId, TenantId, UserId};

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
        let now = self.world.now();
        let settings = &app.settings;
        let lead = if settings.sms_message.is_empty() { &settings.brand } else { &settings.sms_message };
        let count = usize::try_from(settings.sms_batch.clamp(1, 10)).unwrap_or(1);
        let wording = Wording::Batch { lead: lead.clone(), app: app.name.clone(), count, digits: DIGITS };
        let sent = Arc::new(self.sent_codes(app, holder, phone, wording, now + settings.sms_life()));
        let made = sent.make(ChannelKind::Sms).await?;
        let content = sent.word(&made, ChannelKind::Sms).ok_or(AuthError::Damaged("settings"))?;
        let rows = made.rows;
        let number = self.number(app.tenant, holder.user.id, phone).await?;
        let message = self.code_message(app, holder, client, number, content, settings.sms_life(), sent.clone());
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
        // Not those that were made first: they may have been worded anew.
        let over: Vec<SmsCodeId> =
            if delivered.is_ok() { old.iter().map(|code| code.id).collect() } else { sent.current().clone() };
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

    /// Codes that will stand in a message, none made yet.
    pub(crate) fn sent_codes(
        &self,
        app: &Application,
        holder: &Holder,
        phone: &PhoneRow,
        wording: Wording,
        expires: Millis,
    ) -> SentCodes {
        let groups: Vec<_> = holder.groups.iter().map(|group| group.id).collect();
        SentCodes {
            store: Arc::clone(&self.store),
            tenant: app.tenant,
            phone: phone.id,
            wording,
            expires,
            may_call: app.policies.applied(&groups).allows(Method::Phone).0,
            brand: app.settings.brand.clone(),
            language: app.settings.page.language.clone(),
            current: Mutex::default(),
        }
    }

    /// The message with codes.
    #[expect(clippy::too_many_arguments, reason = "the parts of one message, known only where its codes are made")]
    pub(crate) fn code_message(
        &self,
        app: &Application,
        holder: &Holder,
        client: &Client,
        number: E164,
        content: Content,
        valid_for: Duration,
        renewal: Arc<SentCodes>,
    ) -> Outgoing {
        let id = MessageId::new(self.world.now(), self.world.random.as_ref());
        let to = Address::Number(number, String::new());
        Outgoing {
            user: Some(holder.user.id),
            valid_for,
            language: app.settings.page.language.clone(),
            renewal: Some(renewal),
            terms: Terms { checked: true, source: client.ip, ..Terms::default() },
            ..Outgoing::new(id, app.tenant, Purpose::Authentication, to, content)
        }
    }

    /// Opens a phone's number, for one message that is about to go out to its owner.
    pub(crate) async fn number(&self, tenant: TenantId, user: UserId, phone: &PhoneRow) -> Result<E164, AuthError> {
        Ok(self.store.tenant(tenant).number_to_send(phone, Some(user)).await?)
    }
}
