//! What relying parties are told of a person, and what the person is called there.

use crate::{
    RelyingParty, Sso, SsoError,
    claims::{Attribute, ClaimsMap, Person, Source, Wanted},
    party::{Kind, Settings, Subject},
};
use auth::{AuthError, Client};
use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value};
use store::{StoreError, fields, login::Holder};
use types::{TenantId, UserId};

/// The name of the tenant's secret that pairwise names are made with. It outlives every rotation of keys, because the names must.
const PAIRWISE: &str = "pairwise-subjects";

impl Sso {
    /// What is known of a person; none where there is no such one. Whether they may use anything isn't asked.
    pub async fn person(&self, party: &RelyingParty, user: UserId) -> Result<Option<Person>, SsoError> {
        match self.auth().admit(&party.app, &auth::Subject::Id(user), &Client::default()).await {
            Err(AuthError::NoUser) => Ok(None),
            done => match done?.holder {
                Some(holder) => Ok(Some(self.person_of(party.tenant(), holder, &party.settings).await?)),
                None => Ok(None),
            },
        }
    }

    pub(crate) async fn person_of(
        &self,
        tenant: TenantId,
        holder: Holder,
        settings: &Settings,
    ) -> Result<Person, SsoError> {
        let user = holder.user;
        let map = settings.claims();
        let mut aliases = Vec::new();
        // One question more, which only who wants to know it asks.
        if map.0.iter().any(|rule| rule.value == Source::Aliases) {
            let names = self.store().tenant(tenant).user_names(&[user.id]).await?;
            aliases = names.into_iter().filter(|(_, row)| row.place > 0).map(|(_, row)| row.name).collect();
        }
        Ok(Person {
            tenant,
            id: user.id,
            username: user.username,
            realname: user.realname,
            firstname: user.firstname,
            lastname: user.lastname,
            email: user.email,
            status: user.status,
            groups: holder.groups.into_iter().map(|group| (group.id, group.name)).collect(),
            aliases,
            attributes: serde_json::from_str(&user.attributes).unwrap_or_default(),
        })
    }

    /// The claims of a person for a token or for userinfo, without `sub` and what a token says by itself.
    #[must_use]
    pub fn claims(&self, person: &Person, party: &RelyingParty, wanted: Wanted<'_>) -> Map<String, Value> {
        party.settings.claims().claims(person, wanted)
    }

    /// The attributes of a person, for SAML and for headers.
    #[must_use]
    pub fn attributes(&self, person: &Person, party: &RelyingParty) -> Vec<Attribute> {
        party.settings.claims().attributes(person)
    }

    /// What a person is called at a relying party: their id, or at an OpenID client with pairwise names another in each sector. For SAML
    /// the persistent name identifier.
    pub async fn subject(&self, user: UserId, party: &RelyingParty) -> Result<String, SsoError> {
        match &party.settings.kind {
            Kind::Oidc(client) => match &client.subject {
                Subject::Public => Ok(user.to_string()),
                Subject::Pairwise { sector } => self.pairwise(party.tenant(), sector, user).await,
            },
            Kind::Saml(_) => self.pairwise(party.tenant(), &party.key, user).await,
            Kind::Forward(_) => Ok(user.to_string()),
        }
    }

    /// A name that only this sector knows (OpenID Connect Core §8.1).
    async fn pairwise(&self, tenant: TenantId, sector: &str, user: UserId) -> Result<String, SsoError> {
        let key = self.pairwise_key(tenant).await?;
        let mut context = hmac::Context::with_key(&key);
        context.update(&u64::try_from(sector.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(sector.as_bytes());
        context.update(user.as_bytes());
        Ok(BASE64URL_NOPAD.encode(context.sign().as_ref()))
    }

    async fn pairwise_key(&self, tenant: TenantId) -> Result<hmac::Key, SsoError> {
        if let Some(key) = self.pairwise.get(&tenant) {
            return Ok(key);
        }
        let scope = self.store().tenant(tenant);
        for _ in 0..2 {
            if let Some(sealed) = scope.secret(PAIRWISE).await? {
                let secret = scope.open(fields::tenant_secret(PAIRWISE), &sealed).await?;
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose());
                self.pairwise.insert(tenant, key.clone());
                return Ok(key);
            }
            let mut secret = [0; 32];
            self.world().random.fill(&mut secret);
            let keys = scope.keys().await?;
            let sealed = keys.seal(fields::tenant_secret(PAIRWISE), &secret, self.world().random.as_ref());
            let mut tx = scope.begin().await?;
            // Somebody else may have made one in the same moment: that one counts.
            tx.insert_secret(PAIRWISE, &sealed.map_err(StoreError::from)?, self.world().now()).await?;
            tx.commit().await?;
        }
        Err(SsoError::Damaged("secret"))
    }
}

impl Settings {
    /// What the relying party is told of people.
    #[must_use]
    pub fn claims(&self) -> &ClaimsMap {
        match &self.kind {
            Kind::Oidc(client) => &client.claims,
            Kind::Saml(party) => &party.attributes,
            Kind::Forward(host) => &host.headers,
        }
    }
}
