//! The words of calls, in each language that has them.
//!
//! A call is worded in the language that is asked for ([`crate::Outgoing::language`]), or in English where nobody has translated it;
//! [`wording`] says which it is, so that the voice is that language's. The digits of a code are spoken in the language that was asked
//! for, if whoever speaks can.
//!
//! To add a language: its [`Words`] in [`ALL`].

use super::{MAX_APP, MAX_BRAND, TextError, is_code, plain};
use crate::CallScript;
use types::SecretString;

/// The sentences of one language. `{brand}`, `{app}` and `{key}` are filled in.
struct Words {
    /// BCP 47, without a region.
    language: &'static str,
    /// A call with a code begins.
    code: &'static str,
    /// What must be done to hear it.
    press: &'static str,
    /// Before the code.
    lead: &'static str,
    /// A call that asks for approval begins.
    sign_in: &'static str,
    /// The same, where the application has no name.
    sign_in_somewhere: &'static str,
    /// Approval by the two digits.
    pair: &'static str,
    /// Approval by one key.
    one_key: &'static str,
    /// The report of a fraud.
    fraud: &'static str,
    star: &'static str,
    hash: &'static str,
}

const ENGLISH: Words = Words {
    language: "en",
    code: "This is {brand}. Type the code on the page that asks for it, and tell it to nobody.",
    press: "To hear your code, press any key.",
    lead: "Your code is:",
    sign_in: "This is {brand}. Somebody signs in to {app} with your name.",
    sign_in_somewhere: "This is {brand}. Somebody signs in with your name.",
    pair: "If it is you, press the two digits that the sign-in page shows.",
    one_key: "If it is you, press {key}.",
    fraud: "If it is not you, press {key} and then wait.",
    star: "the star key",
    hash: "the hash key",
};

const ALL: &[Words] = &[
    ENGLISH,
    Words {
        language: "fr",
        code: "Ici {brand}. Saisissez le code sur la page qui le demande, et ne le donnez à personne.",
        press: "Pour entendre votre code, appuyez sur une touche.",
        lead: "Votre code est :",
        sign_in: "Ici {brand}. Quelqu'un se connecte à {app} sous votre nom.",
        sign_in_somewhere: "Ici {brand}. Quelqu'un se connecte sous votre nom.",
        pair: "Si c'est vous, composez les deux chiffres que montre la page de connexion.",
        one_key: "Si c'est vous, appuyez sur {key}.",
        fraud: "Si ce n'est pas vous, appuyez sur {key}, puis attendez.",
        star: "la touche étoile",
        hash: "la touche dièse",
    },
    Words {
        language: "de",
        code: "Hier ist {brand}. Geben Sie den Code auf der Seite ein, die danach fragt, und sagen Sie ihn niemandem.",
        press: "Um Ihren Code zu hören, drücken Sie eine beliebige Taste.",
        lead: "Ihr Code lautet:",
        sign_in: "Hier ist {brand}. Jemand meldet sich unter Ihrem Namen bei {app} an.",
        sign_in_somewhere: "Hier ist {brand}. Jemand meldet sich unter Ihrem Namen an.",
        pair: "Wenn Sie das sind, drücken Sie die zwei Ziffern, die auf der Anmeldeseite stehen.",
        one_key: "Wenn Sie das sind, drücken Sie {key}.",
        fraud: "Wenn Sie das nicht sind, drücken Sie {key} und warten Sie.",
        star: "die Sterntaste",
        hash: "die Rautetaste",
    },
    Words {
        language: "es",
        code: "Le llama {brand}. Escriba el código en la página que lo pide y no se lo diga a nadie.",
        press: "Para oír su código, pulse cualquier tecla.",
        lead: "Su código es:",
        sign_in: "Le llama {brand}. Alguien inicia sesión en {app} con su nombre.",
        sign_in_somewhere: "Le llama {brand}. Alguien inicia sesión con su nombre.",
        pair: "Si es usted, pulse los dos dígitos que muestra la página.",
        one_key: "Si es usted, pulse {key}.",
        fraud: "Si no es usted, pulse {key} y espere.",
        star: "la tecla asterisco",
        hash: "la tecla almohadilla",
    },
    Words {
        language: "it",
        code: "Qui è {brand}. Digiti il codice nella pagina che lo chiede e non lo dica a nessuno.",
        press: "Per ascoltare il codice, prema un tasto qualsiasi.",
        lead: "Il suo codice è:",
        sign_in: "Qui è {brand}. Qualcuno accede a {app} con il suo nome.",
        sign_in_somewhere: "Qui è {brand}. Qualcuno accede con il suo nome.",
        pair: "Se è lei, prema le due cifre mostrate dalla pagina di accesso.",
        one_key: "Se è lei, prema {key}.",
        fraud: "Se non è lei, prema {key} e attenda.",
        star: "il tasto asterisco",
        hash: "il tasto cancelletto",
    },
    Words {
        language: "nl",
        code: "Dit is {brand}. Typ de code op de pagina die erom vraagt en geef hem aan niemand door.",
        press: "Druk op een willekeurige toets om uw code te horen.",
        lead: "Uw code is:",
        sign_in: "Dit is {brand}. Iemand meldt zich onder uw naam aan bij {app}.",
        sign_in_somewhere: "Dit is {brand}. Iemand meldt zich onder uw naam aan.",
        pair: "Bent u dat, druk dan op de twee cijfers die op de aanmeldpagina staan.",
        one_key: "Bent u dat, druk dan op {key}.",
        fraud: "Bent u dat niet, druk dan op {key} en wacht.",
        star: "het sterretje",
        hash: "het hekje",
    },
    Words {
        language: "pt",
        code: "Aqui é {brand}. Digite o código na página que o pede e não o diga a ninguém.",
        press: "Para ouvir o seu código, prima qualquer tecla.",
        lead: "O seu código é:",
        sign_in: "Aqui é {brand}. Alguém inicia sessão em {app} com o seu nome.",
        sign_in_somewhere: "Aqui é {brand}. Alguém inicia sessão com o seu nome.",
        pair: "Se for você, prima os dois dígitos que a página mostra.",
        one_key: "Se for você, prima {key}.",
        fraud: "Se não for você, prima {key} e espere.",
        star: "a tecla asterisco",
        hash: "a tecla cardinal",
    },
];

/// The language in which a call is worded when this one is asked for.
#[must_use]
pub fn wording(language: &str) -> &'static str {
    words(language).language
}

fn words(language: &str) -> &'static Words {
    let primary = language.split(['-', '_']).next().unwrap_or_default();
    ALL.iter().find(|words| words.language.eq_ignore_ascii_case(primary)).unwrap_or(&ENGLISH)
}

/// What approves a sign-in in a call.
pub enum Approval {
    /// These digits, which the sign-in page shows.
    Shown(SecretString),
    /// This key, which the call names.
    Key(char),
}

/// The call that asks for approval. The digits that the page shows are not said. `fraud` is the key that reports a fraud.
pub fn approval_call(
    brand: &str,
    app: &str,
    approval: Approval,
    fraud: Option<char>,
    language: &str,
) -> Result<CallScript, TextError> {
    let words = words(language);
    let (keys, how) = match approval {
        Approval::Shown(digits) => {
            if digits.expose().is_empty() || !digits.expose().bytes().all(|b| b.is_ascii_digit()) {
                return Err(TextError::Code);
            }
            (digits, words.pair.to_owned())
        }
        Approval::Key(key) => (SecretString::new(key.to_string()), words.one_key.replace("{key}", &words.key(key))),
    };
    let app = plain(app, MAX_APP);
    let greeting = if app.is_empty() { words.sign_in_somewhere } else { words.sign_in };
    let mut lines = vec![filled(greeting, brand, &app)?, how];
    if let Some(key) = fraud {
        lines.push(words.fraud.replace("{key}", &words.key(key)));
    }
    Ok(CallScript {
        lines: lines.into_iter().map(SecretString::new).collect(),
        keys: Some(keys),
        fraud_key: fraud,
        code: None,
    })
}

/// The call that speaks a code after a key was pressed.
pub fn code_call(brand: &str, code: &SecretString, language: &str) -> Result<CallScript, TextError> {
    if !is_code(code) {
        return Err(TextError::Code);
    }
    let words = words(language);
    let lines = [filled(words.code, brand, "")?, words.press.to_owned()];
    Ok(CallScript {
        lines: lines.map(SecretString::new).to_vec(),
        keys: None,
        fraud_key: None,
        code: Some(code.clone()),
    })
}

/// What is said before a code.
#[must_use]
pub fn lead(language: &str) -> &'static str {
    words(language).lead
}

/// A code for a synthesiser that takes text only: a pause after each character.
#[must_use]
pub fn spelled(code: &SecretString) -> SecretString {
    let characters: Vec<String> = code.expose().chars().map(String::from).collect();
    SecretString::new(format!("{}.", characters.join(", ")))
}

impl Words {
    fn key(&self, key: char) -> String {
        match key {
            '*' => self.star.to_owned(),
            '#' => self.hash.to_owned(),
            key => key.to_string(),
        }
    }
}

/// The organisation's and the application's names, in one pass: a name that holds `{app}` is a name.
fn filled(sentence: &str, brand: &str, app: &str) -> Result<String, TextError> {
    let brand = plain(brand, MAX_BRAND);
    if brand.is_empty() {
        return Err(TextError::Brand);
    }
    let mut out = String::with_capacity(sentence.len() + brand.len() + app.len());
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        out.push_str(before);
        out.push_str(if name == "brand" { &brand } else { app });
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn secret(text: &str) -> SecretString {
        SecretString::new(text.to_owned())
    }

    fn lines(script: &CallScript) -> Vec<&str> {
        script.lines.iter().map(SecretString::expose).collect()
    }

    #[test]
    fn a_call_for_approval_says_what_and_how_and_not_the_digits() {
        let script = approval_call("Acme", "VPN", Approval::Shown(secret("42")), Some('9'), "en-GB").unwrap();
        assert_eq!(
            lines(&script),
            [
                "This is Acme. Somebody signs in to VPN with your name.",
                "If it is you, press the two digits that the sign-in page shows.",
                "If it is not you, press 9 and then wait.",
            ]
        );
        assert!(script.keys.unwrap().ct_eq("42"));
        let script = approval_call("Acme", "@", Approval::Key('#'), Some('*'), "fr").unwrap();
        assert_eq!(
            lines(&script),
            [
                "Ici Acme. Quelqu'un se connecte sous votre nom.",
                "Si c'est vous, appuyez sur la touche dièse.",
                "Si ce n'est pas vous, appuyez sur la touche étoile, puis attendez.",
            ]
        );
        for wrong in ["1#", "", "a"] {
            let refused = approval_call("Acme", "VPN", Approval::Shown(secret(wrong)), None, "en").err();
            assert_eq!(refused, Some(TextError::Code));
        }
    }

    #[test]
    fn a_code_is_in_no_line() {
        for language in ALL.iter().map(|words| words.language) {
            let script = code_call("Acme", &secret("918273"), language).unwrap();
            assert!(lines(&script).iter().all(|line| !line.contains(|c: char| c.is_ascii_digit())), "{language}");
            assert!(script.code.unwrap().ct_eq("918273") && script.keys.is_none());
            assert!(!lead(language).is_empty());
        }
        assert_eq!(spelled(&secret("907")).expose(), "9, 0, 7.");
        assert_eq!(code_call("Acme", &secret("1 2"), "en").err(), Some(TextError::Code));
        assert_eq!(code_call("\n", &secret("12"), "en").err(), Some(TextError::Brand));
    }

    #[test]
    fn a_language_without_words_is_worded_in_english() {
        for (asked, worded) in
            [("he", "en"), ("", "en"), ("fr-CA", "fr"), ("DE", "de"), ("pt_BR", "pt"), ("français", "en")]
        {
            assert_eq!(wording(asked), worded, "{asked}");
        }
    }

    #[test]
    fn every_sentence_names_what_it_must() {
        for words in ALL {
            for (sentence, names) in [
                (words.code, &["{brand}"][..]),
                (words.press, &[]),
                (words.lead, &[]),
                (words.sign_in, &["{brand}", "{app}"]),
                (words.sign_in_somewhere, &["{brand}"]),
                (words.pair, &[]),
                (words.one_key, &["{key}"]),
                (words.fraud, &["{key}"]),
            ] {
                assert_eq!(sentence.matches('{').count(), names.len(), "{} {sentence}", words.language);
                assert!(names.iter().all(|name| sentence.contains(name)), "{} {sentence}", words.language);
            }
        }
    }

    proptest! {
        #[test]
        fn names_stay_names(brand in "\\PC{0,40}|\\{app\\}", app in "\\PC{0,60}|\\{brand\\}") {
            if let Ok(script) = approval_call(&brand, &app, Approval::Shown(secret("07")), None, "en") {
                prop_assert!(script.lines[0].expose().starts_with("This is "));
                let odd = ['{', '}', '<', '[', '@'];
                prop_assert!(!script.lines[0].expose().contains(odd));
            }
        }
    }
}
