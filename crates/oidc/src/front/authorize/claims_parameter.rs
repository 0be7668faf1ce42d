//! The `claims` parameter (OpenID Connect Core §5.5): which claims an application would like, where, and how badly.

use crate::frame::error::OAuthError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Claims that one request may name, in both places together.
const MOST: usize = 64;
/// Bytes of the parameter: no request has more.
const LONGEST: usize = crate::frame::params::MOST_BYTES;
/// Bytes of a claim's name.
const LONGEST_NAME: usize = 128;
/// Values that one claim may be asked to have.
const MOST_VALUES: usize = 16;

/// What is asked of one claim.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wish {
    /// Whether the sign-in makes no sense without it. Only of `acr` does that change anything here.
    pub(crate) essential: bool,
    /// What it should be; empty: anything.
    pub(crate) values: Vec<String>,
}

/// A claim with what is asked of it.
type Named = (String, Wish);

/// The parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wishes {
    pub(crate) id_token: Vec<Named>,
    pub(crate) userinfo: Vec<Named>,
}

const UNREADABLE: OAuthError = OAuthError::invalid_request("The claims parameter can not be read.");

impl Wishes {
    /// From the parameter's text. Members that this server doesn't know are none of its business (§5.5).
    pub(crate) fn read(text: &str) -> Result<Self, OAuthError> {
        let whole = jose::json::parse_object(text.as_bytes(), LONGEST).map_err(|_| UNREADABLE)?;
        let wishes = Self { id_token: place(&whole, "id_token")?, userinfo: place(&whole, "userinfo")? };
        if wishes.id_token.len() + wishes.userinfo.len() > MOST { Err(UNREADABLE) } else { Ok(wishes) }
    }

    /// As it was kept with what was granted; nothing where there was nothing.
    pub(crate) fn kept(value: Option<&Value>) -> Self {
        value.and_then(|value| serde_json::from_value(value.clone()).ok()).unwrap_or_default()
    }

    /// The claims that are asked for in the id token.
    pub(crate) fn id_token_names(&self) -> Vec<String> {
        self.id_token.iter().map(|(name, _)| name.clone()).collect()
    }

    /// The claims that are asked for at userinfo.
    pub(crate) fn userinfo_names(&self) -> Vec<String> {
        self.userinfo.iter().map(|(name, _)| name.clone()).collect()
    }

    /// What is asked of a claim of the id token.
    pub(crate) fn of_id_token(&self, name: &str) -> Option<&Wish> {
        self.id_token.iter().find(|(known, _)| known == name).map(|(_, wish)| wish)
    }
}

fn place(whole: &Map<String, Value>, name: &str) -> Result<Vec<Named>, OAuthError> {
    match whole.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Object(claims)) => claims.iter().map(named).collect(),
        Some(_) => Err(UNREADABLE),
    }
}

fn named((name, wish): (&String, &Value)) -> Result<Named, OAuthError> {
    if name.is_empty() || name.len() > LONGEST_NAME {
        return Err(UNREADABLE);
    }
    let wish = match wish {
        Value::Null => Wish::default(),
        Value::Object(wish) => {
            let essential = match wish.get("essential") {
                None => false,
                Some(essential) => essential.as_bool().ok_or(UNREADABLE)?,
            };
            let many = match wish.get("values") {
                None => &[],
                Some(values) => values.as_array().filter(|all| all.len() <= MOST_VALUES).ok_or(UNREADABLE)?.as_slice(),
            };
            // Of values that are no texts none is one that a claim here could have.
            let values = wish.get("value").into_iter().chain(many).filter_map(Value::as_str).map(str::to_owned);
            Wish { essential, values: values.collect() }
        }
        _ => return Err(UNREADABLE),
    };
    Ok((name.clone(), wish))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_example_of_the_specification_is_read() {
        let text = r#"{"userinfo":{"given_name":{"essential":true},"nickname":null,"picture":null},
            "id_token":{"auth_time":{"essential":true},"acr":{"values":["urn:mace:incommon:iap:silver"]}},"elsewhere":7}"#;
        let read = Wishes::read(text).unwrap();
        assert_eq!(read.userinfo.len(), 3);
        assert_eq!(read.of_id_token("acr").unwrap().values, ["urn:mace:incommon:iap:silver"]);
        assert!(read.of_id_token("auth_time").unwrap().essential);
        assert!(read.of_id_token("nickname").is_none());
    }

    #[test]
    fn what_is_not_as_specified_is_refused() {
        for bad in [
            "",
            "null",
            "[]",
            "{",
            r#"{"id_token":[]}"#,
            r#"{"id_token":{"acr":1}}"#,
            r#"{"id_token":{"acr":{"essential":"yes"}}}"#,
            r#"{"id_token":{"acr":{"values":"a"}}}"#,
            r#"{"id_token":{"":null}}"#,
            // Some would read the first, others the last.
            r#"{"id_token":{"acr":{"essential":true},"acr":null}}"#,
            r#"{"id_token":{"acr":{"essential":true,"essential":false}}}"#,
            r#"{"id_token":{},"id_token":{}}"#,
        ] {
            assert_eq!(Wishes::read(bad), Err(UNREADABLE), "{bad}");
        }
        let many: String = (0..=MOST).map(|n| format!("\"c{n}\":null,")).collect();
        assert!(Wishes::read(&format!("{{\"userinfo\":{{{many}\"x\":null}}}}")).is_err());
        assert!(Wishes::read(&("[".repeat(5_000))).is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_is_read_is_kept(text in "[\\[\\]{}:,\"a-z0-9 ]{0,60}|\\PC{0,40}") {
            if let Ok(read) = Wishes::read(&text) {
                let again: Wishes = serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
                prop_assert_eq!(again, read);
            }
        }
    }
}
