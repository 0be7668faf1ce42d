//! How the demo speaks: one line a login, in columns, and nothing else.

use super::duo::Told;
use crate::cli::say;

/// Letters of the widest name, of the longest question, and of the longest result.
const WHO: usize = 6;
const ASKED: usize = 45;
const RESULT: usize = 6;

/// Counts what went as it should.
#[derive(Default)]
pub(super) struct Show {
    logins: usize,
    wrong: usize,
}

/// What a login should be told.
pub(super) struct Expected {
    result: &'static str,
    status: &'static str,
}

/// In.
pub(super) const ALLOW: Expected = Expected { result: "allow", status: "allow" };
/// Out, at preauth already.
pub(super) const DENY_AT_ONCE: Expected = Expected { result: "deny", status: "" };

/// Out, with this status.
pub(super) const fn deny(status: &'static str) -> Expected {
    Expected { result: "deny", status }
}

impl Show {
    /// The heads of the columns.
    pub(super) fn heads(&self) -> anyhow::Result<()> {
        say(&format!("    {:WHO$} {:ASKED$} is told\n", "who", "signs in with"))
    }

    /// One login: who, with what, what the answer was, and whether it was the right one.
    pub(super) fn login(
        &mut self,
        who: &str,
        asked: &str,
        told: &anyhow::Result<Told>,
        expected: &Expected,
    ) -> anyhow::Result<()> {
        self.logins += 1;
        let failed;
        let (told, right) = match told {
            Ok(told) => (told, told.result == expected.result && told.status == expected.status),
            Err(error) => {
                failed = Told { result: "error".to_owned(), status: String::new(), message: error.to_string() };
                (&failed, false)
            }
        };
        let mark = if right { '✓' } else { '✗' };
        say(&format!("  {mark} {who:WHO$} {asked:ASKED$} {:RESULT$} {}\n", told.result, told.message))?;
        if !right {
            self.wrong += 1;
            let indent = " ".repeat(WHO + 5);
            say(&format!("{indent}expected {} {}, got {}\n", expected.result, expected.status, told.status))?;
        }
        Ok(())
    }

    /// What came to somebody's telephone.
    pub(super) fn message(&self, text: &str) -> anyhow::Result<()> {
        let indent = " ".repeat(WHO + 5);
        let mut lines = text.lines();
        say(&format!("{indent}┌ {}\n", lines.next().unwrap_or_default()))?;
        lines.try_for_each(|line| say(&format!("{indent}│ {}\n", line.trim_start())))
    }

    /// How many logins were shown, and how many of them went wrong.
    pub(super) const fn counted(&self) -> (usize, usize) {
        (self.logins, self.wrong)
    }
}
