//! A TCP port on the loopback address that stays ours while the server that listens on it is down.

use std::net::TcpListener;
use std::ops::Range;

use anyhow::{Result, bail};

/// Below the range from which Linux takes the local ports of outgoing connections (32768 and up by default): while a
/// killed server is down, no client's socket can land on its port.
const RANGE: Range<u16> = 20_000..30_000;

/// A second loopback address. Whoever listens there holds the same port number on 127.0.0.1, by agreement among the
/// fixtures of all test processes.
const RESERVATION: &str = "127.77.0.1";

/// A port reserved until this value is dropped.
#[derive(Debug)]
pub struct Reserved {
    port: u16,
    _held: TcpListener,
}

impl Reserved {
    /// Reserves a port on which nobody listens.
    ///
    /// # Errors
    /// None of the range is free.
    pub fn new() -> Result<Self> {
        // Processes start looking at different places, so that they seldom meet.
        let length = u32::from(RANGE.end - RANGE.start);
        let start = std::process::id().wrapping_mul(37) % length;
        for step in 0..length {
            let Ok(offset) = u16::try_from((start + step) % length) else {
                continue;
            };
            let port = RANGE.start + offset;
            let Ok(held) = TcpListener::bind((RESERVATION, port)) else {
                continue;
            };
            // Closed again at once: what counts is that nobody else listens.
            if TcpListener::bind(("127.0.0.1", port)).is_ok() {
                return Ok(Self { port, _held: held });
            }
        }
        bail!("no free TCP port in {RANGE:?} on 127.0.0.1")
    }

    /// The port number.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.port
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserved_port_is_given_once_and_can_be_listened_on() {
        let first = Reserved::new().unwrap();
        let second = Reserved::new().unwrap();
        assert_ne!(first.number(), second.number());
        let listener = TcpListener::bind(("127.0.0.1", first.number())).unwrap();
        drop(listener);
    }

    #[test]
    fn a_port_with_a_listener_is_passed_over() {
        let reserved = Reserved::new().unwrap();
        let port = reserved.number();
        let _stranger = TcpListener::bind(("127.0.0.1", port)).unwrap();
        drop(reserved);
        assert_ne!(Reserved::new().unwrap().number(), port);
    }
}
