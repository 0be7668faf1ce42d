//! SIP messages: what is read from a trunk and written to it (RFC 3261 §7, §20, §25).
//!
//! Reading is strict where something is decided by what was read (addresses, sequence numbers, lengths) and keeps the rest as text.
//! Every size is limited before anything is kept.

mod list;
mod name_addr;
mod parse;
mod uri;
mod via;

pub use list::{Params, split_list, unquote};
pub use name_addr::NameAddr;
pub use parse::{MAX_BODY, MAX_HEAD, MAX_HEADERS, parse_datagram, parse_stream};
pub use uri::Uri;
pub use via::Via;

use zeroize::{Zeroize as _, Zeroizing};

/// Why something isn't a SIP message. It never repeats what was read.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
pub enum Malformed {
    /// More than the limits allow.
    #[error("too long")]
    TooLong,
    /// Not a request line or a status line of SIP/2.0.
    #[error("first line")]
    FirstLine,
    /// Another version than 2.0.
    #[error("version")]
    Version,
    /// A line that isn't a header.
    #[error("header")]
    Header,
    /// A header that every message has is missing, or there are two.
    #[error("a header is missing or there twice")]
    Count,
    /// A number, or the method in `CSeq`.
    #[error("sequence number")]
    CSeq,
    /// A length that isn't one, or that the datagram hasn't got.
    #[error("length")]
    Length,
    /// An address.
    #[error("address")]
    Address,
    /// `Via`.
    #[error("via")]
    Via,
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// A request.
    Request {
        /// Upper or lower case matters (RFC 3261 §7.1).
        method: String,
        /// Whom it is for.
        uri: Uri,
    },
    /// A response.
    Response {
        /// 100 to 699.
        status: u16,
        /// For people.
        reason: String,
    },
}

/// A message that was read or is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The first line.
    pub start: Start,
    /// Long names and values without folding, in their order.
    pub headers: Vec<(String, String)>,
    /// As many bytes as `Content-Length` says.
    pub body: Vec<u8>,
}

impl Drop for Message {
    /// Who is called stands in it; nothing of that is left in memory that is given back.
    fn drop(&mut self) {
        for (_, value) in &mut self.headers {
            value.zeroize();
        }
        self.body.zeroize();
    }
}

impl Message {
    /// A request without headers.
    #[must_use]
    pub const fn request(method: String, uri: Uri) -> Self {
        Self { start: Start::Request { method, uri }, headers: Vec::new(), body: Vec::new() }
    }

    /// The response to a request: `Via`, `From`, `To`, `Call-ID`, `CSeq` are the request's (RFC 3261 §8.2.6). A `To` without a tag gets
    /// this one.
    #[must_use]
    pub fn response_to(request: &Self, status: u16, reason: &str, tag: &str) -> Self {
        let mut response = Self {
            start: Start::Response { status, reason: reason.to_owned() },
            headers: Vec::new(),
            body: Vec::new(),
        };
        for (name, value) in &request.headers {
            if ["Via", "From", "Call-ID", "CSeq", "Record-Route"].iter().any(|kept| name.eq_ignore_ascii_case(kept)) {
                response.headers.push((name.clone(), value.clone()));
            } else if name.eq_ignore_ascii_case("To") {
                let tagged = NameAddr::parse(value).is_ok_and(|to| to.params.get("tag").is_some());
                let to = if tagged || status == 100 { value.clone() } else { format!("{value};tag={tag}") };
                response.headers.push(("To".to_owned(), to));
            }
        }
        response
    }

    /// The first header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(one, _)| one.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// All headers of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl DoubleEndedIterator<Item = &'a str> {
        self.headers.iter().filter(move |(one, _)| one.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Adds a header.
    pub fn push(&mut self, name: &str, value: impl Into<String>) {
        self.headers.push((name.to_owned(), value.into()));
    }

    /// The status of a response.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self.start {
            Start::Response { status, .. } => Some(status),
            Start::Request { .. } => None,
        }
    }

    /// The method of a request.
    #[must_use]
    pub fn method(&self) -> Option<&str> {
        match &self.start {
            Start::Request { method, .. } => Some(method),
            Start::Response { .. } => None,
        }
    }

    /// The Call-ID.
    #[must_use]
    pub fn call_id(&self) -> &str {
        self.header("Call-ID").unwrap_or_default()
    }

    /// The sequence number and its method.
    ///
    /// # Errors
    /// Not below 2^31, or no method.
    pub fn cseq(&self) -> Result<(u32, &str), Malformed> {
        let (number, method) =
            self.header("CSeq").and_then(|value| value.trim().split_once([' ', '\t'])).ok_or(Malformed::CSeq)?;
        let number: u32 = number.parse().map_err(|_| Malformed::CSeq)?;
        let method = method.trim();
        if number >= 1 << 31 || !parse::is_token(method) {
            return Err(Malformed::CSeq);
        }
        Ok((number, method))
    }

    /// The topmost `Via`.
    ///
    /// # Errors
    /// There is none that can be read.
    pub fn via(&self) -> Result<Via, Malformed> {
        let value = self.header("Via").ok_or(Malformed::Via)?;
        Via::parse(split_list(value).next().ok_or(Malformed::Via)?)
    }

    /// The tag of `From` or `To`.
    #[must_use]
    pub fn tag(&self, name: &str) -> Option<String> {
        let address = NameAddr::parse(self.header(name)?).ok()?;
        address.params.get("tag").flatten().map(str::to_owned)
    }

    /// Where the next requests of the dialog go.
    #[must_use]
    pub fn contact(&self) -> Option<Uri> {
        let value = self.header("Contact")?;
        Some(NameAddr::parse(split_list(value).next()?).ok()?.uri)
    }

    /// Whether the body is of this type.
    #[must_use]
    pub fn has_body(&self, kind: &str) -> bool {
        let given = self.header("Content-Type").unwrap_or_default();
        let given = given.split(';').next().unwrap_or_default().trim();
        !self.body.is_empty() && given.eq_ignore_ascii_case(kind)
    }

    /// The bytes to be sent, with the body's length.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        // Enough from the start: what grows leaves copies behind.
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
        let mut text = String::with_capacity(2048 + headers + self.body.len());
        match &self.start {
            Start::Request { method, uri } => {
                text.push_str(method);
                text.push(' ');
                text.push_str(uri.text());
                text.push_str(" SIP/2.0\r\n");
            }
            Start::Response { status, reason } => {
                text.push_str("SIP/2.0 ");
                text.push_str(&status.to_string());
                text.push(' ');
                text.push_str(reason);
                text.push_str("\r\n");
            }
        }
        for (name, value) in &self.headers {
            text.push_str(name);
            text.push_str(": ");
            text.push_str(value);
            text.push_str("\r\n");
        }
        text.push_str("Content-Length: ");
        text.push_str(&self.body.len().to_string());
        text.push_str("\r\n\r\n");
        let mut bytes = Zeroizing::new(text.into_bytes());
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// Whether a header that somebody gives us can be sent as it is: a token, and a value without control characters.
#[must_use]
pub fn is_header(name: &str, value: &str) -> bool {
    parse::is_token(name) && value.len() <= 4096 && !value.chars().any(char::is_control)
}

#[cfg(test)]
mod tests;
