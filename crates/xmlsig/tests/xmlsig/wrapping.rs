//! Signature wrapping: the eight published patterns (Somorovsky et al., "On Breaking SAML", 2012) and what came after them.
//!
//! Each generated document holds the attacker's name and a signature that was once right. For each of its elements, verification
//! must fail, or give what was signed.

use countersign_xmlsig::{Accept, Document, SignatureError, is_signed, verify};

use crate::support::{RSA, assertion, find, parse, response, signed_assertion, signed_response};

const GOOD: &str = "user@example.com";
const EVIL: &str = "admin@example.com";

/// The text of the first element of this name, tags included.
fn cut<'t>(text: &'t str, name: &str) -> &'t str {
    let start = text.find(&format!("<{name} ")).unwrap();
    let end = format!("</{name}>");
    let length = text[start..].rfind(&end).unwrap() + end.len();
    &text[start..start + length]
}

fn evil_assertion() -> String {
    assertion("_evil", EVIL).render().unwrap().as_str().to_owned()
}

/// Puts `inner` before the end tag of `outer`'s element `name`.
fn into(outer: &str, name: &str, inner: &str) -> String {
    let end = format!("</{name}>");
    let at = outer.rfind(&end).unwrap();
    format!("{}{inner}{}", &outer[..at], &outer[at..])
}

/// Puts `inner` after the first issuer: where a signature stands.
fn after_issuer(outer: &str, inner: &str) -> String {
    outer.replacen("</saml:Issuer>", &format!("</saml:Issuer>{inner}"), 1)
}

/// The eight patterns, with the name of each.
fn corpus() -> Vec<(&'static str, String)> {
    let whole = signed_response(GOOD).as_str().to_owned();
    let whole_signature = cut(&whole, "ds:Signature").to_owned();
    let whole_bare = whole.replace(&whole_signature, "");
    let evil_response = response("_evil_response", assertion("_evil", EVIL).render().unwrap());

    let partly = signed_assertion(GOOD).as_str().to_owned();
    let signed = cut(&partly, "saml:Assertion").to_owned();
    let signature = cut(&signed, "ds:Signature").to_owned();
    let bare = signed.replace(&signature, "");
    let evil = evil_assertion();
    let evil_with = |signature: &str| after_issuer(&evil, signature);
    let around = |content: &str| partly.replace(&signed, content);

    vec![
        ("xsw1", after_issuer(evil_response.as_str(), &into(&whole_signature, "ds:Signature", &whole_bare))),
        ("xsw2", after_issuer(evil_response.as_str(), &format!("{whole_bare}{whole_signature}"))),
        ("xsw3", around(&format!("{evil}{signed}"))),
        ("xsw4", around(&into(&evil, "saml:Assertion", &signed))),
        ("xsw5", around(&format!("{}{bare}", evil_with(&signature)))),
        ("xsw6", around(&evil_with(&into(&signature, "ds:Signature", &bare)))),
        ("xsw7", around(&format!("<samlp:Extensions>{signed}</samlp:Extensions>{evil}"))),
        ("xsw8", around(&evil_with(&into(&signature, "ds:Signature", &format!("<ds:Object>{bare}</ds:Object>"))))),
    ]
}

/// All names that verification lets through, from whatever element of the document.
fn believed(document: &Document) -> Vec<String> {
    let keys = [RSA.public()];
    let mut names = Vec::new();
    for element in document.root().descendants() {
        if let Ok(verified) = verify(element, &keys, Accept::default()) {
            let ids = verified.root().descendants().filter(|element| element.name() == "NameID");
            names.extend(ids.map(|id| id.text().unwrap().to_owned()));
        }
    }
    names
}

#[test]
fn xsw_1_to_8_never_give_the_attackers_name() {
    let corpus = corpus();
    assert_eq!(corpus.len(), 8);
    for (name, text) in corpus {
        assert!(text.contains(EVIL) && text.contains(GOOD) && text.contains("SignatureValue"), "{name}");
        let document = parse(&text);
        let names = believed(&document);
        assert!(names.iter().all(|believed| believed == GOOD), "{name}: {names:?}");
        // Who asks about what he will read, the root or its assertion, is told no: except where the genuine one still stands there.
        let root = verify(document.root(), &[RSA.public()], Accept::default());
        assert!(root.is_err(), "{name}");
    }
}

#[test]
fn xsw_that_repeats_the_id_is_refused_as_a_document() {
    for (name, text) in corpus() {
        let text = text.replace("\"_evil\"", "\"_a1\"").replace("\"_evil_response\"", "\"_r1\"");
        let refused = Document::parse(text.as_bytes(), &countersign_xmlsig::Limits::MESSAGE).is_err();
        assert!(refused, "{name}");
    }
}

#[test]
fn the_genuine_ones_are_believed() {
    for genuine in [signed_assertion(GOOD), signed_response(GOOD)] {
        assert_eq!(believed(&parse(genuine.as_str())), [GOOD]);
    }
}

#[test]
fn a_second_assertion_beside_the_signed_one_is_not_reachable() {
    let text = signed_assertion(GOOD).as_str().to_owned();
    let document = parse(&into(&text, "samlp:Response", &evil_assertion()));
    let assertions: Vec<_> = document.root().descendants().filter(|element| element.name() == "Assertion").collect();
    assert_eq!(assertions.len(), 2);
    assert_eq!(
        document.root().child(countersign_xmlsig::ns::SAML, "Assertion").unwrap_err().to_string(),
        "the element Assertion is there more than once"
    );
    let verified = verify(assertions[0], &[RSA.public()], Accept::default()).unwrap();
    // From what was verified no way leads out: its root has no parent, and its only name is the signed one.
    assert!(verified.root().parent().is_none());
    let names: Vec<_> = verified.root().descendants().filter(|element| element.name() == "NameID").collect();
    assert_eq!(names.len(), 1);
    assert_eq!(verify(assertions[1], &[RSA.public()], Accept::default()).unwrap_err(), SignatureError::Missing);
}

#[test]
fn parts_around_the_signed_assertion_are_not_in_what_was_verified() {
    let text = signed_assertion(GOOD).as_str().replace("status:Success", "status:Forged");
    let document = parse(&text);
    assert!(!is_signed(document.root()));
    assert_eq!(verify(document.root(), &[RSA.public()], Accept::default()).unwrap_err(), SignatureError::Missing);
    let verified = verify(find(&document, "Assertion"), &[RSA.public()], Accept::default()).unwrap();
    assert!(verified.root().descendants().all(|element| element.name() != "StatusCode"));
}

#[test]
fn a_comment_in_the_name_of_a_signed_assertion() {
    // Canonical form drops comments, so the signature would still be right.
    let text = signed_assertion("admin@example.com.evil.example").as_str().replace("com.evil", "com<!-- -->.evil");
    let refused = Document::parse(text.as_bytes(), &countersign_xmlsig::Limits::MESSAGE).unwrap_err();
    assert_eq!(refused, countersign_xmlsig::XmlError::Comment);
    // Where comments may stand, what is read is the whole that was signed, never a half.
    let document = Document::parse(text.as_bytes(), &countersign_xmlsig::Limits::METADATA).unwrap();
    assert_eq!(believed(&document), ["admin@example.com.evil.example"]);
}

#[test]
fn a_signature_moved_to_another_place_of_its_element() {
    let text = signed_assertion(GOOD).as_str().to_owned();
    let signature = cut(&text, "ds:Signature").to_owned();
    let moved = into(&text.replace(&signature, ""), "saml:Assertion", &signature);
    let document = parse(&moved);
    let refused = verify(find(&document, "Assertion"), &[RSA.public()], Accept::default()).unwrap_err();
    assert_eq!(refused, SignatureError::Missing);
}

#[test]
fn two_signatures_in_one_element() {
    let text = signed_assertion(GOOD).as_str().to_owned();
    let signature = cut(&text, "ds:Signature").to_owned();
    let document = parse(&after_issuer(&text, "").replace(&signature, &format!("{signature}{signature}")));
    let refused = verify(find(&document, "Assertion"), &[RSA.public()], Accept::default()).unwrap_err();
    assert_eq!(refused, SignatureError::Several);
}
