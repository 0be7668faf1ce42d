//! One keep-alive connection: a request goes out, its answer comes back.

use anyhow::{Context, Result, bail};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use std::{net::SocketAddr, path::Path, pin::Pin, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// The name that the server's certificate is for.
pub(crate) const NAME: &str = "bench.test";
/// No answer here is longer.
const LONGEST: usize = 64 * 1024;

/// Where connections are made to.
#[derive(Clone)]
pub(crate) struct Target {
    address: SocketAddr,
    /// Nothing where it speaks plain HTTP.
    tls: Option<TlsConnector>,
}

impl Target {
    /// A server at `address` whose certificate is signed by the authority in `ca`.
    pub(crate) fn new(address: SocketAddr, ca: &Path) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(ca).with_context(|| ca.display().to_string())? {
            roots.add(certificate?)?;
        }
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        Ok(Self { address, tls: Some(TlsConnector::from(Arc::new(config))) })
    }

    /// A server at `address` that speaks plain HTTP.
    pub(crate) const fn plain(address: SocketAddr) -> Self {
        Self { address, tls: None }
    }

    /// A new connection.
    pub(crate) async fn connect(&self) -> Result<Connection> {
        let tcp = TcpStream::connect(self.address).await?;
        tcp.set_nodelay(true)?;
        let stream: Pin<Box<dyn Stream>> = match &self.tls {
            Some(tls) => Box::pin(tls.connect(ServerName::try_from(NAME)?, tcp).await?),
            None => Box::pin(tcp),
        };
        Ok(Connection { stream, read: Vec::with_capacity(4096) })
    }
}

/// What bytes go over.
trait Stream: AsyncRead + AsyncWrite + Send {}

impl<S: AsyncRead + AsyncWrite + Send> Stream for S {}

/// An open connection.
pub(crate) struct Connection {
    stream: Pin<Box<dyn Stream>>,
    read: Vec<u8>,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    /// Where a redirect leads; empty for none.
    pub(crate) location: String,
    /// `name=value` of the cookies that are set.
    pub(crate) cookies: Vec<String>,
}

impl Connection {
    /// Sends a whole request and reads the whole answer.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Result<Answer> {
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        self.read.clear();
        let (head, status, length, location, cookies) = loop {
            self.more().await?;
            if let Some(head) = end_of_head(&self.read) {
                let text = std::str::from_utf8(self.read.get(..head).unwrap_or_default())?;
                let location = values(text, "location").next().unwrap_or_default().to_owned();
                let cookies = values(text, "set-cookie").filter_map(|cookie| cookie.split(';').next());
                let cookies = cookies.map(str::to_owned).collect();
                break (head, status(text)?, length(text)?, location, cookies);
            }
        };
        while self.read.len() < head + length {
            self.more().await?;
        }
        let body = self.read.get(head..head + length).unwrap_or_default();
        Ok(Answer { status, body: std::str::from_utf8(body)?.to_owned(), location, cookies })
    }

    /// Sends a request whose answer is a stream (chunked), and gives what has come once `mark` and the event's end are in it. The
    /// connection is of no use afterwards.
    pub(crate) async fn listen(&mut self, request: &[u8], mark: &str) -> Result<String> {
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        self.read.clear();
        loop {
            self.more().await?;
            let text = std::str::from_utf8(&self.read)?;
            if let Some((_, event)) = text.split_once(mark)
                && event.contains("\n\n")
            {
                return Ok(text.to_owned());
            }
        }
    }

    async fn more(&mut self) -> Result<()> {
        if self.read.len() > LONGEST {
            bail!("an answer that does not end");
        }
        if self.stream.read_buf(&mut self.read).await? == 0 {
            bail!("the server closed the connection");
        }
        Ok(())
    }
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|place| place + 4)
}

fn status(head: &str) -> Result<u16> {
    let code = head.split(' ').nth(1).context("no status")?;
    code.parse().context("no status")
}

/// The server's answers here all say how long they are; another form is an error, not a wait.
fn length(head: &str) -> Result<usize> {
    let length = values(head, "content-length").next().context("an answer without Content-Length")?;
    Ok(length.parse()?)
}

/// The values of a header.
fn values<'a>(head: &'a str, wanted: &'a str) -> impl Iterator<Item = &'a str> {
    let pairs = head.lines().filter_map(|line| line.split_once(':'));
    pairs.filter(move |(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_and_one_without_length_is_refused() {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: a\r\ncontent-length: 12\r\n\r\n";
        assert_eq!(end_of_head(head.as_bytes()), Some(head.len()));
        assert_eq!((status(head).unwrap(), length(head).unwrap()), (200, 12));
        assert!(length("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
        assert_eq!(end_of_head(b"HTTP/1.1 200 OK\r\n"), None);
    }
}
