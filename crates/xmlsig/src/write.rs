//! Writing XML: values are escaped because there is no other way to put them in.

use crate::{
    XmlError,
    canonical::{escape_text, escape_value},
    parse::is_character,
};

/// An element that is being built. Names are the program's own words; values are whatever they are.
#[derive(Debug, Clone)]
#[must_use]
pub struct Xml {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    children: Vec<Child>,
}

#[derive(Debug, Clone)]
enum Child {
    Element(Xml),
    Text(String),
    Fragment(Fragment),
}

impl Xml {
    /// An empty element; `name` with its prefix, which an attribute `xmlns:…` here or further out declares.
    pub const fn new(name: &'static str) -> Self {
        Self { name, attributes: Vec::new(), children: Vec::new() }
    }

    /// With an attribute or a namespace declaration.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    /// With an attribute, if there is a value.
    pub fn with_some(self, name: &'static str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// With a text at its end.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.children.push(Child::Text(text.into()));
        self
    }

    /// With a child at its end.
    pub fn child(mut self, child: Self) -> Self {
        self.children.push(Child::Element(child));
        self
    }

    /// With children at its end.
    pub fn children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children.into_iter().map(Child::Element));
        self
    }

    /// With what was signed or encrypted at its end, octet by octet.
    pub fn fragment(mut self, fragment: Fragment) -> Self {
        self.children.push(Child::Fragment(fragment));
        self
    }

    /// Its text.
    ///
    /// # Errors
    /// [`XmlError::Character`] if a value has a character that XML can't hold, escaped or not.
    pub fn render(&self) -> Result<Fragment, XmlError> {
        self.render_with(&[])
    }

    /// Its text, with other prefixes in the place of these, wherever elements are named by them and where they are declared.
    ///
    /// # Errors
    /// As [`Self::render`].
    pub fn render_with(&self, prefixes: Prefixes<'_>) -> Result<Fragment, XmlError> {
        let mut out = String::new();
        self.write(&mut out, prefixes)?;
        Ok(Fragment(out))
    }

    // Recursion as deep as the code that built it: no stranger's input decides.
    fn write(&self, out: &mut String, prefixes: Prefixes<'_>) -> Result<(), XmlError> {
        out.push('<');
        push_name(out, self.name, prefixes);
        for (name, value) in &self.attributes {
            check(value)?;
            out.push(' ');
            match name.strip_prefix("xmlns:") {
                Some(prefix) => {
                    out.push_str("xmlns:");
                    out.push_str(renamed(prefix, prefixes));
                }
                None => out.push_str(name),
            }
            out.push_str("=\"");
            escape_value(out, value);
            out.push('"');
        }
        out.push('>');
        for child in &self.children {
            match child {
                Child::Element(child) => child.write(out, prefixes)?,
                Child::Text(text) => {
                    check(text)?;
                    escape_text(out, text);
                }
                Child::Fragment(fragment) => out.push_str(&fragment.0),
            }
        }
        out.push_str("</");
        push_name(out, self.name, prefixes);
        out.push('>');
        Ok(())
    }
}

/// Prefixes, each with what stands in its place.
pub type Prefixes<'p> = &'p [(&'static str, &'static str)];

fn renamed<'p>(prefix: &'p str, prefixes: Prefixes<'p>) -> &'p str {
    prefixes.iter().find(|(from, _)| *from == prefix).map_or(prefix, |(_, to)| *to)
}

fn push_name(out: &mut String, name: &str, prefixes: Prefixes<'_>) {
    match name.split_once(':') {
        Some((prefix, local)) => {
            out.push_str(renamed(prefix, prefixes));
            out.push(':');
            out.push_str(local);
        }
        None => out.push_str(name),
    }
}

fn check(value: &str) -> Result<(), XmlError> {
    if value.chars().all(is_character) { Ok(()) } else { Err(XmlError::Character) }
}

/// A finished element as text. Only this crate makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment(pub(crate) String);

impl Fragment {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, as a document of its own.
    #[must_use]
    pub fn into_document(self) -> String {
        let mut document = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        document.push_str(&self.0);
        document
    }
}
