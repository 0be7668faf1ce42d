//! The values that hold: defaults, then the file, then the environment, each with where it came from.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use toml::de::{DeTable, DeValue};
use types::SecretString;

use super::{
    error::{ConfigError, Mistake, Origin},
    keys::{self, ENVIRONMENT, FILE_VARIABLE, KEYS, Key, Kind},
    value::Value,
};

/// A value and where it came from.
#[derive(Clone)]
pub struct Setting {
    /// The value.
    pub value: Value,
    /// Who gave it.
    pub origin: Origin,
}

/// All keys with the values that hold.
#[derive(Clone)]
pub struct Settings(BTreeMap<&'static str, Setting>);

impl Settings {
    /// Reads the file, when there is one, and lays the environment over it.
    ///
    /// # Errors
    /// Every unknown key and every value that its key doesn't accept.
    pub fn read(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut reader = Reader { settings: defaults(), mistakes: Vec::new() };
        if let Some(path) = file {
            match std::fs::read_to_string(path) {
                Ok(text) => reader.file(path, &text),
                Err(source) => reader.mistakes.push(Mistake::Unreadable { path: path.to_owned(), source }),
            }
        }
        reader.environment(environment);
        if reader.mistakes.is_empty() { Ok(Self(reader.settings)) } else { Err(ConfigError(reader.mistakes)) }
    }

    /// Reads a file's text as though it stood at `path`; for tests and tools that have no file.
    ///
    /// # Errors
    /// As [`Settings::read`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let mut reader = Reader { settings: defaults(), mistakes: Vec::new() };
        reader.file(path, text);
        if reader.mistakes.is_empty() { Ok(Self(reader.settings)) } else { Err(ConfigError(reader.mistakes)) }
    }

    /// Each key with its setting, in the order of the reference.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Key, &Setting)> {
        KEYS.iter().filter_map(|key| self.0.get(key.path).map(|setting| (key, setting)))
    }

    /// Where the value of `key` came from.
    #[must_use]
    pub fn origin(&self, key: &str) -> Origin {
        self.0.get(key).map_or(Origin::Default, |setting| setting.origin.clone())
    }

    /// A text, or nothing.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.0.get(key).map(|setting| &setting.value) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A path, or nothing.
    #[must_use]
    pub fn path(&self, key: &str) -> Option<PathBuf> {
        self.text(key).map(PathBuf::from)
    }

    /// A number. Each number has a default, so there is always one.
    #[must_use]
    pub fn number(&self, key: &str) -> u64 {
        match self.0.get(key).map(|setting| &setting.value) {
            Some(Value::Number(number)) => *number,
            _ => 0,
        }
    }

    /// A list, perhaps empty.
    #[must_use]
    pub fn list(&self, key: &str) -> &[String] {
        match self.0.get(key).map(|setting| &setting.value) {
            Some(Value::List(items)) => items,
            _ => &[],
        }
    }

    /// A secret that stands in the configuration itself, or nothing.
    #[must_use]
    pub fn secret(&self, key: &str) -> Option<&SecretString> {
        match self.0.get(key).map(|setting| &setting.value) {
            Some(Value::Secret(secret)) => Some(secret),
            _ => None,
        }
    }
}

fn defaults() -> BTreeMap<&'static str, Setting> {
    KEYS.iter()
        .map(|key| {
            // A test reads every default, so none falls back to "not set" here by mistake.
            let value = key.kind.from_text(key.default).unwrap_or(Value::Unset);
            (key.path, Setting { value, origin: Origin::Default })
        })
        .collect()
}

struct Reader {
    settings: BTreeMap<&'static str, Setting>,
    mistakes: Vec<Mistake>,
}

impl Reader {
    fn file(&mut self, path: &Path, text: &str) {
        let at = |offset: usize| Origin::File(path.to_owned(), line(text, offset));
        match DeTable::parse(text) {
            Ok(table) => self.table("", table.get_ref(), &at),
            Err(error) => self.mistakes.push(Mistake::Syntax {
                origin: at(error.span().map_or(0, |span| span.start)),
                message: error.message().to_owned(),
            }),
        }
    }

    fn table(&mut self, prefix: &str, table: &DeTable<'_>, at: &dyn Fn(usize) -> Origin) {
        for (name, value) in table {
            let path =
                if prefix.is_empty() { name.get_ref().to_string() } else { format!("{prefix}.{}", name.get_ref()) };
            let origin = at(name.span().start);
            if let Some(key) = keys::find(&path) {
                self.set(key, origin, key.kind.from_toml(value.get_ref()));
            } else if let (true, DeValue::Table(inner)) = (is_section(&path), value.get_ref()) {
                self.table(&path, inner, at);
            } else {
                self.mistakes.push(Mistake::UnknownKey { origin, nearest: nearest(&path), key: path });
            }
        }
    }

    fn environment(&mut self, variables: impl IntoIterator<Item = (String, String)>) {
        for (name, text) in variables {
            if !name.starts_with(ENVIRONMENT) || name == FILE_VARIABLE {
                continue;
            }
            let origin = Origin::Environment(name.clone());
            match KEYS.iter().find(|key| key.environment() == name) {
                // Container tools hand over every variable they know, set or not.
                Some(_) if text.is_empty() => {}
                Some(key) => self.set(key, origin, key.kind.from_text(&text)),
                None => {
                    let path = name.trim_start_matches(ENVIRONMENT).replace("__", ".").to_ascii_lowercase();
                    let nearest = if name.contains("__") { nearest(&path) } else { nearest_variable(&name) };
                    // Scripts around the program have variables of their own that begin like this. One without two
                    // underscores is no key, unless it looks like one that lost them.
                    if name.contains("__") || nearest.is_some() {
                        self.mistakes.push(Mistake::UnknownKey { origin, nearest, key: path });
                    }
                }
            }
        }
    }

    fn set(&mut self, key: &'static Key, origin: Origin, value: Result<Value, String>) {
        match value {
            Ok(value) => {
                self.settings.insert(key.path, Setting { value, origin: origin.clone() });
                self.displace_twin(key, origin);
            }
            Err(expected) => self.mistakes.push(Mistake::WrongValue { origin, key: key.path, expected }),
        }
    }

    /// A secret and its `_file` twin from different places: the later one holds. From the same place, both stay, and
    /// the sections refuse the pair.
    fn displace_twin(&mut self, key: &'static Key, origin: Origin) {
        let twin = match key.path.strip_suffix("_file") {
            Some(secret) => keys::find(secret).filter(|secret| secret.kind == Kind::Secret),
            None if key.kind == Kind::Secret => keys::find(&format!("{}_file", key.path)),
            None => None,
        };
        if let Some(setting) = twin.and_then(|twin| self.settings.get_mut(twin.path))
            && std::mem::discriminant(&setting.origin) != std::mem::discriminant(&origin)
        {
            *setting = Setting { value: Value::Unset, origin: Origin::Default };
        }
    }
}

/// The line that holds the byte at `offset`, from 1.
fn line(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
}

fn is_section(path: &str) -> bool {
    KEYS.iter().any(|key| key.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

/// The key that looks most like `path`: by the whole name, or by the last part when it stands in the wrong section.
fn nearest(path: &str) -> Option<&'static str> {
    let last = path.rsplit('.').next().unwrap_or(path);
    KEYS.iter()
        .map(|key| {
            let name = key.path.rsplit('.').next().unwrap_or(key.path);
            let whole = strsim::osa_distance(path, key.path);
            // The right name in the wrong place costs as much as one typing mistake.
            let misplaced = strsim::osa_distance(last, name) + 1;
            (whole.min(misplaced), whole, key.path)
        })
        .min()
        .filter(|(distance, _, found)| *distance <= (found.len() / 4).clamp(1, 3))
        .map(|(_, _, found)| found)
}

/// The key whose variable looks like `name`, were all underscores single.
fn nearest_variable(name: &str) -> Option<&'static str> {
    let single = |key: &Key| key.environment().replace("__", "_");
    KEYS.iter()
        .map(|key| (strsim::osa_distance(name, &single(key)), key.path))
        .min()
        .filter(|(distance, _)| *distance <= 2)
        .map(|(_, found)| found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, environment: &[(&str, &str)]) -> Result<Settings, ConfigError> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("write");
        Settings::read(Some(file.path()), environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
    }

    fn mistakes(text: &str, environment: &[(&str, &str)]) -> String {
        read(text, environment).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn every_default_fits_its_own_key() {
        for key in KEYS {
            assert!(key.kind.from_text(key.default).is_ok(), "{}", key.path);
            if matches!(key.kind, Kind::Number { .. }) {
                assert!(matches!(key.kind.from_text(key.default), Ok(Value::Number(_))), "{}", key.path);
            }
        }
    }

    #[test]
    fn no_key_is_a_section_of_another_and_none_stands_twice() {
        for key in KEYS {
            assert!(!is_section(key.path), "{}", key.path);
            assert_eq!(KEYS.iter().filter(|other| other.path == key.path).count(), 1, "{}", key.path);
            assert_eq!(KEYS.iter().filter(|other| other.environment() == key.environment()).count(), 1);
        }
    }

    #[test]
    fn every_secret_can_be_given_as_a_file() {
        for key in KEYS.iter().filter(|key| key.kind == Kind::Secret) {
            assert!(
                keys::find(&format!("{}_file", key.path)).is_some_and(|twin| twin.kind == Kind::Path),
                "{}",
                key.path
            );
        }
    }

    #[test]
    fn the_environment_lies_over_the_file_over_the_defaults() {
        let settings = read(
            "[server]\nlisten = \"0.0.0.0:443\"\napi_hosts = [\"api-1.example.com\"]\n[limits]\nconnections = 20_000\n",
            &[("COUNTERSIGN_SERVER__LISTEN", "[::]:443, 127.0.0.1:8443"), ("COUNTERSIGN_TLS__MODE", ""), ("HOME", "/")],
        )
        .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(settings.list("server.listen"), ["[::]:443", "127.0.0.1:8443"]);
        assert_eq!(settings.list("server.api_hosts"), ["api-1.example.com"]);
        assert_eq!(settings.number("limits.connections"), 20_000);
        assert_eq!(settings.text("tls.mode"), Some("own-ca"));
        assert_eq!(settings.number("limits.body_bytes"), 262_144);
        assert!(matches!(settings.origin("limits.connections"), Origin::File(_, 5)));
        assert_eq!(settings.origin("server.listen"), Origin::Environment("COUNTERSIGN_SERVER__LISTEN".to_owned()));
    }

    #[test]
    fn unknown_keys_are_named_with_file_line_and_nearest_key() {
        let text = mistakes("[server]\nlisten = \"127.0.0.1:1\"\nlistn = \"x\"\n[tls]\nkey_flie = \"x\"\n", &[]);
        assert!(text.contains(":3: unknown key `server.listn`; did you mean `server.listen`?"), "{text}");
        assert!(text.contains(":5: unknown key `tls.key_flie`; did you mean `tls.key_file`?"), "{text}");
        let text = mistakes("cert_file = \"x\"\n[colour]\nblue = 1\n", &[]);
        assert!(text.contains(":1: unknown key `cert_file`; did you mean `tls.cert_file`?"), "{text}");
        assert!(text.contains(":2: unknown key `colour`\n") || text.ends_with(":2: unknown key `colour`"), "{text}");
        let text = mistakes("", &[("COUNTERSIGN_SERVER__LISTN", "x")]);
        assert!(
            text.contains(
                "environment COUNTERSIGN_SERVER__LISTN: unknown key `server.listn`; did you mean `server.listen`?"
            ),
            "{text}"
        );
    }

    #[test]
    fn a_variable_that_lost_an_underscore_is_a_mistake_and_a_scripts_own_is_not() {
        let text = mistakes("", &[("COUNTERSIGN_SERVER_LISTEN", "x"), ("COUNTERSIGN_TLS_ACME_DOMIANS", "x")]);
        assert!(text.contains("environment COUNTERSIGN_SERVER_LISTEN: unknown key"), "{text}");
        assert!(text.contains("did you mean `server.listen`?"), "{text}");
        assert!(text.contains("did you mean `tls.acme.domains`?"), "{text}");
        assert_eq!(mistakes("", &[("COUNTERSIGN_BIN", "x"), ("COUNTERSIGN_TEST_ENGINES", "sqlite")]), "");
    }

    #[test]
    fn a_wrong_value_is_named_but_not_shown() {
        let text = mistakes(
            "[limits]\nconnections = \"many-s3cret\"\n[tls]\nmode = \"s3cret\"\n[server]\nlisten = [1]\n",
            &[],
        );
        assert!(text.contains(":2: `limits.connections` must be a whole number from 16 to 1000000"), "{text}");
        assert!(text.contains(":4: `tls.mode` must be one of: own-ca, files, acme"), "{text}");
        assert!(text.contains(":6: `server.listen` must be a list of texts"), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    }

    #[test]
    fn a_file_that_is_no_toml_is_named_without_the_line_itself() {
        let text = mistakes("[supplier]\ntoken = \"s3cret\nfrom = 1\n", &[]);
        assert!(text.contains(":2: not valid TOML"), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    }

    #[test]
    fn a_secret_from_the_environment_takes_the_place_of_the_files_twin() {
        let settings = read("[supplier]\ntoken_file = \"/x\"\n", &[("COUNTERSIGN_SUPPLIER__TOKEN", "abc")])
            .unwrap_or_else(|error| panic!("{error}"));
        assert!(settings.path("supplier.token_file").is_none());
        assert!(settings.secret("supplier.token").is_some_and(|token| token.ct_eq("abc")));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,200}") {
            let _ = Settings::parse(Path::new("x.toml"), &text);
        }

        #[test]
        fn no_keys_and_values_make_the_reader_panic(key in "[a-z_.]{1,20}", value in "(\"[ -!#-\\[\\]-~]{0,20}\"|-?[0-9]{1,25}|\\[[0-9, ]{0,10}\\]|true|1979-05-27)") {
            let _ = Settings::parse(Path::new("x.toml"), &format!("{key} = {value}\n"));
        }
    }
}
