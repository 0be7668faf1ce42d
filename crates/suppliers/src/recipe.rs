//! How one supplier is spoken to: requests, answers, receipts, forgetting. Data only; the presets make it, and an administrator's
//! configuration for `kind = "http"` is read straight into it.

use crate::{
    letter::{Class, Progress},
    place::{Place, Pointer},
    secret::Secret,
    signature::Signature,
    template::{InvalidTemplate, Shape, Template},
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A request.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// `POST` where nothing else is said.
    #[serde(default)]
    pub method: Method,
    /// The address. Values in it are escaped for a path.
    pub url: Template,
    /// Fields of the query, behind those that stand in the address.
    #[serde(default)]
    pub query: BTreeMap<String, Template>,
    /// Further headers.
    #[serde(default)]
    pub headers: BTreeMap<String, Template>,
    /// A form as the body.
    #[serde(default)]
    pub form: Option<BTreeMap<String, Template>>,
    /// JSON as the body, instead of a form.
    #[serde(default)]
    pub json: Option<Shape>,
    /// Who we are.
    #[serde(default)]
    pub auth: Auth,
}

/// The methods that suppliers use.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Values go into the query.
    Get,
    /// The usual one.
    #[default]
    Post,
    /// For deletions.
    Delete,
    /// For changes.
    Put,
    /// For changes of a part.
    Patch,
}

impl From<Method> for http::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => Self::GET,
            Method::Post => Self::POST,
            Method::Delete => Self::DELETE,
            Method::Put => Self::PUT,
            Method::Patch => Self::PATCH,
        }
    }
}

/// How a request shows who sends it.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// It doesn't.
    #[default]
    None,
    /// RFC 7617.
    Basic {
        /// The name.
        user: String,
        /// The password.
        password: Secret,
    },
    /// RFC 6750.
    Bearer(Secret),
    /// A header of its own: `Authorization: App …`, `AccessKey …`.
    Header {
        /// Its name.
        name: String,
        /// Its whole value.
        value: Secret,
    },
    /// Fields of the query, behind all others.
    Query(BTreeMap<String, Secret>),
    /// Fields of the form, behind all others.
    Form(BTreeMap<String, Secret>),
    /// AWS Signature Version 4.
    Sigv4(crate::sigv4::Credentials),
    /// A JWT for each request, signed with an application's private key (Vonage).
    #[serde(skip)]
    Jwt(crate::signature::Application),
}

/// What an answer means.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Answer {
    /// What must hold of a `2xx` so that the message counts as taken; nothing for any `2xx`.
    pub success: Vec<Expect>,
    /// Where the message's id stands. If it is said here and isn't there, the answer is not understood.
    pub id: Option<Place>,
    /// Where the number of SMS stands.
    pub segments: Option<Place>,
    /// Where an error's code stands; the first that is there.
    pub code: Vec<Place>,
    /// What the codes mean.
    pub classes: BTreeMap<String, Class>,
    /// Statuses that say for certain that nothing was taken, so that the same is asked for again after a pause.
    pub again: Vec<u16>,
}

/// Something that must hold.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Where to look; the whole text if it isn't said.
    #[serde(default)]
    pub at: Option<Place>,
    /// What may stand there.
    #[serde(default)]
    pub is: Vec<String>,
    /// What it may begin with instead.
    #[serde(default)]
    pub begins: Option<String>,
}

/// What a receipt looks like. It is read as JSON; a form or a query is an object of texts.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipts {
    /// Where the receipts stand, if there may be several in one request.
    #[serde(default)]
    pub each: Option<Pointer>,
    /// Where a message's id stands in a receipt; none where only the ticket says which message it is.
    #[serde(default)]
    pub id: Option<Pointer>,
    /// Where its state stands.
    pub state: Pointer,
    /// What the states mean. One that isn't named says nothing.
    pub states: BTreeMap<String, Progress>,
    /// Where an error's code stands; the first that is there.
    #[serde(default)]
    pub code: Vec<Pointer>,
    /// What the codes mean; also of states, where a supplier has no codes.
    #[serde(default)]
    pub classes: BTreeMap<String, Class>,
    /// Who signs.
    #[serde(default)]
    pub signature: Signature,
    /// Messages to us.
    #[serde(default)]
    pub inbound: Option<InboundAt>,
}

/// What a message to us looks like.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InboundAt {
    /// Where they stand, if there may be several.
    #[serde(default)]
    pub each: Option<Pointer>,
    /// Who wrote.
    pub from: Pointer,
    /// To whom, where it says so.
    #[serde(default)]
    pub to: Option<Pointer>,
    /// What.
    pub text: Pointer,
}

/// How a message is forgotten.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forget {
    /// The request; `{id}` is the message.
    #[serde(rename = "request")]
    pub step: Step,
    /// Further statuses that mean that it is gone, beside `2xx`, `404` and `410`.
    #[serde(default)]
    pub gone: Vec<u16>,
    /// Not at the last receipt, only when the message has had its time: where the person's own copy might go with it.
    #[serde(default)]
    pub late: bool,
}

/// The languages that a template exists in, at WhatsApp.
#[derive(Clone)]
pub struct Languages {
    /// The supplier's names, `en_US`; the first is used where the person's isn't there.
    pub known: Vec<String>,
    /// The error codes that say that a language isn't there.
    pub missing: Vec<&'static str>,
}

impl Languages {
    /// The one that fits best to a BCP 47 tag, and the one to try when that is missing.
    #[must_use]
    pub fn choose(&self, tag: &str) -> [Option<&str>; 2] {
        let tag = tag.replace('-', "_").to_lowercase();
        let base = |text: &str| text.split('_').next().unwrap_or_default().to_lowercase();
        let first = self.known.first().map(String::as_str);
        let exact = self.known.iter().find(|known| known.to_lowercase() == tag);
        let near = self.known.iter().find(|known| base(known) == base(&tag));
        let best = exact.or(near).map(String::as_str).or(first);
        [best, first.filter(|first| Some(*first) != best)]
    }
}

/// How one supplier is spoken to.
#[derive(Clone)]
pub struct Recipe {
    /// Asked before a message, where the supplier wants it: its answer's id is `{request}`.
    pub prepare: Option<(Step, Answer)>,
    /// Sends a message.
    pub send: Step,
    /// What comes back.
    pub answer: Answer,
    /// The languages of a template.
    pub languages: Option<Languages>,
    /// What comes later.
    pub receipts: Option<Receipts>,
    /// Whether receipts come to one address for all messages, so that they must be signed and name their message.
    pub one_address: bool,
    /// How a message is deleted or redacted; none where the supplier has nothing of the kind, or does it by itself when asked in
    /// the message.
    pub forget: Option<Forget>,
}

impl Step {
    /// A request to an address, with this body.
    pub(crate) fn post(url: &str, json: serde_json::Value, auth: Auth) -> Result<Self, InvalidTemplate> {
        Ok(Self {
            method: Method::Post,
            url: Template::parse(url)?,
            query: BTreeMap::new(),
            headers: BTreeMap::new(),
            form: None,
            json: Some(Shape::try_from(json)?),
            auth,
        })
    }

    /// A request to an address, with a form.
    pub(crate) fn form(url: &str, fields: &[(&str, &str)], auth: Auth) -> Result<Self, InvalidTemplate> {
        let form = fields.iter().map(|(name, value)| Ok(((*name).to_owned(), Template::parse(value)?)));
        Ok(Self {
            method: Method::Post,
            url: Template::parse(url)?,
            query: BTreeMap::new(),
            headers: BTreeMap::new(),
            form: Some(form.collect::<Result<_, InvalidTemplate>>()?),
            json: None,
            auth,
        })
    }
}

/// A table of words.
pub(crate) fn table<T: Copy>(rows: &[(&[&str], T)]) -> BTreeMap<String, T> {
    rows.iter().flat_map(|(words, meaning)| words.iter().map(|word| ((*word).to_owned(), *meaning))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_language() {
        let languages =
            Languages { known: vec!["en_US".to_owned(), "pt_BR".to_owned(), "de".to_owned()], missing: vec!["132001"] };
        assert_eq!(languages.choose("de-AT"), [Some("de"), Some("en_US")]);
        assert_eq!(languages.choose("pt-BR"), [Some("pt_BR"), Some("en_US")]);
        assert_eq!(languages.choose("en"), [Some("en_US"), None]);
        assert_eq!(languages.choose("fi"), [Some("en_US"), None]);
    }
}
