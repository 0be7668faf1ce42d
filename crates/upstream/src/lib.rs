//! Ways to ask others who somebody is: a SAML provider, an OpenID provider, a directory.
//!
//! - [`saml`]: this house as service provider. [`saml::Service::start`] makes the request, [`saml::Service::receive`] judges the answer.
//! - [`oidc`]: this house as relying party. [`oidc::Upstream::start`] and [`oidc::Upstream::finish`].
//! - [`ldap`]: [`ldap::Directory::authenticate`] binds with a person's password, [`ldap::Directory::find`] looks somebody up.
//!
//! Each gives a type that nothing else makes ([`saml::Identity`], [`oidc::Identity`], [`ldap::Entry`] of an
//! [`ldap::Outcome::Allowed`]), and only after everything was checked. Time, chance and the way to the network ([`Fetch`]) are
//! parameters.
//!
//! This crate knows no tenants and keeps nothing that must survive: the caller binds what `start` gives to one browser, uses it once,
//! and remembers an assertion's id until it expires. It decides nothing: whose account an identity is, and whether it is enough, is
//! for the floors above. No password, token or name stands in an error.
//!
//! To add another kind of provider: a module with a client, its error, and a type for what was verified; what it fetches goes through
//! [`Fetch`] and is kept by [`Kept`].

mod fetch;
mod kept;
pub mod ldap;
pub mod oidc;
pub mod saml;

pub use fetch::{Fetch, Fetching, check_address};
pub use kept::{Kept, Loaded};
