//! Start tags: attributes, namespace declarations, ids.

use super::{Parser, names::QName};
use crate::{
    XmlError,
    document::{Attr, Declaration, NameId, Span, Tag},
    ns,
};

impl<'s> Parser<'s> {
    pub(super) fn start_tag(&mut self) -> Result<(), XmlError> {
        if self.open.len() >= self.limits.depth {
            return Err(XmlError::Limit("depth"));
        }
        if self.elements >= self.limits.elements {
            return Err(XmlError::Limit("elements"));
        }
        self.elements = self.elements.saturating_add(1);
        self.cursor.eat("<");
        let name = self.qualified_name()?;
        let scope = if self.open.is_empty() { 0 } else { self.scope.len() };
        let declared_from = self.document.declarations.len();
        let written = self.attributes()?;
        let is_empty = self.cursor.eat("/");
        if !self.cursor.eat(">") {
            return Err(XmlError::Syntax("the end of a tag"));
        }
        if self.open.is_empty() {
            self.adopt_inherited(declared_from);
        }
        let declarations = span(declared_from, self.document.declarations.len());
        let attributes = self.resolve(&written)?;
        let tag = Tag {
            prefix: self.document.names.intern(name.prefix),
            local: self.document.names.intern(name.local),
            uri: self.namespace_of(name.prefix)?,
            attributes,
            declarations,
        };
        let node = self.enter(tag, name.written, scope, is_empty)?;
        self.keep_ids(attributes, node)
    }

    /// Attributes as written; declarations among them take effect at once, also for what stood before them.
    fn attributes(&mut self) -> Result<Vec<(QName<'s>, Span)>, XmlError> {
        let mut written: Vec<(QName<'s>, Span)> = Vec::new();
        let declared_from = self.document.declarations.len();
        let mut count = 0_usize;
        loop {
            let spaced = self.cursor.skip_space();
            if matches!(self.cursor.peek(), Some('>' | '/') | None) {
                return Ok(written);
            }
            if !spaced {
                return Err(XmlError::Syntax("white space between attributes"));
            }
            if count >= self.limits.attributes {
                return Err(XmlError::Limit("attributes"));
            }
            count = count.saturating_add(1);
            let name = self.qualified_name()?;
            self.cursor.skip_space();
            if !self.cursor.eat("=") {
                return Err(XmlError::Syntax("an attribute's value"));
            }
            self.cursor.skip_space();
            let value = self.attribute_value()?;
            if name.written == "xmlns" {
                self.declare("", value, declared_from)?;
            } else if name.prefix == "xmlns" {
                self.declare(name.local, value, declared_from)?;
            } else {
                written.push((name, value));
            }
        }
    }

    /// Namespaces in XML 1.0, section 3 and 5.
    fn declare(&mut self, prefix: &str, value: Span, declared_from: usize) -> Result<(), XmlError> {
        let uri = self.document.span(value).to_owned();
        // The value's place in the text is given back: it is kept as a name.
        self.document.text.truncate(value.0 as usize);
        if uri.len() > self.limits.name {
            return Err(XmlError::Limit("octets in a namespace"));
        }
        if prefix == "xmlns" || uri == ns::XMLNS {
            return Err(XmlError::Namespace("xmlns can't be declared"));
        }
        if (prefix == "xml") != (uri == ns::XML) {
            return Err(XmlError::Namespace("xml means one namespace only"));
        }
        if uri.is_empty() && !prefix.is_empty() {
            return Err(XmlError::Namespace("a prefix can't be taken back"));
        }
        // Canonical XML 1.0, section 2.1: relative ones must be refused.
        if !uri.is_empty() && !uri.contains(':') {
            return Err(XmlError::Namespace("a namespace is an absolute URI"));
        }
        let declaration =
            Declaration { prefix: self.document.names.intern(prefix), uri: self.document.names.intern(&uri) };
        let own = self.document.declarations.get(declared_from..).unwrap_or(&[]);
        if own.iter().any(|other| other.prefix == declaration.prefix) {
            return Err(XmlError::DuplicateAttribute);
        }
        if prefix == "xml" {
            return Ok(());
        }
        self.document.declarations.push(declaration);
        self.bind(declaration)
    }

    /// The root takes what was in force around the document as its own, unless it says otherwise.
    fn adopt_inherited(&mut self, declared_from: usize) {
        let own: Vec<NameId> =
            self.document.declarations.get(declared_from..).unwrap_or(&[]).iter().map(|own| own.prefix).collect();
        for declaration in self.scope.get(..self.inherited).unwrap_or(&[]) {
            if !own.contains(&declaration.prefix) {
                self.document.declarations.push(*declaration);
            }
        }
    }

    fn namespace_of(&self, prefix: &str) -> Result<NameId, XmlError> {
        const UNBOUND: XmlError = XmlError::Namespace("a prefix without a namespace");
        if prefix == "xml" {
            return self.document.names.find(ns::XML).ok_or(UNBOUND);
        }
        let bound = self
            .document
            .names
            .find(prefix)
            .and_then(|prefix| self.scope.iter().rev().find(|declaration| declaration.prefix == prefix));
        match bound {
            Some(declaration) => Ok(declaration.uri),
            None if prefix.is_empty() => Ok(0),
            None => Err(UNBOUND),
        }
    }

    /// Gives the attributes their namespaces, and puts them into the order of canonical form: equal ones become neighbours.
    fn resolve(&mut self, written: &[(QName<'s>, Span)]) -> Result<Span, XmlError> {
        let mut resolved = Vec::with_capacity(written.len());
        for (name, value) in written {
            let uri = if name.prefix.is_empty() { 0 } else { self.namespace_of(name.prefix)? };
            let names = &mut self.document.names;
            resolved.push(Attr {
                prefix: names.intern(name.prefix),
                local: names.intern(name.local),
                uri,
                value: *value,
            });
        }
        let names = &self.document.names;
        resolved.sort_by(|a, b| (names.get(a.uri), names.get(a.local)).cmp(&(names.get(b.uri), names.get(b.local))));
        let same = |pair: &[Attr]| matches!(pair, [a, b] if a.uri == b.uri && a.local == b.local);
        if resolved.windows(2).any(same) {
            return Err(XmlError::DuplicateAttribute);
        }
        let from = self.document.attributes.len();
        self.document.attributes.append(&mut resolved);
        Ok(span(from, self.document.attributes.len()))
    }

    /// Each id once in the document, whatever the attribute is called.
    fn keep_ids(&mut self, attributes: Span, node: u32) -> Result<(), XmlError> {
        let document = &mut self.document;
        for attribute in document.attributes.get(attributes.0 as usize..attributes.1 as usize).unwrap_or(&[]) {
            let local = document.names.get(attribute.local);
            let is_id = match attribute.uri {
                0 => matches!(local, "ID" | "Id" | "id"),
                _ => attribute.prefix == self.xml && local == "id",
            };
            if !is_id {
                continue;
            }
            let (start, end) = attribute.value;
            let id = document.text.get(start as usize..end as usize).unwrap_or("").to_owned();
            if document.ids.insert(id, node).is_some() {
                return Err(XmlError::DuplicateId);
            }
        }
        Ok(())
    }
}

fn span(from: usize, to: usize) -> Span {
    (u32::try_from(from).unwrap_or(u32::MAX), u32::try_from(to).unwrap_or(u32::MAX))
}
