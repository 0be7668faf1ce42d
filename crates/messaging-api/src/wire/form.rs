//! Forms: bodies and query strings, read with bounds before anything is kept.

use super::ApiError;

/// The longest body or query, in bytes: a text of 1,600 characters, encoded, and much else.
pub(crate) const MAX_BYTES: usize = 64 * 1024;
const MAX_PARAMS: usize = 200;
const MAX_NAME: usize = 128;

/// Names and values in the order in which they were sent.
#[derive(Clone, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads `application/x-www-form-urlencoded` (WHATWG URL §5.1).
    ///
    /// # Errors
    /// 20001 for what is too long, not UTF-8, or holds a NUL, which no store takes.
    pub(crate) fn parse(encoded: &[u8]) -> Result<Self, ApiError> {
        let malformed = || ApiError::new(400, 20001, "The parameters can't be read");
        if encoded.len() > MAX_BYTES {
            return Err(ApiError::new(413, 20001, "The parameters are too long"));
        }
        let mut pairs = Vec::new();
        for (name, value) in form_urlencoded::parse(encoded) {
            let strange = |text: &str| text.contains(['\0', char::REPLACEMENT_CHARACTER]);
            if pairs.len() == MAX_PARAMS || name.len() > MAX_NAME || strange(&name) || strange(&value) {
                return Err(malformed());
            }
            pairs.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(pairs))
    }

    /// The parameter; `None` where it isn't there.
    ///
    /// # Errors
    /// 20001 when it stands there twice with two values: which of them a check looks at would be chance.
    pub(crate) fn get(&self, name: &str) -> Result<Option<&str>, ApiError> {
        let mut found = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let first = found.next();
        match first {
            Some(first) if found.any(|other| other != first) => Err(ApiError::parameter(name)),
            first => Ok(first),
        }
    }

    /// The parameter, unless it is empty.
    pub(crate) fn filled(&self, name: &str) -> Result<Option<&str>, ApiError> {
        Ok(self.get(name)?.filter(|value| !value.is_empty()))
    }

    /// Every value of a parameter that may come often.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// `true` or `false`.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        self.filled(name)?.map(|text| flag(text).ok_or_else(|| ApiError::parameter(name))).transpose()
    }

    /// A whole number within bounds, both ends included.
    pub(crate) fn number(&self, name: &str, least: i64, most: i64) -> Result<Option<i64>, ApiError> {
        let parsed = |text: &str| text.parse().ok().filter(|number| (least..=most).contains(number));
        self.filled(name)?.map(|text| parsed(text).ok_or_else(|| ApiError::parameter(name))).transpose()
    }

    /// A line of at most so many characters, without control characters.
    pub(crate) fn line(&self, name: &str, most: usize) -> Result<Option<&str>, ApiError> {
        match self.filled(name)? {
            Some(text) if text.chars().count() > most || text.contains(char::is_control) => {
                Err(ApiError::parameter(name))
            }
            text => Ok(text),
        }
    }

    /// The first parameter of these that is there.
    pub(crate) fn first_of(&self, names: &[&'static str]) -> Option<&'static str> {
        names.iter().copied().find(|name| self.all(name).any(|value| !value.is_empty()))
    }
}

/// `true`, `false`, as clients in several languages write them.
fn flag(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" | "1" => Some(true),
        "false" | "False" | "FALSE" | "0" => Some(false),
        _ => None,
    }
}

/// Reads a JSON object of short texts, such as Verify's `RateLimits`: at most `most` of them, each name and value at most 256
/// characters. Numbers and truth values count as their text.
pub(crate) fn words(text: &str, most: usize) -> Option<Vec<(String, String)>> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).ok()?;
    if object.len() > most {
        return None;
    }
    let text = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => Some(text),
        serde_json::Value::Number(number) => Some(number.to_string()),
        serde_json::Value::Bool(yes) => Some(yes.to_string()),
        _ => None,
    };
    let short = |text: &str| text.chars().count() <= 256 && !text.contains('\0');
    object
        .into_iter()
        .map(|(name, value)| text(value).filter(|value| short(value) && short(&name)).map(|value| (name, value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_parameter_with_two_values_has_none() {
        let form = Form::parse(b"To=%2B1&To=%2B2&From=a&From=a&MediaUrl=x&MediaUrl=y").unwrap();
        assert!(form.get("To").is_err());
        assert_eq!(form.get("From").unwrap(), Some("a"));
        assert_eq!(form.all("MediaUrl").count(), 2);
        assert_eq!(form.get("Body").unwrap(), None);
    }

    #[test]
    fn bounds_hold() {
        assert!(Form::parse("a=1&".repeat(MAX_PARAMS + 1).as_bytes()).is_err());
        assert!(Form::parse(&vec![b'a'; MAX_BYTES + 1]).is_err());
        assert!(Form::parse(format!("{}=1", "a".repeat(MAX_NAME + 1)).as_bytes()).is_err());
        assert!(Form::parse(b"a=%00").is_err());
        assert!(Form::parse(b"a=%ff").is_err());
        let form = Form::parse(b"n=5&m=x&f=true&l=a%0ab").unwrap();
        assert_eq!(form.number("n", 1, 5).unwrap(), Some(5));
        assert!(form.number("n", 1, 4).is_err() && form.number("m", 1, 4).is_err());
        assert_eq!(form.flag("f").unwrap(), Some(true));
        assert!(form.flag("m").is_err());
        assert!(form.line("l", 10).is_err());
    }

    #[test]
    fn rate_limits_are_texts() {
        let read = words(r#"{"end_user_ip":"203.0.113.5","n":3,"b":true}"#, 10).unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(read, [pair("end_user_ip", "203.0.113.5"), pair("n", "3"), pair("b", "true")]);
        for bad in ["", "[]", "null", "{\"a\":null}", "{\"a\":{}}", "{\"a\":[1]}", "{\"a\":\"\\u0000\"}"] {
            assert_eq!(words(bad, 10), None, "{bad}");
        }
        assert_eq!(words(r#"{"a":"1","b":"2"}"#, 1), None);
        assert_eq!(words(&format!("{{\"a\":\"{}\"}}", "x".repeat(257)), 1), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(pairs in prop::collection::vec(("[^\0\u{fffd}]{1,20}", "[^\0\u{fffd}]{0,40}"), 0..8)) {
            let text: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            prop_assert_eq!(Form::parse(text.as_bytes()).unwrap().0, pairs);
        }

        #[test]
        fn anything_is_read_or_refused(bytes: Vec<u8>, text in "\\PC{0,80}") {
            let _ = Form::parse(&bytes);
            let _ = words(&text, 4);
        }
    }
}
