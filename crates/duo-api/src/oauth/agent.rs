//! What a browser says of itself, in the words of Duo's logs. Only shown: nothing is decided by it.

/// A program's name and version; empty where it isn't known.
#[derive(Debug, PartialEq, Eq, Default)]
pub(super) struct Program<'a> {
    pub(super) name: &'static str,
    pub(super) version: &'a str,
}

/// The product's mark in a `User-Agent`, and its name. The first that is found: the others of its kind name it too.
const BROWSERS: [(&str, &str); 9] = [
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
];

const SYSTEMS: [(&str, &str); 7] = [
    ("Windows NT ", "Windows"),
    ("Android ", "Android"),
    ("CPU iPhone OS ", "iOS"),
    ("CPU OS ", "iOS"),
    ("Mac OS X ", "Mac OS X"),
    ("CrOS ", "Chrome OS"),
    ("Linux", "Linux"),
];

/// The browser, and what it runs on.
pub(super) fn describe(user_agent: &str) -> (Program<'_>, Program<'_>) {
    (find(user_agent, &BROWSERS), find(user_agent, &SYSTEMS))
}

fn find<'a>(text: &'a str, marks: &[(&str, &'static str)]) -> Program<'a> {
    let found = marks.iter().find_map(|(mark, name)| text.split_once(mark).map(|(_, rest)| (*name, rest)));
    let Some((name, rest)) = found else { return Program::default() };
    let end = rest.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '_')).unwrap_or(rest.len());
    Program { name, version: rest.get(..end.min(32)).unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn browsers_and_systems_are_told_apart() {
        for (text, browser, os) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                ("Firefox", "140.0"),
                ("Linux", ""),
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
                ("Chrome", "142.0.0.0"),
                ("Windows", "10.0"),
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
                ("Edge", "142.0.0.0"),
                ("Windows", "10.0"),
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
                ("Safari", "18.5"),
                ("iOS", "18_5"),
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
                ("Safari", "18.5"),
                ("Mac OS X", "10_15_7"),
            ),
            (
                "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
                ("Chrome", "142.0.0.0"),
                ("Android", "15"),
            ),
            ("curl/8.14.1", ("", ""), ("", "")),
            ("", ("", ""), ("", "")),
        ] {
            let (found, system) = describe(text);
            assert_eq!(((found.name, found.version), (system.name, system.version)), (browser, os), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,80}") {
            let _ = describe(&text);
            let _ = describe(&format!("Chrome/{text}"));
        }
    }
}
