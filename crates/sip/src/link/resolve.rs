//! Names and addresses.

use crate::config::Transport;
use std::{
    io,
    net::{IpAddr, SocketAddr},
};

/// `host`, `host:port`, `[v6]`, `[v6]:port` or a bare v6 address, with the transport's port where none is given.
pub(crate) fn split_server(server: &str, transport: Transport) -> (String, u16) {
    let usual = transport.port();
    if let Ok(address) = server.parse::<SocketAddr>() {
        return (address.ip().to_string(), address.port());
    }
    let bare = server.trim_start_matches('[').trim_end_matches(']');
    if bare.parse::<IpAddr>().is_ok() {
        return (bare.to_owned(), usual);
    }
    match server.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?))) {
        Some((host, port)) => (host.to_owned(), port),
        None => (server.to_owned(), usual),
    }
}

/// All addresses of a name.
pub(super) async fn all(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let found: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
    if found.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(found) }
}

/// The first address; a name that is an address isn't asked for anywhere.
pub(super) async fn first(host: &str, port: u16) -> Option<SocketAddr> {
    match host.parse::<IpAddr>() {
        Ok(address) => Some(SocketAddr::new(address, port)),
        Err(_) => all(host, port).await.ok()?.first().copied(),
    }
}

/// The address from which the system would send to `to`. Nothing is sent.
pub(crate) fn way_out(to: SocketAddr) -> io::Result<IpAddr> {
    let any: SocketAddr = if to.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = std::net::UdpSocket::bind(any)?;
    socket.connect(to)?;
    Ok(socket.local_addr()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_name_or_an_address_with_or_without_a_port() {
        for (server, host, port) in [
            ("sip.example.org", "sip.example.org", 5060),
            ("sip.example.org:5070", "sip.example.org", 5070),
            ("192.0.2.1", "192.0.2.1", 5060),
            ("192.0.2.1:9", "192.0.2.1", 9),
            ("[2001:db8::1]", "2001:db8::1", 5060),
            ("[2001:db8::1]:9", "2001:db8::1", 9),
            ("2001:db8::1", "2001:db8::1", 5060),
        ] {
            assert_eq!(split_server(server, Transport::Udp), (host.to_owned(), port));
        }
        assert_eq!(split_server("a", Transport::Tls).1, 5061);
    }

    #[test]
    fn the_way_to_this_machine_begins_here() {
        assert_eq!(way_out("127.0.0.1:9".parse().unwrap()).unwrap(), IpAddr::from([127, 0, 0, 1]));
    }
}
