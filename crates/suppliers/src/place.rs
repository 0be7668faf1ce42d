//! Where something stands in an answer or in a receipt.

use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;

/// No id, state or error code is longer, in bytes.
pub(crate) const LONGEST: usize = 256;
/// A receipt has no more items.
const MOST: usize = 1_000;

/// Where a value stands.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Place {
    /// A JSON pointer (RFC 6901): `/messages/0/id`. A form is read as an object of texts: `/MessageUUID`.
    Pointer(Pointer),
    /// Between two marks of a text that is no JSON, `{ after = "ID: ", before = "\n" }`; without `before` up to the next space.
    Between(Between),
}

/// A text between marks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Between {
    /// What stands before the value.
    pub after: String,
    /// What stands behind it.
    #[serde(default)]
    pub before: Option<String>,
}

/// A JSON pointer. A segment `*` stands for every item of a list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Pointer(Vec<String>);

/// What is wrong with a pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a JSON pointer begins with /")]
pub struct InvalidPointer;

impl TryFrom<String> for Pointer {
    type Error = InvalidPointer;

    fn try_from(text: String) -> Result<Self, InvalidPointer> {
        if text.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let rest = text.strip_prefix('/').ok_or(InvalidPointer)?;
        Ok(Self(rest.split('/').map(|segment| segment.replace("~1", "/").replace("~0", "~")).collect()))
    }
}

impl Pointer {
    /// A pointer that this program writes itself; one without its `/` points nowhere.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self::try_from(text.to_owned()).unwrap_or_else(|InvalidPointer| Self(vec![text.to_owned()]))
    }

    /// Everything that it points to, in order.
    #[must_use]
    pub fn all<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        let mut found = vec![value];
        for segment in &self.0 {
            let mut next = Vec::new();
            for value in found {
                match value {
                    Value::Array(list) if segment == "*" => next.extend(list.iter().take(MOST)),
                    Value::Array(list) => next.extend(segment.parse().ok().and_then(|at: usize| list.get(at))),
                    Value::Object(object) => next.extend(object.get(segment)),
                    _ => {}
                }
            }
            next.truncate(MOST);
            found = next;
        }
        found
    }

    /// The first text, number or truth value that it points to.
    #[must_use]
    pub fn text<'a>(&self, value: &'a Value) -> Option<Cow<'a, str>> {
        self.all(value).into_iter().find_map(|value| match value {
            Value::String(text) if text.len() <= LONGEST => Some(Cow::from(text.as_str())),
            Value::Number(number) => Some(number.to_string().into()),
            Value::Bool(truth) => Some(if *truth { "true" } else { "false" }.into()),
            _ => None,
        })
    }

    /// As [`text`](Self::text), of any length: a person's message.
    #[must_use]
    pub fn long_text<'a>(&self, value: &'a Value) -> Option<&'a str> {
        self.all(value).into_iter().find_map(Value::as_str)
    }
}

impl Place {
    /// A pointer that this program writes itself.
    #[must_use]
    pub fn at(pointer: &str) -> Self {
        Self::Pointer(Pointer::new(pointer))
    }

    /// A text between marks.
    #[must_use]
    pub fn between(after: &str, before: &str) -> Self {
        Self::Between(Between { after: after.to_owned(), before: Some(before.to_owned()) })
    }

    /// The value; `None` if there is none, or too long a one.
    #[must_use]
    pub fn find<'a>(&self, page: &'a Page) -> Option<Cow<'a, str>> {
        match self {
            Self::Pointer(pointer) => pointer.text(page.json.as_ref()?),
            Self::Between(Between { after, before }) => {
                let (_, rest) = page.text.split_once(after.as_str())?;
                let found = match before {
                    Some(before) => rest.split_once(before.as_str())?.0,
                    None => rest.split_whitespace().next()?,
                };
                (found.len() <= LONGEST).then(|| found.trim().into())
            }
        }
    }
}

/// A supplier's answer.
pub struct Page {
    /// As a text; what isn't UTF-8 is replaced.
    pub text: String,
    /// As JSON, if it is.
    pub json: Option<Value>,
}

impl Page {
    /// Reads an answer.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        Self { text: String::from_utf8_lossy(bytes).into_owned(), json: serde_json::from_slice(bytes).ok() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn pointers() {
        let value = json!({"a": [{"b": "x"}, {"b": 7}], "c/d": {"~": true}, "": null});
        let text = |pointer: &str| Pointer::new(pointer).text(&value).map(Cow::into_owned);
        assert_eq!(text("/a/0/b").as_deref(), Some("x"));
        assert_eq!(text("/a/1/b").as_deref(), Some("7"));
        assert_eq!(text("/a/*/b").as_deref(), Some("x"));
        assert_eq!(text("/c~1d/~0").as_deref(), Some("true"));
        assert_eq!(text("/a/2/b"), None);
        assert_eq!(text("/a"), None);
        assert_eq!(Pointer::new("/a/*/b").all(&value).len(), 2);
        assert!(Pointer::try_from("a".to_owned()).is_err());
    }

    #[test]
    fn marks_in_a_text() {
        let page = Page::read(b"0: Accepted for delivery\nID: 4711 \n<MessageId>m-1</MessageId>");
        let find = |place: &Place| place.find(&page).map(Cow::into_owned);
        assert_eq!(find(&Place::between("<MessageId>", "</MessageId>")).as_deref(), Some("m-1"));
        assert_eq!(find(&Place::Between(Between { after: "ID: ".to_owned(), before: None })).as_deref(), Some("4711"));
        assert_eq!(find(&Place::between("<Code>", "</Code>")), None);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(pointer in "(/[a-z0-9*~]{0,3}){0,4}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let page = Page::read(&bytes);
            let _ = Place::at(&pointer).find(&page);
            let _ = Place::between("a", "b").find(&page);
        }
    }
}
