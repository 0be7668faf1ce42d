//! What all messages have, read from an element whose name was looked at. Whether it was verified is a matter of where it came from.

use super::{is_id, name_id::NameId};
use crate::{error::Refused, names, time};
use types::Millis;
use xmlsig::{Element, XmlError, ns};

/// The longest name of an entity (saml-core §8.3.6), and the longest of all other values that are looked at.
const LONGEST: usize = 1024;

impl From<XmlError> for Refused {
    fn from(error: XmlError) -> Self {
        match error {
            XmlError::Limit(_) => Self::TooLarge,
            XmlError::Missing(what) => Self::Malformed(what),
            XmlError::NotPlainText | XmlError::Comment => Self::Malformed("text"),
            XmlError::Dtd | XmlError::Entity => Self::Malformed("dtd"),
            _ => Self::Malformed("xml"),
        }
    }
}

/// What a request and an answer begin with (saml-core §3.2.1, §3.2.2).
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) id: String,
    pub(crate) issued: Millis,
    pub(crate) destination: Option<String>,
    /// Whose it says it is.
    pub(crate) issuer: String,
}

impl Head {
    /// Reads it.
    pub(crate) fn read(message: Element<'_>) -> Result<Self, Refused> {
        if message.attribute("Version") != Some("2.0") {
            return Err(Refused::Malformed("Version"));
        }
        let id = message.attribute("ID").filter(|id| is_id(id)).ok_or(Refused::Malformed("ID"))?;
        let issued =
            message.attribute("IssueInstant").and_then(time::read).ok_or(Refused::Malformed("IssueInstant"))?;
        Ok(Self {
            id: id.to_owned(),
            issued,
            destination: attribute(message, "Destination", "Destination")?,
            issuer: issuer(message)?,
        })
    }
}

/// Who says that they sent it. The rest of a message isn't looked at before their keys were found by this.
pub(crate) fn issuer(message: Element<'_>) -> Result<String, Refused> {
    let element = message.only(ns::SAML, "Issuer")?;
    // saml-profiles §4.1.4.1: a name of another kind is none.
    if element.attribute("Format").is_some_and(|format| format != names::ENTITY) {
        return Err(Refused::Malformed("Issuer"));
    }
    value(element, "Issuer")
}

/// The text of an element: not empty, no longer than anything here needs, without anything but text in it.
pub(crate) fn value(element: Element<'_>, what: &'static str) -> Result<String, Refused> {
    let text = element.text().map_err(|_| Refused::Malformed("text"))?.trim_matches([' ', '\t', '\n', '\r']);
    if text.is_empty() || text.len() > LONGEST || text.chars().any(char::is_control) {
        return Err(Refused::Malformed(what));
    }
    Ok(text.to_owned())
}

/// An attribute's value; an empty one is none.
pub(crate) fn attribute(element: Element<'_>, name: &str, what: &'static str) -> Result<Option<String>, Refused> {
    match element.attribute(name) {
        Some(text) if text.len() > 2 * LONGEST || text.chars().any(char::is_control) => Err(Refused::Malformed(what)),
        Some("") | None => Ok(None),
        Some(text) => Ok(Some(text.to_owned())),
    }
}

/// `xs:boolean`.
pub(crate) fn flag(element: Element<'_>, name: &'static str) -> Result<bool, Refused> {
    match element.attribute(name) {
        None | Some("false" | "0") => Ok(false),
        Some("true" | "1") => Ok(true),
        Some(_) => Err(Refused::Malformed(name)),
    }
}

/// `saml:NameID` inside `parent`, if there is one.
pub(crate) fn name_id(parent: Element<'_>) -> Result<Option<NameId>, Refused> {
    let Some(element) = parent.child(ns::SAML, "NameID")? else { return Ok(None) };
    Ok(Some(NameId {
        format: attribute(element, "Format", "NameID")?,
        qualifier: attribute(element, "NameQualifier", "NameID")?,
        sp_qualifier: attribute(element, "SPNameQualifier", "NameID")?,
        value: value(element, "NameID")?,
    }))
}

/// Everything that may stand in a message of this kind: what isn't known is refused rather than passed over, wherever it could change
/// what the message means.
pub(crate) fn only_these(message: Element<'_>, known: &[(&str, &str)]) -> Result<(), Refused> {
    let fits = |child: Element<'_>| known.iter().any(|(namespace, name)| child.is(namespace, name));
    if message.children().all(fits) { Ok(()) } else { Err(Refused::Malformed("element")) }
}
