//! The directory on a real store: what is refused, what is sealed, whose it is, and who wins.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy knows the tests here, but not the functions that they share"
)]

mod applications;
mod devices;
mod four_eyes;
mod granted;
mod logged;
mod parsers;
mod passkeys;
mod people;
mod sealed;
mod support;
mod tenants;
