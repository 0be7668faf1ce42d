//! Preauth: may this person go on, and with what.

use crate::{
    Application, Auth, AuthError, Capability, Client, Decision, Device, DeviceId, Preauth, Subject, Verdict, log,
    policy::{Applied, Method},
};
use messaging::ChannelKind;
use store::{PhoneRow, TokenRow, fields, login::Holder, phone_of_app_token};
use types::{E164, SecretString};

/// What a client tells and can do at preauth.
#[derive(Default)]
pub struct Hints {
    /// A remembered-device token that an earlier sign-in gave.
    pub trusted_token: Option<SecretString>,
    /// Whether the client shows a code to be typed into the authenticator.
    pub shows_code: bool,
}

impl Auth {
    /// Whether the person may go on, and with which devices. Only allow and deny are logged: a challenge is not an end.
    pub async fn preauth(
        &self,
        app: &Application,
        subject: &Subject,
        client: &Client,
        hints: &Hints,
    ) -> Result<Preauth, AuthError> {
        let mut admission = self.admit(app, subject, client).await?;
        let mut devices = Vec::new();
        let mut offer = None;
        if let (Verdict::Challenge, Some(holder)) = (admission.decision.verdict, &admission.holder) {
            if let Some(remembered) = self.remembered(app, holder, hints).await? {
                admission.decision = remembered;
            } else {
                devices = self.devices(app, holder).await?;
                if self.needs_browser(app, holder).await? {
                    devices.clear();
                    admission.decision = browser_needed();
                }
                if hints.shows_code && devices.iter().any(|device| device.capabilities.contains(&Capability::Push)) {
                    offer = self.offer(app, holder, client).await?;
                }
            }
        }
        let name = match (&admission.holder, subject) {
            (Some(holder), _) => holder.user.username.clone(),
            (None, Subject::Name(name)) => name.clone(),
            (None, Subject::Id(id)) => id.to_string(),
        };
        self.log_preauth(app, &admission, &name, client).await?;
        let enroll_url = match (admission.decision.verdict, &admission.holder) {
            (Verdict::Enroll, _) => self.enroll_link(app, &name, admission.holder.as_ref()).await?,
            _ => None,
        };
        Ok(Preauth { decision: admission.decision, devices, enroll_url, offer })
    }

    /// Whether a door without a browser can ask this person for nothing: they have passkeys, and no other device that counts here.
    pub(crate) async fn needs_browser(&self, app: &Application, holder: &Holder) -> Result<bool, AuthError> {
        if holder.user.passkeys == 0 && !app.settings.passkey_only {
            return Ok(false);
        }
        let groups: Vec<_> = holder.groups.iter().map(|group| group.id).collect();
        let policy = app.policies.applied(&groups);
        let phones = holder.phones.iter().any(|phone| !self.phone_capabilities(phone, &policy, false).is_empty());
        if phones || (!holder.tokens.is_empty() && policy.allows(Method::Token).0) {
            return Ok(false);
        }
        if !policy.allows(Method::Bypass).0 {
            return Ok(true);
        }
        Ok(self.store.tenant(app.tenant).bypass_codes(holder.user.id, self.world.now()).await?.is_empty())
    }

    /// Writes an allow or a deny to the log.
    pub(crate) async fn log_preauth(
        &self,
        app: &Application,
        admission: &crate::Admission,
        name: &str,
        client: &Client,
    ) -> Result<(), AuthError> {
        let result = match admission.decision.verdict {
            Verdict::Allow => "success",
            Verdict::Deny => "denied",
            Verdict::Enroll | Verdict::Challenge => return Ok(()),
        };
        let entry = log::Entry {
            user: admission.holder.as_ref().map(|holder| holder.user.id),
            username: name,
            factor: if admission.decision.reason == "remembered_device" {
                "remembered_device"
            } else {
                "not_available"
            },
            result,
            reason: admission.decision.reason,
            rule: &admission.decision.rule,
            ip: log::ip(client),
            hostname: &client.hostname,
            device: String::new(),
            txid: None,
        };
        log::count("preauth", result);
        let row = log::row(app, entry, self.world.now(), &self.world);
        let mut tx = self.store.tenant(app.tenant).begin().await?;
        tx.insert_auth_log(&row).await?;
        Ok(tx.commit().await?)
    }

    /// The user's devices with what each can do here.
    pub(crate) async fn devices(&self, app: &Application, holder: &Holder) -> Result<Vec<Device>, AuthError> {
        let groups: Vec<_> = holder.groups.iter().map(|group| group.id).collect();
        let policy = app.policies.applied(&groups);
        let suspended = match holder.phones.iter().any(|phone| phone.public_key.is_some()) {
            true => {
                let prompting = self.store.tenant(app.tenant).prompting(holder.user.id).await?;
                prompting.is_some_and(|prompting| prompting.suspended_at.is_some())
            }
            false => false,
        };
        let mut devices = Vec::with_capacity(holder.phones.len() + holder.tokens.len());
        let tokens = policy.allows(Method::Token).0;
        for phone in &holder.phones {
            let mut device = self.phone(app, phone, &policy, suspended).await?;
            // An authenticator's own passcodes are the telephone's, not a token beside it.
            if tokens && holder.tokens.iter().any(|token| phone_of_app_token(&token.serial) == Some(phone.id)) {
                device.capabilities.push(Capability::Otp);
            }
            devices.push(device);
        }
        if tokens {
            devices.extend(holder.tokens.iter().filter(|token| phone_of_app_token(&token.serial).is_none()).map(token));
        }
        Ok(devices)
    }

    async fn phone(
        &self,
        app: &Application,
        phone: &PhoneRow,
        policy: &Applied<'_>,
        suspended: bool,
    ) -> Result<Device, AuthError> {
        let tail = match &phone.tail {
            Some(sealed) => {
                let tail = self.store.tenant(app.tenant).open(fields::phone_tail(&phone.id), sealed).await?;
                String::from_utf8_lossy(tail.expose()).into_owned()
            }
            None => String::new(),
        };
        let capabilities = self.phone_capabilities(phone, policy, suspended);
        let next_code = if capabilities.contains(&Capability::Sms) && phone.sms_sent > 0 {
            let codes = self.store.tenant(app.tenant).sms_codes(phone.id, self.world.now()).await?;
            // A code without one is bound to a sign-in in a browser and serves nowhere else.
            codes.into_iter().map(|code| code.first_digit).find(|digit| !digit.is_empty())
        } else {
            None
        };
        let masked_number = if tail.is_empty() { String::new() } else { E164::masked(&tail) };
        let kind = if phone.public_key.is_some() { "authenticator" } else { "phone" };
        let shown = [&phone.name, &phone.device_name, &masked_number].into_iter().find(|text| !text.is_empty());
        let display = match shown {
            Some(text) if *text == masked_number => format!("{kind} ({text})"),
            Some(text) if masked_number.is_empty() => text.clone(),
            Some(text) => format!("{text} ({masked_number})"),
            None => kind.to_owned(),
        };
        Ok(Device {
            id: DeviceId::Phone(phone.id),
            name: phone.name.clone(),
            display,
            masked_number,
            capabilities,
            next_code,
        })
    }

    /// What a phone can do: what it has, what goes out of the house, and what policy lets.
    pub(crate) fn phone_capabilities(
        &self,
        phone: &PhoneRow,
        policy: &Applied<'_>,
        suspended: bool,
    ) -> Vec<Capability> {
        let number = phone.number.is_some();
        let can = [
            (Capability::Push, phone.public_key.is_some() && !suspended && policy.allows(Method::Push).0),
            (
                Capability::Sms,
                number
                    && phone.r#type != "landline"
                    && self.courier.carries(ChannelKind::Sms)
                    && policy.allows(Method::Sms).0,
            ),
            (Capability::Phone, number && self.courier.carries(ChannelKind::Voice) && policy.allows(Method::Phone).0),
        ];
        let mut capabilities: Vec<_> = can.into_iter().filter(|(_, can)| *can).map(|(what, _)| what).collect();
        if !capabilities.is_empty() {
            capabilities.insert(0, Capability::Auto);
        }
        capabilities
    }

    async fn remembered(
        &self,
        app: &Application,
        holder: &Holder,
        hints: &Hints,
    ) -> Result<Option<Decision>, AuthError> {
        let Some(token) = &hints.trusted_token else { return Ok(None) };
        let rule = self.trusted(app, holder, token).await?;
        Ok(rule.map(|rule| Decision {
            verdict: Verdict::Allow,
            reason: "remembered_device",
            rule,
            message: "Remembered device".to_owned(),
        }))
    }
}

/// What is said to somebody whose only authenticator is a passkey, where there is no browser.
pub(crate) fn browser_needed() -> Decision {
    Decision {
        verdict: Verdict::Deny,
        reason: "factor_restricted",
        rule: "passkeys need a browser".to_owned(),
        message: "Your account signs in with a passkey, and this application can't ask for one. Please sign in with a browser."
            .to_owned(),
    }
}

fn token(token: &TokenRow) -> Device {
    Device {
        id: DeviceId::Token(token.id),
        name: token.serial.clone(),
        display: format!("Token ({})", token.serial),
        masked_number: String::new(),
        capabilities: vec![Capability::Otp],
        next_code: None,
    }
}
