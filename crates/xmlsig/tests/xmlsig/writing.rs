//! What is written can be read, and says what it was given.

use countersign_xmlsig::{Accept, Document, Limits, Xml, XmlError, post, sign_with, verify};
use proptest::prelude::*;

use crate::support::{RSA, parse};

#[test]
fn values_cannot_leave_their_place() {
    for hostile in
        ["</a><evil/>", "\" evil=\"", "<!-- -->", "]]>", "&amp;", "&#0;", "<![CDATA[x]]>", "\r\n\t", "'", "\u{1f511}"]
    {
        let written = Xml::new("a").with("b", hostile).child(Xml::new("c").text(hostile)).render().unwrap();
        let document = parse(written.as_str());
        assert_eq!(document.root().attribute("b"), Some(hostile));
        assert_eq!(document.root().only("", "c").unwrap().text(), Ok(hostile));
        assert_eq!(document.root().descendants().count(), 2);
    }
}

#[test]
fn prefixes_change_names_and_no_values() {
    let prefixes = &[("p", "ns0"), ("ds", "ns1")];
    let xml =
        Xml::new("p:a").with("xmlns:p", "urn:p").with("ID", "_1").with("b", "p:b").child(Xml::new("p:c").text("p:c"));
    let written = xml.render_with(prefixes).unwrap();
    assert_eq!(written.as_str(), "<ns0:a xmlns:ns0=\"urn:p\" ID=\"_1\" b=\"p:b\"><ns0:c>p:c</ns0:c></ns0:a>");
    let signed = sign_with(&written, "_1", &RSA.signing(), prefixes).unwrap();
    assert!(signed.as_str().contains("<ns1:Signature xmlns:ns1=") && !signed.as_str().contains("ds:"));
    let verified = verify(parse(signed.as_str()).root(), &[RSA.public()], Accept::default()).unwrap();
    assert_eq!(verified.root().only("urn:p", "c").unwrap().text(), Ok("p:c"));
}

#[test]
fn characters_that_xml_cannot_hold_are_refused() {
    for bad in ["\0", "\u{b}", "\u{ffff}"] {
        assert_eq!(Xml::new("a").text(bad).render().unwrap_err(), XmlError::Character);
        assert_eq!(Xml::new("a").with("b", bad).render().unwrap_err(), XmlError::Character);
    }
}

#[test]
fn the_post_binding() {
    let written = Xml::new("a").text("x").render().unwrap().into_document();
    let value = post::encode(&written);
    assert_eq!(post::decode(&value, &Limits::MESSAGE).unwrap().root().text(), Ok("x"));
    let lines: Vec<_> = value.as_bytes().chunks(20).map(|line| std::str::from_utf8(line).unwrap()).collect();
    assert!(post::decode(&lines.join("\r\n"), &Limits::MESSAGE).is_ok());
    assert_eq!(post::decode("a*b=", &Limits::MESSAGE).map(drop).unwrap_err(), XmlError::Base64);
    let long = "A".repeat(600 * 1024);
    assert_eq!(post::decode(&long, &Limits::MESSAGE).map(drop).unwrap_err(), XmlError::Limit("octets"));
}

proptest! {
    #[test]
    fn what_is_written_is_read(value in "\\PC{0,60}", text in "[\\PC\r\n\t]{0,60}") {
        let written = Xml::new("a").with("b", value.clone()).text(text.clone()).render();
        let storable = |text: &str| text.chars().all(|character| !matches!(character, '\u{fffe}' | '\u{ffff}'));
        if storable(&value) && storable(&text) {
            let written = written.unwrap();
            let document = Document::parse(written.as_str().as_bytes(), &Limits::MESSAGE).unwrap();
            prop_assert_eq!(document.root().attribute("b"), Some(value.as_str()));
            prop_assert_eq!(document.root().text(), Ok(text.as_str()));
        }
    }
}
