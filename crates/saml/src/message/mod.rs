//! The messages. What is read comes from a tree of [`xmlsig`]: of a message that was signed, only what the signature covers is there
//! to be read. What is written is text, signed afterwards.
//!
//! To add a message: a file with a type that holds what is looked at, and its `read` or `write`.

pub(crate) mod authn_request;
pub(crate) mod logout;
pub(crate) mod name_id;
pub(crate) mod read;
pub(crate) mod response;
pub(crate) mod soap;
pub(crate) mod status;

use data_encoding::HEXLOWER;
use types::World;

/// A new ID of a message or an assertion: 160 bits of chance (saml-core §1.3.4), behind what makes it a name in XML.
pub(crate) fn new_id(world: &World) -> String {
    let mut bytes = [0; 20];
    world.random.fill(&mut bytes);
    format!("_{}", HEXLOWER.encode(&bytes))
}

/// The longest ID that is taken; it is given back in each answer.
const LONGEST_ID: usize = 256;

/// Whether this can be an ID (`xs:ID`, with the characters that libraries use; the letters of other scripts aren't among them).
pub(crate) fn is_id(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && text.len() <= LONGEST_ID
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

/// A text that XML can hold: what it can't (XML 1.0 §2.2) becomes the mark for that. A group's name must not keep its members out.
pub(crate) fn clean(text: &str) -> String {
    let fits =
        |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().map(|c| if fits(c) { c } else { '\u{fffd}' }).collect()
}
