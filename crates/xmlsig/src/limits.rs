//! How much of a document is looked at.

/// How much of a document is looked at. Each number is checked before what it limits is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Octets of the document. Canonical form may take four times as many: it writes namespaces again.
    pub bytes: usize,
    /// Elements inside each other; the root is 1.
    pub depth: usize,
    /// Elements in all.
    pub elements: usize,
    /// Attributes of one element, with its namespace declarations.
    pub attributes: usize,
    /// Namespace declarations in force at one place.
    pub namespaces: usize,
    /// Octets of one run of text or one attribute's value.
    pub text: usize,
    /// Octets of a name, a prefix or a namespace.
    pub name: usize,
    /// Whether comments may stand there. They never belong to a text: what has one inside can't be read as text.
    pub comments: bool,
}

impl Limits {
    /// A protocol message: 256 KiB, 32 deep, no comments.
    pub const MESSAGE: Self = Self {
        bytes: 256 * 1024,
        depth: 32,
        elements: 8_192,
        attributes: 64,
        namespaces: 64,
        text: 256 * 1024,
        name: 1_024,
        comments: false,
    };
    /// The metadata of one or a few providers: 2 MiB, comments allowed.
    pub const METADATA: Self =
        Self { bytes: 2 * 1024 * 1024, elements: 65_536, text: 1024 * 1024, comments: true, ..Self::MESSAGE };

    /// Octets that the canonical form of such a document may have.
    pub(crate) const fn canonical(&self) -> usize {
        self.bytes.saturating_mul(4)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::MESSAGE
    }
}
