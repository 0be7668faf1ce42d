//! A trunk.

use crate::{
    call::Call,
    config::{Config, Transport},
    dialog::{Dialog, Setup},
    digest::Account,
    event::{CallError, StartError},
    line::Line,
    link::{Incoming, Link, client_config, split_server, way_out},
    media,
    message::{Uri, is_header},
    pacer::{Order, Pacer, Stream},
    sdp::Local,
};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::UdpSocket,
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::{Instant, timeout},
};
use types::World;
use zeroize::Zeroizing;

/// How long a call waits for a connection that is being made.
const CONNECTING: Duration = Duration::from_secs(3);
/// How long farewells may take when a trunk is stopped.
const FAREWELL: Duration = Duration::from_secs(2);

struct Inner {
    link: Arc<Link>,
    pacer: Pacer,
    streams: AtomicU64,
    tasks: [JoinHandle<()>; 2],
}

impl Drop for Inner {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// A trunk that calls can be placed over. Cloning gives another handle on the same. With the last handle its calls lose their way: keep
/// one as long as they last.
#[derive(Clone)]
pub struct Trunk(Arc<Inner>);

impl Trunk {
    /// Binds the socket and, over TCP and TLS, begins to connect (and connects again whenever the connection breaks). It doesn't wait for
    /// the trunk.
    ///
    /// # Errors
    /// A setting can't be so, the name has no address, no socket.
    pub async fn start(config: Config, world: World) -> Result<Self, StartError> {
        check(&config)?;
        let (host, port) = split_server(&config.server, config.transport);
        let mut addresses = Vec::new();
        match tokio::net::lookup_host((host.as_str(), port)).await {
            Ok(found) => {
                addresses.extend(found.filter(|one| config.local.is_none_or(|ip| ip.is_ipv4() == one.is_ipv4())))
            }
            // A connection is tried again and again, and so is the name.
            Err(error) if config.transport == Transport::Udp => return Err(StartError::Name(error)),
            Err(_) => {}
        }
        if addresses.is_empty() && config.transport == Transport::Udp {
            return Err(StartError::Name(std::io::ErrorKind::NotFound.into()));
        }
        if config.transport == Transport::Tls {
            client_config(&config).map_err(StartError::Certificates)?;
        }
        let pacer = Pacer::start().map_err(StartError::Socket)?;
        let (link, feed) = Link::new(config, world, addresses).await.map_err(StartError::Socket)?;
        let tasks = [tokio::spawn(Arc::clone(&link).feed(feed)), tokio::spawn(Arc::clone(&link).probe())];
        Ok(Self(Arc::new(Inner { link, pacer, streams: AtomicU64::new(0), tasks })))
    }

    /// Whether calls have a chance: the connection stands, and the last `OPTIONS` was answered.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.0.link.is_up()
    }

    /// Places a call to `number` (digits, `*`, `#`, a leading `+`), with further headers of the INVITE. Gives it back before anything is
    /// known of it.
    ///
    /// # Errors
    /// Nothing could be sent.
    pub async fn call(&self, number: &str, headers: &[(&str, &str)]) -> Result<Call, CallError> {
        let Inner { link, pacer, streams, .. } = &*self.0;
        if link.is_stopped() {
            return Err(CallError::Stopped);
        }
        let Link { config, world, .. } = &**link;
        let dialled = dialled(config, number).ok_or(CallError::Number)?;
        if !headers.iter().all(|(name, value)| is_header(name, value) && !is_ours(name)) {
            return Err(CallError::Header);
        }
        let mut way = link.local();
        let local = timeout(CONNECTING, way.wait_for(Option::is_some)).await;
        let local = local.ok().and_then(Result::ok).and_then(|found| *found).ok_or(CallError::Unreachable)?;
        let public = link.public(local);
        let sound_at = match (config.transport, config.local, link.trunk()) {
            // The way to the trunk may have changed since the socket was bound to every address.
            (Transport::Udp, None, Some(trunk)) => way_out(trunk).unwrap_or(local.ip()),
            _ => local.ip(),
        };
        let pair = media::bind(sound_at, &config.media_ports, world).ok_or(CallError::Ports)?;
        let sound =
            UdpSocket::from_std(pair.rtp.try_clone().map_err(|_| CallError::Ports)?).map_err(|_| CallError::Ports)?;
        let port = sound.local_addr().map_err(|_| CallError::Ports)?.port();

        let call_id = data_encoding::HEXLOWER.encode(&world.bytes::<16>());
        let setup = setup(link, public, call_id.clone(), &dialled, headers)?;
        let described = SocketAddr::new(config.advertised.unwrap_or(sound_at), port);
        let description = Local::new(described, &config.codecs, config.srtp, world);
        let began = Instant::now();
        let (commands, commanded) = mpsc::unbounded_channel();
        let (events, told) = mpsc::unbounded_channel();
        let id = streams.fetch_add(1, Ordering::Relaxed);
        let stream = Stream::new(pair.rtp.try_clone().map_err(|_| CallError::Ports)?, commands.clone(), world);
        pacer.tell(Order::Add(id, Box::new(stream)));
        let line = Line {
            incoming: link.expect(&call_id),
            link: Arc::clone(link),
            pacer: pacer.clone(),
            stream: id,
            call_id: call_id.clone(),
            dialog: Dialog::start(setup, description, world.clone(), Duration::ZERO),
            began,
            commands: commanded,
            events: Some(events),
            sound: Some((sound, pair)),
            ear: None,
            talks: false,
        };
        tokio::spawn(line.run());
        Ok(Call::new(call_id, commands, told))
    }

    /// Hangs up every call and takes no more. Ends when the farewells have been sent, after two seconds at the latest.
    pub async fn stop(&self) {
        self.0.link.stop();
        let said = async {
            let mut waiting = Vec::new();
            for door in self.0.link.doors() {
                let (done, said) = oneshot::channel();
                if door.send(Incoming::Stop(done)).await.is_ok() {
                    waiting.push(said);
                }
            }
            for said in waiting {
                let _ = said.await;
            }
        };
        let _ = timeout(FAREWELL, said).await;
    }
}

fn check(config: &Config) -> Result<(), StartError> {
    let plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._+~!*".contains(&byte))
    };
    if config.codecs.is_empty() {
        return Err(StartError::Config("a trunk needs a codec"));
    }
    if config.server.is_empty() {
        return Err(StartError::Config("a trunk needs a server"));
    }
    if config.user.is_empty() || config.user.chars().any(char::is_control) {
        return Err(StartError::Config("a trunk's user can't be so"));
    }
    if !config.from.as_deref().is_none_or(plain) || !config.prefix.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(StartError::Config("a caller is a number or a name, a prefix digits"));
    }
    if config.domain.as_deref().is_some_and(|domain| Uri::parse(&format!("sip:a@{domain}")).is_err()) {
        return Err(StartError::Config("a trunk's domain is a host"));
    }
    let first = u32::from(*config.media_ports.start()).next_multiple_of(2);
    if first == 0 || first + 1 > u32::from(*config.media_ports.end()) {
        return Err(StartError::Config("a call needs an even port for its sound and the next"));
    }
    Ok(())
}

/// The number as it is dialled; `None` where it can't be.
fn dialled(config: &Config, number: &str) -> Option<Zeroizing<String>> {
    let digits = number.strip_prefix('+').unwrap_or(number);
    let is_digits = !digits.is_empty() && digits.len() <= 32;
    if !is_digits || !digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'*' || byte == b'#') {
        return None;
    }
    let plus = if config.plus && number.starts_with('+') { "+" } else { "" };
    // A hash must be escaped in an address (RFC 3261 §25.1).
    let digits = Zeroizing::new(digits.replace('#', "%23"));
    Some(Zeroizing::new(format!("{}{plus}{}", config.prefix, digits.as_str())))
}

/// Headers that the call itself has.
fn is_ours(name: &str) -> bool {
    const OURS: [&str; 22] = [
        "Via",
        "v",
        "From",
        "f",
        "To",
        "t",
        "Call-ID",
        "i",
        "CSeq",
        "Contact",
        "m",
        "Max-Forwards",
        "Content-Length",
        "l",
        "Content-Type",
        "c",
        "Route",
        "Record-Route",
        "Authorization",
        "Proxy-Authorization",
        "Require",
        "Allow",
    ];
    OURS.iter().any(|one| one.eq_ignore_ascii_case(name))
}

fn setup(
    link: &Link,
    public: SocketAddr,
    call_id: String,
    dialled: &str,
    headers: &[(&str, &str)],
) -> Result<Setup, CallError> {
    let config = &link.config;
    let host = link.host();
    let domain = match &config.domain {
        Some(domain) => domain.clone(),
        None if host.contains(':') => format!("[{host}]"),
        None => host.to_owned(),
    };
    let caller = config.from.as_deref().unwrap_or(&config.user);
    let caller: String = caller
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'+' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect();
    Ok(Setup {
        transport: config.transport,
        sent_by: public.to_string(),
        call_id,
        target: Uri::parse(&Zeroizing::new(format!("sip:{dialled}@{domain}"))).map_err(|_| CallError::Number)?,
        from: format!("<sip:{caller}@{domain}>"),
        account: Account { user: config.user.clone(), password: config.password.clone(), realm: config.realm.clone() },
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ring: config.ring,
        patience: config.patience,
    })
}

#[cfg(test)]
mod tests;
