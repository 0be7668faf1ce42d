//! Messages over one connection, TCP or TLS, that is made again whenever it breaks.

use super::{Link, resolve};
use crate::dialog::Bytes;
use crate::message::{MAX_BODY, MAX_HEAD, parse_stream};
use rustls_pki_types::ServerName;
use std::{io, net::SocketAddr, sync::PoisonError, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    sync::mpsc,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use zeroize::{Zeroize as _, Zeroizing};

/// How long a connection, or a write to it, may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Pauses between attempts double from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LAST_PAUSE: Duration = Duration::from_secs(30);

trait Connection: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Connection for T {}

pub(super) async fn keep(link: &Link, mut outgoing: mpsc::Receiver<Bytes>, tls: Option<TlsConnector>) {
    let mut pause = FIRST_PAUSE;
    loop {
        match connect(link, tls.as_ref()).await {
            Ok((connection, local, trunk)) => {
                pause = FIRST_PAUSE;
                link.local.send_replace(Some(local));
                tracing::info!("connected to the SIP trunk");
                let error = speak(link, connection, trunk, &mut outgoing).await.err();
                link.local.send_replace(None);
                // What waits for the old connection isn't for the next.
                while outgoing.try_recv().is_ok() {}
                link.lose();
                tracing::warn!(error = error.map(|error| error.to_string()), "the connection to the SIP trunk broke");
            }
            Err(error) => tracing::debug!(%error, "no connection to the SIP trunk"),
        }
        // Many programs that lost the same trunk shouldn't come back together.
        let jitter = link.world.below(u64::try_from(pause.as_millis()).unwrap_or(1) / 2 + 1);
        tokio::time::sleep(pause + Duration::from_millis(jitter)).await;
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

async fn connect(link: &Link, tls: Option<&TlsConnector>) -> io::Result<(Box<dyn Connection>, SocketAddr, SocketAddr)> {
    let addresses = resolve::all(&link.host, link.port).await?;
    link.addresses.write().unwrap_or_else(PoisonError::into_inner).clone_from(&addresses);
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in addresses {
        match timeout(PATIENCE, dial(link, tls, address)).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        {
            Ok((connection, local)) => {
                // The one that is spoken to stands first.
                let mut known = link.addresses.write().unwrap_or_else(PoisonError::into_inner);
                known.sort_by_key(|one| *one != address);
                return Ok((connection, local, address));
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn dial(
    link: &Link,
    tls: Option<&TlsConnector>,
    address: SocketAddr,
) -> io::Result<(Box<dyn Connection>, SocketAddr)> {
    let stream = match link.config.local {
        Some(ip) => {
            let socket = if ip.is_ipv4() { tokio::net::TcpSocket::new_v4()? } else { tokio::net::TcpSocket::new_v6()? };
            socket.bind(SocketAddr::new(ip, 0))?;
            socket.connect(address).await?
        }
        None => TcpStream::connect(address).await?,
    };
    stream.set_nodelay(true)?;
    let local = stream.local_addr()?;
    let Some(tls) = tls else { return Ok((Box::new(stream), local)) };
    let name = ServerName::try_from(link.host.clone()).map_err(|_| io::ErrorKind::InvalidInput)?;
    Ok((Box::new(tls.connect(name, stream).await?), local))
}

/// Takes away what was read, and wipes the place where it stood.
fn forget(buffer: &mut Vec<u8>, used: usize) {
    let left = buffer.len().saturating_sub(used);
    let start = buffer.len() - left;
    buffer.copy_within(start.., 0);
    if let Some(old) = buffer.get_mut(left..) {
        old.zeroize();
    }
    buffer.truncate(left);
}

/// Until it breaks, or what comes isn't SIP.
async fn speak(
    link: &Link,
    connection: Box<dyn Connection>,
    trunk: SocketAddr,
    outgoing: &mut mpsc::Receiver<Bytes>,
) -> io::Result<()> {
    let (mut reader, mut writer) = tokio::io::split(connection);
    let read = async {
        let mut buffer = Zeroizing::new(Vec::with_capacity(64 * 1024));
        loop {
            let (message, used) = parse_stream(&buffer).map_err(io::Error::other)?;
            forget(&mut buffer, used);
            if let Some(message) = message {
                link.take(Ok(message), trunk).await;
                continue;
            }
            // The parser has said no to anything longer.
            if buffer.len() > MAX_HEAD + MAX_BODY + 8 {
                return Err(io::ErrorKind::InvalidData.into());
            }
            if reader.read_buf(&mut *buffer).await? == 0 {
                return Ok(());
            }
        }
    };
    let write = async {
        while let Some(bytes) = outgoing.recv().await {
            timeout(PATIENCE, writer.write_all(&bytes)).await.map_err(|_| io::ErrorKind::TimedOut)??;
            timeout(PATIENCE, writer.flush()).await.map_err(|_| io::ErrorKind::TimedOut)??;
        }
        Ok(())
    };
    let reset = async {
        link.reset.notified().await;
        Err(io::ErrorKind::TimedOut.into())
    };
    tokio::select! { done = read => done, done = write => done, done = reset => done }
}
