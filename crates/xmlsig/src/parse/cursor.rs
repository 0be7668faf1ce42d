//! A place in the source.

pub(super) struct Cursor<'s> {
    rest: &'s str,
}

impl<'s> Cursor<'s> {
    pub(super) const fn new(source: &'s str) -> Self {
        Self { rest: source }
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn starts_with(&self, text: &str) -> bool {
        self.rest.starts_with(text)
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let next = characters.next()?;
        self.rest = characters.as_str();
        Some(next)
    }

    pub(super) fn eat(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Takes the opening quotation mark of a value.
    pub(super) fn quote(&mut self) -> Option<char> {
        let quote = self.peek().filter(|character| matches!(character, '"' | '\''))?;
        self.next();
        Some(quote)
    }

    pub(super) fn take_while(&mut self, fits: impl Fn(char) -> bool) -> &'s str {
        let end = self.rest.find(|character| !fits(character)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Skips white space and says whether there was some.
    pub(super) fn skip_space(&mut self) -> bool {
        let rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let skipped = rest.len() != self.rest.len();
        self.rest = rest;
        skipped
    }
}
