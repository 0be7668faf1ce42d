//! The synthesiser: a program that reads text and writes a WAV file.
//!
//! It is another program and stays one: nothing of it is linked. The text goes in by its standard input, so no list of processes
//! shows it; there is no shell, no environment, and nothing of ours stands open to it.

use super::{Speaking, SpeechError, Synthesiser, wav};
use crate::{RATE, Sound};
use std::{path::PathBuf, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Command,
    sync::Semaphore,
};

/// It needs a thirtieth of a second for a sentence.
const LONGEST: Duration = Duration::from_secs(8);
/// So many run at once; the others wait.
const AT_ONCE: usize = 2;
/// The most text, in bytes.
const MOST_TEXT: usize = 4_096;
/// The most sound of one text, in seconds.
pub(super) const MOST_SECONDS: usize = 60;
/// The most that is read of it, in bytes: a minute at 22,050 samples a second.
const MOST_BYTES: u64 = 60 * 22_050 * 2 + 4_096;

/// The program, and how it is spoken to.
pub(super) struct Program {
    path: PathBuf,
    words_a_minute: u16,
    running: Semaphore,
}

impl Program {
    pub(super) fn new(path: PathBuf, words_a_minute: u16) -> Self {
        Self { path, words_a_minute, running: Semaphore::new(AT_ONCE) }
    }

    async fn sound(&self, voice: &'static str, text: &str) -> Result<Sound, SpeechError> {
        let text = speakable(text)?;
        let _turn = self.running.acquire().await.map_err(|_| SpeechError::Program)?;
        let file = tokio::time::timeout(LONGEST, self.run(voice, &text)).await.map_err(|_| SpeechError::Slow)??;
        // Resampling is work for a thread, not for the runtime.
        let read = tokio::task::spawn_blocking(move || wav::read(&file, MOST_SECONDS * RATE as usize)).await;
        let sound = read.map_err(|_| SpeechError::Program)?.map_err(SpeechError::Sound)?;
        if sound.iter().all(|sample| sample.unsigned_abs() < super::AUDIBLE) {
            Err(SpeechError::Silent)
        } else {
            Ok(sound)
        }
    }

    async fn run(&self, voice: &str, text: &str) -> Result<Vec<u8>, SpeechError> {
        let mut child = Command::new(&self.path)
            .args(["-v", voice, "-s", &self.words_a_minute.to_string(), "-b", "1", "--stdin", "--stdout"])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(SpeechError::Start)?;
        let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(SpeechError::Program);
        };
        let write = async {
            // A program that stops reading says so by its end.
            let _ = input.write_all(text.as_bytes()).await;
            let _ = input.write_all(b"\n").await;
            drop(input);
        };
        let read = async {
            let mut file = Vec::new();
            output.take(MOST_BYTES).read_to_end(&mut file).await.map(|_| file)
        };
        let ((), file) = tokio::join!(write, read);
        let file = file.map_err(|_| SpeechError::Program)?;
        if file.len() as u64 >= MOST_BYTES {
            return Err(SpeechError::Sound(wav::WavError::TooLong));
        }
        let status = child.wait().await.map_err(|_| SpeechError::Program)?;
        if status.success() { Ok(file) } else { Err(SpeechError::Program) }
    }
}

impl Synthesiser for Program {
    fn speak<'a>(&'a self, voice: &'static str, text: &'a str) -> Speaking<'a> {
        Box::pin(self.sound(voice, text))
    }
}

/// Text without what the synthesiser takes for orders: `[[…]]` are sounds in its own alphabet, and `<` may begin markup.
fn speakable(text: &str) -> Result<String, SpeechError> {
    if text.len() > MOST_TEXT {
        return Err(SpeechError::TooMuch);
    }
    let text: String = text
        .chars()
        .map(|c| if c.is_control() || matches!(c, '[' | ']' | '<' | '>' | '\u{1}' | '\\' | '|') { ' ' } else { c })
        .collect();
    if text.trim().is_empty() { Err(SpeechError::Silent) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{os::unix::fs::PermissionsExt as _, path::Path};

    /// A synthesiser of our own: a script. It is copied by another process, because a file that some thread's child still holds
    /// open for writing can't be started.
    fn program(dir: &Path, script: &str) -> Program {
        let (text, path) = (dir.join("script"), dir.join("speak"));
        std::fs::write(&text, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&text, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(std::process::Command::new("/bin/cp").args([&text, &path]).status().unwrap().success());
        Program::new(path, 130)
    }

    #[tokio::test]
    async fn text_goes_in_by_standard_input_and_nowhere_else() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("sound"), wav::write(&[3_000; 800])).unwrap();
        let at = dir.path().display();
        let program = program(
            dir.path(),
            &format!("echo \"$@\" >{at}/arguments; env >{at}/environment; cat >{at}/text; exec cat {at}/sound"),
        );
        let sound = program.speak("en-us", "Hello [[h@l'oU]] <b>there</b>").await.unwrap();
        assert_eq!(*sound, [3_000; 800]);
        let read = |name| std::fs::read_to_string(dir.path().join(name)).unwrap();
        assert_eq!(read("arguments"), "-v en-us -s 130 -b 1 --stdin --stdout\n");
        assert_eq!(read("text"), "Hello   h@l'oU    b there /b \n");
        assert!(!read("environment").contains("CARGO"), "nothing of ours");
    }

    #[tokio::test]
    async fn a_program_that_fails_or_says_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let failing = program(dir.path(), "exit 3");
        assert!(matches!(failing.speak("en-us", "x").await, Err(SpeechError::Program | SpeechError::Start(_))));
        let garbled = program(dir.path(), "echo hello");
        assert!(matches!(garbled.speak("en-us", "x").await, Err(SpeechError::Sound(wav::WavError::NotWav))));
        std::fs::write(dir.path().join("sound"), wav::write(&[0; 800])).unwrap();
        let silent = program(dir.path(), &format!("exec cat {}/sound", dir.path().display()));
        assert!(matches!(silent.speak("he", "x").await, Err(SpeechError::Silent)));
        let endless = program(dir.path(), "exec cat /dev/zero");
        assert!(matches!(endless.speak("en-us", "x").await, Err(SpeechError::Sound(wav::WavError::TooLong))));
        let missing = Program::new(dir.path().join("nothing"), 130);
        assert!(matches!(missing.speak("en-us", "x").await, Err(SpeechError::Start(_))));
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_ended() {
        let dir = tempfile::tempdir().unwrap();
        let hanging = program(dir.path(), "exec sleep 1000");
        tokio::time::pause();
        assert!(matches!(hanging.speak("en-us", "x").await, Err(SpeechError::Slow)));
    }

    #[test]
    fn limits_of_text() {
        assert!(matches!(speakable(&"a".repeat(4_097)), Err(SpeechError::TooMuch)));
        assert!(matches!(speakable(" [[]] \n"), Err(SpeechError::Silent)));
    }
}
