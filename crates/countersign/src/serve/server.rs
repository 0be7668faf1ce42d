//! The server: listeners, the sweep, and the stop.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::Request,
    middleware::{Next, from_fn},
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use hyper::server::conn::http1;
use listenfd::ListenFd;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_rustls::TlsAcceptor;
use types::World;

use super::{
    body::BodyLimits,
    connection::{self, Door},
    connections::{Connections, Order, Patience, Refused, TICK},
    failure::OnFailure,
    health::{Health, Overview, Readiness},
    http_metrics::HttpMetrics,
    observe::{Observe, RequestIds, Rules},
    open_files,
    peer::TrustedProxies,
    shutdown::Shutdown,
};
use crate::{config::Config, telemetry::Registry, tls::Tls};

/// What is served. Made by whoever wires the doors to the engine.
pub struct Application {
    /// Every door's routes. `/healthz`, `/readyz`, `/metrics` and `/metrics/routes` are added to it, so it must not have them. A handler
    /// finds the client's address in [`axum::extract::ConnectInfo`]`<SocketAddr>` and the body complete.
    pub router: Router,
    /// Whether the engine can answer.
    pub ready: Readiness,
    /// The carriers and routes of messages, for `/metrics/routes`.
    pub routes: Overview,
    /// Who words the answer when a handler gives none.
    pub on_failure: OnFailure,
}

/// Why the server can't start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address can't be listened on.
    #[error("can't listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// How a stop went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Connections that were cut off because their requests took longer than the drain.
    pub cut_off: usize,
}

/// A server that listens but doesn't answer yet.
pub struct Server {
    listeners: Vec<TcpListener>,
    asking_listeners: Vec<TcpListener>,
    metrics_listener: Option<TcpListener>,
    plain: Option<(TcpListener, Router)>,
    tls: TlsAcceptor,
    asking: TlsAcceptor,
    config: Config,
    registry: Arc<Registry>,
    ids: RequestIds,
}

impl Server {
    /// Listens on the configured addresses, or takes over the sockets that the service manager holds for them, in
    /// their order.
    ///
    /// # Errors
    /// When one of them can't be listened on.
    pub async fn bind(config: &Config, tls: &Tls, registry: Arc<Registry>, world: &World) -> Result<Self, ServeError> {
        // Clients let users in while connections are refused, so a restart should refuse none: where the service manager
        // holds the sockets (LISTEN_FDS), connections wait in its queue for the next process.
        let mut handed = ListenFd::from_env();
        let mut listeners = Vec::new();
        for (index, address) in config.server.listen.iter().enumerate() {
            listeners.push(match handed.take_tcp_listener(index) {
                Ok(Some(listener)) => adopt(listener, *address)?,
                Ok(None) => listen(*address).await?,
                Err(source) => return Err(ServeError::Listen { address: *address, source }),
            });
        }
        let mut asking_listeners = Vec::new();
        for address in &config.server.mtls_listen {
            asking_listeners.push(listen(*address).await?);
        }
        let metrics_listener = match config.metrics.listen {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        Ok(Self {
            listeners,
            asking_listeners,
            metrics_listener,
            plain: None,
            tls: TlsAcceptor::from(tls.server_config()),
            asking: TlsAcceptor::from(tls.asking_config()),
            config: config.clone(),
            registry,
            ids: RequestIds::new(world),
        })
    }

    /// Where HTTPS is served; tells the port where 0 was configured.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    /// Where clients are asked for a certificate.
    #[must_use]
    pub fn mtls_addresses(&self) -> Vec<SocketAddr> {
        self.asking_listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    /// Where the metrics are served.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_listener.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Serves `router` without TLS too. For a demonstration, on an address of this machine's own: a browser takes `http://localhost`
    /// for as safe as HTTPS, and doesn't know an authority that was made a second ago.
    pub fn also_plain(&mut self, listener: TcpListener, router: Router) {
        self.plain = Some((listener, router));
    }

    /// Serves until `shutdown` begins, then lets open requests end, for as long as `server.drain_seconds` says.
    pub async fn run(self, application: Application, shutdown: Shutdown) -> Stopped {
        let limits = &self.config.limits;
        let metrics = Arc::new(HttpMetrics::new(self.registry.clone()));
        let connections = Connections::new(open_files::room_for(limits.connections), limits.connections_per_address);
        let health = Health {
            ready: application.ready,
            shutdown: shutdown.clone(),
            registry: self.registry.clone(),
            routes: application.routes,
        };
        let observe = Observe(Arc::new(Rules {
            body: BodyLimits { bytes: limits.body_bytes, time: limits.body },
            request: limits.request,
            on_failure: application.on_failure,
            metrics: metrics.clone(),
            strict_transport: !self.config.server.api_hosts.is_empty(),
            ids: self.ids,
        }));
        let http = http(limits.header_bytes);
        let proxies = TrustedProxies::new(self.config.server.trusted_proxies.clone());
        let public = application.router.merge(health.clone().public(self.config.metrics.token.clone()));
        let asking = Arc::new(Door {
            tls: Some(self.asking),
            http: http.clone(),
            router: public.clone().layer(from_fn(for_programs)).layer(observe.clone()),
            proxies: TrustedProxies::default(),
            metrics: metrics.clone(),
            shutdown: shutdown.clone(),
        });
        let main = Arc::new(Door {
            tls: Some(self.tls),
            http: http.clone(),
            router: public.layer(observe.clone()),
            proxies: proxies.clone(),
            metrics: metrics.clone(),
            shutdown: shutdown.clone(),
        });
        let plain = self.plain.map(|(listener, router)| {
            let door = Door {
                tls: None,
                http: http.clone(),
                router: router.layer(observe.clone()),
                proxies: proxies.clone(),
                metrics: metrics.clone(),
                shutdown: shutdown.clone(),
            };
            (listener, Arc::new(door))
        });
        let private = Arc::new(Door {
            tls: None,
            http,
            router: health.private().layer(observe),
            proxies,
            metrics: metrics.clone(),
            shutdown: shutdown.clone(),
        });
        let mut accepting = JoinSet::new();
        for (listener, door) in self
            .listeners
            .into_iter()
            .map(|listener| (listener, main.clone()))
            .chain(self.asking_listeners.into_iter().map(|listener| (listener, asking.clone())))
            .chain(self.metrics_listener.map(|listener| (listener, private)))
            .chain(plain)
        {
            accepting.spawn(accept(listener, door, connections.clone(), shutdown.clone()));
        }
        let patience = Patience { handshake: limits.handshake, header: limits.header, idle: limits.idle };
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !shutdown.has_begun() {
            tokio::select! {
                () = shutdown.begun() => {}
                _ = ticks.tick() => {
                    connections.sweep(patience);
                    self.registry.gauge("http_connections", connections.len() as f64);
                }
            }
        }
        drain(&mut accepting, &connections, self.config.server.drain).await
    }
}

/// Where clients are asked for a certificate, programs alone come: no page is served there.
async fn for_programs(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path.starts_with("/oidc/") || path.starts_with("/ssf/") || path == "/global-token-revocation" {
        next.run(request).await
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|source| ServeError::Listen { address, source })
}

fn adopt(listener: std::net::TcpListener, address: SocketAddr) -> Result<TcpListener, ServeError> {
    let adopted = listener.set_nonblocking(true).and_then(|()| TcpListener::from_std(listener));
    adopted.map_err(|source| ServeError::Listen { address, source })
}

fn http(header_bytes: usize) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.keep_alive(true)
        .half_close(false)
        // The sweep watches over all times: a timer per request would cost more than the request's parsing.
        .header_read_timeout(None)
        .max_header_size(header_bytes)
        .max_buf_size(header_bytes.max(LARGEST_READ));
    http
}

/// What one read may fill, so that a large body doesn't grow a connection's buffer for good.
const LARGEST_READ: usize = 65_536;

/// How long to leave alone a listener that can't accept.
const AFTER_ERROR: Duration = Duration::from_millis(50);

async fn accept(listener: TcpListener, door: Arc<Door>, connections: Arc<Connections>, shutdown: Shutdown) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.begun() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => take_in(&door, &connections, stream, peer),
            // The client gave up in the queue.
            Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) => {
            }
            Err(error) => {
                // Mostly: too many open files. One that only waits makes room.
                door.metrics.connection("accept_error");
                tracing::warn!(%error, made_room = connections.close_one(), "can't accept a connection");
                tokio::time::sleep(AFTER_ERROR).await;
            }
        }
    }
}

fn take_in(door: &Arc<Door>, connections: &Arc<Connections>, stream: TcpStream, peer: SocketAddr) {
    let counted = (!door.proxies.contain(peer.ip())).then_some(peer.ip());
    match connections.admit(counted) {
        Ok(place) => {
            door.metrics.connection("accepted");
            tokio::spawn(connection::serve(door.clone(), stream, peer, place));
        }
        Err(Refused::Full) => door.metrics.connection("refused_full"),
        Err(Refused::FullForAddress) => door.metrics.connection("refused_full_for_address"),
    }
}

/// How long a client in its handshake, or between the handshake and its request, is waited for in a stop.
const LAST_WORD: Duration = Duration::from_secs(2);

async fn drain(accepting: &mut JoinSet<()>, connections: &Connections, length: Duration) -> Stopped {
    // The listeners close first, so that nobody is let in to be sent away.
    while accepting.join_next().await.is_some() {}
    connections.tell_all(Order::Finish);
    let deadline = Instant::now() + length;
    let mut ticks = interval(TICK / 10);
    let mut count = 0_u32;
    while !connections.is_empty() && Instant::now() < deadline {
        ticks.tick().await;
        count += 1;
        if count.is_multiple_of(10) {
            connections.sweep(Patience { handshake: LAST_WORD, header: LAST_WORD, idle: LAST_WORD });
        }
    }
    let cut_off = connections.len();
    connections.tell_all(Order::Abort);
    Stopped { cut_off }
}
