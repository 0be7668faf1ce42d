//! BSON, as much as duo_unix up to 1.11.3 reads: texts, documents and 32-bit integers (bsonspec.org, version 1.1).
//!
//! Written by hand, in fewer lines than it takes to turn JSON into the `bson` crate's types and back; that crate with the
//! score of crates behind it serves the tests as the foreign reader. The server never reads BSON: requests are forms.

use serde_json::{Map, Value};

const STRING: u8 = 0x02;
const DOCUMENT: u8 = 0x03;
const INT32: u8 = 0x10;

/// Documents inside documents; replies have at most three.
const DEEPEST: usize = 8;

/// The answer holds something that those clients can't read: a list, a boolean, a null, a number beyond 32 bits or with
/// a fraction, a name with a NUL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the value has no form that duo_unix can read")]
pub struct NotEncodable;

/// Writes a document.
///
/// # Errors
/// [`NotEncodable`].
pub fn encode(document: &Map<String, Value>) -> Result<Vec<u8>, NotEncodable> {
    let mut out = Vec::with_capacity(256);
    write_document(document, &mut out, DEEPEST)?;
    Ok(out)
}

fn write_document(document: &Map<String, Value>, out: &mut Vec<u8>, depth: usize) -> Result<(), NotEncodable> {
    let depth = depth.checked_sub(1).ok_or(NotEncodable)?;
    // The length comes first and counts itself and the closing NUL.
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    for (name, value) in document {
        let kind = out.len();
        out.push(0);
        if name.contains('\0') {
            return Err(NotEncodable);
        }
        out.extend_from_slice(name.as_bytes());
        out.push(0);
        let tag = match value {
            Value::String(text) => {
                out.extend_from_slice(&length(text.len() + 1)?);
                out.extend_from_slice(text.as_bytes());
                out.push(0);
                STRING
            }
            Value::Object(inner) => {
                write_document(inner, out, depth)?;
                DOCUMENT
            }
            Value::Number(number) => {
                let number = number.as_i64().and_then(|number| i32::try_from(number).ok()).ok_or(NotEncodable)?;
                out.extend_from_slice(&number.to_le_bytes());
                INT32
            }
            Value::Null | Value::Bool(_) | Value::Array(_) => return Err(NotEncodable),
        };
        *out.get_mut(kind).ok_or(NotEncodable)? = tag;
    }
    out.push(0);
    let total = length(out.len() - start)?;
    out.get_mut(start..start + 4).ok_or(NotEncodable)?.copy_from_slice(&total);
    Ok(())
}

fn length(bytes: usize) -> Result<[u8; 4], NotEncodable> {
    i32::try_from(bytes).map(i32::to_le_bytes).map_err(|_| NotEncodable)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use bson::{Bson, Document};
    use proptest::prelude::*;
    use serde_json::json;

    /// Reads one document and nothing behind it, with the `bson` crate.
    pub(in crate::wire) fn read(mut bytes: &[u8]) -> Value {
        fn value_of(read: Bson) -> Value {
            match read {
                Bson::String(text) => text.into(),
                Bson::Int32(number) => number.into(),
                Bson::Document(inner) => inner.into_iter().map(|(name, value)| (name, value_of(value))).collect(),
                other => panic!("duo_unix can't read {other:?}"),
            }
        }
        let document = Document::from_reader(&mut bytes).unwrap();
        assert!(bytes.is_empty());
        value_of(Bson::Document(document))
    }

    fn encoded(value: &Value) -> Result<Vec<u8>, NotEncodable> {
        encode(value.as_object().unwrap())
    }

    #[test]
    fn the_specifications_hello_world() {
        assert_eq!(
            encoded(&json!({ "hello": "world" })).unwrap(),
            b"\x16\x00\x00\x00\x02hello\x00\x06\x00\x00\x00world\x00\x00"
        );
        assert_eq!(encoded(&json!({})).unwrap(), b"\x05\x00\x00\x00\x00");
    }

    #[test]
    fn codes_are_32_bit_integers_which_duo_unix_insists_on() {
        let bytes = encoded(&json!({ "code": 40_002, "least": i32::MIN })).unwrap();
        let read = Document::from_reader(&mut &bytes[..]).unwrap();
        assert_eq!(read.get("code"), Some(&Bson::Int32(40_002)));
        assert_eq!(read.get("least"), Some(&Bson::Int32(i32::MIN)));
    }

    #[test]
    fn what_duo_unix_cannot_read_is_refused() {
        for value in [json!([]), json!(true), json!(null), json!(0.5), json!(1_i64 << 31), json!(u64::MAX)] {
            assert_eq!(encoded(&json!({ "a": value })), Err(NotEncodable), "{value}");
            assert_eq!(encoded(&json!({ "a": { "b": value } })), Err(NotEncodable), "{value}");
        }
        assert_eq!(encoded(&json!({ "a\0b": "c" })), Err(NotEncodable));
        let deep = (0..10).fold(json!({}), |inner, _| json!({ "a": inner }));
        assert_eq!(encoded(&deep), Err(NotEncodable));
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![".{0,20}".prop_map(Value::from), any::<i32>().prop_map(Value::from)];
        leaf.prop_recursive(4, 24, 6, |inner| {
            prop::collection::vec(("[^\0]{0,8}", inner), 0..6)
                .prop_map(|list| Value::Object(list.into_iter().collect()))
        })
    }

    proptest! {
        #[test]
        fn a_foreign_reader_reads_what_was_written(value in values()) {
            let document = json!({ "stat": "OK", "response": value });
            prop_assert_eq!(read(&encoded(&document).unwrap()), document);
        }
    }
}
