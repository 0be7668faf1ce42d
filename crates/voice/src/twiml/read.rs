//! Reading a document.

use super::{Document, Gather, Method, Sounding, Verb};
use roxmltree::{Node, ParsingOptions};
use std::time::Duration;
use types::SecretString;

/// The longest document, in bytes.
pub const MAX_BYTES: usize = 65_536;
/// So deep elements may stand in each other: `Response`, `Gather`, `Say` and one for markup of speech.
pub const MAX_DEPTH: usize = 4;
/// The most verbs of a document, nested ones included.
pub const MAX_VERBS: usize = 100;
/// The most nodes of its tree, texts and comments included.
const MAX_NODES: u32 = 2_000;
/// The longest text of a `<Say>`, in characters.
const MAX_SAID: usize = 4_000;
/// The longest address, in bytes.
const MAX_URL: usize = 2_000;
/// The most keys of a `<Gather>`.
const MAX_DIGITS: usize = 64;
/// The longest `<Pause>`, and the longest patience of a `<Gather>`, in seconds. A call is shorter.
const MAX_SECONDS: u64 = 600;

/// Why a document isn't taken. It repeats nothing of it.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
#[non_exhaustive]
pub enum TwimlError {
    /// Longer than [`MAX_BYTES`], deeper than [`MAX_DEPTH`], or with more than [`MAX_VERBS`].
    #[error("the document is too large")]
    TooLarge,
    /// Not well-formed, or with a document type.
    #[error("the document is not well-formed XML")]
    NotXml,
    /// It doesn't begin with `<Response>`.
    #[error("the document's root is not Response")]
    NoResponse,
    /// A verb that isn't known, or that can't stand there.
    #[error("the document has a verb that isn't known, or that can't stand there")]
    Verb,
    /// An attribute or a content that can't be so.
    #[error("the document has an attribute or a content that can't be so")]
    Value,
}

impl Document {
    /// Reads a document, UTF-8.
    pub fn read(text: &str) -> Result<Self, TwimlError> {
        if text.len() > MAX_BYTES {
            return Err(TwimlError::TooLarge);
        }
        let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
        let tree =
            roxmltree::Document::parse_with_options(text.trim_start_matches('\u{feff}'), options).map_err(|error| {
                match error {
                    roxmltree::Error::NodesLimitReached => TwimlError::TooLarge,
                    _ => TwimlError::NotXml,
                }
            })?;
        let root = tree.root_element();
        if !root.has_tag_name("Response") {
            return Err(TwimlError::NoResponse);
        }
        let elements = root.descendants().filter(Node::is_element);
        if elements.clone().any(|node| node.ancestors().filter(Node::is_element).count() > MAX_DEPTH) {
            return Err(TwimlError::TooLarge);
        }
        if elements.count() > MAX_VERBS + 1 {
            return Err(TwimlError::TooLarge);
        }
        only_elements(root)?;
        let verbs = root.children().filter(Node::is_element).map(verb).collect::<Result<_, _>>()?;
        Ok(Self { verbs })
    }
}

/// Between verbs stands nothing but space and comments.
fn only_elements(node: Node<'_, '_>) -> Result<(), TwimlError> {
    let words = node.children().filter_map(|child| if child.is_text() { child.text() } else { None });
    if words.into_iter().all(|text| text.trim().is_empty()) { Ok(()) } else { Err(TwimlError::Value) }
}

fn verb(node: Node<'_, '_>) -> Result<Verb, TwimlError> {
    if let Some(sound) = sounding(node)? {
        return Ok(Verb::Sound(sound));
    }
    if node.tag_name().namespace().is_some() {
        return Err(TwimlError::Verb);
    }
    match node.tag_name().name() {
        "Gather" => gather(node).map(Verb::Gather),
        "Redirect" => Ok(Verb::Redirect { url: url(&words(node)?)?, method: method(node)? }),
        "Hangup" => empty(node).map(|()| Verb::Hangup),
        "Reject" => {
            empty(node)?;
            match node.attribute("reason") {
                None | Some("rejected") => Ok(Verb::Reject { busy: false }),
                Some("busy") => Ok(Verb::Reject { busy: true }),
                Some(_) => Err(TwimlError::Value),
            }
        }
        _ => Err(TwimlError::Verb),
    }
}

fn sounding(node: Node<'_, '_>) -> Result<Option<Sounding>, TwimlError> {
    if node.tag_name().namespace().is_some() {
        return Err(TwimlError::Verb);
    }
    Ok(Some(match node.tag_name().name() {
        "Say" => say(node)?,
        "Play" => play(node)?,
        "Pause" => {
            empty(node)?;
            Sounding::Pause(seconds(node, "length", 1)?)
        }
        _ => return Ok(None),
    }))
}

/// The text, also of the markup in it (`<break/>`, `<prosody>` …), which is not followed.
fn say(node: Node<'_, '_>) -> Result<Sounding, TwimlError> {
    let mut text = zeroize::Zeroizing::new(String::new());
    for part in node.descendants().filter(Node::is_text) {
        text.push_str(part.text().unwrap_or_default());
        text.push(' ');
    }
    if text.chars().count() > MAX_SAID {
        return Err(TwimlError::TooLarge);
    }
    let language = match (node.attribute("language"), node.attribute("voice")) {
        (Some(language), _) => language,
        // Polly.Lea, Google.fr-FR-Standard-A, fr-FR-…: the second names a language.
        (None, Some(voice)) => voice.strip_prefix("Google.").unwrap_or("en"),
        (None, None) => "en",
    };
    let language = language.chars().take(35).filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect();
    Ok(Sounding::Say {
        text: SecretString::new(text.trim().to_owned()),
        language,
        times: number(node, "loop", 1, 1_000)?,
    })
}

fn play(node: Node<'_, '_>) -> Result<Sounding, TwimlError> {
    let address = words(node)?;
    match node.attribute("digits") {
        Some(_) if !address.is_empty() => Err(TwimlError::Value),
        Some(digits) => {
            let all_keys = digits.chars().all(|c| matches!(c, '0'..='9' | '*' | '#' | 'w' | 'W' | 'A'..='D'));
            if all_keys && digits.len() <= MAX_DIGITS {
                Ok(Sounding::Digits(digits.to_owned()))
            } else {
                Err(TwimlError::Value)
            }
        }
        None if address.is_empty() => Err(TwimlError::Value),
        None => Ok(Sounding::Play { url: url(&address)?, times: number(node, "loop", 1, 1_000)? }),
    }
}

fn gather(node: Node<'_, '_>) -> Result<Gather, TwimlError> {
    only_elements(node)?;
    // Speech is not recognised here; where keys do as well, keys do.
    if !matches!(node.attribute("input"), None | Some("dtmf" | "dtmf speech" | "speech dtmf")) {
        return Err(TwimlError::Value);
    }
    let prompts = node.children().filter(Node::is_element);
    let prompts = prompts.map(|child| sounding(child)?.ok_or(TwimlError::Verb)).collect::<Result<_, _>>()?;
    let finish = match node.attribute("finishOnKey") {
        None => Some('#'),
        Some("") => None,
        Some(key) => match (key.chars().next(), key.len()) {
            (Some(key @ ('0'..='9' | '*' | '#')), 1) => Some(key),
            _ => return Err(TwimlError::Value),
        },
    };
    let digits = match node.attribute("numDigits") {
        None => None,
        Some(digits) => match digits.trim().parse() {
            Ok(digits) if (1..=MAX_DIGITS).contains(&digits) => Some(digits),
            _ => return Err(TwimlError::Value),
        },
    };
    Ok(Gather {
        prompts,
        digits,
        timeout: match node.attribute("timeout") {
            Some("auto") => Duration::from_secs(5),
            _ => seconds(node, "timeout", 5)?,
        },
        finish,
        action: url(node.attribute("action").unwrap_or_default())?,
        method: method(node)?,
        empty: match node.attribute("actionOnEmptyResult") {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(TwimlError::Value),
        },
    })
}

/// The text of an element that holds nothing else.
fn words(node: Node<'_, '_>) -> Result<String, TwimlError> {
    if node.children().any(|child| child.is_element()) {
        return Err(TwimlError::Verb);
    }
    let parts = node.children().filter_map(|child| if child.is_text() { child.text() } else { None });
    Ok(parts.collect::<String>().trim().to_owned())
}

fn empty(node: Node<'_, '_>) -> Result<(), TwimlError> {
    if words(node)?.is_empty() { Ok(()) } else { Err(TwimlError::Value) }
}

/// An address, or nothing. What it leads to is looked at when it is asked.
fn url(text: &str) -> Result<String, TwimlError> {
    if text.len() > MAX_URL || text.chars().any(char::is_control) {
        Err(TwimlError::Value)
    } else {
        Ok(text.to_owned())
    }
}

fn method(node: Node<'_, '_>) -> Result<Method, TwimlError> {
    match node.attribute("method") {
        None => Ok(Method::Post),
        Some(method) if method.eq_ignore_ascii_case("POST") => Ok(Method::Post),
        Some(method) if method.eq_ignore_ascii_case("GET") => Ok(Method::Get),
        Some(_) => Err(TwimlError::Value),
    }
}

fn number(node: Node<'_, '_>, name: &str, usual: u32, most: u32) -> Result<u32, TwimlError> {
    match node.attribute(name) {
        None => Ok(usual),
        Some(text) => text.trim().parse().ok().filter(|number| *number <= most).ok_or(TwimlError::Value),
    }
}

fn seconds(node: Node<'_, '_>, name: &str, usual: u64) -> Result<Duration, TwimlError> {
    let seconds = match node.attribute(name) {
        None => usual,
        Some(text) => text.trim().parse().ok().filter(|seconds| *seconds <= MAX_SECONDS).ok_or(TwimlError::Value)?,
    };
    Ok(Duration::from_secs(seconds))
}

/// Reads whatever comes, for the fuzzer: it may not panic, and what it takes is within the limits.
#[doc(hidden)]
pub fn fuzz_document(text: &str) {
    let Ok(document) = Document::read(text) else { return };
    let nested =
        document.verbs.iter().map(|verb| if let Verb::Gather(gather) = verb { gather.prompts.len() } else { 0 });
    assert!(document.verbs.len() + nested.sum::<usize>() <= MAX_VERBS, "too many verbs were taken");
    for verb in &document.verbs {
        match verb {
            Verb::Gather(gather) => {
                assert!(gather.digits.is_none_or(|digits| (1..=MAX_DIGITS).contains(&digits)));
                assert!(gather.timeout <= Duration::from_secs(MAX_SECONDS));
            }
            Verb::Sound(Sounding::Say { text, language, .. }) => {
                assert!(text.expose().chars().count() <= MAX_SAID);
                assert!(language.is_ascii());
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(body: &str) -> Result<Document, TwimlError> {
        Document::read(&format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>{body}</Response>"))
    }

    fn refusal(body: &str) -> Option<TwimlError> {
        read(body).err()
    }

    #[test]
    fn everything_that_a_code_needs() {
        let document = read(
            "<!-- x --><Gather input=\"dtmf\" numDigits=\"1\" timeout=\"3\" finishOnKey=\"\" action=\"/keys?a=1&amp;b=2\" method=\"get\"
              actionOnEmptyResult=\"true\"><Say language=\"fr-FR\" loop=\"2\">Appuyez &lt;ici&gt; <![CDATA[& là]]></Say>
              <Pause/><Play>https://x.example/a.wav</Play></Gather>
             <Play digits=\"1w#\"/><Redirect method=\"POST\">../next</Redirect><Reject reason=\"busy\"/><Hangup/>",
        )
        .unwrap();
        let [
            Verb::Gather(gather),
            Verb::Sound(Sounding::Digits(digits)),
            Verb::Redirect { url, method },
            Verb::Reject { busy },
            Verb::Hangup,
        ] = &document.verbs[..]
        else {
            panic!("other verbs");
        };
        assert_eq!((gather.digits, gather.timeout, gather.finish), (Some(1), Duration::from_secs(3), None));
        assert_eq!((gather.action.as_str(), gather.method, gather.empty), ("/keys?a=1&b=2", Method::Get, true));
        let [Sounding::Say { text, language, times }, Sounding::Pause(pause), Sounding::Play { url: file, times: 1 }] =
            &gather.prompts[..]
        else {
            panic!("other prompts");
        };
        assert_eq!((text.expose(), language.as_str(), *times), ("Appuyez <ici> & là", "fr-FR", 2));
        assert_eq!((*pause, file.as_str()), (Duration::from_secs(1), "https://x.example/a.wav"));
        assert_eq!((digits.as_str(), url.as_str(), *method, *busy), ("1w#", "../next", Method::Post, true));
    }

    #[test]
    fn what_is_usual_where_nothing_is_said() {
        let document =
            read("<Gather/><Say voice=\"Google.de-DE-Standard-A\">x</Say><Say voice=\"Polly.Lea\">y</Say>").unwrap();
        let [
            Verb::Gather(gather),
            Verb::Sound(Sounding::Say { language, times, .. }),
            Verb::Sound(Sounding::Say { language: other, .. }),
        ] = &document.verbs[..]
        else {
            panic!("other verbs");
        };
        assert_eq!((gather.digits, gather.timeout, gather.finish), (None, Duration::from_secs(5), Some('#')));
        assert!(gather.action.is_empty() && gather.method == Method::Post && !gather.empty);
        assert_eq!((language.as_str(), *times, other.as_str()), ("de-DE-Standard-A", 1, "en"));
    }

    #[test]
    fn refusals() {
        for (body, why) in [
            ("<Dial>+15550100</Dial>", TwimlError::Verb),
            ("<say>x</say>", TwimlError::Verb),
            ("<Gather><Gather/></Gather>", TwimlError::Verb),
            ("<Gather><Hangup/></Gather>", TwimlError::Verb),
            ("<x:Say xmlns:x=\"urn:x\">a</x:Say>", TwimlError::Verb),
            ("<Redirect><Say/></Redirect>", TwimlError::Verb),
            ("words", TwimlError::Value),
            ("<Gather input=\"speech\"/>", TwimlError::Value),
            ("<Gather numDigits=\"0\"/>", TwimlError::Value),
            ("<Gather numDigits=\"65\"/>", TwimlError::Value),
            ("<Gather timeout=\"-1\"/>", TwimlError::Value),
            ("<Gather finishOnKey=\"12\"/>", TwimlError::Value),
            ("<Gather method=\"DELETE\"/>", TwimlError::Value),
            ("<Pause length=\"601\"/>", TwimlError::Value),
            ("<Play/>", TwimlError::Value),
            ("<Play digits=\"1x\"/>", TwimlError::Value),
            ("<Reject reason=\"why\"/>", TwimlError::Value),
            ("<Hangup>now</Hangup>", TwimlError::Value),
            ("<Say>", TwimlError::NotXml),
            ("<Say>&nbsp;</Say>", TwimlError::NotXml),
            ("<Say loop=\"1\" loop=\"2\">x</Say>", TwimlError::NotXml),
        ] {
            assert_eq!(refusal(body), Some(why), "{body}");
        }
        assert_eq!(Document::read("<Request/>").err(), Some(TwimlError::NoResponse));
        assert_eq!(Document::read("").err(), Some(TwimlError::NotXml));
    }

    #[test]
    fn a_document_type_and_its_entities_are_refused() {
        for text in [
            "<!DOCTYPE Response><Response/>",
            "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><Response><Say>&b;</Say></Response>",
            "<!DOCTYPE x [<!ENTITY f SYSTEM \"file:///etc/passwd\">]><Response><Say>&f;</Say></Response>",
        ] {
            assert_eq!(Document::read(text).err(), Some(TwimlError::NotXml), "{text}");
        }
    }

    #[test]
    fn sizes() {
        assert!(refusal(&"<Pause/>".repeat(100)).is_none());
        assert_eq!(refusal(&"<Pause/>".repeat(101)), Some(TwimlError::TooLarge));
        assert_eq!(refusal(&format!("<Say>{}</Say>", "a".repeat(4_001))), Some(TwimlError::TooLarge));
        assert_eq!(refusal(&" ".repeat(MAX_BYTES)), Some(TwimlError::TooLarge));
        assert_eq!(refusal("<Say><a><b><c>x</c></b></a></Say>"), Some(TwimlError::TooLarge));
        assert!(refusal("<Gather><Say><prosody>x</prosody></Say></Gather>").is_none());
        let deep = format!("{}{}", "<Say>".repeat(5_000), "</Say>".repeat(5_000));
        assert_eq!(refusal(&deep), Some(TwimlError::TooLarge));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "\\PC{0,200}") {
            fuzz_document(&text);
            fuzz_document(&format!("<Response>{text}</Response>"));
        }

        #[test]
        fn pieces_in_any_order(pieces in proptest::collection::vec(prop_oneof![
            Just("<Response>"), Just("</Response>"), Just("<Gather numDigits='2'>"), Just("<Gather timeout='9'>"), Just("</Gather>"),
            Just("<Say loop='0'>"), Just("</Say>"), Just("text &amp; more"), Just("<Pause length='2'/>"), Just("<Play digits='12w'/>"),
            Just("<Redirect>/x</Redirect>"), Just("<Hangup/>"), Just("<!-- -->"), Just("<![CDATA[<]]>"), Just("<!DOCTYPE x>"),
        ], 0..40)) {
            fuzz_document(&pieces.concat());
            fuzz_document(&format!("<Response>{}</Response>", pieces.concat()));
        }

        #[test]
        fn whatever_is_said_is_read_as_it_was_meant(text in "[ -~äöé]{1,60}") {
            let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
            let document = read(&format!("<Say>{escaped}</Say>")).unwrap();
            let Some(Verb::Sound(Sounding::Say { text: said, .. })) = document.verbs.first() else { panic!("no words") };
            prop_assert_eq!(said.expose(), text.trim());
        }
    }
}
