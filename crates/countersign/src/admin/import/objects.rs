//! Objects as Duo's Admin API gives them: as little of each as is brought over. Whatever is missing or `null` is empty.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use types::SecretString;

/// Empty where there is `null`.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// Seconds, which come as a number, as a text, or not at all.
fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::Number(number) => number.as_i64().unwrap_or(0),
        Value::String(text) => text.parse().unwrap_or(0),
        _ => 0,
    })
}

macro_rules! object {
    ($(#[$meta:meta])* $name:ident { $($field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Deserialize, Default, Clone)]
        #[serde(default)]
        pub(super) struct $name { $(#[serde(deserialize_with = "or_default")] pub(super) $field: $type,)* }
    };
}

object! {
    /// A group.
    Group { group_id: String, name: String, desc: String, status: String, }
}

object! {
    /// A user with what hangs on them.
    User {
        user_id: String,
        username: String,
        aliases: Map<String, Value>,
        alias1: String,
        alias2: String,
        alias3: String,
        alias4: String,
        realname: String,
        firstname: String,
        lastname: String,
        email: String,
        notes: String,
        status: String,
        groups: Vec<Group>,
        phones: Vec<Phone>,
        tokens: Vec<Token>,
    }
}

impl User {
    /// All aliases, in their order.
    pub(super) fn all_aliases(&self) -> Vec<String> {
        let mut aliases: Vec<(&String, &str)> =
            self.aliases.iter().filter_map(|(place, alias)| Some((place, alias.as_str()?))).collect();
        aliases.sort();
        let mut all: Vec<String> = aliases.into_iter().map(|(_, alias)| alias.to_owned()).collect();
        if all.is_empty() {
            all = [&self.alias1, &self.alias2, &self.alias3, &self.alias4].map(ToOwned::to_owned).to_vec();
        }
        all.retain(|alias| !alias.trim().is_empty());
        all
    }
}

/// A telephone.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub(super) struct Phone {
    #[serde(deserialize_with = "or_default")]
    pub(super) phone_id: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) number: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) extension: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) name: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) r#type: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) platform: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) model: String,
    #[serde(deserialize_with = "seconds")]
    pub(super) predelay: i64,
    #[serde(deserialize_with = "seconds")]
    pub(super) postdelay: i64,
    #[serde(deserialize_with = "or_default")]
    pub(super) activated: bool,
}

object! {
    /// A token: all but its seed.
    Token { r#type: String, serial: String, }
}

object! {
    /// A policy.
    Policy { policy_key: String, policy_name: String, is_global_policy: bool, sections: Map<String, Value>, }
}

object! {
    /// An integration; its simple fields are read by their own table.
    Integration {
        integration_key: String,
        name: String,
        r#type: String,
        policy_key: String,
        user_access: String,
        groups_allowed: Vec<String>,
        username_normalization_policy: String,
        networks_for_api_access: String,
    }
}

/// The answer of `…/skey`.
#[derive(Deserialize)]
pub(super) struct SecretKey {
    secret_key: String,
}

impl SecretKey {
    /// The secret.
    pub(super) fn take(self) -> SecretString {
        SecretString::new(self.secret_key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_and_null_are_empty_and_delays_come_in_two_kinds() {
        let phone: Phone = serde_json::from_str(r#"{"number":null,"predelay":"3","postdelay":5,"new":[1]}"#).unwrap();
        assert_eq!((phone.number.as_str(), phone.predelay, phone.postdelay), ("", 3, 5));
        let user: User = serde_json::from_str(r#"{"aliases":{"alias2":"b","alias1":"a"},"alias1":"a"}"#).unwrap();
        assert_eq!(user.all_aliases(), ["a", "b"]);
        let user: User = serde_json::from_str(r#"{"alias1":"a","alias3":"c","alias2":null}"#).unwrap();
        assert_eq!(user.all_aliases(), ["a", "c"]);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_refused_without_panic(text in "\\PC{0,80}|\\{\"(username|aliases|phones|status)\":\\PC{0,40}\\}") {
            let _ = serde_json::from_str::<User>(&text);
            let _ = serde_json::from_str::<Phone>(&text);
            let _ = serde_json::from_str::<Integration>(&text);
        }
    }
}
