//! One connection: a request, then its answers. Nothing is asked while another answer is awaited.

use std::{sync::Arc, time::Duration};

use rustls::ClientConfig;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use types::SecretString;

use super::{
    LdapError, ber,
    message::{self, Answer, Outcome, SUCCESS, SearchRequest},
    tls::{Security, Server},
};

/// Octets of one message: an entry with its groups.
const MAX_MESSAGE: usize = 1024 * 1024;
/// Messages of one search, references among them.
const MAX_ANSWERS: usize = 256;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A connection to a server. Whoever stops waiting for an answer drops it: the next one would read that answer.
pub(super) struct Connection {
    stream: Box<dyn Stream>,
    received: Vec<u8>,
    last_id: u32,
}

/// An entry as it came.
pub(super) struct Found {
    pub(super) dn: String,
    pub(super) attributes: message::Attributes,
}

impl Connection {
    /// Connects, and protects the connection before anything is said.
    pub(super) async fn open(server: &Server, tls: &Arc<ClientConfig>, patience: Duration) -> Result<Self, LdapError> {
        timeout(patience, Self::connect(server, tls)).await.map_err(|_| LdapError::TimedOut)?
    }

    async fn connect(server: &Server, tls: &Arc<ClientConfig>) -> Result<Self, LdapError> {
        server.check()?;
        let address = (server.host.as_str(), server.port);
        let stream = TcpStream::connect(address).await.map_err(|_| LdapError::Unreachable)?;
        stream.set_nodelay(true).map_err(|_| LdapError::Unreachable)?;
        let connector = TlsConnector::from(Arc::clone(tls));
        match server.security {
            Security::Clear => Ok(Self::over(stream)),
            Security::Tls => {
                let stream = connector.connect(server.name()?, stream).await.map_err(|_| LdapError::Tls)?;
                Ok(Self::over(stream))
            }
            Security::StartTls => {
                let mut clear = Self::over(stream);
                let id = clear.next_id();
                match clear.ask(id, &message::start_tls(id)).await? {
                    Answer::Extended(outcome) if outcome.code == SUCCESS => {}
                    _ => return Err(LdapError::Tls),
                }
                // Octets that came before TLS would be taken for protected ones.
                if !clear.received.is_empty() {
                    return Err(LdapError::Protocol);
                }
                let stream = connector.connect(server.name()?, clear.stream).await.map_err(|_| LdapError::Tls)?;
                Ok(Self::over(stream))
            }
        }
    }

    fn over(stream: impl Stream + 'static) -> Self {
        Self { stream: Box::new(stream), received: Vec::new(), last_id: 0 }
    }

    fn next_id(&mut self) -> u32 {
        // RFC 4511, 4.1.1.1: below 2^31, and never 0, which is the server's own.
        self.last_id = if self.last_id >= 0x7fff_fff0 { 1 } else { self.last_id.saturating_add(1) };
        self.last_id
    }

    /// Binds as `dn`. The caller has looked that neither is empty.
    pub(super) async fn bind(&mut self, dn: &str, password: &SecretString) -> Result<Outcome, LdapError> {
        let id = self.next_id();
        match self.ask(id, &message::bind(id, dn, password.expose())).await? {
            Answer::Bound(outcome) => Ok(outcome),
            _ => Err(LdapError::Protocol),
        }
    }

    /// Searches: what was found, and how it ended.
    pub(super) async fn search(&mut self, request: &SearchRequest<'_>) -> Result<(Vec<Found>, Outcome), LdapError> {
        let id = self.next_id();
        self.send(&message::search(id, request)).await?;
        let mut found = Vec::new();
        for _ in 0..MAX_ANSWERS {
            match self.receive(id).await? {
                Answer::Entry { dn, attributes } => found.push(Found { dn, attributes }),
                Answer::Reference => {}
                Answer::Done(outcome) => return Ok((found, outcome)),
                Answer::Bound(_) | Answer::Extended(_) => return Err(LdapError::Protocol),
            }
        }
        Err(LdapError::Protocol)
    }

    /// Says goodbye; who is gone already doesn't hear it.
    pub(super) async fn close(mut self) {
        let id = self.next_id();
        let _gone = self.send(&message::unbind(id)).await;
        let _gone = self.stream.shutdown().await;
    }

    async fn ask(&mut self, id: u32, request: &[u8]) -> Result<Answer, LdapError> {
        self.send(request).await?;
        self.receive(id).await
    }

    async fn send(&mut self, request: &[u8]) -> Result<(), LdapError> {
        self.stream.write_all(request).await.map_err(|_| LdapError::Unreachable)?;
        self.stream.flush().await.map_err(|_| LdapError::Unreachable)
    }

    /// The next message, which must be the answer to `id`. A notice of disconnection (id 0) is an end.
    async fn receive(&mut self, id: u32) -> Result<Answer, LdapError> {
        loop {
            if let Some((tag, start, length)) = ber::head(&self.received)? {
                let end = start.saturating_add(length);
                if tag != ber::SEQUENCE || end > MAX_MESSAGE {
                    return Err(LdapError::Protocol);
                }
                if let Some(content) = self.received.get(start..end) {
                    let read = message::read(content);
                    self.received.drain(..end);
                    let (own, answer) = read?;
                    return match own {
                        0 => Err(LdapError::Unreachable),
                        own if own == id => Ok(answer),
                        _ => Err(LdapError::Protocol),
                    };
                }
            }
            if self.stream.read_buf(&mut self.received).await.map_err(|_| LdapError::Unreachable)? == 0 {
                return Err(LdapError::Unreachable);
            }
        }
    }
}
