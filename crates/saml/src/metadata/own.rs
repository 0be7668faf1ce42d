//! What applications read of us: names, addresses, keys. Every key is in it that signs, will sign or has just signed, so that a rotation
//! is noticed by nobody who reads it within the overlap.

use crate::names;
use sso::party::NameIdFormat;
use xmlsig::{Xml, ns};

/// What goes in.
pub(crate) struct Own<'a> {
    pub(crate) id: &'a str,
    pub(crate) entity_id: &'a str,
    /// `https://{host}` with the port.
    pub(crate) origin: &'a str,
    /// Base64 of the certificates, the one that signs now first.
    pub(crate) certificates: &'a [String],
}

/// `md:EntityDescriptor`, not yet signed. It says how often it should be read again and not until when it holds: people copy it into files,
/// and an application that stops on a day that nobody knows of is of no use to them.
pub(crate) fn own(own: &Own<'_>) -> Xml {
    let key = |certificate: &String| {
        let data = Xml::new("ds:X509Data").child(Xml::new("ds:X509Certificate").text(certificate));
        Xml::new("md:KeyDescriptor")
            .with("use", "signing")
            .child(Xml::new("ds:KeyInfo").with("xmlns:ds", ns::DS).child(data))
    };
    let service = |name: &'static str, path: &'static str, bindings: &[&'static str]| -> Vec<Xml> {
        let location = format!("{}{path}", own.origin);
        let each = bindings.iter();
        each.map(|binding| Xml::new(name).with("Binding", *binding).with("Location", location.as_str())).collect()
    };
    let role = Xml::new("md:IDPSSODescriptor")
        .with("WantAuthnRequestsSigned", "false")
        .with("protocolSupportEnumeration", ns::SAMLP)
        .children(own.certificates.iter().map(key))
        .children(service("md:SingleLogoutService", "/saml/slo", &[names::REDIRECT, names::POST, names::SOAP]))
        .children(NameIdFormat::ALL.map(|format| Xml::new("md:NameIDFormat").text(format.uri())))
        .children(service("md:SingleSignOnService", "/saml/sso", &[names::REDIRECT, names::POST]));
    Xml::new("md:EntityDescriptor")
        .with("xmlns:md", ns::MD)
        .with("ID", own.id)
        .with("cacheDuration", "PT1H")
        .with("entityID", own.entity_id)
        .child(role)
}
