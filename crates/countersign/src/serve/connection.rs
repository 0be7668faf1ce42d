//! One connection: the handshake, then its requests, until one side closes.

use std::{
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
};

use axum::{Router, extract::ConnectInfo};
use futures_util::FutureExt as _;
use http::{HeaderValue, header};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use oidc::ClientCertificates;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::TlsAcceptor;
use tower::Service as _;

use super::{
    connections::{Order, Place, State},
    http_metrics::HttpMetrics,
    peer::TrustedProxies,
    shutdown::Shutdown,
};
use crate::tls::ACME_PROTOCOL;

/// What a listener's connections share.
pub(crate) struct Door {
    /// TLS, or plain TCP for the metrics listener.
    pub(crate) tls: Option<TlsAcceptor>,
    /// HTTP/1.1 and its limits.
    pub(crate) http: http1::Builder,
    /// All routes.
    pub(crate) router: Router,
    /// Whose word about the client is believed.
    pub(crate) proxies: TrustedProxies,
    /// The numbers.
    pub(crate) metrics: Arc<HttpMetrics>,
    /// The last answer of a connection says that it is.
    pub(crate) shutdown: Shutdown,
}

/// Serves it to its end.
pub(crate) async fn serve(door: Arc<Door>, stream: TcpStream, peer: SocketAddr, place: Place) {
    // Small answers must not wait for an acknowledgement of the one before (Nagle).
    let _ = stream.set_nodelay(true);
    let Some(acceptor) = &door.tls else {
        return requests(&door, stream, None, (peer, place), Order::None).await;
    };
    let mut handshake = pin!(acceptor.accept(stream));
    let mut known = Order::None;
    let done = loop {
        tokio::select! {
            done = handshake.as_mut() => break done,
            order = place.ordered(known) => {
                // A client in its handshake is about to ask something: a stop lets it.
                if order >= Order::Close {
                    return door.metrics.connection("handshake_timeout");
                }
                known = order;
            }
        }
    };
    match done {
        // The authority has seen its certificate; there is nothing more to say (RFC 8737 §3).
        Ok(stream) if stream.get_ref().1.alpn_protocol() == Some(ACME_PROTOCOL) => door.metrics.connection("acme"),
        Ok(stream) => {
            let shown = certificates(stream.get_ref().1);
            requests(&door, stream, shown, (peer, place), known).await;
        }
        Err(_) => door.metrics.connection("handshake_failed"),
    }
}

/// What the client has shown and has the keys of; only where it was asked.
fn certificates(connection: &rustls::ServerConnection) -> Option<ClientCertificates> {
    let shown = connection.peer_certificates()?;
    Some(ClientCertificates(shown.iter().map(|der| der.to_vec()).collect()))
}

async fn requests<IO>(
    door: &Arc<Door>,
    io: IO,
    shown: Option<ClientCertificates>,
    (peer, place): (SocketAddr, Place),
    mut known: Order,
) where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    place.enter(State::Fresh);
    let place = Arc::new(place);
    let service = {
        let (door, place) = (door.clone(), place.clone());
        service_fn(move |mut request: http::Request<Incoming>| {
            place.enter(State::Busy);
            let client = door.proxies.client(peer, request.headers());
            request.extensions_mut().insert(ConnectInfo(client));
            request.extensions_mut().insert(sso::forward::Peer(peer));
            request.extensions_mut().insert(place.clone());
            if let Some(shown) = &shown {
                request.extensions_mut().insert(shown.clone());
            }
            let (place, stopping) = (place.clone(), door.shutdown.clone());
            door.router.clone().call(request).map(move |answer| {
                place.enter(State::Quiet);
                answer.map(|mut answer| {
                    if place.is_to_close() || stopping.has_begun() {
                        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                    }
                    answer
                })
            })
        })
    };
    let io = TokioIo::new(Noticed { io, place: place.clone() });
    let mut connection = pin!(door.http.serve_connection(io, service));
    loop {
        tokio::select! {
            // How a connection ended is the client's affair: it may close at any moment.
            _ = connection.as_mut() => return,
            order = place.ordered(known) => {
                known = order;
                match (order, place.state()) {
                    (Order::Abort, _) => return,
                    (Order::Finish, State::Busy | State::Quiet) | (_, State::Busy) => {
                        connection.as_mut().graceful_shutdown();
                    }
                    // hyper would close on the half of a request that has arrived. Whole, it is answered, with the
                    // word that no other will be; the sweep sees to it that this doesn't take long.
                    (Order::Finish, _) => {}
                    _ => return door.metrics.connection("closed_waiting"),
                }
            }
        }
    }
}

/// A stream that tells its place when bytes arrive, so that a slow request is told from a quiet connection.
struct Noticed<IO> {
    io: IO,
    place: Arc<Place>,
}

impl<IO: AsyncRead + Unpin> AsyncRead for Noticed<IO> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let done = Pin::new(&mut self.io).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.place.bytes_arrived();
        }
        done
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Noticed<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
