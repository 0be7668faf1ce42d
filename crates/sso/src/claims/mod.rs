//! What relying parties are told of people: a small declarative mapping, and OpenID Connect's own claims by scope.
//!
//! A [`ClaimsMap`] names each claim (or SAML attribute, or header) and its [`Source`]. It can neither compute nor ask anything else, so
//! whoever reads it knows what leaves the house. An empty value is never told.
//!
//! To add a source: a variant of [`Source`] with its arm in `value`, its word in `from_str`, and its line in `docs/sso.md`.

mod person;
mod source;
mod template;

pub use person::Person;
pub use source::{BadSource, Field, GroupFilter, Source};
pub use template::Template;

use crate::SsoError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Rules in one map.
pub const MOST_CLAIMS: usize = 64;
/// The longest name, in bytes.
const LONGEST_NAME: usize = 256;
/// What a token says by itself (RFC 7519 §4.1, OpenID Connect Core §2, RFC 9068 §2.2, RFC 7800): no map takes its place.
const RESERVED: &[&str] = &[
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "nonce",
    "auth_time",
    "acr",
    "amr",
    "azp",
    "sid",
    "at_hash",
    "c_hash",
    "s_hash",
    "cnf",
    "act",
    "may_act",
    "client_id",
    "scope",
    "events",
    "txn",
    "active",
    "token_type",
];

/// What one claim is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClaimRule {
    /// Its name: of a claim, a SAML attribute, a header.
    pub name: String,
    /// The scope that it belongs to; none: it is always told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// SAML's `NameFormat`; none: unspecified, or `uri` where the name is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_format: Option<String>,
    /// SAML's `FriendlyName`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub friendly_name: Option<String>,
    /// From what.
    pub value: Source,
}

impl ClaimRule {
    /// A claim that is always told.
    #[must_use]
    pub fn new(name: &str, value: Source) -> Self {
        Self { name: name.to_owned(), value, ..Self::default() }
    }
}

/// Which claims there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClaimsMap(pub Vec<ClaimRule>);

/// An attribute with its values, for SAML and for headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// See [`ClaimRule::name_format`].
    pub name_format: Option<String>,
    /// See [`ClaimRule::friendly_name`].
    pub friendly_name: Option<String>,
    /// At least one, none of them empty.
    pub values: Vec<String>,
}

impl ClaimsMap {
    /// Looks at what an administrator wrote. `at` is where it stands, and `token` whether it is for a token, where some names are taken.
    ///
    /// # Errors
    /// [`SsoError::Invalid`] with the place.
    pub fn check(&self, at: &str, token: bool) -> Result<(), SsoError> {
        if self.0.len() > MOST_CLAIMS {
            return Err(SsoError::invalid(at, format!("there are at most {MOST_CLAIMS}")));
        }
        for (place, rule) in self.0.iter().enumerate() {
            let here = format!("{at}.{place}");
            let fits = !rule.name.is_empty() && rule.name.len() <= LONGEST_NAME;
            if !fits || rule.name.chars().any(|c| c.is_control() || c.is_whitespace()) {
                return Err(SsoError::invalid(
                    format!("{here}.name"),
                    "must be a name without spaces, of at most 256 bytes",
                ));
            }
            if token && RESERVED.contains(&rule.name.as_str()) {
                return Err(SsoError::invalid(format!("{here}.name"), format!("`{}` is the token's own", rule.name)));
            }
            if self.0.iter().take(place).any(|other| other.name == rule.name) {
                return Err(SsoError::invalid(format!("{here}.name"), format!("`{}` stands here twice", rule.name)));
            }
            for text in [&rule.scope, &rule.name_format, &rule.friendly_name].into_iter().flatten() {
                if text.is_empty() || text.len() > LONGEST_NAME || text.chars().any(char::is_control) {
                    return Err(SsoError::invalid(&here, "scope, name_format and friendly_name have 1 to 256 bytes"));
                }
            }
            rule.value.check().map_err(|why| SsoError::invalid(format!("{here}.value"), why.to_string()))?;
        }
        Ok(())
    }

    /// All of them with their values as texts, for SAML and for headers: what a person has no value for isn't there.
    #[must_use]
    pub fn attributes(&self, person: &Person) -> Vec<Attribute> {
        let rules = self.0.iter().filter_map(|rule| {
            let values: Vec<String> = match rule.value.value(person)? {
                Value::Array(list) => list.iter().map(text).filter(|text| !text.is_empty()).collect(),
                one => vec![text(&one)],
            };
            (!values.is_empty()).then(|| Attribute {
                name: rule.name.clone(),
                name_format: rule.name_format.clone(),
                friendly_name: rule.friendly_name.clone(),
                values,
            })
        });
        rules.collect()
    }

    /// Those of a token or of userinfo: OpenID Connect's own by scope (Core §5.4), then the map's, which may take their place.
    #[must_use]
    pub fn claims(&self, person: &Person, wanted: Wanted<'_>) -> Map<String, Value> {
        let mut claims = Map::new();
        for (scope, name, value) in standard(person) {
            if wanted.has(scope, name)
                && let Some(value) = value
            {
                claims.insert(name.to_owned(), value);
            }
        }
        for rule in self.0.iter().filter(|rule| !RESERVED.contains(&rule.name.as_str())) {
            let told = rule.scope.as_deref().is_none_or(|scope| wanted.has(scope, &rule.name));
            if !told {
                continue;
            }
            match rule.value.value(person) {
                Some(value) => claims.insert(rule.name.clone(), value),
                None => claims.remove(&rule.name),
            };
        }
        claims
    }
}

/// What was asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// The scopes that were granted.
    pub scopes: &'a [String],
    /// Claims that were asked for by name (OpenID Connect Core §5.5), and whose scopes the client may ask for. Told as if their scope had
    /// been granted.
    pub names: &'a [String],
}

impl Wanted<'_> {
    fn has(&self, scope: &str, name: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope) || self.names.iter().any(|asked| asked == name)
    }
}

/// Names of the standard claims that can be told, with their scopes: for discovery.
pub const STANDARD: [(&str, &str); 7] = [
    ("profile", "name"),
    ("profile", "given_name"),
    ("profile", "family_name"),
    ("profile", "preferred_username"),
    ("email", "email"),
    ("email", "email_verified"),
    ("groups", "groups"),
];

fn standard(person: &Person) -> impl Iterator<Item = (&'static str, &'static str, Option<Value>)> + '_ {
    STANDARD.into_iter().map(|(scope, name)| {
        let value = match name {
            "name" => Source::Field(Field::Realname).value(person),
            "given_name" => Source::Field(Field::Firstname).value(person),
            "family_name" => Source::Field(Field::Lastname).value(person),
            "preferred_username" => Source::Field(Field::Username).value(person),
            "email" => Source::Field(Field::Email).value(person),
            // Nobody writes their own address here: administrators, directories and providers that answer for its domain do.
            "email_verified" => (!person.email.is_empty()).then_some(Value::Bool(true)),
            _ => Source::Groups(GroupFilter::default()).value(person),
        };
        (scope, name, value)
    })
}

/// A value as text.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
