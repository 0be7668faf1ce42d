//! The names of SAML 2.0 that are written and read here, beside the namespaces, which are [`xmlsig::ns`].

/// Messages in the address, packed (saml-bindings §3.4).
pub(crate) const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
/// Messages in a form (saml-bindings §3.5).
pub(crate) const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

/// Messages from server to server (saml-bindings §3.2).
pub(crate) const SOAP: &str = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP";

/// Who may confirm an assertion: whoever brings it (saml-profiles §3.3).
pub(crate) const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
/// The subject's name is an entity's (saml-core §8.3.6).
pub(crate) const ENTITY: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity";
/// A name of an attribute that is a URI (saml-core §8.2.2).
pub(crate) const ATTRIBUTE_URI: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri";
/// A name of an attribute that is a word (saml-core §8.2.3).
pub(crate) const ATTRIBUTE_BASIC: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic";
/// The person wants to sign out (saml-core §3.7.3).
pub(crate) const USER_LOGOUT: &str = "urn:oasis:names:tc:SAML:2.0:logout:user";
