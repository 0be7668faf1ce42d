//! Messages over UDP.

use super::Link;
use crate::message::parse_datagram;
use tokio::net::UdpSocket;
use zeroize::Zeroize as _;

/// The longest datagram.
const LONGEST: usize = 65_535;

pub(super) async fn read(link: &Link, socket: &UdpSocket) {
    let mut buffer = vec![0; LONGEST];
    loop {
        // An error is about something that was sent (ICMP), not about the socket.
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else {
            tokio::task::yield_now().await;
            continue;
        };
        let bytes = buffer.get(..length).unwrap_or_default();
        // Four bytes or fewer keep a way open.
        if length > 4 {
            let message = parse_datagram(bytes);
            if let Some(read) = buffer.get_mut(..length) {
                read.zeroize();
            }
            link.take(message, from).await;
        }
    }
}
