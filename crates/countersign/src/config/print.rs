//! What `countersign config` prints: the values that hold, with where they came from, and the reference document.

use std::fmt::Write as _;

use super::{
    keys::{KEYS, Kind},
    settings::Settings,
    value::{REDACTED, Value, redact_url},
};

/// The effective configuration as TOML. No secret is in it.
#[must_use]
pub fn effective(settings: &Settings) -> String {
    let mut out = String::new();
    let mut section = "";
    for (key, setting) in settings.iter() {
        let (this, name) = key.path.rsplit_once('.').unwrap_or(("", key.path));
        if this != section {
            let gap = if section.is_empty() { "" } else { "\n" };
            let _ = writeln!(out, "{gap}[{this}]");
            section = this;
        }
        let value = match &setting.value {
            Value::Unset => {
                let _ = writeln!(out, "# {name} is not set");
                continue;
            }
            Value::Text(text) if key.kind == Kind::Url => quoted(&redact_url(text)),
            Value::Text(text) => quoted(text),
            Value::Number(number) => number.to_string(),
            Value::List(items) => {
                format!("[{}]", items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(", "))
            }
            Value::Secret(_) => quoted(REDACTED),
        };
        let _ = writeln!(out, "{name} = {value}  # {}", setting.origin);
    }
    out
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// docs/configuration.md, whole.
#[must_use]
pub fn reference() -> String {
    let mut out = String::from(INTRODUCTION);
    let mut section = "";
    for key in KEYS {
        let (this, _) = key.path.rsplit_once('.').unwrap_or(("", key.path));
        if this != section {
            let _ = write!(out, "\n## `[{this}]`\n\n| key | type | default | environment | |\n|---|---|---|---|---|\n");
            section = this;
        }
        let mut kind = match key.kind {
            Kind::Text => "text".to_owned(),
            Kind::Path => "path".to_owned(),
            Kind::Url => "URL".to_owned(),
            Kind::Number { min, max } => format!("number, {min} to {max}"),
            Kind::List => "list".to_owned(),
            Kind::Choice(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
            Kind::Secret => "secret".to_owned(),
        };
        if !key.unit.is_empty() {
            kind = format!("{kind}; {}", key.unit);
        }
        let default = if key.default.is_empty() { "not set".to_owned() } else { format!("`{}`", key.default) };
        let _ = writeln!(out, "| `{}` | {kind} | {default} | `{}` | {} |", key.path, key.environment(), key.about);
    }
    out
}

const INTRODUCTION: &str = "\
# Configuration

This page is written by `countersign config --reference`; a test fails when it and the program differ.

Countersign runs without a configuration file. Where there is one, it is a single TOML file: the one that
`--config FILE` or the environment variable `COUNTERSIGN_CONFIG` names, else `/etc/countersign/countersign.toml` if it
exists. Every key can be overridden by an environment variable: `COUNTERSIGN_`, then the section and the key in
capitals, joined by two underscores. A list is written with commas there; an empty variable counts as not given.

A key that nobody knows is an error, in the file and in the environment: a typing mistake must not silently leave a
default in force. (A variable without two underscores is left alone, unless it looks like a key that lost them.)
`countersign config` prints the values that hold and where each came from, without the secrets.

A secret can stand in the file, in the environment, or in a file of its own that its twin with `_file` names (one line
break at the end is dropped). Given in two places, the environment's holds; given twice in one place is an error.

```toml
[server]
listen = [\"[::]:443\"]
api_hosts = [\"api-1a2b3c4d.example.com\"]

[tls]
mode = \"acme\"

[tls.acme]
contact = [\"mailto:ops@example.com\"]

[store]
url = \"postgres://countersign@localhost/countersign\"
password_file = \"/run/secrets/db-password\"
```
";
