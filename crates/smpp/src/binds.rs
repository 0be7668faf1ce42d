//! The binds of a client: connected, bound and kept up, each by a task of its own, and made anew when they break.

use crate::{
    Mode, Status,
    backoff::Backoff,
    client::{Shared, Standing, lock},
    pdu::Role,
    session::{self, Ended, Session},
};
use std::{
    io,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio::{
    net::TcpStream,
    sync::watch,
    time::{Instant, sleep, timeout},
};

/// How often it is looked whether a receipt has waited long enough.
const SWEEP: Duration = Duration::from_secs(1);

/// One bind: its session, while there is one.
pub(crate) struct Line {
    session: RwLock<Option<Arc<Session>>>,
    pub(crate) standing: watch::Sender<Standing>,
}

impl Default for Line {
    fn default() -> Self {
        Self { session: RwLock::default(), standing: watch::Sender::new(Standing::Unreachable) }
    }
}

impl Line {
    pub(crate) fn session(&self) -> Option<Arc<Session>> {
        self.session.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, session: Option<Arc<Session>>, standing: Standing) {
        *self.session.write().unwrap_or_else(PoisonError::into_inner) = session;
        self.standing.send_replace(standing);
    }
}

/// Keeps the binds up until it is stopped.
pub(crate) async fn supervise(shared: Arc<Shared>, stopped: watch::Receiver<bool>) {
    if shared.config.mode == Mode::Transceiver {
        if keep(&shared, Role::Transceiver, stopped.clone()).await {
            shared.receiver.set(None, Standing::Stopped);
            return;
        }
        tracing::info!(host = %shared.config.host, "the SMSC knows no transceiver: binding a transmitter and a receiver");
    }
    tokio::join!(keep(&shared, Role::Transmitter, stopped.clone()), keep(&shared, Role::Receiver, stopped));
}

/// Keeps one bind up. `false` when the SMSC doesn't know this kind of bind.
async fn keep(shared: &Arc<Shared>, role: Role, mut stopped: watch::Receiver<bool>) -> bool {
    let line = if role == Role::Receiver { &shared.receiver } else { &shared.transmitter };
    let config = &shared.config;
    let mut backoff = Backoff::default();
    let mut told = None;
    while !*stopped.borrow() {
        let mut held = Duration::ZERO;
        let problem = tokio::select! {
            () = until(&mut stopped) => break,
            opened = open(shared, role) => match opened {
                Ok((session, driving)) => {
                    tracing::info!(host = %config.host, ?role, "bound to the SMSC");
                    told = None;
                    let since = Instant::now();
                    line.set(Some(Arc::clone(&session)), Standing::Bound);
                    let mut driving = driving;
                    let ended = tokio::select! {
                        ended = &mut driving => ended.unwrap_or(Ended::Closed),
                        () = until(&mut stopped) => {
                            session.unbind().await;
                            let _ = driving.await;
                            break;
                        }
                    };
                    held = since.elapsed();
                    line.set(None, Standing::Unreachable);
                    ended.to_string()
                }
                Err(Failed::Status(Status::RINVCMDID)) if role == Role::Transceiver => return false,
                Err(failed) => {
                    line.set(None, if let Failed::Status(status) = &failed { Standing::Refused(*status) } else { Standing::Unreachable });
                    failed.to_string()
                }
            },
        };
        let wait = backoff.next(held, &shared.world);
        // An SMSC that is away for an hour is one line in the log, not a hundred.
        if told.as_ref() != Some(&problem) {
            tracing::warn!(host = %config.host, ?role, problem, "no bind to the SMSC; trying again");
            told = Some(problem);
        }
        tokio::select! {
            () = until(&mut stopped) => break,
            () = sleep(wait) => {}
        }
    }
    line.set(None, Standing::Stopped);
    true
}

async fn until(stopped: &mut watch::Receiver<bool>) {
    // The sender's end is a stop, too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("can't connect: {0}")]
    Connect(io::Error),
    #[error("no answer to the connection or to the bind")]
    Silent,
    #[error("the SMSC refuses the bind: {0}")]
    Status(Status),
    #[error("{0}")]
    Ended(Ended),
}

/// Connects and binds. The session is then driven by a task of its own, which ends with it.
async fn open(shared: &Arc<Shared>, role: Role) -> Result<(Arc<Session>, Driving), Failed> {
    let config = &shared.config;
    let connect = async {
        let stream = TcpStream::connect((config.host.as_str(), config.port)).await?;
        stream.set_nodelay(true)?;
        match &config.tls {
            Some(tls) => {
                let (connector, name) = tls.connector();
                Ok(Stream::Tls(Box::new(connector.connect(name, stream).await?)))
            }
            None => Ok(Stream::Plain(stream)),
        }
    };
    let stream = timeout(config.response, connect).await.map_err(|_| Failed::Silent)?.map_err(Failed::Connect)?;
    let session = Arc::new(Session::new(config.window, config.response, config.enquire_link));
    let (driven, hears) = (Arc::clone(&session), Arc::clone(shared));
    let mut driving = Driving(tokio::spawn(async move {
        match stream {
            Stream::Plain(stream) => driven.drive(stream, &*hears).await,
            Stream::Tls(stream) => driven.drive(stream, &*hears).await,
        }
    }));
    let bind = session::bind(role, &config.system_id, config.password.expose(), &config.system_type);
    let status = tokio::select! {
        status = session.bind(bind) => status,
        ended = &mut driving => return Err(ended.map_or(Failed::Silent, Failed::Ended)),
    };
    match status {
        Some(Status::ROK) => Ok((session, driving)),
        Some(status) => {
            session.close();
            let _ = driving.await;
            Err(Failed::Status(status))
        }
        None => Err(Failed::Silent),
    }
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

/// A session's task, which doesn't outlive whoever waits for it.
struct Driving(tokio::task::JoinHandle<Ended>);

impl Future for Driving {
    type Output = Option<Ended>;

    fn poll(mut self: std::pin::Pin<&mut Self>, context: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
        std::pin::Pin::new(&mut self.0).poll(context).map(Result::ok)
    }
}

impl Drop for Driving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Hands up what has waited for its message in vain.
pub(crate) async fn sweep(shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = until(&mut stopped) => return,
            () = sleep(SWEEP) => {
                lock(&shared.tracker).sweep(Instant::now(), &mut |receipt| shared.handler.receipt(receipt));
            }
        }
    }
}
