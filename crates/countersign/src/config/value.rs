//! One value of the configuration: read from TOML or from the environment, by what its key accepts.

use toml::de::DeValue;
use types::SecretString;

use super::keys::Kind;

/// A value that fits its key.
#[derive(Clone)]
pub enum Value {
    /// Nothing was given, and there is no default.
    Unset,
    /// A text, path, URL or one of a few words.
    Text(String),
    /// A number within the key's bounds.
    Number(u64),
    /// A list of texts, none empty.
    List(Vec<String>),
    /// A text that isn't shown.
    Secret(SecretString),
}

impl Kind {
    /// Reads a text, as the environment has it. An empty one counts as not given.
    ///
    /// # Errors
    /// What the key accepts, for the message.
    pub fn from_text(self, text: &str) -> Result<Value, String> {
        let text = if self == Self::Secret { text } else { text.trim() };
        if text.is_empty() {
            return Ok(Value::Unset);
        }
        match self {
            Self::Number { min, max } => match text.parse() {
                Ok(number) if (min..=max).contains(&number) => Ok(Value::Number(number)),
                _ => Err(self.expected()),
            },
            Self::List => {
                let items: Vec<String> =
                    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect();
                Ok(if items.is_empty() { Value::Unset } else { Value::List(items) })
            }
            Self::Choice(words) if !words.contains(&text) => Err(self.expected()),
            Self::Secret => Ok(Value::Secret(SecretString::new(text.to_owned()))),
            Self::Text | Self::Path | Self::Url | Self::Choice(_) => Ok(Value::Text(text.to_owned())),
        }
    }

    /// Reads a TOML value. A single text stands for a list of one.
    ///
    /// # Errors
    /// What the key accepts, for the message.
    pub fn from_toml(self, value: &DeValue<'_>) -> Result<Value, String> {
        match (self, value) {
            (Self::Number { .. }, DeValue::Integer(number)) if number.radix() == 10 => {
                self.from_text(&number.as_str().replace('_', ""))
            }
            (Self::Number { .. }, _) => Err(self.expected()),
            (Self::List, DeValue::Array(items)) => {
                let items: Option<Vec<String>> = items
                    .iter()
                    .map(|item| {
                        item.get_ref().as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
                    })
                    .collect();
                match items {
                    Some(items) if items.is_empty() => Ok(Value::Unset),
                    Some(items) => Ok(Value::List(items)),
                    None => Err(self.expected()),
                }
            }
            (_, DeValue::String(text)) => self.from_text(text),
            _ => Err(self.expected()),
        }
    }

    /// What it accepts, in words.
    #[must_use]
    pub fn expected(self) -> String {
        match self {
            Self::Text | Self::Secret => "a text".to_owned(),
            Self::Path => "a path".to_owned(),
            Self::Url => "a URL".to_owned(),
            Self::Number { min, max } => format!("a whole number from {min} to {max}"),
            Self::List => "a list of texts".to_owned(),
            Self::Choice(words) => format!("one of: {}", words.join(", ")),
        }
    }
}

/// What stands in place of a secret.
pub const REDACTED: &str = "<redacted>";

/// The URL without the password that may stand in it, before the host or in the query. Where it isn't clear what the
/// password is, more is hidden rather than less.
#[must_use]
pub fn redact_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    // The last @ ends the user's part: a password may hold a raw /, ? or @.
    let (user, host) = match rest.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, rest),
    };
    let user = match user.map(|user| user.split_once(':').unwrap_or((user, ""))) {
        Some((name, "")) => format!("{name}@"),
        Some((name, _)) => format!("{name}:{REDACTED}@"),
        None => String::new(),
    };
    let host = match host.split_once('?') {
        Some((host, query)) if query.to_ascii_lowercase().contains("pass") => format!("{host}?{REDACTED}"),
        _ => host.to_owned(),
    };
    format!("{scheme}://{user}{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_url_is_not_shown() {
        for (url, shown) in [
            ("postgres://app:s3cret@db:5432/mfa", "postgres://app:<redacted>@db:5432/mfa"),
            ("postgres://app:s/3@cret@db/mfa", "postgres://app:<redacted>@db/mfa"),
            ("postgres://app@db/mfa?password=s3cret", "postgres://app@db/mfa?<redacted>"),
            ("postgres://app:s3cret?x@db/mfa", "postgres://app:<redacted>@db/mfa"),
            ("postgres://app@db/mfa?sslmode=require", "postgres://app@db/mfa?sslmode=require"),
            ("sqlite:/var/lib/x.db", "sqlite:/var/lib/x.db"),
        ] {
            assert_eq!(redact_url(url), shown);
        }
    }

    #[test]
    fn numbers_keep_their_bounds() {
        let kind = Kind::Number { min: 5, max: 10 };
        assert!(matches!(kind.from_text("7"), Ok(Value::Number(7))));
        for wrong in ["4", "11", "-1", "1e1", "seven", "99999999999999999999"] {
            assert_eq!(kind.from_text(wrong).err(), Some("a whole number from 5 to 10".to_owned()), "{wrong}");
        }
    }
}
