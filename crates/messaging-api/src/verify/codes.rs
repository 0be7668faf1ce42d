//! Codes: drawn, worded, hashed.

use keys::TenantKeys;
use messaging::{ChannelKind, Content, text};
use store::fields;
use types::{SecretString, VerificationId, World};

/// What a code stands for beside itself: a payment that it confirms (PSD2), empty for none.
#[derive(Clone, Default)]
pub(super) struct Bound {
    pub(super) amount: String,
    pub(super) payee: String,
}

impl Bound {
    fn parts<'a>(&'a self, id: &'a VerificationId, code: &'a SecretString) -> [&'a [u8]; 4] {
        [id.as_bytes(), code.expose().as_bytes(), self.amount.as_bytes(), self.payee.as_bytes()]
    }

    /// What is kept of a code.
    pub(super) fn digest(&self, keys: &TenantKeys, id: &VerificationId, code: &SecretString) -> [u8; 32] {
        keys.digest(fields::VERIFICATION_CODE, &self.parts(id, code))
    }

    /// What is kept of it under any live version of the tenant's key.
    pub(super) fn candidates(&self, keys: &TenantKeys, id: &VerificationId, code: &SecretString) -> Vec<[u8; 32]> {
        keys.digest_candidates(fields::VERIFICATION_CODE, &self.parts(id, code))
    }
}

/// A code of so many digits.
pub(super) fn draw(world: &World, length: usize) -> SecretString {
    SecretString::new(world.digits(length))
}

/// A code that a program has drawn itself: 4 to 10 letters and digits.
pub(super) fn custom(text: &str) -> Option<SecretString> {
    let plain = (4..=10).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
    plain.then(|| SecretString::new(text.to_owned()))
}

/// How a code is worded.
#[derive(Clone)]
pub(super) struct Wording {
    pub(super) brand: String,
    /// As BCP 47 names it.
    pub(super) language: String,
    pub(super) warn: bool,
    /// By which an Android program finds its own message (SMS Retriever): 11 characters at the end.
    pub(super) app_hash: Option<String>,
    pub(super) bound: Bound,
}

/// `{b}`, `{c}`, `{a}` and `{p}` stand for the sender, the code, the amount and the payee.
struct Words {
    language: &'static str,
    code: &'static str,
    payment: &'static str,
    warning: &'static str,
    subject: &'static str,
}

const ENGLISH: Words = Words {
    language: "en",
    code: "{b}: your verification code is {c}.",
    payment: "{b}: to pay {a} to {p}, the code is {c}.",
    warning: " Don't share it with anyone.",
    subject: "{b}: your verification code",
};

const WORDS: &[Words] = &[
    ENGLISH,
    Words {
        language: "de",
        code: "{b}: Ihr Bestätigungscode ist {c}.",
        payment: "{b}: Für die Zahlung von {a} an {p} ist der Code {c}.",
        warning: " Geben Sie ihn niemandem weiter.",
        subject: "{b}: Ihr Bestätigungscode",
    },
    Words {
        language: "fr",
        code: "{b} : votre code de vérification est {c}.",
        payment: "{b} : pour payer {a} à {p}, le code est {c}.",
        warning: " Ne le donnez à personne.",
        subject: "{b} : votre code de vérification",
    },
    Words {
        language: "es",
        code: "{b}: su código de verificación es {c}.",
        payment: "{b}: para pagar {a} a {p}, el código es {c}.",
        warning: " No lo comparta con nadie.",
        subject: "{b}: su código de verificación",
    },
    Words {
        language: "it",
        code: "{b}: il codice di verifica è {c}.",
        payment: "{b}: per pagare {a} a {p}, il codice è {c}.",
        warning: " Non darlo a nessuno.",
        subject: "{b}: il codice di verifica",
    },
    Words {
        language: "pt",
        code: "{b}: o seu código de verificação é {c}.",
        payment: "{b}: para pagar {a} a {p}, o código é {c}.",
        warning: " Não o partilhe com ninguém.",
        subject: "{b}: o seu código de verificação",
    },
    Words {
        language: "nl",
        code: "{b}: uw verificatiecode is {c}.",
        payment: "{b}: om {a} aan {p} te betalen is de code {c}.",
        warning: " Deel hem met niemand.",
        subject: "{b}: uw verificatiecode",
    },
];

impl Wording {
    fn words(&self) -> &'static Words {
        let primary = self.language.split(['-', '_']).next().unwrap_or_default();
        let known = WORDS.iter().find(|words| words.language.eq_ignore_ascii_case(primary));
        known.unwrap_or(&ENGLISH)
    }

    fn filled(&self, pattern: &str, code: &SecretString) -> String {
        let mut out = String::with_capacity(pattern.len() + 64);
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            out.push_str(match name {
                "b" => &self.brand,
                "c" => code.expose(),
                "a" => &self.bound.amount,
                _ => &self.bound.payee,
            });
            rest = after;
        }
        out.push_str(rest);
        out
    }

    fn text(&self, code: &SecretString) -> SecretString {
        let words = self.words();
        let payment = !self.bound.amount.is_empty();
        let mut text = self.filled(if payment { words.payment } else { words.code }, code);
        if self.warn {
            text.push_str(words.warning);
        }
        if let Some(hash) = &self.app_hash {
            text.push('\n');
            text.push_str(hash);
        }
        SecretString::new(text)
    }

    /// What is sent. `None`: a code can't travel so.
    pub(super) fn content(&self, kind: ChannelKind, code: &SecretString) -> Option<Content> {
        Some(match kind {
            ChannelKind::Sms => Content::Text(self.text(code)),
            ChannelKind::Voice => Content::Call(text::calls::code_call(&self.brand, code, &self.language).ok()?),
            ChannelKind::Email => Content::Mail {
                subject: self.filled(self.words().subject, &SecretString::new(String::new())),
                text: self.text(code),
            },
            // The template is the carrier's: a payment's amount has no place in it.
            ChannelKind::WhatsApp | ChannelKind::Telegram if self.bound.amount.is_empty() => {
                Content::Code { by: kind, code: code.clone(), brand: self.brand.clone() }
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wording(language: &str, amount: &str) -> Wording {
        Wording {
            brand: "Example".to_owned(),
            language: language.to_owned(),
            warn: true,
            app_hash: None,
            bound: Bound { amount: amount.to_owned(), payee: "Acme".to_owned() },
        }
    }

    #[test]
    fn no_code_stands_in_the_first_twenty_characters_in_any_language() {
        let code = SecretString::new("123456".to_owned());
        for words in WORDS {
            for amount in ["", "39.99 EUR"] {
                let text = Wording { brand: "X".to_owned(), ..wording(words.language, amount) }.text(&code);
                let at = text.expose().find("123456").unwrap();
                assert!(text.expose()[..at].chars().count() >= 20, "{}", text.expose());
                assert!(!text.expose().contains('{') && text.expose().contains(words.warning));
                assert_eq!(text.expose().contains("39.99 EUR"), !amount.is_empty());
            }
            assert!(!words.subject.contains("{c}"), "others see the subject");
        }
        assert!(wording("zh-Hans", "").text(&code).expose().starts_with("Example: your verification"));
        assert!(wording("pt-BR", "").text(&code).expose().starts_with("Example: o seu"));
    }

    #[test]
    fn what_a_payer_sees_is_what_the_code_is_for() {
        let code = SecretString::new("123456".to_owned());
        assert!(wording("en", "5").content(ChannelKind::WhatsApp, &code).is_none());
        assert!(wording("en", "").content(ChannelKind::WhatsApp, &code).is_some());
    }

    proptest! {
        #[test]
        fn a_name_can_not_take_the_codes_place(brand in "\\PC{0,24}") {
            let text = Wording { brand, ..wording("en", "") }.text(&SecretString::new("987654".to_owned()));
            prop_assert!(text.expose().contains("code is 987654."));
        }
    }
}
