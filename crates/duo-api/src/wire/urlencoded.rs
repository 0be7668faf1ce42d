//! `application/x-www-form-urlencoded`, read strictly (WHATWG URL §5.1, with every doubt refused).

use super::{ApiError, Limits};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but RFC 3986's unreserved characters, as all of Duo's clients encode for the signature.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Reads a query string or a form body: keys and values decoded, in the order and number in which they were sent. A key
/// without `=` has an empty value; empty parts (`a=1&&b=2`) count for nothing.
///
/// # Errors
/// 40002 when a percent sign is not followed by two hexadecimal digits, when a key or value is not UTF-8 or holds a NUL
/// (which no store takes), or when there are more or longer parameters than `limits` allows.
pub fn parse(encoded: &[u8], limits: &Limits) -> Result<Vec<(String, String)>, ApiError> {
    if encoded.len() > limits.body {
        return Err(ApiError::invalid_parameter("The parameters are too long."));
    }
    let mut pairs = Vec::with_capacity(if encoded.is_empty() { 0 } else { 12 });
    for part in encoded.split(|&byte| byte == b'&').filter(|part| !part.is_empty()) {
        if pairs.len() == limits.params {
            return Err(ApiError::invalid_parameter("There are too many parameters."));
        }
        let (key, value) = match part.iter().position(|&byte| byte == b'=') {
            Some(at) => (part.get(..at).unwrap_or_default(), part.get(at + 1..).unwrap_or_default()),
            None => (part, &[][..]),
        };
        let key = decode(key)?;
        if key.is_empty() || key.len() > limits.name {
            return Err(ApiError::invalid_parameter("A parameter's name is empty or too long."));
        }
        pairs.push((key, decode(value)?));
    }
    Ok(pairs)
}

fn decode(encoded: &[u8]) -> Result<String, ApiError> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.iter();
    while let Some(&byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => match (rest.next().and_then(hex_digit), rest.next().and_then(hex_digit)) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(ApiError::invalid_parameter("A parameter is not percent-encoded.")),
            },
            byte => byte,
        });
    }
    let text = String::from_utf8(bytes).map_err(|_| ApiError::invalid_parameter("A parameter is not UTF-8."))?;
    if text.contains('\0') {
        return Err(ApiError::invalid_parameter("A parameter holds a NUL."));
    }
    Ok(text)
}

const fn hex_digit(byte: &u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(*byte - b'0'),
        b'a'..=b'f' => Some(*byte - b'a' + 10),
        b'A'..=b'F' => Some(*byte - b'A' + 10),
        _ => None,
    }
}

/// Appends `text` as the signature wants it: unreserved characters as they are, all others `%XX` in capitals (a space is
/// `%20`, never `+`).
pub(super) fn encode_into(out: &mut String, text: &str) {
    out.extend(utf8_percent_encode(text, RESERVED));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, u32> {
        parse(text.as_bytes(), &Limits::DEFAULT).map_err(|error| error.code())
    }

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn order_repetition_and_emptiness_are_kept() {
        assert_eq!(read("b=2&a=1&b=1&c=&d"), Ok(pairs(&[("b", "2"), ("a", "1"), ("b", "1"), ("c", ""), ("d", "")])));
        assert_eq!(read(""), Ok(vec![]));
        assert_eq!(read("&&a=1&"), Ok(pairs(&[("a", "1")])));
        assert_eq!(read("a=b=c"), Ok(pairs(&[("a", "b=c")])));
    }

    #[test]
    fn a_plus_is_a_space_and_an_escaped_plus_is_a_plus() {
        assert_eq!(read("q+1=a+b%20c%2Bd"), Ok(pairs(&[("q 1", "a b c+d")])));
    }

    #[test]
    fn the_pushinfo_of_duo_unix_is_decoded_once() {
        assert_eq!(
            read("pushinfo=Server%2BIP%3D10.0.0.1%26Command%3Dls%2520-l"),
            Ok(pairs(&[("pushinfo", "Server+IP=10.0.0.1&Command=ls%20-l")]))
        );
    }

    #[test]
    fn what_is_not_encoded_text_is_refused() {
        for text in ["a=%", "a=%4", "a=%zz", "%=1", "a=%ff", "a=%c3%28", "a=%00", "%00=1", "=1", "a=\u{0}"] {
            assert_eq!(read(text), Err(40_002), "{text}");
        }
        assert_eq!(parse(b"a=\xff", &Limits::DEFAULT).map_err(|error| error.code()), Err(40_002));
    }

    #[test]
    fn limits_hold_before_anything_is_kept() {
        let small = Limits { body: 100, params: 2, name: 3, depth: 1 };
        assert!(parse(b"a=1&b=2", &small).is_ok());
        assert!(parse(b"a=1&b=2&c=3", &small).is_err());
        assert!(parse(b"abc=1", &small).is_ok());
        assert!(parse(b"abcd=1", &small).is_err());
        assert!(parse("a=".repeat(51).as_bytes(), &small).is_err());
    }

    #[test]
    fn encoding_keeps_only_the_unreserved_characters() {
        let mut out = String::new();
        encode_into(&mut out, "aZ09-_.~ !*'()+&=/%\u{e9}");
        assert_eq!(out, "aZ09-_.~%20%21%2A%27%28%29%2B%26%3D%2F%25%C3%A9");
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_back(list in prop::collection::vec(("[^\0]{1,20}", "[^\0]{0,40}"), 0..8)) {
            let mut text = String::new();
            for (key, value) in &list {
                encode_into(&mut text, key);
                text.push('=');
                encode_into(&mut text, value);
                text.push('&');
            }
            prop_assert_eq!(read(&text), Ok(list));
        }

        #[test]
        fn garbage_is_refused_or_read_without_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes, &Limits::DEFAULT);
        }
    }
}
