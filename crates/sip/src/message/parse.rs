//! From bytes to a [`Message`].

use super::{Malformed, Message, NameAddr, Start, Uri, split_list};

/// The longest head: first line and headers. RFC 4475's longest valid message has a head of some 4 KiB.
pub const MAX_HEAD: usize = 16 * 1024;
/// The longest body.
pub const MAX_BODY: usize = 32 * 1024;
/// The most headers.
pub const MAX_HEADERS: usize = 128;

/// The long forms of RFC 3261 §7.3.3 and of the extensions that a trunk may use.
const COMPACT: [(&str, &str); 14] = [
    ("i", "Call-ID"),
    ("m", "Contact"),
    ("e", "Content-Encoding"),
    ("l", "Content-Length"),
    ("c", "Content-Type"),
    ("f", "From"),
    ("s", "Subject"),
    ("k", "Supported"),
    ("t", "To"),
    ("v", "Via"),
    ("x", "Session-Expires"),
    ("r", "Refer-To"),
    ("o", "Event"),
    ("u", "Allow-Events"),
];

/// Reads a datagram: one message. Bytes behind its `Content-Length` are thrown away; without one the body is the rest (RFC 3261 §18.3).
///
/// # Errors
/// It isn't a message, or is too long.
pub fn parse_datagram(bytes: &[u8]) -> Result<Message, Malformed> {
    let bytes = skip_line_ends(bytes);
    let (head, body) = split_head(bytes)?.ok_or(Malformed::Header)?;
    let mut message = parse_head(head)?;
    let length = content_length(&message)?.unwrap_or(body.len());
    if length > MAX_BODY {
        return Err(Malformed::TooLong);
    }
    message.body = body.get(..length).ok_or(Malformed::Length)?.to_vec();
    Ok(message)
}

/// Reads the first message of what has come over a connection so far, and how many bytes it took; `None` while it isn't whole. Here the
/// length must be given (RFC 3261 §18.3). `(None, used)` throws away line ends between messages, which keep connections open.
///
/// # Errors
/// What comes isn't SIP: where the next message begins is then unknown, and the connection is worth nothing any more.
pub fn parse_stream(bytes: &[u8]) -> Result<(Option<Message>, usize), Malformed> {
    let rest = skip_line_ends(bytes);
    let skipped = bytes.len() - rest.len();
    let Some((head, body)) = split_head(rest)? else { return Ok((None, skipped)) };
    let mut message = parse_head(head)?;
    let length = content_length(&message)?.ok_or(Malformed::Length)?;
    if length > MAX_BODY {
        return Err(Malformed::TooLong);
    }
    let Some(body) = body.get(..length) else { return Ok((None, skipped)) };
    message.body = body.to_vec();
    Ok((Some(message), skipped + head.len() + 4 + length))
}

fn skip_line_ends(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(bytes.len());
    bytes.get(start..).unwrap_or_default()
}

/// The head without its empty line, and what follows.
type HeadAndRest<'a> = (&'a [u8], &'a [u8]);

/// Splits them; `None` while the head isn't whole.
fn split_head(bytes: &[u8]) -> Result<Option<HeadAndRest<'_>>, Malformed> {
    let seen = bytes.get(..bytes.len().min(MAX_HEAD + 4)).unwrap_or_default();
    match seen.windows(4).position(|four| four == b"\r\n\r\n") {
        Some(end) => Ok(Some((bytes.get(..end).unwrap_or_default(), bytes.get(end + 4..).unwrap_or_default()))),
        None if bytes.len() >= MAX_HEAD + 4 => Err(Malformed::TooLong),
        None => Ok(None),
    }
}

fn parse_head(head: &[u8]) -> Result<Message, Malformed> {
    if head.len() > MAX_HEAD {
        return Err(Malformed::TooLong);
    }
    // What isn't UTF-8 can only stand in texts for people.
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split("\r\n");
    let start = first_line(lines.next().unwrap_or_default())?;
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in lines {
        if line.contains(['\r', '\n']) {
            return Err(Malformed::Header);
        }
        if line.starts_with([' ', '\t']) {
            // Folded: the line goes on (RFC 3261 §7.3.1).
            let (_, value) = headers.last_mut().ok_or(Malformed::Header)?;
            let more = line.trim();
            if !value.is_empty() && !more.is_empty() {
                value.push(' ');
            }
            value.push_str(more);
            continue;
        }
        if headers.len() == MAX_HEADERS {
            return Err(Malformed::TooLong);
        }
        let (name, value) = line.split_once(':').ok_or(Malformed::Header)?;
        let name = name.trim_end();
        if !is_token(name) {
            return Err(Malformed::Header);
        }
        let long = COMPACT.iter().find(|(short, _)| name.eq_ignore_ascii_case(short)).map_or(name, |(_, long)| long);
        headers.push((long.to_owned(), value.trim().to_owned()));
    }
    let message = Message { start, headers, body: Vec::new() };
    check(&message)?;
    Ok(message)
}

fn first_line(line: &str) -> Result<Start, Malformed> {
    if let Some(rest) = line.strip_prefix("SIP/2.0 ") {
        let (status, reason) = rest.split_once(' ').unwrap_or((rest, ""));
        if status.len() != 3 || !status.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Malformed::FirstLine);
        }
        let status: u16 = status.parse().map_err(|_| Malformed::FirstLine)?;
        if !(100..700).contains(&status) {
            return Err(Malformed::FirstLine);
        }
        return Ok(Start::Response { status, reason: reason.to_owned() });
    }
    let (method, rest) = line.split_once(' ').ok_or(Malformed::FirstLine)?;
    let (uri, version) = rest.split_once(' ').ok_or(Malformed::FirstLine)?;
    if !is_token(method) {
        return Err(Malformed::FirstLine);
    }
    if version != "SIP/2.0" {
        let is_sip = version.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("SIP/")) && !version.contains(' ');
        return Err(if is_sip { Malformed::Version } else { Malformed::FirstLine });
    }
    Ok(Start::Request { method: method.to_owned(), uri: Uri::parse(uri)? })
}

/// What every message has, once (RFC 3261 §8.1.1, §20).
fn check(message: &Message) -> Result<(), Malformed> {
    for name in ["From", "To", "Call-ID", "CSeq"] {
        if message.all(name).count() != 1 {
            return Err(Malformed::Count);
        }
    }
    if message.all("Max-Forwards").count() > 1 {
        return Err(Malformed::Count);
    }
    let call_id = message.call_id();
    if call_id.is_empty() || call_id.len() > 256 || call_id.contains([' ', '\t']) {
        return Err(Malformed::Header);
    }
    let (_, method) = message.cseq()?;
    if message.method().is_some_and(|asked| asked != method) {
        return Err(Malformed::CSeq);
    }
    message.via()?;
    for name in ["From", "To"] {
        NameAddr::parse(message.header(name).unwrap_or_default())?;
    }
    for contact in message.all("Contact").flat_map(split_list) {
        if contact.trim() != "*" {
            NameAddr::parse(contact)?;
        }
    }
    Ok(())
}

/// The length that is given, where one is: two that differ are a trap for whoever believes the other.
fn content_length(message: &Message) -> Result<Option<usize>, Malformed> {
    let mut found = None;
    for value in message.all("Content-Length") {
        if value.is_empty() || value.len() > 9 || !value.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Malformed::Length);
        }
        let length: usize = value.parse().map_err(|_| Malformed::Length)?;
        if found.is_some_and(|before| before != length) {
            return Err(Malformed::Length);
        }
        found = Some(length);
    }
    Ok(found)
}

/// A token of RFC 3261 §25.1.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte))
}
