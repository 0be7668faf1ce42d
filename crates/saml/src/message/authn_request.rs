//! What an application asks for when it sends somebody to sign in (saml-core §3.4.1, saml-profiles §4.1.4.1).

use super::{
    name_id::NameId,
    read::{self, Head},
};
use crate::{
    context::{Comparison, Requested},
    error::Refused,
};
use xmlsig::{Element, ns};

/// So many classes may be asked for.
const MOST_CLASSES: usize = 20;

/// Where the answer shall go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The registered default.
    Default,
    /// A registered address.
    Url(String),
    /// The number of a registered address.
    Index(u16),
}

/// `samlp:AuthnRequest`.
#[derive(Debug)]
pub(crate) struct AuthnRequest {
    pub(crate) head: Head,
    pub(crate) wanted: Wanted,
    /// The URI of the binding by which the answer shall come.
    pub(crate) binding: Option<String>,
    /// The URI of the kind of name that is asked for.
    pub(crate) format: Option<String>,
    /// For which application the name shall be.
    pub(crate) sp_qualifier: Option<String>,
    pub(crate) context: Option<Requested>,
    pub(crate) force: bool,
    pub(crate) passive: bool,
    /// Who shall be signed in.
    pub(crate) subject: Option<NameId>,
    /// Asks for what isn't done here.
    pub(crate) unsupported: bool,
}

impl AuthnRequest {
    /// Reads it. `Scoping` and `Conditions` aren't looked at (saml-core §3.4.1.2: a provider that asks nobody else has nothing to do with
    /// the first, and the second only asks for less than what is said anyway).
    pub(crate) fn read(message: Element<'_>) -> Result<Self, Refused> {
        if !message.is(ns::SAMLP, "AuthnRequest") {
            return Err(Refused::Malformed("AuthnRequest"));
        }
        read::only_these(
            message,
            &[
                (ns::SAML, "Issuer"),
                (ns::DS, "Signature"),
                (ns::SAMLP, "Extensions"),
                (ns::SAML, "Subject"),
                (ns::SAMLP, "NameIDPolicy"),
                (ns::SAML, "Conditions"),
                (ns::SAMLP, "RequestedAuthnContext"),
                (ns::SAMLP, "Scoping"),
            ],
        )?;
        let policy = message.child(ns::SAMLP, "NameIDPolicy")?;
        let of_policy = |name| match policy {
            Some(policy) => read::attribute(policy, name, "NameIDPolicy"),
            None => Ok(None),
        };
        let context = message.child(ns::SAMLP, "RequestedAuthnContext")?.map(context).transpose()?;
        let subject = message.child(ns::SAML, "Subject")?;
        let mut unsupported = matches!(context, Some(None));
        let named = match subject {
            None => None,
            Some(subject) => {
                // An encrypted name, or one that must be confirmed in a way of its own, is more than is done here.
                unsupported |= subject.children().any(|child| !child.is(ns::SAML, "NameID"));
                read::name_id(subject)?
            }
        };
        Ok(Self {
            head: Head::read(message)?,
            wanted: wanted(message)?,
            binding: read::attribute(message, "ProtocolBinding", "ProtocolBinding")?,
            format: of_policy("Format")?,
            sp_qualifier: of_policy("SPNameQualifier")?,
            context: context.flatten(),
            force: read::flag(message, "ForceAuthn")?,
            passive: read::flag(message, "IsPassive")?,
            subject: named,
            unsupported,
        })
    }
}

fn wanted(message: Element<'_>) -> Result<Wanted, Refused> {
    let url = read::attribute(message, "AssertionConsumerServiceURL", "AssertionConsumerServiceURL")?;
    let index = message.attribute("AssertionConsumerServiceIndex");
    match (url, index) {
        (None, None) => Ok(Wanted::Default),
        (Some(url), None) => Ok(Wanted::Url(url)),
        (None, Some(index)) => {
            let plain = (1..=5).contains(&index.len()) && index.bytes().all(|byte| byte.is_ascii_digit());
            let number = index.parse().ok().filter(|_| plain);
            Ok(Wanted::Index(number.ok_or(Refused::Malformed("AssertionConsumerServiceIndex"))?))
        }
        // saml-core §3.4.1: these exclude each other.
        (Some(_), Some(_)) => Err(Refused::Malformed("AssertionConsumerServiceIndex")),
    }
}

/// The requested context; none where it is asked for by a declaration, which nobody here knows.
fn context(element: Element<'_>) -> Result<Option<Requested>, Refused> {
    let comparison = match element.attribute("Comparison") {
        None | Some("exact") => Comparison::Exact,
        Some("minimum") => Comparison::Minimum,
        Some("maximum") => Comparison::Maximum,
        Some("better") => Comparison::Better,
        Some(_) => return Err(Refused::Malformed("Comparison")),
    };
    let mut classes = Vec::new();
    for child in element.children() {
        if classes.len() == MOST_CLASSES {
            return Err(Refused::TooLarge);
        }
        if !child.is(ns::SAML, "AuthnContextClassRef") {
            return Ok(None);
        }
        classes.push(read::value(child, "AuthnContextClassRef")?);
    }
    if classes.is_empty() {
        return Err(Refused::Malformed("RequestedAuthnContext"));
    }
    Ok(Some(Requested { comparison, classes }))
}
