//! What an import did, for the administrator.

use std::fmt::Write as _;

/// Kinds of things, in the order of the report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Groups,
    Users,
    Phones,
    Tokens,
    Policies,
    Integrations,
}

const KINDS: [(Kind, &str); 6] = [
    (Kind::Groups, "groups"),
    (Kind::Users, "users"),
    (Kind::Phones, "phones"),
    (Kind::Tokens, "tokens"),
    (Kind::Policies, "policies"),
    (Kind::Integrations, "integrations"),
];

/// Counts, and lines that name what needs somebody's attention.
#[derive(Default)]
pub(super) struct Report {
    made: [usize; KINDS.len()],
    there: [usize; KINDS.len()],
    cannot: Vec<String>,
    failed: Vec<String>,
    attention: Vec<String>,
}

impl Report {
    fn count(counts: &mut [usize; KINDS.len()], kind: Kind) {
        for (count, (known, _)) in counts.iter_mut().zip(KINDS) {
            *count += usize::from(known == kind);
        }
    }

    /// One was made, or would be.
    pub(super) fn made(&mut self, kind: Kind) {
        Self::count(&mut self.made, kind);
    }

    /// One was there already.
    pub(super) fn there(&mut self, kind: Kind) {
        Self::count(&mut self.there, kind);
    }

    /// Something that can't come along, whatever is done.
    pub(super) fn cannot(&mut self, line: String) {
        self.cannot.push(line);
    }

    /// Something that should have come along and didn't.
    pub(super) fn failed(&mut self, line: String) {
        self.failed.push(line);
    }

    /// Something that came along and needs a look.
    pub(super) fn attention(&mut self, line: String) {
        self.attention.push(line);
    }

    /// How much should have come along and didn't.
    pub(super) const fn failures(&self) -> usize {
        self.failed.len()
    }

    #[cfg(test)]
    pub(super) fn counts(&self, kind: Kind) -> (usize, usize) {
        let of =
            |counts: &[usize]| counts.iter().zip(KINDS).filter(|(_, (known, _))| *known == kind).map(|(n, _)| *n).sum();
        (of(&self.made), of(&self.there))
    }

    /// The whole report.
    pub(super) fn text(&self, dry: bool) -> String {
        let mut text = String::new();
        let verb = if dry { "would be made" } else { "made" };
        for (((_, name), made), there) in KINDS.iter().zip(self.made).zip(self.there) {
            // Writing to a String does not fail.
            let _ = writeln!(text, "{name:13} {made} {verb}, {there} there already");
        }
        for (title, lines) in [
            ("Could not be brought over:", &self.failed),
            ("Cannot come along, because Duo gives it to nobody:", &self.cannot),
            ("Needs a look:", &self.attention),
        ] {
            if !lines.is_empty() {
                let _ = writeln!(text, "\n{title}");
            }
            for line in lines {
                // The other account's names and words go to a terminal here.
                let line: String = line.chars().filter(|c| !c.is_control()).collect();
                let _ = writeln!(text, "  {line}");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_account_says_does_nothing_to_the_terminal() {
        let mut report = Report::default();
        report.failed("user \u{1b}[2J\u{7}eve\n: x".to_owned());
        let text = report.text(false);
        assert!(text.contains("user [2Jeve: x") && text.chars().all(|c| c == '\n' || !c.is_control()));
    }
}
