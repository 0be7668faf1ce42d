//! What every request goes through: its size, who asks, whose account it names; then its handler.

use crate::{
    Api, caller,
    caller::Caller,
    messages, routes,
    wire::{ApiError, Form, Prefix, Reply, uuid_of},
};
use axum::{
    Router,
    body::Body,
    extract::{RawPathParams, State},
    response::IntoResponse,
    routing::{MethodRouter, delete, get, post},
};
use http::{HeaderMap, Request, header};
use http_body_util::{BodyExt as _, Limited};
use std::{collections::BTreeMap, future::Future, net::IpAddr, pin::Pin, sync::Arc};
use store::Tenant;
use types::Millis;
use uuid::Uuid;

/// No body is longer, in bytes.
const LONGEST: usize = 64 * 1024;

/// By which method a route is asked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Method {
    Get,
    Post,
    Delete,
}

impl Method {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// What a handler gives, later.
pub(crate) type Answering = Pin<Box<dyn Future<Output = Result<Reply, ApiError>> + Send>>;
/// A handler.
pub(crate) type Handler = fn(Call) -> Answering;

/// One line of a part's table of routes.
macro_rules! route {
    ($method:ident $path:literal => $run:path) => {
        $crate::routes::Route {
            method: $crate::pipeline::Method::$method,
            path: $path,
            run: |call| Box::pin($run(call)),
        }
    };
}
pub(crate) use route;

/// A request of somebody who may ask.
pub(crate) struct Call {
    pub(crate) api: Arc<Api>,
    pub(crate) caller: Caller,
    /// The segments in braces, in their order.
    segments: Vec<String>,
    /// The path as it was asked.
    pub(crate) path: String,
    pub(crate) query: Form,
    pub(crate) form: Form,
    /// Of a client that repeats a request it has no answer to.
    pub(crate) idempotency: Option<String>,
}

impl Call {
    /// A segment of the path; empty for one that the route doesn't have.
    pub(crate) fn segment(&self, place: usize) -> &str {
        self.segments.get(place).map_or("", String::as_str)
    }

    /// The id that a segment names.
    ///
    /// # Errors
    /// 20404 for what is no such name.
    pub(crate) fn id(&self, place: usize, prefix: Prefix) -> Result<Uuid, ApiError> {
        uuid_of(prefix, self.segment(place)).ok_or_else(ApiError::not_found)
    }

    /// The caller's rows.
    pub(crate) fn rows(&self) -> Tenant<'_> {
        self.api.store().tenant(self.caller.tenant)
    }

    pub(crate) fn now(&self) -> Millis {
        self.api.world().now()
    }

    /// The address of the account's host, for links in answers.
    pub(crate) async fn site(&self) -> Result<String, ApiError> {
        let row = self.rows().row().await?.ok_or_else(ApiError::not_found)?;
        Ok(self.api.auth.site(&row.api_host))
    }
}

/// The door's routes.
pub(crate) fn router(api: &Arc<Api>) -> Router {
    let mut by_path: BTreeMap<&'static str, MethodRouter<Arc<Api>>> = BTreeMap::new();
    for route in routes::all() {
        let run = route.run;
        let handler = move |State(api): State<Arc<Api>>, params: RawPathParams, request: Request<Body>| async move {
            match take(api, &params, request).await {
                Ok(call) => run(call).await.map_or_else(IntoResponse::into_response, IntoResponse::into_response),
                Err(error) => error.into_response(),
            }
        };
        let methods = by_path.remove(route.path).unwrap_or_default();
        let methods = match route.method {
            Method::Get => methods.merge(get(handler)),
            Method::Post => methods.merge(post(handler)),
            Method::Delete => methods.merge(delete(handler)),
        };
        by_path.insert(route.path, methods);
    }
    let mut router = Router::new();
    for (path, methods) in by_path {
        router = router.route(path, methods);
    }
    router.merge(messages::playsms::router()).with_state(Arc::clone(api))
}

/// Reads a request and finds out who asks.
async fn take(api: Arc<Api>, params: &RawPathParams, request: Request<Body>) -> Result<Call, ApiError> {
    let (parts, body) = request.into_parts();
    let caller = caller::authenticate(&api, &parts.headers).await?;
    let mut segments = Vec::new();
    for (name, value) in params {
        let value = value.strip_suffix(".json").unwrap_or(value);
        // Another account's things are not found, whoever asks.
        if name == "account" && value != caller.account {
            return Err(ApiError::not_found());
        }
        segments.push(value.to_owned());
    }
    let too_long = |_| ApiError::new(413, 20001, "The request is too long");
    let body = Limited::new(body, LONGEST).collect().await.map_err(too_long)?.to_bytes();
    if !body.is_empty() && !is_form(&parts.headers) {
        return Err(ApiError::new(415, 20001, "Parameters are sent as application/x-www-form-urlencoded"));
    }
    let idempotency = parts.headers.get("i-twilio-idempotency-token").and_then(|value| value.to_str().ok());
    Ok(Call {
        caller,
        segments,
        path: parts.uri.path().to_owned(),
        query: Form::parse(parts.uri.query().unwrap_or_default().as_bytes())?,
        form: Form::parse(&body)?,
        idempotency: idempotency.filter(|token| !token.is_empty() && token.len() <= 128).map(ToOwned::to_owned),
        api,
    })
}

fn is_form(headers: &HeaderMap) -> bool {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    given.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// A network address that a program names.
pub(crate) fn address(form: &Form, name: &str) -> Result<Option<IpAddr>, ApiError> {
    form.filled(name)?.map(|text| text.parse().map_err(|_| ApiError::parameter(name))).transpose()
}
