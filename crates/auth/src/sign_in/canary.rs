//! The canary: beacons on the pages tell under which name a browser sees them (defence.md §6.1).
//!
//! It detects and doesn't prevent: whoever reads how it works can send what an honest page sends. Only passkeys prevent.

use super::{Sighting, SignIn};
use crate::{Application, Auth, AuthError, Outcome, settings::CanaryMode};
use store::SignInRow;
use types::{SecretString, SignInId, TenantId, UserId};

/// The longest host name, in bytes (RFC 1035 §2.3.4), and a port.
const LONGEST_HOST: usize = 253 + 6;

impl Auth {
    /// Takes what a beacon has seen: the page under its own name ([`Sighting::Ok`]), or under `host` ([`Sighting::Alert`]). An alert stays
    /// one, whatever beacons say later. Beacons come without a cookie, so an unknown id is no error.
    ///
    /// When this returns, the alert is in the administrator log; the mail about it is under way.
    pub async fn mark_canary(
        &self,
        tenant: TenantId,
        id: SignInId,
        sighting: Sighting,
        host: &str,
    ) -> Result<(), AuthError> {
        let scope = self.store.tenant(tenant);
        let Some(row) = scope.sign_in(id).await? else { return Ok(()) };
        if row.canary == "alert" || row.expires <= self.world.now() {
            return Ok(());
        }
        match sighting {
            Sighting::None => Ok(()),
            Sighting::Ok if row.canary == "ok" => Ok(()),
            Sighting::Ok => {
                let mut tx = scope.begin().await?;
                tx.mark_canary(id, "ok", "").await?;
                Ok(tx.commit().await?)
            }
            Sighting::Alert => match self.applications.get(&row.ikey).await?.filter(|app| app.tenant == tenant) {
                Some(app) if app.settings.canary == CanaryMode::Off => Ok(()),
                Some(app) => self.alarm(&app, id, row.user_id, host).await,
                None => Ok(()),
            },
        }
    }

    /// Marks a sign-in, tells the log, the metrics and the tenant's people.
    pub(crate) async fn alarm(
        &self,
        app: &Application,
        id: SignInId,
        user: Option<UserId>,
        host: &str,
    ) -> Result<(), AuthError> {
        let host = readable(host);
        let object = user.map(|user| user.to_string()).unwrap_or_default();
        let detail =
            serde_json::json!({ "host": host, "application": app.name, "ikey": app.ikey, "sign_in": id.to_string() });
        let mut tx = self.store.tenant(app.tenant).begin().await?;
        if !tx.mark_canary(id, "alert", &host).await? {
            // Somebody else has just done it.
            return Ok(());
        }
        tx.log_act(&self.world, "canary", "aitm_detected", &object, &detail.to_string()).await?;
        tx.commit().await?;
        tracing::warn!(tenant = %app.tenant, %host, "a sign-in page was seen under a foreign name");
        metrics::counter!("countersign_canary_alerts_total").increment(1);
        self.report_alarm(app, user, &host).await;
        Ok(())
    }

    /// Tells the tenant's people. A failure to tell changes nothing: the alert is in the log.
    async fn report_alarm(&self, app: &Application, user: Option<UserId>, host: &str) {
        let Ok(to) = app.settings.fraud_email.parse() else { return };
        if !app.settings.fraud_email_enabled {
            return;
        }
        let who = match user {
            Some(id) => match self.login.find(app.tenant, store::login::Who::Id(id)).await {
                Ok(Some(holder)) => holder.user.username,
                _ => id.to_string(),
            },
            None => "somebody who isn't known yet".to_owned(),
        };
        let message = messaging::Outgoing {
            id: types::MessageId::new(self.world.now(), self.world.random.as_ref()),
            tenant: app.tenant,
            user: None,
            txid: None,
            purpose: messaging::Purpose::Notice,
            to: messaging::Address::Mail(to),
            content: messaging::Content::Mail {
                subject: "A sign-in page was seen under a foreign name".to_owned(),
                text: SecretString::new(format!(
                    "The sign-in page to {} that {who} has open stands at {host}. That is not its address: somebody passes the page on \
                     and reads what is typed. The password that was typed there should be changed.",
                    app.name
                )),
            },
        };
        let courier = std::sync::Arc::clone(&self.courier);
        // Whoever types a code meanwhile must not wait for the mail.
        tokio::spawn(async move {
            if let Err(error) = courier.deliver(message).await {
                tracing::warn!(%error, "the notice about a foreign page was not sent");
            }
        });
    }

    /// Why a code isn't taken in this page, if it isn't. Prompts and calls are codes too: their digits stand on the page.
    pub(crate) fn canary_refuses(&self, sign_in: &SignIn, row: &SignInRow) -> Option<Outcome> {
        if row.canary == "ok" {
            return None;
        }
        match sign_in.app.settings.canary {
            CanaryMode::Off => None,
            CanaryMode::Observe => {
                if row.canary.is_empty() {
                    // A page whose beacon was taken out looks like this, and so does a network that drops it.
                    metrics::counter!("countersign_canary_unseen_total").increment(1);
                }
                None
            }
            CanaryMode::Enforce => Some(Outcome::deny(
                "canary",
                "This page was not seen under its own address. Please check the address, reload the page, or use a passkey.",
            )),
        }
    }
}

/// A host as it may stand in a log and in a mail: whoever put up the foreign page chose it.
fn readable(host: &str) -> String {
    let clean: String = host
        .chars()
        .take(LONGEST_HOST)
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']' | '_') { c } else { '?' })
        .collect();
    if clean.is_empty() { "unknown".to_owned() } else { clean }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_hostile_host_is_one_plain_word(text in "\\PC{0,300}|[\\x00-\\x7f]{0,300}") {
            let host = readable(&text);
            prop_assert!((1..=LONGEST_HOST).contains(&host.len()));
            prop_assert!(host.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"'&\\/".contains(&byte)));
        }
    }
}
