//! `multipart/form-data` (RFC 7578), as the PHP client sends its parameters: it hands curl a list, and curl makes parts of it.
//!
//! Read strictly: only texts, no files, nothing before the first boundary or after the last. A form that two readers could read
//! differently is refused.

use super::{ApiError, Limits, Params};

/// Bytes of a boundary (RFC 2046 §5.1.1).
const LONGEST_BOUNDARY: usize = 70;

fn malformed() -> ApiError {
    ApiError::invalid_parameter("The body is not a form of texts.")
}

/// The boundary that a `Content-Type` names, if it is that of a form.
#[must_use]
pub fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let mut found = parameters.split(';').filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim())
    });
    let boundary = found.next().filter(|_| found.next().is_none())?;
    let boundary = boundary.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(boundary);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(&byte);
    (!boundary.is_empty() && boundary.len() <= LONGEST_BOUNDARY && boundary.bytes().all(plain)).then_some(boundary)
}

/// Reads a form's texts.
///
/// # Errors
/// 40002 when it is anything but texts between boundaries, or past `limits`.
pub fn parse(body: &[u8], boundary: &str, limits: &Limits) -> Result<Params, ApiError> {
    if body.len() > limits.body {
        return Err(ApiError::invalid_parameter("The body is too long."));
    }
    let line = format!("--{boundary}");
    let between = format!("\r\n--{boundary}");
    let mut rest = body.strip_prefix(line.as_bytes()).ok_or_else(malformed)?;
    let mut pairs = Vec::new();
    loop {
        if let Some(end) = rest.strip_prefix(b"--") {
            return if end.is_empty() || end == b"\r\n" { Ok(Params::from_pairs(pairs)) } else { Err(malformed()) };
        }
        if pairs.len() == limits.params {
            return Err(ApiError::invalid_parameter("There are too many parameters."));
        }
        let part = rest.strip_prefix(b"\r\n").ok_or_else(malformed)?;
        let (part, after) = split(part, between.as_bytes()).ok_or_else(malformed)?;
        let (head, value) = split(part, b"\r\n\r\n").ok_or_else(malformed)?;
        let name = name(std::str::from_utf8(head).map_err(|_| malformed())?).ok_or_else(malformed)?;
        if name.is_empty() || name.len() > limits.name {
            return Err(ApiError::invalid_parameter("A parameter's name is empty or too long."));
        }
        let value = std::str::from_utf8(value).map_err(|_| malformed())?;
        if value.contains('\0') {
            return Err(ApiError::invalid_parameter("A parameter holds a NUL."));
        }
        pairs.push((name.to_owned(), value.to_owned()));
        rest = after;
    }
}

/// What stands before the first `mark`, and after it.
fn split<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes.windows(mark.len()).position(|window| window == mark)?;
    Some((bytes.get(..at)?, bytes.get(at + mark.len()..)?))
}

/// The name in a part's header. Parts with a file name, or with a name in quotes that are escaped, are none of our clients'.
fn name(head: &str) -> Option<&str> {
    let mut found = None;
    for line in head.split("\r\n") {
        let (header, value) = line.split_once(':')?;
        if header.eq_ignore_ascii_case("content-disposition") {
            let quoted = value.trim().strip_prefix("form-data; name=\"")?.strip_suffix('"')?;
            let plain = |byte: u8| (0x20..0x7f).contains(&byte) && !matches!(byte, b'"' | b'\\' | b'%' | b';');
            if found.is_some() || !quoted.bytes().all(plain) {
                return None;
            }
            found = Some(quoted);
        } else if !header.eq_ignore_ascii_case("content-type") || !value.trim().starts_with("text/plain") {
            return None;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BOUNDARY: &str = "------------------------1f0d2c3b4a596877";

    fn form(pairs: &[(&str, &str)]) -> String {
        let part = |(name, value): &(&str, &str)| {
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        pairs.iter().map(part).collect::<String>() + &format!("--{BOUNDARY}--\r\n")
    }

    fn read(body: &str) -> Result<Params, u32> {
        parse(body.as_bytes(), BOUNDARY, &Limits::DEFAULT).map_err(|error| error.code())
    }

    #[test]
    fn a_form_of_curls_is_read() {
        let params =
            read(&form(&[("client_id", "DIX"), ("client_assertion", "a.b-c"), ("empty", ""), ("lines", "a\r\nb")]));
        let params = params.unwrap();
        assert_eq!(params.text("client_id"), Ok(Some("DIX")));
        assert_eq!(params.text("client_assertion"), Ok(Some("a.b-c")));
        assert_eq!(params.text("empty"), Ok(Some("")));
        assert_eq!(params.text("lines"), Ok(Some("a\r\nb")));
        assert_eq!(
            read(&form(&[("a", "1"), ("a", "1")])).unwrap().text("a").map_err(|error| error.code()),
            Err(40_002)
        );
        assert!(read(&format!("--{BOUNDARY}--")).unwrap().names().next().is_none());
    }

    #[test]
    fn the_boundary_is_the_one_that_the_type_names() {
        for (kind, expected) in [
            ("multipart/form-data; boundary=----abc", Some("----abc")),
            ("Multipart/Form-Data;charset=utf-8; Boundary=\"a b\"", None),
            ("multipart/form-data; boundary=\"x.y\"", Some("x.y")),
            ("multipart/form-data", None),
            ("multipart/form-data; boundary=", None),
            ("multipart/form-data; boundary=a; boundary=b", None),
            ("multipart/mixed; boundary=a", None),
            ("application/x-www-form-urlencoded; boundary=a", None),
        ] {
            assert_eq!(boundary(kind), expected, "{kind}");
        }
        assert_eq!(boundary(&format!("multipart/form-data; boundary={}", "a".repeat(71))), None);
    }

    #[test]
    fn what_could_be_read_otherwise_is_refused() {
        let good = form(&[("a", "1")]);
        for body in [
            String::new(),
            format!("preamble\r\n{good}"),
            format!("{good}epilogue"),
            good.replace("\r\n", "\n"),
            good.replace("form-data; ", "attachment; "),
            good.replace("name=\"a\"", "name=a"),
            good.replace("name=\"a\"", "name=\"a\"; filename=\"x\""),
            good.replace("name=\"a\"", "name=\"a\"; name=\"b\""),
            good.replace("name=\"a\"", "name=\"a\\\"b\""),
            good.replace("name=\"a\"", "name=\"\""),
            good.replace("\"\r\n\r\n", "\"\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n"),
            good.replace("\"\r\n\r\n", "\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"),
            good.replace("\"\r\n\r\n", "\"\r\nContent-Type: application/json\r\n\r\n"),
            good.replace("\"\r\n\r\n", "\"\r\n folded\r\n\r\n"),
            good.replace("1\r\n", "\0\r\n"),
            good.replace("--\r\n", "\r\n"),
            good.trim_end_matches("--\r\n").to_owned(),
        ] {
            assert!(read(&body).is_err(), "{body:?}");
        }
        assert!(parse(b"------------------------1f0d2c3b4a596877\xff", BOUNDARY, &Limits::DEFAULT).is_err());
    }

    #[test]
    fn limits_hold() {
        let small = Limits { body: 400, params: 2, name: 3, depth: 1 };
        let parse = |body: String| parse(body.as_bytes(), BOUNDARY, &small).map_err(|error| error.code());
        assert!(parse(form(&[("a", "1"), ("b", "2")])).is_ok());
        assert!(parse(form(&[("a", ""), ("b", ""), ("c", "")])).is_err());
        assert!(parse(form(&[("abcd", "1")])).is_err());
        assert!(parse(form(&[("a", &"x".repeat(400))])).is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(list in prop::collection::btree_map("[a-z_]{1,20}", "[^\0]{0,40}", 0..6)) {
            let pairs: Vec<(&str, &str)> = list.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let params = read(&form(&pairs)).unwrap();
            prop_assert_eq!(params.names().count(), list.len());
            for (name, value) in pairs {
                prop_assert_eq!(params.text(name), Ok(Some(value)));
            }
        }

        #[test]
        fn garbage_is_refused_or_read_without_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes, BOUNDARY, &Limits::DEFAULT);
            let _ = parse(&[format!("--{BOUNDARY}\r\n").as_bytes(), &bytes].concat(), BOUNDARY, &Limits::DEFAULT);
        }
    }
}
