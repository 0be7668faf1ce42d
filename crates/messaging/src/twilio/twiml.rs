//! What a call says, in the supplier's XML (TwiML: Response, Gather, Say, Pause, Hangup, Reject).

use crate::CallScript;
use std::fmt::Write as _;

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

/// The whole call. All lines are said twice; if that is too long, once. `None` if that is too long still.
pub(super) fn call(script: &CallScript, action: &str) -> Option<String> {
    [2, 1].into_iter().map(|times| said(script, action, times)).find(|text| text.chars().count() <= MAX)
}

fn said(script: &CallScript, action: &str, times: usize) -> String {
    let mut out = HEAD.to_owned();
    if let Some(keys) = &script.keys {
        // The hash key ends the input, unless it has a meaning of its own.
        let finish = if script.fraud_key == Some('#') { " finishOnKey=\"\"" } else { "" };
        // Writing to a String can't fail.
        let _ = write!(
            out,
            "<Gather input=\"dtmf\" numDigits=\"{}\" timeout=\"{PATIENCE}\"{finish} actionOnEmptyResult=\"true\" method=\"POST\" action=\"{}\">",
            keys.expose().chars().count(),
            escape(action),
        );
    }
    for _ in 0..times {
        for line in &script.lines {
            let _ = write!(out, "<Say>{}</Say><Pause length=\"1\"/>", escape(line.expose()));
        }
    }
    if script.keys.is_some() {
        out.push_str("</Gather>");
    }
    out.push_str("<Hangup/></Response>");
    out
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
pub(super) fn digits(extension: &str) -> Option<String> {
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
    use types::SecretString;

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
        let said = call(&script(&["Acme & Sons <login>"], Some("42")), "https://x.example/g/t").unwrap();
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
        let said = call(&CallScript { fraud_key: Some('#'), ..script(&["x"], Some("42")) }, "").unwrap();
        assert!(said.contains(" finishOnKey=\"\" "), "{said}");
    }

    #[test]
    fn a_call_that_only_speaks_takes_no_key() {
        let said = call(&script(&["Your code is 1, 2, 3."], None), "https://x.example/g/t").unwrap();
        assert!(!said.contains("Gather") && !said.contains("x.example"));
    }

    #[test]
    fn too_long_is_said_once_or_not_at_all() {
        let once = call(&script(&[&"a".repeat(3000)], None), "").unwrap();
        assert_eq!(once.matches("<Say>").count(), 1);
        assert!(call(&script(&[&"<".repeat(3000)], None), "").is_none());
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
            let said = call(&script(&[&line], Some("12")), "https://x.example/g/t");
            if let Some(said) = said {
                let tags = said.matches('<').count();
                // XML declaration, Response twice, Gather twice, Hangup, and for each of one or two times Say twice and Pause.
                prop_assert!(tags == 6 + 3 || tags == 6 + 6, "{tags}");
                prop_assert!(!said.chars().any(char::is_control));
            }
        }
    }
}
