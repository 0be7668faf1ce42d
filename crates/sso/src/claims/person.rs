//! What is known of a person where claims are made.

use super::{Field, GroupFilter};
use serde_json::{Map, Value};
use types::{GroupId, TenantId, UserId};

/// So many groups are told at most: a token that outgrows its header is of no use to anybody.
const MOST_GROUPS: usize = 500;

/// A person.
#[derive(Clone, Debug)]
pub struct Person {
    /// Whose.
    pub tenant: TenantId,
    /// Their id.
    pub id: UserId,
    /// Their name as the administrator wrote it.
    pub username: String,
    /// Their full name; empty when unknown, as the next three.
    pub realname: String,
    /// Their first name.
    pub firstname: String,
    /// Their last name.
    pub lastname: String,
    /// Their mail address. Administrators and directories write it, never the person.
    pub email: String,
    /// `active`, `bypass` or `disabled`.
    pub status: String,
    /// The groups that they are in.
    pub groups: Vec<(GroupId, String)>,
    /// Their other names.
    pub aliases: Vec<String>,
    /// What an administrator or a directory noted beside.
    pub attributes: Map<String, Value>,
}

impl Person {
    /// A field as text; empty when unknown.
    #[must_use]
    pub fn field(&self, field: Field) -> String {
        match field {
            Field::Id => self.id.to_string(),
            Field::Username => self.username.clone(),
            Field::Email => self.email.clone(),
            Field::Realname => self.full_name(),
            Field::Firstname => self.firstname.clone(),
            Field::Lastname => self.lastname.clone(),
            Field::Status => self.status.clone(),
        }
    }

    /// The full name, put together from its parts where only they are known.
    #[must_use]
    pub fn full_name(&self) -> String {
        match (self.realname.as_str(), self.firstname.as_str(), self.lastname.as_str()) {
            ("", first, last) => format!("{first} {last}").trim().to_owned(),
            (name, ..) => name.to_owned(),
        }
    }

    /// An attribute as text; empty when there is none, or it is none that has a text.
    #[must_use]
    pub fn attribute(&self, name: &str) -> String {
        match self.attributes.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
            _ => String::new(),
        }
    }

    /// The names of the groups that a filter lets through, in their order.
    #[must_use]
    pub fn groups_by(&self, filter: &GroupFilter) -> Vec<String> {
        let through = self.groups.iter().filter_map(|(id, name)| {
            let rest = name.strip_prefix(filter.prefix.as_str())?;
            if !filter.only.is_empty() && !filter.only.contains(name) {
                return None;
            }
            Some(match (filter.ids, filter.strip) {
                (true, _) => id.to_string(),
                (false, true) => rest.to_owned(),
                (false, false) => name.clone(),
            })
        });
        let through = through.filter(|name| !name.is_empty()).take(MOST_GROUPS);
        if filter.each.is_empty() {
            return through.collect();
        }
        through.map(|name| filter.each.replace("{}", &name)).collect()
    }
}
