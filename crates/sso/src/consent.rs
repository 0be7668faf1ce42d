//! What people let applications know that aren't their organisation's own.

use crate::{Ask, RelyingParty, SignedIn, Sso, SsoError, party::Kind};
use store::{ConsentRow, Ended};
use types::{Millis, TenantId, UserId};

/// Scopes in one consent.
const MOST: usize = 100;

/// What a person agreed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// For which application: the key of its integration.
    pub ikey: String,
    /// Its name.
    pub name: String,
    /// To which scopes.
    pub scopes: Vec<String>,
    /// When, at last.
    pub at: Millis,
}

impl Sso {
    /// The scopes of a request that the person has yet to agree to; none at an application of the organisation's own.
    pub(crate) async fn missing_consent(
        &self,
        party: &RelyingParty,
        user: UserId,
        ask: &Ask,
    ) -> Result<Vec<String>, SsoError> {
        // A service provider or a proxied application was set up by an administrator; only OpenID clients may come from elsewhere.
        let Kind::Oidc(client) = &party.settings.kind else { return Ok(Vec::new()) };
        if client.first_party && ask.consent_since.is_none() {
            return Ok(Vec::new());
        }
        let given = self.store().tenant(party.tenant()).consent(user, party.ikey()).await?;
        let given = given.filter(|row| ask.consent_since.is_none_or(|since| row.created > since));
        let Some(given) = given else { return Ok(ask.scopes.clone()) };
        let missing = ask.scopes.iter().filter(|scope| !given.scopes.split(' ').any(|known| known == scope.as_str()));
        Ok(missing.cloned().collect())
    }

    /// Notes that a person agrees to these scopes, beside those that they agreed to before.
    pub async fn agree(&self, signed: &SignedIn, party: &RelyingParty, scopes: &[String]) -> Result<(), SsoError> {
        let scope = self.store().tenant(signed.tenant);
        let before = scope.consent(signed.user, party.ikey()).await?.map(|row| row.scopes).unwrap_or_default();
        let mut all: Vec<&str> = before.split(' ').filter(|word| !word.is_empty()).collect();
        all.extend(scopes.iter().map(String::as_str));
        all.sort_unstable();
        all.dedup();
        let plain = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic());
        if all.len() > MOST || !all.iter().all(plain) {
            return Err(SsoError::Damaged("scopes"));
        }
        let row = ConsentRow {
            user_id: signed.user,
            ikey: party.ikey().to_owned(),
            scopes: all.join(" "),
            created: self.world().now(),
        };
        let detail = serde_json::json!({ "integration_key": row.ikey, "scopes": row.scopes }).to_string();
        let mut tx = scope.begin().await?;
        tx.put_consent(&row).await?;
        tx.log_act(self.world(), "user", "consent_give", &signed.username, &detail).await?;
        Ok(tx.commit().await?)
    }

    /// What a person agreed to, for every application that there is, by name.
    pub async fn consents(&self, tenant: TenantId, user: UserId) -> Result<Vec<Consent>, SsoError> {
        let mut consents = Vec::new();
        for row in self.store().tenant(tenant).consents(user).await? {
            let Some(party) = self.party_of(tenant, &row.ikey).await? else { continue };
            consents.push(Consent {
                name: party.app.name.clone(),
                ikey: row.ikey,
                scopes: row.scopes.split(' ').map(str::to_owned).collect(),
                at: row.created,
            });
        }
        consents.sort_by_key(|consent| consent.name.to_lowercase());
        Ok(consents)
    }

    /// Takes a consent back, and all tokens of this person that the application got by it; whether there was one.
    pub async fn withdraw(&self, tenant: TenantId, user: UserId, ikey: &str) -> Result<bool, SsoError> {
        let mut tx = self.store().tenant(tenant).begin().await?;
        let gone = tx.withdraw_consent(user, ikey).await?;
        if gone {
            tx.revoke_grants(Ended::UserAt(user, ikey), self.world().now()).await?;
            let detail = serde_json::json!({ "integration_key": ikey }).to_string();
            tx.log_act(self.world(), "user", "consent_withdraw", &user.to_string(), &detail).await?;
        }
        tx.commit().await?;
        Ok(gone)
    }
}
