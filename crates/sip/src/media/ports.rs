//! Ports for sound.

use std::{
    net::{IpAddr, SocketAddr, UdpSocket},
    ops::RangeInclusive,
};
use types::World;

/// A call's two sockets.
pub(crate) struct Pair {
    pub(crate) rtp: UdpSocket,
    /// Reports come here (RFC 3550 §11). Nobody reads them; it is held so that no other program gets them.
    pub(crate) _rtcp: UdpSocket,
}

/// An even port and the next, from a place in the range that nobody can guess. Sockets don't block. `None` where all are taken.
pub(crate) fn bind(address: IpAddr, range: &RangeInclusive<u16>, world: &World) -> Option<Pair> {
    let first = range.start().checked_add(range.start() % 2)?;
    let pairs = (range.end().checked_sub(first)?.checked_add(1)?) / 2;
    if pairs == 0 {
        return None;
    }
    let start = u16::try_from(world.below(u64::from(pairs))).ok()?;
    let socket = |port: u16| -> std::io::Result<UdpSocket> {
        let socket = UdpSocket::bind(SocketAddr::new(address, port))?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    };
    (0..pairs).find_map(|more| {
        let place = (u32::from(start) + u32::from(more)) % u32::from(pairs);
        let port = first.checked_add(u16::try_from(place * 2).ok()?)?;
        Some(Pair { rtp: socket(port).ok()?, _rtcp: socket(port + 1).ok()? })
    })
}
