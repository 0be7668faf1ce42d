//! A parsed document: elements in document order, each with the end of its subtree.
//!
//! The nodes keep names as numbers and texts as ranges of one buffer; they don't refer to the source. Node `i`'s subtree is
//! `i..end(i)`, so every walk is a loop.

use std::{collections::HashMap, fmt};

use crate::{Limits, XmlError};

/// A parsed document that nobody has verified.
///
/// Reading from it is reading what anybody may have written: enough to find out who claims to have sent it and to refuse it, and all
/// there is where the protocol doesn't ask for signatures.
pub struct Document {
    pub(crate) names: Names,
    pub(crate) text: String,
    pub(crate) nodes: Vec<Node>,
    pub(crate) attributes: Vec<Attr>,
    pub(crate) declarations: Vec<Declaration>,
    pub(crate) ids: HashMap<String, u32>,
    pub(crate) limits: Limits,
}

/// A name's number; 0 is the empty one.
pub(crate) type NameId = u32;
/// A range of the document's text.
pub(crate) type Span = (u32, u32);

pub(crate) struct Node {
    /// The root's is its own number.
    pub(crate) parent: u32,
    /// One past the last node of the subtree.
    pub(crate) end: u32,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Element(Tag),
    Text(Span),
    Comment(Span),
}

#[derive(Clone, Copy)]
pub(crate) struct Tag {
    pub(crate) prefix: NameId,
    pub(crate) local: NameId,
    pub(crate) uri: NameId,
    /// Range of `attributes`, sorted by namespace and local name as canonical form asks.
    pub(crate) attributes: Span,
    /// Range of `declarations`.
    pub(crate) declarations: Span,
}

#[derive(Clone, Copy)]
pub(crate) struct Attr {
    pub(crate) prefix: NameId,
    pub(crate) local: NameId,
    pub(crate) uri: NameId,
    pub(crate) value: Span,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Declaration {
    pub(crate) prefix: NameId,
    pub(crate) uri: NameId,
}

/// Each name once.
pub(crate) struct Names {
    list: Vec<Box<str>>,
    index: HashMap<Box<str>, NameId>,
}

impl Names {
    pub(crate) fn new() -> Self {
        let mut names = Self { list: Vec::new(), index: HashMap::new() };
        names.intern("");
        names
    }

    pub(crate) fn intern(&mut self, name: &str) -> NameId {
        if let Some(id) = self.index.get(name) {
            return *id;
        }
        let id = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        self.list.push(name.into());
        self.index.insert(name.into(), id);
        id
    }

    pub(crate) fn get(&self, id: NameId) -> &str {
        self.list.get(id as usize).map_or("", |name| name)
    }

    pub(crate) fn find(&self, name: &str) -> Option<NameId> {
        self.index.get(name).copied()
    }
}

impl Document {
    /// Parses `octets`: UTF-8, one root, no DTD, within `limits`.
    ///
    /// # Errors
    /// Any [`XmlError`] of the parser; the first that is found.
    pub fn parse(octets: &[u8], limits: &Limits) -> Result<Self, XmlError> {
        crate::parse::document(octets, limits, &[])
    }

    /// The root, unverified.
    #[must_use]
    pub const fn root(&self) -> Element<'_> {
        Element { document: self, node: 0 }
    }

    /// The one element with this id (an attribute `ID`, `Id`, `id` or `xml:id`), unverified.
    #[must_use]
    pub fn element_by_id(&self, id: &str) -> Option<Element<'_>> {
        self.ids.get(id).map(|node| Element { document: self, node: *node })
    }

    /// The limits that it was parsed within.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn span(&self, span: Span) -> &str {
        self.text.get(span.0 as usize..span.1 as usize).unwrap_or("")
    }

    pub(crate) fn tag(&self, node: u32) -> Option<Tag> {
        match self.nodes.get(node as usize)?.kind {
            Kind::Element(tag) => Some(tag),
            Kind::Text(_) | Kind::Comment(_) => None,
        }
    }

    pub(crate) fn end(&self, node: u32) -> u32 {
        self.nodes.get(node as usize).map_or(u32::MAX, |node| node.end)
    }

    pub(crate) fn attributes_of(&self, tag: Tag) -> &[Attr] {
        self.attributes.get(tag.attributes.0 as usize..tag.attributes.1 as usize).unwrap_or(&[])
    }

    pub(crate) fn declarations_of(&self, tag: Tag) -> &[Declaration] {
        self.declarations.get(tag.declarations.0 as usize..tag.declarations.1 as usize).unwrap_or(&[])
    }

    /// The nodes from `node`'s parent up to the root.
    pub(crate) fn ancestors(&self, node: u32) -> impl Iterator<Item = u32> {
        let mut at = node;
        std::iter::from_fn(move || {
            let parent = self.nodes.get(at as usize)?.parent;
            if parent == at {
                return None;
            }
            at = parent;
            Some(parent)
        })
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What it says may be somebody's name, or have been encrypted.
        write!(f, "Document({} nodes)", self.nodes.len())
    }
}

/// An element. Whether it was verified is a matter of what it was taken from: [`Document`] or [`Verified`](crate::Verified).
#[derive(Clone, Copy)]
pub struct Element<'d> {
    pub(crate) document: &'d Document,
    pub(crate) node: u32,
}

/// An attribute of an element; namespace declarations aren't among them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Attribute<'d> {
    /// Its namespace; empty for one without prefix.
    pub namespace: &'d str,
    /// Its local name.
    pub name: &'d str,
    /// Its value, with references resolved and white space normalised (XML 1.0, 3.3.3).
    pub value: &'d str,
}

impl<'d> Element<'d> {
    /// Local name.
    #[must_use]
    pub fn name(&self) -> &'d str {
        self.document.tag(self.node).map_or("", |tag| self.document.names.get(tag.local))
    }

    /// Namespace; empty when it has none.
    #[must_use]
    pub fn namespace(&self) -> &'d str {
        self.document.tag(self.node).map_or("", |tag| self.document.names.get(tag.uri))
    }

    /// Whether it is this element of this namespace.
    #[must_use]
    pub fn is(&self, namespace: &str, name: &str) -> bool {
        self.name() == name && self.namespace() == namespace
    }

    /// The value of the attribute `name` that has no prefix.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&'d str> {
        self.attribute_of("", name)
    }

    /// The value of the attribute `name` of `namespace`.
    #[must_use]
    pub fn attribute_of(&self, namespace: &str, name: &str) -> Option<&'d str> {
        self.attributes()
            .find(|attribute| attribute.name == name && attribute.namespace == namespace)
            .map(|attribute| attribute.value)
    }

    /// Its attributes.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'d>> + use<'d> {
        let document = self.document;
        let list = document.tag(self.node).map_or(&[][..], |tag| document.attributes_of(tag));
        list.iter().map(move |attribute| Attribute {
            namespace: document.names.get(attribute.uri),
            name: document.names.get(attribute.local),
            value: document.span(attribute.value),
        })
    }

    /// Its child elements, in order.
    pub fn children(&self) -> impl Iterator<Item = Self> + use<'d> {
        let document = self.document;
        self.child_nodes().filter(move |node| document.tag(*node).is_some()).map(move |node| Element { document, node })
    }

    /// Its child elements of this name, in order.
    pub fn children_of<'n>(&self, namespace: &'n str, name: &'n str) -> impl Iterator<Item = Self> + use<'d, 'n> {
        self.children().filter(move |child| child.is(namespace, name))
    }

    /// Its child element of this name, if there is one.
    ///
    /// # Errors
    /// [`XmlError::Repeated`] if there is more than one: which would be meant?
    pub fn child(&self, namespace: &str, name: &'static str) -> Result<Option<Self>, XmlError> {
        let mut found = self.children_of(namespace, name);
        let first = found.next();
        if found.next().is_some() { Err(XmlError::Repeated(name)) } else { Ok(first) }
    }

    /// Its only child element of this name.
    ///
    /// # Errors
    /// [`XmlError::Missing`], [`XmlError::Repeated`].
    pub fn only(&self, namespace: &str, name: &'static str) -> Result<Self, XmlError> {
        self.child(namespace, name)?.ok_or(XmlError::Missing(name))
    }

    /// Its whole text, white space kept; empty for an empty element.
    ///
    /// # Errors
    /// [`XmlError::NotPlainText`] if anything else stands in it: half a text is never told.
    pub fn text(&self) -> Result<&'d str, XmlError> {
        let mut children = self.child_nodes();
        let Some(first) = children.next() else { return Ok("") };
        let kind = self.document.nodes.get(first as usize).map(|node| node.kind);
        match (kind, children.next()) {
            (Some(Kind::Text(span)), None) => Ok(self.document.span(span)),
            _ => Err(XmlError::NotPlainText),
        }
    }

    /// The octets that its text encodes in base64, white space skipped.
    ///
    /// # Errors
    /// [`XmlError::NotPlainText`], [`XmlError::Base64`].
    pub fn base64(&self) -> Result<Vec<u8>, XmlError> {
        crate::base64::decode(self.text()?)
    }

    /// The element that it stands in.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let document = self.document;
        document.ancestors(self.node).next().map(|node| Element { document, node })
    }

    /// All elements of its subtree, itself first, in document order.
    pub fn descendants(&self) -> impl Iterator<Item = Self> + use<'d> {
        let document = self.document;
        (self.node..document.end(self.node))
            .filter(move |node| document.tag(*node).is_some())
            .map(move |node| Element { document, node })
    }

    /// The namespace that `prefix` means here (the empty one: the default); nothing if none. For names in values, as `xsi:type`.
    #[must_use]
    pub fn namespace_of(&self, prefix: &str) -> Option<&'d str> {
        if prefix == "xml" {
            return Some(crate::ns::XML);
        }
        let document = self.document;
        let prefix = document.names.find(prefix)?;
        std::iter::once(self.node)
            .chain(document.ancestors(self.node))
            .filter_map(|node| document.tag(node))
            .find_map(|tag| document.declarations_of(tag).iter().find(|declaration| declaration.prefix == prefix))
            .map(|declaration| document.names.get(declaration.uri))
            .filter(|uri| !uri.is_empty())
    }

    pub(crate) fn child_nodes(&self) -> impl Iterator<Item = u32> + use<'d> {
        let document = self.document;
        let end = document.end(self.node);
        let mut at = self.node.saturating_add(1);
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let node = at;
            at = document.end(node);
            Some(node)
        })
    }
}

impl fmt::Debug for Element<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Element({})", self.name())
    }
}
