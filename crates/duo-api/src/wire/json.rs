//! JSON bodies, as signature versions 4 and 5 send them: one object of parameters.

use super::{ApiError, Limits};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// Reads a body: an object, its members in the order sent. An empty body is an empty object.
///
/// # Errors
/// 40002 when it is anything else, holds a name twice, or is past `limits`.
pub(super) fn parse(body: &[u8], limits: &Limits) -> Result<Vec<(String, Value)>, ApiError> {
    if body.len() > limits.body {
        return Err(ApiError::invalid_parameter("The body is too long."));
    }
    if body.trim_ascii().is_empty() {
        return Ok(Vec::new());
    }
    let members = parse_text(body, limits.depth, |body| serde_json::from_slice::<Members>(body).ok())
        .ok_or(ApiError::invalid_parameter(
            "The body is not a JSON object of distinct names, or is nested too deeply.",
        ))?
        .0;
    if members.len() > limits.params {
        return Err(ApiError::invalid_parameter("There are too many parameters."));
    }
    if members.iter().any(|(name, _)| name.is_empty() || name.len() > limits.name) {
        return Err(ApiError::invalid_parameter("A parameter's name is empty or too long."));
    }
    if members.iter().any(|(name, value)| name.contains('\0') || holds_nul(value)) {
        return Err(ApiError::invalid_parameter("A parameter holds a NUL."));
    }
    Ok(members)
}

/// Reads one JSON value from a text parameter, such as `user_id_list=["DU…"]`.
pub(super) fn parse_value(text: &str, depth: usize) -> Option<Value> {
    parse_text(text.as_bytes(), depth, |text| serde_json::from_slice(text).ok()).filter(|value| !holds_nul(value))
}

fn parse_text<T>(text: &[u8], depth: usize, parse: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
    if deepest(text) > depth { None } else { parse(text) }
}

/// How deep the brackets go, counted before anything is built of them.
fn deepest(text: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let (mut in_string, mut escaped) = (false, false);
    for &byte in text {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

// Recursion is bounded by the depth that was checked before parsing.
fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(list) => list.iter().any(holds_nul),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || holds_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// An object's members; unlike `serde_json::Map` it refuses a name that comes twice, of which a client and its proxy
/// may each believe another one.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members: Vec<(String, Value)> = Vec::with_capacity(12);
                let mut names = std::collections::HashSet::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if !names.insert(name.clone()) {
                        return Err(A::Error::custom("a name comes twice"));
                    }
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(body: &str) -> Result<Vec<(String, Value)>, u32> {
        parse(body.as_bytes(), &Limits::DEFAULT).map_err(|error| error.code())
    }

    #[test]
    fn an_object_keeps_its_order() {
        assert_eq!(
            read(r#"{"b":1,"a":[true,{"c":null}]}"#),
            Ok(vec![("b".into(), json!(1)), ("a".into(), json!([true, { "c": null }]))])
        );
        for empty in ["", "{}", " \n"] {
            assert_eq!(read(empty), Ok(vec![]));
        }
    }

    #[test]
    fn anything_but_an_object_is_refused() {
        for body in [
            "[]",
            "1",
            "null",
            "\"a\"",
            "{",
            "{}{}",
            "{\"a\":1,\"a\":2}",
            "{\"a\":1,}",
            "a=1",
            "{\"\":1}",
            "{\"a\":\"\\u0000\"}",
            "{\"a\":[{\"b\\u0000\":1}]}",
            "{\"a\":\"\\ud800\"}",
        ] {
            assert_eq!(read(body), Err(40_002), "{body}");
        }
        assert_eq!(parse(b"{\"a\":\"\xff\"}", &Limits::DEFAULT).map_err(|error| error.code()), Err(40_002));
    }

    #[test]
    fn depth_is_limited_before_parsing() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        assert!(read(&nested(16)).is_ok());
        assert_eq!(read(&nested(17)), Err(40_002));
        assert_eq!(read(&nested(30_000)), Err(40_002));
        assert!(read(r#"{"a":"[[[[[[[[[[[[[[[[[[[[[[[[\"[[[[[[[["}"#).is_ok(), "brackets in a text are text");
    }

    #[test]
    fn number_and_names_are_limited() {
        let many = |n: usize| format!("{{{}}}", (0..n).map(|i| format!("\"k{i}\":1")).collect::<Vec<_>>().join(","));
        assert!(read(&many(512)).is_ok());
        assert_eq!(read(&many(513)), Err(40_002));
        assert_eq!(read(&format!("{{\"{}\":1}}", "k".repeat(129))), Err(40_002));
        assert_eq!(read(&format!("{{\"k\":\"{}\"}}", "v".repeat(64 * 1024))), Err(40_002));
    }

    proptest! {
        #[test]
        fn garbage_is_refused_without_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes, &Limits::DEFAULT);
        }

        #[test]
        fn what_is_written_is_read(list in prop::collection::hash_map("[a-z_.]{1,20}", "[^\0]{0,30}", 0..8)) {
            let body = serde_json::to_string(&list).unwrap();
            let read = read(&body).unwrap();
            prop_assert_eq!(read.len(), list.len());
            for (name, value) in read {
                prop_assert_eq!(value.as_str(), list.get(&name).map(String::as_str));
            }
        }
    }
}
