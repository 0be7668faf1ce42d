//! Where a device's browser takes its pushes.

use crate::{error::Failure, proof};
use auth::Auth;
use axum::{
    Json,
    body::Body,
    extract::{RawQuery, State},
};
use http::Request;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use std::sync::Arc;
use types::TenantId;

/// `GET /authenticator/v1/push_key?tenant=…`. The key is public: a browser needs it before it can subscribe.
pub(crate) async fn key(State(auth): State<Arc<Auth>>, RawQuery(query): RawQuery) -> Result<Json<Value>, Failure> {
    let tenant: TenantId = query
        .as_deref()
        .and_then(|query| query.strip_prefix("tenant="))
        .and_then(|tenant| tenant.parse().ok())
        .ok_or(Failure::Malformed("the query is not tenant=ID"))?;
    Ok(Json(json!({ "public_key": auth.push_key(tenant).await? })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted<'a> {
    /// As the browser gives it, or null.
    #[serde(borrow)]
    subscription: Option<&'a RawValue>,
}

/// `POST /authenticator/v1/subscription`.
pub(crate) async fn set(State(auth): State<Arc<Auth>>, request: Request<Body>) -> Result<Json<Value>, Failure> {
    let (device, _, body) = proof::verify(&auth, request).await?;
    let wanted = wanted(&body).ok_or(Failure::Malformed("the body is not an object of subscription"))?;
    auth.set_subscription(&device, wanted.map(|json| json.get().as_bytes())).await?;
    Ok(Json(json!({})))
}

/// What a body asks for: a subscription, or that there be none.
fn wanted(body: &[u8]) -> Option<Option<&RawValue>> {
    serde_json::from_slice::<Wanted<'_>>(body).ok().map(|wanted| wanted.subscription)
}

/// For the fuzzer.
#[doc(hidden)]
pub fn fuzz_wanted(body: &[u8]) {
    let _ = wanted(body);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_subscription_or_none_and_nothing_else() {
        assert!(wanted(br#"{"subscription":null}"#).is_some_and(|wanted| wanted.is_none()));
        assert!(wanted(br#"{"subscription":{"endpoint":"x"}}"#).is_some_and(|wanted| wanted.is_some()));
        for bad in [r#"{"subscription":null,"phone":"DP"}"#, "[]", "null", "", r#"{"subscription":}"#] {
            assert!(wanted(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = wanted(&bytes);
        }
    }
}
