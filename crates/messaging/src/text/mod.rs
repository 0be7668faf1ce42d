//! The words of messages.
//!
//! An SMS with one code explains first what it is for, holds no address that could be tapped, and ends in a line that
//! binds the code to a site ([`origin_bound`]), so that a telephone fills it in there and nowhere else. The code never stands in the
//! first 20 characters, which carriers repeat in their receipts and telephones show on a locked screen.

pub mod calls;
pub mod notice;
pub mod origin_bound;

use types::SecretString;

/// Carriers put the first characters of a text into their receipts (SMPP 3.4, appendix B, `text:`).
const REPEATED_BY_CARRIERS: usize = 20;

const MAX_BRAND: usize = 24;
const MAX_APP: usize = 32;
const MAX_PLACE: usize = 24;

/// Why a text can't be made. It repeats nothing of what was given.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
#[non_exhaustive]
pub enum TextError {
    /// No name of the organisation is left when what doesn't belong into a text is taken away.
    #[error("the organisation's name is empty")]
    Brand,
    /// The site is not a host name.
    #[error("the site is not a host name")]
    Host,
    /// No code, or one with other characters than letters and digits.
    #[error("a code holds letters and digits only")]
    Code,
}

/// The text for one code to sign in with. `place` is where the request came from, if that is known; `host` is the site on which the
/// code is typed.
pub fn sign_in_code(
    brand: &str,
    app: &str,
    place: Option<&str>,
    host: &str,
    code: &SecretString,
) -> Result<SecretString, TextError> {
    let brand = brand_of(brand)?;
    let app = named(" to ", app, MAX_APP);
    let place = named(" from ", place.unwrap_or_default(), MAX_PLACE);
    bound(&format!("{brand}: sign-in{app}{place}. Never share or type on another site."), host, code)
}

/// The text for a code that proves whose number it is.
pub fn verification_code(brand: &str, host: &str, code: &SecretString) -> Result<SecretString, TextError> {
    let brand = brand_of(brand)?;
    bound(
        &format!("{brand}: to confirm this number, type the code where you asked for it. Never share it."),
        host,
        code,
    )
}

/// The text for one or more codes to choose from, in the form that people know from Duo (`SMS passcodes: 1234567 2345678 …`). Such
/// codes are used one after the other, also where no browser is, so they are bound to no site.
pub fn passcodes(brand: &str, app: &str, codes: &[SecretString]) -> Result<SecretString, TextError> {
    let brand = brand_of(brand)?;
    let app = named(" to ", app, MAX_APP);
    if codes.is_empty() || !codes.iter().all(is_code) {
        return Err(TextError::Code);
    }
    let list = codes.iter().map(SecretString::expose).collect::<Vec<_>>().join(" ");
    let head = format!("{brand}: sign-in{app}. SMS passcodes: ");
    debug_assert!(head.chars().count() >= REPEATED_BY_CARRIERS);
    Ok(SecretString::new(format!("{head}{list}\nNever share them.")))
}

/// The explanation, an empty line, and the line that binds the code.
fn bound(explanation: &str, host: &str, code: &SecretString) -> Result<SecretString, TextError> {
    if !is_code(code) {
        return Err(TextError::Code);
    }
    if !origin_bound::is_host(host) {
        return Err(TextError::Host);
    }
    let mut explanation = explanation.to_owned();
    while explanation.chars().count() < REPEATED_BY_CARRIERS {
        explanation.push('.');
    }
    Ok(SecretString::new(format!("{explanation}\n\n@{host} #{}", code.expose())))
}

fn is_code(code: &SecretString) -> bool {
    (1..=32).contains(&code.expose().len()) && code.expose().bytes().all(|b| b.is_ascii_alphanumeric())
}

fn brand_of(text: &str) -> Result<String, TextError> {
    let brand = plain(text, MAX_BRAND);
    if brand.is_empty() { Err(TextError::Brand) } else { Ok(brand) }
}

/// `before` and the name, or nothing where there is no name.
fn named(before: &str, name: &str, most: usize) -> String {
    let name = plain(name, most);
    if name.is_empty() { name } else { format!("{before}{name}") }
}

/// A name as it may stand in a text: one line, at most `most` characters, nothing that a telephone would make a link of, and neither
/// `@` nor `#`, which belong to the last line.
fn plain(text: &str, most: usize) -> String {
    let kept: String = text
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '&' | '\'' | '(' | ')' | '+' | ',') {
                c
            } else {
                ' '
            }
        })
        .collect();
    let mut out = String::new();
    for word in kept.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out.chars().take(most).collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(text: &str) -> SecretString {
        SecretString::new(text.to_owned())
    }

    #[test]
    fn one_code_is_bound_to_its_site() {
        let text = sign_in_code("Acme", "VPN", Some("Bonn"), "login.acme.example", &code("123456")).unwrap();
        assert_eq!(
            text.expose(),
            "Acme: sign-in to VPN from Bonn. Never share or type on another site.\n\n@login.acme.example #123456"
        );
        let text = verification_code("Acme", "login.acme.example", &code("123456")).unwrap();
        assert!(text.expose().ends_with("\n\n@login.acme.example #123456"));
        assert!(text.expose().len() <= 160, "one SMS");
    }

    #[test]
    fn a_batch_reads_as_people_know_it() {
        let codes = [code("1234567"), code("2345678")];
        assert_eq!(
            passcodes("Acme", "VPN", &codes).unwrap().expose(),
            "Acme: sign-in to VPN. SMS passcodes: 1234567 2345678\nNever share them."
        );
        assert_eq!(passcodes("Acme", "VPN", &[]).err(), Some(TextError::Code));
    }

    #[test]
    fn names_make_no_link_and_no_last_line() {
        let text =
            sign_in_code("Acme\n\n@evil.example #1", "https://evil.example/x", None, "login.example", &code("7654321"))
                .unwrap();
        assert_eq!(
            text.expose(),
            "Acme evil example 1: sign-in to https evil example x. Never share or type on another site.\n\n@login.example #7654321"
        );
    }

    #[test]
    fn refusals() {
        let ok = code("123456");
        assert_eq!(sign_in_code("\n@#", "VPN", None, "a.example", &ok).err(), Some(TextError::Brand));
        assert_eq!(sign_in_code("Acme", "VPN", None, "a example", &ok).err(), Some(TextError::Host));
        assert_eq!(sign_in_code("Acme", "VPN", None, "a.example", &code("12 34")).err(), Some(TextError::Code));
        assert_eq!(sign_in_code("Acme", "VPN", None, "a.example", &code("")).err(), Some(TextError::Code));
    }

    proptest! {
        #[test]
        fn whatever_the_names_the_last_line_parses_and_nothing_else_does(
            brand in "\\PC{0,40}|[ -~\\n\\r]{0,40}", app in "\\PC{0,60}|[ -~\\n\\r]{0,60}", place in "\\PC{0,40}",
            digits in "[0-9]{6,8}",
        ) {
            if let Ok(text) = sign_in_code(&brand, &app, Some(&place), "login.acme.example", &code(&digits)) {
                let read = origin_bound::parse(text.expose()).unwrap();
                prop_assert_eq!((read.host, read.code, read.embedded), ("login.acme.example", digits.as_str(), None));
                prop_assert_eq!(text.expose().lines().count(), 3);
                let (explanation, _) = text.expose().split_once('\n').unwrap();
                prop_assert!(explanation.chars().count() >= REPEATED_BY_CARRIERS);
                prop_assert!(!explanation.contains("://") && !explanation.contains(['@', '#', '/']));
            }
            if let Ok(text) = passcodes(&brand, &app, &[code("QQQQQQQ")]) {
                let place = text.expose().find("QQQQQQQ").unwrap();
                prop_assert!(text.expose()[..place].chars().count() >= REPEATED_BY_CARRIERS);
            }
        }
    }
}
