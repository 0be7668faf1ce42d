//! XML that strangers send: one parser with limits, canonical form, signatures, encryption. What was verified is the only thing
//! that can be believed.
//!
//! - [`Document::parse`] reads octets within [`Limits`]. What it gives is *unverified*: structure that anybody may have written.
//! - [`verify`] takes an element of such a document and the keys of who should have signed it, and gives [`Verified`]: a new
//!   document, parsed by the same parser from the very canonical octets whose digest was signed. Nothing that stood around the
//!   element, and no other element with its id, can be reached from there. [`redirect::Message::verify`] does it for the
//!   HTTP-Redirect binding.
//! - [`Xml`] builds elements whose values are escaped because there is no other way to put them in; [`sign`] and [`encrypt`] take
//!   and give the finished form, [`Fragment`].
//! - [`decrypt`] gives an unverified document again, [`Verified::decrypt`] a verified one.
//!
//! It never opens a socket or a file, never reads a DTD, an entity, or a processing instruction, never trusts a key that stands in
//! the document (`KeyInfo` isn't looked at), never decides what a claim means. Nothing recurses, and the work grows with the size of
//! what came.
//!
//! To add a signature or digest algorithm: a line in `algorithm.rs`. To add a content cipher: a variant of [`ContentCipher`] and its
//! arms in `encryption/`. To add a demand on documents: `parse/`, with a field of [`Limits`] when it is a number; each refusal has
//! its own [`XmlError`] and a test in `tests/xmlsig/hostile.rs`.

mod algorithm;
mod base64;
mod canonical;
mod document;
mod encryption;
mod error;
mod key;
mod limits;
mod parse;
pub mod post;
pub mod redirect;
mod sign;
mod verify;
mod write;

pub use canonical::{Canonical, canonicalize};
pub use document::{Attribute, Document, Element};
pub use encryption::{ContentCipher, DecryptionKey, EncryptionError, KeyTransport, decrypt, encrypt};
pub use error::XmlError;
pub use key::{KeyError, PublicKey, SigningKey};
pub use limits::Limits;
pub use sign::{SignError, sign, sign_with};
pub use verify::{Accept, SignatureError, Verified, is_signed, verify};
pub use write::{Fragment, Prefixes, Xml};

/// Namespaces, as their specifications name them.
pub mod ns {
    /// SAML 2.0 assertions (saml-core-2.0-os, 1.1).
    pub const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
    /// SAML 2.0 protocol (saml-core-2.0-os, 1.1).
    pub const SAMLP: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
    /// SAML 2.0 metadata (saml-metadata-2.0-os, 1.1).
    pub const MD: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
    /// XML Signature (xmldsig-core, 1.3).
    pub const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
    /// XML Encryption (xmlenc-core, 1.3).
    pub const XENC: &str = "http://www.w3.org/2001/04/xmlenc#";
    /// XML Encryption 1.1 (xmlenc-core1, 1.3).
    pub const XENC11: &str = "http://www.w3.org/2009/xmlenc11#";
    /// The namespace that `xml` always means.
    pub const XML: &str = "http://www.w3.org/XML/1998/namespace";
    /// The namespace that `xmlns` always means.
    pub const XMLNS: &str = "http://www.w3.org/2000/xmlns/";
}

/// What the fuzzers call, and tests that make keys without certificates.
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::key::from_spki;
}
