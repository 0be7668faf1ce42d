//! How tokens are made for what was granted.

use super::{ACCESS, Binding, GrantError, Granted, Grants, REFRESH, plan_to_hold, seconds};
use crate::{OidcClient, RelyingParty, SsoError, TokenFormat, signing::LONGEST_TOKEN};
use jose::Algorithm;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::time::Duration;
use store::{GrantFamilyRow, GrantTokenRow, Outcome, Plan, Planned, StoreError, fields};
use types::{GrantId, Millis, SecretString, SessionId, TenantId, UserId};

/// The kind of a signed access token (RFC 9068 §2.1).
pub(super) const TYPE: &str = "at+jwt";

/// What is wanted of a grant. What isn't said is what was granted.
#[derive(Clone, Debug, Default)]
pub struct Want {
    /// The issuer: the tenant's public address.
    pub issuer: String,
    /// Fewer scopes than were granted.
    pub scopes: Option<Vec<String>>,
    /// Fewer resources than were granted.
    pub resources: Option<Vec<String>>,
    /// The key to which the access token is bound.
    pub binding: Option<Binding>,
    /// Until when at the longest.
    pub until: Option<Millis>,
}

/// What came of a grant.
#[derive(Clone)]
pub struct Minted {
    /// The access token.
    pub access_token: SecretString,
    /// Its life.
    pub expires_in: Duration,
    /// The refresh token, where there is a new one.
    pub refresh_token: Option<SecretString>,
    /// What the access token is for.
    pub scopes: Vec<String>,
    /// The key to which the access token is bound.
    pub binding: Option<Binding>,
    /// What was granted, for the id token.
    pub granted: Granted,
    /// Whose.
    pub user: Option<UserId>,
    /// In which session it was granted.
    pub session: Option<SessionId>,
    /// The family; none for a client's own signed token.
    pub family: Option<GrantId>,
}

/// What one access token is for, where that differs from its family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Narrowed {
    pub(super) scopes: Vec<String>,
    pub(super) resources: Vec<String>,
    pub(super) binding: Option<Binding>,
}

/// An access token before it is written.
struct Made {
    text: SecretString,
    life: Duration,
    row: Option<GrantTokenRow>,
}

/// The tokens that a client gets at once, before they are written.
pub(super) struct Struck {
    access: Made,
    refresh: Option<(SecretString, GrantTokenRow)>,
}

impl Struck {
    /// Plans to write them; where a step is named, only if it changed something.
    pub(super) fn write(&self, plan: &mut Plan<'_>, after: Option<Planned>) {
        for row in self.access.row.iter().chain(self.refresh.iter().map(|(_, row)| row)) {
            let written = plan.insert_grant_token(row);
            plan.after(written, after.as_slice());
        }
    }

    /// What the client is told, once they are written. `family`: none for a client's own signed token.
    pub(super) fn minted(self, family: Option<&GrantFamilyRow>, granted: Granted, narrowed: Narrowed) -> Minted {
        Minted {
            access_token: self.access.text,
            expires_in: self.access.life,
            refresh_token: self.refresh.map(|(text, _)| text),
            scopes: narrowed.scopes,
            binding: narrowed.binding,
            granted,
            user: family.and_then(|family| family.user_id),
            session: family.and_then(|family| family.session_id),
            family: family.map(|family| family.id),
        }
    }
}

/// The session has ended between two looks.
const OVER: GrantError = GrantError::Refused("the session or the request is over");

impl Narrowed {
    /// What `want` leaves of what was granted.
    pub(super) fn of(granted: &Granted, want: &Want) -> Result<Self, GrantError> {
        let within = |wanted: &[String], granted: &[String]| wanted.iter().all(|one| granted.contains(one));
        let scopes = want.scopes.as_ref().unwrap_or(&granted.scopes);
        if !within(scopes, &granted.scopes) {
            return Err(GrantError::Scope);
        }
        let resources = want.resources.as_ref().unwrap_or(&granted.resources);
        if !within(resources, &granted.resources) {
            return Err(GrantError::Target);
        }
        Ok(Self { scopes: scopes.clone(), resources: resources.clone(), binding: want.binding.clone() })
    }
}

impl Grants {
    /// Grants at once what needs no code: for an exchange, for a client's own tokens. The session in `person`: the one with which it ends.
    pub async fn grant(
        &self,
        party: &RelyingParty,
        person: Option<(UserId, Option<SessionId>)>,
        granted: Granted,
        want: &Want,
    ) -> Result<Minted, GrantError> {
        self.grant_for(None, party, person, granted, want).await?.ok_or(OVER)
    }

    /// The same; to a `device` whose request was allowed, and is used up by this and no other call. None where it isn't allowed any more.
    pub(super) async fn grant_for(
        &self,
        device: Option<&[u8]>,
        party: &RelyingParty,
        person: Option<(UserId, Option<SessionId>)>,
        granted: Granted,
        want: &Want,
    ) -> Result<Option<Minted>, GrantError> {
        let client = party.oidc().ok_or(SsoError::Damaged("relying party"))?;
        let (user, session) = (person.map(|person| person.0), person.and_then(|person| person.1));
        if let Some(user) = user
            && self.auth.still_admitted(&party.app, user).await?.is_none()
        {
            return Err(GrantError::Refused("the person may not sign in"));
        }
        let narrowed = Narrowed::of(&granted, want)?;
        let now = self.now();
        let tenant = party.tenant();
        // A client's own signed token needs no row: it ends soon, and no person can be disabled behind it.
        if user.is_none() && !granted.refresh && client.access_token_format == TokenFormat::Jwt {
            let access = self.access_token(tenant, client, None, &granted, &narrowed, &want.issuer).await?;
            return Ok(Some(Struck { access, refresh: None }.minted(None, granted, narrowed)));
        }
        let granted = Granted { binding: want.binding.clone(), ..granted };
        let life =
            if granted.refresh { seconds(client.refresh_token_seconds) } else { seconds(client.access_token_seconds) };
        let ends = want.until.map_or(now + life, |until| until.min(now + life));
        let family = self.family(&party.app, user, session, &granted, ends).await?;
        let generation = granted.refresh.then_some(0);
        let struck = self.strike(party, &family, generation, &granted, &narrowed, &want.issuer).await?;
        // In one transaction: whoever takes the person's grants back in this moment finds the device's request or the family.
        let mut plan = self.auth.store().tenant(tenant).plan();
        let fetched = device.map(|device| plan.redeem_device_grant(device, now));
        if let Some(fetched) = fetched {
            plan.require(fetched);
        }
        if let (Some(user), Some(session)) = (user, session) {
            plan_to_hold(&mut plan, session, user, now);
        }
        plan.insert_grant_family(&family);
        struck.write(&mut plan, None);
        match plan.commit().await? {
            Outcome::Committed(_) => Ok(Some(struck.minted(Some(&family), granted, narrowed))),
            Outcome::RolledBack(step) if Some(step) == fetched => Ok(None),
            Outcome::RolledBack(_) => Err(OVER),
        }
    }

    /// Makes an access token, and a refresh token of this generation where there shall be one.
    pub(super) async fn strike(
        &self,
        party: &RelyingParty,
        family: &GrantFamilyRow,
        generation: Option<i64>,
        granted: &Granted,
        narrowed: &Narrowed,
        issuer: &str,
    ) -> Result<Struck, SsoError> {
        let client = party.oidc().ok_or(SsoError::Damaged("relying party"))?;
        let tenant = party.tenant();
        let access = self.access_token(tenant, client, Some(family), granted, narrowed, issuer).await?;
        let refresh = match generation {
            Some(generation) => Some(self.refresh_token(tenant, client, family, generation).await?),
            None => None,
        };
        Ok(Struck { access, refresh })
    }

    /// A refresh token that waits as long as the client's setting says, and not past its family.
    async fn refresh_token(
        &self,
        tenant: TenantId,
        client: &OidcClient,
        family: &GrantFamilyRow,
        generation: i64,
    ) -> Result<(SecretString, GrantTokenRow), SsoError> {
        let expires = (self.now() + seconds(client.refresh_idle_seconds)).min(family.expires);
        let (text, row) = self.token(tenant, REFRESH, expires).await?;
        Ok((text, GrantTokenRow { family: family.id, generation, ..row }))
    }

    /// An access token, which lasts no longer than its family. A signed one has no row.
    async fn access_token(
        &self,
        tenant: TenantId,
        client: &OidcClient,
        family: Option<&GrantFamilyRow>,
        granted: &Granted,
        narrowed: &Narrowed,
        issuer: &str,
    ) -> Result<Made, SsoError> {
        let now = self.now();
        let longest = family.map_or(LONGEST_TOKEN, |family| family.expires.since(now).min(LONGEST_TOKEN));
        let life = seconds(client.access_token_seconds).min(longest);
        let family = family.map(|family| family.id);
        match (client.access_token_format, family) {
            (TokenFormat::Opaque, Some(family)) => {
                let (text, row) = self.token(tenant, ACCESS, now + life).await?;
                let whole = narrowed.scopes == granted.scopes
                    && narrowed.resources == granted.resources
                    && narrowed.binding == granted.binding;
                let detail = if whole { None } else { Some(self.seal_narrowed(tenant, &row.digest, narrowed).await?) };
                Ok(Made { text, life, row: Some(GrantTokenRow { family, detail, ..row }) })
            }
            _ => {
                let claims = self.claims(family, granted, narrowed, issuer, (now, life));
                let algorithm = Algorithm::from_name(&client.id_token_alg)
                    .filter(|algorithm| *algorithm != Algorithm::Hs256)
                    .unwrap_or(Algorithm::Es256);
                let text = self.keys.sign_jwt(tenant, algorithm, TYPE, &claims).await?;
                Ok(Made { text: SecretString::new(text), life, row: None })
            }
        }
    }

    /// RFC 9068 §2.2.
    fn claims(
        &self,
        family: Option<GrantId>,
        granted: &Granted,
        narrowed: &Narrowed,
        issuer: &str,
        (now, life): (Millis, Duration),
    ) -> Map<String, Value> {
        let audience = match narrowed.resources.as_slice() {
            [] => Value::from(issuer),
            [one] => Value::from(one.as_str()),
            several => Value::from(several),
        };
        let mut claims = Map::new();
        let mut put = |name: &str, value: Value| {
            if !value.is_null() {
                claims.insert(name.to_owned(), value);
            }
        };
        put("iss", issuer.into());
        put("sub", granted.subject.as_str().into());
        put("aud", audience);
        put("exp", (now + life).seconds().into());
        put("iat", now.seconds().into());
        put("jti", jose::base64url(&self.auth.world().bytes::<18>()).into());
        put("client_id", granted.client_id.as_str().into());
        put("scope", if narrowed.scopes.is_empty() { Value::Null } else { narrowed.scopes.join(" ").into() });
        put("auth_time", granted.auth_time.into());
        put("acr", granted.acr.clone().into());
        put("amr", if granted.amr.is_empty() { Value::Null } else { granted.amr.clone().into() });
        put("cnf", narrowed.binding.as_ref().map_or(Value::Null, |binding| json!(binding)));
        put("act", granted.act.clone().unwrap_or_default());
        put("grant", family.map_or(Value::Null, |family| family.to_string().into()));
        claims
    }

    async fn seal_narrowed(&self, tenant: TenantId, digest: &[u8], narrowed: &Narrowed) -> Result<Vec<u8>, SsoError> {
        let text = serde_json::to_vec(narrowed).map_err(|_| SsoError::Damaged("token"))?;
        let keys = self.auth.store().tenant(tenant).keys().await?;
        let random = self.auth.world().random.as_ref();
        Ok(keys.seal(fields::grant_token(digest), &text, random).map_err(StoreError::from)?)
    }

    pub(super) async fn open_narrowed(
        &self,
        tenant: TenantId,
        token: &GrantTokenRow,
        granted: &Granted,
    ) -> Result<Narrowed, SsoError> {
        let Some(sealed) = &token.detail else {
            let Granted { scopes, resources, binding, .. } = granted.clone();
            return Ok(Narrowed { scopes, resources, binding });
        };
        let text = self.auth.store().tenant(tenant).open(fields::grant_token(&token.digest), sealed).await?;
        serde_json::from_slice(text.expose()).map_err(|_| SsoError::Damaged("token"))
    }
}
