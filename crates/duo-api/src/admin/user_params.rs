//! A user's particulars, as they come in a request or in one object of a list of users.

use crate::wire::{ApiError, Params, parse_urlencoded};
use directory::{NewUser, Status, UserPatch};
use serde_json::{Map, Value};

use super::desk::refused;

/// Aliases of one user at most.
pub(super) const MOST_ALIASES: usize = 8;

/// Aliases by their places; what is not named stays as it is, an empty one goes.
#[derive(Default)]
pub(super) struct AliasChange([Option<String>; MOST_ALIASES]);

impl AliasChange {
    fn put(&mut self, name: &str, value: &str) -> Result<(), ApiError> {
        let place = name.strip_prefix("alias").and_then(|place| place.parse::<usize>().ok());
        let slot = place.and_then(|place| self.0.get_mut(place.checked_sub(1)?));
        let slot = slot.ok_or_else(|| ApiError::invalid_parameter("aliases"))?;
        *slot = Some(value.trim().to_owned());
        Ok(())
    }

    /// Whether anything was said of aliases.
    pub(super) fn is_some(&self) -> bool {
        self.0.iter().any(Option::is_some)
    }

    /// The aliases that there will be.
    pub(super) fn apply(self, before: Vec<String>) -> Vec<String> {
        let mut before = before.into_iter().map(Some).chain(std::iter::repeat(None));
        self.0
            .into_iter()
            .map(|said| {
                let was = before.next().flatten();
                said.or(was).unwrap_or_default()
            })
            .filter(|alias| !alias.is_empty())
            .collect()
    }
}

/// Reads `alias1` to `alias4`, and `aliases`: an object, or pairs that are urlencoded (`alias1=joe&alias5=jsmith`).
pub(super) fn aliases(params: &Params) -> Result<AliasChange, ApiError> {
    let mut change = AliasChange::default();
    for name in ["alias1", "alias2", "alias3", "alias4", "alias5", "alias6", "alias7", "alias8"] {
        if let Some(alias) = params.text(name)? {
            change.put(name, alias)?;
        }
    }
    if !params.is_present("aliases") {
        return Ok(change);
    }
    let invalid = || ApiError::invalid_parameter("aliases");
    if change.is_some() {
        return Err(invalid());
    }
    if let Ok(Some(pairs)) = params.nested("aliases") {
        for (name, alias) in pairs.as_object().ok_or_else(invalid)? {
            change.put(name, alias.as_str().ok_or_else(invalid)?)?;
        }
    } else if let Some(text) = params.filled("aliases")? {
        let pairs = parse_urlencoded(text.as_bytes(), &crate::wire::Limits::DEFAULT).map_err(|_| invalid())?;
        for (name, alias) in pairs {
            change.put(&name, &alias)?;
        }
    }
    Ok(change)
}

fn status(text: Option<&str>) -> Result<Option<Status>, ApiError> {
    text.map(|text| text.parse().map_err(refused)).transpose()
}

fn attributes(params: &Params) -> Result<Option<Map<String, Value>>, ApiError> {
    let given = params.with_prefix("custom_attributes.")?;
    if given.is_empty() {
        return Ok(None);
    }
    Ok(Some(given.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()))
}

/// A user to be made.
pub(super) fn new(params: &Params) -> Result<NewUser, ApiError> {
    let text = |name: &str| params.text(name).map(|text| text.unwrap_or_default().to_owned());
    Ok(NewUser {
        username: params.required("username")?.to_owned(),
        aliases: aliases(params)?.apply(Vec::new()),
        realname: text("realname")?,
        firstname: text("firstname")?,
        lastname: text("lastname")?,
        email: text("email")?,
        notes: text("notes")?,
        status: status(params.filled("status")?)?.unwrap_or_default(),
        attributes: attributes(params)?.unwrap_or_default(),
    })
}

/// A change of a user, all but the aliases. An attribute that is not named stays; one that is empty goes.
pub(super) fn patch(params: &Params, before: &str) -> Result<UserPatch, ApiError> {
    let text = |name: &str| params.text(name).map(|text| text.map(ToOwned::to_owned));
    let attributes = attributes(params)?.map(|given| {
        let mut all: Map<String, Value> = serde_json::from_str(before).unwrap_or_default();
        all.extend(given);
        all.retain(|_, value| value.as_str() != Some(""));
        all
    });
    Ok(UserPatch {
        username: params.filled("username")?.map(ToOwned::to_owned),
        aliases: None,
        realname: text("realname")?,
        firstname: text("firstname")?,
        lastname: text("lastname")?,
        email: text("email")?,
        notes: text("notes")?,
        status: status(params.filled("status")?)?,
        attributes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Limits;

    fn applied(form: &str, before: &[&str]) -> Result<Vec<String>, ApiError> {
        let params = Params::from_urlencoded(form.as_bytes(), &Limits::DEFAULT).unwrap();
        Ok(aliases(&params)?.apply(before.iter().map(|alias| (*alias).to_owned()).collect()))
    }

    #[test]
    fn aliases_are_set_by_their_places() {
        assert_eq!(applied("", &["a", "b"]).unwrap(), ["a", "b"]);
        assert_eq!(applied("alias2=c", &["a", "b"]).unwrap(), ["a", "c"]);
        assert_eq!(applied("alias1=", &["a", "b"]).unwrap(), ["b"]);
        assert_eq!(applied("alias4=d", &["a"]).unwrap(), ["a", "d"]);
        assert_eq!(applied("aliases=alias1%3Dx%26alias8%3Dy%252Bz", &["a"]).unwrap(), ["x", "y+z"]);
        assert_eq!(applied("aliases=%7B%22alias1%22%3A%22x%22%7D", &["a"]).unwrap(), ["x"]);
        for form in ["aliases=alias9%3Dx", "aliases=x%3Dy", "aliases=alias0%3Dx", "alias1=a&aliases=alias2%3Dx"] {
            assert!(applied(form, &[]).is_err(), "{form}");
        }
    }
}
