//! Which voice of the synthesiser speaks a language.

/// Where nothing else can be spoken.
pub const FALLBACK: &str = "en";

/// BCP 47, in lower case, and the voice of espeak-ng 1.51. Each was heard to say the ten digits; Hebrew, Chuvash, Turkmen and a few
/// more have a voice that says nothing and stand here not.
const VOICES: &[(&str, &str)] = &[
    ("af", "af"),
    ("am", "am"),
    ("ar", "ar"),
    ("as", "as"),
    ("az", "az"),
    ("be", "be"),
    ("bg", "bg"),
    ("bn", "bn"),
    ("bs", "bs"),
    ("ca", "ca"),
    ("cmn", "cmn"),
    ("cs", "cs"),
    ("cy", "cy"),
    ("da", "da"),
    ("de", "de"),
    ("el", "el"),
    ("en", "en-us"),
    ("en-au", "en-gb"),
    ("en-gb", "en-gb"),
    ("en-ie", "en-gb"),
    ("en-in", "en-gb"),
    ("en-nz", "en-gb"),
    ("eo", "eo"),
    ("es", "es"),
    ("es-419", "es-419"),
    ("es-ar", "es-419"),
    ("es-cl", "es-419"),
    ("es-co", "es-419"),
    ("es-mx", "es-419"),
    ("es-pe", "es-419"),
    ("es-us", "es-419"),
    ("et", "et"),
    ("eu", "eu"),
    ("fa", "fa"),
    ("fi", "fi"),
    ("fr", "fr-fr"),
    ("fr-be", "fr-be"),
    ("fr-ch", "fr-ch"),
    ("ga", "ga"),
    ("gu", "gu"),
    ("hi", "hi"),
    ("hr", "hr"),
    ("hu", "hu"),
    ("hy", "hy"),
    ("id", "id"),
    ("is", "is"),
    ("it", "it"),
    ("ja", "ja"),
    ("ka", "ka"),
    ("kk", "kk"),
    ("kn", "kn"),
    ("ko", "ko"),
    ("ku", "ku"),
    ("ky", "ky"),
    ("lb", "lb"),
    ("lt", "lt"),
    ("lv", "lv"),
    ("mk", "mk"),
    ("ml", "ml"),
    ("mr", "mr"),
    ("ms", "ms"),
    ("mt", "mt"),
    ("my", "my"),
    ("nb", "nb"),
    ("ne", "ne"),
    ("nl", "nl"),
    ("nn", "nb"),
    ("no", "nb"),
    ("or", "or"),
    ("pa", "pa"),
    ("pl", "pl"),
    ("pt", "pt"),
    ("pt-br", "pt-br"),
    ("ro", "ro"),
    ("ru", "ru"),
    ("sd", "sd"),
    ("si", "si"),
    ("sk", "sk"),
    ("sl", "sl"),
    ("sq", "sq"),
    ("sr", "sr"),
    ("sv", "sv"),
    ("sw", "sw"),
    ("ta", "ta"),
    ("te", "te"),
    ("th", "th"),
    ("tr", "tr"),
    ("tt", "tt"),
    ("ug", "ug"),
    ("uk", "uk"),
    ("ur", "ur"),
    ("uz", "uz"),
    ("vi", "vi"),
    ("yue", "yue"),
    ("zh", "cmn"),
    ("zh-hk", "yue"),
];

/// The voice for a language; `None` where the synthesiser has none that can be understood.
#[must_use]
pub fn voice(language: &str) -> Option<&'static str> {
    candidates(language).find_map(|tag| VOICES.iter().find(|(known, _)| *known == tag).map(|(_, voice)| *voice))
}

/// All languages that have a voice.
pub fn spoken() -> impl Iterator<Item = &'static str> {
    VOICES.iter().map(|(language, _)| *language)
}

/// The tag as it is looked for: whole, then shorter from its end (RFC 4647 §3.4). At most four, each of letters, digits and `-`; an
/// old tag becomes its successor.
pub(crate) fn candidates(language: &str) -> impl Iterator<Item = String> {
    let mut tag: String = language
        .chars()
        .take(35)
        .map(|c| if c == '_' { '-' } else { c.to_ascii_lowercase() })
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '-')
        .collect();
    // ISO 639 renamed it; Java and Android still write it so.
    if tag == "iw" || tag.starts_with("iw-") {
        tag.replace_range(..2, "he");
    }
    let shorter = |tag: &String| tag.rsplit_once('-').map(|(rest, _)| rest.to_owned());
    std::iter::successors(Some(tag), shorter).filter(|tag| !tag.is_empty()).take(4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_tag_finds_its_nearest_voice() {
        for (tag, expected) in [
            ("en", Some("en-us")),
            ("en-GB", Some("en-gb")),
            ("en_us", Some("en-us")),
            ("fr-CA", Some("fr-fr")),
            ("fr-CH", Some("fr-ch")),
            ("zh-Hant-HK", Some("cmn")),
            ("pt-BR", Some("pt-br")),
            ("he", None),
            ("iw-IL", None),
            ("", None),
            ("../../etc", None),
            ("en;rm", Some("en-us")),
        ] {
            assert_eq!(voice(tag), expected, "{tag}");
        }
    }

    #[test]
    fn the_old_name_of_hebrew_is_hebrew() {
        assert_eq!(candidates("iw-IL").collect::<Vec<_>>(), ["he-il", "he"]);
    }

    proptest! {
        /// What is looked for becomes the name of a directory.
        #[test]
        fn a_candidate_is_a_plain_name(tag in "\\PC{0,60}") {
            for candidate in candidates(&tag) {
                prop_assert!(candidate.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
                prop_assert!((1..=35).contains(&candidate.len()));
            }
        }
    }
}
