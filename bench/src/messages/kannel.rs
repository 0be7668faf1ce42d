//! Debian's Kannel: `smsbox` takes messages over HTTP, `bearerbox` carries them over SMPP, receipts come to an address over HTTP. Without
//! a store, which is its fastest, and with its spool: a file for each message that isn't gone yet, in clear, never synced to the disk.

use super::{AT_ONCE, PATIENCE, Seen, WINDOW, Watch, number, text};
use crate::process;
use anyhow::{Context, Result, bail};
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    sync::Notify,
    task::JoinSet,
    time::{Instant, timeout},
};

/// Where Debian puts its programs.
const PLACE: &str = "/usr/sbin";

/// Whether Debian's package `kannel` is here.
pub(super) fn is_installed() -> bool {
    ["bearerbox", "smsbox"].iter().all(|program| Path::new(PLACE).join(program).is_file())
}

pub(super) async fn run(smsc: u16, count: usize, directory: &Path, spooled: bool) -> Result<Seen> {
    let directory = directory.join("kannel");
    if directory.exists() {
        std::fs::remove_dir_all(&directory)?;
    }
    let spool = directory.join("spool");
    std::fs::create_dir_all(&spool)?;
    let store = if spooled {
        format!("store-type = spool\nstore-location = \"{}\"\n", spool.canonicalize()?.display())
    } else {
        String::new()
    };
    let heard = Arc::new(Heard { count: AtomicUsize::new(0), wanted: count, all: Notify::new() });
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let hears = listener.local_addr()?.port();
    let hearing = tokio::spawn(hear(listener, Arc::clone(&heard)));
    let [admin, boxes, sendsms] = [free_port()?, free_port()?, free_port()?];
    let config = directory.join("kannel.conf");
    std::fs::write(
        &config,
        format!(
            "group = core\nadmin-port = {admin}\nadmin-interface = 127.0.0.1\nadmin-password = bench\nsmsbox-port = {boxes}\n\
             smsbox-interface = 127.0.0.1\nbox-deny-ip = \"*.*.*.*\"\nbox-allow-ip = \"127.0.0.1\"\n{store}\n\
             group = smsc\nsmsc = smpp\nsmsc-id = bench\nhost = 127.0.0.1\nport = {smsc}\ntransceiver-mode = true\n\
             smsc-username = bench\nsmsc-password = bench\nsystem-type = \"\"\nmax-pending-submits = {WINDOW}\n\n\
             group = smsbox\nbearerbox-host = 127.0.0.1\nbearerbox-port = {boxes}\nsendsms-port = {sendsms}\n\
             sendsms-interface = 127.0.0.1\n\ngroup = sendsms-user\nusername = bench\npassword = bench\n"
        ),
    )?;
    let bearerbox = start("bearerbox", &config, &directory)?;
    let until = Instant::now() + Duration::from_secs(20);
    reachable(boxes, until).await?;
    let smsbox = start("smsbox", &config, &directory)?;
    reachable(sendsms, until).await?;
    bound(admin, until).await?;
    let pids = [pid(&bearerbox)?, pid(&smsbox)?];
    let cpu = || pids.iter().map(|pid| process::cpu(*pid)).sum::<Result<Duration>>();
    let (watch, before) = (Watch::start()?, cpu()?);
    let (next, mut senders) = (Arc::new(AtomicUsize::new(0)), JoinSet::new());
    for _ in 0..AT_ONCE.min(64) {
        senders.spawn(send(sendsms, hears, Arc::clone(&next), count));
    }
    while let Some(sent) = senders.join_next().await {
        sent??;
    }
    timeout(PATIENCE, heard.all.notified())
        .await
        .with_context(|| format!("{} of {count} receipts came", heard.count.load(Ordering::Relaxed)))?;
    let seen = watch.stop(cpu()?.saturating_sub(before))?;
    hearing.abort();
    Ok(seen)
}

fn start(program: &str, config: &Path, directory: &Path) -> Result<Child> {
    let log = std::fs::File::create(directory.join(format!("{program}.log")))?;
    Command::new(Path::new(PLACE).join(program))
        .args(["-v", "3"])
        .arg(config)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("{program}: install Debian's package kannel"))
}

fn pid(child: &Child) -> Result<u32> {
    child.id().context("Kannel has ended")
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn address(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

async fn reachable(port: u16, until: Instant) -> Result<()> {
    while TcpStream::connect(address(port)).await.is_err() {
        if Instant::now() > until {
            bail!("Kannel doesn't listen");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Waits until bearerbox says that it is bound.
async fn bound(admin: u16, until: Instant) -> Result<()> {
    loop {
        let mut stream = TcpStream::connect(address(admin)).await?;
        stream.write_all(b"GET /status.txt?password=bench HTTP/1.0\r\n\r\n").await?;
        let mut page = Vec::new();
        stream.read_to_end(&mut page).await?;
        if String::from_utf8_lossy(&page).contains("(online") {
            return Ok(());
        }
        if Instant::now() > until {
            bail!("Kannel doesn't bind");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Hands messages over on one kept connection, one after the other.
async fn send(port: u16, hears: u16, next: Arc<AtomicUsize>, count: usize) -> Result<()> {
    let mut stream = TcpStream::connect(address(port)).await?;
    stream.set_nodelay(true)?;
    loop {
        let n = next.fetch_add(1, Ordering::Relaxed);
        if n >= count {
            return Ok(());
        }
        let (to, text) = (number(n).replace('+', "%2B"), text(n).replace(' ', "+"));
        let asked = format!(
            "GET /cgi-bin/sendsms?username=bench&password=bench&from=Bench&to={to}&text={text}&dlr-mask=3&validity=10\
             &dlr-url=http%3A%2F%2F127.0.0.1%3A{hears}%2F%3Fn%3D{n}%26d%3D%25d HTTP/1.1\r\nHost: localhost\r\n\r\n"
        );
        stream.write_all(asked.as_bytes()).await?;
        let answer = message(&mut stream, &mut Vec::new()).await?.context("smsbox closed the connection")?;
        if !answer.starts_with("HTTP/1.1 202") {
            bail!("smsbox: {}", answer.lines().next().unwrap_or_default());
        }
    }
}

struct Heard {
    count: AtomicUsize,
    wanted: usize,
    all: Notify,
}

/// Answers smsbox's calls with receipts.
async fn hear(listener: TcpListener, heard: Arc<Heard>) -> Result<()> {
    loop {
        let (mut stream, _) = listener.accept().await?;
        let heard = Arc::clone(&heard);
        tokio::spawn(async move {
            let mut rest = Vec::new();
            while let Some(asked) = message(&mut stream, &mut rest).await? {
                if asked.contains("d=1 ") && heard.count.fetch_add(1, Ordering::Relaxed) + 1 == heard.wanted {
                    heard.all.notify_one();
                }
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await?;
            }
            anyhow::Ok(())
        });
    }
}

/// The next request or answer, head and body; what came behind it stays in `rest`. `None` at the end of the connection.
async fn message(stream: &mut TcpStream, rest: &mut Vec<u8>) -> Result<Option<String>> {
    loop {
        if let Some(head) = rest.windows(4).position(|four| four == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(rest.get(..head).unwrap_or_default()).to_ascii_lowercase();
            let length =
                text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
            let end = head + 4 + length.unwrap_or(0);
            if rest.len() >= end {
                let whole = String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned();
                rest.drain(..end);
                return Ok(Some(whole));
            }
        }
        if stream.read_buf(rest).await? == 0 {
            return Ok(None);
        }
    }
}
