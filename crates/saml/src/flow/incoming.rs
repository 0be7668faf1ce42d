//! A message as it arrived, and what of it may be believed.
//!
//! Who sent it is read first, because by that the keys are found. Everything else is read from what [`Incoming::open`] gives: where the
//! message was signed, that is the tree that the signature covers and no other.

use crate::error::Refused;
use axum::body::Body;
use http::{Method, Request, header, request::Parts};
use sso::party::SamlParty;
use xmlsig::{
    Accept, Document, Element, Limits, PublicKey, SignatureError, Verified, XmlError, ns, post,
    redirect::{self, Parameter},
};

/// The largest message, in bytes of XML. Of elements and text it may hold less than a message with an assertion: none of these has one.
pub(crate) const LIMITS: Limits = Limits { bytes: 64 * 1024, elements: 2_000, text: 16 * 1024, ..Limits::MESSAGE };
/// The largest form, in bytes: a message in base64, escaped, and the RelayState.
const LARGEST_FORM: usize = 256 * 1024;
/// The longest RelayState, in bytes. saml-bindings §3.4.3 says 80, which hardly an application keeps to.
pub(crate) const LONGEST_RELAY: usize = 1024;
/// So many fields of a form are looked at.
const MOST_FIELDS: usize = 20;

/// As it came. Nothing of it is known to be anybody's.
pub(crate) enum Incoming {
    /// In the address.
    Redirect(Box<redirect::Message>),
    /// In a form.
    Post { parameter: Parameter, document: Box<Document>, relay: Option<String> },
}

impl Incoming {
    /// Reads a request's message; gives its head back, too.
    pub(crate) async fn read(request: Request<Body>) -> Result<(Parts, Self), Refused> {
        let (parts, body) = request.into_parts();
        let incoming = match parts.method {
            Method::GET => of_query(parts.uri.query().unwrap_or_default())?,
            Method::POST => of_form(&parts, body).await?,
            _ => return Err(Refused::NoMessage),
        };
        Ok((parts, incoming))
    }

    /// Whether a request or an answer.
    pub(crate) const fn parameter(&self) -> Parameter {
        match self {
            Self::Redirect(message) => message.parameter(),
            Self::Post { parameter, .. } => *parameter,
        }
    }

    /// Whether it came in a form. Then the browser hasn't sent the cookies of this site along.
    pub(crate) const fn is_form(&self) -> bool {
        matches!(self, Self::Post { .. })
    }

    /// Whoever it says that it is from.
    pub(crate) fn claimed_issuer(&self) -> Result<String, Refused> {
        crate::message::read::issuer(self.root())
    }

    fn root(&self) -> Element<'_> {
        match self {
            Self::Redirect(message) => message.unverified().root(),
            Self::Post { document, .. } => document.root(),
        }
    }

    /// What of it may be believed. A signature that is there is looked at, wanted or not, unless the application has no keys: then nobody can.
    pub(crate) fn open(self, party: &SamlParty, wanted: bool) -> Result<Opened, Refused> {
        let known = !party.certificates.is_empty();
        let nested = self.root().descendants().any(|at| at.is(ns::DS, "Signature"));
        let opened = match self {
            Self::Redirect(message) => {
                // saml-bindings §3.4.4.1: a signature inside is taken out before a message is packed; one that isn't was moved there.
                if nested {
                    return Err(Refused::Signature);
                }
                if message.is_signed() && known {
                    let (verified, relay) = message.verify(&keys(party)?, ACCEPT).map_err(wrong)?;
                    Opened { tree: Tree::Verified(verified), relay }
                } else {
                    let (document, relay) = message.into_unverified();
                    Opened { tree: Tree::Unverified(document), relay }
                }
            }
            Self::Post { document, relay, .. } => {
                if nested && known {
                    let verified = xmlsig::verify(document.root(), &keys(party)?, ACCEPT).map_err(wrong)?;
                    Opened { tree: Tree::Verified(verified), relay }
                } else {
                    Opened { tree: Tree::Unverified(*document), relay }
                }
            }
        };
        if wanted && !opened.is_verified() {
            return Err(Refused::Unsigned);
        }
        if opened.relay.as_ref().is_some_and(|relay| relay.len() > LONGEST_RELAY || relay.contains('\0')) {
            return Err(Refused::RelayState);
        }
        Ok(opened)
    }
}

/// A message that came without a browser: its own signature is all that says whose it is, so it must be there, and right.
pub(crate) fn verified(message: Element<'_>, party: &SamlParty) -> Result<Verified, Refused> {
    if !xmlsig::is_signed(message) {
        return Err(Refused::Unsigned);
    }
    xmlsig::verify(message, &keys(party)?, ACCEPT).map_err(wrong)
}

/// SHA-1 isn't taken: whoever still signs with it can stop signing, which says as much.
const ACCEPT: Accept = Accept { sha1: false, inclusive: true };

/// What a message says, from where it may be read.
pub(crate) struct Opened {
    tree: Tree,
    pub(crate) relay: Option<String>,
}

enum Tree {
    Verified(Verified),
    Unverified(Document),
}

impl Opened {
    /// The message.
    pub(crate) const fn root(&self) -> Element<'_> {
        match &self.tree {
            Tree::Verified(verified) => verified.root(),
            Tree::Unverified(document) => document.root(),
        }
    }

    /// Whether one of the application's keys signed it.
    pub(crate) const fn is_verified(&self) -> bool {
        matches!(self.tree, Tree::Verified(_))
    }
}

/// Why is for our log: whoever sends wrong ones needn't be told.
fn wrong(error: SignatureError) -> Refused {
    tracing::info!(%error, "a signature doesn't count");
    Refused::Signature
}

/// What an application's signatures are verified with. A certificate that can't be read, from before they were looked at as they are set,
/// leaves the others; where none is left the fault is ours, and a signature isn't passed over as at an application that has none.
fn keys(party: &SamlParty) -> Result<Vec<PublicKey>, Refused> {
    let read = |text: &String| PublicKey::from_certificate_text(text).ok();
    let keys: Vec<_> = party.certificates.iter().filter_map(read).collect();
    if keys.is_empty() && !party.certificates.is_empty() {
        tracing::error!("none of an application's certificates can be used");
        return Err(Refused::Ours);
    }
    Ok(keys)
}

fn of_query(query: &str) -> Result<Incoming, Refused> {
    match redirect::Message::parse(query, &LIMITS) {
        Ok(message) => Ok(Incoming::Redirect(Box::new(message))),
        Err(XmlError::Missing("SAMLRequest")) => Err(Refused::NoMessage),
        Err(error) => Err(refused(error)),
    }
}

async fn of_form(parts: &Parts, body: Body) -> Result<Incoming, Refused> {
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some("application/x-www-form-urlencoded") {
        return Err(Refused::NoMessage);
    }
    let bytes = axum::body::to_bytes(body, LARGEST_FORM).await.map_err(|_| Refused::TooLarge)?;
    let (mut request, mut answer, mut relay) = (None, None, None);
    for (place, (name, value)) in form_urlencoded::parse(&bytes).enumerate() {
        if place == MOST_FIELDS {
            return Err(Refused::TooLarge);
        }
        let slot = match name.as_ref() {
            "SAMLRequest" => &mut request,
            "SAMLResponse" => &mut answer,
            "RelayState" => &mut relay,
            _ => continue,
        };
        if slot.replace(value.into_owned()).is_some() {
            return Err(Refused::NoMessage);
        }
    }
    let (parameter, carried) = match (request, answer) {
        (Some(request), None) => (Parameter::Request, request),
        (None, Some(answer)) => (Parameter::Response, answer),
        _ => return Err(Refused::NoMessage),
    };
    let document = post::decode(&carried, &LIMITS).map_err(refused)?;
    Ok(Incoming::Post { parameter, document: Box::new(document), relay: relay.filter(|relay| !relay.is_empty()) })
}

fn refused(error: XmlError) -> Refused {
    match error {
        XmlError::Repeated(_) => Refused::NoMessage,
        XmlError::Base64 | XmlError::Deflate => Refused::Encoding,
        XmlError::Missing("Signature" | "SigAlg") => Refused::Signature,
        error => Refused::from(error),
    }
}
