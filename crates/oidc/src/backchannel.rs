//! Back-channel logout (OpenID Connect Back-Channel Logout 1.0): who is owed word of a session's end is told by this server itself, whatever
//! the browser does. When, and how often, is [`sso::Logouts`]' affair.

use jose::event::LOGOUT_TYPE;
use outbound::{Outbound, Request};
use serde_json::json;
use sso::{Messenger, Protocol, RelyingParty, Sso, SsoError, delivery::Outcome, logouts::judged};
use std::{sync::Arc, time::Duration};
use store::LogoutDeliveryRow;

/// How long a logout token is valid (§2.4 recommends at most two minutes).
const LIFE: Duration = Duration::from_secs(120);
/// The event's name (§2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Tells clients that have a back channel.
pub struct BackChannel {
    sso: Arc<Sso>,
    outbound: Outbound,
}

impl BackChannel {
    /// Signs by `sso`, and asks by `outbound`.
    #[must_use]
    pub fn new(sso: &Arc<Sso>, outbound: Outbound) -> Self {
        Self { sso: Arc::clone(sso), outbound }
    }

    /// The token (§2.4): of one session of one person, for one application, without a nonce, so that nobody takes it for an id token.
    async fn token(&self, row: &LogoutDeliveryRow, party: &RelyingParty) -> Result<String, SsoError> {
        let tenant = self.sso.store().tenant(row.tenant).row().await?.ok_or(SsoError::Over)?;
        let now = self.sso.world().now();
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
}

#[async_trait::async_trait]
impl Messenger for BackChannel {
    fn protocol(&self) -> Protocol {
        Protocol::Oidc
    }

    async fn tell(&self, row: &LogoutDeliveryRow, party: &RelyingParty) -> Result<Outcome, SsoError> {
        let Some(uri) = party.oidc().and_then(|client| client.backchannel_logout_uri.as_deref()) else {
            return Ok(Outcome::Done);
        };
        let token = self.token(row, party).await?;
        let body = format!("logout_token={token}").into_bytes();
        let headers = [("Cache-Control", "no-store")];
        let request = Request::post(uri, "application/x-www-form-urlencoded", body).with_headers(&headers).up_to(4096);
        // 200, and 204 of frameworks that say so when there is no body (§2.8).
        Ok(judged(self.outbound.send(request).await, row, 200..300))
    }
}

/// The same at each try: an application that heard and whose answer was lost knows that it is the same.
fn jti(row: &LogoutDeliveryRow) -> String {
    let text = format!("countersign logout v1\n{}\n{}", row.tenant, row.sid);
    jose::base64url(&jose::sha256(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::{Millis, TenantId, UserId, world::SeededRandom};

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
            detail: None,
        }
    }

    #[test]
    fn each_try_names_the_same_end_and_each_end_another() {
        assert_ne!(jti(&row(1)), jti(&LogoutDeliveryRow { sid: "t".to_owned(), ..row(1) }));
        assert_eq!(jti(&row(1)), jti(&row(2)));
    }
}
