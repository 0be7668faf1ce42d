//! The one parser. It reads each octet once, keeps its own stack, and asks the limits before it keeps anything.

mod cursor;
mod names;
mod tag;
mod text;

use std::collections::HashMap;

use crate::{
    Limits, XmlError,
    document::{Declaration, Document, Kind, NameId, Names, Node, Tag},
};
use cursor::Cursor;
pub(crate) use names::is_character;

/// Parses a whole document. `inherited` are namespaces (prefix, name) in force around it: what was encrypted may count on them.
pub(crate) fn document(octets: &[u8], limits: &Limits, inherited: &[(String, String)]) -> Result<Document, XmlError> {
    if octets.len() > limits.bytes || u32::try_from(octets.len()).is_err() {
        return Err(XmlError::Limit("octets"));
    }
    let source = std::str::from_utf8(octets).map_err(|_| XmlError::NotUtf8)?;
    // The mark that some senders' editors put before UTF-8 (XML 1.0, appendix F); one is allowed, at the very start.
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let mut parser = Parser::new(Cursor::new(source), limits);
    parser.inherit(inherited)?;
    parser.run()?;
    Ok(parser.document)
}

pub(crate) struct Parser<'s> {
    cursor: Cursor<'s>,
    limits: Limits,
    document: Document,
    /// Declarations in force, the innermost last.
    scope: Vec<Declaration>,
    open: Vec<Open<'s>>,
    /// How many of `scope` came from outside; the root takes them as its own.
    inherited: usize,
    elements: usize,
    xml: NameId,
}

struct Open<'s> {
    node: u32,
    /// The name as it was written, which the end tag must repeat.
    written: &'s str,
    scope: usize,
}

impl<'s> Parser<'s> {
    fn new(cursor: Cursor<'s>, limits: &Limits) -> Self {
        let mut names = Names::new();
        let xml = names.intern("xml");
        names.intern(crate::ns::XML);
        let document = Document {
            names,
            text: String::new(),
            nodes: Vec::new(),
            attributes: Vec::new(),
            declarations: Vec::new(),
            ids: HashMap::new(),
            limits: *limits,
        };
        Self { cursor, limits: *limits, document, scope: Vec::new(), open: Vec::new(), inherited: 0, elements: 0, xml }
    }

    fn inherit(&mut self, inherited: &[(String, String)]) -> Result<(), XmlError> {
        for (prefix, uri) in inherited {
            let declaration =
                Declaration { prefix: self.document.names.intern(prefix), uri: self.document.names.intern(uri) };
            self.bind(declaration)?;
        }
        self.inherited = self.scope.len();
        Ok(())
    }

    fn bind(&mut self, declaration: Declaration) -> Result<(), XmlError> {
        if self.scope.len() >= self.limits.namespaces {
            return Err(XmlError::Limit("namespaces"));
        }
        self.scope.push(declaration);
        Ok(())
    }

    fn run(&mut self) -> Result<(), XmlError> {
        self.xml_declaration()?;
        self.outside()?;
        if !self.cursor.starts_with("<") {
            return Err(XmlError::Syntax("a root element"));
        }
        self.start_tag()?;
        while !self.open.is_empty() {
            self.content()?;
        }
        self.outside()?;
        if self.cursor.is_at_end() { Ok(()) } else { Err(XmlError::Syntax("nothing after the root element")) }
    }

    /// One piece of what stands in an element.
    fn content(&mut self) -> Result<(), XmlError> {
        if !self.cursor.starts_with("<") {
            return self.character_data();
        }
        if self.cursor.starts_with("</") {
            return self.end_tag();
        }
        if let Some(span) = self.special()? {
            return self.add(Kind::Comment(span)).map(drop);
        }
        self.start_tag()
    }

    /// White space and comments before and after the root.
    fn outside(&mut self) -> Result<(), XmlError> {
        loop {
            self.cursor.skip_space();
            if self.special()?.is_none() {
                return Ok(());
            }
        }
    }

    /// What begins with `<!` or `<?`: a comment's text if comments may be here, else the reason of the refusal. Nothing if it
    /// isn't there.
    fn special(&mut self) -> Result<Option<(u32, u32)>, XmlError> {
        if self.cursor.starts_with("<?") {
            return Err(XmlError::ProcessingInstruction);
        }
        if !self.cursor.starts_with("<!") {
            return Ok(None);
        }
        if self.cursor.starts_with("<![CDATA[") {
            return Err(XmlError::Cdata);
        }
        if !self.cursor.eat("<!--") {
            return Err(XmlError::Dtd);
        }
        if !self.limits.comments {
            return Err(XmlError::Comment);
        }
        self.comment().map(Some)
    }

    /// `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`, whose second and third part may be missing.
    fn xml_declaration(&mut self) -> Result<(), XmlError> {
        const BAD: XmlError = XmlError::Syntax("an XML declaration");
        if !self.cursor.starts_with("<?xml ")
            && !self.cursor.starts_with("<?xml\t")
            && !self.cursor.starts_with("<?xml\r")
            && !self.cursor.starts_with("<?xml\n")
        {
            return Ok(());
        }
        self.cursor.eat("<?xml");
        let mut parts = Vec::with_capacity(3);
        loop {
            let spaced = self.cursor.skip_space();
            if self.cursor.eat("?>") {
                break;
            }
            if !spaced || parts.len() == 3 {
                return Err(BAD);
            }
            let name = self.cursor.take_while(|character| character.is_ascii_lowercase());
            self.cursor.skip_space();
            if !self.cursor.eat("=") {
                return Err(BAD);
            }
            self.cursor.skip_space();
            let quote = self.cursor.quote().ok_or(BAD)?;
            let value = self.cursor.take_while(|character| character != quote && character != '<' && character != '>');
            if self.cursor.next() != Some(quote) {
                return Err(BAD);
            }
            parts.push((name, value));
        }
        let mut parts = parts.into_iter().peekable();
        if parts.next() != Some(("version", "1.0")) {
            return Err(BAD);
        }
        if let Some((_, encoding)) = parts.next_if(|(name, _)| *name == "encoding")
            && !encoding.eq_ignore_ascii_case("utf-8")
            && !encoding.eq_ignore_ascii_case("us-ascii")
        {
            return Err(XmlError::NotUtf8);
        }
        parts.next_if(|(name, value)| *name == "standalone" && matches!(*value, "yes" | "no"));
        if parts.next().is_some() { Err(BAD) } else { Ok(()) }
    }

    fn end_tag(&mut self) -> Result<(), XmlError> {
        const BAD: XmlError = XmlError::Syntax("the end tag of the open element");
        self.cursor.eat("</");
        let open = self.open.pop().ok_or(BAD)?;
        if !self.cursor.eat(open.written) {
            return Err(BAD);
        }
        self.cursor.skip_space();
        // A longer name would go on here.
        if !self.cursor.eat(">") {
            return Err(BAD);
        }
        self.close(&open);
        Ok(())
    }

    fn close(&mut self, open: &Open<'_>) {
        self.scope.truncate(open.scope);
        let end = self.next_node();
        if let Some(node) = self.document.nodes.get_mut(open.node as usize) {
            node.end = end;
        }
    }

    fn next_node(&self) -> u32 {
        u32::try_from(self.document.nodes.len()).unwrap_or(u32::MAX)
    }

    /// Appends a node under the innermost open element.
    fn add(&mut self, kind: Kind) -> Result<u32, XmlError> {
        let node = self.next_node();
        let parent = self.open.last().map_or(node, |open| open.node);
        self.document.nodes.push(Node { parent, end: node.saturating_add(1), kind });
        Ok(node)
    }

    /// Opens (or, if it is empty, opens and closes) the element of a tag.
    fn enter(&mut self, tag: Tag, written: &'s str, scope: usize, is_empty: bool) -> Result<u32, XmlError> {
        let node = self.add(Kind::Element(tag))?;
        let open = Open { node, written, scope };
        if is_empty {
            self.close(&open);
        } else {
            self.open.push(open);
        }
        Ok(node)
    }
}
