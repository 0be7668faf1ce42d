//! Requests of relying parties that wait while somebody signs in: sealed, for this browser alone, answered once.
//!
//! The id stands in an address, so anybody may have it; the secret is a cookie of the browser that brought the request. Somebody who
//! sends another a link to a request of their own gets nowhere: that browser has no such cookie.

use crate::{RelyingParty, Sso, SsoError, Visit};
use auth::{AuthError, sign_in::neighbourhood};
use http::HeaderValue;
use keys::{TenantKeys, Token};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};
use store::{SsoRequestRow, StoreError, fields, limits::Limit};
use types::{Millis, SecretString, SsoRequestId, ct_eq};

/// How long a request waits.
pub const HELD_LIFE: Duration = Duration::from_secs(15 * 60);
/// The longest request, in bytes: more than any door takes.
pub const LONGEST_HELD: usize = 64 * 1024;
/// How the browser's secret begins.
const PREFIX: &str = "csso";
/// So many requests may be held for one address: strangers make them.
const HOLDS: Limit = Limit { max: 300, window: Duration::from_secs(60) };

/// What a person is asked to agree to before a request goes on.
#[derive(Clone, Copy)]
pub struct ToAgree<'a> {
    /// What the application may then know.
    pub scopes: &'a [String],
    /// Where the answer goes: the one thing on the page that the application hasn't chosen the words of.
    pub goes_to: &'a str,
}

/// A request that waits now.
pub struct Held {
    /// Its id: stands in the address that the browser comes back to.
    pub id: SsoRequestId,
    /// The name of its cookie.
    pub cookie_name: String,
    /// What goes into it.
    pub secret: SecretString,
    /// The whole cookie, as a `Set-Cookie` line.
    pub set_cookie: Option<HeaderValue>,
}

/// A request that has waited, found by its id and by the secret of its browser.
pub struct Pending {
    /// Its id.
    pub id: SsoRequestId,
    /// Whose request.
    pub party: Arc<RelyingParty>,
    /// The request, as the door gave it.
    pub request: Vec<u8>,
    /// When it came: a proof or a consent that was asked for with it is younger.
    pub created: Millis,
    /// What consent is asked for; empty for none.
    pub scopes: Vec<String>,
    /// Where the answer goes that is consented to: this request's own address, verified. Empty where nothing is asked.
    pub goes_to: String,
    /// Where the browser goes on: a path on this host.
    pub return_to: String,
}

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Sealed {
    request: serde_bytes_b64::Bytes,
    scopes: Vec<String>,
    #[serde(default)]
    goes_to: String,
    door: String,
}

/// Octets in JSON.
mod serde_bytes_b64 {
    use data_encoding::BASE64;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(super) struct Bytes(pub(super) Vec<u8>);

    impl Serialize for Bytes {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            to.serialize_str(&BASE64.encode(&self.0))
        }
    }

    impl<'de> Deserialize<'de> for Bytes {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            let text = String::deserialize(from)?;
            BASE64.decode(text.as_bytes()).map(Self).map_err(D::Error::custom)
        }
    }
}

impl Sso {
    /// Keeps a request for this browser. `door` is where it goes on, a path on this host that the id is put behind
    /// (`/oidc/continue/`); `agree` is what the person must agree to, where they must.
    ///
    /// [`AuthError::Limited`] for too many from one address.
    pub async fn hold(
        &self,
        visit: &Visit,
        party: &RelyingParty,
        request: &[u8],
        door: &str,
        agree: Option<ToAgree<'_>>,
    ) -> Result<Held, SsoError> {
        if request.len() > LONGEST_HELD || !auth::sign_in::is_local_path(door) {
            return Err(SsoError::Damaged("request"));
        }
        let (now, random) = (self.world().now(), self.world().random.as_ref());
        let scope = self.store().tenant(visit.tenant);
        let keys = scope.keys().await?;
        let id = SsoRequestId::new(now, random);
        let secret = Token::generate(PREFIX, random);
        let sealed = Sealed {
            request: serde_bytes_b64::Bytes(request.to_vec()),
            scopes: agree.map(|agree| agree.scopes.to_vec()).unwrap_or_default(),
            goes_to: agree.map(|agree| agree.goes_to.to_owned()).unwrap_or_default(),
            door: door.to_owned(),
        };
        let plain = serde_json::to_vec(&sealed).map_err(|_| SsoError::Damaged("request"))?;
        let row = SsoRequestRow {
            id,
            ikey: party.ikey().to_owned(),
            browser: keys.digest(fields::SSO_BROWSER, &[id.as_bytes(), secret.expose().as_bytes()]).to_vec(),
            sealed: keys.seal(fields::sso_request(&id), &plain, random).map_err(StoreError::from)?,
            created: now,
            expires: now + HELD_LIFE,
            released_at: None,
        };
        let mut tx = scope.begin().await?;
        if !tx.spend(bucket(&keys, visit), HOLDS, 1, now).await? {
            return Err(limited());
        }
        tx.insert_sso_request(&row).await?;
        tx.commit().await?;
        let cookie_name = cookie_name(visit, id);
        let secret = SecretString::new(secret.expose().to_owned());
        let set_cookie = visit.cookie(&cookie_name, secret.expose(), HELD_LIFE);
        Ok(Held { id, cookie_name, secret, set_cookie })
    }

    /// Counts a request that is answered without being held, among those that are: for answers that cost a row or a signature and that
    /// a stranger gets.
    ///
    /// [`AuthError::Limited`] for too many from one address.
    pub async fn count_stranger(&self, visit: &Visit) -> Result<(), SsoError> {
        let scope = self.store().tenant(visit.tenant);
        let bucket = bucket(&scope.keys().await?, visit);
        let mut tx = scope.begin().await?;
        let may = tx.spend(bucket, HOLDS, 1, self.world().now()).await?;
        tx.commit().await?;
        if may { Ok(()) } else { Err(limited()) }
    }

    /// A request that waits for this browser. None where there is no such one, where it is another browser's or another tenant's, where
    /// it was answered, and where its time is over: a stranger can't tell these apart.
    pub async fn held(&self, visit: &Visit, id: &str) -> Result<Option<Pending>, SsoError> {
        let Ok(id) = id.parse::<SsoRequestId>() else { return Ok(None) };
        let secret = visit.cookies.get(&cookie_name(visit, id)).and_then(|text| Token::parse(PREFIX, text).ok());
        let Some(secret) = secret else { return Ok(None) };
        let scope = self.store().tenant(visit.tenant);
        let Some(row) = scope.sso_request(id).await? else { return Ok(None) };
        let parts: [&[u8]; 2] = [id.as_bytes(), secret.expose().as_bytes()];
        let digests = scope.keys().await?.digest_candidates(fields::SSO_BROWSER, &parts);
        if !digests.iter().any(|digest| ct_eq(digest, &row.browser)) {
            return Ok(None);
        }
        if row.released_at.is_some() || row.expires <= self.world().now() {
            return Ok(None);
        }
        let Some(party) = self.party_of(visit.tenant, &row.ikey).await? else { return Ok(None) };
        let opened = scope.open(fields::sso_request(&id), &row.sealed).await?;
        let sealed: Sealed = serde_json::from_slice(opened.expose()).map_err(|_| SsoError::Damaged("request"))?;
        Ok(Some(Pending {
            id,
            party,
            request: sealed.request.0,
            created: row.created,
            scopes: sealed.scopes,
            goes_to: sealed.goes_to,
            return_to: format!("{}{id}", sealed.door),
        }))
    }

    /// Takes a request out: whether this call and no other did. Only then it may be answered with anything that grants.
    pub async fn release(&self, visit: &Visit, id: SsoRequestId) -> Result<bool, SsoError> {
        let mut tx = self.store().tenant(visit.tenant).begin().await?;
        if !tx.release_sso_request(id, self.world().now()).await? {
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    /// The line that takes a request's cookie back.
    #[must_use]
    pub fn forget_held(visit: &Visit, id: SsoRequestId) -> Option<HeaderValue> {
        visit.forget(&cookie_name(visit, id))
    }
}

fn limited() -> SsoError {
    AuthError::Limited { retry_after: HOLDS.window }.into()
}

/// Where requests of this address are counted.
fn bucket(keys: &TenantKeys, visit: &Visit) -> [u8; 32] {
    keys.digest(fields::LIMIT, &[b"sso-hold", neighbourhood(visit.ip()).as_bytes()])
}

/// Each request has its own, so two tabs don't disturb each other.
fn cookie_name(visit: &Visit, id: SsoRequestId) -> String {
    let text = id.to_string();
    // The end of the id is chance; the beginning is time.
    let tail = text.get(text.len().saturating_sub(13)..).unwrap_or_default();
    visit.cookie_name(&format!("countersign-so-{tail}"))
}
