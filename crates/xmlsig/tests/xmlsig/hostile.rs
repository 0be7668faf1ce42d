//! Documents that are made to harm or to be read in two ways. Each is refused, for its own reason.

use countersign_xmlsig::{Document, Limits, XmlError};
use proptest::prelude::*;

fn refusal(octets: impl AsRef<[u8]>) -> XmlError {
    Document::parse(octets.as_ref(), &Limits::MESSAGE).map(drop).unwrap_err()
}

fn text_of(source: &str) -> String {
    Document::parse(source.as_bytes(), &Limits::MESSAGE).unwrap().root().text().unwrap().to_owned()
}

#[test]
fn an_entity_of_its_own() {
    assert_eq!(refusal("<!DOCTYPE a [<!ENTITY e \"x\">]><a>&e;</a>"), XmlError::Dtd);
    assert_eq!(refusal("<a>&e;</a>"), XmlError::Entity);
    assert_eq!(refusal("<a b=\"&e;\"/>"), XmlError::Entity);
    assert_eq!(refusal("<a>&nbsp;</a>"), XmlError::Entity);
    assert_eq!(refusal("<a>&amp</a>"), XmlError::Entity);
}

#[test]
fn billion_laughs() {
    let mut bomb = String::from("<!DOCTYPE lolz [<!ENTITY lol \"lol\">");
    for level in 1..10 {
        bomb += &format!("<!ENTITY lol{level} \"{}\">", format!("&lol{};", level - 1).repeat(10));
    }
    assert_eq!(refusal(bomb + "]><lolz>&lol9;</lolz>"), XmlError::Dtd);
}

#[test]
fn an_external_entity() {
    assert_eq!(refusal("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>"), XmlError::Dtd);
    assert_eq!(refusal("<!DOCTYPE a SYSTEM \"http://attacker.example/a.dtd\"><a/>"), XmlError::Dtd);
    assert_eq!(refusal("<?xml version=\"1.0\"?><!DOCTYPE a><a/>"), XmlError::Dtd);
}

#[test]
fn deep_nesting() {
    let deep = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
    assert!(Document::parse(deep(Limits::MESSAGE.depth).as_bytes(), &Limits::MESSAGE).is_ok());
    assert_eq!(refusal(deep(Limits::MESSAGE.depth + 1)), XmlError::Limit("depth"));
    assert_eq!(refusal("<a>".repeat(80_000)), XmlError::Limit("depth"));
}

/// No recursion: where the caller allows a depth, it costs memory and no stack.
#[test]
fn depth_takes_no_stack() {
    let limits = Limits { depth: 100_000, elements: 100_000, bytes: 1 << 20, ..Limits::MESSAGE };
    let source = "<a>".repeat(100_000) + &"</a>".repeat(100_000);
    std::thread::Builder::new()
        .stack_size(128 * 1024)
        .spawn(move || {
            let document = Document::parse(source.as_bytes(), &limits).unwrap();
            let form = countersign_xmlsig::canonicalize(document.root(), &countersign_xmlsig::Canonical::exclusive());
            assert_eq!(form.unwrap(), source);
            assert_eq!(document.root().descendants().count(), 100_000);
        })
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn many_attributes() {
    let attributes = |count: usize| (0..count).map(|number| format!(" a{number}=\"\"")).collect::<String>();
    assert!(Document::parse(format!("<a{}/>", attributes(64)).as_bytes(), &Limits::MESSAGE).is_ok());
    assert_eq!(refusal(format!("<a{}/>", attributes(65))), XmlError::Limit("attributes"));
    assert_eq!(refusal(format!("<a{}/>", attributes(20_000))), XmlError::Limit("attributes"));
}

#[test]
fn many_namespaces() {
    let declared = |from: usize, to: usize| {
        (from..to).map(|number| format!(" xmlns:p{number}=\"urn:{number}\"")).collect::<String>()
    };
    let two = format!("<a{}><b{}/></a>", declared(0, 40), declared(40, 70));
    assert_eq!(refusal(two), XmlError::Limit("namespaces"));
    // They count while they are in force: siblings may each have their own.
    let siblings = format!("<a>{}</a>", format!("<b{}/>", declared(0, 60)).repeat(20));
    assert!(Document::parse(siblings.as_bytes(), &Limits::MESSAGE).is_ok());
    assert_eq!(refusal(format!("<a xmlns=\"urn:{}\"/>", "x".repeat(1_100))), XmlError::Limit("octets in a namespace"));
}

#[test]
fn many_elements() {
    assert_eq!(refusal(format!("<a>{}</a>", "<b/>".repeat(8_192))), XmlError::Limit("elements"));
}

#[test]
fn too_long() {
    assert_eq!(refusal(format!("<a>{}</a>", "x".repeat(256 * 1024))), XmlError::Limit("octets"));
    let limits = Limits { text: 10, ..Limits::MESSAGE };
    let long = |text: &str| Document::parse(text.as_bytes(), &limits).map(drop);
    assert_eq!(long("<a>0123456789a</a>"), Err(XmlError::Limit("octets in a text")));
    assert_eq!(long("<a b='0123456789a'/>"), Err(XmlError::Limit("octets in a text")));
    assert_eq!(long("<a>0123456789</a>"), Ok(()));
    assert_eq!(refusal(format!("<{}/>", "x".repeat(1_025))), XmlError::Limit("octets in a name"));
}

#[test]
fn utf_16_and_other_encodings() {
    let utf16: Vec<u8> = std::iter::once(0xfeff_u16).chain("<a/>".encode_utf16()).flat_map(u16::to_be_bytes).collect();
    assert_eq!(refusal(utf16), XmlError::NotUtf8);
    let without_mark: Vec<u8> = "<a/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(Document::parse(&without_mark, &Limits::MESSAGE).is_err());
    assert_eq!(refusal("<?xml version=\"1.0\" encoding=\"UTF-16\"?><a/>"), XmlError::NotUtf8);
    assert_eq!(refusal("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a/>"), XmlError::NotUtf8);
    assert_eq!(refusal(b"<a>\xe9</a>"), XmlError::NotUtf8);
    // UTF-7 is a way around filters of `<`: it is only text here.
    assert_eq!(text_of("<a>+ADw-b+AD4-</a>"), "+ADw-b+AD4-");
}

#[test]
fn a_byte_order_mark() {
    assert_eq!(text_of("\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><a>x</a>"), "x");
    assert!(matches!(refusal("\u{feff}\u{feff}<a/>"), XmlError::Syntax(_)));
    // Inside a text it is a character like others, never nothing.
    assert_eq!(text_of("<a>\u{feff}x</a>"), "\u{feff}x");
}

#[test]
fn nul_and_other_control_characters() {
    for bad in [
        "\0",
        "\u{1}",
        "\u{b}",
        "\u{1f}",
        "\u{fffe}",
        "\u{ffff}",
        "&#0;",
        "&#x0;",
        "&#8;",
        "&#xD800;",
        "&#xFFFE;",
        "&#x110000;",
    ] {
        assert_eq!(refusal(format!("<a>{bad}</a>")), XmlError::Character, "{bad:?}");
        assert_eq!(refusal(format!("<a b=\"{bad}\"/>")), XmlError::Character, "{bad:?}");
    }
    assert_eq!(refusal("<a>&#000000000065;</a>"), XmlError::Character);
    assert_eq!(text_of("<a>&#x41;&#66;&#x1F511;</a>"), "AB\u{1f511}");
}

#[test]
fn a_comment_in_a_text() {
    assert_eq!(refusal("<NameID>admin@example.com<!-- -->.evil.example</NameID>"), XmlError::Comment);
    let document =
        Document::parse(b"<NameID>admin@example.com<!-- -->.evil.example</NameID>", &Limits::METADATA).unwrap();
    assert_eq!(document.root().text(), Err(XmlError::NotPlainText));
    let document = Document::parse(b"<NameID><!-- -->admin@example.com</NameID>", &Limits::METADATA).unwrap();
    assert_eq!(document.root().text(), Err(XmlError::NotPlainText));
    assert_eq!(
        Document::parse(b"<a><!-- -- --></a>", &Limits::METADATA).map(drop),
        Err(XmlError::Syntax("no -- in a comment"))
    );
    assert!(Document::parse(b"<!--><a/>", &Limits::METADATA).is_err());
}

#[test]
fn a_cdata_section() {
    assert_eq!(refusal("<NameID><![CDATA[admin]]></NameID>"), XmlError::Cdata);
    assert_eq!(refusal("<NameID>adm<![CDATA[in]]></NameID>"), XmlError::Cdata);
    assert!(matches!(refusal("<a>]]></a>"), XmlError::Syntax(_)));
    assert_eq!(text_of("<a>]]&gt; ]&#93;></a>"), "]]> ]]>");
}

#[test]
fn a_processing_instruction() {
    assert_eq!(refusal("<NameID>admin<?x?>.evil</NameID>"), XmlError::ProcessingInstruction);
    assert_eq!(refusal("<?xml-stylesheet href=\"x\"?><a/>"), XmlError::ProcessingInstruction);
    assert_eq!(refusal("<a/><?x?>"), XmlError::ProcessingInstruction);
    assert_eq!(refusal(" <?xml version=\"1.0\"?><a/>"), XmlError::ProcessingInstruction);
}

#[test]
fn elements_in_a_text() {
    let document = Document::parse(b"<NameID>admin<b/>.evil</NameID>", &Limits::MESSAGE).unwrap();
    assert_eq!(document.root().text(), Err(XmlError::NotPlainText));
}

#[test]
fn the_same_id_twice_whatever_it_is_called() {
    for (one, two) in [("ID", "ID"), ("ID", "Id"), ("ID", "id"), ("ID", "xml:id"), ("xml:id", "xml:id")] {
        assert_eq!(refusal(format!("<a {one}='x'><b {two}='x'/></a>")), XmlError::DuplicateId, "{one} {two}");
    }
    assert_eq!(refusal("<a ID='x' xml:id='x'/>"), XmlError::DuplicateId);
    // Written differently, the same once read.
    assert_eq!(refusal("<a ID='x'><b ID='&#x78;'/></a>"), XmlError::DuplicateId);
}

#[test]
fn the_same_attribute_twice() {
    assert_eq!(refusal("<a b='1' b='2'/>"), XmlError::DuplicateAttribute);
    assert_eq!(refusal("<a xmlns:p='urn:x' xmlns:q='urn:x' p:b='1' q:b='2'/>"), XmlError::DuplicateAttribute);
    assert_eq!(refusal("<a xmlns:p='urn:x' xmlns:p='urn:y'/>"), XmlError::DuplicateAttribute);
    assert_eq!(refusal("<a xmlns='urn:x' xmlns='urn:x'/>"), XmlError::DuplicateAttribute);
    assert!(Document::parse(b"<a xmlns:p='urn:x' b='1' p:b='2'/>", &Limits::MESSAGE).is_ok());
}

#[test]
fn namespaces_are_exact() {
    for bad in [
        "<p:a/>",
        "<a p:b='1'/>",
        "<a xmlns:p=''/>",
        "<a xmlns:xmlns='urn:x'/>",
        "<a xmlns:xml='urn:x'/>",
        "<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>",
        "<a xmlns='http://www.w3.org/2000/xmlns/'/>",
        "<a xmlns:p='relative'/>",
        "<a><b xmlns:p='urn:x'/><p:c/></a>",
    ] {
        assert!(matches!(refusal(bad), XmlError::Namespace(_)), "{bad}");
    }
    for bad in
        ["<a:b:c xmlns:a='urn:x'/>", "<:a/>", "<a:/>", "<1a/>", "<-a/>", "<a><b></a></b>", "<a></ab>", "<a></a b>"]
    {
        assert!(matches!(refusal(bad), XmlError::Syntax(_)), "{bad}");
    }
}

#[test]
fn not_well_formed() {
    for bad in [
        "",
        " ",
        "x",
        "<",
        "<a",
        "<a/",
        "<a>",
        "<a></a",
        "<a/><b/>",
        "<a/>x",
        "<a b/>",
        "<a b=c/>",
        "<a b='",
        "<a b='<'/>",
        "<a b='1'c='2'/>",
        "<a>&#;</a>",
        "<a>&#x;</a>",
        "<a>&#65</a>",
        "<?xml?><a/>",
        "<?xml version='1.1'?><a/>",
        "<?xml version='1.0' version='1.0'?><a/>",
        "< a/>",
        "</a>",
    ] {
        assert!(Document::parse(bad.as_bytes(), &Limits::MESSAGE).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn whatever_comes_ends_in_a_document_or_an_error(octets in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Document::parse(&octets, &Limits::MESSAGE);
    }

    #[test]
    fn whatever_looks_like_xml_ends_in_a_document_or_an_error(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "<", ">", "/", "a", "p:", "=", "\"", "'", " ", "&", ";", "#x41", "amp", "<!--", "-->", "<?", "?>", "xmlns", ":p",
            "<a>", "</a>", "<p:a xmlns:p=\"urn:p\">", "ID=\"x\"", "]]>", "\u{e9}", "\r\n", "<![CDATA[", "<!DOCTYPE",
        ]), 0..40)
    ) {
        let source = pieces.concat();
        if let Ok(document) = Document::parse(source.as_bytes(), &Limits::METADATA) {
            prop_assert!(document.root().descendants().count() >= 1);
        }
    }
}
