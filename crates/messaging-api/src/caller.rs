//! Who asks: HTTP Basic, by an account and its token, or by a key and its secret.
//!
//! An account's tokens are its integrations of type `messaging`: the integration's secret key is the token. They are sealed and not
//! hashed, because callbacks are signed with one: the oldest that is switched on. To change it without a stop, make a second
//! integration, give its secret to the programs, and delete the first. Keys (`SK…`) are made through the API; of their secrets only a
//! keyed hash is kept, and they can make no keys.

use crate::{
    Api, TOKEN_TYPE,
    wire::{ApiError, Prefix, sid, uuid_of},
};
use auth::Application;
use data_encoding::BASE64;
use http::{HeaderMap, header};
use std::sync::Arc;
use store::{ApiObjectRow, fields};
use types::{ApiObjectId, SecretString, TenantId, ct_eq};

/// The longest credential, in characters of the header.
const MAX_HEADER: usize = 1024;
/// The kind of a key in the store.
pub(crate) const KEY: &str = "key";

/// Whoever asks, after their secret was right.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) tenant: TenantId,
    /// `AC…`.
    pub(crate) account: String,
    /// The key's name, where one was used: it may do less than the account's token.
    pub(crate) key: Option<ApiObjectId>,
}

impl Caller {
    /// What another request of the same caller is known by.
    pub(crate) fn name(&self) -> String {
        self.key.map_or_else(|| self.account.clone(), |key| sid(Prefix::KEY, key.uuid()))
    }
}

/// Reads and checks the `Authorization` header.
///
/// # Errors
/// 20003, whatever is wrong.
pub(crate) async fn authenticate(api: &Api, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (user, secret) = given.and_then(basic).ok_or_else(ApiError::authenticate)?;
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    admit(api, &user, &secret, host).await
}

/// The user and the password of HTTP Basic (RFC 7617 §2).
fn basic(header: &str) -> Option<(String, SecretString)> {
    if header.len() > MAX_HEADER {
        return None;
    }
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(BASE64.decode(encoded.trim().as_bytes()).ok()?).ok()?;
    let (user, secret) = text.split_once(':')?;
    Some((user.to_owned(), SecretString::new(secret.to_owned())))
}

/// Checks a user and a secret. `host` is what the request calls this server.
///
/// # Errors
/// 20003, whatever is wrong.
pub(crate) async fn admit(api: &Api, user: &str, secret: &SecretString, host: &str) -> Result<Caller, ApiError> {
    let caller = if let Some(key) = uuid_of(Prefix::KEY, user) {
        by_key(api, ApiObjectId::from_uuid(key), secret).await?
    } else {
        let account = uuid_of(Prefix::ACCOUNT, user).ok_or_else(ApiError::authenticate)?;
        by_token(api, TenantId::from_uuid(account), secret).await?
    };
    // A name that is another tenant's serves nobody else; one that is nobody's (a proxy's, an address) says nothing.
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name).to_ascii_lowercase();
    match api.store().tenant_of_host(&name).await? {
        Some(tenant) if tenant != caller.tenant => Err(ApiError::authenticate()),
        _ => Ok(caller),
    }
}

async fn by_token(api: &Api, tenant: TenantId, secret: &SecretString) -> Result<Caller, ApiError> {
    let tokens = tokens(api, tenant).await?;
    // All are compared, so that the time doesn't tell which one was nearly right.
    let right = tokens.iter().filter(|token| token.secret.ct_eq(secret.expose())).count();
    if right == 0 {
        return Err(ApiError::authenticate());
    }
    Ok(Caller { tenant, account: sid(Prefix::ACCOUNT, tenant.uuid()), key: None })
}

async fn by_key(api: &Api, key: ApiObjectId, secret: &SecretString) -> Result<Caller, ApiError> {
    let tenant = api.store().tenant_of_api_key(key).await?.ok_or_else(ApiError::authenticate)?;
    let scope = api.store().tenant(tenant);
    let row = scope.api_object(KEY, ApiObjectRow::ROOT, key).await?.ok_or_else(ApiError::authenticate)?;
    let stored = row.digest.unwrap_or_default();
    let parts = [key.as_bytes().as_slice(), secret.expose().as_bytes()];
    let right = scope.keys().await?.digest_candidates(fields::API_KEY, &parts);
    if right.iter().filter(|digest| ct_eq(*digest, &stored)).count() == 0 {
        return Err(ApiError::authenticate());
    }
    Ok(Caller { tenant, account: sid(Prefix::ACCOUNT, tenant.uuid()), key: Some(key) })
}

/// The tenant's tokens that are switched on, the oldest first.
async fn tokens(api: &Api, tenant: TenantId) -> Result<Vec<Arc<Application>>, ApiError> {
    let mut rows = api.store().tenant(tenant).integrations_of_type(TOKEN_TYPE).await?;
    rows.sort_by_key(|row| row.created);
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let application = api.auth.applications().get(&row.ikey).await?;
        found.extend(application.filter(|app| app.enabled && app.tenant == tenant && app.kind == TOKEN_TYPE));
    }
    Ok(found)
}

/// The token that signs what is sent to a tenant's programs.
pub(crate) async fn signing_token(api: &Api, tenant: TenantId) -> Result<Option<SecretString>, ApiError> {
    Ok(tokens(api, tenant).await?.first().map(|app| app.secret.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn basic_is_read() {
        let header = format!("Basic {}", BASE64.encode(b"AC1:a:b"));
        let (user, secret) = basic(&header).unwrap();
        assert_eq!((user.as_str(), secret.expose()), ("AC1", "a:b"));
        for bad in ["", "Basic", "Bearer QUM6eA==", "Basic QUM", "Basic !", &format!("Basic {}", "A".repeat(1100))] {
            assert!(basic(bad).is_none(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_read_or_refused(header in "\\PC{0,60}|Basic [A-Za-z0-9+/=]{0,60}") {
            let _ = basic(&header);
        }
    }
}
