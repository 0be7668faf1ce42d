//! How a request ended (saml-core §3.2.2.2).

use xmlsig::Xml;

/// An end, as applications are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// As it was asked.
    Success,
    /// Nobody could be asked, and nobody is signed in.
    NoPassive,
    /// Nobody proved who they are.
    AuthnFailed,
    /// The person may not use the application.
    RequestDenied,
    /// What was asked for as a way to sign in can't be had.
    NoAuthnContext,
    /// The name that was asked for can't be given.
    InvalidNameIdPolicy,
    /// The request asks for what isn't done here.
    RequestUnsupported,
    /// The request asks for an answer by a way that isn't taken here.
    UnsupportedBinding,
    /// The named person isn't the one who is signed in.
    UnknownPrincipal,
    /// Not everybody could be told of a logout.
    PartialLogout,
}

const PREFIX: &str = "urn:oasis:names:tc:SAML:2.0:status:";

impl Status {
    /// The first code, and the second one below it.
    pub(crate) const fn codes(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Success => ("Success", None),
            Self::NoPassive => ("Responder", Some("NoPassive")),
            Self::AuthnFailed => ("Responder", Some("AuthnFailed")),
            Self::RequestDenied => ("Responder", Some("RequestDenied")),
            Self::NoAuthnContext => ("Responder", Some("NoAuthnContext")),
            Self::InvalidNameIdPolicy => ("Requester", Some("InvalidNameIDPolicy")),
            Self::RequestUnsupported => ("Responder", Some("RequestUnsupported")),
            Self::UnsupportedBinding => ("Responder", Some("UnsupportedBinding")),
            Self::UnknownPrincipal => ("Requester", Some("UnknownPrincipal")),
            // saml-profiles §4.4.4.1: the logout itself was a success.
            Self::PartialLogout => ("Success", Some("PartialLogout")),
        }
    }

    /// The word for logs and metrics.
    pub(crate) const fn word(self) -> &'static str {
        match self.codes() {
            (first, None) => first,
            (_, Some(second)) => second,
        }
    }

    /// `samlp:Status`.
    pub(crate) fn xml(self) -> Xml {
        let (first, second) = self.codes();
        let code = |code: &str| Xml::new("samlp:StatusCode").with("Value", format!("{PREFIX}{code}"));
        let inner = second.map(code);
        Xml::new("samlp:Status").child(code(first).children(inner))
    }

    /// Whether a first code says that all is well.
    pub(crate) fn is_success(code: &str) -> bool {
        code.strip_prefix(PREFIX) == Some("Success")
    }

    /// Whether a second code says that somebody wasn't told.
    pub(crate) fn is_partial(code: &str) -> bool {
        code.strip_prefix(PREFIX) == Some("PartialLogout")
    }
}
