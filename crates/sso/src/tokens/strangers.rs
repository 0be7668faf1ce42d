//! What a program may have written down here before it has shown who it is.
//!
//! A public client has only a name, and anybody may say it. Pushed requests, proofs of possession and devices' codes are rows nevertheless, so
//! they are counted by the network that asks.

use super::Grants;
use crate::SsoError;
use auth::{AuthError, sign_in::neighbourhood};
use std::{net::IpAddr, time::Duration};
use store::{fields, limits::Limit};
use types::TenantId;

/// So often a network may ask for something that is written down. A house full of people behind one address signs in less often.
const ASKED: Limit = Limit { max: 300, window: Duration::from_secs(60) };

impl Grants {
    /// Counts a request of a program that has shown nothing: [`AuthError::Limited`] for too many from one network.
    pub async fn count_stranger(&self, tenant: TenantId, ip: Option<IpAddr>) -> Result<(), SsoError> {
        let scope = self.auth.store().tenant(tenant);
        let bucket = scope.keys().await?.digest(fields::LIMIT, &[b"oidc-ask", neighbourhood(ip).as_bytes()]);
        let mut tx = scope.begin().await?;
        let may = tx.spend(bucket, ASKED, 1, self.now()).await?;
        tx.commit().await?;
        if may { Ok(()) } else { Err(AuthError::Limited { retry_after: ASKED.window }.into()) }
    }
}
