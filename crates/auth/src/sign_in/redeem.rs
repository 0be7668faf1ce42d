//! An application redeems the code that its user's browser brought back.

use super::{Purpose, Redeemed, decide::CODE_PREFIX};
use crate::{Application, Auth, AuthError, Client, Subject, Verdict};
use keys::Token;
use store::fields;

const REFUSED: AuthError = AuthError::Refused("the code is unknown, used or too old, or was given to another client");

impl Auth {
    /// Redeems a code of `app`, once. [`AuthError::Refused`] for a code that is unknown, used, too old or another application's, for a
    /// `redirect_uri` that isn't the same byte for byte, and for a person who may not sign in any more. A code that was presented
    /// rightly but with another `redirect_uri` is used up: somebody has got hold of it.
    pub async fn redeem(&self, app: &Application, code: &str, redirect_uri: &str) -> Result<Redeemed, AuthError> {
        let code = Token::parse(CODE_PREFIX, code).map_err(|_| REFUSED)?;
        let scope = self.store.tenant(app.tenant);
        let now = self.world.now();
        let mut found = None;
        for digest in scope.keys().await?.digest_candidates(fields::SIGN_IN_CODE, &[code.expose().as_bytes()]) {
            let mut tx = scope.begin().await?;
            if let Some(row) = tx.redeem_sign_in(&digest, &app.ikey, now).await? {
                tx.commit().await?;
                found = Some(row);
                break;
            }
        }
        let row = found.ok_or(REFUSED)?;
        let request = self.open_request(app.tenant, row.id, &row.request).await?;
        let decided = self.open_decided(app.tenant, row.id, row.result.as_deref()).await?;
        let Purpose::Application { redirect_uri: wanted, nonce, .. } = request.purpose else { return Err(REFUSED) };
        if wanted != redirect_uri {
            tracing::warn!(tenant = %app.tenant, ikey = %app.ikey, "a code came with another redirect_uri; it is used up");
            return Err(REFUSED);
        }
        let username = request.username.ok_or(AuthError::Damaged("sign-in"))?;
        let subject = row.user_id.map_or_else(|| Subject::Name(username.clone()), Subject::Id);
        let client = Client { ip: request.ip, hostname: request.hostname, ..Client::default() };
        // Between the factor and this moment the person may have been disabled.
        let admission = match self.admit(app, &subject, &client).await {
            Err(AuthError::NoUser) => return Err(REFUSED),
            done => done?,
        };
        if admission.decision.verdict == Verdict::Deny {
            return Err(REFUSED);
        }
        let holder = admission.holder;
        Ok(Redeemed {
            user: row.user_id,
            user_name: holder.as_ref().map_or_else(|| username.clone(), |holder| holder.user.username.clone()),
            email: holder.as_ref().map(|holder| holder.user.email.clone()).unwrap_or_default(),
            groups: holder
                .map(|holder| holder.groups.into_iter().map(|group| group.name).collect())
                .unwrap_or_default(),
            username,
            factor: decided.factor,
            txid: decided.txid,
            nonce,
            result: "allow",
            status: decided.status,
            message: decided.message,
            reason: decided.reason,
            auth_time: types::Millis(decided.at).seconds(),
            ip: request.ip,
            location: self.location(request.ip),
            user_agent: request.user_agent,
            auth_device: decided.device,
        })
    }
}
