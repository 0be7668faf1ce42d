//! What a browser calls itself, in words that a person knows: for logs and for the authenticator. Nothing is decided by it.

use std::fmt;

/// A browser and its system, as far as it says so. Empty where it doesn't.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agent {
    /// `Firefox`, `Chrome`, …
    pub browser: &'static str,
    /// Its main version, digits only.
    pub version: String,
    /// `Windows`, `macOS`, `Linux`, `Android`, `iOS`, `ChromeOS`.
    pub system: &'static str,
}

/// In this order: most browsers also name those that they want to be taken for.
const BROWSERS: [(&str, &str); 9] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
];
const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

impl Agent {
    /// Reads a `User-Agent`.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let named = BROWSERS.iter().find_map(|(mark, name)| Some((text.split_once(mark)?.1, *name)));
        let (browser, version) = match named {
            Some((rest, name)) => (name, rest.chars().take_while(char::is_ascii_digit).take(6).collect()),
            None => ("", String::new()),
        };
        let system = SYSTEMS.iter().find(|(mark, _)| text.contains(mark)).map_or("", |(_, name)| *name);
        Self { browser, version, system }
    }
}

impl fmt::Display for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.browser, self.system) {
            ("", system) => f.write_str(system),
            (browser, "") => f.write_str(browser),
            (browser, system) => write!(f, "{browser} on {system}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_usual_ones() {
        for (text, said, version) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux", "128"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/147.0.0.0 Safari/537.36 Edg/147.0.0.0",
                "Edge on Windows",
                "147",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
                "Safari on iOS",
                "18",
            ),
            ("curl/8.14.1", "", ""),
        ] {
            let agent = Agent::read(text);
            assert_eq!((agent.to_string().as_str(), agent.version.as_str()), (said, version), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_and_none_of_it_is_repeated(text in "\\PC{0,80}|(Chrome/|Version/|Firefox/)\\PC{0,20}") {
            let agent = Agent::read(&text);
            prop_assert!(agent.version.len() <= 6 && agent.version.bytes().all(|byte| byte.is_ascii_digit()));
        }
    }
}
