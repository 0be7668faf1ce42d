//! The way of messages to a trunk and back: sockets, and to which call a message belongs.

mod datagrams;
mod probe;
mod resolve;
mod strangers;
mod stream;
mod tls;

pub(crate) use resolve::{split_server, way_out};
pub(crate) use tls::client_config;

use crate::{
    config::{Config, Transport},
    dialog::{Bytes, Hop},
    message::{Malformed, Message},
};
use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::{
    net::UdpSocket,
    sync::{Notify, mpsc, oneshot, watch},
};
use types::World;

/// How many messages wait for a call before more are thrown away.
const QUEUE: usize = 32;

/// What comes to a call.
pub(crate) enum Incoming {
    /// A message with its Call-ID.
    Message(Box<Message>, SocketAddr),
    /// The connection broke.
    Lost,
    /// The trunk is stopped: hang up, and say when that is on its way.
    Stop(oneshot::Sender<()>),
}

/// A trunk's messages.
pub(crate) struct Link {
    pub(crate) config: Config,
    pub(crate) world: World,
    host: String,
    port: u16,
    /// The trunk's addresses; the first is used.
    addresses: RwLock<Vec<SocketAddr>>,
    calls: Mutex<HashMap<String, mpsc::Sender<Incoming>>>,
    outlet: Outlet,
    /// The address under which messages leave, while there is a way.
    local: watch::Sender<Option<SocketAddr>>,
    alive: AtomicBool,
    /// The connection is worth nothing any more.
    reset: Notify,
    stopped: AtomicBool,
}

enum Outlet {
    Datagrams(Arc<UdpSocket>),
    Stream(mpsc::Sender<Bytes>),
}

/// What feeds a link, to be run beside it.
pub(crate) enum Feed {
    Datagrams(Arc<UdpSocket>),
    Stream(mpsc::Receiver<Bytes>, Option<tokio_rustls::TlsConnector>),
}

impl Link {
    /// A link that isn't fed yet.
    pub(crate) async fn new(config: Config, world: World, addresses: Vec<SocketAddr>) -> io::Result<(Arc<Self>, Feed)> {
        let (host, port) = split_server(&config.server, config.transport);
        let (outlet, feed, local) = match config.transport {
            Transport::Udp => {
                let trunk = addresses.first().copied().ok_or(io::ErrorKind::NotFound)?;
                let ip = match config.local {
                    Some(ip) => ip,
                    None => way_out(trunk)?,
                };
                let socket = Arc::new(UdpSocket::bind((ip, config.port)).await?);
                let local = Some(socket.local_addr()?);
                (Outlet::Datagrams(Arc::clone(&socket)), Feed::Datagrams(socket), local)
            }
            Transport::Tcp | Transport::Tls => {
                let (sender, receiver) = mpsc::channel(256);
                let tls = if config.transport == Transport::Tls { Some(client_config(&config)?) } else { None };
                (Outlet::Stream(sender), Feed::Stream(receiver, tls), None)
            }
        };
        let link = Self {
            config,
            world,
            host,
            port,
            addresses: RwLock::new(addresses),
            calls: Mutex::default(),
            outlet,
            local: watch::channel(local).0,
            alive: AtomicBool::new(true),
            reset: Notify::new(),
            stopped: AtomicBool::new(false),
        };
        Ok((Arc::new(link), feed))
    }

    /// Reads until the task is aborted.
    pub(crate) async fn feed(self: Arc<Self>, feed: Feed) {
        match feed {
            Feed::Datagrams(socket) => datagrams::read(&self, &socket).await,
            Feed::Stream(outgoing, tls) => stream::keep(&self, outgoing, tls).await,
        }
    }

    /// Asks again and again whether the trunk lives.
    pub(crate) async fn probe(self: Arc<Self>) {
        probe::run(&self).await;
    }

    /// Whether there is a way, and the trunk answered when it was asked last.
    pub(crate) fn is_up(&self) -> bool {
        !self.is_stopped() && self.local.borrow().is_some() && self.alive.load(Ordering::Relaxed)
    }

    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Where messages leave from now, and from then on.
    pub(crate) fn local(&self) -> watch::Receiver<Option<SocketAddr>> {
        self.local.subscribe()
    }

    /// The address that others reach us at.
    pub(crate) fn public(&self, local: SocketAddr) -> SocketAddr {
        SocketAddr::new(self.config.advertised.unwrap_or(local.ip()), local.port())
    }

    /// The trunk's own address.
    pub(crate) fn trunk(&self) -> Option<SocketAddr> {
        self.addresses.read().unwrap_or_else(PoisonError::into_inner).first().copied()
    }

    /// The trunk's host as it is configured, without the port.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    fn is_trunk(&self, from: IpAddr) -> bool {
        self.addresses.read().unwrap_or_else(PoisonError::into_inner).iter().any(|one| one.ip() == from)
    }

    /// Messages with this Call-ID come here from now on.
    pub(crate) fn expect(&self, call_id: &str) -> mpsc::Receiver<Incoming> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        self.calls().insert(call_id.to_owned(), sender);
        receiver
    }

    pub(crate) fn forget(&self, call_id: &str) {
        self.calls().remove(call_id);
    }

    /// A door to every call.
    pub(crate) fn doors(&self) -> Vec<mpsc::Sender<Incoming>> {
        self.calls().values().cloned().collect()
    }

    fn calls(&self) -> MutexGuard<'_, HashMap<String, mpsc::Sender<Incoming>>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends. What can't be sent is lost, as it can be on any way: timers see to it.
    pub(crate) async fn send(&self, bytes: Bytes, hop: &Hop) {
        match &self.outlet {
            Outlet::Stream(outgoing) => {
                // Without a connection it would wait for the next one, and be out of date then.
                if self.local.borrow().is_some() {
                    let _ = outgoing.try_send(bytes);
                }
            }
            Outlet::Datagrams(socket) => {
                let to = match hop {
                    Hop::Back(address) => Some(*address),
                    Hop::Named(host, port) => resolve::first(host, *port).await.or_else(|| self.trunk()),
                    Hop::Trunk => self.trunk(),
                };
                if let Some(to) = to {
                    let _ = socket.send_to(&bytes, to).await;
                }
            }
        }
    }

    /// Gives a message to its call, or answers a stranger's request if it is the trunk's.
    async fn take(&self, message: Result<Message, Malformed>, from: SocketAddr) {
        let message = match message {
            Ok(message) => message,
            Err(error) => {
                tracing::debug!(%error, "a SIP message that can't be read");
                return;
            }
        };
        let door = self.calls().get(message.call_id()).cloned();
        match door {
            Some(door) => {
                let _ = door.try_send(Incoming::Message(Box::new(message), from));
            }
            None if self.is_trunk(from.ip()) => {
                if let Some(answer) = strangers::answer(&message, &self.world) {
                    self.send(answer.to_bytes(), &Hop::Back(from)).await;
                }
            }
            None => {}
        }
    }

    /// Every call is told that the connection broke.
    fn lose(&self) {
        for door in self.doors() {
            let _ = door.try_send(Incoming::Lost);
        }
    }
}
