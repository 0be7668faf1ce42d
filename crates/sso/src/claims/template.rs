//! Texts with fields in them: `{username}@example.org`, `{email|domain}`, `{attribute:site}-{lastname|lower}`.
//!
//! A field that is empty leaves nothing of the whole text: `@example.org` would be one name for everybody who has none.

use super::{Field, Person, source::BadSource};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The longest template, in bytes.
const LONGEST: usize = 1024;
/// The most parts of one.
const MOST: usize = 32;

/// A text with fields in it, read and found usable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Of(What, How),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Field(Field),
    Attribute(String),
}

/// What is made of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    AsIs,
    Lower,
    Upper,
    /// What stands before the last `@`.
    Local,
    /// What stands after it.
    Domain,
}

impl How {
    const ALL: [(Self, &'static str); 4] =
        [(Self::Lower, "lower"), (Self::Upper, "upper"), (Self::Local, "local"), (Self::Domain, "domain")];

    fn apply(self, text: &str) -> String {
        let halves = || text.rsplit_once('@');
        match self {
            Self::AsIs => text.to_owned(),
            Self::Lower => text.to_lowercase(),
            Self::Upper => text.to_uppercase(),
            Self::Local => halves().map_or(text, |(local, _)| local).to_owned(),
            Self::Domain => halves().map_or("", |(_, domain)| domain).to_owned(),
        }
    }
}

impl Template {
    /// The text for a person; none where one of its fields is empty.
    #[must_use]
    pub fn fill(&self, person: &Person) -> Option<String> {
        let mut filled = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Of(what, how) => {
                    let value = match what {
                        What::Field(field) => person.field(*field),
                        What::Attribute(name) => person.attribute(name),
                    };
                    let value = how.apply(&value);
                    if value.is_empty() {
                        return None;
                    }
                    filled.push_str(&value);
                }
            }
        }
        Some(filled)
    }
}

fn part(inside: &str) -> Result<Part, BadSource> {
    let (name, how) = match inside.split_once('|') {
        None => (inside, How::AsIs),
        Some((name, word)) => {
            let how = How::ALL.into_iter().find(|(_, known)| *known == word).map(|(how, _)| how);
            let unknown = || BadSource(format!("`{word}` in {{{inside}}} is none of: lower, upper, local, domain"));
            (name, how.ok_or_else(unknown)?)
        }
    };
    let what = match name.strip_prefix("attribute:") {
        Some(attribute) if !attribute.is_empty() => What::Attribute(attribute.to_owned()),
        _ => {
            let names = Field::ALL.map(Field::as_str).join(", ");
            let unknown = || BadSource(format!("`{name}` in {{{inside}}} is none of: {names}, attribute:NAME"));
            What::Field(Field::named(name).ok_or_else(unknown)?)
        }
    };
    Ok(Part::Of(what, how))
}

impl FromStr for Template {
    type Err = BadSource;

    fn from_str(text: &str) -> Result<Self, BadSource> {
        if text.len() > LONGEST {
            return Err(BadSource(format!("a template has at most {LONGEST} bytes")));
        }
        let (mut parts, mut plain) = (Vec::new(), String::new());
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let after = rest.get(c.len_utf8()..).unwrap_or_default();
            match c {
                '{' | '}' if after.starts_with(c) => {
                    plain.push(c);
                    rest = after.get(1..).unwrap_or_default();
                }
                '{' => {
                    let (inside, after) = after
                        .split_once('}')
                        .ok_or_else(|| BadSource(format!("a `{{` of `{text}` is never closed")))?;
                    if !plain.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut plain)));
                    }
                    parts.push(part(inside)?);
                    rest = after;
                }
                '}' => {
                    return Err(BadSource(format!(
                        "a `}}` of `{text}` closes nothing; write `}}}}` for the sign itself"
                    )));
                }
                _ => {
                    plain.push(c);
                    rest = after;
                }
            }
        }
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        if parts.len() > MOST {
            return Err(BadSource(format!("a template has at most {MOST} parts")));
        }
        Ok(Self(parts))
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.0 {
            match part {
                Part::Text(text) => f.write_str(&text.replace('{', "{{").replace('}', "}}"))?,
                Part::Of(what, how) => {
                    f.write_str("{")?;
                    match what {
                        What::Field(field) => f.write_str(field.as_str())?,
                        What::Attribute(name) => write!(f, "attribute:{name}")?,
                    }
                    if let Some((_, word)) = How::ALL.into_iter().find(|(known, _)| known == how) {
                        write!(f, "|{word}")?;
                    }
                    f.write_str("}")?;
                }
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for Template {
    type Error = BadSource;
    fn try_from(text: String) -> Result<Self, BadSource> {
        text.parse()
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.to_string()
    }
}
