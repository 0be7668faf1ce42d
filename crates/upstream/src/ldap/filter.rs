//! Filters (RFC 4515) with a place for a person's name: `(&(objectClass=person)(|(uid={user})(mail={user})))`.
//!
//! The text is the administrator's and parsed once. The name is put into the tree as octets, so it can't become part of the grammar.

use super::ber;

/// The place of the name.
const PLACE: &str = "{user}";
/// Filters inside each other.
const MAX_DEPTH: usize = 8;
const MAX_TEXT: usize = 2_048;

/// A filter is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a filter that can be used: {0}")]
pub struct InvalidFilter(&'static str);

/// A filter, ready to be asked with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter(Node);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Present(String),
    /// Attribute and value, whose pieces have the name between them.
    Equal(String, Vec<Vec<u8>>),
}

impl Filter {
    /// Parses a filter of `&`, `|`, `!`, equality and presence. The name's place is `{user}`, at least once: otherwise everybody would
    /// be found.
    ///
    /// # Errors
    /// [`InvalidFilter`].
    pub fn parse(text: &str) -> Result<Self, InvalidFilter> {
        if text.len() > MAX_TEXT {
            return Err(InvalidFilter("too long"));
        }
        let mut parser = Parser { rest: text.trim(), has_place: false };
        let node = parser.node(0)?;
        if !parser.rest.is_empty() {
            return Err(InvalidFilter("something after its end"));
        }
        if !parser.has_place {
            return Err(InvalidFilter("it doesn't name {user}"));
        }
        Ok(Self(node))
    }

    /// The filter as it is sent, with `name` in its places.
    pub(super) fn encode(&self, name: &str) -> Vec<u8> {
        let mut out = Vec::new();
        self.0.put(&mut out, name.as_bytes());
        out
    }
}

impl Node {
    // As deep as the parser allowed.
    fn put(&self, out: &mut Vec<u8>, name: &[u8]) {
        let (tag, content) = match self {
            Self::And(inner) => (0xa0, Self::put_all(inner, name)),
            Self::Or(inner) => (0xa1, Self::put_all(inner, name)),
            Self::Not(inner) => (0xa2, Self::put_all(std::slice::from_ref(inner), name)),
            Self::Present(attribute) => (0x87, attribute.as_bytes().to_vec()),
            Self::Equal(attribute, pieces) => {
                let mut content = Vec::new();
                ber::put(&mut content, ber::OCTETS, attribute.as_bytes());
                ber::put(&mut content, ber::OCTETS, &pieces.join(name));
                (0xa3, content)
            }
        };
        ber::put(out, tag, &content);
    }

    fn put_all(inner: &[Self], name: &[u8]) -> Vec<u8> {
        let mut content = Vec::new();
        for node in inner {
            node.put(&mut content, name);
        }
        content
    }
}

struct Parser<'t> {
    rest: &'t str,
    has_place: bool,
}

impl Parser<'_> {
    fn eat(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn node(&mut self, depth: usize) -> Result<Node, InvalidFilter> {
        if depth >= MAX_DEPTH {
            return Err(InvalidFilter("too deep"));
        }
        if !self.eat("(") {
            return Err(InvalidFilter("a parenthesis is missing"));
        }
        let deeper = depth.saturating_add(1);
        let node = if self.eat("&") {
            Node::And(self.list(deeper)?)
        } else if self.eat("|") {
            Node::Or(self.list(deeper)?)
        } else if self.eat("!") {
            Node::Not(Box::new(self.node(deeper)?))
        } else {
            self.item()?
        };
        if self.eat(")") { Ok(node) } else { Err(InvalidFilter("a parenthesis is missing")) }
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, InvalidFilter> {
        let mut list = Vec::new();
        while self.rest.starts_with('(') {
            list.push(self.node(depth)?);
        }
        // RFC 4526 has "true" and "false" without members: nothing that finds people needs them.
        if list.is_empty() { Err(InvalidFilter("an empty list")) } else { Ok(list) }
    }

    fn item(&mut self) -> Result<Node, InvalidFilter> {
        let end = self.rest.find(['(', ')']).ok_or(InvalidFilter("a parenthesis is missing"))?;
        let (item, rest) = self.rest.split_at(end);
        self.rest = rest;
        let (attribute, value) = item.split_once('=').ok_or(InvalidFilter("an item without ="))?;
        let is_attribute = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '.' | ';');
        if attribute.is_empty() || !attribute.chars().all(is_attribute) {
            return Err(InvalidFilter("an attribute's name, or a match other than ="));
        }
        if value == "*" {
            return Ok(Node::Present(attribute.to_owned()));
        }
        if value.contains('*') {
            return Err(InvalidFilter("an asterisk: a name is compared whole"));
        }
        let pieces: Vec<&str> = value.split(PLACE).collect();
        self.has_place |= pieces.len() > 1;
        let pieces = pieces.into_iter().map(unescaped).collect::<Result<_, _>>()?;
        Ok(Node::Equal(attribute.to_owned(), pieces))
    }
}

/// RFC 4515, section 3: a backslash and two hexadecimal digits.
fn unescaped(text: &str) -> Result<Vec<u8>, InvalidFilter> {
    const BAD: InvalidFilter = InvalidFilter("a backslash without two hexadecimal digits");
    let mut parts = text.split('\\');
    let mut octets = parts.next().unwrap_or("").as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).ok_or(BAD)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(BAD);
        }
        octets.push(u8::from_str_radix(digits, 16).map_err(|_| BAD)?);
        octets.extend_from_slice(rest.as_bytes());
    }
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_is_a_value_and_nothing_else() {
        let filter = Filter::parse("(&(objectClass=person)(uid={user}))").unwrap();
        for name in ["alice", "*", "alice)(uid=*", "\\2a", "a\0b", "*)(|(objectClass=*"] {
            let sent = filter.encode(name);
            let mut outer = ber::Reader::new(&sent);
            let mut and = ber::Reader::new(outer.expect(0xa0).unwrap());
            assert!(outer.is_empty());
            assert!(and.expect(0xa3).is_ok());
            let mut uid = ber::Reader::new(and.expect(0xa3).unwrap());
            assert!(and.is_empty());
            assert_eq!(uid.expect(ber::OCTETS), Ok(&b"uid"[..]));
            assert_eq!(uid.expect(ber::OCTETS), Ok(name.as_bytes()));
            assert!(uid.is_empty());
        }
    }

    #[test]
    fn what_administrators_write() {
        for good in [
            "(uid={user})",
            "(|(uid={user})(mail={user})(userPrincipalName={user}@corp.example))",
            "(&(objectClass=user)(sAMAccountName={user})(!(userAccountControl=514)))",
            "(&(cn=*)(uid={user}))",
            "(&(cn=a\\28b\\29)(uid={user}))",
            " (uid={user}) ",
        ] {
            assert!(Filter::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "uid={user}",
            "(uid={user}",
            "(uid={user}))",
            "(objectClass=*)",
            "(&)",
            "(uid=*{user}*)",
            "(uid>={user})",
            "(uid:={user})",
            "(u d={user})",
            "(uid=\\zz{user})",
            "(uid={user}\\2)",
            "(!)",
            "((uid={user}))",
            "(={user})",
            "(uid={user})(uid={user})",
        ] {
            assert!(Filter::parse(bad).is_err(), "{bad}");
        }
        let deep = |depth: usize| "(!".repeat(depth) + "(uid={user})" + &")".repeat(depth);
        assert!(Filter::parse(&deep(7)).is_ok());
        assert!(Filter::parse(&deep(8)).is_err());
        assert!(Filter::parse(&deep(1_000_000)).is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_a_filter_or_an_error(text in "[()&|!=a*{}\\\\2u]{0,40}") {
            if let Ok(filter) = Filter::parse(&text) {
                prop_assert!(!filter.encode("x").is_empty());
            }
        }
    }
}
