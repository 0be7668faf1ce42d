//! What a call says, in the supplier's XML (TwiML: Response, Gather, Say, Pause, Hangup, Reject).

use crate::{CallScript, text::calls};
use std::fmt::Write as _;
use types::SecretString;

/// The longest inline TwiML that the supplier takes, in characters.
const MAX: usize = 4_000;
/// After the last word, and after each key, a person has so long to press the next one, seconds. Who reports a fraud presses one key
/// where two are waited for, and shouldn't have to hold on long.
const PATIENCE: u32 = 6;
const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>";

/// Nothing to say.
pub(super) const EMPTY: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response/>";
/// The call ends.
pub(super) const HANG_UP: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Hangup/></Response>";
/// A call to us is not taken.
pub(super) const REJECT: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Reject/></Response>";

/// The whole call. All lines are said twice; if that is too long, once. `None` if that is too long still. The code is not among it:
/// it is what `action` answers to a key ([`told`]).
pub(super) fn call(script: &CallScript, language: &str, action: &str) -> Option<String> {
    [2, 1].into_iter().map(|times| said(script, language, action, times)).find(|text| text.chars().count() <= MAX)
}

fn said(script: &CallScript, language: &str, action: &str, times: usize) -> String {
    let mut out = HEAD.to_owned();
    let gathers = script.keys.is_some() || script.code.is_some();
    if gathers {
        let wanted = script.keys.as_ref().map_or("", SecretString::expose);
        // The hash key ends the input, unless it has a meaning of its own; where any key will do, it does, too.
        let finish = if script.code.is_some() || script.fraud_key == Some('#') || wanted.contains('#') {
            " finishOnKey=\"\""
        } else {
            ""
        };
        // Nobody is told of a silence after which a code stays untold.
        let empty = if script.code.is_none() { " actionOnEmptyResult=\"true\"" } else { "" };
        // Writing to a String can't fail.
        let _ = write!(
            out,
            "<Gather input=\"dtmf\" numDigits=\"{}\" timeout=\"{PATIENCE}\"{finish}{empty} method=\"POST\" action=\"{}\">",
            wanted.chars().count().max(1),
            escape(action),
        );
    }
    for _ in 0..times {
        for line in &script.lines {
            say(&mut out, line.expose(), language);
        }
    }
    if gathers {
        out.push_str("</Gather>");
    }
    out.push_str("<Hangup/></Response>");
    out
}

/// What is said after a key was pressed: the code, twice.
pub(super) fn told(code: &SecretString, language: &str) -> String {
    let mut out = HEAD.to_owned();
    let spelled = calls::spelled(code);
    for _ in 0..2 {
        say(&mut out, &format!("{} {}", calls::lead(language), spelled.expose()), language);
    }
    out.push_str("<Hangup/></Response>");
    out
}

fn say(out: &mut String, text: &str, language: &str) {
    let attribute = match calls::wording(language) {
        "de" => " language=\"de-DE\"",
        "es" => " language=\"es-ES\"",
        "fr" => " language=\"fr-FR\"",
        "it" => " language=\"it-IT\"",
        "nl" => " language=\"nl-NL\"",
        "pt" => " language=\"pt-PT\"",
        _ => "",
    };
    let _ = write!(out, "<Say{attribute}>{}</Say><Pause length=\"1\"/>", escape(text));
}

/// Text for content and attributes. Control characters, which XML 1.0 can't hold, become spaces.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// An extension as keys to dial after the answer: digits, `*`, `#`, and `w` (half a second) for `,` and `w`. `None` for anything else.
pub(crate) fn digits(extension: &str) -> Option<String> {
    let keys: Option<String> = extension
        .chars()
        .filter(|c| *c != ' ')
        .map(|c| match c {
            '0'..='9' | '*' | '#' => Some(c),
            ',' | 'w' | 'W' => Some('w'),
            _ => None,
        })
        .collect();
    keys.filter(|keys| keys.len() <= 32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn script(lines: &[&str], keys: Option<&str>) -> CallScript {
        CallScript {
            lines: lines.iter().map(|line| SecretString::new((*line).to_owned())).collect(),
            keys: keys.map(|keys| SecretString::new(keys.to_owned())),
            fraud_key: Some('9'),
            code: None,
        }
    }

    #[test]
    fn a_call_that_waits_for_two_keys() {
        let said = call(&script(&["Acme & Sons <login>"], Some("42")), "en", "https://x.example/g/t").unwrap();
        assert_eq!(
            said,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Gather input=\"dtmf\" numDigits=\"2\" timeout=\"6\" \
             actionOnEmptyResult=\"true\" method=\"POST\" action=\"https://x.example/g/t\"><Say>Acme &amp; Sons &lt;login&gt;</Say>\
             <Pause length=\"1\"/><Say>Acme &amp; Sons &lt;login&gt;</Say><Pause length=\"1\"/></Gather><Hangup/></Response>"
        );
        assert!(!said.contains("42"), "the pair stands on the page and nowhere else");
    }

    #[test]
    fn a_hash_key_with_a_meaning_does_not_end_the_input() {
        let said = call(&CallScript { fraud_key: Some('#'), ..script(&["x"], Some("42")) }, "en", "").unwrap();
        assert!(said.contains(" finishOnKey=\"\" "), "{said}");
        let said = call(&script(&["x"], Some("#")), "en", "").unwrap();
        assert!(said.contains(" finishOnKey=\"\" "), "{said}");
    }

    #[test]
    fn a_code_is_told_after_a_key_and_not_before() {
        let code = SecretString::new("907".to_owned());
        let script = calls::code_call("Acme", &code, "fr").unwrap();
        let said = call(&script, "fr", "https://x.example/g/t?w=x").unwrap();
        assert!(said.contains("numDigits=\"1\"") && said.contains(" finishOnKey=\"\" "), "{said}");
        assert!(said.contains("<Say language=\"fr-FR\">Ici Acme.") && !said.contains("actionOnEmptyResult"), "{said}");
        assert!(!said.contains("907") && !said.contains("9, 0, 7"), "{said}");
        let told = told(&code, "fr");
        assert_eq!(told.matches("<Say language=\"fr-FR\">Votre code est : 9, 0, 7.</Say>").count(), 2, "{told}");
    }

    #[test]
    fn a_call_that_only_speaks_takes_no_key() {
        let said = call(&script(&["Your alarm is on."], None), "en", "https://x.example/g/t").unwrap();
        assert!(!said.contains("Gather") && !said.contains("x.example"));
    }

    #[test]
    fn too_long_is_said_once_or_not_at_all() {
        let once = call(&script(&[&"a".repeat(3000)], None), "en", "").unwrap();
        assert_eq!(once.matches("<Say>").count(), 1);
        assert!(call(&script(&[&"<".repeat(3000)], None), "en", "").is_none());
    }

    #[test]
    fn extensions() {
        assert_eq!(digits("1234").as_deref(), Some("1234"));
        assert_eq!(digits(",, 12#").as_deref(), Some("ww12#"));
        assert_eq!(digits("12\">"), None);
        assert_eq!(digits(&"1".repeat(33)), None);
    }

    proptest! {
        #[test]
        fn no_line_breaks_out_of_its_element(line in any::<String>()) {
            let said = call(&script(&[&line], Some("12")), "en", "https://x.example/g/t");
            if let Some(said) = said {
                let tags = said.matches('<').count();
                // XML declaration, Response twice, Gather twice, Hangup, and for each of one or two times Say twice and Pause.
                prop_assert!(tags == 6 + 3 || tags == 6 + 6, "{tags}");
                prop_assert!(!said.chars().any(char::is_control));
            }
        }
    }
}
