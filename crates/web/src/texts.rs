//! Every text that a person reads, by language: Fluent catalogues in `texts/`, one folder for each language.
//!
//! To add a text: the same key in `texts/en` and `texts/fr` (a test compares them), in the file of its area. To add a language: a
//! folder, or at run time a file `de.ftl` in the directory that `web.texts_dir` names. Two keys say what it is: `language-name` (in the
//! language itself) and `language-direction` (`ltr` or `rtl`). What a catalogue lacks is said in English.
//!
//! Texts are texts: whatever is in them is escaped when a page is written.

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use std::{collections::BTreeMap, fs, path::Path, sync::Arc};
use unic_langid::LanguageIdentifier;

static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/texts.rs"));

/// Where every search ends.
const LAST: &str = "en";
/// A catalogue is text for people, not a disk.
const LARGEST: u64 = 1_048_576;

/// Why a catalogue can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TextsError {
    /// The directory or a file in it can't be read.
    #[error("can't read the texts in {path}: {source}")]
    Read {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The name of the file is no language.
    #[error("{0} is not the name of a language with .ftl behind it, such as de.ftl or pt-BR.ftl")]
    Language(String),
    /// The content isn't Fluent.
    #[error("{file} is not a Fluent catalogue: {first}")]
    Syntax {
        /// Which.
        file: String,
        /// The first mistake.
        first: String,
    },
    /// The language that everything falls back to is missing.
    #[error("there is no catalogue for {LAST}")]
    NoEnglish,
}

/// One language.
pub(crate) struct Catalogue {
    /// Its tag, such as `fr` (BCP 47).
    pub(crate) tag: String,
    /// What its speakers call it.
    pub(crate) name: String,
    /// Whether it is written from right to left.
    pub(crate) rtl: bool,
    bundle: FluentBundle<FluentResource>,
}

impl Catalogue {
    fn new(tag: &str, sources: Vec<(String, String)>) -> Result<Self, TextsError> {
        let id: LanguageIdentifier = tag.parse().map_err(|_| TextsError::Language(tag.to_owned()))?;
        let mut bundle = FluentBundle::new_concurrent(vec![id]);
        for (file, source) in sources {
            let resource = FluentResource::try_new(source).map_err(|(_, mistakes)| TextsError::Syntax {
                first: mistakes.first().map_or_else(String::new, ToString::to_string),
                file: file.clone(),
            })?;
            // A catalogue of the operator's stands over the built-in one, key by key.
            bundle.add_resource_overriding(resource);
        }
        let mut made = Self { tag: tag.to_owned(), name: tag.to_owned(), rtl: false, bundle };
        made.rtl = made.find("language-direction", None).is_some_and(|direction| direction == "rtl");
        // Marks of direction around names are needed where the text runs the other way, and only clutter copies elsewhere.
        made.bundle.set_use_isolating(made.rtl);
        if let Some(name) = made.find("language-name", None) {
            made.name = name;
        }
        Ok(made)
    }

    fn find(&self, key: &str, args: Option<&FluentArgs<'_>>) -> Option<String> {
        let pattern = self.bundle.get_message(key)?.value()?;
        let mut mistakes = Vec::new();
        Some(self.bundle.format_pattern(pattern, args, &mut mistakes).into_owned())
    }
}

/// All languages.
pub(crate) struct Texts {
    catalogues: BTreeMap<String, Arc<Catalogue>>,
    last: Arc<Catalogue>,
}

impl Texts {
    /// The built-in catalogues, and those of the operator's directory.
    pub(crate) fn read(directory: Option<&Path>) -> Result<Self, TextsError> {
        let mut sources: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
        for (file, bytes) in FILES {
            let Some((tag, _)) = file.split_once('/') else { return Err(TextsError::Language((*file).to_owned())) };
            let text = String::from_utf8_lossy(bytes).into_owned();
            sources.entry(tag.to_owned()).or_default().push(((*file).to_owned(), text));
        }
        if let Some(directory) = directory {
            for (tag, file, text) in of_directory(directory)? {
                sources.entry(tag).or_default().push((file, text));
            }
        }
        let mut catalogues = BTreeMap::new();
        for (tag, sources) in sources {
            catalogues.insert(tag.to_ascii_lowercase(), Arc::new(Catalogue::new(&tag, sources)?));
        }
        let last = catalogues.get(LAST).cloned().ok_or(TextsError::NoEnglish)?;
        Ok(Self { catalogues, last })
    }

    /// The languages, by tag.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Catalogue>> {
        self.catalogues.values()
    }

    /// The language with this tag, or the one that it is a variety of (`fr` for `fr-CA`).
    pub(crate) fn find(&self, tag: &str) -> Option<&Arc<Catalogue>> {
        // Longer tags than any that exists are somebody's play.
        let tag = tag.get(..35).unwrap_or(tag).trim().to_ascii_lowercase();
        self.catalogues.get(&tag).or_else(|| self.catalogues.get(tag.split(['-', '_']).next()?))
    }

    /// The first of `wanted` that there is; English when none is.
    pub(crate) fn choose<'a>(&self, wanted: impl IntoIterator<Item = &'a str>) -> Words {
        let found = wanted.into_iter().find_map(|tag| self.find(tag)).unwrap_or(&self.last);
        Words { chosen: Arc::clone(found), last: Arc::clone(&self.last) }
    }
}

fn of_directory(directory: &Path) -> Result<Vec<(String, String, String)>, TextsError> {
    let unreadable = |source| TextsError::Read { path: directory.display().to_string(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let file = path.display().to_string();
        if path.extension().is_none_or(|end| end != "ftl") {
            continue;
        }
        let tag = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        if tag.parse::<LanguageIdentifier>().is_err() {
            return Err(TextsError::Language(file));
        }
        let unreadable = |source| TextsError::Read { path: file.clone(), source };
        if fs::metadata(&path).map_err(unreadable)?.len() > LARGEST {
            return Err(TextsError::Syntax { file, first: "it is larger than a megabyte".to_owned() });
        }
        let text = fs::read_to_string(&path).map_err(unreadable)?;
        found.push((tag, file, text));
    }
    found.sort();
    Ok(found)
}

/// The languages that `Accept-Language` asks for, the dearest first (RFC 9110 §12.5.4).
pub(crate) fn accepted(header: &str) -> Vec<&str> {
    let mut wanted: Vec<(u16, &str)> = header
        .split(',')
        .take(20)
        .filter_map(|item| {
            let mut parts = item.split(';');
            let tag = parts.next()?.trim();
            let quality = parts.find_map(|part| part.trim().strip_prefix("q=")).map_or(Some(1000), thousandths)?;
            (!tag.is_empty() && quality > 0).then_some((quality, tag))
        })
        .collect();
    wanted.sort_by_key(|(quality, _)| std::cmp::Reverse(*quality));
    wanted.into_iter().map(|(_, tag)| tag).collect()
}

fn thousandths(text: &str) -> Option<u16> {
    let value: f32 = text.trim().parse().ok()?;
    (0.0..=1.0).contains(&value).then_some((value * 1000.0) as u16)
}

/// A language to speak in.
#[derive(Clone)]
pub(crate) struct Words {
    chosen: Arc<Catalogue>,
    last: Arc<Catalogue>,
}

impl Words {
    /// Its tag, for `lang`.
    #[must_use]
    pub(crate) fn tag(&self) -> &str {
        &self.chosen.tag
    }

    /// `ltr` or `rtl`, for `dir`.
    #[must_use]
    pub(crate) fn direction(&self) -> &'static str {
        if self.chosen.rtl { "rtl" } else { "ltr" }
    }

    /// The text with this key.
    #[must_use]
    pub(crate) fn say(&self, key: &str) -> String {
        self.find(key, None)
    }

    /// The text with this key, in which `$name` is `value`.
    #[must_use]
    pub(crate) fn with(&self, key: &str, name: &str, value: &str) -> String {
        self.filled(key, &[(name, value)])
    }

    /// The text with this key and several values.
    #[must_use]
    pub(crate) fn filled(&self, key: &str, values: &[(&str, &str)]) -> String {
        let mut args = FluentArgs::new();
        for (name, value) in values {
            args.set(*name, FluentValue::from(*value));
        }
        self.find(key, Some(&args))
    }

    /// The text with this key, in which `$count` is a number that the language may bend words by.
    #[must_use]
    pub(crate) fn count(&self, key: &str, count: u64) -> String {
        let mut args = FluentArgs::new();
        args.set("count", FluentValue::from(count));
        self.find(key, Some(&args))
    }

    fn find(&self, key: &str, args: Option<&FluentArgs<'_>>) -> String {
        let found = self.chosen.find(key, args).or_else(|| self.last.find(key, args));
        found.unwrap_or_else(|| {
            tracing::error!(key, "a text is missing");
            key.to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_wants_comes_first() {
        assert_eq!(accepted("fr-CA, fr;q=0.9, en;q=0.8, *;q=0.5"), ["fr-CA", "fr", "en", "*"]);
        assert_eq!(accepted("en;q=0.1,fr;q=0.2,de;q=0,;q=1,it;q=nonsense,es;q=2"), ["fr", "en"]);
        assert!(accepted("").is_empty());
        let texts = Texts::read(None).unwrap();
        assert_eq!(texts.choose(accepted("de, fr-CA;q=0.9, en;q=0.8")).tag(), "fr");
        assert_eq!(texts.choose(["xx", "!!", ""]).tag(), "en");
        assert_eq!(texts.choose(["ar"]).direction(), "rtl");
    }

    #[test]
    fn an_operators_catalogue_adds_a_language_and_overrides_single_texts() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("de.ftl"), "language-name = Deutsch\ncancel = Abbrechen\n").unwrap();
        fs::write(directory.path().join("fr.ftl"), "cancel = Laisser tomber\n").unwrap();
        fs::write(directory.path().join("notes.txt"), "not ours").unwrap();
        let texts = Texts::read(Some(directory.path())).unwrap();
        let german = texts.choose(["de-AT"]);
        assert_eq!((german.tag(), german.say("cancel").as_str()), ("de", "Abbrechen"));
        assert_eq!(german.say("help"), texts.choose(["en"]).say("help"));
        assert_eq!(texts.choose(["fr"]).say("cancel"), "Laisser tomber");
        fs::write(directory.path().join("not a language.ftl"), "").unwrap();
        assert!(matches!(Texts::read(Some(directory.path())), Err(TextsError::Language(_))));
    }

    #[test]
    fn a_catalogue_with_a_mistake_is_refused_at_the_start() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("de.ftl"), "= nothing\n").unwrap();
        assert!(matches!(Texts::read(Some(directory.path())), Err(TextsError::Syntax { .. })));
        assert!(matches!(Texts::read(Some(&directory.path().join("absent"))), Err(TextsError::Read { .. })));
    }

    proptest::proptest! {
        #[test]
        fn no_wish_for_a_language_breaks_anything(header in "\\PC{0,200}") {
            let texts = Texts::read(None).unwrap();
            let _ = texts.choose(accepted(&header)).say("help");
            let _ = texts.find(&header);
        }
    }
}
