//! What an application gets: a response, and in it an assertion (saml-profiles §4.1.4.2).

use super::{clean, name_id::NameId, status::Status};
use crate::{names, time};
use sso::claims::Attribute;
use std::time::Duration;
use types::Millis;
use xmlsig::{Fragment, Xml, ns};

/// What all messages of ours have.
pub(crate) struct Envelope<'a> {
    pub(crate) id: &'a str,
    pub(crate) issuer: &'a str,
    /// Where it is brought; empty for an answer on the line of its request.
    pub(crate) destination: &'a str,
    /// The request that is answered.
    pub(crate) in_response_to: Option<&'a str>,
    pub(crate) issued: Millis,
}

impl Envelope<'_> {
    /// The message with its issuer, and nothing else yet.
    pub(crate) fn xml(&self, name: &'static str) -> Xml {
        Xml::new(name)
            .with("xmlns:samlp", ns::SAMLP)
            .with("xmlns:saml", ns::SAML)
            .with("ID", self.id)
            .with("Version", "2.0")
            .with("IssueInstant", time::write(self.issued))
            .with_some("Destination", Some(self.destination).filter(|to| !to.is_empty()))
            .with_some("InResponseTo", self.in_response_to)
            .child(Xml::new("saml:Issuer").text(self.issuer))
    }
}

/// What is said of a person.
pub(crate) struct Assertion<'a> {
    pub(crate) id: &'a str,
    pub(crate) subject: &'a NameId,
    /// The application's names.
    pub(crate) audiences: &'a [&'a str],
    /// How long it may wait to be shown.
    pub(crate) life: Duration,
    pub(crate) auth_time: Millis,
    pub(crate) session_index: &'a str,
    /// When the application should ask again.
    pub(crate) session_until: Option<Millis>,
    pub(crate) class: &'a str,
    pub(crate) attributes: &'a [Attribute],
}

impl Assertion<'_> {
    /// `saml:Assertion`.
    pub(crate) fn xml(&self, envelope: &Envelope<'_>) -> Xml {
        let until = time::write(envelope.issued + self.life);
        let data = Xml::new("saml:SubjectConfirmationData")
            .with("NotOnOrAfter", until.as_str())
            .with("Recipient", envelope.destination)
            .with_some("InResponseTo", envelope.in_response_to);
        let subject = Xml::new("saml:Subject")
            .child(self.subject.xml())
            .child(Xml::new("saml:SubjectConfirmation").with("Method", names::BEARER).child(data));
        let audience = |name: &&str| Xml::new("saml:Audience").text(*name);
        let conditions = Xml::new("saml:Conditions")
            .with("NotBefore", time::write(envelope.issued - time::SKEW))
            .with("NotOnOrAfter", until)
            .child(Xml::new("saml:AudienceRestriction").children(self.audiences.iter().map(audience)));
        let statement = Xml::new("saml:AuthnStatement")
            .with("AuthnInstant", time::write(self.auth_time))
            .with("SessionIndex", self.session_index)
            .with_some("SessionNotOnOrAfter", self.session_until.map(time::write))
            .child(Xml::new("saml:AuthnContext").child(Xml::new("saml:AuthnContextClassRef").text(self.class)));
        let whole = Xml::new("saml:Assertion")
            .with("xmlns:saml", ns::SAML)
            .with("ID", self.id)
            .with("Version", "2.0")
            .with("IssueInstant", time::write(envelope.issued))
            .child(Xml::new("saml:Issuer").text(envelope.issuer))
            .child(subject)
            .child(conditions)
            .child(statement);
        if self.attributes.is_empty() {
            return whole;
        }
        whole.child(Xml::new("saml:AttributeStatement").children(self.attributes.iter().map(attribute)))
    }
}

fn attribute(attribute: &Attribute) -> Xml {
    let is_uri = ["urn:", "http://", "https://"].iter().any(|start| attribute.name.starts_with(start));
    let kind = if is_uri { names::ATTRIBUTE_URI } else { names::ATTRIBUTE_BASIC };
    let value = |value: &String| Xml::new("saml:AttributeValue").text(clean(value));
    Xml::new("saml:Attribute")
        .with("Name", clean(&attribute.name))
        .with("NameFormat", attribute.name_format.as_deref().map_or_else(|| kind.to_owned(), clean))
        .with_some("FriendlyName", attribute.friendly_name.as_deref().map(clean))
        .children(attribute.values.iter().map(value))
}

/// An encrypted assertion's frame around `xenc:EncryptedData`.
pub(crate) fn encrypted(data: Fragment) -> Xml {
    Xml::new("saml:EncryptedAssertion").with("xmlns:saml", ns::SAML).fragment(data)
}

/// `samlp:Response`, without an assertion.
pub(crate) fn response(envelope: &Envelope<'_>, status: Status) -> Xml {
    envelope.xml("samlp:Response").child(status.xml())
}
