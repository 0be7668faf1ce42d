//! `Via`: the way that a response takes back (RFC 3261 §20.42, RFC 3581).

use super::{Malformed, Params, parse, uri};

/// One value of `Via`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Via {
    /// `UDP`, `TCP`, `TLS` or another.
    pub transport: String,
    /// Who sent it.
    pub host: String,
    /// The port, where one is given.
    pub port: Option<u16>,
    /// `branch`, `received`, `rport` and others.
    pub params: Params,
}

impl Via {
    /// Reads one. Spaces may stand around each `/`.
    ///
    /// # Errors
    /// Another version than 2.0, no transport, no host.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let (sent, params) = text.split_once(';').unwrap_or((text, ""));
        let mut protocol = sent.splitn(3, '/').map(str::trim);
        let name = protocol.next().unwrap_or_default();
        let version = protocol.next().unwrap_or_default();
        let (transport, place) = protocol.next().and_then(|rest| rest.split_once([' ', '\t'])).ok_or(Malformed::Via)?;
        if !name.eq_ignore_ascii_case("SIP") || version != "2.0" || !parse::is_token(transport) {
            return Err(Malformed::Via);
        }
        // Spaces may stand around the colon, too.
        let place: String = place.chars().filter(|c| !c.is_whitespace()).collect();
        let (host, port) = uri::split_port(&place).map_err(|_| Malformed::Via)?;
        let params = Params::parse(params)?;
        Ok(Self { transport: transport.to_ascii_uppercase(), host: host.to_owned(), port, params })
    }

    /// The id of the transaction.
    #[must_use]
    pub fn branch(&self) -> Option<&str> {
        self.params.value("branch")
    }
}
