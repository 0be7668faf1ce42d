//! Values in a request: where a number, a text or a code goes.
//!
//! A template is a text with variables in braces, `https://sms.example/{to_digits}`; `{{` and `}}` are braces. Filling it gives a plain
//! text; whoever builds the request escapes that text for the place where it goes (path, query, form, JSON, header), so that no value
//! can end its place. In JSON a template that is `{seconds:number}` and nothing else becomes a number.

use crate::letter::{Content, Letter};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Map, Number, Value};
use std::borrow::Cow;
use types::Millis;

/// All but RFC 3986's unreserved characters.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// A JSON body's template is no deeper.
const DEEPEST: usize = 16;

/// What can stand in braces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Variable {
    /// `to`: the number, `+15035550100`.
    To,
    /// `to_digits`: the number without its `+`.
    ToDigits,
    /// `from`: the sender.
    From,
    /// `from_digits`: the sender; a number without its `+`.
    FromDigits,
    /// `text`: the message.
    Text,
    /// `encoding`: `text` if the message is in GSM's alphabet, else `unicode`.
    Encoding,
    /// `code`: the code.
    Code,
    /// `brand`: who sends it.
    Brand,
    /// `callback`: where receipts go.
    Callback,
    /// `seconds`: how long the message is good.
    Seconds,
    /// `minutes`: as above, at least 1.
    Minutes,
    /// `millis`: as above.
    Millis,
    /// `expires`: until when it is good, `2026-11-14T10:20:30Z`.
    Expires,
    /// `language`: of the message.
    Language,
    /// `request`: the id that the preparing request was given.
    Request,
    /// `id`: the supplier's id of a message, where it is to be forgotten.
    Id,
}

impl Variable {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "to" => Self::To,
            "to_digits" => Self::ToDigits,
            "from" => Self::From,
            "from_digits" => Self::FromDigits,
            "text" => Self::Text,
            "encoding" => Self::Encoding,
            "code" => Self::Code,
            "brand" => Self::Brand,
            "callback" => Self::Callback,
            "seconds" => Self::Seconds,
            "minutes" => Self::Minutes,
            "millis" => Self::Millis,
            "expires" => Self::Expires,
            "language" => Self::Language,
            "request" => Self::Request,
            "id" => Self::Id,
            _ => return None,
        })
    }
}

/// What the variables stand for in one request.
#[derive(Clone, Copy)]
pub struct Values<'a> {
    /// The message.
    pub letter: Option<&'a Letter>,
    /// The configured sender.
    pub from: Option<&'a str>,
    /// The template's language, where it differs from the letter's.
    pub language: Option<&'a str>,
    /// The id that the preparing request was given.
    pub request: Option<&'a str>,
    /// The id of a message to forget.
    pub id: Option<&'a str>,
    /// Now.
    pub now: Millis,
}

impl<'a> Values<'a> {
    /// None at all.
    #[must_use]
    pub const fn none(now: Millis) -> Self {
        Self { letter: None, from: None, language: None, request: None, id: None, now }
    }

    /// The value; `None` where there is none.
    fn of(&self, variable: Variable) -> Option<Cow<'a, str>> {
        let letter = self.letter;
        let from = || letter.and_then(|letter| letter.from.as_deref()).or(self.from);
        let seconds = || letter.map(|letter| letter.validity.as_secs().max(1));
        match variable {
            Variable::To => letter.map(|letter| letter.to.expose().into()),
            Variable::ToDigits => letter.map(|letter| letter.to.expose().trim_start_matches('+').into()),
            Variable::From => from().map(Cow::from),
            Variable::FromDigits => from().map(|from| from.strip_prefix('+').unwrap_or(from).into()),
            Variable::Text => text(letter?).map(Cow::from),
            Variable::Encoding => text(letter?).map(|text| if is_gsm(text) { "text" } else { "unicode" }.into()),
            Variable::Code => match &letter?.content {
                Content::Code { code, .. } => Some(code.expose().into()),
                Content::Text(_) => None,
            },
            Variable::Brand => match &letter?.content {
                Content::Code { brand, .. } => Some(brand.as_str().into()),
                Content::Text(_) => None,
            },
            Variable::Callback => letter?.callback.as_deref().map(Cow::from),
            Variable::Seconds => seconds().map(|seconds| seconds.to_string().into()),
            Variable::Minutes => seconds().map(|seconds| seconds.div_ceil(60).to_string().into()),
            Variable::Millis => seconds().map(|seconds| seconds.saturating_mul(1000).to_string().into()),
            Variable::Expires => letter.map(|letter| utc(self.now + letter.validity, "%Y-%m-%dT%H:%M:%SZ").into()),
            Variable::Language => {
                self.language.or_else(|| letter.map(|letter| letter.language.as_str())).map(Cow::from)
            }
            Variable::Request => self.request.map(Cow::from),
            Variable::Id => self.id.map(Cow::from),
        }
    }
}

fn text(letter: &Letter) -> Option<&str> {
    match &letter.content {
        Content::Text(text) => Some(text.expose()),
        Content::Code { .. } => None,
    }
}

/// Whether a text needs nothing but GSM's 7-bit alphabet and its extension (3GPP TS 23.038 §6.2.1).
fn is_gsm(text: &str) -> bool {
    const FURTHER: &str = "£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà€";
    text.chars().all(|c| matches!(c, '\n' | '\r' | ' '..='_' | 'a'..='~') || FURTHER.contains(c))
}

/// A point in time in UTC; empty where it can't be written.
pub(crate) fn utc(at: Millis, form: &str) -> String {
    jiff::Timestamp::from_second(at.seconds()).map(|at| at.strftime(form).to_string()).unwrap_or_default()
}

/// A text with variables.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Template {
    parts: Vec<Part>,
    is_number: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Plain(String),
    Value(Variable),
}

/// What is wrong with a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTemplate {
    /// A brace without its other half.
    #[error("a brace in a template has no other half; a brace that is meant is doubled")]
    Brace,
    /// No such variable.
    #[error("a template names an unknown variable")]
    Unknown,
    /// `:number` stands for the whole template.
    #[error("a number must be the whole template")]
    Number,
    /// An object in an object in an object …
    #[error("the body's template is too deep")]
    Deep,
    /// The host of an address is the configuration's alone.
    #[error("an address must begin with https:// (or http:// where that is allowed) and a host without variables")]
    Address,
}

impl TryFrom<String> for Template {
    type Error = InvalidTemplate;

    fn try_from(text: String) -> Result<Self, InvalidTemplate> {
        Self::parse(&text)
    }
}

impl Template {
    /// Reads a template.
    pub fn parse(text: &str) -> Result<Self, InvalidTemplate> {
        let (mut parts, mut plain, mut is_number) = (Vec::new(), String::new(), false);
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, brace) = rest.split_at_checked(at).ok_or(InvalidTemplate::Brace)?;
            plain.push_str(before);
            if let Some(after) = brace.strip_prefix("{{") {
                plain.push('{');
                rest = after;
            } else if let Some(after) = brace.strip_prefix("}}") {
                plain.push('}');
                rest = after;
            } else {
                let (name, after) =
                    brace.strip_prefix('{').and_then(|inner| inner.split_once('}')).ok_or(InvalidTemplate::Brace)?;
                let name = name.strip_suffix(":number").inspect(|_| is_number = true).unwrap_or(name);
                if !plain.is_empty() {
                    parts.push(Part::Plain(std::mem::take(&mut plain)));
                }
                parts.push(Part::Value(Variable::parse(name).ok_or(InvalidTemplate::Unknown)?));
                rest = after;
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Plain(plain));
        }
        if is_number && parts.len() != 1 {
            return Err(InvalidTemplate::Number);
        }
        Ok(Self { parts, is_number })
    }

    /// A template that is this text, whatever stands in it.
    #[must_use]
    pub fn plain(text: &str) -> Self {
        Self { parts: vec![Part::Plain(text.to_owned())], is_number: false }
    }

    /// Whether it names this variable.
    #[must_use]
    pub fn uses(&self, variable: Variable) -> bool {
        self.parts.contains(&Part::Value(variable))
    }

    /// The text; `None` if a value that it needs isn't there.
    #[must_use]
    pub fn fill(&self, values: &Values<'_>) -> Option<String> {
        self.filled(values, |value| Some(Cow::Borrowed(value)))
    }

    /// The text, its values fit for a segment of a path or for a query.
    #[must_use]
    pub fn fill_url(&self, values: &Values<'_>) -> Option<String> {
        // A segment of dots is a step up, escaped or not.
        self.filled(values, |value| {
            (!value.bytes().all(|b| b == b'.')).then(|| utf8_percent_encode(value, UNRESERVED).into())
        })
    }

    fn filled(&self, values: &Values<'_>, escape: impl Fn(&str) -> Option<Cow<'_, str>>) -> Option<String> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Plain(text) => out.push_str(text),
                Part::Value(variable) => out.push_str(&escape(&values.of(*variable)?)?),
            }
        }
        Some(out)
    }

    /// Whether it is an address whose scheme and host are written out; plain `http` only where that is allowed.
    pub fn check_address(&self, plain_http: bool) -> Result<(), InvalidTemplate> {
        let Some(Part::Plain(begin)) = self.parts.first() else { return Err(InvalidTemplate::Address) };
        let rest = begin.strip_prefix("https://").or_else(|| begin.strip_prefix("http://"));
        let rest = rest.ok_or(InvalidTemplate::Address)?;
        if self.parts.len() > 1 && !rest.contains('/') {
            return Err(InvalidTemplate::Address);
        }
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let url = url::Url::parse(begin).map_err(|_| InvalidTemplate::Address)?;
        if host.contains('@') || host.is_empty() || (url.scheme() == "http" && !plain_http && !is_loopback(&url)) {
            return Err(InvalidTemplate::Address);
        }
        Ok(())
    }
}

/// Whether an address leads to this machine.
fn is_loopback(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A JSON body with templates as its texts.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Value")]
pub enum Shape {
    /// What it is, whatever the message.
    Fixed(Value),
    /// A value.
    Leaf(Template),
    /// A list; what isn't there is left out.
    List(Vec<Self>),
    /// An object; what isn't there is left out.
    Object(Vec<(String, Self)>),
}

impl TryFrom<Value> for Shape {
    type Error = InvalidTemplate;

    fn try_from(value: Value) -> Result<Self, InvalidTemplate> {
        Self::read(value, DEEPEST)
    }
}

impl Shape {
    fn read(value: Value, depth: usize) -> Result<Self, InvalidTemplate> {
        let depth = depth.checked_sub(1).ok_or(InvalidTemplate::Deep)?;
        Ok(match value {
            Value::String(text) => Self::Leaf(Template::parse(&text)?),
            Value::Array(list) => {
                Self::List(list.into_iter().map(|value| Self::read(value, depth)).collect::<Result<_, _>>()?)
            }
            Value::Object(object) => Self::Object(
                object
                    .into_iter()
                    .map(|(name, value)| Ok((name, Self::read(value, depth)?)))
                    .collect::<Result<_, InvalidTemplate>>()?,
            ),
            fixed => Self::Fixed(fixed),
        })
    }

    /// The body; `None` if nothing of it is there.
    #[must_use]
    pub fn fill(&self, values: &Values<'_>) -> Option<Value> {
        match self {
            Self::Fixed(value) => Some(value.clone()),
            Self::Leaf(template) => {
                let text = template.fill(values)?;
                if template.is_number {
                    return text.parse::<u64>().ok().map(|number| Value::Number(Number::from(number)));
                }
                Some(Value::String(text))
            }
            Self::List(list) => Some(Value::Array(list.iter().filter_map(|shape| shape.fill(values)).collect())),
            Self::Object(object) => {
                let filled: Map<String, Value> =
                    object.iter().filter_map(|(name, shape)| Some((name.clone(), shape.fill(values)?))).collect();
                (!filled.is_empty() || object.is_empty()).then_some(Value::Object(filled))
            }
        }
    }
}

#[cfg(test)]
mod tests;
