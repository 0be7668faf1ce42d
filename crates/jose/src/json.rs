//! JSON that two readers can't read differently: no member twice, and limits.

use crate::JoseError;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// How deep objects and arrays may stand in each other.
pub const MAX_DEPTH: usize = 16;
/// Members and elements of one object or array.
pub const MAX_MEMBERS: usize = 512;

/// Reads one JSON value; nothing may follow it. [`JoseError::Malformed`] also for a member that is named twice (RFC 7515 §4: the last one
/// would count for some readers, the first for others), [`JoseError::TooLarge`] over `max` bytes.
pub fn parse(text: &[u8], max: usize) -> Result<Value, JoseError> {
    if text.len() > max {
        return Err(JoseError::TooLarge("JSON"));
    }
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = Strict(MAX_DEPTH).deserialize(&mut reader).map_err(|_| JoseError::Malformed("JSON"))?;
    reader.end().map_err(|_| JoseError::Malformed("JSON"))?;
    Ok(value)
}

/// As [`parse`], and the value must be an object.
pub fn parse_object(text: &[u8], max: usize) -> Result<Map<String, Value>, JoseError> {
    match parse(text, max)? {
        Value::Object(map) => Ok(map),
        _ => Err(JoseError::Malformed("JSON: not an object")),
    }
}

/// How many levels are left.
#[derive(Clone, Copy)]
struct Strict(usize);

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without repeated members")
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }
    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number"))
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }
    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let inner = Self(self.0.checked_sub(1).ok_or_else(|| A::Error::custom("too deep"))?);
        let mut list = Vec::new();
        while let Some(value) = seq.next_element_seed(inner)? {
            if list.len() >= MAX_MEMBERS {
                return Err(A::Error::custom("too many elements"));
            }
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inner = Self(self.0.checked_sub(1).ok_or_else(|| A::Error::custom("too deep"))?);
        let mut object = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value_seed(inner)?;
            if object.len() >= MAX_MEMBERS || object.insert(name, value).is_some() {
                return Err(A::Error::custom("a member stands twice, or there are too many"));
            }
        }
        Ok(Value::Object(object))
    }
}
