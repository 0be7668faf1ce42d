//! One message in an envelope of SOAP 1.1 (saml-bindings §3.2): how two servers speak without a browser between them.

use crate::error::Refused;
use xmlsig::{Document, Element, Fragment, Prefixes, SignError, SigningKey, Xml, XmlError};

/// SOAP 1.1, which is the one that the binding has.
pub(crate) const NS: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// `SOAPAction` of a request (saml-bindings §3.2.3.1), with its quotes.
pub(crate) const ACTION: &str = "\"http://www.oasis-open.org/committees/security\"";
/// What both directions are called.
pub(crate) const MEDIA: &str = "text/xml; charset=utf-8";

/// The prefixes of messages in envelopes, in the order in which each comes first. pysaml2 takes a message out of its envelope by writing it
/// anew, with prefixes that it counts so; and a signature covers prefixes.
const PREFIXES: Prefixes<'static> = &[("samlp", "ns0"), ("saml", "ns1"), ("ds", "ns2")];

/// Signs a message, and puts it into an envelope. Its signature stays valid there.
pub(crate) fn wrap(message: &Xml, id: &str, key: &SigningKey) -> Result<Fragment, SignError> {
    let signed = xmlsig::sign_with(&message.render_with(PREFIXES)?, id, key, PREFIXES)?;
    Ok(envelope(|body| body.fragment(signed)).render()?)
}

/// An envelope that says that a request wasn't one.
pub(crate) fn fault(why: &str) -> Result<Fragment, XmlError> {
    let fault = Xml::new("soap:Fault")
        .child(Xml::new("faultcode").text("soap:Client"))
        .child(Xml::new("faultstring").text(why));
    envelope(|body| body.child(fault)).render()
}

fn envelope(fill: impl FnOnce(Xml) -> Xml) -> Xml {
    Xml::new("soap:Envelope").with("xmlns:soap", NS).child(fill(Xml::new("soap:Body")))
}

/// What is in an envelope: one element, of whomever. Header blocks are passed over, as the binding has none, but for one that says that it must
/// be understood (SOAP 1.1 §4.2.3).
pub(crate) fn open(document: &Document) -> Result<Element<'_>, Refused> {
    let envelope = document.root();
    if !envelope.is(NS, "Envelope") {
        return Err(Refused::Malformed("Envelope"));
    }
    let mut parts = envelope.children().peekable();
    if let Some(header) = parts.next_if(|part| part.is(NS, "Header")) {
        let must = |block: Element<'_>| matches!(block.attribute_of(NS, "mustUnderstand"), Some("1" | "true"));
        if header.children().any(must) {
            return Err(Refused::Malformed("Header"));
        }
    }
    let body = parts.next().filter(|part| part.is(NS, "Body"));
    let (Some(body), None) = (body, parts.next()) else { return Err(Refused::Malformed("Body")) };
    let mut inside = body.children();
    match (inside.next(), inside.next()) {
        (Some(message), None) => Ok(message),
        _ => Err(Refused::Malformed("Body")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use xmlsig::{Limits, ns};

    fn opened(text: &str) -> Result<String, Refused> {
        let document = Document::parse(text.as_bytes(), &Limits::MESSAGE)?;
        open(&document).map(|message| message.name().to_owned())
    }

    fn with(inside: &str) -> String {
        format!("<e:Envelope xmlns:e=\"{NS}\">{inside}</e:Envelope>")
    }

    #[test]
    fn an_envelope_has_one_body_with_one_message() {
        assert_eq!(opened(&with("<e:Body><x/></e:Body>")).unwrap(), "x");
        assert_eq!(opened(&with("<e:Header><y/></e:Header>\n<e:Body>\n<x/>\n</e:Body>")).unwrap(), "x");
        for (wrong, what) in [
            ("<x/>".to_owned(), "Envelope"),
            (
                "<e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\"><e:Body><x/></e:Body></e:Envelope>"
                    .to_owned(),
                "Envelope",
            ),
            (with(""), "Body"),
            (with("<Body><x/></Body>"), "Body"),
            (with("<e:Body/>"), "Body"),
            (with("<e:Body><x/><x/></e:Body>"), "Body"),
            (with("<e:Body><x/></e:Body><e:Body><x/></e:Body>"), "Body"),
            (with("<e:Body><x/></e:Body><e:Header/>"), "Body"),
            (with("<e:Header/><e:Header/><e:Body><x/></e:Body>"), "Body"),
            (with("<e:Header><y e:mustUnderstand=\"1\"/></e:Header><e:Body><x/></e:Body>"), "Header"),
        ] {
            assert_eq!(opened(&wrong), Err(Refused::Malformed(what)), "{wrong}");
        }
    }

    #[test]
    fn bombs_are_refused_before_they_are_read() {
        let lol = "<!DOCTYPE e [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>";
        assert_eq!(opened(&format!("{lol}{}", with("<e:Body><x>&b;</x></e:Body>"))), Err(Refused::Malformed("dtd")));
        let deep = format!("{}{}", "<x>".repeat(100), "</x>".repeat(100));
        assert_eq!(opened(&with(&format!("<e:Body>{deep}</e:Body>"))), Err(Refused::TooLarge));
        let wide = "<x/>".repeat(10_000);
        assert_eq!(opened(&with(&format!("<e:Body>{wide}</e:Body>"))), Err(Refused::TooLarge));
    }

    #[test]
    fn a_fault_is_no_message() {
        let text = fault("a < b").unwrap();
        assert_eq!(opened(text.as_str()).unwrap(), "Fault");
    }

    proptest! {
        #[test]
        fn what_is_wrapped_is_what_is_opened(value in "[a-z<>&\"': ]{0,40}") {
            let message = Xml::new("samlp:X").with("xmlns:samlp", ns::SAMLP).with("V", value.as_str()).text(value.as_str());
            let whole = envelope(|body| body.fragment(message.render_with(PREFIXES).unwrap())).render().unwrap();
            let document = Document::parse(whole.as_str().as_bytes(), &Limits::MESSAGE).unwrap();
            let found = open(&document).unwrap();
            prop_assert!(found.is(ns::SAMLP, "X"));
            prop_assert_eq!(found.attribute("V"), Some(value.as_str()));
        }

        #[test]
        fn any_octets_are_judged(
            text in "\\PC{0,80}",
            parts in proptest::collection::vec(
                prop::sample::select(vec!["<e:Body>", "</e:Body>", "<e:Header>", "</e:Header>", "<x/>", "<e:Fault/>", " e:mustUnderstand='1'", "t"]),
                0..12,
            ),
        ) {
            let _ = opened(&text);
            let _ = opened(&with(&parts.concat()));
        }
    }
}
