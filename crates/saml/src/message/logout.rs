//! Signing out at all applications (saml-core §3.7, saml-profiles §4.4).

use super::{
    name_id::NameId,
    read::{self, Head},
    response::Envelope,
    status::Status,
};
use crate::{error::Refused, time};
use types::Millis;
use xmlsig::{Element, Xml, ns};

/// So many sessions a request may name.
const MOST_SESSIONS: usize = 20;

/// `samlp:LogoutRequest`.
#[derive(Debug)]
pub(crate) struct LogoutRequest {
    pub(crate) head: Head,
    pub(crate) name: NameId,
    /// Which sessions; empty for all.
    pub(crate) sessions: Vec<String>,
    /// Until when it counts.
    pub(crate) until: Option<Millis>,
}

impl LogoutRequest {
    /// Reads it. An encrypted name isn't taken: our metadata has no key for one.
    pub(crate) fn read(message: Element<'_>) -> Result<Self, Refused> {
        if !message.is(ns::SAMLP, "LogoutRequest") {
            return Err(Refused::Malformed("LogoutRequest"));
        }
        read::only_these(
            message,
            &[
                (ns::SAML, "Issuer"),
                (ns::DS, "Signature"),
                (ns::SAMLP, "Extensions"),
                (ns::SAML, "NameID"),
                (ns::SAMLP, "SessionIndex"),
            ],
        )?;
        let mut sessions = Vec::new();
        for session in message.children_of(ns::SAMLP, "SessionIndex") {
            if sessions.len() == MOST_SESSIONS {
                return Err(Refused::TooLarge);
            }
            sessions.push(read::value(session, "SessionIndex")?);
        }
        let until = match message.attribute("NotOnOrAfter") {
            Some(text) => Some(time::read(text).ok_or(Refused::Malformed("NotOnOrAfter"))?),
            None => None,
        };
        Ok(Self {
            head: Head::read(message)?,
            name: read::name_id(message)?.ok_or(Refused::Malformed("NameID"))?,
            sessions,
            until,
        })
    }
}

/// `samlp:LogoutResponse`.
#[derive(Debug)]
pub(crate) struct LogoutResponse {
    pub(crate) head: Head,
    /// The request that it answers.
    pub(crate) in_response_to: String,
    /// Whether the application is signed out.
    pub(crate) success: bool,
    /// And all whom it told.
    pub(crate) complete: bool,
}

impl LogoutResponse {
    /// Reads it.
    pub(crate) fn read(message: Element<'_>) -> Result<Self, Refused> {
        if !message.is(ns::SAMLP, "LogoutResponse") {
            return Err(Refused::Malformed("LogoutResponse"));
        }
        read::only_these(
            message,
            &[(ns::SAML, "Issuer"), (ns::DS, "Signature"), (ns::SAMLP, "Extensions"), (ns::SAMLP, "Status")],
        )?;
        let code = message.only(ns::SAMLP, "Status")?.only(ns::SAMLP, "StatusCode")?;
        let first = code.attribute("Value").unwrap_or_default();
        let second = code.child(ns::SAMLP, "StatusCode")?.and_then(|code| code.attribute("Value")).unwrap_or_default();
        let asked = read::attribute(message, "InResponseTo", "InResponseTo")?;
        Ok(Self {
            head: Head::read(message)?,
            in_response_to: asked.ok_or(Refused::Malformed("InResponseTo"))?,
            success: Status::is_success(first),
            complete: Status::is_success(first) && !Status::is_partial(second),
        })
    }
}

/// `samlp:LogoutRequest`, to an application. `reason`: a URI, where it is known.
pub(crate) fn request(
    envelope: &Envelope<'_>,
    until: Millis,
    reason: Option<&'static str>,
    name: &NameId,
    session: &str,
) -> Xml {
    envelope
        .xml("samlp:LogoutRequest")
        .with_some("Reason", reason)
        .with("NotOnOrAfter", time::write(until))
        .child(name.xml())
        .child(Xml::new("samlp:SessionIndex").text(session))
}

/// `samlp:LogoutResponse`, to an application.
pub(crate) fn response(envelope: &Envelope<'_>, status: Status) -> Xml {
    envelope.xml("samlp:LogoutResponse").child(status.xml())
}
