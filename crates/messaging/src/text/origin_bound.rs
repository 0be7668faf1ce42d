//! The last line of a text that binds a code to a site: `@login.example #123456`, or `@login.example #123456 @frame.example` for a
//! site inside another's page (WICG, "Origin-bound one-time codes delivered via SMS").

/// What such a text says to a telephone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct OriginBound<'a> {
    /// The site on which the code may be filled in.
    pub host: &'a str,
    /// The code.
    pub code: &'a str,
    /// The framed site that asks for it, where it is another.
    pub embedded: Option<&'a str>,
}

/// Reads the last line as a telephone does: `@host`, one space, `#code`, and, if another space follows, `@host` again. `None` for
/// anything else.
#[must_use]
pub fn parse(text: &str) -> Option<OriginBound<'_>> {
    let line = text.rsplit(['\n', '\r']).next()?;
    let mut parts = line.split(' ');
    let host = parts.next()?.strip_prefix('@').filter(|host| is_host(host))?;
    let code =
        parts.next()?.strip_prefix('#').filter(|code| !code.is_empty() && !code.contains(char::is_whitespace))?;
    let embedded = match parts.next() {
        None => None,
        Some(part) => Some(part.strip_prefix('@').filter(|host| is_host(host))?),
    };
    parts.next().is_none().then_some(OriginBound { host, code, embedded })
}

/// Whether `host` is a name in the form that stands in an address bar: labels of lower-case letters, digits and hyphens.
#[must_use]
pub fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.len() <= 253 && host.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Option<(&str, &str, Option<&str>)> {
        parse(text).map(|read| (read.host, read.code, read.embedded))
    }

    #[test]
    fn forms_of_the_draft() {
        assert_eq!(read("@example.com #747723"), Some(("example.com", "747723", None)));
        assert_eq!(
            read("747723 is your ExampleCo authentication code.\n\n@example.com #747723"),
            Some(("example.com", "747723", None))
        );
        assert_eq!(read("x\n@top.example #1 @frame.example"), Some(("top.example", "1", Some("frame.example"))));
    }

    #[test]
    fn what_is_no_such_line() {
        for text in [
            "",
            "Your code is 747723",
            "@example.com",
            "@example.com 747723",
            "@example.com  #747723",
            "@example.com #",
            "@example.com #747723 ",
            "@example.com #747723 x",
            "@example.com #747723 @a.example b",
            "Something @example.com #747723",
            "@example.com #747723\nMore",
            "@example.com #747723\n",
            "@https://example.com #747723",
            "@Example.com #747723",
            "@ #747723",
            "@a..b #747723",
            "@-a.b #747723",
            "@example.com\t#747723",
        ] {
            assert!(read(text).is_none(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in any::<String>()) {
            if let Some((host, code, embedded)) = read(&text) {
                let mut again = format!("@{host} #{code}");
                if let Some(embedded) = embedded {
                    again = format!("{again} @{embedded}");
                }
                prop_assert!(text.ends_with(&again));
            }
        }

        #[test]
        fn what_is_written_is_read(host in "[a-z0-9]{1,8}(\\.[a-z0-9]{1,8}){0,3}", code in "[A-Za-z0-9]{1,10}", before in any::<String>()) {
            let text = format!("{before}\n@{host} #{code}");
            prop_assert_eq!(read(&text), Some((host.as_str(), code.as_str(), None)));
        }
    }
}
