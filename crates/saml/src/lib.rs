//! The door for applications that speak SAML 2.0.
