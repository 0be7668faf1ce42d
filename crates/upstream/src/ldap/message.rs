//! The messages that are sent and read (RFC 4511, 4.2 to 4.12).

use zeroize::Zeroizing;

use super::{
    LdapError, Scope,
    ber::{self, Reader},
};

/// StartTLS (RFC 4511, 4.14.1).
const START_TLS: &str = "1.3.6.1.4.1.1466.20037";
const BIND_REQUEST: u8 = 0x60;
const BIND_RESPONSE: u8 = 0x61;
const UNBIND_REQUEST: u8 = 0x42;
const SEARCH_REQUEST: u8 = 0x63;
const SEARCH_ENTRY: u8 = 0x64;
const SEARCH_DONE: u8 = 0x65;
const SEARCH_REFERENCE: u8 = 0x73;
const EXTENDED_REQUEST: u8 = 0x77;
const EXTENDED_RESPONSE: u8 = 0x78;

/// Values of one attribute, and attributes of one entry, that are kept.
const MAX_VALUES: usize = 4_096;

/// Result codes (RFC 4511, appendix A) that mean something here.
pub(super) const SUCCESS: u32 = 0;
pub(super) const SIZE_LIMIT: u32 = 4;
pub(super) const NO_SUCH_OBJECT: u32 = 32;
pub(super) const INVALID_CREDENTIALS: u32 = 49;

/// An attribute's name and values.
pub(super) type Attributes = Vec<(String, Vec<Vec<u8>>)>;

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Bound(Outcome),
    Entry {
        dn: String,
        attributes: Attributes,
    },
    /// Somewhere else: not followed.
    Reference,
    Done(Outcome),
    Extended(Outcome),
}

/// An `LDAPResult`: its code, and what the server says about it (Active Directory's reasons stand there).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) code: u32,
    pub(super) diagnostic: String,
}

fn envelope(id: u32, tag: u8, content: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    ber::put_number(&mut message, ber::INTEGER, id);
    ber::put(&mut message, tag, content);
    let mut out = Vec::with_capacity(message.len().saturating_add(6));
    ber::put(&mut out, ber::SEQUENCE, &message);
    // It may hold a password; the caller's copy is erased, and so is this one.
    drop(Zeroizing::new(message));
    out
}

pub(super) fn bind(id: u32, dn: &str, password: &str) -> Zeroizing<Vec<u8>> {
    let mut content = Zeroizing::new(Vec::with_capacity(dn.len().saturating_add(password.len()).saturating_add(32)));
    ber::put_number(&mut content, ber::INTEGER, 3);
    ber::put(&mut content, ber::OCTETS, dn.as_bytes());
    ber::put(&mut content, 0x80, password.as_bytes());
    Zeroizing::new(envelope(id, BIND_REQUEST, &content))
}

pub(super) fn unbind(id: u32) -> Vec<u8> {
    envelope(id, UNBIND_REQUEST, &[])
}

pub(super) fn start_tls(id: u32) -> Vec<u8> {
    let mut content = Vec::new();
    ber::put(&mut content, 0x80, START_TLS.as_bytes());
    envelope(id, EXTENDED_REQUEST, &content)
}

/// What is looked for: at most `limit` entries within `seconds`, aliases not followed.
pub(super) struct SearchRequest<'a> {
    pub(super) base: &'a str,
    pub(super) scope: Scope,
    pub(super) limit: u32,
    pub(super) seconds: u32,
    pub(super) filter: &'a [u8],
    pub(super) attributes: &'a [String],
}

pub(super) fn search(id: u32, request: &SearchRequest<'_>) -> Vec<u8> {
    let mut content = Vec::new();
    ber::put(&mut content, ber::OCTETS, request.base.as_bytes());
    ber::put_number(&mut content, ber::ENUMERATED, request.scope.number());
    ber::put_number(&mut content, ber::ENUMERATED, 0);
    ber::put_number(&mut content, ber::INTEGER, request.limit);
    ber::put_number(&mut content, ber::INTEGER, request.seconds);
    ber::put(&mut content, ber::BOOLEAN, &[0]);
    content.extend_from_slice(request.filter);
    let mut list = Vec::new();
    // RFC 4511, 4.5.1.8: "1.1" asks for no attribute; an empty list would ask for all.
    for attribute in request.attributes {
        ber::put(&mut list, ber::OCTETS, attribute.as_bytes());
    }
    if request.attributes.is_empty() {
        ber::put(&mut list, ber::OCTETS, b"1.1");
    }
    ber::put(&mut content, ber::SEQUENCE, &list);
    envelope(id, SEARCH_REQUEST, &content)
}

/// Reads the content of a message's outer sequence: its id and what it is.
pub(super) fn read(content: &[u8]) -> Result<(u32, Answer), LdapError> {
    let mut message = Reader::new(content);
    let id = message.number(ber::INTEGER)?;
    let (tag, content) = message.any()?;
    let mut reader = Reader::new(content);
    let answer = match tag {
        BIND_RESPONSE => Answer::Bound(outcome(&mut reader)?),
        SEARCH_ENTRY => entry(&mut reader)?,
        SEARCH_REFERENCE => Answer::Reference,
        SEARCH_DONE => Answer::Done(outcome(&mut reader)?),
        EXTENDED_RESPONSE => Answer::Extended(outcome(&mut reader)?),
        _ => return Err(LdapError::Protocol),
    };
    Ok((id, answer))
}

fn outcome(reader: &mut Reader<'_>) -> Result<Outcome, LdapError> {
    let code = reader.number(ber::ENUMERATED)?;
    reader.expect(ber::OCTETS)?;
    let diagnostic = String::from_utf8_lossy(reader.expect(ber::OCTETS)?).chars().take(256).collect();
    Ok(Outcome { code, diagnostic })
}

fn entry(reader: &mut Reader<'_>) -> Result<Answer, LdapError> {
    let dn = reader.text()?.to_owned();
    let mut list = Reader::new(reader.expect(ber::SEQUENCE)?);
    let mut attributes: Attributes = Vec::new();
    let mut count = 0_usize;
    while !list.is_empty() {
        let mut attribute = Reader::new(list.expect(ber::SEQUENCE)?);
        let name = attribute.text()?.to_owned();
        let mut set = Reader::new(attribute.expect(ber::SET)?);
        let mut values = Vec::new();
        while !set.is_empty() {
            count = count.saturating_add(1);
            if count > MAX_VALUES {
                return Err(LdapError::Protocol);
            }
            values.push(set.expect(ber::OCTETS)?.to_vec());
        }
        if attributes.len() >= MAX_VALUES {
            return Err(LdapError::Protocol);
        }
        attributes.push((name, values));
    }
    Ok(Answer::Entry { dn, attributes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_bind_as_others_write_it() {
        // RFC 4511's grammar by hand: message 1, version 3, name "cn=a", simple "pw".
        let expected = b"\x30\x12\x02\x01\x01\x60\x0d\x02\x01\x03\x04\x04cn=a\x80\x02pw";
        assert_eq!(bind(1, "cn=a", "pw").as_slice(), expected);
        assert_eq!(unbind(2), b"\x30\x05\x02\x01\x02\x42\x00");
    }

    #[test]
    fn answers_as_others_write_them() {
        let refused = b"\x02\x01\x01\x61\x0a\x0a\x01\x31\x04\x00\x04\x03abc";
        let outcome = Outcome { code: 49, diagnostic: "abc".to_owned() };
        assert_eq!(read(refused), Ok((1, Answer::Bound(outcome))));
        let entry = b"\x02\x01\x02\x64\x13\x04\x04cn=a\x30\x0b\x30\x09\x04\x02cn\x31\x03\x04\x01a";
        let attributes = vec![("cn".to_owned(), vec![b"a".to_vec()])];
        assert_eq!(read(entry), Ok((2, Answer::Entry { dn: "cn=a".to_owned(), attributes })));
        assert_eq!(read(b"\x02\x01\x02\x73\x02\x04\x00"), Ok((2, Answer::Reference)));
        for bad in [&b""[..], b"\x02\x01\x01", b"\x02\x01\x01\x6f\x00", b"\x02\x01\x01\x61\x01\x0a", b"\x30\x00"] {
            assert!(read(bad).is_err());
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_an_answer_or_an_error(octets in prop::collection::vec(any::<u8>(), 0..120), tag in prop::sample::select(vec![0x61_u8, 0x64, 0x65, 0x73, 0x78])) {
            let _ = read(&octets);
            let mut message = vec![2, 1, 1];
            ber::put(&mut message, tag, &octets);
            let _ = read(&message);
        }
    }
}
