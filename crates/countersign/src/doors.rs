//! The doors, as one application for the server.

use crate::{
    config::Config,
    hooks,
    route_health::{self, Told},
    serve::{Application, Failure, Shutdown, failure},
    services::Services,
};
use anyhow::Context as _;
use axum::Router;
use directory::Directory;
use duo_api::Door;
use sso::Sso;
use std::sync::Arc;

/// Every door's routes over `services`. When the stop begins, the engine answers whoever waits.
///
/// # Errors
/// When the pages' texts can't be read, or TLS towards tenants' programs can't be set up.
pub fn application(
    config: &Config,
    services: &Services,
    has_certificate: impl Fn() -> bool + Send + Sync + 'static,
    shutdown: &Shutdown,
) -> anyhow::Result<Application> {
    with_certificate(config, services, &Doors::open(config, services)?, has_certificate, shutdown)
}

/// As [`application`], and the same doors for browsers on this machine that come by http to `plain_port`.
///
/// # Errors
/// When the pages' texts can't be read, or TLS towards tenants' programs can't be set up.
pub fn with_plain(
    config: &Config,
    services: &Services,
    has_certificate: impl Fn() -> bool + Send + Sync + 'static,
    shutdown: &Shutdown,
    plain_port: u16,
) -> anyhow::Result<(Application, Router)> {
    let doors = Doors::open(config, services)?;
    let application = with_certificate(config, services, &doors, has_certificate, shutdown)?;
    let options = web::WebOptions { public_port: plain_port, secure_origin: false, ..web_options(config) };
    Ok((application, router(services, &doors.plain(services, plain_port), options)?))
}

/// Those that remember something, one of each for all listeners: what was used at one is used at the other.
struct Doors {
    sso: Arc<Sso>,
    outbound: outbound::Outbound,
    logouts: Arc<sso::Logouts>,
    directory: Arc<Directory>,
    duo: Arc<Door>,
    messaging: Arc<messaging_api::Api>,
    oidc: Arc<oidc::Door>,
    saml: Arc<saml::Door>,
    signals: Arc<signals::Door>,
}

impl Doors {
    fn open(config: &Config, services: &Services) -> anyhow::Result<Self> {
        let hosts = config.server.api_hosts.clone();
        let outbound = outbound(config)?;
        let logouts = sso::Logouts::start(
            &services.sso,
            vec![
                Box::new(oidc::BackChannel::new(&services.sso, outbound.clone())),
                Box::new(saml::BackChannel::new(&services.sso, outbound.clone())),
            ],
        );
        let directory = Arc::new(services.directory());
        Ok(Self {
            sso: Arc::clone(&services.sso),
            duo: Arc::new(Door::new(Arc::clone(&services.auth), hosts, config.limits.long_poll)),
            messaging: messaging_api(config, services)?,
            oidc: Arc::new(
                oidc::Door::new(&services.sso, &logouts, outbound.clone(), &directory).with_mtls(config.mtls_port()),
            ),
            logouts,
            directory,
            saml: Arc::new(saml::Door::new(&services.sso, outbound.clone())),
            signals: signals::Door::start(&services.sso, outbound.clone()),
            outbound,
        })
    }
}

impl Doors {
    /// The same for browsers that come by http to `port`: other addresses, other names of cookies.
    fn plain(&self, services: &Services, port: u16) -> Self {
        let options = sso::Options { public_port: port, secure_origin: false };
        let sso = Sso::start(Arc::clone(&services.auth), options);
        Self {
            duo: Arc::clone(&self.duo),
            messaging: Arc::clone(&self.messaging),
            oidc: Arc::new(oidc::Door::new(&sso, &self.logouts, self.outbound.clone(), &self.directory)),
            saml: Arc::new(saml::Door::new(&sso, self.outbound.clone())),
            signals: Arc::clone(&self.signals),
            outbound: self.outbound.clone(),
            logouts: Arc::clone(&self.logouts),
            directory: Arc::clone(&self.directory),
            sso,
        }
    }
}

/// Asks addresses that tenants named.
fn outbound(config: &Config) -> anyhow::Result<outbound::Outbound> {
    let allowed = config.callback_networks.clone();
    outbound::Outbound::new(allowed, "Countersign").context("requests to applications")
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

/// What callbacks were told of is told once, whichever listener the message came by.
fn messaging_api(config: &Config, services: &Services) -> anyhow::Result<Arc<messaging_api::Api>> {
    let sim_swap = config.sim_swap.as_ref().map(|swap| messaging_api::SimSwapConfig {
        url: swap.url.clone(),
        token: swap.token.clone(),
        max_age: swap.max_age,
        gate: swap.gate,
        open_on_failure: swap.open_on_failure,
    });
    let options = messaging_api::Options { callback_networks: config.callback_networks.clone(), sim_swap };
    messaging_api::Api::start(&services.auth, options).context("the messaging API")
}

fn router(services: &Services, doors: &Doors, options: web::WebOptions) -> Result<Router, web::TextsError> {
    let duo = if options.secure_origin { duo_api::router(&doors.duo) } else { duo_api::plain_router(&doors.duo) };
    let pages = web::Pages::new(&doors.sso, options)?;
    let router = duo.merge(authenticator::router(&services.auth)).merge(messaging_api::router(&doors.messaging));
    let router = router.merge(pages.around(oidc::router(&doors.oidc).merge(saml::router(&doors.saml))));
    Ok(router.merge(signals::router(&doors.signals)).merge(pages.router()))
}

fn with_certificate(
    config: &Config,
    services: &Services,
    doors: &Doors,
    has_certificate: impl Fn() -> bool + Send + Sync + 'static,
    shutdown: &Shutdown,
) -> anyhow::Result<Application> {
    let router = router(services, doors, web_options(config))?.merge(hooks::router(Arc::clone(&services.hooks)));
    let (auth, stop) = (Arc::clone(&services.auth), shutdown.clone());
    tokio::spawn(async move {
        stop.begun().await;
        auth.stop();
    });
    let store = Arc::clone(&services.store);
    let has_certificate = Arc::new(has_certificate);
    let courier = Arc::clone(&services.courier);
    Ok(Application {
        router,
        routes: Arc::new(move || route_health::described(&courier.routes(), &Told::now(&courier))),
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
                Some(route) if signals::owns(route) => signals::answer_to_failure(ours),
                Some(route) if oidc::is_page(route) || saml::owns(route) || web::owns(route) => {
                    web::answer_to_failure(ours)
                }
                Some(route) if oidc::owns(route) => oidc::answer_to_failure(ours),
                _ => failure::plain(failed),
            }
        }),
    })
}
