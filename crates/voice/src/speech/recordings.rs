//! Digits that somebody has recorded, for languages that the synthesiser doesn't speak.
//!
//! A directory holds a directory for each language (`he`, `pt-br`), and that a WAV file for each character: `0.wav` to `9.wav`, and
//! `a.wav` to `z.wav` where codes with letters are read out. All of it is read at the start.

use super::{SpeechError, language, trimmed, wav};
use crate::{RATE, Sound};
use std::{collections::HashMap, fs, io, path::Path};

/// So many languages are read.
const MOST_LANGUAGES: usize = 100;
/// A character's file may be so long, in bytes …
const MOST_BYTES: u64 = 2 * 1_024 * 1_024;
/// … and last so long, in seconds.
const MOST_SECONDS: usize = 5;

#[derive(Default)]
pub(super) struct Recordings(HashMap<String, HashMap<char, Sound>>);

impl Recordings {
    /// Reads all of them. A language that lacks a digit is an error: it would be noticed in a call.
    pub(super) fn read(directory: &Path) -> Result<Self, SpeechError> {
        let failed = |source| SpeechError::Recordings { place: directory.display().to_string(), source };
        let mut languages = HashMap::new();
        for entry in fs::read_dir(directory).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().into_string().unwrap_or_default();
            if !entry.path().is_dir() || name.starts_with('.') {
                continue;
            }
            let Some(tag) = language::candidates(&name).next().filter(|tag| *tag == name.to_ascii_lowercase()) else {
                return Err(refused(&name, "is not the name of a language"));
            };
            if languages.len() == MOST_LANGUAGES {
                return Err(refused(&name, "is one language too many"));
            }
            languages.insert(tag, characters(&entry.path(), &name)?);
        }
        Ok(Self(languages))
    }

    /// The sound of each character of `text`, in this very language or the one that it is a kind of.
    pub(super) fn all_of(&self, text: &str, tag: &str) -> Option<Vec<Sound>> {
        let recorded = language::candidates(tag).find_map(|tag| self.0.get(&tag))?;
        text.chars().map(|c| recorded.get(&c.to_ascii_lowercase()).cloned()).collect()
    }
}

fn characters(directory: &Path, name: &str) -> Result<HashMap<char, Sound>, SpeechError> {
    let mut sounds = HashMap::new();
    for character in ('0'..='9').chain('a'..='z') {
        let path = directory.join(format!("{character}.wav"));
        let length = match fs::metadata(&path) {
            Ok(found) => found.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound && character.is_ascii_alphabetic() => continue,
            Err(source) => return Err(SpeechError::Recordings { place: path.display().to_string(), source }),
        };
        if length > MOST_BYTES {
            return Err(refused(&format!("{name}/{character}.wav"), "is too long"));
        }
        let file =
            fs::read(&path).map_err(|source| SpeechError::Recordings { place: path.display().to_string(), source })?;
        let sound = wav::read(&file, MOST_SECONDS * RATE as usize).map_err(SpeechError::Sound)?;
        let sound = trimmed(&sound);
        if sound.is_empty() {
            return Err(refused(&format!("{name}/{character}.wav"), "is silent"));
        }
        sounds.insert(character, sound.into());
    }
    Ok(sounds)
}

fn refused(place: &str, why: &'static str) -> SpeechError {
    SpeechError::Recordings { place: place.to_owned(), source: io::Error::other(why) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(directory: &Path, language: &str, characters: &str) {
        let place = directory.join(language);
        fs::create_dir_all(&place).unwrap();
        for character in characters.chars() {
            let loud = 1_000 + i16::try_from(u32::from(character)).unwrap();
            fs::write(place.join(format!("{character}.wav")), wav::write(&[0, 0, loud, loud, 0])).unwrap();
        }
    }

    #[test]
    fn a_directory_of_digits() {
        let dir = tempfile::tempdir().unwrap();
        record(dir.path(), "he", "0123456789");
        fs::write(dir.path().join("README"), "who spoke").unwrap();
        let recordings = Recordings::read(dir.path()).unwrap();
        let digits = recordings.all_of("09", "iw-IL").unwrap();
        assert_eq!(*digits[0], [1_048, 1_048], "without the silence around it");
        assert_eq!(*digits[1], [1_057, 1_057]);
        assert!(recordings.all_of("0a", "he").is_none());
        assert!(recordings.all_of("09", "en").is_none());
    }

    #[test]
    fn what_would_be_noticed_in_a_call_is_refused_at_the_start() {
        let dir = tempfile::tempdir().unwrap();
        record(dir.path(), "he", "012345678");
        assert!(matches!(Recordings::read(dir.path()), Err(SpeechError::Recordings { .. })), "9 is missing");
        record(dir.path(), "he", "9");
        assert!(Recordings::read(dir.path()).is_ok());
        fs::write(dir.path().join("he/4.wav"), wav::write(&[0; 800])).unwrap();
        assert!(Recordings::read(dir.path()).is_err(), "silent");
        fs::write(dir.path().join("he/4.wav"), "text").unwrap();
        assert!(matches!(Recordings::read(dir.path()), Err(SpeechError::Sound(_))));
        let other = tempfile::tempdir().unwrap();
        record(other.path(), "he;x", "0123456789");
        assert!(Recordings::read(other.path()).is_err(), "no language's name");
        assert!(Recordings::read(&dir.path().join("nothing")).is_err());
    }
}
