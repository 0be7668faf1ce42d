//! The canary: beacons on the pages tell under which name a browser sees them (docs/threat-model.md).
//!
//! It detects and doesn't prevent: whoever reads how it works can send what an honest page sends. Only passkeys prevent.

use super::{Sighting, SignIn};
use crate::{Application, Auth, AuthError, Outcome, settings::CanaryMode};
use data_encoding::BASE64URL_NOPAD;
use std::time::Duration;
use store::{SignInRow, fields, limits::Limit};
use tokio::{sync::broadcast::error::RecvError, time::Instant};
use types::{SignInId, TenantId, UserId, ct_eq};

/// The longest host name, in bytes (RFC 1035 §2.3.4), and a port.
const LONGEST_HOST: usize = 253 + 6;
/// The slow look beside the notices, which another node may not give.
const LOOK: Duration = Duration::from_millis(250);
/// So many mails about pages an organisation gets; the log has them all. Whoever opens sign-ins can raise alarms about them.
const MAILS: Limit = Limit { max: 30, window: Duration::from_secs(3600) };

impl Auth {
    /// What stands in the addresses of a sign-in's beacons, so that nobody else can speak for its page. Only pages that the sign-in's
    /// own browser was shown have it, and whether it is right is known without a look into the database.
    pub async fn beacon_tag(&self, tenant: TenantId, id: SignInId) -> Result<String, AuthError> {
        let keys = self.store.tenant(tenant).keys().await?;
        Ok(tag(&keys.digest(fields::BEACON, &[id.as_bytes()])))
    }

    /// Whether a beacon's address is one of this sign-in's.
    pub async fn is_beacon(&self, tenant: TenantId, id: SignInId, given: &str) -> Result<bool, AuthError> {
        let keys = self.store.tenant(tenant).keys().await?;
        let right = keys.digest_candidates(fields::BEACON, &[id.as_bytes()]);
        Ok(right.iter().any(|digest| ct_eq(tag(digest).as_bytes(), given.as_bytes())))
    }

    /// Takes what a beacon has seen: the page under its own name ([`Sighting::Ok`]), or under `host` ([`Sighting::Alert`]; empty: it isn't
    /// known). An alert stays one, whatever beacons say later; only its host may be learnt later. Beacons come without a cookie, so an
    /// unknown id is no error.
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
        if row.expires <= self.world.now() {
            return Ok(());
        }
        let word = match sighting {
            Sighting::None => return Ok(()),
            Sighting::Alert => {
                return match self.applications.get(&row.ikey).await?.filter(|app| app.tenant == tenant) {
                    Some(app) if app.settings.canary != CanaryMode::Off => {
                        self.alarm(&app, id, row.user_id, host).await
                    }
                    _ => Ok(()),
                };
            }
            Sighting::Ok => "ok",
            Sighting::Unclear => "unclear",
        };
        // What is over needs no leave any more.
        if row.state != "open" || row.canary == word {
            return Ok(());
        }
        let mut tx = scope.begin().await?;
        tx.mark_canary(id, word, "").await?;
        tx.notify(notice(id)).await?;
        Ok(tx.commit().await?)
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
        let mut tx = self.store.tenant(app.tenant).begin().await?;
        if !tx.mark_canary(id, "alert", &host).await? {
            // Somebody else has just done it.
            return Ok(());
        }
        let detail = detail(app, id, &host);
        tx.log_act(&self.world, "canary", "aitm_detected", &object(user), &detail).await?;
        tx.notify(notice(id)).await?;
        tx.commit().await?;
        tracing::warn!(tenant = %app.tenant, %host, "a sign-in page was seen under a foreign name");
        metrics::counter!("countersign_canary_alerts_total").increment(1);
        let (who, name) = (self.who(app, user).await, &app.name);
        let text = format!(
            "The sign-in page to {name} that {who} has open stands at {host}. That is not its address: somebody passes the page on and \
             reads what is typed. The password that was typed there should be changed."
        );
        self.mail(app, "A sign-in page was seen under a foreign name", text).await
    }

    /// Tells that a code was typed in a page whose beacon never came; once for each sign-in.
    async fn miss(&self, app: &Application, id: SignInId, user: Option<UserId>) -> Result<(), AuthError> {
        let mut tx = self.store.tenant(app.tenant).begin().await?;
        if !tx.mark_canary(id, "missing", "").await? {
            return Ok(());
        }
        let detail = detail(app, id, "unknown");
        tx.log_act(&self.world, "canary", "beacon_missing", &object(user), &detail).await?;
        tx.commit().await?;
        tracing::warn!(tenant = %app.tenant, "a code was typed in a sign-in page whose beacon never came");
        metrics::counter!("countersign_canary_unseen_total").increment(1);
        let (who, name) = (self.who(app, user).await, &app.name);
        let text = format!(
            "A code was typed in the sign-in page to {name} that {who} has open, but the beacon that belongs to the page never came. \
             Somebody may pass the page on and have taken the beacon out, or something in the browser or the network stops it. Please \
             ask {who} which address the page had."
        );
        self.mail(app, "A sign-in page came without its beacon", text).await
    }

    /// The user's name, for the tenant's people.
    async fn who(&self, app: &Application, user: Option<UserId>) -> String {
        match user {
            Some(id) => match self.login.find(app.tenant, store::login::Who::Id(id)).await {
                Ok(Some(holder)) => holder.user.username,
                _ => id.to_string(),
            },
            None => "somebody who isn't known yet".to_owned(),
        }
    }

    async fn mail(&self, app: &Application, subject: &str, text: String) -> Result<(), AuthError> {
        let scope = self.store.tenant(app.tenant);
        let bucket = scope.keys().await?.digest(fields::LIMIT, &[b"canary-mails"]);
        let mut tx = scope.begin().await?;
        let may = tx.spend(bucket, MAILS, 1, self.world.now()).await?;
        tx.commit().await?;
        if may {
            // Whoever types a code meanwhile doesn't wait for the mail server.
            self.alert(app, subject, text);
        }
        Ok(())
    }

    /// Why a code isn't taken in this page, if it isn't. Prompts and calls are codes too: their digits stand on the page.
    ///
    /// A beacon that is still under way is waited for, and that none came is told before the code is looked at.
    pub(crate) async fn canary_refuses(&self, sign_in: &SignIn, row: SignInRow) -> Result<Option<Outcome>, AuthError> {
        let mode = sign_in.app.settings.canary;
        if mode == CanaryMode::Off || row.canary == "ok" {
            return Ok(None);
        }
        // Where nothing hangs on it, one wait is enough.
        let waits = row.canary.is_empty() || (mode == CanaryMode::Enforce && row.canary == "missing");
        let row = match self.beacons.filter(|_| waits) {
            Some(patience) => {
                let row = self.beacon_of(sign_in, row, patience).await?;
                if row.canary.is_empty() {
                    self.miss(&sign_in.app, row.id, row.user_id).await?;
                }
                row
            }
            None => row,
        };
        Ok((mode == CanaryMode::Enforce && row.canary != "ok").then(|| {
            Outcome::deny(
                "canary",
                "This page was not seen under its own address. Please check the address, reload the page, or use a passkey.",
            )
        }))
    }

    /// The row, once a beacon has come or `patience` is over.
    async fn beacon_of(
        &self,
        sign_in: &SignIn,
        mut row: SignInRow,
        patience: Duration,
    ) -> Result<SignInRow, AuthError> {
        let (mut notices, notice) = (self.store.engine().notices(), notice(row.id));
        let (before, deadline) = (row.canary, Instant::now() + patience);
        loop {
            row = self.sign_in_row(sign_in).await?;
            if row.canary != before || Instant::now() >= deadline || self.is_stopping() {
                return Ok(row);
            }
            let wake = tokio::time::sleep_until(deadline.min(Instant::now() + LOOK));
            tokio::pin!(wake);
            loop {
                tokio::select! {
                    () = &mut wake => break,
                    heard = notices.recv() => match heard {
                        Ok(heard) if heard != notice => {}
                        Ok(_) | Err(RecvError::Lagged(_)) => break,
                        // No notices any more: only the slow look is left.
                        Err(RecvError::Closed) => { wake.await; break }
                    },
                }
            }
        }
    }
}

/// 128 bits of a keyed hash, as an address has them.
fn tag(digest: &[u8; 32]) -> String {
    BASE64URL_NOPAD.encode(digest.first_chunk::<16>().map(<[u8; 16]>::as_slice).unwrap_or_default())
}

/// The notice that wakes who waits for a sign-in's beacon.
fn notice(id: SignInId) -> String {
    format!("beacon:{id}")
}

fn object(user: Option<UserId>) -> String {
    user.map(|user| user.to_string()).unwrap_or_default()
}

fn detail(app: &Application, id: SignInId, host: &str) -> String {
    serde_json::json!({ "host": host, "application": app.name, "ikey": app.ikey, "sign_in": id.to_string() })
        .to_string()
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
