//! From a request to a verified call and back to an answer, the same way for every route.

use crate::{
    door::{Call, Door, Route, Surface},
    wire::{AcceptedVersions, ApiError, Encoding, Envelope, Limits, UnverifiedRequest, Version, collect, is_guarded},
};
use axum::{
    Router,
    body::Body,
    extract::{RawPathParams, State, rejection::RawPathParamsRejection},
    response::{IntoResponse, Response},
    routing::{MethodRouter, any},
};
use http::Request;
use std::{collections::BTreeMap, sync::Arc};

/// A router over `routes`: each path knows its methods, and everything else is answered in the envelope.
pub(crate) fn router(routes: impl IntoIterator<Item = &'static Route>, door: &Arc<Door>) -> Router {
    let mut paths: BTreeMap<&'static str, Vec<&'static Route>> = BTreeMap::new();
    for route in routes {
        paths.entry(route.path).or_default().push(route);
    }
    paths.into_iter().fold(Router::new(), |router, (path, routes)| {
        let routes: Arc<[&'static Route]> = routes.into();
        let serve: MethodRouter<Arc<Door>> = any(move |State(door), params: PathParts, request: Request<Body>| {
            let routes = Arc::clone(&routes);
            async move {
                match params {
                    Ok(params) => serve(door, &routes, &params, request).await,
                    // A part that isn't UTF-8 names nothing that there is.
                    Err(_) => not_found(request).await,
                }
            }
        });
        router.merge(Router::new().route(path, serve.with_state(Arc::clone(door))))
    })
}

type PathParts = Result<RawPathParams, RawPathParamsRejection>;

/// A method that an unsigned path doesn't have.
pub(crate) async fn wrong_method(request: Request<Body>) -> Response {
    Encoding::of_path(request.uri().path()).0.reply(Err(ApiError::method_not_allowed())).into_response()
}

/// A path that no route has.
pub(crate) async fn not_found(request: Request<Body>) -> Response {
    Encoding::of_path(request.uri().path()).0.reply(Err(ApiError::not_found())).into_response()
}

async fn serve(door: Arc<Door>, routes: &[&'static Route], path: &RawPathParams, request: Request<Body>) -> Response {
    let encoding = Encoding::of_path(request.uri().path()).0;
    let Some(route) = routes.iter().find(|route| route.method.http() == *request.method()) else {
        return encoding.reply(Err(ApiError::method_not_allowed())).into_response();
    };
    let path = path.iter().map(|(_, value)| value.to_owned()).collect();
    let outcome = match call(door, route, path, request).await {
        Err(error) if error.status().is_server_error() => route.closed.answer(),
        other => other,
    };
    encoding.reply(outcome).into_response()
}

async fn call(
    door: Arc<Door>,
    route: &'static Route,
    path: Vec<String>,
    request: Request<Body>,
) -> Result<Envelope, ApiError> {
    let (parts, body) = request.into_parts();
    // Logos and branding come in a body of the Admin API; nothing else is long.
    let limits = match route.surface {
        Surface::Auth => Limits::DEFAULT,
        Surface::Admin(_) => Limits::DEFAULT.with_body(1024 * 1024),
    };
    let body = collect(body, limits.body).await?;
    let unverified = UnverifiedRequest::read(&parts, &body, limits)?;
    let now = door.auth.world().now();
    let app = door.auth.applications().get(unverified.integration_key()).await.map_err(crate::refusal)?;
    let app = app.ok_or_else(ApiError::invalid_integration_key)?;
    let accepted = if app.signature_v1 { AcceptedVersions::ALL } else { AcceptedVersions::DATED };
    let mut hosts = Vec::with_capacity(door.api_hosts.len() + 1);
    hosts.push(app.api_host.as_str());
    hosts.extend(door.api_hosts.iter().map(String::as_str));
    let verified = unverified.verify(app.secret.expose().as_bytes(), accepted, &hosts, now)?;
    permit(&app, route.surface)?;
    let guarded = is_guarded(&parts.method, parts.uri.path());
    let digest = match verified.proof().signed_at {
        Some(signed_at) if guarded && verified.proof().version != Version::V1 => {
            door.ledger.accept(verified.proof().signature(), signed_at, now).into_result()?;
            Some(digest(verified.proof().signature()))
        }
        _ => None,
    };
    let params = verified.params().clone();
    let outcome = (route.handler)(Call { door: Arc::clone(&door), app, params, path, request_digest: digest }).await;
    if let (Err(error), Some(signed_at), Some(_)) = (&outcome, verified.proof().signed_at, digest)
        && error.status() == http::StatusCode::TOO_MANY_REQUESTS
    {
        // The libraries send the very same request again, a little later.
        door.ledger.release(verified.proof().signature(), signed_at);
    }
    outcome
}

/// Whether an integration may call a surface. Duo's words for it, as its clients show them.
fn permit(app: &auth::Application, surface: Surface) -> Result<(), ApiError> {
    // The person's own pages are no client of anybody's; the secret of the messaging API's is a token that programs have.
    let other = matches!(app.kind.as_str(), "adminapi" | "accountsapi" | "portal" | "messaging");
    match surface {
        Surface::Admin(_) if !app.enabled => Err(ApiError::forbidden("This integration is switched off.")),
        Surface::Auth if !other => Ok(()),
        Surface::Admin(_) if app.kind != "adminapi" => Err(ApiError::wrong_integration_type()),
        Surface::Admin(grant) => {
            let granted = app.grants.get(grant).is_some_and(|value| {
                value.as_bool() == Some(true) || value.as_i64() == Some(1) || value.as_str() == Some("1")
            });
            if granted {
                Ok(())
            } else {
                Err(ApiError::forbidden("This integration was not given the permission for this call."))
            }
        }
        Surface::Auth => Err(ApiError::wrong_integration_type()),
    }
}

fn digest(signature: &[u8]) -> [u8; 32] {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, signature);
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(hash.as_ref()) {
        *to = *from;
    }
    out
}
