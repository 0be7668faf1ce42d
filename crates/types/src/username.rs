//! User names, in the one form in which they are looked up and counted.

use unicode_normalization::UnicodeNormalization;

/// How an integration's user names are brought to one form. Duo's names for it: "None" and "Simple".
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Normalization {
    /// `narroway`, `CORP\narroway` and `narroway@corp.example` are three names.
    None,
    /// All three are `narroway`.
    #[default]
    Simple,
}

/// A user name as it is stored and looked up: no white space at the ends, Unicode NFKC, lower case.
///
/// Every spelling of one name gives the same `UserName`, so all of them lead to one account and one rate-limit bucket; a
/// leading space once let people skip the second factor elsewhere (DUO-PSA-2015-003).
#[derive(Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct UserName(String);

/// Why a text can't be a user name.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
pub enum InvalidUserName {
    /// Nothing is left after normalisation.
    #[error("the user name is empty")]
    Empty,
    /// Over 255 bytes.
    #[error("the user name is longer than 255 bytes")]
    TooLong,
    /// Characters that nobody sees: a first factor that ignores them would take the name for another's.
    #[error("the user name holds an invisible character")]
    Invisible,
    /// Control characters.
    #[error("the user name holds a control character")]
    Control,
}

impl UserName {
    /// The longest accepted, in bytes.
    pub const MAX_BYTES: usize = 255;

    /// Brings `text` to the form in which it is looked up.
    pub fn new(text: &str, normalization: Normalization) -> Result<Self, InvalidUserName> {
        if text.len() > Self::MAX_BYTES {
            return Err(InvalidUserName::TooLong);
        }
        // Looked for in the whole text: what is cut off below must not hide it.
        if text.trim().chars().any(char::is_control) {
            return Err(InvalidUserName::Control);
        }
        if text.chars().any(is_invisible) {
            return Err(InvalidUserName::Invisible);
        }
        let folded = if text.is_ascii() { text.to_ascii_lowercase() } else { fold(text) };
        let mut name = folded.trim();
        if normalization == Normalization::Simple {
            // `DOMAIN\user` first: a domain name holds no `@`, but a user name may.
            if let Some((_, user)) = name.rsplit_once('\\') {
                name = user.trim();
            }
            if let Some((user, _)) = name.split_once('@') {
                name = user.trim();
            }
        }
        if name.is_empty() {
            return Err(InvalidUserName::Empty);
        }
        if name.chars().any(|c| char::is_control(c) || is_invisible(c)) {
            return Err(InvalidUserName::Control);
        }
        // White space inside counts once, however much of it and of whichever kind there is.
        Ok(Self(name.split_whitespace().collect::<Vec<_>>().join(" ")))
    }

    /// The stored form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name as the store holds it.
    #[must_use]
    pub const fn from_store(text: String) -> Self {
        Self(text)
    }
}

/// Format characters and what is ignored by default (Unicode: general category Cf, `Default_Ignorable_Code_Point`).
const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}' | '\u{8e2}'
        | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// NFKC, lower case, NFKC again, until it stays the same: lower-casing can undo composition (for example `İ`).
fn fold(text: &str) -> String {
    let mut now: String = text.nfkc().collect();
    for _ in 0..4 {
        let next: String = now.to_lowercase().nfkc().collect();
        if next == now {
            break;
        }
        now = next;
    }
    now
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn simple(text: &str) -> String {
        UserName::new(text, Normalization::Simple).unwrap().as_str().to_owned()
    }

    #[test]
    fn every_spelling_is_one_name() {
        for text in [
            "narroway",
            " Narroway ",
            "CORP\\narroway",
            "narroway@corp.example",
            "ＮＡＲＲＯＷＡＹ",
            "corp\\ narroway@x",
        ] {
            assert_eq!(simple(text), "narroway", "{text}");
        }
        assert_eq!(
            UserName::new(" Narroway@Corp.example\t", Normalization::None).unwrap().as_str(),
            "narroway@corp.example"
        );
    }

    #[test]
    fn refusals() {
        assert_eq!(UserName::new("  ", Normalization::None), Err(InvalidUserName::Empty));
        assert_eq!(UserName::new("@corp", Normalization::Simple), Err(InvalidUserName::Empty));
        assert_eq!(UserName::new("a\0b", Normalization::None), Err(InvalidUserName::Control));
        assert_eq!(UserName::new("zoe@\u{1b}[2J", Normalization::Simple), Err(InvalidUserName::Control));
        for hidden in ["an\u{ad}na", "anna\u{200b}", "\u{feff}anna", "an\u{2060}na", "anna\u{fe0f}", "anna\u{e0041}"] {
            assert_eq!(UserName::new(hidden, Normalization::Simple), Err(InvalidUserName::Invisible), "{hidden:?}");
        }
        assert_eq!(simple("Anna  Maria"), simple("anna\u{a0}maria"));
        assert_eq!(UserName::new(&"x".repeat(256), Normalization::None), Err(InvalidUserName::TooLong));
    }

    proptest! {
        #[test]
        fn the_form_is_stable(text in "\\PC{1,60}") {
            for how in [Normalization::None, Normalization::Simple] {
                if let Ok(name) = UserName::new(&text, how)
                    && let Ok(again) = UserName::new(name.as_str(), how) {
                    prop_assert_eq!(again, name);
                }
            }
        }

        #[test]
        fn case_and_space_never_make_two_names(text in "[a-zA-Z0-9._-]{1,30}", pad in "[ \t]{0,3}") {
            prop_assert_eq!(simple(&format!("{pad}{}{pad}", text.to_uppercase())), simple(&text));
        }
    }
}
