//! The words by which people say that they want no texts, or want them again: those that carriers ask senders to understand, in the
//! languages that their people speak.

/// What somebody wrote.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Word {
    /// No more texts.
    Stop,
    /// Texts again.
    Start,
    /// Who are you?
    Help,
}

impl Word {
    /// For the counters.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Start => "start",
            Self::Help => "help",
        }
    }
}

const STOP: &[&str] = &[
    // English, as CTIA's short code handbook and carriers have them.
    "stop",
    "stopall",
    "stop all",
    "unsubscribe",
    "cancel",
    "end",
    "quit",
    "optout",
    "opt out",
    "opt-out",
    "revoke",
    "remove me",
    // German, French, Spanish, Portuguese, Italian, Dutch, Polish, Turkish, Russian, Ukrainian, Arabic, Hebrew, Chinese, Japanese, Korean.
    "stopp",
    "abmelden",
    "abbestellen",
    "arret",
    "arrêt",
    "arreter",
    "arrêter",
    "desabonner",
    "désabonner",
    "alto",
    "baja",
    "parar",
    "pare",
    "sair",
    "cancelar",
    "basta",
    "fermare",
    "annulla",
    "afmelden",
    "stoppen",
    "koniec",
    "wypisz",
    "dur",
    "iptal",
    "стоп",
    "отписаться",
    "відписатися",
    "إلغاء",
    "توقف",
    "עצור",
    "הסר",
    "停止",
    "退订",
    "退訂",
    "td",
    "ストップ",
    "停止する",
    "중지",
    "수신거부",
];
const START: &[&str] = &[
    "start",
    "unstop",
    "yes",
    "subscribe",
    "optin",
    "opt in",
    "opt-in",
    "resume",
    "anmelden",
    "abonner",
    "alta",
    "inscribir",
    "iniciar",
    "voltar",
    "iscrivi",
    "aanmelden",
    "zapisz",
    "başla",
    "старт",
    "подписаться",
    "ابدأ",
    "התחל",
    "开始",
    "開始",
    "시작",
];
const HELP: &[&str] = &[
    "help",
    "info",
    "hilfe",
    "aide",
    "ayuda",
    "ajuda",
    "aiuto",
    "hulp",
    "pomoc",
    "yardım",
    "помощь",
    "допомога",
    "مساعدة",
    "עזרה",
    "帮助",
    "幫助",
    "ヘルプ",
    "도움말",
];

/// The longest of them, and some signs around it, in characters.
const LONGEST: usize = 40;

/// What a text says, if it is one of the words and nothing else: who writes a sentence with "stop" in it may mean something else.
pub(crate) fn read(text: &str) -> Option<Word> {
    if text.chars().count() > LONGEST {
        return None;
    }
    let text = text.to_lowercase();
    let text = text.trim_matches(|c: char| !c.is_alphanumeric());
    let text: Vec<&str> = text.split_whitespace().collect();
    let text = text.join(" ");
    let is = |words: &[&str]| words.contains(&text.as_str());
    if is(STOP) {
        Some(Word::Stop)
    } else if is(START) {
        Some(Word::Start)
    } else {
        is(HELP).then_some(Word::Help)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words() {
        for text in
            ["STOP", " stop. ", "Stop!", "\"STOP\"", "stop  all", "UNSUBSCRIBE", "Arrêt", "СТОП", "停止", "Abmelden"]
        {
            assert_eq!(read(text), Some(Word::Stop), "{text}");
        }
        for text in ["START", "unstop", "Старт"] {
            assert_eq!(read(text), Some(Word::Start), "{text}");
        }
        assert_eq!(read("help?"), Some(Word::Help));
        for text in ["", "...", "don't stop", "stop it please", "123456", "stopwatch", &"stop".repeat(50)] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn no_word_means_two_things() {
        let all: Vec<&str> = STOP.iter().chain(START).chain(HELP).copied().collect();
        for (place, word) in all.iter().enumerate() {
            assert!(!all[place + 1..].contains(word), "{word}");
            assert!(read(word).is_some(), "{word}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "\\PC{0,60}") {
            let _ = read(&text);
        }
    }
}
