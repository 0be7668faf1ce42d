//! The doors, as one application for the server.

use crate::{
    config::Config,
    hooks,
    serve::{Application, Failure, Shutdown, failure},
    services::Services,
};
use axum::Router;
use duo_api::Door;
use std::sync::Arc;

/// Every door's routes over `services`. When the stop begins, the engine answers whoever waits.
///
/// # Errors
/// When the pages' texts can't be read.
pub fn application(
    config: &Config,
    services: &Services,
    has_certificate: impl Fn() -> bool + Send + Sync + 'static,
    shutdown: &Shutdown,
) -> Result<Application, web::TextsError> {
    with_certificate(config, services, &door(config, services), has_certificate, shutdown)
}

/// As [`application`], and the same doors for browsers on this machine that come by http to `plain_port`.
///
/// # Errors
/// When the pages' texts can't be read.
pub fn with_plain(
    config: &Config,
    services: &Services,
    has_certificate: impl Fn() -> bool + Send + Sync + 'static,
    shutdown: &Shutdown,
    plain_port: u16,
) -> Result<(Application, Router), web::TextsError> {
    let door = door(config, services);
    let application = with_certificate(config, services, &door, has_certificate, shutdown)?;
    let options = web::WebOptions { public_port: plain_port, secure_origin: false, ..web_options(config) };
    Ok((application, router(services, &door, options)?))
}

/// One for all listeners: what was used at one is used at the other.
fn door(config: &Config, services: &Services) -> Arc<Door> {
    let hosts = config.server.api_hosts.clone();
    Arc::new(Door::new(Arc::clone(&services.auth), hosts, config.limits.long_poll))
}

fn web_options(config: &Config) -> web::WebOptions {
    let public_port = config.public_port();
    let with_port = |host: &String| if public_port == 443 { host.clone() } else { format!("{host}:{public_port}") };
    web::WebOptions {
        public_port,
        beacon_host: config.server.beacon_host.as_ref().map(with_port),
        secure_origin: true,
        texts_dir: config.web.texts_dir.clone(),
    }
}

fn router(services: &Services, door: &Arc<Door>, options: web::WebOptions) -> Result<Router, web::TextsError> {
    let duo = if options.secure_origin { duo_api::router(door) } else { duo_api::plain_router(door) };
    let router = duo.merge(authenticator::router(&services.auth));
    Ok(router.merge(web::router(&services.auth, options)?))
}

fn with_certificate(
    config: &Config,
    services: &Services,
    door: &Arc<Door>,
    has_certificate: impl Fn() -> bool + Send + Sync + 'static,
    shutdown: &Shutdown,
) -> Result<Application, web::TextsError> {
    let router = router(services, door, web_options(config))?.merge(hooks::router(Arc::clone(&services.hooks)));
    let (auth, stop) = (Arc::clone(&services.auth), shutdown.clone());
    tokio::spawn(async move {
        stop.begun().await;
        auth.stop();
    });
    let store = Arc::clone(&services.store);
    let has_certificate = Arc::new(has_certificate);
    Ok(Application {
        router,
        ready: Arc::new(move || {
            let (store, has_certificate) = (Arc::clone(&store), Arc::clone(&has_certificate));
            Box::pin(async move {
                if !has_certificate() {
                    return Err("certificate");
                }
                store.tenants(None, 1).await.map(drop).map_err(|_| "database")
            })
        }),
        on_failure: Arc::new(|failed| {
            let ours = matches!(failed.failure, Failure::Panic | Failure::Timeout);
            match failed.route {
                Some(route) if ours && route.starts_with("/oauth/v1/") => duo_api::answer_to_panic(route),
                Some(route) if route.starts_with("/auth/v2/") || route.starts_with("/rest/v1/") => {
                    let answer = duo_api::answer_to_panic(route);
                    // Where no sign-in is denied by it, a body that is the client's fault is said to be.
                    if ours || !answer.status().is_server_error() { answer } else { failure::plain(failed) }
                }
                Some(route) if web::owns(route) => web::answer_to_failure(ours),
                _ => failure::plain(failed),
            }
        }),
    })
}
