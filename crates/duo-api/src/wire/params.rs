//! A request's parameters, wherever the client put them, read by name and kind.
//!
//! Clients of signature version 2 send texts in a form; those of version 5 send JSON, in which the same parameter may be
//! a text, a number or a boolean. Handlers see one kind of parameter: scalars are texts (`true`, `300`), lists and objects
//! stay JSON.

use super::{ApiError, json, urlencoded};
use serde_json::Value;
use std::{borrow::Cow, fmt, ops::RangeInclusive};

/// `pushinfo` must be shorter than 20,000 bytes (Duo's Auth API documentation).
pub const PUSHINFO_MAX: usize = 19_999;

/// How much a request may hold. Checked before it is parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a body, and of a query.
    pub body: usize,
    /// Number of parameters.
    pub params: usize,
    /// Bytes of a parameter's name.
    pub name: usize,
    /// Depth of nested JSON; the body's own object is 1.
    pub depth: usize,
}

impl Limits {
    /// 64 KiB, 512 parameters, names of 128 bytes, 16 deep.
    pub const DEFAULT: Self = Self { body: 64 * 1024, params: 512, name: 128, depth: 16 };

    /// The default with room for an image (`logo`, `background_img`), which clients send as base64.
    #[must_use]
    pub const fn with_body(mut self, bytes: usize) -> Self {
        self.body = bytes;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The signed parameters of a request.
///
/// A getter answers `None` when the parameter isn't there (or is JSON's `null`), and 40002 with the parameter's name
/// when it is there twice, of the wrong kind or out of range: a value is never guessed.
#[derive(Clone, Default)]
pub struct Params {
    entries: Vec<(String, Entry)>,
}

#[derive(Clone)]
enum Entry {
    Text(String),
    Nested(Value),
}

/// The names only: the values hold passcodes, names and numbers.
impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

impl Params {
    /// Parameters of a query or a form.
    #[must_use]
    pub fn from_pairs(pairs: Vec<(String, String)>) -> Self {
        Self { entries: pairs.into_iter().map(|(name, value)| (name, Entry::Text(value))).collect() }
    }

    /// Parameters of a query or a form body.
    ///
    /// # Errors
    /// As [`super::parse_urlencoded`].
    pub fn from_urlencoded(encoded: &[u8], limits: &Limits) -> Result<Self, ApiError> {
        Ok(Self::from_pairs(urlencoded::parse(encoded, limits)?))
    }

    /// Parameters of a JSON body, which must be an object or empty.
    ///
    /// # Errors
    /// 40002 when it isn't, when a name comes twice, or when it is past `limits`.
    pub fn from_json(body: &[u8], limits: &Limits) -> Result<Self, ApiError> {
        let entry = |value| match value {
            Value::String(text) => Entry::Text(text),
            Value::Bool(yes) => Entry::Text(if yes { "true" } else { "false" }.to_owned()),
            Value::Number(number) => Entry::Text(number.to_string()),
            nested => Entry::Nested(nested),
        };
        Ok(Self { entries: json::parse(body, limits)?.into_iter().map(|(name, value)| (name, entry(value))).collect() })
    }

    /// Adds the parameters of another part of the same request.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.entries.append(&mut other.entries);
    }

    /// The names, as sent.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(name, _)| name.as_str())
    }

    /// Whether the parameter was sent at all, even as `null` or empty: an Admin API update then clears it.
    #[must_use]
    pub fn is_present(&self, name: &str) -> bool {
        self.names().any(|sent| sent == name)
    }

    fn one(&self, name: &str) -> Result<Option<&Entry>, ApiError> {
        let mut found = self.entries.iter().filter(|(sent, _)| sent == name).map(|(_, entry)| entry);
        let first = found.next();
        if found.next().is_some() {
            return Err(invalid(name));
        }
        Ok(first.filter(|entry| !matches!(entry, Entry::Nested(Value::Null))))
    }

    /// A text, as sent; may be empty.
    ///
    /// # Errors
    /// 40002 when it is there twice or is a list or object.
    pub fn text(&self, name: &str) -> Result<Option<&str>, ApiError> {
        match self.one(name)? {
            None => Ok(None),
            Some(Entry::Text(text)) => Ok(Some(text)),
            Some(Entry::Nested(_)) => Err(invalid(name)),
        }
    }

    /// A text, where an empty one counts as absent.
    ///
    /// # Errors
    /// As [`Params::text`].
    pub fn filled(&self, name: &str) -> Result<Option<&str>, ApiError> {
        Ok(self.text(name)?.filter(|text| !text.is_empty()))
    }

    /// A text that must be there and not be empty.
    ///
    /// # Errors
    /// 40001 when it isn't; otherwise as [`Params::text`].
    pub fn required(&self, name: &str) -> Result<&str, ApiError> {
        self.filled(name)?.ok_or_else(|| ApiError::missing_parameter(name.to_owned()))
    }

    /// A whole number within `range`. Digits only, with a minus where the range allows it.
    ///
    /// # Errors
    /// 40002 when it is anything else.
    pub fn int(&self, name: &str, range: RangeInclusive<i64>) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let plain = !text.starts_with('+');
        match text.parse() {
            Ok(number) if plain && range.contains(&number) => Ok(Some(number)),
            _ => Err(invalid(name)),
        }
    }

    /// A boolean: `1`, `0`, or `true`, `false` in any case (duo_api_ruby sends `True` for some).
    ///
    /// # Errors
    /// 40002 when it is anything else.
    pub fn bool(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.text(name)? {
            None => Ok(None),
            Some("1") => Ok(Some(true)),
            Some("0") => Ok(Some(false)),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(_) => Err(invalid(name)),
        }
    }

    /// A list of at most `max` texts, in any form that the clients use: a JSON list, a text that holds a JSON list
    /// (`user_id_list` of duo_client), texts joined by commas (`codes`), or the parameter repeated (filters of the logs).
    /// Numbers in a JSON list count as their digits.
    ///
    /// # Errors
    /// 40002 when it is longer, or holds anything but texts and numbers.
    pub fn list(&self, name: &str, max: usize) -> Result<Option<Vec<String>>, ApiError> {
        let sent: Vec<&Entry> = self.entries.iter().filter(|(sent, _)| sent == name).map(|(_, entry)| entry).collect();
        let list = match sent.as_slice() {
            [] | [Entry::Nested(Value::Null)] => return Ok(None),
            [Entry::Nested(value)] => texts_of(value),
            [Entry::Text(text)] if text.trim_start().starts_with('[') => {
                json::parse_value(text, 2).and_then(|value| texts_of(&value))
            }
            [Entry::Text(text)] if text.is_empty() => Some(Vec::new()),
            [Entry::Text(text)] => Some(text.split(',').map(|part| part.trim().to_owned()).collect()),
            many => many
                .iter()
                .map(|entry| match entry {
                    Entry::Text(text) => Some(text.clone()),
                    Entry::Nested(_) => None,
                })
                .collect(),
        };
        match list {
            Some(list) if list.len() <= max => Ok(Some(list)),
            _ => Err(invalid(name)),
        }
    }

    /// A list or an object, sent as JSON or as a text that holds JSON (`sections` of a policy, `aliases`, `users`).
    ///
    /// # Errors
    /// 40002 when it is neither.
    pub fn nested(&self, name: &str) -> Result<Option<Cow<'_, Value>>, ApiError> {
        match self.one(name)? {
            None => Ok(None),
            Some(Entry::Nested(value)) => Ok(Some(Cow::Borrowed(value))),
            Some(Entry::Text(text)) => json::parse_value(text, Limits::DEFAULT.depth)
                .filter(|value| value.is_array() || value.is_object())
                .map(|value| Some(Cow::Owned(value)))
                .ok_or_else(|| invalid(name)),
        }
    }

    /// Pairs that are themselves urlencoded, of at most `max` bytes: `pushinfo` (with [`PUSHINFO_MAX`]).
    ///
    /// # Errors
    /// 40002 when it is longer or not urlencoded.
    pub fn pairs(&self, name: &str, max: usize) -> Result<Option<Vec<(String, String)>>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        if text.len() > max {
            return Err(invalid(name));
        }
        // A title may be longer than a parameter's name; it is shown, not looked up.
        let limits = Limits { body: max, name: max, ..Limits::DEFAULT };
        urlencoded::parse(text.as_bytes(), &limits).map(Some).map_err(|_| invalid(name))
    }

    /// The texts whose names begin with `prefix` (`custom_attributes.`), without it.
    ///
    /// # Errors
    /// 40002 when one of them is a list or object, or comes twice.
    pub fn with_prefix(&self, prefix: &str) -> Result<Vec<(&str, &str)>, ApiError> {
        self.names()
            .filter_map(|name| name.strip_prefix(prefix).map(|rest| (name, rest)))
            .map(|(name, rest)| Ok((rest, self.text(name)?.unwrap_or_default())))
            .collect()
    }
}

fn invalid(name: &str) -> ApiError {
    ApiError::invalid_parameter(name.to_owned())
}

fn texts_of(value: &Value) -> Option<Vec<String>> {
    value
        .as_array()?
        .iter()
        .map(|item| match item {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn form(text: &str) -> Params {
        Params::from_urlencoded(text.as_bytes(), &Limits::DEFAULT).unwrap()
    }

    fn json(text: &str) -> Params {
        Params::from_json(text.as_bytes(), &Limits::DEFAULT).unwrap()
    }

    fn refused<T>(result: Result<T, ApiError>) -> Option<(u32, String)> {
        result.err().map(|error| (error.code(), error.detail().to_owned()))
    }

    #[test]
    fn a_missing_parameter_is_40001_with_its_name() {
        let params = form("username=");
        for name in ["username", "factor"] {
            assert_eq!(refused(params.required(name)), Some((40_001, name.to_owned())));
        }
        assert_eq!(params.text("username"), Ok(Some("")));
        assert_eq!(params.filled("username"), Ok(None));
        assert!(params.is_present("username") && !params.is_present("factor"));
    }

    #[test]
    fn a_parameter_sent_twice_is_refused_by_every_getter_but_list() {
        let params = form("a=1&a=1");
        let wanted = Some((40_002, "a".to_owned()));
        assert_eq!(refused(params.text("a")), wanted);
        assert_eq!(refused(params.required("a")), wanted);
        assert_eq!(refused(params.int("a", 0..=9)), wanted);
        assert_eq!(refused(params.bool("a")), wanted);
        assert_eq!(refused(params.nested("a")), wanted);
        assert_eq!(refused(params.pairs("a", 9)), wanted);
        assert_eq!(params.list("a", 9), Ok(Some(vec!["1".into(), "1".into()])));
    }

    #[test]
    fn scalars_of_json_are_the_texts_of_a_form() {
        let params = json(r#"{"async":1,"big":1795291200000,"yes":true,"no":false,"none":null,"half":0.5,"text":"x"}"#);
        assert_eq!(params.text("async"), Ok(Some("1")));
        assert_eq!(params.bool("async"), Ok(Some(true)));
        assert_eq!(params.int("big", 0..=i64::MAX), Ok(Some(1_795_291_200_000)));
        assert_eq!(params.bool("yes"), Ok(Some(true)));
        assert_eq!(params.bool("no"), Ok(Some(false)));
        assert_eq!(params.text("none"), Ok(None));
        assert!(params.is_present("none"));
        assert_eq!(refused(params.int("half", 0..=1)), Some((40_002, "half".into())));
        assert_eq!(params.required("text"), Ok("x"));
    }

    #[test]
    fn numbers_are_digits_within_their_range() {
        for (text, wanted) in [("1", Some(1)), ("300", Some(300)), ("007", Some(7))] {
            assert_eq!(form(&format!("limit={text}")).int("limit", 1..=300), Ok(wanted));
        }
        for text in ["", "0", "301", "-1", "%2B1", "1.0", "1e2", " 1", "0x1", "99999999999999999999", "\u{0661}"] {
            assert_eq!(
                refused(form(&format!("limit={text}")).int("limit", 1..=300)),
                Some((40_002, "limit".into())),
                "{text}"
            );
        }
        assert_eq!(form("").int("limit", 1..=300), Ok(None));
        assert_eq!(form("x=-5").int("x", -9..=0), Ok(Some(-5)));
    }

    #[test]
    fn booleans_are_what_the_clients_send() {
        for (text, wanted) in [("1", true), ("0", false), ("true", true), ("False", false), ("TRUE", true)] {
            assert_eq!(form(&format!("b={text}")).bool("b"), Ok(Some(wanted)));
        }
        for text in ["", "yes", "2", "tru", "none"] {
            assert_eq!(refused(form(&format!("b={text}")).bool("b")), Some((40_002, "b".into())), "{text}");
        }
    }

    #[test]
    fn lists_come_in_four_forms() {
        let wanted = Ok(Some(vec!["DUA".to_owned(), "DUB".to_owned()]));
        assert_eq!(form("l=DUA,DUB").list("l", 9), wanted);
        assert_eq!(form("l=DUA&l=DUB").list("l", 9), wanted);
        assert_eq!(form("l=%5B%22DUA%22%2C+%22DUB%22%5D").list("l", 9), wanted);
        assert_eq!(json(r#"{"l":["DUA","DUB"]}"#).list("l", 9), wanted);
        assert_eq!(json(r#"{"l":"[\"DUA\",\"DUB\"]"}"#).list("l", 9), wanted);
        assert_eq!(json(r#"{"l":[1,2]}"#).list("l", 9), Ok(Some(vec!["1".into(), "2".into()])));
        assert_eq!(json(r#"{"l":null}"#).list("l", 9), Ok(None));
        assert_eq!(form("l=").list("l", 9), Ok(Some(vec![])));
        assert_eq!(form("").list("l", 9), Ok(None));
        for params in [form("l=1,2,3"), form("l=[1"), form("l=[[1]]"), json(r#"{"l":[true]}"#), json(r#"{"l":{}}"#)] {
            assert_eq!(refused(params.list("l", 2)), Some((40_002, "l".into())));
        }
    }

    #[test]
    fn nested_values_come_as_json_or_as_text() {
        let wanted = serde_json::json!({ "alias1": "anna" });
        assert_eq!(json(r#"{"a":{"alias1":"anna"}}"#).nested("a").unwrap().unwrap().as_ref(), &wanted);
        assert_eq!(form("a=%7B%22alias1%22%3A%22anna%22%7D").nested("a").unwrap().unwrap().as_ref(), &wanted);
        for params in [form("a=1"), form("a={"), form("a="), form("a=%7B%22b%22%3A%22%5Cu0000%22%7D")] {
            assert_eq!(refused(params.nested("a")), Some((40_002, "a".into())));
        }
        assert_eq!(refused(json(r#"{"a":{}}"#).text("a")), Some((40_002, "a".into())));
    }

    #[test]
    fn pushinfo_is_pairs_below_twenty_thousand_bytes() {
        let params = form("pushinfo=Server%2BIP%3D10.0.0.1%26Command%3Dls%2520-l");
        assert_eq!(
            params.pairs("pushinfo", PUSHINFO_MAX),
            Ok(Some(vec![("Server IP".into(), "10.0.0.1".into()), ("Command".into(), "ls -l".into())]))
        );
        for (length, fits) in [(PUSHINFO_MAX, true), (PUSHINFO_MAX + 1, false)] {
            let params = form(&format!("pushinfo=a{}", "b".repeat(length - 1)));
            assert_eq!(params.pairs("pushinfo", PUSHINFO_MAX).is_ok(), fits, "{length}");
        }
        assert_eq!(refused(form("pushinfo=%25zz").pairs("pushinfo", 99)), Some((40_002, "pushinfo".into())));
    }

    #[test]
    fn attributes_are_found_by_their_prefix() {
        let params = form("custom_attributes.team=a&custom_attributes.room=&x=1");
        assert_eq!(params.with_prefix("custom_attributes."), Ok(vec![("team", "a"), ("room", "")]));
        assert!(form("p.a=1&p.a=2").with_prefix("p.").is_err());
    }

    #[test]
    fn a_debug_print_shows_names_and_no_value() {
        let shown = format!("{:?}", form("username=anna&passcode=123456"));
        assert!(shown.contains("passcode") && !shown.contains("123456") && !shown.contains("anna"), "{shown}");
    }

    #[test]
    fn an_error_never_carries_the_value() {
        let params = form("passcode=123456&passcode=123456&limit=hunter2");
        for error in [params.text("passcode").unwrap_err(), params.int("limit", 1..=2).unwrap_err()] {
            let text = format!("{error} {error:?}");
            assert!(!text.contains("123456") && !text.contains("hunter2"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_getter_panics_on_any_form(text in "[a-c=&%\\[\\]\",0-9+]{0,40}") {
            if let Ok(params) = Params::from_urlencoded(text.as_bytes(), &Limits::DEFAULT) {
                for name in ["a", "b", "c"] {
                    let _ = (params.text(name), params.int(name, 0..=9), params.bool(name), params.list(name, 3));
                    let _ = (params.nested(name), params.pairs(name, 20), params.with_prefix(name));
                }
            }
        }

        #[test]
        fn a_form_and_a_json_body_read_the_same(list in prop::collection::btree_map("[a-z]{1,5}", "[^\0]{0,9}", 0..6)) {
            let mut text = String::new();
            for (name, value) in &list {
                text.push_str(name);
                text.push('=');
                urlencoded::encode_into(&mut text, value);
                text.push('&');
            }
            let (form, json) = (form(&text), json(&serde_json::to_string(&list).unwrap()));
            for name in list.keys() {
                prop_assert_eq!(form.text(name), json.text(name));
            }
        }
    }
}
