//! The text that a client signs.
//!
//! All clients agree on the encoding; they differ in how they sort. The differences show only when a key is repeated, is
//! the beginning of another key, or holds a character that must be escaped. So the form that most clients sign is tried
//! first, and the others only when they differ from it.

use super::{Version, urlencoded::encode_into};

/// One request's parameters, in the forms in which a client may have signed them.
pub(super) struct CanonicalParams {
    pairs: Vec<(String, String)>,
    encoded: Vec<Encoded>,
    forms: Vec<String>,
}

struct Encoded {
    text: String,
    key: usize,
    place: usize,
}

impl Encoded {
    fn split(&self) -> (&str, &str) {
        self.text.split_at_checked(self.key).unwrap_or_default()
    }
}

impl CanonicalParams {
    pub(super) fn new(pairs: Vec<(String, String)>) -> Self {
        let mut encoded: Vec<_> = pairs
            .iter()
            .enumerate()
            .map(|(place, (key, value))| {
                let mut text = String::with_capacity(key.len() + value.len() + 16);
                encode_into(&mut text, key);
                let key = text.len();
                text.push('=');
                encode_into(&mut text, value);
                Encoded { text, key, place }
            })
            .collect();
        // Python (duo_client, duo_hmac), Java, PHP: escaped keys, then escaped values.
        encoded.sort_by(|one, other| one.split().cmp(&other.split()));
        let forms = vec![join(&encoded)];
        Self { pairs, encoded, forms }
    }

    /// The form in place `n`, if there is one: 0 is what most clients sign.
    pub(super) fn form(&mut self, n: usize) -> Option<&str> {
        if n == 1 && self.forms.len() == 1 && self.pairs.len() > 1 {
            self.add_rarer_forms();
        }
        self.forms.get(n).map(String::as_str)
    }

    fn add_rarer_forms(&mut self) {
        // duo_unix and C#: whole `key=value` texts, so that `a-b=` stands before `a=`.
        self.encoded.sort_by(|one, other| one.text.cmp(&other.text));
        self.add_form();
        // duo_api of npm, and C# with a list: keys as they are before escaping, values as sent.
        let raw = |one: &Encoded| self.pairs.get(one.place).map(|(key, value)| (key.as_str(), value.as_str()));
        self.encoded.sort_by_key(|one| one.place);
        self.encoded.sort_by(|one, other| raw(one).map(|(key, _)| key).cmp(&raw(other).map(|(key, _)| key)));
        self.add_form();
        // duo_api_golang and duo_api_ruby: keys and values as they are before escaping.
        let raw = |one: &Encoded| self.pairs.get(one.place).map(|(key, value)| (key.as_str(), value.as_str()));
        self.encoded.sort_by(|one, other| raw(one).cmp(&raw(other)));
        self.add_form();
    }

    fn add_form(&mut self) {
        let form = join(&self.encoded);
        if !self.forms.contains(&form) {
            self.forms.push(form);
        }
    }

    /// The parameters themselves, as sent.
    pub(super) fn into_pairs(self) -> Vec<(String, String)> {
        self.pairs
    }
}

fn join(encoded: &[Encoded]) -> String {
    let length = encoded.iter().map(|one| one.text.len() + 1).sum();
    let mut joined = String::with_capacity(length);
    for one in encoded {
        if !joined.is_empty() {
            joined.push('&');
        }
        joined.push_str(&one.text);
    }
    joined
}

/// What goes into the canonical text beside the parameters.
pub(super) struct Lines<'r> {
    pub(super) date: &'r str,
    pub(super) method: &'r str,
    pub(super) host: &'r str,
    pub(super) path: &'r str,
    pub(super) params: &'r str,
    /// Lower-case hexadecimal SHA-512 of the body (version 4 and 5).
    pub(super) body_hash: &'r str,
    /// The same of the `x-duo-*` headers (version 5).
    pub(super) headers_hash: &'r str,
}

impl Lines<'_> {
    /// Writes the text that is signed in `version`. No line can hold a newline (all come from a parsed request head, or
    /// are escaped), so no two versions have a text in common: they have four to seven lines.
    pub(super) fn write(&self, version: Version, out: &mut Vec<u8>) {
        out.clear();
        if version != Version::V1 {
            out.extend_from_slice(self.date.as_bytes());
            out.push(b'\n');
        }
        out.extend(self.method.bytes().map(|byte| byte.to_ascii_uppercase()));
        for line in [self.host, self.path, self.params] {
            out.push(b'\n');
            out.extend_from_slice(line.as_bytes());
        }
        if matches!(version, Version::V4 | Version::V5) {
            out.push(b'\n');
            out.extend_from_slice(self.body_hash.as_bytes());
        }
        if version == Version::V5 {
            out.push(b'\n');
            out.extend_from_slice(self.headers_hash.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn forms(list: &[(&str, &str)]) -> Vec<String> {
        let pairs = list.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        let mut params = CanonicalParams::new(pairs);
        (0..).map_while(|n| params.form(n).map(str::to_owned)).collect()
    }

    #[test]
    fn common_requests_have_one_form() {
        assert_eq!(forms(&[]), [""]);
        assert_eq!(forms(&[("a", "x y")]), ["a=x%20y"]);
        assert_eq!(
            forms(&[("username", "anna"), ("factor", "push"), ("device", "auto"), ("async", "1")]),
            ["async=1&device=auto&factor=push&username=anna"]
        );
    }

    #[test]
    fn a_key_that_begins_another_is_sorted_by_whole_pairs_in_c() {
        assert_eq!(forms(&[("user", "x"), ("user-a", "y")]), ["user=x&user-a=y", "user-a=y&user=x"]);
    }

    #[test]
    fn repeated_keys_come_sorted_or_as_sent() {
        assert_eq!(forms(&[("k", "b"), ("k", "a")]), ["k=a&k=b", "k=b&k=a"]);
        // Escaped, `/` is `%2F` and sorts before `-`; as it is, it sorts behind.
        assert_eq!(forms(&[("k", "/"), ("k", "-")]), ["k=%2F&k=-", "k=-&k=%2F"]);
        assert_eq!(forms(&[("k", "c"), ("k", "/"), ("k", "-")]).len(), 3);
    }

    #[test]
    fn each_version_has_its_lines() {
        let lines = Lines {
            date: "D",
            method: "post",
            host: "h",
            path: "/p",
            params: "a=1",
            body_hash: "B",
            headers_hash: "H",
        };
        for (version, text) in [
            (Version::V1, "POST\nh\n/p\na=1"),
            (Version::V2, "D\nPOST\nh\n/p\na=1"),
            (Version::V4, "D\nPOST\nh\n/p\na=1\nB"),
            (Version::V5, "D\nPOST\nh\n/p\na=1\nB\nH"),
        ] {
            let mut out = b"left over".to_vec();
            lines.write(version, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }

    proptest! {
        #[test]
        fn every_form_holds_every_pair_once(list in prop::collection::vec(("[a-c/~ ]{1,3}", "[a-c/~ ]{0,3}"), 0..6)) {
            let mut params = CanonicalParams::new(list.clone());
            let mut wanted: Vec<_> = list.clone();
            wanted.sort();
            let mut n = 0;
            while let Some(form) = params.form(n) {
                let mut read = super::super::parse_urlencoded(form.as_bytes(), &super::super::Limits::DEFAULT).unwrap();
                read.sort();
                prop_assert_eq!(&read, &wanted);
                n += 1;
            }
            prop_assert!((1..=4).contains(&n));
            prop_assert_eq!(params.into_pairs(), list);
        }
    }
}
