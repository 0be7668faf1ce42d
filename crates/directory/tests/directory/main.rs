//! The directory on a real store: what is refused, what is sealed, whose it is, and who wins.

mod applications;
mod devices;
mod logged;
mod people;
mod sealed;
mod support;
mod tenants;
