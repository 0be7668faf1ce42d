//! Why a document was refused.

/// Why a document was refused. None of the texts repeats what the document says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum XmlError {
    /// More octets, depth, elements, attributes, namespaces or text than the [`Limits`](crate::Limits) allow.
    #[error("the document is over the limit of {0}")]
    Limit(&'static str),
    /// Not UTF-8 (XML 1.0 allows more; senders of SAML use nothing else).
    #[error("the document is not UTF-8")]
    NotUtf8,
    /// A document type declaration: the door of entities, bombs and external files.
    #[error("the document has a DTD")]
    Dtd,
    /// An entity that XML doesn't bring along.
    #[error("the document uses an entity")]
    Entity,
    /// A processing instruction.
    #[error("the document has a processing instruction")]
    ProcessingInstruction,
    /// A comment, where comments aren't allowed.
    #[error("the document has a comment")]
    Comment,
    /// A CDATA section: two ways to write a text are one too many.
    #[error("the document has a CDATA section")]
    Cdata,
    /// A character that XML 1.0 doesn't allow (section 2.2), or a reference to one.
    #[error("the document has a character that XML doesn't allow")]
    Character,
    /// Not well-formed; what was expected.
    #[error("the document is not well-formed: {0}")]
    Syntax(&'static str),
    /// Against "Namespaces in XML 1.0"; what was wrong.
    #[error("the document's namespaces are wrong: {0}")]
    Namespace(&'static str),
    /// An element has an attribute twice, by name or by namespace and local name.
    #[error("an element has the same attribute twice")]
    DuplicateAttribute,
    /// Two elements have the same id.
    #[error("two elements have the same id")]
    DuplicateId,
    /// An element was asked for that isn't there.
    #[error("the element {0} is missing")]
    Missing(&'static str),
    /// An element was asked for that is there more than once.
    #[error("the element {0} is there more than once")]
    Repeated(&'static str),
    /// The text of an element was asked for that has elements or comments in it.
    #[error("the element holds more than text")]
    NotPlainText,
    /// Base64 was expected.
    #[error("not base64")]
    Base64,
    /// Not a DEFLATE stream, or one that goes on after its end.
    #[error("not a DEFLATE stream")]
    Deflate,
}
