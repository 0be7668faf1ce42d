//! Canonical form: Exclusive XML Canonicalization 1.0, and Canonical XML 1.0 for who still uses it.
//!
//! One loop over the nodes in document order. What differs between the two is which namespaces are written: the used ones, or all.

use crate::{
    Element, XmlError,
    document::{Attr, Declaration, Document, Kind, NameId, Tag},
    ns,
};

/// Which canonical form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Canonical {
    /// Canonical XML 1.0 (inclusive) in place of Exclusive XML Canonicalization 1.0.
    pub inclusive: bool,
    /// Comments are kept.
    pub comments: bool,
    /// `InclusiveNamespaces PrefixList` of the exclusive form; `#default` for the one without prefix.
    pub prefixes: Vec<String>,
}

impl Canonical {
    /// Exclusive, without comments: what SAML asks for.
    #[must_use]
    pub const fn exclusive() -> Self {
        Self { inclusive: false, comments: false, prefixes: Vec::new() }
    }
}

/// The canonical form of `element` with everything in it.
///
/// # Errors
/// [`XmlError::Limit`] if it becomes longer than four times the document's limit: namespaces are written again for each element that
/// uses them, so a small document can have a large form.
pub fn canonicalize(element: Element<'_>, how: &Canonical) -> Result<String, XmlError> {
    write(element.document, element.node, None, None, how)
}

/// A text that is put into the canonical form at one place.
pub(crate) struct Insert<'t> {
    pub(crate) place: Place,
    pub(crate) text: &'t str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// After the start tag of this element.
    Into(u32),
    /// After the end tag of this element.
    After(u32),
}

/// The canonical form of `apex`, without the subtree `without`.
pub(crate) fn write(
    document: &Document,
    apex: u32,
    without: Option<u32>,
    insert: Option<&Insert<'_>>,
    how: &Canonical,
) -> Result<String, XmlError> {
    let listed =
        how.prefixes.iter().filter_map(|prefix| document.names.find(if prefix == "#default" { "" } else { prefix }));
    let mut writer = Writer {
        document,
        how,
        listed: listed.collect(),
        insert,
        limit: document.limits.canonical(),
        out: String::new(),
        rendered: Vec::new(),
        open: Vec::new(),
    };
    writer.run(apex, without)?;
    // An empty form has a digest, too: it must never be one that counts.
    if writer.out.is_empty() { Err(XmlError::Missing("canonical form")) } else { Ok(writer.out) }
}

struct Writer<'d> {
    document: &'d Document,
    how: &'d Canonical,
    listed: Vec<NameId>,
    insert: Option<&'d Insert<'d>>,
    limit: usize,
    out: String,
    /// Namespaces that were written in open elements, the innermost last.
    rendered: Vec<Declaration>,
    open: Vec<Open>,
}

struct Open {
    node: u32,
    end: u32,
    rendered: usize,
}

impl Writer<'_> {
    fn run(&mut self, apex: u32, without: Option<u32>) -> Result<(), XmlError> {
        let end = self.document.end(apex);
        let mut at = apex;
        while at < end {
            self.close_until(at);
            if without == Some(at) {
                at = self.document.end(at);
                continue;
            }
            let Some(node) = self.document.nodes.get(at as usize) else { break };
            match node.kind {
                Kind::Text(span) => escape_text(&mut self.out, self.document.span(span)),
                Kind::Comment(span) if self.how.comments => {
                    self.out.push_str("<!--");
                    self.out.push_str(self.document.span(span));
                    self.out.push_str("-->");
                }
                Kind::Comment(_) => {}
                Kind::Element(tag) => {
                    let rendered = self.rendered.len();
                    self.start(at, tag, at == apex);
                    self.open.push(Open { node: at, end: node.end, rendered });
                }
            }
            if self.out.len() > self.limit {
                return Err(XmlError::Limit("octets of canonical form"));
            }
            at = at.saturating_add(1);
        }
        self.close_until(end);
        Ok(())
    }

    /// Closes the elements whose subtree ends before `at`.
    fn close_until(&mut self, at: u32) {
        while let Some(open) = self.open.pop_if(|open| open.end <= at) {
            if let Some(tag) = self.document.tag(open.node) {
                self.out.push_str("</");
                self.name(tag.prefix, tag.local);
                self.out.push('>');
            }
            self.rendered.truncate(open.rendered);
            self.put_in(Place::After(open.node));
        }
    }

    fn put_in(&mut self, place: Place) {
        if let Some(insert) = self.insert.filter(|insert| insert.place == place) {
            self.out.push_str(insert.text);
        }
    }

    fn start(&mut self, node: u32, tag: Tag, is_apex: bool) {
        self.out.push('<');
        self.name(tag.prefix, tag.local);
        for declaration in self.namespaces(node, tag, is_apex) {
            self.out.push_str(" xmlns");
            if declaration.prefix != 0 {
                self.out.push(':');
                self.out.push_str(self.document.names.get(declaration.prefix));
            }
            self.out.push_str("=\"");
            escape_value(&mut self.out, self.document.names.get(declaration.uri));
            self.out.push('"');
            self.rendered.push(declaration);
        }
        for attribute in self.attributes(node, tag, is_apex) {
            self.out.push(' ');
            self.name(attribute.prefix, attribute.local);
            self.out.push_str("=\"");
            escape_value(&mut self.out, self.document.span(attribute.value));
            self.out.push('"');
        }
        self.out.push('>');
        self.put_in(Place::Into(node));
    }

    fn name(&mut self, prefix: NameId, local: NameId) {
        if prefix != 0 {
            self.out.push_str(self.document.names.get(prefix));
            self.out.push(':');
        }
        self.out.push_str(self.document.names.get(local));
    }

    /// The namespaces to write here, by prefix: those wanted whose nearest written declaration says otherwise.
    fn namespaces(&self, node: u32, tag: Tag, is_apex: bool) -> Vec<Declaration> {
        let document = self.document;
        let names = &document.names;
        let mut wanted: Vec<Declaration> = Vec::new();
        let mut want = |declaration: Declaration| {
            if !wanted.iter().any(|other| other.prefix == declaration.prefix) {
                wanted.push(declaration);
            }
        };
        if !self.how.inclusive {
            // Used visibly (Exclusive XML Canonicalization 1.0, section 1.1): by the element's name or an attribute's.
            want(Declaration { prefix: tag.prefix, uri: tag.uri });
            for attribute in document.attributes_of(tag).iter().filter(|attribute| attribute.prefix != 0) {
                want(Declaration { prefix: attribute.prefix, uri: attribute.uri });
            }
        }
        if self.how.inclusive || !self.listed.is_empty() {
            let above = document.ancestors(node).take_while(|_| is_apex);
            let tags = std::iter::once(tag).chain(above.filter_map(|node| document.tag(node)));
            for declaration in tags.flat_map(|tag| document.declarations_of(tag)) {
                if self.how.inclusive || self.listed.contains(&declaration.prefix) {
                    want(*declaration);
                }
            }
        }
        wanted.retain(|declaration| {
            if names.get(declaration.uri) == ns::XML {
                return false;
            }
            match self.rendered.iter().rev().find(|rendered| rendered.prefix == declaration.prefix) {
                Some(rendered) => rendered.uri != declaration.uri,
                None => declaration.uri != 0,
            }
        });
        wanted.sort_by(|a, b| names.get(a.prefix).cmp(names.get(b.prefix)));
        wanted
    }

    /// The attributes in their order; for the inclusive form's apex with `xml:…` of what stands around it (Canonical XML 1.0, 2.4).
    fn attributes(&self, node: u32, tag: Tag, is_apex: bool) -> Vec<Attr> {
        let document = self.document;
        let names = &document.names;
        let mut attributes = document.attributes_of(tag).to_vec();
        if self.how.inclusive && is_apex {
            for tag in document.ancestors(node).filter_map(|node| document.tag(node)) {
                for outer in document.attributes_of(tag).iter().filter(|outer| names.get(outer.uri) == ns::XML) {
                    if !attributes.iter().any(|own| own.uri == outer.uri && own.local == outer.local) {
                        attributes.push(*outer);
                    }
                }
            }
            attributes
                .sort_by(|a, b| (names.get(a.uri), names.get(a.local)).cmp(&(names.get(b.uri), names.get(b.local))));
        }
        attributes
    }
}

/// Canonical XML 1.0, 2.3: text nodes.
pub(crate) fn escape_text(out: &mut String, text: &str) {
    escape(out, text, |character| match character {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '\r' => Some("&#xD;"),
        _ => None,
    });
}

/// Canonical XML 1.0, 2.3: attribute nodes.
pub(crate) fn escape_value(out: &mut String, value: &str) {
    escape(out, value, |character| match character {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '"' => Some("&quot;"),
        '\t' => Some("&#x9;"),
        '\n' => Some("&#xA;"),
        '\r' => Some("&#xD;"),
        _ => None,
    });
}

fn escape(out: &mut String, text: &str, how: impl Fn(char) -> Option<&'static str>) {
    for character in text.chars() {
        match how(character) {
            Some(escaped) => out.push_str(escaped),
            None => out.push(character),
        }
    }
}
