//! What both rooms of this door share: the tenant's place, parameters, errors, headers and the few pages.

pub(crate) mod error;
pub(crate) mod headers;
pub(crate) mod page;
pub(crate) mod params;
pub(crate) mod place;
