//! Where a claim's value comes from: a field, groups, aliases, an attribute, a constant, or a template over them.

use super::{Person, template::Template};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::str::FromStr;

/// The longest constant, name of an attribute and group's name in a filter, in bytes.
const LONGEST: usize = 1024;
/// Groups that a filter may name.
const MOST_NAMED: usize = 200;

/// Why a text or a setting can't be used, for the administrator who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadSource(pub String);

/// A field of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The user's id: never changes, is never given to another.
    Id,
    /// The user name as the administrator wrote it.
    Username,
    /// The mail address.
    Email,
    /// The full name.
    Realname,
    /// The first name.
    Firstname,
    /// The last name.
    Lastname,
    /// `active`, `bypass` or `disabled`.
    Status,
}

impl Field {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Id, Self::Username, Self::Email, Self::Realname, Self::Firstname, Self::Lastname, Self::Status];

    /// Its name in settings and templates.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Username => "username",
            Self::Email => "email",
            Self::Realname => "realname",
            Self::Firstname => "firstname",
            Self::Lastname => "lastname",
            Self::Status => "status",
        }
    }

    /// By its name.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == text)
    }
}

/// Which of a person's groups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GroupFilter {
    /// Only those whose names begin so.
    pub prefix: String,
    /// Whether that beginning is left away.
    pub strip: bool,
    /// Only these; empty: all.
    pub only: Vec<String>,
    /// Whether their ids are told, and not their names.
    pub ids: bool,
    /// What is made of each: a text in which `{}` is the name; empty: the name itself.
    pub each: String,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A field.
    Field(Field),
    /// The names of groups.
    Groups(GroupFilter),
    /// The aliases.
    Aliases,
    /// One of the user's own attributes.
    Attribute(String),
    /// The same for everybody: a text, a number, a truth value, or a list of texts.
    Constant(Value),
    /// A text with fields in it.
    Template(Template),
}

impl Default for Source {
    fn default() -> Self {
        Self::Field(Field::Username)
    }
}

impl Source {
    /// The value for a person; none where they have none, so that nothing empty is ever told.
    #[must_use]
    pub fn value(&self, person: &Person) -> Option<Value> {
        let text = |text: String| (!text.is_empty()).then_some(Value::String(text));
        let list = |list: Vec<String>| (!list.is_empty()).then(|| list.into_iter().map(Value::String).collect());
        match self {
            Self::Field(field) => text(person.field(*field)),
            Self::Groups(filter) => list(person.groups_by(filter)),
            Self::Aliases => list(person.aliases.clone()),
            Self::Attribute(name) => text(person.attribute(name)),
            Self::Constant(value) => Some(value.clone()),
            Self::Template(template) => template.fill(person).map(Value::String),
        }
    }

    /// Looks at what an administrator wrote.
    ///
    /// # Errors
    /// Says what can't be used.
    pub fn check(&self) -> Result<(), BadSource> {
        let bad = |why: &str| Err(BadSource(why.to_owned()));
        match self {
            Self::Groups(filter) => {
                let long = filter.only.iter().any(|name| name.len() > LONGEST) || filter.prefix.len() > LONGEST;
                if long || filter.only.len() > MOST_NAMED {
                    return bad("the filter of the groups is too long");
                }
                if filter.each.len() > LONGEST || (!filter.each.is_empty() && !filter.each.contains("{}")) {
                    return bad("what is made of each group has no {} for its name, or is too long");
                }
                if filter.strip && filter.prefix.is_empty() {
                    return bad("there is no prefix that could be left away");
                }
                Ok(())
            }
            Self::Attribute(name) if name.is_empty() || name.len() > LONGEST => bad("the attribute has no usable name"),
            Self::Constant(value) if !is_plain(value) => {
                bad("a constant is a text, a number, true, false, or a list of texts")
            }
            Self::Constant(value) if value.to_string().len() > LONGEST => bad("the constant is too long"),
            _ => Ok(()),
        }
    }
}

fn is_plain(value: &Value) -> bool {
    match value {
        Value::String(_) | Value::Number(_) | Value::Bool(_) => true,
        Value::Array(list) => list.iter().all(Value::is_string),
        Value::Null | Value::Object(_) => false,
    }
}

/// As an administrator writes it on the command line: `email`, `groups`, `groups:prefix=app-,strip`, `groups:only=a|b`, `groups:prefix=app-,strip,each=role/{}`, `aliases`,
/// `attribute:department`, `const:gold`, or a template such as `{username}@example.org`.
impl FromStr for Source {
    type Err = BadSource;

    fn from_str(text: &str) -> Result<Self, BadSource> {
        if let Some(field) = Field::named(text) {
            return Ok(Self::Field(field));
        }
        let (word, rest) = text.split_once(':').unwrap_or((text, ""));
        let source = match word {
            "aliases" if rest.is_empty() => Self::Aliases,
            "groups" => Self::Groups(filter(rest)?),
            "attribute" => Self::Attribute(rest.to_owned()),
            "const" => Self::Constant(Value::String(rest.to_owned())),
            _ if text.contains('{') => Self::Template(text.parse()?),
            _ => {
                return Err(BadSource(format!(
                    "`{text}` is none of: {}, groups, aliases, attribute:NAME, const:TEXT, or a template with {{username}} in it",
                    Field::ALL.map(Field::as_str).join(", ")
                )));
            }
        };
        source.check()?;
        Ok(source)
    }
}

fn filter(text: &str) -> Result<GroupFilter, BadSource> {
    let mut filter = GroupFilter::default();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        match part.split_once('=') {
            Some(("prefix", prefix)) => prefix.clone_into(&mut filter.prefix),
            Some(("only", names)) => filter.only = names.split('|').map(str::to_owned).collect(),
            // The last of them, because it may hold anything.
            Some(("each", _)) => {
                text.split_once("each=").map(|(_, each)| each).unwrap_or_default().clone_into(&mut filter.each);
                break;
            }
            None if part == "strip" => filter.strip = true,
            None if part == "ids" => filter.ids = true,
            _ => {
                return Err(BadSource(format!(
                    "groups take prefix=, strip, only=a|b, ids and each=; `{part}` is none of them"
                )));
            }
        }
    }
    Ok(filter)
}
