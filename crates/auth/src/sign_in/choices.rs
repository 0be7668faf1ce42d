//! What a page shows: what can be done now, the best first.

use super::{Browser, ChoiceKind, Choices, Purpose, SignIn, attempt::RESEND, stand::Stand};
use crate::{Auth, AuthError, Verdict};
use std::time::Duration;
use store::login::Holder;

impl Auth {
    /// What can be done at a sign-in, in this browser.
    pub async fn choices(&self, sign_in: &SignIn, browser: &Browser) -> Result<Choices, AuthError> {
        let stand = self.stand(sign_in, browser).await?;
        let shown = stand.shown;
        let (wait, sms_wait) = match (&stand.holder, stand.stranger) {
            (Some(holder), false) => self.waits(sign_in, holder).await?,
            _ => (0, 0),
        };
        Ok(Choices {
            verdict: stand.decision.verdict,
            enroll: stand.decision.verdict == Verdict::Enroll,
            passkey: shown.passkey,
            push: shown.push,
            passcode: shown.passcode,
            sms: shown.sms,
            phone: shown.phone,
            recovery: shown.recovery,
            password: shown.password,
            best: best(&stand),
            hidden: stand.hidden,
            remember: self.rememberable(sign_in, stand.holder.as_ref()),
            wait,
            sms_wait,
            message: stand.decision.message,
            devices: stand.devices,
        })
    }

    /// For how long policy lets a browser be remembered at this application.
    pub(crate) fn rememberable(&self, sign_in: &SignIn, holder: Option<&Holder>) -> Option<Duration> {
        if !matches!(sign_in.purpose(), Purpose::Application { .. }) {
            return None;
        }
        let groups: Vec<_> = holder?.groups.iter().map(|group| group.id).collect();
        sign_in.app.policies.applied(&groups).remember().0
    }

    /// Seconds until the next prompt and the next message.
    async fn waits(&self, sign_in: &SignIn, holder: &Holder) -> Result<(u64, u64), AuthError> {
        let scope = self.store.tenant(sign_in.tenant());
        let now = self.world.now();
        let prompt = match scope.prompting(holder.user.id).await? {
            Some(row) => {
                let spaced = row.last_at + Duration::from_secs(sign_in.app.settings.prompt_spacing);
                seconds(spaced.max(row.open_until).since(now))
            }
            None => 0,
        };
        let mut message = Duration::ZERO;
        for phone in holder.phones.iter().filter(|phone| phone.sms_sent > 0) {
            for code in scope.sms_codes(phone.id, now).await?.iter().filter(|code| code.first_digit.is_empty()) {
                message = message.max((code.created + RESEND).since(now));
            }
        }
        Ok((prompt, seconds(message)))
    }
}

/// Whole seconds, rounded up: a countdown that ends too early leads to a refusal.
fn seconds(length: Duration) -> u64 {
    u64::try_from(length.as_millis().div_ceil(1000)).unwrap_or(u64::MAX)
}

fn best(stand: &Stand) -> ChoiceKind {
    let shown = stand.shown;
    let shows_codes = stand.stranger || stand.holder.as_ref().is_some_and(|holder| !holder.tokens.is_empty());
    let order = [
        (shown.passkey, ChoiceKind::Passkey),
        (shown.push, ChoiceKind::Push),
        (shown.passcode && shows_codes, ChoiceKind::Passcode),
        (shown.sms, ChoiceKind::Sms),
        (shown.phone, ChoiceKind::Phone),
        (shown.passcode, ChoiceKind::Passcode),
        (shown.password, ChoiceKind::Password),
        (shown.recovery, ChoiceKind::Recovery),
    ];
    if stand.decision.verdict != Verdict::Challenge {
        return ChoiceKind::None;
    }
    order.into_iter().find(|(shown, _)| *shown).map_or(ChoiceKind::None, |(_, kind)| kind)
}
