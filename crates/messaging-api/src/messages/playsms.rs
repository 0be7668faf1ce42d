//! The web service of playSMS, as far as programs use it to send one text: `GET …?app=ws&u=…&h=…&op=pv&to=…&msg=…`.
//!
//! The user is an account or a key, its `h` the token or the secret. They stand in the query, because that is the protocol; this
//! server logs no query.

use super::create::{Wish, send};
use crate::{
    Api, caller,
    wire::{ApiError, Form, Prefix, sid},
};
use axum::{
    Json, Router,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use types::SecretString;

const MAX_TEXT: usize = 1600;

/// Its routes.
pub(crate) fn router() -> Router<Arc<Api>> {
    Router::new().route("/playsms", get(answer)).route("/playsms/index.php", get(answer))
}

async fn answer(State(api): State<Arc<Api>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let sent = take(&api, query.unwrap_or_default().as_bytes(), &headers).await;
    let now = api.world().now().seconds();
    // Numbers as playSMS's own documentation has them: 100 for a wrong sign-in, 103 for what wasn't sent.
    let (status, body) = match sent {
        Ok((to, name)) => {
            let data = json!([{ "status": "OK", "error": "0", "smslog_id": name, "queue": name, "to": to }]);
            (StatusCode::OK, json!({ "data": data, "error_string": null, "timestamp": now }))
        }
        Err(error) => {
            let number = if error.status == 401 { "100" } else { "103" };
            let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
            let body = json!({ "status": "ERR", "error": number, "error_string": error.message, "timestamp": now });
            (status, body)
        }
    };
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn take(api: &Arc<Api>, query: &[u8], headers: &HeaderMap) -> Result<(String, String), ApiError> {
    let query = Form::parse(query)?;
    let needed = |name: &str| query.filled(name)?.ok_or_else(|| ApiError::parameter(name));
    if needed("app")? != "ws" || needed("op")? != "pv" {
        return Err(ApiError::unsupported("This operation"));
    }
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let secret = SecretString::new(needed("h")?.to_owned());
    let caller = caller::admit(api, needed("u")?, &secret, host).await?;
    let text = needed("msg")?;
    if text.chars().count() > MAX_TEXT {
        return Err(ApiError::parameter("msg"));
    }
    let wish = Wish {
        to: needed("to")?.parse().map_err(|_| super::bad_number())?,
        from: None,
        body: SecretString::new(text.to_owned()),
        service: None,
        callback: None,
        valid_for: Duration::from_secs(4 * 3600),
        not_before: None,
        idempotency: None,
    };
    let (id, _) = send(api, &caller, &wish).await?;
    Ok((wish.to.expose().to_owned(), sid(Prefix::MESSAGE, id.uuid())))
}
