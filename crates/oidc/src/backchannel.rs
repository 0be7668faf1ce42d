//! Back-channel logout (OpenID Connect Back-Channel Logout 1.0): who is owed word of a session's end is told by this server itself, whatever
//! the browser does.
//!
//! What is owed stands in the store, written in the transaction that ended the session, on whatever node or command line that was. Each node
//! looks every second, takes what is due by moving it on, so that of two nodes one has each, and tries again later and later until the
//! application has heard, or a day is over.

use futures_util::{StreamExt as _, stream};
use jose::event::LOGOUT_TYPE;
use outbound::{Outbound, Request};
use serde_json::json;
use sso::{RelyingParty, Sso, SsoError};
use std::{
    sync::{Arc, Weak},
    time::Duration,
};
use store::LogoutDeliveryRow;
use tokio::sync::Notify;
use types::Millis;

/// How often each node looks.
const LOOK: Duration = Duration::from_secs(1);
/// For how long a delivery is one node's.
const LEASE: Duration = Duration::from_secs(60);
/// Deliveries that are under way at once on one node.
const AT_ONCE: usize = 32;
/// Deliveries that are taken at one look.
const TAKEN: i64 = 128;
/// The first wait after a failure; each is twice the one before.
const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// When an application that doesn't listen is given up.
const GIVEN_UP: Duration = Duration::from_secs(86_400);
/// Tries at an application that answers that it can't (a 4xx but 408, 425 and 429).
const REFUSALS: i64 = 5;
/// How long a logout token is valid (§2.4 recommends at most two minutes).
const LIFE: Duration = Duration::from_secs(120);
/// The event's name (§2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// The deliverer: one a process.
pub struct BackChannel {
    sso: Arc<Sso>,
    outbound: Outbound,
    woken: Notify,
}

impl BackChannel {
    /// Starts it; it ends when it is dropped. Needs a Tokio runtime.
    pub fn start(sso: &Arc<Sso>, outbound: Outbound) -> Arc<Self> {
        let started = Arc::new(Self { sso: Arc::clone(sso), outbound, woken: Notify::new() });
        tokio::spawn(run(Arc::downgrade(&started)));
        started
    }

    /// How addresses that others named are asked.
    pub(crate) const fn outbound(&self) -> &Outbound {
        &self.outbound
    }

    /// A session has ended here: there is no need to wait for the next look.
    pub(crate) fn wake(&self) {
        self.woken.notify_one();
    }

    /// Takes what is due and brings it; how much was due.
    pub(crate) async fn look(&self) -> Result<usize, SsoError> {
        let store = self.sso.auth().store();
        let now = self.sso.auth().world().now();
        if !store.logouts_due(now).await? {
            return Ok(0);
        }
        let taken = store.take_logouts(now, now + LEASE, TAKEN).await?;
        let count = taken.len();
        stream::iter(taken).for_each_concurrent(AT_ONCE, |row| self.bring(row)).await;
        Ok(count)
    }

    async fn bring(&self, row: LogoutDeliveryRow) {
        let outcome = match self.try_to_bring(&row).await {
            Ok(outcome) => outcome,
            Err(error) => {
                tracing::error!(tenant = %row.tenant, %error, "a logout token could not be made");
                Outcome::Unheard
            }
        };
        if let Err(error) = self.note(&row, outcome).await {
            tracing::error!(tenant = %row.tenant, %error, "what became of a logout token could not be noted");
        }
    }

    async fn try_to_bring(&self, row: &LogoutDeliveryRow) -> Result<Outcome, SsoError> {
        let Some(party) = self.sso.party_of(row.tenant, &row.ikey).await? else { return Ok(Outcome::Heard) };
        let Some(uri) = party.oidc().and_then(|client| client.backchannel_logout_uri.as_deref()) else {
            return Ok(Outcome::Heard);
        };
        let token = self.token(row, &party).await?;
        let body = format!("logout_token={token}").into_bytes();
        let headers = [("Cache-Control", "no-store")];
        let request = Request::post(uri, "application/x-www-form-urlencoded", body).with_headers(&headers).up_to(4096);
        Ok(match self.outbound.send(request).await {
            // 200, and 204 of frameworks that say so when there is no body (§2.8).
            Ok(answer) if (200..300).contains(&answer.status) => Outcome::Heard,
            Ok(answer) if (400..500).contains(&answer.status) && ![408, 425, 429].contains(&answer.status) => {
                tracing::warn!(tenant = %row.tenant, ikey = row.ikey, status = answer.status, "an application refuses a logout token");
                Outcome::Refused
            }
            Ok(answer) => {
                tracing::warn!(tenant = %row.tenant, ikey = row.ikey, status = answer.status, "an application could not take a logout token");
                Outcome::Unheard
            }
            Err(error) => {
                tracing::warn!(tenant = %row.tenant, ikey = row.ikey, %error, "an application was not reached with a logout token");
                Outcome::Unheard
            }
        })
    }

    /// The token (§2.4): of one session of one person, for one application, without a nonce, so that nobody takes it for an id token.
    async fn token(&self, row: &LogoutDeliveryRow, party: &RelyingParty) -> Result<String, SsoError> {
        let store = self.sso.auth().store();
        let tenant = store.tenant(row.tenant).row().await?.ok_or(SsoError::Over)?;
        let now = self.sso.auth().world().now();
        let claims = json!({
            "iss": self.sso.issuer(&tenant.api_host),
            "sub": self.sso.subject(row.user_id, party).await?,
            "aud": party.key,
            "iat": now.seconds(),
            "exp": (now + LIFE).seconds(),
            "jti": jti(row),
            "sid": row.sid,
            "events": { EVENT: {} },
        });
        crate::front::id_token::sign(&self.sso, party, LOGOUT_TYPE, &claims).await
    }

    async fn note(&self, row: &LogoutDeliveryRow, outcome: Outcome) -> Result<(), SsoError> {
        let now = self.sso.auth().world().now();
        let mut tx = self.sso.auth().store().tenant(row.tenant).begin().await?;
        match next(row, outcome, now) {
            None => drop(tx.logout_delivered(&row.sid).await?),
            Some(due) => drop(tx.logout_later(&row.sid, due).await?),
        }
        tx.commit().await?;
        Ok(())
    }
}

/// What became of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// The application knows, or has no ear.
    Heard,
    /// It says that it can't.
    Refused,
    /// It wasn't reached, or failed.
    Unheard,
}

/// When it is tried again; none: not any more.
fn next(row: &LogoutDeliveryRow, outcome: Outcome, now: Millis) -> Option<Millis> {
    let over = now.since(row.created) >= GIVEN_UP;
    match outcome {
        Outcome::Heard => None,
        Outcome::Refused if row.tries >= REFUSALS => None,
        _ if over => None,
        _ => {
            let doubled = u32::try_from(row.tries.saturating_sub(1)).unwrap_or(0).min(16);
            Some(now + FIRST_WAIT.saturating_mul(1 << doubled).min(LONGEST_WAIT))
        }
    }
}

/// The same at each try: an application that heard and whose answer was lost knows that it is the same.
fn jti(row: &LogoutDeliveryRow) -> String {
    let text = format!("countersign logout v1\n{}\n{}", row.tenant, row.sid);
    jose::base64url(&jose::sha256(text.as_bytes()))
}

async fn run(channel: Weak<BackChannel>) {
    loop {
        let Some(held) = channel.upgrade() else { return };
        match held.look().await {
            // As much as was taken at once: there may be more.
            Ok(count) if i64::try_from(count).is_ok_and(|count| count >= TAKEN) => continue,
            Ok(_) => {}
            Err(error) => {
                tracing::error!(%error, "what applications are owed at a session's end could not be looked at")
            }
        }
        let _ = tokio::time::timeout(LOOK, held.woken.notified()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::{TenantId, UserId, world::SeededRandom};

    fn row(tries: i64) -> LogoutDeliveryRow {
        let random = SeededRandom::new(1);
        LogoutDeliveryRow {
            tenant: TenantId::new(Millis(1), &random),
            sid: "s".to_owned(),
            ikey: "DI".to_owned(),
            user_id: UserId::new(Millis(1), &random),
            created: Millis(0),
            due: Millis(0),
            tries,
        }
    }

    #[test]
    fn it_is_tried_later_and_later_until_it_is_heard_or_a_day_is_over() {
        let now = Millis(1_000);
        let waits: Vec<u64> =
            (1..=12).map(|tries| next(&row(tries), Outcome::Unheard, now).unwrap().since(now).as_secs()).collect();
        assert_eq!(waits, [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600]);
        assert_eq!(next(&row(1), Outcome::Heard, now), None);
        assert!(next(&row(4), Outcome::Refused, now).is_some());
        assert_eq!(next(&row(5), Outcome::Refused, now), None);
        assert_eq!(next(&row(500), Outcome::Unheard, Millis(86_400_000)), None);
        assert_ne!(jti(&row(1)), jti(&LogoutDeliveryRow { sid: "t".to_owned(), ..row(1) }));
        assert_eq!(jti(&row(1)), jti(&row(2)));
    }
}
