//! Sound of text.
//!
//! Sentences come from the synthesiser and are kept for the next call, as long as their text is no secret. A code is never given to
//! the synthesiser: its digits are single sounds, made once for each language, and put together here.

pub mod language;
mod program;
mod recordings;
mod resample;
pub mod wav;

use crate::{RATE, Sound};
use program::Program;
use quick_cache::{Weighter, sync::Cache};
use recordings::Recordings;
use std::{future::Future, io, path::PathBuf, pin::Pin};
use tokio::sync::Semaphore;
use types::SecretString;
use wav::WavError;

/// Quieter than this is silence.
const AUDIBLE: u16 = 100;
/// Between two characters of a code: time to type one.
const BETWEEN_CHARACTERS: usize = RATE as usize * 45 / 100;
/// The longest code.
const MOST_CHARACTERS: usize = 32;
/// So many samples of sentences are kept: 16 MiB.
const KEPT: u64 = 8 * 1_024 * 1_024;

/// How speech is made.
#[derive(Clone, Debug)]
pub struct SpeechSettings {
    /// The synthesiser: `espeak-ng`, looked for in `/usr/local/bin` and `/usr/bin`, or the path of a program that takes the same
    /// arguments.
    pub program: PathBuf,
    /// How fast it speaks, words a minute: 80 to 250.
    pub words_a_minute: u16,
    /// Recorded digits: a directory for each language.
    pub recordings: Option<PathBuf>,
}

impl Default for SpeechSettings {
    fn default() -> Self {
        Self { program: PathBuf::from("espeak-ng"), words_a_minute: 130, recordings: None }
    }
}

/// Why there is no sound. It never repeats what was to be said.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpeechError {
    /// The synthesiser can't be started.
    #[error("the speech program can't be started: {0}")]
    Start(#[source] io::Error),
    /// It failed.
    #[error("the speech program failed")]
    Program,
    /// It took too long.
    #[error("the speech program took too long")]
    Slow,
    /// What it wrote, or a recording, is not sound that can be used.
    #[error(transparent)]
    Sound(WavError),
    /// Nothing can be heard.
    #[error("the speech program has no sound for this text")]
    Silent,
    /// The text is too long.
    #[error("the text is too long to be spoken")]
    TooMuch,
    /// A code with other characters than letters and digits, or with none.
    #[error("only letters and digits can be spelled")]
    Characters,
    /// The recordings can't be read.
    #[error("recorded digits, {place}: {source}")]
    Recordings {
        /// Which file.
        place: String,
        /// Why.
        source: io::Error,
    },
}

/// A sound in the making.
pub type Speaking<'a> = Pin<Box<dyn Future<Output = Result<Sound, SpeechError>> + Send + 'a>>;

/// What speaks: `espeak-ng`, or something in its place.
pub trait Synthesiser: Send + Sync {
    /// Speaks a text with a voice of [`language`]'s table.
    fn speak<'a>(&'a self, voice: &'static str, text: &'a str) -> Speaking<'a>;
}

/// Makes sound of text.
pub struct Speech {
    program: Box<dyn Synthesiser>,
    recordings: Recordings,
    kept: Cache<(&'static str, String), Sound, Samples>,
    /// One file is read at a time.
    reading: Semaphore,
}

#[derive(Clone)]
struct Samples;

impl Weighter<(&'static str, String), Sound> for Samples {
    fn weight(&self, (_, text): &(&'static str, String), sound: &Sound) -> u64 {
        (sound.len() + text.len()) as u64
    }
}

impl Speech {
    /// Reads the recordings. The synthesiser is started when there is something to say ([`Speech::check`] tries it).
    pub fn new(settings: SpeechSettings) -> Result<Self, SpeechError> {
        let program = Program::new(found(settings.program), settings.words_a_minute.clamp(80, 250));
        let mut speech = Self::by(program);
        if let Some(directory) = &settings.recordings {
            speech.recordings = Recordings::read(directory)?;
        }
        Ok(speech)
    }

    /// Spoken by something else, and without recordings.
    #[must_use]
    pub fn by(synthesiser: impl Synthesiser + 'static) -> Self {
        Self {
            program: Box::new(synthesiser),
            recordings: Recordings::default(),
            kept: Cache::with_weighter(1_000, KEPT, Samples),
            reading: Semaphore::const_new(1),
        }
    }

    /// Says a word to nobody, to learn whether the synthesiser is there.
    pub async fn check(&self) -> Result<(), SpeechError> {
        self.spell(&SecretString::new("0".to_owned()), language::FALLBACK).await.map(drop)
    }

    /// A sentence that is no secret: it is kept, and made only once. In English where the language (BCP 47) has no voice.
    pub async fn say(&self, text: &str, language: &str) -> Result<Sound, SpeechError> {
        let key = (voice(language), text.to_owned());
        if let Some(sound) = self.kept.get(&key) {
            return Ok(sound);
        }
        let sound = self.program.speak(key.0, text).await?;
        self.kept.insert(key, Sound::clone(&sound));
        Ok(sound)
    }

    /// The same for a text that others have written, and that may hold a secret: it is not kept.
    pub async fn say_once(&self, text: &str, language: &str) -> Result<Sound, SpeechError> {
        self.program.speak(voice(language), text).await
    }

    /// The sound of a file that others have made (WAV), of at most so many samples. A long file at a high rate is seconds of work: it is
    /// done beside the runtime, one file at a time.
    pub async fn of_file(&self, file: impl AsRef<[u8]> + Send + 'static, longest: usize) -> Result<Sound, SpeechError> {
        let _turn = self.reading.acquire().await.map_err(|_| SpeechError::Program)?;
        let read = tokio::task::spawn_blocking(move || wav::read(file.as_ref(), longest)).await;
        read.map_err(|_| SpeechError::Program)?.map_err(SpeechError::Sound)
    }

    /// A code, character by character with time to type each, all of it in one language: the one that is asked for (BCP 47), by
    /// recordings or by the synthesiser, or else English. The synthesiser is asked for single characters only.
    pub async fn spell(&self, code: &SecretString, language: &str) -> Result<Sound, SpeechError> {
        let text = code.expose();
        if !(1..=MOST_CHARACTERS).contains(&text.len()) || !text.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(SpeechError::Characters);
        }
        let recorded = self.recordings.all_of(text, language);
        let characters = match (recorded, language::voice(language)) {
            (Some(sounds), _) => sounds,
            (None, Some(voice)) => self.characters(text, voice).await?,
            (None, None) => match self.recordings.all_of(text, language::FALLBACK) {
                Some(sounds) => sounds,
                None => self.characters(text, voice(language::FALLBACK)).await?,
            },
        };
        let mut sound = Vec::with_capacity(characters.iter().map(|one| one.len() + BETWEEN_CHARACTERS).sum());
        for (place, character) in characters.iter().enumerate() {
            if place > 0 {
                sound.resize(sound.len() + BETWEEN_CHARACTERS, 0);
            }
            sound.extend_from_slice(character);
        }
        Ok(sound.into())
    }

    async fn characters(&self, text: &str, voice: &'static str) -> Result<Vec<Sound>, SpeechError> {
        // All that this alphabet has are asked for, not those of the code: so the order in which the synthesiser is started, and
        // what is kept, tell nothing of a code.
        let letters = text.bytes().any(|b| b.is_ascii_alphabetic());
        let mut alphabet = Vec::new();
        for character in ('0'..='9').chain('A'..='Z').take(if letters { 36 } else { 10 }) {
            let key = (voice, character.to_string());
            let sound = match self.kept.get(&key) {
                Some(sound) => sound,
                None => {
                    let sound: Sound = trimmed(&self.program.speak(voice, &key.1).await?).into();
                    self.kept.insert(key, Sound::clone(&sound));
                    sound
                }
            };
            alphabet.push((character, sound));
        }
        let sound_of = |c: char| alphabet.iter().find(|(known, _)| known.eq_ignore_ascii_case(&c));
        text.chars().map(|c| sound_of(c).map(|(_, sound)| Sound::clone(sound)).ok_or(SpeechError::Characters)).collect()
    }
}

/// Sounds one after the other, with so much silence between them.
#[must_use]
pub fn joined<'a>(sounds: impl IntoIterator<Item = &'a Sound>, pause: std::time::Duration) -> Sound {
    let pause = usize::try_from(pause.as_millis()).unwrap_or(0).min(10_000) * RATE as usize / 1_000;
    let mut all = Vec::new();
    for (place, sound) in sounds.into_iter().enumerate() {
        if place > 0 {
            all.resize(all.len() + pause, 0);
        }
        all.extend_from_slice(sound);
    }
    all.into()
}

fn voice(language: &str) -> &'static str {
    language::voice(language).or_else(|| language::voice(language::FALLBACK)).unwrap_or("en")
}

/// A bare name is looked for where systems install programs, whatever the environment says.
fn found(program: PathBuf) -> PathBuf {
    if program.components().count() > 1 {
        return program;
    }
    let places = ["/usr/local/bin", "/usr/bin"].map(|place| std::path::Path::new(place).join(&program));
    places.into_iter().find(|place| place.is_file()).unwrap_or(program)
}

/// Without the silence at both ends.
fn trimmed(sound: &[i16]) -> &[i16] {
    let loud = |sample: &i16| sample.unsigned_abs() >= AUDIBLE;
    match (sound.iter().position(loud), sound.iter().rposition(loud)) {
        (Some(first), Some(last)) => sound.get(first..=last).unwrap_or_default(),
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs,
        sync::{Arc, Mutex},
        time::Duration,
    };

    /// Sounds as long as the text, in tens of samples.
    #[derive(Clone, Default)]
    struct Ten(Arc<Mutex<Vec<String>>>);

    impl Synthesiser for Ten {
        fn speak<'a>(&'a self, voice: &'static str, text: &'a str) -> Speaking<'a> {
            self.0.lock().unwrap().push(format!("{voice} {text}"));
            Box::pin(async move { Ok(vec![16_705; text.len() * 10].into()) })
        }
    }

    impl Ten {
        fn heard(&self) -> Vec<String> {
            self.0.lock().unwrap().clone()
        }
    }

    fn code(text: &str) -> SecretString {
        SecretString::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_sentence_is_made_once_and_a_secret_one_is_not_kept() {
        let ten = Ten::default();
        let speech = Speech::by(ten.clone());
        let first = speech.say("Hello.", "fr-CA").await.unwrap();
        assert_eq!(first.len(), 60);
        assert!(Arc::ptr_eq(&first, &speech.say("Hello.", "fr").await.unwrap()));
        speech.say_once("Your code is 12.", "en").await.unwrap();
        speech.say_once("Your code is 12.", "en").await.unwrap();
        assert_eq!(ten.heard(), ["fr-fr Hello.", "en-us Your code is 12.", "en-us Your code is 12."]);
    }

    #[tokio::test]
    async fn a_code_is_put_together_here() {
        let ten = Ten::default();
        let speech = Speech::by(ten.clone());
        let sound = speech.spell(&code("907"), "de").await.unwrap();
        assert_eq!(sound.len(), 3 * 10 + 2 * BETWEEN_CHARACTERS);
        let digits: Vec<String> = (0..10).map(|digit| format!("de {digit}")).collect();
        assert_eq!(ten.heard(), digits, "all ten, whatever the code");
        speech.spell(&code("123456"), "de-AT").await.unwrap();
        assert_eq!(ten.heard().len(), 10, "kept");
        for wrong in ["", "1 2", "1;2", &"1".repeat(33)] {
            assert!(matches!(speech.spell(&code(wrong), "de").await, Err(SpeechError::Characters)));
        }
    }

    #[tokio::test]
    async fn a_language_without_a_voice_has_recordings_or_english() {
        let dir = tempfile::tempdir().unwrap();
        let ten = Ten::default();
        let speech = Speech::by(ten.clone());
        speech.spell(&code("1"), "he").await.unwrap();
        assert_eq!(ten.heard().first().map(String::as_str), Some("en-us 0"));
        let he = dir.path().join("recordings/he");
        fs::create_dir_all(&he).unwrap();
        for digit in 0..10_i16 {
            fs::write(he.join(format!("{digit}.wav")), wav::write(&[5_000 + digit; 30])).unwrap();
        }
        let settings = SpeechSettings {
            program: dir.path().join("nothing"),
            recordings: Some(dir.path().join("recordings")),
            ..SpeechSettings::default()
        };
        let speech = Speech::new(settings).unwrap();
        let sound = speech.spell(&code("37"), "he-IL").await.unwrap();
        assert_eq!((sound[0], sound[sound.len() - 1]), (5_003, 5_007));
        assert!(
            speech.spell(&code("3a"), "he-IL").await.is_err(),
            "no letters were recorded, and no synthesiser is there"
        );
        assert!(speech.check().await.is_err());
    }

    #[test]
    fn joining_and_trimming() {
        let (one, two): (Sound, Sound) = ([7; 8].into(), [9; 4].into());
        let all = joined([&one, &two], Duration::from_millis(1));
        assert_eq!(all.len(), 8 + 8 + 4);
        assert_eq!(trimmed(&[0, 5, 200, -300, 0, 400, 3]), [200, -300, 0, 400]);
        assert!(trimmed(&[0, 5]).is_empty());
    }

    #[test]
    fn a_bare_name_is_looked_for_in_the_systems_places_only() {
        assert_eq!(found(PathBuf::from("/opt/speak")), PathBuf::from("/opt/speak"));
        assert_eq!(found(PathBuf::from("cat")), PathBuf::from("/usr/bin/cat"));
        assert_eq!(found(PathBuf::from("no-such-program")), PathBuf::from("no-such-program"));
    }
}
