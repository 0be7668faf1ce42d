//! Canonical forms: the specifications' own examples, and properties.

use countersign_xmlsig::{Canonical, Document, Element, Limits, XmlError, canonicalize};
use proptest::prelude::*;

use crate::support::{find, parse};

fn exclusive(element: Element<'_>) -> String {
    canonicalize(element, &Canonical::exclusive()).unwrap()
}

fn inclusive(element: Element<'_>) -> String {
    canonicalize(element, &Canonical { inclusive: true, ..Canonical::default() }).unwrap()
}

#[test]
fn canonical_xml_example_3_3_start_and_end_tags() {
    let source = "<!-- a comment outside --><doc>\n   <e1   />\n   <e2   ></e2>\n   <e3   name = \"elem3\"   id=\"elem3\"   />\n   \
        <e4   name=\"elem4\"   id=\"elem4\"   ></e4>\n   <e5 a:attr=\"out\" b:attr=\"sorted\" attr2=\"all\" attr=\"I'm\"\n      \
        xmlns:b=\"http://www.ietf.org\"\n      xmlns:a=\"http://www.w3.org\"\n      xmlns=\"http://example.org\"/>\n   <e6 \
        xmlns=\"\" xmlns:a=\"http://www.w3.org\">\n      <e7 xmlns=\"http://www.ietf.org\">\n         <e8 xmlns=\"\" \
        xmlns:a=\"http://www.w3.org\">\n            <e9 xmlns=\"\" xmlns:a=\"http://www.ietf.org\"/>\n         </e8>\n      \
        </e7>\n   </e6>\n</doc>";
    let document = Document::parse(source.as_bytes(), &Limits::METADATA).unwrap();
    assert_eq!(
        inclusive(document.root()),
        "<doc>\n   <e1></e1>\n   <e2></e2>\n   <e3 id=\"elem3\" name=\"elem3\"></e3>\n   <e4 id=\"elem4\" \
         name=\"elem4\"></e4>\n   <e5 xmlns=\"http://example.org\" xmlns:a=\"http://www.w3.org\" \
         xmlns:b=\"http://www.ietf.org\" attr=\"I'm\" attr2=\"all\" b:attr=\"sorted\" a:attr=\"out\"></e5>\n   <e6 \
         xmlns:a=\"http://www.w3.org\">\n      <e7 xmlns=\"http://www.ietf.org\">\n         <e8 xmlns=\"\">\n            <e9 \
         xmlns:a=\"http://www.ietf.org\"></e9>\n         </e8>\n      </e7>\n   </e6>\n</doc>"
    );
}

#[test]
fn canonical_xml_example_3_4_character_references() {
    let source = "<doc>\r\n   <text>First line&#x0d;&#10;Second line</text>\r\n   <value>&#x32;</value>\r\n   <compute \
        expr='value>\"0\" &amp;&amp; value&lt;\"10\" ?\"valid\":\"error\"'>valid</compute>\r\n   <norm attr=' &apos;   &#x20;&#13;&#xa;&#9;   \
        &apos; '/>\r\n</doc>";
    assert_eq!(
        inclusive(parse(source).root()),
        "<doc>\n   <text>First line&#xD;\nSecond line</text>\n   <value>2</value>\n   <compute expr=\"value>&quot;0&quot; \
         &amp;&amp; value&lt;&quot;10&quot; ?&quot;valid&quot;:&quot;error&quot;\">valid</compute>\n   <norm attr=\" '    \
         &#xD;&#xA;&#x9;   ' \"></norm>\n</doc>"
    );
}

/// Exclusive XML Canonicalization 1.0, section 2.2: the same element in two surroundings.
#[test]
fn exclusive_form_does_not_depend_on_the_surroundings() {
    let inner = "<n1:elem2 xmlns:n1=\"http://example.net\" xml:lang=\"en\"><n3:stuff \
        xmlns:n3=\"ftp://example.org\"></n3:stuff></n1:elem2>";
    let one = parse(&format!("<n0:pdu xmlns:n0=\"http://a.example\">{inner}</n0:pdu>"));
    let two = parse(&format!(
        "<n2:pdu xmlns:n1=\"http://example.com\" xmlns:n2=\"http://foo.example\" xml:lang=\"fr\" \
         xml:space=\"retain\">{inner}</n2:pdu>"
    ));
    assert_eq!(exclusive(find(&one, "elem2")), inner);
    assert_eq!(exclusive(find(&two, "elem2")), inner);
    assert_eq!(
        inclusive(find(&two, "elem2")),
        "<n1:elem2 xmlns:n1=\"http://example.net\" xmlns:n2=\"http://foo.example\" xml:lang=\"en\" \
         xml:space=\"retain\"><n3:stuff xmlns:n3=\"ftp://example.org\"></n3:stuff></n1:elem2>"
    );
}

#[test]
fn listed_prefixes_are_written_though_nothing_uses_them() {
    let document = parse(
        "<a xmlns=\"urn:d\" xmlns:xs=\"urn:xs\" xmlns:no=\"urn:no\"><p:b xmlns:p=\"urn:p\" type=\"xs:string\"><c xmlns=\"\" \
         xmlns:xs=\"urn:other\"/></p:b></a>",
    );
    let element = find(&document, "b");
    let how = Canonical { prefixes: vec!["xs".to_owned()], ..Canonical::exclusive() };
    assert_eq!(
        canonicalize(element, &how).unwrap(),
        "<p:b xmlns:p=\"urn:p\" xmlns:xs=\"urn:xs\" type=\"xs:string\"><c xmlns:xs=\"urn:other\"></c></p:b>"
    );
    let how = Canonical { prefixes: vec!["#default".to_owned()], ..Canonical::exclusive() };
    assert_eq!(
        canonicalize(element, &how).unwrap(),
        "<p:b xmlns=\"urn:d\" xmlns:p=\"urn:p\" type=\"xs:string\"><c xmlns=\"\"></c></p:b>"
    );
}

#[test]
fn an_unused_default_namespace_that_is_taken_back_leaves_no_trace() {
    let document = parse("<a xmlns=\"urn:a\"><p:b xmlns:p=\"urn:p\"><c xmlns=\"\"/></p:b></a>");
    assert_eq!(exclusive(find(&document, "b")), "<p:b xmlns:p=\"urn:p\"><c></c></p:b>");
    assert_eq!(exclusive(document.root()), "<a xmlns=\"urn:a\"><p:b xmlns:p=\"urn:p\"><c xmlns=\"\"></c></p:b></a>");
}

#[test]
fn comments_are_kept_only_by_the_form_that_keeps_them() {
    let document = Document::parse(b"<a>x<!-- y -->z</a>", &Limits::METADATA).unwrap();
    assert_eq!(exclusive(document.root()), "<a>xz</a>");
    let how = Canonical { comments: true, ..Canonical::exclusive() };
    assert_eq!(canonicalize(document.root(), &how).unwrap(), "<a>x<!-- y -->z</a>");
    assert_eq!(document.root().text(), Err(XmlError::NotPlainText));
}

/// Each element writes the long namespace again: 60 KB would become 24 MB.
#[test]
fn a_form_that_grows_without_measure_is_refused() {
    let name = "n".repeat(900);
    let uses = "<p:b/>".repeat(8_000);
    let source = format!("<a xmlns:p=\"urn:{name}\">{uses}</a>");
    let document = Document::parse(source.as_bytes(), &Limits::MESSAGE).unwrap();
    assert_eq!(
        canonicalize(document.root(), &Canonical::exclusive()),
        Err(XmlError::Limit("octets of canonical form"))
    );
}

/// Well-formed elements, with namespaces that shadow and take back each other.
pub(crate) fn element() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        "[ a-z\u{e9}\n]{0,8}",
        Just("&amp;".to_owned()),
        Just("&#13;\r\n&gt;\"'".to_owned()),
        Just("&#x1F511;".to_owned())
    ];
    let leaf = (names(), attributes(), text).prop_map(|(name, attributes, text)| wrap(name, &attributes, &text));
    leaf.prop_recursive(5, 40, 4, |inner| {
        (names(), attributes(), prop::collection::vec(inner, 0..4))
            .prop_map(|(name, attributes, inner)| wrap(name, &attributes, &inner.concat()))
    })
}

fn names() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "p:b", "q:c", "p:d"])
}

fn attributes() -> impl Strategy<Value = String> {
    let kinds = vec![
        " xmlns=\"\"",
        " xmlns=\"urn:d\"",
        " xmlns:r=\"urn:r\"",
        " x='1&#10;\t<'",
        " p:y=\"'&quot;\"",
        " q:y=\"\"",
        " xml:lang=\"de\"",
    ];
    prop::sample::subsequence(kinds, 0..5).prop_map(|chosen| {
        let mut seen_default = false;
        chosen
            .into_iter()
            .filter(|attribute| {
                let is_default = attribute.starts_with(" xmlns=");
                let keep = !(is_default && seen_default);
                seen_default |= is_default;
                keep
            })
            .collect::<String>()
            .replace('<', "&lt;")
    })
}

fn wrap(name: &str, attributes: &str, inner: &str) -> String {
    format!("<{name} xmlns:p=\"urn:p\" xmlns:q=\"urn:q{}\"{attributes}>{inner}</{name}>", inner.len() % 2)
}

proptest! {
    #[test]
    fn canonical_form_is_its_own_canonical_form(source in element()) {
        let document = parse(&source);
        for how in [
            Canonical::exclusive(),
            Canonical { inclusive: true, ..Canonical::default() },
            Canonical { prefixes: vec!["q".to_owned(), "#default".to_owned()], ..Canonical::exclusive() },
        ] {
            for element in document.root().descendants() {
                let once = canonicalize(element, &how).unwrap();
                let again = parse(&once);
                prop_assert_eq!(&canonicalize(again.root(), &how).unwrap(), &once);
            }
        }
    }

    /// What is read from the canonical form is what was read from the source.
    #[test]
    fn canonical_form_says_the_same(source in element()) {
        let document = parse(&source);
        let form = exclusive(document.root());
        let again = parse(&form);
        let read = |document: &Document| -> Vec<_> {
            document.root().descendants().map(|element| {
                let mut attributes: Vec<_> = element.attributes()
                    .map(|attribute| format!("{}|{}|{}", attribute.namespace, attribute.name, attribute.value)).collect();
                attributes.sort();
                (element.name().to_owned(), element.namespace().to_owned(), element.text().map(str::to_owned), attributes)
            }).collect()
        };
        prop_assert_eq!(read(&document), read(&again));
    }
}
