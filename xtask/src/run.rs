//! Commands of other programs: shown, run, and their failure reported.

use std::process::Command;

use anyhow::{Context, Result, bail};

/// Writes a line for whoever sits at the terminal; standard output is left to the programs that are run.
#[expect(clippy::print_stderr, reason = "a developer's command talks to the terminal")]
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}

/// Shows `command` and runs it to its end.
///
/// # Errors
/// It can't be started, or ends with another status than 0.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = show(command);
    say(&format!("$ {shown}"));
    let status = command.status().with_context(|| shown.clone())?;
    if !status.success() {
        bail!("{status}: {shown}");
    }
    Ok(())
}

/// Whether `command` runs and succeeds; its output is thrown away. For questions, not for work.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// The command as a shell would take it, with the variables that were set for it.
fn show(command: &Command) -> String {
    let mut words = Vec::new();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            words.push(format!("{}={}", name.to_string_lossy(), quoted(&value.to_string_lossy())));
        }
    }
    words.push(quoted(&command.get_program().to_string_lossy()));
    words.extend(command.get_args().map(|argument| quoted(&argument.to_string_lossy())));
    words.join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_a_shell_would_take_it() {
        let mut command = Command::new("cargo");
        command.args(["test", "a b", "it's", ""]).env("ENGINES", "sqlite,postgres").env_remove("GONE");
        assert_eq!(show(&command), r"ENGINES=sqlite,postgres cargo test 'a b' 'it'\''s' ''");
    }

    #[test]
    fn a_failure_is_an_error_and_names_the_command() {
        assert!(run(Command::new("sh").args(["-c", "exit 0"])).is_ok());
        let error = run(Command::new("sh").args(["-c", "exit 3"])).unwrap_err();
        assert!(error.to_string().contains("sh -c 'exit 3'"), "{error}");
    }
}
